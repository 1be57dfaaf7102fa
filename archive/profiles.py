"""What an article says about an event, in a form that Spanish and English articles share.

Concepts come from ``archive/concepts.toml``; names are the capitalised words, which both languages write
alike; numbers are brought to one notation; dates are those named near the publication. Each is weighed by how
often it is said (logarithmically), by whether the headline or the opening says it, and by how telling it is.
"""

import re
import tomllib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cache
from math import log, sqrt
from pathlib import Path

import ahocorasick

from archive.dates import MONTHS, WEEKDAYS, named_dates, publication_day
from archive.folding import fold
from archive.sentences import plain, sentences

CONCEPTS = Path(__file__).with_name("concepts.toml")
HEAD_WORDS = 60  # of the text: with the headline, what an article says first
HEAD_FACTOR = 3.0
DATES_BEFORE, DATES_AFTER = 10, 21  # days around the publication; others are background
PRIOR = (
    10.0  # weight of what an article might also have said: two that say one place only are not thereby alike
)
STEM = 6  # letters; a stem good enough to compare texts of one language

_TOKEN = re.compile(r"\d+(?:[.,]\d+)*|[^\W\d_]+(?:['.-][^\W\d_]+)*")
_NUMBER_UNITS = {"mil": 1000, "thousand": 1000, "millon": 10**6, "millones": 10**6, "million": 10**6}
_NUMBER_WORDS = {
    **dict.fromkeys(("ocho", "eight"), 8), **dict.fromkeys(("nueve", "nine"), 9),
    **dict.fromkeys(("diez", "ten"), 10), **dict.fromkeys(("once", "eleven"), 11),
    **dict.fromkeys(("doce", "twelve"), 12), **dict.fromkeys(("quince", "fifteen"), 15),
    **dict.fromkeys(("veinte", "twenty"), 20), **dict.fromkeys(("treinta", "thirty"), 30),
    **dict.fromkeys(("cuarenta", "forty"), 40), **dict.fromkeys(("cincuenta", "fifty"), 50),
}  # fmt: skip

Weights = dict[str, float]


@dataclass(frozen=True, slots=True)
class Profile:
    """One article as stories compare it. The weights of each part have length 1 or, where it says little, less."""

    id: int
    day: float  # of publication, days since the year 1
    language: str
    names: Weights
    concepts: Weights
    words: Weights  # stems, for texts of one language
    numbers: frozenset[str]
    dates: frozenset[str]  # ISO days named near the publication


@dataclass(frozen=True, slots=True)
class _Alias:
    concept: str
    stem: bool
    languages: str


@cache
def _gazetteer() -> tuple[ahocorasick.Automaton, frozenset[str]]:
    """Return the automaton of all aliases and the words they are made of."""
    tables = tomllib.loads(CONCEPTS.read_text("utf-8"))
    entries: dict[str, list[_Alias]] = {}
    for kind, concepts in tables.items():
        for name, aliases in concepts.items():
            for language, listed in aliases.items():
                for alias in fold(listed).split("|"):
                    key = alias.rstrip("*")
                    found = _Alias(
                        f"{kind}:{name}", alias.endswith("*"), "es en" if language == "both" else language
                    )
                    entries.setdefault(key, []).append(found)
    automaton = ahocorasick.Automaton()
    for key, found_aliases in entries.items():
        automaton.add_word(key, (len(key), found_aliases))
    automaton.make_automaton()
    return automaton, frozenset(word for key in entries for word in key.split())


def concepts_in(text: str, language: str) -> list[tuple[int, str]]:
    """Return (offset, concept) for each concept named, longer phrases hiding those inside them."""
    folded = fold(text)
    automaton, _ = _gazetteer()
    found: list[tuple[int, int, str]] = []
    for last, (length, aliases) in automaton.iter(folded):
        start = last - length + 1
        if start and folded[start - 1].isalnum():
            continue
        ends = last + 1 == len(folded) or not folded[last + 1].isalnum()
        for alias in aliases:
            if (ends or alias.stem) and language in alias.languages:
                found.append((start, last + 1, alias.concept))
    kept: list[tuple[int, str]] = []
    reached = -1
    for start, end, concept in sorted(found, key=lambda hit: (hit[0], -hit[1])):
        if end > reached:
            kept.append((start, concept))
            reached = end
    return kept


def read_profile(
    number: int,
    language: str,
    published: str,
    title: str,
    text: str,
    telling: Mapping[str, float],
    timezone: str | None = None,
) -> Profile:
    """Return the profile of one article.

    ``published`` is ISO 8601; ``telling`` has the weight of each common token, others have ``telling["*"]``.
    Raises ValueError where ``published`` is no ISO 8601 time.
    """
    body = plain(text)
    head_text = plain(title) + ".\n" + _opening(body)
    head, whole = _count(head_text, language), _count(body, language)
    everything = whole + head
    factor = dict.fromkeys(head, HEAD_FACTOR)
    weighed = {
        token: log(1 + count) * factor.get(token, 1.0) * telling.get(token, telling["*"])
        for token, count in everything.items()
    }
    stems = _stems(f"{plain(title)} {body}", language)
    return Profile(
        id=number,
        day=_moment(published, timezone),
        language=language,
        names=_unit(
            {t: w for t, w in weighed.items() if t.startswith(("name:", "place:", "figure:"))}, PRIOR
        ),
        concepts=_unit({t: w for t, w in weighed.items() if not t.startswith(("name:", "number:"))}),
        words=_unit({t: log(1 + n) * telling.get(t, telling["*"]) for t, n in stems.items()}, PRIOR),
        numbers=frozenset(t for t in everything if t.startswith("number:")),
        dates=_dates(body, publication_day(published, timezone), language),
    )


def _moment(published: str, timezone: str | None) -> float:
    moment = datetime.fromisoformat(published)
    if len(published) <= 10:
        return moment.toordinal() + 0.5
    moment = moment.astimezone(UTC) if moment.tzinfo else moment
    return moment.toordinal() + moment.hour / 24 + moment.minute / 1440


def _opening(body: str) -> str:
    words = body.split(None, HEAD_WORDS)
    return " ".join(words[:HEAD_WORDS])


def _count(text: str, language: str) -> Counter[str]:
    counted = Counter(concept for _, concept in concepts_in(text, language))
    counted.update(_names(text))
    counted.update(_numbers(text))
    return counted


def _names(text: str) -> Counter[str]:
    """Count the capitalised words that do not merely begin a sentence, less those the concepts know."""
    _, known = _gazetteer()
    inside: Counter[str] = Counter()
    opening: Counter[str] = Counter()
    small = set()
    for sentence in sentences(text):
        for place, match in enumerate(_TOKEN.finditer(sentence)):
            word = match.group()
            if word[0].islower():
                small.add(fold(word))
            elif word[0].isupper() and len(word) > 2:
                (inside if place else opening)[fold(word).removesuffix("'s")] += 1
    found: Counter[str] = Counter()
    for word, count in (inside + Counter({w: c for w, c in opening.items() if w in inside})).items():
        if word not in small and word not in known and word not in MONTHS and word not in WEEKDAYS:
            found[f"name:{word}"] = count
    return found


def _numbers(text: str) -> Counter[str]:
    """Count the numbers from 8 up that are no year, hour or day of a month, in one notation."""
    found: Counter[str] = Counter()
    tokens = [fold(match.group()) for match in _TOKEN.finditer(text)]
    for place, token in enumerate(tokens):
        following = tokens[place + 1] if place + 1 < len(tokens) else ""
        value = _NUMBER_WORDS.get(token) or _value(token)
        if value is None or _is_date(tokens, place):
            continue
        value *= _NUMBER_UNITS.get(following, 1)
        if value >= 8 and not 1900 <= value <= 2100:
            found[f"number:{value:g}"] += 1
    return found


def _value(token: str) -> float | None:
    if not token[0].isdigit():
        return None
    grouped = re.fullmatch(r"\d{1,3}(?:[.,]\d{3})+", token)
    digits = re.sub(r"[.,]", "", token) if grouped else token.replace(",", ".")
    try:
        return float(digits)
    except ValueError:
        return None


def _is_date(tokens: list[str], place: int) -> bool:
    before = tokens[place - 1] if place else ""
    after = tokens[place + 1 : place + 3]
    return before.rstrip(".") in MONTHS or (after[:1] == ["de"] and after[1:2] and after[1] in MONTHS) or (
        bool(after) and after[0].rstrip(".") in MONTHS
    )  # fmt: skip


def count_concepts(text: str, language: str) -> Counter[str]:
    """Count the concepts and names of a text."""
    counted = _count(plain(text), language)
    return Counter({token: count for token, count in counted.items() if not token.startswith("number:")})


def count_tokens(title: str, text: str, language: str) -> Counter[str]:
    """Count all tokens of an article: names, concepts and numbers, and the stems of its language."""
    everything = f"{plain(title)}.\n{plain(text)}"
    return _count(everything, language) + _stems(everything, language)


def _stems(text: str, language: str) -> Counter[str]:
    found = (match.group() for match in _TOKEN.finditer(fold(text)))
    return Counter(f"{language}:{word[:STEM]}" for word in found if len(word) > 2)


def _dates(body: str, today: date, language: str) -> frozenset[str]:
    found = set()
    for sentence in sentences(body):
        for named in named_dates(sentence, today, language):
            if named.precision == "day":
                distance = (date.fromisoformat(named.date) - today).days
                if -DATES_BEFORE <= distance <= DATES_AFTER:
                    found.add(named.date)
    return frozenset(found)


def _unit(weights: Weights, prior: float = 0.0) -> Weights:
    length = sqrt(sum(w * w for w in weights.values()) + prior * prior)
    return {token: w / length for token, w in weights.items() if w} if length else {}


def cosine(a: Weights, b: Weights) -> float:
    """Return the cosine of two profiles' parts."""
    if len(a) > len(b):
        a, b = b, a
    return sum(w * b[token] for token, w in a.items() if token in b)
