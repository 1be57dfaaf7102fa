"""Where downloads are written: in threads of their own, each from one state of the archive, to a temporary place.

The answer is read from there while it grows. A slow reader holds no connection to the archive, and nothing but the file
grows with its rows.
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
from datasette.utils.asgi import AsgiStream, Request, Response
from datasette.views.base import DatasetteError
from sqlite_utils import Database

from archive.site.views import DATABASE, archive_of

AT_WORK = 2  # files written at once
WAITING = 8  # downloads under way at once, slow readers among them
MOST_SECONDS = 1_200.0  # to write one
CHUNK = 1 << 18
PAUSE = 0.05  # seconds, before a growing file is looked at again
FIRST_PAUSE = 0.002  # before it is looked at for the first time: a small file is soon there
BUSY = (
    "Hay demasiadas descargas en curso: vuelva a intentarlo en un minuto. /"
    " Too many downloads are under way: please try again in a minute.\n"
)

Receive = Callable[[], Awaitable[dict[str, Any]]]
Write = Callable[[Database, Path], None]
Prepare = Callable[[Database], tuple[int, Write]]  # the rows there will be, and what writes them


@dataclass(frozen=True, slots=True)
class Form:
    """One kind of file: its name in `bilateral export`, its type, and whether its beginning is final at once."""

    name: str
    type: str
    grows: bool = True


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
            await self._begun(left)
            if left.done():
                return
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

    async def _begun(self, left: "asyncio.Future[None]") -> None:
        """Wait until there is something to send. Raises what the writing raised, while words can still be answered."""
        pause = FIRST_PAUSE
        while not self.job.written.done() and not left.done():
            if self.form.grows and self.job.path.exists() and self.job.path.stat().st_size:
                return
            await asyncio.sleep(pause)
            pause = min(2 * pause, PAUSE)
        if self.job.written.done():
            self.job.written.result()

    async def _left(self) -> None:
        """Wait until the reader goes away."""
        while (await self.receive())["type"] != "http.disconnect":
            pass

    async def _chunks(self) -> AsyncIterator[bytes]:
        """Yield the file, an empty piece while there is nothing new of it."""
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
