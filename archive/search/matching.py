"""Which articles a search finds: the full-text index's answer, narrowed by the filters."""

import re
import sqlite3
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray
from sqlite_utils import Database

from archive.folding import composed
from archive.search.accents import matters, term_source
from archive.search.columns import Columns, columns_of, connection_of
from archive.search.filters import FIELDS, Filters, merged
from archive.search.query import Accents, Query, parse
from archive.search.reading import MANY_VALUED, Positions
from archive.search.tree import And, Both, Expression, Forms, Near, Node, Not, Or, Term, compiled, every_term
from archive.stems import Vocabulary

if TYPE_CHECKING:
    from archive.search.facets import Counter

Copies = Literal["fold", "all"]
_EPOCH = date(1970, 1, 1).toordinal()


@dataclass(frozen=True, eq=False)
class Selected:
    """The articles found, in order of time, in one state of the archive."""

    connection: sqlite3.Connection
    query: Query
    filters: Filters  # the query's own and the others, together
    columns: Columns
    expression: Expression | None
    matched: Positions  # by the words alone
    positions: Positions  # by words and filters
    vocabulary: Vocabulary
    counters: dict[Copies, "Counter"] = field(
        default_factory=dict
    )  # kept for the next count of the same page


def select(
    db: Database | sqlite3.Connection, query: Query | str | Selected, filters: Filters | None = None
) -> Selected:
    """Find the articles that a search with these filters is about; what was found already is returned as it is.

    Raises sqlite3.DatabaseError where the archive itself cannot be read; no query is an error.
    """
    if isinstance(query, Selected):
        return query
    connection = connection_of(db)
    query = parse(query) if isinstance(query, str) else query
    narrowed = merged(query.filters, filters or Filters())
    columns = columns_of(connection)
    query = query.for_index(ordered=columns.ordered)
    vocabulary = Vocabulary(connection, narrowed.language)
    expression = (
        query.expression if query.nothing or not query.tree else compiled(query.tree, vocabulary.forms)
    )
    matched = _matched(connection, columns, expression)
    positions = columns.matches.get((query, narrowed))
    if positions is None:
        if query.accents == "ignore" or not query.tree:
            positions = _filtered(columns, matched, narrowed)
        else:
            everything = _filtered(columns, np.arange(len(columns), dtype=np.int32), narrowed)
            reading = Reading(connection, columns, vocabulary.forms, query.accents)
            positions = reading.holding(query.tree, everything)
        columns.matches.put((query, narrowed), positions)
    return Selected(connection, query, narrowed, columns, expression, matched, positions, vocabulary)


def _matched(connection: sqlite3.Connection, columns: Columns, expression: Expression | None) -> Positions:
    """Return the positions of what an expression matches, kept for the next page and the counts."""
    if expression is None:
        return np.arange(len(columns), dtype=np.int32)
    positions = columns.matches.get(expression)
    if positions is None:
        positions = columns.positions(_row_ids(connection, expression.match))
        if expression.negated:
            others = np.ones(len(columns), bool)
            others[positions] = False
            positions = np.flatnonzero(others).astype(np.int32)
        columns.matches.put(expression, positions)
    return positions


@dataclass(frozen=True, slots=True)
class Reading:
    """Answers a search in which accents count: by the index first, then by reading what it names."""

    connection: sqlite3.Connection
    columns: Columns
    forms: Forms
    accents: Accents

    def holding(self, node: Node, within: Positions) -> Positions:
        """Return those of the articles for which the node holds."""
        match node:
            case Not():
                return np.setdiff1d(within, self.holding(node.part, within), assume_unique=True)
            case And():
                for part in sorted(node.parts, key=self._needs_reading):
                    within = self.holding(part, within)
                return within
            case Or():
                return self._any(node.parts, within)
            case Both():
                return self._any((node.term, *node.others), within)
            case Term() | Near():
                found = compiled(node, self.forms)
                named = np.intersect1d(
                    within, _matched(self.connection, self.columns, found), assume_unique=True
                )
                return self._read(node, named) if self._needs_reading(node) else named

    def _any(self, parts: tuple[Node, ...], within: Positions) -> Positions:
        found = [self.holding(part, within) for part in parts]
        return np.unique(np.concatenate(found)).astype(np.int32)

    def _needs_reading(self, node: Node) -> bool:
        return any(matters(term, self.accents) for term in every_term(node))

    def _read(self, node: Term | Near, named: Positions) -> Positions:
        if not len(named):  # patterns of long words take seconds to compile
            return named
        terms = node.terms if isinstance(node, Near) else (node,)
        column = node.column or "title, description, text"
        sources = [term_source(term, self.forms, self.accents) for term in terms]
        patterns = [re.compile(source, re.IGNORECASE) for source in sources if source]
        sql = f"SELECT {column} FROM texts WHERE article = ?"
        held = np.zeros(len(named), bool)
        for place, number in enumerate(self.columns.ids[named].tolist()):
            row = self.connection.execute(sql, [number]).fetchone()
            text = composed("\n".join(row)) if row else ""
            held[place] = all(pattern.search(text) for pattern in patterns)
        return named[held]


def _row_ids(connection: sqlite3.Connection, match: str) -> NDArray[np.int64]:
    # One string of all numbers is read several times faster than a row for each.
    try:
        (listed,) = connection.execute(
            "SELECT group_concat(rowid) FROM articles_fts WHERE articles_fts MATCH ?", [match]
        ).fetchone()
    except sqlite3.OperationalError as error:
        if "phrase queries" not in str(error):
            raise
        return np.empty(0, np.int64)  # letters younger than SQLite's tables: in its eyes several words
    return ids_listed(str(listed)) if listed is not None else np.empty(0, np.int64)


def ids_listed(listed: str) -> NDArray[np.int64]:
    """Return the numbers of a list with commas; those of nine digits (ids until 2136) faster."""
    digits = np.frombuffer(f"{listed},".encode("ascii"), np.uint8)
    if (
        digits.size % 10
        or not (digits[9::10] == ord(",")).all()
        or (digits == ord(",")).sum() * 10 != digits.size
    ):
        return np.fromstring(listed, np.int64, sep=",")
    columns = digits.reshape(-1, 10) - ord("0")
    numbers = columns[:, 0].astype(np.int32)
    for place in range(1, 9):
        numbers *= 10
        numbers += columns[:, place]
    return numbers.astype(np.int64)


def _filtered(columns: Columns, positions: Positions, filters: Filters) -> Positions:
    positions = _within(columns, positions, filters)
    for name in FIELDS:
        values = getattr(filters, name)
        if values:
            positions = _having(columns, positions, name, values)
    for name, value in filters.without:
        having = _having(columns, positions, name, (value,))
        positions = np.setdiff1d(positions, having, assume_unique=True)
    if not filters.grade and "0" in columns.numbers["grade"]:
        positions = positions[columns.codes["grade"][positions] != columns.numbers["grade"]["0"]]
    return positions


def _having(columns: Columns, positions: Positions, name: str, values: tuple[str, ...]) -> Positions:
    if name == "year":
        years = [int(value) for value in values if value.isascii() and value.isdigit() and len(value) == 4]
        return positions[np.isin(columns.years[positions], years)]
    numbers = columns.numbers[name]
    asked = np.zeros(max(len(numbers), 1), bool)
    if name in MANY_VALUED:
        spellings = columns.spellings(name)
        asked[[number for value in values if (number := spellings.number(value)) is not None]] = True
        asked = asked[spellings.together] if len(numbers) else asked
    else:
        asked[[numbers[value] for value in values if value in numbers]] = True
    return positions[asked[columns.codes[name][positions]]]


def _within(columns: Columns, positions: Positions, filters: Filters) -> Positions:
    """Cut to the period: positions are in order of time."""
    first = np.searchsorted(columns.days, _day(filters.from_)) if filters.from_ else 0
    last = np.searchsorted(columns.days, _day(filters.to), side="right") if filters.to else len(columns)
    begin, end = np.searchsorted(positions, np.array([first, last], positions.dtype))
    return positions[begin:end]


def _day(day: str) -> np.int32:
    # Of the type of the days: numpy would convert all of these to another.
    return np.int32(date.fromisoformat(day).toordinal() - _EPOCH)
