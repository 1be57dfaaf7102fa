"""Why the articles of a story are one story, in the reader's language."""

import re
import tomllib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from archive.site.i18n import Language, Words

LINKS = 12  # shown
SHARED = 6  # concepts named above them
_APART = re.compile(r"published (\d+) hours apart")


@cache
def concept_names() -> dict[str, dict[Language, str]]:
    """Return what the concepts of stories are called in both languages."""
    return tomllib.loads(Path(__file__).with_name("concept_names.toml").read_text(encoding="utf-8"))


def concept_name(concept: str, language: Language) -> str:
    """Return what a concept is called: ``state dept`` is the State Department."""
    names = concept_names().get(concept.partition(":")[2].replace(" ", "_") or concept.replace(" ", "_"))
    return names[language] if names else concept.partition(":")[2] or concept


@dataclass(frozen=True, slots=True)
class Link:
    """Two articles and what they share, in words."""

    a: Mapping[str, Any]
    b: Mapping[str, Any]
    shared: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Together:
    """What most pairs of a story's articles share, and the strongest pairs."""

    shared: tuple[str, ...]
    links: tuple[Link, ...]
    more: int


def together(
    links: Iterable[Mapping[str, Any]], articles: Mapping[int, Mapping[str, Any]], words: Words
) -> Together:
    """Word the links of `archive.stories.why_together`; articles that are not on the page are passed over."""
    known = [link for link in links if link["a"] in articles and link["b"] in articles]
    counts: Counter[str] = Counter()
    for link in known:
        telling = [reason for reason in link["why"] if reason.startswith(("names: ", "concepts: "))]
        counts.update({concept_name(part, words.language) for reason in telling for part in _listed(reason)})
    shown = tuple(
        Link(
            articles[link["a"]], articles[link["b"]], tuple(_worded(reason, words) for reason in link["why"])
        )
        for link in known[:LINKS]
    )
    return Together(tuple(name for name, _ in counts.most_common(SHARED)), shown, max(0, len(known) - LINKS))


def _listed(reason: str) -> list[str]:
    return reason.partition(": ")[2].split(", ")


def _worded(reason: str, words: Words) -> str:
    if apart := _APART.fullmatch(reason):
        return words.count("hours_apart", int(apart[1]))
    label, _, _ = reason.partition(": ")
    say: Callable[[str], str] = {
        "names": lambda part: concept_name(part, words.language),
        "concepts": lambda part: concept_name(part, words.language),
        "words": lambda part: part.split("/")[0 if words.language == "es" else -1].replace("-", "…"),
        "dates": words.day,
    }.get(label, lambda part: part)
    listed = ", ".join(say(part) for part in _listed(reason))
    return (
        words.t(f"shared_{label}", listed=listed)
        if label in ("names", "concepts", "words", "numbers", "dates")
        else reason
    )
