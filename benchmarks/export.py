"""How fast `bilateral export` is, beside a bare sqlite3 cursor piped to csv.writer, and how much memory it takes.

    python benchmarks/export.py --db ARCHIVE [--with-text] [--rounds 2] [--into FOLDER]

The archive may be one of invented articles: `python -m benchmarks.make_archive bench.db --articles 1000000`.
Whole processes are measured, methods note and schema included, by turns: the bare cursor, then each form, as often as
there are rounds; the median counts. CPU is the time both processors worked for it, which other load on the machine
disturbs less than the clock. Ends with 1 where a goal is missed: 60% of the bare cursor's rows a second for CSV and
Parquet, 200 MB for all forms.
"""

import argparse
import contextlib
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path

GOAL_SHARE = 0.6
GOAL_MB = 200
FORMS = ("csv", "parquet", "jsonl", "csv-excel", "xlsx", "datapackage")
GOALS = ("csv", "parquet")

BARE = """
import csv, sqlite3, sys
db = sqlite3.connect(f"file:{sys.argv[1]}?mode=ro", uri=True)
names = [row[1] for row in db.execute("PRAGMA table_info(articles)") if row[1] != "key"]
listed = ", ".join(f"a.{name}" for name in names)
text, join = (", t.text", " LEFT JOIN texts t ON t.article = a.id") if sys.argv[3] else ("", "")
with open(sys.argv[2], "w", encoding="utf-8", newline="") as stream:
    writer = csv.writer(stream)
    writer.writerow(names)
    writer.writerows(db.execute(f"SELECT {listed}{text} FROM articles a{join} WHERE a.grade > 0"))
"""


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--db", type=Path, required=True, help="an archive, which is only read")
    parser.add_argument("--with-text", action="store_true")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--forms", nargs="*", default=FORMS, choices=FORMS)
    parser.add_argument("--into", type=Path, help="where the files are written, and deleted again")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.into) as folder:
        return compare(options.db, Path(folder), options)


def compare(archive: Path, folder: Path, options: argparse.Namespace) -> int:
    measured: dict[str, list[tuple[float, float, float]]] = defaultdict(list)
    for _ in range(options.rounds):
        measured["bare cursor"].append(run(bare(archive, folder, text=options.with_text), folder))
        for form in options.forms:
            measured[form].append(run(ours(archive, folder, form, text=options.with_text), folder))
    medians = {
        name: [statistics.median(values) for values in zip(*runs, strict=True)]
        for name, runs in measured.items()
    }
    clock, cpu, _ = medians["bare cursor"]
    print(
        f"{archive.stat().st_size / 1e6:.0f} MB{', with text' if options.with_text else ''}, rounds: {options.rounds}"
    )
    print(f"{'':12} {'seconds':>8} {'of bare':>8} {'CPU':>8} {'of bare':>8} {'peak MB':>8}")
    missed = []
    for name, (seconds, work, peak) in medians.items():
        print(f"{name:12} {seconds:8.1f} {clock / seconds:8.0%} {work:8.1f} {cpu / work:8.0%} {peak:8.0f}")
        if name in FORMS and (peak > GOAL_MB or (name in GOALS and clock / seconds < GOAL_SHARE)):
            missed.append(name)
    print(f"missed: {', '.join(missed)}" if missed else "all goals met")
    return 1 if missed else 0


def bare(archive: Path, folder: Path, *, text: bool) -> list[str]:
    return [sys.executable, "-c", BARE, str(archive), str(folder / "bare.csv"), "text" if text else ""]


def ours(archive: Path, folder: Path, form: str, *, text: bool) -> list[str]:
    options = ["--with-text"] if text else []
    target = str(folder / f"out.{form}")
    return [
        sys.executable,
        "-m",
        "archive.cli",
        "export",
        "--db",
        str(archive),
        "--format",
        form,
        "-o",
        target,
        *options,
    ]


def run(command: list[str], folder: Path) -> tuple[float, float, float]:
    """Return the seconds by the clock and of CPU, and the peak MB, of a process; what it wrote is deleted."""
    start = time.perf_counter()
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    peak, used = 0.0, None
    while used is None:
        time.sleep(0.05)
        peak = max(peak, peak_mb(process.pid))
        ended, status, usage = os.wait4(process.pid, os.WNOHANG)
        used = usage if ended else None
    seconds = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    clear(folder)
    return seconds, used.ru_utime + used.ru_stime, peak


def peak_mb(number: int) -> float:
    """Return a process's own peak resident memory; ru_maxrss would count its parent's before exec."""
    with contextlib.suppress(OSError, IndexError):
        status = Path(f"/proc/{number}/status").read_text(encoding="ascii")
        return int(status.partition("VmHWM:")[2].split()[0]) / 1024
    return 0.0


def clear(folder: Path) -> None:
    for path in folder.iterdir():
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()


if __name__ == "__main__":
    sys.exit(main())
