"""How many results each outlet, country, language, grade, section, agency and year has, and each day or month."""

import sqlite3
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from sqlite_utils import Database

from archive.search.filters import Filters
from archive.search.matching import Copies, Selected, select
from archive.search.query import Query
from archive.search.reading import MANY_VALUED, Ints

_EPOCH = date(1970, 1, 1)


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


class Counter:
    """Counts the articles of a search by small numbers; copies of one text count once a number, where folded."""

    def __init__(self, found: Selected, copies: Copies) -> None:
        self.columns = found.columns
        self.positions = found.positions
        groups = found.columns.groups[found.positions]
        grouped = np.flatnonzero(groups >= 0) if copies == "fold" else np.empty(0, np.intp)
        order = np.argsort(groups[grouped], kind="stable")  # once, so that each count finds them in order
        self.grouped = grouped[order]
        self.group: Ints = groups[self.grouped].astype(np.int64)

    def count(self, numbers: NDArray[Any], size: int, together: Ints | None = None) -> Ints:
        """Return how many articles have each number below ``size``; ``numbers`` has one for every position.

        ``together`` tells by number which other it is counted as.
        """
        picked = numbers[self.positions]
        if together is not None:
            picked = together[picked]
        counts: Ints = np.bincount(picked, minlength=size)
        if len(self.grouped):
            of_group = picked[self.grouped]
            counts -= np.bincount(of_group, minlength=size)
            pairs = np.sort(self.group * size + of_group, kind="stable")
            first = np.concatenate(([True], pairs[1:] != pairs[:-1]))
            counts += np.bincount(pairs[first] % size, minlength=size)
        return counts


def counter_of(found: Selected, copies: Copies) -> Counter:
    """Return the counter of what was found, made once for all counts of a page."""
    if copies not in found.counters:
        found.counters[copies] = Counter(found, copies)
    return found.counters[copies]


def facets(
    db: Database | sqlite3.Connection,
    query: Query | str | Selected,
    filters: Filters | None = None,
    *,
    copies: Copies = "fold",
) -> Facets:
    """Count the results of a search by the values of their columns."""
    found = select(db, query, filters)
    key = ("facets", found.query, found.filters, copies)
    return found.columns.counts.get(key, lambda: _facets(counter_of(found, copies)))


def _facets(counter: Counter) -> Facets:
    counts = {
        name: _by_value(counter, name)
        for name in ("outlet", "country", "language", "grade", "section", "wire")
    }
    return Facets(**counts, year=_by_year(counter))


def _by_value(counter: Counter, column: str) -> dict[str, int]:
    numbers = counter.columns.numbers[column]
    codes = counter.columns.codes[column]
    if column in MANY_VALUED:
        spellings = counter.columns.spellings(column)
        counts = counter.count(codes, len(numbers), spellings.together)
        values = [(spelling, int(counts[number])) for number, spelling in spellings.shown.items()]
    else:
        counts = counter.count(codes, len(numbers))
        values = [(value, int(counts[number])) for value, number in numbers.items()]
    return dict(sorted(((v, n) for v, n in values if v and n), key=lambda pair: (-pair[1], pair[0])))


def _by_year(counter: Counter) -> dict[str, int]:
    years = counter.columns.years
    counts = counter.count(years, int(years[-1]) + 1 if len(years) else 0)
    return {str(year): int(counts[year]) for year in np.flatnonzero(counts)[::-1]}


def histogram(
    db: Database | sqlite3.Connection,
    query: Query | str | Selected,
    filters: Filters | None = None,
    by: Literal["day", "month"] = "month",
    *,
    copies: Copies = "fold",
) -> list[tuple[str, int, int]]:
    """Return (day or month, articles of Mexican outlets, of US outlets) in order, those between with zeros.

    Days are UTC, as ``YYYY-MM-DD``, months ``YYYY-MM``.
    """
    found = select(db, query, filters)
    key = ("histogram", found.query, found.filters, by, copies)
    return list(found.columns.counts.get(key, lambda: _histogram(found, by, copies)))


def _histogram(found: Selected, by: Literal["day", "month"], copies: Copies) -> list[tuple[str, int, int]]:
    if not len(found.positions):
        return []
    columns = found.columns
    buckets = columns.days if by == "day" else columns.months
    first, last = int(buckets[found.positions[0]]), int(buckets[found.positions[-1]])
    cells = (buckets.astype(np.int32) - first) * 3 + columns.sides
    counts = counter_of(found, copies).count(cells, 3 * (last - first + 1)).reshape(-1, 3)
    label = _day if by == "day" else _month
    return [(label(first + n), int(mx), int(us)) for n, (mx, us, _) in enumerate(counts)]


def _day(number: int) -> str:
    return (_EPOCH + timedelta(days=number)).isoformat()


def _month(number: int) -> str:
    return f"{1970 + number // 12}-{number % 12 + 1:02}"
