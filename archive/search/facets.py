"""How many results each outlet, country, language, grade, section, agency and year has, and each day or month."""

import sqlite3
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from sqlite_utils import Database

from archive.search.columns import Columns, Ints, Positions
from archive.search.filters import Filters
from archive.search.matching import Copies, Selected, select
from archive.search.query import Query

_EPOCH = date(1970, 1, 1)
_NUMBER_BITS = 24


@dataclass(frozen=True, slots=True, kw_only=True)
class Facets:
    """Counts by value, the largest first (years: the latest first). Sections and agencies left blank are left out.

    Each count is the ``total`` that the search has when it is narrowed to that value.
    """

    outlet: dict[str, int]
    country: dict[str, int]
    language: dict[str, int]
    grade: dict[str, int]
    section: dict[str, int]
    wire: dict[str, int]
    year: dict[str, int]


def facets(
    db: Database | sqlite3.Connection,
    query: Query | str,
    filters: Filters | None = None,
    *,
    copies: Copies = "fold",
) -> Facets:
    """Count the results of a search by the values of their columns."""
    found = select(db, query, filters)
    counts = {
        name: _by_value(found, name, copies)
        for name in ("outlet", "country", "language", "grade", "section", "wire")
    }
    return Facets(**counts, year=_by_year(found, copies))


def _by_value(found: Selected, column: str, copies: Copies) -> dict[str, int]:
    counts = counted(found.columns, found.positions, found.columns.codes[column], copies)
    values = [
        (value, int(counts[n])) for value, n in found.columns.numbers[column].items() if n < len(counts)
    ]
    return dict(sorted(((v, n) for v, n in values if v and n), key=lambda pair: (-pair[1], pair[0])))


def _by_year(found: Selected, copies: Copies) -> dict[str, int]:
    counts = counted(found.columns, found.positions, found.columns.years, copies)
    return {str(year): int(counts[year]) for year in np.flatnonzero(counts)[::-1]}


def counted(columns: Columns, positions: Positions, numbers: NDArray[Any], copies: Copies) -> Ints:
    """Return how many results have each number; copies of one text count once a number, where folded."""
    if not len(positions):
        return np.zeros(0, np.int64)
    picked = numbers[positions]
    if copies == "all":
        return np.bincount(picked)
    groups = columns.groups[positions]
    grouped = np.flatnonzero(groups >= 0)
    counts = np.bincount(picked)
    if len(grouped):
        of_group = picked[grouped]
        pairs = np.unique((groups[grouped] << _NUMBER_BITS) | of_group)
        counts -= np.bincount(of_group, minlength=len(counts))
        counts += np.bincount(pairs & ((1 << _NUMBER_BITS) - 1), minlength=len(counts))
    return counts


def histogram(
    db: Database | sqlite3.Connection,
    query: Query | str,
    filters: Filters | None = None,
    by: Literal["day", "month"] = "month",
    *,
    copies: Copies = "fold",
) -> list[tuple[str, int, int]]:
    """Return (day or month, articles of Mexican outlets, of US outlets) in order, those between with zeros.

    Days are UTC, as ``YYYY-MM-DD``, months ``YYYY-MM``.
    """
    found = select(db, query, filters)
    if not len(found.positions):
        return []
    columns = found.columns
    buckets = columns.days if by == "day" else columns.months
    first = int(buckets[found.positions[0]])
    last = int(buckets[found.positions[-1]])
    sides = [_side(found, buckets, country, copies) for country in ("MX", "US")]
    padded = [np.pad(side, (0, last + 1 - len(side))) if len(side) <= last else side for side in sides]
    label = _day if by == "day" else _month
    return [(label(n), int(padded[0][n]), int(padded[1][n])) for n in range(first, last + 1)]


def _side(found: Selected, buckets: Positions, country: str, copies: Copies) -> Ints:
    code = found.columns.numbers["country"].get(country, -1)
    positions = found.positions[found.columns.codes["country"][found.positions] == code]
    return counted(found.columns, positions, buckets, copies)


def _day(number: int) -> str:
    return (_EPOCH + timedelta(days=number)).isoformat()


def _month(number: int) -> str:
    return f"{1970 + number // 12}-{number % 12 + 1:02}"
