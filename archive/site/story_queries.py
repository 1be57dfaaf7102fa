"""What the pages of stories and of the calendar show, read from the archive."""

import sqlite3
from collections.abc import Iterable
from datetime import UTC, datetime

from archive.site.queries import Row, fetch

STORIES_PER_PAGE = 30


def stories(connection: sqlite3.Connection, before: tuple[str, int] | None = None) -> list[Row]:
    """Return the stories told by more than one article, the latest first, from a place on."""
    last, number = before or ("9999", 0)
    return fetch(
        connection,
        "SELECT s.*, (SELECT language FROM articles a WHERE a.story = s.id ORDER BY a.published LIMIT 1) AS language"
        " FROM stories s WHERE s.articles > 1 AND (coalesce(s.last_published, ''), s.id) < (?, ?)"
        " ORDER BY coalesce(s.last_published, '') DESC, s.id DESC LIMIT ?",
        [last, number, STORIES_PER_PAGE],
    )


def story(connection: sqlite3.Connection, number: int) -> Row | None:
    """Return one story: its articles in order, who was first on each side, what was announced, who had nothing."""
    found = fetch(connection, "SELECT * FROM stories WHERE id = ?", [number])
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
        "mention_rows": fetch(
            connection,
            "SELECT m.*, o.name AS outlet_name FROM mentions m JOIN articles a ON a.id = m.article"
            " JOIN outlets o ON o.id = a.outlet WHERE a.story = ? ORDER BY m.date, m.id",
            [number],
        ),
        "silent": fetch(
            connection,
            "SELECT id, name, country FROM outlets WHERE id NOT IN"
            " (SELECT outlet FROM articles WHERE story = ? AND grade > 0) ORDER BY country, name",
            [number],
        ),
    }


def moved_story(connection: sqlite3.Connection, number: int) -> Row | None:
    """Return where a story went that was merged into another, or None."""
    found = connection.execute(
        "SELECT story FROM story_changes WHERE other = ? AND kind = 'merge' ORDER BY id DESC LIMIT 1",
        [number],
    ).fetchone()
    return {"moved_to": found[0]} if found and found[0] != number else None


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


def calendar(connection: sqlite3.Connection) -> list[Row]:
    """Return the talks that were announced, one row a date and kind, with what became of each.

    ``became`` is *coming*, *reported* (an article speaks of it as past), or *passed* (the date has gone by and
    no article does).
    """
    found = fetch(
        connection,
        "SELECT m.date, m.kind, m.precision, count(DISTINCT a.outlet) AS outlets, count(DISTINCT a.id) AS articles,"
        " min(coalesce(a.published, a.first_seen)) AS first_announced, max(a.story) AS story"
        " FROM mentions m JOIN articles a ON a.id = m.article WHERE m.tense = 'coming' AND a.grade > 0"
        " GROUP BY m.date, m.kind, m.precision ORDER BY m.date DESC, outlets DESC",
    )
    today = datetime.now(UTC).date().isoformat()
    for talk in found:
        talk["sentences"] = fetch(
            connection,
            "SELECT m.sentence, a.id AS article, a.language, a.country, o.name AS outlet_name"
            " FROM mentions m JOIN articles a ON a.id = m.article JOIN outlets o ON o.id = a.outlet"
            " WHERE m.tense = 'coming' AND m.date = ? AND m.kind = ? AND m.precision = ? AND a.grade > 0"
            " ORDER BY coalesce(a.published, a.first_seen)",
            [talk["date"], talk["kind"], talk["precision"]],
        )
        (reports,) = connection.execute(
            "SELECT count(DISTINCT a.outlet) FROM mentions m JOIN articles a ON a.id = m.article"
            " WHERE m.tense = 'past' AND m.date LIKE ? AND m.kind = ? AND a.grade > 0",
            [talk["date"] + "%", talk["kind"]],
        ).fetchone()
        talk["reports"] = reports
        talk["became"] = (
            "reported" if reports else "coming" if talk["date"] >= today[: len(talk["date"])] else "passed"
        )
    return found
