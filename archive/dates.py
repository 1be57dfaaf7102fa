"""Dates named in Spanish and English news text, resolved against the day of publication.

A date without a year, a weekday or a bare day of the month is the nearest one in the direction the clause
points to; where it points nowhere, a weekday is the last one and a day and month the nearest.
"""

import re
from calendar import monthrange
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

Direction = Literal["past", "coming", ""]
LONGEST = 2000  # characters of one sentence that are looked at

SPANISH_MONTHS = (
    "enero", "febrero", "marzo", "abril", "mayo", "junio", "julio", "agosto", "septiembre", "octubre",
    "noviembre", "diciembre",
)  # fmt: skip
ENGLISH_MONTHS = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september", "october",
    "november", "december",
)  # fmt: skip
MONTHS = {
    **{name: number for number, name in enumerate(SPANISH_MONTHS, 1)},
    **{name: number for number, name in enumerate(ENGLISH_MONTHS, 1)},
    **{name[:3]: number for number, name in enumerate(ENGLISH_MONTHS, 1)},
    "setiembre": 9,
    "sept": 9,
}
WEEKDAYS = {
    "lunes": 0, "martes": 1, "miércoles": 2, "miercoles": 2, "jueves": 3, "viernes": 4, "sábado": 5, "sabado": 5,
    "domingo": 6, "monday": 0, "tuesday": 1, "wednesday": 2, "thursday": 3, "friday": 4, "saturday": 5, "sunday": 6,
}  # fmt: skip
_SPANISH_MONTH = "|".join([*SPANISH_MONTHS, "setiembre"])
_ENGLISH_MONTH = "|".join([name.capitalize() for name in ENGLISH_MONTHS] + ["Sept"]) + (
    r"|(?:Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sept?|Oct|Nov|Dec)\."
)
_WEEKDAY = "|".join(WEEKDAYS)
_RELATIVE = {
    "hoy": 0, "today": 0, "tonight": 0, "ayer": -1, "anoche": -1, "yesterday": -1, "anteayer": -2,
    "antier": -2, "tomorrow": 1, "pasado mañana": 2, "mañana": 1,
}  # fmt: skip

_DATE = re.compile(
    rf"""
    \b(?P<iso>20\d\d-\d\d-\d\d)\b
  | \b(?P<slash>\d{{1,2}}/\d{{1,2}}/20\d\d)\b
  | \b(?P<es_day>\d{{1,2}}|primero)[º°]?(?:\s*(?:,|y|al|a|e)\s*(?:el\s+)?\d{{1,2}})*\s+de(?:l\s+mes\s+de)?\s+
      (?:este\s+mes\s+de\s+)?(?P<es_month>(?i:{_SPANISH_MONTH}))\b
      (?:\s*(?:,|del?|del\s+año)?\s*(?P<es_year>(?:19|20)\d\d)\b)?
  | \b(?P<en_month>{_ENGLISH_MONTH})\s+(?P<en_day>\d{{1,2}})(?:st|nd|rd|th)?\b(?!:\d)
      (?:\s*(?:-|–|and|to)\s*\d{{1,2}}(?:st|nd|rd|th)?\b)?(?:,?\s+(?P<en_year>(?:19|20)\d\d)\b)?
  | \b(?P<day_en>\d{{1,2}})(?:st|nd|rd|th)?\s+(?:of\s+)?(?P<month_en>{_ENGLISH_MONTH})
      (?:,?\s+(?P<year_en>(?:19|20)\d\d)\b)?
  | \b(?P<es_only>(?i:{_SPANISH_MONTH}))\b(?:\s+(?:del?\s+)?(?P<es_only_year>(?:19|20)\d\d)\b
      |\s+(?P<es_after>próximo|entrante|pasado))?
  | (?i:\b(?:in|of|this|next|last|early|late|mid|until|since|for|by)[\s-]+(?:early\s+|late\s+|mid-?)?)
      (?P<en_only>{_ENGLISH_MONTH})(?![\w.]*\s+\d{{1,2}}\b)(?:,?\s+(?P<en_only_year>(?:19|20)\d\d)\b)?
  | \b(?P<month_rel>(?i:(?:el\s+)?(?:próximo\s+mes|mes\s+(?:próximo|entrante|que\s+viene))(?!\s+de\s)|next\s+month))\b
  | \b(?i:(?P<dir>this|next|last|this\s+coming|este|esta|el\s+próximo|el\s+pasado|próximo|pasado)\s+)?
      (?P<weekday>(?i:{_WEEKDAY}))\b(?:\s+(?P<dir_after>próximo|pasado|que\s+viene|siguiente))?
      (?![,\s]+(?:\d{{1,2}}[º°]?\s+de\s|(?:{_ENGLISH_MONTH})\s+\d))
  | \b(?P<relative>(?i:pasado\s+mañana|hoy|ayer|anoche|anteayer|antier|today|tonight|yesterday|tomorrow))\b
  | (?<!la\s)(?<!esta\s)(?<!una\s)(?<!cada\s)\b(?P<tomorrow>[Mm]añana)\b
  | \b(?i:(?P<bare_dir>el\s+próximo|el\s+pasado|este|el\s+día|el|on\s+the|the))\s+(?:día\s+)?
      (?P<bare>\d{{1,2}})(?P<ordinal>st|nd|rd|th)?\b(?!\s*(?:de\s+\w|%|por\s+ciento|percent|[.,:]\d|\w|st\b))
    """,
    re.VERBOSE,
)
_COMING = re.compile(
    rf"\b(?:para(?=\s+(?:el\s+)?(?:día\s+)?(?:\d|{_WEEKDAY}|{_SPANISH_MONTH})\b)|"
    r"pr[oó]xim[oa]s?|siguientes?|entrante|venider[oa]s?|previst[oa]s?|programad[oa]s?|agendad[oa]s?|"
    r"pactad[oa]s? para|convocad[oa]s?|planead[oa]s?|acordad[oa]s? para|que viene|"
    r"(?:va|van) a \w+r|tiene[n]? previsto|prev[eé]n?|planea[n]?|alista[n]?|"
    r"next|upcoming|coming|will|would|scheduled|planned|slated|set (?:to|for)|due to|plans? to|expected to|"
    r"is to|are to|to be held|to (?:meet|host|hold|convene|travel|visit)|ahead of|forthcoming|"
    r"\w+(?:ar|er|ir|dr)(?:á|án|emos))\b",
    re.IGNORECASE,
)
_PAST = re.compile(
    r"\b(?:pasad[oa]s?|last|previous|earlier|ago|tuvo|tuvieron|hubo|fue|fueron|hizo|hicieron|sostuvo|sostuvieron|"
    r"dijo|\w{2,}(?:aron|ieron|yeron)|\w{2,}ó|was|were|had|met|held|spoke|took|said|told|"
    r"(?!united\b|need\b|armed\b|hundred\b|speed\b|indeed\b)\w{2,}ed)\b",
    re.IGNORECASE,
)
_CLAUSE = re.compile(r"[;:]|,\s+(?:y|e|pero|mientras|and|but|while)\b|\s+(?:y|and)\s+(?=(?:que|that)\b)")


@dataclass(frozen=True, slots=True)
class NamedDate:
    """One date as a text names it: where, which day or month, and which way its clause points."""

    start: int
    end: int
    date: str  # YYYY-MM-DD or YYYY-MM
    precision: Literal["day", "month"]
    direction: Direction


def publication_day(published: str, timezone: str | None) -> date:
    """Return the day of publication where the outlet is.

    ``published`` is ISO 8601, a day or a moment; a moment without offset is taken as the outlet's own.
    Raises ValueError on anything else.
    """
    moment = datetime.fromisoformat(published)
    if len(published) > 10 and moment.tzinfo is not None and timezone:
        moment = moment.astimezone(ZoneInfo(timezone))
    return moment.date()


def named_dates(sentence: str, published: date, language: str | None) -> list[NamedDate]:
    """Return the dates one sentence names, in its order; of a sentence beyond all measure, those of its beginning."""
    return list(_resolved(sentence[:LONGEST], published, language))


def _resolved(sentence: str, published: date, language: str | None) -> Iterator[NamedDate]:
    for match in _DATE.finditer(sentence):
        direction = _direction(sentence, match)
        try:
            found = _resolve(match, published, direction, language)
        except ValueError:  # the 31st of February and its like
            continue
        if found is not None:
            precision: Literal["day", "month"] = "day" if len(found) == 10 else "month"
            yield NamedDate(match.start(), match.end(), found, precision, direction)


def _direction(sentence: str, match: re.Match[str]) -> Direction:
    """Return which way the words of the date point, else the nearest word that does: of its clause, of its sentence."""
    if own := _points(match.group(), 0, 0):
        return own
    clause_start = max((m.end() for m in _CLAUSE.finditer(sentence, 0, match.start())), default=0)
    after = _CLAUSE.search(sentence, match.end())
    clause = sentence[clause_start : after.start() if after else len(sentence)]
    start, end = match.start() - clause_start, match.end() - clause_start
    return _points(clause, start, end) or _points(sentence[:clause_start], match.start(), match.end())


def _points(stretch: str, start: int, end: int) -> Direction:
    """Return the direction of the word nearest to the date that spans start to end; none where none has one."""
    patterns: tuple[tuple[re.Pattern[str], Direction], ...] = ((_COMING, "coming"), (_PAST, "past"))
    cues = [
        (max(start - cue.end(), cue.start() - end), direction)
        for pattern, direction in patterns
        for cue in pattern.finditer(stretch)
        if cue.end() <= start or cue.start() >= end
    ]
    return min(cues)[1] if cues else ""


def _resolve(match: re.Match[str], today: date, direction: Direction, language: str | None) -> str | None:
    """Return the date of one match, ISO; None where it is none. Raises ValueError on impossible days."""
    get = match.groupdict().get
    explicit = bool(_points(match.group(), 0, 0))
    if iso := get("iso"):
        return date.fromisoformat(iso).isoformat()
    if slash := get("slash"):
        first, second, year = (int(part) for part in slash.split("/"))
        day, month = (second, first) if language == "en" and first <= 12 else (first, second)
        return date(year, month, day).isoformat()
    for day_key, month_key, year_key in (
        ("es_day", "es_month", "es_year"),
        ("en_day", "en_month", "en_year"),
        ("day_en", "month_en", "year_en"),
    ):
        if name := get(day_key):
            return _day(
                _number(name), _month(match[month_key]), get(year_key), today, direction, said=explicit
            )
    for month_key, year_key in (("es_only", "es_only_year"), ("en_only", "en_only_year")):
        if name := get(month_key):
            return _whole_month(_month(name), get(year_key), today, direction, said=explicit)
    if get("month_rel"):
        return (today.replace(day=1) + timedelta(days=32)).isoformat()[:7]
    if weekday := get("weekday"):
        said = f"{get('dir') or ''} {get('dir_after') or ''}".lower()
        return _weekday(WEEKDAYS[weekday.lower()], said, today, direction)
    if relative := get("relative") or get("tomorrow"):
        return (today + timedelta(days=_RELATIVE[" ".join(relative.lower().split())])).isoformat()
    if (
        match["ordinal"]
        or match["bare_dir"].lower() not in {"el", "the", "este", "on the"}
        or language == "es"
    ):
        return _bare_day(int(match["bare"]), today, direction)
    return None


def _number(name: str) -> int:
    return 1 if name == "primero" else int(name)


def _month(name: str) -> int:
    return MONTHS[name.lower().rstrip(".")]


def _day(day: int, month: int, year: str | None, today: date, direction: Direction, *, said: bool) -> str:
    if year:
        return date(int(year), month, day).isoformat()
    found = [
        date(y, month, day)
        for y in (today.year - 1, today.year, today.year + 1)
        if day <= monthrange(y, month)[1]
    ]
    return min(found, key=lambda d: _distance((d - today).days, direction, 60, said=said)).isoformat()


def _whole_month(month: int, year: str | None, today: date, direction: Direction, *, said: bool) -> str:
    if year:
        return f"{year}-{month:02d}"
    now = today.year * 12 + today.month - 1
    found = [y * 12 + month - 1 for y in (today.year - 1, today.year, today.year + 1)]
    best = min(found, key=lambda m: _distance(m - now, direction, 3, said=said))
    return f"{best // 12}-{best % 12 + 1:02d}"


def _distance(delta: int, direction: Direction, tolerance: int, *, said: bool) -> int:
    """Return how far a date lies; one against its direction, or far ahead without any, is put behind the others.

    ``said`` tells that the date itself says its direction ("mayo pasado"): then nothing outweighs it.
    """
    against = (direction == "coming" and delta < 0) or (direction == "past" and delta > 0)
    far_ahead = not direction and delta > tolerance
    return abs(delta) + ((20 if said else 2) * tolerance if against or far_ahead else 0)


def _weekday(weekday: int, said: str, today: date, direction: Direction) -> str:
    back = (today.weekday() - weekday) % 7
    if "pasado" in said or "last" in said:
        return (today - timedelta(days=back or 7)).isoformat()
    coming = direction == "coming" or any(word in said for word in ("next", "coming", "próximo", "viene"))
    if coming and back:
        return (today + timedelta(days=7 - back)).isoformat()
    if coming and ("next" in said or "próximo" in said):
        return (today + timedelta(days=7)).isoformat()
    return (today - timedelta(days=back)).isoformat()


def _bare_day(day: int, today: date, direction: Direction) -> str | None:
    """Return the nearest day of that number, within the month before and the month after."""
    if not 1 <= day <= 31:
        return None
    first = today.replace(day=1)
    months = (first - timedelta(days=1)).replace(day=1), first, (first + timedelta(days=32)).replace(day=1)
    found = [m.replace(day=day) for m in months if day <= monthrange(m.year, m.month)[1]]
    return min(found, key=lambda d: _distance((d - today).days, direction, 30, said=True)).isoformat()
