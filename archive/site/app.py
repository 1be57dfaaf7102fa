"""Datasette over an archive, with the project's metadata, templates and plugins."""

import contextlib
import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from datasette.app import Datasette

from archive.publish import published_edition
from archive.search import warm
from archive.site.metadata import read_metadata
from archive.site.tables import ArchiveDatabase

HERE = Path(__file__).parent
DATABASE = "archive"
INDEX_TABLES = ("articles_fts", *(f"articles_fts_{part}" for part in ("config", "data", "docsize", "idx")))
SHORT_WAIT = 0.2  # seconds that a request waits for a replaced database
SETTINGS: dict[str, Any] = {
    "suggest_facets": False,
    "allow_download": False,
    "allow_csv_stream": True,
    "max_csv_mb": 0,
    "cache_size_kb": 8192,  # a connection; more changes nothing while the system keeps the file in memory
    "facet_time_limit_ms": 500,
    "default_facet_size": 30,
    "sql_time_limit_ms": 1500,
    "num_sql_threads": 3,
    "max_returned_rows": 1000,
    "default_page_size": 50,
    "truncate_cells_html": 120,
}


def restrict(described: dict[str, Any], db: Path) -> None:
    """Close what would give whole texts: all tables of an archive, the index and SQL of a public edition."""
    database = described["databases"][DATABASE]
    if published_edition(db) != "public":
        database["allow"] = False
        return
    database["allow_sql"] = False
    database.pop("queries", None)
    for option in ("fts_table", "fts_pk"):  # its box takes phrases, which this index does not know
        database["tables"]["articles"].pop(option, None)
    for table in INDEX_TABLES:
        database["tables"][table] = {"allow": False, "hidden": True}


def build_site(db: Path, *, public: bool = False, notice: str = "", contact: str = "") -> Datasette:
    """Return the application that serves one archive, read only.

    ``public`` serves excerpts of the texts; ``notice`` is shown on every page; ``contact`` is the address that
    readers are given for takedowns.
    """
    described = read_metadata()
    if public:
        restrict(described, db)
    described.setdefault("plugins", {})["bilateral"] = {
        "public": public,
        "notice": notice,
        "contact": contact,
        "ordered": published_edition(db) != "public",
    }
    datasette = Datasette(
        [],
        metadata=described,
        template_dir=str(HERE / "templates"),
        plugins_dir=str(HERE / "plugins"),
        static_mounts=[("static", str(HERE / "static"))],
        settings=SETTINGS,
        cache_headers=True,
    )
    datasette.bilateral = described["plugins"]["bilateral"]
    datasette.add_database(ArchiveDatabase(datasette, path=str(db), is_mutable=True), name=DATABASE)
    return datasette


def reopen_replaced(datasette: Datasette) -> bool:
    """Read from the new file where the database was replaced (by `bilateral publish`) since it was opened.

    Without this, a server goes on reading the file that is no longer there. What searches count by is read off the new
    file first, in a thread; until that is done, which takes seconds for a large archive, readers are given the old
    one. Returns whether the new file was opened now.
    """
    database = datasette.get_database(DATABASE)
    try:
        identity = Path(database.path).stat().st_ino
    except OSError:
        return False
    opened = getattr(database, "opened_file", None)
    if opened in (None, identity):
        database.opened_file = identity
        return False
    preparing: tuple[int, threading.Thread] | None = getattr(database, "preparing", None)
    if preparing is None or preparing[0] != identity:
        thread = threading.Thread(target=_read_ahead, args=(str(database.path),), daemon=True)
        preparing = database.preparing = (identity, thread)
        thread.start()
        thread.join(SHORT_WAIT)
    if preparing[1].is_alive():
        return False
    database.opened_file, database.preparing = identity, None
    # Datasette's connections belong to its threads: new threads open the new file.
    former = datasette.executor
    datasette.executor = ThreadPoolExecutor(max_workers=SETTINGS["num_sql_threads"])
    former.shutdown(wait=False)
    return True


def _read_ahead(path: str) -> None:
    with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        warm(connection)
