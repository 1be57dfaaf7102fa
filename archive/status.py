"""What the archive knows of its outlets, and of one URL, in words."""

import json
from collections.abc import Iterable
from datetime import date
from itertools import pairwise
from statistics import median
from typing import Any

from sqlite_utils import Database

from archive.pages import find_page
from archive.store import find_article, row, rows
from archive.times import parse_utc, utc_now
from archive.urls import BadURL, belongs_to, url_key

SILENT_FACTOR = 3.0  # times an outlet's own usual pause without anything new: silent
SILENT_AT_LEAST_DAYS = 2.0

_OUTLETS = """
WITH last AS (
  SELECT co.*, c.started, row_number() OVER (PARTITION BY co.outlet ORDER BY co.crawl DESC) AS place
  FROM crawl_outlets co JOIN crawls c ON c.id = co.crawl
), total AS (
  SELECT outlet, sum(discovered) AS discovered, sum(fetched) AS fetched, sum(failed) AS failed,
    sum(new) AS new, sum(revised) AS revised, count(*) AS crawls
  FROM crawl_outlets GROUP BY outlet
)
SELECT o.id AS outlet, o.name, o.country, last.started AS last_crawl,
  coalesce(last.discovered, 0) AS found, coalesce(last.new, 0) AS new,
  coalesce(last.revised, 0) AS revised, coalesce(last.failed, 0) AS errors,
  coalesce(last.routes_failed, 0) AS routes_failed, coalesce(last.note, '') AS note,
  coalesce(total.crawls, 0) AS crawls, coalesce(total.discovered, 0) AS found_total,
  coalesce(total.failed, 0) AS errors_total,
  (SELECT count(*) FROM articles a WHERE a.outlet = o.id AND a.grade > 0) AS articles
FROM outlets o LEFT JOIN last ON last.outlet = o.id AND last.place = 1
LEFT JOIN total ON total.outlet = o.id ORDER BY o.id
"""
_LAST = (
    "WITH last AS (SELECT co.outlet, max(c.started) AS started FROM crawl_outlets co JOIN crawls c"
    " ON c.id = co.crawl GROUP BY co.outlet) "
)
_ROUTE_PROBLEMS = (
    _LAST
    + "SELECT r.outlet, r.kind, r.url, r.state, r.reason FROM routes r JOIN last ON last.outlet = r.outlet"
    " WHERE r.last_checked >= last.started AND r.reason != '' AND (r.origin != 'well-known' OR r.state = 'ok')"
    " ORDER BY r.rowid"
)
_PAGE_PROBLEMS = (
    _LAST + "SELECT p.outlet, p.state, p.reason, count(*) AS number FROM pages p"
    " JOIN last ON last.outlet = p.outlet WHERE p.state IN ('failed', 'blocked', 'queued') AND p.reason != ''"
    " AND coalesce(p.last_try, p.discovered) >= last.started GROUP BY 1, 2, 3 ORDER BY number DESC, p.rowid"
)
# What came in, or changed, since copies and stories were last looked for.
_UNGROUPED = (
    "SELECT count(*) FROM articles a WHERE grade > 0 AND (EXISTS (SELECT 1 FROM copy_queue WHERE article = a.id)"
    " OR NOT EXISTS (SELECT 1 FROM story_articles WHERE article = a.id))"
)
_DAYS = "SELECT outlet, substr(discovered, 1, 10) AS day FROM pages GROUP BY outlet, day ORDER BY outlet, day"


def outlet_status(db: Database, now: str | None = None) -> list[dict[str, Any]]:
    """Return a row for each outlet: its last crawl, what that found, and for how long nothing new came.

    ``silence`` is in days since something new was last discovered; ``usual_pause`` is the median number of
    days between two days with something new (null below three such days). ``silent`` says that the silence
    is longer than `SILENT_FACTOR` usual pauses and than `SILENT_AT_LEAST_DAYS`.
    """
    days: dict[str, list[str]] = {}
    for outlet, day in db.execute(_DAYS):
        days.setdefault(outlet, []).append(day)
    newest = dict(db.execute("SELECT outlet, max(discovered) FROM pages GROUP BY outlet"))
    moment = parse_utc(now or utc_now())
    table = rows(db, _OUTLETS)
    for columns in table:
        last = newest.get(columns["outlet"])
        silence = (moment - parse_utc(last)).total_seconds() / 86400 if last else None
        usual = usual_pause(days.get(columns["outlet"], []))
        columns["silence"] = round(silence, 1) if silence is not None else None
        columns["usual_pause"] = usual
        columns["silent"] = silence is not None and silence > max(
            SILENT_AT_LEAST_DAYS, SILENT_FACTOR * (usual or 0)
        )
    return table


def problems(db: Database) -> dict[str, list[str]]:
    """Return for each outlet, in words, what went wrong in its last crawl: its routes, then its pages by reason."""
    found: dict[str, list[str]] = {}
    for outlet, kind, url, state, reason in db.execute(_ROUTE_PROBLEMS):
        words = f"{kind} {url}: {'' if state == 'ok' else f'{state}: '}{reason}"
        found.setdefault(outlet, []).append(words)
    for outlet, state, reason, number in db.execute(_PAGE_PROBLEMS):
        found.setdefault(outlet, []).append(
            f"{number} {'page' if number == 1 else 'pages'} {state}: {reason}"
        )
    return found


def usual_pause(days: list[str]) -> float | None:
    """Return the median number of days between consecutive ISO days, or None for fewer than three."""
    if len(days) < 3:
        return None
    ordinals = [date.fromisoformat(day).toordinal() for day in days]
    return float(median(after - before for before, after in pairwise(ordinals)))


def totals(db: Database) -> dict[str, Any]:
    """Return the counts of the whole archive; ``ungrouped`` articles wait for `bilateral group`."""
    (articles, core) = db.execute(
        "SELECT count(*), coalesce(sum(grade = 2), 0) FROM articles WHERE grade > 0"
    ).fetchone()
    return {
        "outlets": db.execute("SELECT count(*) FROM outlets").fetchone()[0],
        "articles": articles,
        "core": core,
        "related": articles - core,
        "revisions": db.execute("SELECT count(*) FROM revisions WHERE number > 1").fetchone()[0],
        "snapshots": db.execute("SELECT count(*) FROM snapshots").fetchone()[0],
        "pages": dict(db.execute("SELECT state, count(*) FROM pages GROUP BY state").fetchall()),
        "ungrouped": db.execute(_UNGROUPED).fetchone()[0],
        "last_crawl": row(db, "SELECT id, started, finished, outcome FROM crawls ORDER BY id DESC LIMIT 1"),
    }


def explain(db: Database, url: str) -> dict[str, Any] | None:
    """Return all that is known of a URL, or None where the archive never met it.

    Keys: ``url``, ``page``, ``route``, ``snapshots``, ``verdict``, ``article``, ``revisions``, ``events``,
    ``takedown``, and ``words``, the story told in sentences.
    """
    page = find_page(db, url) or row(db, "SELECT * FROM pages WHERE redirected_to = ?", [url])
    article = _article_of(db, url, page)
    takedown = _takedown(db, url, article)
    if page is None and article is None and takedown is None:
        return _explain_route(db, url)
    address = page["url"] if page else article["url"] if article else url
    known: dict[str, Any] = {
        "url": url,
        "page": _without(page, "content") if page else None,
        "route": row(db, "SELECT * FROM routes WHERE url = ?", [page["route"]]) if page else None,
        "snapshots": rows(db, "SELECT * FROM snapshots WHERE page = ? ORDER BY id", [address]),
        "verdict": row(db, "SELECT * FROM verdicts WHERE page = ?", [address]),
        "article": article,
        "revisions": _of_article(db, "number, seen, title, kinds", "revisions", article),
        "events": _of_article(db, "seen, event, detail", "events", article),
        "takedown": takedown,
    }
    known["words"] = list(_told(known))
    return known


def _explain_route(db: Database, url: str) -> dict[str, Any] | None:
    """Return what is known of a feed, sitemap or section page, in the form of `explain`."""
    route = row(db, "SELECT * FROM routes WHERE url = ?", [url])
    if route is None:
        return None
    known: dict[str, Any] = dict.fromkeys(("page", "verdict", "article", "takedown"))
    known |= {"url": url, "route": route, "snapshots": [], "revisions": [], "events": []}
    return {**known, "words": list(_told_of_route(route))}


def _told_of_route(route: dict[str, Any]) -> Iterable[str]:
    parent = f" of {route['parent']}" if route["parent"] else ""
    yield f"A route of {route['outlet']}, not a page: a {route['kind']}, known from {route['origin']}{parent}."
    if route["last_checked"]:
        reason = f": {route['reason']}" if route["reason"] else ""
        items = f", {route['items']} items" if route["state"] == "ok" else ""
        yield f"Last asked {route['last_checked']}: {route['state']}{items}{reason}."
    if route["state"] in ("failed", "blocked"):
        yield f"Last read {route['last_ok']}." if route["last_ok"] else "It was never read."


def unread_routes(db: Database, url: str) -> list[str]:
    """Return, in words, the routes that could not be read of the outlet that an address belongs to."""
    homes = db.execute("SELECT id, homepage FROM outlets").fetchall()
    owners = [outlet for outlet, homepage in homes if belongs_to(url, homepage)]
    lost = rows(
        db,
        "SELECT outlet, kind, url, reason FROM routes WHERE state IN ('failed', 'blocked')"
        f" AND origin != 'well-known' AND outlet IN ({', '.join('?' * len(owners))}) ORDER BY rowid",
        owners,
    )
    return [
        f"{each['outlet']}'s {each['kind']} {each['url']} could not be read: {each['reason']}"
        for each in lost
    ]


def _article_of(db: Database, url: str, page: dict[str, Any] | None) -> dict[str, Any] | None:
    if page and page["article"] is not None:
        return row(db, "SELECT * FROM articles WHERE id = ?", [page["article"]])
    try:
        return find_article(db, url_key(url) and url)
    except BadURL:
        return None


def _takedown(db: Database, url: str, article: dict[str, Any] | None) -> dict[str, Any] | None:
    try:
        key = article["key"] if article else url_key(url)
    except BadURL:
        return None
    sql = "SELECT url, reason, created FROM takedowns WHERE key = ? AND lifted IS NULL"
    return row(db, sql, [key])


def _of_article(
    db: Database, columns: str, table: str, article: dict[str, Any] | None
) -> list[dict[str, Any]]:
    if article is None:
        return []
    return rows(db, f"SELECT {columns} FROM {table} WHERE article = ? ORDER BY id", [article["id"]])


def _without(columns: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in columns.items() if name not in names}


def _told(known: dict[str, Any]) -> Iterable[str]:
    page, article = known["page"], known["article"]
    if page:
        yield from _told_of_page(page, known["url"])
    for snapshot in known["snapshots"]:
        outcome = snapshot["outcome"] or "not read yet"
        reason = f" ({snapshot['reason']})" if snapshot["reason"] else ""
        yield (
            f"Fetched {snapshot['fetched']}: status {snapshot['status']}, {outcome}{reason}; kept in"
            f" {snapshot['warc_file']} at byte {snapshot['warc_offset']}."
        )
    takedown = known["takedown"]
    if takedown:
        yield f"Withdrawn on request {takedown['created']}: {takedown['reason']}. Its text is not kept."
    verdict = known["verdict"] or (article and {**article, "judged": article["last_checked"]})
    if verdict and not takedown:
        yield _told_of_verdict(verdict)
    if article:
        yield from _told_of_article(article, known["revisions"], known["events"])
    elif page:
        yield f"State: {page['state']}" + (f": {page['reason']}." if page["reason"] else ".")


def _told_of_page(page: dict[str, Any], asked: str) -> Iterable[str]:
    if page["url"] != asked:
        yield f"Known as {page['url']}."
    route = f" {page['route']}" if page["route"] else ""
    headline = f", as {page['headline']!r}" if page["headline"] else ""
    yield f"Discovered {page['discovered']} for {page['outlet']} by {page['via']}{route}{headline}."
    if page["state"] == "screened-out":
        yield f"Screened out and not fetched: {page['reason']}."
    elif page["state"] == "queued":
        wait = f", not before {page['next_try']}" if page["next_try"] else ""
        yield f"Queued: to be fetched by the next crawl{wait}."
    if page["tries"]:
        yield f"Tried {page['tries']} times, last {page['last_try']}."
    if page["redirected_to"]:
        yield f"It redirects to {page['redirected_to']}."


def _told_of_verdict(verdict: dict[str, Any]) -> str:
    grade = {2: "core", 1: "related", 0: "not on the subject"}.get(verdict["grade"], "unknown")
    terms = [f"{term['text']!r} in the {term['where']} ({term['points']:+g}: {term['why']})"
             for term in json.loads(verdict["terms"] or "[]")]  # fmt: skip
    reasons = "; ".join(terms) if terms else "no term of the topic was found"
    return (
        f"Judged {verdict['judged']}: grade {verdict['grade']} ({grade}), score {verdict['score']:g},"
        f" topic {verdict['topic_version'] or 'unknown'}: {reasons}."
    )


def _told_of_article(
    article: dict[str, Any], revisions: list[dict[str, Any]], events: list[dict[str, Any]]
) -> Iterable[str]:
    yield (
        f"Stored as article {article['id']}: {article['title']!r}, published"
        f" {article['published_local'] or 'at an unknown time'}, first seen {article['first_seen']},"
        f" last checked {article['last_checked']}, {article['status']}."
    )
    if article["grade"] == 0:
        yield "It fell off the subject and is left out of searches and counts; nothing of it is deleted."
    for revision in revisions[1:]:
        kinds = ", ".join(json.loads(revision["kinds"])) or "changed"
        yield f"Revision {revision['number']} seen {revision['seen']}: {kinds}; now {revision['title']!r}."
    for event in events:
        yield f"{event['seen']}: {event['event']}" + (f" ({event['detail']})." if event["detail"] else ".")
