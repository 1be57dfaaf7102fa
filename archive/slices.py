"""A slice of an archive: all that it knows of some outlets, as an archive that another machine can go on with."""

import json
import os
from collections.abc import Sequence
from pathlib import Path

from sqlite_utils import Database

from archive.store import open_archive, transaction

_OF_THE_OUTLETS = "outlet IN (SELECT value FROM json_each(:outlets))"
_ARTICLES = f"article IN (SELECT id FROM whole.articles WHERE {_OF_THE_OUTLETS})"
_PAGES = f"page IN (SELECT url FROM whole.pages WHERE {_OF_THE_OUTLETS})"
# In the order in which rows point at one another.
_TABLES = {
    "outlets": "id IN (SELECT value FROM json_each(:outlets))",
    "routes": _OF_THE_OUTLETS,
    "articles": _OF_THE_OUTLETS,
    "texts": _ARTICLES,
    "snapshots": f"{_ARTICLES} OR (article IS NULL AND {_PAGES})",
    "revisions": _ARTICLES,
    "sightings": _ARTICLES,
    "events": _ARTICLES,
    "pages": _OF_THE_OUTLETS,
    "verdicts": _PAGES,
    "boilerplate": _OF_THE_OUTLETS,
    "page_lines": _OF_THE_OUTLETS,
    "takedowns": "1",
}
_NOT_TAKEN = {"articles": ("story", "copy_group")}  # they point at what is outside the slice


def cut_slice(db: Database, outlets: Sequence[str], path: Path, *, folder: Path, warc_folder: Path) -> None:
    """Write all that an archive knows of some outlets into a new one at ``path``.

    ``folder`` has the archive's WARC files; the slice's ``warc_folder`` gets links to those it names, so that earlier
    captures can be read there.
    """
    (whole,) = [file for _, name, file in db.execute("PRAGMA database_list").fetchall() if name == "main"]
    part = open_archive(path)
    part.execute("ATTACH DATABASE ? AS whole", [whole])
    parameters = {"outlets": json.dumps(list(outlets))}
    with transaction(part):
        part.execute("PRAGMA defer_foreign_keys = ON")
        for table, where in _TABLES.items():
            columns = [name for name in part[table].columns_dict if name not in _NOT_TAKEN.get(table, ())]
            taken = ", ".join(columns)
            part.execute(
                f"INSERT INTO {table} ({taken}) SELECT {taken} FROM whole.{table} WHERE {where}", parameters
            )
        part.execute("UPDATE takedowns SET article = NULL WHERE article NOT IN (SELECT id FROM articles)")
    part.execute("DETACH DATABASE whole")
    names = [name for (name,) in part.execute("SELECT DISTINCT warc_file FROM snapshots").fetchall()]
    part.close()
    for name in names:
        link = warc_folder / name
        link.parent.mkdir(parents=True, exist_ok=True)
        if (folder / name).exists() and not link.exists():
            os.symlink((folder / name).resolve(), link)
