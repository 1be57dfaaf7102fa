"""How much of what happens to an archive on its disk `bilateral verify` finds: random bits flipped, one at a time.

    python -m benchmarks.flipped_bits [--db PATH] [--flips 100] [--seed 1]

Without ``--db`` the recorded demonstration is made into an archive first. Each bit is flipped in a copy, `verify` is
run on it, and the bit is set back. Of those that it does not find it is said where they lie: in a table's page, in
an index, or in room that is not in use, where they change nothing.
"""

import argparse
import contextlib
import random
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from archive.integrity import verify


def owner_of(db: sqlite3.Connection, page: int) -> str:
    """Return which table or index a page of the database belongs to."""
    found = db.execute("SELECT name FROM dbstat WHERE pageno = ?", [page]).fetchone()
    return str(found[0]) if found else "free"


def contents(path: Path) -> object:
    """Return all that a reader of the database sees; a bit in unused room does not change it."""
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.text_factory = bytes
        names = [name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return [db.execute(f"SELECT * FROM [{name.decode()}]").fetchall() for name in names]


def flip(path: Path, position: int, bit: int) -> None:
    """Flip one bit of a file."""
    with path.open("r+b") as file:
        file.seek(position)
        byte = file.read(1)[0]
        file.seek(position)
        file.write(bytes([byte ^ (1 << bit)]))


def found(db: Path, warc: Path) -> bool:
    """Return whether `verify` names any damage."""
    return any(each.severity == "damage" for each in verify(db, warc))


def flipped_in_database(db: Path, warc: Path, flips: int, dice: random.Random) -> None:
    """Flip bits of the database."""
    with contextlib.closing(sqlite3.connect(db)) as connection:
        size = connection.execute("PRAGMA page_size").fetchone()[0]
        owners = {}
        for (page,) in connection.execute("SELECT pageno FROM dbstat").fetchall():
            owners[page] = owner_of(connection, page)
    whole = contents(db)
    named, missed, idle = 0, Counter[str](), 0
    for _ in range(flips):
        position, bit = dice.randrange(db.stat().st_size), dice.randrange(8)
        flip(db, position, bit)
        if found(db, warc):
            named += 1
        else:
            try:
                changed = contents(db) != whole
            except sqlite3.Error:
                changed = True
            if changed:
                missed[owners.get(position // size + 1, "free")] += 1
            else:
                idle += 1
        flip(db, position, bit)
    print(
        f"database: {flips} bits, {named} found, {idle} in unused room, {missed.total()} missed {dict(missed)}"
    )


def flipped_in_warcs(db: Path, warc: Path, flips: int, dice: random.Random) -> None:
    """Flip bits of the WARC files."""
    files = sorted(warc.glob("*/*.warc.gz"))
    named = 0
    for _ in range(flips):
        path = dice.choices(files, [file.stat().st_size for file in files])[0]
        position, bit = dice.randrange(path.stat().st_size), dice.randrange(8)
        flip(path, position, bit)
        named += any(each.severity == "damage" and path.name in each.where for each in verify(db, warc))
        flip(path, position, bit)
    print(f"WARC files: {flips} bits, {named} found and the file named")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--db", type=Path)
    parser.add_argument("--flips", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        source = options.db
        if source is None:
            source = folder / "made" / "archive.db"
            command = [sys.executable, "-m", "archive.cli", "demo", "--no-serve", "--db", str(source)]
            subprocess.run(command, check=True, capture_output=True)
        db, warc = folder / "archive.db", folder / "warc"
        with contextlib.closing(sqlite3.connect(source)) as connection:
            connection.execute("VACUUM INTO ?", [str(db)])
        shutil.copytree(source.parent / "warc", warc)
        began = time.monotonic()
        assert not found(db, warc)
        print(f"{db.stat().st_size / 1e6:.1f} MB, verified in {time.monotonic() - began:.1f} s")
        flipped_in_database(db, warc, options.flips, random.Random(options.seed))
        flipped_in_warcs(db, warc, options.flips, random.Random(options.seed))


if __name__ == "__main__":
    main()
