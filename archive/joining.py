"""A noun and the word of a side beside it are one phrase: "Mexican drug prosecutors", "el fiscal general de Texas".

Which nouns and which words, how far apart, and what the whole means, stands in the topic file under [joins].
"""

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice

from archive.topic import Topic

# A phrase: start, minus the end, the bits of its classes, its number in the roster or -1, does it need the full name.
Found = tuple[int, int, int, int, bool]
Span = tuple[int, int, int]

_APART = re.compile(r"[^\w\s'/-]|\n")
_LINK_MARKS = str.maketrans(",/-", "   ")


def joined(found: list[Found], folded: str, topic: Topic) -> Iterator[Found]:
    """Yield the joined phrases of a text, from its phrases in order. A noun goes with the nearest word of a side."""
    beside = _outer(found, topic.joins.beside)
    nouns = _outer(found, topic.joins.noun) if beside else []
    for number, (start, end, bits) in enumerate(nouns):
        floor = nouns[number - 1][1] if number else 0
        ceiling = nouns[number + 1][0] if number + 1 < len(nouns) else len(folded)
        here = bisect_left(beside, (start,))
        first, sides = _reach(_in_front(beside, here, floor, start), start, topic.joins.before, folded, topic)
        last, others = _reach(_behind(beside, here, end, ceiling), end, topic.joins.after, folded, topic)
        if sides or others:
            meaning = _meaning(bits, sides | others, topic) | _inside(found, first, last, topic)
            yield first, -last, meaning, -1, False


def _outer(found: list[Found], classes: int) -> list[Span]:
    """Return the phrases of these classes that lie in no longer one of them: not "general" in "attorney general"."""
    outer: list[Span] = []
    for start, minus_end, bits, *_ in found:
        if bits & classes:
            if not outer or -minus_end > outer[-1][1]:
                outer.append((start, -minus_end, bits & classes))
            elif outer[-1][:2] == (start, -minus_end):
                outer[-1] = (start, -minus_end, outer[-1][2] | bits & classes)
    return outer


def _in_front(words: list[Span], here: int, floor: int, start: int) -> Iterator[Span]:
    """Yield the sides' words between the noun before and this one, the nearest first."""
    while here and words[here - 1][0] >= floor:
        here -= 1
        if words[here][1] <= start:
            yield words[here]


def _behind(words: list[Span], here: int, end: int, ceiling: int) -> Iterator[Span]:
    while here < len(words) and words[here][1] <= ceiling:
        if words[here][0] >= end:
            yield words[here]
        here += 1


def _reach(
    words: Iterable[Span], edge: int, classes: Mapping[int, str], folded: str, topic: Topic
) -> tuple[int, set[str]]:
    """Return how far a noun's phrase reaches, and the sides in it; words in a row share the noun."""
    sides: set[str] = set()
    for start, end, bits in words:
        named = {side for bit, side in classes.items() if bits & bit}
        gap = folded[end:edge] if end <= edge else folded[edge:start]
        if not named or not (_linked(gap, topic) if sides else _near(gap, topic)):
            break
        sides |= named
        edge = start if end <= edge else end
    return edge, sides


def _near(gap: str, topic: Topic) -> bool:
    """Tell whether so little lies between that the two are one phrase."""
    return not _APART.search(gap) and len(gap.split()) <= topic.joins.words


def _linked(gap: str, topic: Topic) -> bool:
    return "\n" not in gap and all(word in topic.joins.links for word in gap.translate(_LINK_MARKS).split())


def _inside(found: list[Found], start: int, end: int, topic: Topic) -> int:
    """Return what the phrases inside a stretch say beside the sides: "drug" in "Mexican drug prosecutors"."""
    bits = 0
    for inner_start, minus_end, inner, *_ in islice(found, bisect_left(found, (start,)), None):
        if inner_start >= end:
            break
        if -minus_end <= end:
            bits |= inner
    return bits & ~topic.sides


def _meaning(bits: int, sides: set[str], topic: Topic) -> int:
    """Return what a noun means with these sides."""
    whole = 0
    for bit, meanings in topic.joins.nouns.items():
        if bits & bit:
            for side in sides:
                whole |= meanings[side]
    return whole
