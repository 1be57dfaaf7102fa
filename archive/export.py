"""Tables to files: one selection, many formats, all of them streamed.

    Selection ─► Extract (one query) ─► a writer

What is in a file and what it means: docs/export.md and the codebook.
"""

import contextlib
import errno
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from io import TextIOWrapper
from pathlib import Path
from sqlite3 import Cursor
from typing import TextIO

from sqlite_utils import Database

from archive.citations import write_bibtex, write_csl, write_ris
from archive.exports.companions import note_beside, schema_beside, write_schema
from archive.exports.datapackage import file_digest, one_state
from archive.exports.files import is_device, replaced
from archive.exports.sample import Draw, sheet_beside, write_coding_sheet
from archive.exports.tables import Extract
from archive.exports.text_formats import write_csv, write_csv_excel, write_jsonl
from archive.methods_note import methods_note
from archive.selection import Selection

TextWriter = Callable[[TextIO, Extract, Cursor], None]

CITATION_FORMATS: dict[str, TextWriter] = {
    "bibtex": lambda stream, extract, rows: write_bibtex(stream, extract.columns, rows),
    "ris": lambda stream, extract, rows: write_ris(stream, extract.columns, rows),
    "csl-json": lambda stream, extract, rows: write_csl(stream, extract.columns, rows),
}
TEXT_FORMATS: dict[str, TextWriter] = {
    "csv": write_csv,
    "csv-excel": write_csv_excel,
    "jsonl": write_jsonl,
    **CITATION_FORMATS,
}
FILE_FORMATS = ("parquet", "xlsx")
FORMATS = (*TEXT_FORMATS, *FILE_FORMATS)


CACHE_KIBIBYTES = 8_192  # of the database; an export reads every page once


def export_stream(db: Database, stream: TextIO, extract: Extract, form: str) -> None:
    """Write an extract to an open text stream that does not translate newlines."""
    db.execute(f"PRAGMA cache_size = -{CACHE_KIBIBYTES}")
    TEXT_FORMATS[form](stream, extract, extract.rows(db))


def export_file(db: Database, path: Path, extract: Extract, form: str) -> None:
    """Write an extract to a file, which appears under its name only when it is whole. Raises OSError."""
    with replaced(path) as temporary:
        write_file(db, temporary, extract, form)


def export_with_companions(
    db: Database, path: Path, extract: Extract, form: str, selection: Selection, drawn: Draw | None = None
) -> None:
    """Write an extract to a file, and beside it what it is: methods note, schema of a CSV, sheet of a sample.

    All are of one state of the archive, and appear together when all are whole. A device or a pipe is written to as it
    is, and nothing beside it. Raises OSError.
    """
    if is_device(path):
        write_file(db, path, extract, form)
        return
    with one_state(db), contextlib.ExitStack() as files:
        data = files.enter_context(replaced(path))  # the first to come, the last to take its name
        write_file(db, data, extract, form)
        with ThreadPoolExecutor(1) as beside:  # another core reads the file while this one counts the archive
            digest = beside.submit(file_digest, data) if form.startswith("csv") else None
            if form not in CITATION_FORMATS:
                note = files.enter_context(replaced(note_beside(path)))
                note.write_text(methods_note(db, extract, selection, drawn=drawn), encoding="utf-8")
        if digest is not None:
            write_schema(files.enter_context(replaced(schema_beside(path))), path, digest.result(), extract)
        if drawn is not None:
            sheet = files.enter_context(replaced(sheet_beside(path)))
            write_coding_sheet(db, sheet, drawn, f"{path.stem}-{drawn.seed}")


def write_file(db: Database, path: Path, extract: Extract, form: str) -> None:
    """Write an extract to a file under its very name. Raises OSError."""
    db.execute(f"PRAGMA cache_size = -{CACHE_KIBIBYTES}")
    if form in TEXT_FORMATS:
        with path.open("w", encoding="utf-8", newline="") as stream:
            export_stream(db, stream, extract, form)
    else:
        _write_binary(path, extract, extract.rows(db), form)


PARTITIONED = {
    "articles": "published", "revisions": "seen", "events": "seen", "pages": "discovered", "snapshots": "fetched",
}  # fmt: skip


def export_months(db: Database, folder: Path, extract: Extract, selection: Selection) -> None:
    """Write an extract to Parquet files by month, in a folder that appears only when it is whole, and its note.

    Raises FileExistsError where the folder is there already; ValueError where the table has no time to go by, or its
    column was left out.
    """
    from archive.exports.parquet import write_months

    time = PARTITIONED.get(extract.table)
    if time is None or time not in extract.columns:
        raise ValueError(f"months need the column {time!r}" if time else f"{extract.table} has no months")
    if folder.exists():
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST))
    db.execute(f"PRAGMA cache_size = -{CACHE_KIBIBYTES}")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with one_state(db), tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}.") as name:
        unfinished = Path(name) / folder.name
        unfinished.mkdir()
        write_months(unfinished, extract, extract.rows(db), time)
        with replaced(note_beside(folder)) as note:
            note.write_text(methods_note(db, extract, selection), encoding="utf-8")
            unfinished.rename(folder)


def _write_binary(path: Path, extract: Extract, rows: Cursor, form: str) -> None:
    # Imported when used: these two libraries take longer to load than a small export to write.
    if form == "parquet":
        from archive.exports.parquet import write_parquet

        write_parquet(path, extract, rows)
    else:
        from archive.exports.xlsx import write_xlsx

        write_xlsx(path, extract, rows)


@contextlib.contextmanager
def standard_output() -> Iterator[TextIO]:
    """Give standard output as UTF-8 without translation of newlines. Raises OSError where it is closed."""
    if sys.stdout is None:
        raise OSError(errno.EBADF, "it is closed")
    stream = TextIOWrapper(sys.stdout.buffer, encoding="utf-8", newline="")
    try:
        yield stream
    finally:
        stream.flush()
        stream.detach()
