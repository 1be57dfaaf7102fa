"""The archive database: opening it, and saving articles with every revision of them.

Every write goes through `transaction`. One process writes at a time (the crawl holds a lock); any number
read meanwhile, since the database is in WAL mode.
"""

import contextlib
import hashlib
import json
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlite_utils import Database

from archive.migrations import migrations
from archive.models import Article, ArticleStatus, Outcome, Outlet, Verdict
from archive.revisions import revision_kinds
from archive.seals import is_sealed, seal_all, seal_what_is_written
from archive.stems import note_words
from archive.times import local_to_utc, parse_utc, utc_now
from archive.urls import url_key

BUSY_TIMEOUT_SECONDS = 30.0  # how long a write waits for another program's lock
CHECKPOINT_PAGES = 4000  # of 4 KiB: a checkpoint waits for the disk, and need not every few articles
IDS_PER_DAY_BITS = 14  # 16,384 articles a day


class ArchiveError(Exception):
    """The archive cannot be opened, read or written; the message names the file and the cause."""


def open_archive(path: Path) -> Database:
    """Open the archive for writing; make it, or bring its schema up to date, where needed.

    Raises ArchiveError where the file is no archive, cannot be written, or was made by a newer version.
    """
    with _named_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        db = _connect(path)
        db.conn.execute("PRAGMA journal_mode = WAL")
        _refuse_newer_schema(db, path)
        if migrations.pending(db):
            if is_sealed(db.conn):  # what a step changes has no seal any more
                db.execute("DELETE FROM seals")
                db.commit()
            migrations.apply(db)
        if not is_sealed(db.conn):
            with transaction(db):
                seal_all(db.conn)
        seal_what_is_written(db.conn)
        return db


def open_existing(path: Path) -> Database:
    """Open an archive that is there already. Raises ArchiveError where there is none."""
    if not path.is_file():
        raise ArchiveError(f"{path}: there is no archive here; `bilateral crawl` makes one")
    return open_archive(path)


def _connect(path: Path) -> Database:
    # Written from the thread that runs the crawl's event loop only; the flag lets Scrapy's pool close it.
    connection = sqlite3.connect(path, timeout=BUSY_TIMEOUT_SECONDS, check_same_thread=False)
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute("PRAGMA foreign_keys = ON")
    # Words that are replaced must not linger in free pages, of which backups are copies too, until they are withdrawn.
    connection.execute("PRAGMA secure_delete = ON")
    connection.execute("PRAGMA cache_size = -65536")
    connection.execute(f"PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES}")
    return Database(connection)


@contextlib.contextmanager
def _named_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        raise ArchiveError(f"{path}: {error}") from error


def _refuse_newer_schema(db: Database, path: Path) -> None:
    known = {migration.name for migration in migrations._migrations}
    unknown = [migration.name for migration in migrations.applied(db) if migration.name not in known]
    if unknown:
        raise ArchiveError(f"{path}: made by a newer version of bilateral (schema step {unknown[-1]!r})")


@contextlib.contextmanager
def transaction(db: Database) -> Iterator[None]:
    """Run the block as one transaction that holds the write lock from its start; nested, as a savepoint."""
    if db.conn.in_transaction:
        with db.atomic():
            yield
        return
    db.conn.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        db.rollback()
        raise
    db.commit()


def rows(db: Database, sql: str, parameters: Sequence[Any] | dict[str, Any] = ()) -> list[dict[str, Any]]:
    """Return the rows of a query as dicts."""
    cursor = db.execute(sql, parameters)
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor]


def row(db: Database, sql: str, parameters: Sequence[Any] | dict[str, Any] = ()) -> dict[str, Any] | None:
    """Return the first row of a query as a dict, or None."""
    found = rows(db, sql, parameters)
    return found[0] if found else None


def save_outlets(db: Database, outlets: Sequence[Outlet]) -> None:
    """Bring the table of outlets in step with the registry. Outlets no longer declared stay."""
    with transaction(db):
        db.conn.executemany(
            "INSERT INTO outlets (id, name, country, language, kind, homepage, timezone, access, delay,"
            " screen, watched_since) VALUES (?,?,?,?,?,?,?,?,?,?,?)"
            " ON CONFLICT (id) DO UPDATE SET name=excluded.name, country=excluded.country,"
            " language=excluded.language, kind=excluded.kind, homepage=excluded.homepage,"
            " timezone=excluded.timezone, access=excluded.access, delay=excluded.delay,"
            " screen=excluded.screen",
            [
                (o.id, o.name, o.country, o.language, o.kind, o.homepage, o.timezone, o.access, o.delay,
                 o.screen, utc_now())
                for o in outlets
            ],
        )  # fmt: skip


def text_digest(title: str, text: str) -> str:
    """Return the SHA-256 (hex) by which two versions of an article are told apart."""
    return hashlib.sha256(f"{title}\n\n{text}".encode()).hexdigest()


def find_article(db: Database, url: str) -> dict[str, Any] | None:
    """Return the article known under this address or under another form of it."""
    return row(db, "SELECT * FROM articles WHERE key = ?", [url_key(url)])


def save_article(
    db: Database, outlet: Outlet, article: Article, verdict: Verdict, *, seen: str, snapshot: int | None
) -> tuple[int, Outcome]:
    """Store an article, or a new revision of one already stored; an unchanged one adds nothing.

    Returns the article's id and NEW, REVISED or UNCHANGED.
    """
    with transaction(db):
        known = find_article(db, article.url)
        if known is None:
            return _insert_article(db, outlet, article, verdict, seen=seen, snapshot=snapshot), Outcome.NEW
        return known["id"], _update_article(db, known, article, verdict, seen=seen, snapshot=snapshot)


def _insert_article(
    db: Database, outlet: Outlet, article: Article, verdict: Verdict, *, seen: str, snapshot: int | None
) -> int:
    columns = {
        **_article_columns(article, outlet),
        **_verdict_columns(verdict),
        "id": next_id(db, local_to_utc(article.published_local) or seen),
        "url": article.url,
        "key": url_key(article.url),
        "outlet": outlet.id,
        "country": outlet.country,
        "first_seen": seen,
        "last_checked": seen,
    }
    _insert(db, "articles", columns)
    number = int(columns["id"])
    _insert(
        db,
        "texts",
        {"article": number, "title": article.title, "description": article.description,
         "text": article.text},
    )  # fmt: skip
    note_words(db, number, columns["language"], article.title, article.description, article.text)
    _insert_revision(db, number, 1, article, seen=seen, snapshot=snapshot)
    return number


def _update_article(
    db: Database,
    known: dict[str, Any],
    article: Article,
    verdict: Verdict,
    *,
    seen: str,
    snapshot: int | None,
) -> Outcome:
    number: int = known["id"]
    before = row(db, "SELECT title, text FROM texts WHERE article = ?", [number])
    assert before is not None
    db.execute("UPDATE articles SET last_checked = max(last_checked, ?) WHERE id = ?", [seen, number])
    if known["sha256"] == text_digest(article.title, article.text):
        return Outcome.UNCHANGED
    change = revision_kinds(before["title"], before["text"], article.title, article.text, article.language)
    if not change.kinds:
        return Outcome.UNCHANGED
    columns = _article_columns(article, None) | _verdict_columns(verdict)
    # What was published stays the first thing the publisher said of it; a page that falls off the
    # subject by an edit stays in the archive, where the edit can be seen.
    for kept in ("published", "published_local", "published_source", "published_precision"):
        if known[kept]:
            columns.pop(kept)
    if verdict.grade == 0:
        columns["grade"] = known["grade"]
    columns["revisions"] = known["revisions"] + 1
    _update(db, "articles", columns, number)
    db.execute("UPDATE texts SET text = ? WHERE article = ?", [article.text, number])
    language = columns.get("language", known["language"])
    note_words(db, number, language, article.title, article.description, article.text)
    _insert_revision(
        db, number, known["revisions"] + 1, article, seen=seen, snapshot=snapshot,
        kinds=change.kinds, words_added=change.words_added, words_removed=change.words_removed,
    )  # fmt: skip
    return Outcome.REVISED


def is_withdrawn(db: Database, *addresses: str, article: int | None = None) -> bool:
    """Return whether the article, or one of these addresses, was withdrawn on request (see archive.takedown)."""
    marks = ", ".join("?" * len(addresses))
    sql = f"SELECT 1 FROM takedowns WHERE lifted IS NULL AND (key IN ({marks}) OR article = ?)"
    return row(db, sql, [*(url_key(address) for address in addresses), article]) is not None


def replace_reading(db: Database, number: int, article: Article, verdict: Verdict) -> bool:
    """Put what today's code reads off a stored page in place of what an earlier version read.

    This is our change and not the publisher's: the latest revision is overwritten and none is added.
    A grade of 0 takes the article out of searches and counts; nothing of it is deleted.
    Returns whether anything changed.
    """
    with transaction(db):
        known = row(db, "SELECT * FROM articles WHERE id = ?", [number])
        if known is None or is_withdrawn(db, known["url"], article=number):
            return False
        columns = _article_columns(article, None) | _verdict_columns(verdict)
        if all(known[name] == value for name, value in columns.items()):
            return False
        _update(db, "articles", columns, number)
        db.execute("UPDATE texts SET text = ? WHERE article = ?", [article.text, number])
        language = columns.get("language", known["language"])
        note_words(db, number, language, article.title, article.description, article.text)
        db.execute(
            "UPDATE revisions SET title = ?, description = ?, text = ?, sha256 = ?"
            " WHERE article = ? AND number = ?",
            [article.title, article.description, article.text, columns["sha256"], number,
             known["revisions"]],
        )  # fmt: skip
        return True


def replace_text(db: Database, number: int, title: str, text: str) -> None:
    """Put another reading of an article's text in place; the publisher changed nothing, and no revision is added."""
    db.execute("UPDATE texts SET text = ? WHERE article = ?", [text, number])
    _update(db, "articles", {"sha256": text_digest(title, text), "word_count": len(text.split())}, number)


def replace_revision_text(db: Database, revision: dict[str, Any], text: str) -> None:
    """Put another reading of a revision's text in place."""
    db.execute(
        "UPDATE revisions SET text = ?, sha256 = ? WHERE id = ?",
        [text, text_digest(revision["title"], text), revision["id"]],
    )


def _article_columns(article: Article, outlet: Outlet | None) -> dict[str, Any]:
    columns = {
        "title": article.title,
        "description": article.description,
        "authors": "; ".join(article.authors),
        "section": article.section,
        "tags": json.dumps(article.tags, ensure_ascii=False),
        "published": local_to_utc(article.published_local),
        "published_local": article.published_local,
        "published_source": article.published_source,
        "published_precision": article.published_precision,
        "modified": local_to_utc(article.modified_local),
        "modified_local": article.modified_local,
        "zone_assumed": int(article.zone_assumed),
        "dates": json.dumps([asdict(date) for date in article.dates], ensure_ascii=False),
        "word_count": len(article.text.split()),
        "wire": article.wire,
        "paywalled": int(article.paywalled),
        "completeness": article.completeness,
        "form": article.form,
        "text_source": article.text_source,
        "encoding_repaired": article.encoding_repaired,
        "sha256": text_digest(article.title, article.text),
        "image": article.image,
    }
    language = article.language or (outlet.language if outlet else None)
    return {**columns, "language": language} if language else columns


def _verdict_columns(verdict: Verdict) -> dict[str, Any]:
    return {
        "grade": verdict.grade,
        "score": verdict.score,
        "terms": terms_json(verdict),
        "topic_version": verdict.topic_version,
    }


def terms_json(verdict: Verdict) -> str:
    """Return the reasons of a verdict as the JSON kept in ``articles.terms`` and ``verdicts.terms``."""
    reasons = [{"text": t.text, "where": t.where, "points": t.points, "why": t.why} for t in verdict.terms]
    return json.dumps(reasons, ensure_ascii=False)


def _insert_revision(
    db: Database,
    article_id: int,
    number: int,
    article: Article,
    *,
    seen: str,
    snapshot: int | None,
    kinds: Sequence[str] = (),
    words_added: int | None = None,
    words_removed: int | None = None,
) -> None:
    columns = {
        "article": article_id,
        "number": number,
        "seen": seen,
        "title": article.title,
        "description": article.description,
        "text": article.text,
        "sha256": text_digest(article.title, article.text),
        "snapshot": snapshot,
        "kinds": json.dumps(list(kinds)),
        "words_added": words_added,
        "words_removed": words_removed,
    }
    _insert(db, "revisions", columns)


def next_id(db: Database, moment: str) -> int:
    """Return the next free id of the day: ``days since 1970 << 14 | number within the day``."""
    day = (parse_utc(moment) - datetime(1970, 1, 1, tzinfo=UTC)).days
    low, high = day << IDS_PER_DAY_BITS, (day + 1) << IDS_PER_DAY_BITS
    (last,) = db.execute("SELECT max(id) FROM articles WHERE id >= ? AND id < ?", [low, high]).fetchone()
    number = low if last is None else int(last) + 1
    if number >= high:
        raise ArchiveError(f"more than {1 << IDS_PER_DAY_BITS} articles of {moment[:10]}")
    return number


def set_status(
    db: Database, article: int, status: ArticleStatus, *, seen: str, detail: str, snapshot: int | None
) -> bool:
    """Note that an article went away, moved, or came back. Returns whether that is news."""
    with transaction(db):
        known = row(db, "SELECT status FROM articles WHERE id = ?", [article])
        db.execute("UPDATE articles SET last_checked = max(last_checked, ?) WHERE id = ?", [seen, article])
        if known is None or known["status"] == status:
            return False
        db.execute("UPDATE articles SET status = ? WHERE id = ?", [status, article])
        _insert(
            db,
            "events",
            {"article": article, "seen": seen, "event": "returned" if status == "live" else status,
             "detail": detail, "snapshot": snapshot},
        )  # fmt: skip
        return True


def touch_article(db: Database, article: int, seen: str) -> None:
    """Note that an article was looked at again, whatever came of it."""
    with transaction(db):
        db.execute("UPDATE articles SET last_checked = max(last_checked, ?) WHERE id = ?", [seen, article])


def revisions_of(db: Database, article: int) -> list[dict[str, Any]]:
    """Return all revisions of an article, the first seen first."""
    return rows(db, "SELECT * FROM revisions WHERE article = ? ORDER BY number", [article])


def _insert(db: Database, table: str, columns: dict[str, Any]) -> int:
    names, marks = ", ".join(columns), ", ".join("?" * len(columns))
    cursor = db.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", list(columns.values()))
    return int(cursor.lastrowid or 0)


def _update(db: Database, table: str, columns: dict[str, Any], number: int) -> None:
    assignments = ", ".join(f"{name} = ?" for name in columns)
    db.execute(f"UPDATE {table} SET {assignments} WHERE id = ?", [*columns.values(), number])
