"""What narrows a search besides its words: outlets, countries, grades, dates and the like."""

import calendar
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from datetime import date
from typing import Any

FIELDS = ("outlet", "country", "language", "grade", "section", "wire", "year", "status")
NOTHING = "\x00"  # a value that no article has
_DATE = re.compile(r"(\d{4})(?:-(\d{1,2})(?:-(\d{1,2}))?)?", re.ASCII)
_COUNTRIES = {"mexico": "MX", "méxico": "MX", "usa": "US", "eeuu": "US"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """Several values of one field mean any of them; different fields all hold.

    Without a grade, articles of grade 0 (fallen off the subject) are left out. Days are UTC, ISO, inclusive.
    A value that no article has finds nothing. ``without`` holds (field, value) pairs that must not hold.
    """

    outlet: tuple[str, ...] = ()
    country: tuple[str, ...] = ()
    language: tuple[str, ...] = ()
    grade: tuple[str, ...] = ()
    section: tuple[str, ...] = ()
    wire: tuple[str, ...] = ()
    year: tuple[str, ...] = ()
    status: tuple[str, ...] = ()
    from_: str | None = None
    to: str | None = None
    without: tuple[tuple[str, str], ...] = ()
    rejected: tuple[str, ...] = ()  # dates that could not be read, as ``from=yesterday``; no effect

    @classmethod
    def from_parameters(cls, parameters: Mapping[str, str | Iterable[str]]) -> "Filters":
        """Read the filters off URL parameters or command options; other names are passed over.

        A field may be given repeatedly or as a list with commas (sections and agencies: repeatedly only).
        Dates are ``YYYY``, ``YYYY-MM`` or ``YYYY-MM-DD``; one that is none of them is put in ``rejected``.
        """
        values: dict[str, Any] = {}
        for name in FIELDS:
            given = _listed(parameters.get(name, ()))
            if name not in ("section", "wire"):
                given = [part.strip() for value in given for part in value.split(",")]
            values[name] = tuple(dict.fromkeys(canonical(name, value) for value in given if value))
        days, rejected = _period(parameters)
        return cls(**values, from_=days.get("from"), to=days.get("to"), rejected=tuple(rejected))

    def __bool__(self) -> bool:
        """Tell whether anything is narrowed."""
        return self != Filters(rejected=self.rejected)

    def parameters(self) -> list[tuple[str, str]]:
        """Return the filters as URL parameters that `from_parameters` reads (``without`` cannot be one)."""
        pairs = [(name, value) for name in FIELDS for value in getattr(self, name)]
        pairs += [("from", self.from_)] if self.from_ else []
        return pairs + ([("to", self.to)] if self.to else [])

    def adding(self, field: str, value: str) -> "Filters":
        """Return these filters with one more value of a field."""
        if value in getattr(self, field):
            return self
        return self.with_values(field, (*getattr(self, field), value))

    def removing(self, field: str, value: str = "") -> "Filters":
        """Return these filters without one value of a field; without the date, where it is ``from_`` or ``to``."""
        if field in ("from_", "to"):
            return self.with_values(field, None)
        return self.with_values(field, tuple(kept for kept in getattr(self, field) if kept != value))

    def with_values(self, field: str, values: Any) -> "Filters":
        """Return these filters with one field put as given."""
        changed: dict[str, Any] = {field: values}
        return replace(self, **changed)


def _listed(values: str | Iterable[str]) -> list[str]:
    return [values] if isinstance(values, str) else [str(value) for value in values]


def _period(parameters: Mapping[str, str | Iterable[str]]) -> tuple[dict[str, str], list[str]]:
    days: dict[str, str] = {}
    rejected = []
    for name in ("from", "to"):
        for value in filter(None, _listed(parameters.get(name) or parameters.get(f"{name}_", ()))):
            day = read_day(value, last=name == "to")
            if day is None:
                rejected.append(f"{name}={value}")
            else:
                days[name] = day
    return days, rejected


def canonical(field: str, value: str) -> str:
    """Return a value of a field as the archive spells it."""
    value = value.strip()
    if field == "country":
        return _COUNTRIES.get(value.lower(), value.upper())
    return value.lower() if field in ("outlet", "language", "status") else value


def read_day(text: str, *, last: bool = False) -> str | None:
    """Return the first (or last) ISO day of a year, month or day; None where the text is no date."""
    found = _DATE.fullmatch(text.strip())
    if not found:
        return None
    year, month, day = (int(part) if part else 0 for part in found.groups())
    month = month or (12 if last else 1)
    try:
        day = day or (calendar.monthrange(year, month)[1] if last else 1)
        return date(year, month, day).isoformat()
    except ValueError:
        return None


def merged(first: Filters, second: Filters) -> Filters:
    """Return filters that hold where both hold; a value asked for twice over but differently finds nothing."""
    values: dict[str, Any] = {}
    for field in fields(Filters):
        a, b = getattr(first, field.name), getattr(second, field.name)
        if field.name in FIELDS:
            both = tuple(value for value in a if value in b)
            values[field.name] = (both or (NOTHING,)) if a and b else a or b
        elif field.name == "from_":
            values["from_"] = max(filter(None, (a, b)), default=None)
        elif field.name == "to":
            values["to"] = min(filter(None, (a, b)), default=None)
        else:
            values[field.name] = (*a, *b)
    return Filters(**values)
