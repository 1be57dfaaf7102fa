"""A newsroom simulator: a real HTTP server on loopback that plays several outlets over time.

Each outlet answers on an address of its own (127.0.0.2, 127.0.0.3, …), all on one port. What they publish is
data: outlets, articles, and what becomes of each article in later phases. The newsroom logs every request and
knows the truth, so that a test can hold an archive against it::

    with Newsroom(outlets, articles) as newsroom:
        newsroom.registry(tmp_path / "outlets.toml")
        ...crawl...
        newsroom.phase = 2
        ...crawl again, compare with newsroom.truth()...

``python -m tests.newsroom`` serves the demo's outlets and prints their addresses.
"""

import asyncio
import contextlib
import json
import socket
import sys
import threading
import time
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime
from pathlib import Path
from typing import Any, Self
from zoneinfo import ZoneInfo

from tests import newsroom_site
from tests.newsroom_site import Answer, Place

DEMO = Path(__file__).parents[1] / "archive" / "demo"
STATUS_LINES = {
    200: "OK", 301: "Moved Permanently", 302: "Found", 304: "Not Modified", 307: "Temporary Redirect", 404: "Not Found",
    405: "Method Not Allowed", 410: "Gone", 500: "Internal Server Error", 503: "Service Unavailable",
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Outlet:
    """One simulated outlet: what the registry says of it, and how its server behaves."""

    id: str
    name: str
    country: str = "MX"
    language: str = "es"
    timezone: str = "America/Mexico_City"
    kind: str = "newspaper"
    host: str = ""  # the name it bears in a recording, e.g. www.elfaro.example
    routes: dict[str, str] = field(default_factory=lambda: {"rss2": "/rss.xml"})  # kind to path
    announce: str = "registry"  # registry; robots (and link rel=alternate); nowhere (well-known paths only)
    sections: dict[str, str] = field(default_factory=dict)  # slug to title, in the order of the menu
    page_size: int = 10  # items on a section page
    path: str = "/{section}/{y}/{m}/{d}/{slug}/"  # of an article
    layout: str = "modern"  # modern, wordpress, classic, plain
    dates: str = "json-ld"  # json-ld, opengraph, time, microdata, visible
    offset: str = "local"  # local, utc, none: how those dates give their zone
    validators: str = "both"  # both, etag, last-modified, none
    # Editions and links: amp, mobile, tracking, fragments, relative, slashless, page-query, full-feed.
    # Servers: gzip, chunked, latin-1, weak (entity tags), restless (pages that are never twice the same),
    # fickle (tags that change), no-robots, flaky (503 at first), broken-feed, noisy-map (a sitemap of more than
    # articles), chain and meta-refresh (how moved pages lead on). Pages: no-canonical, home-canonical,
    # foreign-canonical, graph, date-only (the machine-readable date), copies (one article under many URLs).
    features: frozenset[str] = frozenset()
    disallow: tuple[str, ...] = ()
    crawl_delay: float | None = None
    access: str = "open"
    agencies: tuple[str, ...] = ()
    furniture: str = ""  # a sentence of its own in the footer


@dataclass(frozen=True, kw_only=True)
class Change:
    """What happens to an article when a phase begins. Empty fields leave things as they were."""

    phase: int
    title: str = ""
    replace: tuple[tuple[str, str], ...] = ()
    append: tuple[str, ...] = ()
    prepend: tuple[str, ...] = ()
    slug: str = ""  # a new address; the old one redirects there
    status: str = ""  # live, 404, 410, home (302 to the homepage), soft-404


@dataclass(frozen=True, kw_only=True)
class Article:
    """One article, as its author wrote it. ``published`` is the outlet's own wall-clock time."""

    outlet: str
    slug: str
    title: str
    text: tuple[str, ...]
    published: datetime
    section: str = "politica"
    dek: str = ""
    byline: str = ""
    wire: str = ""
    grade: int = 2  # 2 core, 1 related, 0 off the subject
    event: str = ""
    since: int = 1  # the phase in which it appears
    traits: frozenset[str] = frozenset()  # paywall, consent, live, disallowed, moved
    changes: tuple[Change, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Version:
    """An article as it stands in one phase."""

    article: Article
    title: str
    text: tuple[str, ...]
    published: datetime  # aware
    modified: datetime  # aware; equal to published where nothing changed
    status: str = "live"
    number: int = 1  # counts the versions that differ in title or text
    slug: str = ""
    former: tuple[str, ...] = ()  # slugs of addresses that redirect to the present one


@dataclass(frozen=True, kw_only=True)
class Truth:
    """What an archive should hold of one article after a crawl in this phase."""

    url: str
    outlet: str
    country: str
    language: str
    title: str
    text: str
    published: str  # ISO 8601 with offset
    relevant: bool
    status: str
    expect: str  # archived, off-topic, teaser (behind a wall), blocked (robots), nothing (no text at the URL)
    version: int
    event: str
    wire: str


@dataclass(frozen=True, kw_only=True)
class Request:
    """One line of the log."""

    time: float  # seconds, monotonic
    outlet: str
    host: str
    method: str
    path: str
    headers: dict[str, str]
    status: int
    phase: int


def version_of(article: Article, outlet: Outlet, phase: int, clocks: dict[int, datetime]) -> Version | None:
    """Return the article as it stands in that phase, or None before it is published."""
    if phase < article.since:
        return None
    published = article.published.replace(tzinfo=ZoneInfo(outlet.timezone))
    version = Version(
        article=article, title=article.title, text=article.text, published=published, modified=published,
        slug=article.slug,
    )  # fmt: skip
    for change in sorted(article.changes, key=lambda c: c.phase):
        if change.phase <= phase:
            version = _changed(version, change, clocks, outlet)
    return version


def _changed(version: Version, change: Change, clocks: dict[int, datetime], outlet: Outlet) -> Version:
    text = change.prepend + version.text + change.append
    for old, new in change.replace:
        if not any(old in block for block in text):
            raise ValueError(f"{version.article.outlet}/{version.article.slug}: {old!r} is not in the text")
        text = tuple(block.replace(old, new) for block in text)
    text = tuple(block for block in text if block)
    title = change.title or version.title
    version = replace(version, status=change.status or version.status)
    if change.slug:
        version = replace(version, slug=change.slug, former=(*version.former, version.slug))
    if (title, text) == (version.title, version.text):
        return version
    hours = 1 + len(version.article.slug) % 9
    modified = max(clocks[change.phase] - timedelta(hours=hours), version.published + timedelta(minutes=35))
    return replace(
        version,
        title=title,
        text=text,
        number=version.number + 1,
        modified=modified.astimezone(ZoneInfo(outlet.timezone)).replace(second=0, microsecond=0),
    )


class Newsroom:
    """The server and its truth. Use it as a context manager, or call start() and stop()."""

    def __init__(
        self,
        outlets: Iterable[Outlet],
        articles: Iterable[Article],
        clocks: dict[int, datetime] | None = None,
        port: int = 0,
    ) -> None:
        self.outlets = {outlet.id: outlet for outlet in outlets}
        self.articles = list(articles)
        self.clocks = clocks or {
            n: datetime(2026, 2, 20, 12, tzinfo=UTC) + timedelta(days=n) for n in range(1, 10)
        }
        self.port = port
        self.phase = 1
        self.requests: list[Request] = []
        self.delay = 0.0  # seconds before each answer: slows a crawl down, for tests that interrupt it
        self._sites: dict[tuple[str, bool, int], newsroom_site.Site] = {}
        self._places = {
            _address(number, mobile): (outlet, mobile)
            for number, outlet in enumerate(self.outlets)
            for mobile in (False, True)
            if not mobile or "mobile" in self.outlets[outlet].features
        }
        strangers = {article.outlet for article in self.articles} - set(self.outlets)
        if strangers:
            raise ValueError(f"articles of unknown outlets: {', '.join(sorted(strangers))}")

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> Self:
        """Bind every outlet's address on one free port and serve from a thread."""
        self._sockets = _bind(list(self._places), self.port)
        self.port = self._sockets[0].getsockname()[1]
        self._loop = asyncio.new_event_loop()
        ready = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(ready,), daemon=True, name="newsroom")
        self._thread.start()
        ready.wait()
        return self

    def stop(self) -> None:
        """Close all connections and end the thread. Does nothing when that is done."""
        if not self._thread.is_alive():
            return
        self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join(timeout=10)

    def base(self, outlet: str, mobile: bool = False) -> str:
        """Return ``http://127.0.0.N:PORT`` of the outlet."""
        return f"http://{_address(list(self.outlets).index(outlet), mobile)}:{self.port}"

    def registry(self, path: Path, delay: float = 0.0) -> Path:
        """Write an outlet registry that names the running servers, and return its path."""
        blocks = []
        for outlet in self.outlets.values():
            bases = {mobile: self.base(outlet.id, mobile) for mobile in (False, True)}
            blocks.append(newsroom_site.registry_block(outlet, bases[False], bases[True], delay))
        path.write_text("\n".join(blocks), encoding="utf-8")
        return path

    def names(self) -> dict[str, str]:
        """Return, for each running base URL, the one it bears in a recording."""
        found = {}
        for outlet in self.outlets.values():
            found[self.base(outlet.id)] = f"https://{outlet.host}"
            if "mobile" in outlet.features:
                found[self.base(outlet.id, True)] = f"https://{outlet.host.replace('www.', 'm.', 1)}"
        return found

    def site(self, outlet: str, mobile: bool = False, phase: int | None = None) -> newsroom_site.Site:
        """Return the site as it stands in a phase (default: the present one)."""
        phase = phase or self.phase
        key = (outlet, mobile, phase)
        if key not in self._sites:
            about = self.outlets[outlet]
            place = Place(base=self.base(outlet, mobile), desktop=self.base(outlet), mobile=mobile)
            versions = [
                version
                for article in self.articles
                if article.outlet == outlet
                and (version := version_of(article, about, phase, self.clocks)) is not None
            ]
            self._sites[key] = newsroom_site.Site(about, versions, place, self.clocks[phase])
        return self._sites[key]

    def truth(self, phase: int | None = None) -> list[Truth]:
        """Return what should be known of every article published up to the phase."""
        return [
            _truth(self.outlets[outlet], version, self.site(outlet, phase=phase))
            for outlet in self.outlets
            for version in self.site(outlet, phase=phase).versions
        ]

    def requests_of(self, outlet: str, status: int | None = None) -> list[Request]:
        """Return the log of one outlet, of one status if given."""
        return [r for r in self.requests if r.outlet == outlet and status in (None, r.status)]

    def answer(self, address: str, method: str, target: str, headers: dict[str, str]) -> Answer:
        """Answer one request and log it."""
        outlet, mobile = self._places[address]
        answer = self.site(outlet, mobile).answer(target)
        if method not in ("GET", "HEAD"):
            answer = Answer(status=405)
        elif answer.status == 200 and _unchanged(answer, headers):
            kept = {k: v for k, v in answer.headers.items() if k in ("ETag", "Last-Modified")}
            answer = Answer(status=304, headers=kept)
        elif answer.body and "gzip" in self.outlets[outlet].features:
            answer = newsroom_site.compressed(answer, headers.get("accept-encoding", ""))
        date = format_datetime(self.clocks[self.phase].astimezone(UTC), usegmt=True)
        answer = replace(answer, headers={"Date": date, **answer.headers})
        self.requests.append(
            Request(
                time=time.monotonic(), outlet=outlet, host=address, method=method, path=target,
                headers=headers, status=answer.status, phase=self.phase,
            )
        )  # fmt: skip
        return answer

    def _run(self, ready: threading.Event) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._serve(ready))
        self._loop.close()

    async def _serve(self, ready: threading.Event) -> None:
        self._stopping = asyncio.Event()
        self._open: set[asyncio.StreamWriter] = set()
        servers = [await asyncio.start_server(self._connection, sock=sock) for sock in self._sockets]
        ready.set()
        await self._stopping.wait()
        for server in servers:
            server.close()
        for writer in list(self._open):
            writer.close()
        await asyncio.sleep(0)

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        address = writer.get_extra_info("sockname")[0]
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            while await self._exchange(address, reader, writer):
                pass
        self._open.discard(writer)
        writer.close()

    async def _exchange(
        self, address: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> bool:
        """Answer one request of a connection; tell whether another may follow."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        method, target, _ = head[0].split(" ", 2)
        headers = {
            k.strip().lower(): v.strip() for k, _, v in (line.partition(":") for line in head[1:] if line)
        }
        if self.delay:
            await asyncio.sleep(self.delay)
        answer = self.answer(address, method, target, headers)
        chunked = "chunked" in self.outlets[self._places[address][0]].features
        writer.write(_wire_format(answer, method, chunked=chunked))
        await writer.drain()
        return headers.get("connection", "").lower() != "close"


def _address(number: int, mobile: bool) -> str:
    return f"127.0.{number // 100}.{number % 100 + (102 if mobile else 2)}"


def _bind(addresses: list[str], port: int) -> list[socket.socket]:
    """Bind one listening socket for each address, all on the same port (a free one for 0)."""
    for _ in range(50):
        sockets: list[socket.socket] = []
        try:
            for address in addresses:
                sock = socket.socket()
                sockets.append(sock)
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                sock.bind((address, sockets[0].getsockname()[1] if len(sockets) > 1 else port))
                sock.listen(128)
        except OSError:
            for sock in sockets:
                sock.close()
            if port:
                raise
        else:
            return sockets
    raise OSError("no port is free on all loopback addresses of the newsroom")


def _wire_format(answer: Answer, method: str, *, chunked: bool) -> bytes:
    headers = {"Server": "newsroom", **answer.headers}
    body = b"" if method == "HEAD" or answer.status == 304 else answer.body
    if chunked and body:
        headers["Transfer-Encoding"] = "chunked"
        parts = [body[start : start + 4000] for start in range(0, len(body), 4000)]
        body = b"".join(f"{len(part):x}\r\n".encode() + part + b"\r\n" for part in parts) + b"0\r\n\r\n"
    elif answer.status != 304:
        headers["Content-Length"] = str(len(answer.body))
    lines = [
        f"HTTP/1.1 {answer.status} {STATUS_LINES[answer.status]}",
        *(f"{k}: {v}" for k, v in headers.items()),
    ]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


def _unchanged(answer: Answer, headers: dict[str, str]) -> bool:
    """RFC 9110, 13.2.2: If-None-Match decides where it is given, else If-Modified-Since."""
    if "if-none-match" in headers:
        return answer.headers.get("ETag") in [tag.strip() for tag in headers["if-none-match"].split(",")]
    since, last = headers.get("if-modified-since"), answer.headers.get("Last-Modified")
    if not since or not last:
        return False
    try:
        return parsedate_to_datetime(last) <= parsedate_to_datetime(since)
    except ValueError:
        return False


def _truth(outlet: Outlet, version: Version, site: newsroom_site.Site) -> Truth:
    article = version.article
    text = newsroom_site.visible_text(version)
    return Truth(
        url=site.canonical(version), outlet=outlet.id, country=outlet.country, language=outlet.language,
        title=version.title, text="\n\n".join(text),
        published=version.published.isoformat(timespec="seconds"),
        relevant=article.grade > 0, status=version.status, expect=_expected(article),
        version=version.number, event=article.event, wire=article.wire,
    )  # fmt: skip


def _expected(article: Article) -> str:
    for trait, outcome in (("disallowed", "blocked"), ("consent", "nothing"), ("paywall", "teaser")):
        if trait in article.traits:
            return outcome
    return "archived" if article.grade else "off-topic"


def load_newsroom(folder: Path = DEMO, port: int = 0) -> Newsroom:
    """Read a newsroom from its folder: newsroom.toml and articles/*.toml.

    An article appears in the first phase whose clock has passed its publication.
    """
    about = tomllib.loads((folder / "newsroom.toml").read_text(encoding="utf-8"))
    clocks = dict(enumerate(about["clocks"], start=1))
    outlets = {block["id"]: _outlet(block) for block in about["outlet"]}
    articles = [
        _article(block, outlets, clocks, path)
        for path in sorted((folder / "articles").glob("*.toml"))
        for block in tomllib.loads(path.read_text(encoding="utf-8"))["article"]
    ]
    return Newsroom(outlets.values(), articles, clocks, port)


def _outlet(block: dict[str, Any]) -> Outlet:
    lists = {"features": frozenset, "disallow": tuple, "agencies": tuple}
    return Outlet(**{key: lists.get(key, lambda v: v)(value) for key, value in block.items()})


def _article(
    block: dict[str, Any], outlets: dict[str, Outlet], clocks: dict[int, datetime], path: Path
) -> Article:
    where = f"{path.name}: {block.get('outlet')}/{block.get('slug')}"
    if block["outlet"] not in outlets:
        raise ValueError(f"{where}: no such outlet")
    published = block["published"].replace(tzinfo=ZoneInfo(outlets[block["outlet"]].timezone))
    since = next((n for n, clock in clocks.items() if published <= clock), None)
    if since is None:
        raise ValueError(f"{where}: published after the last phase")
    fields = {**block, "since": since, "text": paragraphs(block["text"])}
    fields["traits"] = frozenset(block.get("traits", ()))
    fields["changes"] = tuple(_change(change) for change in block.get("changes", ()))
    return Article(**fields)


def _change(block: dict[str, Any]) -> Change:
    fields = {**block, "replace": tuple((old, new) for old, new in block.get("replace", ()))}
    for key in ("append", "prepend"):
        fields[key] = paragraphs(block.get(key, ""))
    return Change(**fields)


def paragraphs(text: str) -> tuple[str, ...]:
    """Split a text at blank lines; line breaks inside a paragraph become spaces."""
    return tuple(" ".join(block.split()) for block in text.strip().split("\n\n") if block.strip())


def _lines(newsroom: Newsroom) -> Iterator[str]:
    for outlet in newsroom.outlets.values():
        yield f"{newsroom.base(outlet.id)}/  {outlet.id}: {outlet.name}, {', '.join(outlet.routes)}"


def main() -> None:
    """Serve the demo's outlets until interrupted; ``phase N`` on standard input turns the clock."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else DEMO
    with load_newsroom(folder) as newsroom:
        registry = newsroom.registry(Path("newsroom-outlets.toml"))
        print(*_lines(newsroom), f"registry: {registry}", "phases: type 2 or 3 and Enter", sep="\n")  # noqa: T201
        with contextlib.suppress(KeyboardInterrupt):
            for line in sys.stdin:
                newsroom.phase = int(line)
                print(json.dumps({"phase": newsroom.phase, "requests": len(newsroom.requests)}))  # noqa: T201


if __name__ == "__main__":
    main()
