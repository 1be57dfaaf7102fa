"""The tables that may leave the archive, and the queries that read them row by row."""

import json
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
# Used inside the archive only.
INTERNAL_COLUMNS = {"articles": ("key",), "pages": ("key",), "takedowns": ("key",)}


@dataclass(frozen=True, slots=True)
class Scope:
    """What of a selection a table follows: expressions over its own columns.

    With ``article``, its rows are those of the articles selected. With ``holds``, those that an article selected
    names in that column. Else by ``outlet`` (outlet, country and language of the outlet) and by ``day``, where a
    table has them.
    """

    article: str = ""
    holds: str = ""
    outlet: str = ""
    day: tuple[str, str] = ("", "")  # the first and the last of the row


_PAGE_OF = "(SELECT p.outlet FROM pages p WHERE p.url = {})"
_CRAWLED = "(SELECT c.started FROM crawls c WHERE c.id = crawl_outlets.crawl)"
SCOPES: dict[str, Scope] = {
    "articles": Scope(),
    "outlets": Scope(outlet="id"),
    "revisions": Scope(article="article"),
    "events": Scope(article="article"),
    "mentions": Scope(article="article"),
    "copies": Scope(article="article"),
    "copy_groups": Scope(holds="copy_group"),
    "stories": Scope(holds="story"),
    "story_changes": Scope(day=("changed", "changed")),
    "pages": Scope(outlet="outlet", day=("discovered", "discovered")),
    "verdicts": Scope(outlet=_PAGE_OF.format("verdicts.page"), day=("judged", "judged")),
    "snapshots": Scope(outlet=_PAGE_OF.format("snapshots.page"), day=("fetched", "fetched")),
    "routes": Scope(outlet="outlet"),
    "crawls": Scope(day=("started", "started")),
    "crawl_outlets": Scope(outlet="outlet", day=(_CRAWLED, _CRAWLED)),
    "seen_per_day": Scope(outlet="outlet", day=("day", "day")),
    "watched_per_day": Scope(outlet="outlet", day=("day", "day")),
    "coverage": Scope(outlet="outlet"),
    "gaps": Scope(outlet="outlet", day=("started", "ended")),
    "labels": Scope(outlet=_PAGE_OF.format("labels.url"), day=("created", "created")),
    "samples": Scope(outlet=_PAGE_OF.format("samples.url"), day=("created", "created")),
    "takedowns": Scope(day=("created", "created")),
    "backfill_files": Scope(day=("coalesce(since, day)", "coalesce(until, day)")),
    "backfill_days": Scope(day=("day", "day")),
}
EXPORTED_TABLES = tuple(SCOPES)


@dataclass(frozen=True, slots=True)
class Extract:
    """One query and the names of what it gives: what a writer turns into a file."""

    table: str
    columns: tuple[str, ...]
    sql: str
    parameters: tuple[Any, ...] | dict[str, Any]

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
        return _articles_where(db, condition, parameters, names, whole_reasons=with_text)
    conditions, parameters = _conditions(db, table, selection)
    return rows_of(db, table, conditions, parameters, names, whole_reasons=with_text)


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


def _articles_where(
    db: Database,
    condition: str,
    parameters: Sequence[Any],
    names: tuple[str, ...],
    *,
    whole_reasons: bool,
) -> Extract:
    sources = {"text": "t.text", **({} if whole_reasons else _plain_reasons(db, "a.terms"))}
    listed = ", ".join(f"{sources.get(name, f'a.[{name}]')} AS [{name}]" for name in names)
    join = " LEFT JOIN texts t ON t.article = a.id" if "text" in names else ""
    sql = f"SELECT {listed} FROM articles a{join} WHERE {condition} ORDER BY a.id"
    return Extract("articles", names, sql, tuple(parameters))


def articles_in_order(db: Database, numbers: Sequence[int]) -> Extract:
    """Return the query of articles, without their texts, in the order of their ids as given."""
    names = table_columns(db, "articles")
    sources = _plain_reasons(db, "a.terms")
    listed = ", ".join(f"{sources.get(name, f'a.[{name}]')} AS [{name}]" for name in names)
    sql = f"SELECT {listed} FROM json_each(?) j CROSS JOIN articles a ON a.id = j.value"
    return Extract("articles", names, sql, (json.dumps(numbers),))


def rows_of(
    db: Database,
    table: str,
    conditions: Sequence[str],
    parameters: Sequence[Any] | dict[str, Any],
    names: tuple[str, ...],
    *,
    whole_reasons: bool = False,
) -> Extract:
    """Return the query of a table's rows under conditions on its own columns."""
    sources = {} if whole_reasons or "terms" not in names else _plain_reasons(db, "x.terms")
    listed = ", ".join(f"{sources.get(name, f'x.[{name}]')} AS [{name}]" for name in names)
    order = _order(table_columns(db, table, with_text=True))
    where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
    sql = f"SELECT {listed} FROM (SELECT * FROM [{table}]{where}) x ORDER BY {order}"
    return Extract(table, names, sql, parameters if isinstance(parameters, dict) else tuple(parameters))


def _plain_reasons(db: Database, column: str) -> dict[str, str]:
    db.conn.create_function("without_quotations", 1, without_quotations, deterministic=True)
    # Few of them quote nothing, but those need not go through Python.
    plain = f"iif(instr({column}, '{_QUOTED}'), without_quotations({column}), {column})"
    return {"terms": plain}


def without_quotations(terms: str | None) -> str | None:
    """Return the reasons of a verdict (JSON) without the sentences of the article that they quote.

    Read as text: taking a million of them apart as JSON would cost more than writing them.
    """
    if not terms or _QUOTED not in terms:
        return terms
    head, *rest = terms.split(_QUOTED)
    return head + "".join(piece[_end_of_string(piece) :] for piece in rest)


def _end_of_string(piece: str) -> int:
    """Return where the JSON string ends within which a piece begins; its length where it goes on in the next."""
    place = piece.find('"')
    while place > 0 and (place - len(piece[:place].rstrip("\\"))) % 2:
        place = piece.find('"', place + 1)
    return place if place >= 0 else len(piece)


def extract_citations(db: Database, selection: Selection) -> Extract:
    """Return the query of what a reference to each selected article needs."""
    check_selection(db, selection)
    condition, parameters = where_clause(db, selection)
    sql = f"{_CITED} FROM articles a JOIN outlets o ON o.id = a.outlet WHERE {condition} ORDER BY a.id"
    return Extract("articles", CITED_COLUMNS, sql, tuple(parameters))


def citations_in_order(db: Database, numbers: Sequence[int]) -> Extract:
    """Return the query of what a reference to each of these articles needs, in the order of their ids as given."""
    sql = (
        f"{_CITED} FROM json_each(?) j CROSS JOIN articles a ON a.id = j.value"
        " JOIN outlets o ON o.id = a.outlet"
    )
    return Extract("articles", CITED_COLUMNS, sql, (json.dumps(numbers),))


_CITED = "SELECT " + ", ".join(
    "o.name AS outlet_name" if name == "outlet_name" else f"a.{name}" for name in CITED_COLUMNS
)


def _conditions(db: Database, table: str, selection: Selection) -> tuple[list[str], list[Any]]:
    scope = SCOPES[table]
    if scope.article:
        condition, parameters = where_clause(db, selection)
        return [f"{scope.article} IN (SELECT a.id FROM articles a WHERE {condition})"], parameters
    if selection.is_everything:
        return (["outcome IS NOT 'withdrawn'"] if table == "snapshots" else []), []
    if scope.holds:
        condition, parameters = where_clause(db, selection)
        return [f"id IN (SELECT a.{scope.holds} FROM articles a WHERE {condition})"], parameters
    return _by_outlet_and_day(table, selection)


def _by_outlet_and_day(table: str, selection: Selection) -> tuple[list[str], list[Any]]:
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
    conditions = ["outcome IS NOT 'withdrawn'"] if table == "snapshots" else []
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
    return conditions, parameters


def _order(possible: tuple[str, ...]) -> str:
    """Return what tells the rows of a table apart, so that their order is the same each time."""
    keys = ("id", "crawl", "outlet", "origin", "name", "day", "started", "page", "url", "article")
    return ", ".join([f"x.[{name}]" for name in keys if name in possible][:2])


def limited(extract: Extract, numbers: Sequence[int]) -> Extract:
    """Return the same extract for the articles of these ids only (a drawn sample)."""
    condition = "a.id IN (SELECT value FROM json_each(?))"
    assert isinstance(extract.parameters, tuple)
    sql = extract.sql.replace(" ORDER BY a.id", f" AND {condition} ORDER BY a.id")
    return replace(extract, sql=sql, parameters=(*extract.parameters, json.dumps(sorted(numbers))))
