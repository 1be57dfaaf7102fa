"""What a topic file becomes once it is read: phrases, people, rules, and the topic that holds them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from archive.fitted import Fitted

# Letters to small ones without accents, one for one, so that places in the folded text are places in the text.
FOLD = {
    **{ord(a): b for a, b in zip("áàâäãåéèêëíìîïóòôöõúùûüñçý", "aaaaaaeeeeiiiiooooouuuuncy", strict=True)},
    **{ord(a): b for a, b in zip("ÁÀÂÄÃÅÉÈÊËÍÌÎÏÓÒÔÖÕÚÙÛÜÑÇÝ", "aaaaaaeeeeiiiiooooouuuuncy", strict=True)},
    **{ord(chr(c)): chr(c + 32) for c in range(65, 91)},
    **{ord(c): "'" for c in "’‘`´"},
    **{ord(c): "-" for c in "‐‑‒–—"},
    ord("\u00a0"): " ",
}


@dataclass(frozen=True, slots=True)
class Entry:
    """One phrase the automaton finds. ``bits`` are the classes it belongs to, 0 for a mask."""

    bits: int
    cased: tuple[int, ...] = ()  # offsets that must be capitals in the text
    stem: bool = False  # any ending
    person: int = -1  # number in the roster
    needs_full_name: bool = False  # counts only where the text also gives the full name
    language: str = ""  # counts only in texts of this language


@dataclass(frozen=True, slots=True)
class Person:
    """One office-holder for one term of office; dates are ISO days, an open term ends with an empty ``to``."""

    name: str
    office: str
    side: str
    since: str
    to: str
    aliases: tuple[str, ...] = ()
    short: tuple[str, ...] = ()

    def holds(self, day: str, grace_days: int) -> bool:
        """Tell whether the office is theirs on this day, or was within the grace period."""
        when = date.fromisoformat(day[:10]).toordinal()
        since = date.fromisoformat(self.since).toordinal()
        to = date.fromisoformat(self.to).toordinal() if self.to else when
        return since - grace_days <= when <= to + grace_days


@dataclass(frozen=True, slots=True)
class Point:
    """One rule: in so many places of this scope all of these classes and none of those are found."""

    name: str
    scope: str
    all: tuple[int, ...]
    none: int
    at_least: int
    at_most: int
    share: float  # least part of the places of this scope
    min_words: int
    max_words: int
    unless: frozenset[str]  # names of earlier points of which none may hold
    after: frozenset[str]  # names of earlier points of which one must hold
    points: float
    core: float
    why: str


@dataclass(frozen=True, slots=True)
class Joins:
    """How a noun and a side's word beside it become one phrase: "Mexican drug prosecutors", "el fiscal de Texas"."""

    words: int  # that may stand between the two
    links: frozenset[
        str
    ]  # words between two sides' words that share a noun: "Mexican and American officials"
    before: Mapping[int, str]  # bit of a class of words in front of the noun -> side
    after: Mapping[int, str]  # bit of a class of words behind it -> side
    nouns: Mapping[int, Mapping[str, int]]  # bit of a class of nouns -> side -> bits of the whole
    beside: int  # all bits of before and after
    noun: int  # all bits of nouns


@dataclass(frozen=True, slots=True)
class Topic:
    """A compiled topic file. ``path`` is where it came from; workers load it again from there."""

    path: Path
    version: str
    name: str
    relevant: float
    core: float
    lede_words: int
    window_sentences: int
    grace_days: int
    classes: Mapping[str, int]  # name -> bits, groups included
    required: tuple[
        tuple[int, str], ...
    ]  # bits of which one must be in the text, and the words for its absence
    roster: tuple[Person, ...]
    former: Mapping[str, int]  # side -> bits of a name out of office
    weak: tuple[
        tuple[int, tuple[int, ...]], ...
    ]  # bits, and the sides that must outnumber `rival` for them to count
    loose: int  # all of those bits
    rival: int
    joins: Joins
    sides: int  # bits of all sides' classes
    fitted: Fitted
    points: tuple[Point, ...]
    screen_any: int
    screen_sections_off: frozenset[str]
    screen_unless: int
    entries: int
    automaton: Any = field(repr=False, compare=False)

    def __reduce__(self) -> tuple[Any, ...]:
        from archive.topic import load_topic

        return load_topic, (self.path,)


def fold(text: str) -> str:
    """Return the text in small letters without accents, of the same length."""
    return text.translate(FOLD)
