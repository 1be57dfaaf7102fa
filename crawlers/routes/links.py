"""Telling the address of an article from that of anything else, by its spelling."""

import re
from urllib.parse import unquote, urlsplit

from archive.urls import is_listing

_STATIC = re.compile(
    r"\.(?:jpe?g|png|gif|webp|avif|svg|ico|css|js|json|xml|rss|atom|pdf|docx?|xlsx?|pptx?|zip|gz|mp3|mp4|m4a|m3u8|webm|"
    r"mov|avi|woff2?|ttf|ics|txt|csv|exe|apk)$",
    re.IGNORECASE,
)
# First words of paths that lead to the furniture of a site.
_FURNITURE = re.compile(
    r"^(?:about|account|acerca|advert\w*|anunci\w*|aviso\w*|ayuda|careers|carrito|cart|checkout|classifieds|clasificados|"
    r"club|comments?|contact\w*|cookies?|corrections|directorio|empleos?|faq|help|historial|ingresar|iniciar|jobs|legal|"
    r"log-?in|log-?out|membership|mi-cuenta|my-account|newsletters?|boletines?|podcasts?|pol[ií]ticas?-de|pricing|privacy\w*|"
    r"privacidad|quienes-somos|qui[eé]nes-somos|register|registro|shop|sign-?in|sign-?up|sitemap|mapa-del-sitio|staff|"
    r"store|subscri\w*|suscr\w*|terminos|t[eé]rminos|terms|tienda|user|usuario|weather|clima|horoscop\w*|"
    r"wp-admin|wp-content|wp-json|wp-login|cdn-cgi|share|compartir|print|imprimir|amp-story|web-stories|live-tv|en-vivo|"
    r"calendar|calendario|eventos?|events?)(?:[-_.].*)?$",
    re.IGNORECASE,
)
_DATE = re.compile(
    r"/(?:19|20)\d\d[/-]?(?:\d{1,2}|[a-z]{3})[/-]?\d{0,2}(?:/|-|_|$)|(?:19|20)\d{2}-?\d\d-?\d\d",
    re.IGNORECASE,
)
_IDENTIFIER = re.compile(r"\d{4,}|[0-9a-f]{10,}|(?:^|[-_])[a-z]{0,4}\d{3,}|\d[^/]*\.s?html?$", re.IGNORECASE)
_MIXED_IDENTIFIER = re.compile(r"(?:^|[-_])(?=[^-_]*[a-z])(?:[^-_]*?[A-Z]){3}")  # BBWXwNX
_ARTICLE_PARENT = re.compile(
    r"^(?:articles?|articulos?|notas?|noticia|story|stories|entradas?|posts?)$", re.IGNORECASE
)
_QUERY_IDENTIFIER = re.compile(
    r"(?:^|&)(?:id|p|story|nid|idnota|id_nota|nota|article|articleid|noticia|n|a)=[\w-]*\d", re.IGNORECASE
)


def is_static(url: str) -> bool:
    """Say whether an address is that of a file that is no page."""
    return _STATIC.search(_path(url)) is not None


def is_furniture(url: str) -> bool:
    """Say whether an address is that of a page about the site or its services."""
    segments = _segments(url)
    if not segments or not _FURNITURE.match(segments[0]):
        return False
    return len(segments) == 1 or not _is_headline(segments[-1])


def is_article_address(url: str) -> bool:
    """Say whether an address reads like an article's: its last part a headline or an identifier, or dated."""
    if is_static(url) or is_furniture(url):
        return False
    segments = _segments(url)
    if _QUERY_IDENTIFIER.search(_query(url)):
        return True
    if not segments or is_listing(url):
        return False
    words = 3 if len(segments) > 1 else 4  # a single part of three words is more often a section's name
    return (
        _is_headline(segments[-1], words)
        or any(_ARTICLE_PARENT.match(segment) for segment in segments[:-1])
        or any(pattern.search(segments[-1]) for pattern in (_IDENTIFIER, _MIXED_IDENTIFIER))
        or _has_dated_name(url, segments)
    )


def may_be_article_address(url: str) -> bool:
    """Say whether an address could be an article's, if its link says the rest with a headline."""
    segments = _segments(url)
    two_words = len(segments) == 1 and "-" in segments[0]  # estados-unidos, but also firman-acuerdo
    return not (is_static(url) or is_furniture(url) or (is_listing(url) and not two_words))


def _has_dated_name(url: str, segments: list[str]) -> bool:
    return _DATE.search(_path(url)) is not None and not segments[-1].isdigit()


def _is_headline(segment: str, least: int = 4) -> bool:
    words = re.split(r"[-_+]", segment.rsplit(".", 1)[0])
    return len([word for word in words if word]) >= least


def _segments(url: str) -> list[str]:
    return [segment for segment in _path(url).split("/") if segment]


def _path(url: str) -> str:
    try:
        return unquote(urlsplit(url).path)
    except ValueError:
        return ""


def _query(url: str) -> str:
    try:
        return urlsplit(url).query
    except ValueError:
        return ""
