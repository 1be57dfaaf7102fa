"""The text as a list of blocks: paragraphs, headings, list items, quotations and table rows, in order."""

import re
from dataclasses import dataclass, field
from typing import Literal

from lxml import etree
from lxml.etree import _Element
from lxml.html import HtmlElement

from archive.extraction.encoding import normalise

Kind = Literal["p", "head", "item", "quote", "row"]


@dataclass(frozen=True, slots=True)
class Block:
    """One paragraph or its like."""

    kind: Kind
    text: str
    link_share: float = 0.0  # of its characters that are link text
    inward: float = 0.0  # of its characters that are link text and lead to the same site
    group: int = 0  # items of one list and rows of one table share it
    words: int = field(init=False, repr=False, compare=False)  # asked for some ten times each

    def __post_init__(self) -> None:
        object.__setattr__(self, "words", self.text.count(" ") + 1)


# Where links begin and end, as characters in the text itself. trafilatura can keep links as elements instead, but
# then cuts text that is in no paragraph at each of them, and joins words.
_INWARD, _OUTWARD, _END = "\ue000", "\ue001", "\ue002"
_LINKED = re.compile(f"[{_INWARD}{_OUTWARD}]([^{_INWARD}{_OUTWARD}{_END}]*)")
_LINKED_INWARD = re.compile(f"{_INWARD}([^{_INWARD}{_OUTWARD}{_END}]*)")
_MARKS = re.compile(f"[{_INWARD}{_OUTWARD}{_END}]")


_DENSE = re.compile("[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")


def weight(text: str) -> int:
    """The length of a text in characters, those of Chinese, Japanese and Korean counted twice: they say more."""
    return len(text) if text.isascii() else len(text) + len(_DENSE.findall(text))


ANCHORS = " ¶§#🔗"  # what documentation sets after a heading as a link to itself


def is_inward(target: str | None, site: str) -> bool:
    """Whether a link leads to a page of this site: is relative, or has the site's name as a part of its host."""
    if not target:
        return False
    if not target.startswith(("http:", "https:", "//")):
        return True
    host = target.split("/", 3)[2].partition(":")[0].lower()
    return bool(site) and (host == site or site in host.split("."))


def mark_links(root: HtmlElement, site: str) -> None:
    """Set, in place, marks around the text of every link; ``site`` is as `site_name` gives it.

    Links that leave the site are then no elements any more: trafilatura takes what is full of links for navigation,
    and that leads to pages of the same site.
    """
    for link in list(root.iter("a")):
        if not _all_text(link).strip():
            continue
        inward = is_inward(link.get("href"), site)
        link.text = (_INWARD if inward else _OUTWARD) + (link.text or "")
        if len(link):
            link[-1].tail = (link[-1].tail or "") + _END
        else:
            link.text += _END
        if not inward:
            link.tag = _LEAVING
    # All at once: one by one takes time that grows with the square of their number.
    etree.strip_tags(root, _LEAVING)


_LEAVING = "leaving"  # the tag of a link out of the site until it is none


def unmarked(text: str) -> str:
    """Return text without the marks of links."""
    return _MARKS.sub("", text)


def link_shares(text: str) -> tuple[float, float]:
    """Return which share of a marked text's characters are link text, and which lead to the same site."""
    length = len(" ".join(unmarked(text).split())) or 1
    shares = (sum(map(len, pattern.findall(text))) / length for pattern in (_LINKED, _LINKED_INWARD))
    linked, inward = (min(1.0, share) for share in shares)
    return linked, inward


def flatten(body: _Element) -> list[Block]:
    """Return the blocks of a body as trafilatura builds it (p, head, list, quote, table, code, hi, ref, lb)."""
    blocks: list[Block] = []
    for number, element in enumerate(body):
        _flatten(element, number, blocks)
        _add(blocks, "p", element.tail or "", number)
    return blocks


def _flatten(element: _Element, number: int, blocks: list[Block]) -> None:
    tag = element.tag
    if tag == "list":
        for item in element.iterchildren("item"):
            _lines(item, "item", number, blocks)
    elif tag == "table":
        for row in element.iter("row"):
            cells = [_all_text(cell, " ") for cell in row.iterchildren("cell")]
            text = " | ".join(filter(None, (" ".join(cell.split()) for cell in cells)))
            _add(blocks, "row", text, number)
    elif tag in ("quote", "body", "div") and element.find("p") is not None:
        _add(blocks, "quote" if tag == "quote" else "p", element.text or "", number)
        for child in element:
            _flatten(child, number, blocks)
            _add(blocks, "p", child.tail or "", number)
    else:
        _lines(element, "head" if tag == "head" else "quote" if tag == "quote" else "p", number, blocks)


def _lines(element: _Element, kind: Kind, number: int, blocks: list[Block]) -> None:
    """Add an element's text, cut where a line break stands."""
    for line in "".join(_pieces(element)).split("\n\x00"):
        _add(blocks, kind, line, number)


def _pieces(element: _Element) -> list[str]:
    pieces = [element.text or ""]
    for child in element:
        if child.tag in ("lb", "p", "list", "item", "quote", "head", "row"):
            pieces.append("\n\x00")
        pieces.extend(_pieces(child))
        if child.tag in ("td", "th", "cell"):
            pieces.append(" ")
        if child.tag in ("p", "list", "item", "quote", "head", "row"):
            pieces.append("\n\x00")
        pieces.append(child.tail or "")
    return pieces


def _all_text(element: _Element, between: str = "") -> str:
    return between.join(str(text) for text in element.itertext())


def _add(blocks: list[Block], kind: Kind, text: str, number: int) -> None:
    linked, inward = link_shares(text) if _MARKS.search(text) else (0.0, 0.0)
    text = " ".join(normalise(unmarked(text), soft_hyphens=True).split())
    if kind == "head":
        text = text.rstrip(ANCHORS)
    if any(c.isalnum() for c in text):
        blocks.append(Block(kind, text, linked, inward, number))
