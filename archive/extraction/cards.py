"""Teasers of other pages that stand inside the article's region, known by structure: their heading is a link."""

from collections.abc import Iterator
from typing import cast

from lxml.html import HtmlElement

from archive.extraction.blocks import is_inward

_HEADINGS = ("h2", "h3", "h4", "h5", "h6")
_BLOCKS = (*_HEADINGS, "p", "div", "figure")
SHORT = 25  # characters; the text of a link that wraps blocks is longer if it is a teaser
CARD = 450  # characters that a teaser has at most
MUCH = (
    0.25  # of the prose; a page of which more is in teasers is a list of other pages, and those are its text
)


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


def drop_teasers(region: HtmlElement, site: str, prose: int) -> None:
    """Remove, in place, links that wrap blocks and boxes with a linked heading, if they lead to the same site."""
    found = {*_wrapping_links(region, site), *_boxes(region, site)}
    outermost = [element for element in found if found.isdisjoint(element.iterancestors())]
    if sum(_length(element) for element in outermost) < MUCH * max(prose, 1):
        for element in outermost:
            element.drop_tree()


def _length(element: HtmlElement) -> int:
    return len(" ".join("".join(element.itertext()).split()))


def _wrapping_links(region: HtmlElement, site: str) -> Iterator[HtmlElement]:
    for link in region.iter("a"):
        if len(link) == 0 or not is_inward(link.get("href"), site) or next(link.iter("h1"), None) is not None:
            continue
        if next(link.iter(*_BLOCKS), None) is not None and SHORT <= _length(link) <= CARD:
            yield link


def _boxes(region: HtmlElement, site: str) -> Iterator[HtmlElement]:
    sizes: dict[HtmlElement, int] = {}
    for heading in region.iter(*_HEADINGS):
        link = _link_of(heading)
        if link is not None and is_inward(link.get("href"), site):
            box = _box(heading, region, sizes)
            if box is not None:
                yield box


def _box(heading: HtmlElement, region: HtmlElement, sizes: dict[HtmlElement, int]) -> HtmlElement | None:
    """The largest element around a heading that holds little more than it; None where its own parent holds more."""
    box = None
    for ancestor in heading.iterancestors():
        if ancestor not in sizes:
            sizes[ancestor] = _length(ancestor)
        if ancestor is region or sizes[ancestor] > CARD or next(ancestor.iter("h1"), None) is not None:
            break
        box = ancestor
    return box
