"""Reading WARC records that a strict reader gives up on: wrong lengths, odd headers, members that break off.

Slow, and used only where the fast reader met damage. What a length cannot tell, the shape does: a record ends before
an empty line behind which the next one begins, or where its gzip member ends.
"""

import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

MAX_RECORD_BYTES = 30_000_000  # of one response as it lies in the file
MAX_HEADER_BYTES = 1 << 20
GZIP = b"\x1f\x8b\x08"

_RECORD = re.compile(rb"WARC/\d\.\d[ \t]*\r?\n(?=[!-9;-~]+[ \t]*:)")
_EMPTY_LINE = re.compile(rb"\r?\n\r?\n")
_FOLDED = re.compile(r"\r?\n[ \t]+")
_CHUNK_BYTES = 1 << 20
_PEEK_BYTES = 1 << 12


class Stream(Protocol):
    """What is asked of a file."""

    def read(self, size: int = -1, /) -> bytes:
        """Read bytes."""
        ...

    def seek(self, offset: int, whence: int = 0, /) -> int:
        """Go to a place."""
        ...

    def tell(self) -> int:
        """Return the place."""
        ...


@dataclass(frozen=True, slots=True)
class Salvaged:
    """One record: where its gzip member (or it itself) begins, its headers by small names, and its block."""

    offset: int
    headers: dict[str, str]
    block: bytes  # at most MAX_RECORD_BYTES of it
    whole: bool  # False where the file breaks off within it
    fault: str  # what is wrong with it, in words


class Salvage:
    """The records of the gzip member at an offset, or the one plain record there.

    Once they were iterated over, ``end`` is where reading goes on: the offset itself where no record begins there.
    """

    def __init__(self, stream: Stream, start: int) -> None:
        self.start = self.end = start
        stream.seek(start)
        packed = stream.read(len(GZIP)) == GZIP
        self._source = _Member(stream, start) if packed else _Source(stream, start)

    def __iter__(self) -> Iterator[Salvaged]:
        source = self._source
        while source.holds(_RECORD):
            headers = _headers(source)
            length = headers.get("content-length", "")
            block = _by_length(source, int(length)) if length.isdecimal() and len(length) < 19 else None
            if block is not None:
                yield Salvaged(self.start, headers, block, whole=True, fault="")
            else:
                block, whole = _by_shape(source)
                fault = f"its length is not {length!r} bytes" if whole else "it breaks off"
                yield Salvaged(self.start, headers, block, whole, source.damage or fault)
            if not isinstance(source, _Member):
                break
        source.drain()
        self.end = source.end


def next_record(stream: Stream, start: int) -> int | None:
    """Return the offset of the next record that begins at ``start`` or behind it, gzipped or plain."""
    position = start
    while True:
        stream.seek(position)
        chunk = stream.read(_CHUNK_BYTES)
        found = _begins(chunk)
        if found is not None:
            return position + found
        if len(chunk) < _CHUNK_BYTES:
            return None
        position += len(chunk) - _PEEK_BYTES


def begins_record(stream: Stream, start: int) -> bool:
    """Say whether a record begins at an offset, plain or in a gzip member of its own."""
    stream.seek(start)
    front = stream.read(_PEEK_BYTES)
    return _RECORD.match(front) is not None or _inflates(front)


def holds_bytes(stream: Stream, start: int) -> bool:
    """Say whether there is more than padding at an offset."""
    stream.seek(start)
    return bool((stream.read(_PEEK_BYTES)).strip(b"\0\r\n"))


def _begins(chunk: bytes) -> int | None:
    plain = _RECORD.search(chunk)
    most = plain.start() if plain else len(chunk)
    at = chunk.find(GZIP, 0, most)
    while at >= 0 and not _inflates(chunk[at : at + _PEEK_BYTES]):
        at = chunk.find(GZIP, at + 1, most)
    if at >= 0:
        return at
    return plain.start() if plain else None


def _inflates(member: bytes) -> bool:
    try:
        return zlib.decompressobj(zlib.MAX_WBITS | 16).decompress(member, 16).startswith(b"WARC/")
    except zlib.error:
        return False


class _Source:
    """Plain bytes from an offset on: ``data`` is what was read and not yet taken, ``end`` where the taken end."""

    def __init__(self, stream: Stream, start: int) -> None:
        self.stream = stream
        self.end = start
        self.data = b""
        self.over = False  # nothing more will come
        self.damage = ""
        stream.seek(start)

    def more(self) -> bool:
        """Read on; say whether something came."""
        chunk = b"" if self.over else self._next()
        self.data += chunk
        return bool(chunk)

    def _next(self) -> bytes:
        chunk = self.stream.read(_CHUNK_BYTES)
        self.over = not chunk
        return chunk

    def take(self, count: int) -> bytes:
        """Take so many bytes off the front."""
        taken, self.data = self.data[:count], self.data[count:]
        self.end += len(taken)
        return taken

    def holds(self, pattern: re.Pattern[bytes]) -> bool:
        """Say whether a match comes next, behind empty lines and a byte order mark."""
        while len(self.data) < _PEEK_BYTES and self.more():
            continue
        front = self.data[: len(self.data) - len(self.data.lstrip(b"\xef\xbb\xbf\r\n"))]
        if pattern.match(self.data, len(front)) is None:
            return False
        self.take(len(front))
        return True

    def find(self, pattern: re.Pattern[bytes], start: int, most: int) -> "re.Match[bytes] | None":
        """Return the first match behind ``start``, reading on for it until there are ``most`` bytes."""
        found = pattern.search(self.data, start)
        while found is None and len(self.data) < most:
            behind = max(start, len(self.data) - _PEEK_BYTES)
            if not self.more():
                return None
            found = pattern.search(self.data, behind)
        return found

    def drain(self) -> None:
        """Leave what was not taken."""


class _Member(_Source):
    """The inflated bytes of one gzip member; ``end`` is where it ends, or its second byte where it is damaged."""

    def __init__(self, stream: Stream, start: int) -> None:
        super().__init__(stream, start)
        self.start, self.raw_end = start, start
        self._inflater = zlib.decompressobj(zlib.MAX_WBITS | 16)

    def _next(self) -> bytes:
        raw = self._inflater.unconsumed_tail or self.stream.read(_PEEK_BYTES * 4)
        try:
            out = self._inflater.decompress(raw, _CHUNK_BYTES)
        except zlib.error as error:
            self.over, self.damage = True, str(error)
            return b""
        if self._inflater.eof:
            self.over = True
            self.raw_end = self.stream.tell() - len(self._inflater.unused_data)
        elif not raw and not out:
            self.over, self.damage = True, "the file breaks off"
        elif not out:
            return self._next()
        return out

    def take(self, count: int) -> bytes:
        taken, self.data = self.data[:count], self.data[count:]
        return taken

    def drain(self) -> None:
        while self.more():
            self.data = b""
        self.end = self.start + 1 if self.damage else self.raw_end


def _headers(source: _Source) -> dict[str, str]:
    """Take a record's headers off the front; their names are made small, the first of each counts."""
    end = source.find(_EMPTY_LINE, 0, MAX_HEADER_BYTES)
    text = source.take(end.end() if end else len(source.data)).decode("utf-8", "replace")
    headers: dict[str, str] = {}
    for line in _FOLDED.sub(" ", text).splitlines()[1:]:
        name, colon, value = line.partition(":")
        if colon:
            headers.setdefault(name.strip().lower(), value.strip())
    return headers


def _by_length(source: _Source, length: int) -> bytes | None:
    """Take a record's block where its length fits what follows; else nothing."""
    if length > MAX_RECORD_BYTES:
        return None
    while len(source.data) < length + _PEEK_BYTES and source.more():
        continue
    behind = source.data[length : length + _PEEK_BYTES]
    rest = behind.lstrip(b"\r\n")
    if len(source.data) < length or (source.damage and not rest):
        return None
    if rest and _RECORD.match(rest) is None and not behind.startswith((b"\r\n\r\n", b"\n\n")):
        return None
    block = source.take(length)
    source.take(len(behind) - len(rest))
    return block


def _by_shape(source: _Source) -> tuple[bytes, bool]:
    """Take a record's block up to where the next one begins; say whether it ends there as a record does."""
    found = source.find(_RECORD, 0, MAX_RECORD_BYTES)
    if found is not None:
        block = source.take(found.start())
        tail = next((tail for tail in (b"\r\n\r\n", b"\n\n") if block.endswith(tail)), b"")
        return block.removesuffix(tail), bool(tail)
    kept = source.data[:MAX_RECORD_BYTES]
    while found is None and not source.over:
        source.take(len(source.data) - _PEEK_BYTES)
        found = source.find(_RECORD, 0, _CHUNK_BYTES)
    source.take(found.start() if found else len(source.data))
    return kept.rstrip(b"\r\n"), isinstance(source, _Member) and not source.damage
