"""What reads archived texts after a crawl, or while a page is served, has no worker whose time is limited: it must
take no text of strangers for ever, and trip over none."""

from collections.abc import Callable

import pytest

from archive.boilerplate import without
from archive.copies import agency_in_text
from archive.likeness import same_article
from archive.lines import line_digests
from archive.mentions import mentions
from archive.profiles import count_concepts, count_tokens
from archive.revisions import is_developing, revision_kinds, size_of_change
from archive.sentences import paragraphs
from archive.shingles import compare, read_text
from archive.site.diffs import word_diff
from archive.speakers import speakers
from archive.time_limit import PageTimeout, time_limit
from tests.hostile_fourth import TIRING

LENGTH = 60_000
SECONDS = 4.0  # of processor time, for what takes half a second at most
LEDE = "La cancillería y el Departamento de Justicia firmaron el lunes un protocolo sobre armas.\n\n"
OTHERS = (
    "1a", "2 horas ", "hace ", "actualizado ", "dijo ", "dijo Juan ", "según ", "reunión el lunes ", "share ",
    "el 15 de enero y ", "EFE.- ", "a\n\n", "a.\n", "1. ", "Mr. ", "U.S. ", "“", "“a” ", "’ ", "view ", "1 min ",
    "\u0301", "\u200b", "💥", "中文 ",
)  # fmt: skip

READERS: dict[str, Callable[[str], object]] = {
    "kinds": lambda text: revision_kinds("Uno", LEDE + text, "Dos", LEDE + text[:-50] + " otra cosa"),
    "size": lambda text: size_of_change(LEDE + text, LEDE + "x " + text + " y"),
    "developing": is_developing,
    "speakers": speakers,
    "mentions": lambda text: mentions(LEDE + text, "2026-01-15T12:00:00Z", "America/Mexico_City", "es"),
    "copies": lambda text: compare(read_text(1, 1.0, LEDE + text), read_text(2, 1.0, LEDE + "x " + text)),
    "lines": lambda text: (line_digests(text), without(text, frozenset({"a"}))),
    "likeness": lambda text: same_article("Uno", text, "Dos", text + " y"),
    "concepts": lambda text: (count_concepts(text, "es"), count_tokens("Uno", text, "es")),
    "agency": lambda text: agency_in_text(paragraphs(text)),
    "diff": lambda text: word_diff(LEDE + text, LEDE + "x " + text[: len(text) // 2] + " y"),
}


@pytest.mark.parametrize("unit", [*TIRING.values(), *OTHERS])
def test_no_text_takes_for_ever_or_trips_a_reader(unit: str) -> None:
    text = unit * (LENGTH // len(unit))
    for name, read in READERS.items():
        try:
            with time_limit(SECONDS, processor=True):
                read(text)
        except PageTimeout:
            pytest.fail(f"{name} takes more than {SECONDS:.0f} s for {unit!r} again and again")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("a\n" * 20_000, "b\n" + "a\n" * 19_000),
        ("a " * 1_400, "a b " * 700),
        ("a\n" * 20_000, "a\nb\n" * 9_000),
    ],
)
def test_a_diff_of_the_same_words_again_and_again_is_made_at_once(before: str, after: str) -> None:
    with time_limit(SECONDS, processor=True):
        assert "<del>" in word_diff(before, after) or "<ins>" in word_diff(before, after)
