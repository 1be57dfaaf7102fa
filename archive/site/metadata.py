"""What Datasette tells readers of the tables: ``datasette_metadata.json``, its table entries made from the codebook.

python -m archive.site.metadata     writes the table entries of datasette_metadata.json anew
"""

import json
from pathlib import Path
from typing import Any

from archive.codebook import datasette_tables

HERE = Path(__file__).parent
FILE = "datasette_metadata.json"

# How each table opens: the newest first, the facets that are counted from an index.
SETTINGS: dict[str, dict[str, Any]] = {
    "articles": {
        "fts_table": "articles_fts",
        "fts_pk": "id",
        "sort_desc": "id",
        "size": 30,
        "facets": ["country", "outlet", "grade"],
        # Those with an index: sorting a million rows by another takes seconds.
        "sortable_columns": [
            "id",
            "published",
            "first_seen",
            "outlet",
            "country",
            "language",
            "grade",
            "story",
            "copy_group",
            "status",
        ],
        "label_column": "title",
    },
    "outlets": {"facets": ["country", "language", "kind", "access"], "label_column": "name", "size": 200},
    "stories": {"sort_desc": "last_published", "label_column": "title"},
    "revisions": {"sort_desc": "id"},
    "events": {"sort_desc": "id", "facets": ["event"]},
    "crawls": {"sort_desc": "id"},
    "pages": {"facets": ["state"]},
    "routes": {"facets": ["kind", "state"]},
    "mentions": {"sort_desc": "date", "facets": ["kind", "tense"]},
    "takedowns": {"sort_desc": "created"},
}
# What the programs keep for themselves.
HIDDEN = (
    "_sqlite_migrations", "article_changes", "backfill_captures", "backfill_revisits", "boilerplate",
    "copy_furniture", "copy_pairs", "copy_queue", "copy_shingles", "copy_sketches", "mention_articles",
    "page_lines", "reprocessing", "seals", "sightings", "site", "sqlite_sequence", "sqlite_stat1", "stems",
    "story_articles", "story_links", "texts",
)  # fmt: skip


def shipped() -> Path:
    """Return the metadata file: inside the installed package, or at the top of a checkout."""
    return next(place for place in (HERE / FILE, HERE.parents[1] / FILE) if place.is_file())


def read_metadata() -> dict[str, Any]:
    """Return the metadata as Datasette takes it."""
    found: dict[str, Any] = json.loads(shipped().read_text(encoding="utf-8"))
    return found


def table_entries() -> dict[str, dict[str, Any]]:
    """Return the entries of all tables: titles and descriptions in both languages, facets, order."""
    english, spanish = datasette_tables("en"), datasette_tables("es")
    described = {
        name: {
            "title": f"{entry['title']} / {spanish[name]['title']}",
            "description": f"{entry['description']} / {spanish[name]['description']}",
            "columns": {
                column: f"{words} / {spanish[name]['columns'][column]}"
                for column, words in entry["columns"].items()
            },
            **SETTINGS.get(name, {}),
            **({"hidden": True} if name in HIDDEN else {}),
        }
        for name, entry in english.items()
    }
    return {**{name: {"hidden": True} for name in HIDDEN if name not in english}, **described}


def current(metadata: dict[str, Any]) -> str:
    """Return the text of the file with the table entries as the codebook has them now."""
    metadata["databases"]["archive"]["tables"] = table_entries()
    return json.dumps(metadata, ensure_ascii=False, indent=2) + "\n"


if __name__ == "__main__":
    shipped().write_text(current(read_metadata()), encoding="utf-8")
