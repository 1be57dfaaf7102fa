"""Finding the routes of an outlet that names none: robots.txt, its homepage, and where feeds usually are."""

import re
from dataclasses import dataclass
from typing import Literal

from archive.models import Outlet, RouteKind
from archive.urls import is_listing, same_page, url_key
from crawlers.routes.links import is_static
from crawlers.routes.sections import is_in_menu, links_of, parse_page
from crawlers.routes.sitemaps import most_newsworthy, route_refusal
from crawlers.routes.texts import plain_text, resolve

MAX_ROBOTS_BYTES = 512_000  # RFC 9309 asks for 500 kibibytes at least
MAX_ROUTES = 10  # of one kind from one page

Origin = Literal["robots", "homepage", "well-known"]


@dataclass(frozen=True, slots=True)
class Route:
    """A place that may name articles, and how it was found."""

    url: str
    kind: RouteKind
    origin: Origin


# In the order they are tried; of each kind the first that can be read is enough.
WELL_KNOWN: tuple[tuple[RouteKind, str], ...] = (
    ("feed", "/feed/"),
    ("feed", "/rss.xml"),
    ("feed", "/rss"),
    ("feed", "/feed.xml"),
    ("feed", "/atom.xml"),
    ("feed", "/feed.json"),
    ("feed", "/index.xml"),
    ("feed", "/index.rss"),
    ("feed", "/rss/feed.xml"),
    ("feed", "/rss/feed.html"),
    ("feed", "/arc/outboundfeeds/rss/?outputType=xml"),
    ("sitemap", "/news-sitemap.xml"),
    ("sitemap", "/sitemap-news.xml"),
    ("sitemap", "/sitemap_news.xml"),
    ("sitemap", "/sitemap-google-news.xml"),
    ("sitemap", "/googlenews.xml"),
    ("sitemap", "/sitemaps/news.xml"),
    ("sitemap", "/arc/outboundfeeds/news-sitemap/?outputType=xml"),
    ("sitemap", "/sitemap_index.xml"),
    ("sitemap", "/sitemap.xml"),
    ("sitemap", "/sitemap.xml.gz"),
)

_SITEMAP_LINE = re.compile(r"^\s*site-?map\s*:\s*(\S+)", re.IGNORECASE)
_FEED_TYPE = re.compile(r"^application/(?:rss\+xml|atom\+xml|rdf\+xml|feed\+json)", re.IGNORECASE)
_FEED_ADDRESS = re.compile(r"(?:^|[/._-])(?:rss|feeds?|atom)(?:$|[/._?-])", re.IGNORECASE)
_COMMENTS = re.compile(r"comment|comentario|podcast|oembed", re.IGNORECASE)
# Names of sections in which the two countries' dealings are reported.
_SECTION = re.compile(
    r"^(?:nacional(?:es)?|naci[oó]n|m[eé]xico|pa[ií]s|politica|mundo|internacional(?:es)?|global|seguridad|justicia|"
    r"estados-unidos|eu|eeuu|usa|frontera|policiaca|ultimas(?:-noticias)?|comunicados|prensa|"
    r"world|politics|national|nation|us|us-news|u-s|news|latest|international|americas|latin-america|border|"
    r"immigration|security|national-security|press-releases|newsroom|noticias)$",
    re.IGNORECASE,
)


def sitemaps_in_robots(text: str) -> list[str]:
    """Return what the ``Sitemap:`` lines of a robots.txt name, as printed, in order, each once."""
    lines = (_SITEMAP_LINE.match(line) for line in text[:MAX_ROBOTS_BYTES].lstrip("\ufeff").splitlines())
    return list(dict.fromkeys(line[1] for line in lines if line))


def routes_in_robots(text: str, url: str, outlet: Outlet) -> list[Route]:
    """Return the sitemaps a robots.txt at ``url`` names that are the outlet's own, news first."""
    named = [resolve(url, sitemap) for sitemap in sitemaps_in_robots(text)]
    own: dict[str, str | None] = {
        sitemap: None for sitemap in named if route_refusal(sitemap, outlet, url) is None
    }
    return [Route(sitemap, "sitemap", "robots") for sitemap in most_newsworthy(own)[:MAX_ROUTES]]


def routes_in_homepage(body: bytes, url: str, outlet: Outlet, content_type: str | None = None) -> list[Route]:
    """Return the feeds a homepage announces or links to, then the sections of its menu that fit the subject.

    Feeds of comments and feeds on other hosts are left out. A body that is no page has none.
    """
    root = parse_page(body, content_type)
    if root is None:
        return []
    base = resolve(url, root.xpath("string(//base/@href)")) or url
    found: dict[str, Route] = {}

    def add(href: str, kind: RouteKind) -> None:
        link = resolve(base, href)
        if route_refusal(link, outlet, url) is None and not same_page(link, outlet.homepage):
            found.setdefault(f"{kind} {url_key(link)}", Route(link, kind, "homepage"))

    for element in root.xpath("//link[@href][@rel][@type]"):
        alternate = "alternate" in element.get("rel").lower().split()
        if alternate and _FEED_TYPE.match(element.get("type")) and not _is_of_comments(element):
            add(element.get("href"), "feed")
    links = links_of(root, base)
    for _, anchor in links:
        if _FEED_ADDRESS.search(anchor.get("href")) and not _is_of_comments(anchor):
            add(anchor.get("href"), "feed")
    for link, anchor in links:
        if is_in_menu(anchor) and _is_section(link):
            add(anchor.get("href"), "section")
    feeds = [route for route in found.values() if route.kind == "feed"]
    sections = [route for route in found.values() if route.kind == "section"]
    return feeds[:MAX_ROUTES] + sections[:MAX_ROUTES]


def well_known_routes(outlet: Outlet) -> list[Route]:
    """Return the addresses at which this outlet's feeds and sitemaps would be, were it like most."""
    return [Route(resolve(outlet.homepage, path), kind, "well-known") for kind, path in WELL_KNOWN]


def _is_of_comments(element: object) -> bool:
    get = element.get  # type: ignore[attr-defined]
    return _COMMENTS.search(f"{get('href')} {plain_text(get('title') or '')}") is not None


def _is_section(link: str) -> bool:
    if is_static(link) or _FEED_ADDRESS.search(link):
        return False
    segments = [segment for segment in url_key(link).partition("?")[0].split("/")[1:] if segment]
    return (
        bool(segments)
        and len(segments) <= 3
        and bool(_SECTION.match(segments[-1]))
        and (is_listing(link) or len(segments) > 1)
    )
