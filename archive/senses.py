"""Words of two languages brought to one form: by a glossary of the news, and by their common origin.

``archive/words.toml`` pairs Spanish and English words that are used for one another. Of what it does not list,
the longer words are compared by how they begin once both are spelled alike: "helicóptero" and "helicopter",
"biométrico" and "biometric". Such cognates (Simard, Foster and Isabelle 1992 compared words by their first four
letters) are found without a list.
"""

import re
import tomllib
from collections import defaultdict
from collections.abc import Mapping
from functools import cache, lru_cache
from pathlib import Path

from archive.folding import fold

WORDS = Path(__file__).with_name("words.toml")
LANGUAGES = ("es", "en")
COGNATE_LETTERS = 6  # of a word; shorter ones are alike by chance
COGNATE_BEGINNING = (5, 6)  # letters compared, at least and at most, once spelled alike

_DOUBLED = re.compile(r"(.)\1")
_SPELLING = (
    ("ph", "f"), ("th", "t"), ("qu", "k"), ("ch", "c"), ("c", "k"), ("q", "k"), ("y", "i"), ("h", ""),
    ("z", "k"), ("sk", "k"), ("mp", "np"), ("mb", "nb"),
)  # fmt: skip
_PROSTHETIC = re.compile(r"^es(?=[kptmnl])")  # "especial", "special"

_Entries = dict[str, list[str]]


@cache
def _glossary() -> Mapping[str, tuple[_Entries, _Entries]]:
    """Return for each language the whole words and the beginnings of words, each with the senses they have."""
    found: dict[str, tuple[_Entries, _Entries]] = {
        code: (defaultdict(list), defaultdict(list)) for code in LANGUAGES
    }
    for table in tomllib.loads(WORDS.read_text("utf-8")).values():
        for sides in table.items():
            sense = sense_of(*sides)
            for code, side in zip(LANGUAGES, sides, strict=True):
                for word in fold(side).split():
                    found[code][word.endswith("*")][word.rstrip("*")].append(sense)
    return found


def sense_of(spanish: str, english: str) -> str:
    """Return what a line of the glossary is called: its first word of each side; "anunci-" has any ending."""
    return "word:" + "/".join(side.split()[0].replace("*", "-") for side in (spanish, english))


@cache
def _longest_beginning(language: str) -> int:
    return max(map(len, _glossary()[language][1]), default=0)


@lru_cache(maxsize=100_000)
def senses(word: str, language: str) -> tuple[str, ...]:
    """Return the senses of a folded word: of itself, else of the longest beginning that the glossary lists."""
    if language not in LANGUAGES:
        return ()
    whole, beginnings = _glossary()[language]
    if word in whole:
        return tuple(whole[word])
    for length in range(min(len(word), _longest_beginning(language)), 1, -1):
        if word[:length] in beginnings:
            return tuple(beginnings[word[:length]])
    return ()


def is_listed(word: str) -> bool:
    """Tell whether the glossary has a folded word in either language."""
    return any(senses(word, language) for language in LANGUAGES)


@lru_cache(maxsize=100_000)
def cognate(word: str) -> str | None:
    """Return how a folded word begins, in a spelling that both languages share; None where it is too short."""
    if len(word) < COGNATE_LETTERS or not word.isalpha():
        return None
    spelled = _DOUBLED.sub(r"\1", word)
    for written, common in _SPELLING:
        spelled = spelled.replace(written, common)
    beginning = _PROSTHETIC.sub("s", spelled)[: COGNATE_BEGINNING[1]]
    return f"cognate:{beginning}" if len(beginning) >= COGNATE_BEGINNING[0] else None
