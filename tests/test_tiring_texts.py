"""What reads archived texts after a crawl, or while a page is served, has no worker whose time is limited: it must
take no text of strangers for ever, and trip over none."""

import pytest

from archive.site.diffs import word_diff
from archive.time_limit import PageTimeout, time_limit
from tests.hostile_fourth import TIRING
from tests.text_readers import READERS

LENGTH = 30_000
SECONDS = 2.5  # of processor time, for what takes a quarter of a second at most
OTHERS = (
    "1a", "2 horas ", "hace ", "actualizado ", "dijo ", "dijo Juan ", "según ", "reunión el lunes ", "share ",
    "el 15 de enero y ", "EFE.- ", "a\n\n", "a.\n", "1. ", "Mr. ", "U.S. ", "“", "“a” ", "’ ", "view ", "1 min ",
    "\u0301", "\u200b", "💥", "中文 ",
)  # fmt: skip


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
