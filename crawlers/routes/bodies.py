"""What a route's answer is made of: unpacked, in UTF-8, told apart by what it says and not by its label.

Nothing a document declares is believed here: its prologue is cut off before a parser sees it, so no entity
is ever defined, expanded or fetched. Broken XML is read as far as it goes.
"""

import codecs
import re
import zlib
from collections import deque
from collections.abc import Iterable, Iterator
from itertools import chain, islice, pairwise
from typing import Literal, TypeVar

import ftfy.bad_codecs
from lxml import etree

from archive.extraction.encoding import charset_of

T = TypeVar("T")
BodyKind = Literal["feed", "json-feed", "sitemap", "sitemap-index", "url-list", "html", "empty", "other"]

NAMES = {"empty": "nothing", "other": "something unknown", "url-list": "a list of addresses"}  # in messages

MAX_ROUTE_BYTES = 10_000_000  # of a feed or sitemap, unpacked; what lies beyond is not read
MAX_ITEM_BYTES = 2_000_000  # of one item with all it carries
MAX_ITEMS = 50_000  # of one feed or sitemap: the most the sitemap protocol allows a file

_HEAD_BYTES = 64_000
_TAIL_BYTES = 4_000  # in which the end of the root element is looked for
_MAX_HEAD_BYTES = 8_000  # of the root element's tag, which is parsed with every item
_ROOT = re.compile(rb"<(?:[\w.-]+:)?(rss|feed|RDF|channel|urlset|sitemapindex)(?=[\s>/])", re.IGNORECASE)
_HTML = re.compile(rb"<!doctype\s+html|<(?:html|head|body)(?=[\s>])", re.IGNORECASE)
_URL_LINE = re.compile(rb"\s*https?://\S+\s*(?:[\r\n]|$)")
_JSON_FEED = re.compile(rb'^\s*\{.*?"(?:version|items)"\s*:', re.DOTALL)
_XML_CHARSET = re.compile(rb"<\?xml[^>]{0,200}?encoding\s*=\s*[\"']([\w.:-]+)", re.IGNORECASE)
_HEADER_CHARSET = re.compile(r"charset\s*=\s*[\"']?([\w.:-]+)", re.IGNORECASE)
_HIGH_BYTES = re.compile(rb"[\x80-\xff]+")
_BARE_AMPERSAND = re.compile(
    rb"<!\[CDATA\[.*?(?:\]\]>|\Z)|&(?!(?:amp|lt|gt|quot|apos|#\d{1,7}|#x[0-9a-fA-F]{1,6});)", re.DOTALL
)
# Halves of a character above U+FFFF, as programs write them that count in UTF-16. No XML has them.
_SURROGATES = re.compile(rb"(?:&#(?:x0*d[89a-f][0-9a-f]{2}|5[5-7]\d{3});)+", re.IGNORECASE)
_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_EBCDIC = "<?xm".encode("cp037")
_WINDOWS = {
    "iso8859-1": "sloppy-windows-1252",
    "cp1252": "sloppy-windows-1252",
    "ascii": "sloppy-windows-1252",
}
ftfy.bad_codecs.ok()  # registers the sloppy codecs


class RouteError(ValueError):
    """A route whose answer cannot be read as one; its message says what came instead."""


def plain_body(body: bytes, content_type: str | None = None) -> bytes:
    """Return an answer unpacked where it is a gzip file, in UTF-8, cut at ``MAX_ROUTE_BYTES``."""
    for _ in range(2):  # a .gz file that is served with Content-Encoding as well
        if body[:2] != b"\x1f\x8b":
            break
        body = _gunzip(body)
    return _to_utf8(body[:MAX_ROUTE_BYTES], content_type)


def classify(body: bytes, content_type: str | None = None) -> BodyKind:
    """Say what an answer is, from its beginning. The content type is only asked for its charset."""
    return kind_of(plain_body(body[: 4 * _HEAD_BYTES] if body[:2] != b"\x1f\x8b" else body, content_type))


def kind_of(text: bytes) -> BodyKind:
    """Say what a body is that `plain_body` has prepared."""
    head = text[:_HEAD_BYTES].lstrip()
    if not head:
        return "empty"
    root, html = _ROOT.search(head), _HTML.search(head)
    if root and not (html and html.start() < root.start()):
        name = root[1].lower()
        return {b"urlset": "sitemap", b"sitemapindex": "sitemap-index"}.get(name, "feed")  # type: ignore[return-value]
    if html:
        return "html"
    if _JSON_FEED.match(head):
        return "json-feed"
    if _URL_LINE.match(head):
        return "url-list"
    return "html" if re.search(rb"<(?:div|p|a|script|meta|title)[\s>]", head, re.IGNORECASE) else "other"


def peculiarities(body: bytes) -> list[str]:
    """Return what is odd about a document that can be read all the same, in words for its route's reason."""
    head = body[:_HEAD_BYTES]
    root, odd = _ROOT.search(head), []
    if root is not None and b"\x00" not in head and root[0].replace(b"<", b"</") not in body[-_TAIL_BYTES:]:
        odd.append("cut short, read as far as it goes")
    if b"<!ENTITY" in head:
        odd.append("declares entities, which are not read")
    return odd


def elements(text: bytes, names: tuple[str, ...]) -> Iterator[etree._Element]:
    """Yield the elements of these local names, in order, from XML however broken, of more than ``MAX_ITEMS`` both ends.

    Each is cut out and parsed by itself, so that what is wrong in one (a tag left open, a thousand levels)
    costs no other, and neither memory nor time grows faster than the document.
    """
    root = _ROOT.search(text)
    if root is None:
        return
    head = text[root.start() : text.find(b">", root.start()) + 1].replace(b"/>", b">")
    if len(head) > _MAX_HEAD_BYTES:
        head = b"<feed>"
    openings = re.compile(rb"<(?:[\w.-]+:)?(?:" + "|".join(names).encode() + rb")(?=[\s>])")
    parser = etree.XMLParser(
        encoding="utf-8",
        recover=True,
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
    )
    last = text.rfind(b">") + 1  # of a document cut short, what is whole of its last words
    spans = pairwise(chain((match.start() for match in openings.finditer(text, root.start())), (last,)))
    for start, end in both_ends(spans, MAX_ITEMS):
        item = _SURROGATES.sub(_join_surrogates, _bounded(text, start, end))
        item = _BARE_AMPERSAND.sub(_mend_ampersand, item)
        try:
            tree = etree.fromstring(head + item, parser)
        except etree.XMLSyntaxError:
            continue
        if tree is not None and len(tree):
            yield tree[0]


def _bounded(text: bytes, start: int, end: int) -> bytes:
    """Return a span; of one too long its beginning and its end, since its address may stand on either side."""
    if end - start <= MAX_ITEM_BYTES:
        return text[start:end]
    half = MAX_ITEM_BYTES // 2
    return text[start : start + half] + text[end - half : end]


def both_ends(items: Iterable[T], most: int) -> Iterator[T]:
    """Yield all items, or of more than ``most`` the first and the last ones: either may be the newest."""
    items = iter(items)
    yield from islice(items, most // 2)
    yield from deque(items, maxlen=most - most // 2)


def local_name(element: etree._Element) -> str:
    """Return the name of an element in lower case, without namespace or prefix; "" of a comment."""
    tag = element.tag
    return tag.rpartition("}")[2].rpartition(":")[2].lower() if isinstance(tag, str) else ""


def inner_text(element: etree._Element | None) -> str:
    """Return all text below an element, stripped; a processing instruction has none."""
    if element is None or not isinstance(element.tag, str):
        return ""
    return "".join(str(part) for part in element.itertext("*")).strip()


def _mend_ampersand(match: re.Match[bytes]) -> bytes:
    return b"&amp;" if match[0] == b"&" else match[0]


def _join_surrogates(match: re.Match[bytes]) -> bytes:
    """Return the characters that pairs of halves stand for; a half by itself stands for nothing."""
    numbers = (part.lower() for part in match[0].replace(b"&#", b"").split(b";")[:-1])
    units = (int(part[1:], 16) if part.startswith(b"x") else int(part) for part in numbers)
    return b"".join(unit.to_bytes(2, "little") for unit in units).decode("utf-16-le", "ignore").encode()


def _gunzip(body: bytes) -> bytes:
    """Unpack at most ``MAX_ROUTE_BYTES``; of a damaged file what comes before the damage."""
    unpacker = zlib.decompressobj(wbits=31)
    try:
        return unpacker.decompress(body, MAX_ROUTE_BYTES)
    except zlib.error:
        pass
    unpacker, parts, size = zlib.decompressobj(wbits=31), [], 0
    try:
        for start in range(0, len(body), 512):
            parts.append(unpacker.decompress(body[start : start + 512], MAX_ROUTE_BYTES - size))
            size += len(parts[-1])
            if size >= MAX_ROUTE_BYTES:
                break
    except zlib.error:
        pass
    return b"".join(parts)


def _to_utf8(body: bytes, content_type: str | None) -> bytes:
    for mark, charset in _BOMS:
        if body.startswith(mark):
            rest = body[len(mark) :]
            return rest if charset == "utf-8" else rest.decode(charset, "replace").encode()
    if wide := _wide_charset(body[:200]):
        return body.decode(wide, "replace").encode()
    if body.startswith(_EBCDIC):
        return body.decode("cp037").encode()
    if _is_utf8(body):
        return body
    declared = _declared(body, content_type)
    if declared in (None, "utf-8"):  # mostly UTF-8 with foreign bytes, or Windows-1252 that calls itself so
        return _HIGH_BYTES.sub(_mend_bytes, body)
    return body.decode(_WINDOWS.get(declared, declared), "replace").encode()


def _wide_charset(head: bytes) -> str | None:
    """Return UTF-16 or UTF-32 where nothing says so but the NULs, which XML in them is full of."""
    nuls = head.count(0)
    if nuls < len(head) * 0.3:
        return None
    wide = "utf-32" if nuls > len(head) * 0.6 else "utf-16"
    return f"{wide}-be" if head.startswith(b"\x00") else f"{wide}-le"


def _is_utf8(body: bytes) -> bool:
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        for start in range(0, len(body), 1 << 20):
            decoder.decode(body[start : start + (1 << 20)])  # the last character may be cut: not final
    except UnicodeDecodeError:
        return False
    return True


def _declared(body: bytes, content_type: str | None) -> str | None:
    in_xml, in_header = _XML_CHARSET.search(body[:1000]), _HEADER_CHARSET.search(content_type or "")
    for label in (in_xml[1].decode("ascii", "replace") if in_xml else "", in_header[1] if in_header else ""):
        charset = charset_of(label) if label else None
        if charset and charset != "utf-8":
            return charset
    return None


def _mend_bytes(match: re.Match[bytes]) -> bytes:
    try:
        match[0].decode()
    except UnicodeDecodeError:
        return match[0].decode("sloppy-windows-1252").encode()
    return match[0]
