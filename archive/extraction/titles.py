"""The headline out of its variants: og:title, JSON-LD headline, h1 and <title>, less the outlet's own name."""

import re
from collections.abc import Iterator

from lxml.html import HtmlElement

from archive.extraction.encoding import normalise
from archive.extraction.moments import fold
from archive.extraction.structured import Structured, text_of

_SEPARATOR = re.compile(r"\s+(?:[|–—•·»:~]|-|::|\\|//|&#8211;)\s+|\s*\|\s*|\s*»\s*")
_SQUASH = re.compile(r"[\W_]+")


def find_titles(root: HtmlElement | None, found: Structured, feed_headline: str = "") -> list[str]:
    """Return the variants of the headline, the believed one first; empty where there is none."""
    headings = list(_headings(root)) if root is not None else []
    headline = _tidy(text_of(found.article.get("headline")) or text_of(found.article.get("name")))
    social = _tidy(
        found.first("og:title", "twitter:title", "title", "dc.title", "sailthru.title", "parsely-title")
    )
    window = _tidy(found.title)
    variants = [v for v in (headline, *headings, social, window, _tidy(feed_headline)) if v]
    title = _without_site(social, found, [headline, *headings, window], feed_headline)
    if not title:
        title = (
            headline
            or (headings[0] if headings else "")
            or _without_site(window, found, [], feed_headline)
            or _tidy(feed_headline)
        )
    return list(dict.fromkeys([title, *variants])) if title else variants


def _headings(root: HtmlElement) -> Iterator[str]:
    for element in list(root.iter("h1"))[:3]:
        if text := _tidy(element.text_content()):
            yield text


def _tidy(text: str) -> str:
    return " ".join(normalise(text).split())


def _key(text: str) -> str:
    return _SQUASH.sub(" ", fold(text)).strip()


def _without_site(title: str, found: Structured, others: list[str], feed: str) -> str:
    """Cut "… | Outlet" off where the rest is a headline that another source gives, or the tail is the site's name."""
    if not title:
        return ""
    known = {_key(other) for other in [*others, feed] if other}
    sites = {_key(name) for name in _site_names(found) if name}
    if _key(title) in known and not any(_key(title).endswith(" " + site) for site in sites):
        return title
    pieces = [(m.start(), m.end()) for m in _SEPARATOR.finditer(title)]
    for start, end in pieces:
        head, tail = title[:start], title[end:]
        if _key(head) in known or (_key(tail) in sites and len(head.split()) > 2):
            return head.strip()
    for start, end in reversed(pieces):
        head, tail = title[:start], title[end:]
        if _key(tail) in known and _key(head) in sites:
            return tail.strip()
    return title


def _site_names(found: Structured) -> Iterator[str]:
    yield found.first("og:site_name", "application-name", "al:ios:app_name")
    yield text_of(found.article.get("publisher"))
    site = found.first("twitter:site").lstrip("@")
    if site:
        yield site
