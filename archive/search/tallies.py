"""Counts of the whole archive, from the columns in memory: by outlet, by day, of what is gone. Grade 0 is left out."""

import sqlite3
from collections.abc import Hashable
from datetime import UTC, date, datetime, timedelta

import numpy as np
from numpy.typing import NDArray
from sqlite_utils import Database

from archive.search.columns import Columns, columns_of, connection_of
from archive.search.reading import ID_BITS, Ints

_EPOCH = date(1970, 1, 1)
SIDES = ("MX", "US")
LOOKED_AT = 4_096  # articles at once, from the newest back


def version(db: Database | sqlite3.Connection) -> Hashable:
    """Return what differs whenever articles do."""
    return columns_of(connection_of(db)).version


def everything(db: Database | sqlite3.Connection) -> int:
    """Return how many articles there are, those of grade 0 too."""
    return len(columns_of(connection_of(db)))


def on_subject(db: Database | sqlite3.Connection) -> int:
    """Return how many articles are on the subject."""
    columns = columns_of(connection_of(db))
    return int(_by_kind(columns)[_on_subject(columns)].sum())


def gone(db: Database | sqlite3.Connection) -> int:
    """Return how many articles their outlets took away."""
    columns = columns_of(connection_of(db))
    return int(_by_kind(columns)[_on_subject(columns) & columns.kinds_with("status", ["gone"])].sum())


def by_outlet(db: Database | sqlite3.Connection) -> dict[str, int]:
    """Return how many articles each outlet has."""
    columns = columns_of(connection_of(db))
    counts = np.zeros(len(columns.numbers["outlet"]), np.int64)
    wanted = _on_subject(columns)
    np.add.at(counts, columns.of_kind["outlet"][wanted], _by_kind(columns)[wanted])
    return {outlet: int(counts[number]) for outlet, number in columns.numbers["outlet"].items()}


def by_day(db: Database | sqlite3.Connection, first: date, days: int) -> dict[date, dict[str, int]]:
    """Return articles per day of publication (UTC) and country, for so many days."""
    columns = columns_of(connection_of(db))
    start = (first - _EPOCH).days
    span = slice(*columns.starts([start, start + days]))
    kinds = columns.kinds[span]
    cells = (columns.days(span) - start) * 3 + columns.sides.take(kinds)
    counts = np.bincount(cells[_on_subject(columns).take(kinds)], minlength=3 * days).reshape(-1, 3)
    return {
        first + timedelta(days=number): {side: int(row[place]) for place, side in enumerate(SIDES)}
        for number, row in enumerate(counts)
    }


def between(db: Database | sqlite3.Connection, begin: datetime, end: datetime, country: str) -> int:
    """Return how many articles of a country's outlets were published from one moment until another."""
    columns = columns_of(connection_of(db))
    first, last = np.searchsorted(columns.keys, [_key(begin), _key(end)])
    counted = _on_subject(columns) & (columns.sides == SIDES.index(country))
    return int(np.count_nonzero(counted.take(columns.kinds[first:last])))


def newest_day(db: Database | sqlite3.Connection, until: date) -> date | None:
    """Return the day of the newest article that is not dated later than a day; None where there is none."""
    columns = columns_of(connection_of(db))
    wanted = _on_subject(columns)
    end = int(columns.starts([(until - _EPOCH).days + 1])[0])
    while end:
        begin = max(0, end - LOOKED_AT)
        there = np.flatnonzero(wanted.take(columns.kinds[begin:end]))
        if len(there):
            newest = begin + int(there[-1])
            return _EPOCH + timedelta(days=int(columns.days(slice(newest, newest + 1))[0]))
        end = begin
    return None


def _on_subject(columns: Columns) -> NDArray[np.bool_]:
    """Return by kind whether its articles are on the subject."""
    return ~columns.kinds_with("grade", ["0"])


def _by_kind(columns: Columns) -> Ints:
    """Return how many articles there are of each kind."""
    return columns.counts.get(
        "kinds", lambda: np.bincount(columns.kinds, minlength=len(columns.coding.kinds)).astype(np.int64)
    )


def _key(moment: datetime) -> int:
    seconds = (moment.astimezone(UTC) - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds()
    return max(0, int(seconds)) << ID_BITS
