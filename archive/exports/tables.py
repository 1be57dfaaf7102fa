"""The tables that may leave the archive, and the queries that read them row by row."""

import json
import re
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlite_utils import Database

from archive.citations import CITED_COLUMNS
from archive.search import Filters
from archive.selection import Selection, SelectionError, check_selection, day_after, where_clause

# Columns that hold the words of articles: they leave only when asked for (docs/legal.md).
TEXT_COLUMNS = {
    "articles": ("text",),
    "revisions": ("text",),
    "pages": ("summary", "content"),
    "mentions": ("sentence",),
}
# Reasons of a verdict end in the sentences they were found in: ``"why": "both sides are named: “…”"``.
_QUOTED = ": “"
_QUOTED_REASON = re.compile(r': “(?:[^"\\]|\\.)*"')
# Used inside the archive only.
INTERNAL_COLUMNS = {"articles": ("key",), "pages": ("key",), "takedowns": ("key",)}


@dataclass(frozen=True, slots=True)
class Scope:
    """What of a selection a table follows: expressions over ``x``, its row.

    With ``article``, its rows are those of the articles selected. With ``holds``, those that an article selected
    names in that column. Else by ``outlet`` (outlet, country and language of the outlet) and by ``day``, where a
    table has them.
    """

    article: str = ""
    holds: str = ""
    outlet: str = ""
    day: tuple[str, str] = ("", "")  # the first and the last of the row


_PAGE_OF = "(SELECT p.outlet FROM pages p WHERE p.url = x.{})"
_CRAWLED = "(SELECT c.started FROM crawls c WHERE c.id = x.crawl)"
SCOPES: dict[str, Scope] = {
    "articles": Scope(),
    "outlets": Scope(outlet="x.id"),
    "revisions": Scope(article="x.article"),
    "events": Scope(article="x.article"),
    "mentions": Scope(article="x.article"),
    "copies": Scope(article="x.article"),
    "copy_groups": Scope(holds="copy_group"),
    "stories": Scope(holds="story"),
    "pages": Scope(outlet="x.outlet", day=("x.discovered", "x.discovered")),
    "verdicts": Scope(outlet=_PAGE_OF.format("page"), day=("x.judged", "x.judged")),
    "snapshots": Scope(outlet=_PAGE_OF.format("page"), day=("x.fetched", "x.fetched")),
    "routes": Scope(outlet="x.outlet"),
    "crawls": Scope(day=("x.started", "x.started")),
    "crawl_outlets": Scope(outlet="x.outlet", day=(_CRAWLED, _CRAWLED)),
    "seen_per_day": Scope(outlet="x.outlet", day=("x.day", "x.day")),
    "watched_per_day": Scope(outlet="x.outlet", day=("x.day", "x.day")),
    "coverage": Scope(outlet="x.outlet"),
    "gaps": Scope(outlet="x.outlet", day=("x.started", "x.ended")),
    "labels": Scope(outlet=_PAGE_OF.format("url"), day=("x.created", "x.created")),
    "samples": Scope(outlet=_PAGE_OF.format("url"), day=("x.created", "x.created")),
    "takedowns": Scope(day=("x.created", "x.created")),
    "backfill_files": Scope(day=("coalesce(x.since, x.day)", "coalesce(x.until, x.day)")),
    "backfill_days": Scope(day=("x.day", "x.day")),
}
EXPORTED_TABLES = tuple(SCOPES)


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

    ``columns`` keeps these, in this order; with ``with_text`` the words of articles come after them where they are
    not among them. What of a selection other tables follow is told by `SCOPES`.
    Raises SelectionError where a table, column, outlet or filter is not to be had.
    """
    selection = selection or Selection()
    check_selection(db, selection)
    names = _chosen_columns(db, table, columns, with_text=with_text)
    if table == "articles":
        condition, parameters = where_clause(db, selection)
        return articles_where(db, condition, parameters, names, whole_reasons=with_text)
    condition, parameters = _condition(db, table, selection)
    return rows_where(db, table, condition, parameters, names, whole_reasons=with_text)


def _chosen_columns(db: Database, table: str, columns: Sequence[str], *, with_text: bool) -> tuple[str, ...]:
    if not columns:
        return table_columns(db, table, with_text=with_text)
    possible = table_columns(db, table, with_text=True)
    words = TEXT_COLUMNS.get(table, ())
    for name in columns:
        if name not in possible:
            raise SelectionError(f"{table} has no column {name!r}; it has {', '.join(possible)}")
        if name in words and not with_text:
            raise SelectionError(
                f"{name} holds the words of articles: it needs --with-text (see docs/legal.md)"
            )
    if len(set(columns)) < len(columns):
        raise SelectionError(f"a column is named twice: {', '.join(columns)}")
    return (*columns, *(name for name in words if with_text and name not in columns))


def articles_where(
    db: Database,
    condition: str,
    parameters: Sequence[Any],
    names: tuple[str, ...],
    *,
    whole_reasons: bool = False,
) -> Extract:
    """Return the query of articles under a condition on ``articles a``."""
    sources = {"text": "t.text", **({} if whole_reasons else _plain_reasons(db, "a.terms"))}
    listed = ", ".join(f"{sources.get(name, f'a.[{name}]')} AS [{name}]" for name in names)
    join = " LEFT JOIN texts t ON t.article = a.id" if "text" in names else ""
    sql = f"SELECT {listed} FROM articles a{join} WHERE {condition} ORDER BY a.id"
    return Extract("articles", names, sql, tuple(parameters))


def rows_where(
    db: Database,
    table: str,
    condition: str,
    parameters: Sequence[Any],
    names: tuple[str, ...],
    *,
    whole_reasons: bool = False,
) -> Extract:
    """Return the query of another table under a condition on its row ``x``."""
    sources = {} if whole_reasons or "terms" not in names else _plain_reasons(db, "x.terms")
    listed = ", ".join(f"{sources.get(name, f'x.[{name}]')} AS [{name}]" for name in names)
    order = _order(table_columns(db, table, with_text=True))
    sql = f"SELECT {listed} FROM [{table}] x WHERE {condition} ORDER BY {order}"
    return Extract(table, names, sql, tuple(parameters))


def _plain_reasons(db: Database, column: str) -> dict[str, str]:
    db.conn.create_function("without_quotations", 1, without_quotations, deterministic=True)
    # Few of them quote nothing, but those need not go through Python.
    plain = f"iif(instr({column}, '{_QUOTED}'), without_quotations({column}), {column})"
    return {"terms": plain}


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


def _condition(db: Database, table: str, selection: Selection) -> tuple[str, list[Any]]:
    scope = SCOPES[table]
    if scope.article:
        condition, parameters = where_clause(db, selection)
        return f"{scope.article} IN (SELECT a.id FROM articles a WHERE {condition})", parameters
    if selection.is_everything:
        return "x.outcome IS NOT 'withdrawn'" if table == "snapshots" else "1", []
    if scope.holds:
        condition, parameters = where_clause(db, selection)
        return f"x.id IN (SELECT a.{scope.holds} FROM articles a WHERE {condition})", parameters
    return _by_outlet_and_day(table, selection)


def _by_outlet_and_day(table: str, selection: Selection) -> tuple[str, list[Any]]:
    scope, filters = SCOPES[table], selection.narrowed
    possible = [f"--{name}" for name in ("outlet", "country", "language") if scope.outlet]
    possible += ["--from", "--to"] if scope.day[0] else []
    kept = Filters(
        outlet=filters.outlet if scope.outlet else (),
        country=filters.country if scope.outlet else (),
        language=filters.language if scope.outlet else (),
        from_=filters.from_ if scope.day[0] else None,
        to=filters.to if scope.day[0] else None,
    )
    if selection.has_words or selection.copies != "all" or kept != replace(filters, rejected=()):
        raise SelectionError(f"{table} can be filtered by {', '.join(possible) or 'nothing'} only")
    conditions = ["x.outcome IS NOT 'withdrawn'"] if table == "snapshots" else []
    parameters: list[Any] = []
    for column, values in (("id", kept.outlet), ("country", kept.country), ("language", kept.language)):
        if values:
            marks = ", ".join("?" * len(values))
            conditions.append(f"{scope.outlet} IN (SELECT o.id FROM outlets o WHERE o.{column} IN ({marks}))")
            parameters += values
    if kept.from_:
        conditions.append(f"{scope.day[1]} >= ?")
        parameters.append(kept.from_)
    if kept.to:
        conditions.append(f"{scope.day[0]} < ?")
        parameters.append(day_after(kept.to))
    return " AND ".join(conditions), parameters


def _order(possible: tuple[str, ...]) -> str:
    """Return what tells the rows of a table apart, so that their order is the same each time."""
    keys = ("id", "crawl", "outlet", "origin", "name", "day", "started", "page", "url", "article")
    return ", ".join([f"x.[{name}]" for name in keys if name in possible][:2])


def limited(extract: Extract, numbers: Sequence[int]) -> Extract:
    """Return the same extract for the articles of these ids only (a drawn sample)."""
    condition = "a.id IN (SELECT value FROM json_each(?))"
    sql = extract.sql.replace(" ORDER BY a.id", f" AND {condition} ORDER BY a.id")
    return replace(extract, sql=sql, parameters=(*extract.parameters, json.dumps(sorted(numbers))))
