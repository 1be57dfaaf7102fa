"""Who wrote it: names out of structured data and bylines, in the conventions of both languages."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from lxml.html import HtmlElement

from archive.extraction.agencies import agency_in_byline, agency_named, without_agency
from archive.extraction.encoding import normalise
from archive.extraction.moments import fold, read_moment
from archive.extraction.patterns import PATTERNS, WORDS
from archive.extraction.structured import Structured, site_name, text_of
from archive.models import Page

_OPENERS = PATTERNS["byline-opener"]
_TAIL = PATTERNS["byline-tail"]
_SPLIT = re.compile(
    r"\s*(?:[;/•·\n]|(?<=[^\W\d_]{5})\.\s(?=[^\W\d_])|,(?!\s*(?:jr|sr|ph|m\.?d|ii))|\s(?:y|e|and|und|&|with|con)\s|\s-\s)\s*",
    re.I,
)
_CONJUNCTION = re.compile(r"^(?:and|y|e|und|&)\s+", re.I)
_ROLE = PATTERNS["byline-role"]
_OUTLET = re.compile(r"^(?:el|la|los|las|the)\s+[A-ZÁÉÍÓÚÑ]", re.I)
_IN_JSON = re.compile(r'"name"\s*:\s*"([^"]+)"')
_HANDLE = re.compile(r"(?:https?://|www\.)\S+|\S+@\S+|@\w+|\b\w+\.(?:com|mx|org|net)\b(?=\s*$)", re.I)
_NOT_NAMES = PATTERNS["no-name"]
_BYLINE_CLASS = re.compile(
    r"(?<![a-z])(?:byline|by-line|author|autor|autora|firma|escritor|credit-author|nota-autor|article-by|writer|reportero)",
    re.I,
)
_NOT_BYLINE = re.compile(
    r"bio|about|more|related|social|image|photo|foto|avatar|follow|comment|box|list", re.I
)
_CLOCK_OR_DAY = re.compile(r"^\d|\d:\d|^[A-Za-zé]{3,10}\.?,? \d{1,2}(?:st|nd|rd|th)?$|\b(?:19|20)\d\d\b")
_NAME = r"[A-ZÁÉÍÓÚÑ][\w.'’-]+"
_BETWEEN = r"(?:,? (?:(?:de|del|la|los|las|y|e|and|van|von) )*)"
_NAMES_ONLY = re.compile(rf"{_NAME}(?:{_BETWEEN}{_NAME}){{1,8}}")
CLASSED = 1_500  # elements with a class among which a byline is looked for
LEDE = 120  # characters; a longer paragraph is the article's first
_GIVEN_NAMES = frozenset(WORDS["given-names"])
_DOMAIN = re.compile(r"[\w-]+(?:\.[\w-]+)+")
_BYLINE_TEXT = re.compile(
    rf"^\s*(?:[Pp][Oo][Rr]|[Bb][Yy])\s*:?\s+{_NAME}\s+(?:(?:de|del|la|los|y|e|and)\s+)*{_NAME}"
)


@dataclass(frozen=True, slots=True)
class Byline:
    """The names signed, and the agency if one signs beside or instead of them."""

    authors: tuple[str, ...] = ()
    wire: str | None = None


def find_byline(root: HtmlElement | None, found: Structured, page: Page) -> Byline:
    """Return the first source that yields names: JSON-LD, meta, then the byline printed at the headline."""
    wire = None
    fallback: tuple[str, ...] = ()
    own = {fold(page.outlet_name), _site(found)} - {""}
    host = _letters(site_name(page.url))
    for raws in _sources(root, found):
        wire = wire or next(filter(None, (agency_in_byline(raw, page.agencies) for raw in raws)), None)
        names = [_without_outlet(name, own, host) for name in _names(raws)]
        signed = [name for name in names if not _is_outlet(name, own) and not _DOMAIN.fullmatch(name)]
        if len(signed) > 1:  # alone it may be the person whose site it is
            signed = [name for name in signed if _letters(name) != host] or signed
        if any(_is_person(name, page.agencies, sure=not fallback) for name in signed):
            return Byline(tuple(map(_cased, _without_agencies(signed, page.agencies, host))), wire)
        fallback = fallback or tuple(signed or names)
    return Byline(tuple(map(_cased, fallback)), wire)


def _is_outlet(name: str, own: set[str]) -> bool:
    """Whether a name is the outlet's own, perhaps with what kind of company it is: "Ediciones El País"."""
    folded = fold(name)
    return folded in own or any(len(outlet) >= 6 and outlet in folded for outlet in own)


def _without_outlet(name: str, own: set[str], host: str) -> str:
    """A name without the outlet's before or after it: "USA TODAY Ann Lee", "Ann Lee Florida Today"."""
    words = name.split()
    for n in range(1, len(words) - 1):
        for outlet, rest in ((words[:n], words[n:]), (words[-n:], words[:-n])):
            said = " ".join(outlet).strip(",-–|/")
            if len(rest) >= 2 and (fold(said) in own or (len(host) > 3 and _letters(said) == host)):
                return " ".join(rest).strip(" ,-–|/")
    return name


def _letters(name: str) -> str:
    return re.sub(r"[\W_]+", "", fold(name))


def _is_person(name: str, agencies: tuple[str, ...], *, sure: bool) -> bool:
    """Whether a name is nobody's but a person's; where the outlet signs already (not ``sure``) it takes two words."""
    if agency_named(name, agencies) or (name.isupper() and len(name) <= 5 and " " not in name):
        return False  # APA, SDA, STF: an agency or a desk unknown to us, but nobody's name
    return sure or (" " in name and not _DESK.match(name))


def _site(found: Structured) -> str:
    return fold(found.first("og:site_name", "application-name")) or fold(
        text_of(found.article.get("publisher"))
    )


def _sources(root: HtmlElement | None, found: Structured) -> Iterator[list[str]]:
    yield list(_jsonld_authors(found.article))
    yield _meta_authors(found)
    if root is not None:
        yield list(_printed(root))
        yield list(_opening_line(root, found.first("og:description", "description")))


def _jsonld_authors(article: dict[str, Any]) -> Iterator[str]:
    authors = article.get("author") or article.get("creator") or ()
    for author in authors if isinstance(authors, list) else [authors]:
        if isinstance(author, dict) and isinstance(author.get("name"), list):
            yield from (str(name) for name in author["name"])
        else:
            yield text_of(author)


def _meta_authors(found: Structured) -> list[str]:
    names = list(WORDS["meta-author"])
    if fold(found.first("twitter:label1")) in _WRITTEN_BY:
        names.append("twitter:data1")
    for name in names:
        values = [
            value for value in found.meta.get(name, ()) if value and not value.startswith(("http", "/", "@"))
        ]
        if values:
            return [_in_order(value) for value in values] if name in _INVERTED else values
    return []


def _in_order(name: str) -> str:
    """A name of a bibliographic record, "Cain, Madelyn", as it is said."""
    last, comma, first = name.partition(", ")
    return f"{first} {last}" if comma and "," not in first else name


# A desk that signs alone, with the place or the agency after it.
_DESK = re.compile(
    r"^(?:(?:la\s+)?redacci[oó]n|de la redacci[oó]n|agencias?|staff(?: report(?:s|er)?)?)\b[\w\s/,.áéíóúñ|-]{0,40}$",
    re.I,
)
_OWN_STAFF = re.compile(r"^\s*(?:de|by|por)\s+(?:nuestr[oa]s|our)\s+\w+\s*$", re.I)
_SOURCE = re.compile(
    r"^\W*(?:con (?:informaci[oó]n|datos|reportes) de|with (?:information|reporting) (?:from|by))\b", re.I
)
_PICTURE = re.compile(r"^\W*(?:image|photo|foto|imagen|picture)s?\b", re.I)
_INVERTED = frozenset({"citation_author", "dc.creator", "dcterms.creator", "bepress_citation_author"})
_WRITTEN_BY = {"written by", "escrito por", "autor", "author", "por", "by"}


def _printed(root: HtmlElement) -> Iterator[str]:
    """Bylines as people read them: rel=author, itemprop=author, byline classes, or a line that opens with Por or By."""
    beside = None
    for element in root.xpath("//*[@itemprop='author' or @rel='author']")[:4]:
        if beside is not None and element.getparent() is not beside:
            return
        inner = element.xpath(".//*[@itemprop='name']")
        around = element.getparent()
        whole = around is not None and len(around.findall("a")) > 1 and _is_byline(around.get("class") or "")
        text = _spoken(around if whole else inner[0] if inner else element)
        if 2 < len(text) < 90:
            yield text
            if whole:
                return
            beside = around
    if beside is not None:
        return
    headline = next(root.iter("h1"), None)
    for element in islice((element for element in root.iter("*") if element.get("class")), CLASSED):
        if _is_byline(element.get("class", "")):
            text = _spoken(element)
            if 3 < len(text) < 120:
                yield text
                return
    if headline is not None:
        yield from _line_after(headline)


def _is_byline(named: str) -> bool:
    return bool(_BYLINE_CLASS.search(named)) and not _NOT_BYLINE.search(named)


def _spoken(element: HtmlElement) -> str:
    """The text of a byline without its time, in lines where elements follow each other with nothing between."""
    pieces: list[str] = []
    for part in element.iter():
        pieces.append("\n" if part.tag in _LINES else "\x00")
        if part.tag != "time" and part.text:
            pieces.append(" ".join(part.text.split("\n")))
        pieces.append("\x00")
        if part is not element and part.tail:
            pieces.append(" ".join(part.tail.split("\n")))
    text = _NO_SPACE.sub("\n", "".join(pieces)).replace("\x00", "")
    lines = (" ".join(line.split()) for line in text.split("\n"))
    return "\n".join(filter(None, lines))


_NO_SPACE = re.compile(r"(?<=[\w.])\x00+(?=[A-ZÁÉÍÓÚÑ@])")  # two elements that only their style keeps apart
_LINES = frozenset({"li", "p", "div", "br", "time", "ul", "h4", "h5", "h6"})


def _line_after(headline: HtmlElement) -> Iterator[str]:
    parent = headline.getparent()
    near = list(headline.itersiblings())[:6]
    if parent is not None:
        near += list(parent.itersiblings())[:3]
    for element in near:
        for part in [element, *list(element)[:6]]:
            if not isinstance(part.tag, str):
                continue
            text = _spoken(part)
            first = text.partition("\n")[0]
            if len(text) < 110 and (_BYLINE_TEXT.match(text) or _DESK.match(text) or agency_named(text)):
                yield text
                return
            if len(text) < 80 and _is_somebody(first):
                yield first
                return


def _opening_line(root: HtmlElement, description: str) -> Iterator[str]:
    """A name that stands alone over the first paragraph, as outlets print it that have one account for all.

    It is one that people are given, or the description made of the text opens with it.
    """
    headline = next(root.iter("h1"), None)
    if headline is None:
        return
    opening = fold(normalise(description)).strip()
    for paragraph in headline.xpath("following::p[position() <= 8]"):
        text = " ".join(paragraph.text_content().split())
        if len(text) > LEDE:
            return
        name = " ".join(word.capitalize() if word.isupper() else word for word in text.split())
        known = fold(name.partition(" ")[0]) in _GIVEN_NAMES or opening.startswith(f"{fold(name)} ")
        if known and 2 <= len(name.split()) <= 5 and _NAMES_ONLY.fullmatch(name):
            yield text
            return


def _is_somebody(text: str) -> bool:
    """Whether a line is nothing but names, the first of which people are given."""
    return bool(_NAMES_ONLY.fullmatch(text)) and fold(text.split()[0]) in _GIVEN_NAMES


def _names(raws: Iterable[str]) -> list[str]:
    names: list[str] = []
    for raw in raws:
        for name in _split(raw) if raw and not _PICTURE.match(raw) and not _SOURCE.match(raw) else ():
            if fold(name) not in map(fold, names):
                names.append(name)
    return names[:12]


def _split(raw: str) -> Iterator[str]:
    if "{" in raw and (names := _IN_JSON.findall(raw)):
        raw = ", ".join(names)
    lines = (" ".join(_HANDLE.sub(" ", line).split()) for line in raw.partition("|")[0].split("\n"))
    text = _OPENERS.sub("", normalise("\n".join(lines)), count=1)
    if len(text) > 200:
        return
    count = 0
    for part in _SPLIT.split(text):
        name = _name_in(part)
        later = count and (_ROLE.match(name) or _OUTLET.match(name) or name.islower())
        if name and not later:
            yield name
            count += 1
            if _DESK.match(name):
                return  # what follows a desk is where it sits


def _name_in(part: str) -> str:
    """One part of a byline without what stands around the name; '' where there is none."""
    part = re.sub(r"\s*\([^)]*\)?", " ", _CONJUNCTION.sub("", part))
    if _OWN_STAFF.match(part):
        return part.strip()
    name = _OPENERS.sub("", _TAIL.sub("", part).strip(" ,.;:-–—|*\"'“”"), count=1).strip()
    name = without_agency(" ".join(name.split()))[0]
    if " " not in name and len(part.split()) > 2 and not any(c.isdigit() for c in part):
        name = part.strip(" ,.;:")  # "Guardian staff reporter"
    known = 1 < len(name) < 60 and not (len(name) <= 3 and name.islower()) and len(name.split()) <= 7
    return name if known and not _NOT_NAMES.search(name) and not _is_date(name) else ""


def _is_date(name: str) -> bool:
    return bool(_CLOCK_OR_DAY.search(name)) or (
        any(c.isdigit() for c in name) and read_moment(name) is not None
    )


def _without_agencies(names: list[str], declared: tuple[str, ...], host: str) -> tuple[str, ...]:
    """Beside people, an agency or the outlet's own desk is a credit and not an author; alone, it signs."""
    people = [name for name in names if not agency_named(name, declared) and not _is_house(name, host)]
    return tuple(people or names)


def _is_house(name: str, host: str) -> bool:
    """Whether a name is the outlet's with what its part or its staff is called after it: "CNN Business"."""
    return len(host) > 2 and len(name.split()) > 1 and _letters(name.split()[0]) == host


def _cased(name: str) -> str:
    """A person's name that is printed in capitals, as it is written elsewhere: "MARÍA DE LA O", "SEAN O'BRIEN"."""
    words = name.split()
    if len(words) < 2 or not name.isupper() or agency_named(name) or _DESK.match(name):
        return name
    return " ".join(
        word.lower() if n and word.lower() in _PARTICLES else _WORD.sub(_capitalised, word)
        for n, word in enumerate(words)
    )


def _capitalised(match: re.Match[str]) -> str:
    part = match[0]
    if len(part) == 1 or _ORDINAL.fullmatch(part):
        return part
    return f"Mc{part[2:].capitalize()}" if part.startswith("MC") and len(part) > 4 else part.capitalize()


_WORD = re.compile(r"[^\W\d_]+")
_ORDINAL = re.compile(r"[IVX]{2,4}")
_PARTICLES = frozenset(
    {"de", "del", "la", "las", "los", "y", "e", "da", "di", "do", "dos", "van", "von", "der", "den"}
)
