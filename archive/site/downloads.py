"""Whole files of a search, a table or a query, as `bilateral export` writes them; pages of rows link them."""

from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

from datasette.app import Datasette
from datasette.filters import Filters as TableFilters
from datasette.plugins import pm
from datasette.utils import await_me_maybe
from datasette.utils.asgi import AsgiStream, NotFound, Request, Response
from sqlite_utils import Database

from archive.export import CITATION_FORMATS, write_file
from archive.exports.datapackage import Package, write_datapackage
from archive.exports.tables import (
    EXPORTED_TABLES,
    Extract,
    articles_in_order,
    citations_in_order,
    rows_of,
    table_columns,
)
from archive.methods_note import methods_note
from archive.search import matching_ids
from archive.selection import Selection
from archive.site.asked import Asked, asked_of
from archive.site.desk import Form, Write, download
from archive.site.i18n import Words
from archive.site.metadata import read_metadata
from archive.site.views import DATABASE, is_public
from archive.times import utc_now

FORMS = {
    "csv": Form("csv", "text/csv; charset=utf-8"),
    "excel.csv": Form("csv-excel", "text/csv; charset=utf-8"),
    "xlsx": Form("xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", grows=False),
    "jsonl": Form("jsonl", "application/jsonl; charset=utf-8"),
    "parquet": Form("parquet", "application/vnd.apache.parquet"),
    "zip": Form("datapackage", "application/zip", grows=False),
    "bib": Form("bibtex", "application/x-bibtex; charset=utf-8"),
    "ris": Form("ris", "application/x-research-info-systems; charset=utf-8"),
    "csl.json": Form("csl-json", "application/vnd.citationstyles.csl+json; charset=utf-8"),
    "md": Form("note", "text/markdown; charset=utf-8"),
}
LONG_QUERY = 2_000  # characters
OF_TABLES = ("csv", "excel.csv", "xlsx", "jsonl", "parquet")

OF_QUERIES = ("csv", "excel.csv", "jsonl")


def routes() -> list[tuple[str, Callable[..., Any]]]:
    """Return the addresses of downloads."""
    tables, of_tables, forms = (
        "|".join(name.replace(".", r"\.") for name in names) for names in (EXPORTED_TABLES, OF_TABLES, FORMS)
    )
    queries = "|".join(read_metadata()["databases"][DATABASE]["queries"])
    of_queries = "|".join(name.replace(".", r"\.") for name in OF_QUERIES)
    return [
        (rf"^/{DATABASE}/(?P<query>{queries})\.(?P<form>{of_queries})$", query_download),
        (rf"^/search\.(?P<form>{forms})$", search_download),
        (rf"^/stories\.(?P<form>{of_tables})$", stories_download),
        (rf"^/{DATABASE}/(?P<table>{tables})\.(?P<form>{of_tables})$", table_download),
    ]


async def search_download(datasette: Datasette, request: Request) -> Response | AsgiStream:
    """All results of a search as a file."""
    asked = asked_of(request, public=is_public(datasette))
    ending = request.url_vars["form"]
    form = FORMS[ending]
    return await download(
        datasette, request, lambda db: _of_search(db, asked, form.name), f"bilateral-search.{ending}", form
    )


def _of_search(db: Database, asked: Asked, form: str) -> tuple[int, Write]:
    selection = Selection(query=asked.query, filters=asked.filters, copies=asked.copies)
    found = matching_ids(db, asked.query, asked.filters, sort=asked.sort, copies=asked.copies)
    numbers = list(found)
    if form == "datapackage":
        package = Package("bilateral-search", "Bilateral: a search", utc_now())
        return len(numbers), lambda db, path: write_datapackage(db, path, selection, package)
    in_order = citations_in_order if form in CITATION_FORMATS else articles_in_order
    extract = in_order(db, numbers)
    if form == "note":
        return len(numbers), lambda db, path: _write_note(db, path, extract, selection)
    return len(numbers), lambda db, path: write_file(db, path, extract, form)


def _write_note(db: Database, path: Path, extract: Extract, selection: Selection) -> None:
    path.write_text(methods_note(db, extract, selection), encoding="utf-8")


async def stories_download(datasette: Datasette, request: Request) -> Response | AsgiStream:
    """All stories that their page lists as a file."""
    ending = request.url_vars["form"]
    form = FORMS[ending]

    def prepare(db: Database) -> tuple[int, Write]:
        extract = rows_of(db, "stories", ["articles > 1"], (), table_columns(db, "stories"))
        return extract.count(db), lambda db, path: write_file(db, path, extract, form.name)

    return await download(datasette, request, prepare, f"bilateral-stories.{ending}", form)


async def table_download(datasette: Datasette, request: Request) -> Response | AsgiStream:
    """All rows of a table's page, with the filters of that page, as a file."""
    table, ending = request.url_vars["table"], request.url_vars["form"]
    seen = [("view-table", (DATABASE, table)), ("view-database", DATABASE), "view-instance"]
    await datasette.ensure_permissions(request.actor, seen)
    where, parameters = await table_filters(datasette, request, table)
    form = FORMS[ending]

    def prepare(db: Database) -> tuple[int, Write]:
        extract = rows_of(db, table, where, parameters, table_columns(db, table))
        return extract.count(db), lambda db, path: write_file(db, path, extract, form.name)

    return await download(datasette, request, prepare, f"bilateral-{table}.{ending}", form)


async def query_download(datasette: Datasette, request: Request) -> Response | AsgiStream:
    """All rows of one of the site's own queries as a file; Datasette's stops at a thousand."""
    name, ending = request.url_vars["query"], request.url_vars["form"]
    await datasette.ensure_permissions(
        request.actor, [("view-query", (DATABASE, name)), ("view-database", DATABASE), "view-instance"]
    )
    query = await datasette.get_canned_query(DATABASE, name, request.actor)
    if query is None:
        raise NotFound(name)
    form = FORMS[ending]

    def prepare(db: Database) -> tuple[int, Write]:
        parameters = defaultdict(str, {key: request.args[key] for key in request.args})
        columns = db.conn.execute(f"SELECT * FROM ({query['sql']}) LIMIT 0", parameters).description
        extract = Extract(name, tuple(column[0] for column in columns), query["sql"], parameters)
        return extract.count(db), lambda db, path: write_file(db, path, extract, form.name)

    return await download(datasette, request, prepare, f"bilateral-{name}.{ending}", form)


async def table_filters(
    datasette: Datasette, request: Request, table: str
) -> tuple[list[str], dict[str, Any]]:
    """Return the conditions that the page of a table has, and their parameters, as Datasette reads them."""
    given = [
        (name, value)
        for name in request.args
        if "__" in name or not name.startswith("_")
        for value in request.args.getlist(name)
        if name not in ("lang", "_lang")
    ]
    conditions, parameters = TableFilters(sorted(given)).build_where_clauses(table)
    for hook in pm.hook.filters_from_request(
        request=request, database=DATABASE, datasette=datasette, table=table
    ):
        more = await await_me_maybe(hook)
        if more:
            conditions.extend(more.where_clauses)
            parameters.update(more.params)
    return conditions, parameters


def links_of_search(words: Words, asked: Asked) -> list[tuple[str, str]]:
    """Return the names and addresses of a search's results as files."""
    return [(words.t(_label(name)), asked.link(words, f"/search.{name}")) for name in FORMS]


def links_of_stories(words: Words) -> list[tuple[str, str]]:
    """Return the names and addresses of all stories as files."""
    return [(words.t(_label(name)), words.link(f"/stories.{name}")) for name in OF_TABLES]


def links_of_table(words: Words, request: Request, table: str) -> list[tuple[str, str]]:
    """Return the names and addresses of a table's rows as files, filtered as on its page.

    None where the filters are so long that the page would be heavy with them.
    """
    if len(request.query_string) > LONG_QUERY:
        return []
    kept = [
        (name, value)
        for name in request.args
        if name not in ("lang", "_lang", "_next", "_size")
        for value in request.args.getlist(name)
    ]
    return [
        (words.t(_label(name)), words.link_pairs(f"/{DATABASE}/{table}.{name}", kept)) for name in OF_TABLES
    ]


def _label(name: str) -> str:
    return f"file_{name.replace('.', '_')}"
