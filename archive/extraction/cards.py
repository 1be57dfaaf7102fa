"""Teasers of other pages that stand inside the article's region, known by structure: their heading is a link."""

import re
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import cast

from lxml.html import HtmlElement

from archive.extraction.blocks import is_inward

_HEADINGS = ("h2", "h3", "h4", "h5", "h6")
_BLOCKS = (*_HEADINGS, "p", "div", "figure")
SHORT = 25  # characters; the text of a link that wraps blocks is longer if it is a teaser
CARD = 450  # characters that a teaser has at most
MUCH = (
    0.4  # of the prose; a page of which more is in teasers is a list of other pages, and those are its text
)
LABEL = 40  # characters of the heading over a box of teasers
SIGN_UP = 350  # characters around a form that asks for an address to write to
_ADDRESS = re.compile(r"e-?mail|correo", re.I)


def is_linked(heading: HtmlElement) -> bool:
    """Whether a heading is, or lies in, a link to another page; the anchors of documentation lead to itself."""
    return _link_of(heading) is not None


def _link_of(heading: HtmlElement) -> HtmlElement | None:
    parent = heading.getparent()
    around = [parent] if parent is not None and parent.tag == "a" else []
    whole = _length(heading)
    for link in (*around, *heading.iter("a")):
        if "#" not in (link.get("href") or "#") and 2 * _length(link) >= whole:
            return cast("HtmlElement", link)
    return None


def drop_teasers(region: HtmlElement, site: str, prose: int) -> bool:
    """Remove, in place, links that wrap blocks and boxes with a linked heading, if they lead to the same site.

    Returns whether there were any.
    """
    found = {*_wrapping_links(region, site), *_boxes(region, site)}
    outermost = [element for element in found if found.isdisjoint(element.iterancestors())]
    if sum(_length(element) for element in outermost) >= MUCH * max(prose, 1):
        return False
    for element in outermost:
        element.drop_tree()
    return bool(outermost)


def drop_sign_ups(region: HtmlElement, prose: int) -> None:
    """Remove, in place, forms that ask for an e-mail address, with the few lines around that say what for."""
    sizes: dict[HtmlElement, int] = {}
    stops = _around(region.iter("h1"))
    for form in list(region.iter("form")):
        if form.getparent() is None or not any(map(_asks_address, form.iter("input"))):
            continue
        box = _box(form, region, sizes, SIGN_UP, stops)
        box = form if box is None else box
        gone = box.getparent() is None  # with another form's box
        if not gone and _length(box) < 0.25 * max(prose, 1):
            box.drop_tree()


def _asks_address(field: HtmlElement) -> bool:
    named = " ".join(
        filter(None, (field.get("type"), field.get("name"), field.get("placeholder"), field.get("id")))
    )
    return bool(_ADDRESS.search(named))


def _length(element: HtmlElement, most: int = CARD) -> int:
    """The characters of an element's text without those around its pieces; some number over ``most`` if it has more."""
    length = 0
    for piece in element.itertext():
        length += len(piece.strip())
        if length > most:
            break
    return length


def _wrapping_links(region: HtmlElement, site: str) -> Iterator[HtmlElement]:
    for link in region.iter("a"):
        if len(link) == 0 or not is_inward(link.get("href"), site) or next(link.iter("h1"), None) is not None:
            continue
        if next(link.iter(*_BLOCKS), None) is not None and SHORT <= _length(link) <= CARD:
            yield link


def _boxes(region: HtmlElement, site: str) -> Iterator[HtmlElement]:
    sizes: dict[HtmlElement, int] = {}
    others = (h for h in region.iter(*_HEADINGS) if _length(h) > LABEL and not is_linked(h))
    stops = _around(chain(region.iter("h1"), others))
    for heading in region.iter(*_HEADINGS):
        link = _link_of(heading)
        if link is not None and is_inward(link.get("href"), site):
            box = _box(heading, region, sizes, CARD, stops)
            if box is not None:
                yield box


def _around(elements: Iterable[HtmlElement]) -> set[HtmlElement]:
    """All that holds one of these elements: no box of another may be so large."""
    return {ancestor for element in elements for ancestor in element.iterancestors()}


def _box(
    core: HtmlElement, region: HtmlElement, sizes: dict[HtmlElement, int], most: int, stops: set[HtmlElement]
) -> HtmlElement | None:
    """The largest element around another with at most so many characters; None where its parent holds more."""
    box = None
    for ancestor in core.iterancestors():
        if ancestor not in sizes:
            sizes[ancestor] = _length(ancestor, most)
        if ancestor is region or sizes[ancestor] > most or ancestor in stops:
            break
        box = ancestor
    return box
