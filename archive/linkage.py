"""Which articles are about one concrete event, in both languages and both countries.

How alike two articles are is a logistic regression on a handful of features that can be read (shared names,
concepts, numbers, words, dates, and the time between them); its weights, fitted by ``benchmarks/stories.py``,
stand in ``archive/stories.toml``. Articles are grouped by average linkage (Sokal and Michener 1958), which
never joins what no chain of alike pairs connects: so a new article changes only the stories it is linked to,
and grouping as articles arrive ends exactly where grouping anew does.
"""

import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from heapq import heappop, heappush
from math import exp
from pathlib import Path

import numpy as np
import numpy.typing as npt

from archive.profiles import Profile, cosine

MODEL = Path(__file__).with_name("stories.toml")
WINDOW_DAYS = 14.0  # two articles published further apart are not compared
CONCEPT_FLOOR = 0.15  # cosine of concepts below which two articles are not about the same thing
FAINT = 0.01  # likeness below which two articles count as nothing alike
DECAY_DAYS = 4.0
FEATURES = ("names", "concepts", "words", "cross", "near", "dates", "numbers")


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


@dataclass(frozen=True, slots=True)
class _Columns:
    """One part of many profiles as a sparse matrix by rows, tokens in the order of the alphabet."""

    starts: npt.NDArray[np.int64]
    owners: npt.NDArray[np.int64]
    places: npt.NDArray[np.int64]
    weights: npt.NDArray[np.float64]
    width: int

    def products(
        self, row: int, start: int, stop: int, spread: Sequence[int] = (0,)
    ) -> npt.NDArray[np.float64]:
        """Return the products of one row with the rows from start to stop.

        Sums run over the tokens in order, so that a with b is b with a to the last bit. ``spread`` moves the row's
        tokens by so many places, each.
        """
        mine = slice(self.starts[row], self.starts[row + 1])
        scattered = np.zeros(self.width + 2)
        for move in spread:
            scattered[self.places[mine] + move + 1] = self.weights[mine]
        theirs = slice(self.starts[start], self.starts[stop])
        shared = scattered[self.places[theirs] + 1] * self.weights[theirs]
        sums = np.bincount(self.owners[theirs] - start, weights=shared, minlength=stop - start)
        return sums.astype(np.float64, copy=False)


def _columns(parts: Sequence[Mapping[str, float]]) -> _Columns:
    vocabulary = {token: place for place, token in enumerate(sorted({t for part in parts for t in part}))}
    rows = [sorted((vocabulary[token], weight) for token, weight in part.items()) for part in parts]
    return _matrix(rows, len(vocabulary))


def _matrix(rows: Sequence[Sequence[tuple[int, float]]], width: int) -> _Columns:
    sizes = np.array([len(row) for row in rows], dtype=np.int64)
    flat = [cell for row in rows for cell in row]
    return _Columns(
        starts=np.concatenate(([0], np.cumsum(sizes))),
        owners=np.repeat(np.arange(len(rows)), sizes),
        places=np.array([place for place, _ in flat], dtype=np.int64),
        weights=np.array([weight for _, weight in flat], dtype=np.float64),
        width=width,
    )


def _days(pool: Sequence[Profile]) -> _Columns:
    """Return the days each article names, one place a day."""
    named = [sorted(date.fromisoformat(day).toordinal() for day in profile.dates) for profile in pool]
    first = min((day for days in named for day in days), default=0)
    last = max((day for days in named for day in days), default=0)
    return _matrix([[(day - first, 1.0) for day in days] for days in named], last - first + 1)


class _Pool:
    """Articles in the order of publication, ready to be compared one with many."""

    def __init__(self, profiles: Iterable[Profile]) -> None:
        self.profiles = sorted(profiles, key=lambda profile: (profile.day, profile.id))
        self.days = np.array([profile.day for profile in self.profiles])
        self.languages = np.array([profile.language for profile in self.profiles])
        self.dated = np.array([bool(profile.dates) for profile in self.profiles])
        self._names = _columns([profile.names for profile in self.profiles])
        self._concepts = _columns([profile.concepts for profile in self.profiles])
        self._words = _columns([profile.words for profile in self.profiles])
        self._numbers = _columns([dict.fromkeys(profile.numbers, 1.0) for profile in self.profiles])
        self._dates = _days(self.profiles)

    def window(self, row: int) -> tuple[int, int]:
        """Return the first article that is near enough in time to this one, and the one after the last."""
        start = int(np.searchsorted(self.days, self.days[row] - WINDOW_DAYS, side="left"))
        return start, int(np.searchsorted(self.days, self.days[row] + WINDOW_DAYS, side="right"))

    def likenesses(self, row: int, start: int, stop: int, model: Model) -> npt.NDArray[np.float64]:
        """Return what ``likeness`` is of one article with each from start to stop; 0 with itself."""
        concepts = self._concepts.products(row, start, stop)
        same = self.languages[start:stop] == self.languages[row]
        columns = (
            self._names.products(row, start, stop),
            concepts,
            np.where(same, self._words.products(row, start, stop), 0.0),
            np.where(same, 0.0, 1.0),
            np.exp(-np.abs(self.days[start:stop] - self.days[row]) / DECAY_DAYS),
            self._agreement(row, start, stop),
            np.minimum(self._numbers.products(row, start, stop), 2) / 2,
        )
        score = np.full(stop - start, 0.0)
        for weight, column in zip(model.weights, columns, strict=True):
            score += weight * column
        found = np.where(
            concepts < CONCEPT_FLOOR, 0.0, 1 / (1 + np.exp(-np.maximum(model.bias + score, -500)))
        )
        found[row - start] = 0.0
        return found

    def _agreement(self, row: int, start: int, stop: int) -> npt.NDArray[np.float64]:
        if not self.dated[row]:
            return np.zeros(stop - start)
        same = self._dates.products(row, start, stop) > 0
        near = self._dates.products(row, start, stop, (-1, 0, 1)) > 0
        return np.where(self.dated[start:stop], np.where(same, 1.0, np.where(near, 0.0, -1.0)), 0.0)


def find_pairs(new: Sequence[Profile], others: Sequence[Profile], model: Model) -> Iterator[Link]:
    """Yield all pairs of new articles, among themselves and with others, that are at all alike, each once.

    Those from the model's threshold on are links; the rest counts in the mean of two groups only.
    """
    if not new:
        return
    pool = _Pool([*new, *others])
    fresh = {profile.id for profile in new}
    is_new = np.array([profile.id in fresh for profile in pool.profiles])
    for row in np.flatnonzero(is_new).tolist():
        start, stop = pool.window(row)
        alike = pool.likenesses(row, start, stop, model)
        for place in np.flatnonzero(alike >= FAINT).tolist():
            other = start + place
            if other > row or not is_new[other]:
                a, b = sorted((pool.profiles[row].id, pool.profiles[other].id))
                yield Link(a, b, float(alike[place]))


class _Clusters:
    """Groups that are joined two by two, the most alike first (average linkage over the pairs there are)."""

    def __init__(self, pairs: Iterable[Link], order: Mapping[int, int], threshold: float) -> None:
        self.members = {place: [number] for number, place in order.items()}
        self._sums: dict[int, dict[int, float]] = {place: {} for place in self.members}
        self._threshold = threshold
        for pair in pairs:
            i, j = sorted((order[pair.a], order[pair.b]))
            self._sums[i][j] = self._sums[j][i] = pair.likeness
        self._versions = dict.fromkeys(self.members, 0)
        self._waiting: list[tuple[float, int, int, int, int]] = []
        for i, row in self._sums.items():
            for j in row:
                if i < j:
                    self._consider(i, j)

    def _consider(self, i: int, j: int) -> None:
        i, j = (i, j) if i < j else (j, i)
        mean = self._sums[i][j] / (len(self.members[i]) * len(self.members[j]))
        if mean >= self._threshold:
            heappush(self._waiting, (-mean, i, j, self._versions[i], self._versions[j]))

    def join(self) -> None:
        """Join while any two are alike enough in the mean."""
        while self._waiting:
            _, i, j, first, second = heappop(self._waiting)
            if self._versions.get(i) == first and self._versions.get(j) == second:
                self._merge(i, j)

    def _merge(self, i: int, j: int) -> None:
        """Put group j into group i. What was considered of either before is void."""
        row, other = self._sums[i], self._sums.pop(j)
        self.members[i] += self.members.pop(j)
        del self._versions[j], row[j], other[i]
        self._versions[i] += 1
        for k, total in other.items():
            row[k] = row.get(k, 0.0) + total
            del self._sums[k][j]
        for k, total in row.items():
            self._sums[k][i] = total
            self._consider(i, k)


def average_link(pairs: Iterable[Link], order: Mapping[int, int], threshold: float) -> list[list[int]]:
    """Group articles while the mean likeness of two groups reaches the threshold; what is no pair counts as 0.

    ``order`` has the articles, each with its place, distinct; among groups equally alike the first come first.
    """
    clusters = _Clusters(pairs, order, threshold)
    clusters.join()
    return sorted(sorted(cluster) for cluster in clusters.members.values())


def places(profiles: Iterable[Profile]) -> dict[int, int]:
    """Return the place of each article among others: by time, then by what it says, and not by its number."""
    ordered = sorted(profiles, key=lambda p: (p.day, p.language, sorted(p.words.items()), p.id))
    return {profile.id: place for place, profile in enumerate(ordered)}


def group(profiles: Sequence[Profile], model: Model) -> list[list[int]]:
    """Return the stories among the articles, each of two or more, in the order of their smallest ids."""
    found = average_link(find_pairs(profiles, (), model), places(profiles), model.threshold)
    return [cluster for cluster in found if len(cluster) > 1]


def medoid(cluster: Sequence[int], pairs: Iterable[Link], order: Mapping[int, int]) -> int:
    """Return the article most like all others of its story; the earliest of several."""
    sums = dict.fromkeys(sorted(cluster, key=lambda number: order[number]), 0.0)
    for pair in pairs:
        if pair.a in sums and pair.b in sums:
            sums[pair.a] += pair.likeness
            sums[pair.b] += pair.likeness
    return max(sums, key=lambda number: round(sums[number], 9))
