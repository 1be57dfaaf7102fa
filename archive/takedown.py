"""Withdrawal on request: text and snapshots leave everything that is published and exported, and stay out.

The words go from the database itself, so that no page, search, feed, export or published copy can hold them.
What stays is the reference (address, headline, outlet, times, digest) and a public entry in ``takedowns``.
The WARC record stays on the operator's disk, named by no published table: docs/legal.md says what that means.
"""

from dataclasses import dataclass
from typing import Any

from sqlite_utils import Database

from archive.ingest import known_article
from archive.pages import find_page
from archive.stems import forget_unused
from archive.store import row, rows, transaction
from archive.times import utc_now
from archive.urls import fetchable, url_key

WITHDRAWN = "withdrawn"


class TakedownError(Exception):
    """Nothing can be withdrawn under this address; the message says why."""


@dataclass(frozen=True, slots=True)
class Takedown:
    """One entry of the public log; ``article`` is None where the address was not archived (and now never is)."""

    url: str
    article: int | None
    reason: str
    created: str


def take_down(db: Database, url: str, reason: str) -> Takedown:
    """Withdraw the text and snapshots known under an address, and refuse it from now on.

    Raises TakedownError where the address is none, or is withdrawn already.
    """
    refusal = fetchable(url)
    if refusal is not None:
        raise TakedownError(f"{url}: {refusal}")
    key = url_key(url)
    db.execute("PRAGMA secure_delete = ON")
    with transaction(db):
        page = find_page(db, url)
        article = known_article(db, page["url"] if page else url, url)
        if article is not None:
            key = article["key"]
        if row(db, "SELECT 1 FROM takedowns WHERE key = ? AND lifted IS NULL", [key]):
            raise TakedownError(f"{url}: is withdrawn already")
        number = article["id"] if article else None
        entry = Takedown(article["url"] if article else url, number, reason, utc_now())
        db.execute(
            "INSERT INTO takedowns (url, key, article, reason, created) VALUES (?,?,?,?,?)",
            [entry.url, key, number, reason, entry.created],
        )
        _withdraw_pages(db, key, number)
        if number is not None:
            _withdraw_article(db, number)
    # Without this the write-ahead log would keep the words for a while.
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    return entry


def _withdraw_article(db: Database, number: int) -> None:
    db.execute("UPDATE texts SET text = '' WHERE article = ?", [number])
    db.execute(
        "UPDATE articles SET description = '', terms = '[]', tags = '[]', image = NULL WHERE id = ?", [number]
    )
    db.execute("UPDATE revisions SET text = '', description = '' WHERE article = ?", [number])
    db.execute("UPDATE snapshots SET outcome = ? WHERE article = ?", [WITHDRAWN, number])
    db.execute("UPDATE story_links SET why = '[]' WHERE a = ? OR b = ?", [number, number])
    for table in ("mentions", "copy_shingles", "sightings"):  # all keep words, or what words can be told from
        db.execute(f"DELETE FROM {table} WHERE article = ?", [number])
    forget_unused(db)


def _withdraw_pages(db: Database, key: str, number: int | None) -> None:
    found = "SELECT url FROM pages WHERE key = ? OR (article IS NOT NULL AND article = ?)"
    db.execute(f"UPDATE snapshots SET outcome = ? WHERE page IN ({found})", [WITHDRAWN, key, number])
    db.execute(f"UPDATE verdicts SET terms = '[]' WHERE page IN ({found})", [key, number])
    db.execute(
        "UPDATE pages SET summary = '', content = '',"
        " reason = CASE WHEN state IN ('archived', 'duplicate') THEN reason ELSE 'withdrawn on request' END,"
        " state = CASE WHEN state IN ('archived', 'duplicate') THEN state ELSE 'blocked' END"
        f" WHERE url IN ({found})",
        [key, number],
    )


def withdraw_again(db: Database) -> None:
    """Withdraw what stands in the log once more: words of it can have come in from another archive."""
    for entry in rows(db, "SELECT id, key FROM takedowns WHERE lifted IS NULL"):
        article = row(db, "SELECT id FROM articles WHERE key = ?", [entry["key"]])
        number = article["id"] if article else None
        db.execute("UPDATE takedowns SET article = ? WHERE id = ?", [number, entry["id"]])
        _withdraw_pages(db, entry["key"], number)
        if number is not None:
            _withdraw_article(db, number)


def lift(db: Database, url: str) -> None:
    """Let an address be archived again; `archive.reprocess` brings back what its last snapshot says.

    Raises TakedownError where no takedown stands.
    """
    with transaction(db):
        entry = row(db, "SELECT * FROM takedowns WHERE url = ? AND lifted IS NULL", [url])
        if entry is None:
            raise TakedownError(f"{url}: no takedown of it stands")
        db.execute("UPDATE takedowns SET lifted = ? WHERE id = ?", [utc_now(), entry["id"]])
        db.execute(
            "UPDATE snapshots SET outcome = CASE"
            " WHEN id IN (SELECT snapshot FROM revisions WHERE article = ? AND number = 1) THEN 'new'"
            " WHEN id IN (SELECT snapshot FROM revisions WHERE article = ?) THEN 'revised'"
            " ELSE 'unchanged' END WHERE article = ? AND outcome = ?",
            [entry["article"], entry["article"], entry["article"], WITHDRAWN],
        )


def takedown_log(db: Database) -> list[dict[str, Any]]:
    """Return the public log, the latest first: ``url``, ``article``, ``reason``, ``created``, ``lifted``."""
    return rows(db, "SELECT url, article, reason, created, lifted FROM takedowns ORDER BY id DESC")
