"""What the parts of one crawl share: the archive, the workers, the registry, and how far each outlet is."""

import asyncio
import functools
import math
import time
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from sqlite_utils import Database

from archive.ledger import Route
from archive.models import Outlet, Tls
from archive.pages import Revisit
from archive.snapshots import SnapshotWriter
from archive.topic import Topic, load_topic
from crawlers.addresses import CheckedResolver, netloc
from crawlers.frontier import Frontier
from crawlers.workers import Workers

if TYPE_CHECKING:
    from scrapy.crawler import Crawler

    from crawlers.cassettes import Recording
    from crawlers.certificates import CertificatePolicy

Recheck = Literal["due", "all", "none"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CrawlOptions:
    """What one crawl is asked to do."""

    db: Path
    warc_dir: Path
    topic: Path
    outlets: Sequence[Outlet]  # to visit
    declared: Sequence[Outlet] = ()  # all of the registry: whose hosts may be asked
    recheck: Recheck = "due"
    max_pages: int | None = None
    since: str | None = None  # ISO day; leads published before it are not fetched
    allow_private_hosts: bool = False
    record: Path | None = None
    replay: Path | None = None
    urls: Sequence[tuple[Outlet, str]] = ()  # to fetch by hand, instead of visiting routes
    user_agent: str | None = None
    contact: str | None = None
    settings: dict[str, object] = field(default_factory=dict)
    progress: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteAsked:
    """A route in line to be asked."""

    route: Route
    depth: int = 1  # of indexes or listing pages above it
    others: tuple[Route, ...] = ()  # to be tried where this one cannot be read
    # Of the same index: one takes its place if it names nothing.
    siblings: deque[Route] = field(default_factory=deque)


@dataclass(slots=True)
class Visit:
    """One outlet in one crawl: what is still to be asked, and what came of it."""

    outlet: Outlet
    delay: float  # seconds between two requests to a host
    started: float = field(default_factory=time.monotonic)
    routes_open: int = 0  # asked and not done with
    routes_asked: int = 0
    routes_waiting: deque[RouteAsked] = field(default_factory=deque)
    pages_open: int = 0
    pages_asked: int = 0
    failures_in_a_row: int = 0
    revisits: dict[str, Revisit] | None = None  # by the address to ask; None until all routes are read
    ended: bool = False
    note: str = ""
    left: str = ""  # why pages are left for the next crawl
    # Pages waiting, in lines by the route that named them.
    frontier: Frontier = field(default_factory=Frontier)
    known: set[str] = field(default_factory=set)  # what was ever put in a line
    routes: set[str] = field(default_factory=set)  # asked in this crawl, or in line
    counts: Counter[str] = field(default_factory=Counter)

    def add(self, url: str, line: str, *, likely: bool = False, newness: float | None = None) -> None:
        """Put a page in a line of those to be fetched, once."""
        if url not in self.known:
            self.known.add(url)
            self.frontier.add(url, line, likely=likely, newness=newness)

    @property
    def waiting(self) -> int:
        """Pages in line."""
        return len(self.frontier)

    @property
    def seconds(self) -> float:
        """Since the visit began."""
        return time.monotonic() - self.started

    @property
    def routes_done(self) -> bool:
        """Whether all routes known so far were asked and read."""
        return not self.routes_open and not self.routes_waiting

    def leave(self, why: str) -> None:
        """Ask no more pages in this crawl."""
        self.left = why
        if self.waiting or not self.note:
            self.note = f"{self.waiting} pages left for the next crawl: {why}" if self.waiting else why
        self.frontier.clear()


@dataclass
class CrawlContext:
    """Everything the spider, the middlewares and the pipeline of one crawl share."""

    options: CrawlOptions
    db: Database
    writer: SnapshotWriter
    workers: Workers
    resolver: CheckedResolver
    visits: dict[str, Visit]
    cassette: "Recording | None" = None
    certificates: "CertificatePolicy | None" = None  # once the first connection is made
    outlet_seconds: float = math.inf
    crawl_seconds: float = math.inf
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    large_route: asyncio.Lock = field(default_factory=asyncio.Lock)  # held while one is read and filed
    started: float = field(default_factory=time.monotonic)
    failure: str = ""  # why the crawl could not go on

    @functools.cached_property
    def topic(self) -> Topic:
        """The topic definition, compiled for the screen; the workers, which judge, have their own."""
        return load_topic(self.options.topic)

    def stop(self) -> None:
        """Ask for nothing more, and end when what is under way has ended."""
        self.stopping.set()

    def tls_of(self, url: str) -> Tls | None:
        """Return whether the certificate of the server that answered was checked; None over plain HTTP."""
        replaying = self.cassette is not None and self.cassette.replaying
        if not url.startswith("https://") or self.certificates is None or replaying:
            return None
        return "verified" if self.certificates.verifies(netloc(url)) else "unverified"

    def over_time(self, visit: Visit) -> str:
        """Return why nothing more is asked of an outlet whose time, or the crawl's, is up; else nothing."""
        if time.monotonic() - self.started > self.crawl_seconds:
            return f"{self.crawl_seconds:.0f} seconds are enough for one crawl (CRAWL_SECONDS)"
        if visit.seconds > self.outlet_seconds:
            return f"{self.outlet_seconds:.0f} seconds are enough for one crawl (OUTLET_SECONDS)"
        return ""

    @property
    def pages_asked(self) -> int:
        """Pages asked so far, of all outlets."""
        return sum(visit.pages_asked for visit in self.visits.values())


def context_of(crawler: "Crawler") -> CrawlContext:
    """Return what the parts of this crawl share."""
    context: CrawlContext = crawler.spider.context  # type: ignore[union-attr]
    return context
