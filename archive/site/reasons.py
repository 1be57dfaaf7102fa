"""A verdict's reasons as the article's page shows them: in the reader's language, quotes and words apart."""

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from markupsafe import Markup

from archive.search.snippets import Highlighter
from archive.search.tree import Or, Term, only_itself
from archive.site.i18n import Words

WHERE = {"title": "where_title", "lede": "where_lede", "body": "where_body"}
_QUOTED = re.compile(r"(?P<said>.*?): “(?P<quotes>.*)” \((?P<places>[^()]*)\)", re.DOTALL)
_LEADS = {
    "other signs: ": "reason_other", "core: ": "reason_core", "related, not core: ": "reason_related",
}  # fmt: skip
_AGAINST = re.compile(r"(?P<said>.*) \(against it: (?P<against>.*)\)", re.DOTALL)
_MORE = re.compile(r"and (\d+) more of the kind")
_PLACE = re.compile(r"sentence (\d+)")


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence of a reason, with the language it is in."""

    text: str
    language: str


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason. ``lead`` opens it; ``against`` is what spoke against a grade."""

    points: float
    lead: str
    sentences: tuple[Sentence, ...]
    against: tuple[Sentence, ...]
    quotes: tuple[str, ...]
    places: str
    words: tuple[str, ...]


@cache
def spanish() -> dict[str, str]:
    """Return the judge's sentences and what they are in Spanish."""
    return tomllib.loads(Path(__file__).with_name("reasons.toml").read_text(encoding="utf-8"))


def shown_reasons(terms: Iterable[Mapping[str, Any]], words: Words) -> list[Reason]:
    """Return the reasons of a verdict (``articles.terms``), the weightiest first, in the reader's language."""
    return [_reason(term, words) for term in terms]


def _reason(term: Mapping[str, Any], words: Words) -> Reason:
    said, quotes, places = str(term.get("why", "")), (), ""
    if found := _QUOTED.fullmatch(said):
        said, quotes = found["said"], tuple(found["quotes"].split("” … “"))
        places = ", ".join(_place(place, words) for place in found["places"].split(", "))
    against = ""
    if found := _AGAINST.fullmatch(said):
        said, against = found["said"], found["against"]
    lead = next((lead for lead in _LEADS if said.startswith(lead)), "")
    return Reason(
        points=float(term.get("points", 0)),
        lead=words.t(_LEADS[lead]) if lead else "",
        sentences=_sentences(said.removeprefix(lead), words),
        against=_sentences(against, words),
        quotes=quotes,
        places=places,
        words=found_words([term]),
    )


def _sentences(said: str, words: Words) -> tuple[Sentence, ...]:
    return tuple(_sentence(part, words) for part in said.split("; ") if part)


def _sentence(part: str, words: Words) -> Sentence:
    if more := _MORE.fullmatch(part):
        return Sentence(words.t("reason_more", n=words.number(int(more[1]))), words.language)
    if words.language == "es" and part in spanish():
        return Sentence(spanish()[part], "es")
    return Sentence(part, "en")


def _place(place: str, words: Words) -> str:
    number = _PLACE.fullmatch(place)
    return words.t("where_sentence_n", n=number[1]) if number else words.t(WHERE.get(place, "where_other"))


def found_words(terms: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
    """Return the words that a verdict found, each once."""
    listed = (word.strip() for term in terms for word in str(term.get("text", "")).split(" · "))
    return tuple(dict.fromkeys(word for word in listed if word))


def telling(terms: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return the reasons that speak for an article and have a place in it.

    What the single words of the whole text weigh together has none.
    """
    speaking = [term for term in terms if float(term.get("points", 0)) > 0]
    return [term for term in speaking if term.get("where") != "text"] or speaking


def marked(paragraphs: Iterable[str], terms: Iterable[Mapping[str, Any]]) -> list[Markup]:
    """Return paragraphs, escaped, the words that put the article in the archive in ``<mark>``."""
    found = tuple(Term(word, "phrase") for word in found_words(telling(terms)))
    highlighter = Highlighter(Or(found) if found else None, only_itself)
    return [Markup(highlighter.whole(paragraph, "text").html) for paragraph in paragraphs]
