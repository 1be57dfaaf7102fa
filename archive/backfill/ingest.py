"""One writer takes the parts into the archive, capture after capture in the order of time.

It goes the same way as a crawl: a page, a snapshot in the archive's own WARC, a verdict, an article or a revision.
A capture that is older than what the archive has of an article is put where it belongs in time (archive.history).
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlite_utils import Database

from archive.backfill.ledger import files, note_ingested, source_of
from archive.backfill.task import part_name
from archive.history import Version, add_version
from archive.ingest import known_article, record_reading
from archive.models import Article, DateCandidate, Lead, Outcome, Outlet, Reading, Snapshot, Term, Verdict
from archive.pages import file_lead, finish_page, original_page
from archive.snapshots import Exchange, SnapshotWriter, find_snapshot, read_exchange, save_snapshot
from archive.store import is_withdrawn, row, transaction


@dataclass(slots=True)
class Ingested:
    """What came in: new articles, versions added to articles, captures that added nothing; pages without an article."""

    new: int = 0
    versions: int = 0
    unchanged: int = 0
    off_topic: int = 0
    outside: int = 0  # published before or after the period
    failed: int = 0
    files: int = 0


def ingest_parts(
    db: Database,
    writer: SnapshotWriter,
    folder: Path,
    outlets: dict[str, Outlet],
    *,
    progress: Callable[[int, int], None] = lambda done, of: None,
) -> Ingested:
    """Take in the parts of all files that are done and not yet ingested. What is there already adds nothing.

    The caller holds the archive's lock. Raises SnapshotError where a part's WARC is damaged.
    """
    done = files(db, "done")
    captures = sorted(
        _captures(done, folder), key=lambda each: (each["fetched"], each["url"], each["source"])
    )
    counts = Ingested(files=len(done))
    for number, capture in enumerate(captures):
        outlet = outlets.get(capture["outlet"])
        if outlet is not None:
            _ingest(db, writer, folder, outlet, capture, counts)
        progress(number + 1, len(captures))
    writer.sync()
    for file in done:
        note_ingested(db, file["id"])
    return counts


def _captures(done: list[dict[str, Any]], folder: Path) -> Iterator[dict[str, Any]]:
    for file in done:
        source = source_of(file, folder)
        with (folder / f"{part_name(source)}.jsonl").open(encoding="utf-8") as part:
            for line in part:
                yield json.loads(line) | {"source": source, "since": file["since"], "until": file["until"]}


def _ingest(
    db: Database,
    writer: SnapshotWriter,
    folder: Path,
    outlet: Outlet,
    capture: dict[str, Any],
    counts: Ingested,
) -> None:
    if not _in_period(capture):
        counts.outside += 1
        return
    lead = Lead(
        url=capture["url"], outlet=outlet.id, via="backfill", route=capture["source"],
        headline=capture.get("title", ""),
        published_local=capture.get("published"),
    )  # fmt: skip
    page = original_page(db, file_lead(db, lead).url)["url"]
    if "article" not in capture:
        _note_page(db, page, capture, counts)
    elif not is_withdrawn(db, page, capture["url"]):
        _take_in(db, writer, folder, outlet, page, capture, counts)


def _in_period(capture: dict[str, Any]) -> bool:
    """Whether a page was published in the period; of one that does not say when, the day of its capture counts."""
    published = capture["article"]["published_local"] if "article" in capture else capture.get("published")
    day = (published or capture["fetched"])[:10]
    return bool((capture["since"] or "") <= day <= (capture["until"] or "9999"))


def _note_page(db: Database, page: str, capture: dict[str, Any], counts: Ingested) -> None:
    """Keep what became of a page that gave no article: without it a share could not be computed."""
    known = row(db, "SELECT state FROM pages WHERE url = ?", [page])
    outcome = Outcome.FAILED if "error" in capture else Outcome.OFF_TOPIC
    counts.failed += outcome is Outcome.FAILED
    counts.off_topic += outcome is Outcome.OFF_TOPIC
    if known is not None and known["state"] == "queued":
        finish_page(db, page, outcome, reason=capture.get("error", "not on the subject"))


def _take_in(
    db: Database, writer: SnapshotWriter, folder: Path, outlet: Outlet, page: str, capture: dict[str, Any],
    counts: Ingested,
) -> None:  # fmt: skip
    kept = row(
        db, "SELECT id, outcome FROM snapshots WHERE page = ? AND fetched = ? AND payload_digest = ?",
        [page, capture["fetched"], capture["payload_digest"]],
    )  # fmt: skip
    if kept is not None and kept["outcome"] is not None:
        counts.unchanged += 1
        return
    if kept is None:
        snapshot = save_snapshot(db, writer, _exchange(folder, page, capture))
        db.execute(
            "INSERT INTO backfill_captures VALUES (?,?,?)",
            [snapshot.id, capture["source"], capture["offset"]],
        )
        db.conn.commit()
    else:
        found = find_snapshot(db, kept["id"])  # of an ingest that was interrupted here
        assert found is not None
        snapshot = found
    outcome = _record(db, outlet, snapshot, _reading(capture))
    counts.new += outcome is Outcome.NEW
    counts.versions += outcome is Outcome.REVISED
    counts.unchanged += outcome not in (Outcome.NEW, Outcome.REVISED)


def _exchange(folder: Path, page: str, capture: dict[str, Any]) -> Exchange:
    return read_exchange(
        folder / f"{part_name(capture['source'])}.warc.gz", capture["warc_offset"], page=page,
        payload_digest=capture["payload_digest"],
    )  # fmt: skip


def _reading(capture: dict[str, Any]) -> Reading:
    article, verdict = dict(capture["article"]), dict(capture["verdict"])
    article["dates"] = tuple(DateCandidate(**date) for date in article["dates"])
    for name in ("authors", "tags"):
        article[name] = tuple(article[name])
    verdict["terms"] = tuple(Term(**term) for term in verdict["terms"])
    return Reading(article=Article(**article), verdict=Verdict(**verdict))


def _record(db: Database, outlet: Outlet, snapshot: Snapshot, reading: Reading) -> Outcome:
    known = known_article(db, snapshot.page, reading.article.url)
    if known is None or snapshot.fetched >= known["last_checked"]:
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
