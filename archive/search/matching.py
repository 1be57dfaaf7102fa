"""Which articles a search finds: the full-text index's answer, narrowed by the filters."""

import re
import sqlite3
from dataclasses import dataclass, field
from datetime import MINYEAR, date
from functools import cached_property
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray
from sqlite_utils import Database

from archive.folding import composed
from archive.search.accents import matters, term_source
from archive.search.columns import Columns, columns_of, connection_of
from archive.search.filters import FIELDS, Filters, merged
from archive.search.query import Accents, Query, parse
from archive.search.reading import MANY_VALUED, Ints, Numbering, Positions
from archive.search.tree import And, Both, Expression, Forms, Near, Node, Not, Or, Term, compiled, every_term
from archive.stems import Vocabulary

if TYPE_CHECKING:
    from archive.search.facets import Counter

Copies = Literal["fold", "all"]
_EPOCH = date(1970, 1, 1).toordinal()


@dataclass(frozen=True, eq=False)
class Grouped:
    """Those of the articles found that are copies: their places among the positions and their groups, by group."""

    places: Ints  # of one group: in order of time
    groups: Ints

    @classmethod
    def of(cls, columns: Columns, positions: Positions) -> "Grouped":
        """Find the copies among some articles."""
        groups = columns.groups.take(positions)
        places = np.flatnonzero(groups >= 0)
        order = np.argsort(groups[places], kind="stable")
        return cls(places[order], groups[places[order]].astype(np.int64))


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
    # Kept for the next count of the same page:
    counters: dict[Copies, "Counter"] = field(default_factory=dict)

    @cached_property
    def grouped(self) -> Grouped:
        """Which of the articles found are copies."""
        return Grouped.of(self.columns, self.positions)


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


def _row_ids(connection: sqlite3.Connection, match: str) -> Numbering:
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


def ids_listed(listed: str) -> Numbering:
    """Return the numbers of a list with commas; those of nine digits (ids until 2136) many times faster."""
    text = f"{listed},".encode("ascii")
    if len(text) % 10:
        return np.fromstring(listed, np.int64, sep=",")
    rows = np.frombuffer(text, [("most", "<u8"), ("last", "u1"), ("comma", "u1")])
    most = rows["most"].copy()
    digits = most & 0xF0F0F0F0F0F0F0F0 == 0x3030303030303030
    if not (digits.all() and (rows["comma"] == ord(",")).all() and (rows["last"] != ord(",")).all()):
        return np.fromstring(listed, np.int64, sep=",")
    # Eight digits in one number: neighbours are added up to pairs, these to fours, these to eights.
    most &= 0x0F0F0F0F0F0F0F0F
    for mask, factor, shift in (
        (0x00FF00FF00FF00FF, 10 << 8 | 1, 8),
        (0x0000FFFF0000FFFF, 100 << 16 | 1, 16),
        (0x00000000FFFFFFFF, 10_000 << 32 | 1, 32),
    ):
        most *= np.uint64(factor)
        most >>= np.uint64(shift)
        most &= np.uint64(mask)
    numbers = most.astype(np.int32)
    numbers *= 10
    numbers += rows["last"]
    numbers -= ord("0")
    return numbers


def _filtered(columns: Columns, positions: Positions, filters: Filters) -> Positions:
    positions = _within(columns, positions, filters)
    if filters.year:
        positions = _of_years(columns, positions, filters.year)
    wanted = [(name, values) for name in FIELDS if name != "year" and (values := getattr(filters, name))]
    kinds = np.ones(len(columns.coding.kinds), bool)
    for name, values in wanted:
        if name not in MANY_VALUED:
            kinds &= columns.kinds_with(name, values)
        else:
            positions = positions[_having(columns, positions, name, values)]
    for name, value in filters.without:
        if name not in MANY_VALUED:
            kinds &= ~columns.kinds_with(name, (value,))
        else:
            positions = positions[~_having(columns, positions, name, (value,))]
    if not filters.grade:
        kinds &= ~columns.kinds_with("grade", ("0",))
    return positions if kinds.all() else positions[kinds.take(columns.kinds.take(positions))]


def _having(columns: Columns, positions: Positions, name: str, values: tuple[str, ...]) -> NDArray[np.bool_]:
    """Return of each position whether the article's value of a column of many values is one of these."""
    spellings = columns.spellings(name)
    asked = np.zeros(max(len(columns.numbers[name]), 1), bool)
    asked[[number for value in values if (number := spellings.number(value)) is not None]] = True
    asked = asked[spellings.together] if len(columns.numbers[name]) else asked
    return asked.take(columns.many[name].take(positions))


def _of_years(columns: Columns, positions: Positions, values: tuple[str, ...]) -> Positions:
    """Cut to some years."""
    years = sorted(
        {int(value) for value in values if value.isascii() and value.isdigit() and len(value) == 4}
    )
    years = [year for year in years if year >= MINYEAR]
    pieces = [_from_day_to_day(columns, positions, date(year, 1, 1), date(year, 12, 31)) for year in years]
    return np.concatenate([positions[:0], *pieces])


def _within(columns: Columns, positions: Positions, filters: Filters) -> Positions:
    """Cut to the period."""
    if not filters.from_ and not filters.to:
        return positions
    first = date.fromisoformat(filters.from_) if filters.from_ else date.min
    return _from_day_to_day(
        columns, positions, first, date.fromisoformat(filters.to) if filters.to else date.max
    )


def _from_day_to_day(columns: Columns, positions: Positions, first: date, last: date) -> Positions:
    """Return those between two days, both included: positions are in order of time."""
    bounds = columns.starts([first.toordinal() - _EPOCH, last.toordinal() - _EPOCH + 1])
    begin, end = np.searchsorted(positions, bounds.astype(positions.dtype))
    return positions[begin:end]
