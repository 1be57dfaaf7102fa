"""What waits to be asked of one outlet, and what is next: so that the many of one kind do not hide the few of another.

What a route names may be forty thousand addresses that lead nowhere and one that is an article. Nobody can tell
which it is, but it seldom looks like the others: its headline is on the subject, its address has another shape, its
date is newer. So what waits is told apart by these, and each kind has its turn.
"""

import heapq
import re
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TypeVar
from urllib.parse import urlsplit

from archive.times import now

T = TypeVar("T")
MAX_SEGMENTS = 8  # of an address, by which kinds are told apart
MAX_PARAMETERS = 8
AHEAD = timedelta(days=1)  # that a date may lie in the future and be believed

_WORDS = re.compile(r"[^\W\d_]+(?:[-_ +][^\W\d_]+)*")
_DIGITS = re.compile(r"\d+")
_NAME = re.compile(r"[a-zñáéíóúü]{1,20}", re.IGNORECASE)  # of a section or a folder
_DATE_IN_PATH = re.compile(r"/((?:19|20)\d\d)[-/](0?[1-9]|1[0-2])[-/](0?[1-9]|[12]\d|3[01])(?=[-/_.]|$)")


def shape_of(url: str) -> tuple[str, ...]:
    """Return the form of an address: its folders by name, numbers and headlines by what they are made of.

    ``https://example.org/politica/2026/03/acuerdo-de-seguridad-12345.html?id=7`` is
    ``("politica", "0", "0", "a-0.html", "?id")``.
    """
    try:
        parts = urlsplit(url)
    except ValueError:
        return ("?",)
    *folders, last = parts.path.strip("/").split("/")[-MAX_SEGMENTS:]
    stem, _, ending = last.rpartition(".")
    form = f"{_form(stem)}.{ending.lower()}" if stem and _NAME.fullmatch(ending) else _form(last)
    names = sorted(pair.partition("=")[0][:20] for pair in parts.query.split("&", MAX_PARAMETERS))
    folder_forms = (each.lower() if _NAME.fullmatch(each) else _form(each) for each in folders)
    return (*folder_forms, form, f"?{'&'.join(names)}")


def _form(segment: str) -> str:
    return _DIGITS.sub("0", _WORDS.sub("a", segment[:200]))[:40]


def newness(url: str, local: str | None) -> float | None:
    """Return when a page is said to be from, as seconds since 1970: by its route (ISO 8601), else by its address.

    None where neither says so, and of what lies in the future.
    """
    date = None if local else _DATE_IN_PATH.search(url)
    if date is not None:
        local = "{}-{:0>2}-{:0>2}".format(*date.groups())
    moment = _moment(local) or _moment(local[:10]) if local else None
    return moment.timestamp() if moment is not None and moment < now() + AHEAD else None


def _moment(local: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(local)
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None


class Frontier:
    """What waits, as a tree: by line, by whether it sounds like the subject, then by the parts of its shape."""

    def __init__(self) -> None:
        self._root = _Branch()
        self._waiting = 0

    def __len__(self) -> int:
        return self._waiting

    def add(self, url: str, line: str = "", *, likely: bool = False, newness: float | None = None) -> None:
        """Let an address wait in a line. ``newness`` is a number that is higher for what is newer."""
        branch = self._root
        for name in (line, "likely" if likely else "", *shape_of(url)):
            branch = branch.branches.setdefault(name, _Branch())
        branch.leaf.put(url, newness)
        self._waiting += 1

    def take(self) -> str | None:
        """Return the next one: of each line in turn, in it of each kind in turn, of a kind the newest first."""
        if not self._waiting:
            return None
        self._waiting -= 1
        return self._root.take()

    def clear(self) -> None:
        """Let nothing wait any longer."""
        self._root, self._waiting = _Branch(), 0


def spread(
    items: list[T], most: int, url: Callable[[T], str], newness: Callable[[T], float | None]
) -> list[T]:
    """Return at most ``most`` items: half of them the newest, the others of each shape of address in turn."""
    if len(items) <= most:
        return items
    dated = [(when, number) for number, item in enumerate(items) if (when := newness(item)) is not None]
    newest = heapq.nlargest(most // 2, dated, key=lambda each: (each[0], -each[1]))
    chosen = {number: None for _, number in newest}
    frontier, places = Frontier(), dict[str, list[int]]()
    whens = {number: when for when, number in dated}
    for number, item in enumerate(items):
        if number not in chosen:
            places.setdefault(url(item), []).append(number)
            frontier.add(url(item), newness=whens.get(number))
    while len(chosen) < most and (address := frontier.take()) is not None:
        chosen[places[address].pop(0)] = None
    return [items[number] for number in chosen]


@dataclass(slots=True)
class _Leaf:
    """Addresses of one kind: the newest first; of one date, and of none, from both ends, for orders differ."""

    of_moment: dict[float | None, deque[str]] = field(default_factory=dict)
    moments: list[float] = field(default_factory=list)  # a heap of those above, negated
    turns: int = 0

    def put(self, url: str, moment: float | None) -> None:
        if moment not in self.of_moment:
            self.of_moment[moment] = deque()
            if moment is not None:
                heapq.heappush(self.moments, -moment)
        self.of_moment[moment].append(url)

    def take(self) -> str:
        """Return the next; what has no date may be of today, and has every other turn."""
        self.turns += 1
        undated = None in self.of_moment and (self.turns % 2 == 0 or not self.moments)
        moment = None if undated else -self.moments[0]
        urls = self.of_moment[moment]
        url = urls.popleft() if self.turns % 4 in (0, 1) else urls.pop()
        if not urls:
            del self.of_moment[moment]
            if moment is not None:
                heapq.heappop(self.moments)
        return url


@dataclass(slots=True)
class _Branch:
    """Kinds of addresses, or the addresses of one kind."""

    branches: dict[str, "_Branch"] = field(default_factory=dict)  # the next first
    leaf: _Leaf = field(default_factory=_Leaf)

    def take(self) -> str:
        if self.leaf.of_moment:
            return self.leaf.take()
        name, branch = next(iter(self.branches.items()))
        del self.branches[name]
        url = branch.take()
        if branch.branches or branch.leaf.of_moment:
            self.branches[name] = branch
        return url
