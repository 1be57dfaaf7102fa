"""Reading the responses of watched outlets out of a WARC file, whatever state it is in."""

import io
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import BinaryIO

from fastwarc.warc import ArchiveIterator, WarcRecord, WarcRecordType
from warcio.bufferedreaders import ChunkedDataReader
from warcio.statusandheaders import StatusAndHeadersParser, StatusAndHeadersParserException

from archive.encodings import content_encodings, decoded
from archive.snapshots import MAX_BODY_BYTES
from archive.times import format_utc

MAX_RECORD_BYTES = 30_000_000  # of one response as it lies in the file
_PAGES = ("text/html", "application/xhtml")
_GZIP = b"\x1f\x8b\x08"
_PLAIN = b"WARC/1."
_BEHIND_ANOTHER = b"\r\n\r\n" + _PLAIN
_CHUNK_BYTES = 1 << 20
_PEEK_BYTES = 1 << 12
_ALIVE_EVERY = 1_000  # responses

BROKEN = (OSError, ValueError, EOFError, zlib.error, StatusAndHeadersParserException)


@dataclass(frozen=True, slots=True)
class Capture:
    """One response of a watched outlet: ``raw`` as it was transferred (chunking taken off), ``body`` decoded."""

    url: str
    fetched: str  # UTC
    offset: int
    status: int
    status_text: str
    headers: tuple[tuple[str, str], ...]
    raw: bytes
    body: bytes


@dataclass(slots=True)
class Seen:
    """What a file holds: responses, those on watched hosts, revisits, and what could not be read."""

    responses: int = 0
    on_host: int = 0
    revisits: int = 0
    errors: list[str] = field(default_factory=list)  # each with the offset
    days: dict[str, int] = field(default_factory=dict)  # responses by the day they were captured


def captures(
    stream: BinaryIO, watched: Callable[[str], bool], seen: Seen, alive: Callable[[], None] = lambda: None
) -> Iterator[Capture]:
    """Yield the pages of watched hosts; all else is counted in ``seen``.

    A damaged record costs itself and not the file. A revisit record, which has no body, is only counted.
    ``stream`` must be one that can be sought in; ``alive`` is called every thousand responses and before each page.
    """
    for offset, record in _records(stream, seen):
        if record.record_type == WarcRecordType.revisit:
            seen.revisits += 1
            continue
        seen.responses += 1
        if seen.responses % _ALIVE_EVERY == 0:
            alive()
        day = (record.headers.get("WARC-Date") or "")[:10]
        seen.days[day] = seen.days.get(day, 0) + 1
        url = (record.headers.get("WARC-Target-URI") or "").strip("<> ")
        if not watched(url):
            continue
        seen.on_host += 1
        alive()
        try:
            capture = _capture(record, url, offset)
        except BROKEN as error:
            seen.errors.append(f"at byte {offset}: {error or type(error).__name__}")
            continue
        if capture is not None:
            yield capture


def _records(stream: BinaryIO, seen: Seen) -> Iterator[tuple[int, WarcRecord]]:
    """Yield responses and revisits with their offsets; behind damage, begin again at the next whole record."""
    start: int | None = 0
    while start is not None:
        stream.seek(start)
        last, why = start, "unreadable bytes"
        try:
            # Of every type, so that the place of the last one is known.
            for record in ArchiveIterator(stream, parse_http=False):
                last = record.stream_pos
                if record.record_type in (WarcRecordType.response, WarcRecordType.revisit):
                    yield last, record
        except BROKEN as error:
            why = str(error) or type(error).__name__
        # What is not a gzip member ends fastwarc's reading without a word.
        start = next_record(stream, last + 1)
        if start is not None or why != "unreadable bytes":
            seen.errors.append(f"after byte {last}: {why}")


def next_record(stream: BinaryIO, start: int) -> int | None:
    """Return the offset of the next record that begins at ``start`` or behind it, gzipped or plain."""
    position = start
    while True:
        stream.seek(position)
        chunk = stream.read(_CHUNK_BYTES)
        if len(chunk) < len(_PLAIN):
            return None
        found = _begins(chunk)
        if found is not None:
            return position + found
        position += max(1, len(chunk) - _PEEK_BYTES)


def _begins(chunk: bytes) -> int | None:
    """Return where the first record in a piece of a file begins."""
    at = chunk.find(_GZIP)
    while at >= 0 and not _inflates(chunk[at : at + _PEEK_BYTES]):
        at = chunk.find(_GZIP, at + 1)
    if at >= 0:
        return at
    plain = chunk.find(_BEHIND_ANOTHER)
    return plain + len(_BEHIND_ANOTHER) - len(_PLAIN) if plain >= 0 else None


def _inflates(member: bytes) -> bool:
    try:
        return zlib.decompressobj(zlib.MAX_WBITS | 16).decompress(member, 16).startswith(_PLAIN)
    except zlib.error:
        return False


def _capture(record: WarcRecord, url: str, offset: int) -> Capture | None:
    """Return a page's response; None where it is no page."""
    block = record.reader.read(min(record.content_length, MAX_RECORD_BYTES))
    if len(block) < min(record.content_length, MAX_RECORD_BYTES):
        raise ValueError(f"the record breaks off after {len(block)} of {record.content_length} bytes")
    content = io.BytesIO(block)
    http = StatusAndHeadersParser(["HTTP/"], verify=False).parse(content)
    kind = (http.get_header("content-type") or "").lower()
    if http.get_statuscode() != "200" or (kind and not kind.startswith(_PAGES)):
        return None
    raw = content.read()
    if "chunked" in (http.get_header("transfer-encoding") or "").lower():
        raw = ChunkedDataReader(io.BytesIO(raw)).read(MAX_RECORD_BYTES)
    encodings = content_encodings(
        [value for name, value in http.headers if name.lower() == "content-encoding"]
    )
    body, _ = decoded(raw, encodings, MAX_BODY_BYTES)
    fetched = record.record_date
    if fetched is None:
        raise ValueError("no WARC-Date")
    return Capture(
        url=url, fetched=format_utc(fetched), offset=offset, status=200,
        status_text=http.statusline.partition(" ")[2], headers=tuple(http.headers), raw=raw, body=body,
    )  # fmt: skip
