"""From the records of a WARC file to the pages of watched outlets that were captured."""

import base64
import hashlib
import io
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import BinaryIO

from warcio.bufferedreaders import ChunkedDataReader
from warcio.statusandheaders import StatusAndHeaders, StatusAndHeadersParser, StatusAndHeadersParserException

from archive.backfill.records import BROKEN, REVISIT, Beating, Record, Seen, address, records
from archive.backfill.salvage import MAX_RECORD_BYTES
from archive.encodings import content_encodings, decoded
from archive.models import Outlet
from archive.payloads import MAX_BODY_BYTES
from archive.times import format_utc

_PAGES = ("text/html", "application/xhtml")
_UNDONE_BY_TOOLS: tuple[list[str], ...] = (
    [],
    ["gzip"],
    ["br"],
    ["deflate"],
)  # what readers of WARC can undo; all else is kept decoded
_DATE = re.compile(r"(\d{4})(?:-(\d\d)(?:-(\d\d))?)?\Z")
_UNREADABLE = (*BROKEN, StatusAndHeadersParserException)


@dataclass(frozen=True, slots=True)
class Capture:
    """One page of an outlet: ``raw`` as it is to be kept, under its ``headers``, and ``body`` decoded."""

    outlet: Outlet
    url: str
    fetched: str  # UTC
    offset: int
    status: int
    status_text: str
    headers: tuple[tuple[str, str], ...]
    raw: bytes
    body: bytes
    digest: str  # of the payload, as the web archive has it; empty where it has none
    truncated: bool  # the web archive kept its beginning only


@dataclass(frozen=True, slots=True)
class Revisit:
    """A record that says a page was as it had been: it has no body, and names the capture that has."""

    outlet: Outlet
    url: str
    fetched: str  # UTC
    offset: int
    refers_to: str  # address and time of that capture, as far as the record tells
    refers_to_fetched: str
    digest: str


def captures(
    stream: BinaryIO,
    owner: Callable[[str], Outlet | None],
    seen: Seen,
    alive: Callable[[], None] = lambda: None,
) -> Iterator[Capture | Revisit]:
    """Yield the pages of outlets, and the records that say one was unchanged; all else is counted in ``seen``.

    ``owner`` says whose an address is. ``alive`` is called every few megabytes and before each page.
    """
    beating = Beating(stream, alive)
    for record in records(beating, lambda url: owner(url) is not None, seen):
        alive()
        outlet = owner(record.url)
        assert outlet is not None
        try:
            capture = _revisit(record, outlet) if record.kind == REVISIT else _capture(record, outlet, seen)
        except _UNREADABLE as error:
            seen.errors.append(f"at byte {record.offset}: {error or type(error).__name__}")
            continue
        if capture is not None:
            yield capture


def _capture(record: Record, outlet: Outlet, seen: Seen) -> Capture | None:
    """Return a page's response; None where it is no page. Raises one of `_UNREADABLE`."""
    if "warc-segment-number" in record.headers:
        raise ValueError("it is one segment of several")
    content = io.BytesIO(record.block)
    http = StatusAndHeadersParser(["HTTP/"], verify=False).parse(content)
    if not http.protocol.upper().startswith("HTTP/"):
        raise ValueError("its block is no HTTP response")
    kind = (http.get_header("content-type") or "").strip().lower()
    if http.get_statuscode() != "200" or (kind and not kind.startswith(_PAGES)):
        return None
    if not _digest_holds(record):
        seen.errors.append(f"at byte {record.offset}: the block is not what its digest says")
    raw = content.read()
    if "chunked" in (http.get_header("transfer-encoding") or "").lower():
        raw = ChunkedDataReader(io.BytesIO(raw)).read(MAX_RECORD_BYTES)
    names = content_encodings([value for name, value in http.headers if name.lower() == "content-encoding"])
    body, _, broken = decoded(raw, names, MAX_BODY_BYTES)
    if broken:
        raise ValueError("the page breaks off within its Content-Encoding")
    undone = {"transfer-encoding"} | ({"content-encoding"} if names not in _UNDONE_BY_TOOLS else set())
    return Capture(
        outlet=outlet, url=record.url, fetched=_fetched(record.headers, http), offset=record.offset, status=200,
        status_text=http.statusline.partition(" ")[2], headers=tuple(_renamed(http.headers, undone)),
        raw=body if "content-encoding" in undone else raw, body=body,
        digest=record.headers.get("warc-payload-digest", ""), truncated="warc-truncated" in record.headers,
    )  # fmt: skip


def _renamed(headers: list[tuple[str, str]], undone: set[str]) -> Iterator[tuple[str, str]]:
    """Yield headers; those of what was undone say so."""
    for name, value in headers:
        yield (f"X-Archive-Orig-{name}" if name.lower() in undone else name), value


def _revisit(record: Record, outlet: Outlet) -> Revisit:
    headers = record.headers
    referred = headers.get("warc-refers-to-date", "")
    return Revisit(
        outlet=outlet, url=record.url, fetched=_fetched(headers, None), offset=record.offset,
        refers_to=address(headers.get("warc-refers-to-target-uri", "")),
        refers_to_fetched=format_utc(moment) if (moment := moment_of(referred)) else "",
        digest=headers.get("warc-payload-digest", ""),
    )  # fmt: skip


def _fetched(headers: Mapping[str, str], http: StatusAndHeaders | None) -> str:
    """Return when a record was captured: as it says, else as the server's clock said. Raises ValueError."""
    moment = moment_of(headers.get("warc-date", ""))
    if moment is None and http is not None:
        moment = _http_date(http.get_header("date") or "")
    if moment is None:
        raise ValueError(f"no time of capture (WARC-Date: {headers.get('warc-date', '')!r})")
    return format_utc(moment)


def moment_of(date: str) -> datetime | None:
    """Read a WARC-Date: any precision that W3C's note on dates knows, or fourteen digits; None where it is none."""
    short = _DATE.match(date)
    if short is not None:
        date = f"{short[1]}-{short[2] or '01'}-{short[3] or '01'}"
    elif date.isdecimal() and len(date) == 14:
        date = f"{date[:8]}T{date[8:]}"
    date = re.sub(r":60(?=[.Z+-]|\Z)", ":59", date, count=1)  # a leap second
    try:
        moment = datetime.fromisoformat(date)
        return moment.replace(tzinfo=moment.tzinfo or UTC).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _http_date(value: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(value)
    except ValueError:
        return None
    return moment.replace(tzinfo=moment.tzinfo or UTC)


def _digest_holds(record: Record) -> bool:
    """Say whether a block is what its digest says; True where there is none that can be checked."""
    name, _, digest = record.headers.get("warc-block-digest", "").partition(":")
    if name.lower() not in ("sha1", "sha256", "md5") or len(record.block) == MAX_RECORD_BYTES:
        return True
    found = hashlib.new(name.lower(), record.block, usedforsecurity=False).digest()
    return digest.rstrip("=").lower() in (found.hex(), base64.b32encode(found).decode().rstrip("=").lower())
