"""Section pages: the headlines they list, and where the list goes on."""

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlsplit

import lxml.html
from lxml import etree

from archive.extraction.encoding import decode
from archive.extraction.parsing import tamed
from archive.models import Lead, Outlet
from archive.urls import same_page, url_key
from crawlers.frontier import newness, spread
from crawlers.outlets import refusal
from crawlers.routes.bodies import NAMES, RouteError, kind_of, plain_body
from crawlers.routes.links import is_article_address, may_be_article_address
from crawlers.routes.texts import plain_text, resolve

MAX_SECTION_LEADS = 1_000  # links of one page
MAX_HEADLINE_CHARACTERS = 400  # a longer link text is a whole card, not its headline
MIN_HEADLINE_WORDS = 4
MAX_LINKS = 3_000  # of one page that are looked at
MAX_ANCESTORS = 40  # of a link, in which a menu is looked for
MAX_CARD_PARTS = 30  # elements directly in what is still one article's card

_OUTSIDE = {"nav", "footer", "form", "menu"}
_OUTSIDE_ROLE = re.compile(r"^(?:navigation|contentinfo|menu|menubar|search|dialog)$")
_OUTSIDE_NAME = re.compile(
    r"(?:^|[\s_-])(?:nav|navbar|navigation|menu|submenu|footer|breadcrumbs?|migas|cookies?|consent|newsletter|social|share)"
    r"(?:$|[\s_-])",
    re.IGNORECASE,
)
_MORE = re.compile(r"^(?:leer|lee|ver|read|see|seguir|continue|sigue|full|nota)\b.{0,25}$", re.IGNORECASE)
_NEXT_WORDS = re.compile(
    r"^\W*(?:p[aá]gina siguiente|siguientes?(?: p[aá]gina)?|next(?: page| posts)?"
    r"|older(?: posts| entries| stories| articles)?|previous (?:posts|entries)"
    r"|(?:m[aá]s |entradas |notas |noticias )?(?:antiguas|anteriores)"
    r"|(?:load|view|show|see) more(?: \w+)?|(?:ver|cargar|mostrar) m[aá]s(?: \w+)?"
    r"|m[aá]s noticias|more (?:news|stories)"
    r")\W*$|^\W*[»›→]\W*$",
    re.IGNORECASE,
)
_PAGE_PARAMETERS = {"page", "pagina", "pag", "paged", "p", "pg", "pagenum", "start", "offset", "index"}
_PAGE_PATH = re.compile(r"/(?:page|pagina|pag|p)[/-]?(\d{1,4})(?=/|\.|$)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class SectionContents:
    """What a section page lists, and the address of the page after it."""

    leads: tuple[Lead, ...] = ()
    next_page: str | None = None


def read_section(body: bytes, url: str, outlet: Outlet, content_type: str | None = None) -> SectionContents:
    """Return the articles of the outlet that a section page links to, in its order, with their headlines.

    Menus, footers, sections, tags, authors and files are left out; so are other hosts. Raises RouteError
    where ``body`` is no HTML page.
    """
    kind = kind_of(plain_body(body[:200_000] if body[:2] != b"\x1f\x8b" else body, content_type))
    if kind != "html":
        raise RouteError(f"{NAMES.get(kind, kind)} instead of a section page")
    root = parse_page(body, content_type)
    if root is None:
        raise RouteError("nothing that can be read as HTML")
    base = resolve(url, root.xpath("string(//base/@href)")) or url
    links = links_of(root, base)
    headlines: dict[str, tuple[str, str]] = {}  # by key: the address, and the longest that is said of it
    for link, anchor in links:
        if not _is_candidate(link, url, outlet) or is_in_menu(anchor):
            continue
        known, headline = headlines.get(url_key(link), (link, ""))
        headlines[url_key(link)] = (known, max(headline, _headline(anchor), key=len))
    leads = [
        Lead(url=link, outlet=outlet.id, via="section", route=url, headline=headline)
        for link, headline in headlines.values()
        if is_article_address(link) or len(headline.split()) >= MIN_HEADLINE_WORDS
    ]
    return SectionContents(
        leads=tuple(
            spread(leads, MAX_SECTION_LEADS, lambda lead: lead.url, lambda lead: newness(lead.url, None))
        ),
        next_page=_next_page(root, links, url, outlet),
    )


def links_of(root: lxml.html.HtmlElement, base: str) -> list[tuple[str, lxml.html.HtmlElement]]:
    """Return the links of a page with their addresses; of more than ``MAX_LINKS`` the first and the last."""
    anchors = [anchor for anchor in root.iter("a") if anchor.get("href")]
    if len(anchors) > MAX_LINKS:
        anchors = anchors[: MAX_LINKS * 2 // 3] + anchors[-MAX_LINKS // 3 :]
    return [(resolve(base, anchor.get("href")), anchor) for anchor in anchors]


def parse_page(body: bytes, content_type: str | None) -> lxml.html.HtmlElement | None:
    """Return an HTML page as a tree, however broken; None where there is nothing to be made of it."""
    text, _ = decode(plain_body(body) if body[:2] == b"\x1f\x8b" else body, content_type)
    parser = lxml.html.HTMLParser(encoding="utf-8", no_network=True)
    try:
        return lxml.html.document_fromstring(tamed(text).encode("utf-8", "replace"), parser=parser)
    except (etree.ParserError, etree.XMLSyntaxError, ValueError, AssertionError):
        return None


def _is_candidate(link: str, url: str, outlet: Outlet) -> bool:
    if not link.startswith(("http://", "https://")) or refusal(link, outlet) is not None:
        return False
    if not (may_be_article_address(link) or is_article_address(link)):
        return False
    return not any(same_page(link, other) for other in (url, outlet.homepage, *outlet.sections))


def is_in_menu(anchor: lxml.html.HtmlElement) -> bool:
    """Say whether a link lies in a menu, a footer or another part that is the same on every page."""
    for element in itertools.islice(anchor.iterancestors(), MAX_ANCESTORS):
        if element.tag in _OUTSIDE or _OUTSIDE_ROLE.match(element.get("role") or ""):
            return True
        if element.tag in ("body", "main", "article", "html"):
            return False
        if _OUTSIDE_NAME.search(f"{element.get('id') or ''} {element.get('class') or ''}"):
            return True
    return False


def _headline(anchor: lxml.html.HtmlElement) -> str:
    """Return what a link says of its article; of a picture or a bare *read more*, what stands beside it."""
    headings = anchor.xpath(".//h1|.//h2|.//h3|.//h4|.//h5|.//h6")
    parts = [_words(part) for part in headings or anchor.xpath(".//p|.//div[not(div or p)]")] or [
        _words(anchor)
    ]
    text = next((part for part in parts if len(part.split()) >= MIN_HEADLINE_WORDS), max(parts, key=len))
    text = text[:MAX_HEADLINE_CHARACTERS]
    if len(text.split()) >= MIN_HEADLINE_WORDS and not _MORE.match(text):
        return text
    titles = (
        anchor.get("title") or "",
        anchor.get("aria-label") or "",
        *_beside(anchor),
        *anchor.xpath(".//img/@alt"),
    )
    return next(
        (words for title in titles if len((words := plain_text(title)).split()) >= MIN_HEADLINE_WORDS), text
    )


def _beside(anchor: lxml.html.HtmlElement) -> Iterator[str]:
    """Yield the heading of the card an anchor lies in, if the card is about that link alone."""
    for element in itertools.islice(anchor.iterancestors("article", "li", "section", "div"), 4):
        if next(itertools.islice(element, MAX_CARD_PARTS, None), None) is not None:  # len() would count all
            return
        headings = element.xpath(".//h1|.//h2|.//h3|.//h4")
        if headings:
            if len(headings) == 1:
                yield _words(headings[0])
            return


def _words(element: lxml.html.HtmlElement) -> str:
    parts = (part for part in element.itertext() if isinstance(part, str))
    return plain_text(" ".join(parts).replace("<", " ").replace("&", "&amp;"))


def _next_page(
    root: lxml.html.HtmlElement, links: list[tuple[str, lxml.html.HtmlElement]], url: str, outlet: Outlet
) -> str | None:
    base = resolve(url, root.xpath("string(//base/@href)")) or url
    said = [
        (resolve(base, link.get("href") or ""), link)
        for link in itertools.islice(root.iter("link"), MAX_LINKS)
    ]
    for link, element in said + links:
        is_next = "next" in (element.get("rel") or "").lower().split()
        is_list = _page_number(link) is not None or not is_article_address(link)
        if is_next and is_list and _usable_page(link, url, outlet):
            return link
    following, stem = (_page_number(url) or 1) + 1, _stem(url)
    for link, _ in links:
        if _page_number(link) == following and _stem(link) == stem and _usable_page(link, url, outlet):
            return link
    for link, anchor in links:
        label = _words(anchor)[:60] or anchor.get("title") or anchor.get("aria-label") or ""
        if _NEXT_WORDS.match(label) and _usable_page(link, url, outlet) and _continues(link, url):
            return link
    return None


def _usable_page(link: str, url: str, outlet: Outlet) -> bool:
    return refusal(link, outlet) is None and not same_page(link, url) and not same_page(link, outlet.homepage)


def _continues(link: str, url: str) -> bool:
    """Say whether a page can be a list's next one: it is numbered, or lies at or below the same path."""
    path = url_key(url).partition("?")[0]
    below = "/" in path and url_key(link).startswith(path)
    return _page_number(link) is not None or (below and not is_article_address(link))


def _page_number(url: str) -> int | None:
    try:
        parts = urlsplit(url)
        parameters = parse_qsl(parts.query)
    except ValueError:
        return None
    for name, value in parameters:
        if name.lower() in _PAGE_PARAMETERS and value.isdecimal() and len(value) <= 4:
            return int(value)
    match = _PAGE_PATH.search(parts.path)
    return int(match[1]) if match else None


def _stem(url: str) -> str:
    return _PAGE_PATH.sub("", url_key(url).partition("?")[0]).rstrip("/")
