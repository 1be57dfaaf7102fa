"""A search as a tree, and the tree as a full-text expression of SQLite's FTS5."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import islice, product
from typing import Literal

from archive.folding import WORD, composed

Column = Literal["", "title", "description", "text"]
Forms = Callable[[str], tuple[str, ...]]  # a word to all its inflections, itself first

NEAR_COMBINATIONS = 48  # of inflections


@dataclass(frozen=True, slots=True)
class Term:
    """What one article holds or not: a word in any inflection, an exact phrase, or a beginning of words."""

    text: str
    kind: Literal["word", "phrase", "prefix"] = "word"
    column: Column = ""


@dataclass(frozen=True, slots=True)
class Near:
    """Terms that stand within so many words of each other, in any order."""

    terms: tuple[Term, ...]
    distance: int
    column: Column = ""


@dataclass(frozen=True, slots=True)
class Both:
    """A term and what the glossary puts beside it in the other language."""

    term: "Node"
    others: tuple[Term, ...]


@dataclass(frozen=True, slots=True)
class And:
    """All of these."""

    parts: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Or:
    """Any of these."""

    parts: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Not:
    """Not this."""

    part: "Node"


Node = Term | Near | Both | And | Or | Not


@dataclass(frozen=True, slots=True)
class Expression:
    """An FTS5 expression; where ``negated``, all articles that it does not match are meant."""

    match: str
    negated: bool = False


def only_itself(word: str) -> tuple[str, ...]:
    """Return the word as its only form."""
    return (word,)


def compiled(node: Node, forms: Forms = only_itself) -> Expression:
    """Return the tree as one FTS5 expression, which never is a syntax error.

    FTS5 knows "a but not b" and no "not b": negation is carried outwards until it meets something positive
    or the whole expression is negated.
    """
    match node:
        case Term():
            return Expression(_term(node, forms))
        case Near():
            return Expression(_near(node, forms))
        case Both():
            parts = [compiled(part, forms) for part in (node.term, *node.others)]
            return _any(parts)
        case Not():
            inner = compiled(node.part, forms)
            return Expression(inner.match, not inner.negated)
        case And():
            return _all([compiled(part, forms) for part in node.parts])
        case Or():
            return _any([compiled(part, forms) for part in node.parts])


def unordered(node: Node) -> Node:
    """Return the tree as far as an index can answer it that does not know the order of words.

    Phrases and NEAR become all of their words.
    """
    match node:
        case Term():
            return _all_words(node)
        case Near():
            column = node.column
            return And(tuple(_all_words(replace(term, column=term.column or column)) for term in node.terms))
        case Both():
            others = tuple(_all_words(term) for term in node.others)
            return Or((unordered(node.term), *others))
        case Not():
            return Not(unordered(node.part))
        case And() | Or():
            return type(node)(tuple(unordered(part) for part in node.parts))


def _all_words(term: Term) -> Node:
    found = WORD.findall(composed(term.text))
    if len(found) < 2:
        return term
    last = replace(term, text=found[-1])
    whole = tuple(Term(word, "phrase", term.column) for word in found[:-1])
    return And((*whole, last))


def _all(parts: list[Expression]) -> Expression:
    wanted = [part.match for part in parts if not part.negated]
    unwanted = [part.match for part in parts if part.negated]
    if not wanted:
        return Expression(_joined("OR", unwanted), negated=True)
    return Expression(_without(_joined("AND", wanted), unwanted))


def _any(parts: list[Expression]) -> Expression:
    wanted = [part.match for part in parts if not part.negated]
    unwanted = [part.match for part in parts if part.negated]
    if not unwanted:
        return Expression(_joined("OR", wanted))
    return Expression(_without(_joined("AND", unwanted), wanted), negated=True)


def _joined(operator: str, parts: list[str]) -> str:
    return parts[0] if len(parts) == 1 else "(" + f" {operator} ".join(parts) + ")"


def _without(match: str, unwanted: list[str]) -> str:
    return f"({match} NOT {_joined('OR', unwanted)})" if unwanted else match


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


def _term(term: Term, forms: Forms) -> str:
    alternatives = forms(term.text) if term.kind == "word" else (term.text,)
    star = " *" if term.kind == "prefix" else ""
    prefix = f"{term.column} : " if term.column else ""
    return prefix + _joined("OR", [_quoted(form) + star for form in alternatives])


def _near(near: Near, forms: Forms) -> str:
    choices = [forms(term.text) if term.kind == "word" else (term.text,) for term in near.terms]
    stars = [" *" if term.kind == "prefix" else "" for term in near.terms]
    prefix = f"{near.column} : " if near.column else ""
    combinations = [
        "NEAR(" + " ".join(_quoted(w) + s for w, s in zip(chosen, stars, strict=True)) + f", {near.distance})"
        for chosen in islice(product(*choices), NEAR_COMBINATIONS)
    ]
    return prefix + _joined("OR", combinations)


def wanted_terms(node: Node | None) -> Iterator[Term]:
    """Yield the terms that an article found by the search may hold: those not under a negation."""
    match node:
        case Term():
            yield node
        case Near():
            yield from node.terms
        case Both():
            yield from wanted_terms(node.term)
            yield from node.others
        case And() | Or():
            for part in node.parts:
                yield from wanted_terms(part)
        case _:
            return


def every_term(node: Node) -> Iterator[Term]:
    """Yield all terms of a search, those that must not be there too."""
    match node:
        case Not():
            yield from every_term(node.part)
        case And() | Or():
            for part in node.parts:
                yield from every_term(part)
        case _:
            yield from wanted_terms(node)
