"""The two files written beside a table: its schema (CSV on the Web, W3C) and the methods note."""

from pathlib import Path
from typing import Any

from archive.codebook import column, describe, tables
from archive.exports.datapackage import write_json
from archive.exports.tables import Extract

_DATATYPES: dict[str, Any] = {
    "integer": "integer",
    "number": "number",
    "boolean": {"base": "boolean", "format": "1|0"},
    "datetime": "dateTimeStamp",
    "date": "date",
    "json": "json",
    "url": "anyURI",
}


def note_beside(path: Path) -> Path:
    """Return where the methods note of a file lies."""
    return path.with_name(f"{path.name}.methods.md")


def schema_beside(path: Path) -> Path:
    """Return where the schema of a CSV file lies, as CSV on the Web has it."""
    return path.with_name(f"{path.name}-metadata.json")


def write_schema(target: Path, path: Path, digest: str, extract: Extract) -> None:
    """Write to ``target`` the schema of the CSV file ``path``, whose SHA-256 is ``digest``. Raises OSError."""
    write_json(target, _csvw(path.name, digest, extract))


def _csvw(name: str, digest: str, extract: Extract) -> dict[str, Any]:
    table = tables()[extract.table]
    return {
        "@context": ["http://www.w3.org/ns/csvw", {"@language": "en"}],
        "url": name,
        "dc:title": {"en": table.title.en, "es": table.title.es},
        "dc:description": {"en": table.description.en, "es": table.description.es},
        "dc:identifier": f"sha256:{digest}",
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
