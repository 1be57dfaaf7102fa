"""The rules every request passes, in the order of crawlers.settings.DOWNLOADER_MIDDLEWARES.

A request carries in ``meta``: ``outlet`` (its id), ``kind`` (page, feed, sitemap, section, homepage, robots) and,
for pages, ``page`` (pages.url). A refusal is raised as one of crawlers.failures and named by the spider.
"""

import asyncio
import random
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from scrapy import Request
from scrapy.downloadermiddlewares.redirect import MetaRefreshMiddleware as ScrapyMetaRefreshMiddleware
from scrapy.exceptions import (
    CannotResolveHostError,
    DownloadConnectionRefusedError,
    DownloadFailedError,
    DownloadTimeoutError,
    ResponseDataLossError,
    StopDownload,
)
from scrapy.http import Response
from twisted.internet.error import ConnectError
from w3lib.html import get_meta_refresh

from archive.models import Outlet, Tls
from archive.snapshots import Exchange
from archive.times import format_utc, utc_now
from archive.urls import fetchable, same_page
from crawlers.addresses import declared_netlocs, declared_ports, netloc
from crawlers.context import context_of
from crawlers.failures import OverBudget, Postponed, Refused, Stopped, loss_of, status_words
from crawlers.outlets import refusal

if TYPE_CHECKING:
    from typing import Self

    from scrapy.crawler import Crawler


SLOW_SECONDS = 10.0  # after which a failure is not tried again in the same crawl
LONGEST_REST_SECONDS = 30 * 86_400.0  # that a Retry-After is believed


class OutletMiddleware:
    """Lets an outlet make us ask only its own hosts, on its own ports, at its own pace; redirects included."""

    def __init__(self, crawler: "Crawler") -> None:
        self.crawler = crawler
        self.netlocs: dict[str, set[tuple[str, int]]] = {}
        self.ports: dict[str, set[int]] = {}

    @classmethod
    def from_crawler(cls, crawler: "Crawler") -> "Self":
        """Wire it to the crawl."""
        return cls(crawler)

    def process_request(self, request: Request) -> None:
        """Refuse, or give the request the slot of its host."""
        context = context_of(self.crawler)
        if context.stopping.is_set():
            raise Stopped
        visit = context.visits[request.meta["outlet"]]
        if over := context.over_time(visit):  # a redirect, or another try
            raise OverBudget(f"not asked: {over}")
        reason = self.refusal(request, visit.outlet)
        if reason is not None:
            redirected = bool(request.meta.get("redirect_urls"))
            raise Refused(f"redirects to another host ({reason})" if redirected else reason)
        host, port = netloc(request.url)
        slot = f"{host}:{port}"
        request.meta["download_slot"] = slot
        per_slot: dict[str, dict[str, Any]] = self.crawler.engine.downloader.per_slot_settings
        pace = per_slot.setdefault(slot, {"concurrency": 1, "delay": visit.delay, "jitter": 0.0})
        pace["delay"] = max(pace["delay"], visit.delay)

    def refusal(self, request: Request, outlet: Outlet) -> str | None:
        """Return why this request may not be made, or None."""
        reason = fetchable(request.url)
        if reason is not None:
            return reason
        if outlet.id not in self.netlocs:
            self.netlocs[outlet.id] = declared_netlocs(outlet)
            self.ports[outlet.id] = declared_ports(outlet)
        place = netloc(request.url)
        if request.meta["kind"] != "page" and place in self.netlocs[outlet.id]:
            return None
        if place[1] not in self.ports[outlet.id]:
            return f"port {place[1]}, which the registry does not name"
        if request.meta["kind"] == "robots":
            return None
        return refusal(request.url, outlet)


class BackoffMiddleware:
    """Tries again what may pass, with growing waits, or leaves it for a later crawl.

    After a 429 or 503 with Retry-After the whole host is left in peace for that long; where that is longer than
    a crawl waits, the page is left for a later crawl, and after the second such answer in a row the host is.
    """

    PASSING = (
        CannotResolveHostError,
        DownloadConnectionRefusedError,
        DownloadFailedError,
        DownloadTimeoutError,
        ResponseDataLossError,
        StopDownload,
        ConnectError,
    )

    def __init__(self, crawler: "Crawler") -> None:
        settings = crawler.settings
        self.crawler = crawler
        self.times = settings.getint("RETRY_TIMES")
        self.first_wait = settings.getfloat("RETRY_FIRST_WAIT_SECONDS")
        self.max_wait = settings.getfloat("RETRY_MAX_WAIT_SECONDS")
        self.statuses = {int(status) for status in settings.getlist("RETRY_HTTP_CODES")}
        self.resting: dict[str, tuple[float, str]] = {}  # slot: until (monotonic), and why
        self.asked_to_rest: Counter[str] = Counter()  # answers with Retry-After and none other since, by slot
        self.random = random.Random(0)

    @classmethod
    def from_crawler(cls, crawler: "Crawler") -> "Self":
        """Wire it to the crawl."""
        return cls(crawler)

    async def process_request(self, request: Request) -> None:
        """Wait while the host wants to be left in peace."""
        until, reason = self.resting.get(request.meta["download_slot"], (0.0, ""))
        wait = until - time.monotonic()
        if wait <= 0:
            return
        if wait > self.max_wait:
            raise Postponed(reason, _in_seconds(wait))
        await self._pause(wait)

    async def process_response(self, request: Request, response: Response) -> Request | Response:
        """Ask again after an answer that may pass."""
        if response.status not in self.statuses:
            self.asked_to_rest.pop(request.meta["download_slot"], None)
            return response
        reason = status_words(response.status)
        asked = retry_after_seconds(response.headers.get("Retry-After"))
        if asked is not None and response.status in (429, 503):
            self._rest(request.meta["download_slot"], asked, reason)
        again = self._again(request)
        if again is None:
            return response
        await self._pause(asked if asked is not None else self._wait(request))
        return again

    async def process_exception(self, request: Request, exception: Exception) -> Request | None:
        """Ask again after a failure that may pass. What was slow is left for the next crawl instead."""
        if not isinstance(exception, self.PASSING):
            return None
        if isinstance(exception, DownloadTimeoutError):
            return None
        if loss_of(exception).outcome is not None:
            return None
        if isinstance(exception, StopDownload):  # for others' sake (see `InHand`): no fault of the server
            alone: Request = request.copy()
            alone.meta["own_turn"] = True
            return alone
        if time.monotonic() - request.meta.get("asked_at", time.monotonic()) > SLOW_SECONDS:
            return None
        again = self._again(request)
        if again is not None:
            await self._pause(self._wait(request))
        return again

    def _rest(self, slot: str, seconds: float, reason: str) -> None:
        self.asked_to_rest[slot] += 1
        if seconds <= self.max_wait or self.asked_to_rest[slot] > 1:
            self.resting[slot] = (time.monotonic() + seconds, reason)
        if seconds > self.max_wait:
            raise Postponed(f"{reason}, asks for {seconds:.0f} seconds of rest", _in_seconds(seconds))

    def _again(self, request: Request) -> Request | None:
        tries = request.meta.get("retry_times", 0) + 1
        if tries > self.times:
            return None
        again: Request = request.copy()
        again.meta["retry_times"] = tries
        return again

    def _wait(self, request: Request) -> float:
        wait: float = self.first_wait * 2.0 ** request.meta.get("retry_times", 0)
        return wait * self.random.uniform(0.75, 1.25)

    async def _pause(self, seconds: float) -> None:
        context = context_of(self.crawler)
        if context.cassette is not None and context.cassette.replaying:
            return
        try:
            await asyncio.wait_for(context.stopping.wait(), seconds)
        except TimeoutError:
            return
        raise Stopped


def retry_after_seconds(header: bytes | None) -> float | None:
    """Return the seconds a Retry-After header asks for, given as a number or as an HTTP date."""
    if header is None:
        return None
    text = header.decode("latin-1").strip()
    if text.isascii() and text.isdecimal():
        return min(float(text), LONGEST_REST_SECONDS)
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError, OverflowError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return min(max(0.0, (moment - datetime.now(UTC)).total_seconds()), LONGEST_REST_SECONDS)


def _in_seconds(seconds: float) -> str:
    return format_utc(datetime.now(UTC) + timedelta(seconds=seconds))


class MetaRefreshMiddleware(ScrapyMetaRefreshMiddleware):
    """Follows a page's meta refresh as a redirect, unless the page only reloads itself."""

    def process_response(
        self, request: Request, response: Response, spider: Any = None
    ) -> Request | Response:
        """Follow, for pages answered with 200."""
        if request.meta["kind"] != "page" or response.status != 200:
            return response
        if b"http-equiv" not in response.body[:4096].lower():
            return response
        head = response.body[:4096].decode("utf-8", "replace")
        interval, url = get_meta_refresh(head, response.url, "utf-8", ignore_tags=("script", "noscript"))
        if url is None or interval is None or interval >= self._maxdelay or same_page(url, response.url):
            return response
        if not url.lower().startswith(("http://", "https://")):
            raise Refused("redirects (meta refresh) to an address that is not http or https")
        followed = self._redirect_request_using_get(request, response, url)
        return self._redirect(followed, request, "meta refresh")

    def handle_referer(self, request: Request, response: Response) -> None:
        """Send none."""
        request.headers.pop("Referer", None)


class SnapshotMiddleware:
    """Keeps what went over the wire, below the undoing of compression, in ``meta["exchange"]``."""

    def __init__(self, crawler: "Crawler") -> None:
        self.crawler = crawler

    @classmethod
    def from_crawler(cls, crawler: "Crawler") -> "Self":
        """Wire it to the crawl."""
        return cls(crawler)

    def process_response(self, request: Request, response: Response) -> Response:
        """Note the exchange of a page."""
        if request.meta["kind"] == "page":
            context = context_of(self.crawler)
            request.meta["exchange"] = exchange_of(request, response, context.tls_of(response.url))
        return response


def exchange_of(request: Request, response: Response, tls: Tls | None = None) -> Exchange:
    """Return an answer as it is to be kept."""
    return Exchange(
        url=response.url,
        page=request.meta["page"],
        fetched=utc_now(),
        status=response.status,
        status_text=REASONS.get(response.status, ""),
        request_headers=[("Host", urlsplit(response.url).netloc), *_header_pairs(request)],
        response_headers=_header_pairs(response),
        body=response.body,
        protocol=response.protocol or "HTTP/1.1",
        tls=tls,
    )


def _header_pairs(message: Request | Response) -> list[tuple[str, str]]:
    return [
        (name.decode("latin-1"), value.decode("latin-1").replace("\r", " ").replace("\n", " "))
        for name, values in message.headers.items()
        for value in values
    ]


REASONS = {200: "OK", 304: "Not Modified", 404: "Not Found", 410: "Gone"}
