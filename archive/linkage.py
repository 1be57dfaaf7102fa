"""Which articles are about one concrete event, in both languages and both countries.

How alike two articles are is a logistic regression on a handful of features that can be read (shared names,
concepts, words, numbers, dates, the time between them, and how many articles appeared in those days); its
weights, fitted by ``benchmarks/stories.py``, stand in ``archive/stories.toml``. Articles are grouped by average
linkage (Sokal and Michener 1958), which never joins what no chain of alike pairs connects: so a new article
changes only the stories it is linked to, and grouping as articles arrive ends exactly where grouping anew does.
"""

import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from archive.clusters import Link, average_link
from archive.profiles import SMALL, Profile

MODEL = Path(__file__).with_name("stories.toml")
WINDOW_DAYS = 14.0  # two articles published further apart are not compared
CROWD_DAYS = 3.0  # articles that near in time are an article's crowd
FAINT = 0.01  # likeness below which two articles count as nothing alike
FEATURES = (
    "names", "figures", "concepts", "words", "cross", "apart", "dates", "event", "numbers", "counts", "crowd",
)  # fmt: skip

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Model:
    """The weights of the features, the likeness from which articles are one story, and how telling tokens are."""

    bias: float
    weights: tuple[float, ...]  # in the order of FEATURES
    threshold: float  # mean likeness between two groups
    telling: Mapping[str, float]


@cache
def load_model(path: Path = MODEL) -> Model:
    """Read the fitted weights."""
    table = tomllib.loads(path.read_text("utf-8"))
    weights = tuple(float(table["weights"][name]) for name in FEATURES)
    small = {f"{SMALL}{word}": 0.0 for word in table["small"].split()}
    return Model(float(table["bias"]), weights, float(table["threshold"]), table["telling"] | small)


def crowds(days: Floats) -> npt.NDArray[np.int64]:
    """Return for each day of publication, given in order, how many other articles appeared around it.

    Counted in powers of two: 0, 1, 3, 7 others are 0, 1, 2, 3. The more articles there are, the less likely it
    is that two of them are about one event, and the more they have to share.
    """
    around = np.searchsorted(days, days + CROWD_DAYS, side="right") - np.searchsorted(days, days - CROWD_DAYS)
    return np.asarray(np.rint(np.log2(around)), dtype=np.int64)


def reasons(a: Profile, b: Profile) -> list[str]:
    """Return in words what two articles share, the most telling first."""
    found = []
    for label, left, right in (
        ("names", {**a.names, **a.figures}, {**b.names, **b.figures}),
        ("concepts", a.concepts, b.concepts),
        ("words", _listed(a.words), _listed(b.words)),
    ):
        shared = sorted(((left[t] * right[t], t) for t in left if t in right), reverse=True)[:5]
        words = [token.partition(":")[2].replace("_", " ") for _, token in shared]
        if words:
            found.append(f"{label}: {', '.join(words)}")
    for label, common in (
        ("numbers", sorted(token.partition(":")[2] for token in a.numbers & b.numbers)),
        ("dates", [date.fromordinal(day).isoformat() for day in sorted(a.dates & b.dates)]),
    ):
        if common:
            found.append(f"{label}: {', '.join(common)}")
    found.append(f"published {abs(a.day - b.day) * 24:.0f} hours apart")
    return found


def _listed(words: Mapping[str, float]) -> dict[str, float]:
    """Return the words that the glossary lists: of cognates, the beginnings would tell a reader little."""
    return {token: weight for token, weight in words.items() if token.startswith("word:")}


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
    named = [sorted(profile.dates) for profile in pool]
    first = min((day for days in named for day in days), default=0)
    last = max((day for days in named for day in days), default=0)
    return _matrix([[(day - first, 1.0) for day in days] for days in named], last - first + 1)


class Pool:
    """Articles in the order of publication, ready to be compared one with many.

    ``crowd`` has the crowd of each article by its number (see `crowds`); without it, it is counted in the pool.
    """

    def __init__(self, profiles: Iterable[Profile], crowd: Mapping[int, int] | None = None) -> None:
        self.profiles = sorted(profiles, key=lambda profile: (profile.day, profile.id))
        self.days = np.array([profile.day for profile in self.profiles])
        counted = crowds(self.days).tolist()
        self._crowd = np.array(
            [counted[place] if crowd is None else crowd[p.id] for place, p in enumerate(self.profiles)]
        )
        self._languages = np.array([profile.language for profile in self.profiles])
        self._events = np.array([np.nan if p.event is None else p.event for p in self.profiles])
        self._dated = np.array([bool(profile.dates) for profile in self.profiles])
        self._parts = [
            _columns([getattr(profile, part) for profile in self.profiles])
            for part in ("names", "figures", "concepts", "words")
        ]
        self._numbers = _columns([dict.fromkeys(profile.numbers, 1.0) for profile in self.profiles])
        self._counts = _columns([dict.fromkeys(profile.counts, 1.0) for profile in self.profiles])
        self._counted = np.array([bool(profile.counts) for profile in self.profiles])
        self._dates = _days(self.profiles)

    def window(self, row: int) -> tuple[int, int]:
        """Return the first article that is near enough in time to this one, and the one after the last."""
        start = int(np.searchsorted(self.days, self.days[row] - WINDOW_DAYS, side="left"))
        return start, int(np.searchsorted(self.days, self.days[row] + WINDOW_DAYS, side="right"))

    def features(self, row: int, start: int, stop: int) -> Floats:
        """Return what one article has in common with each from start to stop, one row for each of FEATURES."""
        return np.stack([
            *(part.products(row, start, stop) for part in self._parts),
            np.where(self._languages[start:stop] == self._languages[row], 0.0, 1.0),
            np.abs(self.days[start:stop] - self.days[row]) / WINDOW_DAYS,
            self._agreement(row, start, stop),
            self._same_event(row, start, stop),
            np.minimum(self._numbers.products(row, start, stop), 2) / 2,
            self._same_counts(row, start, stop),
            np.minimum(self._crowd[start:stop], self._crowd[row]) * np.log(2),
        ])  # fmt: skip

    def likenesses(self, row: int, start: int, stop: int, model: Model) -> Floats:
        """Return how likely it is of each article from start to stop that it is about the event of one; 0 of itself."""
        score = np.full(stop - start, model.bias)
        for weight, column in zip(model.weights, self.features(row, start, stop), strict=True):
            score += weight * column
        found: Floats = 1 / (1 + np.exp(-np.maximum(score, -500)))
        found[row - start] = 0.0
        return found

    def _same_counts(self, row: int, start: int, stop: int) -> Floats:
        """Return 1 where both open with a number in common, -1 with others ("29 prisoners", "26 reos"), else 0."""
        if not self._counted[row]:
            return np.zeros(stop - start)
        same = self._counts.products(row, start, stop) > 0
        return np.where(self._counted[start:stop], np.where(same, 1.0, -1.0), 0.0)

    def _agreement(self, row: int, start: int, stop: int) -> Floats:
        """Return 1 where both name a day, -1 where all days they name lie more than one apart, else 0."""
        if not self._dated[row]:
            return np.zeros(stop - start)
        same = self._dates.products(row, start, stop) > 0
        near = self._dates.products(row, start, stop, (-1, 0, 1)) > 0
        return np.where(self._dated[start:stop], np.where(same, 1.0, np.where(near, 0.0, -1.0)), 0.0)

    def _same_event(self, row: int, start: int, stop: int) -> Floats:
        """Return 1 where both openings speak of one day, less where of different ones, 0 where either names none."""
        distance = np.abs(self._events[start:stop] - self._events[row])
        found = np.where(distance == 0, 1.0, np.where(distance == 1, -0.3, -1.0))
        return np.where(np.isnan(distance), 0.0, found)


def find_pairs(
    new: Sequence[Profile],
    others: Sequence[Profile],
    model: Model,
    crowd: Mapping[int, int] | None = None,
) -> Iterator[Link]:
    """Yield all pairs of new articles, among themselves and with others, that are at all alike, each once.

    Those from the model's threshold on are links; the rest counts in the mean of two groups only.
    """
    if not new:
        return
    pool = Pool([*new, *others], crowd)
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


def places(profiles: Iterable[Profile]) -> dict[int, int]:
    """Return the place of each article among others: by time, then by what it says, and not by its number."""
    ordered = sorted(profiles, key=lambda p: (p.day, p.language, sorted(p.words.items()), p.id))
    return {profile.id: place for place, profile in enumerate(ordered)}


def group(profiles: Sequence[Profile], model: Model) -> list[list[int]]:
    """Return the stories among the articles, each of two or more, in the order of their smallest ids."""
    found = average_link(find_pairs(profiles, (), model), places(profiles), model.threshold)
    return [cluster for cluster in found if len(cluster) > 1]
