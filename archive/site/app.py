"""Datasette over an archive, with the project's metadata, templates and plugins."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from datasette.app import Datasette

from archive.publish import published_edition
from archive.site.metadata import read_metadata
from archive.site.tables import ArchiveDatabase

HERE = Path(__file__).parent
DATABASE = "archive"
INDEX_TABLES = ("articles_fts", *(f"articles_fts_{part}" for part in ("config", "data", "docsize", "idx")))
SETTINGS: dict[str, Any] = {
    "suggest_facets": False,
    "allow_download": False,
    "allow_csv_stream": True,
    "max_csv_mb": 0,
    "cache_size_kb": 65536,
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
    datasette.add_database(ArchiveDatabase(datasette, path=str(db), is_mutable=True), name=DATABASE)
    return datasette


def reopen_replaced(datasette: Datasette) -> bool:
    """Read from the new file where the database was replaced (by `bilateral publish`) since it was opened.

    Without this, a server goes on reading the file that is no longer there. Returns whether it was replaced.
    """
    database = datasette.get_database(DATABASE)
    try:
        identity = Path(database.path).stat().st_ino
    except OSError:
        return False
    opened = getattr(database, "opened_file", None)
    database.opened_file = identity
    if opened in (None, identity):
        return False
    # Datasette's connections belong to its threads: new threads open the new file.
    former = datasette.executor
    datasette.executor = ThreadPoolExecutor(max_workers=SETTINGS["num_sql_threads"])
    former.shutdown(wait=False)
    return True
