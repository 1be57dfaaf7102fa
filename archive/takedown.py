"""Withdrawal on request: text and snapshots leave everything that is published and exported, and stay out.

The words go from the database itself, so that no page, search, feed, export or published copy can hold them; nor do
the pages of its full-text index that were written before.
What stays is the reference (address, headline, outlet, times, digest) and a public entry in ``takedowns``.
The WARC record stays on the operator's disk, named by no published table: docs/legal.md says what that means.
"""

from dataclasses import dataclass
from typing import Any

from sqlite_utils import Database

from archive.boilerplate import forget_lines
from archive.ingest import known_article
from archive.models import Outcome
from archive.pages import find_page
from archive.stems import forget_unused
from archive.store import row, rows, transaction
from archive.times import utc_now
from archive.urls import canonical_url, fetchable, url_key

MERGED_PAGES = 4000  # of the full-text index in one transaction, so that a crawl can write between two


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
    with transaction(db):
        page = find_page(db, url) or _led_to(db, url)
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
            for twin in _log_twins(db):
                _withdraw_pages(db, twin["key"], twin["id"])
                _withdraw_article(db, twin["id"])
    if number is not None:
        forget_indexed(db)
    # Without this the write-ahead log would keep the words for a while.
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    return entry


def _log_twins(db: Database) -> list[dict[str, Any]]:
    """Log each article that has the words of a withdrawn one at another address of its outlet; return them."""
    twins = rows(
        db,
        "SELECT x.id, x.url, x.key, t.reason, max(t.created) AS created FROM takedowns t"
        " JOIN articles a ON a.id = t.article JOIN revisions r ON r.article = a.id"
        " JOIN articles x ON x.sha256 = r.sha256 AND x.outlet = a.outlet WHERE t.lifted IS NULL AND NOT EXISTS"
        " (SELECT 1 FROM takedowns o WHERE o.lifted IS NULL AND (o.article = x.id OR o.key = x.key))"
        " GROUP BY x.id ORDER BY x.id",
    )
    db.conn.executemany(
        "INSERT INTO takedowns (url, key, article, reason, created) VALUES (:url, :key, :id, :reason, :created)",
        twins,
    )
    return twins


def _led_to(db: Database, url: str) -> dict[str, Any] | None:
    """Return the page that was answered from this address: what readers see in their browsers after a redirect."""
    return row(
        db,
        "SELECT p.* FROM snapshots s JOIN pages p ON p.url = s.page WHERE s.url IN (?, ?)"
        " ORDER BY p.state != 'archived' LIMIT 1",
        [url, canonical_url(url)],
    )


def forget_indexed(db: Database) -> None:
    """Write the full-text index anew, a part at a time: what was taken out of it stays in its older parts till then.

    With it go the words that nothing uses any more. Some minutes for a million articles. Call it outside of a
    transaction.
    """
    with transaction(db):
        forget_unused(db)
    pages = -MERGED_PAGES  # the sign makes one of all parts; the merges that follow go on with it
    while True:
        before = db.conn.total_changes
        with transaction(db):
            db.execute("INSERT INTO articles_fts(articles_fts, rank) VALUES ('merge', ?)", [pages])
        if db.conn.total_changes - before < 2:
            return
        pages = MERGED_PAGES


def _withdraw_article(db: Database, number: int) -> None:
    db.execute("UPDATE texts SET text = '' WHERE article = ?", [number])
    db.execute(
        "UPDATE articles SET description = '', terms = '[]', tags = '[]', image = NULL WHERE id = ?", [number]
    )
    db.execute("UPDATE revisions SET text = '', description = '' WHERE article = ?", [number])
    db.execute("UPDATE snapshots SET outcome = ? WHERE article = ?", [Outcome.WITHDRAWN, number])
    db.execute("UPDATE story_links SET why = '[]' WHERE a = ? OR b = ?", [number, number])
    # All keep words, or what words can be told from; stories find the headline alone when they are grouped next.
    for table in ("mentions", "copy_shingles", "sightings", "story_articles"):
        db.execute(f"DELETE FROM {table} WHERE article = ?", [number])


def _withdraw_pages(db: Database, key: str, number: int | None) -> None:
    found = "SELECT url FROM pages WHERE key = ? OR (article IS NOT NULL AND article = ?)"
    db.execute(f"UPDATE snapshots SET outcome = ? WHERE page IN ({found})", [Outcome.WITHDRAWN, key, number])
    db.execute(f"UPDATE verdicts SET terms = '[]' WHERE page IN ({found})", [key, number])
    db.execute(f"UPDATE labels SET note = '' WHERE url IN ({found})", [key, number])
    for outlet, url in db.execute(
        f"SELECT outlet, url FROM pages WHERE url IN ({found})", [key, number]
    ).fetchall():
        forget_lines(db, outlet, url)
    db.execute(
        "UPDATE pages SET summary = '', content = '',"
        " reason = CASE WHEN state IN ('archived', 'duplicate') THEN reason ELSE 'withdrawn on request' END,"
        " state = CASE WHEN state IN ('archived', 'duplicate') THEN state ELSE 'blocked' END"
        f" WHERE url IN ({found})",
        [key, number],
    )


def withdraw_again(db: Database) -> bool:
    """Withdraw what stands in the log once more: words of it can have come in from another archive.

    Returns whether they had; then the caller ends its transaction and calls `forget_indexed`.
    """
    came = False
    _log_twins(db)
    for entry in rows(db, "SELECT id, key, article FROM takedowns WHERE lifted IS NULL"):
        found = row(
            db,
            "SELECT id FROM articles WHERE key = ?1 UNION ALL"
            " SELECT article FROM pages WHERE key = ?1 AND article IS NOT NULL",
            [entry["key"]],
        )
        if found is not None and entry["article"] is None:
            db.execute("UPDATE takedowns SET article = ? WHERE id = ?", [found["id"], entry["id"]])
        for number in {entry["article"], found["id"] if found else None}:
            _withdraw_pages(db, entry["key"], number)
            if number is not None:
                came |= row(db, "SELECT 1 FROM texts WHERE article = ? AND text != ''", [number]) is not None
                _withdraw_article(db, number)
    return came


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
            [entry["article"], entry["article"], entry["article"], Outcome.WITHDRAWN],
        )


def takedown_log(db: Database) -> list[dict[str, Any]]:
    """Return the public log, the latest first: ``url``, ``article``, ``reason``, ``created``, ``lifted``."""
    return rows(db, "SELECT url, article, reason, created, lifted FROM takedowns ORDER BY id DESC")
