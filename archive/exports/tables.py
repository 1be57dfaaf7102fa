"""The tables that may leave the archive, and the queries that read them row by row."""

import json
import re
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlite_utils import Database

from archive.citations import CITED_COLUMNS
from archive.selection import Selection, SelectionError, check_selection, where_clause

# Columns that hold the words of articles: they leave only when asked for (docs/legal.md).
TEXT_COLUMNS = {
    "articles": ("text",),
    "revisions": ("text",),
    "pages": ("summary", "content"),
    "texts": ("text", "description"),
}
# Reasons of a verdict end in the sentences they were found in: ``"why": "both sides are named: “…”"``.
_QUOTED = ": “"
_QUOTED_REASON = re.compile(r': “(?:[^"\\]|\\.)*"')
# Used inside the archive only.
INTERNAL_COLUMNS = {"articles": ("key",), "pages": ("key",), "takedowns": ("key",)}
EXPORTED_TABLES = (
    "articles",
    "outlets",
    "revisions",
    "events",
    "stories",
    "pages",
    "snapshots",
    "routes",
    "crawls",
    "crawl_outlets",
    "seen_per_day",
    "coverage",
    "gaps",
    "labels",
    "takedowns",
)


@dataclass(frozen=True, slots=True)
class Extract:
    """One query and the names of what it gives: what a writer turns into a file."""

    table: str
    columns: tuple[str, ...]
    sql: str
    parameters: tuple[Any, ...]

    def rows(self, db: Database) -> sqlite3.Cursor:
        """Return a cursor over the rows; they are read as it is consumed, none is held."""
        cursor = db.conn.cursor()
        cursor.row_factory = None
        return cursor.execute(self.sql, self.parameters)

    def count(self, db: Database) -> int:
        """Return how many rows there are."""
        (number,) = db.conn.execute(f"SELECT count(*) FROM ({self.sql})", self.parameters).fetchone()
        return int(number)


def table_columns(db: Database, table: str, *, with_text: bool = False) -> tuple[str, ...]:
    """Return the columns a table is exported with, in the order of the codebook, which is the schema's.

    Raises SelectionError where there is no such table.
    """
    if table not in EXPORTED_TABLES:
        raise SelectionError(f"no table {table!r}; there are {', '.join(EXPORTED_TABLES)}")
    # Table and column names come from the schema, never from a user's words.
    names = [row[1] for row in db.execute(f"PRAGMA table_info([{table}])")]
    if not names:
        raise SelectionError(f"this archive has no table {table!r}")
    if table == "articles":
        names.append("text")
    hidden = set(INTERNAL_COLUMNS.get(table, ()))
    if not with_text:
        hidden |= set(TEXT_COLUMNS.get(table, ()))
    return tuple(name for name in names if name not in hidden)


def extract_table(
    db: Database,
    table: str = "articles",
    selection: Selection | None = None,
    *,
    columns: Sequence[str] = (),
    with_text: bool = False,
) -> Extract:
    """Return the query of one table under a selection of articles.

    ``columns`` keeps these, in this order; naming ``text`` there asks for the text as ``with_text`` does.
    Rows of other tables follow the articles or outlets they belong to.
    Raises SelectionError where a table, column, outlet or filter is not to be had.
    """
    selection = selection or Selection()
    check_selection(db, selection)
    possible = table_columns(db, table, with_text=True)
    names = tuple(columns) or table_columns(db, table, with_text=with_text)
    for name in names:
        if name not in possible:
            raise SelectionError(f"{table} has no column {name!r}; it has {', '.join(possible)}")
    if table == "articles":
        return _articles(db, selection, names, whole_reasons=with_text or "text" in names)
    condition, parameters = _condition(db, table, possible, selection)
    listed = ", ".join(f"x.[{name}]" for name in names)
    sql = f"SELECT {listed} FROM [{table}] x WHERE {condition} ORDER BY {_order(possible)}"
    return Extract(table, names, sql, tuple(parameters))


def _articles(db: Database, selection: Selection, names: tuple[str, ...], *, whole_reasons: bool) -> Extract:
    condition, parameters = where_clause(db, selection)
    sources = {"text": "t.text"}
    if not whole_reasons:
        db.conn.create_function("without_quotations", 1, without_quotations, deterministic=True)
        sources["terms"] = "without_quotations(a.terms)"
    listed = ", ".join(sources.get(name, f"a.[{name}]") for name in names)
    join = " LEFT JOIN texts t ON t.article = a.id" if "text" in names else ""
    sql = f"SELECT {listed} FROM articles a{join} WHERE {condition} ORDER BY a.id"
    return Extract("articles", names, sql, tuple(parameters))


def without_quotations(terms: str | None) -> str | None:
    """Return the reasons of a verdict (JSON) without the sentences of the article that they quote."""
    return _QUOTED_REASON.sub('"', terms) if terms and _QUOTED in terms else terms


def extract_citations(db: Database, selection: Selection) -> Extract:
    """Return the query of what a reference to each selected article needs."""
    check_selection(db, selection)
    condition, parameters = where_clause(db, selection)
    listed = ", ".join(
        "o.name AS outlet_name" if name == "outlet_name" else f"a.{name}" for name in CITED_COLUMNS
    )
    sql = f"SELECT {listed} FROM articles a JOIN outlets o ON o.id = a.outlet WHERE {condition} ORDER BY a.id"
    return Extract("articles", CITED_COLUMNS, sql, tuple(parameters))


def _condition(
    db: Database, table: str, possible: tuple[str, ...], selection: Selection
) -> tuple[str, list[Any]]:
    if "article" in possible and table in ("revisions", "events"):
        condition, parameters = where_clause(db, selection)
        return f"x.article IN (SELECT a.id FROM articles a WHERE {condition})", parameters
    if selection.is_everything:
        return "x.outcome IS NOT 'withdrawn'" if table == "snapshots" else "1", []
    if selection != Selection(outlets=selection.outlets) or not {"outlet", "id"} & set(possible):
        raise SelectionError(f"{table} can be filtered by --outlet only")
    column = "outlet" if "outlet" in possible else "id"
    if column == "id" and table != "outlets":
        raise SelectionError(f"{table} cannot be filtered")
    marks = ", ".join("?" * len(selection.outlets))
    return f"x.[{column}] IN ({marks})", list(selection.outlets)


def _order(possible: tuple[str, ...]) -> str:
    keys = [name for name in ("id", "crawl", "outlet", "day", "started", "url") if name in possible]
    return ", ".join(f"x.[{name}]" for name in keys[:2]) or "1"


def limited(extract: Extract, numbers: Sequence[int]) -> Extract:
    """Return the same extract for the articles of these ids only (a drawn sample)."""
    condition = "a.id IN (SELECT value FROM json_each(?))"
    sql = extract.sql.replace(" ORDER BY a.id", f" AND {condition} ORDER BY a.id")
    return replace(extract, sql=sql, parameters=(*extract.parameters, json.dumps(sorted(numbers))))
