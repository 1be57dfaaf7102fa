"""Routes: the feeds, sitemaps and section pages that name an outlet's articles. Bytes in, leads out."""

from dataclasses import dataclass
from typing import Literal

from archive.models import Lead, Outlet
from crawlers.routes.bodies import NAMES, RouteError, classify, peculiarities
from crawlers.routes.feeds import read_feed
from crawlers.routes.sections import SectionContents, read_section
from crawlers.routes.sitemaps import SitemapContents, read_sitemap, route_refusal

__all__ = [
    "RouteContents",
    "RouteError",
    "SectionContents",
    "SitemapContents",
    "classify",
    "read_feed",
    "read_route",
    "read_section",
    "read_sitemap",
    "route_refusal",
]

RouteKind = Literal["feed", "sitemap", "section"]


@dataclass(frozen=True, slots=True)
class RouteContents:
    """What any route names, and what it turned out to be."""

    kind: RouteKind
    leads: tuple[Lead, ...] = ()
    children: tuple[str, ...] = ()  # further sitemaps
    next_page: str | None = None  # of a section
    refused: tuple[tuple[str, str], ...] = ()  # further sitemaps that may not be asked, each with the reason
    odd: tuple[str, ...] = ()  # what is odd about it, in words


def read_route(
    kind: RouteKind,
    body: bytes,
    url: str,
    outlet: Outlet,
    content_type: str | None = None,
    fetched: str | None = None,
) -> RouteContents:
    """Read a route as what it is, whatever it was declared as: a feed among the sitemaps is read as a feed.

    Only an HTML page must have been declared as a section: in the place of a feed or a sitemap it is an error
    page or a wall. Raises RouteError with what came instead.
    """
    found, odd = classify(body, content_type), tuple(peculiarities(body))
    if found in ("feed", "json-feed"):
        return RouteContents("feed", tuple(read_feed(body, url, outlet, content_type)), odd=odd)
    if found in ("sitemap", "sitemap-index", "url-list"):
        contents = read_sitemap(body, url, outlet, content_type, fetched)
        return RouteContents("sitemap", contents.leads, contents.children, refused=contents.refused, odd=odd)
    if kind == "section":
        section = read_section(body, url, outlet, content_type)
        return RouteContents("section", section.leads, next_page=section.next_page)
    raise RouteError(f"{NAMES.get(found, found)} instead of a {kind}")
