"""Undoing Content-Encoding within bounds, and as far as a damaged body allows."""

import zlib
from collections.abc import Callable
from typing import NamedTuple

import brotli
import zstandard

_CHUNK_BYTES = 1 << 16
MAX_ENCODINGS = 3  # one upon the other


class EncodingError(ValueError):
    """The body does not fit its Content-Encoding."""


class Decoded(NamedTuple):
    """A body without its Content-Encoding."""

    body: bytes
    cut: bool = False  # longer than was asked for
    broken: bool = False  # it breaks off, or is damaged from there on; never a document that came to its end


def content_encodings(values: list[str]) -> list[str]:
    """Return the encodings a body went through, in that order, those that change nothing left out."""
    names = [name.strip().lower() for value in values for name in value.split(",")]
    return [name for name in names if name not in ("", "identity", "none", "utf-8", "utf8")]


def decoded(body: bytes, encodings: list[str], most: int) -> Decoded:
    """Return a body decoded, at most ``most`` bytes of it, as far as it is whole.

    Raises EncodingError where it is in none of its encodings and does not look like text either.
    """
    if len(encodings) > MAX_ENCODINGS:
        raise EncodingError(f"{len(encodings)} Content-Encodings, one upon the other")
    cut = broken = False
    for name in reversed(encodings):
        decoder = DECODERS.get(name)
        if decoder is None:
            if not _looks_like_text(body):
                raise EncodingError(f"a Content-Encoding nobody asked for: {name[:20]!r}")
            continue
        try:
            body, over, breaks = decoder(body, most)
        except (zlib.error, brotli.error, zstandard.ZstdError) as error:
            if not _looks_like_text(body):
                raise EncodingError("the body does not fit its Content-Encoding") from error
            continue
        cut, broken = cut or over, broken or (breaks and not over)
    return Decoded(body, cut, broken and not body[-20:].rstrip().lower().endswith(b"</html>"))


def _looks_like_text(body: bytes) -> bool:
    start = body[:512].lstrip(b"\xef\xbb\xbf \t\r\n")
    return start[:1] in (b"<", b"{", b"[") or (b"\x00" not in start and start.isascii())


def _inflate(body: bytes, most: int, wbits: int) -> Decoded:
    parts: list[bytes] = []
    size = 0
    rest = body
    while rest and size <= most:
        member = zlib.decompressobj(wbits)
        while not member.eof and size <= most:
            try:
                part = member.decompress(rest, _CHUNK_BYTES)
            except zlib.error:
                if size:
                    return Decoded(b"".join(parts), broken=True)
                raise
            parts.append(part)
            size += len(part)
            rest = member.unconsumed_tail
            if not part and not rest and not member.eof:
                return Decoded(b"".join(parts)[:most], size > most, broken=True)
        rest = member.unused_data if member.eof and wbits > zlib.MAX_WBITS else b""
        if rest[:2] != b"\x1f\x8b":  # padding behind the last member
            break
    return Decoded(b"".join(parts)[:most], size > most)


def _gunzip(body: bytes, most: int) -> Decoded:
    return _inflate(body, most, zlib.MAX_WBITS | 16)


def _deflate(body: bytes, most: int) -> Decoded:
    try:
        return _inflate(body, most, zlib.MAX_WBITS)
    except zlib.error:  # some servers leave out the header of zlib
        return _inflate(body, most, -zlib.MAX_WBITS)


def _unbrotli(body: bytes, most: int) -> Decoded:
    decompressor = brotli.Decompressor()
    parts = [decompressor.process(body, output_buffer_limit=_CHUNK_BYTES)]
    size = len(parts[0])
    while size <= most and not decompressor.is_finished():
        part = decompressor.process(b"", output_buffer_limit=_CHUNK_BYTES)
        if not part and decompressor.can_accept_more_data():
            break
        parts.append(part)
        size += len(part)
    return Decoded(b"".join(parts)[:most], size > most, broken=not decompressor.is_finished())


def _unzstd(body: bytes, most: int) -> Decoded:
    with zstandard.ZstdDecompressor().stream_reader(body, read_across_frames=True) as stream:
        plain = stream.read(most + 1)
    return Decoded(plain[:most], len(plain) > most)


DECODERS: dict[str, Callable[[bytes, int], Decoded]] = {
    "gzip": _gunzip,
    "x-gzip": _gunzip,
    "deflate": _deflate,
    "br": _unbrotli,
    "zstd": _unzstd,
}
