"""Which articles a search finds: the full-text index's answer, narrowed by the filters."""

import sqlite3
from dataclasses import dataclass
from datetime import date
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from sqlite_utils import Database

from archive.search.columns import Columns, Positions, columns_of, connection_of
from archive.search.filters import FIELDS, Filters, merged
from archive.search.query import Query, parse
from archive.search.tree import Expression, compiled
from archive.stems import Vocabulary

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


def select(db: Database | sqlite3.Connection, query: Query | str, filters: Filters | None = None) -> Selected:
    """Find the articles that a search with these filters is about.

    Raises sqlite3.DatabaseError where the archive itself cannot be read; no query is an error.
    """
    connection = connection_of(db)
    query = parse(query) if isinstance(query, str) else query
    narrowed = merged(query.filters, filters or Filters())
    columns = columns_of(connection)
    vocabulary = Vocabulary(connection, narrowed.language)
    expression = (
        query.expression if query.nothing or not query.tree else compiled(query.tree, vocabulary.forms)
    )
    matched = _matched(connection, columns, expression)
    positions = _filtered(columns, matched, narrowed)
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


def _row_ids(connection: sqlite3.Connection, match: str) -> NDArray[np.int64]:
    # One string of all numbers is read several times faster than a row for each.
    (listed,) = connection.execute(
        "SELECT group_concat(rowid) FROM articles_fts WHERE articles_fts MATCH ?", [match]
    ).fetchone()
    return np.fromstring(str(listed), np.int64, sep=",") if listed is not None else np.empty(0, np.int64)


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
    asked[[numbers[value] for value in values if value in numbers]] = True
    return positions[asked[columns.codes[name][positions]]]


def _within(columns: Columns, positions: Positions, filters: Filters) -> Positions:
    """Cut to the period: positions are in order of time."""
    first = np.searchsorted(columns.days, _day(filters.from_)) if filters.from_ else 0
    last = np.searchsorted(columns.days, _day(filters.to), side="right") if filters.to else len(columns)
    return positions[np.searchsorted(positions, first) : np.searchsorted(positions, last)]


def _day(day: str) -> int:
    return date.fromisoformat(day).toordinal() - _EPOCH
