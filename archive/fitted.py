"""Weights fitted on labelled texts, in a file that people can read: corrections to a topic's points, and single words.

The file is a table with tabs and the columns kind, name, relevant, core; ``benchmarks/fit_relevance.py`` makes it.

- ``point``: what is added to the weights that the topic file gives one of its points.
- ``threshold``: what is added to its thresholds. One line, without a name.
- ``word``: the weights of a word in small letters without accents. A text's words together are worth the sum of their
  weights over the square root of their number, as in a logistic regression on vectors of length one.
"""

import math
import re
import tomllib
from dataclasses import dataclass, field, replace
from pathlib import Path

HEADER = "kind\tname\trelevant\tcore"
SHOWN = 5  # words named on each side
_WORD = re.compile(r"[a-z]{2,}")


@dataclass(frozen=True, slots=True)
class WordSum:
    """What the words of one text are worth, and the telling ones that weigh most for and against it."""

    relevant: float
    core: float
    heavy: tuple[str, ...]
    against: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Fitted:
    """Corrections (relevant, core) by the name of a point, those of the thresholds, and weights of words."""

    points: dict[str, tuple[float, float]]
    thresholds: tuple[float, float]
    words: dict[str, tuple[float, float, str]]  # relevant, core, the word again
    why: str  # what an editor reads of the words
    common: frozenset[str]  # words that weigh too, but tell an editor nothing: named where no others are
    source: str = field(repr=False)

    def weigh(self, folded: str) -> WordSum:
        """Weigh the words of a text in small letters without accents; a word counts once."""
        found = sorted(self.words[word] for word in self.words.keys() & text_words(folded))
        if not found:
            return WordSum(0.0, 0.0, (), ())
        length = math.sqrt(len(found))
        named = [each for each in found if each[2] not in self.common] or found
        return WordSum(
            relevant=round(sum(relevant for relevant, _, _ in found) / length, 2),
            core=round(sum(core for _, core, _ in found) / length, 2),
            heavy=tuple(word for relevant, _, word in reversed(named[-SHOWN:]) if relevant > 0),
            against=tuple(word for relevant, _, word in named[:SHOWN] if relevant < 0),
        )


NONE = Fitted({}, (0.0, 0.0), {}, "", frozenset(), "")


def text_words(folded: str) -> set[str]:
    """Return the different words of a text in small letters without accents."""
    return set(_WORD.findall(folded))


def topic_files(path: Path) -> list[Path]:
    """Return the files that make a topic: its own, and that of its fitted weights. Loading tells if they are good."""
    try:
        beside = path.parent / tomllib.loads(path.read_text(encoding="utf-8"))["fitted"]["file"]
    except (KeyError, TypeError, ValueError):
        return [path]
    return [path, beside] if beside.is_file() else [path]


def read_fitted(path: Path, why: str, common: frozenset[str]) -> Fitted:
    """Read a file of fitted weights. Raises OSError, or ValueError naming file and line."""
    source = path.read_text(encoding="utf-8")
    lines = source.splitlines()
    if not lines or lines[0] != HEADER:
        raise ValueError(f"{path}, line 1: must be {HEADER!r}")
    fitted = Fitted({}, (0.0, 0.0), {}, why, common, source)
    thresholds = fitted.thresholds
    for number, line in enumerate(lines[1:], 2):
        try:
            kind, name, *numbers = line.split("\t")
            relevant, core = map(float, numbers)
        except ValueError:
            raise ValueError(f"{path}, line {number}: must be kind, name and two numbers") from None
        if kind == "point":
            fitted.points[name] = (relevant, core)
        elif kind == "word":
            fitted.words[name] = (relevant, core, name)
        elif kind == "threshold":
            thresholds = (relevant, core)
        else:
            raise ValueError(f"{path}, line {number}: {kind!r} is not point, threshold or word")
    return replace(fitted, thresholds=thresholds)
