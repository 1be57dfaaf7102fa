"""Snapshots: what a server answered, kept as WARC 1.1, and read again.

Each exchange is a request and a response record, gzipped one by one, with SHA-256 digests, appended to a
dated file under the WARC folder. A process writes files of its own, so that two never share one.

The body is kept as it came over the wire (its Content-Encoding still on); only the chunking of the transfer
is taken off, as WARC tools expect, and cookies are left out of what is kept.
"""

import contextlib
import io
import os
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from importlib.metadata import version
from pathlib import Path
from typing import BinaryIO

from sqlite_utils import Database
from warcio.archiveiterator import ArchiveIterator
from warcio.exceptions import ArchiveLoadFailed
from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter

from archive.encodings import content_encodings, decoded
from archive.models import Snapshot, Tls
from archive.payloads import MAX_BODY_BYTES, NOT_KEPT, payload_digest
from archive.store import rows, transaction
from archive.times import utc_now

MAX_FILE_BYTES = 1_000_000_000  # the size recommended for WARC files
_CHUNK_BYTES = 1 << 16
LEAD_TYPE = "application/vnd.bilateral.lead+json"  # a feed's own words, where no page was fetched


class SnapshotError(Exception):
    """A snapshot is missing or damaged; the message names the file, the offset and what is wrong."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """One request and its answer, as it is to be kept."""

    url: str
    page: str  # pages.url
    fetched: str
    status: int
    status_text: str
    request_headers: Sequence[tuple[str, str]]
    response_headers: Sequence[tuple[str, str]]
    body: bytes  # as transferred, without chunking
    protocol: str = "HTTP/1.1"
    truncated: bool = False  # the body was cut at the size limit
    tls: Tls | None = None  # whether the server's certificate was checked; None over plain HTTP

    def header(self, name: str) -> str | None:
        """Return the last header of this name, whatever its case."""
        found = [value for key, value in self.response_headers if key.lower() == name]
        return found[-1] if found else None


@dataclass(frozen=True, slots=True)
class Location:
    """Where a record lies: file relative to the WARC folder, offset and length in bytes."""

    file: str
    offset: int
    length: int
    payload_digest: str


class SnapshotWriter:
    """Appends exchanges to WARC files under ``folder``; a file is begun with the first exchange."""

    def __init__(self, folder: Path, *, max_bytes: int = MAX_FILE_BYTES) -> None:
        self.folder = folder
        self.max_bytes = max_bytes
        self._file: BinaryIO | None = None
        self._name = ""
        self._end = 0  # bytes in the file in hand

    def write(self, exchange: Exchange) -> Location:
        """Append request and response; both are with the operating system when this returns."""
        stream = self._stream()
        digest = payload_digest(exchange.body)
        records = io.BytesIO()
        writer = WARCWriter(records, gzip=True, warc_version="WARC/1.1")
        response = _response_record(writer, exchange, digest)
        writer.write_record(response)
        start, length = self._end, records.tell()
        writer.write_record(_request_record(writer, exchange, response))
        try:
            stream.write(records.getbuffer())
            stream.flush()
        except OSError:
            # A full disk must not leave half a record before the next whole one: begin another file.
            self._abandon(stream, start)
            raise
        self._end = start + records.tell()
        return Location(self._name, start, length, digest)

    def _abandon(self, stream: BinaryIO, end: int) -> None:
        os.truncate(stream.fileno(), end)
        self._file = None
        with contextlib.suppress(OSError):
            stream.close()  # tries once more to write what it could not
        os.truncate(self.folder / self._name, end)

    def sync(self) -> None:
        """Wait until all that was written is on the disk."""
        if self._file is not None:
            os.fsync(self._file.fileno())

    def close(self) -> None:
        """Close the file in hand; the next exchange begins another."""
        if self._file is not None:
            self.sync()
            self._file.close()
            self._file = None

    def _stream(self) -> BinaryIO:
        if self._file is not None and self._end >= self.max_bytes:
            self.close()
        if self._file is None:
            self._file = self._begin()
        return self._file

    def _begin(self) -> BinaryIO:
        now = utc_now()
        stamp = now.replace("-", "").replace(":", "")
        for number in range(10_000):
            self._name = f"{now[:7]}/bilateral-{stamp}-{os.getpid()}-{number:04}.warc.gz"
            path = self.folder / self._name
            path.parent.mkdir(parents=True, exist_ok=True)
            try:
                stream = path.open("xb")
            except FileExistsError:
                continue
            _write_warcinfo(stream, path.name)
            stream.flush()
            self._end = stream.tell()
            return stream
        raise SnapshotError(f"{self.folder}: no free name for a WARC file")


def _write_warcinfo(stream: BinaryIO, name: str) -> None:
    writer = WARCWriter(stream, gzip=True, warc_version="WARC/1.1")
    software = f"bilateral/{version('bilateral')}"
    info = {"software": software, "format": "WARC File Format 1.1", "robots": "obeyed"}
    writer.write_record(writer.create_warcinfo_record(name, info))


def _response_record(writer: WARCWriter, exchange: Exchange, digest: str):  # type: ignore[no-untyped-def]
    if exchange.header("content-type") == LEAD_TYPE:
        return writer.create_warc_record(
            exchange.url, "resource", payload=io.BytesIO(exchange.body), length=len(exchange.body),
            warc_content_type=LEAD_TYPE,
            warc_headers_dict={"WARC-Date": exchange.fetched, "WARC-Payload-Digest": digest},
        )  # fmt: skip
    headers = [
        ("X-Archive-Orig-Transfer-Encoding" if key.lower() == "transfer-encoding" else key, value)
        for key, value in exchange.response_headers
        if key.lower() not in NOT_KEPT
    ]
    kept = {"WARC-Date": exchange.fetched, "WARC-Payload-Digest": digest}
    if exchange.truncated:
        kept["WARC-Truncated"] = "length"
    http = StatusAndHeaders(
        f"{exchange.status} {exchange.status_text}".strip(), headers, protocol=exchange.protocol
    )
    return writer.create_warc_record(
        exchange.url, "response", payload=io.BytesIO(exchange.body), length=len(exchange.body),
        http_headers=http, warc_headers_dict=kept,
    )  # fmt: skip


def _request_record(writer: WARCWriter, exchange: Exchange, response):  # type: ignore[no-untyped-def]
    headers = [(key, value) for key, value in exchange.request_headers if key.lower() not in NOT_KEPT]
    target = "/" + exchange.url.partition("://")[2].partition("/")[2]
    http = StatusAndHeaders(f"GET {target} HTTP/1.1", headers, is_http_request=True)
    return writer.create_warc_record(
        exchange.url, "request", http_headers=http,
        warc_headers_dict={
            "WARC-Date": exchange.fetched,
            "WARC-Concurrent-To": response.rec_headers.get_header("WARC-Record-ID"),
        },
    )  # fmt: skip


def save_snapshot(db: Database, writer: SnapshotWriter, exchange: Exchange) -> Snapshot:
    """Keep an exchange, in the WARC first and then in the table: a row never points at nothing."""
    location = writer.write(exchange)
    kept = Snapshot(
        id=0,
        url=exchange.url,
        page=exchange.page,
        fetched=exchange.fetched,
        status=exchange.status,
        warc_file=location.file,
        warc_offset=location.offset,
        warc_length=location.length,
        payload_digest=location.payload_digest,
        content_type=_printable(exchange, "content-type"),
        etag=_printable(exchange, "etag"),
        last_modified=_printable(exchange, "last-modified"),
        tls=exchange.tls,
    )
    columns = {field.name: getattr(kept, field.name) for field in fields(kept) if field.name != "id"}
    with transaction(db):
        cursor = db.execute(
            f"INSERT INTO snapshots ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})",
            list(columns.values()),
        )
    return replace(kept, id=int(cursor.lastrowid or 0))


_COLUMNS = (
    "id, url, page, fetched, status, warc_file, warc_offset, warc_length, payload_digest, content_type,"
    " etag, last_modified, tls"
)


def _printable(exchange: Exchange, name: str) -> str | None:
    """Return a header of the answer; none where it holds what is no text. The WARC has it as it came."""
    value = exchange.header(name)
    return value if value is not None and value.isprintable() else None


def find_snapshot(db: Database, number: int) -> Snapshot | None:
    """Return a snapshot by its id."""
    found = rows(db, f"SELECT {_COLUMNS} FROM snapshots WHERE id = ?", [number])
    return Snapshot(**found[0]) if found else None


def pending_snapshots(db: Database) -> list[Snapshot]:
    """Return the snapshots that were kept but not yet made anything of, oldest first."""
    found = rows(db, f"SELECT {_COLUMNS} FROM snapshots WHERE outcome IS NULL ORDER BY id")
    return [Snapshot(**columns) for columns in found]


def load_body(folder: Path, snapshot: Snapshot) -> bytes:
    """Return the decoded body of a snapshot, its digest checked, at most `MAX_BODY_BYTES` of it.

    Raises SnapshotError where the record is not there or is damaged.
    """
    path = folder / snapshot.warc_file
    try:
        with path.open("rb") as stream:
            stream.seek(snapshot.warc_offset)
            record = next(iter(ArchiveIterator(stream, check_digests="raise")))
            if record.rec_headers.get_header("WARC-Payload-Digest") != snapshot.payload_digest:
                raise SnapshotError(f"{path} at byte {snapshot.warc_offset}: another record lies there")
            raw = record.raw_stream.read()  # to its end, where the digests are compared
            headers = record.http_headers.headers if record.http_headers else []
            names = [value for name, value in headers if name.lower() == "content-encoding"]
            return decoded(raw, content_encodings(names), MAX_BODY_BYTES).body  # as when it was fetched
    except (OSError, ArchiveLoadFailed, StopIteration, EOFError, ValueError) as error:
        raise SnapshotError(f"{path} at byte {snapshot.warc_offset}: {error or 'no record'}") from error


def read_exchange(path: Path, offset: int, *, page: str, payload_digest: str) -> Exchange:
    """Return a response record of any WARC file as an exchange, to be kept once more.

    Raises SnapshotError where another record lies there, or it is damaged.
    """
    try:
        with path.open("rb") as stream:
            stream.seek(offset)
            record = next(iter(ArchiveIterator(stream, check_digests="raise")))
            if record.rec_headers.get_header("WARC-Payload-Digest") != payload_digest:
                raise SnapshotError(f"{path} at byte {offset}: another record lies there")
            http = record.http_headers
            return Exchange(
                url=record.rec_headers.get_header("WARC-Target-URI"),
                page=page,
                fetched=record.rec_headers.get_header("WARC-Date"),
                status=int(http.get_statuscode()),
                status_text=http.statusline.partition(" ")[2],
                request_headers=(),
                response_headers=tuple(http.headers),
                body=record.raw_stream.read(),
                truncated=record.rec_headers.get_header("WARC-Truncated") is not None,
            )
    except (OSError, ArchiveLoadFailed, StopIteration, EOFError, ValueError, AttributeError) as error:
        raise SnapshotError(f"{path} at byte {offset}: {error or 'no record'}") from error


def trim_interrupted(db: Database, folder: Path) -> list[str]:
    """Cut off what an interrupted write left behind the last whole record of a WARC file.

    Only bytes that no snapshot points at are cut. Returns what was done, a line a file.
    """
    done = []
    ends = dict(
        db.execute(
            "SELECT warc_file, max(warc_offset + warc_length) FROM snapshots GROUP BY warc_file"
        ).fetchall()
    )
    for path in sorted(folder.glob("*/*.warc.gz")):
        name = path.relative_to(folder).as_posix()
        whole = whole_records_end(path, ends.get(name, 0))
        size = path.stat().st_size
        if whole < size:
            os.truncate(path, whole)
            done.append(f"{name}: {size - whole} bytes of an interrupted record cut off at byte {whole}")
    return done


def whole_records_end(path: Path, start: int = 0) -> int:
    """Return the offset behind the last whole gzip member (one record each) that begins at or after ``start``."""
    end = position = start
    member = zlib.decompressobj(zlib.MAX_WBITS | 16)
    with path.open("rb") as stream:
        stream.seek(start)
        chunk = stream.read(_CHUNK_BYTES)
        while chunk:
            try:
                member.decompress(chunk)
            except zlib.error:
                return end
            position += len(chunk) - len(member.unused_data)
            if member.eof:
                end, chunk = position, member.unused_data
                member = zlib.decompressobj(zlib.MAX_WBITS | 16)
            else:
                chunk = b""
            chunk = chunk or stream.read(_CHUNK_BYTES)
    return end
