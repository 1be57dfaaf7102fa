"""Sitemaps: news sitemaps, plain ones, their indexes, and lists of addresses in plain text."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from archive.models import Lead, Outlet
from archive.urls import is_listing, url_key
from crawlers.frontier import newness, spread
from crawlers.outlets import refusal
from crawlers.routes.bodies import (
    MAX_ITEMS,
    NAMES,
    RouteError,
    both_ends,
    elements,
    inner_text,
    kind_of,
    local_name,
    plain_body,
)
from crawlers.routes.feeds import read_feed
from crawlers.routes.links import is_article_address, is_static
from crawlers.routes.texts import MAX_HEADLINE_CHARACTERS, local_time, plain_text, resolve, sort_time

MAX_CHILDREN = 100  # sitemaps of one index that may be followed, the newest first
MAX_PLAIN_LEADS = 1_000  # of a sitemap without news tags, which may be an outlet's whole past
# Looked at more closely, of those that a sitemap or an index names: each takes some 0.2 ms.
MAX_CONSIDERED = 5_000
MAX_CHILDREN_CONSIDERED = 1_000
MAX_LASTMOD_CHARACTERS = 100
RECENT_SECONDS = 7 * 86_400  # a page changed since then is news, whatever its address looks like

T = TypeVar("T")
_ISO = re.compile(r"(?:19|20)\d\d-\d\d")
_DATE_IN_NAME = re.compile(r"((?:19|20)\d\d)[-_/.]?(\d\d)?[-_/.]?(\d\d)?")
_NUMBER_IN_NAME = re.compile(r"(\d+)(?=\D*$)")
_NEWS_NAME = re.compile(r"news|noticias|latest|ultim|current|hoy|today", re.IGNORECASE)
_OTHER_NAME = re.compile(
    r"(?<![a-z])(?:categor\w*|tags?|etiquetas?|temas?|topics?|autho?r\w*|autor\w*|users?|images?|imagen\w*|fotos?|videos?|"
    r"pages?|paginas?|events?|products?|attachments?|sections?|secciones|hubs?|taxonom\w*)(?![a-z])",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class SitemapContents:
    """What a sitemap names: articles, and further sitemaps in the order they deserve to be read."""

    leads: tuple[Lead, ...] = ()
    children: tuple[str, ...] = ()
    refused: tuple[tuple[str, str], ...] = ()  # further sitemaps that may not be asked, each with the reason


@dataclass(frozen=True, slots=True)
class _Entry:
    url: str
    headline: str = ""
    published: str | None = None
    lastmod: str = ""  # as printed
    modified: str | None = None
    news: bool = False


def read_sitemap(
    body: bytes, url: str, outlet: Outlet, content_type: str | None = None, fetched: str | None = None
) -> SitemapContents:
    """Return what a sitemap, a sitemap index or a list of addresses names.

    Every entry with news tags is a lead. Of a sitemap without any, those are that changed within a week of
    ``fetched`` (UTC) or whose address reads like an article's, the newest ``MAX_PLAIN_LEADS`` of them. A feed
    that was announced as a sitemap is read as the feed it is. Raises RouteError where ``body`` is neither.
    """
    text = plain_body(body, content_type)
    kind = kind_of(text)
    if kind in ("feed", "json-feed"):
        return SitemapContents(leads=tuple(read_feed(body, url, outlet, content_type)))
    if kind == "sitemap-index":
        return _read_index(text, url, outlet)
    if kind not in ("sitemap", "url-list"):
        raise RouteError(f"{NAMES.get(kind, kind)} instead of a sitemap")
    entries = list(_listed(text, url) if kind == "url-list" else _entries(text, url, outlet))
    chosen = [entry for entry in entries if entry.news] or _of_plain_sitemap(entries, outlet, fetched)
    leads = {entry.url: _lead(entry, url, outlet) for entry in reversed(chosen)}
    return SitemapContents(leads=tuple(reversed(leads.values())))


def _of_plain_sitemap(entries: list[_Entry], outlet: Outlet, fetched: str | None) -> list[_Entry]:
    considered = spread(
        entries, MAX_CONSIDERED, _address, lambda entry: newness(entry.url, _iso(entry.lastmod))
    )
    dated = [replace(entry, modified=local_time(entry.lastmod, outlet)) for entry in considered]
    wanted = [entry for entry in dated if _is_wanted(entry, outlet, fetched)]
    return spread(wanted, MAX_PLAIN_LEADS, _address, lambda entry: newness(entry.url, entry.modified))


def _address(entry: _Entry) -> str:
    return entry.url


def _entries(text: bytes, url: str, outlet: Outlet) -> Iterator[_Entry]:
    for element in elements(text, ("url",)):
        values: dict[str, str] = {}
        news = False
        for child in element:
            name = local_name(child)
            if name == "news":
                news = True
                values |= {f"news:{local_name(part)}": inner_text(part) for part in child}
            elif name in ("loc", "lastmod"):
                values.setdefault(name, inner_text(child))
        if link := resolve(url, values.get("loc", "")):
            lastmod = values.get("lastmod", "")[:MAX_LASTMOD_CHARACTERS]
            yield _Entry(
                url=link,
                headline=plain_text(values.get("news:title", ""), MAX_HEADLINE_CHARACTERS),
                published=local_time(values.get("news:publication_date", ""), outlet),
                lastmod=lastmod,
                modified=local_time(lastmod, outlet) if news else None,
                news=news,
            )


def _listed(text: bytes, url: str) -> Iterator[_Entry]:
    for line in both_ends(text.decode("utf-8", "replace").split(), MAX_ITEMS):
        if line.startswith(("http://", "https://")):
            yield _Entry(url=resolve(url, line))


def _is_wanted(entry: _Entry, outlet: Outlet, fetched: str | None) -> bool:
    if refusal(entry.url, outlet) is not None:
        return True  # to be recorded with its reason
    if is_static(entry.url) or is_listing(entry.url) or url_key(entry.url) == url_key(outlet.homepage):
        return False
    if is_article_address(entry.url):
        return True
    if not (entry.modified and fetched):
        return False
    return (sort_time(fetched) - sort_time(entry.modified)).total_seconds() < RECENT_SECONDS


def _newest(entries: list[T], most: int, when: Callable[[T], Any]) -> list[T]:
    """Return the newest entries; of those that ``when`` knows no date of, both ends of the list, for orders differ.

    What has no date may be of today: it has half of the places where there is not room for all.
    """
    if len(entries) <= most:
        return entries
    undated = [entry for entry in entries if not when(entry)]
    dated = sorted((entry for entry in entries if when(entry)), key=when, reverse=True)
    dated = dated[: most - min(len(undated), most // 2)]
    return dated + list(both_ends(undated, most - len(dated)))


def _iso(lastmod: str) -> str:
    """Return what sorts like a moment, without reading it: of half a million entries that would take a minute."""
    return lastmod if _ISO.match(lastmod) else ""


def _lead(entry: _Entry, route: str, outlet: Outlet) -> Lead:
    return Lead(
        url=entry.url,
        outlet=outlet.id,
        via="sitemap",
        route=route,
        headline=entry.headline,
        published_local=entry.published,
        modified_local=entry.modified,
    )


def _read_index(text: bytes, url: str, outlet: Outlet) -> SitemapContents:
    children: dict[str, str | None] = {}
    refused: dict[str, str] = {}
    named = [
        {local_name(child): inner_text(child) for child in element}
        for element in elements(text, ("sitemap",))
    ]
    considered = _newest(named, MAX_CHILDREN_CONSIDERED, lambda values: _iso(values.get("lastmod", "")))
    for values in considered:
        child = resolve(url, values.get("loc", ""))
        if not child or url_key(child) == url_key(url):
            continue
        reason = route_refusal(child, outlet, url)
        if reason is not None:
            refused[child] = reason
        else:
            children.setdefault(child, local_time(values.get("lastmod", ""), outlet))
    return SitemapContents(
        children=_first_of(most_newsworthy(children)), refused=tuple(refused.items())[:MAX_CHILDREN]
    )


def _first_of(children: tuple[str, ...]) -> tuple[str, ...]:
    """Return as many as may be followed: half of them the most newsworthy, the others of each shape in turn."""
    places = {child: -place for place, child in enumerate(children)}
    return tuple(spread(list(children), MAX_CHILDREN, str, lambda child: float(places[child])))


def route_refusal(url: str, outlet: Outlet, parent: str) -> str | None:
    """Return why a route that another route or robots.txt names may not be asked; None where it may.

    It may on the outlet's own hosts and on the host of a route the registry names.
    """
    reason = refusal(url, outlet)
    if reason is None or not reason.startswith(("on a host", "a private")):
        return reason
    named = (*outlet.feeds, *outlet.sitemaps, *outlet.sections)
    if parent in named and _origin(url) == _origin(parent):
        return None
    return None if _origin(url) in {_origin(route) for route in named} else reason


def _origin(url: str) -> str:
    return url_key(url).partition("/")[0]


def most_newsworthy(children: dict[str, str | None]) -> tuple[str, ...]:
    """Return sitemaps (by address, with lastmod) that may hold articles, the likeliest to hold news first.

    That is: those named so, then by lastmod, then by the date or number in the name.
    """
    articles = {child: when for child, when in children.items() if not _OTHER_NAME.search(_path(child))}
    articles = articles or children

    def newness(child: str) -> tuple[bool, object, tuple[str, ...], int]:
        path = _path(child)
        date = _DATE_IN_NAME.search(path)
        number = _NUMBER_IN_NAME.search(path)
        parts = tuple(part or "" for part in date.groups()) if date else ()
        return (
            bool(_NEWS_NAME.search(path)),
            sort_time(articles[child]),
            parts,
            int(number[1][:9]) if number else 0,
        )

    return tuple(sorted(articles, key=newness, reverse=True))


def _path(url: str) -> str:
    return url_key(url).partition("/")[2]
