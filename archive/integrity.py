"""Is everything that the archive says it has really there, and whole? And copies of it that can be trusted.

Each check yields a `Finding`: damage, with its place named, or a note on what is unusual but harmless.
The files of snapshots are checked in `archive.warc_check`.
"""

import contextlib
import shutil
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from archive.exports.files import replaced
from archive.migrations import migrations
from archive.seals import broken, is_sealed
from archive.store import text_digest
from archive.times import local_to_utc
from archive.warc_check import Finding, check_warcs, damage, note

STATES = ("screened-out", "queued", "off-topic", "archived", "failed", "duplicate", "blocked")
NAMED_ROWS = 100  # of one damage; the others are counted
COPIED_PAGES = 2048  # of the database between two looks at who else wants it

Check = Callable[[sqlite3.Connection], Iterator[Finding]]


class IntegrityError(Exception):
    """A database cannot be read or copied; the message names the file and the cause."""


def verify(path: Path, folder: Path) -> Iterator[Finding]:
    """Check an archive and its WARC folder; nothing of them is changed.

    Yields the findings as they are made. The check of the full-text index holds the write lock while it
    runs: a crawl waits for it.
    """
    try:
        db = _connect(path)
        snapshots = db.execute("SELECT count(*) FROM sqlite_master WHERE name = 'snapshots'").fetchone()
    except sqlite3.Error as error:
        yield damage("database", str(path), f"cannot be read as a SQLite database: {error}")
        return
    if not snapshots[0]:
        yield damage("database", str(path), "is no archive: it has no table of snapshots")
        return
    with contextlib.closing(db):
        yield from verify_database(db)
        try:
            yield from check_warcs(db, folder)
        except (sqlite3.Error, UnicodeDecodeError) as error:
            yield damage("warc", "table snapshots", f"cannot be read: {error}")


def verify_database(db: sqlite3.Connection) -> Iterator[Finding]:
    """Check one open database: SQLite's own checks, the index, and what the tables say of one another."""
    for check in CHECKS:
        name = check.__name__.removeprefix("_check_").replace("_", " ")
        try:
            yield from check(db)
        except (sqlite3.Error, UnicodeDecodeError) as error:  # the latter of damaged names and numbers
            yield damage(name, "database", f"this check could not be carried out: {error}")


def _connect(path: Path) -> sqlite3.Connection:
    if not path.is_file():
        raise sqlite3.OperationalError("no such file")
    db = sqlite3.connect(f"{path.resolve().as_uri()}?mode=rw", uri=True, timeout=30.0)
    db.text_factory = _text
    db.execute("PRAGMA schema_version").fetchone()
    return db


def _text(stored: bytes) -> str:
    """Return what is stored as text; damaged it may be none."""
    return stored.decode(errors="replace")


def _check_database(db: sqlite3.Connection) -> Iterator[Finding]:
    for (line,) in db.execute("PRAGMA integrity_check(100)"):
        if line != "ok":
            yield damage("database", "SQLite integrity_check", str(line))


def _check_foreign_keys(db: sqlite3.Connection) -> Iterator[Finding]:
    for table, rowid, parent, _ in db.execute("PRAGMA foreign_key_check"):
        yield damage("foreign keys", f"{table} row {rowid}", f"points at a row of {parent} that is not there")


def _check_schema(db: sqlite3.Connection) -> Iterator[Finding]:
    applied = {
        name
        for (name,) in db.execute("SELECT name FROM _sqlite_migrations WHERE migration_set = 'bilateral'")
    }
    for migration in migrations._migrations:
        if migration.name not in applied:
            yield note("schema", f"step {migration.name}", "not applied yet; the next crawl applies it")


def _check_full_text_index(db: sqlite3.Connection) -> Iterator[Finding]:
    names = db.execute(
        "SELECT name, sql FROM sqlite_master WHERE type = 'table' AND sql LIKE 'CREATE VIRTUAL TABLE%fts5%'"
    ).fetchall()
    for name, sql in names:
        if "content=[texts]" in sql.replace('"texts"', "[texts]").replace("'texts'", "[texts]"):
            yield from _check_in_step(db, name)
        try:
            db.execute(f"INSERT INTO [{name}]([{name}], rank) VALUES ('integrity-check', 1)")
        except sqlite3.DatabaseError as error:
            if "locked" in str(error) or "readonly" in str(error):
                yield note("full-text index", name, f"not compared word by word: {error}")
            else:
                yield damage(
                    "full-text index", name, f"out of step with the texts, or damaged inside: {error}"
                )
        finally:
            db.rollback()


def _check_in_step(db: sqlite3.Connection, name: str) -> Iterator[Finding]:
    yield from _rows(
        db, "full-text index", name + ", article {}", "the text is not in the index",
        f"SELECT article FROM texts EXCEPT SELECT id FROM [{name}_docsize]",
    )  # fmt: skip
    yield from _rows(
        db, "full-text index", name + ", row {}", "is indexed, but there is no such text",
        f"SELECT id FROM [{name}_docsize] EXCEPT SELECT article FROM texts",
    )  # fmt: skip


def _check_texts(db: sqlite3.Connection) -> Iterator[Finding]:
    yield from _rows(
        db, "texts", "article {}", "has no text",
        "SELECT id FROM articles WHERE id NOT IN (SELECT article FROM texts)",
    )  # fmt: skip
    yield from _rows(
        db, "texts", "article {}", "its title or description in texts is not the one in articles",
        "SELECT a.id FROM articles a JOIN texts t ON t.article = a.id"
        " WHERE t.title IS NOT a.title OR t.description IS NOT a.description",
    )  # fmt: skip
    stored = db.execute(
        "SELECT a.id, a.title, t.text, a.sha256 FROM articles a JOIN texts t ON t.article = a.id"
        f" WHERE {_not_withdrawn(db, 'a.id')}"
    )
    for article, title, text, digest in stored:
        if text_digest(title, text) != digest:
            yield damage("texts", f"article {article}", "its title and text do not have the digest on record")


def _check_times(db: sqlite3.Connection) -> Iterator[Finding]:
    for name in ("published", "modified"):
        stored = db.execute(f"SELECT id, {name}, {name}_local FROM articles WHERE {name}_local IS NOT NULL")
        for article, moment, local in stored:
            try:
                same = local_to_utc(local) == moment
            except ValueError:
                same = False
            if not same:
                yield damage(
                    "times", f"article {article}", f"{name} and {name}_local are not the same moment"
                )


def _check_revisions(db: sqlite3.Connection) -> Iterator[Finding]:
    yield from _rows(
        db, "revisions", "article {}",
        "its revisions are not numbered 1 to the number that articles.revisions says",
        "SELECT a.id FROM articles a LEFT JOIN revisions r ON r.article = a.id GROUP BY a.id"
        " HAVING count(r.id) != a.revisions OR min(r.number) IS NOT 1 OR max(r.number) IS NOT a.revisions",
    )  # fmt: skip
    yield from _rows(
        db, "revisions", "article {}", "its last revision is not the version that articles and texts hold",
        "SELECT a.id FROM articles a JOIN revisions r ON r.article = a.id AND r.number = a.revisions"
        " WHERE r.sha256 IS NOT a.sha256",
    )  # fmt: skip
    stored = db.execute(
        "SELECT id, article, number, title, text, sha256 FROM revisions"
        f" WHERE {_not_withdrawn(db, 'article')}"
    )
    for row, article, number, title, text, digest in stored:
        if text_digest(title, text) != digest:
            yield damage(
                "revisions",
                f"revision {row}",
                f"number {number} of article {article} does not have its digest",
            )


def _check_pages(db: sqlite3.Connection) -> Iterator[Finding]:
    marks = ", ".join(f"'{state}'" for state in STATES)
    yield from _rows(
        db, "pages", "page {}", "is in a state that does not exist",
        f"SELECT url FROM pages WHERE state NOT IN ({marks})",
    )  # fmt: skip
    yield from _rows(
        db, "pages", "page {}", "is archived, but no article is named",
        "SELECT url FROM pages WHERE state = 'archived' AND article IS NULL",
    )  # fmt: skip
    yield from _rows(
        db, "pages", "page {}", "was kept in a snapshot, and is not among the pages",
        "SELECT DISTINCT page FROM snapshots WHERE page NOT IN (SELECT url FROM pages)",
    )  # fmt: skip
    yield from _rows(
        db, "pages", "article {}", "none of the pages leads to it",
        "SELECT id FROM articles WHERE id NOT IN (SELECT article FROM pages WHERE article IS NOT NULL)",
        severity=note,
    )  # fmt: skip


def _check_snapshots(db: sqlite3.Connection) -> Iterator[Finding]:
    (waiting,) = db.execute("SELECT count(*) FROM snapshots WHERE outcome IS NULL").fetchone()
    if waiting:
        yield note("snapshots", "table snapshots", f"{waiting} kept but not read yet; the next crawl does it")


def _check_seals(db: sqlite3.Connection) -> Iterator[Finding]:
    if not is_sealed(db):
        yield note("seals", "all tables", "their rows are not sealed yet; the next crawl does it")
        return
    named = Counter[tuple[str, str]]()
    for table, row, what in broken(db):
        named[table, what] += 1
        if named[table, what] <= NAMED_ROWS:
            yield damage("seals", f"{table} row {row}", what)
    for (table, what), number in named.items():
        if number > NAMED_ROWS:
            yield damage("seals", f"{table}, {number - NAMED_ROWS} more rows", what)


CHECKS: tuple[Check, ...] = (
    _check_database,
    _check_foreign_keys,
    _check_schema,
    _check_full_text_index,
    _check_texts,
    _check_times,
    _check_revisions,
    _check_pages,
    _check_snapshots,
    _check_seals,
)


def _rows(
    db: sqlite3.Connection,
    check: str,
    where: str,
    what: str,
    sql: str,
    severity: Callable[[str, str, str], Finding] = damage,
) -> Iterator[Finding]:
    for number, (name,) in enumerate(db.execute(sql)):
        if number == NAMED_ROWS:
            (of,) = db.execute(f"SELECT count(*) FROM ({sql})").fetchone()
            yield severity(check, f"and {of - number} more", what)
            return
        yield severity(check, where.format(name), what)


def _not_withdrawn(db: sqlite3.Connection, column: str) -> str:
    """Return the condition that leaves out articles whose text was withdrawn on request."""
    has_log = db.execute("SELECT 1 FROM sqlite_master WHERE name = 'takedowns'").fetchone()
    if not has_log:
        return "1"
    return f"{column} NOT IN (SELECT article FROM takedowns WHERE article IS NOT NULL AND lifted IS NULL)"


def backup(source: Path, target: Path) -> list[Finding]:
    """Copy the database to ``target`` while others read and write it, and check the copy.

    The copy gets its name only when it is whole and free of damage; whatever was there before stays until
    then. Returns the notes made while checking. Raises IntegrityError, and OSError.
    """
    if target.exists() and target.samefile(source):
        raise IntegrityError(f"{target}: is the archive itself")
    with replaced(target) as temporary:
        _copy(source, temporary)
        with contextlib.closing(sqlite3.connect(temporary)) as copy:
            findings = list(verify_database(copy))
        damages = [found for found in findings if found.severity == "damage"]
        if damages:
            first = damages[0]
            raise IntegrityError(
                f"{source}: the copy is damaged and was not kept ({first.where}: {first.what})"
            )
    return findings


def _copy(source: Path, target: Path) -> None:
    try:
        with (
            contextlib.closing(_connect(source)) as archive,
            contextlib.closing(sqlite3.connect(target)) as copy,
        ):
            # One read transaction holds the state copied, however much is written meanwhile; copied a few
            # pages at a time, a busy crawl would make the copy begin anew again and again.
            archive.execute("BEGIN")
            archive.execute("SELECT count(*) FROM sqlite_master").fetchone()
            archive.backup(copy, pages=COPIED_PAGES)
            # A single file that needs no -wal beside it; writing to it later brings WAL back.
            copy.execute("PRAGMA journal_mode = DELETE")
    except sqlite3.Error as error:
        raise IntegrityError(f"{source}: {error}") from error


def copy_warcs(source: Path, target: Path) -> int:
    """Copy WARC files that ``target`` does not have, or has shorter. Returns how many were copied.

    Files are only ever appended to, so a copy of the same length is the same file.
    """
    copied = 0
    for path in sorted(source.glob("*/*.warc.gz")):
        other = target / path.relative_to(source)
        if other.is_file() and other.stat().st_size == path.stat().st_size:
            continue
        other.parent.mkdir(parents=True, exist_ok=True)
        with replaced(other) as temporary:
            shutil.copyfile(path, temporary)
        copied += 1
    return copied


def summary(findings: list[Finding]) -> dict[str, Any]:
    """Return the findings as one JSON-ready report."""
    damages = [found for found in findings if found.severity == "damage"]
    return {
        "ok": not damages,
        "damages": [found.as_dict() for found in damages],
        "notes": [found.as_dict() for found in findings if found.severity == "note"],
    }
