"""Where texts that may have something in common are looked up: an index on disk that grows with the archive.

One shingle in ``SAMPLE``, chosen by its hash, stands for a text (the sketch "modulo m" of Broder 1997, today called
FracMinHash): two texts that share a third of their shingles share about a third of those too, however long
either is. A new text is answered with the texts that share some, each then measured exactly.
The tables are those of the archive (see ``archive/migrations.py``), or the same in memory.
"""

import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from math import sqrt

import numpy as np
import numpy.typing as npt

from archive.shingles import FEWEST_SHINGLES, PASSAGE, WINDOW_DAYS, Pair, Shingles, Text, compare

SAMPLE = 4
FURNITURE_PAGES = 100  # a shingle on this many pages belongs to no text
REACH = 24  # shingles between two sampled ones that are furniture, which then is furniture too
LEAST_SHARE = 0.1  # of the smaller sketch; texts that share less of it are not measured
DEVIATIONS = 2.5  # of the share of a sketch, from that of a passage: what lies further below is none
SMALL_SKETCH = 8  # above it one shared shingle is chance
KEPT = 20_000  # texts kept in memory while pairs are measured
MANY = 500  # texts; above it all furniture is looked at once

_MEMORY = """
CREATE TABLE copy_shingles (article INTEGER PRIMARY KEY, sha256, day REAL, size INTEGER, sketch, sequence, own);
CREATE TABLE copy_sketches (shingle INTEGER, article INTEGER, PRIMARY KEY (shingle, article)) WITHOUT ROWID;
CREATE TABLE copy_furniture (shingle INTEGER PRIMARY KEY, stale INTEGER DEFAULT 0);
"""


def sampled(sequence: Shingles) -> npt.NDArray[np.bool_]:
    """Tell of each shingle whether it is in the sketch of its text."""
    return np.asarray(sequence % np.uint32(SAMPLE) == 0, dtype=np.bool_)


def sketch(text: Text) -> list[int]:
    """Return the shingles that stand for a text, sorted; none for a text too short to be compared."""
    if len(text.sequence) < FEWEST_SHINGLES:
        return []
    return [int(value) for value in np.unique(text.sequence[sampled(text.sequence)])]


def without(text: Text, common: Iterable[int]) -> Text:
    """Return the text less its furniture: the sampled shingles in ``common`` and what lies between two of them."""
    places = np.flatnonzero(sampled(text.sequence))
    marked = np.isin(text.sequence[places], np.fromiter(common, dtype=np.uint32))
    if not marked.any():
        return text
    kept = np.ones(len(text.sequence), dtype=np.bool_)
    ends = [-1, *places.tolist(), len(kept)]
    flags = [True, *marked.tolist(), True]
    for start, stop, before, after in zip(ends, ends[1:], flags, flags[1:], strict=False):
        if before and after and stop - start <= REACH:
            kept[max(start, 0) : stop + 1] = False
    kept[places[marked]] = False
    return Text(text.id, text.day, text.sequence[kept], text.own[kept])


def _fewest(size: int) -> float:
    """Return how many shingles of a sketch must be shared for its text to be measured: such samples spread."""
    spread = sqrt(PASSAGE * (1 - PASSAGE) / max(size, 1))
    return size * max(LEAST_SHARE, PASSAGE - DEVIATIONS * spread)


class CopyIndex:
    """The texts of one archive, and which of them share a passage."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._texts: dict[int, Text] = {}
        self._furniture: frozenset[int] | None = None

    @classmethod
    def in_memory(cls) -> "CopyIndex":
        """Return an empty index that leaves nothing behind."""
        connection = sqlite3.connect(":memory:")
        connection.executescript(_MEMORY)
        return cls(connection)

    def enter(self, texts: Iterable[tuple[Text, str]]) -> set[int]:
        """Enter texts that are not there yet, each with its digest; return those to be measured anew.

        These are the texts entered, and those that hold a shingle which thereby became furniture, or is none
        any more because of texts taken out before.
        """
        shingles, owners, entered = [], [], set()
        for text, sha256 in texts:
            found = sketch(text)
            self._connection.execute(
                "INSERT INTO copy_shingles (article, sha256, day, size, sketch, sequence, own)"
                " VALUES (?, ?, ?, ?, ?, ?, ?)",
                [text.id, sha256, text.day, len(found), json.dumps(found, separators=(",", ":")),
                 text.sequence.tobytes(), np.packbits(text.own).tobytes()],
            )  # fmt: skip
            shingles.append(np.array(found, dtype=np.int64))
            owners.append(np.full(len(found), text.id, dtype=np.int64))
            entered.add(text.id)
        added = np.concatenate(shingles) if shingles else np.empty(0, dtype=np.int64)
        self._insert(added, np.concatenate(owners) if owners else added)
        return entered | self._bring_furniture_up_to_date(np.unique(added), len(entered))

    def _insert(self, shingles: npt.NDArray[np.int64], owners: npt.NDArray[np.int64]) -> None:
        """Write the rows in the order of the index, which is many times faster."""
        order = np.lexsort((owners, shingles))
        for start in range(0, len(order), 100_000):
            some = order[start : start + 100_000]
            self._connection.executemany(
                "INSERT OR IGNORE INTO copy_sketches VALUES (?, ?)",
                zip(shingles[some].tolist(), owners[some].tolist(), strict=True),
            )

    def _bring_furniture_up_to_date(self, added: npt.NDArray[np.int64], texts: int) -> set[int]:
        """Note which shingles have become furniture and which are no more; return the texts that hold one of these."""
        run = self._connection.execute
        stale = {value for (value,) in run("SELECT shingle FROM copy_furniture WHERE stale")}
        if texts > MANY:
            now = {
                value
                for (value,) in run(
                    "SELECT shingle FROM copy_sketches GROUP BY shingle HAVING count(*) >= ?",
                    [FURNITURE_PAGES],
                )
            }
            before = {value for (value,) in run("SELECT shingle FROM copy_furniture")}
        else:
            looked_at = stale | set(added.tolist())
            now = {value for value in looked_at if self._is_furniture(value)}
            before = self._known_furniture(looked_at)
        run("UPDATE copy_furniture SET stale = 0 WHERE stale")
        self._connection.executemany(
            "INSERT INTO copy_furniture (shingle) VALUES (?)", [(value,) for value in sorted(now - before)]
        )
        self._connection.executemany(
            "DELETE FROM copy_furniture WHERE shingle = ?", [(value,) for value in sorted(before - now)]
        )
        if texts > MANY:
            self._furniture = frozenset(now)
        return {
            article
            for value in now ^ before
            for (article,) in run("SELECT article FROM copy_sketches WHERE shingle = ?", [value])
        }

    def _is_furniture(self, shingle: int) -> bool:
        found = self._connection.execute(
            "SELECT 1 FROM copy_sketches WHERE shingle = ? LIMIT 1 OFFSET ?", [shingle, FURNITURE_PAGES - 1]
        )
        return found.fetchone() is not None

    def _known_furniture(self, shingles: Iterable[int]) -> set[int]:
        if self._furniture is not None:
            return set(self._furniture.intersection(shingles))
        listed = json.dumps(list(shingles))
        found = self._connection.execute(
            "SELECT shingle FROM copy_furniture WHERE shingle IN (SELECT value FROM json_each(?))", [listed]
        )
        return {value for (value,) in found}

    def pairs(self, articles: set[int]) -> Iterator[Pair]:
        """Yield the pairs of copies and shared passages that at least one of the articles is in, each pair once."""
        for number in sorted(articles):
            for other in self._candidates(number):
                if other < number and other in articles:
                    continue
                if pair := compare(self._text(number), self._text(other)):
                    yield pair

    def _candidates(self, number: int) -> list[int]:
        """Return the texts near in time that share enough of their sketches to be measured."""
        text = self._text(number)
        found = sketch(text)
        least = 1 if len(found) <= SMALL_SKETCH else 2
        near = self._connection.execute(
            "SELECT article, shared, size FROM (SELECT article AS other, count(*) AS shared FROM copy_sketches"
            " WHERE shingle IN (SELECT value FROM json_each(?)) GROUP BY article HAVING count(*) >= ?)"
            " JOIN copy_shingles ON article = other WHERE article != ? AND abs(day - ?) <= ?"
            " ORDER BY article",
            [json.dumps(found), least, number, text.day, WINDOW_DAYS],
        )
        return [other for other, shared, size in near.fetchall() if shared >= _fewest(min(size, len(found)))]

    def _text(self, number: int) -> Text:
        """Return a text without its furniture, as it was entered."""
        if (known := self._texts.get(number)) is not None:
            return known
        day, sequence, own = self._connection.execute(
            "SELECT day, sequence, own FROM copy_shingles WHERE article = ?", [number]
        ).fetchone()
        shingles: Shingles = np.frombuffer(sequence, dtype=np.uint32)
        marks = np.unpackbits(np.frombuffer(own, dtype=np.uint8), count=len(shingles)).astype(np.bool_)
        raw = Text(number, day, shingles, marks)
        text = without(raw, self._known_furniture(sketch(raw)))
        if len(self._texts) >= KEPT:
            self._texts.clear()
        self._texts[number] = text
        return text


def find_pairs(texts: Sequence[Text]) -> list[Pair]:
    """Return every pair of copies and shared passages among the texts, furniture left out."""
    index = CopyIndex.in_memory()
    return list(index.pairs(index.enter((text, "") for text in texts)))
