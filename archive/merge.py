"""Joining archives that were made on several machines.

What both have is told by what it is (an address, a capture's time and digest), never by its number, and every choice
between two rows is the larger or smaller of the two in some order: so nothing is there twice, and it does not matter
in which order archives are merged. Copies and stories are not merged but found anew (`bilateral group`).
"""

import json
import os
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sqlite_utils import Database

from archive.history import Version, file_snapshots, rewrite, versions_of
from archive.merge_backfill import merge_backfill
from archive.stems import note_words
from archive.store import ArchiveError, is_withdrawn, next_id, open_existing, row, rows, transaction
from archive.takedown import forget_indexed, withdraw_again
from archive.warc_files import copy_files

Row = dict[str, Any]

# What a URL has come to, the furthest first: where two archives differ, the one that came further is right.
STATES = ("archived", "duplicate", "off-topic", "blocked", "failed", "screened-out", "queued")
_OF_A_SNAPSHOT = (
    "page", "url", "fetched", "status", "payload_digest", "content_type", "etag", "last_modified",
)  # fmt: skip
_FILES_OF_NEW_SNAPSHOTS = (
    "SELECT DISTINCT theirs.warc_file FROM other.snapshots theirs WHERE NOT EXISTS (SELECT 1 FROM snapshots ours WHERE "
    + " AND ".join(f"ours.{name} IS theirs.{name}" for name in _OF_A_SNAPSHOT)
    + ") ORDER BY 1"
)


@dataclass(slots=True)
class Merged:
    """What came in: new articles, articles that gained versions, snapshots, pages, crawls and WARC files."""

    articles: int = 0
    extended: int = 0
    snapshots: int = 0
    pages: int = 0
    crawls: int = 0
    warc_files: int = 0


def merge(db: Database, path: Path, *, folder: Path, other_folder: Path) -> Merged:
    """Bring all that the archive at ``path`` has into this one. The caller holds the lock of this one.

    ``folder`` and ``other_folder`` are their WARC folders; files with snapshots that are not here yet are copied. All
    rows come in one transaction.

    Raises ArchiveError where ``path`` is no archive or this very one, or a WARC file it names is missing.
    """
    open_existing(path).close()  # brings its schema up to date
    (own,) = [file for _, name, file in db.execute("PRAGMA database_list").fetchall() if name == "main"]
    if os.path.samefile(own, path):
        raise ArchiveError(f"{path}: is this very archive")
    db.execute("ATTACH DATABASE ? AS other", [str(path.resolve())])
    try:
        merged = Merged()
        names = [name for (name,) in db.execute(_FILES_OF_NEW_SNAPSHOTS).fetchall()]
        files, merged.warc_files = copy_files(names, other_folder, folder)
        with transaction(db):
            db.execute("PRAGMA defer_foreign_keys = ON")
            withdrawn = _Merge(db, files, merged).run()
        if withdrawn:
            forget_indexed(db)
        return merged
    except sqlite3.Error as error:
        raise ArchiveError(f"{path}: {error}") from error
    finally:
        db.execute("DETACH DATABASE other")


class _Merge:
    """One merge under way: the other archive is attached as ``other``; its numbers are mapped to ours."""

    def __init__(self, db: Database, files: dict[str, str], merged: Merged) -> None:
        self.db = db
        self.files = files
        self.merged = merged
        self.snapshots: dict[int, int] = {}
        self.articles: dict[int, int] = {}

    def run(self) -> bool:
        """Merge table after table, those that others point at first. Returns whether withdrawn words had come in."""
        self._keyed("outlets", ("id",), _watched_longest, order=_outlet_order)
        self._snapshots()
        self._articles()
        self._point_snapshots()
        self._keyed("pages", ("url",), _first_found, order=_page_order)
        self._keyed("verdicts", ("page",), _itself, order=lambda row: (row["judged"], _as_json(row)))
        self._keyed("routes", ("url",), _itself, order=lambda row: (row["last_checked"] or "", _as_json(row)))
        self._keyed("samples", ("name", "url"), _itself, order=_as_json)
        self._keyed("boilerplate", ("outlet", "digest"), _itself, order=_as_json)
        self._keyed("page_lines", ("outlet", "digest", "page"), _itself, order=_as_json)
        self._union("events", ("article", "seen", "event", "detail"))
        self._union("labels", ("url", "grade", "note", "coder", "created", "topic_version"))
        self._crawls()
        withdrawn = self._takedowns()
        merge_backfill(self.db, self.snapshots)
        return withdrawn

    def _others(self, table: str) -> Iterator[Row]:
        cursor = self.db.conn.execute(f"SELECT * FROM other.{table} ORDER BY 1")
        names = [column[0] for column in cursor.description]
        for values in cursor:
            yield dict(zip(names, values, strict=True))

    def _mapped(self, columns: Row) -> Row:
        """Return a row of the other archive with our numbers in it."""
        if columns.get("article") is not None:
            columns["article"] = self.articles[columns["article"]]
        if columns.get("snapshot") is not None:
            columns["snapshot"] = self.snapshots[columns["snapshot"]]
        return columns

    def _keyed(
        self, table: str, key: tuple[str, ...], joined: Callable[[Row, Row], Row], *,
        order: Callable[[Row], Any],
    ) -> None:  # fmt: skip
        """Merge a table with a key: of two rows the one that comes last in ``order``, ``joined`` with the other."""
        where = " AND ".join(f"{name} = ?" for name in key)
        for theirs in self._others(table):
            columns = self._mapped(theirs)
            ours = row(self.db, f"SELECT * FROM {table} WHERE {where}", [columns[name] for name in key])
            if ours is None:
                _insert(self.db, table, columns)
                self.merged.pages += table == "pages"
                continue
            first, last = sorted((ours, columns), key=order)
            chosen = joined(last, first)
            if chosen != ours:
                names = ", ".join(f"{name} = ?" for name in chosen)
                self.db.execute(
                    f"UPDATE {table} SET {names} WHERE {where}",
                    [*chosen.values(), *(columns[name] for name in key)],
                )

    def _union(self, table: str, key: tuple[str, ...]) -> None:
        """Add the rows that are not there yet, told by all of ``key``."""
        where = " AND ".join(f"{name} IS ?" for name in key)
        for theirs in self._others(table):
            columns = self._mapped(theirs)
            del columns["id"]
            if row(self.db, f"SELECT 1 FROM {table} WHERE {where}", [columns[name] for name in key]) is None:
                _insert(self.db, table, columns)

    def _snapshots(self) -> None:
        where = " AND ".join(f"{name} IS ?" for name in _OF_A_SNAPSHOT)
        for theirs in self._others("snapshots"):
            ours = row(
                self.db,
                f"SELECT id, outcome FROM snapshots WHERE {where}",
                [theirs[n] for n in _OF_A_SNAPSHOT],
            )
            number = theirs.pop("id")
            if ours is None:
                theirs |= {"article": None, "warc_file": self.files[theirs["warc_file"]]}
                self.snapshots[number] = _insert(self.db, "snapshots", theirs)
                self.merged.snapshots += 1
                continue
            self.snapshots[number] = ours["id"]
            if theirs["outcome"] == "withdrawn":
                self.db.execute("UPDATE snapshots SET outcome = 'withdrawn' WHERE id = ?", [ours["id"]])

    def _point_snapshots(self) -> None:
        """Say of which article each snapshot is: that of its own address, where the archives differ."""
        found = self.db.execute(
            "SELECT id, article FROM other.snapshots WHERE article IS NOT NULL"
        ).fetchall()
        either = "FROM main.articles a WHERE a.id IN (s.article, :theirs)"
        self.db.conn.executemany(
            f"UPDATE main.snapshots AS s SET article = coalesce((SELECT a.id {either} AND a.url = s.page),"
            f" (SELECT a.id {either} ORDER BY a.url LIMIT 1)) WHERE s.id = :snapshot",
            [
                {"theirs": self.articles[article], "snapshot": self.snapshots[number]}
                for number, article in found
            ],
        )
        for article in self.articles.values():
            file_snapshots(self.db, article)

    def _articles(self) -> None:
        for theirs in self._others("articles"):
            ours = row(self.db, "SELECT * FROM articles WHERE key = ?", [theirs["key"]])
            if ours is None:
                self._add_article(theirs)
            elif is_withdrawn(self.db, ours["url"], article=ours["id"]) or self._withdrawn_there(theirs):
                self._join_withdrawn(ours, theirs)
            else:
                self._join_article(ours, theirs)

    def _withdrawn_there(self, theirs: Row) -> bool:
        sql = "SELECT 1 FROM other.takedowns WHERE lifted IS NULL AND (key = ? OR article = ?)"
        return row(self.db, sql, [theirs["key"], theirs["id"]]) is not None

    def _add_article(self, theirs: Row) -> None:
        number = theirs["id"]
        if row(self.db, "SELECT 1 FROM articles WHERE id = ?", [number]):
            number = next_id(self.db, theirs["published"] or theirs["first_seen"])
        self.articles[theirs["id"]] = number
        _insert(self.db, "articles", theirs | {"id": number, "story": None, "copy_group": None})
        for text in rows(self.db, "SELECT * FROM other.texts WHERE article = ?", [theirs["id"]]):
            _insert(self.db, "texts", text | {"article": number})
            note_words(self.db, number, theirs["language"], text["title"], text["description"], text["text"])
        for table in ("revisions", "sightings"):
            for columns in rows(self.db, f"SELECT * FROM other.{table} WHERE article = ?", [theirs["id"]]):
                del columns["id"]
                _insert(self.db, table, self._mapped(columns))
        self.merged.articles += 1

    def _join_article(self, ours: Row, theirs: Row) -> None:
        number = ours["id"]
        self.articles[theirs["id"]] = number
        known = versions_of(self.db, number)
        seen_there = [
            replace(version, snapshot=self.snapshots.get(version.snapshot or 0))
            for version in versions_of(self.db, theirs["id"], schema="other")
        ]
        later, earlier = _later_first(ours, theirs, known[-1], seen_there[-1])
        joined = _joined_articles(later, earlier)
        self._update_article(ours, joined)
        if not {_shown(version) for version in seen_there} <= {_shown(version) for version in known}:
            rewrite(self.db, number, {*known, *seen_there})
            last = max(*known, *seen_there, key=_shown)
            note_words(self.db, number, joined["language"], last.title, last.description, last.text)
            self.merged.extended += 1

    def _join_withdrawn(self, ours: Row, theirs: Row) -> None:
        """Join times and state of an article whose words are gone, here or there; versions and headline stay ours."""
        self.articles[theirs["id"]] = ours["id"]
        joined = _joined_articles(ours, theirs)
        kept = ("first_seen", "last_checked", "status", *_PUBLISHED)
        self._update_article(ours, {name: joined[name] for name in kept})

    def _update_article(self, ours: Row, joined: Row) -> None:
        if joined != {name: ours[name] for name in joined}:
            names = ", ".join(f"{name} = ?" for name in joined)
            self.db.execute(f"UPDATE articles SET {names} WHERE id = ?", [*joined.values(), ours["id"]])

    def _crawls(self) -> None:
        for theirs in self._others("crawls"):
            number = theirs.pop("id")
            where = " AND ".join(f"{name} IS ?" for name in theirs)
            if row(self.db, f"SELECT 1 FROM crawls WHERE {where}", list(theirs.values())):
                continue
            crawl = _insert(self.db, "crawls", theirs)
            self.merged.crawls += 1
            for visit in rows(self.db, "SELECT * FROM other.crawl_outlets WHERE crawl = ?", [number]):
                _insert(self.db, "crawl_outlets", visit | {"crawl": crawl})

    def _takedowns(self) -> bool:
        """Add the public log; what is withdrawn in one archive is withdrawn in the merged one."""
        for theirs in self._others("takedowns"):
            columns = self._mapped(theirs)
            ours = row(
                self.db,
                "SELECT id, lifted FROM takedowns WHERE key = ? AND created = ? AND reason = ?",
                [columns["key"], columns["created"], columns["reason"]],
            )
            if ours is None:
                _insert(self.db, "takedowns", {k: v for k, v in columns.items() if k != "id"})
            elif columns["lifted"] and not ours["lifted"]:
                self.db.execute(
                    "UPDATE takedowns SET lifted = ? WHERE id = ?", [columns["lifted"], ours["id"]]
                )
        return withdraw_again(self.db)


def _shown(version: Version) -> tuple[str, str, str]:
    return version.seen, version.title, version.text


def _insert(db: Database, table: str, columns: Row) -> int:
    names, marks = ", ".join(columns), ", ".join("?" * len(columns))
    cursor = db.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", list(columns.values()))
    return int(cursor.lastrowid or 0)


def _as_json(columns: Row) -> str:
    """Return a row as text in which no number of one archive stands: the last resort of every order."""
    return json.dumps({k: v for k, v in sorted(columns.items()) if k not in ("article", "snapshot")})


def _itself(last: Row, first: Row) -> Row:
    return last


def _watched_longest(last: Row, first: Row) -> Row:
    since = [columns["watched_since"] for columns in (last, first) if columns["watched_since"]]
    return last | {"watched_since": min(since, default=None)}


def _outlet_order(columns: Row) -> str:
    return _as_json(columns | {"watched_since": None})


def _page_order(columns: Row) -> Any:
    state = -STATES.index(columns["state"])
    return state, columns["last_try"] or "", columns["reason"], columns["redirected_to"] or ""


_FOUND = ("discovered", "via", "route", "headline", "summary", "published_local", "content")


def _first_found(last: Row, first: Row) -> Row:
    """Return what a page has come to, with how it was found first and how often it was tried."""
    found = min(last, first, key=lambda columns: tuple(columns[name] or "" for name in _FOUND))
    tried = [columns["last_try"] for columns in (last, first) if columns["last_try"]]
    return (
        last
        | {name: found[name] for name in _FOUND}
        | {"tries": max(last["tries"], first["tries"]), "last_try": max(tried, default=None)}
    )


_PUBLISHED = ("published", "published_local", "published_source", "published_precision")
_OF_THE_ROW = ("id", "story", "copy_group", "revisions", "sha256", "word_count", "first_seen", "last_checked")


def _later_first(ours: Row, theirs: Row, our_last: Version, their_last: Version) -> tuple[Row, Row]:
    """Return the two rows of an article, that of the latest version first."""

    def order(pair: tuple[Version, Row]) -> Any:
        version, columns = pair
        return version.seen, version.title, version.text, columns["topic_version"], _as_json(_told(columns))

    (_, earlier), (_, later) = sorted([(our_last, ours), (their_last, theirs)], key=order)
    return later, earlier


def _told(columns: Row) -> Row:
    return {name: value for name, value in columns.items() if name not in _OF_THE_ROW}


def _joined_articles(later: Row, earlier: Row) -> Row:
    """Return an article's columns: as its latest version says, published as first said, its state as last looked at."""
    published = min(
        (columns for columns in (later, earlier) if columns["published"]),
        key=lambda columns: tuple(columns[name] or "" for name in _PUBLISHED),
        default=later,
    )
    checked = max(later, earlier, key=lambda columns: (columns["last_checked"], columns["status"]))
    return _told(later) | {name: published[name] for name in _PUBLISHED} | {
        "status": checked["status"],
        "first_seen": min(later["first_seen"], earlier["first_seen"]),
        "last_checked": checked["last_checked"],
    }  # fmt: skip
