"""The query language: ``parse`` reads anything a reader may type and never fails.

    words  "phrases"  OR  AND  NOT  -not  prefix*  NEAR(a b, 5)  a NEAR/5 b  ( )  title:  description:  text:
    outlet:  country:  language:  grade:  from:  to:

AND (which may be left out) binds closer than OR. Everything else is taken literally. Filters narrow the
whole search wherever they stand; several values of one field mean any of them.
"""

from dataclasses import dataclass, replace
from typing import Literal

from archive.folding import WORD
from archive.search.filters import NOTHING, Filters, canonical, merged, read_day
from archive.search.glossary import both_languages as in_both_languages
from archive.search.lexer import Note, Token, is_searchable, near_distance, normalised, tokens
from archive.search.tree import And, Column, Expression, Near, Node, Not, Or, Term, compiled, unordered
from archive.search.wording import Wording

MAX_TERMS = 200
NO_FILTERS = Filters()
MAX_DEPTH = 20
_NO_ARTICLE = '"\ue000"'  # a private-use character
_OPERANDS = frozenset({"word", "phrase", "near", "filter", "(", "column"})
_LISTED = ("outlet", "country", "language", "grade")

Accents = Literal["ignore", "ñ", "exact"]


@dataclass(frozen=True, slots=True)
class Query:
    """A search as it was understood. ``tree`` is None where no words were given.

    ``nothing`` is set where words were given and none of them can be in an article; then nothing is found.
    """

    text: str
    tree: Node | None = None
    filters: Filters = NO_FILTERS
    notes: tuple[Note, ...] = ()
    nothing: bool = False
    both_languages: bool = False
    accents: Accents = "ignore"
    ordered: bool = True  # False where the index does not know the order of words: see `for_index`

    def for_index(self, *, ordered: bool) -> "Query":
        """Return the search as this index can answer it, and as it is then said to be understood."""
        if ordered or self.tree is None:
            return self
        asked = unordered(self.tree)
        return self if asked == self.tree else replace(self, tree=asked, ordered=False)

    @property
    def match(self) -> str | None:
        """The FTS5 expression, single words in the form typed; None where there is none.

        There is none for a search without words, nor for one that only says what must not be there: see
        `expression`.
        """
        expression = self.expression
        return expression.match if expression and not expression.negated else None

    @property
    def expression(self) -> Expression | None:
        """The FTS5 expression, marked where all the other articles are meant; None without words."""
        if self.nothing:
            return Expression(_NO_ARTICLE)
        return compiled(self.tree) if self.tree else None

    def understood(self, language: str) -> str:
        """Say how the search was read, in Spanish (``es``) or English, with all that was taken literally."""
        notes = self.notes if self.ordered else (*self.notes, Note("unordered"))
        return Wording(language).of(self.tree, self.filters, notes, self.nothing, self.accents)


def parse(text: str, *, both_languages: bool = False, accents: Accents = "ignore") -> Query:
    """Read a search. Never raises, whatever the text.

    ``both_languages`` adds to words and phrases of the glossary what they are called in the other language.
    ``accents``: *ignore*; *ñ* tells n from ñ; *exact* takes every accent as typed.
    """
    plain, notes = normalised(text)
    found, more = tokens(plain)
    parser = _Parser(_literal_where_unfit(_paired(found, more), more), [*notes, *more])
    tree = parser.parse()
    if tree and both_languages:
        tree = in_both_languages(tree)
    return Query(
        text=text,
        tree=tree,
        filters=parser.filters,
        notes=tuple(dict.fromkeys(parser.notes)),
        nothing=tree is None and any(note.kind in ("unsearchable", "unpaired") for note in parser.notes),
        both_languages=both_languages,
        accents=accents,
    )


def _paired(found: list[Token], notes: list[Note]) -> list[Token]:
    """Leave out brackets without a counterpart, around nothing, or too deep."""
    opened: list[int] = []
    dropped: set[int] = set()
    kept: set[int] = set()
    for place, token in enumerate(found):
        if token.kind == "(":
            opened.append(place)
        elif token.kind == ")" and opened and len(opened) <= MAX_DEPTH:
            start = opened.pop()
            empty = all(between in dropped for between in range(start + 1, place))
            (dropped if empty else kept).update((start, place))
        elif token.kind == ")":
            if opened:
                opened.pop()
            dropped.add(place)
    loose = {place for place, token in enumerate(found) if token.kind in "()"} - kept
    notes.extend(Note("unpaired", found[place].value) for place in sorted(loose))
    return [token for place, token in enumerate(found) if place not in loose]


def _literal_where_unfit(found: list[Token], notes: list[Note]) -> list[Token]:
    """Turn operators that have nothing to join into words; leave out a minus sign before nothing."""
    fit: list[Token] = []
    for place, token in enumerate(found):
        following = found[place + 1] if place + 1 < len(found) else None
        if token.kind == "-" and not (following and following.kind in _OPERANDS):
            notes.append(Note("unpaired", "-"))
        elif token.kind in ("operator", "column") and not _fits(token, fit, following):
            notes.append(Note("literal", token.value))
            fit.append(Token("word", token.value))
        else:
            fit.append(token)
    return fit


def _fits(token: Token, before: list[Token], following: Token | None) -> bool:
    if following is None:
        return False
    if token.kind == "column":
        return following.kind in ("word", "phrase", "near", "(")
    starts = following.kind in _OPERANDS
    if token.value == "NOT":
        return starts
    if not before or before[-1].kind not in ("word", "phrase", "near", "filter", ")"):
        return False
    if near_distance(token) is not None:
        return before[-1].kind in ("word", "phrase") and following.kind in ("word", "phrase")
    return starts or following.kind == "-" or following.value == "NOT"


class _Parser:
    """Recursive descent over tokens that fit; a part without effect on the words is None."""

    def __init__(self, found: list[Token], notes: list[Note]) -> None:
        self.tokens = found
        self.notes = notes
        self.place = 0
        self.terms = 0
        self.depth = 0
        self.filters = Filters()

    def parse(self) -> Node | None:
        return self._any()

    def _peek(self) -> Token | None:
        return self.tokens[self.place] if self.place < len(self.tokens) else None

    def _take(self, value: str) -> bool:
        token = self._peek()
        if token and token.kind == "operator" and token.value == value:
            self.place += 1
            return True
        return False

    def _any(self) -> Node | None:
        parts, filters_only = [], []
        while True:
            before = self.filters
            part = self._all()
            parts.append(part)
            filters_only.append(part is None and self.filters != before)
            if not self._take("OR"):
                break
        if any(filters_only) and not all(filters_only):
            self.notes.append(Note("whole"))
        return _grouped(Or, parts)

    def _all(self) -> Node | None:
        parts = []
        while (
            (token := self._peek()) and token.kind != ")" and (token.kind, token.value) != ("operator", "OR")
        ):
            if not self._take("AND"):
                parts.append(self._one())
        return _grouped(And, parts)

    def _one(self) -> Node | None:
        token = self.tokens[self.place]
        self.place += 1
        match token.kind:
            case "-":
                return self._negated()
            case "operator":  # only NOT is left: the others are taken where they join
                return self._negated()
            case "(":
                return self._group()
            case "column":
                return _in_column(self._one(), _column(token.name))
            case "filter":
                return self._filter(token, without=False)
            case "near":
                return self._near(token)
            case _:
                return self._nearby(self._term(token))

    def _negated(self) -> Node | None:
        token = self._peek()
        if token and token.kind == "filter":
            self.place += 1
            return self._filter(token, without=True)
        part = self._one()
        return Not(part) if part else None

    def _group(self) -> Node | None:
        before = self.filters
        self.depth += 1
        inner = self._any()
        self.depth -= 1
        self.place += 1  # the closing bracket: brackets are paired by now
        if self.filters != before and inner is not None:
            self.notes.append(Note("whole"))
        return inner

    def _term(self, token: Token) -> Term | None:
        if not is_searchable(token.value):
            self.notes.append(Note("unsearchable", token.value))
            return None
        if self.terms >= MAX_TERMS:
            self.notes.append(Note("terms", str(MAX_TERMS)))
            return None
        self.terms += 1
        value = " ".join(token.value.split())
        if token.star:
            return Term(value, "prefix")
        single = token.kind == "word" and WORD.fullmatch(value)
        return Term(value, "word" if single else "phrase")

    def _nearby(self, term: Term | None) -> Node | None:
        token = self._peek()
        distance = near_distance(token) if token else None
        if distance is None:
            return term
        self.place += 2
        other = self._term(self.tokens[self.place - 1])
        return Near((term, other), distance) if term and other else term or other

    def _near(self, token: Token) -> Node | None:
        """Read ``NEAR(a b, 5)``; one that joins nothing is its words, literally."""
        inside, _, number = token.name.rpartition(",")
        if not (inside and number.strip().isdecimal() and len(number.strip()) <= 4):
            inside, number = token.name, "10"
        found, _ = tokens(inside)
        if len(found) >= 2 and all(part.kind in ("word", "phrase") for part in found):
            terms = tuple(term for part in found if (term := self._term(part)))
            return Near(terms, int(number)) if len(terms) > 1 else terms[0] if terms else None
        self.notes.append(Note("literal", token.value))
        return self._term(Token("phrase", token.value))

    def _filter(self, token: Token, *, without: bool) -> Node | None:
        found = _filters(token, without=without)
        if found is None:
            self.notes.append(Note("literal", f"{token.name}:{token.value}"))
            term = self._term(Token("phrase", f"{token.name}:{token.value}"))
            return Not(term) if term and without else term
        for name in _LISTED:
            for value in getattr(found, name):
                self.filters = self.filters.adding(name, value)
        self.filters = merged(self.filters, Filters(from_=found.from_, to=found.to, without=found.without))
        return None


def _grouped(kind: type[And] | type[Or], parts: list[Node | None]) -> Node | None:
    flat: list[Node] = []
    for part in parts:
        flat.extend(part.parts if isinstance(part, kind) else [part] if part else [])
    return kind(tuple(flat)) if len(flat) > 1 else flat[0] if flat else None


def _column(name: str) -> Column:
    return "title" if name == "title" else "description" if name == "description" else "text"


def _in_column(node: Node | None, column: Column) -> Node | None:
    match node:
        case Term() | Near():
            return node if node.column else replace(node, column=column)
        case And() | Or():
            parts = tuple(part for inner in node.parts if (part := _in_column(inner, column)))
            return type(node)(parts)
        case Not():
            inner = _in_column(node.part, column)
            return Not(inner) if inner else None
        case _:
            return node


def _filters(token: Token, *, without: bool) -> Filters | None:
    """Return what a filter asks for, or None where its value cannot be one."""
    if token.name in ("from", "to"):
        day = read_day(token.value, last=token.name == "to")
        if day is None or without:
            return None
        return Filters(from_=day) if token.name == "from" else Filters(to=day)
    values = [canonical(token.name, value) for value in token.value.split(",") if value.strip()]
    if not values or not all(_is_value(token.name, value) for value in values):
        return None
    if without:
        return Filters(without=tuple((token.name, value) for value in values))
    return NO_FILTERS.with_values(token.name, tuple(values))


def _is_value(name: str, value: str) -> bool:
    match name:
        case "country":
            return value in ("MX", "US")
        case "language":
            return len(value) == 2 and value.isascii() and value.isalpha()
        case "grade":
            return value in ("0", "1", "2")
        case _:
            return is_searchable(value) and NOTHING not in value
