"""Reading the columns of articles into arrays, all of them or those that changed."""

import sqlite3
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Positions = NDArray[np.int32]
Numbering = NDArray[Any]  # of some integer type
Arrays = dict[str, NDArray[Any]]

CODED = ("outlet", "country", "language", "grade", "section", "wire", "status")
MANY_VALUED = ("section", "wire")  # what publishers write as they please
CHUNK_ROWS = 50_000
MAX_CHANGES = 5_000  # articles read again one by one; where more changed, everything is read anew
DAY_SECONDS = 86_400
ID_BITS = 30
MAX_SECONDS = (1 << 33) - 1

_SIDES = {"MX": 0, "US": 1}
_SELECT = (
    "SELECT id, coalesce(CAST(strftime('%s', coalesce(published, first_seen)) AS INTEGER), 0),"
    " coalesce(copy_group, -1),"
    " outlet, country, language, CAST(grade AS TEXT), section, coalesce(wire, ''), status FROM articles"
)


class Numbers(dict[str, int]):
    """Small numbers for the values of a column, given out as values turn up."""

    def __missing__(self, value: str) -> int:
        self[value] = number = len(self)
        return number


def read_all(connection: sqlite3.Connection) -> tuple[Arrays, dict[str, Numbers]]:
    """Return the arrays of all articles in order of time, and what their numbers stand for."""
    numbers: dict[str, Numbers] = {name: Numbers() for name in CODED}
    chunks = [_arrays([], numbers)]
    cursor = connection.execute(_SELECT)
    while rows := cursor.fetchmany(CHUNK_ROWS):
        chunks.append(_arrays(rows, numbers))
    return _in_order({name: np.concatenate([chunk[name] for chunk in chunks]) for name in chunks[0]}), numbers


def read_some(connection: sqlite3.Connection, ids: Iterable[int], numbers: dict[str, Numbers]) -> Arrays:
    """Return the arrays of those of the articles that are there, in order of time."""
    rows: list[Sequence[Any]] = []
    for number in ids:
        rows.extend(connection.execute(f"{_SELECT} WHERE id = ?", [number]))
    return _in_order(_arrays(rows, numbers))


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


def _in_order(arrays: Arrays) -> Arrays:
    order = np.argsort(arrays["keys"], kind="stable")
    return {name: array[order] for name, array in arrays.items()}


def _arrays(rows: Sequence[Sequence[Any]], numbers: dict[str, Numbers]) -> Arrays:
    columns: list[Sequence[Any]] = list(zip(*rows, strict=True)) or [()] * (3 + len(CODED))
    ids, seconds, groups = (np.fromiter(values, np.int64, len(rows)) for values in columns[:3])
    seconds = seconds.clip(0, MAX_SECONDS)
    days = (seconds // DAY_SECONDS).astype(np.int32)
    arrays: Arrays = {
        "keys": (seconds << ID_BITS) | (ids & ((1 << ID_BITS) - 1)),
        "ids": ids,
        "groups": groups,
        "days": days,
        "months": days.astype("datetime64[D]").astype("datetime64[M]").astype(np.int16),
        "years": days.astype("datetime64[D]").astype("datetime64[Y]").astype(np.int16) + np.int16(1970),
        "sides": np.fromiter((_SIDES.get(country, 2) for country in columns[4]), np.int8, len(rows)),
    }
    for name, values in zip(CODED, columns[3:], strict=True):
        kind = np.int32 if name in MANY_VALUED else np.int16
        arrays[name] = np.fromiter(map(numbers[name].__getitem__, values), kind, len(rows))
    return arrays
