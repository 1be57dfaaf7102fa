"""One parse of one page into one tree."""

import re
from typing import cast

from lxml import etree
from lxml.html import HtmlElement

from archive.extraction.errors import ExtractionError

_SIGNATURES = (
    (b"%PDF", "a PDF"),
    (b"\x89PNG", "a picture"),
    (b"GIF8", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
    (b"PK\x03\x04", "a ZIP or Office file"),
    (b"\x1f\x8b", "still compressed"),
    (b"ID3", "a sound file"),
    (b"\x00\x00\x00\x18ftyp", "a film"),
    (b"\x00\x00\x00 ftyp", "a film"),
)
# No more levels of elements are kept, and no tag with more attributes: the libraries' time grows with their square.
# Of 149 real article pages the deepest has 35 levels.
MAX_DEPTH = 200
MAX_ATTRIBUTES = 1_000
_DEEPEST = etree.XPath("/*" * MAX_DEPTH)
LONG_TAG = 10_000  # characters; a shorter one cannot have so many
_LONG_TAG = re.compile(rf"<([a-zA-Z][\w:-]*)\s[^<>]{{{LONG_TAG},}}>")
_CONTENT_TYPES = (
    "image/",
    "audio/",
    "video/",
    "font/",
    "application/pdf",
    "application/zip",
    "application/octet-stream",
)


def refuse_non_pages(body: bytes, content_type: str | None) -> None:
    """Raise ExtractionError where the bytes are something other than markup."""
    for signature, what in _SIGNATURES:
        if body.startswith(signature):
            raise ExtractionError(f"not a page but {what}")
    kind = (content_type or "").split(";")[0].strip().lower()
    if kind.startswith(_CONTENT_TYPES) and b"<" not in body[:1000]:
        raise ExtractionError(f"not a page but {kind}")


def parse(text: str) -> HtmlElement | None:
    """Return the root of a page's tree; None where the text holds no markup at all.

    Raises ExtractionError where it cannot be parsed, and MemoryError.
    """
    # One class for all elements: lxml's per-tag lookup in Python costs a tenth of an extraction.
    lookup = etree.ElementDefaultClassLookup(element=HtmlElement)
    parser = etree.HTMLParser(encoding="utf-8", remove_comments=True, remove_pis=True, huge_tree=True)
    parser.set_element_class_lookup(lookup)
    try:
        root = etree.fromstring(tamed(text).encode("utf-8", "replace"), parser=parser)
    except etree.XMLSyntaxError as error:
        if error.code == etree.ErrorTypes.ERR_NO_MEMORY:  # type: ignore[attr-defined]
            raise MemoryError from error
        return None
    except (etree.LxmlError, ValueError, AssertionError) as error:
        raise ExtractionError(f"the markup cannot be parsed: {error}") from error
    if not isinstance(root, HtmlElement):
        return None
    for element in cast("list[HtmlElement]", _DEEPEST(root)):
        del element[:]
    return root


def tamed(text: str) -> str:
    """Return markup without the attributes of tags that have too many of them."""
    if not any(
        len(piece) - piece.rfind("<") > LONG_TAG for piece in text.split(">") if len(piece) > LONG_TAG
    ):
        return text
    return _LONG_TAG.sub(lambda tag: f"<{tag[1]}>" if tag[0].count("=") > MAX_ATTRIBUTES else tag[0], text)


def blank_page() -> HtmlElement:
    """Return a page with an empty <article>, whose elements are as cheap as those of `parse`."""
    page = parse("<html><body><article></article></body></html>")
    assert page is not None
    return page
