"""The calendar of the talks: who announced what for when, and what became of it."""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

from sqlite_utils import Database

from archive.mentions import mentions
from archive.revisions import version_among
from archive.sentences import plain, sentences
from archive.store import rows, transaction

Fate = Literal["held", "announced", "cancelled", "unreported"]

# A "ministerial" in one paper is a "reunión" in another: only a call is never taken for the rest.
_CALLS = ("call",)
_MODULES = ("calendar.py", "mentions.py", "dates.py", "date_words.py", "revisions.py", "sentences.py")


@dataclass(frozen=True, slots=True)
class Announced:
    """One announced talk: all that articles say of it beforehand, and what they said afterwards.

    ``fate`` is held where an article speaks of it in the past tense or was published as of that day in a
    story that announced it, cancelled where the last to speak of it beforehand says that it will not be on that day,
    announced while the day is still to come, unreported otherwise. What is only said to be possible is no announcement.
    """

    date: str  # YYYY-MM-DD, or YYYY-MM where precision is month
    precision: Literal["day", "month"]
    kind: str  # the one most articles say
    outlets: tuple[str, ...]
    articles: tuple[int, ...]  # that announce it, the first to do so first
    sentences: tuple[str, ...]  # of those articles, in the same order
    stories: tuple[int, ...]  # those of the articles that announce it, most frequent first
    first_announced: str  # UTC
    fate: Fate
    reported_by: tuple[int, ...]  # articles that speak of it in the past tense
    became: int | None  # the story those articles belong to


def note_new_mentions(db: Database, *, anew: bool = False) -> int:
    """Read the dated talks out of new and changed articles, all of them when ``anew``; return how many were read."""
    with transaction(db):
        if anew:
            db.execute("DELETE FROM mention_articles")
        pending = _pending(db)
        for number, state in pending:
            _note(db, number)
            db.execute(
                "INSERT OR REPLACE INTO mention_articles (article, state) VALUES (?, ?)", [number, state]
            )
        db.execute("DELETE FROM mentions WHERE article IN (SELECT id FROM articles WHERE grade = 0)")
        return len(pending)


def _note(db: Database, number: int) -> None:
    """Put the dated talks of one article in place of those noted before.

    What a later version put in was written when that version appeared: its "Friday" is another than the first one's.
    """
    (article,) = rows(
        db,
        "SELECT a.language, t.title, t.description, t.text, o.timezone,"
        " coalesce(a.published, a.first_seen) AS published FROM articles a"
        " JOIN texts t ON t.article = a.id JOIN outlets o ON o.id = a.outlet WHERE a.id = ?",
        [number],
    )
    db.execute("DELETE FROM mentions WHERE article = ?", [number])
    for moment, text in _written(db, number, article):
        for found in mentions(text, moment, article["timezone"], article["language"]):
            db.execute(
                "INSERT OR IGNORE INTO mentions (article, kind, tense, date, precision, sentence)"
                " VALUES (?, ?, ?, ?, ?, ?)",
                [number, found.kind, found.when, found.date, found.precision, found.sentence],
            )


def _written(db: Database, number: int, article: dict[str, Any]) -> list[tuple[str, str]]:
    """Return the sentences an article has now, each stretch with when it was written: published, or first seen so."""
    versions = rows(
        db, "SELECT seen, title, description, text FROM revisions WHERE article = ? ORDER BY number", [number]
    )
    since: dict[str, str] = {}
    before: list[str] = []
    for place, version in enumerate(versions):
        moment = version["seen"] if place else article["published"]
        now = sentences(_whole(version))
        for sentence in now:
            if sentence not in since:
                origin = version_among(sentence, before)
                since[sentence] = since[origin] if origin else moment
        before = now
    parts: defaultdict[str, list[str]] = defaultdict(list)
    for sentence in sentences(_whole(article)):
        parts[since.get(sentence, article["published"])].append(sentence)
    return [(moment, "\n".join(part)) for moment, part in parts.items()]


def _whole(version: dict[str, Any]) -> str:
    return plain(f"{version['title']}\n{version['description']}\n{version['text']}")


@cache
def _version() -> str:
    sources = (Path(__file__).with_name(name).read_bytes() for name in _MODULES)
    return hashlib.sha256(b"".join(sources)).hexdigest()[:12]


def _pending(db: Database) -> list[tuple[int, str]]:
    """Return the articles not read as they are now, each with the state it is in."""
    found = db.execute(
        "SELECT id, state FROM (SELECT id, ? || ' ' || sha256 || ' ' || coalesce(published, first_seen) AS state"
        " FROM articles WHERE grade > 0)"
        " WHERE state IS NOT (SELECT state FROM mention_articles m WHERE m.article = id) ORDER BY id",
        [_version()],
    )
    return [(int(number), str(state)) for number, state in found.fetchall()]


def announced(db: Database, today: str, *, since: str = "", until: str = "~") -> list[Announced]:
    """Return the talks that articles announced, by date. ``today`` is YYYY-MM-DD.

    ``since`` and ``until`` bound the dates of the talks (YYYY, YYYY-MM or YYYY-MM-DD; the second is not among them).
    Copies of one dispatch each count as an article; outlets are counted once.
    """
    found = rows(
        db,
        "SELECT m.article, m.kind, m.tense, m.date, m.precision, m.sentence, a.outlet, a.story,"
        " coalesce(a.published, a.first_seen) AS published FROM mentions m JOIN articles a ON a.id = m.article"
        " WHERE m.date >= ? AND m.date < ? AND a.grade > 0 ORDER BY published, m.article, m.id",
        [since, until],
    )
    coming: defaultdict[tuple[str, bool], list[dict[str, object]]] = defaultdict(list)
    past: defaultdict[tuple[str, bool], list[dict[str, object]]] = defaultdict(list)
    sides = {"coming": coming, "cancelled": coming, "past": past}
    for mention in found:
        if (side := sides.get(mention["tense"])) is not None:
            side[mention["date"], mention["kind"] in _CALLS].append(mention)
    return [
        _announced(said, past[key] + _within(past, key, said), today) for key, said in sorted(coming.items())
    ]


def _within(
    past: Mapping[tuple[str, bool], list[dict[str, object]]],
    key: tuple[str, bool],
    said: list[dict[str, object]],
) -> list[dict[str, object]]:
    """Return the reports of a talk of the announced kind on a day of the announced month, where only that was named."""
    month, is_call = key
    kinds = {mention["kind"] for mention in said}
    return [
        mention
        for (day, call), reports in sorted(past.items())
        if len(month) == 7 and day.startswith(f"{month}-") and call == is_call
        for mention in reports
        if mention["kind"] in kinds
    ]


def _announced(said: list[dict[str, object]], reported: list[dict[str, object]], today: str) -> Announced:
    day = str(said[0]["date"])
    kinds = Counter(str(mention["kind"]) for mention in said)
    stories = Counter(mention["story"] for mention in said if mention["story"] is not None)
    became = Counter(mention["story"] for mention in reported if mention["story"] is not None)
    fate: Fate = "announced" if day >= today[: len(day)] else "unreported"
    if reported:
        fate = "held"
    elif said[-1]["tense"] == "cancelled":
        fate = "cancelled"
    return Announced(
        date=day,
        precision="day" if len(day) == 10 else "month",
        kind=max(sorted(kinds), key=lambda kind: (kind != "meeting", kinds[kind])),
        outlets=tuple(dict.fromkeys(str(mention["outlet"]) for mention in said)),
        articles=tuple(int(str(mention["article"])) for mention in said),
        sentences=tuple(str(mention["sentence"]) for mention in said),
        stories=tuple(int(str(story)) for story, _ in stories.most_common()),
        first_announced=str(said[0]["published"]),
        fate=fate,
        reported_by=tuple(int(str(mention["article"])) for mention in reported),
        became=int(str(became.most_common(1)[0][0])) if became else None,
    )
