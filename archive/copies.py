"""Copies in the archive: which articles carry the same dispatch, from whom, and what each made of it.

Nothing is merged or deleted: ``articles.copy_group`` names the group, so that every count can be had with and
without copies. How texts are compared is in ``archive/shingles.py``. The outcome depends only on the texts in the
archive: adding articles one by one and grouping anew end alike.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from sqlite_utils import Database

from archive.extraction.agencies import agency_in_text
from archive.revisions import revision_kinds
from archive.sentences import paragraphs, words
from archive.shingles import CopyIndex, Pair, Shingles, Text, furniture, groups, read_text, without
from archive.store import row, rows, transaction

WINDOW_DAYS = 31.0
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
            db.execute("DELETE FROM copy_shingles")
            db.execute("DELETE FROM copy_furniture")
            db.execute("DELETE FROM copy_pairs")
        new = _read_new(db)
        if _forget_dropped(db) or new or anew:
            _pair(db, new)
        _regroup(db, new)
        return _counts(db, len(new))


def _read_new(db: Database) -> set[int]:
    """Shingle the articles that are on the subject and not yet read as they are now."""
    pending = rows(
        db,
        "SELECT a.id, a.sha256 FROM articles a LEFT JOIN copy_shingles s ON s.article = a.id"
        " WHERE a.grade > 0 AND (s.sha256 IS NULL OR s.sha256 != a.sha256) ORDER BY a.id",
    )
    for article in pending:
        day, body = db.execute(
            f"SELECT {_DAY}, text FROM articles JOIN texts ON article = id WHERE id = ?", [article["id"]]
        ).fetchone()
        text = read_text(article["id"], _days(day), body)
        db.execute(
            "INSERT OR REPLACE INTO copy_shingles (article, sha256, day, sequence, own) VALUES (?, ?, ?, ?, ?)",
            [text.id, article["sha256"], text.day, text.sequence.tobytes(), np.packbits(text.own).tobytes()],
        )
    return {article["id"] for article in pending}


def _forget_dropped(db: Database) -> int:
    """Forget the articles that a new verdict took off the subject; return how many."""
    dropped = "(SELECT id FROM articles WHERE grade = 0)"
    db.execute(f"DELETE FROM copy_pairs WHERE a IN {dropped} OR b IN {dropped}")
    return int(db.execute(f"DELETE FROM copy_shingles WHERE article IN {dropped}").rowcount)


def _days(moment: str) -> float:
    return datetime.fromisoformat(moment).timestamp() / 86400


def _load(db: Database) -> list[Text]:
    found = []
    for number, day, sequence, own in db.execute(
        "SELECT article, day, sequence, own FROM copy_shingles ORDER BY article"
    ):
        shingles: Shingles = np.frombuffer(sequence, dtype=np.uint32)
        marks = np.unpackbits(np.frombuffer(own, dtype=np.uint8), count=len(shingles)).astype(np.bool_)
        found.append(Text(number, day, shingles, marks))
    return found


def _pair(db: Database, new: set[int]) -> None:
    """Bring the pairs up to date: those of new texts, or all where what counts as furniture has changed."""
    texts = _load(db)
    common = furniture(text.sequence for text in texts)
    known = [shingle for (shingle,) in db.execute("SELECT shingle FROM copy_furniture ORDER BY shingle")]
    if known != common.tolist():
        new = {text.id for text in texts}
        db.execute("DELETE FROM copy_furniture")
        db.conn.executemany("INSERT INTO copy_furniture VALUES (?)", [(int(shingle),) for shingle in common])
    numbers = [(number,) for number in sorted(new)]
    db.conn.executemany("DELETE FROM copy_pairs WHERE a = ?", numbers)
    db.conn.executemany("DELETE FROM copy_pairs WHERE b = ?", numbers)
    db.conn.executemany(
        "INSERT OR REPLACE INTO copy_pairs (a, b, relation, shared, containment) VALUES (?, ?, ?, ?, ?)",
        [(p.a, p.b, p.relation, p.shared, round(p.containment, 4)) for p in _new_pairs(texts, new, common)],
    )


def _new_pairs(texts: list[Text], new: set[int], common: Shingles) -> Iterable[Pair]:
    """Yield the pairs in which at least one text is new; only texts near one in time are looked at."""
    days = np.array([text.day for text in texts if text.id in new])
    index = CopyIndex()
    for text in texts:
        if text.id not in new and np.any(np.abs(days - text.day) <= WINDOW_DAYS):
            index.enter(without(text, common))
    for text in texts:
        if text.id in new:
            yield from index.add(without(text, common))


def _regroup(db: Database, new: set[int]) -> None:
    """Bring groups in step with the pairs; groups that have neither new members nor new texts are left alone."""
    pairs = [
        Pair(a, b, shared, containment, "copy")
        for a, b, shared, containment in db.execute(
            "SELECT a, b, shared, containment FROM copy_pairs WHERE relation = 'copy' ORDER BY a, b"
        )
    ]
    grouped = groups(pairs)
    before = dict(db.execute("SELECT id, copy_group FROM articles WHERE copy_group IS NOT NULL").fetchall())
    known = dict(db.execute("SELECT article, copy_group FROM copies").fetchall())
    for article in sorted(before.keys() | grouped.keys()):
        if before.get(article) != grouped.get(article):
            db.execute("UPDATE articles SET copy_group = ? WHERE id = ?", [grouped.get(article), article])
    members: defaultdict[int, list[int]] = defaultdict(list)
    for article, group in sorted(grouped.items()):
        members[group].append(article)
    was: defaultdict[int, list[int]] = defaultdict(list)
    for article, group in sorted(known.items()):
        was[group].append(article)
    sizes = dict(db.execute("SELECT id, articles FROM copy_groups").fetchall())
    for group in sorted(sizes.keys() - members.keys()):
        db.execute("DELETE FROM copy_groups WHERE id = ?", [group])
    for group, articles in members.items():
        if was.get(group) != articles or sizes.get(group) != len(articles) or not new.isdisjoint(articles):
            _describe(db, group, articles)


def _describe(db: Database, group: int, articles: list[int]) -> None:
    """Note a group's agency, its earliest carrier, and what each carrier made of the earliest's text."""
    marks = ", ".join("?" * len(articles))
    carriers = rows(
        db,
        f"SELECT a.id, a.outlet, o.name, o.kind, a.wire, a.language, a.title, t.text, {_DAY} AS day"
        " FROM articles a JOIN texts t ON t.article = a.id JOIN outlets o ON o.id = a.outlet"
        f" WHERE a.id IN ({marks}) ORDER BY {_DAY}, a.id",
        articles,
    )
    first = carriers[0]
    db.execute("DELETE FROM copies WHERE copy_group = ?", [group])
    db.execute(f"DELETE FROM copies WHERE article IN ({marks})", articles)
    db.execute(
        "INSERT OR REPLACE INTO copy_groups (id, agency, earliest, articles, outlets, first_published,"
        " last_published) VALUES (?, ?, ?, ?, ?, ?, ?)",
        [group, agency_of(carriers), first["id"], len(carriers), len({c["outlet"] for c in carriers}),
         first["day"], carriers[-1]["day"]],
    )  # fmt: skip
    for carrier in carriers:
        change = revision_kinds("", first["text"], "", carrier["text"], carrier["language"])
        own = int(words(carrier["title"]) != words(first["title"]))
        db.execute(
            "INSERT INTO copies (article, copy_group, words_added, words_removed, own_headline)"
            " VALUES (?, ?, ?, ?, ?)",
            [carrier["id"], group, change.words_added, change.words_removed, own],
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
