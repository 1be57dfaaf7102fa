"""The ledger of a backfill: each file that was planned, what has become of it, and what each day of a source had."""

import hashlib
import json
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from sqlite_utils import Database

from archive.store import rows, transaction
from archive.times import utc_now

STATES = ("planned", "done", "failed", "ingested")


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """One file to be read, or a window of an index to be asked for its captures first (``kind``)."""

    source: str  # path, address, or what the index is asked for
    origin: str  # warc, cc-news, wayback, cc-index
    kind: str = "file"  # file, or window: collected into a file before it is read
    day: str | None = None  # of capture, where the name tells it
    bytes: int | None = None


def plan_files(db: Database, planned: list[Planned], *, since: str | None, until: str | None) -> int:
    """Enter files in the ledger; return how many were not in it. The period is that of publication."""
    with transaction(db):
        before = _count(db)
        db.conn.executemany(
            "INSERT INTO backfill_files (source, origin, kind, day, bytes, since, until, state, planned)"
            " VALUES (?,?,?,?,?,?,?,'planned',?)"
            " ON CONFLICT (source) DO UPDATE SET since = excluded.since, until = excluded.until",
            [(p.source, p.origin, p.kind, p.day, p.bytes, since, until, utc_now()) for p in planned],
        )
        return _count(db) - before


def _count(db: Database) -> int:
    (count,) = db.execute("SELECT count(*) FROM backfill_files").fetchone()
    return int(count)


def plan_days(db: Database, origin: str, since: str, until: str) -> None:
    """Enter every day of a period: one on which the source turns out to have nothing is a hole, and no quiet day."""
    first, last = date.fromisoformat(since), date.fromisoformat(until)
    days = [(first + timedelta(days=n)).isoformat() for n in range((last - first).days + 1)]
    with transaction(db):
        db.conn.executemany(
            "INSERT OR IGNORE INTO backfill_days (origin, day) VALUES (?,?)", [(origin, day) for day in days]
        )


def files(db: Database, *states: str) -> list[dict[str, Any]]:
    """Return the files in these states, in the order they were planned."""
    marks = ", ".join("?" * len(states))
    return rows(db, f"SELECT * FROM backfill_files WHERE state IN ({marks}) ORDER BY id", states)


def source_of(file: dict[str, Any], folder: Path) -> str:
    """Return the file to be read: what was planned, or what was collected of a window."""
    if file["kind"] == "file":
        return str(file["source"])
    name = hashlib.sha256(file["source"].encode()).hexdigest()
    return str((folder / "collected" / f"{name}.warc.gz").resolve())


def note_done(db: Database, number: int, counts: dict[str, Any], *, attempts: int, code_version: str) -> None:
    """Enter what came of a file, and what its days had."""
    with transaction(db):
        db.execute(
            "UPDATE backfill_files SET state = 'done', finished = ?, attempts = ?, responses = ?, on_host = ?,"
            " hits = ?, errors = ?, cpu_seconds = ?, code_version = ?, error = ?, days = ? WHERE id = ?",
            [utc_now(), attempts, counts["responses"], counts["on_host"], counts["hits"], len(counts["errors"]),
             counts["cpu_seconds"], code_version, "; ".join(counts["errors"][:3]), json.dumps(counts["days"]), number],
        )  # fmt: skip
        _sum_days(db)


def note_failed(db: Database, number: int, error: str, *, attempts: int) -> None:
    """Enter that a file could not be read, and why."""
    with transaction(db):
        db.execute(
            "UPDATE backfill_files SET state = 'failed', finished = ?, attempts = ?, error = ? WHERE id = ?",
            [utc_now(), attempts, error, number],
        )


def note_ingested(db: Database, number: int) -> None:
    """Enter that all of a file's part is in the archive."""
    with transaction(db):
        db.execute("UPDATE backfill_files SET state = 'ingested' WHERE id = ?", [number])


def again(db: Database) -> int:
    """Let failed files be read once more; return how many."""
    with transaction(db):
        return db.execute("UPDATE backfill_files SET state = 'planned' WHERE state = 'failed'").rowcount


def _sum_days(db: Database) -> None:
    """Count anew what each source had on each day, from the files that were read."""
    db.execute("UPDATE backfill_days SET files = 0, responses = 0")
    db.execute(
        "INSERT INTO backfill_days (origin, day, files, responses)"
        " SELECT f.origin, d.key, count(*), sum(d.value) FROM backfill_files f, json_each(f.days) d"
        " WHERE f.days IS NOT NULL AND d.key GLOB '????-??-??' GROUP BY 1, 2"
        " ON CONFLICT (origin, day) DO UPDATE SET files = excluded.files, responses = excluded.responses"
    )


def summary(db: Database) -> dict[str, Any]:
    """Return the totals of the ledger, the files that failed, and the days of each source without a file."""
    states = dict.fromkeys(STATES, 0)
    states |= dict(db.execute("SELECT state, count(*) FROM backfill_files GROUP BY state").fetchall())
    (totals,) = rows(
        db,
        "SELECT coalesce(sum(attempts), 0) AS attempts, coalesce(sum(responses), 0) AS responses,"
        " coalesce(sum(on_host), 0) AS on_host, coalesce(sum(hits), 0) AS hits, coalesce(sum(errors), 0) AS errors,"
        " round(coalesce(sum(cpu_seconds), 0), 1) AS cpu_seconds FROM backfill_files",
    )
    return {
        "files": states,
        **totals,
        "failed": rows(
            db, "SELECT source, attempts, error FROM backfill_files WHERE state = 'failed' ORDER BY id"
        ),
        "days_without_files": rows(
            db, "SELECT origin, day FROM backfill_days WHERE files = 0 ORDER BY origin, day"
        ),
    }
