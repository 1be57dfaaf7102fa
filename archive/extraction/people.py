"""Who wrote it: names out of structured data and bylines, in the conventions of both languages."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from lxml.html import HtmlElement

from archive.extraction.agencies import agency_in_byline, agency_named
from archive.extraction.encoding import normalise
from archive.extraction.moments import fold, read_moment
from archive.extraction.patterns import WORDS
from archive.extraction.structured import Structured, text_of
from archive.models import Page

_OPENERS = re.compile(
    r"^\W*(?:(?:escrito|redactado|publicado|elaborado|reportaje|texto|written|posted|reported|story|by\s+line|words|article)\s+(?:por|by|de)"
    r"|por|by|von|par|autor(?:es|a)?|author|reportero?s?|texto|escribe|text)\b\s*[:|]?\s*",
    re.I,
)
_TAIL = re.compile(
    r"\s*(?:\||•|·|—|–|\s-\s|\(|,\s*(?=(?:corresponsal|enviad|reporter|editor|staff|special|senior|political"
    r"|correspond|columnist|associated|the |la |el |de ))).*$",
    re.I,
)
_SPLIT = re.compile(
    r"\s*(?:[;/|•·\n]|,(?!\s*(?:jr|sr|ph|m\.?d|ii))|\s(?:y|e|and|und|&|with|con)\s|\s-\s)\s*", re.I
)
_HANDLE = re.compile(r"(?:https?://|www\.)\S+|\S+@\S+|@\w+|\b\w+\.(?:com|mx|org|net)\b(?=\s*$)", re.I)
_NOT_NAMES = re.compile(
    r"^(?:admin|administrator|administrador|author|autor|guest|null|none|undefined|anonymous|an[oó]nimo|unknown"
    r"|user|usuario|root|webmaster|default|facebook|twitter|instagram|whatsapp|share|compartir|follow|seguir"
    r"|updated?|published|minutes?|min read|view all|ver m[aá]s|more)\b|^\W*$|\d{3}",
    re.I,
)
_BYLINE_CLASS = re.compile(
    r"(?<![a-z])(?:byline|by-line|author|autor|autora|firma|escritor|credit-author|nota-autor|article-by|writer|reportero)",
    re.I,
)
_NOT_BYLINE = re.compile(
    r"bio|about|more|related|social|image|photo|foto|avatar|follow|comment|box|list", re.I
)
_CLOCK_OR_DAY = re.compile(r"^\d|\d:\d|^[A-Za-zé]{3,10}\.?,? \d{1,2}$|\b(?:19|20)\d\d\b")
_NAME = r"[A-ZÁÉÍÓÚÑ][\w.'’-]+"
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
    for raws in _sources(root, found):
        wire = wire or next(filter(None, (agency_in_byline(raw, page.agencies) for raw in raws)), None)
        names = _names(raws)
        signed = [name for name in names if fold(name) not in own]
        if any(not _is_acronym(name) and not agency_named(name, page.agencies) for name in signed):
            return Byline(_without_agencies(signed, page.agencies), wire)
        fallback = fallback or tuple(signed or names)
    return Byline(fallback, wire)


def _is_acronym(name: str) -> bool:
    """APA, SDA, STF: an agency or a desk unknown to us, but nobody's name."""
    return name.isupper() and len(name) <= 5 and " " not in name


def _site(found: Structured) -> str:
    return fold(found.first("og:site_name", "application-name")) or fold(
        text_of(found.article.get("publisher"))
    )


def _sources(root: HtmlElement | None, found: Structured) -> Iterator[list[str]]:
    yield list(_jsonld_authors(found.article))
    yield _meta_authors(found)
    if root is not None:
        yield list(_printed(root))


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
            return values
    return []


# A desk that signs alone, with the place or the agency after it.
_DESK = re.compile(
    r"^(?:(?:la\s+)?redacci[oó]n|de la redacci[oó]n|agencias?|staff(?: report(?:s|er)?)?)\b[\w\s/,.áéíóúñ|-]{0,40}$",
    re.I,
)
_PICTURE = re.compile(r"^\W*(?:image|photo|foto|imagen|picture)s?\b", re.I)
_WRITTEN_BY = {"written by", "escrito por", "autor", "author", "por", "by"}


def _printed(root: HtmlElement) -> Iterator[str]:
    """Bylines as people read them: rel=author, itemprop=author, byline classes, or a line that opens with Por or By."""
    for element in root.xpath("//*[@itemprop='author' or @rel='author']")[:4]:
        inner = element.xpath(".//*[@itemprop='name']")
        text = " ".join((inner[0] if inner else element).text_content().split())
        if 2 < len(text) < 90:
            yield text
            return
    headline = next(root.iter("h1"), None)
    for element in root.xpath("//*[@class]")[:1500]:
        named = element.get("class")
        if _BYLINE_CLASS.search(named) and not _NOT_BYLINE.search(named):
            text = " ".join(element.text_content().split())
            if 3 < len(text) < 120:
                yield text
                return
    if headline is not None:
        yield from _line_after(headline)


def _line_after(headline: HtmlElement) -> Iterator[str]:
    parent = headline.getparent()
    near = list(headline.itersiblings())[:6]
    if parent is not None:
        near += list(parent.itersiblings())[:3]
    for element in near:
        for part in [element, *list(element)[:6]]:
            if not isinstance(part.tag, str):
                continue
            text = " ".join(part.text_content().split())
            if len(text) < 110 and (_BYLINE_TEXT.match(text) or _DESK.match(text) or agency_named(text)):
                yield text
                return


def _names(raws: Iterable[str]) -> list[str]:
    names: list[str] = []
    for raw in raws:
        for name in _split(raw) if raw and not _PICTURE.match(raw) else ():
            if fold(name) not in map(fold, names):
                names.append(name)
    return names[:12]


def _split(raw: str) -> Iterator[str]:
    text = normalise(" ".join(_HANDLE.sub(" ", raw).split()))
    text = _OPENERS.sub("", text, count=1)
    if len(text) > 200:
        return
    for part in _SPLIT.split(text):
        name = _OPENERS.sub("", _TAIL.sub("", part).strip(" ,.;:-–—|*\"'“”"), count=1).strip()
        if (
            1 < len(name) < 60
            and not _NOT_NAMES.search(name)
            and len(name.split()) <= 7
            and not _is_date(name)
        ):
            yield name


def _is_date(name: str) -> bool:
    return bool(_CLOCK_OR_DAY.search(name)) or (
        any(c.isdigit() for c in name) and read_moment(name) is not None
    )


def _without_agencies(names: list[str], declared: tuple[str, ...]) -> tuple[str, ...]:
    """Beside people, an agency is a credit and not an author; alone, it signs."""
    people = [name for name in names if not agency_named(name, declared)]
    return tuple(people or names)
