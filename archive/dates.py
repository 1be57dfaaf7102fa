"""Dates named in Spanish and English news text, resolved against the day of publication.

A date without a year, a weekday or a bare day of the month is the nearest one in the direction the clause
points to; where it points nowhere, a weekday is the last one and a day and month the nearest. How dates are named
is in ``archive/date_words.py``.
"""

import re
from calendar import monthrange
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from archive.date_words import CLAUSE, COMING, COUNTS, DATE, MONTHS, PAST, RELATIVE, WEEKDAYS

Direction = Literal["past", "coming", ""]
LONGEST = 2000  # characters of one sentence that are looked at
SATURDAY = 5
GOVERNING = frozenset(("para", "for", "set for", "scheduled", "due", "before", "by", "after", "tras"))
GOVERNS = 8  # characters from such a word to the date that it governs, articles between
COMMA_COST = 20
SOON = 40  # days ahead; so near a date is not that of last year, whatever words surround it
LAST_YEAR = re.compile(r"\b(?:el\s+)?año\s+pasado\b|\blast\s+year\b", re.IGNORECASE)
BARE_YEAR = re.compile(r"\b(?:[Ee]n|[Ii]n|de|del|of)\s+(?:el\s+(?:año\s+)?)?((?:19|20)\d\d)\b")


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
    matches = list(DATE.finditer(sentence))
    year = _year_of(sentence, matches, published)
    before = published
    for match in matches:
        direction = _direction(sentence, match)
        try:
            if match["day_before"]:
                found = str(before - timedelta(days=1))
            else:
                found = _resolve(match, published, direction, language, year) or ""
        except ValueError:  # the 31st of February and its like
            continue
        if found:
            precision: Literal["day", "month"] = "day" if len(found) == 10 else "month"
            if precision == "day":
                before = date.fromisoformat(found)
            yield NamedDate(match.start(), match.end(), found, precision, direction)


def _year_of(sentence: str, matches: list[re.Match[str]], today: date) -> str | None:
    """Return the year that a sentence names apart from its dates: "en 2023", "el año pasado"."""
    if LAST_YEAR.search(sentence):
        return str(today.year - 1)
    apart = [
        year[1]
        for year in BARE_YEAR.finditer(sentence)
        if not any(match.start() <= year.start(1) < match.end() for match in matches)
    ]
    return apart[0] if len(apart) == 1 else None


def _direction(sentence: str, match: re.Match[str]) -> Direction:
    """Return which way the words of the date point, else the nearest word that does: of its clause, of its sentence."""
    if own := _points(match.group(), 0, 0):
        return own
    clause_start = max((m.end() for m in CLAUSE.finditer(sentence, 0, match.start())), default=0)
    after = CLAUSE.search(sentence, match.end())
    clause = sentence[clause_start : after.start() if after else len(sentence)]
    start, end = match.start() - clause_start, match.end() - clause_start
    return _points(clause, start, end) or _points(sentence[:clause_start], match.start(), match.end())


def _points(stretch: str, start: int, end: int) -> Direction:
    """Return the direction of the word nearest to the date that spans start to end; none where none has one."""
    patterns: tuple[tuple[re.Pattern[str], Direction], ...] = ((COMING, "coming"), (PAST, "past"))
    cues = [
        (_remoteness(stretch, cue, start, end), direction)
        for pattern, direction in patterns
        for cue in pattern.finditer(stretch)
        if cue.end() <= start or cue.start() >= end
    ]
    return min(cues)[1] if cues else ""


def _remoteness(stretch: str, cue: re.Match[str], start: int, end: int) -> int:
    """Return how far a word is from a date, in characters; commas count, and what governs the date is nearest."""
    if cue.end() <= start and cue[0].lower() in GOVERNING and start - cue.end() <= GOVERNS:
        return -1
    between = stretch[cue.end() : start] or stretch[end : cue.start()]
    return len(between) + COMMA_COST * between.count(",")


def _resolve(
    match: re.Match[str], today: date, direction: Direction, language: str | None, year: str | None
) -> str | None:
    """Return the date of one match, ISO; None where it is none. Raises ValueError on impossible days."""
    get = match.groupdict().get
    explicit = bool(_points(match.group(), 0, 0))
    if iso := get("iso"):
        return date.fromisoformat(iso).isoformat()
    if slash := get("slash"):
        return _slashed(slash, language)
    for day_key, month_key, year_key in (
        ("es_day", "es_month", "es_year"),
        ("en_day", "en_month", "en_year"),
        ("day_en", "month_en", "year_en"),
    ):
        if name := get(day_key):
            said = get(year_key) or year
            return _day(_number(name), _month(match[month_key]), said, today, direction, said=explicit)
    for month_key, own in (
        ("es_only", get("es_only_year")), ("en_only", get("en_only_year")), ("month_noun", None)
    ):  # fmt: skip
        if name := get(month_key):
            return _whole_month(_month(name), own or year, today, direction, said=explicit)
    return _relative(match, today, direction, language)


def _slashed(text: str, language: str | None) -> str:
    first, second, year = (int(part) for part in text.split("/"))
    day, month = (second, first) if language == "en" and first <= 12 else (first, second)
    return date(year, month, day).isoformat()


def _relative(match: re.Match[str], today: date, direction: Direction, language: str | None) -> str | None:
    """Return a date that is told by its distance from today."""
    get = match.groupdict().get
    months = {"last_month": -1, "this_month": 0, "next_month": 1}
    for key, distance in months.items():
        if get(key):
            return _months_on(today, distance)
    if get("ago"):
        return _span(today, get("ago_es") or get("ago_en"), get("span_es") or get("span_en"), -1)
    if get("ahead"):
        return _span(today, get("ahead_count"), get("ahead_span"), 1) if direction == "coming" else None
    if weekend := get("weekend"):
        last = direction == "past" or any(word in weekend.lower() for word in ("pasado", "last", "over"))
        return (today + timedelta(days=(SATURDAY - today.weekday()) % 7 - (7 if last else 0))).isoformat()
    if weekday := get("weekday"):
        if get("next_week") or get("last_week"):
            monday = today - timedelta(days=today.weekday() + (-7 if get("next_week") else 7))
            return (monday + timedelta(days=WEEKDAYS[weekday.lower()])).isoformat()
        said = f"{get('dir') or ''} {get('dir_after') or ''}".lower()
        return _weekday(WEEKDAYS[weekday.lower()], said, today, direction)
    if relative := get("relative") or get("tomorrow"):
        return (today + timedelta(days=RELATIVE[" ".join(relative.lower().split())])).isoformat()
    if number := get("weekday_number") or get("days"):
        return _bare_day(int(number), today, direction)
    if get("of_this_month"):
        return today.replace(day=int(match["bare"])).isoformat()
    vague = match["bare_dir"].lower() in {"el", "al", "the", "este", "on the"}
    if match["ordinal"] or not vague or language == "es":
        return _bare_day(int(match["bare"]), today, direction)
    return None


def _span(today: date, count: str | None, unit: str | None, sign: int) -> str:
    """Return the day, or for months the month, that lies so many days, weeks or months from today."""
    said, size = (count or "1").lower(), (unit or "d").lower()[0]
    number = sign * (COUNTS.get(said) or int(said))
    if size == "m":
        return _months_on(today, number)
    return (today + timedelta(days=number * (7 if size in "sw" else 1))).isoformat()


def _months_on(today: date, number: int) -> str:
    months = today.year * 12 + today.month - 1 + number
    return f"{months // 12}-{months % 12 + 1:02d}"


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
    if direction == "past" and delta > SOON * tolerance / 60:
        return abs(delta) + 20 * tolerance
    against = (
        (direction == "coming" and delta < 0)
        or (direction == "past" and delta > 0)
        or (not direction and delta > tolerance)
    )
    return abs(delta) + ((20 if said else 2) * tolerance if against else 0)


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
