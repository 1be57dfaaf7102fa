"""Manners towards hosts, bounds on what they send, and what is shown meanwhile."""

import asyncio
import contextlib
import logging
import sys
import time
from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING, Any

from scrapy import Request, Spider, signals
from scrapy.exceptions import StopDownload
from scrapy.extensions.throttle import AutoThrottle
from scrapy.http import Response
from scrapy.utils.asyncio import create_looping_call
from tqdm import tqdm

from crawlers.context import context_of
from crawlers.workers import trim

if TYPE_CHECKING:
    from typing import Self

    from scrapy.crawler import Crawler

logger = logging.getLogger(__name__)

SYNC_SECONDS = 1.0
LOG_SECONDS = 30.0
TRIM_SECONDS = 3.0
LARGE_BYTES = 1_500_000  # of an answer; the largest of 149 real article pages has 1.55 million
ROOM_SECONDS = 0.05  # between two looks whether there is room for another answer


class Manners(AutoThrottle):
    """AutoThrottle above each host's own delay (the registry's, or robots.txt's where that is longer).

    A host whose outlet asks for no delay gets none: one request at a time is its measure.
    """

    def _response_downloaded(self, response: Response, request: Request, spider: Spider) -> None:
        downloader = self.crawler.engine.downloader
        floor: float = downloader.per_slot_settings.get(str(request.meta.get("download_slot")), {}).get(
            "delay", 0.0
        )
        if floor > 0:
            self.mindelay = floor
            self.maxdelay = max(self._max_delay(), floor)
            super()._response_downloaded(response, request, spider)


class InHand:
    """Bounds what is sent to us and was not read yet, all answers together.

    In hand is what is coming in or was not read yet; half of `IN_HAND_MAX_BYTES` is for large answers. Where
    these have more, the largest download ends, and is asked again when it is its turn: these come one at a time.
    Where the others have more, an outlet that has something in hand asks nothing new until there is room.
    """

    def __init__(self, crawler: "Crawler") -> None:
        self.most = crawler.settings.getint("IN_HAND_MAX_BYTES") // 2
        self.turn = asyncio.Lock()
        self.coming: dict[Request, int] = {}  # bytes so far
        self.kept: dict[str, tuple[str, int]] = {}  # by page or route: the outlet, and bytes

    @classmethod
    def from_crawler(cls, crawler: "Crawler") -> "Self":
        """Listen to downloads."""
        held = cls(crawler)
        crawler.signals.connect(held.bytes_received, signal=signals.bytes_received)
        crawler.signals.connect(held.ended, signal=signals.request_left_downloader)
        return held

    def bytes_received(self, data: bytes, request: Request, spider: Spider) -> None:
        """Count, and stop at the bounds."""
        came = self.coming[request] = self.coming.get(request, 0) + len(data)
        size = _kept(request, came)
        if size > LARGE_BYTES and not request.meta.get("own_turn") and self.large() > self.most:
            rivals = (each for each in self.coming.items() if not each[0].meta.get("own_turn"))
            if size == max(_kept(*each) for each in rivals):
                raise StopDownload(fail=True)

    def ended(self, request: Request, spider: Spider) -> None:
        """Forget a download."""
        self.coming.pop(request, None)

    def keep(self, request: Request, size: int) -> None:
        """Note an answer that is to be read."""
        self.kept[key_of(request)] = (request.meta["outlet"], size)

    def release(self, key: str) -> None:
        """Note that a page or a route is done with."""
        self.kept.pop(key, None)

    def large(self) -> int:
        """Return the bytes of large answers in hand."""
        return sum(size for size in self._sizes() if size > LARGE_BYTES)

    @contextlib.asynccontextmanager
    async def turn_of(self, request: Request) -> AsyncIterator[None]:
        """Have a large answer that had to give way wait for its turn and for room."""
        if not request.meta.get("own_turn"):
            yield
            return
        async with self.turn:
            await self.room_for_large(LARGE_BYTES)
            yield

    async def room_for_large(self, size: int) -> None:
        """Wait until there is room for a large answer."""
        while (held := self.large()) and held + size > self.most:
            await asyncio.sleep(ROOM_SECONDS)

    async def room(self, outlet: str) -> None:
        """Wait until an outlet may ask for something more."""
        while any(of == outlet for of, _ in self.kept.values()):
            if sum(size for size in self._sizes() if size <= LARGE_BYTES) <= self.most:
                return
            await asyncio.sleep(ROOM_SECONDS)

    def _sizes(self) -> Iterator[int]:
        yield from (_kept(request, size) for request, size in self.coming.items())
        yield from (size for _, size in self.kept.values())


def _kept(request: Request, came: int) -> int:
    """Return how many bytes of a download are held: of a route at most as many as are read."""
    return min(came, request.meta.get("read_at_most") or came)


def key_of(request: Request) -> str:
    """Return what a request is counted under: its page or route, whatever it redirects to."""
    meta = request.meta
    return str(meta["page"] if meta["kind"] == "page" else meta["route"].url)


class Progress:
    """A bar on a terminal, a line now and then in a log; and the WARC brought to the disk every second."""

    def __init__(self, crawler: "Crawler") -> None:
        self.crawler = crawler
        self.bar: tqdm[Any] | None = None
        self.logged = self.trimmed = time.monotonic()
        self.loop: Any = None

    @classmethod
    def from_crawler(cls, crawler: "Crawler") -> "Self":
        """Begin with the crawl, end with it."""
        progress = cls(crawler)
        crawler.signals.connect(progress.opened, signal=signals.spider_opened)
        crawler.signals.connect(progress.closed, signal=signals.spider_closed)
        return progress

    def opened(self, spider: Spider) -> None:
        """Show the bar."""
        options = context_of(self.crawler).options
        if options.progress and sys.stderr.isatty():
            self.bar = tqdm(unit=" pages", desc="crawl", file=sys.stderr, dynamic_ncols=True)
        self.loop = create_looping_call(self.tick)
        self.loop.start(SYNC_SECONDS, now=False)

    def tick(self) -> None:
        """Sync, and show how far the crawl is."""
        context = context_of(self.crawler)
        spider: Any = self.crawler.spider
        try:
            context.writer.sync()
        except OSError as error:
            spider.abort(f"the archive cannot be written: {error}")
        spider.enforce_seconds()
        if time.monotonic() - self.trimmed >= TRIM_SECONDS:
            self.trimmed = time.monotonic()
            trim()
        done = sum(visit.counts["fetched"] for visit in context.visits.values())
        waiting = sum(visit.waiting + visit.pages_open for visit in context.visits.values())
        if self.bar is not None:
            self.bar.total = done + waiting
            self.bar.n = done
            self.bar.refresh()
        elif time.monotonic() - self.logged >= LOG_SECONDS:
            self.logged = time.monotonic()
            logger.info("%d pages fetched, %d waiting", done, waiting)

    def closed(self, spider: Spider) -> None:
        """Take the bar away."""
        if self.loop is not None and self.loop.running:
            self.loop.stop()
        if self.bar is not None:
            self.bar.close()
