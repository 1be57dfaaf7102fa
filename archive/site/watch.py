"""How well each day was watched: which outlets were visited, and which had fallen silent.

A day on which nothing was published looks like one on which nobody looked. They are told apart by outlet: it counts
as observed on a day when a visit of that day or the next reached it (feeds go back a day at the least), and when the
day does not lie in a silence out of its habit (as in `archive.status`).
"""

import sqlite3
from collections import defaultdict
from collections.abc import Mapping, Set
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise

from archive.site.kept import Kept
from archive.status import SILENT_AT_LEAST_DAYS, SILENT_FACTOR, usual_pause

DAYS = 120  # looked back on: the chart's, and some before them to know each outlet's habit
ONE_DAY = timedelta(days=1)

Visits = dict[date, set[str]]


@dataclass(frozen=True, slots=True)
class Watch:
    """Since when there are crawls, when the last one ended, and by day the outlets that were observed."""

    since: str | None
    last: str | None
    last_crawl: int
    visits: Visits
    silences: Mapping[str, int]  # by outlet: days of a silence that lasts; those that are heard are not in it
    silent_days: Mapping[date, frozenset[str]]

    def observed(self, day: date, outlets: Set[str]) -> int:
        """Return how many of the outlets were observed on a day."""
        visited = self.visits.get(day, set()) | self.visits.get(day + ONE_DAY, set())
        return len((visited & outlets) - self.silent_days.get(day, frozenset()))


_kept: Kept[Watch] = Kept()
_GOOD = "(v.routes_ok > 0 OR v.discovered > 0 OR v.fetched > 0 OR v.not_modified > 0)"


def watch(connection: sqlite3.Connection, last_day: date) -> Watch:
    """Return how the days up to one were watched; read once after each crawl."""
    (crawl,) = connection.execute("SELECT max(id) FROM crawls WHERE finished IS NOT NULL").fetchone()
    return _kept.get(
        connection, crawl, lambda known: _watch(connection, crawl or 0, last_day, known), last_day
    )


def _watch(connection: sqlite3.Connection, crawl: int, last_day: date, known: Watch | None) -> Watch:
    first_day = last_day - timedelta(days=DAYS)
    since, last = connection.execute(
        "SELECT min(started), max(finished) FROM crawls WHERE finished IS NOT NULL"
    ).fetchone()
    visits = _visits(connection, first_day, known)
    heard = _heard(connection, first_day)
    end = date.fromisoformat(last[:10]) if last else last_day
    spans = {outlet: silences(days, end) for outlet, days in heard.items()}
    silent: dict[date, set[str]] = defaultdict(set)
    for outlet, found in spans.items():
        for begin, stop in found:
            for number in range((stop - begin).days + 1):
                silent[begin + timedelta(days=number)].add(outlet)
    return Watch(
        since, last, crawl, visits,
        {outlet: (end - found[-1][0]).days + 1 for outlet, found in spans.items() if found and found[-1][1] == end},
        {day: frozenset(outlets) for day, outlets in silent.items()},
    )  # fmt: skip


def _visits(connection: sqlite3.Connection, first_day: date, known: Watch | None) -> Visits:
    """Return by day the outlets that a visit reached; what was read before is read on from its last crawl."""
    visits: Visits = (
        {day: set(outlets) for day, outlets in known.visits.items() if day >= first_day} if known else {}
    )
    found = connection.execute(
        "SELECT DISTINCT substr(c.started, 1, 10), v.outlet FROM crawls c JOIN crawl_outlets v ON v.crawl = c.id"
        f" WHERE c.id >= ? AND c.started >= ? AND {_GOOD}",
        [known.last_crawl if known else 0, first_day.isoformat()],
    )
    for day, outlet in found:
        visits.setdefault(date.fromisoformat(day), set()).add(outlet)
    return visits


def _heard(connection: sqlite3.Connection, first_day: date) -> dict[str, list[date]]:
    """Return by outlet the days on which something new of it was discovered."""
    heard: dict[str, list[date]] = {}
    for (outlet,) in connection.execute("SELECT id FROM outlets").fetchall():
        found = connection.execute(
            "SELECT DISTINCT substr(discovered, 1, 10) FROM pages WHERE outlet = ? AND discovered >= ? ORDER BY 1",
            [outlet, first_day.isoformat()],
        )
        heard[outlet] = [date.fromisoformat(day) for (day,) in found]
        if not heard[outlet]:
            (latest,) = connection.execute(
                "SELECT max(discovered) FROM pages WHERE outlet = ?", [outlet]
            ).fetchone()
            heard[outlet] = [date.fromisoformat(latest[:10])] if latest else []
    return heard


def silences(days: list[date], end: date) -> list[tuple[date, date]]:
    """Return the first and last day of each silence that is longer than the outlet's habit.

    ``days`` are those with something new, in order; ``end`` is the last day that was looked at.
    """
    usual = usual_pause([day.isoformat() for day in days])
    longest = max(SILENT_AT_LEAST_DAYS, SILENT_FACTOR * (usual or 0))
    found = [
        (before + ONE_DAY, after - ONE_DAY)
        for before, after in pairwise(days)
        if (after - before).days > longest
    ]
    if days and (end - days[-1]).days > longest:
        found.append((days[-1] + ONE_DAY, end))
    return found
