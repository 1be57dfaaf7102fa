"""Words and times as routes print them, made uniform."""

import html
import re
from datetime import UTC, datetime
from urllib.parse import urljoin

import ftfy

from archive.extraction.moments import read_moment, zone_of
from archive.models import Outlet

MAX_HEADLINE_CHARACTERS = 1_000
MAX_SUMMARY_CHARACTERS = 2_000
MAX_RAW_URL_CHARACTERS = 10_000  # of an address that is refused for its length anyway

_UNSEEN = re.compile(r"<(script|style)\b.*?(?:</\1\s*>|\Z)", re.IGNORECASE | re.DOTALL)
_TAG = re.compile(r"<[a-zA-Z/!][^<>]*>")
_INLINE = re.compile(r"</?(?:a|b|i|em|strong|span|u|sup|sub|small|mark)\b[^<>]*>", re.IGNORECASE)
_MANGLED = re.compile(r"[ÃÂ][\x80-\xbf\u0152-\u0192\u2013-\u203a\u20ac\u2122]|â€")
_CONTROL = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u200b\u200e\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff\ud800-\udfff]+"
)


def plain_text(markup: str, limit: int = MAX_SUMMARY_CHARACTERS) -> str:
    """Return the words of text or HTML on one line, at most ``limit`` characters of them."""
    text = markup[: 20 * limit]
    if "<" in text:
        text = _TAG.sub(" ", _INLINE.sub("", _UNSEEN.sub(" ", text)))
    if "&" in text:
        text = html.unescape(text)
        if "<" in text:  # markup that was escaped, as RSS has it
            text = html.unescape(_TAG.sub(" ", _INLINE.sub("", _UNSEEN.sub(" ", text))))
    text = text[: 4 * limit]
    if _MANGLED.search(text):
        text = ftfy.fix_encoding(text)
    text = " ".join(_CONTROL.sub(" ", text).split())
    return text if len(text) <= limit else text[:limit].rsplit(" ", 1)[0]


def local_time(raw: str, outlet: Outlet) -> str | None:
    """Return a printed time as ISO 8601 with offset, a printed day as ``YYYY-MM-DD``; None where neither.

    A time without a zone is read in the outlet's.
    """
    month_first = outlet.country == "US" and outlet.language == "en"
    moment = read_moment(plain_text(raw, 200), month_first=month_first)
    if moment is None:
        return None
    if not moment.timed:
        return moment.wall.date().isoformat()
    try:
        aware = moment.aware(zone_of(outlet.timezone) or UTC)
        aware.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return aware.isoformat(timespec="seconds")


def sort_time(local: str | None) -> datetime:
    """Return what `local_time` gave as an instant to sort by; the earliest possible one for None."""
    if not local:
        return datetime.min.replace(tzinfo=UTC)
    moment = datetime.fromisoformat(local)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def resolve(base: str, link: str) -> str:
    """Return a link as an absolute address; one that cannot be resolved as it stands."""
    link = link.strip()[:MAX_RAW_URL_CHARACTERS]
    if link.startswith(("http://", "https://")):
        return link
    try:
        return urljoin(base, link) if link else ""
    except ValueError:
        return link
