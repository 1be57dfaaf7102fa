"""A short, broken-off article of an outlet that writes at length is a teaser; a brief is not."""

from pathlib import Path

import pytest
from sqlite_utils import Database

from archive.habit import mark_teasers
from archive.models import Article, Outlet, Verdict
from archive.store import open_archive, rows, save_article, save_outlets

OUTLET = Outlet(
    id="ejemplo", name="El Ejemplo", country="MX", language="es", homepage="https://ejemplo.example/",
    timezone="America/Mexico_City",
)  # fmt: skip
BROKEN = "La secretaria dijo ayer que el acuerdo con la embajada se firmará y que los"


@pytest.fixture
def db(tmp_path: Path) -> Database:
    db = open_archive(tmp_path / "archive.db")
    save_outlets(db, [OUTLET])
    return db


def save(db: Database, slug: str, text: str, **fields: object) -> None:
    article = Article(url=f"https://ejemplo.example/{slug}", title=f"Nota {slug}", text=text, **fields)  # type: ignore[arg-type]
    save_article(db, OUTLET, article, Verdict(grade=2, score=9.0), seen="2026-01-15T17:00:00Z", snapshot=None)


def save_long(db: Database, number: int) -> None:
    for n in range(number):
        save(db, f"larga-{n}", " ".join(f"palabra{n}x{part}" for part in range(300 + 10 * n)) + ".")


def teasers(db: Database) -> list[str]:
    found = rows(db, "SELECT url FROM articles WHERE completeness = 'teaser' ORDER BY url")
    return [article["url"].rpartition("/")[2] for article in found]


def test_a_short_text_that_stops_in_mid_sentence_is_a_teaser(db: Database) -> None:
    save_long(db, 22)
    save(db, "cortada", BROKEN)
    save(db, "breve", BROKEN + " equipos se reunirán el viernes.")
    save(db, "cita", BROKEN + " equipos se reunirán: “el viernes”, precisó (sin dar hora.)")
    assert mark_teasers(db) == 1
    assert teasers(db) == ["cortada"]
    assert mark_teasers(db) == 0


def test_a_short_text_of_a_page_that_is_not_free_is_a_teaser(db: Database) -> None:
    save_long(db, 22)
    save(db, "de-pago", BROKEN + " equipos se reunirán el viernes.", paywalled=True)
    save(db, "larga-de-pago", "palabra " * 400 + "final.", paywalled=True)
    assert mark_teasers(db) == 1
    assert teasers(db) == ["de-pago"]


def test_an_outlet_of_few_articles_and_other_forms_have_no_habit(db: Database) -> None:
    save_long(db, 15)
    save(db, "cortada", BROKEN)
    assert mark_teasers(db) == 0
    save_long(db, 30)
    save(db, "galeria", BROKEN, form="gallery")
    mark_teasers(db)
    assert teasers(db) == ["cortada"]


def test_an_outlet_of_briefs_is_measured_by_its_own_habit(db: Database) -> None:
    for n in range(30):
        save(db, f"breve-{n}", " ".join(f"palabra{n}x{part}" for part in range(25)))
    save(db, "cortada", BROKEN)
    assert mark_teasers(db) == 0
