"""Which articles of the archive are alike: profiles and links, kept and brought up to date as articles come and go.

A link depends on the two texts, their times and their crowds only. So what is kept is what comparing everything
again would give; `bring_up_to_date` looks at what is new, changed or gone, at those whose crowd grew or shrank,
and at their neighbours.
"""

import hashlib
import json
import zlib
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from sqlite_utils import Database

from archive.clusters import Link
from archive.gazetteer import CONCEPTS
from archive.linkage import MODEL, WINDOW_DAYS, Model, crowds, find_pairs, load_model, reasons
from archive.profiles import Profile, moment, packed, read_profile, unpacked
from archive.senses import WORDS
from archive.store import rows

CHUNK = 500  # bound parameters in one statement; articles compared at once
_SOURCES = (
    "profiles",
    "numerals",
    "senses",
    "gazetteer",
    "date_words",
    "dates",
    "sentences",
    "folding",
    "linkage",
)
_ARTICLE = (
    "SELECT a.id, a.language, a.title, coalesce(a.published, a.first_seen) AS published, o.timezone, t.text"
    " FROM articles a JOIN texts t ON t.article = a.id JOIN outlets o ON o.id = a.outlet"
)


@cache
def version() -> str:
    """Return a short digest of weights, vocabulary and code; when it changes, all articles are read anew."""
    modules = [Path(__file__).with_name(f"{name}.py") for name in _SOURCES]
    return hashlib.sha256(b"".join(p.read_bytes() for p in (MODEL, CONCEPTS, WORDS, *modules))).hexdigest()[
        :12
    ]


def bring_up_to_date(db: Database, model: Model) -> tuple[set[int], set[int]]:
    """Read and link what is new; return the articles read, and all those whose links may have changed."""
    known = {
        article: (state, crowd)
        for article, state, crowd in db.execute("SELECT article, state, crowd FROM story_articles")
    }
    now = _states(db)
    changed = {number for number, (state, crowd, _) in now.items() if known.get(number) != (state, crowd)}
    unread = {number for number in changed if known.get(number, ("", 0))[0] != now[number][0]}
    gone = known.keys() - now.keys()
    touched = _unlink(db, changed | gone) | changed
    for number in gone:
        db.execute("DELETE FROM story_articles WHERE article = ?", [number])
    _read(db, sorted(unread), now)
    db.conn.executemany(
        "UPDATE story_articles SET crowd = ? WHERE article = ?",
        [(now[number][1], number) for number in sorted(changed - unread)],
    )
    _link(db, sorted(changed, key=lambda number: (now[number][2], number)), model)
    return unread, touched


def _states(db: Database) -> dict[int, tuple[str, int, float]]:
    """Return for each article on the subject what its links depend on: digest, crowd and day."""
    found = db.execute("SELECT id, sha256, coalesce(published, first_seen) FROM articles WHERE grade > 0")
    dated = sorted((moment(published), number, sha256, published) for number, sha256, published in found)
    counted = crowds(np.array([day for day, *_ in dated]))
    return {
        number: (f"{version()} {sha256} {published}", int(crowd), day)
        for (day, number, sha256, published), crowd in zip(dated, counted, strict=True)
    }


def _unlink(db: Database, numbers: Iterable[int]) -> set[int]:
    """Drop the links of articles; return those at the other ends."""
    others: set[int] = set()
    for number in sorted(numbers):
        found = db.execute(
            "SELECT b FROM story_links WHERE a = ?1 UNION SELECT a FROM story_links WHERE b = ?1", [number]
        )
        others |= {other for (other,) in found.fetchall()}
        db.execute("DELETE FROM story_links WHERE a = ?", [number])
        db.execute("DELETE FROM story_links WHERE b = ?", [number])
    return others


def _read(db: Database, numbers: list[int], now: dict[int, tuple[str, int, float]]) -> None:
    """Read articles and keep their profiles."""
    telling = load_model().telling
    for some in _chunks(numbers):
        marks = ", ".join("?" * len(some))
        db.conn.executemany(
            "INSERT OR REPLACE INTO story_articles (article, state, crowd, day, profile) VALUES (?, ?, ?, ?, ?)",
            [
                (number, *now[number], zlib.compress(packed(_profile(article, telling)).encode()))
                for article in rows(db, f"{_ARTICLE} WHERE a.id IN ({marks}) ORDER BY a.id", some)
                for number in [int(article["id"])]
            ],
        )


def _chunks(numbers: list[int]) -> Iterator[list[int]]:
    for start in range(0, len(numbers), CHUNK):
        yield numbers[start : start + CHUNK]


def _profile(article: dict[str, Any], telling: Any) -> Profile:
    return read_profile(
        article["id"], article["language"], article["published"], article["title"], article["text"],
        telling, article["timezone"],
    )  # fmt: skip


def _link(db: Database, numbers: list[int], model: Model) -> None:
    """Find and keep the pairs of articles, given in the order of their days; links with their reasons."""
    waiting = set(numbers)
    for some in _chunks(numbers):
        waiting -= set(some)
        crowd, profiles = _around(db, some)
        new = [profiles[number] for number in some]
        # What is still to come is compared with these when its turn comes.
        others = [p for number, p in profiles.items() if number not in waiting and number not in set(some)]
        db.conn.executemany(
            "INSERT OR REPLACE INTO story_links (a, b, likeness, why) VALUES (?, ?, ?, ?)",
            [
                (link.a, link.b, round(link.likeness, 4), _why(link, profiles, model))
                for link in find_pairs(new, others, model, crowd)
            ],
        )


def _around(db: Database, numbers: list[int]) -> tuple[dict[int, int], dict[int, Profile]]:
    """Return crowd and profile of all articles within the window of any of these."""
    marks = ", ".join("?" * len(numbers))
    first, last = db.execute(
        f"SELECT min(day), max(day) FROM story_articles WHERE article IN ({marks})", numbers
    ).fetchone()
    found = db.execute(
        "SELECT article, crowd, profile FROM story_articles WHERE day BETWEEN ? AND ? ORDER BY article",
        [first - WINDOW_DAYS, last + WINDOW_DAYS],
    ).fetchall()
    return {n: crowd for n, crowd, _ in found}, {n: _unpacked(blob) for n, _, blob in found}


def _unpacked(blob: bytes) -> Profile:
    return unpacked(zlib.decompress(blob).decode())


def _why(pair: Link, profiles: dict[int, Profile], model: Model) -> str:
    if pair.likeness < model.threshold:
        return "[]"
    return json.dumps(reasons(profiles[pair.a], profiles[pair.b]), ensure_ascii=False)


def stored_profiles(db: Database, numbers: Iterable[int]) -> list[Profile]:
    """Return the profiles of articles that were read, in the order of their numbers."""
    found = db.execute(
        "SELECT profile FROM story_articles WHERE article IN (SELECT value FROM json_each(?)) ORDER BY article",
        [json.dumps(sorted(numbers))],
    )
    return [_unpacked(blob) for (blob,) in found.fetchall()]


def chains(db: Database, numbers: Iterable[int], threshold: float) -> list[list[int]]:
    """Return the articles that chains of links join to any of these, chain by chain; single articles are left out."""
    left, found = set(numbers), []
    while left:
        start = min(left)
        chain = _chain(db, start, threshold)
        left -= chain
        left.discard(start)
        if len(chain) > 1:
            found.append(sorted(chain))
    return found


def _chain(db: Database, start: int, threshold: float) -> set[int]:
    reached, waiting = {start}, [start]
    while waiting:
        near = db.execute(
            "SELECT b FROM story_links WHERE a = ?1 AND likeness >= ?2"
            " UNION SELECT a FROM story_links WHERE b = ?1 AND likeness >= ?2",
            [waiting.pop(), threshold],
        )
        for (other,) in near.fetchall():
            if other not in reached:
                reached.add(other)
                waiting.append(other)
    return reached


def pairs_within(db: Database, numbers: list[int]) -> list[Link]:
    """Return all pairs among some articles that are at all alike."""
    wanted = set(numbers)
    found = db.execute(
        "SELECT a, b, likeness FROM story_links WHERE a IN (SELECT value FROM json_each(?)) ORDER BY a, b",
        [json.dumps(numbers)],
    )
    return [Link(a, b, likeness) for a, b, likeness in found if b in wanted]
