"""Which articles are about one concrete event, in both languages and both countries.

How alike two articles are is a logistic regression on a handful of features that can be read (shared names,
concepts, numbers, words, dates, and the time between them); its weights, fitted by ``benchmarks/stories.py``,
stand in ``archive/stories.toml``. Articles are grouped by average linkage (Sokal and Michener 1958), which
never joins what no chain of alike pairs connects: so a new article changes only the stories it is linked to,
and grouping as articles arrive ends exactly where grouping anew does.
"""

import tomllib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from math import exp
from pathlib import Path

import numpy as np

from archive.profiles import Profile, cosine

MODEL = Path(__file__).with_name("stories.toml")
WINDOW_DAYS = 14.0  # two articles published further apart are not compared
CONCEPT_FLOOR = 0.15  # cosine of concepts below which two articles are not about the same thing
LINK_FLOOR = 0.25  # the same for a link; what lies between counts in the mean of two groups only
DECAY_DAYS = 4.0
FEATURES = ("names", "concepts", "words", "cross", "near", "dates", "numbers")
BLOCK = 512  # articles compared at a time


@dataclass(frozen=True, slots=True)
class Model:
    """The weights of the features, the likeness from which articles are one story, and how telling tokens are."""

    bias: float
    weights: tuple[float, ...]  # in the order of FEATURES
    threshold: float  # mean likeness between two groups
    telling: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Link:
    """Two articles alike enough to be one story; ``a`` has the smaller id."""

    a: int
    b: int
    likeness: float  # 0 to 1


@cache
def load_model(path: Path = MODEL) -> Model:
    """Read the fitted weights."""
    table = tomllib.loads(path.read_text("utf-8"))
    weights = tuple(float(table["weights"][name]) for name in FEATURES)
    return Model(float(table["bias"]), weights, float(table["threshold"]), table["telling"])


def features(a: Profile, b: Profile) -> tuple[float, ...]:
    """Return what two articles have in common, in the order of FEATURES, each about 0 to 1."""
    same_language = a.language == b.language
    return (
        cosine(a.names, b.names),
        cosine(a.concepts, b.concepts),
        cosine(a.words, b.words) if same_language else 0.0,
        0.0 if same_language else 1.0,
        exp(-abs(a.day - b.day) / DECAY_DAYS),
        _date_agreement(a.dates, b.dates),
        min(len(a.numbers & b.numbers), 2) / 2,
    )


def _date_agreement(a: frozenset[str], b: frozenset[str]) -> float:
    """Return 1 where both name a day, -1 where all days they name lie more than one apart, else 0."""
    if not a or not b:
        return 0.0
    if a & b:
        return 1.0
    days = [[date.fromisoformat(day).toordinal() for day in side] for side in (a, b)]
    return -1.0 if min(abs(x - y) for x in days[0] for y in days[1]) > 1 else 0.0


def likeness(a: Profile, b: Profile, model: Model) -> float:
    """Return how likely it is that two articles are about one event."""
    if abs(a.day - b.day) > WINDOW_DAYS or cosine(a.concepts, b.concepts) < CONCEPT_FLOOR:
        return 0.0
    score = model.bias + sum(w * x for w, x in zip(model.weights, features(a, b), strict=True))
    return 1 / (1 + exp(-score)) if score > -500 else 0.0


def reasons(a: Profile, b: Profile) -> list[str]:
    """Return in words what two articles share, the most telling first."""
    found = []
    for label, left, right in (("names", a.names, b.names), ("concepts", a.concepts, b.concepts)):
        shared = sorted(((left[t] * right[t], t) for t in left if t in right), reverse=True)[:5]
        words = [token.partition(":")[2].replace("_", " ") for _, token in shared]
        if words:
            found.append(f"{label}: {', '.join(words)}")
    for label, common in (("numbers", a.numbers & b.numbers), ("dates", a.dates & b.dates)):
        if common:
            found.append(f"{label}: {', '.join(sorted(t.partition(':')[2] or t for t in common))}")
    found.append(f"published {abs(a.day - b.day) * 24:.0f} hours apart")
    return found


def find_links(new: Sequence[Profile], others: Sequence[Profile], model: Model) -> Iterator[Link]:
    """Yield the links of new articles among themselves and with others, each pair once.

    Concepts are compared first, block by block, since few pairs pass that; the rest is weighed pair by pair.
    """
    if not new:
        return
    pool = sorted([*new, *others], key=lambda profile: (profile.day, profile.id))
    fresh = {profile.id for profile in new}
    columns = {token: place for place, token in enumerate(sorted({t for p in pool for t in p.concepts}))}
    matrix = np.zeros((len(pool), max(len(columns), 1)), dtype=np.float32)
    for row, profile in enumerate(pool):
        for token, weight in profile.concepts.items():
            matrix[row, columns[token]] = weight
    days = np.array([profile.day for profile in pool])
    for start in range(0, len(pool), BLOCK):
        stop = int(np.searchsorted(days, days[min(start + BLOCK, len(pool)) - 1] + WINDOW_DAYS, side="right"))
        near = matrix[start : start + BLOCK] @ matrix[start:stop].T >= LINK_FLOOR
        for row, column in zip(*np.nonzero(near), strict=True):
            a, b = pool[start + row], pool[start + column]
            if row < column and (a.id in fresh or b.id in fresh):
                alike = likeness(a, b, model)
                if alike >= model.threshold:
                    yield Link(min(a.id, b.id), max(a.id, b.id), alike)


def components(links: Iterable[Link]) -> list[list[int]]:
    """Return the sets of articles that chains of links connect, each in the order of ids."""
    neighbours: defaultdict[int, set[int]] = defaultdict(set)
    for link in links:
        neighbours[link.a].add(link.b)
        neighbours[link.b].add(link.a)
    seen: set[int] = set()
    found = []
    for first in sorted(neighbours):
        if first in seen:
            continue
        reached, waiting = {first}, [first]
        while waiting:
            for other in neighbours[waiting.pop()] - reached:
                reached.add(other)
                waiting.append(other)
        seen |= reached
        found.append(sorted(reached))
    return found


def average_link(profiles: Sequence[Profile], model: Model) -> list[list[int]]:
    """Group the articles of one component; groups are joined while their mean likeness reaches the threshold."""
    size = len(profiles)
    alike = np.full((size, size), -1.0)
    for i in range(size):
        for j in range(i + 1, size):
            alike[i, j] = alike[j, i] = likeness(profiles[i], profiles[j], model)
    clusters = {place: [profile.id] for place, profile in enumerate(profiles)}
    while True:
        i, j = divmod(int(alike.argmax()), size)
        if alike[i, j] < model.threshold:
            return [sorted(cluster) for _, cluster in sorted(clusters.items())]
        n, m = len(clusters[i]), len(clusters[j])
        row = (alike[i] * n + alike[j] * m) / (n + m)
        row[alike[i] < 0] = row[alike[j] < 0] = -1.0  # itself, and groups that are no more
        alike[i], alike[:, i] = row, row
        alike[j], alike[:, j] = -1.0, -1.0
        clusters[i] += clusters.pop(j)


def group(profiles: Sequence[Profile], model: Model) -> list[list[int]]:
    """Return the stories among the articles, each of two or more, in the order of their smallest ids."""
    by_id = {profile.id: profile for profile in profiles}
    found = []
    for component in components(find_links(profiles, (), model)):
        members = [by_id[number] for number in component]
        found += [cluster for cluster in average_link(members, model) if len(cluster) > 1]
    return sorted(found)


def medoid(profiles: Sequence[Profile], model: Model) -> Profile:
    """Return the article most like all others of its story; the earliest of several."""
    ordered = sorted(profiles, key=lambda profile: (profile.day, profile.id))
    return max(ordered, key=lambda a: round(sum(likeness(a, b, model) for b in ordered if b is not a), 9))
