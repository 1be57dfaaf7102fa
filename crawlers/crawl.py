"""One crawl from its lock to its summary. `bilateral crawl`, `add` and `demo` call `crawl`."""

import asyncio
import contextlib
import logging
import os
import signal
import socket
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import FileLock, Timeout
from scrapy.crawler import AsyncCrawlerRunner, Crawler
from scrapy.settings import Settings
from sqlite_utils import Database

from archive.ledger import COUNTS, begin_crawl, finish_crawl, note_topic, save_visit
from archive.pages import note_left
from archive.snapshots import SnapshotWriter, trim_interrupted
from archive.store import ArchiveError, open_archive, rows, save_outlets
from crawlers.addresses import AddressPolicy, CheckedResolver
from crawlers.context import CrawlContext, CrawlOptions, Visit
from crawlers.failures import Stopped
from crawlers.handlers import drop_queued
from crawlers.loop import run
from crawlers.pipelines import Line
from crawlers.spiders.outlets import OutletsSpider
from crawlers.workers import BEGINNING_SECONDS, Workers, give_memory_back, topic_version

if TYPE_CHECKING:
    from crawlers.cassettes import Recording

logger = logging.getLogger(__name__)


CACHE_KB = 8_192  # of the database, in the memory of a crawl


class ArchiveLocked(Exception):  # noqa: N818 - a state, not an error
    """Another crawl holds this archive."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CrawlReport:
    """What a crawl did. ``outcome`` is ``done``, ``stopped``, or why it could not go on."""

    crawl: int
    outcome: str
    seconds: float
    left: int  # pages still queued
    totals: dict[str, int]
    outlets: list[dict[str, Any]] = field(
        default_factory=list
    )  # one a visit: id, counts, seconds, note, routes

    @property
    def ok(self) -> bool:
        """Whether the crawl went to its end or was ended by hand."""
        return self.outcome in ("done", "stopped")


@contextlib.contextmanager
def archive_lock(db: Path) -> Iterator[None]:
    """Hold the archive for writing. Raises ArchiveLocked where another process does."""
    db.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(f"{db}.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout as error:
        raise ArchiveLocked(f"another crawl holds {db}") from error
    try:
        yield
    finally:
        lock.release()


def crawl(options: CrawlOptions) -> CrawlReport:
    """Crawl once. The caller holds `archive_lock`.

    Raises ArchiveError where the archive cannot be opened, TopicError and CassetteError where those files
    cannot be used.
    """
    give_memory_back()
    db = open_archive(options.db)
    db.execute(f"PRAGMA cache_size = -{CACHE_KB}")
    writer = SnapshotWriter(options.warc_dir)
    try:
        save_outlets(db, [*options.declared, *options.outlets])
        for line in trim_interrupted(db, options.warc_dir):
            logger.warning("%s", line)
        return run(_crawl(options, db, writer))
    except (sqlite3.Error, OSError) as error:
        raise ArchiveError(f"{options.db}: {error}") from error
    except EOFError as error:
        raise ArchiveError("the process that begins the workers ended: is memory short?") from error
    finally:
        with contextlib.suppress(OSError):
            writer.close()
        db.close()


async def _crawl(options: CrawlOptions, db: Database, writer: SnapshotWriter) -> CrawlReport:
    settings = _settings(options)
    workers = Workers(
        options.topic, number=settings.getint("WORKERS"), memory_mb=settings.getint("WORKER_MEMORY_MB")
    )
    try:
        context = _context(options, settings, db, writer, workers)
        number = begin_crawl(db, outlets=list(context.visits))
        topic = asyncio.ensure_future(_check_topic(context, number))
        line = Line(context, settings.getfloat("PAGE_READING_SECONDS"))
        finished = await line.finish_pending()
        if finished:
            logger.info("%d pages that an interrupted crawl had kept were read", finished)
        with _resolver(context.resolver):
            await _run_spider(context, settings, number)
        await topic
        if context.cassette is not None:
            context.cassette.save()
        return _close_books(context, number)
    finally:
        await workers.close()


async def _check_topic(context: CrawlContext, number: int) -> None:
    """Note the version of the topic; where the file cannot be used, stop the crawl and raise TopicError.

    The crawl begins meanwhile, since loading it takes a worker as long as reading some hundred pages.
    """
    try:
        version = await context.workers.call(topic_version, seconds=BEGINNING_SECONDS)
    except Exception:
        context.stop()
        raise
    note_topic(context.db, number, version)


def _context(
    options: CrawlOptions, settings: Settings, db: Database, writer: SnapshotWriter, workers: Workers
) -> CrawlContext:
    cassette = _recording(options)
    replaying = cassette is not None and cassette.replaying
    declared = [*options.declared, *options.outlets]
    policy = AddressPolicy(declared, allow_private_hosts=options.allow_private_hosts)
    return CrawlContext(
        options=options,
        db=db,
        writer=writer,
        workers=workers,
        resolver=CheckedResolver(policy),
        visits={o.id: Visit(outlet=o, delay=0.0 if replaying else o.delay) for o in options.outlets},
        cassette=cassette,
        outlet_seconds=settings.getfloat("OUTLET_SECONDS"),
        crawl_seconds=settings.getfloat("CRAWL_SECONDS"),
    )


def _recording(options: CrawlOptions) -> "Recording | None":
    if options.record is None and options.replay is None:
        return None
    from crawlers.cassettes import Recording  # loads vcrpy, which takes its time

    return Recording.of(record=options.record, replay=options.replay)


def _settings(options: CrawlOptions) -> Settings:
    settings = Settings()
    settings.setmodule("crawlers.settings", priority="project")
    settings.setdict({"USER_AGENT": user_agent(options), **options.settings}, priority="cmdline")
    return settings


def user_agent(options: CrawlOptions) -> str:
    """Return the name under which hosts know us: the project, its version, and whom to write to."""
    if options.user_agent:
        return options.user_agent
    contact = options.contact or f"bilateral@{socket.getfqdn()}"
    return f"bilateral/{version('bilateral')} (news archive; contact: {contact})"


@contextlib.contextmanager
def _resolver(resolver: CheckedResolver) -> Iterator[None]:
    from twisted.internet import reactor

    before = reactor.installNameResolver(resolver)
    try:
        yield
    finally:
        reactor.installNameResolver(before)


async def _run_spider(context: CrawlContext, settings: Settings, number: int) -> None:
    runner = AsyncCrawlerRunner(settings)
    crawler = runner.create_crawler(OutletsSpider)
    watch = asyncio.ensure_future(_stop_when_asked(context, crawler))
    with _signals(context):
        try:
            await runner.crawl(crawler, context=context, crawl=number)
        finally:
            watch.cancel()


async def _stop_when_asked(context: CrawlContext, crawler: Crawler) -> None:
    await context.stopping.wait()
    drop_queued(crawler.engine, Stopped())
    await crawler.stop_async()


@contextlib.contextmanager
def _signals(context: CrawlContext) -> Iterator[None]:
    """Let the first Ctrl-C (or SIGTERM) end the crawl in order, and the second end the process."""
    loop = asyncio.get_running_loop()

    def stop() -> None:
        if context.stopping.is_set():
            logger.warning("stopped at once; the next crawl sets things right")
            os._exit(130)
        logger.warning("stopping: what is under way is brought to its end (again to stop at once)")
        context.stop()

    try:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, stop)
    except (ValueError, RuntimeError):  # not in the main thread
        yield
        return
    try:
        yield
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)


def _close_books(context: CrawlContext, number: int) -> CrawlReport:
    for visit in context.visits.values():
        if not visit.ended:
            visit.leave(context.failure or "the crawl was stopped")
            note_left(context.db, visit.outlet.id, visit.left)
            save_visit(
                context.db, number, visit.outlet.id, visit.counts, seconds=visit.seconds, note=visit.note
            )
    outcome = context.failure or ("stopped" if context.stopping.is_set() else "done")
    finish_crawl(context.db, number, outcome)
    return report(context.db, number)


def report(db: Database, number: int) -> CrawlReport:
    """Return the summary of a crawl from its books."""
    about = rows(
        db,
        "SELECT outcome, started, (julianday(finished) - julianday(started)) * 86400 AS seconds"
        " FROM crawls WHERE id = ?",
        [number],
    )[0]
    visits = rows(db, "SELECT * FROM crawl_outlets WHERE crawl = ? ORDER BY outlet", [number])
    failed = rows(
        db,
        "SELECT outlet, kind, url, state, reason FROM routes WHERE state IN ('failed', 'blocked')"
        " AND last_checked >= ? AND origin != 'well-known' ORDER BY rowid",
        [about["started"]],
    )
    outlets = [
        {
            "id": visit["outlet"],
            **{name: visit[name] for name in COUNTS},
            "seconds": visit["seconds"],
            "note": visit["note"],
            "failed_routes": [route for route in failed if route["outlet"] == visit["outlet"]],
        }
        for visit in visits
    ]
    left = db.execute("SELECT count(*) FROM pages WHERE state = 'queued'").fetchone()[0]
    totals = {name: sum(visit[name] for visit in visits) for name in COUNTS}
    return CrawlReport(
        crawl=number,
        outcome=about["outcome"],
        seconds=round(about["seconds"] or 0.0, 1),
        left=left,
        totals=totals,
        outlets=outlets,
    )
