"""How many results each outlet, country, language, grade, section, agency and year has, and each day or month."""

import sqlite3
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from itertools import pairwise
from typing import Literal, NamedTuple

import numpy as np
from sqlite_utils import Database

from archive.search.columns import Columns
from archive.search.filters import Filters
from archive.search.matching import Copies, Grouped, Selected, select
from archive.search.query import Query
from archive.search.reading import MANY_VALUED, Ints, Numbering

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
        self.kinds = found.columns.kinds.take(self.positions)
        self.grouped = found.grouped if copies == "fold" else Grouped.of(found.columns, found.positions[:0])

    def by_column(self, name: str) -> Ints:
        """Return how many articles have each number of a column (of one value's spellings, the first)."""
        columns = self.columns
        if name in MANY_VALUED:
            numbers = columns.many[name].take(self.positions)
            counted, together = np.bincount(numbers), columns.spellings(name).together
        else:
            numbers, counted, together = self.kinds, self.counted_kinds, columns.of_kind[name]
        counts = np.zeros(len(columns.numbers[name]), np.int64)
        np.add.at(counts, together[: len(counted)], counted)
        return self._folded(counts, together.take(numbers[self.grouped.places]))

    @cached_property
    def counted_kinds(self) -> Ints:
        """How many articles there are of each kind, once for all columns."""
        return np.bincount(self.kinds)

    def by_span(self, bounds: Ints) -> Ints:
        """Return how many articles there are from each bound to the next. Bounds are positions, in order."""
        ends = np.searchsorted(self.positions, bounds)
        return self._folded(np.diff(ends), self._spans_of_copies(ends))

    def by_span_and_side(self, bounds: Ints) -> Ints:
        """Return the same by side: of Mexican outlets, of US outlets, of both, so that the three add up to the results.

        Of both is a text whose copies ran on both sides in that span.
        """
        ends = np.searchsorted(self.positions, bounds)
        sides = self.columns.sides.take(self.kinds)
        counts = np.zeros((len(ends) - 1, 3), np.int64)
        for side in (0, 1):
            there = sides == side
            counts[:, side] = [np.count_nonzero(there[begin:end]) for begin, end in pairwise(ends.tolist())]
        of_copies = self._spans_of_copies(ends) * 3 + sides[self.grouped.places]
        size = 3 * len(counts)
        counts = self._folded(counts.ravel(), of_copies).reshape(-1, 3)
        counts[:, 2] = 0  # outlets of neither country: none are declared
        pairs = self._by_group(of_copies, size)
        pairs = pairs[np.concatenate(([True], pairs[1:] != pairs[:-1]))[: len(pairs)]]
        mexican = pairs[:-1][(np.diff(pairs) == 1) & (pairs[:-1] % 3 == 0)]
        both = np.bincount(mexican % size // 3, minlength=len(counts))
        counts += both[:, np.newaxis] * np.array([-1, -1, 1])
        return counts

    def _spans_of_copies(self, ends: Ints) -> Ints:
        found: Ints = np.searchsorted(ends, self.grouped.places, side="right") - 1
        return found

    def _folded(self, counts: Ints, of_copies: Ints) -> Ints:
        """Return counts by number with copies counted once a number; ``of_copies`` are the numbers of these."""
        pairs = self._by_group(of_copies, len(counts))
        again = pairs[1:][pairs[1:] == pairs[:-1]]
        return counts - np.bincount(again % len(counts), minlength=len(counts)) if len(again) else counts

    def _by_group(self, of_copies: Ints, size: int) -> Ints:
        """Return of each copy its group times ``size`` plus its number, in order."""
        return np.sort(self.grouped.groups * size + of_copies)


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


def _by_value(counter: Counter, name: str) -> dict[str, int]:
    counts = counter.by_column(name)
    if name in MANY_VALUED:
        shown = counter.columns.spellings(name).shown
        values = [(spelling, int(counts[number])) for number, spelling in shown.items()]
    else:
        numbers = counter.columns.numbers[name]
        values = [(value, int(counts[number])) for value, number in numbers.items()]
    return dict(sorted(((v, n) for v, n in values if v and n), key=lambda pair: (-pair[1], pair[0])))


def _by_year(counter: Counter) -> dict[str, int]:
    if not len(counter.positions):
        return {}
    first, last = (1970 + month // 12 for month in _months(counter.columns, counter.positions[[0, -1]]))
    counts = counter.by_span(
        counter.columns.starts(_days_of_months(range(12 * (first - 1970), 12 * (last - 1969) + 1, 12)))
    )
    return {str(first + n): int(counts[n]) for n in np.flatnonzero(counts)[::-1]}


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
    columns, ends = found.columns, found.positions[[0, -1]]
    first, last = (int(n) for n in (columns.days(ends) if by == "day" else _months(columns, ends)))
    spans = range(first, last + 2)
    bounds = columns.starts(spans if by == "day" else _days_of_months(spans))
    label = _day if by == "day" else _month
    counts = counter_of(found, copies).by_span_and_side(bounds)
    return [Bin(label(first + n), int(mx), int(us), int(both)) for n, (mx, us, both) in enumerate(counts)]


def _months(columns: Columns, positions: Numbering) -> list[int]:
    """Return the months of articles, since January 1970."""
    return [
        int(n) for n in columns.days(positions).astype("datetime64[D]").astype("datetime64[M]").astype(int)
    ]


def _days_of_months(months: range) -> Ints:
    """Return the first days of months, since 1970."""
    first: Ints = np.array(months).astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)
    return first


def _day(number: int) -> str:
    return (_EPOCH + timedelta(days=number)).isoformat()


def _month(number: int) -> str:
    return f"{1970 + number // 12}-{number % 12 + 1:02}"
