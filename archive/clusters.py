"""Average linkage (Sokal and Michener 1958) over the pairs that are alike at all, joined by way of a heap."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from heapq import heappop, heappush


@dataclass(frozen=True, slots=True)
class Link:
    """Two articles alike enough to be one story; ``a`` has the smaller id."""

    a: int
    b: int
    likeness: float  # 0 to 1


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


def medoids(clusters: Sequence[Sequence[int]], pairs: Iterable[Link], order: Mapping[int, int]) -> list[int]:
    """Return for each story the article most like all others of it; the earliest of several."""
    story = {number: place for place, cluster in enumerate(clusters) for number in cluster}
    sums = dict.fromkeys(story, 0.0)
    for pair in pairs:
        if pair.a in story and story[pair.a] == story.get(pair.b):
            sums[pair.a] += pair.likeness
            sums[pair.b] += pair.likeness
    return [
        max(sorted(cluster, key=lambda number: order[number]), key=lambda number: round(sums[number], 9))
        for cluster in clusters
    ]
