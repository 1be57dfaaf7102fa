"""How fast exports are, beside a bare sqlite3 cursor piped to csv.writer, and how much memory they take.

    python benchmarks/export.py [--rows 1000000]

Each export, with the methods note and schema beside it, runs in a process of its own; its peak resident memory is
the operating system's figure. The archive is made of invented rows, in a temporary folder. Ends with 1 where a goal
is missed: 60% of the bare cursor's rows a second for CSV and Parquet, 200 MB.
"""

import argparse
import csv
import multiprocessing
import sqlite3
import sys
import tempfile
import time
from pathlib import Path

from archive.export import export_with_companions
from archive.exports.tables import extract_table, table_columns
from archive.models import Outlet
from archive.selection import Selection
from archive.store import open_archive, save_outlets

GOAL_SHARE = 0.6
GOAL_MB = 200
FORMATS = ("csv", "parquet", "jsonl", "csv-excel", "xlsx")
TITLE = "México y Estados Unidos revisan en Washington los avances del grupo de seguridad número "


def make(path: Path, rows: int) -> None:
    db = open_archive(path)
    outlets = [
        Outlet(id=f"outlet-{n}", name=f"Outlet {n}", country="MX", language="es",
               homepage=f"https://outlet-{n}.example/", timezone="America/Mexico_City")
        for n in range(100)
    ]  # fmt: skip
    save_outlets(db, outlets)
    for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
        db.execute(f"DROP TRIGGER [{name}]")
    with db.conn:
        db.execute(
            "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < ?)"
            " INSERT INTO articles (id, url, key, outlet, country, language, title, description, authors,"
            " published, published_local, first_seen, last_checked, grade, score, terms, word_count, sha256)"
            " SELECT i, 'https://outlet-' || (i % 100) || '.example/nota/' || i, 'k' || i, 'outlet-' || (i % 100),"
            " 'MX', 'es', ? || i, 'Una bajada de dos renglones, con \"comillas\", que resume la nota ' || i,"
            " 'Irene Salcedo; Dana Whitlock', strftime('%Y-%m-%dT%H:%M:%SZ', 1700000000 + i * 60, 'unixepoch'),"
            " strftime('%Y-%m-%dT%H:%M:%S-06:00', 1700000000 + i * 60, 'unixepoch'), '2026-01-01T00:00:00Z',"
            ' \'2026-01-01T00:00:00Z\', 1 + i % 2, 7.5, \'[{"text": "seguridad", "where": "title",'
            ' "points": 2.0, "why": "the word of the subject"}]\', 400, hex(randomblob(32)) FROM n',
            [rows, TITLE],
        )
    db.close()


def bare(path: Path, target: Path) -> None:
    db = sqlite3.connect(path)
    columns = ", ".join(f"[{name}]" for name in table_columns(open_archive(path), "articles"))
    with target.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows(db.execute(f"SELECT {columns} FROM articles"))


def ours(path: Path, target: Path, form: str) -> None:
    db = open_archive(path)
    extract = extract_table(db)
    export_with_companions(db, target, extract, form, Selection())


def measured(function, *arguments) -> tuple[float, float]:  # type: ignore[no-untyped-def]
    """Return seconds and peak MB of a call in a process of its own."""
    receiver, sender = multiprocessing.Pipe(duplex=False)
    process = multiprocessing.get_context("spawn").Process(target=_run, args=(sender, function, arguments))
    process.start()
    result = receiver.recv()
    process.join()
    return result


def _run(sender, function, arguments) -> None:  # type: ignore[no-untyped-def]
    start = time.perf_counter()
    function(*arguments)
    seconds = time.perf_counter() - start
    sender.send((seconds, peak_mb()))


def peak_mb() -> float:
    """Return this process's own peak resident memory; ru_maxrss would count its parent's before exec."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--formats", nargs="*", default=FORMATS, choices=FORMATS)
    options = parser.parse_args()
    missed = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "archive.db"
        make(path, options.rows)
        size = path.stat().st_size / 1e6
        print(f"{options.rows} rows, {size:.0f} MB")
        print(f"{'':12} {'seconds':>8} {'rows/s':>9} {'of bare':>8} {'peak MB':>8}")
        seconds, peak = measured(bare, path, Path(folder) / "bare.csv")
        base = options.rows / seconds
        print(f"{'bare cursor':12} {seconds:8.1f} {base:9.0f} {1:8.0%} {peak:8.0f}")
        for form in options.formats:
            seconds, peak = measured(ours, path, Path(folder) / f"out.{form}", form)
            share = options.rows / seconds / base
            print(f"{form:12} {seconds:8.1f} {options.rows / seconds:9.0f} {share:8.0%} {peak:8.0f}")
            if peak > GOAL_MB or (form in ("csv", "parquet") and share < GOAL_SHARE):
                missed.append(form)
    print(f"missed: {', '.join(missed)}" if missed else "all goals met")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
