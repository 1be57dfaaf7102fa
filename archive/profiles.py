"""What an article says about an event, in a form that Spanish and English articles share.

Concepts come from ``archive/concepts.toml``; names are the capitalised words, which both languages write
alike; words are brought together by ``archive/words.toml`` and by their common origin; numbers have one notation;
dates are those named near the publication. Each is weighed by how often it is said (logarithmically), by
whether the headline or the opening says it, and by how telling it is.
"""

import json
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from math import log, sqrt

from archive.date_words import MONTHS, WEEKDAYS
from archive.dates import named_dates, publication_day
from archive.folding import fold
from archive.gazetteer import concept_words, concepts_in
from archive.numerals import count_numbers
from archive.senses import cognate, is_listed, senses
from archive.sentences import plain, sentences

HEAD_WORDS = 60  # of the text: with the headline, what an article says first
HEAD_FACTOR = 3.0
DATES_BEFORE, DATES_AFTER = 10, 21  # days around the publication; others are background
LEDE_SENTENCES = 4  # the first of which to name a day says when the event was
# Weight of what an article might also have said: two that say one place only are not thereby alike.
PRIORS = {"names": 6.0, "figures": 4.0, "concepts": 0.0, "words": 8.0}
DECIMALS = 4
CONCEPTS = ("act:", "matter:", "body:", "place:", "common:", "figure:")

_SETS = ("numbers", "counts", "dates")  # what of a profile is a set

_TOKEN = re.compile(r"\d+(?:[.,]\d+)*|[^\W\d_]+(?:['.-][^\W\d_]+)*")
OPENING = "opening:"  # a capitalised word that stands nowhere but at the beginning of sentences
SMALL = "small:"  # a word that is often written small
_SHORTEST = 3  # letters of a word or name

Weights = dict[str, float]


@dataclass(frozen=True, slots=True)
class Profile:
    """One article as stories compare it. The weights of each part have length 1 or, where it says little, less."""

    id: int
    day: float  # of publication, days since the year 1
    language: str
    names: Weights
    figures: Weights  # people named in nearly every article of their time
    concepts: Weights
    words: Weights  # senses and cognates
    numbers: frozenset[str]
    counts: frozenset[str]  # the numbers of the headline and the opening
    dates: frozenset[int]  # days named near the publication, counted from the year 1
    event: int | None  # the first day the opening names, if it is not ahead: when it happened


@dataclass(frozen=True, slots=True)
class _Counts:
    """What a text says, counted: concepts, names and numbers in one, words in the other."""

    tokens: Counter[str]
    words: Counter[str]


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

    ``published`` is ISO 8601; ``telling`` has the weight of each common token, others have ``telling["*"]``, and
    with `SMALL` before them the words often written small: these are no names where they begin a sentence.
    Raises ValueError where ``published`` is no ISO 8601 time.
    """
    body = plain(text)
    head = _counted(f"{plain(title)}.\n{_opening(body)}", language)
    whole = _counted(body, language)
    first = _with_openings(head.tokens, telling)
    tokens = _weighed(
        _with_openings(whole.tokens, telling) + first, telling, dict.fromkeys(first, HEAD_FACTOR)
    )
    words = Counter(whole.words)
    for word, count in head.words.items():
        words[word] += 2 * count
    dates, event = _dates(body, publication_day(published, timezone), language)
    return Profile(
        id=number,
        day=moment(published),
        language=language,
        names=_part("names", tokens, ("name:",)),
        figures=_part("figures", tokens, ("figure:",)),
        concepts=_part("concepts", tokens, CONCEPTS),
        words=_part("words", _weighed(words, telling, {}), ("word:", "cognate:")),
        numbers=frozenset(t for t in tokens if t.startswith("number:")),
        counts=frozenset(t for t in first if t.startswith("number:")),
        dates=dates,
        event=event,
    )


def moment(published: str) -> float:
    """Return a time, ISO 8601, in days since the year 1; a day alone stands for its noon."""
    found = datetime.fromisoformat(published)
    if len(published) <= 10:
        return found.toordinal() + 0.5
    found = found.astimezone(UTC) if found.tzinfo else found
    return found.toordinal() + found.hour / 24 + found.minute / 1440


def _opening(body: str) -> str:
    words = body.split(None, HEAD_WORDS)
    return " ".join(words[:HEAD_WORDS])


def _counted(text: str, language: str) -> _Counts:
    lines = [_TOKEN.findall(sentence) for sentence in sentences(text)]
    small = {fold(token) for line in lines for token in line if token[0].islower()}
    tokens = Counter(concept for _, concept in concepts_in(text, language))
    tokens.update(_names(lines, small))
    tokens.update(count_numbers([fold(token) for line in lines for token in line]))
    return _Counts(tokens, _words(lines, small, language))


def _names(lines: list[list[str]], small: set[str]) -> Counter[str]:
    """Count the capitalised words, less those the concepts know: names, and what merely begins sentences."""
    inside: Counter[str] = Counter()
    opening: Counter[str] = Counter()
    for line in lines:
        for place, token in enumerate(line):
            if token[0].isupper() and len(token) >= _SHORTEST:
                (inside if place else opening)[_bare(token)] += 1
    known = concept_words()
    found: Counter[str] = Counter()
    for word, count in (inside + opening).items():
        if word in small or word in known or word in MONTHS or word in WEEKDAYS:
            continue
        if word in inside:
            found[f"name:{word}"] = count
        elif not is_listed(word):
            found[f"{OPENING}{word}"] = count
    return found


def _with_openings(tokens: Counter[str], telling: Mapping[str, float]) -> Counter[str]:
    """Return the tokens, what merely begins sentences among the names unless it is an ordinary word."""
    found = _without_openings(tokens)
    for token, count in tokens.items():
        word = token.removeprefix(OPENING)
        if word != token and f"{SMALL}{word}" not in telling and cognate(word) not in telling:
            found[f"name:{word}"] += count
    return found


def _without_openings(tokens: Counter[str]) -> Counter[str]:
    return Counter({token: count for token, count in tokens.items() if not token.startswith(OPENING)})


def small_words(text: str) -> set[str]:
    """Return the words of a text that are written small and that the glossary does not list, folded."""
    found = {fold(token) for token in _TOKEN.findall(text) if token[0].islower() and len(token) >= _SHORTEST}
    return {word for word in found if not is_listed(word)}


def _bare(token: str) -> str:
    return fold(token).removesuffix("'s")


def _words(lines: list[list[str]], small: set[str], language: str) -> Counter[str]:
    """Count the senses of words, and what longer words of no listed sense begin with; names are no words."""
    found: Counter[str] = Counter()
    for line in lines:
        for place, token in enumerate(line):
            word = _bare(token)
            if len(word) < _SHORTEST or (place and token[0].isupper() and word not in small):
                continue
            meant = senses(word, language)
            for sense in meant:
                found[sense] += 1 / len(meant)  # type: ignore[assignment]
            if not meant and token[0].islower() and (origin := cognate(word)):
                found[origin] += 1
    return found


def _weighed(counts: Counter[str], telling: Mapping[str, float], factor: Mapping[str, float]) -> Weights:
    other = telling["*"]
    return {
        token: log(1 + count) * factor.get(token, 1.0) * telling.get(token, other)
        for token, count in counts.items()
    }


def _part(name: str, weights: Weights, kinds: tuple[str, ...]) -> Weights:
    """Return the weights of some kinds of tokens, scaled to length 1; to less where they and the prior are small."""
    chosen = {token: weight for token, weight in weights.items() if token.startswith(kinds)}
    length = sqrt(sum(weight * weight for weight in chosen.values()) + PRIORS[name] ** 2) or 1.0
    return {token: round(weight / length, DECIMALS) for token, weight in chosen.items() if weight}


def count_concepts(text: str, language: str) -> Counter[str]:
    """Count the concepts and names of a text."""
    counted = _without_openings(_counted(plain(text), language).tokens)
    return Counter({token: count for token, count in counted.items() if not token.startswith("number:")})


def count_tokens(title: str, text: str, language: str) -> Counter[str]:
    """Count all tokens of an article: names, concepts, numbers, senses and cognates."""
    counted = _counted(f"{plain(title)}.\n{plain(text)}", language)
    return _without_openings(counted.tokens) + counted.words


def _dates(body: str, today: date, language: str) -> tuple[frozenset[int], int | None]:
    """Return the days named near the publication, and the first one not ahead of it that the opening names."""
    found: set[int] = set()
    event = None
    for place, sentence in enumerate(sentences(body)):
        for named in named_dates(sentence, today, language):
            if named.precision != "day":
                continue
            day = date.fromisoformat(named.date).toordinal()
            distance = day - today.toordinal()
            if -DATES_BEFORE <= distance <= DATES_AFTER:
                found.add(day)
                if event is None and place < LEDE_SENTENCES and distance <= 1:
                    event = day
    return frozenset(found), event


def packed(profile: Profile) -> str:
    """Return a profile as JSON, from which `unpacked` makes the same again."""
    parts = asdict(profile)
    return json.dumps(
        {**parts, **{name: sorted(parts[name]) for name in _SETS}},
        ensure_ascii=False, separators=(",", ":"),
    )  # fmt: skip


def unpacked(text: str) -> Profile:
    """Return the profile that `packed` wrote down."""
    parts = json.loads(text)
    return Profile(**{**parts, **{name: frozenset(parts[name]) for name in _SETS}})
