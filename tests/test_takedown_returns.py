"""The ways by which the words of a withdrawn article could come back, or linger: each is gone."""

import shutil
import sqlite3
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from sqlite_utils import Database

from archive.evaluation import record_label
from archive.grouping import group_archive
from archive.ingest import Result, record_failure, record_reading
from archive.merge import merge
from archive.models import Article, Lead, Outcome, Outlet, Reading, Verdict
from archive.pages import file_lead, find_page
from archive.publish import publish
from archive.snapshots import Exchange, SnapshotWriter, save_snapshot
from archive.store import open_archive, row, rows, save_outlets
from archive.takedown import take_down, takedown_log

OUTLET = Outlet(
    id="faro", name="El Faro", country="MX", language="es", homepage="https://faro.example/",
    timezone="America/Mexico_City",
)  # fmt: skip
URL = "https://faro.example/2026/03/acuerdo-de-seguridad"
# Words of the text alone; each begins unlike its neighbours in an index, which keeps only how words differ.
WORDS = (
    "abejaruco",
    "bergantines",
    "cormoranes",
    "escabeches",
    "fumarolas",
    "guanabanas",
    "jengibres",
    "zarzamora",
)
TEXT = (
    "Los gobiernos de México y Estados Unidos acordaron un programa contra el tráfico de armas, con abejaruco,"
    " bergantines y cormoranes, informó la cancillería.\n\n"
    "La reunión del grupo de seguridad será el 23 de marzo, con escabeches, fumarolas y guanabanas, dijo el secretario."
    "\n\nLa delegación aceptó revisar los envíos que cruzan la frontera hacia el sur: jengibres y zarzamora."
)


def article(
    url: str = URL, text: str = TEXT, title: str = "México y EE.UU. acuerdan un programa", **more: Any
) -> Article:
    return replace(
        Article(
            url=url, title=title, text=text, description="Sumario con mandragora", tags=("nopalitos",),
            language="es", published_local="2026-03-03T09:30:00-06:00",
        ),
        **more,
    )  # fmt: skip


@dataclass
class Archive:
    """An archive into which readings of pages go as a crawl stores them."""

    folder: Path

    def __post_init__(self) -> None:
        self.path, self.warc = self.folder / "archive.db", self.folder / "warc"
        self.db: Database = open_archive(self.path)
        save_outlets(self.db, [OUTLET])

    def take(
        self,
        read: Article,
        page: str = URL,
        *,
        seen: str = "2026-03-03T16:00:00Z",
        at: str = "",
        fails: str = "",
    ) -> Result:
        """Store a page that was answered from ``at``, or (with ``fails``) not at all."""
        file_lead(
            self.db, Lead(url=page, outlet="faro", via="feed", summary="Avance con perejiles", content=TEXT)
        )
        writer = SnapshotWriter(self.warc)
        exchange = Exchange(
            url=at or page, page=page, fetched=seen, status=200, status_text="OK", request_headers=(),
            response_headers=[("Content-Type", "text/html")], body=f"{page} {seen} {read.text}".encode(),
        )  # fmt: skip
        snapshot = save_snapshot(self.db, writer, exchange)
        writer.close()
        if fails:
            return record_failure(self.db, snapshot, Outcome.GONE, fails)
        return record_reading(
            self.db, OUTLET, snapshot, Reading(article=read, verdict=Verdict(grade=2, score=9.0))
        )

    def holds(self, *words: str) -> set[str]:
        """Which words stand anywhere in the database or its files."""
        dump = "\n".join(self.db.conn.iterdump())
        self.db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        raw = b"".join(path.read_bytes() for path in self.path.parent.glob("archive.db*"))
        # An index keeps of a word what differs from the one before it.
        return {word for word in words or WORDS if word in dump or word[2:].encode() in raw}

    def published(self, folder: Path) -> list[dict[str, Any]]:
        """The snapshots that a published site names."""
        site = sqlite3.connect(publish(self.path, folder, public=False).path)
        return rows(Database(site), "SELECT page, outcome FROM snapshots")


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    made = Archive(tmp_path / "here")
    made.take(article())
    assert made.holds() == set(WORDS)
    return made


def test_no_part_of_the_index_keeps_a_word(archive: Archive) -> None:
    for number in range(9):
        other = f"{URL}-{number}"
        archive.take(article(other, f"Otra nota, la número {number}.", description="", tags=()), other)
    archive.db.execute("UPDATE pages SET summary = '' WHERE url != ?", [URL])
    archive.db.conn.commit()
    take_down(archive.db, URL, "asked")
    assert archive.holds(*WORDS, "mandragora", "nopalitos", "perejiles") == set()
    archive.db.execute("INSERT INTO articles_fts(articles_fts) VALUES ('integrity-check')")


def test_nor_does_a_page_that_was_given_up(archive: Archive) -> None:
    """Whatever SQLite was built with: versions replaced, and parts of the index that were merged, leave no words."""
    assert archive.db.execute("PRAGMA secure_delete").fetchone() == (1,)
    for hour in range(6):
        text = (
            f"{TEXT}\n\nActualización de las {hour} horas: {'tlacuaches, ' * 900} y otra frase nueva {hour}."
        )
        archive.take(article(text=text), seen=f"2026-03-04T1{hour}:00:00Z")
    assert "tlacuaches" in archive.holds("tlacuaches")
    take_down(archive.db, URL, "asked")
    assert archive.holds(*WORDS, "tlacuaches") == set()


def test_what_stories_and_copies_are_found_from_is_forgotten(archive: Archive) -> None:
    other = TEXT.replace("acordaron un", "firmaron ese")
    archive.take(article(f"{URL}-2", other, "México y EE.UU. firman el programa"), f"{URL}-2")
    group_archive(archive.db)
    take_down(archive.db, URL, "asked")
    take_down(archive.db, f"{URL}-2", "asked")
    profiles = "SELECT count(*) FROM story_articles UNION ALL SELECT count(*) FROM page_lines"
    assert archive.db.execute(profiles).fetchall() == [(0,), (0,)]
    for anew in (False, True):
        group_archive(archive.db, anew=anew)
        assert archive.holds() == set()


def test_a_coder_s_note_on_it_is_erased(archive: Archive) -> None:
    record_label(archive.db, URL, 2, note="«con abejaruco, bergantines y cormoranes»", coder="ana")
    take_down(archive.db, URL, "asked")
    assert row(archive.db, "SELECT grade, note FROM labels") == {"grade": 2, "note": ""}


def test_the_address_that_readers_see_is_known(tmp_path: Path) -> None:
    archive = Archive(tmp_path / "here")
    seen = "https://faro.example/nota/8841.html"
    archive.take(article(), "https://faro.example/n/8841", at=seen)
    assert take_down(archive.db, f"{seen}?utm_source=x", "asked").article is not None
    assert archive.holds() == set()


@pytest.mark.parametrize("page", [URL, "https://faro.example/n/8841"])
def test_a_page_fetched_once_more_is_not_kept_nor_its_snapshot_published(
    archive: Archive, tmp_path: Path, page: str
) -> None:
    archive.take(article(), page)
    take_down(archive.db, URL, "asked")
    archive.db.execute("UPDATE pages SET summary = 'Avance con perejiles'")  # as filed by a feed meanwhile
    result = archive.take(article(text=TEXT + " Y otra frase."), page, seen="2026-03-05T16:00:00Z")
    assert result.outcome is Outcome.WITHDRAWN
    assert (
        archive.take(article(), page, seen="2026-03-06T16:00:00Z", fails="HTTP 410").outcome
        is Outcome.WITHDRAWN
    )
    assert archive.holds() == set()
    found = find_page(archive.db, page)
    assert found is not None
    assert found["summary"] == ""
    assert archive.published(tmp_path / "site") == []


def test_the_same_words_at_another_address_of_the_outlet_stay_out(archive: Archive, tmp_path: Path) -> None:
    archive.take(article(text=TEXT.replace("acordaron", "firmaron ayer")), seen="2026-03-05T16:00:00Z")
    take_down(archive.db, URL, "asked")
    other = "https://faro.example/especiales/el-acuerdo"
    assert archive.take(article(other), other).outcome is Outcome.WITHDRAWN  # the words of its first version
    assert archive.holds() == set()
    assert archive.published(tmp_path / "site") == []


def test_a_page_that_calls_itself_the_withdrawn_one_stays_out_under_another_headline(
    archive: Archive,
) -> None:
    take_down(archive.db, URL, "asked")
    other = "https://faro.example/amplia/el-acuerdo"
    assert archive.take(article(title="Otro titular para lo mismo"), other).outcome is Outcome.WITHDRAWN
    assert archive.holds() == set()


def test_another_article_whose_page_only_claims_that_address_is_archived(archive: Archive) -> None:
    take_down(archive.db, URL, "asked")
    other = "https://faro.example/2026/04/la-feria"
    later = article(
        text="Una nota distinta sobre la frontera, de otro día y con otras palabras.", title="La feria",
        published_local="2026-04-09T08:00:00-06:00",
    )  # fmt: skip
    result = archive.take(later, other)
    assert result.outcome is Outcome.NEW
    assert row(archive.db, "SELECT url FROM articles WHERE id = ?", [result.article]) == {"url": other}


def test_an_older_capture_of_a_web_archive_brings_no_words(tmp_path: Path) -> None:
    archive = Archive(tmp_path / "here")
    page = "https://faro.example/n/8841"  # the page names another address as its own
    archive.take(article(), page)
    take_down(archive.db, page, "asked")
    read = article(text=TEXT.replace("acordaron", "discuten"))
    taking = _backfill(archive, tmp_path / "parts", page, read, "2026-03-03T15:00:00Z")
    taking()
    assert archive.holds() == set()
    assert archive.published(tmp_path / "site") == []


def _backfill(archive: Archive, folder: Path, page: str, read: Article, fetched: str) -> Any:
    """Return what ingests one capture, as its file's reading gave it."""
    from archive.backfill.ingest import _record

    file_lead(archive.db, Lead(url=page, outlet="faro", via="backfill"))
    writer = SnapshotWriter(folder)
    exchange = Exchange(
        url=page, page=page, fetched=fetched, status=200, status_text="OK", request_headers=(),
        response_headers=[("Content-Type", "text/html")], body=read.text.encode(),
    )  # fmt: skip
    snapshot = save_snapshot(archive.db, writer, exchange)
    writer.close()
    return lambda: _record(
        archive.db, OUTLET, snapshot, Reading(article=read, verdict=Verdict(grade=2, score=9.0))
    )


@pytest.mark.parametrize("withdrawn", ["before", "there"])
def test_an_archive_that_still_has_it_brings_no_words(
    archive: Archive, tmp_path: Path, withdrawn: str
) -> None:
    archive.db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    shutil.copytree(archive.folder, tmp_path / "there")
    there = Archive(tmp_path / "there")
    there.take(article(text=TEXT + " Y otra frase."), seen="2026-03-05T16:00:00Z")
    record_label(there.db, URL, 2, note="«con abejaruco»", coder="ana")
    take_down((archive if withdrawn == "before" else there).db, URL, "asked")
    merge(archive.db, there.path, folder=archive.warc, other_folder=there.warc)
    group_archive(archive.db)
    assert archive.holds() == set()
    assert archive.published(tmp_path / "site") == []


@pytest.mark.parametrize("into_which", ["here", "there"])
def test_nor_does_one_that_has_it_under_another_address(
    archive: Archive, tmp_path: Path, into_which: str
) -> None:
    page = "https://faro.example/n/8841"
    there = Archive(tmp_path / "there")
    there.take(article(page), page)  # there, the page had not yet said what it calls itself
    archive.take(article(), page)
    take_down(archive.db, page, "asked")
    into, other = (archive, there) if into_which == "here" else (there, archive)
    merge(into.db, other.path, folder=into.warc, other_folder=other.warc)
    assert into.holds() == set()
    assert into.take(article(page), page, seen="2026-03-05T16:00:00Z").outcome is Outcome.WITHDRAWN
    assert {entry["url"] for entry in takedown_log(into.db)} == {URL, page}


def test_it_stays_withdrawn_when_its_address_turns_out_to_be_another(archive: Archive) -> None:
    number = take_down(archive.db, URL, "asked").article
    archive.db.execute("UPDATE articles SET url = url || '-2', key = key || '-2'")
    archive.db.execute("UPDATE pages SET url = url || '-2', key = key || '-2'")
    archive.db.conn.commit()
    result = archive.take(article(f"{URL}-2"), f"{URL}-2", seen="2026-03-05T16:00:00Z")
    assert (result.outcome, result.article) == (Outcome.WITHDRAWN, number)
    assert archive.holds() == set()
