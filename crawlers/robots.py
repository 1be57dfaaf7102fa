"""robots.txt, as RFC 9309 has it: asked once a crawl for each host, before anything else there.

An answer of 2xx holds; 4xx means there are no rules; 5xx, 429 or none at all means that everything is disallowed
until it answers. It is read to `ROBOTS_MAX_BYTES`.
"""

import asyncio
import functools
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from protego import Protego
from scrapy import Request
from scrapy.exceptions import IgnoreRequest
from scrapy.http import Response
from scrapy.http.request import NO_CALLBACK

from crawlers.context import context_of
from crawlers.discovery import sitemaps_in_robots
from crawlers.failures import RobotsRefused, Stopped, Unreachable, loss_of, status_words

if TYPE_CHECKING:
    from typing import Self

    from scrapy.crawler import Crawler

AGENT = "bilateral"  # the product token that rules may name
LARGE_CHARACTERS = 50_000  # of a robots.txt whose rules are not kept in memory; half a megabyte takes 17 MB

_large_rules = functools.lru_cache(maxsize=2)(Protego.parse)


class Rules:
    """What one host allows. ``failure`` says why its rules could not be had; then nothing is allowed."""

    def __init__(self, text: str = "", *, failure: str = "") -> None:
        self.failure = failure
        self.sitemaps = "\n".join(f"Sitemap: {url}" for url in sitemaps_in_robots(text))
        self._text = text if len(text) > LARGE_CHARACTERS else ""
        self._rules = None if self._text else Protego.parse(text)

    @property
    def protego(self) -> Protego:
        """The rules."""
        return self._rules or _large_rules(self._text)

    @property
    def delay(self) -> float:
        """Seconds it asks for between two requests."""
        delay: float | None = self.protego.crawl_delay(AGENT)
        return delay or 0.0


class RobotsMiddleware:
    """Asks robots.txt before the first request to a host, and refuses what it disallows."""

    def __init__(self, crawler: "Crawler") -> None:
        self.crawler = crawler
        self.max_bytes = crawler.settings.getint("ROBOTS_MAX_BYTES")
        self.rules: dict[str, asyncio.Future[Rules]] = {}

    @classmethod
    def from_crawler(cls, crawler: "Crawler") -> "Self":
        """Wire it to the crawl."""
        return cls(crawler)

    async def process_request(self, request: Request) -> None:
        """Refuse what the host disallows."""
        if request.meta["kind"] == "robots":
            return
        rules = await self.rules_for(request)
        if rules.failure:
            raise Unreachable(
                f"robots.txt cannot be read ({rules.failure}): nothing is asked there until it answers"
            )
        if rules.delay > context_of(self.crawler).outlet_seconds:
            raise Unreachable(
                f"robots.txt asks for {rules.delay:,.0f} seconds between two requests: more than one crawl has"
            )
        if not rules.protego.can_fetch(request.url, AGENT):
            raise RobotsRefused("robots.txt forbids it")

    async def rules_for(self, request: Request) -> Rules:
        """Return the rules of the request's host, asked for where they are not known yet."""
        parts = urlsplit(request.url)
        origin = f"{parts.scheme}://{parts.netloc}"
        if origin not in self.rules:
            self.rules[origin] = asyncio.ensure_future(self._ask(origin, request))
        return await asyncio.shield(self.rules[origin])

    async def _ask(self, origin: str, request: Request) -> Rules:
        robots = Request(
            f"{origin}/robots.txt",
            priority=1000,
            callback=NO_CALLBACK,
            meta={
                "outlet": request.meta["outlet"],
                "kind": "robots",
                "download_slot": request.meta["download_slot"],
                "read_at_most": self.max_bytes,
                "download_maxsize": 0,
                "download_fail_on_dataloss": False,
            },
        )
        try:
            assert self.crawler.engine is not None
            response = await self.crawler.engine.download_async(robots)
        except Stopped:
            raise
        except IgnoreRequest as error:
            if str(error) == "max redirections reached":
                return Rules()  # unavailable: RFC 9309, 2.3.1.2
            return Rules(failure=loss_of(error).reason)
        except Exception as error:
            seconds = self.crawler.settings.getfloat("DOWNLOAD_TIMEOUT")
            return Rules(failure=loss_of(error, seconds=seconds, max_bytes=self.max_bytes).reason)
        rules = _read(response)
        self._slow_down(request, rules)
        return rules

    def _slow_down(self, request: Request, rules: Rules) -> None:
        context = context_of(self.crawler)
        if context.cassette is not None and context.cassette.replaying:
            return
        slot = request.meta["download_slot"]
        downloader = self.crawler.engine.downloader
        settings = downloader.per_slot_settings[slot]
        if settings["delay"] < rules.delay <= context.outlet_seconds:
            settings["delay"] = rules.delay
            if slot in downloader.slots:
                downloader.slots[slot].delay = rules.delay


def _read(response: Response) -> Rules:
    if 200 <= response.status < 300:
        text = response.body.removeprefix(b"\xef\xbb\xbf").decode("utf-8", "ignore")
        return Rules(text)
    if response.status >= 500 or response.status == 429:
        return Rules(failure=status_words(response.status))
    return Rules()
