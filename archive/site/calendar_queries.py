"""What the calendar's page shows, read from the archive."""

import json
import sqlite3
from collections.abc import Sequence

from sqlite_utils import Database

from archive.calendar import Announced, announced
from archive.search import tallies
from archive.site.kept import Kept
from archive.site.queries import Row, fetch
from archive.times import now

SENTENCES = 6  # of a talk

_calendar: Kept[list[Row]] = Kept()
_mentions: Kept[int] = Kept()  # their number, by connection


def calendar(connection: sqlite3.Connection, since: str, until: str = "~") -> list[Row]:
    """Return the talks announced for days between two, the latest first, each with its first sentences."""
    return _talks(connection, _version(connection), since, until)


def _version(connection: sqlite3.Connection) -> tuple[str, int, int, int]:
    """Return what differs whenever the calendar does."""
    (newest,) = connection.execute("SELECT max(id) FROM mentions").fetchone()
    (foreign,) = connection.execute("PRAGMA data_version").fetchone()
    changes = (foreign, connection.total_changes, newest)  # by others, by this connection
    # Counted too: those of an article that was withdrawn are gone, and none is newer. Counting half a million
    # takes longer than the page.
    mentions = _mentions.get(connection, changes, lambda _: _count(connection), id(connection))
    return now().date().isoformat(), newest or 0, mentions, tallies.on_subject(connection)


def _count(connection: sqlite3.Connection) -> int:
    return int(connection.execute("SELECT count(*) FROM mentions").fetchone()[0])


def _talks(
    connection: sqlite3.Connection, version: tuple[str, int, int, int], since: str, until: str
) -> list[Row]:
    # By name another one after a takedown: what was withdrawn is not shown for a moment longer.
    (takedowns,) = connection.execute("SELECT max(id) FROM takedowns").fetchone()
    name = (since, until, takedowns)
    return _calendar.soon(connection, version, lambda db: _read_calendar(db, version[0], since, until), name)


def shown(connection: sqlite3.Connection, asked: str | None) -> Row:
    """Return the talks to come, and those of a year: the one asked for, else the latest."""
    today = now().date().isoformat()
    years = [year for year in calendar_years(connection) if year <= today[:4]]
    year = asked if asked in years else next(iter(years), "")
    version = _version(connection)
    coming = [talk for talk in _talks(connection, version, today[:7], "~") if is_ahead(talk, today)]
    past = _talks(connection, version, year, f"{year}~") if year else []
    return {
        "years": years,
        "year": year,
        "coming": coming,
        "past": [talk for talk in past if not is_ahead(talk, today)],
    }


def is_ahead(talk: Row, today: str) -> bool:
    """Whether a talk is still to come, or was called off before its day."""
    return bool(talk["fate"] == "announced" or (talk["fate"] == "cancelled" and talk["date"] >= today))


def calendar_years(connection: sqlite3.Connection) -> list[str]:
    """Return the years that talks are dated in, the latest first, each found by one look at the index."""
    years: list[str] = []
    following = "0"
    while found := connection.execute(
        "SELECT min(date) FROM mentions WHERE date >= ?", [following]
    ).fetchone()[0]:
        years.append(found[:4])
        following = f"{found[:4]}~"
    return years[::-1]


def _read_calendar(connection: sqlite3.Connection, today: str, since: str, until: str) -> list[Row]:
    talks = announced(Database(connection), today, since=since, until=until)
    shown = [number for talk in talks for number in talk.articles[:SENTENCES]]
    sources = {
        article["id"]: article
        for article in fetch(
            connection,
            "SELECT a.id, a.language, o.name AS outlet_name FROM articles a"
            " JOIN outlets o ON o.id = a.outlet WHERE a.id IN (SELECT value FROM json_each(?))",
            [json.dumps(shown)],
        )
    }
    return [_calendar_row(connection, talk, sources) for talk in reversed(talks)]


def _calendar_row(connection: sqlite3.Connection, talk: Announced, sources: dict[int, Row]) -> Row:
    listed = zip(talk.articles[:SENTENCES], talk.sentences, strict=False)
    return {
        "date": talk.date,
        "kind": talk.kind,
        "precision": talk.precision,
        "outlets": len(talk.outlets),
        "first_announced": talk.first_announced,
        "fate": talk.fate,
        "story": talk.became or (talk.stories[0] if talk.stories else None),
        "reports": _outlets_of(connection, talk.reported_by),
        "sentences": [
            {**sources[number], "article": number, "sentence": sentence} for number, sentence in listed
        ],
        "more": max(0, len(talk.articles) - SENTENCES),
    }


def _outlets_of(connection: sqlite3.Connection, articles: Sequence[int]) -> int:
    """Return how many outlets some articles are of."""
    found = connection.execute(
        "SELECT count(DISTINCT outlet) FROM articles WHERE id IN (SELECT value FROM json_each(?))",
        [json.dumps(articles)],
    )
    return int(found.fetchone()[0])
