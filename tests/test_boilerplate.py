"""What an outlet repeats is learnt from its own articles, and nothing else is."""

from pathlib import Path

import pytest
from sqlite_utils import Database

from archive.boilerplate import known_boilerplate, learn_boilerplate, without
from archive.folding import block_digest
from archive.models import Article, Outlet, Verdict
from archive.store import open_archive, revisions_of, rows, save_article, save_outlets, text_digest

LINE = "Suscríbase al boletín de la tarde de El Ejemplo y reciba lo más importante."
OUTLET = Outlet(
    id="ejemplo", name="El Ejemplo", country="MX", language="es", homepage="https://ejemplo.example/",
    timezone="America/Mexico_City",
)  # fmt: skip


@pytest.fixture
def db(tmp_path: Path) -> Database:
    db = open_archive(tmp_path / "archive.db")
    save_outlets(db, [OUTLET])
    return db


def body(number: int) -> list[str]:
    return [
        f"Párrafo {part} de la nota {number}: " + " ".join(f"palabra{number}x{part}x{n}" for n in range(30))
        for part in range(4)
    ]


def save(db: Database, number: int, *blocks: str) -> int:
    article = Article(
        url=f"https://ejemplo.example/nota-{number}", title=f"Nota {number}", text="\n\n".join(blocks),
        language="es", published_local="2026-01-15T10:00:00-06:00",
    )  # fmt: skip
    verdict = Verdict(grade=2, score=9.0)
    return save_article(db, OUTLET, article, verdict, seen="2026-01-15T17:00:00Z", snapshot=None)[0]


def texts(db: Database) -> list[str]:
    return [found["text"] for found in rows(db, "SELECT text FROM texts ORDER BY article")]


def test_a_line_under_most_articles_is_learnt_and_cut_from_texts_revisions_and_index(db: Database) -> None:
    numbers = [save(db, number, *body(number), LINE) for number in range(6)]
    assert learn_boilerplate(db) == 6
    assert not any(LINE in text for text in texts(db))
    assert all(LINE not in revision["text"] for revision in revisions_of(db, numbers[0]))
    assert rows(db, "SELECT 1 FROM articles_fts WHERE articles_fts MATCH 'boletín'") == []
    digests = rows(db, "SELECT a.sha256, t.title, t.text FROM articles a JOIN texts t ON t.article = a.id")
    assert all(found["sha256"] == text_digest(found["title"], found["text"]) for found in digests)
    assert known_boilerplate(db, "ejemplo") == {block_digest(LINE)}
    assert learn_boilerplate(db) == 0


def test_what_few_articles_share_is_left(db: Database) -> None:
    for number in range(4):
        save(db, number, *body(number), LINE)
    for number in range(4, 12):
        save(db, number, *body(number))
    assert learn_boilerplate(db) == 0
    assert sum(LINE in text for text in texts(db)) == 4


def test_notices_of_developing_news_and_corrections_are_no_boilerplate(db: Database) -> None:
    for number in range(6):
        save(
            db,
            number,
            *body(number),
            "Información en desarrollo.",
            "Fe de errores: se corrigió una cifra del texto.",
        )
    assert learn_boilerplate(db) == 0


def test_articles_made_of_the_same_paragraphs_are_left_alone(db: Database) -> None:
    for number in range(6):
        save(db, number, body(number)[0], *body(99)[1:])
    before = texts(db)
    assert learn_boilerplate(db) == 0
    assert texts(db) == before


def test_cutting_stops_where_much_would_go() -> None:
    learnt = frozenset(filter(None, [block_digest(LINE)]))
    assert without("\n\n".join([*body(1), LINE]), learnt) == "\n\n".join(body(1))
    assert LINE in without(f"Una sola línea de la nota.\n\n{LINE}", learnt)
