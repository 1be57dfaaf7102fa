"""A database for readers, built from the archive by an allow-list.

What is not named here is not published: a new column stays private until somebody lists it. The private
edition (``full``) leaves out what only the operator needs. The public one holds excerpts; the full text can be
searched in it, through an index without content and without the places of words, but is nowhere in the file.

The file is built aside, checked, and put in place by one rename; the one before it is kept, unless it holds what was
withdrawn since.
"""

import contextlib
import json
import os
import re
import sqlite3
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from sqlite_utils import Database

from archive.methods_note import judge_facts
from archive.stems import forget_unused
from archive.store import ArchiveError

EXCERPT_WORDS = 60
SITE_FILE = "archive.db"
CACHE_KIB = 100_000  # of each of the two databases
PREVIOUS_FILE = "archive.previous.db"
QUOTED = ": “"  # begins the sentences that a reason quotes (archive.reasons)

ARTICLE_COLUMNS = (
    "id url key outlet country language title description authors section tags published published_local"
    " published_source published_precision modified modified_local zone_assumed dates first_seen last_checked"
    " grade score terms topic_version word_count revisions story copy_group wire paywalled completeness form"
    " text_source encoding_repaired status sha256 image"
)
SNAPSHOT_COLUMNS = (
    "id url page fetched status warc_file warc_offset warc_length payload_digest content_type etag"
    " last_modified tls outcome reason article"
)
TABLES: dict[str, tuple[str, ...]] = {
    name: tuple(columns.split())
    for name, columns in {
        "outlets": "id name country language kind homepage timezone access delay screen watched_since",
        "routes": "url outlet kind parent origin state reason status last_checked last_ok items newest",
        "stories": "id title first_published last_published articles outlets mx_articles us_articles",
        "articles": ARTICLE_COLUMNS,
        "texts": "article title description text",
        "snapshots": SNAPSHOT_COLUMNS,
        "revisions": "id article number seen title description text sha256 snapshot kinds words_added"
        " words_removed",
        "events": "id article seen event detail snapshot",
        "pages": "url key outlet discovered via route headline published_local state reason tries last_try"
        " redirected_to article",
        "verdicts": "page judged title grade score terms topic_version snapshot published_local",
        "takedowns": "id url article reason created lifted",
        "mentions": "id article kind tense date precision sentence",
        "copy_groups": "id agency earliest articles outlets first_published last_published",
        "copies": "article copy_group words_added words_removed own_headline",
        "story_changes": "id changed kind story other articles",
        "story_links": "a b likeness why",
        "stems": "language stem word weight",
        "article_changes": "seq article",
        "crawls": "id started finished outcome outlets discovered fetched not_modified new revised off_topic"
        " failed version topic_version",
        "crawl_outlets": "crawl outlet discovered screened_out fetched not_modified new revised off_topic"
        " failed routes_ok routes_failed seconds note",
    }.items()
}

# Sums over all pages and crawls, which take seconds on a large archive: published as tables.
VIEWS = ("seen_per_day", "watched_per_day", "coverage", "gaps")

# What the public edition says in a column instead of what the archive holds.
PUBLIC: dict[tuple[str, str], str] = {
    ("texts", "text"): "excerpt(text)",
    ("texts", "description"): "excerpt(description)",
    ("articles", "description"): "excerpt(description)",
    ("articles", "terms"): "short_terms(terms)",
    ("revisions", "text"): "''",
    ("revisions", "description"): "''",
    ("verdicts", "terms"): "'[]'",
    ("mentions", "sentence"): "''",
}


@dataclass(frozen=True, slots=True)
class Published:
    """A finished site database: where it is, and how many rows each table has."""

    path: Path
    rows: Mapping[str, int]


def publish(source: Path, folder: Path, *, public: bool) -> Published:
    """Build the site database of an archive in ``folder``, check it, and put it in place.

    Raises ArchiveError where there is no archive, where the folder cannot be written, or where the new file
    fails its check; the file in place is then untouched.
    """
    if not source.is_file():
        raise ArchiveError(f"{source}: there is no archive here")
    aside = folder / f".{SITE_FILE}.{os.getpid()}.new"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _clear_away(folder)
        rows = _build(source, aside, public=public)
        _check(aside, rows)
        return Published(_put_in_place(aside, folder), rows)
    except (sqlite3.Error, OSError) as error:
        raise ArchiveError(f"{folder}: {error}") from error
    finally:
        aside.unlink(missing_ok=True)


def _clear_away(folder: Path) -> None:
    """Remove what builds that were killed left behind."""
    for left in folder.glob(f".{SITE_FILE}.*.new"):
        number = left.name.split(".")[-2]
        try:
            os.kill(int(number), 0)
        except (ProcessLookupError, ValueError):
            left.unlink(missing_ok=True)
        except OSError:  # it runs, under another user
            continue
        else:
            if int(number) == os.getpid():
                left.unlink()


def _build(source: Path, target: Path, *, public: bool) -> dict[str, int]:
    connection = sqlite3.connect(target)
    try:
        connection.execute("PRAGMA journal_mode = OFF")
        for name, function in (("excerpt", excerpt), ("short_terms", short_terms)):
            connection.create_function(name, 1, function, deterministic=True)
        connection.execute("ATTACH ? AS source", [str(source)])
        for database in ("main", "source"):
            connection.execute(f"PRAGMA {database}.cache_size = -{CACHE_KIB}")
        connection.execute("BEGIN")
        present = dict(connection.execute("SELECT name, sql FROM source.sqlite_master"))
        rows = {
            table: _copy(connection, table, columns, public=public)
            for table, columns in TABLES.items()
            if table in present
        }
        for table in TABLES.keys() & present.keys():
            _index(connection, table)
        for view in VIEWS:  # after the indexes: without them each page would be looked for among all captures
            rows[view] = _fixed(connection, view, present[view])
        _index_texts(connection, public=public)
        if "stems" in rows:
            rows["stems"] -= forget_unused(connection)
        connection.execute("CREATE TABLE site (key TEXT PRIMARY KEY, value TEXT NOT NULL)")
        facts = {
            "edition": "public" if public else "full", "built": uuid.uuid4().hex, "judge": _judge_facts(source)
        }  # fmt: skip
        connection.executemany("INSERT INTO site VALUES (?, ?)", facts.items())
        connection.execute("COMMIT")
        connection.execute("DETACH source")
        connection.execute("VACUUM")
        return rows
    finally:
        connection.close()


def _judge_facts(source: Path) -> str:
    """Return what labels say of the judge, as the methods notes of downloads need it; the labels stay here."""
    with contextlib.closing(sqlite3.connect(f"file:{source}?mode=ro", uri=True)) as connection:
        connection.row_factory = None
        return json.dumps(judge_facts(Database(connection)))


def _copy(connection: sqlite3.Connection, table: str, columns: tuple[str, ...], *, public: bool) -> int:
    kinds = {row[1]: row for row in connection.execute(f"PRAGMA source.table_info({table})")}
    kept = [column for column in columns if column in kinds]
    parts = [f"{column} {kinds[column][2]}" for column in kept]
    key = [name for name, row in sorted(kinds.items(), key=lambda item: item[1][5]) if row[5]]
    if key and set(key) <= set(kept):
        parts.append(f"PRIMARY KEY ({', '.join(key)})")
    for _, _, other, column, its, *_ in connection.execute(f"PRAGMA source.foreign_key_list({table})"):
        if other in TABLES and column in kept and its in TABLES[other]:
            parts.append(f"FOREIGN KEY ({column}) REFERENCES {other}({its})")
    connection.execute(f"CREATE TABLE {table} ({', '.join(parts)})")
    values = ", ".join(PUBLIC.get((table, column), column) if public else column for column in kept)
    where = _published_rows(table)
    cursor = connection.execute(
        f"INSERT INTO main.{table} ({', '.join(kept)}) SELECT {values} FROM source.{table} {where}"
    )
    return cursor.rowcount


def _fixed(connection: sqlite3.Connection, view: str, sql: str) -> int:
    """Make a table of what a view gives. Returns its rows."""
    connection.execute(sql)
    cursor = connection.execute(f"CREATE TABLE main.fixed AS SELECT * FROM main.{view}")
    connection.execute(f"DROP VIEW main.{view}")
    connection.execute(f"ALTER TABLE main.fixed RENAME TO {view}")
    (number,) = cursor.execute(f"SELECT count(*) FROM main.{view}").fetchone()
    return int(number)


def _published_rows(table: str) -> str:
    """Return the condition on what is published of a table: nothing of an article that fell out."""
    on_subject = "(SELECT id FROM source.articles WHERE grade > 0)"
    if table == "articles":
        return "WHERE grade > 0"
    if table in ("texts", "revisions", "events", "mentions", "copies"):
        return f"WHERE article IN {on_subject}"
    if table == "snapshots":
        return "WHERE outcome IS NOT 'withdrawn'"
    return ""


def _index_texts(connection: sqlite3.Connection, *, public: bool) -> None:
    # Without content and without the places of words: these alone would give a text back, word by word.
    content = "'', detail=column" if public else "[texts], content_rowid=[article]"
    connection.execute(
        "CREATE VIRTUAL TABLE articles_fts USING fts5(title, description, text,"
        f' content={content}, tokenize="unicode61 remove_diacritics 2")'
    )
    connection.execute(
        "INSERT INTO articles_fts (rowid, title, description, text)"
        " SELECT t.article, t.title, t.description, t.text FROM source.texts t"
        " JOIN main.articles a ON a.id = t.article ORDER BY t.article"
    )
    connection.execute("INSERT INTO articles_fts(articles_fts) VALUES ('optimize')")


def _index(connection: sqlite3.Connection, table: str) -> None:
    """Give a table the archive's indexes, as far as it has their columns."""
    kept = {row[1] for row in connection.execute(f"PRAGMA main.table_info({table})")}
    left_out = {row[1] for row in connection.execute(f"PRAGMA source.table_info({table})")} - kept
    made = connection.execute(
        "SELECT sql FROM source.sqlite_master WHERE type = 'index' AND tbl_name = ? AND sql IS NOT NULL",
        [table],
    )
    for (sql,) in made.fetchall():
        if not left_out & set(re.findall(r"\w+", sql)):
            connection.execute(sql)
    for _, name, _, origin, _ in connection.execute(f"PRAGMA source.index_list({table})").fetchall():
        columns = [row[2] for row in connection.execute(f"PRAGMA source.index_info({name})")]
        if origin == "u" and set(columns) <= kept:
            connection.execute(
                f"CREATE UNIQUE INDEX {table}_{'_'.join(columns)} ON {table}({', '.join(columns)})"
            )


def _check(path: Path, rows: Mapping[str, int]) -> None:
    connection = sqlite3.connect(path)
    try:
        (integrity,) = connection.execute("PRAGMA integrity_check").fetchone()
        if integrity != "ok":
            raise ArchiveError(f"{path}: {integrity}")
        for table, expected in rows.items():
            (found,) = connection.execute(f"SELECT count(*) FROM {table}").fetchone()
            if found != expected:
                raise ArchiveError(f"{path}: {table} has {found} rows and not {expected}")
        connection.execute("INSERT INTO articles_fts(articles_fts) VALUES ('integrity-check')")
        connection.rollback()
        (indexed,) = connection.execute("SELECT count(*) FROM articles_fts_docsize").fetchone()
        if indexed != rows["articles"]:
            raise ArchiveError(f"{path}: {indexed} articles are indexed and {rows['articles']} published")
    finally:
        connection.close()


def _put_in_place(aside: Path, folder: Path) -> Path:
    target = folder / SITE_FILE
    with aside.open("rb") as stream:
        os.fsync(stream.fileno())
    previous = folder / PREVIOUS_FILE
    if target.exists() and _withdrawn(aside) <= _withdrawn(target):
        beside = folder / f".{PREVIOUS_FILE}.{os.getpid()}.new"
        beside.unlink(missing_ok=True)
        os.link(target, beside)
        os.replace(beside, previous)
    else:
        previous.unlink(missing_ok=True)
    _replace(aside, target)
    return target


def _withdrawn(path: Path) -> set[str]:
    """Return the addresses withdrawn in a site database: one that lacks some still holds their texts."""
    with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        try:
            found = connection.execute("SELECT url FROM takedowns WHERE lifted IS NULL").fetchall()
        except sqlite3.DatabaseError:  # no site database
            return set()
    return {url for (url,) in found}


def _replace(new: Path, target: Path) -> None:
    """Let one file take the place of another, whose journal would be played into it if it were left there."""
    for ending in ("-wal", "-shm", "-journal"):
        target.with_name(target.name + ending).unlink(missing_ok=True)
    os.replace(new, target)
    folder = os.open(target.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def published_edition(path: Path) -> str | None:
    """Return ``full`` or ``public`` for a database that `publish` built, None for an archive.

    Raises ArchiveError where there is no database.
    """
    if not path.is_file():
        raise ArchiveError(f"{path}: there is no archive here; `bilateral crawl` makes one")
    with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        try:
            found = connection.execute("SELECT value FROM site WHERE key = 'edition'").fetchone()
        except sqlite3.OperationalError:
            return None
        except sqlite3.DatabaseError as error:
            raise ArchiveError(f"{path}: {error}") from error
        return str(found[0]) if found else None


def roll_back(folder: Path) -> Path:
    """Put the previous site database back in place. Raises ArchiveError where there is none."""
    previous, target = folder / PREVIOUS_FILE, folder / SITE_FILE
    if not previous.is_file():
        raise ArchiveError(f"{folder}: there is no previous site database")
    _replace(previous, target)
    return target


def excerpt(text: str | None, limit: int = EXCERPT_WORDS) -> str:
    """Return the first words of a text, marked where it was cut."""
    words = (text or "").split()
    return (text or "") if len(words) <= limit else " ".join(words[:limit]) + " […]"


def short_terms(terms: str | None) -> str:
    """Return the reasons of a verdict without the sentences they quote."""
    shortened = []
    for term in json.loads(terms or "[]"):
        why, _, _ = term["why"].partition(QUOTED)
        shortened.append({**term, "why": why})
    return json.dumps(shortened, ensure_ascii=False)
