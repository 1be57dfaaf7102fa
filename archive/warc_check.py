"""Every WARC file, byte by byte, against the table of snapshots.

A file is a row of gzip members, one record each. Every member is inflated (its checksum is gzip's own), and
those that a snapshot points at are compared with what the table says of them. Read without the library that
wrote them, so that a fault of its would show.
"""

import hashlib
import re
import sqlite3
import zlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import BinaryIO, Literal

MAGIC = b"\x1f\x8b\x08"
HEADER_BYTES = 10  # of a gzip member without optional fields
MAX_RECORD_BYTES = 256_000_000  # inflated
_CHUNK_BYTES = 1 << 16


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing found: what kind, where (file and offset, or row), and what it means, in words."""

    severity: Literal["damage", "note"]
    check: str
    where: str
    what: str

    def as_dict(self) -> dict[str, str]:
        """Return the finding as JSON-ready values."""
        return asdict(self)


def damage(check: str, where: str, what: str) -> Finding:
    """Return a finding that makes the archive not whole."""
    return Finding("damage", check, where, what)


def note(check: str, where: str, what: str) -> Finding:
    """Return a finding that is harmless."""
    return Finding("note", check, where, what)


@dataclass(frozen=True, slots=True)
class _Entry:
    """What the table says of one record."""

    snapshot: int
    url: str
    offset: int
    length: int
    digest: str
    fetched: str
    status: int


@dataclass(frozen=True, slots=True)
class _Member:
    """One gzip member as it was found; ``fault`` is empty where it is whole."""

    offset: int
    length: int
    header: bytes
    data: bytes
    fault: Literal["", "cut", "damaged"]


def check_warcs(db: sqlite3.Connection, folder: Path) -> Iterator[Finding]:
    """Check that every snapshot's record is there and is what was kept, and every other record is whole."""
    files = [name for (name,) in db.execute("SELECT DISTINCT warc_file FROM snapshots ORDER BY warc_file")]
    for name in files:
        entries = _entries(db, name)
        path = folder / name
        try:
            with path.open("rb") as stream:
                yield from _check_file(stream, name, entries)
        except FileNotFoundError:
            yield damage("warc", name, f"the file is missing; {len(entries)} snapshots were in it")
        except OSError as error:
            yield damage("warc", name, f"cannot be read ({error.strerror}); {len(entries)} snapshots in it")
    for path in sorted(folder.glob("*/*.warc.gz")):
        name = path.relative_to(folder).as_posix()
        if name not in set(files):
            with path.open("rb") as stream:
                yield from _check_file(stream, name, {})


def _entries(db: sqlite3.Connection, name: str) -> dict[int, _Entry]:
    found = db.execute(
        "SELECT id, url, warc_offset, warc_length, payload_digest, fetched, status FROM snapshots WHERE warc_file = ?",
        [name],
    )
    return {row[2]: _Entry(*row) for row in found}


def _check_file(stream: BinaryIO, name: str, entries: dict[int, _Entry]) -> Iterator[Finding]:
    headers: Counter[bytes] = Counter()
    unusual: list[tuple[bytes, int]] = []
    met: set[int] = set()
    before: _Entry | None = None
    for member in _members(stream, sorted(entries)):
        entry = entries.get(member.offset)
        met.add(member.offset)
        if member.fault:
            yield _fault(name, member, entry, before)
        else:
            headers[member.header] += 1
            if headers[member.header] == 1:
                unusual.append((member.header, member.offset))
            yield from _check_record(name, member, entry)
        before = entry
    if before is not None and not member.fault:
        where = f"{name} at byte {member.offset + member.length}"
        words = f"the request record of snapshot {before.snapshot} ({before.url}) is missing"
        yield damage("warc", where, words)
    for offset, entry in entries.items():
        if offset not in met:
            yield _missing(name, entry)
    # Inflating does not look at all of a member's header; the writer gives every member the same.
    usual = headers.most_common(1)[0][0] if headers else b""
    for header, offset in unusual:
        if header != usual:
            yield damage("warc", f"{name} at byte {offset}", "the gzip header of the record was altered")


def _missing(name: str, entry: _Entry) -> Finding:
    where = f"{name} at byte {entry.offset}"
    return damage("warc", where, f"no record begins there; snapshot {entry.snapshot} ({entry.url}) is lost")


def _fault(name: str, member: _Member, entry: _Entry | None, before: _Entry | None) -> Finding:
    where = f"{name} at byte {member.offset}"
    how = "is cut off" if member.fault == "cut" else "is damaged"
    if entry is not None:
        return damage("warc", where, f"the record of snapshot {entry.snapshot} ({entry.url}) {how}")
    if before is not None:
        return damage("warc", where, f"the request record of snapshot {before.snapshot} ({before.url}) {how}")
    if member.fault == "cut":
        words = f"{member.length} bytes of a record that was being written when its process ended"
        return note("warc", where, words + "; no snapshot points there, the next crawl cuts them off")
    return damage("warc", where, f"a record that no snapshot points at {how}")


def _check_record(name: str, member: _Member, entry: _Entry | None) -> Iterator[Finding]:
    where = f"{name} at byte {member.offset}"
    head, _, rest = member.data.partition(b"\r\n\r\n")
    kind, length = _field(head, b"WARC-Type"), _field(head, b"Content-Length")
    if not head.startswith(b"WARC/") or not length.isdigit() or len(rest) != int(length) + 4:
        yield damage("warc", where, "the record is not a whole WARC record")
        return
    if entry is None:
        if kind in (b"response", b"resource"):
            yield note("warc", where, "a whole record that no snapshot points at (its crawl was ended first)")
        return
    payload = rest[: int(length)]
    if kind == b"response":
        payload = payload.partition(b"\r\n\r\n")[2]
    whose = f"snapshot {entry.snapshot} ({entry.url})"
    for what, of_record, of_table in (
        ("address", _field(head, b"WARC-Target-URI"), entry.url),
        ("time", _field(head, b"WARC-Date"), entry.fetched),
        ("HTTP status", _status(rest) if kind == b"response" else b"", str(entry.status)),
    ):
        if of_record and of_record.decode("utf-8", "replace") != of_table:
            yield damage(
                "warc", where, f"the {what} of {whose} is not what the table says: {of_table[:200]!r}"
            )
    if "sha256:" + hashlib.sha256(payload).hexdigest() != entry.digest:
        yield damage("warc", where, f"the payload of {whose} does not have the digest on record")
    if member.length != entry.length:
        words = f"the record of {whose} is {member.length} bytes long, the table says {entry.length}"
        yield damage("warc", where, words)


def _status(http: bytes) -> bytes:
    """Return the status of an HTTP answer; nothing where its first line has none."""
    found = re.match(rb"HTTP/[\d.]+ (\d{3})\b", http)
    return found[1] if found else b""


def _field(head: bytes, name: bytes) -> bytes:
    found = re.search(rb"(?im)^" + re.escape(name) + rb":[ \t]*([^\r\n]*)", head)
    return found[1].strip() if found else b""


def _members(stream: BinaryIO, known: list[int]) -> Iterator[_Member]:
    """Yield the gzip members of a file; behind a damaged one, go on where the next is known or found."""
    size = stream.seek(0, 2)
    position = 0
    while position < size:
        member = _read_member(stream, position, size)
        if member.fault:
            following = [offset for offset in known if offset > position]
            end = _next_magic(stream, position + 1, min([*following, size]))
            # What another record follows was not cut off by the end of its process.
            fault = member.fault if end == size else "damaged"
            member = replace(member, length=end - position, fault=fault)
        yield member
        position += member.length


def _read_member(stream: BinaryIO, offset: int, size: int) -> _Member:
    stream.seek(offset)
    inflate = zlib.decompressobj(zlib.MAX_WBITS | 16)
    parts, inflated, taken, header = [], 0, 0, b""
    try:
        while not inflate.eof and (chunk := stream.read(_CHUNK_BYTES)):
            header = header or chunk[:HEADER_BYTES]
            part = inflate.decompress(chunk)
            inflated += len(part)
            if inflated > MAX_RECORD_BYTES:
                return _Member(offset, size - offset, header, b"", "damaged")
            parts.append(part)
            taken += len(chunk)
    except zlib.error:
        return _Member(offset, size - offset, header, b"", "cut" if not any(header) else "damaged")
    if not inflate.eof:
        return _Member(offset, size - offset, header, b"", "cut")
    return _Member(offset, taken - len(inflate.unused_data), header, b"".join(parts), "")


def _next_magic(stream: BinaryIO, start: int, limit: int) -> int:
    """Return where the next whole gzip member begins, at most ``limit``."""
    stream.seek(start)
    window = stream.read(limit - start)
    at = window.find(MAGIC)
    while at != -1:
        if not _read_member(stream, start + at, limit).fault:
            return start + at
        at = window.find(MAGIC, at + 1)
    return limit
