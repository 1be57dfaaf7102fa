"""The ledgers of backfills of two archives, joined: files, the days of sources, where captures are from, revisits."""

import json
from typing import Any

from sqlite_utils import Database

from archive.backfill.ledger import count_days
from archive.backfill.revisits import resolve_revisits
from archive.store import row, rows

Row = dict[str, Any]

_FURTHEST = ("planned", "failed", "done", "ingested")


def merge_backfill(db: Database, snapshots: dict[int, int]) -> None:
    """Join the ledgers of the archive attached as ``other``; ``snapshots`` are its numbers and ours.

    A file whose parts lie on the other machine, not yet ingested there, is one that is planned here. Revisit records
    whose capture one of the two archives has are resolved.
    """
    for theirs in rows(db, "SELECT * FROM other.backfill_files ORDER BY id"):
        del theirs["id"]
        if theirs["state"] == "done":
            theirs |= {"state": "planned"}
        _join_file(db, theirs)
    db.execute(
        "INSERT OR IGNORE INTO backfill_days (origin, day) SELECT origin, day FROM other.backfill_days"
    )
    count_days(db)
    for theirs in rows(db, "SELECT * FROM other.backfill_captures"):
        theirs["snapshot"] = snapshots[theirs["snapshot"]]
        _join_capture(db, theirs)
    names = ", ".join(db["backfill_revisits"].columns_dict)
    db.execute(
        f"INSERT OR IGNORE INTO backfill_revisits ({names}) SELECT {names} FROM other.backfill_revisits"
    )
    resolve_revisits(db)


def _join_file(db: Database, theirs: Row) -> None:
    """Keep of two rows of a file the one that came further, and both periods in one."""
    ours = row(db, "SELECT * FROM backfill_files WHERE source = ?", [theirs["source"]])
    if ours is None:
        _insert(db, "backfill_files", theirs)
        return
    number = ours.pop("id")
    last = max(ours, theirs, key=lambda columns: (_FURTHEST.index(columns["state"]), _as_json(columns)))
    joined = last | {
        "since": None if None in (ours["since"], theirs["since"]) else min(ours["since"], theirs["since"]),
        "until": None if None in (ours["until"], theirs["until"]) else max(ours["until"], theirs["until"]),
        "planned": min(ours["planned"], theirs["planned"]),
    }
    names = ", ".join(f"{name} = ?" for name in joined)
    db.execute(f"UPDATE backfill_files SET {names} WHERE id = ?", [*joined.values(), number])


def _join_capture(db: Database, theirs: Row) -> None:
    ours = row(db, "SELECT * FROM backfill_captures WHERE snapshot = ?", [theirs["snapshot"]])
    if ours is not None:
        theirs = min(ours, theirs, key=_as_json)
        db.execute("DELETE FROM backfill_captures WHERE snapshot = ?", [theirs["snapshot"]])
    _insert(db, "backfill_captures", theirs)


def _insert(db: Database, table: str, columns: Row) -> None:
    names, marks = ", ".join(columns), ", ".join("?" * len(columns))
    db.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", list(columns.values()))


def _as_json(columns: Row) -> str:
    return json.dumps(columns, sort_keys=True)
