"""Reading the columns of articles into arrays, all of them or those that changed."""

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Positions = NDArray[np.int32]
Numbering = NDArray[Any]  # of some integer type
Arrays = dict[str, Numbering]
T = TypeVar("T")

FEW_VALUED = ("outlet", "country", "language", "grade", "status")
MANY_VALUED = ("section", "wire")  # what publishers write as they please
CODED = (*FEW_VALUED, *MANY_VALUED)
CHUNK_ROWS = 10_000
MAX_CHANGES = 5_000  # articles read again one by one; where more changed, everything is read anew
DAY_SECONDS = 86_400
ID_BITS = 30
MAX_SECONDS = (1 << 33) - 1

_SIDES = {"MX": 0, "US": 1}
_SELECT = (
    "SELECT id, coalesce(CAST(strftime('%s', coalesce(published, first_seen)) AS INTEGER), 0),"
    " coalesce(copy_group, -1),"
    " outlet, country, language, CAST(grade AS TEXT), status, section, coalesce(wire, '') FROM articles"
)


class Numbers(dict[T, int]):
    """Small numbers for values, given out as these turn up."""

    def __missing__(self, value: T) -> int:
        self[value] = number = len(self)
        return number


@dataclass(frozen=True, eq=False)
class Coding:
    """What the numbers in the arrays stand for.

    An outlet is of one country and nearly always of one language, so that there are some hundred combinations of the
    columns of few values (*kinds*): one array holds these, and each column is looked up by kind.
    """

    numbers: dict[str, Numbers[str]] = field(default_factory=lambda: {name: Numbers() for name in CODED})
    kinds: Numbers[tuple[str, ...]] = field(default_factory=Numbers)  # in the order of FEW_VALUED

    def copy(self) -> "Coding":
        """Return the same, to give out more numbers."""
        return Coding({name: Numbers(numbers) for name, numbers in self.numbers.items()}, Numbers(self.kinds))

    def by_kind(self) -> tuple[dict[str, Ints], Numbering]:
        """Return for each column the number of its value by kind; and the side by kind: 0 Mexican, 1 US, 2 neither.

        Values that have no number yet are given one.
        """
        values = dict(zip(FEW_VALUED, zip(*self.kinds, strict=True), strict=True)) if self.kinds else {}
        tables = {
            name: np.array([self.numbers[name][value] for value in values.get(name, ())], np.int64)
            for name in FEW_VALUED
        }
        sides = np.array([_SIDES.get(country, 2) for country in values.get("country", ())], np.int8)
        return tables, sides


def read_all(connection: sqlite3.Connection) -> tuple[Arrays, Coding]:
    """Return the arrays of all articles in order of time, and what their numbers stand for."""
    coding = Coding()
    chunks = [_arrays([], coding)]
    cursor = connection.execute(_SELECT)
    while rows := cursor.fetchmany(CHUNK_ROWS):
        chunks.append(_arrays(rows, coding))
    return _in_order({name: np.concatenate([chunk[name] for chunk in chunks]) for name in chunks[0]}), coding


def read_some(connection: sqlite3.Connection, ids: Iterable[int], coding: Coding) -> Arrays:
    """Return the arrays of those of the articles that are there, in order of time."""
    rows: list[Sequence[Any]] = []
    for number in ids:
        rows.extend(connection.execute(f"{_SELECT} WHERE id = ?", [number]))
    return _in_order(_arrays(rows, coding))


def changes_since(
    connection: sqlite3.Connection, known: tuple[Any, ...], version: tuple[Any, ...]
) -> list[int] | None:
    """Return the articles that changed from one version to another; None where that is not on record, or too many."""
    if known[0] != "changes" or version[0] != "changes" or known[1] > version[1]:
        return None
    (oldest,) = connection.execute("SELECT min(seq) FROM article_changes").fetchone()
    if oldest is None or oldest > known[1] + 1:
        return None
    rows = connection.execute(
        "SELECT DISTINCT article FROM article_changes WHERE seq > ? LIMIT ?", [known[1], MAX_CHANGES + 1]
    ).fetchall()
    return [row[0] for row in rows] if len(rows) <= MAX_CHANGES else None


def spliced(
    array: NDArray[Any], gone: NDArray[Any], places: NDArray[Any], fresh: NDArray[Any]
) -> NDArray[Any]:
    """Return the array without its entries at ``gone`` and with fresh ones before ``places``; both are sorted.

    Whole stretches are copied, which is many times faster than ``numpy.delete`` and ``numpy.insert``.
    """
    pieces = []
    start = 0
    cuts = sorted([(int(place), 0, n) for n, place in enumerate(places)] + [(int(p), 1, 0) for p in gone])
    for cut, leaves, number in cuts:
        pieces.append(array[start:cut])
        start = cut + leaves
        if not leaves:
            pieces.append(fresh[number : number + 1])
    return np.concatenate([*pieces, array[start:]])


def narrow(array: Numbering) -> Numbering:
    """Return the array in the smallest type of 16 bits or more that holds it: half as large is read twice as fast."""
    least, most = (int(array.min()), int(array.max())) if len(array) else (0, 0)
    kind = next(kind for kind in (np.int16, np.int32, np.int64) if fits(least, kind) and fits(most, kind))
    return array.astype(kind)


def fits(number: int, kind: type[np.signedinteger[Any]]) -> bool:
    """Whether a number can be of a type."""
    return int(np.iinfo(kind).min) <= number <= int(np.iinfo(kind).max)


def _in_order(arrays: Arrays) -> Arrays:
    order = np.argsort(arrays["keys"], kind="stable")
    return {name: array[order] for name, array in arrays.items()}


def _arrays(rows: Sequence[Sequence[Any]], coding: Coding) -> Arrays:
    columns: list[Sequence[Any]] = list(zip(*rows, strict=True)) or [()] * (3 + len(CODED))
    ids, seconds, groups = (np.fromiter(values, np.int64, len(rows)) for values in columns[:3])
    values = dict(zip(CODED, columns[3:], strict=True))
    kinds = zip(*(values[name] for name in FEW_VALUED), strict=True)
    numbered = {name: map(coding.numbers[name].__getitem__, values[name]) for name in MANY_VALUED}
    numbered["kinds"] = map(coding.kinds.__getitem__, kinds)
    return {
        "keys": (seconds.clip(0, MAX_SECONDS) << ID_BITS) | (ids & ((1 << ID_BITS) - 1)),
        "ids": narrow(ids),
        "groups": narrow(groups),
        **{name: narrow(np.fromiter(numbers, np.int64, len(rows))) for name, numbers in numbered.items()},
    }
