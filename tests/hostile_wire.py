"""The third set, as to HTTP: broken framing, odd statuses, redirects, encodings, and headers that lead elsewhere."""

# ruff: noqa: E501 - a table, one line an outlet

import asyncio
import gzip
import zlib

import zstandard

from tests.hostile import Behaviour, Call
from tests.hostile_cases import BAD, Case, head, html, lost, page, read, wire
from tests.hostile_more import placed, redirect, status


def chunked(body: bytes, size: int = 700, extension: str = "") -> bytes:
    parts = [body[start : start + size] for start in range(0, len(body), size)]
    lines = [f"{len(part):x}{extension}\r\n".encode() + part + b"\r\n" for part in parts]
    return b"".join(lines) + b"0\r\n\r\n"


def length(body: bytes) -> str:
    return f"Content-Length: {len(body)}"


CHUNKED = "Transfer-Encoding: chunked"


async def early_hints_without_end(call: Call) -> None:
    for _ in range(40_000):
        call.writer.write(b"HTTP/1.1 103 Early Hints\r\nLink: </x.css>; rel=preload\r\n\r\n" * 20)
        await call.writer.drain()


async def many_headers(call: Call) -> None:
    body = html(call)
    lines = (f"X-Cabecera-{n}: valor {n}" for n in range(20_000))
    call.writer.write(head(length(body), *lines) + body)
    await call.writer.drain()


async def giant_extension(call: Call) -> None:
    call.writer.write(head(CHUNKED) + b"5;")
    for _ in range(600):
        call.writer.write(b"a" * 65_536)
        await call.writer.drain()


async def tiny_chunks(call: Call) -> None:
    call.writer.write(head(CHUNKED) + chunked(html(call), size=1))
    await call.writer.drain()


async def desync(call: Call) -> None:
    """Answer the page, and at once the next request on the connection, with words that are not its own."""
    body = html(call)
    forged = (
        b"<html><head><title>Falso</title></head><body><h1>Falso</h1><p>" + b"texto falso " * 200 + b"</p>"
    )
    call.writer.write(head(length(body)) + body + head(length(forged)) + forged)
    await call.writer.drain()
    await asyncio.sleep(1)


async def resets_midway(call: Call) -> None:
    call.writer.write(head("Content-Length: 90000") + html(call))
    await call.writer.drain()
    await asyncio.sleep(0.1)
    call.writer.transport.abort()


async def one_byte_a_second(call: Call) -> None:
    call.writer.write(head("Content-Length: 5000"))
    for byte in html(call)[:25]:
        call.writer.write(bytes([byte]))
        await call.writer.drain()
        await asyncio.sleep(1)


async def mixed_replace(call: Call) -> None:
    kind = "multipart/x-mixed-replace; boundary=corte"
    part = b"--corte\r\nContent-Type: text/html\r\n\r\n<p>otra vez</p>\r\n"
    await call.stream(b"", part, pause=0.05, seconds=12, kind=kind)


async def changing_circles(call: Call) -> None:
    await call.answer(status="302 Found", Location=f"/vuelta/{call.number}/{id(call)}.html")


async def session_circles(call: Call) -> None:
    await call.answer(status="302 Found", Location=f"{BAD};jsessionid={call.number:08x}?n={id(call)}")


async def nocache_once(call: Call) -> None:
    if "nocache" in call.path:
        await call.answer(html(call))
    else:
        await call.answer(status="302 Found", Location=f"{BAD}?nocache=83123", Set_Cookie="v=1")


async def two_locations(call: Call) -> None:
    canary = placed("http://127.0.0.1:{canary}/dos", call)
    call.writer.write(
        f"HTTP/1.1 302 Found\r\nLocation: {canary}\r\nLocation: /otra-nota.html\r\n\r\n".encode()
    )
    await call.writer.drain()


async def raw_location(call: Call) -> None:
    call.writer.write("HTTP/1.1 301 Moved\r\nLocation: /página-de-méxico-y-eu.html\r\n\r\n".encode())
    await call.writer.drain()


async def article_here(call: Call) -> None:
    await call.answer(html(call))


def chain(steps: int, *, spelling: str = "/paso-{}.html") -> dict[str, Behaviour]:
    """Return so many redirects, the last of which leads to an article."""
    paths: dict[str, Behaviour] = {BAD: redirect(spelling.format(1))}
    for step in range(1, steps):
        paths[f"/paso-{step}.html"] = redirect(spelling.format(step + 1))
    return paths | {f"/paso-{steps}.html": article_here}


def always(line: str, **headers: str) -> Behaviour:
    """Return a behaviour: this status, for ever."""

    async def behave(call: Call) -> None:
        named = {name: placed(value, call) for name, value in headers.items()}
        await call.answer(b"<p>vuelva luego</p>", status=line, **named)

    return behave


def rest(seconds: str) -> Behaviour:
    return always("503 Service Unavailable", Retry_After=seconds)


def packed(change: object, encoding: str) -> Behaviour:
    async def behave(call: Call) -> None:
        await call.answer(change(html(call)), Content_Encoding=encoding)  # type: ignore[operator]

    return behave


def raw_deflate(body: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(body) + packer.flush()


def wrong_sum(body: bytes) -> bytes:
    squeezed = bytearray(gzip.compress(body))
    squeezed[-6] ^= 255
    return bytes(squeezed)


NOT_HTTP = "not HTTP|closed before|no whole answer|breaks off"
WIRE: dict[str, Case] = {
    # Framing.
    "http-1-0-bare": read(wire(lambda call, body: b"HTTP/1.0 200 OK\r\n\r\n" + body)),
    "http-0-9": lost(wire(lambda call, body: body), NOT_HTTP),
    "line-feeds-only": read(wire(lambda call, body: head(length(body), end="\n") + body)),
    "giant-chunk": lost(wire(lambda call, body: head(CHUNKED) + b"fffffffffffffff\r\n" + body), "breaks off|larger"),
    "negative-chunk": lost(wire(lambda call, body: head(CHUNKED) + b"-5\r\n" + body), "breaks off|not HTTP"),
    "giant-extension": lost(giant_extension),
    "tiny-chunks": read(tiny_chunks),
    "chunk-extensions": read(wire(lambda call, body: head(CHUNKED) + chunked(body, extension=';a="b"'))),
    "trailers": read(wire(lambda call, body: head(CHUNKED) + chunked(body)[:-2] + b"X-Suma: 1\r\n\r\n")),
    "length-and-chunks": Case(
        {BAD: wire(lambda call, body: head("Content-Length: 5", CHUNKED) + chunked(body))},
        ("archived", "failed", "queued")),
    "same-length-twice": read(wire(lambda call, body: head(length(body), length(body)) + body)),
    "length-of-twenty-digits": lost(wire(lambda call, body: head("Content-Length: 99999999999999999999") + body), "larger"),
    "length-of-words": lost(wire(lambda call, body: head("Content-Length: abc") + body), NOT_HTTP),
    "chunked-twice": lost(wire(lambda call, body: head("Transfer-Encoding: chunked, chunked") + chunked(body)),
                          NOT_HTTP, "failed", "queued", "archived"),
    "transfer-of-gzip": lost(wire(lambda call, body: head("Transfer-Encoding: gzip, chunked")
                                  + chunked(gzip.compress(body))), ".", "failed", "queued", "archived"),
    "identity-transfer": Case({BAD: wire(lambda call, body: head("Transfer-Encoding: identity") + body)},
                              ("archived", "failed", "queued")),
    "continue-first": read(wire(lambda call, body: b"HTTP/1.1 100 Continue\r\n\r\n" + head(length(body)) + body)),
    "hints-first": read(wire(lambda call, body: (
        "HTTP/1.1 103 Early Hints\r\nLink: <" + placed("http://127.0.0.1:{canary}/pista", call)
        + ">; rel=preload\r\n\r\n").encode() + head(length(body)) + body)),
    "hints-without-end": lost(early_hints_without_end),
    "switches-protocols": lost(wire(lambda call, body: b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\n" + body)),
    "many-headers": Case({BAD: many_headers}, ("archived", "failed", "queued")),
    "folded-header": read(wire(lambda call, body: head("X-Larga: uno\r\n  dos\r\n\ttres", length(body)) + body)),
    "header-with-nul": Case({BAD: wire(lambda call, body: head("X-Nulo: a\0b", length(body)) + body)}, ("archived", "failed")),
    "header-in-latin": read(wire(lambda call, body: head("X-Año: ñandú \xff", length(body)) + body)),
    "header-with-spaces": read(wire(lambda call, body: head("X Con Espacios : si", length(body)) + body)),
    "long-etag": read(wire(lambda call, body: head(f'ETag: "{"e" * 15_000}"', length(body)) + body)),
    "desync": read(desync),
    "resets-midway": lost(resets_midway, "breaks off|closed"),
    "one-byte-a-second": lost(one_byte_a_second, "no whole answer"),
    "mixed-replace": lost(mixed_replace),
    # Statuses.
    "status-000": lost(wire(lambda call, body: b"HTTP/1.1 000 Nada\r\nContent-Length: 0\r\n\r\n")),
    "status-1000": lost(wire(lambda call, body: b"HTTP/1.1 1000 Mil\r\nContent-Length: 0\r\n\r\n")),
    "status-of-words": lost(wire(lambda call, body: b"HTTP/1.1 OK 200\r\nContent-Length: 0\r\n\r\n"), NOT_HTTP),
    "icy": lost(wire(lambda call, body: b"ICY 200 OK\r\nicy-name: radio\r\n\r\n" + body), NOT_HTTP),
    "status-205": lost(always("205 Reset Content"), "HTTP 205"),
    "status-300": lost(always("300 Multiple Choices", Location="http://127.0.0.1:{canary}/300"), "HTTP 300"),
    "status-304": lost(status("304 Not Modified", b""), "HTTP 304"),
    "status-305": lost(always("305 Use Proxy", Location="http://127.0.0.1:{canary}/305"), "HTTP 305"),
    "status-401": lost(always("401 Unauthorized", WWW_Authenticate='Basic realm="{base}"'), "HTTP 401"),
    "status-407": lost(always("407 Proxy Authentication Required", Proxy_Authenticate="Basic"), "HTTP 407"),
    "status-418": lost(always("418 I'm a teapot"), "HTTP 418"),
    "status-511": lost(always("511 Network Authentication Required"), "HTTP 511"),
    "rest-of-ages": lost(rest("1000000000"), "503.*rest", "queued"),
    "rest-negative": lost(rest("-5"), "503", "queued"),
    "rest-in-the-past": lost(rest("Mon, 01 Jan 1990 00:00:00 GMT"), "503", "queued"),
    "rest-of-words": lost(rest("pronto"), "503", "queued"),
    "rest-of-digits": lost(rest("9" * 400), "503", "queued"),
    "rest-without-end-of-years": lost(rest("Fri, 31 Dec 9999 23:59:59 GMT"), "503", "queued"),
    # Redirects.
    "to-relative": Case({BAD: redirect("nota-corrida.html"), "/nota-corrida.html": article_here}, ("archived",), says="señaló avances"),
    "to-own-host": Case({BAD: redirect("//{host}:{port}/nota-corrida.html"), "/nota-corrida.html": article_here}, ("archived",)),
    "to-spaces": Case({BAD: redirect("   /nota-corrida.html  "), "/nota-corrida.html": article_here}, ("archived",)),
    "to-raw-letters": Case({BAD: raw_location, "/p%C3%A1gina-de-m%C3%A9xico-y-eu.html": article_here}, ("archived",)),
    "chain-of-four": Case(chain(4), ("archived",), says="señaló avances"),
    "chain-of-twenty": Case(chain(20), ("failed",), "circles or too often"),
    "circles-that-change": Case({BAD: changing_circles, "*": changing_circles}, ("failed",), "circles or too often"),
    "session-circles": Case({BAD: session_circles, "*": session_circles}, ("failed",), "circles or too often"),
    "nocache-once": read(nocache_once),
    "to-fragment": lost(redirect("#aqui"), "circles"),
    "two-locations": lost(two_locations),
    "to-password": lost(redirect("http://usuario:clave@{host}:{port}/nota-corrida.html"), "credentials"),
    "to-ideographic-stops": lost(redirect("http://127\u30020\u30020\u30021:{canary}/x".encode().decode("latin-1"))),
    "to-full-width": lost(redirect("http://\uff11\uff12\uff17.0.0.1:{canary}/x".encode().decode("latin-1"))),
    "to-enclosed": lost(redirect("http://\u24db\u24de\u24d2alhost:{canary}/x".encode().decode("latin-1"))),
    "see-other": Case({BAD: redirect("/nota-corrida.html", "303 See Other"), "/nota-corrida.html": article_here}, ("archived",)),
    "refresh-header": lost(always("200 OK", Refresh="0; url=http://127.0.0.1:{canary}/refresh"), "."),
    # Encodings.
    "gzip-within-gzip": lost(packed(lambda body: gzip.compress(gzip.compress(body)), "gzip"), ".", "failed", "archived"),
    "gzip-and-junk": read(packed(lambda body: gzip.compress(body) + b"basura " * 90, "gzip")),
    "gzip-of-parts": read(packed(lambda body: gzip.compress(body[:900]) + gzip.compress(body[900:]), "x-gzip")),
    "gzip-wrong-sum": lost(packed(wrong_sum, "gzip"), ".", "archived", "failed", "queued"),
    "raw-deflate": read(packed(raw_deflate, "deflate")),
    "zstd": Case({BAD: packed(zstandard.ZstdCompressor().compress, "zstd")}, ("archived", "failed")),
    "identity-then-gzip": read(packed(gzip.compress, "identity, gzip")),
    "gzip-in-capitals": read(packed(gzip.compress, "GZIP")),
    "only-says-gzip": read(packed(bytes, "gzip")),
    "only-says-br": read(packed(bytes, "br")),
    # Headers that lead elsewhere.
    "headers-that-lead": read(page(
        Link='<http://127.0.0.1:{canary}/l>; rel=preload, <{base}/>; rel="canonical", <http://[::1]:{six}/n>; rel=next',
        Alt_Svc='h2="127.0.0.1:{canary}"; ma=9', Content_Location="http://127.0.0.1:{canary}/cl",
        Refresh="9; url=http://127.0.0.1:{canary}/r", Strict_Transport_Security="max-age=99999999",
        SourceMap="http://127.0.0.1:{canary}/m", X_Original_URL="http://127.0.0.1:{canary}/o",
        Content_Disposition='attachment; filename="../../x.html"',
        Report_To='{"endpoints":[{"url":"http://127.0.0.1:{canary}/rt"}]}')),
    "called-json": read(page(kind="application/json")),
    "called-plain": read(page(kind="text/plain")),
    "called-twice": read(page(kind="text/html; charset=utf-8\r\nContent-Type: image/png")),
}  # fmt: skip
