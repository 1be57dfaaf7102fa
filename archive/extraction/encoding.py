"""From bytes to a string: which charset it really is, and the mending of what was mangled before it reached us."""

import codecs
import re
import unicodedata

SOFT_HYPHEN = "\u00ad"
MAX_BYTES = 6_000_000  # of markup that is looked at; the largest article pages known have about 3 MB

_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_META_CHARSET = re.compile(rb"<meta[^>]{0,200}?charset\s*=\s*[\"']?\s*([A-Za-z0-9_:.-]+)", re.I)
_HEADER_CHARSET = re.compile(r"charset\s*=\s*[\"']?([A-Za-z0-9_:.-]+)", re.I)
_XML_CHARSET = re.compile(rb"^\s*<\?xml[^>]{0,200}?encoding\s*=\s*[\"']([A-Za-z0-9_:.-]+)", re.I)
_DEAD_MARKUP = re.compile(
    rb"<style\b.*?</style\s*>|<script\b(?![^>]*ld\+json).*?</script\s*>|data:[\w/+.-]+;base64,[\w+/=]+",
    re.I | re.S,
)
# What browsers read for these labels (WHATWG Encoding): the Windows superset.
_SUPERSET = {
    "iso8859-1": "cp1252",
    "ascii": "cp1252",
    "iso8859-9": "cp1254",
    "gb2312": "gb18030",
    "gbk": "gb18030",
}
_ESCAPING = ("iso2022_jp", "hz")  # charsets in ASCII that switch by control characters
# What is no character of XML, no tree may hold: a single one would cost the whole text.
_CONTROL_BYTES = bytes([*range(9), 11, *range(14, 32), 127])
_NO_CHARSETS = {"idna", "punycode", "raw-unicode-escape", "undefined", "unicode-escape", "utf-7"}
# Without re.I, which would have each character tried instead of the next "&amp;" found.
_DOUBLED_ENTITY = re.compile(r"&amp;(#\d{2,6}|#[xX][0-9a-fA-F]{2,5}|[a-zA-Z]{2,8}\d?);")
_UTF8_RUN = re.compile(rb"(?:[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3})+")
_MOJIBAKE = re.compile(
    r"[ÃÂ][\x80-\xbf\u0152\u0153\u0160\u0161\u017d\u017e\u0192\u2013-\u203a\u20ac\u2122]|â€"
)


def decode(body: bytes, content_type: str | None) -> tuple[str, str]:
    """Return the page as a string, and what was wrong with its bytes ('' where nothing was).

    The order: byte order mark, UTF-16 without one, strict UTF-8, the charset of the HTTP header, that of
    the markup, Windows-1252. Strict UTF-8 stands before the declared charset because a text that is valid
    UTF-8 and has accents is hardly ever anything else.
    """
    body = _bounded(body)
    for bom, charset in _BOMS:
        if body.startswith(bom):
            return _clean(_UNPRINTABLE.sub("", body[len(bom) :].decode(charset, "replace")), "")
    if unmarked := _utf16_without_mark(body):
        text = _UNPRINTABLE.sub("", body.decode(unmarked, "replace"))
        return _clean(text, f"{unmarked} without a byte order mark")
    declared = _declared(body, content_type)
    if declared not in _ESCAPING:
        body = body.translate(None, _CONTROL_BYTES)
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        return _clean(*_decode_legacy(body, declared, error))
    note = (
        f"utf-8 called {declared}" if declared not in (None, "utf-8", "ascii") and not body.isascii() else ""
    )
    if declared in _ESCAPING and body.isascii():
        return _clean(_UNPRINTABLE.sub("", body.decode(declared, "replace")), "")
    return _clean(text, note)


def _bounded(body: bytes) -> bytes:
    if len(body) > MAX_BYTES:
        body = _DEAD_MARKUP.sub(b"", body[: 4 * MAX_BYTES])[:MAX_BYTES]
    return body


def _utf16_without_mark(body: bytes) -> str | None:
    """Markup is mostly ASCII: in UTF-16 nearly every second byte of its start is NUL."""
    head = body[:400]
    if head.count(0) < len(head) * 0.3:
        return None
    return "utf-16-le" if head[1::2].count(0) >= head[::2].count(0) else "utf-16-be"


def _declared(body: bytes, content_type: str | None) -> str | None:
    found = _HEADER_CHARSET.search(content_type or "")
    labels = [found[1]] if found else []
    head = body[:4096]
    labels += [m[1].decode("ascii") for m in (_XML_CHARSET.search(head), _META_CHARSET.search(head)) if m]
    return next(filter(None, map(charset_of, labels)), None)


def charset_of(label: str) -> str | None:
    """Return Python's name of the charset that a label means; None for what is none, or only a way to write others.

    Python knows codecs that unpack or interpret what they are given: zip, rot13, unicode_escape.
    """
    try:
        codec = codecs.lookup(label)
    except (LookupError, ValueError):
        return None
    return codec.name if codec._is_text_encoding and codec.name not in _NO_CHARSETS else None


def _decode_legacy(body: bytes, declared: str | None, error: UnicodeDecodeError) -> tuple[str, str]:
    """Decode what is not UTF-8. A page mostly in UTF-8 with a few foreign bytes is read byte run by byte run."""
    runs = sum(len(m[0]) for m in _UTF8_RUN.finditer(body))
    stray = sum(byte >= 0x80 for byte in body) - runs
    if runs > stray or (declared == "utf-8" and runs > 0):
        return _mixed(body), "utf-8 mixed with cp1252"
    charset = _SUPERSET.get(declared or "", declared)
    if charset in (None, "utf-8"):
        return _from_cp1252(body), f"cp1252 called {declared}" if declared else "cp1252 undeclared"
    if charset == "cp1252":
        return _from_cp1252(body), ""
    try:
        return body.decode(charset), ""
    except (UnicodeDecodeError, LookupError):
        return body.decode(charset, "replace"), f"undecodable bytes in {charset}"


def _from_cp1252(body: bytes) -> str:
    from ftfy import bad_codecs  # noqa: F401 - registers the codec that reads the five unassigned bytes too

    return body.decode("sloppy-windows-1252")


def _mixed(body: bytes) -> str:
    parts, last = [], 0
    for match in _UTF8_RUN.finditer(body):
        parts.append(_from_cp1252(body[last : match.start()]))
        parts.append(match[0].decode("utf-8", "replace"))
        last = match.end()
    parts.append(_from_cp1252(body[last:]))
    return "".join(parts)


def _clean(text: str, note: str) -> tuple[str, str]:
    """Undo doubled encodings that can be told without looking at single paragraphs."""
    notes = [note] if note else []
    if ("Ã" in text or "Â" in text or "â€" in text) and len(_MOJIBAKE.findall(text)) >= 2:
        mended = _mend_lines(text)
        if mended != text:
            text, notes = mended, [*notes, "utf-8 read as cp1252 and encoded again"]
    if text.count("&amp;") >= 3 and len(_DOUBLED_ENTITY.findall(text)) >= 3:
        text = _DOUBLED_ENTITY.sub(r"&\1;", text)
        notes.append("entities doubled")
    return text, "; ".join(notes)


def _mend_lines(text: str) -> str:
    import ftfy  # here because it takes longer to load than most runs need it for
    from ftfy.badness import is_bad

    return "\n".join(
        ftfy.fix_encoding(line) if _MOJIBAKE.search(line) and is_bad(line) else line
        for line in text.split("\n")
    )


def normalise(text: str, *, soft_hyphens: bool = False) -> str:
    """Return text in NFC, without zero-width marks and other invisible characters; soft hyphens only if asked."""
    if _UNPRINTABLE.search(text):
        text = _UNPRINTABLE.sub("", text)
    if text.isascii():
        return text
    text = _CONTROLS.sub("", text)
    text = _INVISIBLE.sub("", unicodedata.normalize("NFC", text))
    return text if soft_hyphens else text.replace(SOFT_HYPHEN, "")


_UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0e-\x1f\x7f\ud800-\udfff]")  # surrogates: half a pair in JSON
_CONTROLS = re.compile("[\x80-\x84\x86-\x9f]")  # C1; U+0085 is a line's end
_INVISIBLE = re.compile("[\u200b\u200e\u200f\u202a-\u202e\u2060\ufeff\ufffc]")
