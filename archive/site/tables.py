"""Datasette's own pages over the archive: counts that end, facets that do not time out, and two languages.

Datasette counts by reading whole tables and facets by grouping them, which takes seconds to minutes for a million
articles. Here counts stop at `MOST_COUNTED` where no index gives them, and what is counted of articles comes from the
columns that searches hold in memory (`archive.search.columns`).
"""

import re
import sqlite3
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from functools import cache, partial
from typing import Any
from urllib.parse import parse_qsl, urlencode

import numpy as np
from datasette import hookimpl
from datasette.database import Database, QueryInterrupted, Results
from datasette.utils import sqlite_timelimit
from markupsafe import Markup, escape

from archive.codebook import Column, tables
from archive.search.columns import Columns, columns_of
from archive.search.reading import Positions
from archive.site.i18n import Language

MOST_COUNTED = 10_000
KEPT_SECONDS = 60  # counts and facets of whole tables
COUNT_MS = 100  # for a count with a condition, of another table than articles
ARTICLES_MS = 1_000  # to find the articles of a condition
TABLES = "/archive"

_COUNT = re.compile(r"select count\(\*\) from (?P<table>\[[^\]]+\]|\w+)\s*(?P<where>where .*)?", re.DOTALL)
_FACET = re.compile(
    r"\s*select (?P<column>\w+) as value, count\(\*\) as count from \(\s*select [^()]+ from articles\s*"
    r"(?P<where>where .*?)?\s*\)\s*where (?P=column) is not null\s*group by (?P=column)"
    r" order by count desc, value limit (?P<limit>\d+)\s*",
    re.DOTALL,
)
_SEARCH = re.compile(
    r"\(?id in \(select rowid from \[?articles_fts\]? where \[?articles_fts\]?"
    r" match (?P<match>(?:escape_fts\()?:\w+\)?)\)"
)
_CODE = re.compile(r"`([^`]+)`")
_WHOLE_FACET = re.compile(
    r"\s*select \S+ as value, count\(\*\) as count from \(\s*select [^()]+ from \S+\s*\)\s*where \S+ is not null\s*"
    r"group by \S+ order by count desc, value limit \d+\s*"
)
_COUNTED = ("outlet", "country", "language", "grade", "section", "wire", "status")

Asgi = Callable[
    [dict[str, Any], Callable[..., Awaitable[Any]], Callable[..., Awaitable[Any]]], Awaitable[None]
]


class ArchiveDatabase(Database):  # type: ignore[misc]
    """The archive as Datasette reads it."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._kept: dict[str, tuple[float, Any]] = {}

    async def execute(
        self, sql: str, params: Any = None, *args: Any, custom_time_limit: int | None = None, **options: Any
    ) -> Results:
        """Run a query of Datasette's; its counts and facets are answered another way where they would take long."""
        if (facet := _FACET.fullmatch(sql)) and facet["column"] in _COUNTED:
            return await self.execute_fn(lambda connection: facet_of_articles(connection, facet, params))
        count = _COUNT.fullmatch(sql)
        if count and count["where"] and count["table"] == "articles":
            return await self.execute_fn(lambda connection: count_of_articles(connection, count, params))
        if count and not count["where"]:
            table = count["table"]
            return await self._for_a_minute(
                sql, lambda: self.execute_fn(lambda connection: count_of_table(connection, table))
            )
        if count:
            custom_time_limit = COUNT_MS
        whole = _WHOLE_FACET.fullmatch(sql)
        limit = None if whole else custom_time_limit  # what is kept may take its time
        asked = partial(super().execute, sql, params, *args, custom_time_limit=limit, **options)
        return await (self._for_a_minute(sql, asked) if whole else asked())

    async def table_counts(self, limit: int = 10) -> dict[str, int | None]:
        """Return the rows of each table that readers see; None where there are too many to be counted now."""
        tables, hidden = await self.table_names(), set(await self.hidden_table_names())
        shown = [table for table in tables if table not in hidden]

        def count(connection: sqlite3.Connection) -> dict[str, int | None]:
            return {table: table_size(connection, f"[{table}]") for table in shown}

        counts: dict[str, int | None] = await self._for_a_minute("tables", lambda: self.execute_fn(count))
        return {table: counts.get(table) for table in tables}

    async def _for_a_minute(self, name: str, ask: Callable[[], Awaitable[Any]]) -> Any:
        """Return what was found less than a minute ago, or is found now."""
        now = time.monotonic()
        then, found = self._kept.get(name, (0.0, None))
        if found is None or now - then > KEPT_SECONDS:
            found = await ask()
            self._kept[name] = (now, found)
        return found


def table_size(connection: sqlite3.Connection, table: str) -> int | None:
    """Return the rows of a table (its name as SQL); None for more than `MOST_COUNTED` where no index counts them."""
    sql = f"SELECT count(*) FROM (SELECT 1 FROM {table} LIMIT {MOST_COUNTED + 1})"
    (number,) = connection.execute(sql).fetchone()
    if number <= MOST_COUNTED:
        return int(number)
    indexes = connection.execute(f"SELECT 1 FROM pragma_index_list({_literal(table)}) WHERE NOT partial")
    if indexes.fetchone() is None:
        return None
    return int(connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0])


def _literal(table: str) -> str:
    return "'" + table.strip("[]").replace("'", "''") + "'"


def count_of_table(connection: sqlite3.Connection, table: str) -> Results:
    """Count a whole table. Raises QueryInterrupted, as Datasette expects, where it is too long."""
    number = table_size(connection, table)
    if number is None:
        raise QueryInterrupted(sqlite3.OperationalError("interrupted"), f"count of {table}", {})
    return _results([{"count(*)": number}])


def count_of_articles(connection: sqlite3.Connection, count: re.Match[str], params: Any) -> Results:
    """Count the articles of a condition. Raises QueryInterrupted where finding them takes too long."""
    number = len(articles_where(connection, columns_of(connection), count["where"], params))
    return _results([{"count(*)": number}])


def facet_of_articles(connection: sqlite3.Connection, facet: re.Match[str], params: Any) -> Results:
    """Count the articles of a condition by the values of a column. Raises QueryInterrupted likewise."""
    columns, name = columns_of(connection), facet["column"]
    codes = columns.codes(name)
    if facet["where"]:
        codes = codes[articles_where(connection, columns, facet["where"], params)]
    counts = np.bincount(codes, minlength=len(columns.numbers[name]))
    found = sorted(
        (-int(counts[number]), value)
        for value, number in columns.numbers[name].items()
        if counts[number] and (value or name != "wire")
    )
    return _results(
        [
            {"value": int(value) if name == "grade" else value, "count": -count}
            for count, value in found[: int(facet["limit"])]
        ]
    )


def articles_where(
    connection: sqlite3.Connection, columns: Columns, where: str, params: Mapping[str, Any] | None
) -> Positions:
    """Return the articles of a condition in SQL, kept for the next count of the same page."""
    wanted = dict(params or {})
    key = ("tables", where.strip(), tuple(sorted((name, str(value)) for name, value in wanted.items())))
    found = columns.matches.get(key)
    if found is None:
        parts = list(_parts(where))
        found = _articles_of(connection, columns, parts[0], wanted)
        for part in parts[1:]:
            found = np.intersect1d(found, _articles_of(connection, columns, part, wanted), assume_unique=True)
        columns.matches.put(key, found)
    return found


def _parts(where: str) -> Iterator[str]:
    """Yield the queries that give the articles of a condition: a full-text search by itself, as it is quickest."""
    search = _SEARCH.search(where)
    if search is None:
        yield f"select group_concat(id) from (select id from articles {where})"
        return
    yield f"select group_concat(rowid) from articles_fts where articles_fts match {search['match']}"
    others = [
        part for part in (where[: search.start()], where[search.end() :]) if part.strip() not in ("where", "")
    ]
    rest = " ".join(others).strip().removeprefix("where ").removeprefix("and ").removesuffix(" and").strip()
    if rest:
        yield f"select group_concat(id) from (select id from articles where {rest})"


def _articles_of(
    connection: sqlite3.Connection, columns: Columns, sql: str, params: Mapping[str, Any]
) -> Positions:
    with sqlite_timelimit(connection, ARTICLES_MS):
        try:
            (listed,) = connection.execute(sql, params).fetchone()
        except sqlite3.OperationalError as error:
            if error.args != ("interrupted",):
                raise
            raise QueryInterrupted(error, sql, params) from error
    return columns.positions(np.fromstring(listed, np.int64, sep=",") if listed else np.empty(0, np.int64))


def _results(rows: list[dict[str, Any]]) -> Results:
    return Results([_Row(row) for row in rows], False, ())


class _Row(dict[str, Any]):
    """A row that Datasette may ask by name or by place, as it does those of SQLite."""

    def __getitem__(self, key: Any) -> Any:
        return list(self.values())[key] if isinstance(key, int) else super().__getitem__(key)


@cache
def described(table: str, language: Language) -> dict[str, Any]:
    """Return title, summary, notes and columns of a table in words; its name where it is not in the codebook."""
    if table not in tables():
        return {"title": table, "summary": "", "notes": [], "columns": {}}
    entry = tables()[table]
    notes = [
        (kind, marked_code(text[language]))
        for kind, text in (("obtained", entry.obtained), ("weakness", entry.weakness))
        if text[language]
    ]
    return {
        "title": entry.title[language],
        "summary": marked_code(entry.description[language]),
        "notes": notes,
        "columns": {name: _column_in_words(column, language) for name, column in entry.columns.items()},
    }


def _column_in_words(column: Column, language: Language) -> Markup:
    """Return what a column means, the values it may have as code."""
    said = [marked_code(column.meaning[language])]
    said += [marked_code(text[language]) for text in (column.obtained, column.weakness) if text[language]]
    if column.values:
        said.append(
            Markup(", ").join(Markup('<code translate="no">{}</code>').format(v) for v in column.values)
        )
    return Markup(" ").join(said)


def marked_code(text: str) -> Markup:
    """Return a text, escaped, with what stands in backticks and names of columns as code."""
    return Markup(_CODE.sub(r'<code translate="no">\1</code>', str(escape(text))))


def in_language(text: str | None, language: Language) -> str:
    """Return one half of a text that stands in datasette_metadata.json as ``English / Español``."""
    english, found, spanish = (text or "").partition(" / ")
    return spanish if found and language == "es" else english


@hookimpl
def render_cell(value: Any) -> Markup | None:
    """Show bytes as their number: what Datasette says of them is English."""
    return Markup("‹{} B›").format(f"{len(value):,}") if isinstance(value, bytes) else None


def speaking(app: Asgi) -> Asgi:
    """Return the application with ``lang`` put as ``_lang`` on Datasette's pages, and their errors as answers.

    Datasette takes every other parameter for the name of a column, and carries those with an underscore on in its own
    links and forms. Its pages that tell of a mistake in SQL are 400, which some browsers and proxies replace.
    """

    async def with_language(
        scope: dict[str, Any],
        receive: Callable[..., Awaitable[Any]],
        send: Callable[..., Awaitable[Any]],
    ) -> None:
        async def send_words(event: dict[str, Any]) -> None:
            if event["type"] == "http.response.start" and event["status"] == 400:
                kinds = [value for name, value in event.get("headers", []) if name.lower() == b"content-type"]
                if kinds and kinds[0].startswith(b"text/html"):
                    event = {**event, "status": 200}
            await send(event)

        if scope["type"] != "http" or not is_table_page(scope.get("path", "/")):
            await app(scope, receive, send)
            return
        await app({**scope, "query_string": _renamed(scope.get("query_string", b""))}, receive, send_words)

    return with_language


def is_table_page(path: str) -> bool:
    """Whether an address is one of Datasette's."""
    return path == TABLES or path.startswith((f"{TABLES}/", f"{TABLES}."))


def _renamed(query: bytes) -> bytes:
    if b"lang=" not in query:
        return query
    pairs = parse_qsl(query.decode("latin-1"), keep_blank_values=True, encoding="latin-1")
    languages = [value for name, value in pairs if name in ("lang", "_lang") and value in ("es", "en")]
    kept = [(name, value) for name, value in pairs if name not in ("lang", "_lang")]
    return urlencode(kept + [("_lang", value) for value in languages[-1:]], encoding="latin-1").encode(
        "ascii"
    )
