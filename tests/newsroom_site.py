"""What one simulated outlet serves in one phase: every path and its answer, its feeds and sitemaps."""

from __future__ import annotations

import gzip
import hashlib
import json
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from html import escape
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlsplit

from tests import newsroom_pages

if TYPE_CHECKING:
    from tests.newsroom import Outlet, Version

FEED_KINDS = ("rss2", "rss1", "rss091", "atom", "jsonfeed")
SITEMAP_KINDS = ("news-sitemap", "sitemap", "sitemap-gz", "sitemap-index")
MEDIA_TYPES = {
    "rss2": "application/rss+xml",
    "rss1": "application/rdf+xml",
    "rss091": "text/xml",
    "atom": "application/atom+xml",
    "jsonfeed": "application/feed+json",
    "news-sitemap": "application/xml",
    "sitemap": "text/xml",
    "sitemap-index": "application/xml",
    "sitemap-gz": "application/x-gzip",
}
PIXEL = bytes.fromhex(
    "ffd8ffe000104a46494600010100000100010000ffdb004300" + "08" * 64 + "ffc0000b080001000101011100ffc40014"
    "0001000000000000000000000000000000ffda0008010100003f00d2cf20ffd9"
)
TRACKING = "utm_source=rss&utm_medium=feed&utm_campaign=portada"
FEED_LENGTH = 60  # items in a feed, newest first


@dataclass(frozen=True)
class Answer:
    """A response before it goes on the wire."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a site is served: its own base URL, and that of its desktop edition."""

    base: str
    desktop: str
    mobile: bool = False


class Site:
    """One outlet in one phase. ``answer(target)`` is the whole of its behaviour."""

    def __init__(self, outlet: Outlet, versions: list[Version], place: Place, clock: datetime) -> None:
        self.outlet = outlet
        self.place = place
        self.clock = clock
        self.versions = sorted(versions, key=lambda v: v.published, reverse=True)
        self.articles = {self.path(version): version for version in self.versions}
        self.legacy = {self.legacy_path(v): v for v in self.versions}
        self.former = {self.path(v, slug): v for v in self.versions for slug in v.former}
        self.visits = 0
        self._tried: set[str] = set()  # of a flaky outlet: paths that were refused once
        self._cache: dict[str, Answer] = {}

    # Addresses

    def path(self, version: Version, slug: str = "") -> str:
        """Return the path of the article's one true address, or of a former one by its slug."""
        when, article = version.published, version.article
        style = "/privado/{slug}/" if "disallowed" in article.traits else self.outlet.path
        number = int(digest(article.slug.encode()), 16) % 900_000 + 100_000
        return style.format(
            section=article.section, y=when.year, m=f"{when.month:02}", d=f"{when.day:02}", slug=slug or version.slug,
            number=number,
        )  # fmt: skip

    def legacy_path(self, version: Version) -> str:
        """Return an older address that redirects to the article."""
        return f"/n/{digest(self.path(version).encode())[:8]}"

    def amp_path(self, version: Version) -> str:
        """Return the address of the article's AMP edition."""
        return self.path(version).rstrip("/") + "/amp/"

    def canonical(self, version: Version) -> str:
        """Return the article's canonical URL."""
        return self.place.desktop + self.path(version)

    def listed(self, version: Version, route: str) -> str:
        """Return the URL under which a route names the article: not always the canonical one."""
        features, number = self.outlet.features, self.versions.index(version)
        path, base = self.path(version), self.place.desktop
        if "moved" in version.article.traits:
            path = self.legacy_path(version)
        elif route == "section" and "amp" in features and number % 4 == 1:
            path = self.amp_path(version)
        elif route == "section" and "mobile" in features and number % 4 == 2:
            base = self.mobile_base()
        elif route in SITEMAP_KINDS and "slashless" in features:
            path = path.rstrip("/")
        query = ""
        if "copies" in features:
            query = ("", "?print=1", "?share=whatsapp", "?ref=home")[(number + len(route)) % 4]
        if route in FEED_KINDS and "tracking" in features:
            query = ("&" if "?" in path else "?") + TRACKING
        if route in FEED_KINDS and "fragments" in features:
            query += "#ref=rss"
        return ("" if "relative" in features and route in FEED_KINDS else base) + path + query

    def mobile_base(self) -> str:
        """Return the base URL of the mobile edition: the same port, a hundred addresses further."""
        scheme, rest = self.place.desktop.split("://")
        address, port = rest.split(":")
        first, last = address.rsplit(".", 1)
        return f"{scheme}://{first}.{int(last) + 100}:{port}"

    # Answers

    def answer(self, target: str) -> Answer:
        """Answer a request target (path and query)."""
        self.visits += 1
        parts = urlsplit(target)
        if {"restless", "flaky", "fickle"} & self.outlet.features:
            return self._answer(parts.path, parts.query)
        if target not in self._cache:
            self._cache[target] = self._answer(parts.path, parts.query)
        return self._cache[target]

    def _page_key(self, path: str, query: str) -> str:
        """Return the path, with the query where that is what tells articles apart."""
        kept = [f"{name}={value}" for name, value in parse_qsl(query) if name in ("id", "nota")]
        return f"{path}?{'&'.join(kept)}" if kept else path

    def _answer(self, path: str, query: str) -> Answer:
        if path == "/robots.txt" and "no-robots" in self.outlet.features:
            return self._missing()
        if path == "/robots.txt":
            return Answer(headers={"Content-Type": "text/plain; charset=utf-8"}, body=self.robots().encode())
        if "flaky" in self.outlet.features and path not in self._tried and path != "/":
            self._tried.add(path)
            return Answer(503, {"Retry-After": "1", "Content-Type": "text/plain"}, b"later")
        if "broken-feed" in self.outlet.features and path == self.outlet.routes.get("rss2"):
            return Answer(500, {"Content-Type": "text/html"}, b"<h1>Internal error</h1>")
        if path.startswith("/autor/") and "noisy-map" in self.outlet.features:
            return self._html(
                newsroom_pages.section(self, next(iter(self.outlet.sections)), self.alive(), 1, False)
            )
        if path.endswith(".jpg"):
            return Answer(headers={"Content-Type": "image/jpeg"}, body=PIXEL)
        for kind, route in self.outlet.routes.items():
            if path == route:
                return self._with_validators(self.document(kind), MEDIA_TYPES[kind])
            if kind == "sitemap-index" and path.startswith(route.removesuffix(".xml") + "-"):
                return self._sitemap_part(path)
        if path == "/":
            return self._html(newsroom_pages.homepage(self))
        key = self._page_key(path, query)
        if path.startswith("/privado/") or key in self.articles:
            return self._article(key, "")
        return self._variant(path) or self._section(path, query) or self._missing()

    def _variant(self, path: str) -> Answer | None:
        if path in self.former:
            return self._redirect(self.canonical(self.former[path]), 301)
        if path in self.legacy and "meta-refresh" in self.outlet.features:
            url = self.canonical(self.legacy[path])
            return self._html(f"<html><head><meta http-equiv='refresh' content='0; url={url}'></head></html>")
        if path in self.legacy and "chain" in self.outlet.features:
            return self._redirect(f"{self.place.base}/n2/{path.rsplit('/', 1)[1]}", 302)
        if path.startswith("/n2/") and (first := f"/n/{path[4:]}") in self.legacy:
            return self._redirect(self.path(self.legacy[first]), 307)
        if path in self.legacy:
            return self._redirect(self.canonical(self.legacy[path]), 301)
        if path.endswith("/amp/") and "amp" in self.outlet.features:
            for slash in ("/", ""):
                if (inner := path.removesuffix("/amp/") + slash) in self.articles:
                    return self._article(inner, "amp")
        other = path.rstrip("/") if path.endswith("/") else path + "/"
        if other in self.articles:
            if "slashless" in self.outlet.features:  # both spellings answer; the page names the true one
                return self._article(other, "")
            return self._redirect(self.place.base + other, 301)
        return None

    def _article(self, path: str, edition: str) -> Answer:
        version = self.articles.get(path)
        if version is None:
            return self._missing()
        if version.status in ("404", "410"):
            return self._missing(int(version.status))
        if version.status == "home":
            return self._redirect(self.place.desktop + "/", 302)
        if version.status == "soft-404":
            return self._html(newsroom_pages.missing(self))
        if self.place.mobile:
            edition = "mobile"
        return self._html(newsroom_pages.article(self, version, edition), version.modified)

    def _section(self, path: str, query: str) -> Answer | None:
        parts = path.strip("/").split("/")
        asked = dict(parse_qsl(query))
        number = int(asked.get("page") or asked.get("pagina") or "1")
        if len(parts) == 3 and parts[1] == "page" and parts[2].isdigit():
            number = int(parts[2])
        elif len(parts) != 1:
            return None
        if parts[0] not in self.outlet.sections:
            return None
        inside = self.in_section(parts[0])
        size = self.outlet.page_size
        page = inside[(number - 1) * size : number * size]
        if not page and number > 1:
            return self._missing()
        more = len(inside) > number * size
        return self._html(newsroom_pages.section(self, parts[0], page, number, more))

    def in_section(self, section: str) -> list[Version]:
        """Return the articles a section lists: its own, and in a lone section all of them."""
        if len(self.outlet.sections) == 1:
            return self.alive()
        return [v for v in self.alive() if v.article.section == section]

    def alive(self) -> list[Version]:
        """Return what is not withdrawn, newest first."""
        return [v for v in self.versions if v.status == "live"]

    def _missing(self, status: int = 404) -> Answer:
        return replace(self._html(newsroom_pages.missing(self)), status=status)

    def _redirect(self, url: str, status: int) -> Answer:
        return Answer(status, {"Location": url, "Content-Type": "text/html"}, b"<p>Moved</p>")

    def _html(self, text: str, modified: datetime | None = None) -> Answer:
        if "latin-1" in self.outlet.features:
            text = text.replace("<meta charset='utf-8'>", "<meta charset='iso-8859-1'>")
            return self._with_validators(text.encode("cp1252", "xmlcharrefreplace"), "text/html", modified)
        return self._with_validators(text.encode(), "text/html; charset=utf-8", modified)

    def _with_validators(self, body: bytes, media: str, modified: datetime | None = None) -> Answer:
        headers = {"Content-Type": media, "Set-Cookie": f"visit={digest(body)}; Path=/; HttpOnly"}
        if "restless" in self.outlet.features:
            return Answer(headers=headers, body=body.replace(b"%VISIT%", str(self.visits).encode()))
        if self.outlet.validators in ("both", "etag"):
            weak = "W/" if "weak" in self.outlet.features else ""
            visit = f"-{self.visits}" if "fickle" in self.outlet.features else ""
            headers["ETag"] = f'{weak}"{digest(body)}{visit}"'
        if self.outlet.validators in ("both", "last-modified"):
            # Furniture changes with every phase, so a page is never older than the phase it is served in.
            stamp = max(modified or self.clock, self.clock)
            headers["Last-Modified"] = format_datetime(stamp.astimezone(UTC), usegmt=True)
        return Answer(headers=headers, body=body)

    # Routes

    def robots(self) -> str:
        """Return robots.txt, naming the sitemaps where the outlet announces any."""
        lines = ["# Newsroom simulator", "User-agent: *"]
        lines += [f"Disallow: {path}" for path in (*self.outlet.disallow, "/privado/", "/busqueda/")]
        if self.outlet.crawl_delay is not None:
            lines.append(f"Crawl-delay: {self.outlet.crawl_delay:g}")
        if self.outlet.announce != "nowhere":
            named = [path for kind, path in self.outlet.routes.items() if kind in SITEMAP_KINDS]
            lines += ["", *(f"Sitemap: {self.place.desktop}{path}" for path in named)]
        return "\n".join(lines) + "\n"

    def document(self, kind: str) -> bytes:
        """Return the feed or sitemap of that kind."""
        if kind == "sitemap-gz":
            return gzip.compress(self._sitemap(self.alive(), kind), mtime=0)
        if kind == "sitemap-index":
            return self._sitemap_index()
        if kind in SITEMAP_KINDS:
            return self._sitemap(self.alive(), kind)
        writer = {
            "rss2": self._rss2, "rss091": self._rss091, "rss1": self._rss1, "atom": self._atom,
            "jsonfeed": self._jsonfeed,
        }[kind]  # fmt: skip
        return writer([v for v in self.alive() if "unlisted" not in v.article.traits][:FEED_LENGTH])

    def summary(self, version: Version) -> str:
        """Return what a feed says of an article: its standfirst, or its first sentences."""
        return version.article.dek or visible_text(version)[0][:240]

    def _rss2(self, versions: list[Version]) -> bytes:
        items = []
        for v in versions:
            full = ""
            if "full-feed" in self.outlet.features:
                html = "".join(newsroom_pages.blocks(v))
                full = f"<content:encoded><![CDATA[{html}]]></content:encoded>"
            items.append(
                f"<item><title>{escape(v.title)}</title><link>{escape(self.listed(v, 'rss2'))}</link>"
                f'<guid isPermaLink="false">{digest(self.path(v).encode())}</guid>'
                f"<dc:creator>{escape(v.article.byline)}</dc:creator><category>{v.article.section}</category>"
                f"<pubDate>{self._rfc822(v)}</pubDate>"
                f"<description>{escape(f'<p>{escape(self.summary(v))}</p>')}</description>{full}</item>"
            )
        return (
            '<?xml version="1.0" encoding="UTF-8"?>\n<rss version="2.0" '
            'xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:atom="http://www.w3.org/2005/Atom" '
            'xmlns:content="http://purl.org/rss/1.0/modules/content/"><channel>'
            f"<title>{escape(self.outlet.name)}</title><link>{self.place.desktop}/</link>"
            f"<description>{escape(self.outlet.furniture)}</description>"
            f"<language>{self.outlet.language}</language>" + "\n".join(items) + "</channel></rss>\n"
        ).encode()

    def _rfc822(self, version: Version) -> str:
        if self.outlet.offset == "utc":
            return format_datetime(version.published.astimezone(UTC), usegmt=True)
        return format_datetime(version.published)

    def _rss091(self, versions: list[Version]) -> bytes:
        items = "".join(
            f"<item><title>{escape(v.title)}</title><link>{escape(self.listed(v, 'rss091'))}</link>"
            f"<description>{escape(self.summary(v))}</description></item>\n"
            for v in versions
        )
        return (
            '<?xml version="1.0" encoding="ISO-8859-1"?>\n<rss version="0.91"><channel>'
            f"<title>{escape(self.outlet.name)}</title><link>{self.place.desktop}/</link>"
            f"<description>{escape(self.outlet.furniture)}</description>"
            f"<language>{self.outlet.language}</language>{items}</channel></rss>\n"
        ).encode("iso-8859-1", "xmlcharrefreplace")

    def _rss1(self, versions: list[Version]) -> bytes:
        links = [escape(self.listed(v, "rss1")) for v in versions]
        items = "".join(
            f'<item rdf:about="{link}"><title>{escape(v.title)}</title><link>{link}</link>'
            f"<description>{escape(self.summary(v))}</description>"
            f"<dc:date>{v.published.isoformat()}</dc:date></item>\n"
            for v, link in zip(versions, links, strict=True)
        )
        order = "".join(f'<rdf:li rdf:resource="{link}"/>' for link in links)
        return (
            '<?xml version="1.0" encoding="UTF-8"?>\n'
            '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" '
            'xmlns="http://purl.org/rss/1.0/" '
            f'xmlns:dc="http://purl.org/dc/elements/1.1/"><channel rdf:about="{self.place.desktop}/">'
            f"<title>{escape(self.outlet.name)}</title><link>{self.place.desktop}/</link>"
            f"<description>{escape(self.outlet.furniture)}</description>"
            f"<items><rdf:Seq>{order}</rdf:Seq></items></channel>{items}</rdf:RDF>\n"
        ).encode()

    def _atom(self, versions: list[Version]) -> bytes:
        entries = "".join(
            f"<entry><title>{escape(v.title)}</title><id>tag:{self.outlet.host or self.outlet.id},"
            f"{v.published.year}:{v.article.slug}</id>"
            f'<link rel="alternate" type="text/html" href="{escape(self.listed(v, "atom"))}"/>'
            f"<published>{v.published.isoformat()}</published><updated>{v.modified.isoformat()}</updated>"
            f"<author><name>{escape(v.article.byline or self.outlet.name)}</name></author>"
            f'<summary type="text">{escape(self.summary(v))}</summary></entry>\n'
            for v in versions
        )
        return (
            f'<?xml version="1.0" encoding="UTF-8"?>\n<feed xmlns="http://www.w3.org/2005/Atom" '
            f'xml:lang="{self.outlet.language}"><title>{escape(self.outlet.name)}</title>'
            f'<id>{self.place.desktop}/</id><link href="{self.place.desktop}/"/>'
            f"<updated>{self.clock.isoformat()}</updated>{entries}</feed>\n"
        ).encode()

    def _jsonfeed(self, versions: list[Version]) -> bytes:
        items = [
            {
                "id": digest(self.path(v).encode()),
                "url": self.listed(v, "jsonfeed"),
                "title": v.title,
                "summary": self.summary(v),
                "date_published": v.published.isoformat(),
                "date_modified": v.modified.isoformat(),
                "authors": [{"name": v.article.byline or self.outlet.name}],
            }
            for v in versions
        ]
        feed = {
            "version": "https://jsonfeed.org/version/1.1",
            "title": self.outlet.name,
            "home_page_url": f"{self.place.desktop}/",
            "language": self.outlet.language,
            "items": items,
        }
        return json.dumps(feed, ensure_ascii=False, indent=1).encode()

    def _sitemap(self, versions: list[Version], kind: str) -> bytes:
        entries = []
        if "noisy-map" in self.outlet.features:
            others = ["/", "/autor/redaccion/", *(f"/{section}/" for section in self.outlet.sections)]
            entries = [f"<url><loc>{self.place.desktop}{path}</loc></url>\n" for path in others]
        for v in versions:
            news = ""
            if kind == "news-sitemap":
                news = (
                    f"<news:news><news:publication><news:name>{escape(self.outlet.name)}</news:name>"
                    f"<news:language>{self.outlet.language}</news:language></news:publication>"
                    f"<news:publication_date>{v.published.isoformat()}</news:publication_date>"
                    f"<news:title>{escape(v.title)}</news:title></news:news>"
                )
            entries.append(
                f"<url><loc>{escape(self.listed(v, kind))}</loc>"
                f"<lastmod>{v.modified.isoformat()}</lastmod>{news}</url>\n"
            )
        return (
            '<?xml version="1.0" encoding="UTF-8"?>\n'
            '<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9" '
            f'xmlns:news="http://www.google.com/schemas/sitemap-news/0.9">{"".join(entries)}</urlset>\n'
        ).encode()

    def _months(self) -> list[str]:
        return sorted({v.published.strftime("%Y-%m") for v in self.alive()}, reverse=True)

    def _sitemap_index(self) -> bytes:
        stem = self.outlet.routes["sitemap-index"].removesuffix(".xml")
        parts = "".join(
            f"<sitemap><loc>{self.place.desktop}{stem}-{month}.xml{'.gz' if number % 2 else ''}</loc>"
            f"<lastmod>{(self.clock - timedelta(days=number)).date().isoformat()}</lastmod></sitemap>\n"
            for number, month in enumerate(self._months())
        )
        return (
            '<?xml version="1.0" encoding="UTF-8"?>\n'
            f'<sitemapindex xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{parts}</sitemapindex>\n'
        ).encode()

    def _sitemap_part(self, path: str) -> Answer:
        month = path.removesuffix(".gz").removesuffix(".xml")[-7:]
        inside = [v for v in self.alive() if v.published.strftime("%Y-%m") == month]
        if not inside:
            return self._missing()
        body = self._sitemap(inside, "news-sitemap")
        if path.endswith(".gz"):
            return self._with_validators(gzip.compress(body, mtime=0), "application/gzip")
        return self._with_validators(body, "application/xml")


def visible_text(version: Version) -> tuple[str, ...]:
    """Return the paragraphs a reader gets to see, without the marks of subheads and quotations."""
    text = version.text[:1] if "paywall" in version.article.traits else version.text
    return tuple(block.removeprefix("## ").removeprefix("> ") for block in text)


def compressed(answer: Answer, accepted: str) -> Answer:
    """Return the answer gzipped where the client takes that and it is not a gzip file already."""
    if "gzip" not in accepted or "gzip" in answer.headers.get("Content-Type", ""):
        return answer
    headers = {**answer.headers, "Content-Encoding": "gzip", "Vary": "Accept-Encoding"}
    return replace(answer, headers=headers, body=gzip.compress(answer.body, mtime=0))


def digest(body: bytes) -> str:
    """Return a short, stable digest, as entity tags are made of."""
    return hashlib.sha256(body).hexdigest()[:16]


def registry_block(outlet: Outlet, base: str, mobile: str, delay: float) -> str:
    """Return the outlet's block of a registry, as outlets.toml has it."""
    named = outlet.announce == "registry"
    feeds = [base + path for kind, path in outlet.routes.items() if kind in FEED_KINDS and named]
    sitemaps = [base + path for kind, path in outlet.routes.items() if kind in SITEMAP_KINDS and named]
    sections = [f"{base}/{slug}/" for slug in outlet.sections if named]
    hosts = [urlsplit(mobile).netloc.split(":")[0]] if "mobile" in outlet.features else []
    values: dict[str, object] = {
        "id": outlet.id, "name": outlet.name, "country": outlet.country, "language": outlet.language,
        "kind": outlet.kind, "homepage": f"{base}/", "timezone": outlet.timezone, "feeds": feeds,
        "sitemaps": sitemaps, "sections": sections, "hosts": hosts, "delay": delay, "access": outlet.access,
        "agencies": list(outlet.agencies),
    }  # fmt: skip
    lines = [
        f"{key} = {json.dumps(value, ensure_ascii=False)}"
        for key, value in values.items()
        if value not in ([], "open")
    ]
    return "[[outlet]]\n" + "\n".join(lines) + "\n"
