"""An article's versions in the order of time, wherever and whenever they were captured.

A crawl only ever adds the newest version. A backfill and a merge bring versions from between; the revisions are then
written anew from all that was ever captured of the article, so that the outcome does not depend on the order in which
captures came in. A capture that shows the version before it once more is no revision; it is kept in ``sightings``,
since one that comes in later may fall between the two.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlite_utils import Database

from archive.revisions import RevisionChange, revision_kinds
from archive.store import row, rows, text_digest

_COLUMNS = "seen, title, description, text, snapshot"


@dataclass(frozen=True, slots=True, order=True)
class Version:
    """One capture of an article: what was read off it, and when it was fetched (UTC)."""

    seen: str
    title: str
    text: str
    description: str = ""
    snapshot: int | None = None


def versions_of(db: Database, article: int, *, schema: str = "main") -> list[Version]:
    """Return all captures of an article in time order, those that showed nothing new included.

    ``schema`` is the database it is read from, where another one is attached.
    """
    shown = _select(db, f"SELECT {_COLUMNS} FROM {schema}.revisions WHERE article = ?", article)
    sighted = _select(db, f"SELECT {_COLUMNS} FROM {schema}.sightings WHERE article = ?", article)
    return sorted({*shown, *sighted, *_unchanged(db, article, schema, [*shown, *sighted])})


def _select(db: Database, sql: str, article: int) -> list[Version]:
    return [Version(**columns) for columns in rows(db, sql, [article])]


def _unchanged(db: Database, article: int, schema: str, known: list[Version]) -> list[Version]:
    """Return what the snapshots show that were filed as unchanged: the version that stood at their time."""
    snapshots = rows(
        db,
        f"SELECT id, fetched FROM {schema}.snapshots WHERE article = ? AND outcome = 'unchanged'",
        [article],
    )
    used = {version.snapshot for version in known}
    found = []
    for snapshot in snapshots:
        before = [version for version in known if version.seen <= snapshot["fetched"]]
        if before and snapshot["id"] not in used:
            last = max(before)
            found.append(
                Version(snapshot["fetched"], last.title, last.text, last.description, snapshot["id"])
            )
    return found


def add_version(db: Database, article: int, version: Version) -> bool:
    """Put one more capture where it belongs in time; return whether there is one revision more for it."""
    before = versions_of(db, article)
    if any(_same(version, known) for known in before):
        return False
    count = len(rows(db, "SELECT 1 FROM revisions WHERE article = ?", [article]))
    return rewrite(db, article, [*before, version]) > count


def _same(one: Version, other: Version) -> bool:
    return (one.seen, one.title, one.text) == (other.seen, other.title, other.text)


def rewrite(db: Database, article: int, versions: Iterable[Version]) -> int:
    """Write an article's revisions anew from all its captures; return how many there are.

    Title, text and digest of the article become those of the last one, its first and last times those of the captures.
    """
    known = row(db, "SELECT language, last_checked FROM articles WHERE id = ?", [article])
    assert known is not None
    ordered = _once(sorted(versions))
    shown, sighted = _told_apart(ordered, known["language"])
    for table in ("revisions", "sightings"):
        db.execute(f"DELETE FROM {table} WHERE article = ?", [article])
    db.conn.executemany(
        "INSERT INTO revisions (article, number, seen, title, description, text, sha256, snapshot, kinds,"
        " words_added, words_removed) VALUES (?,?,?,?,?,?,?,?,?,?,?)",
        [_revision(article, number, *each) for number, each in enumerate(shown, start=1)],
    )
    db.conn.executemany(
        f"INSERT INTO sightings (article, {_COLUMNS}) VALUES (?,?,?,?,?,?)",
        [(article, v.seen, v.title, v.description, v.text, v.snapshot) for v in sighted],
    )
    last = shown[-1][0]
    db.execute(
        "UPDATE articles SET title = ?, description = ?, sha256 = ?, word_count = ?, revisions = ?, first_seen = ?,"
        " last_checked = max(last_checked, ?) WHERE id = ?",
        [last.title, last.description, text_digest(last.title, last.text), len(last.text.split()), len(shown),
         ordered[0].seen, ordered[-1].seen, article],
    )  # fmt: skip
    db.execute("UPDATE texts SET text = ? WHERE article = ?", [last.text, article])
    file_snapshots(db, article)
    return len(shown)


def _once(versions: list[Version]) -> list[Version]:
    """Leave out what is there twice: the same words captured at the same time, preferably with its snapshot."""
    kept: dict[tuple[str, str, str], Version] = {}
    for version in versions:
        key = (version.seen, version.title, version.text)
        if key not in kept or kept[key].snapshot is None:
            kept[key] = version
    return list(kept.values())


def _told_apart(
    versions: list[Version], language: str | None
) -> tuple[list[tuple[Version, RevisionChange | None]], list[Version]]:
    """Return the versions that say something new, each with its change, and those that do not."""
    shown: list[tuple[Version, RevisionChange | None]] = [(versions[0], None)]
    sighted = []
    for version in versions[1:]:
        before = shown[-1][0]
        same = (version.title, version.text) == (before.title, before.text)
        change = (
            None if same else revision_kinds(before.title, before.text, version.title, version.text, language)
        )
        if change is None or not change.kinds:
            sighted.append(version)
        else:
            shown.append((version, change))
    return shown, sighted


def _revision(article: int, number: int, version: Version, change: RevisionChange | None) -> tuple[Any, ...]:
    return (
        article, number, version.seen, version.title, version.description, version.text,
        text_digest(version.title, version.text), version.snapshot, json.dumps(list(change.kinds) if change else []),
        change.words_added if change else None, change.words_removed if change else None,
    )  # fmt: skip


def file_snapshots(db: Database, article: int) -> None:
    """File the snapshots of an article as what they brought: a new article, a revision, or nothing."""
    db.execute(
        "UPDATE snapshots SET outcome = CASE"
        " WHEN id IN (SELECT snapshot FROM revisions WHERE article = :article AND number = 1) THEN 'new'"
        " WHEN id IN (SELECT snapshot FROM revisions WHERE article = :article) THEN 'revised'"
        " ELSE 'unchanged' END"
        " WHERE article = :article AND outcome IN ('new', 'revised', 'unchanged')",
        {"article": article},
    )
