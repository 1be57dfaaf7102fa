"""What the two countries' coverage of one story has in common and what only one side says.

Words are compared by the log-odds ratio with an informative Dirichlet prior (Monroe, Colaresi and Quinn 2008,
"Fightin' Words", equations 16, 18 and 22). Words of different languages cannot be compared, so across
languages it is concepts and names that are, and words only between texts of one language.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import log, sqrt
from typing import Literal

from sqlite_utils import Database

from archive.profiles import count_concepts
from archive.sentences import plain, words
from archive.speakers import speakers
from archive.store import rows

Side = Literal["MX", "US"]

LANGUAGES = ("es", "en")
BACKGROUND_ARTICLES = 500
PRIOR_WORDS = 200.0  # the weight of the background, in words
TELLING = 1.96  # standard deviations; below it the difference may be chance
LEANING = 1.0  # below it nothing is shown
FEWEST = 3  # mentions of what is shown though it may be chance
SHORTEST = 4  # letters; shorter words are grammar
_GRAMMAR = (
    "para como pero sobre entre este esta estos estas desde hasta cuando donde quien quienes cual cuales también más "
    "porque aunque mientras según ante bajo contra durante hacia mediante sino tras había habían hay han sido será "
    "serán sería fueron estaba están estar tiene tienen tenía tuvo hace hacer otro otra otros otras todo toda todos "
    "todas cada muy tanto dijo dice parte vez además así aquí allí luego ello ellos ella ellas suyo sus nos les mismo "
    "misma that this these those with from have has had been were will would could should about after before into over "
    "under between their there they them then than when where which while whom what also more most some such other "
    "others said says because being both each even ever every here just like made make many much must only onto same "
    "since still though through until upon very well your"
)
GRAMMAR = frozenset(_GRAMMAR.split())


@dataclass(frozen=True, slots=True)
class Distinctive:
    """One word with how often each side says it and how far apart that is."""

    word: str
    here: int
    there: int
    log_odds: float  # natural logarithm; positive where this side says it more
    z: float  # log_odds in standard deviations

    @property
    def beyond_chance(self) -> bool:
        """Tell whether the difference is larger than chance would make it in nineteen of twenty cases."""
        return self.z >= TELLING


@dataclass(frozen=True, slots=True)
class Comparison:
    """Both sides of one story; copies of one dispatch on one side are counted once."""

    articles: Mapping[Side, int]
    concepts: Mapping[Side, list[Distinctive]]  # concepts and names, across languages
    words: Mapping[str, Mapping[Side, list[Distinctive]]]  # by language, where both sides write it
    quoted: Mapping[Side, list[tuple[str, int]]]  # who is quoted, in how many articles


def log_odds(here: Counter[str], there: Counter[str], background: Counter[str]) -> list[Distinctive]:
    """Return the words that ``here`` says more than ``there``, most telling first.

    Those beyond chance, and of the others those said three times and leaning by a standard deviation.
    ``background`` counts the words of other texts on the subject; it is the prior, with one added to each word.
    """
    vocabulary = len(here.keys() | there.keys() | background.keys())
    share = PRIOR_WORDS / max(background.total() + vocabulary, 1)
    here_size, there_size = here.total(), there.total()
    found = []
    for word in here:
        prior = share * (background[word] + 1)
        mine, theirs = here[word] + prior, there[word] + prior
        rest_mine = here_size + PRIOR_WORDS - mine
        rest_theirs = there_size + PRIOR_WORDS - theirs
        if rest_mine <= 0 or rest_theirs <= 0:
            continue
        difference = log(mine / rest_mine) - log(theirs / rest_theirs)
        z = difference / sqrt(1 / mine + 1 / theirs)
        if z >= TELLING or (z >= LEANING and here[word] >= FEWEST):
            found.append(Distinctive(word, here[word], there[word], round(difference, 3), round(z, 2)))
    return sorted(found, key=lambda d: (-d.z, d.word))


@dataclass(frozen=True, slots=True)
class Background:
    """What the newest articles of an archive say: the prior of a comparison."""

    articles: frozenset[int]
    concepts: Counter[str]
    words: Mapping[str, Counter[str]]  # by language


def read_background(db: Database) -> Background:
    """Count the newest articles on the subject."""
    newest = rows(
        db,
        "SELECT a.id, a.language, t.title, t.text FROM articles a JOIN texts t ON t.article = a.id"
        " WHERE a.grade > 0 ORDER BY a.id DESC LIMIT ?",
        [BACKGROUND_ARTICLES],
    )
    words_of = {language: _words(a for a in newest if a["language"] == language) for language in LANGUAGES}
    return Background(frozenset(a["id"] for a in newest), _concepts(newest), words_of)


def compare_sides(db: Database, story: int, background: Background | None = None) -> Comparison:
    """Compare what Mexican and US outlets say of one story; the prior is counted over other articles.

    ``background`` may be given where many stories are compared; the story's own articles are taken out of it.
    """
    articles = rows(
        db,
        "SELECT a.id, a.country, a.language, a.copy_group, t.title, t.text FROM articles a"
        " JOIN texts t ON t.article = a.id WHERE a.story = ? AND a.grade > 0"
        " ORDER BY coalesce(a.published, a.first_seen), a.id",
        [story],
    )
    background = background or read_background(db)
    own = [article for article in articles if article["id"] in background.articles]
    folded = list({(a["country"], a["copy_group"] or -a["id"]): a for a in reversed(articles)}.values())[::-1]
    sides: dict[Side, list[dict[str, str]]] = {
        side: [a for a in folded if a["country"] == side] for side in ("MX", "US")
    }
    concepts = background.concepts - _concepts(own)
    return Comparison(
        articles={side: len(found) for side, found in sides.items()},
        concepts=_both_ways({side: _concepts(found) for side, found in sides.items()}, concepts),
        words=_by_language(sides, background, own),
        quoted={side: _quoted(found) for side, found in sides.items()},
    )


def _both_ways(
    counted: Mapping[Side, Counter[str]], background: Counter[str]
) -> dict[Side, list[Distinctive]]:
    return {
        "MX": log_odds(counted["MX"], counted["US"], background),
        "US": log_odds(counted["US"], counted["MX"], background),
    }


def _concepts(articles: Iterable[Mapping[str, str]]) -> Counter[str]:
    found: Counter[str] = Counter()
    for article in articles:
        found.update(count_concepts(f"{article['title']}.\n{article['text']}", article["language"]))
    return found


def _by_language(
    sides: Mapping[Side, list[dict[str, str]]], background: Background, own: list[dict[str, str]]
) -> dict[str, dict[Side, list[Distinctive]]]:
    found = {}
    for language in LANGUAGES:
        counted: dict[Side, Counter[str]] = {
            side: _words(a for a in articles if a["language"] == language) for side, articles in sides.items()
        }
        if counted["MX"] and counted["US"]:
            prior = background.words[language] - _words(a for a in own if a["language"] == language)
            found[language] = _both_ways(counted, prior)
    return found


def _words(articles: Iterable[Mapping[str, str]]) -> Counter[str]:
    found: Counter[str] = Counter()
    for article in articles:
        said = words(plain(f"{article['title']} {article['text']}"))
        found.update(word for word in said if len(word) >= SHORTEST and word not in GRAMMAR)
    return found


def _quoted(articles: Iterable[Mapping[str, str]]) -> list[tuple[str, int]]:
    """Return who is quoted, in how many articles; forms of one name are counted under the longest."""
    said = Counter(name for article in articles for name in speakers(article["text"]))
    by_family: defaultdict[str, list[str]] = defaultdict(list)
    for name in said:
        by_family[name.split()[-1]].append(name)
    merged = {max(sorted(names), key=len): sum(said[n] for n in names) for names in by_family.values()}
    return sorted(merged.items(), key=lambda item: (-item[1], item[0]))
