"""Manners towards hosts, bounds on what they send, and what is shown meanwhile."""

import logging
import sys
import time
from typing import TYPE_CHECKING, Any

from scrapy import Request, Spider, signals
from scrapy.exceptions import StopDownload
from scrapy.extensions.throttle import AutoThrottle
from scrapy.http import Response
from scrapy.utils.asyncio import create_looping_call
from tqdm import tqdm

from crawlers.middlewares import context_of

if TYPE_CHECKING:
    from typing import Self

    from scrapy.crawler import Crawler

logger = logging.getLogger(__name__)

SYNC_SECONDS = 1.0
LOG_SECONDS = 30.0


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


class SizeLimit:
    """Ends a download at ``meta["read_at_most"]`` bytes or ``meta["read_for_seconds"]``, and keeps what came."""

    def __init__(self) -> None:
        self.received: dict[Request, tuple[int, float]] = {}

    @classmethod
    def from_crawler(cls, crawler: "Crawler") -> "Self":
        """Listen to what arrives."""
        limit = cls()
        crawler.signals.connect(limit.bytes_received, signal=signals.bytes_received)
        crawler.signals.connect(limit.ended, signal=signals.request_left_downloader)
        return limit

    def bytes_received(self, data: bytes, request: Request, spider: Spider) -> None:
        """Count, and stop at the bound."""
        most = request.meta.get("read_at_most")
        if most is None:
            return
        size, began = self.received.get(request, (0, time.monotonic()))
        size += len(data)
        self.received[request] = (size, began)
        seconds = request.meta.get("read_for_seconds")
        if size > most or (seconds is not None and time.monotonic() - began > seconds):
            raise StopDownload(fail=False)

    def ended(self, request: Request, spider: Spider) -> None:
        """Forget a download."""
        self.received.pop(request, None)


class Progress:
    """A bar on a terminal, a line now and then in a log; and the WARC brought to the disk every second."""

    def __init__(self, crawler: "Crawler") -> None:
        self.crawler = crawler
        self.bar: tqdm[Any] | None = None
        self.logged = time.monotonic()
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
