"""Frozen data packages: a dated copy for citation, the same byte for byte when made again from the same state.

A package is a folder: the data package (`archive.exports.datapackage`), what changed since the one before,
CITATION.cff, DataCite metadata, and ``manifest-sha256.txt`` over all of it, as `sha256sum -c` reads it. Its date
is that of the archive's state, not of its making.
"""

import csv
import json
import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import yaml
from sqlite_utils import Database

from archive.codebook import schema_page
from archive.exports.datapackage import (
    DESCRIPTOR,
    LICENCE,
    METHODS,
    Package,
    add_resource,
    file_digest,
    fill,
    one_state,
    write_json,
)
from archive.selection import Selection
from archive.warc_check import Finding, damage

MANIFEST = "manifest-sha256.txt"
DIFFERENCE = "difference.json"
CHANGES = "changes.csv"
CREATOR = "The Bilateral contributors"
TITLE = "Bilateral: coverage of the security talks between Mexico and the United States"
_LISTED = re.compile(r"^([0-9a-f]{64})  (.+)$", re.MULTILINE)
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}")
_STATE = """
SELECT max(moment) FROM (
  SELECT max(coalesce(finished, started)) AS moment FROM crawls UNION ALL SELECT max(fetched) FROM snapshots
  UNION ALL SELECT max(last_checked) FROM articles UNION ALL SELECT max(discovered) FROM pages
  UNION ALL SELECT max(coalesce(lifted, created)) FROM takedowns UNION ALL SELECT max(created) FROM labels
)
"""


class FrozenError(Exception):
    """A package cannot be made or changed; the message names it."""


@dataclass(frozen=True, slots=True)
class Frozen:
    """A finished package; ``made`` is False where the same one was there already."""

    path: Path
    manifest: str  # SHA-256 of the manifest: the digest of the whole
    created: str
    made: bool
    difference: dict[str, Any]


def freeze(db: Database, folder: Path, name: str) -> Frozen:
    """Make the package ``name`` under ``folder``.

    Raises FrozenError where the name is none, the archive is empty, or another package of this name is there:
    one that was published is never changed.
    """
    if not _NAME.fullmatch(name):
        raise FrozenError(f"{name!r}: a name is letters, digits, dots, dashes and underscores")
    target = folder / name
    folder.mkdir(parents=True, exist_ok=True)
    aside = folder / f".{name}.{os.getpid()}.partial"
    try:
        with one_state(db):
            created = db.execute(_STATE).fetchone()[0]
            if created is None:
                raise FrozenError("the archive is empty")
            previous = _previous(folder, name, created)
            fill(db, aside, Selection(), Package(f"bilateral-{name.lower()}", f"{TITLE}, {name}", created))
            difference = _difference(db, aside, previous)
            add_resource(aside, CHANGES, ("change", "article", "url"))
        _describe(aside, name, created)
        manifest = write_manifest(aside)
        return _settle(aside, target, manifest, created, difference)
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _settle(aside: Path, target: Path, manifest: str, created: str, difference: dict[str, Any]) -> Frozen:
    if target.exists():
        found = target / MANIFEST
        if not found.is_file() or file_digest(found) != manifest:
            raise FrozenError(f"{target}: is there already and holds another state; choose another name")
        return Frozen(target, manifest, created, False, difference)
    os.replace(aside, target)
    return Frozen(target, manifest, created, True, difference)


def _previous(folder: Path, name: str, created: str) -> Path | None:
    """Return the latest package before this one."""
    found = []
    for descriptor in folder.glob(f"*/{DESCRIPTOR}"):
        other = descriptor.parent
        if other.name.startswith(".") or not (other / MANIFEST).is_file():
            continue
        try:
            when = json.loads(descriptor.read_text(encoding="utf-8"))["created"]
        except (ValueError, KeyError) as error:
            raise FrozenError(
                f"{descriptor}: cannot be read; `bilateral verify {other}` says more"
            ) from error
        if (when, other.name) < (created, name):
            found.append((when, other.name, other))
    return max(found)[2] if found else None


def _difference(db: Database, aside: Path, previous: Path | None) -> dict[str, Any]:
    """Write which articles came, went and changed since the package before, and return the counts."""
    db.execute("CREATE TEMP TABLE IF NOT EXISTS before (id INTEGER PRIMARY KEY, url TEXT, sha256 TEXT)")
    db.execute("CREATE TEMP TABLE IF NOT EXISTS after (id INTEGER PRIMARY KEY, url TEXT, sha256 TEXT)")
    for table, source in (("before", previous), ("after", aside)):
        db.execute(f"DELETE FROM temp.{table}")
        if source is not None:
            db.conn.executemany(f"INSERT INTO temp.{table} VALUES (?,?,?)", _articles(source))
    changes = (
        "SELECT 'added' AS change, id, url FROM temp.after WHERE id NOT IN (SELECT id FROM temp.before)"
        " UNION ALL SELECT 'removed', id, url FROM temp.before WHERE id NOT IN (SELECT id FROM temp.after)"
        " UNION ALL SELECT 'changed', a.id, a.url FROM temp.after a JOIN temp.before b ON b.id = a.id"
        " WHERE b.sha256 IS NOT a.sha256 ORDER BY 1, 2"
    )
    with (aside / CHANGES).open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\r\n")
        writer.writerow(("change", "article", "url"))
        writer.writerows(db.execute(changes))
    counts = dict(db.execute(f"SELECT change, count(*) FROM ({changes}) GROUP BY change").fetchall())
    difference = {
        "previous": previous.name if previous else None,
        "previous_manifest": file_digest(previous / MANIFEST) if previous else None,
        "articles": db.execute("SELECT count(*) FROM temp.after").fetchone()[0],
        **{change: counts.get(change, 0) for change in ("added", "removed", "changed")},
    }
    write_json(aside / DIFFERENCE, difference)
    return difference


def _articles(package: Path) -> Iterator[tuple[str, str, str]]:
    csv.field_size_limit(1 << 30)  # the reasons of a verdict can be long
    with (package / "data" / "articles.csv").open(encoding="utf-8", newline="") as stream:
        for row in csv.DictReader(stream):
            yield row["id"], row["url"], row["sha256"]


def _describe(aside: Path, name: str, created: str) -> None:
    (aside / "schema.md").write_text(schema_page(), encoding="utf-8")
    (aside / "CITATION.cff").write_text(_citation(name, created), encoding="utf-8")
    write_json(aside / "datacite.json", _datacite(name, created))


def _citation(name: str, created: str) -> str:
    document = {
        "cff-version": "1.2.0",
        "message": "Please cite this data set with its name: it stays as it is.",
        "type": "dataset",
        "title": f"{TITLE}, {name}",
        "version": name,
        "date-released": created[:10],
        "authors": [{"name": CREATOR}],
        "license": LICENCE["name"],
        "keywords": ["Mexico", "United States", "security", "news"],
        "abstract": f"Which articles outlets of both countries published on the talks. Methods: {METHODS}.",
    }
    return yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=1000)


def _datacite(name: str, created: str) -> dict[str, Any]:
    return {
        "schemaVersion": "http://datacite.org/schema/kernel-4",
        "types": {"resourceTypeGeneral": "Dataset", "resourceType": "Frictionless Data Package"},
        "creators": [{"name": CREATOR, "nameType": "Organizational"}],
        "titles": [{"title": f"{TITLE}, {name}", "lang": "en"}],
        "publisher": {"name": CREATOR},
        "publicationYear": created[:4],
        "dates": [{"date": created, "dateType": "Collected"}],
        "version": name,
        "language": "es",
        "subjects": [{"subject": word} for word in ("Mexico", "United States", "security", "news")],
        "rightsList": [
            {"rights": LICENCE["title"], "rightsUri": LICENCE["path"], "rightsIdentifier": "odc-by-1.0"}
        ],
        "formats": ["text/csv", "application/json"],
        "descriptions": [
            {
                "description": f"Made by bilateral {version('bilateral')}. Methods, gaps and weaknesses: {METHODS}.",
                "descriptionType": "Methods",
                "lang": "en",
            }
        ],
    }


def _files(folder: Path) -> list[str]:
    found = (path for path in folder.rglob("*") if path.is_symlink() or not path.is_dir())
    return sorted(path.relative_to(folder).as_posix() for path in found)


def write_manifest(folder: Path) -> str:
    """Write the digests of all files of a package; return the manifest's own."""
    names = [name for name in _files(folder) if name != MANIFEST]
    text = _manifest({name: file_digest(folder / name) for name in names})
    (folder / MANIFEST).write_text(text, encoding="utf-8", newline="")
    return file_digest(folder / MANIFEST)


def _manifest(digests: dict[str, str]) -> str:
    return "".join(f"{digest}  {name}\n" for name, digest in digests.items())


def verify_frozen(folder: Path) -> Iterator[Finding]:
    """Check a package against its manifest: every file there, none changed, none added.

    Who changed a package can have written its manifest anew: what tells is the manifest's own digest, a note.
    """
    try:
        text = (folder / MANIFEST).read_bytes().decode("utf-8")
    except (OSError, UnicodeDecodeError):
        yield damage(
            "snapshot", str(folder / MANIFEST), "is missing or cannot be read: this is no frozen package"
        )
        return
    listed = {name: digest for digest, name in _LISTED.findall(text)}
    if _manifest(dict(sorted(listed.items()))) != text:
        yield damage("snapshot", MANIFEST, "is not as it was written: it was changed")
    present = set(_files(folder)) - {MANIFEST}
    for name, digest in listed.items():
        if name not in present:
            yield damage("snapshot", name, "is missing")
        elif not _is_intact(folder / name, digest):
            yield damage("snapshot", name, "is not what the manifest says: it was changed")
    for name in sorted(present - set(listed)):
        yield damage("snapshot", name, "is not in the manifest: it was added")
    yield Finding("note", "snapshot", MANIFEST, f"has the SHA-256 {file_digest(folder / MANIFEST)}")


def _is_intact(path: Path, digest: str) -> bool:
    try:
        return file_digest(path) == digest
    except OSError:
        return False
