import json
import random
import time
from pathlib import Path

import pytest

from archive.revisions import is_developing, revision_kinds

TITLE = "Canciller habla con el secretario Smith"
TEXT = """El canciller Juan Pérez habló el jueves con el secretario Smith sobre seguridad en la frontera.

"Los avances graduales son inaceptables", dijo Smith en un comunicado. Ambos acordaron verse el 23 de enero.

La llamada duró 20 minutos y participaron 12 funcionarios de los dos países. La cancillería no dio más detalles."""


def kinds(title: str = TITLE, text: str = TEXT) -> tuple[str, ...]:
    return revision_kinds(TITLE, TEXT, title, text, "es").kinds


@pytest.mark.parametrize(
    "text",
    [
        TEXT,
        "<p>" + TEXT.replace("\n\n", "</p>\n<p>") + "</p>",
        TEXT.replace("\n\n", "\n").replace(" ", "  "),
        TEXT.replace('"Los', "«Los").replace('inaceptables"', "inaceptables»"),
        TEXT + "\n\nLee también: El clima de mañana\nSíguenos en nuestras redes\nPublicidad",
        "Actualizado: 15 de enero de 2026, 12:30 h\n" + TEXT,
        TEXT + "\n\nInformación en desarrollo...",
        TEXT.replace("El canciller", "EL CANCILLER"),
    ],
)
def test_markup_spacing_and_furniture_are_no_revision(text: str) -> None:
    assert revision_kinds(TITLE, TEXT, TITLE, text, "es") == revision_kinds(TITLE, TEXT, TITLE, TEXT, "es")
    assert kinds(text=text) == ()


def test_a_new_headline_is_only_that() -> None:
    change = revision_kinds(TITLE, TEXT, "Canciller llama al secretario Smith", TEXT, "es")
    assert change.kinds == ("headline",)
    assert (change.words_added, change.words_removed) == (2, 3)


def test_quotation_marks_put_into_a_headline_are_a_new_headline() -> None:
    assert kinds(title="Canciller «habla» con el secretario Smith") == ("headline",)


def test_another_number() -> None:
    change = revision_kinds(TITLE, TEXT, TITLE, TEXT.replace("12 funcionarios", "14 funcionarios"), "es")
    assert change.kinds == ("number",)
    assert (change.words_added, change.words_removed) == (1, 1)


def test_a_number_in_words() -> None:
    before = (
        "Three people were detained in the raid, officials said.\n\nThe army gave no names of those it holds."
    )
    after = before.replace("officials said", "the navy said")
    assert revision_kinds("T", before.replace("Three", "Two"), "T", before, "en").kinds == ("lede", "number")
    assert "number" not in revision_kinds("T", before, "T", after, "en").kinds


def test_altered_words_in_a_quotation() -> None:
    assert kinds(text=TEXT.replace("inaceptables", "insuficientes")) == ("quotation",)


def test_a_quotation_that_became_paraphrase() -> None:
    text = TEXT.replace(
        '"Los avances graduales son inaceptables", dijo Smith', "Smith criticó los avances graduales"
    )
    assert "quotation" in kinds(text=text)


def test_a_rewritten_first_sentence_is_the_lede() -> None:
    text = TEXT.replace("habló el jueves con", "llamó por teléfono el jueves a")
    assert kinds(text=text) == ("lede",)


@pytest.mark.parametrize(
    "note",
    [
        "Fe de errores: en una versión anterior se decía que el canciller viajó.",
        "Correction: An earlier version of this article misstated the name of the secretary.",
        "ACTUALIZACIÓN (15:30 h): se añade la postura de la embajada de Estados Unidos.",
        "Actualización: esta nota fue modificada para precisar el nombre del funcionario.",
        "Editor's note: the headline has been changed.",
        "Aclaración: el funcionario no participó en la llamada.",
    ],
)
def test_a_correction_note_is_a_correction_wherever_it_stands(note: str) -> None:
    assert kinds(text=f"{TEXT}\n\n{note}") == ("correction",)
    assert kinds(text=f"{note}\n\n{TEXT}") == ("correction",)


def test_a_corrected_number_with_its_note_is_both() -> None:
    text = TEXT.replace("12 funcionarios", "14 funcionarios") + "\n\nFe de errores: eran 14 y no 12."
    assert kinds(text=text) == ("number", "correction")


def test_a_note_that_was_there_already_is_no_new_correction() -> None:
    note = "\n\nCorrección: se precisó el cargo del secretario."
    change = revision_kinds(TITLE, TEXT + note, TITLE, TEXT.replace("20 minutos", "30 minutos") + note, "es")
    assert change.kinds == ("number",)


def test_a_paragraph_more_is_an_addition_and_one_less_a_cut() -> None:
    longer = TEXT + '\n\nMás tarde el embajador dijo que "todo va muy bien" y que habrá 3 reuniones.'
    added = revision_kinds(TITLE, TEXT, TITLE, longer, "es")
    assert (added.kinds, added.words_added, added.words_removed) == (("addition",), 15, 0)
    cut = revision_kinds(TITLE, longer, TITLE, TEXT, "es")
    assert (cut.kinds, cut.words_added, cut.words_removed) == (("cut",), 0, 15)


def test_another_text_is_a_rewrite() -> None:
    other = """Washington presiona a su vecino para que entregue resultados contra los grupos criminales este año.

Los analistas advierten de tensiones crecientes, mientras el Senado mexicano pide respeto y mesura a todos.

Nadie en el gobierno quiso comentar los planes que publicó un diario de Nueva York durante el fin de semana."""
    assert "rewrite" in kinds(text=other)
    assert "addition" not in kinds(text=other)


def test_every_change_of_words_has_a_kind() -> None:
    assert kinds(text=TEXT.replace("más detalles", "mayores detalles")) == ("rewrite",)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Hubo una llamada.\n\nInformación en desarrollo", True),
        ("Noticia en desarrollo. En breve, más información.", True),
        ("This is a developing story and will be updated.", True),
        ("Officials met on Thursday. More to come.", True),
        ("Los países en desarrollo pidieron apoyo en la cumbre.", False),
        ("The group is developing a plan against smugglers.", False),
    ],
)
def test_developing_stories_say_so(text: str, expected: bool) -> None:
    assert is_developing(text, "es") is expected


def test_very_long_texts_do_not_stall() -> None:
    rng = random.Random(1)
    texts = [
        ". ".join(" ".join(f"W{rng.randrange(300)}" for _ in range(12)) for _ in range(1500))
        for _ in range(2)
    ]
    endless = " ".join(f"word{i % 977} other{i % 89}" for i in range(20_000))  # one sentence, all repetition
    start = time.process_time()
    assert revision_kinds("T", endless, "T", endless.replace("word5 ", "change "), "en").words_added == 21
    assert "rewrite" in revision_kinds("T", texts[0], "T", texts[1], "en").kinds
    assert time.process_time() - start < 10


TEXTS = [
    json.loads(line)
    for line in (Path(__file__).parent / "texts/revisions.jsonl").read_text("utf-8").splitlines()
]
BASES = {row["base"]: row for row in TEXTS if "text" in row and "lang" in row}


@pytest.mark.parametrize("row", [row for row in TEXTS if "kinds" in row], ids=str)
def test_labelled_changes_have_their_kinds(row: dict) -> None:
    """Each line has a base, what was done to it, the kinds that has, and those it ``may`` have besides."""
    base = BASES[row["base"]]
    text = row.get("text", base["text"])
    for old, new in row.get("replace", []):
        assert old in text
        text = text.replace(old, new)
    text = "\n\n".join(part for part in (row.get("prepend"), text, row.get("append")) if part)
    change = revision_kinds(base["title"], base["text"], row.get("title", base["title"]), text)
    assert set(row["kinds"]) <= set(change.kinds) <= {*row["kinds"], *row["may"]}
    assert bool(change.kinds) == bool(
        change.words_added or change.words_removed or "quotation" in change.kinds
    )
