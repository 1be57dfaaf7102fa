"""Counts of the whole archive, from the columns in memory: by outlet, by day, of what is gone. Grade 0 is left out."""

import sqlite3
from collections.abc import Hashable
from datetime import UTC, date, datetime, timedelta

import numpy as np
from numpy.typing import NDArray
from sqlite_utils import Database

from archive.search.columns import Columns, columns_of, connection_of
from archive.search.reading import ID_BITS

_EPOCH = date(1970, 1, 1)
SIDES = ("MX", "US")


def version(db: Database | sqlite3.Connection) -> Hashable:
    """Return what differs whenever articles do."""
    return columns_of(connection_of(db)).version


def everything(db: Database | sqlite3.Connection) -> int:
    """Return how many articles there are, those of grade 0 too."""
    return len(columns_of(connection_of(db)))


def on_subject(db: Database | sqlite3.Connection) -> int:
    """Return how many articles are on the subject."""
    columns = columns_of(connection_of(db))
    return columns.counts.get("on subject", lambda: int(np.count_nonzero(_on_subject(columns))))


def gone(db: Database | sqlite3.Connection) -> int:
    """Return how many articles their outlets took away."""
    columns = columns_of(connection_of(db))
    number = columns.numbers["status"].get("gone", -1)
    return columns.counts.get(
        "gone", lambda: int(np.count_nonzero(_on_subject(columns) & (columns.codes["status"] == number)))
    )


def by_outlet(db: Database | sqlite3.Connection) -> dict[str, int]:
    """Return how many articles each outlet has."""
    columns = columns_of(connection_of(db))

    def count() -> dict[str, int]:
        counts = np.bincount(
            columns.codes["outlet"][_on_subject(columns)], minlength=len(columns.numbers["outlet"])
        )
        return {outlet: int(counts[number]) for outlet, number in columns.numbers["outlet"].items()}

    return columns.counts.get("by outlet", count)


def by_day(db: Database | sqlite3.Connection, first: date, days: int) -> dict[date, dict[str, int]]:
    """Return articles per day of publication (UTC) and country, for so many days."""
    columns = columns_of(connection_of(db))
    start = (first - _EPOCH).days
    begin, end = np.searchsorted(columns.days, np.array([start, start + days], np.int32))
    counted = _on_subject(columns)[begin:end]
    cells = ((columns.days[begin:end] - start) * 3 + columns.sides[begin:end])[counted]
    counts = np.bincount(cells, minlength=3 * days).reshape(-1, 3)
    return {
        first + timedelta(days=number): {side: int(row[place]) for place, side in enumerate(SIDES)}
        for number, row in enumerate(counts)
    }


def between(db: Database | sqlite3.Connection, begin: datetime, end: datetime, country: str) -> int:
    """Return how many articles of a country's outlets were published from one moment until another."""
    columns = columns_of(connection_of(db))
    first, last = np.searchsorted(columns.keys, [_key(begin), _key(end)])
    counted = _on_subject(columns)[first:last] & (columns.sides[first:last] == SIDES.index(country))
    return int(np.count_nonzero(counted))


def newest_day(db: Database | sqlite3.Connection, until: date) -> date | None:
    """Return the day of the newest article that is not dated later than a day; None where there is none."""
    columns = columns_of(connection_of(db))
    end = int(np.searchsorted(columns.days, np.int32((until - _EPOCH).days), side="right"))
    there = _on_subject(columns)[:end][::-1]
    back = int(there.argmax()) if len(there) else 0
    return _EPOCH + timedelta(days=int(columns.days[end - 1 - back])) if len(there) and there[back] else None


def _on_subject(columns: Columns) -> NDArray[np.bool_]:
    number = columns.numbers["grade"].get("0", -1)
    return columns.counts.get("mask", lambda: columns.codes["grade"] != number)


def _key(moment: datetime) -> int:
    seconds = (moment.astimezone(UTC) - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds()
    return max(0, int(seconds)) << ID_BITS
