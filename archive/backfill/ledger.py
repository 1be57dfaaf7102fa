"""The ledger of a backfill: each file that was planned, what has become of it, and what each day of a source had."""

import hashlib
import json
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from sqlite_utils import Database

from archive.store import rows, transaction
from archive.times import utc_now

_SUMMED = ("attempts", "bytes", "responses", "on_host", "hits", "revisits", "errors", "cpu_seconds")
NAMED_ERRORS = 3  # damaged records of a file that the ledger names; it counts the others
STATES = ("planned", "done", "failed", "ingested")


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """One file to be read, or a window of an index to be asked for its captures first (``kind``)."""

    source: str  # path, address, or what the index is asked for
    origin: str  # warc, cc-news, wayback, cc-index
    kind: str = "file"  # file, or window: collected into a file before it is read
    day: str | None = None  # of capture, where the name tells it
    bytes: int | None = None


def plan_files(
    db: Database, planned: list[Planned], *, since: str | None, until: str | None, anew: Collection[str] = ()
) -> int:
    """Enter files in the ledger; return how many were not in it. The period is that of publication.

    Those in ``anew`` are to be read once more. One that is ingested is ingested again where the period is another.
    """
    with transaction(db):
        before = _count(db)
        db.conn.executemany(
            "INSERT INTO backfill_files (source, origin, kind, day, bytes, since, until, state, planned)"
            " VALUES (?,?,?,?,?,?,?,'planned',?)"
            " ON CONFLICT (source) DO UPDATE SET since = excluded.since, until = excluded.until, state = CASE"
            " WHEN state = 'ingested' AND (since IS NOT excluded.since OR until IS NOT excluded.until) THEN 'done'"
            " ELSE state END",
            [(p.source, p.origin, p.kind, p.day, p.bytes, since, until, utc_now()) for p in planned],
        )
        db.conn.executemany(
            "UPDATE backfill_files SET state = 'planned', error = '' WHERE source = ?",
            [(source,) for source in anew],
        )
        return _count(db) - before


def _count(db: Database) -> int:
    (count,) = db.execute("SELECT count(*) FROM backfill_files").fetchone()
    return int(count)


def grown(db: Database, planned: list[Planned]) -> list[str]:
    """Return those of the files that were read when they had another size."""
    read = dict(
        db.execute(
            "SELECT source, bytes FROM backfill_files WHERE state != 'planned' AND bytes IS NOT NULL"
        ).fetchall()
    )
    return [p.source for p in planned if p.bytes is not None and read.get(p.source, p.bytes) != p.bytes]


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


def path_of(file: dict[str, Any], folder: Path) -> str:
    """Return what is to be opened: what was planned, or what was collected of a window."""
    if file["kind"] == "file":
        return str(file["source"])
    name = hashlib.sha256(file["source"].encode()).hexdigest()
    return str((folder / "collected" / f"{name}.warc.gz").resolve())


def note_done(db: Database, number: int, counts: dict[str, Any], *, attempts: int, code_version: str) -> None:
    """Enter what came of a file."""
    errors = counts["errors"]
    with transaction(db):
        db.execute(
            "UPDATE backfill_files SET state = 'done', finished = ?, attempts = ?, bytes = ?, responses = ?,"
            " on_host = ?, hits = ?, revisits = ?, errors = ?, cpu_seconds = ?, code_version = ?, error = ?,"
            " days = ? WHERE id = ?",
            [utc_now(), attempts, counts["bytes"], counts["responses"], counts["on_host"], counts["hits"],
             counts["revisits"], len(errors), counts["cpu_seconds"], code_version, "; ".join(errors[:NAMED_ERRORS]),
             json.dumps(counts["days"]), number],
        )  # fmt: skip


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


def sum_days(db: Database) -> None:
    """Count anew what each source had on each day, from the files that were read."""
    with transaction(db):
        count_days(db)


def count_days(db: Database) -> None:
    """Do what `sum_days` does, within a transaction."""
    db.execute("UPDATE backfill_days SET files = 0, responses = 0")
    db.execute(_DAYS)


_DAYS = (
    "INSERT INTO backfill_days (origin, day, files, responses)"
    " SELECT f.origin, d.key, count(*), sum(d.value) FROM backfill_files f, json_each(f.days) d"
    " WHERE f.days IS NOT NULL AND d.key GLOB '????-??-??' GROUP BY 1, 2"
    " ON CONFLICT (origin, day) DO UPDATE SET files = excluded.files, responses = excluded.responses"
)


# Days of which nothing was read: a hole in the source, unless files of that day are still to be read, or failed.
_EMPTY_DAYS = """
SELECT d.origin, d.day, max(f.state = 'failed') AS failed, max(f.state = 'planned') AS planned
FROM backfill_days d LEFT JOIN backfill_files f ON f.origin = d.origin AND f.day = d.day
WHERE d.files = 0 GROUP BY 1, 2 ORDER BY 1, 2
"""


def summary(db: Database) -> dict[str, Any]:
    """Return the totals of the ledger, the files that failed, and the days of which nothing was read, and why."""
    states = dict.fromkeys(STATES, 0)
    states |= dict(db.execute("SELECT state, count(*) FROM backfill_files GROUP BY state").fetchall())
    sums = ", ".join(f"coalesce(sum({name}), 0) AS {name}" for name in _SUMMED)
    (totals,) = rows(db, f"SELECT {sums} FROM backfill_files")
    empty = rows(db, _EMPTY_DAYS)
    return {
        "files": states,
        **totals,
        "cpu_seconds": round(totals["cpu_seconds"], 1),
        "failed": rows(
            db, "SELECT source, attempts, error FROM backfill_files WHERE state = 'failed' ORDER BY id"
        ),
        "days_without_files": [_day(each) for each in empty if each["failed"] is None],
        "days_not_read": [_day(each) for each in empty if each["failed"] is not None],
    }


def _day(columns: dict[str, Any]) -> dict[str, str]:
    return {"origin": columns["origin"], "day": columns["day"]}


def spans(days: list[dict[str, str]]) -> list[tuple[str, str, str]]:
    """Return days, in order, as spans: origin, first day, last day."""
    found: list[tuple[str, str, str]] = []
    for each in days:
        origin, day = each["origin"], each["day"]
        before = (date.fromisoformat(day) - timedelta(days=1)).isoformat()
        if found and found[-1][0] == origin and found[-1][2] == before:
            found[-1] = (origin, found[-1][1], day)
        else:
            found.append((origin, day, day))
    return found
