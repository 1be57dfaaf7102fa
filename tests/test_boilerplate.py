"""What an outlet repeats is learnt from its own articles, and nothing else is."""

from pathlib import Path

import pytest
from sqlite_utils import Database

from archive.boilerplate import MOST_PAGES, known_boilerplate, learn_boilerplate, note_lines, without
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
    note_lines(db, OUTLET.id, article.url, article.text, on_subject=True)
    verdict = Verdict(grade=2, score=9.0)
    return save_article(db, OUTLET, article, verdict, seen="2026-01-15T17:00:00Z", snapshot=None)[0]


def note(db: Database, number: int, *blocks: str) -> None:
    """A page off the subject, which is read and not stored."""
    url = f"https://ejemplo.example/deportes-{number}"
    note_lines(db, OUTLET.id, url, "\n\n".join(blocks), on_subject=False)


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


def test_three_pages_are_enough_where_one_is_off_the_subject(db: Database) -> None:
    for number in range(2):
        save(db, number, *body(number), LINE)
    note(db, 9, *body(9), LINE)
    assert learn_boilerplate(db) == 2
    assert not any(LINE in text for text in texts(db))


def test_background_that_stories_on_the_subject_share_stays(db: Database) -> None:
    background = "Los dos gobiernos firmaron el acuerdo anterior hace tres años en la capital."
    for number in range(3):
        save(db, number, body(number)[0], background, *body(number)[1:])
    for number in range(3, 12):
        note(db, number, *body(number), LINE)
    assert learn_boilerplate(db) == 0
    assert all(background in text for text in texts(db))


def test_one_of_several_lines_that_take_turns_is_learnt(db: Database) -> None:
    turns = [
        LINE,
        "Los sábados El Ejemplo trae ocho páginas más.",
        "El Ejemplo se imprime desde 1948 en papel.",
    ]
    for number in range(4):
        save(db, number, *body(number), turns[number % 3])
    for number in range(4, 12):
        note(db, number, *body(number), turns[number % 3])
    learn_boilerplate(db)
    assert [text.split("\n\n") for text in texts(db)] == [body(number) for number in range(4)]


def test_a_sentence_at_the_end_of_a_paragraph_is_learnt_alone(db: Database) -> None:
    for number in range(4):
        first, last = body(number)[:2]
        save(db, number, first, f"{last}. El Ejemplo es de sus lectores.")
    for number in range(4, 8):
        note(db, number, f"{body(number)[0]}. El Ejemplo es de sus lectores.")
    assert learn_boilerplate(db) == 4
    assert [text.split("\n\n")[1] for text in texts(db)] == [f"{body(number)[1]}." for number in range(4)]


def test_a_line_whose_numbers_change_is_news(db: Database) -> None:
    for number in range(6):
        save(
            db,
            number,
            *body(number),
            f"Desde febrero han sido detenidas {number * 137} personas en la frontera.",
        )
    assert learn_boilerplate(db) == 0


def test_a_long_notice_on_most_pages_is_learnt_and_a_long_quotation_on_few_is_not(db: Database) -> None:
    notice, quotation = (" ".join(f"{word}{n}" for n in range(75)) + "." for word in ("aviso", "cita"))
    for number in range(4):
        save(db, number, *body(number), *([quotation] if number < 3 else []), notice)
    for number in range(4, 9):
        note(db, number, *body(number), notice)
    learn_boilerplate(db)
    assert not any(notice in text for text in texts(db))
    assert sum(quotation in text for text in texts(db)) == 3


def test_the_sample_of_pages_is_bounded_and_does_not_depend_on_their_order(
    db: Database, tmp_path: Path
) -> None:
    other = open_archive(tmp_path / "other.db")
    save_outlets(other, [OUTLET])
    numbers = list(range(MOST_PAGES + 40))
    for archive, order in ((db, numbers), (other, reversed(numbers))):
        save(archive, 1000, *body(1000))
        for number in order:
            note(archive, number, f"Una línea de la página {number} que nadie más tiene", LINE)
        learn_boilerplate(archive)
    kept = [rows(archive, "SELECT * FROM page_lines ORDER BY 1, 2, 3") for archive in (db, other)]
    assert kept[0] == kept[1]
    assert len({line["page"] for line in kept[0]}) == MOST_PAGES


def test_of_three_pages_that_all_share_it_a_paragraph_goes_only_if_it_names_nothing(db: Database) -> None:
    line = "Si te sirvió esta lectura, cuéntanos qué más quieres saber."
    background = "El acuerdo anterior lo firmó en la capital el canciller Ordaz."
    for number in range(3):
        paragraphs = body(number)
        save(
            db,
            number,
            f"{paragraphs[0]} Nadie dio más detalles esa tarde.",
            background,
            *paragraphs[1:],
            line,
        )
    assert learn_boilerplate(db) == 3
    assert not any(line in text for text in texts(db))
    assert all(background in text for text in texts(db))
    assert all("Nadie dio más detalles esa tarde." in text for text in texts(db))
