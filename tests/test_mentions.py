import json
from datetime import date
from pathlib import Path

import pytest

from archive.dates import named_dates, publication_day
from archive.mentions import mentions

SPANISH = """Ciudad de México.- El canciller Juan Ramón de la Fuente y el secretario de Estado de EE. UU., Marco \
Rubio, conversaron por teléfono este jueves 15 de enero.

Hablaron de la próxima reunión del Grupo de Implementación de Seguridad, prevista para el 23 de enero, y de la \
reunión ministerial que habrá en Washington el próximo mes de febrero."""
ENGLISH = """Foreign Secretary Juan Ramón de la Fuente and Secretary of State Marco Rubio spoke by phone on Thursday.

The Security Implementation Group will meet on Jan. 23, and ministers of both countries are to gather in \
Washington in February for a security ministerial."""
EXPECTED = [
    ("call", "past", "2026-01-15", "day"),
    ("meeting", "coming", "2026-01-23", "day"),
    ("ministerial", "coming", "2026-02", "month"),
]


def found(
    text: str, language: str, published: str = "2026-01-15T22:00:00Z", zone: str = "America/Mexico_City"
):
    return [(m.kind, m.when, m.date, m.precision) for m in mentions(text, published, zone, language)]


@pytest.mark.parametrize(("text", "language"), [(SPANISH, "es"), (ENGLISH, "en")])
def test_the_call_of_january_2026(text: str, language: str) -> None:
    assert found(text, language) == EXPECTED


SENTENCES = [
    json.loads(line)
    for line in (Path(__file__).parent / "texts/mentions.jsonl").read_text("utf-8").splitlines()
]


@pytest.mark.parametrize("case", SENTENCES, ids=[case["text"][:50] for case in SENTENCES])
def test_the_talks_a_sentence_dates(case: dict) -> None:
    named = mentions(case["text"], case["on"], "America/Mexico_City", case["lang"])
    assert {f"{m.kind} {m.when} {m.date}" for m in named} == set(case["talks"])


def test_the_sentence_comes_with_the_mention() -> None:
    coming = mentions(SPANISH, "2026-01-15", "America/Mexico_City", "es")[1]
    assert coming.sentence.startswith("Hablaron de la próxima reunión")


def test_today_is_today_where_the_outlet_is() -> None:
    after_midnight_utc = "2026-01-16T04:30:00Z"
    assert publication_day(after_midnight_utc, "America/Mexico_City") == date(2026, 1, 15)
    assert found("Los dos se reunieron hoy.", "es", after_midnight_utc)[0][2] == "2026-01-15"
    assert found("Los dos se reunieron hoy.", "es", after_midnight_utc, "Europe/Madrid")[0][2] == "2026-01-16"


@pytest.mark.parametrize(
    ("text", "language", "expected"),
    [
        ("La siguiente reunión será el 23.", "es", ("meeting", "coming", "2026-01-23")),
        ("The group meets on the 23rd.", "en", ("meeting", "coming", "2026-01-23")),
        ("El secretario viajará a México el próximo martes.", "es", ("visit", "coming", "2026-01-20")),
        ("La reunión del viernes pasado fue cordial.", "es", ("meeting", "past", "2026-01-09")),
        ("They met Friday in Texas.", "en", ("meeting", "past", "2026-01-09")),
        ("They will meet again on Monday.", "en", ("meeting", "coming", "2026-01-19")),
        ("La última sesión fue el 11 de diciembre.", "es", ("meeting", "past", "2025-12-11")),
        ("El diálogo de alto nivel será el 3 de marzo de 2027.", "es", ("dialogue", "coming", "2027-03-03")),
        ("A summit is planned for March.", "en", ("summit", "coming", "2026-03")),
        ("La cita continúa la reunión de mayo pasado.", "es", ("meeting", "past", "2025-05")),
        ("Ministers meet in Washington next month.", "en", ("ministerial", "coming", "2026-02")),
        ("Mañana se reunirán de nuevo.", "es", ("meeting", "coming", "2026-01-16")),
        ("La reunión se celebrará del 2 al 4 de febrero.", "es", ("meeting", "coming", "2026-02-02")),
    ],
)
def test_dates_are_resolved_against_the_day_of_publication(text: str, language: str, expected: tuple) -> None:
    assert [mention[:3] for mention in found(text, language)] == [expected]


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("The two governments may meet again.", "en"),
        ("Se reunieron por la mañana en la embajada.", "es"),
        ("El 23 por ciento de los vecinos aprobó la reunión.", "es"),
        ("La cosecha de febrero fue buena.", "es"),
        ("El 31 de febrero no habrá reunión.", "es"),
    ],
)
def test_what_is_no_dated_talk(text: str, language: str) -> None:
    assert found(text, language) == []


def test_a_date_belongs_to_the_nearest_talk() -> None:
    text = "Tras la llamada del 12 de enero, la visita quedó para el 20 de enero."
    assert [mention[:3] for mention in found(text, "es")] == [
        ("call", "past", "2026-01-12"),
        ("visit", "coming", "2026-01-20"),
    ]


def test_dates_point_the_way_their_nearest_verb_does() -> None:
    sentence = "He told his counterpart on Tuesday that the United States will stand with him."
    assert [d.date for d in named_dates(sentence, date(2026, 1, 15), "en")] == ["2026-01-13"]


def test_a_publication_time_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="Invalid isoformat"):
        mentions("Hubo una reunión.", "yesterday", None, "es")
