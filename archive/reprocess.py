"""Extract and judge again from the stored snapshots, without the network, after the code or the topic changed.

    snapshot ─► load_body ─► read_page (in a worker process) ─► replace_reading / record_reading

Of an archived article the snapshot of its latest version is read again; of a page that was off topic or
unreadable, its last one. An article that is no longer on the subject gets grade 0 and keeps all it has; a page
that now is becomes an article, first seen when its snapshot was fetched.
"""

import json
import multiprocessing
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from dataclasses import asdict, dataclass, replace
from functools import cache
from importlib.metadata import version
from pathlib import Path

from pebble import ProcessExpired, ProcessPool
from sqlite_utils import Database

from archive.boilerplate import note_lines
from archive.extraction import ExtractionError
from archive.ingest import page_of, record_reading, save_verdict
from archive.models import Article, Outcome, Outlet, Page, Reading, Snapshot
from archive.reading import read_page
from archive.snapshots import SnapshotError, find_snapshot, load_body
from archive.store import replace_reading, row, rows, transaction
from archive.times import utc_now
from archive.topic import Topic, load_topic

PAGE_SECONDS = 60.0  # after which a page's worker is ended
AHEAD = 4  # pages in hand for each worker

_SNAPSHOTS = """
SELECT r.snapshot FROM articles a JOIN revisions r ON r.article = a.id AND r.number = a.revisions
JOIN snapshots s ON s.id = r.snapshot WHERE s.outcome IN ('new', 'revised')
UNION
SELECT max(s.id) FROM snapshots s JOIN pages p ON p.url = s.page
WHERE p.state IN ('off-topic', 'failed', 'blocked') AND s.status = 200
  AND s.outcome IN ('off-topic', 'failed', 'blocked') GROUP BY s.page
ORDER BY 1
"""


@dataclass(slots=True)
class Counts:
    """What a run has done so far, in pages."""

    read: int = 0
    changed: int = 0  # articles whose text, metadata or verdict is another now
    added: int = 0  # pages that are articles now
    fell_out: int = 0  # articles that have grade 0 now
    came_back: int = 0  # articles that had grade 0
    unreadable: int = 0  # the extraction gave nothing to judge, or failed
    missing: int = 0  # the snapshot's record is missing or damaged


@dataclass(frozen=True, slots=True)
class _Job:
    """One snapshot to read again, with the article it is of, if any, and the pages handed to a worker."""

    snapshot: Snapshot
    outlet: Outlet
    article: int | None
    latest: Page
    first: Page | None  # of an article with revisions: what its dates are taken from


def reprocess(
    db: Database,
    folder: Path,
    outlets: Mapping[str, Outlet],
    topic: Path,
    *,
    workers: int = 1,
    anew: bool = False,
    progress: Callable[[int, int], None] = lambda done, of: None,
) -> Counts:
    """Read every stored page again. An interrupted run is gone on with, unless ``anew``.

    ``outlets`` is the registry by id; outlets that are no longer in it are taken from the archive.
    ``progress`` is called with the number of pages done and of all. Raises TopicError.
    """
    topic_version = load_topic(topic).version
    todo = [number for (number,) in db.execute(_SNAPSHOTS).fetchall()]
    last, counts = _begin(db, topic_version, anew=anew)
    known = _known_outlets(db) | dict(outlets)
    done = sum(number <= last for number in todo)
    progress(done, len(todo))
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["archive.reprocess"])
    with ProcessPool(max_workers=workers, initializer=_load, initargs=(topic,), context=context) as pool:
        try:
            for number, job, future in _scheduled(db, pool, folder, known, todo[done:], workers):
                reading = _result(future, job)
                with transaction(db):
                    _record(db, job, reading, counts)
                    db.execute(
                        "UPDATE reprocessing SET last_snapshot = ?, counts = ?",
                        [number, json.dumps(asdict(counts))],
                    )
                done += 1
                progress(done, len(todo))
        except BaseException:
            pool.stop()  # type: ignore[no-untyped-call]
            raise
    with transaction(db):
        db.execute("DELETE FROM reprocessing")
    return counts


def _begin(db: Database, topic_version: str, *, anew: bool) -> tuple[int, Counts]:
    code = version("bilateral")
    begun = row(
        db, "SELECT * FROM reprocessing WHERE version = ? AND topic_version = ?", [code, topic_version]
    )
    if begun is not None and not anew:
        return begun["last_snapshot"], Counts(**json.loads(begun["counts"]))
    counts = Counts()
    with transaction(db):
        db.execute(
            "INSERT OR REPLACE INTO reprocessing VALUES (1, ?, ?, ?, 0, ?)",
            [utc_now(), code, topic_version, json.dumps(asdict(counts))],
        )
    return 0, counts


def _known_outlets(db: Database) -> dict[str, Outlet]:
    columns = "id, name, country, language, kind, homepage, timezone, access, delay, screen"
    return {known["id"]: Outlet(**known) for known in rows(db, f"SELECT {columns} FROM outlets")}


def _scheduled(
    db: Database,
    pool: ProcessPool,
    folder: Path,
    outlets: Mapping[str, Outlet],
    numbers: list[int],
    workers: int,
) -> Iterator[tuple[int, _Job | None, Future[tuple[Reading, Reading | None]] | None]]:
    """Yield jobs in the order of their snapshots, a few of them ahead in the workers' hands."""
    waiting: deque[tuple[int, _Job | None, Future[tuple[Reading, Reading | None]] | None]] = deque()
    for number in numbers:
        job = _prepare(db, folder, outlets, number)
        future = pool.schedule(_read, args=(job.latest, job.first), timeout=PAGE_SECONDS) if job else None
        waiting.append((number, job, future))
        if len(waiting) >= AHEAD * workers:
            yield waiting.popleft()
    yield from waiting


def _prepare(db: Database, folder: Path, outlets: Mapping[str, Outlet], number: int) -> _Job | None:
    snapshot = find_snapshot(db, number)
    assert snapshot is not None
    owner = row(
        db,
        "SELECT coalesce(a.outlet, p.outlet) AS outlet, s.article, a.revisions FROM snapshots s"
        " LEFT JOIN pages p ON p.url = s.page LEFT JOIN articles a ON a.id = s.article WHERE s.id = ?",
        [number],
    )
    if owner is None or owner["outlet"] not in outlets:
        return None
    outlet = outlets[owner["outlet"]]
    try:
        latest = page_of(db, folder, outlet, snapshot, load_body(folder, snapshot))
        first = None
        if (owner["revisions"] or 1) > 1:
            first = _first_page(db, folder, outlet, owner["article"])
    except SnapshotError:
        return None
    return _Job(snapshot, outlet, owner["article"], latest, first)


def _first_page(db: Database, folder: Path, outlet: Outlet, article: int) -> Page | None:
    found = row(db, "SELECT snapshot FROM revisions WHERE article = ? AND number = 1", [article])
    snapshot = find_snapshot(db, found["snapshot"]) if found and found["snapshot"] else None
    return page_of(db, folder, outlet, snapshot, load_body(folder, snapshot)) if snapshot else None


def _result(
    future: Future[tuple[Reading, Reading | None]] | None, job: _Job | None
) -> tuple[Reading, Reading | None] | None:
    if future is None or job is None:
        return None
    try:
        return future.result()
    except (TimeoutError, ProcessExpired, ExtractionError, MemoryError, RecursionError):
        return None


def _record(
    db: Database, job: _Job | None, result: tuple[Reading, Reading | None] | None, counts: Counts
) -> None:
    if job is None:
        counts.missing += 1
        return
    counts.read += 1
    if result is None or result[0].verdict is None:
        counts.unreadable += 1
        return
    reading, first = result
    if reading.verdict is not None:
        subject = reading.verdict.grade > 0
        note_lines(db, job.outlet.id, job.snapshot.page, reading.article.text, on_subject=subject)
    if job.article is None:
        _record_page(db, job, reading, counts)
    else:
        _record_article(db, job, job.article, reading, first, counts)


def _record_page(db: Database, job: _Job, reading: Reading, counts: Counts) -> None:
    assert reading.verdict is not None
    if reading.verdict.grade == 0:
        save_verdict(db, job.snapshot, reading.article, reading.verdict)
        return
    result = record_reading(db, job.outlet, job.snapshot, reading)
    counts.added += result.outcome is Outcome.NEW


def _record_article(
    db: Database, job: _Job, number: int, reading: Reading, first: Reading | None, counts: Counts
) -> None:
    assert reading.verdict is not None
    known = row(db, "SELECT grade, url FROM articles WHERE id = ?", [number])
    assert known is not None
    article = replace(reading.article, url=known["url"])
    if first is not None:
        article = _dated_as(article, first.article)
    if replace_reading(db, number, article, reading.verdict):
        save_verdict(db, job.snapshot, article, reading.verdict)
        counts.changed += 1
        counts.fell_out += known["grade"] > 0 and reading.verdict.grade == 0
        counts.came_back += known["grade"] == 0 and reading.verdict.grade > 0


def _dated_as(article: Article, first: Article) -> Article:
    """Return the article with the publication date its publisher gave first."""
    if first.published_local is None:
        return article
    return replace(
        article,
        published_local=first.published_local,
        published_source=first.published_source,
        published_precision=first.published_precision,
    )


@cache
def _topic(path: Path) -> Topic:
    return load_topic(path)


_path: Path


def _load(path: Path) -> None:
    global _path
    _path = path
    _topic(path)


def _read(latest: Page, first: Page | None) -> tuple[Reading, Reading | None]:
    topic = _topic(_path)
    return read_page(latest, topic), read_page(first, topic) if first is not None else None
