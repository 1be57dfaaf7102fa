"""The headline out of its variants: og:title, JSON-LD headline, h1 and <title>, less the outlet's own name."""

import re
from collections.abc import Iterator

from lxml.html import HtmlElement

from archive.extraction.encoding import normalise
from archive.extraction.moments import fold
from archive.extraction.structured import Structured, text_of

_SEPARATOR = re.compile(r"\s+(?:[|–—•·»:~]|-|::|\\|//|&#8211;)\s+|\s*\|\s*|\s*»\s*")
_SQUASH = re.compile(r"[\W_]+")


def find_titles(
    root: HtmlElement | None, found: Structured, feed_headline: str = "", site: str = ""
) -> list[str]:
    """Return the variants of the headline, the believed one first; empty where there is none.

    og:title comes first: it is written for people, where the others are as often written for search engines.
    ``site`` is what names the site in its hosts, to know its name in a headline.
    """
    sites = [name for name in (*map(_squashed, _site_names(found)), site) if name]
    headings = list(_headings(root, found.title, sites)) if root is not None else []
    declared = _tidy(text_of(found.article.get("headline")) or text_of(found.article.get("name")))
    social = _tidy(
        found.first("og:title", "twitter:title", "title", "dc.title", "sailthru.title", "parsely-title")
    )
    window, feed = _tidy(found.title), _tidy(feed_headline)
    heading = headings[0] if headings else ""
    shown = [declared, heading]
    if _opens(window, heading) and not (_alike(declared, heading) or _alike(declared, window)):
        shown.reverse()  # what is declared is a description: the page and its window are called otherwise
    offers = [
        _without_site(social, sites, [declared, *headings, window, feed]),
        *shown,
        _without_site(window, sites, [declared, *headings, feed]),
        feed,
    ]
    filled = [offer for offer in offers if offer]
    again = [text for text in headings[1:] if any(_alike(text, other) for other in (*filled, social, window))]
    return list(dict.fromkeys(text for text in (*filled, *again, social, window) if text))


def _alike(one: str, other: str) -> bool:
    """Whether two headings share half of their words: a second <h1> that does not is a subheading."""
    words, others = set(_key(one).split()), set(_key(other).split())
    return 2 * len(words & others) >= len(words | others) > 0


def _headings(root: HtmlElement, window: str, sites: list[str]) -> Iterator[str]:
    """The texts of the first <h1>s less the site's name, first the one with which the <title> begins.

    Without any, a lower heading with which the <title> begins.
    """
    texts = [text for element in list(root.iter("h1"))[:4] if (text := _tidy(element.text_content()))]
    texts = [text for text in texts if not (len(text.split()) <= 2 and _names_site(text, sites))]
    opening = [text for text in texts if _opens(window, text)]
    lower = (_tidy(element.text_content()) for element in list(root.iter("h2", "h3"))[:12])
    if not opening and not any(_alike(text, window) for text in texts):
        opening = [text for text in lower if len(text) >= 15 and _opens(window, text)][:1]
    yield from dict.fromkeys([*opening, *texts])


def _opens(window: str, text: str) -> bool:
    return _key(window).startswith(_key(text))


def _tidy(text: str) -> str:
    return " ".join(normalise(text).split()).rstrip("¶ ")


def _key(text: str) -> str:
    return _SQUASH.sub(" ", fold(text)).strip()


def _squashed(text: str) -> str:
    return _key(text).replace(" ", "")


def _without_site(title: str, sites: list[str], others: list[str]) -> str:
    """Cut "… | Outlet" off where the rest is what another source gives, or where the tail is the site's name."""
    if not title:
        return ""
    known = {_key(other) for other in others if other}
    for other in sorted(filter(None, others), key=len):
        if len(other) >= 15 and title.startswith(other) and 0 < len(title) - len(other) <= 45:
            return other
    pieces = [(m.start(), m.end()) for m in _SEPARATOR.finditer(title)]
    if _key(title) in known and not any(_names_site(title[end:], sites) for _, end in pieces):
        return title
    for start, end in pieces:
        head, tail = title[:start], title[end:]
        if _key(head) in known or (_names_site(tail, sites) and len(head.split()) > 2):
            return head.strip()
    for start, end in reversed(pieces):
        head, tail = title[:start], title[end:]
        if (_key(tail) in known or len(tail.split()) > 4) and _names_site(head, sites):
            return tail.strip()
    return title


def _names_site(text: str, sites: list[str]) -> bool:
    """Whether a few words are the site's name, or have it among them."""
    squashed, words = _squashed(text), _key(text).split()
    if squashed in sites:
        return True
    return len(words) <= 6 and any(site in words or (len(site) >= 6 and site in squashed) for site in sites)


def _site_names(found: Structured) -> Iterator[str]:
    yield found.first("og:site_name", "application-name", "al:ios:app_name")
    yield text_of(found.article.get("publisher"))
    site = found.first("twitter:site").lstrip("@")
    if site:
        yield site
