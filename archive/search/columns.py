"""The columns that searches filter and count by, in memory as arrays: one entry an article, in order of time.

Counting facets of 150,000 hits is then some array operations instead of 150,000 look-ups. The arrays
follow the archive: the table ``article_changes`` says which articles to read again.
"""

import os
import sqlite3
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlite_utils import Database

Ints = NDArray[np.int64]
Positions = NDArray[np.int32]

CODED = ("outlet", "country", "language", "grade", "section", "wire", "status")
CHUNK_ROWS = 50_000
MAX_CHANGES = 5_000  # articles read again one by one; where more changed, everything is read anew
MAX_DATABASES = 4
DAY_SECONDS = 86_400
ID_BITS = 30
IDS_PER_DAY_BITS = 14  # as in archive.store
MAX_DAYS = 1_000_000
MAX_SECONDS = (1 << 33) - 1
CACHE_BYTES = 48 << 20

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


@dataclass(frozen=True, eq=False)
class Columns:
    """One state of the archive. A *position* is an article's place in order of time, the oldest first.

    ``keys`` are sorted: seconds since 1970 (UTC) of publication, or of discovery where the publisher gives
    none, and the id in the lower 30 bits.
    """

    version: tuple[Any, ...]
    keys: Ints
    ids: Ints
    groups: Ints  # copy group, -1 without one
    codes: dict[str, Positions]  # by column: number of the value
    numbers: dict[str, Numbers]  # by column: value to number, in the order of numbers
    days: Positions  # since 1970
    months: Positions  # since January 1970
    years: Positions
    sides: Positions  # 0 Mexican, 1 US, 2 neither
    by_id: Ints = field(repr=False)  # ids, sorted
    place: Positions = field(repr=False)  # position of each of ``by_id``
    first_day: int  # of the ids
    shifts: Ints = field(repr=False)  # by day of the ids: from the id to its place in ``by_id``
    matches: "MatchCache" = field(repr=False)

    def __len__(self) -> int:
        return len(self.ids)

    def positions(self, ids: Ints) -> Positions:
        """Return the positions of articles, in order; ids that are not (or not yet) known are passed over."""
        if not len(self.ids) or not len(ids):
            return np.empty(0, np.int32)
        found = self._places_by_day(ids)
        missed = np.flatnonzero(self.by_id[found] != ids)
        if len(missed):
            found[missed] = np.searchsorted(self.by_id, ids[missed]).clip(max=len(self) - 1)
        known = self.place[found[self.by_id[found] == ids]]
        if len(known) < len(self) // 64:
            return np.sort(known)
        marks = np.zeros(len(self), bool)  # quicker than sorting many
        marks[known] = True
        return np.flatnonzero(marks).astype(np.int32)

    def _places_by_day(self, ids: Ints) -> Ints:
        """Guess where ids stand in ``by_id``: those of a day have no gaps, as a rule."""
        day = ((ids >> IDS_PER_DAY_BITS) - self.first_day).clip(0, len(self.shifts) - 1)
        places: Ints = (ids + self.shifts[day]).clip(0, len(self) - 1)
        return places


class MatchCache:
    """The positions that the latest expressions match, in this state of the archive."""

    def __init__(self) -> None:
        self._kept: dict[object, Positions] = {}
        self._lock = threading.Lock()

    def clear(self) -> None:
        """Forget all."""
        with self._lock:
            self._kept.clear()

    def get(self, expression: object) -> Positions | None:
        """Return the positions, None where they are not kept."""
        with self._lock:
            found = self._kept.pop(expression, None)
            if found is not None:
                self._kept[expression] = found
            return found

    def put(self, expression: object, positions: Positions) -> None:
        """Keep positions; those not asked for longest make room."""
        with self._lock:
            self._kept[expression] = positions
            while len(self._kept) > 1 and sum(kept.nbytes for kept in self._kept.values()) > CACHE_BYTES:
                del self._kept[next(iter(self._kept))]


_columns: dict[tuple[object, ...], Columns] = {}
_lock = threading.Lock()


def connection_of(db: Database | sqlite3.Connection) -> sqlite3.Connection:
    """Return the bare connection."""
    return db.conn if isinstance(db, Database) else db


def warm(db: Database | sqlite3.Connection) -> int:
    """Read the columns ahead of the first search, some seconds for a million. Returns the number of articles."""
    return len(columns_of(connection_of(db)))


def columns_of(connection: sqlite3.Connection) -> Columns:
    """Return the columns of the archive as it is now, read once and then kept in step."""
    file = _file_of(connection)
    version = _version(connection)
    if file is None:
        return _read(connection, version)
    with _lock:
        known = _columns.pop(file, None)
        if known is None or known.version != version:
            known = _brought_up(connection, known, version) if known else _read(connection, version)
        _columns[file] = known
        while len(_columns) > MAX_DATABASES:
            del _columns[next(iter(_columns))]
        return known


def _file_of(connection: sqlite3.Connection) -> tuple[object, ...] | None:
    path = next((row[2] for row in connection.execute("PRAGMA database_list") if row[1] == "main"), "")
    try:
        status = os.stat(path) if path else None
    except OSError:
        return None
    return (path, status.st_dev, status.st_ino) if status else None


def _version(connection: sqlite3.Connection) -> tuple[Any, ...]:
    """Return what differs whenever articles do: the last change, or for a site's copy the file's state."""
    try:
        row = connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'article_changes'").fetchone()
        if row is not None:
            return ("changes", row[0])
    except sqlite3.OperationalError:
        pass
    path = next((row[2] for row in connection.execute("PRAGMA database_list") if row[1] == "main"), "")
    states = [_state(path), _state(f"{path}-wal")]
    return ("file", *states, connection.execute("SELECT max(id) FROM articles").fetchone()[0])


def _state(path: str) -> tuple[int, int]:
    try:
        status = os.stat(path)
    except OSError:
        return (0, 0)
    return (status.st_mtime_ns, status.st_size)


def _read(connection: sqlite3.Connection, version: tuple[Any, ...]) -> Columns:
    numbers: dict[str, Numbers] = {name: Numbers() for name in CODED}
    chunks = [_arrays([], numbers)]
    cursor = connection.execute(_SELECT)
    while rows := cursor.fetchmany(CHUNK_ROWS):
        chunks.append(_arrays(rows, numbers))
    arrays = {name: np.concatenate([chunk[name] for chunk in chunks]) for name in chunks[0]}
    order = np.argsort(arrays["keys"], kind="stable")
    return _assembled(version, {name: array[order] for name, array in arrays.items()}, numbers)


def _arrays(rows: Sequence[Sequence[Any]], numbers: dict[str, Numbers]) -> dict[str, NDArray[Any]]:
    columns: list[Sequence[Any]] = list(zip(*rows, strict=True)) or [()] * (3 + len(CODED))
    ids, seconds, groups = (np.fromiter(values, np.int64, len(rows)) for values in columns[:3])
    keys = (np.clip(seconds, 0, MAX_SECONDS) << ID_BITS) | (ids & ((1 << ID_BITS) - 1))
    arrays: dict[str, NDArray[Any]] = {"keys": keys, "ids": ids, "groups": groups}
    for name, values in zip(CODED, columns[3:], strict=True):
        arrays[name] = np.fromiter(map(numbers[name].__getitem__, values), np.int32, len(rows))
    return arrays


def _assembled(
    version: tuple[Any, ...], arrays: dict[str, NDArray[Any]], numbers: dict[str, Numbers]
) -> Columns:
    days = ((arrays["keys"] >> ID_BITS) // DAY_SECONDS).astype(np.int32)
    by_id = np.argsort(arrays["ids"], kind="stable")
    first_day, shifts = _shifts(arrays["ids"][by_id])
    return Columns(
        version=version,
        keys=arrays["keys"],
        ids=arrays["ids"],
        groups=arrays["groups"],
        codes={name: arrays[name] for name in CODED},
        numbers=numbers,
        days=days,
        months=days.astype("datetime64[D]").astype("datetime64[M]").astype(np.int32),
        years=days.astype("datetime64[D]").astype("datetime64[Y]").astype(np.int32) + 1970,
        sides=_sides(arrays["country"], numbers["country"]),
        by_id=arrays["ids"][by_id],
        place=by_id.astype(np.int32),
        first_day=first_day,
        shifts=shifts,
        matches=MatchCache(),
    )


def _sides(countries: Positions, numbers: Numbers) -> Positions:
    side = np.full(len(numbers) + 1, 2, np.int32)
    for place, country in enumerate(("MX", "US")):
        side[numbers.get(country, -1)] = place
    return side[countries]


def _shifts(by_id: Ints) -> tuple[int, Ints]:
    if not len(by_id):
        return 0, np.zeros(1, np.int64)
    days = by_id >> IDS_PER_DAY_BITS
    span = int(days[-1] - days[0]) + 1
    if span > MAX_DAYS:  # ids that are not made of days
        return 0, np.zeros(1, np.int64)
    shifts = np.zeros(span, np.int64)
    firsts = np.flatnonzero(np.diff(days, prepend=days[0] - 1))
    shifts[days[firsts] - days[0]] = firsts - by_id[firsts]
    return int(days[0]), shifts


def _brought_up(connection: sqlite3.Connection, known: Columns, version: tuple[Any, ...]) -> Columns:
    changed = _changed(connection, known, version)
    if changed is None:
        return _read(connection, version)
    numbers = {name: Numbers(values) for name, values in known.numbers.items()}
    rows = _rows(connection, changed)
    fresh = _arrays(rows, numbers)
    order = np.argsort(fresh["keys"], kind="stable")
    kept = np.ones(len(known), bool)
    kept[known.positions(np.array(changed, np.int64))] = False
    old: dict[str, NDArray[Any]] = {
        "keys": known.keys,
        "ids": known.ids,
        "groups": known.groups,
        **known.codes,
    }
    stay = {name: array[kept] for name, array in old.items()}
    places = np.searchsorted(stay["keys"], fresh["keys"][order])
    merged = {name: np.insert(array, places, fresh[name][order]) for name, array in stay.items()}
    return _assembled(version, merged, numbers)


def _changed(connection: sqlite3.Connection, known: Columns, version: tuple[Any, ...]) -> list[int] | None:
    """Return the articles that changed since; None where that is not on record or they are too many."""
    if known.version[0] != "changes" or version[0] != "changes" or known.version[1] > version[1]:
        return None
    since = known.version[1]
    (oldest,) = connection.execute("SELECT min(seq) FROM article_changes").fetchone()
    if oldest is None or oldest > since + 1:
        return None
    rows = connection.execute(
        "SELECT DISTINCT article FROM article_changes WHERE seq > ?", [since]
    ).fetchall()
    return [row[0] for row in rows] if len(rows) <= MAX_CHANGES else None


def _rows(connection: sqlite3.Connection, changed: Iterable[int]) -> list[Sequence[Any]]:
    found: list[Sequence[Any]] = []
    for number in changed:
        found.extend(connection.execute(f"{_SELECT} WHERE id = ?", [number]))
    return found
