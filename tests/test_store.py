import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest
from sqlite_utils import Database

from archive.migrations import migrations
from archive.models import Article, Outcome, Outlet, Term, Verdict
from archive.store import (
    ArchiveError,
    find_article,
    open_archive,
    open_existing,
    revisions_of,
    row,
    save_article,
    save_outlets,
    set_status,
    transaction,
)

OUTLET = Outlet(
    id="faro", name="El Faro", country="MX", language="es", homepage="https://faro.example/",
    timezone="America/Mexico_City",
)  # fmt: skip
ARTICLE = Article(
    url="https://faro.example/nota", title="Acuerdo de seguridad", text="Texto de la nota.",
    published_local="2026-03-03T09:30:00-06:00", published_precision="minute",
)  # fmt: skip
TERM = Term(text="acuerdo", where="title", points=3.0, why="ambos gobiernos")
VERDICT = Verdict(grade=2, score=7.5, terms=(TERM,), topic_version="1")
SEEN = "2026-03-03T16:00:00Z"


@pytest.fixture
def db(archive_path: Path) -> Database:
    db = open_archive(archive_path)
    save_outlets(db, [OUTLET])
    return db


def save(db: Database, article: Article = ARTICLE, seen: str = SEEN) -> tuple[int, Outcome]:
    return save_article(db, OUTLET, article, VERDICT, seen=seen, snapshot=None)


def save_and_fail(db: Database, article: Article) -> None:
    with transaction(db):
        save(db, article)
        raise RuntimeError("half way")


def found(db: Database, word: str) -> list[int]:
    sql = "SELECT rowid FROM articles_fts WHERE articles_fts MATCH ?"
    return [number for (number,) in db.execute(sql, [word]).fetchall()]


def test_a_new_article_is_stored_with_its_first_revision(db: Database) -> None:
    number, outcome = save(db)
    stored = row(db, "SELECT * FROM articles WHERE id = ?", [number])
    assert outcome is Outcome.NEW
    assert stored is not None
    assert (stored["published"], stored["published_local"]) == (
        "2026-03-03T15:30:00Z",
        "2026-03-03T09:30:00-06:00",
    )
    assert [(r["number"], r["text"]) for r in revisions_of(db, number)] == [(1, "Texto de la nota.")]
    assert found(db, "acuerdo") == [number]


def test_the_same_text_again_adds_nothing_but_the_time(db: Database) -> None:
    number, _ = save(db)
    assert save(db, seen="2026-03-04T16:00:00Z") == (number, Outcome.UNCHANGED)
    assert len(revisions_of(db, number)) == 1
    known = find_article(db, ARTICLE.url)
    assert known is not None
    assert known["last_checked"] == "2026-03-04T16:00:00Z"


def test_a_clock_set_back_does_not_set_back_the_last_check(db: Database) -> None:
    save(db)
    save(db, seen="2020-01-01T00:00:00Z")
    known = find_article(db, ARTICLE.url)
    assert known is not None
    assert known["last_checked"] == SEEN


def test_a_changed_text_is_a_revision_and_the_index_follows(db: Database) -> None:
    number, _ = save(db)
    changed = replace(ARTICLE, text="Otro texto: cuarenta decomisos.")
    assert save(db, changed, "2026-03-04T16:00:00Z") == (number, Outcome.REVISED)
    assert [r["number"] for r in revisions_of(db, number)] == [1, 2]
    assert found(db, "decomisos") == [number]
    assert found(db, "nota") == []
    db.execute("INSERT INTO articles_fts(articles_fts, rank) VALUES ('integrity-check', 1)")


def test_another_form_of_the_address_is_the_same_article(db: Database) -> None:
    number, _ = save(db)
    assert save(db, replace(ARTICLE, url="http://www.faro.example/nota/?utm_source=x"))[0] == number


def test_ids_run_with_the_day_of_publication(db: Database) -> None:
    later, _ = save(db)
    earlier, _ = save(
        db, replace(ARTICLE, url="https://faro.example/b", published_local="2025-01-01T00:00:00-06:00")
    )
    same_day, _ = save(db, replace(ARTICLE, url="https://faro.example/c"))
    assert earlier < later < same_day


def test_leaving_and_coming_back_are_events_once_each(db: Database) -> None:
    number, _ = save(db)
    for status, seen in (("gone", "1"), ("gone", "2"), ("live", "3")):
        set_status(db, number, status, seen=f"2026-03-1{seen}T00:00:00Z", detail="", snapshot=None)  # type: ignore[arg-type]
    events = db.execute("SELECT event, seen FROM events ORDER BY id").fetchall()
    assert events == [("gone", "2026-03-11T00:00:00Z"), ("returned", "2026-03-13T00:00:00Z")]


def test_a_transaction_that_fails_leaves_nothing_behind(db: Database) -> None:
    with pytest.raises(RuntimeError, match="half way"):
        save_and_fail(db, ARTICLE)
    assert db["articles"].count == 0
    assert db["texts"].count == 0


def test_an_inner_transaction_can_fail_alone(db: Database) -> None:
    with transaction(db):
        save(db)
        with pytest.raises(RuntimeError, match="half way"):
            save_and_fail(db, replace(ARTICLE, url="https://faro.example/b"))
    assert db["articles"].count == 1


def test_a_file_that_is_no_archive_is_named(tmp_path: Path) -> None:
    path = tmp_path / "text.db"
    path.write_text("this is no database, but long enough to be looked at" * 100)
    with pytest.raises(ArchiveError, match=r"text\.db: file is not a database"):
        open_archive(path)


def test_an_archive_that_is_not_there_is_not_made_by_reading(tmp_path: Path) -> None:
    with pytest.raises(ArchiveError, match="there is no archive here"):
        open_existing(tmp_path / "none.db")
    assert list(tmp_path.iterdir()) == []


def test_an_archive_of_a_newer_version_is_refused(archive_path: Path) -> None:
    db = open_archive(archive_path)
    sql = (
        "INSERT INTO _sqlite_migrations (migration_set, name, applied_at) VALUES ('bilateral', 'of_2031', '')"
    )
    db.execute(sql)
    db.conn.commit()
    db.close()
    with pytest.raises(ArchiveError, match=r"newer version.*of_2031"):
        open_archive(archive_path)


def test_opening_twice_changes_nothing(archive_path: Path) -> None:
    open_archive(archive_path).close()
    before = archive_path.read_bytes()
    db = open_archive(archive_path)
    assert not migrations.pending(db)
    db.close()
    assert archive_path.read_bytes() == before


def test_a_reader_is_not_blocked_by_a_writer(db: Database, archive_path: Path) -> None:
    with transaction(db):
        save(db)
        with sqlite3.connect(archive_path, timeout=0.1) as reader:
            assert reader.execute("SELECT count(*) FROM articles").fetchone() == (0,)


def test_outlets_follow_the_registry_and_are_never_lost(db: Database) -> None:
    save_outlets(db, [replace(OUTLET, name="El Nuevo Faro")])
    save_outlets(db, [])
    assert db.execute("SELECT id, name FROM outlets").fetchall() == [("faro", "El Nuevo Faro")]
