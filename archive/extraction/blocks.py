"""The text as a list of blocks: paragraphs, headings, list items, quotations and table rows, in order."""

import re
from dataclasses import dataclass
from typing import Literal

from lxml.etree import _Element

from archive.extraction.encoding import normalise

Kind = Literal["p", "head", "item", "quote", "row"]

_SPACE = re.compile(r"[ \t\r\f\v\xa0\u2000-\u200a\u202f\u3000]+")


@dataclass(frozen=True, slots=True)
class Block:
    """One paragraph or its like."""

    kind: Kind
    text: str
    link_share: float = 0.0  # of its characters that are link text
    group: int = 0  # items of one list and rows of one table share it

    @property
    def words(self) -> int:
        """The number of words."""
        return self.text.count(" ") + 1


def flatten(body: _Element) -> list[Block]:
    """Return the blocks of a body as trafilatura builds it (p, head, list, quote, table, code, hi, ref, lb)."""
    blocks: list[Block] = []
    for number, element in enumerate(body):
        _flatten(element, number, blocks)
        _add(blocks, "p", element.tail or "", 0, number)
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
            _add(blocks, "row", text, _linked(row), number)
    elif tag in ("quote", "body", "div") and element.find("p") is not None:
        _add(blocks, "quote" if tag == "quote" else "p", element.text or "", 0, number)
        for child in element:
            _flatten(child, number, blocks)
            _add(blocks, "p", child.tail or "", 0, number)
    else:
        _lines(element, "head" if tag == "head" else "quote" if tag == "quote" else "p", number, blocks)


def _lines(element: _Element, kind: Kind, number: int, blocks: list[Block]) -> None:
    """Add an element's text, cut where a line break stands."""
    linked = _linked(element)
    text = "".join(_pieces(element))
    lines = [line for line in text.split("\n\x00") if line.strip()]
    for line in lines:
        _add(blocks, kind, line, linked if len(lines) == 1 else 0, number)


def _pieces(element: _Element) -> list[str]:
    pieces = [element.text or ""]
    for child in element:
        if child.tag in ("lb", "p", "list", "item", "quote", "head", "row"):
            pieces.append("\n\x00")
        pieces.extend(_pieces(child))
        if child.tag in ("p", "list", "item", "quote", "head", "row"):
            pieces.append("\n\x00")
        pieces.append(child.tail or "")
    return pieces


def _linked(element: _Element) -> int:
    return sum(len(_all_text(link)) for link in element.iter("ref"))


def _all_text(element: _Element, between: str = "") -> str:
    return between.join(str(text) for text in element.itertext())


def _add(blocks: list[Block], kind: Kind, text: str, linked: int, number: int) -> None:
    text = _SPACE.sub(" ", normalise(text, soft_hyphens=True)).replace("\n", " ").strip()
    text = _SPACE.sub(" ", text)
    if any(c.isalnum() for c in text):
        blocks.append(Block(kind, text, min(1.0, linked / len(text)), number))
