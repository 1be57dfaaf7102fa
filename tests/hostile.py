"""A web of outlets on loopback that misbehave, each in its own way, each with a good article beside it.

Every outlet answers on an address of its own. What it does is looked up in `PAGES` and `OUTLETS`: functions that
write to the connection whatever they like. All requests are logged.
"""

import asyncio
import contextlib
import gzip
import socket
import struct
import threading
import zlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import brotli

TEXT = """
Los gobiernos de México y Estados Unidos acordaron el martes un programa conjunto contra el tráfico de armas y de
fentanilo, informaron la Secretaría de Relaciones Exteriores y el Departamento de Estado al término de una reunión
de seguridad celebrada en la Ciudad de México.

El acuerdo de seguridad prevé que ambos países compartan los datos de rastreo de armas y que un grupo de alto nivel
se reúna cada tres meses. La delegación estadounidense aceptó revisar los envíos que cruzan la frontera hacia el sur,
una demanda que el gobierno mexicano repetía desde hace años.

El canciller mexicano dijo que la cooperación se hará con respeto a la soberanía y sin agentes extranjeros armados
en territorio nacional. El secretario de Estado respondió que Washington respeta esa condición y que el diálogo
bilateral en materia de seguridad seguirá en la próxima ronda, prevista para el otoño.
"""


def article(title: str, base: str, path: str, *, head: str = "", text: str = TEXT) -> bytes:
    paragraphs = "".join(f"<p>{' '.join(part.split())}</p>" for part in text.strip().split("\n\n"))
    return f"""<!doctype html><html lang="es"><head><meta charset="utf-8"><title>{title}</title>
<meta property="og:title" content="{title}"><meta property="og:type" content="article">
<meta property="article:published_time" content="2026-03-03T09:30:00-06:00">{head}</head>
<body><header><nav><a href="/">Inicio</a></nav></header><main><article><h1>{title}</h1>{paragraphs}</article></main>
<footer>Contacto</footer></body></html>""".encode()


@dataclass
class Call:
    """One request, and the connection to answer on."""

    web: "Web"
    outlet: str
    path: str
    headers: dict[str, str]
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    number: int  # of the requests for this path, from 1

    async def answer(
        self, body: bytes = b"", *, status: str = "200 OK", kind: str = "text/html; charset=utf-8",
        length: int | None = None, **headers: str,
    ) -> None:  # fmt: skip
        lines = [f"HTTP/1.1 {status}", f"Content-Type: {kind}", "Connection: close"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        lines.append(f"Content-Length: {len(body) if length is None else length}")
        self.writer.write("\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body)
        await self.writer.drain()

    async def stream(self, start: bytes, chunk: bytes, *, pause: float, seconds: float, kind: str) -> None:
        self.writer.write(
            f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nConnection: close\r\n\r\n".encode() + start
        )
        end = asyncio.get_running_loop().time() + seconds
        while asyncio.get_running_loop().time() < end:
            self.writer.write(chunk)
            await self.writer.drain()
            await asyncio.sleep(pause)

    @property
    def base(self) -> str:
        return self.web.base(self.outlet)


Behaviour = Callable[[Call], Awaitable[None]]


@dataclass
class Web:
    """The servers. ``pages``: outlet id to what its page ``/nota-mala-de-hoy-2026.html`` does; ``routes``: its feed."""

    pages: dict[str, Behaviour] = field(default_factory=dict)
    routes: dict[str, Behaviour] = field(default_factory=dict)
    robots: dict[str, Behaviour] = field(default_factory=dict)
    log: list[tuple[str, str]] = field(default_factory=list)
    canary: list[str] = field(default_factory=list)

    GOOD = "/nota-buena-de-seguridad-2026.html"
    BAD = "/nota-mala-de-seguridad-2026.html"

    def __enter__(self) -> Self:
        self.names = list(dict.fromkeys([*self.pages, *self.routes, *self.robots]))
        self.loop = asyncio.new_event_loop()
        self.sockets = [socket.create_server((self._address(n), 0)) for n in range(1)]
        self.port = self.sockets[0].getsockname()[1]
        self.sockets += [
            socket.create_server((self._address(n), self.port)) for n in range(1, len(self.names))
        ]
        self.canary_socket = socket.create_server(("127.0.0.1", 0))
        self.canary_port = self.canary_socket.getsockname()[1]
        ready = threading.Event()
        self.thread = threading.Thread(target=self._run, args=(ready,), daemon=True)
        self.thread.start()
        ready.wait()
        return self

    def __exit__(self, *_: object) -> None:
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()
        for each in [*self.sockets, self.canary_socket]:
            each.close()

    def _run(self, ready: threading.Event) -> None:
        asyncio.set_event_loop(self.loop)
        for number, each in enumerate(self.sockets):
            name = self.names[number]
            self.loop.run_until_complete(
                asyncio.start_server(lambda r, w, name=name: self._serve(name, r, w), sock=each)
            )
        self.loop.run_until_complete(asyncio.start_server(self._sing, sock=self.canary_socket))
        ready.set()
        self.loop.run_forever()

    @staticmethod
    def _address(number: int) -> str:
        return f"127.0.{3 + number // 200}.{number % 200 + 1}"

    def base(self, outlet: str) -> str:
        return f"http://{self._address(self.names.index(outlet))}:{self.port}"

    def registry(self, path: Path) -> Path:
        blocks = [
            f"""[[outlet]]
id = "{name}"
name = "{name}"
country = "MX"
language = "es"
homepage = "{self.base(name)}/"
timezone = "America/Mexico_City"
feeds = ["{self.base(name)}/feed.xml"]
delay = 0.0
"""
            for name in self.names
        ]
        path.write_text("\n".join(blocks), encoding="utf-8")
        return path

    def feed(self, outlet: str, *links: str) -> bytes:
        links = links or (self.BAD, self.GOOD)
        items = "".join(
            f"<item><title>México y Estados Unidos: seguridad</title><link>{link}</link></item>"
            for link in links
        )
        return f'<?xml version="1.0"?><rss version="2.0"><channel><title>x</title>{items}</channel></rss>'.encode()

    async def _sing(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(Exception):
            self.canary.append((await reader.readuntil(b"\r\n")).decode())
        writer.close()

    async def _serve(self, outlet: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            path = head[0].split(" ")[1]
            headers = {k.lower(): v.strip() for k, _, v in (line.partition(":") for line in head[1:])}
            self.log.append((outlet, path))
            number = self.log.count((outlet, path))
            await self._answer(Call(self, outlet, path, headers, reader, writer, number))
            writer.close()

    async def _answer(self, call: Call) -> None:
        if call.path == "/robots.txt":
            behaviour = self.robots.get(call.outlet, no_robots)
        elif call.path == "/feed.xml":
            behaviour = self.routes.get(call.outlet, plain_feed)
        elif call.path.startswith(self.GOOD):
            behaviour = good_page
        elif call.path == "/":
            behaviour = homepage
        else:
            behaviour = self.pages.get(call.outlet, not_found)
        await behaviour(call)


async def no_robots(call: Call) -> None:
    await call.answer(b"no", status="404 Not Found")


async def not_found(call: Call) -> None:
    await call.answer(b"<h1>404</h1>", status="404 Not Found")


async def homepage(call: Call) -> None:
    await call.answer(
        b"<!doctype html><html><head><title>Portada</title></head><body><h1>Portada</h1></body></html>"
    )


async def plain_feed(call: Call) -> None:
    await call.answer(call.web.feed(call.outlet), kind="application/rss+xml")


async def good_page(call: Call) -> None:
    title = f"México y Estados Unidos acuerdan un programa de seguridad, según {call.outlet}"
    await call.answer(article(title, call.base, call.path, text=TEXT + f"\n\nReportó {call.outlet}."))


# --- Pages -------------------------------------------------------------------------------------------------------


async def gzip_bomb(call: Call) -> None:
    await call.answer(gzip.compress(b"<p>" + b"a" * 300_000_000, 9), Content_Encoding="gzip")


async def brotli_bomb(call: Call) -> None:
    packer = brotli.Compressor(quality=1)
    body = b"".join(packer.process(b" " * 1_000_000) for _ in range(200)) + packer.finish()
    await call.answer(body, Content_Encoding="br")


async def large_declared(call: Call) -> None:
    await call.answer(b"<p>" + b"a" * 100_000, length=80_000_000)


async def large_streamed(call: Call) -> None:
    await call.stream(
        b"<html><body>", b"<p>palabras y palabras</p>" * 10_000, pause=0, seconds=20, kind="text/html"
    )


async def nested(call: Call) -> None:
    await call.answer(b"<html><body>" + b"<div>" * 120_000 + b"x" + b"</div>" * 120_000)


async def pdf(call: Call) -> None:
    await call.answer(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n<<>>\nendobj")


async def picture(call: Call) -> None:
    await call.answer(b"\x89PNG\r\n\x1a\n" + bytes(200))


async def empty(call: Call) -> None:
    await call.answer(b"")


async def cut_short(call: Call) -> None:
    await call.answer(article("Cortada", call.base, call.path)[:900], length=9_000)


async def not_gzip(call: Call) -> None:
    await call.answer(b"\x00\x01\x02garbage\xff" * 50, Content_Encoding="gzip")


async def unknown_encoding(call: Call) -> None:
    await call.answer(b"\x00\x01\x02garbage\xff" * 50, Content_Encoding="dcb")


async def refresh_elsewhere(call: Call) -> None:
    await call.answer(
        b'<html><head><meta http-equiv="refresh" content="0; url=http://198.51.100.7/"></head></html>'
    )


async def refresh_to_canary(call: Call) -> None:
    url = f"http://127.0.0.1:{call.web.canary_port}/meta"
    await call.answer(f'<html><head><meta http-equiv="refresh" content="0;url={url}"></head></html>'.encode())


async def to_canary(call: Call) -> None:
    url = f"http://127.0.0.1:{call.web.canary_port}/redirected"
    await call.answer(status="302 Found", Location=url)


async def to_canary_in_decimal(call: Call) -> None:
    await call.answer(status="302 Found", Location=f"http://2130706433:{call.web.canary_port}/decimal")


async def to_canary_by_name(call: Call) -> None:
    await call.answer(status="302 Found", Location=f"http://localhost:{call.web.canary_port}/name")


async def to_canary_mapped(call: Call) -> None:
    await call.answer(status="302 Found", Location=f"http://[::ffff:127.0.0.1]:{call.web.canary_port}/mapped")


async def to_private(call: Call) -> None:
    await call.answer(status="302 Found", Location="http://169.254.169.254/latest/meta-data/")


async def to_file(call: Call) -> None:
    await call.answer(status="302 Found", Location="file:///etc/passwd")


async def in_circles(call: Call) -> None:
    await call.answer(status="302 Found", Location=f"{call.base}{call.path}?vuelta={call.number}")


async def cookie_gate(call: Call) -> None:
    if "cookie" in call.headers:
        await call.answer(article("Con galleta", call.base, call.path))
    else:
        await call.answer(status="302 Found", Location=call.path, Set_Cookie="paso=1; Path=/")


async def too_many(call: Call) -> None:
    await call.answer(b"slow down", status="429 Too Many Requests", Retry_After="7200")


async def busy_once(call: Call) -> None:
    if call.number == 1:
        await call.answer(b"busy", status="503 Service Unavailable", Retry_After="1")
    else:
        await call.answer(article("La segunda vez hubo acuerdo de seguridad", call.base, call.path))


async def broken_server(call: Call) -> None:
    await call.answer(b"oops", status="500 Internal Server Error")


async def closes(call: Call) -> None:
    return


async def resets(call: Call) -> None:
    connection = call.writer.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    call.writer.transport.abort()


async def not_http(call: Call) -> None:
    call.writer.write(b"SSH-2.0-OpenSSH_9.6\r\nhello there\r\n\r\n" * 5)
    await call.writer.drain()


async def drips(call: Call) -> None:
    await call.stream(b"<html>", b"a", pause=0.3, seconds=20, kind="text/html")


async def many_cookies(call: Call) -> None:
    lines = "".join(f"Set-Cookie: c{n}=secreto{n}; Path=/\r\n" for n in range(300))
    body = article("Con muchas galletas: acuerdo de seguridad", call.base, call.path)
    call.writer.write(
        f"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {len(body)}\r\n{lines}\r\n".encode()
        + body
    )
    await call.writer.drain()


async def forbidden(call: Call) -> None:
    await call.answer(b"<h1>403</h1>", status="403 Forbidden")


async def challenge(call: Call) -> None:
    body = b"<title>Just a moment...</title><script src='/cdn-cgi/challenge-platform/x.js'></script>"
    await call.answer(body, status="403 Forbidden", cf_mitigated="challenge")


async def payment(call: Call) -> None:
    await call.answer(b"pay", status="402 Payment Required")


async def redirect_home(call: Call) -> None:
    await call.answer(status="301 Moved Permanently", Location=f"{call.base}/")


async def bad_headers(call: Call) -> None:
    body = article("Con cabeceras rotas: acuerdo de seguridad", call.base, call.path)
    call.writer.write(
        b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nthis is no header\r\nConnection: close\r\n\r\n" + body
    )
    await call.writer.drain()


# --- Feeds -------------------------------------------------------------------------------------------------------


async def truncated_feed(call: Call) -> None:
    body = call.web.feed(call.outlet, call.web.GOOD, call.web.BAD)
    await call.answer(body[: body.index(b"</item>") + 40], kind="application/rss+xml")


async def breaking_feed(call: Call) -> None:
    await call.answer(call.web.feed(call.outlet, call.web.GOOD), kind="application/rss+xml", length=10_000)


async def endless_feed(call: Call) -> None:
    start = call.web.feed(call.outlet, call.web.GOOD).replace(b"</channel></rss>", b"")
    await call.stream(start, b"<!-- y sigue -->" * 10, pause=0.05, seconds=30, kind="application/rss+xml")


async def entity_feed(call: Call) -> None:
    levels = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10 if n else "ja"}">' for n in range(10))
    secret = '<!ENTITY x SYSTEM "file:///etc/hostname">'
    body = call.web.feed(call.outlet, call.web.GOOD).decode()
    body = body.replace("?><rss", f"?><!DOCTYPE rss [{levels}{secret}]><rss").replace(
        "<title>x", "<title>&a9;&x;"
    )
    await call.answer(body.encode(), kind="application/rss+xml")


async def strange_links(call: Call) -> None:
    links = [
        "javascript:alert(1)", "data:text/html,x", "mailto:a@b.example", "ftp://127.0.0.1/x", "http://10.0.0.1/nota",
        "http://127.0.0.1:1/nota", "http://otro-diario.example/nota-de-hoy.html", "http://", "http://[::1",
        f"{call.base}/{'n' * 9_000}", f"http://usuario:clave@127.0.3.1:{call.web.port}/x",
        f"http://127.0.0.1:{call.web.canary_port}/feed", call.web.GOOD,
    ]  # fmt: skip
    await call.answer(call.web.feed(call.outlet, *(link.replace("&", "&amp;") for link in links)))


async def html_feed(call: Call) -> None:
    await homepage(call)


async def refuse_robots(call: Call) -> None:
    await call.answer(b"down", status="500 Internal Server Error")


async def huge_robots(call: Call) -> None:
    body = f"User-agent: *\nDisallow: {call.web.BAD}\n".encode() + b"# and so on\n" * 300_000
    await call.answer(body, kind="text/plain")


async def html_robots(call: Call) -> None:
    await homepage(call)


async def robots_to_canary(call: Call) -> None:
    await call.answer(status="302 Found", Location=f"http://127.0.0.1:{call.web.canary_port}/robots.txt")


def deflated(body: bytes) -> bytes:
    return zlib.compress(body)
