"""One writer takes the parts into the archive, capture after capture in the order of time.

It goes the same way as a crawl: a page, a snapshot in the archive's own WARC, a verdict, an article or a revision.
A capture that is older than what the archive has of an article is put where it belongs in time (archive.history).
"""

import functools
import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlite_utils import Database

from archive.backfill.ledger import files, note_failed, note_ingested
from archive.backfill.revisits import file_revisit, resolve_revisits
from archive.backfill.work import Results
from archive.history import Version, add_version
from archive.ingest import known_article, record_reading
from archive.models import Article, DateCandidate, Lead, Outcome, Outlet, Reading, Snapshot, Term, Verdict
from archive.pages import file_lead, finish_page, original_page
from archive.snapshots import SnapshotWriter, find_snapshot, read_exchange, save_snapshot
from archive.store import is_withdrawn, row, transaction

_OPEN_PARTS = 64  # kept open; captures in the order of time jump between parts


@dataclass(slots=True)
class Ingested:
    """What came in: new articles, versions added to articles, captures that added nothing; pages without an article."""

    new: int = 0
    versions: int = 0
    unchanged: int = 0
    off_topic: int = 0
    outside: int = 0  # published before or after the period
    failed: int = 0
    unknown: int = 0  # of an outlet that the registry does not have any more
    revisits: int = 0  # revisit records whose capture is known
    unresolved: int = 0  # those whose capture is in no file that was read, so far
    files: int = 0
    missing: list[str] = field(default_factory=list)  # parts that are not there any more: their files failed


def ingest_parts(
    db: Database,
    writer: SnapshotWriter,
    folder: Path,
    outlets: dict[str, Outlet],
    *,
    progress: Callable[[int, int], None] = lambda done, of: None,
) -> Ingested:
    """Take in the parts of all files that are done and not yet ingested. What is there already adds nothing.

    The caller holds the archive's lock. A file whose part is missing fails. Raises SnapshotError where a part's WARC
    is damaged.
    """
    counts = Ingested()
    done = [file for file in files(db, "done") if _has_part(db, file, folder, counts)]
    counts.files = len(done)
    ingesting = _Ingesting(db, writer, folder, outlets, counts)
    with closing(_Line(done, folder)) as line:
        for number, capture in enumerate(line, start=1):
            ingesting.take(capture)
            progress(number, line.length)
    counts.revisits, counts.unresolved = resolve_revisits(db)
    writer.sync()
    for file in done:
        note_ingested(db, file["id"])
    return counts


def _has_part(db: Database, file: dict[str, Any], folder: Path, counts: Ingested) -> bool:
    results = Results(folder, file["source"])
    missing = [path for path in (results.part, results.warc) if not path.is_file()]
    if missing:
        results.forget()
        note_failed(db, file["id"], f"its part {missing[0]} is missing", attempts=file["attempts"])
        counts.missing.append(str(missing[0]))
    return not missing


class _Line:
    """The captures of many parts in the order of time, without holding more than one of them in memory."""

    def __init__(self, done: list[dict[str, Any]], folder: Path) -> None:
        self.files = {file["id"]: file for file in done}
        self.folder = folder
        self._order = sqlite3.connect("")  # a file that the system forgets
        self._order.execute(
            "CREATE TABLE line (fetched TEXT, url TEXT, source TEXT, file INTEGER, place INTEGER)"
        )
        for file in done:
            self._order.executemany("INSERT INTO line VALUES (?,?,?,?,?)", self._places(file))
        (self.length,) = self._order.execute("SELECT count(*) FROM line").fetchone()
        self._open = functools.lru_cache(maxsize=_OPEN_PARTS)(lambda path: path.open("rb"))

    def _places(self, file: dict[str, Any]) -> Iterator[tuple[str, str, str, int, int]]:
        place = 0
        with Results(self.folder, file["source"]).part.open("rb") as part:
            for line in part:
                capture = json.loads(line)
                yield capture["fetched"], capture["url"], file["source"], file["id"], place
                place += len(line)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        query = "SELECT file, place FROM line ORDER BY fetched, url, source, place"
        for number, place in self._order.execute(query):
            file = self.files[number]
            part = self._open(Results(self.folder, file["source"]).part)
            part.seek(place)
            about = {name: file[name] for name in ("source", "since", "until")}
            yield json.loads(part.readline()) | about

    def close(self) -> None:
        self._open.cache_clear()
        self._order.close()


@dataclass(frozen=True, slots=True)
class _Ingesting:
    db: Database
    writer: SnapshotWriter
    folder: Path
    outlets: dict[str, Outlet]
    counts: Ingested

    def take(self, capture: dict[str, Any]) -> None:
        """Take one capture in."""
        outlet = self.outlets.get(capture["outlet"])
        if outlet is None:
            self.counts.unknown += 1
        elif "revisit_of" in capture:
            file_revisit(self.db, capture)
        elif not _in_period(capture):
            self.counts.outside += 1
        else:
            self._file(outlet, capture)

    def _file(self, outlet: Outlet, capture: dict[str, Any]) -> None:
        lead = Lead(
            url=capture["url"], outlet=outlet.id, via="backfill", route=capture["source"],
            headline=capture.get("title", ""), published_local=capture.get("published"),
        )  # fmt: skip
        filed = file_lead(self.db, lead, discovered=capture["fetched"])
        page = original_page(self.db, filed.url)["url"]
        if "article" not in capture:
            self._note_page(page, capture)
        elif not is_withdrawn(self.db, page, capture["url"]):
            self._take_in(outlet, page, capture)

    def _note_page(self, page: str, capture: dict[str, Any]) -> None:
        """Keep what became of a page that gave no article: without it a share could not be computed."""
        known = row(self.db, "SELECT state FROM pages WHERE url = ?", [page])
        outcome = Outcome.FAILED if "error" in capture else Outcome.OFF_TOPIC
        self.counts.failed += outcome is Outcome.FAILED
        self.counts.off_topic += outcome is Outcome.OFF_TOPIC
        if known is not None and known["state"] == "queued":
            finish_page(self.db, page, outcome, reason=capture.get("error", "not on the subject"))

    def _take_in(self, outlet: Outlet, page: str, capture: dict[str, Any]) -> None:
        kept = row(
            self.db, "SELECT id, outcome FROM snapshots WHERE page = ? AND fetched = ? AND payload_digest = ?",
            [page, capture["fetched"], capture["payload_digest"]],
        )  # fmt: skip
        if kept is not None and kept["outcome"] is not None:
            self.counts.unchanged += 1
            return
        snapshot = self._kept(page, capture) if kept is None else find_snapshot(self.db, kept["id"])
        assert snapshot is not None
        outcome = _record(self.db, outlet, snapshot, _reading(capture))
        self.counts.new += outcome is Outcome.NEW
        self.counts.versions += outcome is Outcome.REVISED
        self.counts.unchanged += outcome not in (Outcome.NEW, Outcome.REVISED)

    def _kept(self, page: str, capture: dict[str, Any]) -> Snapshot:
        results = Results(self.folder, capture["source"])
        exchange = read_exchange(
            results.warc, capture["warc_offset"], page=page, payload_digest=capture["payload_digest"]
        )
        with transaction(self.db):
            snapshot = save_snapshot(self.db, self.writer, exchange)
            self.db.execute(
                "INSERT INTO backfill_captures (snapshot, source, offset, digest) VALUES (?,?,?,?)",
                [snapshot.id, capture["source"], capture["offset"], capture["digest"]],
            )
        return snapshot


def _in_period(capture: dict[str, Any]) -> bool:
    """Whether a page was published in the period; of one that does not say when, the day of its capture counts."""
    published = capture["article"]["published_local"] if "article" in capture else capture.get("published")
    day = (published or capture["fetched"])[:10]
    return bool((capture["since"] or "") <= day <= (capture["until"] or "9999"))


def _reading(capture: dict[str, Any]) -> Reading:
    article, verdict = dict(capture["article"]), dict(capture["verdict"])
    article["dates"] = tuple(DateCandidate(**date) for date in article["dates"])
    for name in ("authors", "tags"):
        article[name] = tuple(article[name])
    verdict["terms"] = tuple(Term(**term) for term in verdict["terms"])
    return Reading(article=Article(**article), verdict=Verdict(**verdict))


def _record(db: Database, outlet: Outlet, snapshot: Snapshot, reading: Reading) -> Outcome:
    known = known_article(db, snapshot.page, reading.article.url)
    withdrawn = known is not None and is_withdrawn(db, article=known["id"])
    if known is None or withdrawn or snapshot.fetched >= known["last_checked"]:
        return record_reading(db, outlet, snapshot, reading).outcome
    article = reading.article
    with transaction(db):
        db.execute(
            "UPDATE snapshots SET outcome = 'unchanged', article = ? WHERE id = ?", [known["id"], snapshot.id]
        )
        version = Version(snapshot.fetched, article.title, article.text, article.description, snapshot.id)
        more = add_version(db, known["id"], version)
        finish_page(db, snapshot.page, Outcome.UNCHANGED, article=known["id"])
    return Outcome.REVISED if more else Outcome.UNCHANGED
