"""An archive of the demo newsroom, taken along the whole line without a crawl: quick, and the same every time."""

import urllib.error
import urllib.request
from pathlib import Path

from sqlite_utils import Database

from archive.grouping import group_archive
from archive.ingest import ingest, record_failure
from archive.models import Lead, Outcome, Outlet
from archive.options import SHIPPED_TOPIC
from archive.pages import file_lead
from archive.snapshots import Exchange, SnapshotWriter, save_snapshot
from archive.store import open_archive, save_outlets
from archive.times import utc_now
from archive.topic import Topic, load_topic
from crawlers.outlets import load_outlets
from tests.newsroom import Newsroom, Truth, load_newsroom


def build_archive(folder: Path, phases: tuple[int, ...] = (1, 2)) -> Path:
    """Visit every article of the demo newsroom once a phase; return the path of the archive."""
    path = folder / "archive.db"
    db = open_archive(path)
    writer = SnapshotWriter(folder / "warc")
    topic = load_topic(SHIPPED_TOPIC)
    with load_newsroom() as newsroom:
        outlets = {outlet.id: outlet for outlet in load_outlets(newsroom.registry(folder / "outlets.toml"))}
        save_outlets(db, list(outlets.values()))
        for phase in phases:
            newsroom.phase = phase
            _visit(db, writer, topic, newsroom, outlets)
            group_archive(db)
    writer.close()
    db.close()
    return path


def _visit(
    db: Database, writer: SnapshotWriter, topic: Topic, newsroom: Newsroom, outlets: dict[str, Outlet]
) -> None:
    db.execute("INSERT INTO crawls (started) VALUES (?)", [utc_now()])
    known = {truth.url: truth for truth in [*newsroom.truth(1), *newsroom.truth(newsroom.phase)]}
    for truth in known.values():
        _take(db, writer, topic, truth, outlets[truth.outlet])
    db.execute("UPDATE crawls SET finished = ?, outcome = 'finished' WHERE finished IS NULL", [utc_now()])
    db.conn.commit()


def _take(db: Database, writer: SnapshotWriter, topic: Topic, truth: Truth, outlet: Outlet) -> None:
    file_lead(db, Lead(url=truth.url, outlet=outlet.id, via="feed", headline=truth.title))
    status, url, headers, body = _fetch(truth.url)
    exchange = Exchange(
        url=url,
        page=truth.url,
        fetched=utc_now(),
        status=status,
        status_text="",
        request_headers=(),
        response_headers=headers,
        body=body,
    )
    if status >= 400:
        record_failure(db, save_snapshot(db, writer, exchange), Outcome.GONE, f"HTTP {status}")
    elif url.count("/") > 3 or url == truth.url:
        ingest(db, writer, outlet, exchange, body, topic)


def _fetch(url: str) -> tuple[int, str, list[tuple[str, str]], bytes]:
    try:
        with urllib.request.urlopen(url) as response:
            return response.status, response.url, list(response.headers.items()), response.read()
    except urllib.error.HTTPError as error:
        return error.code, url, list(error.headers.items()), error.read()
