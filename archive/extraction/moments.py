"""Reading one printed date: ISO 8601, RFC 822, epochs, and what Spanish and English pages show to people."""

import re
import unicodedata
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from email.utils import parsedate_to_datetime
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

_MONTHS = {
    name: number
    for number, names in enumerate(
        (
            "enero ene january jan januar janvier janeiro gennaio januari",
            "febrero feb february februar fevrier fevereiro febbraio februari",
            "marzo mar march marz mars marco maart",
            "abril abr april apr avril aprile",
            "mayo may mai maio maggio mei",
            "junio jun june juni juin junho giugno",
            "julio jul july juli juillet julho luglio",
            "agosto ago august aug aout augustus",
            "septiembre setiembre sep sept set september septembre setembro settembre",
            "octubre oct october oktober okt octobre outubro ottobre",
            "noviembre nov november novembre novembro",
            "diciembre dic december dec dezember dez decembre dezembro dicembre",
        ),
        start=1,
    )
    for name in names.split()
}
_MONTH = "(?P<month>" + "|".join(sorted(_MONTHS, key=len, reverse=True)) + r")\b\.?"
_DAY = r"(?P<day>\d{1,2})(?:st|nd|rd|th|o|º|ero|er)?"
_YEAR = r"(?P<year>(?:19|20)\d\d)"
_DATES = (
    re.compile(rf"\b{_DAY}\s*(?:de\s+|[-/.]\s*)?{_MONTH}\s*(?:del?\s+|,\s*|[-/]\s*)*{_YEAR}\b"),
    re.compile(rf"\b{_MONTH}\s*{_DAY}\s*(?:,|de|del)?\s*{_YEAR}\b"),
    re.compile(r"\b(?P<year>(?:19|20)\d\d)[-/.](?P<month>\d{1,2})[-/.](?P<day>\d{1,2})\b"),
    re.compile(r"\b(?P<first>\d{1,2})\s?[-/.]\s?(?P<second>\d{1,2})\s?[-/.]\s?(?P<year>(?:19|20)\d\d)\b"),
    # Two digits of the year are believed only where a time of day follows.
    re.compile(r"(?<![\d/])(?P<first>\d{1,2})/(?P<second>\d{1,2})/(?P<year>\d\d)(?=,? +\d{1,2}:\d\d)"),
)
_TIME = re.compile(
    r"(?<![\d:.,/-])(?P<hour>[01]?\d|2[0-4])\s?(?:[:h]|\.(?=\d\d\s?(?:[ap]\.?\s?m|h|gmt|bst|utc|uhr)))\s?(?P<minute>[0-5]\d)(?!\d)"
    r"(?::(?P<second>[0-5]\d)(?:\.\d+)?)?\s*(?P<half>[ap]\.?\s?m\b\.?)?\s*(?:hrs?\b\.?|hs\b\.?|horas\b|h\b\.?)?"
    r"|\b(?P<bare>1[0-2]|0?[1-9])\s*(?P<barehalf>[ap]\.?\s?m\b\.?)"
)
_ZONE = re.compile(
    r"^\W{0,3}(?:(?:gmt|utc)\s*(?P<shift>[+-]\d{1,2}(?::?\d\d)?)|(?P<offset>[+-]\d\d:?\d\d)\b|(?P<name>z|utc|gmt|[ecmp][sd]?t|cest|cet|bst)\b"
    r"|(?:tiempo|hora)\s+(?:del\s+|de\s+la\s+|de\s+)?(?P<region>centro|pacifico|noroeste|este|ciudad\s+de\s+mexico|cdmx|tijuana|eastern|central|mountain|pacific)"
    r"|(?P<spelled>eastern|central|mountain|pacific)(?:\s+(?:standard|daylight))?(?:\s+time)?\b)"
)
_FIXED = {
    "z": 0, "utc": 0, "gmt": 0, "est": -5, "edt": -4, "cst": -6, "cdt": -5, "mst": -7, "mdt": -6, "pst": -8, "pdt": -7,
    "cet": 1, "cest": 2, "bst": 1,
}  # fmt: skip
_REGIONS = {
    "et": "America/New_York", "ct": "America/Chicago", "mt": "America/Denver", "pt": "America/Los_Angeles",
    "eastern": "America/New_York", "central": "America/Chicago", "mountain": "America/Denver",
    "pacific": "America/Los_Angeles", "centro": "America/Mexico_City", "cdmx": "America/Mexico_City",
    "ciudad de mexico": "America/Mexico_City", "pacifico": "America/Mazatlan", "noroeste": "America/Tijuana",
    "tijuana": "America/Tijuana", "este": "America/New_York",
}  # fmt: skip
_ISO_LIKE = re.compile(
    r"^(\d{4}-\d\d?-\d\d?)(?:[T ]\s*(\d{1,2}:\d\d(?::\d\d)?)(?:[.,]\d+)?\s*(z|utc|gmt|[+-]\d\d:?\d\d|[+-]\d\d)?)?$",
    re.I,
)
_COMPACT_DAY = re.compile(r"^((?:19|20)\d\d)(0[1-9]|1[0-2])([0-3]\d)$")
_COMPACT = re.compile(r"(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)?(z|[+-]\d{4})?", re.I)
_EPOCH = re.compile(r"^1[0-9]{9}(?:\d{3})?$")
_ACCENTS = re.compile("[\u0300-\u036f]+")
_WINDOW = 45  # characters between a printed date and the time that belongs to it


@dataclass(frozen=True, slots=True)
class Moment:
    """A date as printed: wall-clock time, and the zone if one was printed."""

    wall: datetime  # naive
    zone: tzinfo | None
    timed: bool  # False where only the day was printed

    def aware(self, default: tzinfo) -> datetime:
        """Return the instant, read in the default zone where none was printed."""
        return self.wall.replace(tzinfo=self.zone or default)


def zone_of(name: str | None) -> tzinfo | None:
    """Return the IANA zone of this name; None where the name is empty or unknown."""
    try:
        return ZoneInfo(name) if name else None
    except (ZoneInfoNotFoundError, ValueError):
        return None


def read_moment(raw: str, *, month_first: bool = False) -> Moment | None:
    """Read one printed date, or return None. ``month_first`` says how 03/04/2026 is meant."""
    raw = _COMPACT_DAY.sub(r"\1-\2-\3", _COMPACT.sub(r"\1-\2-\3T\4:\5:00\7", raw.strip()))
    if not raw or len(raw) > 300:
        return None
    if _EPOCH.match(raw):
        return Moment(datetime.fromtimestamp(int(raw[:10]), UTC).replace(tzinfo=None), UTC, True)
    try:
        return _iso(raw) or _rfc822(raw) or _printed(raw, month_first)
    except (ValueError, OverflowError):
        return None


def _iso(raw: str) -> Moment | None:
    match = _ISO_LIKE.match(raw)
    if not match:
        return None
    year, month, day = map(int, match[1].split("-"))
    if not match[2]:
        return Moment(datetime(year, month, day), None, False)
    hour, minute, second = [*map(int, match[2].split(":")), 0][:3]
    return Moment(
        datetime(year, month, day, hour, minute, second), _offset(match[3]) if match[3] else None, True
    )


def _offset(text: str) -> tzinfo:
    text = text.lower()
    if text in _FIXED:
        return timezone(timedelta(hours=_FIXED[text]))
    sign = -1 if text.startswith("-") else 1
    digits = text.lstrip("+-").replace(":", "")
    hours, minutes = (int(digits[:-2]), int(digits[-2:])) if len(digits) > 2 else (int(digits), 0)
    return timezone(sign * timedelta(hours=hours, minutes=minutes))


def _rfc822(raw: str) -> Moment | None:
    if not re.match(r"^(?:[A-Za-z]{3},\s*)?\d{1,2} [A-Za-z]{3} \d{4} \d\d?:\d\d", raw):
        return None
    try:
        moment = parsedate_to_datetime(raw)
    except ValueError:  # the form with a Spanish month: read as printed
        return None
    return Moment(moment.replace(tzinfo=None), moment.tzinfo, True)


@lru_cache(maxsize=4096)
def fold(text: str) -> str:
    """Lower case, without accents, doubled spaces or bent apostrophes: what the patterns here are written for.

    Cached, because each rule asks anew; ``fold.__wrapped__`` is for whole pages.
    """
    if not text.isascii():
        text = _ACCENTS.sub("", unicodedata.normalize("NFD", text)).replace("’", "'")
    return " ".join(text.lower().split())


def _printed(raw: str, month_first: bool) -> Moment | None:
    text = fold(raw)
    for pattern in _DATES:
        if match := pattern.search(text):
            break
    else:
        return None
    groups = match.groupdict()
    year = int(groups["year"])
    year += 2000 if year < 100 else 0
    if "first" in groups:
        day, month = _order(int(groups["first"]), int(groups["second"]), month_first)
    else:
        day, month = int(groups["day"]), _MONTHS.get(groups["month"]) or int(groups["month"])
    day_only = datetime(year, month, day)
    after, before = (
        text[match.end() : match.end() + _WINDOW],
        text[max(0, match.start() - _WINDOW) : match.start()],
    )
    for window, pick in ((after, 0), (before, -1)):
        times = list(_TIME.finditer(window))
        if times:
            found = times[pick]
            return Moment(day_only + _clock(found), _zone(window[found.end() :]), True)
    return Moment(day_only, None, False)


def _order(first: int, second: int, month_first: bool) -> tuple[int, int]:
    if first > 12 or (not month_first and second <= 12):
        return first, second
    return second, first


def _clock(match: re.Match[str]) -> timedelta:
    half = (match["half"] or match["barehalf"] or "")[:1]
    hour, minute = (int(match["bare"]), 0) if match["bare"] else (int(match["hour"]), int(match["minute"]))
    if half and hour <= 12:
        hour = hour % 12 + (12 if half == "p" else 0)
    return timedelta(hours=hour % 24, minutes=minute, seconds=int(match["second"] or 0))


def _zone(text: str) -> tzinfo | None:
    match = _ZONE.match(text)
    if not match:
        return None
    if match["shift"] or match["offset"]:
        return _offset(match["shift"] or match["offset"])
    name = match["name"] or match["region"] or match["spelled"]
    if name in _FIXED:
        return timezone(timedelta(hours=_FIXED[name]))
    return zone_of(_REGIONS.get(name or ""))
