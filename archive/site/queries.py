"""What the pages show, read from the archive. Each function takes an open SQLite connection."""

import json
import sqlite3
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from archive.times import now

CHART_DAYS = 90
FRONT_ARTICLES = 8
CHANGES_PER_PAGE = 50
SAME_DAY_ARTICLES = 8
SILENT_AFTER_DAYS = 2

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
    (latest,) = connection.execute(
        "SELECT max(published) FROM articles WHERE grade > 0 AND published <= ?",
        [f"{today}T23:59:59Z"],
    ).fetchone()
    newest = date.fromisoformat(latest[:10]) if latest else today
    return today if (today - newest).days < CHART_DAYS else newest


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
        if group is not None and group in seen:
            continue
        if group is not None:
            seen.add(group)
        kept.append(article)
    return sorted(kept, key=lambda a: a["published"] or a["first_seen"], reverse=True)[:limit]


@dataclass(frozen=True)
class Day:
    """One day of the chart. ``watched`` is False where no crawl ran to its end, so a 0 means nothing."""

    day: date
    mx: int
    us: int
    watched: bool


def articles_per_day(connection: sqlite3.Connection, last: date, days: int = CHART_DAYS) -> list[Day]:
    """Return articles per day of publication, Mexican and US outlets apart, gaps told from quiet days.

    A day counts as watched when a crawl finished on it, or looked back over it within two days.
    """
    first = last - timedelta(days=days - 1)
    counts: dict[tuple[str, str], int] = {}
    for found in fetch(
        connection,
        "SELECT substr(published, 1, 10) AS day, country, count(*) AS n FROM articles"
        " WHERE grade > 0 AND published >= ? AND published < ? GROUP BY 1, 2",
        [first.isoformat(), (last + timedelta(days=1)).isoformat()],
    ):
        counts[found["day"], found["country"]] = found["n"]
    crawled = crawl_days(connection)
    return [
        Day(
            day=day,
            mx=counts.get((day.isoformat(), "MX"), 0),
            us=counts.get((day.isoformat(), "US"), 0),
            watched=_is_watched(day, crawled) or any(counts.get((day.isoformat(), c)) for c in ("MX", "US")),
        )
        for day in (first + timedelta(days=number) for number in range(days))
    ]


def _is_watched(day: date, crawled: set[date]) -> bool:
    # Feeds reach back at least a day, so the crawl of the next day has seen this one too.
    return day in crawled or day + timedelta(days=1) in crawled


def crawl_days(connection: sqlite3.Connection) -> set[date]:
    """Return the days on which a crawl finished."""
    found = connection.execute(
        "SELECT DISTINCT substr(finished, 1, 10) FROM crawls WHERE finished IS NOT NULL"
    )
    return {date.fromisoformat(day) for (day,) in found}


def totals(connection: sqlite3.Connection) -> Row:
    """Return the numbers of the front page."""
    return fetch(
        connection,
        "SELECT (SELECT count(*) FROM articles WHERE grade > 0) AS articles,"
        " (SELECT count(*) FROM outlets) AS outlets,"
        " (SELECT count(*) FROM outlets WHERE country = 'MX') AS mx_outlets,"
        " (SELECT count(*) FROM outlets WHERE country = 'US') AS us_outlets,"
        " (SELECT count(*) FROM revisions WHERE number > 1) AS revisions,"
        " (SELECT count(*) FROM articles WHERE status = 'gone' AND grade > 0) AS gone,"
        " (SELECT min(started) FROM crawls) AS watched_since,"
        " (SELECT max(finished) FROM crawls) AS last_crawl",
    )[0]


OUTLETS = """
SELECT o.*,
  (SELECT count(*) FROM articles a WHERE a.outlet = o.id AND a.grade > 0) AS articles,
  (SELECT max(discovered) FROM pages p WHERE p.outlet = o.id) AS last_item,
  (SELECT max(last_ok) FROM routes r WHERE r.outlet = o.id) AS last_answer,
  (SELECT count(*) FROM routes r WHERE r.outlet = o.id AND r.state = 'failed') AS failing_routes,
  (SELECT count(*) FROM routes r WHERE r.outlet = o.id) AS routes
FROM outlets o
"""


def outlets(connection: sqlite3.Connection) -> list[Row]:
    """Return all outlets with what was found of them and how long they have been silent."""
    found = fetch(connection, OUTLETS + " ORDER BY o.country, o.name COLLATE NOCASE")
    return [{**outlet, **_health(connection, outlet)} for outlet in found]


def _health(connection: sqlite3.Connection, outlet: Row) -> Row:
    (last_crawl,) = connection.execute("SELECT max(finished) FROM crawls").fetchone()
    if not outlet["last_item"] or not last_crawl:
        return {"silent_days": None, "health": "never"}
    silent = (datetime.fromisoformat(last_crawl) - datetime.fromisoformat(outlet["last_item"])).days
    return {"silent_days": silent, "health": "silent" if silent >= SILENT_AFTER_DAYS else "heard"}


def outlet(connection: sqlite3.Connection, outlet_id: str) -> Row | None:
    """Return one outlet with its health, routes, crawls and page states."""
    found = fetch(connection, OUTLETS + " WHERE o.id = ?", [outlet_id])
    if not found:
        return None
    return {
        **found[0],
        **_health(connection, found[0]),
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
        "states": fetch(
            connection,
            "SELECT state, count(*) AS n FROM pages WHERE outlet = ? GROUP BY state ORDER BY n DESC",
            [outlet_id],
        ),
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
        connection, "SELECT * FROM snapshots WHERE article = ? ORDER BY fetched, id", [number]
    )
    known["copies"] = copies_of(connection, known)
    known["across"] = across_the_border(connection, known)
    return known


def copies_of(connection: sqlite3.Connection, known: Row) -> list[Row]:
    """Return the other articles of the same group of copies, the earliest first."""
    if known["copy_group"] is None:
        return []
    return fetch(
        connection,
        f"SELECT {ARTICLE} WHERE a.copy_group = ? AND a.id != ? ORDER BY a.published, a.id",
        [known["copy_group"], known["id"]],
    )


def across_the_border(connection: sqlite3.Connection, known: Row) -> list[Row]:
    """Return what outlets of the other country published within a day of this article, its story first."""
    moment = known["published"] or known["first_seen"]
    return fetch(
        connection,
        f"SELECT {ARTICLE} WHERE a.country != ? AND a.grade > 0"
        " AND a.published BETWEEN datetime(?, '-1 day') AND strftime('%Y-%m-%dT%H:%M:%SZ', ?, '+1 day')"
        " ORDER BY (a.story IS NOT NULL AND a.story = ?) DESC, a.grade DESC, a.score DESC LIMIT ?",
        [known["country"], moment, moment, known["story"], SAME_DAY_ARTICLES],
    )


CHANGES = """
SELECT 'revision' AS what, r.seen, r.article, r.number, r.kinds, r.words_added, r.words_removed, '' AS detail,
  r.id * 2 AS position, r.title AS new_title,
  (SELECT b.title FROM revisions b WHERE b.article = r.article AND b.number = r.number - 1) AS old_title
FROM revisions r WHERE r.number > 1
UNION ALL
SELECT e.event, e.seen, e.article, NULL, '[]', NULL, NULL, e.detail, e.id * 2 + 1, NULL, NULL FROM events e
"""


def changes(
    connection: sqlite3.Connection, before: tuple[str, int] | None = None, limit: int = CHANGES_PER_PAGE
) -> list[Row]:
    """Return what outlets changed or removed after publishing, the newest first.

    ``before`` is the (seen, position) of the last row of the page above.
    """
    seen, position = before or ("9999", 0)
    found = fetch(
        connection,
        "SELECT c.*, a.url, a.title, a.outlet, a.country, a.language, o.name AS outlet_name"
        f" FROM ({CHANGES}) c JOIN articles a ON a.id = c.article JOIN outlets o ON o.id = a.outlet"
        " WHERE a.grade > 0 AND (c.seen, c.position) < (?, ?)"
        " ORDER BY c.seen DESC, c.position DESC LIMIT ?",
        [seen, position, limit],
    )
    for change in found:
        change["kinds"] = json.loads(change["kinds"] or "[]")
    return found
