"""Copies in the archive: which articles carry the same dispatch, from whom, and what each made of it.

Nothing is merged or deleted: ``articles.copy_group`` names the group, so that every count can be had with and
without copies. How texts are compared is in ``archive/shingles.py``. The outcome depends only on the texts in the
archive: adding articles one by one and grouping anew end alike.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlite_utils import Database

from archive.copy_index import CopyIndex
from archive.extraction.agencies import agency_in_text
from archive.revisions import size_of_change
from archive.sentences import paragraphs, words
from archive.shingles import Pair, Text, groups, read_text
from archive.store import row, rows, transaction

_DAY = "coalesce(published, first_seen)"


@dataclass(frozen=True, slots=True)
class CopyCounts:
    """What a run found: articles read, and how many groups and articles in them there are now."""

    read: int
    groups: int
    copies: int
    passages: int  # pairs that share a passage and are no copies


def group_new_copies(db: Database, *, anew: bool = False) -> CopyCounts:
    """Find the copies of articles that are new or changed since the last run; all of them when ``anew``."""
    with transaction(db):
        if anew:
            for table in ("copy_sketches", "copy_furniture", "copy_pairs", "copy_shingles"):
                db.execute(f"DELETE FROM {table}")
            db.execute("INSERT OR IGNORE INTO copy_queue SELECT id FROM articles")
        queued = {article for (article,) in db.execute("SELECT article FROM copy_queue")}
        index = CopyIndex(db.conn)
        changed, touched = _take_out(db, queued)
        measured = index.enter(_texts(db, changed))
        touched |= queued | measured | _partners(db, measured)
        _forget_pairs(db, measured)
        db.conn.executemany(
            "INSERT INTO copy_pairs (a, b, relation, shared, containment) VALUES (?, ?, ?, ?, ?)",
            ((p.a, p.b, p.relation, p.shared, round(p.containment, 4)) for p in index.pairs(measured)),
        )
        _regroup(db, touched, queued)
        db.execute("DELETE FROM copy_queue")
        return _counts(db, len(changed))


def _take_out(db: Database, queued: set[int]) -> tuple[list[int], set[int]]:
    """Take out of the index what is not as it was; return the articles to be read, and those paired with them."""
    changed, void = [], []
    for number in sorted(queued):
        now = db.execute(
            f"SELECT sha256, {_DAY} FROM articles WHERE id = ? AND grade > 0", [number]
        ).fetchone()
        was = db.execute("SELECT sha256, day FROM copy_shingles WHERE article = ?", [number]).fetchone()
        if now and was != (now[0], _days(now[1])):
            changed.append(number)
        if was and was != (now and (now[0], _days(now[1]))):
            void.append(number)
    touched = _partners(db, {*changed, *void})
    _forget_pairs(db, {*changed, *void})
    db.conn.executemany("DELETE FROM copy_shingles WHERE article = ?", [(number,) for number in void])
    return changed, touched


def _texts(db: Database, numbers: list[int]) -> Iterator[tuple[Text, str]]:
    for number in numbers:
        sha256, day, body = db.execute(
            f"SELECT sha256, {_DAY}, text FROM articles JOIN texts ON article = id WHERE id = ?", [number]
        ).fetchone()
        yield read_text(number, _days(day), body), sha256


def _partners(db: Database, numbers: set[int]) -> set[int]:
    """Return the articles that have pairs with any of these."""
    return {
        other
        for number in numbers
        for (other,) in db.execute(
            "SELECT b FROM copy_pairs WHERE a = ?1 UNION SELECT a FROM copy_pairs WHERE b = ?1", [number]
        )
    }


def _forget_pairs(db: Database, numbers: set[int]) -> None:
    for column in ("a", "b"):
        db.conn.executemany(
            f"DELETE FROM copy_pairs WHERE {column} = ?", [(number,) for number in sorted(numbers)]
        )


def _days(moment: str) -> float:
    return datetime.fromisoformat(moment).timestamp() / 86400


def _regroup(db: Database, touched: set[int], fresh: set[int]) -> None:
    """Bring groups in step with the pairs: those that the articles touched were in, and those they now are in."""
    old = _old_groups(db, touched)
    reached = touched.union(*old.values())
    pairs = _copy_pairs_from(db, reached)
    grouped = groups(pairs)
    members: defaultdict[int, list[int]] = defaultdict(list)
    for article, group in sorted(grouped.items()):
        members[group].append(article)
    for group in sorted(old.keys() - members.keys()):
        db.execute("DELETE FROM copies WHERE copy_group = ?", [group])
        db.execute("DELETE FROM copy_groups WHERE id = ?", [group])
    db.conn.executemany(
        "UPDATE articles SET copy_group = ?1 WHERE id = ?2 AND copy_group IS NOT ?1",
        [(grouped.get(article), article) for article in sorted(reached | grouped.keys())],
    )
    for group, articles in members.items():
        if old.get(group) != articles or not fresh.isdisjoint(articles):
            _describe(db, group, articles, fresh)


def _old_groups(db: Database, touched: set[int]) -> dict[int, list[int]]:
    """Return the groups the articles are in so far, each with its members."""
    names = {
        group
        for number in touched
        for (group,) in db.execute("SELECT copy_group FROM articles WHERE id = ?", [number])
        if group is not None
    }
    return {
        name: [n for (n,) in db.execute("SELECT id FROM articles WHERE copy_group = ? ORDER BY id", [name])]
        for name in sorted(names)
    }


def _copy_pairs_from(db: Database, articles: set[int]) -> list[Pair]:
    """Return the pairs of copies in the chains that any of the articles is part of."""
    reached, waiting = set(articles), sorted(articles)
    found: dict[tuple[int, int], Pair] = {}
    while waiting:
        number = waiting.pop()
        for a, b, shared, containment in db.execute(
            "SELECT a, b, shared, containment FROM copy_pairs WHERE a = ?1 AND relation = 'copy' UNION ALL"
            " SELECT a, b, shared, containment FROM copy_pairs WHERE b = ?1 AND relation = 'copy'",
            [number],
        ):
            found[a, b] = Pair(a, b, shared, containment, "copy")
            waiting += {a, b} - reached
            reached |= {a, b}
    return [found[key] for key in sorted(found)]


def _describe(db: Database, group: int, articles: list[int], fresh: set[int]) -> None:
    """Note a group's agency, its earliest carrier, and what each carrier made of the earliest's text.

    Carriers measured against the same earliest text before, and not ``fresh``, are left as they are.
    """
    carriers = rows(
        db,
        f"SELECT a.id, a.outlet, o.name, o.kind, a.wire, a.language, a.title, t.text, {_DAY} AS day"
        " FROM articles a JOIN texts t ON t.article = a.id JOIN outlets o ON o.id = a.outlet"
        f" WHERE a.id IN (SELECT value FROM json_each(?)) ORDER BY {_DAY}, a.id",
        [json.dumps(articles)],
    )
    first = carriers[0]
    before = row(db, "SELECT earliest FROM copy_groups WHERE id = ?", [group])
    if before is None or before["earliest"] != first["id"] or first["id"] in fresh:
        fresh = set(articles)
    db.execute(
        "INSERT INTO copy_groups (id, agency, earliest, articles, outlets, first_published, last_published)"
        " VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET agency = excluded.agency,"
        " earliest = excluded.earliest, articles = excluded.articles, outlets = excluded.outlets,"
        " first_published = excluded.first_published, last_published = excluded.last_published",
        [group, agency_of(carriers), first["id"], len(carriers), len({c["outlet"] for c in carriers}),
         first["day"], carriers[-1]["day"]],
    )  # fmt: skip
    known = dict(
        db.execute("SELECT article, copy_group FROM copies WHERE copy_group = ?", [group]).fetchall()
    )
    for article in sorted(known.keys() - set(articles)):
        db.execute("DELETE FROM copies WHERE article = ?", [article])
    for carrier in carriers:
        if carrier["id"] in fresh or carrier["id"] not in known:
            _measure(db, group, first, carrier)


def _measure(db: Database, group: int, first: dict[str, Any], carrier: dict[str, Any]) -> None:
    """Note what one carrier made of the earliest's text."""
    added, removed = size_of_change(first["text"], carrier["text"])
    own = int(words(carrier["title"]) != words(first["title"]))
    db.execute(
        "INSERT OR REPLACE INTO copies (article, copy_group, words_added, words_removed, own_headline)"
        " VALUES (?, ?, ?, ?, ?)",
        [carrier["id"], group, added, removed, own],
    )


def agency_of(carriers: list[dict[str, Any]]) -> str | None:
    """Return the agency most carriers credit, else the wire among them, else one named in a dateline."""
    credited = Counter(carrier["wire"] for carrier in carriers if carrier["wire"])
    if credited:
        return str(max(sorted(credited), key=lambda name: credited[name]))
    for carrier in carriers:
        if carrier["kind"] == "wire":
            return str(carrier["name"])
    for carrier in carriers:
        named: str | None = agency_in_text(paragraphs(carrier["text"]))
        if named:
            return named
    return None


def _counts(db: Database, read: int) -> CopyCounts:
    counted = row(
        db,
        "SELECT (SELECT count(*) FROM copy_groups) AS found, (SELECT count(*) FROM copies) AS members,"
        " (SELECT count(*) FROM copy_pairs WHERE relation = 'passage') AS passages",
    )
    assert counted is not None
    return CopyCounts(read, counted["found"], counted["members"], counted["passages"])
