"""What the parts of one crawl share: the archive, the workers, the registry, and how far each outlet is."""

import asyncio
import functools
import time
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from sqlite_utils import Database

from archive.models import Outlet
from archive.pages import Revisit
from archive.snapshots import SnapshotWriter
from archive.topic import Topic, load_topic
from crawlers.addresses import CheckedResolver
from crawlers.workers import Workers

if TYPE_CHECKING:
    from crawlers.cassettes import Recording

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


@dataclass(slots=True)
class Visit:
    """One outlet in one crawl: what is still to be asked, and what came of it."""

    outlet: Outlet
    delay: float  # seconds between two requests to a host
    started: float = field(default_factory=time.monotonic)
    routes_open: int = 0
    pages_open: int = 0
    pages_asked: int = 0
    failures_in_a_row: int = 0
    revisits: dict[str, Revisit] | None = None  # by the address to ask; None until all routes are read
    ended: bool = False
    note: str = ""
    lines: dict[str, deque[str]] = field(default_factory=dict)  # pages waiting, by the route that named them
    known: set[str] = field(default_factory=set)  # what was ever put in a line
    routes: set[str] = field(default_factory=set)  # asked in this crawl
    counts: Counter[str] = field(default_factory=Counter)

    def add(self, url: str, line: str) -> None:
        """Put a page in a line of those to be fetched, once."""
        if url not in self.known:
            self.known.add(url)
            self.lines.setdefault(line, deque()).append(url)

    def take(self) -> str | None:
        """Return the next page, from each line in turn, so that a long one does not hold up the others."""
        if not self.lines:
            return None
        line, pages = next(iter(self.lines.items()))
        del self.lines[line]
        url = pages.popleft()
        if pages:
            self.lines[line] = pages
        return url

    @property
    def waiting(self) -> int:
        """Pages in line."""
        return sum(len(pages) for pages in self.lines.values())

    @property
    def seconds(self) -> float:
        """Since the visit began."""
        return time.monotonic() - self.started

    def leave(self, why: str) -> None:
        """Ask no more pages in this crawl."""
        if self.waiting or not self.note:
            self.note = f"{self.waiting} pages left for the next crawl: {why}" if self.waiting else why
        self.lines.clear()


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
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    failure: str = ""  # why the crawl could not go on

    @functools.cached_property
    def topic(self) -> Topic:
        """The topic definition, compiled for the screen; the workers, which judge, have their own."""
        return load_topic(self.options.topic)

    def stop(self) -> None:
        """Ask for nothing more, and end when what is under way has ended."""
        self.stopping.set()

    @property
    def pages_asked(self) -> int:
        """Pages asked so far, of all outlets."""
        return sum(visit.pages_asked for visit in self.visits.values())
