"""What the pages show, read from the archive. Each function takes an open SQLite connection."""

import json
import sqlite3
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import islice
from typing import Any, get_args
from zoneinfo import ZoneInfo

from archive.models import PageState
from archive.search import tallies
from archive.search.engine import other_outlets
from archive.site.i18n import zone_of
from archive.site.kept import Kept
from archive.site.watch import ONE_DAY, Watch, watch
from archive.times import now

CHART_DAYS = 90
FRONT_ARTICLES = 8
CHANGES_PER_PAGE = 50
SAME_DAY_ARTICLES = 8
CAPITALS = {"MX": "America/Mexico_City", "US": "America/New_York"}

Row = dict[str, Any]


def fetch(connection: sqlite3.Connection, sql: str, parameters: Any = ()) -> list[Row]:
    """Return the rows of a query as dicts."""
    cursor = connection.execute(sql, parameters)
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, values, strict=True)) for values in cursor.fetchall()]


ARTICLE = (
    "a.*, o.name AS outlet_name, o.kind AS outlet_kind, o.timezone AS timezone"
    " FROM articles a JOIN outlets o ON o.id = a.outlet"
)


def newest_day(connection: sqlite3.Connection) -> date:
    """Return today, or the day of the newest article where that is more than the chart's span ago."""
    today = now().date()
    newest = tallies.newest_day(connection, today)
    return newest if newest and (today - newest).days >= CHART_DAYS else today


def latest_articles(connection: sqlite3.Connection, country: str, limit: int = FRONT_ARTICLES) -> list[Row]:
    """Return the newest articles of one country's outlets, one a group of copies."""
    found = fetch(
        connection,
        f"SELECT {ARTICLE} WHERE a.country = ? AND a.grade > 0 ORDER BY a.id DESC LIMIT ?",
        [country, limit * 5],
    )
    seen: set[int] = set()
    kept = []
    for article in found:
        group = article["copy_group"]
        if group is None or group not in seen:
            kept.append(article)
        seen.add(group)
    kept.sort(key=lambda a: a["published"] or a["first_seen"], reverse=True)
    others = other_outlets(connection, {a["copy_group"] for a in kept[:limit] if a["copy_group"] is not None})
    return [{**a, "also_in": others.get(a["copy_group"], 0)} for a in kept[:limit]]


def new_today(connection: sqlite3.Connection, country: str) -> int:
    """Return how many articles a country's outlets published today, on the clock of its capital."""
    present = now().astimezone(ZoneInfo(CAPITALS[country]))
    begin = present.replace(hour=0, minute=0, second=0, microsecond=0)
    return tallies.between(connection, begin, present + timedelta(minutes=1), country)


@dataclass(frozen=True, slots=True)
class Side:
    """One country's outlets on one day. Where fewer than half of them were observed, a 0 means nothing."""

    articles: int
    observed: int
    outlets: int

    @property
    def is_gap(self) -> bool:
        """Whether too few outlets were observed to tell a quiet day from one not looked at."""
        return self.observed * 2 < self.outlets or not self.outlets


@dataclass(frozen=True, slots=True)
class Day:
    """One day of the chart."""

    day: date
    mx: Side
    us: Side


_days: Kept[list[Day]] = Kept()


def articles_per_day(connection: sqlite3.Connection, last: date, days: int = CHART_DAYS) -> list[Day]:
    """Return articles per day of publication (UTC), Mexican and US outlets apart, gaps told from quiet days."""
    watched = watch(connection, last)
    version = (tallies.version(connection), watched.last_crawl, last, days)
    return _days.get(connection, version, lambda _: _articles_per_day(connection, watched, last, days))


def _articles_per_day(connection: sqlite3.Connection, watched: Watch, last: date, days: int) -> list[Day]:
    first = last - timedelta(days=days - 1)
    counts = tallies.by_day(connection, first, days)
    outlets = fetch(connection, "SELECT id, country, watched_since FROM outlets")
    since = {o["id"]: (o["watched_since"] or watched.since or "")[:10] for o in outlets}
    of_country = {country: [o["id"] for o in outlets if o["country"] == country] for country in tallies.SIDES}

    def side(day: date, country: str) -> Side:
        # An outlet that was added later is no gap of the days before, unless there was none at all then.
        seen_on = (day + ONE_DAY).isoformat()
        there = {outlet for outlet in of_country[country] if since[outlet] <= seen_on}
        observed = watched.observed(day, there)
        return Side(counts[day][country], observed, len(there or of_country[country]))

    return [Day(day, side(day, "MX"), side(day, "US")) for day in counts]


_later_versions: Kept[int] = Kept()


def later_versions(connection: sqlite3.Connection) -> int:
    """Return how many versions were seen after the first ones, counted anew where any came or an article went."""
    (last,) = connection.execute("SELECT max(id) FROM revisions").fetchone()

    def count(_: int | None) -> int:
        (versions,) = connection.execute("SELECT count(*) FROM revisions").fetchone()
        # Each article has one first version; counting the others apart would read the whole table.
        return max(0, int(versions) - tallies.everything(connection))

    return _later_versions.get(connection, (last, tallies.version(connection)), count)


def totals(connection: sqlite3.Connection) -> Row:
    """Return the numbers of the front page."""
    watched = watch(connection, now().date())
    return {
        "articles": tallies.on_subject(connection),
        "revisions": later_versions(connection),
        "gone": tallies.gone(connection),
        "watched_since": watched.since,
        "last_crawl": watched.last,
        **fetch(
            connection,
            "SELECT count(*) AS outlets, coalesce(sum(country = 'MX'), 0) AS mx_outlets,"
            " coalesce(sum(country = 'US'), 0) AS us_outlets FROM outlets",
        )[0],
    }


OUTLETS = """
SELECT o.*,
  (SELECT max(discovered) FROM pages p WHERE p.outlet = o.id) AS last_item,
  (SELECT max(last_ok) FROM routes r WHERE r.outlet = o.id) AS last_answer,
  (SELECT count(*) FROM routes r WHERE r.outlet = o.id AND r.state = 'failed') AS failing_routes,
  (SELECT count(*) FROM routes r WHERE r.outlet = o.id) AS routes
FROM outlets o
"""


def outlet_names(connection: sqlite3.Connection) -> dict[str, str]:
    """Return the names of all outlets."""
    return dict(connection.execute("SELECT id, name FROM outlets").fetchall())


def outlets(connection: sqlite3.Connection) -> list[Row]:
    """Return all outlets with what was found of them and how long they have been silent."""
    return _known(connection, fetch(connection, OUTLETS + " ORDER BY o.country, o.name COLLATE NOCASE"))


def silent_outlets(connection: sqlite3.Connection) -> list[Row]:
    """Return the outlets that are silent out of their habit, or were never heard from."""
    return [outlet for outlet in outlets(connection) if outlet["health"] != "heard"]


def _known(connection: sqlite3.Connection, found: list[Row]) -> list[Row]:
    silences = watch(connection, now().date()).silences
    counts = tallies.by_outlet(connection)
    for outlet in found:
        silent = silences.get(outlet["id"])
        outlet["silent_days"] = silent
        outlet["articles"] = counts.get(outlet["id"], 0)
        outlet["health"] = "never" if not outlet["last_item"] else "silent" if silent is not None else "heard"
    return found


def outlet(connection: sqlite3.Connection, outlet_id: str) -> Row | None:
    """Return one outlet with its health, routes, crawls and page states."""
    found = _known(connection, fetch(connection, OUTLETS + " WHERE o.id = ?", [outlet_id]))
    if not found:
        return None
    return {
        **found[0],
        "route_rows": fetch(
            connection,
            "SELECT url, kind, state, reason, status, last_checked, last_ok, items FROM routes"
            " WHERE outlet = ? AND parent IS NULL ORDER BY kind, url LIMIT 50",
            [outlet_id],
        ),
        "crawl_rows": fetch(
            connection,
            "SELECT c.started, c.outcome, co.* FROM crawl_outlets co JOIN crawls c ON c.id = co.crawl"
            " WHERE co.outlet = ? ORDER BY c.id DESC LIMIT 20",
            [outlet_id],
        ),
        "states": page_states(connection, outlet_id),
        "article_rows": fetch(
            connection,
            f"SELECT {ARTICLE} WHERE a.outlet = ? AND a.grade > 0 ORDER BY a.id DESC LIMIT 20",
            [outlet_id],
        ),
    }


def article(connection: sqlite3.Connection, number: int) -> Row | None:
    """Return one article with its text, reasons, revisions, events, snapshots and copies."""
    found = fetch(
        connection,
        "SELECT a.*, o.name AS outlet_name, o.kind AS outlet_kind, o.timezone AS timezone, t.text AS text"
        " FROM articles a JOIN outlets o ON o.id = a.outlet LEFT JOIN texts t ON t.article = a.id"
        " WHERE a.id = ?",
        [number],
    )
    if not found:
        return None
    known = found[0]
    known["reasons"] = json.loads(known["terms"] or "[]")
    known["revision_rows"] = fetch(
        connection, "SELECT * FROM revisions WHERE article = ? ORDER BY number", [number]
    )
    for revision in known["revision_rows"]:
        revision["kinds"] = json.loads(revision["kinds"] or "[]")
    known["event_rows"] = fetch(
        connection, "SELECT * FROM events WHERE article = ? ORDER BY seen, id", [number]
    )
    known["snapshot_rows"] = fetch(
        connection,
        "SELECT * FROM snapshots WHERE article = ? AND outcome IS NOT 'withdrawn' ORDER BY fetched, id",
        [number],
    )
    known["copies"] = copies_of(connection, known)
    known["dispatch"] = dispatch_of(connection, known)
    known["across"] = across_the_border(connection, known)
    return known


def copies_of(connection: sqlite3.Connection, known: Row) -> list[Row]:
    """Return the other articles of the same group of copies, the earliest first, and what each made of the text."""
    if known["copy_group"] is None:
        return []
    columns, _, tables = ARTICLE.partition(" FROM ")
    return fetch(
        connection,
        f"SELECT {columns}, c.words_added, c.words_removed, c.own_headline FROM {tables}"
        " LEFT JOIN copies c ON c.article = a.id WHERE a.copy_group = ? AND a.id != ? ORDER BY a.published, a.id",
        [known["copy_group"], known["id"]],
    )


def dispatch_of(connection: sqlite3.Connection, known: Row) -> Row | None:
    """Return whose dispatch an article carries, who had it first, and what this outlet added to it and cut."""
    found = fetch(
        connection,
        "SELECT g.agency, g.earliest, o.name AS earliest_outlet, c.words_added, c.words_removed, c.own_headline"
        " FROM copy_groups g JOIN articles a ON a.id = g.earliest JOIN outlets o ON o.id = a.outlet"
        " LEFT JOIN copies c ON c.article = ?2 WHERE g.id = ?1",
        [known["copy_group"], known["id"]],
    )
    return found[0] if found else None


def across_the_border(connection: sqlite3.Connection, known: Row) -> list[Row]:
    """Return what outlets of the other country published on the day of this article, its story first.

    The day is that of each outlet's own clock.
    """
    day = _local_day(known)
    found = connection.execute(
        "SELECT a.id, a.published, o.timezone FROM articles a JOIN outlets o ON o.id = a.outlet"
        " WHERE a.country != ? AND a.grade > 0 AND a.published BETWEEN ? AND ?"
        " ORDER BY (a.story IS NOT NULL AND a.story = ?) DESC, a.grade DESC, a.score DESC",
        [known["country"], f"{day - ONE_DAY}T10", f"{day + ONE_DAY}T12", known["story"]],
    )
    same = (row[0] for row in found if _day_there(row[1], row[2]) == day)
    return [row for number in islice(same, SAME_DAY_ARTICLES) for row in _listed(connection, number)]


def _listed(connection: sqlite3.Connection, number: int) -> list[Row]:
    return fetch(connection, f"SELECT {ARTICLE} WHERE a.id = ?", [number])


def _local_day(known: Row) -> date:
    return _day_there(known["published"] or known["first_seen"], known["timezone"])


def _day_there(moment: str, zone: str) -> date:
    return datetime.fromisoformat(moment).astimezone(zone_of(zone)).date()


def page_states(connection: sqlite3.Connection, outlet_id: str) -> list[Row]:
    """Return how many of an outlet's pages are in each state, the most frequent first."""
    found = [
        {"state": state, "n": connection.execute(
            "SELECT count(*) FROM pages WHERE state = ? AND outlet = ?", [state, outlet_id]).fetchone()[0]}
        for state in get_args(PageState)
    ]  # fmt: skip
    return sorted((row for row in found if row["n"]), key=lambda row: -row["n"])


_CHANGED = "a.url, a.title, a.outlet, a.country, a.language, o.name AS outlet_name, o.timezone AS timezone"
_REVISED = f"""
SELECT 'revision' AS what, r.seen, r.article, r.number, r.kinds, r.words_added, r.words_removed, '' AS detail,
  r.id * 2 AS position, r.title AS new_title,
  (SELECT b.title FROM revisions b WHERE b.article = r.article AND b.number = r.number - 1) AS old_title,
  {_CHANGED}
FROM revisions r JOIN articles a ON a.id = r.article JOIN outlets o ON o.id = a.outlet
WHERE r.number > 1 AND a.grade > 0 AND r.seen <= :seen AND (r.seen, r.id * 2) < (:seen, :position)
ORDER BY r.seen DESC, r.id DESC LIMIT :limit
"""
_HAPPENED = f"""
SELECT e.event AS what, e.seen, e.article, NULL AS number, '[]' AS kinds, NULL AS words_added,
  NULL AS words_removed, e.detail, e.id * 2 + 1 AS position, NULL AS new_title, NULL AS old_title, {_CHANGED}
FROM events e JOIN articles a ON a.id = e.article JOIN outlets o ON o.id = a.outlet
WHERE a.grade > 0 AND e.seen <= :seen AND (e.seen, e.id * 2 + 1) < (:seen, :position)
ORDER BY e.seen DESC, e.id DESC LIMIT :limit
"""


def changes(
    connection: sqlite3.Connection, before: tuple[str, int] | None = None, limit: int = CHANGES_PER_PAGE
) -> list[Row]:
    """Return what outlets changed or removed after publishing, the newest first.

    ``before`` is the (seen, position) of the last row of the page above.
    """
    seen, position = before or ("9999", 0)
    wanted = {"seen": seen, "position": position, "limit": limit}
    # Each of the two is read from its index by time; together they would be sorted whole.
    found = fetch(connection, _REVISED, wanted) + fetch(connection, _HAPPENED, wanted)
    found.sort(key=lambda change: (change["seen"], change["position"]), reverse=True)
    for change in found[:limit]:
        change["kinds"] = json.loads(change["kinds"] or "[]")
    return found[:limit]


def takedowns(connection: sqlite3.Connection) -> list[Row]:
    """Return the public log of texts that were taken down, the latest first."""
    return fetch(
        connection, "SELECT url, reason, created, lifted FROM takedowns ORDER BY created DESC LIMIT 200"
    )
