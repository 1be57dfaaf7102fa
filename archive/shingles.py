"""Near-duplicates: one dispatch in many papers, and independent reports that quote the same passage.

Candidates come from MinHash signatures of 4-word shingles (Broder 1997) in an LSH index of two rows a band;
each candidate pair is then measured exactly: the shingles two texts share, as a share of the shorter text's
(containment). From ``COPY`` on it is a copy; from ``PASSAGE`` on the two share a passage. Shingles that stand
on very many pages are an outlet's furniture and are left out beforehand.

Two reporters who quote one statement at length have not copied one another: what stands between quotation
marks does not make a copy, nor does a single unbroken run of words beside much that is each one's own.
A dispatch that was cut, reworded here and there and filled up with local matter is a copy all the same: every
word changed breaks four shingles, so its shared words, in many runs, are counted where shingles fall short.
"""

import re
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
from rensa import RMinHash, RMinHashLSH

from archive.sentences import plain, words

Shingles = npt.NDArray[np.uint32]

COPY = 0.5
PASSAGE = 0.3
SURE_COPY = 0.67  # up to here, a text with much of its own shares words in many places, or is no copy
COVERED = 0.45  # of the words of a text with little of its own: a copy even where its shingles fall short
LITTLE = 60  # words of its own; a local paragraph and a dateline, not a report
SCATTERED = 0.6  # of the common shingles stand outside the longest run
SHINGLE_WORDS = 4
FEWEST_SHINGLES = 12  # shorter texts (a caption, a teaser) are not compared
FURNITURE_PAGES = 100  # a shingle on this many pages belongs to no text
WINDOW_DAYS = 31.0  # two texts published further apart are not compared
PERMUTATIONS, BANDS = 256, 128
SEED = 20260115

_QUOTED = re.compile(r"\"([^\"]{40,}?)\"")
_PRIME = (2654435761, 2246822519, 3266489917, 668265263)  # odd 32-bit multipliers, one a place in the shingle


@dataclass(frozen=True, slots=True)
class Text:
    """What is compared of one article: its id, the day it was published (days since any epoch), shingles.

    ``sequence`` has the shingles in the order of the text; ``own`` tells which stand outside quotations.
    """

    id: int
    day: float
    sequence: Shingles
    own: npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Pair:
    """Two articles that have text in common; ``a`` has the smaller id."""

    a: int
    b: int
    shared: int  # shingles
    containment: float  # of the shorter text's shingles
    relation: Literal["copy", "passage"]


def shingle(tokens: Sequence[str]) -> Shingles:
    """Return the 32-bit hashes of the 4-word shingles, in their order."""
    hashes = np.fromiter((zlib.crc32(word.encode()) for word in tokens), dtype=np.uint64)
    end = max(len(hashes) - SHINGLE_WORDS + 1, 0)
    mixed = np.zeros(end, dtype=np.uint64)
    for place, prime in enumerate(_PRIME):
        mixed = (mixed ^ hashes[place : place + end]) * np.uint64(prime)
        mixed ^= mixed >> np.uint64(29)
    return (mixed >> np.uint64(7)).astype(np.uint32)


def read_text(number: int, day: float, text: str) -> Text:
    """Return an article's text as it is compared."""
    tokens: list[str] = []
    quoted: list[bool] = []
    for place, part in enumerate(_QUOTED.split(plain(text))):
        found = words(part)
        tokens += found
        quoted += [place % 2 == 1] * len(found)
    sequence = shingle(tokens)
    marks = np.array(quoted, dtype=np.bool_)
    return Text(number, day, sequence, ~marks[: len(sequence)])


def furniture(texts: Iterable[Shingles], pages: int = FURNITURE_PAGES) -> Shingles:
    """Return the shingles that stand on at least so many pages, sorted."""
    arrays = [np.unique(array) for array in texts]
    if len(arrays) < pages:
        return np.empty(0, dtype=np.uint32)
    found, counts = np.unique(np.concatenate(arrays), return_counts=True)
    common: Shingles = found[counts >= pages]
    return common


def without(text: Text, common: Shingles) -> Text:
    """Return the text less the shingles that stand on very many pages."""
    if not len(common):
        return text
    kept = ~_among(text.sequence, common)
    return Text(text.id, text.day, text.sequence[kept], text.own[kept])


def _among(values: Shingles, ordered: Shingles) -> npt.NDArray[np.bool_]:
    """Tell of each value whether it is in the sorted array."""
    if not len(ordered):
        return np.zeros(len(values), dtype=np.bool_)
    places = np.minimum(np.searchsorted(ordered, values), len(ordered) - 1)
    return np.asarray(ordered[places] == values, dtype=np.bool_)


class CopyIndex:
    """The texts seen so far; each new one is answered with its pairs among them."""

    def __init__(self) -> None:
        self._lsh = RMinHashLSH(threshold=PASSAGE, num_perm=PERMUTATIONS, num_bands=BANDS)
        self._texts: dict[int, Text] = {}

    def add(self, text: Text) -> list[Pair]:
        """Enter a text and return its pairs with those entered before."""
        signature = self.enter(text)
        found = []
        for key in sorted(set(self._lsh.query(signature)) - {text.id}) if signature else ():
            other = self._texts[key]
            if abs(other.day - text.day) <= WINDOW_DAYS and (pair := compare(other, text)):
                found.append(pair)
        return found

    def enter(self, text: Text) -> RMinHash | None:
        """Enter a text without looking for its pairs; None where it is too short to have any."""
        if len(text.sequence) < FEWEST_SHINGLES:
            return None
        signature = RMinHash(num_perm=PERMUTATIONS, seed=SEED)
        signature.update(_tokens(text.sequence))
        self._lsh.insert(text.id, signature)
        self._texts[text.id] = text
        return signature


def _tokens(shingles: Shingles) -> list[bytes]:
    raw = shingles.tobytes()
    return [raw[place : place + 4] for place in range(0, len(raw), 4)]


def compare(a: Text, b: Text) -> Pair | None:
    """Measure what two texts share exactly; None below ``PASSAGE``."""
    a, b = sorted((a, b), key=lambda text: text.id)
    in_a, in_b = _among(a.sequence, np.unique(b.sequence)), _among(b.sequence, np.unique(a.sequence))
    shorter, found = (a, in_a) if len(in_a) <= len(in_b) else (b, in_b)
    if not len(found) or (containment := float(found.mean())) < PASSAGE:
        return None
    relation: Literal["copy", "passage"] = "passage"
    if _own_containment(shorter, found) >= PASSAGE and _is_copy(containment, in_a, in_b, found):
        relation = "copy"
    return Pair(a.id, b.id, int(found.sum()), containment, relation)


def _own_containment(text: Text, found: npt.NDArray[np.bool_]) -> float:
    """Return the containment outside quotations; 1 where a text is hardly more than quotation."""
    return float(found[text.own].mean()) if text.own.sum() >= FEWEST_SHINGLES else 1.0


def _is_copy(
    containment: float,
    in_a: npt.NDArray[np.bool_],
    in_b: npt.NDArray[np.bool_],
    found: npt.NDArray[np.bool_],
) -> bool:
    covered = _covered(found)
    if covered.sum() >= COVERED * len(covered) and (~covered).sum() <= LITTLE:
        return True
    scattered = 1 - min(_longest_run(in_a), _longest_run(in_b)) / found.sum()
    return bool(containment >= SURE_COPY or (containment >= COPY and scattered >= SCATTERED))


def _longest_run(marks: npt.NDArray[np.bool_]) -> int:
    edges = np.flatnonzero(np.diff(np.concatenate(([False], marks, [False]))))
    return int((edges[1::2] - edges[::2]).max(initial=0))


def _covered(found: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Tell of each word whether it lies in any shared shingle."""
    return np.convolve(found, np.ones(SHINGLE_WORDS, dtype=np.int64)) > 0


def find_pairs(texts: Sequence[Text]) -> Iterator[Pair]:
    """Yield every pair of copies and shared passages among the texts, furniture left out."""
    common = furniture(text.sequence for text in texts)
    index = CopyIndex()
    for text in sorted(texts, key=lambda text: text.id):
        yield from index.add(without(text, common))


def groups(pairs: Iterable[Pair]) -> dict[int, int]:
    """Return the group of each article that has a copy; a group is named after its smallest article id."""
    parent: dict[int, int] = {}

    def root(node: int) -> int:
        while parent.setdefault(node, node) != node:
            parent[node] = parent[parent[node]]
            node = parent[node]
        return node

    for pair in pairs:
        if pair.relation == "copy":
            low, high = sorted((root(pair.a), root(pair.b)))
            parent[high] = low
    return {node: root(node) for node in sorted(parent)}
