"""An article far shorter than its outlet's habit, and broken off: what was had of it is a teaser, and says so.

Like what an outlet repeats (`archive.boilerplate`), the habit is read from the articles in the archive and not from
those that pass by, so that the outcome is the same however often a crawl was interrupted.
"""

import re
import statistics
from typing import Any

from sqlite_utils import Database

from archive.store import rows, transaction

LEAST_ARTICLES = 20  # with fewer an outlet has no habit yet
SHORT_SHARE = 0.35  # of the length that three in four of the outlet's articles have

_COUNTED = "a.completeness IN ('full', 'teaser') AND a.text_source = 'page' AND a.form = 'article'"
_ENDED = re.compile(r"[.!?:][\"'”’»)\]]*\s*\Z")


def mark_teasers(db: Database) -> int:
    """Mark the articles that are teasers by their outlet's habit; return how many were marked.

    A short article is one only if its text stops in mid-sentence or its page says that it is not free: briefs
    are short as well.
    """
    with transaction(db):
        found = [article for outlet in _outlets(db) for article in _short(db, outlet) if _broken(article)]
        db.conn.executemany("UPDATE articles SET completeness = 'teaser' WHERE id = :id", found)
    return len(found)


def _outlets(db: Database) -> list[str]:
    found = db.execute(
        f"SELECT a.outlet FROM articles a WHERE {_COUNTED} GROUP BY a.outlet HAVING count(*) >= ?",
        [LEAST_ARTICLES],
    )
    return [outlet for (outlet,) in found.fetchall()]


def _short(db: Database, outlet: str) -> list[dict[str, Any]]:
    """Return the articles of an outlet that are taken for full and are far below its habit."""
    found = db.execute(f"SELECT a.word_count FROM articles a WHERE a.outlet = ? AND {_COUNTED}", [outlet])
    habit = statistics.quantiles([words for (words,) in found.fetchall()], n=4)[0]
    return rows(
        db,
        "SELECT a.id, a.paywalled, t.text FROM articles a JOIN texts t ON t.article = a.id"
        f" WHERE a.outlet = ? AND {_COUNTED} AND a.completeness = 'full' AND a.word_count < ?",
        [outlet, SHORT_SHARE * habit],
    )


def _broken(article: dict[str, Any]) -> bool:
    return bool(article["paywalled"]) or not _ENDED.search(article["text"])
