"""The two languages of the site: its words, and dates and numbers as their readers write them."""

import re
import tomllib
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from functools import cache, lru_cache
from pathlib import Path
from typing import Literal
from urllib.parse import urlencode
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from babel.dates import format_date, format_datetime
from babel.numbers import format_decimal
from markupsafe import Markup, escape

from archive.times import now

_TABLE_LINK = re.compile(r'href="/archive[^"?#]*(?=")')

Language = Literal["es", "en"]
LOCALES: dict[Language, str] = {"es": "es_MX", "en": "en_US"}


class MissingMessageError(KeyError):
    """A template asked for words that messages.toml does not have."""


@cache
def messages() -> dict[str, dict[str, str]]:
    """Return the words of the site by key, each in both languages."""
    path = Path(__file__).with_name("messages.toml")
    return tomllib.loads(path.read_text(encoding="utf-8"))


def choose_language(asked: str | None, accepted: str | None) -> Language:
    """Return the language of a page: the one asked for in the URL, else the reader's first of the two.

    ``accepted`` is the Accept-Language header; weights are honoured, and Spanish is the default.
    """
    if asked == "en":
        return "en"
    if asked == "es":
        return "es"
    weights: dict[Language, float] = {"es": 0.0, "en": 0.0}
    for part in (accepted or "").split(","):
        tag, _, parameters = part.strip().partition(";")
        language = tag.split("-")[0].lower()
        weight = _weight(parameters)
        if language == "es" and weight > weights["es"]:
            weights["es"] = weight
        if language == "en" and weight > weights["en"]:
            weights["en"] = weight
    return "en" if weights["en"] > weights["es"] else "es"


def _weight(parameters: str) -> float:
    name, _, value = parameters.strip().partition("=")
    if name != "q":
        return 1.0
    try:
        return float(value)
    except ValueError:
        return 0.0


# Babel's formatting takes some 50 µs; a page of results has two hundred dates and numbers, many of them the same.
@lru_cache(maxsize=20_000)
def _number(value: float, locale: str) -> str:
    return str(format_decimal(value, locale=locale))


@lru_cache(maxsize=20_000)
def _day(year: int, month: int, day: int, style: str, locale: str) -> str:
    return str(format_date(date(year, month, day), style, locale=locale))


@lru_cache(maxsize=3_000)
def _clock(hour: int, minute: int, language: Language) -> str:
    pattern = "H:mm" if language == "es" else "h:mm a"
    return str(format_datetime(datetime(2000, 1, 1, hour, minute), pattern, locale=LOCALES[language]))


@lru_cache
def zone_of(name: str) -> ZoneInfo:
    """Return a time zone; UTC where there is none of that name."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")


def zone_name(moment: datetime) -> str:
    """Return the offset of a time as readers write it: UTC, UTC−6, UTC+5:30."""
    minutes = round((moment.utcoffset() or timedelta()).total_seconds() / 60)
    if not minutes:
        return "UTC"
    hours, rest = divmod(abs(minutes), 60)
    return f"UTC{'−' if minutes < 0 else '+'}{hours}" + (f":{rest:02}" if rest else "")


class Words:
    """What templates use to speak one language and to keep it in their links."""

    def __init__(self, language: Language, *, explicit: bool = False) -> None:
        self.language = language
        self.explicit = explicit
        self.locale = LOCALES[language]
        self.short_day = "d MMM" if language == "es" else "MMM d"  # without its year

    def t(self, key: str, **values: object) -> str:
        """Return the words for ``key``, its placeholders filled. Raises MissingMessageError."""
        try:
            text = messages()[key][self.language]
        except KeyError as error:
            raise MissingMessageError(key) from error
        return text.format(**values) if values else text

    def count(self, key: str, number: int) -> str:
        """Return ``key.one`` or ``key.many`` with the number written in the reader's way."""
        return self.t(f"{key}_{'one' if number == 1 else 'many'}", n=self.number(number))

    def number(self, value: float) -> str:
        """Return a number with the reader's separators."""
        return _number(value, self.locale)

    def day(self, value: str | date | None, style: str = "medium") -> str:
        """Return a day in words; ``value`` is a date or begins with YYYY-MM-DD."""
        if not value:
            return self.t("unknown")
        moment = value if isinstance(value, date) else date.fromisoformat(value[:10])
        return _day(moment.year, moment.month, moment.day, style, self.locale)

    def moment(self, value: str | None) -> str:
        """Return a time to the minute, in its own offset, which is named."""
        if not value:
            return self.t("unknown")
        moment = datetime.fromisoformat(value)
        return f"{self.short_moment(moment)} {zone_name(moment)}"

    def short_moment(self, moment: datetime) -> str:
        """Return a local time to the minute, its zone told by what stands around it."""
        return f"{self.day(moment.date())}, {self.clock(moment)}"

    def clock(self, moment: datetime) -> str:
        """Return the time of day as the reader writes it."""
        return _clock(moment.hour, moment.minute, self.language)

    def time(self, value: str | None) -> Markup:
        """Return a ``<time>`` element that the browser completes with the reader's own time."""
        if not value:
            return Markup("<span>{}</span>").format(self.t("unknown"))
        return Markup(f'<time datetime="{escape(value)}">{escape(self.moment(value))}</time>')

    def local_time(self, value: str | None, zone: str, precision: str | None = "minute") -> Markup:
        """Return a UTC time on the clock of a place, as lists show it: *today* and *yesterday* by name.

        The whole time with its offset is the element's title.
        """
        if not value:
            return Markup("<span>{}</span>").format(self.t("unknown"))
        moment = datetime.fromisoformat(value).astimezone(zone_of(zone))
        days = (now().astimezone(moment.tzinfo).date() - moment.date()).days
        said = self.t(("today", "yesterday")[days]) if days in (0, 1) else self.day(moment.date())
        if precision != "day":
            said = f"{said}, {self.clock(moment)}"
        whole = (
            f"{self.short_moment(moment)} {zone_name(moment)}"  # from the date itself: nothing to be escaped
        )
        return Markup(
            f'<time datetime="{moment.isoformat(timespec="minutes")}" title="{whole}">{said}</time>'
        )

    def archive_time(self, value: str | None) -> Markup:
        """Return when the archive itself did something: in UTC, whatever the outlet's clock, and saying so."""
        return (
            Markup("{} UTC").format(self.local_time(value, "UTC")) if value else self.local_time(None, "UTC")
        )

    def link(self, path: str, parameters: Mapping[str, object] | None = None) -> str:
        """Return a link within the site that keeps the chosen language; empty parameters are left out."""
        pairs = [(key, str(value)) for key, value in (parameters or {}).items() if value not in (None, "")]
        return self.link_pairs(path, pairs)

    def kept(self, html: str) -> Markup:
        """Return markup made by Datasette with the chosen language kept in its links to tables and rows."""
        if not self.explicit or 'href="/' not in html:
            return Markup(html)
        return Markup(_TABLE_LINK.sub(rf"\g<0>?lang={self.language}", str(html)))

    def link_pairs(self, path: str, pairs: Sequence[tuple[str, str]]) -> str:
        """Return a link within the site with these parameters, which may repeat."""
        query = [*pairs, ("lang", self.language)] if self.explicit else list(pairs)
        return f"{path}?{urlencode(query)}" if query else path
