"""A Frictionless Data Package: several tables as CSV, their schema, checksums, sources, licence, methods note.

Written into a folder, or into a zip file where the name ends in .zip. From one state of the archive, the same
package is made byte for byte.
"""

import contextlib
import hashlib
import json
import os
import shutil
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from sqlite_utils import Database

from archive.codebook import Column, column, describe, described
from archive.exports.tables import extract_table
from archive.exports.text_formats import write_csv
from archive.methods_note import methods_note
from archive.selection import Selection

DESCRIPTOR = "datapackage.json"
METHODS = "methods.md"
PACKAGED = (
    "articles", "revisions", "events", "outlets", "stories", "seen_per_day",
    "watched_per_day", "coverage", "gaps", "takedowns",
)  # fmt: skip
LICENCE = {
    "name": "ODC-By-1.0",
    "title": "Open Data Commons Attribution License 1.0, for the database; headlines and texts are their publishers'",
    "path": "https://opendatacommons.org/licenses/by/1-0/",
}
_KEYS = {
    "articles": "id", "revisions": "id", "events": "id", "outlets": "id", "stories": "id", "takedowns": "id",
    "coverage": "outlet",
}  # fmt: skip
_REFERENCES = {
    "articles": {"outlet": ("outlets", "id")},
    "revisions": {"article": ("articles", "id")},
    "events": {"article": ("articles", "id")},
    "seen_per_day": {"outlet": ("outlets", "id")},
    "watched_per_day": {"outlet": ("outlets", "id")},
    "coverage": {"outlet": ("outlets", "id")},
    "gaps": {"outlet": ("outlets", "id")},
}
_TYPES: dict[str, dict[str, Any]] = {
    "integer": {"type": "integer"},
    "number": {"type": "number"},
    "boolean": {"type": "boolean", "trueValues": ["1"], "falseValues": ["0"]},
    "datetime": {"type": "datetime", "format": "%Y-%m-%dT%H:%M:%SZ"},
    "date": {"type": "date"},
    "json": {"type": "array"},
}
_ZIP_DATE = (1980, 1, 1, 0, 0, 0)


class PackageError(Exception):
    """The package cannot be put where it was asked for; the message names the place."""


@dataclass(frozen=True, slots=True)
class Package:
    """What a package is called and of when it is; ``created`` is a UTC time."""

    name: str
    title: str
    created: str


def write_datapackage(
    db: Database, target: Path, selection: Selection, package: Package, *, with_text: bool = False
) -> None:
    """Write a package of the selection. Raises PackageError, SelectionError and OSError."""
    if target.suffix != ".zip" and not _may_replace(target):
        raise PackageError(f"{target}: is there already and is no data package")
    target.parent.mkdir(parents=True, exist_ok=True)
    aside = target.with_name(f".{target.name}.{os.getpid()}.partial")
    try:
        with one_state(db):
            fill(db, aside, selection, package, with_text=with_text)
        if target.suffix == ".zip":
            _zip(aside, target)
        else:
            _put(aside, target)
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _may_replace(target: Path) -> bool:
    if not target.exists() or (target / DESCRIPTOR).is_file():
        return True
    return target.is_dir() and not any(target.iterdir())


@contextlib.contextmanager
def one_state(db: Database) -> Iterator[None]:
    """Read everything in the block from one state of the archive, whatever is written meanwhile."""
    if db.conn.in_transaction:  # its state is the one
        yield
        return
    db.execute("BEGIN")
    try:
        yield
    finally:
        db.rollback()


def fill(
    db: Database, folder: Path, selection: Selection, package: Package, *, with_text: bool = False
) -> None:
    """Write all files of a package into a new folder."""
    (folder / "data").mkdir(parents=True)
    resources = []
    for table in PACKAGED:
        within = selection if table in ("articles", "revisions", "events") else Selection()
        extract = extract_table(db, table, within, with_text=with_text)
        path = folder / "data" / f"{table}.csv"
        with path.open("w", encoding="utf-8", newline="") as stream:
            write_csv(stream, extract, extract.rows(db))
        resources.append(_resource(folder, path, extract.table, extract.columns))
    articles = extract_table(db, "articles", selection, with_text=with_text)
    (folder / METHODS).write_text(methods_note(db, articles, selection), encoding="utf-8")
    descriptor = _descriptor(db, selection, package, resources)
    write_json(folder / DESCRIPTOR, descriptor)


def add_resource(folder: Path, name: str, columns: Sequence[str]) -> None:
    """Name one more CSV file of a package, of the codebook's ``files``, in its descriptor."""
    descriptor = json.loads((folder / DESCRIPTOR).read_text(encoding="utf-8"))
    path = folder / name
    descriptor["resources"].append(_resource(folder, path, path.stem, columns))
    write_json(folder / DESCRIPTOR, descriptor)


def write_json(path: Path, value: object) -> None:
    """Write a JSON document, keys in the order given."""
    path.write_text(json.dumps(value, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")


def _descriptor(
    db: Database, selection: Selection, package: Package, resources: list[dict[str, Any]]
) -> dict[str, Any]:
    sources = db.execute("SELECT name, homepage FROM outlets ORDER BY id").fetchall()
    return {
        "profile": "tabular-data-package",
        "name": package.name,
        "title": package.title,
        "description": "Coverage of the security talks between Mexico and the United States by the press and"
        f" governments of both countries. What is in it and what is not: {METHODS}.",
        "descripcion": "Cobertura de las negociaciones de seguridad entre México y Estados Unidos por la prensa y los"
        f" gobiernos de ambos países. Qué contiene y qué no: {METHODS}.",
        "version": version("bilateral"),
        "created": package.created,
        "keywords": ["Mexico", "United States", "security", "news"],
        "licenses": [LICENCE],
        "sources": [{"title": name, "path": homepage} for name, homepage in sources],
        "selection": selection.as_dict(),
        "resources": resources,
    }


def _resource(folder: Path, path: Path, name: str, columns: Sequence[str]) -> dict[str, Any]:
    table = described(name)
    schema: dict[str, Any] = {
        "fields": [_field(column(name, each)) for each in columns],
        "missingValues": [""],
    }
    if name in _KEYS:
        schema["primaryKey"] = [_KEYS[name]]
    references = _REFERENCES.get(name, {})
    if references:
        schema["foreignKeys"] = [
            {"fields": [each], "reference": {"resource": resource, "fields": [field]}}
            for each, (resource, field) in references.items()
        ]
    return {
        "profile": "tabular-data-resource",
        "name": name,
        "title": table.title.en,
        "description": f"{table.description.en} {table.obtained.en} {table.weakness.en}",
        "descripcion": f"{table.description.es} {table.obtained.es} {table.weakness.es}",
        "path": path.relative_to(folder).as_posix(),
        "format": "csv",
        "mediatype": "text/csv",
        "encoding": "utf-8",
        "dialect": {"delimiter": ",", "lineTerminator": "\r\n", "quoteChar": '"', "doubleQuote": True},
        "bytes": path.stat().st_size,
        "hash": f"sha256:{file_digest(path)}",
        "schema": schema,
    }


def _field(entry: Column) -> dict[str, Any]:
    field: dict[str, Any] = {"name": entry.name, **_TYPES.get(entry.type, {"type": "string"})}
    field["description"] = describe(entry, "en")
    field["descripcion"] = describe(entry, "es")
    if entry.values and entry.type in ("integer", "string"):
        field["constraints"] = {"enum": list(entry.values)}
    return field


def file_digest(path: Path) -> str:
    """Return the SHA-256 of a file in hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _put(aside: Path, target: Path) -> None:
    old = aside.with_suffix(".old")
    if target.exists():
        os.replace(target, old)
    os.replace(aside, target)
    shutil.rmtree(old, ignore_errors=True)


def _zip(folder: Path, target: Path) -> None:
    finished = folder.with_suffix(".zip-partial")
    with zipfile.ZipFile(finished, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            info = zipfile.ZipInfo(path.relative_to(folder).as_posix(), _ZIP_DATE)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = 0o644 << 16
            with path.open("rb") as source, archive.open(info, "w", force_zip64=True) as entry:
                shutil.copyfileobj(source, entry)
    os.replace(finished, target)
