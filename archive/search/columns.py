"""The columns that searches filter and count by, in memory as arrays: one entry an article, in order of time.

Counting facets of 150,000 hits is then some array operations instead of 150,000 look-ups. The arrays
follow the archive: the table ``article_changes`` says which articles to read again.
"""

import bisect
import contextlib
import logging
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from sqlite_utils import Database

from archive.folding import fold
from archive.search.reading import (
    DAY_SECONDS,
    ID_BITS,
    MANY_VALUED,
    MAX_SECONDS,
    Arrays,
    Coding,
    Ints,
    Numbering,
    Numbers,
    Positions,
    changes_since,
    narrow,
    read_all,
    read_some,
    spliced,
)

MAX_DATABASES = 4
MAX_COUNTS = 200
CACHE_BYTES = 24 << 20
IDS_PER_DAY_BITS = 14  # as in archive.store
MAX_DAYS = 1_000_000
FEW = 500  # ids that are sooner found one by one
LAST_DAY = MAX_SECONDS // DAY_SECONDS  # that keys can be of, since 1970
MOST_PATIENT = 5  # times its patience a search may be behind while a thread catches up; after that it waits
T = TypeVar("T")


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


class Counts:
    """The latest counts made of a state of the archive: facets, histograms, sums."""

    def __init__(self) -> None:
        self._kept: dict[object, Any] = {}
        self._lock = threading.Lock()

    def clear(self) -> None:
        """Forget all."""
        with self._lock:
            self._kept.clear()

    def get(self, key: object, count: Callable[[], T]) -> T:
        """Return what was counted under a key, or is counted now; those not asked for longest make room."""
        with self._lock:
            if key in self._kept:
                self._kept[key] = self._kept.pop(key)
                found: T = self._kept[key]
                return found
        counted = count()
        with self._lock:
            self._kept[key] = counted
            while len(self._kept) > MAX_COUNTS:
                del self._kept[next(iter(self._kept))]
        return counted


@dataclass(frozen=True, eq=False)
class Spellings:
    """The numbers of a column's values whose spellings differ in case and accents only, taken together."""

    together: Ints  # by number: the number that stands for its value
    shown: dict[int, str]  # by that number: the spelling that is shown
    by_value: dict[str, int]  # by spelling without case and accents: that number

    @classmethod
    def of(cls, numbers: Numbers[str]) -> "Spellings":
        """Take together the spellings of a column; one in small letters and capitals is shown before others."""
        by_value: dict[str, int] = {}
        shown: dict[int, str] = {}
        together = np.arange(len(numbers), dtype=np.int64)
        for spelling, number in numbers.items():
            first = by_value.setdefault(fold(spelling), number)
            together[number] = first
            known = shown.setdefault(first, spelling)
            shown[first] = min(known, spelling, key=lambda text: (text.islower(), text.isupper(), text))
        return cls(together, shown, by_value)

    def number(self, value: str) -> int | None:
        """Return the number that stands for a value however it is spelled, None where no article has it."""
        return self.by_value.get(fold(value))


@dataclass(frozen=True, eq=False)
class Columns:
    """One state of the archive. A *position* is an article's place in order of time, the oldest first.

    ``keys`` are sorted: seconds since 1970 (UTC) of publication, or of discovery where the publisher gives
    none, and the id in the lower 30 bits. What follows from these (days, months, years) is not kept: positions
    are in order of time, so that a month's are found by where it begins.
    """

    version: tuple[Any, ...]
    keys: Ints
    ids: Numbering
    groups: Numbering  # copy group, -1 without one
    kinds: Numbering  # which combination of the columns of few values
    many: dict[str, Numbering]  # by column of many values: number of the value
    place: Positions  # position of each article, in order of the ids
    coding: Coding
    of_kind: dict[str, Ints]  # by column of few values: number of the value, by kind
    sides: Numbering  # by kind: 0 Mexican, 1 US, 2 neither
    first_day: int  # of the ids
    shifts: Numbering  # by day of the ids: from the id to its place in ``place``
    ordered: bool  # whether the index knows the order of words
    matches: MatchCache = field(default_factory=MatchCache)
    counts: Counts = field(default_factory=Counts)
    checked: list[float] = field(default_factory=lambda: [0.0])  # when they were last known to be up to date

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def numbers(self) -> dict[str, Numbers[str]]:
        """By column: value to number, in the order of numbers."""
        return self.coding.numbers

    def codes(self, name: str) -> Numbering:
        """Return the number of a column's value, of every article."""
        return self.many[name] if name in self.many else self.of_kind[name].take(self.kinds)

    def kinds_with(self, name: str, values: Sequence[str]) -> NDArray[np.bool_]:
        """Return by kind whether its value of a column of few values is one of these."""
        numbers = self.numbers[name]
        return np.isin(self.of_kind[name], [numbers[value] for value in values if value in numbers])

    def spellings(self, name: str) -> "Spellings":
        """Return which numbers of a column stand for one value: publishers write their sections as they please."""
        return self.counts.get(("spellings", name), lambda: Spellings.of(self.numbers[name]))

    def starts(self, days: Sequence[int] | Ints) -> Ints:
        """Return of each of some days (since 1970, UTC) the position of its first article, or of the next there is."""
        wanted = np.asarray(days, np.int64)
        begin = wanted.clip(0, LAST_DAY) * DAY_SECONDS << ID_BITS
        begin[wanted > LAST_DAY] = np.iinfo(np.int64).max
        found: Ints = np.searchsorted(self.keys, begin)
        return found

    def days(self, positions: Numbering | slice) -> Ints:
        """Return the days of articles, since 1970 (UTC)."""
        found: Ints = (self.keys[positions] >> ID_BITS) // DAY_SECONDS
        return found

    def positions(self, ids: Numbering) -> Positions:
        """Return the positions of articles, in order; ids that are not (or not yet) known are passed over."""
        if not len(self.ids) or not len(ids):
            return np.empty(0, np.int32)
        known = self.place.take(self._places_by_day(ids))
        there = self.ids.take(known) == ids
        if not there.all():
            places = self.places(ids[~there]).clip(max=len(self) - 1)
            known[~there] = self.place.take(places)
            known = known[self.ids.take(known) == ids]
        if len(known) < len(self) // 64:
            return np.sort(known)
        marks = np.zeros(len(self), bool)  # quicker than sorting many
        marks[known] = True
        return np.flatnonzero(marks).astype(np.int32)

    def places(self, ids: Numbering) -> Ints:
        """Return where ids stand, or would, in ``place``."""
        if len(ids) < FEW:
            found = [
                bisect.bisect_left(self.place, number, key=lambda place: int(self.ids[place]))
                for number in ids.tolist()
            ]
            return np.array(found, np.int64)
        by_id = self.ids.take(self.place)
        kind = np.iinfo(by_id.dtype)  # of their type: all would be converted to another
        return np.searchsorted(by_id, ids.clip(kind.min, kind.max).astype(by_id.dtype))

    def _places_by_day(self, ids: Numbering) -> Numbering:
        """Guess where ids stand in ``place``: those of a day have no gaps, as a rule."""
        day = (ids >> IDS_PER_DAY_BITS) - self.first_day
        places: Numbering = self.shifts.take(day, mode="clip") + ids
        return np.clip(places, 0, len(self) - 1, out=places)


_patience: dict[tuple[object, ...], float] = {}
_columns: dict[tuple[object, ...], Columns] = {}
_catching_up: set[tuple[object, ...]] = set()
_starting = threading.Lock()
# One thread for all time: each new one has a heap of its own, in which large arrays come to lie.
_worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="columns")
_lock = threading.Lock()


def connection_of(db: Database | sqlite3.Connection) -> sqlite3.Connection:
    """Return the bare connection."""
    return db.conn if isinstance(db, Database) else db


def warm(db: Database | sqlite3.Connection, *, patience: float = 0.0) -> int:
    """Read the columns ahead of the first search, some seconds for a million. Returns the number of articles.

    ``patience``: for so many seconds after they were brought up to date, searches of this process do not look whether
    articles were written since; soon after that a thread looks, and searches go on meanwhile. A crawl writes many times
    a second, and each time would cost a reader some 50 ms.
    """
    connection = connection_of(db)
    if (file := file_of(connection)) is not None:
        _patience[file] = patience
    return len(columns_of(connection))


def patience_of(file: tuple[object, ...]) -> float:
    """Return for how many seconds searches of a file do not look for what was written, as `warm` was told."""
    return _patience.get(file, 0.0)


def columns_of(connection: sqlite3.Connection) -> Columns:
    """Return the columns of the archive as it is now, read once and then kept in step.

    Where `warm` was told to be patient, those of a moment ago while a thread brings them up to date.
    """
    file = file_of(connection)
    if file is None:
        return _read(connection, _version(connection))
    known, patience = _columns.get(file), patience_of(file)
    age = time.monotonic() - known.checked[0] if known is not None else 0.0
    if known is not None and age < patience:
        return known
    if known is not None and age < patience * MOST_PATIENT:
        _catch_up(file)
        return known
    return _up_to_date(connection, file)


def _up_to_date(connection: sqlite3.Connection, file: tuple[object, ...]) -> Columns:
    with _lock:
        version = _version(connection)
        known = _columns.get(file)
        if known is None or known.version != version:
            known = _brought_up(connection, known, version) if known else _read(connection, version)
        known.checked[0] = time.monotonic()
        _columns.pop(file, None)
        _columns[file] = known
        while len(_columns) > MAX_DATABASES:
            del _columns[next(iter(_columns))]
        return known


def _catch_up(file: tuple[object, ...]) -> None:
    """Bring the columns of a file up to date in a thread, unless one is at it."""

    def work() -> None:
        try:
            with contextlib.closing(sqlite3.connect(f"file:{file[0]}?mode=ro", uri=True)) as connection:
                if file_of(connection) == file:  # else another file is in its place
                    _up_to_date(connection, file)
        except sqlite3.Error:
            logging.getLogger(__name__).warning("%s: not brought up to date", file[0], exc_info=True)
        finally:
            _catching_up.discard(file)

    with _starting:
        if file in _catching_up:
            return
        _catching_up.add(file)
    _worker.submit(work)


def file_of(connection: sqlite3.Connection) -> tuple[object, ...] | None:
    """Return what tells one database file from another, None for one in memory.

    A site's database is told by what it says of itself: its path may lead to its successor by now.
    """
    path = next((row[2] for row in connection.execute("PRAGMA database_list") if row[1] == "main"), "")
    if path and (built := _built(connection)):
        return (path, built)
    try:
        status = os.stat(path) if path else None
    except OSError:
        return None
    return (path, status.st_dev, status.st_ino) if status else None


def _built(connection: sqlite3.Connection) -> str | None:
    """Return the mark that `bilateral publish` gave to a database, None for an archive."""
    try:
        row = connection.execute("SELECT value FROM site WHERE key = 'built'").fetchone()
    except sqlite3.OperationalError:
        return None
    return str(row[0]) if row else None


def _version(connection: sqlite3.Connection) -> tuple[Any, ...]:
    """Return what differs whenever articles do: the last change, or for a site's copy its mark or the file's state."""
    if built := _built(connection):
        return ("built", built)
    try:
        row = connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'article_changes'").fetchone()
        connection.execute("SELECT 1 FROM article_changes LIMIT 1")
        return ("changes", row[0] if row else 0)
    except sqlite3.OperationalError:  # the tables are not there
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
    arrays, coding = read_all(connection)
    place = np.argsort(arrays["ids"], kind="stable").astype(np.int32)
    return _assembled(version, arrays, coding, place, ordered=keeps_order(connection))


def keeps_order(connection: sqlite3.Connection) -> bool:
    """Whether the full-text index knows the order of words: that of a public edition does not."""
    (sql,) = connection.execute("SELECT sql FROM sqlite_master WHERE name = 'articles_fts'").fetchone()
    return "detail=column" not in sql


def _assembled(
    version: tuple[Any, ...], arrays: Arrays, coding: Coding, place: Positions, *, ordered: bool
) -> Columns:
    first_day, shifts = _shifts(arrays["ids"], place)
    of_kind, sides = coding.by_kind()
    return Columns(
        version=version,
        **{name: array for name, array in arrays.items() if name not in MANY_VALUED},  # type: ignore[arg-type]
        many={name: arrays[name] for name in MANY_VALUED},
        place=place,
        coding=coding,
        of_kind=of_kind,
        sides=sides,
        first_day=first_day,
        shifts=shifts,
        ordered=ordered,
    )


def _shifts(ids: Numbering, place: Positions) -> tuple[int, Numbering]:
    if not len(ids):
        return 0, np.zeros(1, np.int64)
    first, last = (int(ids[place[end]]) >> IDS_PER_DAY_BITS for end in (0, -1))
    if last - first > MAX_DAYS:  # ids that are not made of days
        return 0, np.zeros(1, np.int64)
    starts = np.arange(first, last + 1, dtype=np.int64) << IDS_PER_DAY_BITS
    by_id = ids.take(place)
    firsts = np.searchsorted(by_id, starts.astype(ids.dtype))
    return first, narrow(firsts - by_id.take(firsts, mode="clip"))


def _brought_up(connection: sqlite3.Connection, known: Columns, version: tuple[Any, ...]) -> Columns:
    """Return the columns with the articles that changed read again; the others are copied."""
    changed = changes_since(connection, known.version, version)
    if changed is None:
        return _read(connection, version)
    coding = known.coding.copy()
    fresh = read_some(connection, changed, coding)
    gone = known.positions(np.array(changed, np.int64))
    places = np.searchsorted(known.keys, fresh["keys"])
    old: Arrays = {name: getattr(known, name) for name in fresh if name not in MANY_VALUED} | known.many
    arrays = {name: spliced(old[name], gone, places, fresh[name]) for name in fresh}
    place = _places(known, gone, places, fresh["ids"])
    return _assembled(version, arrays, coding, place, ordered=known.ordered)


def _places(known: Columns, gone: Positions, places: Ints, fresh_ids: Numbering) -> Positions:
    """Return ``place`` after the articles at ``gone`` went and fresh ones came before ``places``."""
    came = (places + np.arange(len(places)) - np.searchsorted(gone, places)).astype(np.int32)
    order = np.argsort(fresh_ids)
    left, entered = np.sort(known.places(known.ids[gone])), known.places(fresh_ids[order])
    return spliced(_moved(known.place, gone, places), left, entered, came[order])


def _moved(place: Positions, gone: Positions, places: Ints) -> Positions:
    """Return where articles stand after some at ``gone`` went and some came before ``places``.

    What is new is at the end, as a rule, and most articles stand where they did.
    """
    first = int(min([len(place), *gone[:1], *places[:1]]))
    moves = np.zeros(len(place) - first + 1, np.int32)
    np.add.at(moves, places - first, 1)
    np.add.at(moves, gone - first + 1, -1)
    later = np.flatnonzero(place >= first)
    moved = place.copy()
    moved[later] += np.cumsum(moves, dtype=np.int32).take(place.take(later) - first)
    return moved
