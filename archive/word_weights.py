"""What single words say of a text beside the rules: weights fitted on labelled texts, kept in a file that people can read.

The file is a table with tabs: word (small letters without accents), weight for the subject, weight for core against related.
``benchmarks/fit_relevance.py`` makes it. A text's words together are worth the sum of their weights over the square root
of their number, as in a logistic regression on vectors of length one.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

HEADER = "word\trelevant\tcore"
SHOWN = 5  # words named on each side
_WORD = re.compile(r"[a-z]{2,}")


@dataclass(frozen=True, slots=True)
class WordSum:
    """What the words of one text are worth, and those that weigh most for and against it."""

    relevant: float
    core: float
    heavy: tuple[str, ...]
    against: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class WordWeights:
    """Weights of words. ``why`` is what an editor reads, ``source`` the file's text."""

    weights: Mapping[str, tuple[float, float]]
    why: str
    source: str = field(repr=False)

    def weigh(self, folded: str) -> WordSum:
        """Weigh a text in small letters without accents; a word counts once."""
        found = [(self.weights[word], word) for word in text_words(folded) if word in self.weights]
        if not found:
            return WordSum(0.0, 0.0, (), ())
        length = math.sqrt(len(found))
        found.sort()
        return WordSum(
            relevant=sum(weight[0] for weight, _ in found) / length,
            core=sum(weight[1] for weight, _ in found) / length,
            heavy=tuple(word for weight, word in reversed(found[-SHOWN:]) if weight[0] > 0),
            against=tuple(word for weight, word in found[:SHOWN] if weight[0] < 0),
        )


def text_words(folded: str) -> set[str]:
    """Return the different words of a text in small letters without accents."""
    return set(_WORD.findall(folded))


def read_word_weights(path: Path, why: str) -> WordWeights:
    """Read a file of weights. Raises OSError, or ValueError naming file and line."""
    source = path.read_text(encoding="utf-8")
    lines = source.splitlines()
    if not lines or lines[0] != HEADER:
        raise ValueError(f"{path}, line 1: must be {HEADER!r}")
    weights = {}
    for number, line in enumerate(lines[1:], 2):
        word, *numbers = line.split("\t")
        try:
            relevant, core = map(float, numbers)
        except ValueError:
            raise ValueError(f"{path}, line {number}: must be a word and two numbers") from None
        weights[word] = (relevant, core)
    return WordWeights(weights, why, source)
