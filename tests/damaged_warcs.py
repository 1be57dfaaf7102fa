"""WARC files in every state that files are met in, made byte by byte: what a library would not write."""

import gzip
import random
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import brotli
import zstandard

from tests.warcs import page

CRLF = b"\r\n"
HTML = (b"Content-Type", b"text/html; charset=utf-8")
CHUNKED = (b"Transfer-Encoding", b"chunked")


@dataclass(frozen=True)
class Case:
    """A file, the pages that must be found in it (by letter), and whether damage must be noted (None: either)."""

    name: str
    data: bytes
    pages: str
    noted: bool | None = None


def body(letter: str) -> bytes:
    return page(f"Hablan de seguridad México y Estados Unidos: {letter}")


def http(
    content: bytes, *headers: tuple[bytes, bytes], status: bytes = b"HTTP/1.1 200 OK", eol: bytes = CRLF
) -> bytes:
    lines = (name + b": " + value + eol for name, value in headers or (HTML,))
    return status + eol + b"".join(lines) + eol + content


def record(
    letter: str,
    block: bytes | None = None,
    *,
    kind: bytes = b"response",
    url: bytes = b"",
    version: bytes = b"WARC/1.1",
    date: bytes | None = b"2024-03-05T18:00:00Z",
    length: bytes | None = b"",
    more: tuple[tuple[bytes, bytes], ...] = (),
    eol: bytes = CRLF,
    tail: bytes | None = None,
    named: Callable[[bytes], bytes] = bytes,
) -> bytes:
    """Return one record; ``length`` is what its Content-Length says, None for none at all."""
    block = http(body(letter)) if block is None else block
    fields = [
        (b"WARC-Type", kind),
        (b"WARC-Target-URI", url or b"https://www.faro.example/2024/03/nota-de-" + letter.encode()),
        *([(b"WARC-Date", date)] if date is not None else []),
        *more,
        *([(b"Content-Length", length or str(len(block)).encode())] if length is not None else []),
    ]
    head = b"".join(named(name) + b": " + value + eol for name, value in fields)
    return version + eol + head + eol + block + (2 * eol if tail is None else tail)


def packed(letter: str, block: bytes | None = None, **options: object) -> bytes:
    """Return one record in a gzip member of its own."""
    return gzip.compress(record(letter, block, **options), mtime=0)  # type: ignore[arg-type]


def in_chunks(
    content: bytes, *, size: int = 700, mark: bytes = b"", eol: bytes = CRLF, end: bytes = b"0"
) -> bytes:
    pieces = (content[at : at + size] for at in range(0, len(content), size))
    return b"".join(b"%x" % len(piece) + mark + eol + piece + eol for piece in pieces) + end + 2 * eol


def cases() -> Iterator[Case]:
    yield from _broken_members()
    yield from _wrong_lengths()
    yield from _whole_files()
    yield from _plain_files()
    yield from _headers()
    yield from _http()
    yield from _encodings()
    yield from _dates_and_addresses()


def _broken_members() -> Iterator[Case]:
    a, b, c = (packed(letter) for letter in "abc")
    flipped, checksum = bytearray(b), bytearray(b)
    flipped[len(b) // 2] ^= 0x55
    checksum[-6] ^= 0xFF
    yield Case("last member breaks off", a + b + c[:300], "ab", noted=True)
    yield Case("member breaks off", a + b[:300] + c, "ac", noted=True)
    yield Case("no magic number", a + b"\x1f\x8c" + b[2:] + c, "ac", noted=True)
    yield Case("flipped bits", a + bytes(flipped) + c, "ac", noted=True)
    yield Case("wrong checksum", a + bytes(checksum) + c, "ac", noted=True)
    yield Case("garbage between", a + b"garbage\x00\x01" * 50 + b + c, "abc", noted=True)
    yield Case("zeros between", a + bytes(4096) + b, "ab")
    yield Case("zeros behind", a + b + bytes(4096), "ab", noted=False)
    yield Case("garbage behind", a + b + b"garbage" * 99, "ab", noted=True)
    yield Case("nothing", b"", "")
    yield Case("no WARC", random.Random(1).randbytes(100_000), "", noted=True)
    yield Case("a page", body("a"), "", noted=True)


def _wrong_lengths() -> Iterator[Case]:
    for length in (b"40", b"700", b"99999999", b"-5", b"many", b" ", b"9" * 20, None):
        bad = record("b", length=length)
        words = "no length" if length is None else f"length {length.decode()}"
        yield Case(f"{words}, packed", packed("a") + gzip.compress(bad) + packed("c"), "abc", noted=True)
        yield Case(f"{words}, plain", record("a") + bad + record("c"), "abc", noted=True)
        yield Case(f"{words}, one member", gzip.compress(record("a") + bad + record("c")), "abc", noted=True)


def _whole_files() -> Iterator[Case]:
    chance = random.Random(2)
    noise = [
        record("z", http(chance.randbytes(3000)), url=b"https://elsewhere.example/%d" % n) for n in range(30)
    ]
    whole = gzip.compress(record("a") + record("b") + b"".join(noise) + record("c"))
    three = record("a") + record("b") + record("c")
    yield Case("one member", whole, "abc", noted=False)
    yield Case("one member breaks off at its end", whole[:-20], "ab", noted=True)
    yield Case("one member breaks off", whole[: len(whole) // 2], "ab", noted=True)
    yield Case(
        "two members",
        gzip.compress(record("a") + record("b")) + gzip.compress(record("c")),
        "abc",
        noted=False,
    )
    parts = (three[:500], three[500:1200], three[1200:])
    yield Case("members across records", b"".join(map(gzip.compress, parts)), "abc")


def _plain_files() -> Iterator[Case]:
    a, b, c, d = (record(letter) for letter in "abcd")
    yield Case("plain", a + b, "ab", noted=False)
    yield Case("plain, last breaks off", a + b + c[:700], "ab", noted=True)
    yield Case("plain, breaks off in the headers", a + b + c[:60], "ab", noted=True)
    yield Case("plain, breaks off between", a + b[:700] + c + d, "acd", noted=True)
    yield Case("plain, garbage between", a + b"garbage\n" * 50 + b, "ab", noted=True)
    yield Case("byte order mark", b"\xef\xbb\xbf" + a + b, "ab", noted=False)
    yield Case("empty lines first", 2 * CRLF + a + b, "ab", noted=False)
    yield Case("garbage first", b"garbage" * 30 + 2 * CRLF + a + b, "ab", noted=True)
    for count in (0, 1, 7):
        lines = b"".join(record(letter, tail=count * CRLF) for letter in "abc")
        yield Case(f"{count} empty lines between", lines, "abc")
    quoted = record("z", http(b"<p>x</p>" + 2 * CRLF + record("x")), url=b"https://elsewhere.example/")
    yield Case("a WARC quoted in a page", a + quoted + b, "ab", noted=False)
    inner = packed("z", http(packed("x")), url=b"https://elsewhere.example/")
    yield Case("a WARC packed in a page", packed("a") + inner + packed("b"), "ab", noted=False)


def _headers() -> Iterator[Case]:
    b = packed("b")
    yield Case("small names", packed("a", named=bytes.lower) + b, "ab", noted=False)
    yield Case("capital names", packed("a", named=bytes.upper) + b, "ab", noted=False)
    yield Case(
        "only the type in small", packed("a", named=lambda n: n.lower() if b"Type" in n else n) + b, "ab"
    )
    yield Case("type in capitals", packed("a", kind=b"RESPONSE") + b, "ab")
    yield Case("line feeds", record("a", eol=b"\n") + record("b", eol=b"\n"), "ab", noted=False)
    yield Case("line feeds, packed", packed("a", eol=b"\n") + b, "ab", noted=False)
    for version in (b"WARC/0.17", b"WARC/0.18", b"WARC/1.0", b"WARC/1.1"):
        yield Case(version.decode(), packed("a", version=version) + b, "ab", noted=False)
    brackets = b"<https://www.faro.example/2024/03/nota-de-a>"
    yield Case("address in brackets", packed("a", version=b"WARC/1.0", url=brackets) + b, "ab", noted=False)
    folded = record("a").replace(b"WARC-Target-URI: ", b"WARC-Target-URI:\r\n ")
    yield Case("folded header", gzip.compress(folded) + b, "ab")
    for words, value in (("latin-1", b"\xf1and\xfa"), ("a zero byte", b"a\x00b"), ("40 kB", b"y" * 40_000)):
        yield Case(f"header with {words}", packed("a", more=((b"X-Odd", value),)) + b, "ab")
    no_colon = record("a", more=((b"X-Odd", b"x"),)).replace(b"X-Odd: x", b"no colon")
    yield Case("header without a colon", gzip.compress(no_colon) + b, "ab")
    kinds = (b"request", b"metadata", b"warcinfo", b"conversion", b"continuation", b"resource", b"spam")
    others = b"".join(packed("x", kind=kind) for kind in kinds)
    yield Case("other types", packed("a") + others + b, "ab")
    no_type = record("x").replace(b"WARC-Type: response\r\n", b"")
    yield Case("no type", packed("a") + gzip.compress(no_type) + b, "ab")


def _http() -> Iterator[Case]:
    b = packed("b")
    for status in (b"HTTP/1.0 200 OK", b"HTTP/2 200", b"HTTP/1.1 200", b"HTTP/1.1 200 \xc3\xa9xito"):
        yield Case(status.decode(), packed("a", http(body("a"), status=status)) + b, "ab", noted=False)
    yield Case("HTTP with line feeds", packed("a", http(body("a"), eol=b"\n")) + b, "ab", noted=False)
    yield Case("no HTTP header", packed("a", body("a")) + b, "b", noted=True)
    yield Case("empty body", packed("a", http(b"")) + b, "b")
    yield Case("empty block", packed("a", b"") + b, "b")
    for kind in (b"TEXT/HTML;CHARSET=UTF-8", b"application/xhtml+xml", b' text/html ; charset="utf-8"'):
        yield Case(
            kind.decode(), packed("a", http(body("a"), (b"CONTENT-TYPE", kind))) + b, "ab", noted=False
        )
    yield Case("no content type", packed("a", http(body("a"), (b"Server", b"x"))) + b, "ab", noted=False)
    for length in (b"17", b"9999999"):
        lied = http(body("a"), HTML, (b"Content-Length", length))
        yield Case(f"HTTP length {length.decode()}", packed("a", lied) + b, "ab", noted=False)
    long = http(body("a"), HTML, (b"X-Long", b"y" * 40_000))
    yield Case("40 kB of HTTP header", packed("a", long) + b, "ab")


def _encodings() -> Iterator[Case]:
    raw = zlib.compressobj(9, zlib.DEFLATED, -15)
    a, b = body("a"), packed("b")
    zipped = gzip.compress(a, mtime=0)
    for names, content in (
        (b"gzip", zipped), (b"GZIP", zipped), (b"x-gzip", zipped), (b"br", brotli.compress(a)),
        (b"deflate", zlib.compress(a)), (b"deflate", raw.compress(a) + raw.flush()), (b"zstd", zstandard.compress(a)),
        (b"gzip, br", brotli.compress(zipped)), (b"gzip", a), (b"br", a), (b"zstd", a), (b"identity", a),
        (b"gzip", zipped[:-5]), (b"gzip", zipped + b"junk"),
    ):  # fmt: skip
        yield Case(
            f"encoded {names.decode()}",
            packed("a", http(content, HTML, (b"Content-Encoding", names))) + b,
            "ab",
        )
    for words, content, more in (
        ("chunked", in_chunks(a), ()), ("with extensions", in_chunks(a, mark=b";a=b"), ()),
        ("with spaces", in_chunks(a, mark=b"  "), ()), ("with line feeds", in_chunks(a, eol=b"\n"), ()),
        ("without an end", in_chunks(a, end=b""), ()), ("that is not", a, ()),
        ("of gzip", in_chunks(zipped), ((b"Content-Encoding", b"gzip"),)),
        ("that is not, of gzip", zipped, ((b"Content-Encoding", b"gzip"),)),
    ):  # fmt: skip
        yield Case(f"chunked {words}", packed("a", http(content, HTML, CHUNKED, *more)) + b, "ab")


def _dates_and_addresses() -> Iterator[Case]:
    b = packed("b")
    for date in (
        b"2024-03-05T18:00:00.123456789Z", b"2024-03-05T12:00:00-06:00", b"2024-03-05T18:00:00", b"2024-03-05T18:00Z",
        b"2024-03-05", b"2024-03", b"2024", b"20240305180000", b"2024-06-30T23:59:60Z",
    ):  # fmt: skip
        yield Case(f"dated {date.decode()}", packed("a", date=date) + b, "ab", noted=False)
    for bad in (b"yesterday", b"2024-02-30T00:00:00Z", None):
        yield Case(f"dated {bad!r}", packed("a", date=bad) + b, "b", noted=True)
    clock = http(body("a"), HTML, (b"Date", b"Tue, 05 Mar 2024 18:00:00 GMT"))
    yield Case("dated by the server's clock", packed("a", clock, date=None) + b, "ab", noted=False)
    for url in (
        b"HTTPS://WWW.FARO.EXAMPLE/2024/a", b"https://www.faro.example:443/2024/a", b"http://faro.example/2024/a",
        b"http://www.elfaroviejo.example/2024/a", b"https://m.faro.example/2024/a", b"https://www.faro.example./2024/a",
        b"https://www.faro.example?id=nota-a", "https://www.faro.example/ñ-a".encode(),
    ):  # fmt: skip
        yield Case(url.decode(), packed("a", url=url) + b, "ab", noted=False)
    for url in (
        b"https://www.faro.example.evil.com/a", b"https://evil.com/?https://www.faro.example/a",
        b"dns:www.faro.example", b"https://evil.com\\@www.faro.example/a", b"https://[::1/a",
        b"ftp://www.faro.example/a", b" ",
    ):  # fmt: skip
        yield Case(f"not ours: {url.decode()}", packed("a", url=url) + b, "b", noted=False)


def damaged(seed: int) -> tuple[bytes, set[str]]:
    """Return a file that was cut, flipped and filled up at random, and the pages that none of it touched."""
    chance = random.Random(seed)
    letters = "abcdefgh"[: chance.randrange(2, 9)]
    eol = chance.choice((CRLF, CRLF, b"\n"))
    noise = {letter: chance.randbytes(chance.randrange(2000)).hex().encode() for letter in letters}
    made = [record(x, http(body(x), HTML, (b"X-Noise", noise[x])), eol=eol) for x in letters]
    if chance.random() < 0.6:
        made = [gzip.compress(each, mtime=0) for each in made]
    touched = {letter for letter in letters if chance.random() < 0.3}
    return b"".join(
        _hurt(chance, each) if letter in touched else each for letter, each in zip(letters, made, strict=True)
    ), set(letters) - touched


def _hurt(chance: random.Random, data: bytes) -> bytes:
    at, count = chance.randrange(len(data)), chance.randrange(1, 400)
    return chance.choice((
        data[:at], data[:at] + data[at + count :], data[:at] + chance.randbytes(count) + data[at:],
        data[:at] + bytes([data[at] ^ 1 << chance.randrange(8)]) + data[at + 1 :],
        data[:at] + bytes(count) + data[at + count :],
    ))  # fmt: skip
