"""How many results each outlet, country, language, grade, section, agency and year has, and each day or month."""

import sqlite3
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Literal, NamedTuple

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


class Bin(NamedTuple):
    """The results of one day or month: by Mexican outlets, by US outlets, and folded ones that ran on both sides.

    The three add up to the ``total`` of the search narrowed to that span.
    """

    label: str
    mx: int
    us: int
    both: int


class Counter:
    """Counts the articles of a search by small numbers; copies of one text count once a number, where folded."""

    def __init__(self, found: Selected, copies: Copies) -> None:
        self.columns = found.columns
        self.positions = found.positions.astype(np.intp)  # once: each count would convert them
        groups = found.columns.groups.take(self.positions)
        grouped = np.flatnonzero(groups >= 0) if copies == "fold" else np.empty(0, np.intp)
        order = np.argsort(groups[grouped], kind="stable")  # once, so that each count finds them in order
        self.grouped = grouped[order]
        self.group: Ints = groups[self.grouped].astype(np.int64)

    def picked(self, numbers: NDArray[Any]) -> NDArray[Any]:
        """Return the numbers of the articles found, of those of all articles."""
        return numbers.take(self.positions)

    def count(self, picked: NDArray[Any], size: int) -> Ints:
        """Return how many articles have each number below ``size``."""
        counts: Ints = np.bincount(picked, minlength=size)
        if len(self.grouped):
            counts -= np.bincount(picked[self.grouped], minlength=size)
            counts += np.bincount(self._by_group(picked, size) % size, minlength=size)
        return counts

    def count_sides(self, buckets: NDArray[Any], size: int) -> Ints:
        """Return how many articles each bucket below ``size`` has: of Mexican outlets, of US outlets, of both.

        Of both is a text whose copies ran on both sides in that bucket, so that the three add up to the results.
        """
        cells = buckets.astype(np.int32) * 3 + self.picked(self.columns.sides)
        counts = self.count(cells, 3 * size).reshape(-1, 3)
        counts[:, 2] = 0  # outlets of neither country: none are declared
        if len(self.grouped):
            groups = self._by_group(cells, 3 * size)
            mexican = groups[:-1][(np.diff(groups) == 1) & (groups[:-1] % 3 == 0)]
            both = np.bincount(mexican % (3 * size) // 3, minlength=size)
            counts += both[:, np.newaxis] * np.array([-1, -1, 1])
        return counts

    def _by_group(self, picked: NDArray[Any], size: int) -> Ints:
        """Return each number of each group once, as the group times ``size`` plus the number, in order."""
        pairs = np.sort(self.group * size + picked[self.grouped], kind="stable")
        first = np.concatenate(([True], pairs[1:] != pairs[:-1]))
        return pairs[first]


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
    codes = counter.picked(counter.columns.codes[column])
    if column in MANY_VALUED:
        spellings = counter.columns.spellings(column)
        counts = counter.count(spellings.together.take(codes), len(numbers))
        values = [(spelling, int(counts[number])) for number, spelling in spellings.shown.items()]
    else:
        counts = counter.count(codes, len(numbers))
        values = [(value, int(counts[number])) for value, number in numbers.items()]
    return dict(sorted(((v, n) for v, n in values if v and n), key=lambda pair: (-pair[1], pair[0])))


def _by_year(counter: Counter) -> dict[str, int]:
    years = counter.columns.years
    counts = counter.count(counter.picked(years), int(years[-1]) + 1 if len(years) else 0)
    return {str(year): int(counts[year]) for year in np.flatnonzero(counts)[::-1]}


def histogram(
    db: Database | sqlite3.Connection,
    query: Query | str | Selected,
    filters: Filters | None = None,
    by: Literal["day", "month"] = "month",
    *,
    copies: Copies = "fold",
) -> list[Bin]:
    """Count the results of a search by day or month, in order, those between with zeros.

    Days are UTC, as ``YYYY-MM-DD``, months ``YYYY-MM``.
    """
    found = select(db, query, filters)
    key = ("histogram", found.query, found.filters, by, copies)
    return list(found.columns.counts.get(key, lambda: _histogram(found, by, copies)))


def _histogram(found: Selected, by: Literal["day", "month"], copies: Copies) -> list[Bin]:
    if not len(found.positions):
        return []
    buckets = found.columns.days if by == "day" else found.columns.months
    counter = counter_of(found, copies)
    picked = counter.picked(buckets)
    first, last = int(picked[0]), int(picked[-1])
    counts = counter.count_sides(picked - first, last - first + 1)
    label = _day if by == "day" else _month
    return [Bin(label(first + n), int(mx), int(us), int(both)) for n, (mx, us, both) in enumerate(counts)]


def _day(number: int) -> str:
    return (_EPOCH + timedelta(days=number)).isoformat()


def _month(number: int) -> str:
    return f"{1970 + number // 12}-{number % 12 + 1:02}"
