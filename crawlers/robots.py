"""robots.txt, as RFC 9309 has it: asked once a crawl for each host, before anything else there.

An answer of 2xx holds; 4xx means there are no rules; 5xx, 429 or none at all means that everything is disallowed
until it answers. It is read to `ROBOTS_MAX_BYTES`.
"""

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from protego import Protego
from scrapy import Request
from scrapy.exceptions import IgnoreRequest
from scrapy.http import Response
from scrapy.http.request import NO_CALLBACK

from crawlers.discovery import sitemaps_in_robots
from crawlers.failures import RobotsRefused, Stopped, Unreachable, loss_of, status_words
from crawlers.middlewares import context_of

if TYPE_CHECKING:
    from typing import Self

    from scrapy.crawler import Crawler

AGENT = "bilateral"  # the product token that rules may name


@dataclass(frozen=True, slots=True)
class Rules:
    """What one host allows. ``failure`` says why its rules could not be had; then nothing is allowed."""

    protego: Protego | None = None
    failure: str = ""
    status: int | None = None
    sitemaps: str = ""  # its Sitemap lines


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
        if rules.protego is not None and not rules.protego.can_fetch(request.url, AGENT):
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
        delay = rules.protego.crawl_delay(AGENT) if rules.protego is not None else None
        context = context_of(self.crawler)
        if delay is None or (context.cassette is not None and context.cassette.replaying):
            return
        slot = request.meta["download_slot"]
        downloader = self.crawler.engine.downloader
        settings = downloader.per_slot_settings[slot]
        if delay > settings["delay"]:
            settings["delay"] = delay
            if slot in downloader.slots:
                downloader.slots[slot].delay = delay


def _read(response: Response) -> Rules:
    if 200 <= response.status < 300:
        text = response.body.removeprefix(b"\xef\xbb\xbf").decode("utf-8", "ignore")
        named = "\n".join(f"Sitemap: {url}" for url in sitemaps_in_robots(text))
        return Rules(Protego.parse(text), status=response.status, sitemaps=named)
    if response.status >= 500 or response.status == 429:
        return Rules(failure=status_words(response.status), status=response.status)
    return Rules(status=response.status)
