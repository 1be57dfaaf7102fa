"""Feeds: RSS 0.9x, 1.0 and 2.0, Atom, JSON Feed."""

import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from lxml import etree

from archive.models import Lead, Outlet
from crawlers.outlets import refusal
from crawlers.routes.bodies import (
    MAX_ITEMS,
    NAMES,
    RouteError,
    elements,
    inner_text,
    kind_of,
    local_name,
    plain_body,
)
from crawlers.routes.texts import MAX_HEADLINE_CHARACTERS, local_time, plain_text, resolve

MAX_CONTENT_CHARACTERS = 200_000  # of the full text an item carries
FULL_TEXT_CHARACTERS = 1_500  # a description longer than this is taken for the full text as well
PUBLISHED = ("pubdate", "published", "issued", "date", "created")  # dc:date is "date"
MODIFIED = ("updated", "modified", "lastbuilddate")

_ABOUT = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}about"
_SURROGATES = re.compile("[\ud800-\udfff]")  # halves of a pair, which JSON can write and no table takes
_MEDIA_NAME = re.compile(r"/mrss|^(?:media|itunes):|itunes\.com")  # of pictures and sounds, not of the item


def read_feed(body: bytes, url: str, outlet: Outlet, content_type: str | None = None) -> list[Lead]:
    """Return a feed's items as leads, in its order, each address once, at most ``MAX_ITEMS``.

    Links are resolved but not judged: see `crawlers.outlets.refusal`. Items without any link are left out.
    Broken XML is read as far as it goes. Raises RouteError where ``body`` is no feed.
    """
    text = plain_body(body, content_type)
    kind = kind_of(text)
    if kind == "feed":
        items = (_xml_item(element, url, outlet) for element in elements(text, ("item", "entry")))
    elif kind == "json-feed":
        items = (_json_item(item, url, outlet) for item in _json_items(text))
    else:
        raise RouteError(f"{NAMES.get(kind, kind)} instead of a feed")
    leads: dict[str, Lead] = {}
    for lead in items:
        if lead is not None:
            leads.setdefault(lead.url, lead)
        if len(leads) >= MAX_ITEMS:
            break
    return list(leads.values())


def _xml_item(item: etree._Element, url: str, outlet: Outlet) -> Lead | None:
    fields: dict[str, list[etree._Element]] = {}
    for child in item:
        fields.setdefault(local_name(child), []).append(child)
    base = _base(url, outlet)
    base = resolve(base, item.base or "") or base
    link = _choose_link([resolve(base, link) for link in _links(item, fields)], outlet)
    if not link:
        return None
    summary = _markup(fields, "summary", "description", "subtitle")
    content = _markup(fields, "encoded", "content") or (summary if _is_full_text(summary) else "")
    return Lead(
        url=link,
        outlet=outlet.id,
        via="feed",
        route=url,
        headline=plain_text(_markup(fields, "title"), MAX_HEADLINE_CHARACTERS),
        summary=plain_text(summary),
        published_local=_first_time(fields, PUBLISHED, outlet),
        modified_local=_first_time(fields, MODIFIED, outlet),
        content=content[:MAX_CONTENT_CHARACTERS],
    )


def _links(item: etree._Element, fields: dict[str, list[etree._Element]]) -> Iterator[str]:
    """Yield what may be the article's address, the likeliest first."""
    for element in fields.get("origlink", ()):  # FeedBurner's: the link itself leads through its counter
        yield inner_text(element)
    alternates = [e for e in fields.get("link", ()) if e.get("rel", "alternate") == "alternate"]
    for element in sorted(alternates, key=lambda e: e.get("type", "text/html") != "text/html"):
        yield element.get("href") or inner_text(element)
    for element in fields.get("guid", ()):
        if element.get("isPermaLink", "true").lower() != "false":
            yield _if_address(inner_text(element))
    for element in fields.get("id", ()):
        yield _if_address(inner_text(element))
    yield item.get(_ABOUT, "")


def _base(url: str, outlet: Outlet) -> str:
    """Return what relative links are read against: of a feed on a host of its own, the homepage."""
    return url if urlsplit(url).netloc == urlsplit(outlet.homepage).netloc else outlet.homepage


def _if_address(text: str) -> str:
    return text if text.startswith(("http://", "https://")) else ""


def _choose_link(links: list[str], outlet: Outlet) -> str:
    """Prefer the first that is the outlet's own; where none is, the first stays, to be refused by name."""
    named = list(dict.fromkeys(link for link in links if link))
    if len(named) == 1:
        return named[0]
    return next((link for link in named if refusal(link, outlet) is None), named[0] if named else "")


def _markup(fields: dict[str, list[etree._Element]], *names: str) -> str:
    """Return the longest text or markup under the first of these names that has any, media's aside."""
    for name in names:
        found = [_inner_markup(e) for e in fields.get(name, ()) if not _MEDIA_NAME.search(str(e.tag))]
        if any(found):
            return max(found, key=len)
    return ""


def _inner_markup(element: etree._Element) -> str:
    if len(element) == 0:
        return inner_text(element)
    parts = [element.text or ""]
    for child in element:
        child_markup = etree.tostring(child, encoding="unicode", method="html")
        parts.append(child_markup)
    return "".join(parts).strip()


def _is_full_text(markup: str) -> bool:
    return len(markup) > FULL_TEXT_CHARACTERS and len(plain_text(markup)) > FULL_TEXT_CHARACTERS


def _first_time(
    fields: dict[str, list[etree._Element]], names: tuple[str, ...], outlet: Outlet
) -> str | None:
    for name in names:
        for element in fields.get(name, ()):
            found = local_time(inner_text(element), outlet)
            if found:
                return found
    return None


def _json_items(text: bytes) -> list[dict[str, Any]]:
    try:
        feed = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise RouteError(f"broken JSON instead of a feed: {str(error)[:100]}") from error
    items = feed.get("items") if isinstance(feed, dict) else None
    if not isinstance(items, list):
        raise RouteError("JSON without items instead of a feed")
    return [item for item in items if isinstance(item, dict)]


def _json_item(item: dict[str, Any], url: str, outlet: Outlet) -> Lead | None:
    def text(name: str) -> str:
        value = item.get(name)
        return _SURROGATES.sub("", value) if isinstance(value, str) else ""

    links = [text("url"), _if_address(text("id")), text("external_url")]
    link = _choose_link([resolve(_base(url, outlet), link) for link in links], outlet)
    if not link:
        return None
    content = text("content_html")
    return Lead(
        url=link,
        outlet=outlet.id,
        via="feed",
        route=url,
        headline=plain_text(text("title"), MAX_HEADLINE_CHARACTERS),
        summary=plain_text(text("summary") or text("content_text") or content),
        published_local=local_time(text("date_published"), outlet),
        modified_local=local_time(text("date_modified"), outlet),
        content=content[:MAX_CONTENT_CHARACTERS],
    )
