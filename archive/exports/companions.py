"""The two files written beside a table: its schema (CSV on the Web, W3C) and the methods note."""

from pathlib import Path
from typing import Any

from sqlite_utils import Database

from archive.codebook import column, describe, tables
from archive.exports.datapackage import file_digest, write_json
from archive.exports.tables import Extract
from archive.methods_note import methods_note
from archive.selection import Selection

_DATATYPES: dict[str, Any] = {
    "integer": "integer",
    "number": "number",
    "boolean": {"base": "boolean", "format": "1|0"},
    "datetime": "dateTimeStamp",
    "date": "date",
    "json": "json",
    "url": "anyURI",
}


def write_companions(
    db: Database, path: Path, extract: Extract, selection: Selection, *, schema: bool, drawn: str = ""
) -> None:
    """Write ``PATH.methods.md``, and with ``schema`` ``PATH-metadata.json``, for a file already written.

    Raises OSError.
    """
    if schema:
        write_json(path.with_name(f"{path.name}-metadata.json"), _csvw(path, extract))
    note = methods_note(db, extract, selection, drawn=drawn)
    path.with_name(f"{path.name}.methods.md").write_text(note, encoding="utf-8")


def _csvw(path: Path, extract: Extract) -> dict[str, Any]:
    table = tables()[extract.table]
    return {
        "@context": ["http://www.w3.org/ns/csvw", {"@language": "en"}],
        "url": path.name,
        "dc:title": {"en": table.title.en, "es": table.title.es},
        "dc:description": {"en": table.description.en, "es": table.description.es},
        "dc:identifier": f"sha256:{file_digest(path)}",
        "dialect": {"encoding": "utf-8", "lineTerminators": ["\r\n"], "header": True, "doubleQuote": True},
        "tableSchema": {"columns": [_column(extract.table, name) for name in extract.columns]},
    }


def _column(table: str, name: str) -> dict[str, Any]:
    entry = column(table, name)
    return {
        "name": name,
        "titles": name,
        "datatype": _DATATYPES.get(entry.type, "string"),
        "null": "",
        "dc:description": {"en": describe(entry, "en"), "es": describe(entry, "es")},
    }
