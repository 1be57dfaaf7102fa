"""The records of a WARC file, whatever state it is in: by the fast reader first, by the patient one where it fails."""

import io
import re
import zlib
from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import dataclass, field
from typing import BinaryIO, cast

from fastwarc.warc import ArchiveIterator, WarcRecord, WarcRecordType

from archive.backfill.salvage import (
    MAX_HEADER_BYTES,
    MAX_RECORD_BYTES,
    Salvage,
    Salvaged,
    Stream,
    begins_record,
    holds_bytes,
    next_record,
)

RESPONSE, REVISIT = "response", "revisit"
BROKEN = (OSError, ValueError, EOFError, zlib.error)

_KINDS = {int(WarcRecordType.response): RESPONSE, int(WarcRecordType.revisit): REVISIT}
_UNTOLD = (
    int(WarcRecordType.no_type),
    int(WarcRecordType.unknown),
)  # the reader tells header names by their case
_ALIVE_BYTES = 1 << 23
_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)


@dataclass(frozen=True, slots=True)
class Record:
    """A response or revisit of a watched host: its place in the file, its headers by small names, and its block."""

    kind: str
    url: str
    offset: int
    headers: Mapping[str, str]
    block: bytes


@dataclass(slots=True)
class Seen:
    """What a file holds: all its records, responses, those on watched hosts, revisits, and what could not be read."""

    records: int = 0
    responses: int = 0
    on_host: int = 0
    revisits: int = 0
    errors: list[str] = field(default_factory=list)  # each with the offset
    days: dict[str, int] = field(default_factory=dict)  # responses by the day they were captured

    def count(self, kind: str, day: str) -> None:
        """Count one record."""
        self.records += 1
        if kind == RESPONSE:
            self.responses += 1
            day = day if _DAY.fullmatch(day) else ""
            self.days[day] = self.days.get(day, 0) + 1
        self.revisits += kind == REVISIT


class Beating:
    """A file that calls ``alive`` as it is read, however little comes of what is read."""

    def __init__(self, stream: BinaryIO, alive: Callable[[], None]) -> None:
        self._stream = stream
        self._alive = alive
        self._read = 0

    def read(self, size: int = -1) -> bytes:
        """Read bytes."""
        data: bytes = self._stream.read(size)
        self._read += len(data)
        if self._read >= _ALIVE_BYTES:
            self._alive()
            self._read = 0
        return data

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to a place."""
        return self._stream.seek(offset, whence)

    def tell(self) -> int:
        """Return the place."""
        return self._stream.tell()


class _Odd(ValueError):  # noqa: N818 - the record is, not the program
    """A record that the fast reader cannot make sense of, though it does not say so."""


@dataclass(slots=True)
class _Held:
    """A record that was read and is not given out: only what follows shows whether its length was right."""

    kind: str
    day: str
    record: Record | None  # where it is of interest


def records(stream: Stream, watched: Callable[[str], bool], seen: Seen) -> Iterator[Record]:
    """Yield the responses and revisits of watched addresses; all else is counted in ``seen``.

    A damaged record costs itself and not the file: behind it, reading begins again at the next whole one. ``stream``
    must be one that can be sought in.
    """
    start: int | None = 0
    while start is not None:
        reading = _Reading(stream, watched, seen, start)
        yield from reading.fast()
        start = yield from reading.patient()


class _Reading:
    """One stretch of a file, from an offset to the first damage."""

    def __init__(self, stream: Stream, watched: Callable[[str], bool], seen: Seen, start: int) -> None:
        self.stream, self.watched, self.seen = stream, watched, seen
        self.start = self.place = start  # of the stretch; of the last record
        self.before = 0  # records given out before that at ``place``, since the stretch began
        self.since = 0  # of them, those that have the same place
        self.damage = ""

    def fast(self) -> Iterator[Record]:
        """Yield records as long as the fast reader can read them."""
        self.stream.seek(self.start)
        held: _Held | None = None
        try:
            for record in ArchiveIterator(
                cast(BinaryIO, self.stream), parse_http=False, max_header_len=MAX_HEADER_BYTES
            ):
                if held is not None:
                    yield from self._given(held)
                    held = None
                self._at(record.stream_pos)
                held = self._held(record)
            if held is not None:
                yield from self._given(held)
        except BROKEN as error:
            self.damage = str(error) or type(error).__name__

    def _at(self, place: int) -> None:
        if place != self.place:
            self.place, self.since = place, 0

    def _given(self, held: _Held) -> Iterator[Record]:
        self.before += 1
        self.since += 1
        self.seen.count(held.kind, held.day)
        if held.record is not None:
            self.seen.on_host += held.kind == RESPONSE
            yield held.record

    def _held(self, record: WarcRecord) -> _Held:
        headers = record.headers
        number = int(record.record_type)
        kind = _KINDS.get(number, "")
        if number in _UNTOLD:
            kind = (headers.get("WARC-Type") or "").lower()
            if not kind.isalpha():  # none, or all headers in one where lines end with a line feed alone
                raise _Odd("no WARC-Type")
        length = record.content_length
        url = address(headers.get("WARC-Target-URI") or "") if kind in (RESPONSE, REVISIT) else ""
        wanted = bool(url) and self.watched(url)
        block = record.reader.read(min(length, MAX_RECORD_BYTES)) if wanted else b""
        if len(block) + record.consume() < length:
            raise _Odd("it breaks off")
        day = (headers.get("WARC-Date") or "")[:10] if kind == RESPONSE else ""
        if not wanted:
            return _Held(kind, day, None)
        small = {name.lower(): value for name, value in reversed(headers.items())}
        return _Held(kind, day, Record(kind, url, self.place, small, block))

    def patient(self) -> Generator[Record, None, int | None]:
        """Yield what can be had of the place of damage; return where the fast reader may begin again."""
        at, given = self._resumed()
        index, noted = 0, len(self.seen.errors)
        while True:
            stretch = Salvage(self.stream, at)
            for salvaged in stretch:
                if salvaged.fault:
                    self.seen.errors.append(f"at byte {salvaged.offset}: {salvaged.fault}")
                if index >= given:
                    yield from self._salvaged(salvaged)
                index += 1
            moved, at = stretch.end > at, stretch.end
            if index >= given or not moved:
                break
        found = next_record(self.stream, at if moved or not self.damage else at + 1)
        if found != at and len(self.seen.errors) == noted and holds_bytes(self.stream, at):
            self.seen.errors.append(f"at byte {at}: {self.damage or 'unreadable bytes'}")
        return found

    def _resumed(self) -> tuple[int, int]:
        """Return where the patient reader begins, and how many records of those it will find were given out."""
        if begins_record(self.stream, self.place):
            return self.place, self.since
        if self.damage:  # in a file that is one gzip member, a record's place is not known
            return self.start, self.before
        return self.place, 0

    def _salvaged(self, salvaged: Salvaged) -> Iterator[Record]:
        headers = salvaged.headers
        kind = headers.get("warc-type", "").lower()
        self.seen.count(kind, headers.get("warc-date", "")[:10])
        url = address(headers.get("warc-target-uri", ""))
        if kind in (RESPONSE, REVISIT) and salvaged.whole and self.watched(url):
            self.seen.on_host += kind == RESPONSE
            yield Record(kind, url, salvaged.offset, headers, salvaged.block)


def address(target: str) -> str:
    """Return the address that a WARC-Target-URI names; WARC 1.0 puts it in angle brackets."""
    return target.strip().strip("<>").strip()
