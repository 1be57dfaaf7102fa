"""More outlets that misbehave: what the servers send, what the pages say of themselves, and whom they send us to.

As in tests.hostile every outlet has an address of its own and a good article. Here each also has a second feed
that is always well, and further paths; and there are several canaries, none of which anybody may ask.
"""

import asyncio
import contextlib
import gzip
import socket
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from tests.hostile import TEXT, Behaviour, Call, Web, article, good_page, homepage, no_robots, not_found

Paths = dict[str, Behaviour]
SECOND = "/feed-buena.xml"
FEEDS_OF_ALL = 'feeds = ["{base}/feed.xml", "{base}/feed-buena.xml"]'


@dataclass
class WideWeb(Web):
    """``paths``: outlet id to what its paths do. ``blocks``: lines of its registry block, in place of its feeds."""

    paths: dict[str, Paths] = field(default_factory=dict)
    blocks: dict[str, str] = field(default_factory=dict)
    delays: dict[str, float] = field(default_factory=dict)
    refusing: str = "refuses"  # the outlet on whose address nobody listens

    def __enter__(self) -> Self:
        self.pages = dict.fromkeys(self.paths, not_found)
        super().__enter__()
        self.canaries = {"other-port": self.canary_port}
        self.canaries["own-address"] = self._canary(self._address(0))
        self.canaries["undeclared-address"] = self._canary("127.0.9.9", self.port)
        with contextlib.suppress(OSError):
            self.canaries["ipv6"] = self._canary("::1")
        return self

    def _canary(self, address: str, port: int = 0) -> int:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        listening = socket.create_server((address, port), family=family)
        asyncio.run_coroutine_threadsafe(asyncio.start_server(self._sing, sock=listening), self.loop).result()
        self.sockets.append(listening)
        return int(listening.getsockname()[1])

    def registry(self, path: Path) -> Path:
        blocks = []
        for name in self.names:
            base = self.base(name)
            routes = self.blocks.get(name, FEEDS_OF_ALL)
            blocks.append(
                f'[[outlet]]\nid = "{name}"\nname = "{name}"\ncountry = "MX"\nlanguage = "es"\n'
                f'homepage = "{base}/"\ntimezone = "America/Mexico_City"\n'
                f"delay = {self.delays.get(name, 0.0)}\n{routes.replace('{base}', base)}\n"
            )
        path.write_text("\n".join(blocks), encoding="utf-8")
        return path

    async def _answer(self, call: Call) -> None:
        own = self.paths[call.outlet]
        path = call.path.partition("?")[0]
        behaviour = own.get(path) or (own.get("*") if path not in STANDARD else None)
        await (behaviour or STANDARD.get(path, not_found))(call)


async def both(call: Call) -> None:
    await call.answer(call.web.feed(call.outlet), kind="application/rss+xml")


async def good_feed(call: Call) -> None:
    await call.answer(call.web.feed(call.outlet, call.web.GOOD), kind="application/rss+xml")


STANDARD: Paths = {
    "/": homepage,
    "/robots.txt": no_robots,
    "/feed.xml": both,
    SECOND: good_feed,
    Web.GOOD: good_page,
}


def own_text(call: Call) -> str:
    """Return an article's text that is this outlet's and this page's alone."""
    return f"{TEXT}\n\nSegún {call.outlet}, la cooperación señaló avances en {call.path.strip('/')}."


def page(
    title: str = "México y Estados Unidos acuerdan más cooperación en seguridad", *, head: str = "",
    change: Callable[[bytes], bytes] = bytes, kind: str = "text/html; charset=utf-8",
) -> Behaviour:  # fmt: skip
    """Return a behaviour: a good article, changed."""

    async def behave(call: Call) -> None:
        filled = head.replace("{base}", call.base)
        body = article(title, call.base, call.path, head=filled, text=own_text(call))
        await call.answer(change(body), kind=kind)

    return behave


def body(content: bytes, *, kind: str = "text/html; charset=utf-8", status: str = "200 OK") -> Behaviour:
    """Return a behaviour: this body."""

    async def behave(call: Call) -> None:
        await call.answer(content, kind=kind, status=status)

    return behave


def raw(content: bytes) -> Behaviour:
    """Return a behaviour: these bytes, and nothing else."""

    async def behave(call: Call) -> None:
        call.writer.write(content)
        await call.writer.drain()

    return behave


def redirect(target: str, status: str = "302 Found") -> Behaviour:
    """Return a behaviour: a redirect to a place where ``{base}``, ``{host}``, ``{port}`` and the canaries are named."""

    async def behave(call: Call) -> None:
        await call.answer(status=status, Location=placed(target, call))

    return behave


def refresh(target: str) -> Behaviour:
    """Return a behaviour: a page that reloads itself from elsewhere."""

    async def behave(call: Call) -> None:
        tag = f'<meta http-equiv="refresh" content="0; url={placed(target, call)}">'
        await call.answer(f"<html><head>{tag}</head><body>un momento</body></html>".encode())

    return behave


def feed_of(
    *links: str, prologue: str = "", change: Callable[[bytes], bytes] = bytes, **kind: str
) -> Behaviour:
    """Return a behaviour: a feed of these links."""

    async def behave(call: Call) -> None:
        named = [placed(link, call).replace("&", "&amp;") for link in links]
        content = call.web.feed(call.outlet, *named)
        content = content.replace(b"?><rss", f"?>{prologue}<rss".encode())
        await call.answer(change(content), kind=kind.get("kind", "application/rss+xml"))

    return behave


def placed(text: str, call: Call) -> str:
    web = call.web
    assert isinstance(web, WideWeb)
    host = call.base.removeprefix("http://").partition(":")[0]
    names = {"base": call.base, "host": host, "port": str(web.port), "canary": str(web.canaries["other-port"]),
             "own": str(web.canaries["own-address"]), "six": str(web.canaries.get("ipv6", 1))}  # fmt: skip
    for name, value in names.items():
        text = text.replace("{" + name + "}", value)
    return text


# --- What servers do ---------------------------------------------------------------------------------------------


async def drip_headers(call: Call) -> None:
    call.writer.write(b"HTTP/1.1 200 OK\r\n")
    for number in range(80):
        call.writer.write(f"X-Paso-{number}: 1\r\n".encode())
        await call.writer.drain()
        await asyncio.sleep(0.25)


async def endless_headers(call: Call) -> None:
    call.writer.write(b"HTTP/1.1 200 OK\r\n")
    for number in range(200_000):
        call.writer.write(f"X-{number}: {'a' * 900}\r\n".encode())
        await call.writer.drain()


async def endless_header_line(call: Call) -> None:
    call.writer.write(b"HTTP/1.1 200 OK\r\nX-Larga: ")
    for _ in range(3_000):
        call.writer.write(b"a" * 65_536)
        await call.writer.drain()


async def says_nothing(call: Call) -> None:
    await asyncio.sleep(25)


async def thousands_of_cookies(call: Call) -> None:
    content = article("Con miles de galletas", call.base, call.path, text=own_text(call))
    cookies = "".join(f"Set-Cookie: galleta{n}=secreto{n}; Path=/; HttpOnly\r\n" for n in range(5_000))
    call.writer.write(
        f"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {len(content)}\r\n{cookies}\r\n".encode()
        + content
    )
    await call.writer.drain()


async def chunks_never_end(call: Call) -> None:
    call.writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nTransfer-Encoding: chunked\r\n\r\n")
    for _ in range(4_000):
        call.writer.write(b"2000\r\n" + b"<p>palabra</p> " * 546 + b"ab\r\n")
        await call.writer.drain()


async def dripping_feed(call: Call) -> None:
    start = call.web.feed(call.outlet, call.web.GOOD).replace(b"</channel></rss>", b"")
    await call.stream(start, b" ", pause=0.3, seconds=25, kind="application/rss+xml")


async def dripping_robots(call: Call) -> None:
    await call.stream(b"User-agent: *\n", b"#", pause=0.3, seconds=25, kind="text/plain")


async def endless_robots(call: Call) -> None:
    await call.stream(
        b"User-agent: *\nDisallow: /prohibido\n",
        b"# y sigue\n" * 5_000,
        pause=0,
        seconds=20,
        kind="text/plain",
    )


def status(line: str, content: bytes = b"<p>x</p>") -> Behaviour:
    return body(content, status=line)


def gzip_feed_bomb(content: bytes) -> bytes:
    return gzip.compress(content.replace(b"</channel></rss>", b"") + b" " * 150_000_000, 9)


async def gzip_of_gzip(call: Call) -> None:
    bomb = gzip.compress(gzip.compress(b"a" * 200_000_000, 9), 9)
    await call.answer(bomb, Content_Encoding="gzip, gzip")


async def stacked(call: Call) -> None:
    await call.answer(b"\x1f\x8b" + b"x" * 100, Content_Encoding=", ".join(["gzip"] * 500))


async def gzip_cut(call: Call) -> None:
    packed = gzip.compress(article("Cortada a la mitad", call.base, call.path, text=own_text(call)))
    await call.answer(packed[: len(packed) // 2], Content_Encoding="gzip")


# --- Routes ------------------------------------------------------------------------------------------------------


async def long_feed(call: Call) -> None:
    links = [f"/2026/03/03/nota-de-deportes-numero-{n}.html" for n in range(40_000)]
    await call.answer(call.web.feed(call.outlet, *links), kind="application/rss+xml")


async def strange_dates(call: Call) -> None:
    dates = [
        "31 Feb 9999 99:99:99",
        "Thu, 01 Jan 2099 00:00:00 GMT",
        "-0001-01-01",
        "ayer",
        "0" * 5_000,
        "\u202e1",
    ]
    items = "".join(
        f"<item><title>Seguridad {n}</title><link>/nota-de-fecha-rara-{n}.html</link><pubDate>{d}</pubDate></item>"
        for n, d in enumerate(dates)
    )
    await call.answer(f"<rss><channel>{items}</channel></rss>".encode(), kind="application/rss+xml")


async def sitemap_of_itself(call: Call) -> None:
    named = "".join(
        f"<sitemap><loc>{call.base}{p}</loc></sitemap>" for p in ("/sitemap.xml", "/sitemap.xml?otra=1")
    )
    canary = f"http://127.0.0.1:{call.web.canary_port}/sitemap.xml"
    more = f"<sitemap><loc>{canary}</loc></sitemap><sitemap><loc>file:///etc/passwd</loc></sitemap>"
    urls = "".join(f"<sitemap><loc>{call.base}/mapa-{n}.xml</loc></sitemap>" for n in range(3_000))
    await call.answer(f"<sitemapindex>{named}{more}{urls}</sitemapindex>".encode(), kind="application/xml")


async def robots_of_canary(call: Call) -> None:
    canary = f"http://127.0.0.1:{call.web.canary_port}/sitemap.xml"
    await call.answer(
        f"User-agent: *\nSitemap: {canary}\nSitemap: file:///etc/passwd\n".encode(), kind="text/plain"
    )


async def home_of_routes(call: Call) -> None:
    canary = f"http://127.0.0.1:{call.web.canary_port}/feed.xml"
    head = f'<link rel="alternate" type="application/rss+xml" href="{canary}">'
    head += f'<link rel="alternate" type="application/rss+xml" href="{call.base}{SECOND}">'
    await call.answer(
        f"<!doctype html><html><head><title>x</title>{head}</head><body>x</body></html>".encode()
    )


async def calendar(call: Call) -> None:
    query = call.path.partition("dia=")[2]
    day = int(query) if query.isdigit() else 0
    links = "".join(f'<li><a href="/agenda?dia={day + n}">dia {day + n}</a></li>' for n in range(1, 40))
    head = f'<link rel="next" href="/agenda?dia={day + 1}">'
    good = f'<h2><a href="{call.web.GOOD}">México y Estados Unidos acuerdan un programa de seguridad</a></h2>'
    await call.answer(f"<html><head>{head}</head><body>{good}<ul>{links}</ul></body></html>".encode())


async def slow_robots_rule(call: Call) -> None:
    await call.answer(b"User-agent: *\nCrawl-delay: 100000\n", kind="text/plain")


async def index_of_sleepers(call: Call) -> None:
    urls = "".join(f"<sitemap><loc>{call.base}/dormido-{n}.xml</loc></sitemap>" for n in range(90))
    await call.answer(f"<sitemapindex>{urls}</sitemapindex>".encode(), kind="application/xml")
