"""What a thing is called in the other language: archive/glossary.toml, for searches in both."""

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from archive.folding import words
from archive.search.tree import And, Both, Near, Node, Not, Or, Term

GLOSSARY = Path(__file__).parents[1] / "glossary.toml"
MAX_PHRASE_WORDS = 4


@dataclass(frozen=True, slots=True)
class Entry:
    """One notion and what it is called in both languages."""

    es: tuple[str, ...]
    en: tuple[str, ...]


@cache
def entries() -> tuple[Entry, ...]:
    """Return the glossary as shipped."""
    document = tomllib.loads(GLOSSARY.read_text(encoding="utf-8"))
    return tuple(Entry(tuple(entry["es"]), tuple(entry["en"])) for entry in document["entry"])


@cache
def _index() -> dict[tuple[str, ...], tuple[str, ...]]:
    """Map folded words of either language to what stands for them in the other."""
    index: dict[tuple[str, ...], tuple[str, ...]] = {}
    for entry in entries():
        for mine, theirs in ((entry.es, entry.en), (entry.en, entry.es)):
            for name in mine:
                key = tuple(words(name))
                index[key] = tuple(dict.fromkeys((*index.get(key, ()), *theirs)))
    return index


def translations(text: str) -> tuple[str, ...]:
    """Return what a word or phrase is called in the other language, empty where the glossary lacks it."""
    return _index().get(tuple(words(text)), ())


def both_languages(node: Node) -> Node:
    """Put beside every word and phrase of the glossary what it is called in the other language.

    Neighbouring words that together are in the glossary (``foreign secretary``) are taken together.
    """
    match node:
        case Term():
            return _both(node, node)
        case And():
            return And(tuple(_run(list(node.parts)))) if len(node.parts) > 1 else node
        case Or():
            return Or(tuple(both_languages(part) for part in node.parts))
        case Not():
            return Not(both_languages(node.part))
        case Near() | Both():
            return node


def _run(parts: list[Node]) -> list[Node]:
    done: list[Node] = []
    while parts:
        size = next((n for n in range(min(len(parts), MAX_PHRASE_WORDS), 1, -1) if _together(parts[:n])), 1)
        if size == 1:
            done.append(both_languages(parts[0]))
        else:
            done.append(_together(parts[:size]) or parts[0])
        parts = parts[size:]
    return done


def _together(parts: list[Node]) -> Node | None:
    terms = [part for part in parts if isinstance(part, Term) and part.kind == "word"]
    if len(terms) != len(parts) or len({term.column for term in terms}) > 1:
        return None
    named = Term(" ".join(term.text for term in terms), "phrase", terms[0].column)
    return _both(And(tuple(parts)), named) if translations(named.text) else None


def _both(node: Node, named: Term) -> Node:
    others = () if named.kind == "prefix" else translations(named.text)
    if not others:
        return node
    terms = tuple(
        Term(other, "word" if len(words(other)) == 1 else "phrase", named.column) for other in others
    )
    return Both(node, terms)
