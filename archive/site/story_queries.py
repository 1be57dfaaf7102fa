"""What the pages of stories show, read from the archive."""

import json
import sqlite3
from collections.abc import Iterable
from datetime import datetime

from sqlite_utils import Database

from archive.comparison import Background, Comparison, compare_sides, read_background
from archive.site.kept import Kept
from archive.site.queries import Row, fetch
from archive.site.watch import watch
from archive.stories import current_story, why_together
from archive.times import now

STORIES_PER_PAGE = 30
# A story bears the headline of one of its articles.
TITLE_LANGUAGE = (
    "coalesce((SELECT language FROM articles WHERE story = s.id AND title = s.title LIMIT 1), 'es')"
)


def stories(connection: sqlite3.Connection, before: tuple[str, int] | None = None) -> list[Row]:
    """Return the stories told by more than one article, the latest first, from a place on."""
    last, number = before or ("9999", 0)
    return fetch(
        connection,
        f"SELECT s.*, {TITLE_LANGUAGE} AS language"
        " FROM stories s WHERE s.articles > 1 AND s.last_published <= ? AND (s.last_published, s.id) < (?, ?)"
        " ORDER BY s.last_published DESC, s.id DESC LIMIT ?",
        [last, last, number, STORIES_PER_PAGE],
    )


def story(connection: sqlite3.Connection, number: int) -> Row | None:
    """Return one story: its articles in order, who was first on each side, what was announced, who had nothing."""
    found = fetch(
        connection, f"SELECT s.*, {TITLE_LANGUAGE} AS language FROM stories s WHERE s.id = ?", [number]
    )
    if not found:
        return moved_story(connection, number)
    articles = fetch(
        connection,
        "SELECT a.*, o.name AS outlet_name, o.kind AS outlet_kind, o.timezone AS timezone, t.text AS text,"
        " (SELECT title FROM revisions r WHERE r.article = a.id AND r.number = 1) AS first_title"
        " FROM articles a JOIN outlets o ON o.id = a.outlet LEFT JOIN texts t ON t.article = a.id"
        " WHERE a.story = ? AND a.grade > 0 ORDER BY coalesce(a.published, a.first_seen), a.id",
        [number],
    )
    return {
        **found[0],
        "article_rows": folded(articles),
        "firsts": {country: first_of(articles, country) for country in ("MX", "US")},
        "lag": lag(articles),
        "talks": talks_named(connection, number),
        "comparison": comparison(connection, number, articles),
        "links": links(connection, number),
        "changes": changes(connection, number),
        "silent": fetch(
            connection,
            "SELECT id, name, country FROM outlets WHERE id NOT IN"
            " (SELECT outlet FROM articles WHERE story = ? AND grade > 0) ORDER BY country, name",
            [number],
        ),
    }


_backgrounds: Kept[Background] = Kept()


def background(connection: sqlite3.Connection) -> Background:
    """Return what the newest articles say, counted once after each crawl: it takes a second."""
    crawl = watch(connection, now().date()).last_crawl
    return _backgrounds.get(connection, crawl, lambda _: read_background(Database(connection)))


_comparisons: Kept[Comparison] = Kept()


def comparison(connection: sqlite3.Connection, number: int, articles: list[Row]) -> Comparison:
    """Return what both sides of a story say, compared once for the same texts: it takes a millisecond an article."""
    crawl = watch(connection, now().date()).last_crawl
    version = (crawl, *((article["id"], article["sha256"], article["copy_group"]) for article in articles))

    def compare(_: Comparison | None) -> Comparison:
        return compare_sides(Database(connection), number, background(connection))

    return _comparisons.get(connection, version, compare, number)


def links(connection: sqlite3.Connection, number: int) -> list[Row]:
    """Return what holds a story together, the strongest links first; none where the database has no links."""
    try:
        return why_together(Database(connection), number)
    except sqlite3.OperationalError:  # a public edition
        return []


def changes(connection: sqlite3.Connection, number: int) -> list[Row]:
    """Return what was changed in a story's articles, removed and brought back, in order."""
    shared = "a.title, a.language, a.outlet, a.country, o.name AS outlet_name, o.timezone AS timezone"
    joined = "JOIN articles a ON a.id = {}.article JOIN outlets o ON o.id = a.outlet WHERE a.story = ? AND a.grade > 0"
    found = fetch(
        connection,
        "SELECT 'revision' AS what, r.seen, r.article, r.kinds, r.words_added, r.words_removed,"
        f" r.title AS new_title, {shared} FROM revisions r {joined.format('r')} AND r.number > 1"
        " UNION ALL SELECT e.event, e.seen, e.article, '[]', NULL, NULL, NULL,"
        f" {shared} FROM events e {joined.format('e')} ORDER BY 2, 3",
        [number, number],
    )
    return [{**change, "kinds": json.loads(change["kinds"] or "[]")} for change in found]


def talks_named(connection: sqlite3.Connection, number: int) -> list[Row]:
    """Return the talks that a story's articles date, each with who says so in which words."""
    found = fetch(
        connection,
        "SELECT m.*, a.language, a.outlet, o.name AS outlet_name FROM mentions m"
        " JOIN articles a ON a.id = m.article JOIN outlets o ON o.id = a.outlet"
        " WHERE a.story = ? AND a.grade > 0 ORDER BY m.date, m.kind, coalesce(a.published, a.first_seen)",
        [number],
    )
    talks: dict[tuple[str, str, str], Row] = {}
    for mention in found:
        key = mention["date"], mention["kind"], mention["tense"]
        named = {name: mention[name] for name in ("date", "kind", "tense", "precision")}
        talks.setdefault(key, {**named, "sentences": []})["sentences"].append(mention)
    for talk in talks.values():
        talk["outlets"] = len({mention["outlet"] for mention in talk["sentences"]})
    return list(talks.values())


def moved_story(connection: sqlite3.Connection, number: int) -> Row | None:
    """Return where a story went that became part of another, or None."""
    moved = current_story(Database(connection), number)
    return {"moved_to": moved} if moved is not None else None


def folded(articles: Iterable[Row]) -> list[Row]:
    """Return the articles in order, copies of one text under the first of them."""
    first: dict[int, Row] = {}
    shown = []
    for article in articles:
        group = article["copy_group"]
        if group is not None and group in first:
            first[group]["copy_rows"].append(article)
            continue
        article["copy_rows"] = []
        if group is not None:
            first[group] = article
        shown.append(article)
    return shown


def first_of(articles: Iterable[Row], country: str) -> Row | None:
    """Return the earliest article of one country's outlets with a time of publication to the minute."""
    timed = (a for a in articles if a["country"] == country and a["published"])
    return min(timed, key=lambda a: (a["published"], a["id"]), default=None)


def lag(articles: list[Row]) -> tuple[str, float] | None:
    """Return the country that had the story first and the minutes until the other had it, or None."""
    mx, us = first_of(articles, "MX"), first_of(articles, "US")
    if mx is None or us is None:
        return None
    minutes = (instant(us["published"]) - instant(mx["published"])).total_seconds() / 60
    return ("MX", minutes) if minutes >= 0 else ("US", -minutes)


def instant(moment: str) -> datetime:
    """Return a UTC time of the archive as an aware datetime."""
    return datetime.fromisoformat(moment)
