"""Seals: a digest of every row that the archive's own programs wrote, by which damage to it is known.

SQLite keeps no checksums: a bit that flips on the disk in a grade, a name or a date makes another value, and nothing
tells. A connection that `archive.store.open_archive` made seals each row as it writes it, by triggers of its own; what
changes a row in any other way, a failing disk or a hand with another program, leaves it without its seal.

Not sealed are what can be made anew from the rest (stems, the index of copies), and the columns
that say when we looked or are to look again (`LOOSE`), which one may set by hand.
"""

import hashlib
import sqlite3
from collections.abc import Iterator
from typing import NamedTuple

SEALED = (
    "outlets", "routes", "pages", "snapshots", "articles", "texts", "revisions", "sightings", "events", "verdicts",
    "labels", "samples", "takedowns", "crawls", "crawl_outlets", "boilerplate", "copy_groups", "copies",
    "copy_shingles", "copy_pairs", "stories", "story_articles", "story_links", "story_changes", "mentions",
    "mention_articles", "backfill_files", "backfill_captures",
)  # fmt: skip
# Of these, `verify` compares when a snapshot was fetched with what its WARC record says.
LOOSE = frozenset({
    "discovered", "fetched", "finished", "first_seen", "last_checked", "last_ok", "last_try", "next_try", "started",
    "tries",
})  # fmt: skip


class Broken(NamedTuple):
    """A row that is not as it was written."""

    table: str
    row: str  # its key, in words
    what: str


class _Table(NamedTuple):
    name: str
    columns: tuple[str, ...]  # that are sealed
    texts: frozenset[str]  # of them, those of text
    key: tuple[str, ...]
    numbered: bool  # whether the key is the row's number

    def digest(self, row: str = "") -> str:
        """Return the expression of a row's seal. Text goes as its bytes: damaged it may be no text any more."""
        parts = (f"CAST({row}{c} AS BLOB)" if c in self.texts else f"{row}{c}" for c in self.columns)
        return f"seal({', '.join(parts)})"

    def place(self, row: str = "") -> str:
        """Return the expression of the number by which a row's seal is found."""
        if self.numbered:
            return f"{row}{self.key[0]}"
        parts = (f"CAST({row}{c} AS BLOB)" if c in self.texts else f"{row}{c}" for c in self.key)
        return f"seal({', '.join(parts)})"


def seal(*values: object) -> int:
    """Return a number of 64 bits that stands for these values, each an int, a float, bytes, a str or None."""
    digest = hashlib.blake2b(digest_size=8)
    for value in values:
        if isinstance(value, str):
            value = value.encode(errors="surrogatepass")
        if isinstance(value, bytes):
            digest.update(b"b%d:" % len(value))
            digest.update(value)
        else:
            digest.update(f"{value!r};".encode())
    return int.from_bytes(digest.digest(), "big", signed=True)


def seal_what_is_written(db: sqlite3.Connection) -> None:
    """Have this connection seal what it writes from now on."""
    db.create_function("seal", -1, seal, deterministic=True)
    for table in _tables(db):
        name, place, digest = table.name, table.place("new."), table.digest("new.")
        # Not OR REPLACE: a statement that sets off the trigger may say otherwise, and that would hold.
        forget = f"DELETE FROM seals WHERE of_table = '{name}' AND place = {table.place('old.')}"
        anew = f"DELETE FROM seals WHERE of_table = '{name}' AND place = {place}"
        enter = f"INSERT INTO seals (of_table, place, seal) VALUES ('{name}', {place}, {digest})"
        db.execute(
            f"CREATE TEMP TRIGGER seal_{name}_ai AFTER INSERT ON main.{name} BEGIN {anew}; {enter}; END"
        )
        db.execute(
            f"CREATE TEMP TRIGGER seal_{name}_au AFTER UPDATE OF {', '.join(table.columns)} ON main.{name}"
            f" BEGIN {forget}; {anew}; {enter}; END"
        )
        db.execute(f"CREATE TEMP TRIGGER seal_{name}_ad AFTER DELETE ON main.{name} BEGIN {forget}; END")


def is_sealed(db: sqlite3.Connection) -> bool:
    """Return whether there are seals at all; an archive made before there were any has none."""
    exists = db.execute("SELECT 1 FROM sqlite_master WHERE name = 'seals'").fetchone()
    return bool(exists and db.execute("SELECT 1 FROM seals LIMIT 1").fetchone())


def seal_all(db: sqlite3.Connection) -> None:
    """Seal all rows as they are. The caller holds a transaction."""
    db.create_function("seal", -1, seal, deterministic=True)
    db.execute("DELETE FROM seals")
    for table in _tables(db):
        db.execute(
            "INSERT INTO seals (of_table, place, seal)"
            f" SELECT '{table.name}', {table.place()}, {table.digest()} FROM {table.name}"
        )


def broken(db: sqlite3.Connection) -> Iterator[Broken]:
    """Yield the rows that are not as they were written, those that nobody wrote, and those that are missing."""
    db.create_function("seal", -1, seal, deterministic=True)
    for table in _tables(db):
        key = ", ".join(f"CAST(t.{name} AS TEXT)" for name in table.key)
        joined = f"seals s ON s.of_table = '{table.name}' AND s.place = {table.place('t.')}"
        found = db.execute(
            f"SELECT s.seal IS NULL, {key} FROM {table.name} t LEFT JOIN {joined}"
            f" WHERE s.seal IS NOT {table.digest('t.')}"
        )
        for foreign, *parts in found:
            what = "was not written by bilateral" if foreign else "is not as it was written"
            yield Broken(
                table.name, " ".join(map(str, parts)), f"{what}: damaged, or changed by another program"
            )
        missing = db.execute(
            f"SELECT place FROM seals WHERE of_table = '{table.name}'"
            f" EXCEPT SELECT {table.place()} FROM {table.name}"
        )
        for (place,) in missing:
            row = str(place) if table.numbered else f"(its key has the digest {place})"
            yield Broken(table.name, row, "was written, and is not there any more")


def _tables(db: sqlite3.Connection) -> Iterator[_Table]:
    for name in SEALED:
        about = db.execute("SELECT name, type, pk FROM pragma_table_info(?)", [name]).fetchall()
        if not about:
            continue
        keys = sorted((pk, column) for column, _, pk in about if pk)
        types = {column: kind for column, kind, _ in about}
        key = tuple(column for _, column in keys)
        yield _Table(
            name=name,
            columns=tuple(column for column in types if column not in LOOSE),
            texts=frozenset(column for column, kind in types.items() if kind == "TEXT"),
            key=key,
            numbered=[types[column] for column in key] == ["INTEGER"],
        )
