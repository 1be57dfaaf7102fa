"""Whole files of a search or of a table, as `bilateral export` writes them, linked on every page that shows rows.

A file is written in a thread of its own, from one state of the archive, to a temporary place; the answer is read from
there while it grows. A slow reader holds no connection to the archive, and nothing but the file grows with its rows.
"""

import asyncio
import sqlite3
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from datasette.app import Datasette
from datasette.filters import Filters as TableFilters
from datasette.plugins import pm
from datasette.utils import await_me_maybe
from datasette.utils.asgi import AsgiStream, Request, Response
from datasette.views.base import DatasetteError
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
from archive.site.i18n import Words
from archive.site.views import DATABASE, archive_of, settings_of
from archive.times import utc_now

AT_WORK = 2  # files written at once
WAITING = 8  # downloads under way at once, slow readers among them
MOST_SECONDS = 1_200.0  # to write one
CHUNK = 1 << 18
PAUSE = 0.05  # seconds, before a growing file is looked at again
BUSY = (
    "Hay demasiadas descargas en curso: vuelva a intentarlo en un minuto. /"
    " Too many downloads are under way: please try again in a minute.\n"
)


@dataclass(frozen=True, slots=True)
class Form:
    """One kind of file: its name in `bilateral export`, its type, and whether its beginning is final at once."""

    name: str
    type: str
    grows: bool = True


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
OF_TABLES = ("csv", "excel.csv", "xlsx", "jsonl", "parquet")

Receive = Callable[[], Awaitable[dict[str, Any]]]
Write = Callable[[Database, Path], None]
Prepare = Callable[[Database], tuple[int, Write]]  # the rows there will be, and what writes them


def routes() -> list[tuple[str, Callable[..., Any]]]:
    """Return the addresses of downloads."""
    tables, of_tables, forms = (
        "|".join(name.replace(".", r"\.") for name in names) for names in (EXPORTED_TABLES, OF_TABLES, FORMS)
    )
    return [
        (rf"^/search\.(?P<form>{forms})$", search_download),
        (rf"^/{DATABASE}/(?P<table>{tables})\.(?P<form>{of_tables})$", table_download),
    ]


async def search_download(datasette: Datasette, request: Request) -> Response | AsgiStream:
    """All results of a search as a file."""
    asked = asked_of(request, public=bool(settings_of(datasette).get("public")))
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


async def download(
    datasette: Datasette, request: Request, prepare: Prepare, name: str, form: Form
) -> Response | AsgiStream:
    """Answer with a file; ``prepare`` and what it returns run in a thread, in one state of the archive."""
    desk = desk_of(datasette)
    if desk.under_way >= WAITING:
        return Response.text(BUSY, status=503, headers={"retry-after": "60", "cache-control": "no-store"})
    try:
        job = await desk.begin(datasette, prepare, form)
    except sqlite3.OperationalError as error:
        raise DatasetteError(str(error), status=400) from error
    return Growing(desk, job, request.receive, name, form)


class Reading:
    """The archive as it is now, read only, with the functions that Datasette's conditions use."""

    def __init__(self, datasette: Datasette) -> None:
        file = f"file:{archive_of(datasette).path}?mode=ro"
        self.connection = sqlite3.connect(file, uri=True, check_same_thread=False)
        datasette._prepare_connection(self.connection, DATABASE)
        self.connection.row_factory = None
        self.end = time.monotonic() + MOST_SECONDS
        self.connection.set_progress_handler(lambda: int(time.monotonic() > self.end), 100_000)
        self.connection.execute("BEGIN")
        self.db = Database(self.connection)

    def stop(self) -> None:
        """Interrupt what is read, soon."""
        self.end = 0.0


@dataclass(slots=True)
class Job:
    """A file under way: where it is written, how many rows it will have, and when it is finished."""

    reading: Reading
    folder: "tempfile.TemporaryDirectory[str]"
    path: Path
    rows: int
    written: "Future[None]"

    def clear(self, _: object) -> None:
        """Take away what is left of it."""
        self.reading.connection.close()
        self.folder.cleanup()


class Desk:
    """Where the downloads of one site are written."""

    def __init__(self) -> None:
        self.workers = ThreadPoolExecutor(max_workers=AT_WORK, thread_name_prefix="download")
        self.under_way = 0

    async def begin(self, datasette: Datasette, prepare: Prepare, form: Form) -> Job:
        """Find what is to be written, and begin to write. Raises what finding it raises."""
        reading = Reading(datasette)
        self.under_way += 1
        try:
            rows, write = await asyncio.wrap_future(self.workers.submit(prepare, reading.db))
        except BaseException:
            self.under_way -= 1
            reading.connection.close()
            raise
        folder = tempfile.TemporaryDirectory(prefix="bilateral-download-")
        path = Path(folder.name) / ("download.zip" if form.name == "datapackage" else "download")
        return Job(reading, folder, path, rows, self.workers.submit(write, reading.db, path))

    def end(self, job: Job) -> None:
        """Take away the file of a download; what is still written of it is given up."""
        self.under_way -= 1
        job.reading.stop()
        job.written.cancel()
        job.written.add_done_callback(job.clear)


def desk_of(datasette: Datasette) -> Desk:
    """Return the desk of a site, set up with its first download."""
    desk: Desk | None = getattr(datasette, "bilateral_desk", None)
    if desk is None:
        desk = datasette.bilateral_desk = Desk()
    return desk


class Growing(AsgiStream):  # type: ignore[misc]
    """An answer read from a file that is still being written."""

    def __init__(self, desk: Desk, job: Job, receive: Receive, name: str, form: Form) -> None:
        self.desk, self.job, self.form, self.receive = desk, job, form, receive
        headers = {"content-disposition": f'attachment; filename="{name}"', "x-total-rows": str(job.rows)}
        super().__init__(None, headers=headers, content_type=form.type)

    async def asgi_send(self, send: Callable[..., Any]) -> None:
        """Send the file. What goes wrong after its beginning breaks the connection: half a file is no answer."""
        left = asyncio.ensure_future(self._left())
        try:
            if not self.form.grows:
                await asyncio.wait(
                    [asyncio.wrap_future(self.job.written), left], return_when="FIRST_COMPLETED"
                )
            headers = {**self.headers, "content-type": self.content_type}
            listed = [[name.encode(), value.encode()] for name, value in headers.items()]
            await send({"type": "http.response.start", "status": self.status, "headers": listed})
            async for chunk in self._chunks():
                if left.done():
                    return
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
            await send({"type": "http.response.body", "body": b""})
        finally:
            left.cancel()
            self.desk.end(self.job)

    async def _left(self) -> None:
        """Wait until the reader goes away."""
        while (await self.receive())["type"] != "http.disconnect":
            pass

    async def _chunks(self) -> AsyncIterator[bytes]:
        """Yield the file, an empty piece while there is nothing new of it."""
        while not self.job.path.exists() and not self.job.written.done():
            yield b""
            await asyncio.sleep(PAUSE)
        if self.job.written.done():
            self.job.written.result()  # raises where it failed
        with self.job.path.open("rb") as stream:
            while True:
                finished = self.job.written.done()
                chunk = await asyncio.to_thread(stream.read, CHUNK)
                if not chunk and finished:
                    self.job.written.result()
                    return
                yield chunk
                if not chunk:
                    await asyncio.sleep(PAUSE)


def links(words: Words, request: Request, table: str | None = None) -> list[tuple[str, str]]:
    """Return the names and addresses of this page's rows as files: of a search, or of a table."""
    kept = [
        (name, value)
        for name in request.args
        if name not in ("cursor", "lang", "more", "_lang", "_next", "_size")
        for value in request.args.getlist(name)
    ]
    place = "/search" if table is None else f"/{DATABASE}/{table}"
    endings = FORMS if table is None else OF_TABLES
    return [
        (words.t(f"file_{name.replace('.', '_')}"), words.link_pairs(f"{place}.{name}", kept))
        for name in endings
    ]
