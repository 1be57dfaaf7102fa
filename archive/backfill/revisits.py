"""Revisit records: a web archive looked at a page again and found it unchanged.

Such a record has no body. It is resolved to the capture it refers to, by address and time, else by the digest of what
was transferred; the article was then seen once more as that capture shows it. Until the capture is met (it may lie in a
file that is read later) the record waits in ``backfill_revisits``.
"""

from typing import Any

from sqlite_utils import Database

from archive.history import Version, add_version, versions_of
from archive.pages import find_page
from archive.store import is_withdrawn, row, rows, transaction

_COLUMNS = "source, offset, url, fetched, refers_to, refers_to_fetched, digest"
_WAITING = f"SELECT {_COLUMNS} FROM backfill_revisits ORDER BY fetched, url, source, offset"
_BY_TIME = "SELECT id, article, outcome FROM snapshots WHERE page = ? AND fetched = ? AND outcome IS NOT NULL"
_BY_DIGEST = (
    "SELECT s.id, s.article, s.outcome FROM snapshots s JOIN backfill_captures c ON c.snapshot = s.id"
    " WHERE s.page = ? AND c.digest = ? AND c.digest != '' AND s.fetched <= ? ORDER BY s.fetched DESC LIMIT 1"
)


def file_revisit(db: Database, capture: dict[str, Any]) -> None:
    """Let a revisit record wait for the capture it refers to."""
    with transaction(db):
        db.execute(
            f"INSERT OR IGNORE INTO backfill_revisits ({_COLUMNS}) VALUES (?,?,?,?,?,?,?)",
            [capture["source"], capture["offset"], capture["url"], capture["fetched"], capture["revisit_of"],
             capture["revisit_fetched"], capture["digest"]],
        )  # fmt: skip


def resolve_revisits(db: Database) -> tuple[int, int]:
    """Resolve the revisit records whose capture is known; return how many these are, and how many go on waiting."""
    resolved = waiting = 0
    for revisit in rows(db, _WAITING):
        page = find_page(db, revisit["url"])
        with transaction(db):
            if _is_told(db, page) or (page is not None and _sighted(db, page, revisit)):
                db.execute(
                    "DELETE FROM backfill_revisits WHERE source = ? AND offset = ?",
                    [revisit["source"], revisit["offset"]],
                )
                resolved += 1
            else:
                waiting += 1
    return resolved, waiting


def _is_told(db: Database, page: dict[str, Any] | None) -> bool:
    """Whether all there is to know of a page is known: it gave no article."""
    return page is not None and page["state"] in ("off-topic", "failed")


def _sighted(db: Database, page: dict[str, Any], revisit: dict[str, Any]) -> bool:
    """Note that an article was seen once more as a capture shows it; return whether that capture is known."""
    referred = find_page(db, revisit["refers_to"]) or page
    snapshot = row(db, _BY_TIME, [referred["url"], revisit["refers_to_fetched"]]) or row(
        db, _BY_DIGEST, [referred["url"], revisit["digest"], revisit["fetched"]]
    )
    if snapshot is None:
        return False
    if is_withdrawn(db, article=snapshot["article"]):
        return True
    shown = [
        version for version in versions_of(db, snapshot["article"] or 0) if version.snapshot == snapshot["id"]
    ]
    for version in shown[:1]:
        again = Version(
            revisit["fetched"], version.title, version.text, version.description, version.snapshot
        )
        add_version(db, snapshot["article"], again)
    return True
