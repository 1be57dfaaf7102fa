"""Near-duplicates: one dispatch in many papers, and independent reports that quote the same passage.

Candidates come from ``archive/copy_index.py``; each candidate pair is measured exactly: the 4-word shingles two
texts share, as a share of the shorter text's (containment; Broder 1997). From ``COPY`` on it is a copy; from
``PASSAGE`` on the two share a passage. Shingles that stand on very many pages are an outlet's furniture and are
left out beforehand.

Two reporters who quote one statement at length have not copied one another: what stands between quotation
marks does not make a copy, nor does a single unbroken run of words beside much that is each one's own.
A dispatch that was cut, reworded here and there and filled up with local matter is a copy all the same: every
word changed breaks four shingles, so its shared words, in many runs, are counted where shingles fall short.
"""

import re
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import numpy.typing as npt

from archive.sentences import plain, words

Shingles = npt.NDArray[np.uint32]

COPY = 0.5
PASSAGE = 0.3
SURE_COPY = 0.67  # up to here, a text with much of its own shares words in many places, or is no copy
COVERED = 0.45  # of the words of a text with little of its own: a copy even where its shingles fall short
LITTLE = 60  # words of its own; a local paragraph and a dateline, not a report
MOST_COVERED = 0.54  # of the words of a text with some more of its own: another lede too
SOME = 72  # words of its own; a report has more
SCATTERED = 0.6  # of the common shingles stand outside the longest run
SHINGLE_WORDS = 4
FEWEST_SHINGLES = 12  # shorter texts (a caption, a teaser) are not compared
WINDOW_DAYS = 31.0  # two texts published further apart are not compared

# A mark that opens stands before a word and not after one: what an edit left of a quotation opens nothing.
_QUOTED = re.compile(r"(?<![\w.,;:!?)])\"(?=\S)([^\"]{40,}?)(?<=\S)\"(?!\w)")
_PRIME = (2654435761, 2246822519, 3266489917, 668265263)  # odd 32-bit multipliers, one a place in the shingle


@dataclass(frozen=True, slots=True)
class Text:
    """What is compared of one article: its id, the day it was published (days since any epoch), shingles.

    ``sequence`` has the shingles in the order of the text; ``own`` tells which stand outside quotations; ``ordered``
    has them sorted, each once.
    """

    id: int
    day: float
    sequence: Shingles
    own: npt.NDArray[np.bool_]
    ordered: Shingles = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "ordered", np.unique(self.sequence))


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


def _among(values: Shingles, ordered: Shingles) -> npt.NDArray[np.bool_]:
    """Tell of each value whether it is in the sorted array."""
    if not len(ordered):
        return np.zeros(len(values), dtype=np.bool_)
    places = np.minimum(np.searchsorted(ordered, values), len(ordered) - 1)
    return np.asarray(ordered[places] == values, dtype=np.bool_)


def compare(a: Text, b: Text) -> Pair | None:
    """Measure what two texts share exactly; None below ``PASSAGE``."""
    a, b = (a, b) if a.id <= b.id else (b, a)
    shorter, longer = (a, b) if len(a.sequence) <= len(b.sequence) else (b, a)
    found = _among(shorter.sequence, longer.ordered)
    if not len(found) or (containment := float(found.mean())) < PASSAGE:
        return None
    other = _among(longer.sequence, shorter.ordered)
    relation: Literal["copy", "passage"] = "passage"
    if _own_containment(shorter, longer, found) >= PASSAGE and _is_copy(containment, found, other):
        relation = "copy"
    return Pair(a.id, b.id, int(found.sum()), containment, relation)


def _own_containment(text: Text, longer: Text, found: npt.NDArray[np.bool_]) -> float:
    """Return the containment outside the quotations of either text; 1 where one is hardly more than quotation."""
    if min(text.own.sum(), longer.own.sum()) < FEWEST_SHINGLES:
        return 1.0
    if longer.own.all():
        return float(found[text.own].mean())
    return float(_among(text.sequence[text.own], np.unique(longer.sequence[longer.own])).mean())


def _is_copy(containment: float, found: npt.NDArray[np.bool_], other: npt.NDArray[np.bool_]) -> bool:
    covered = _covered(found)
    for share, most in ((COVERED, LITTLE), (MOST_COVERED, SOME)):
        if covered.sum() >= share * len(covered) and (~covered).sum() <= most:
            return True
    scattered = 1 - min(_longest_run(found), _longest_run(other)) / found.sum()
    return bool(containment >= SURE_COPY or (containment >= COPY and scattered >= SCATTERED))


def _longest_run(marks: npt.NDArray[np.bool_]) -> int:
    edges = np.flatnonzero(np.diff(np.concatenate(([False], marks, [False]))))
    return int((edges[1::2] - edges[::2]).max(initial=0))


def _covered(found: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Tell of each word whether it lies in any shared shingle."""
    return np.convolve(found, np.ones(SHINGLE_WORDS, dtype=np.int64)) > 0


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
