"""Concepts: what an article speaks of, in whichever of the two languages (``archive/concepts.toml``)."""

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import ahocorasick

from archive.folding import fold

CONCEPTS = Path(__file__).with_name("concepts.toml")


@dataclass(frozen=True, slots=True)
class _Alias:
    concept: str
    stem: bool
    languages: str


@cache
def _gazetteer() -> tuple[ahocorasick.Automaton, frozenset[str]]:
    """Return the automaton of all aliases and the words they are made of."""
    tables = tomllib.loads(CONCEPTS.read_text("utf-8"))
    entries: dict[str, list[_Alias]] = {}
    for kind, concepts in tables.items():
        for name, aliases in concepts.items():
            for language, listed in aliases.items():
                for alias in fold(listed).split("|"):
                    key = alias.rstrip("*")
                    found = _Alias(
                        f"{kind}:{name}", alias.endswith("*"), "es en" if language == "both" else language
                    )
                    entries.setdefault(key, []).append(found)
    automaton = ahocorasick.Automaton()
    for key, found_aliases in entries.items():
        automaton.add_word(key, (len(key), found_aliases))
    automaton.make_automaton()
    return automaton, frozenset(word for key in entries for word in key.split())


def concept_words() -> frozenset[str]:
    """Return the folded words that aliases are made of."""
    return _gazetteer()[1]


def concepts_in(text: str, language: str) -> list[tuple[int, str]]:
    """Return (offset, concept) for each concept named, longer phrases hiding those inside them."""
    folded = fold(text)
    automaton, _ = _gazetteer()
    found: list[tuple[int, int, str]] = []
    for last, (length, aliases) in automaton.iter(folded):
        start = last - length + 1
        if start and folded[start - 1].isalnum():
            continue
        ends = last + 1 == len(folded) or not folded[last + 1].isalnum()
        for alias in aliases:
            if (ends or alias.stem) and language in alias.languages:
                found.append((start, last + 1, alias.concept))
    kept: list[tuple[int, str]] = []
    reached = -1
    for start, end, concept in sorted(found, key=lambda hit: (hit[0], -hit[1])):
        if end > reached:
            kept.append((start, concept))
            reached = end
    return kept
