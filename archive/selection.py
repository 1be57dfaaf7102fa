"""Which articles leave the archive: the filters of search, as SQL over ``articles a``."""

import sqlite3
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from typing import Any

from sqlite_utils import Database

from archive.search import Filters, Query, matching_ids, parse

RELEVANT_GRADES = (1, 2)


class SelectionError(Exception):
    """A filter cannot be met: an outlet that is not in the archive, a query that cannot be read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """The filters of one export; empty ones leave all articles on the subject (grades 1 and 2)."""

    outlets: tuple[str, ...] = ()
    country: str | None = None
    language: str | None = None
    since: date | None = None  # first day of publication, UTC
    until: date | None = None  # last day of publication, UTC, itself included
    grades: tuple[int, ...] = ()
    query: str = ""

    @property
    def is_everything(self) -> bool:
        """Whether no filter was given."""
        return self == Selection()

    def as_dict(self) -> dict[str, Any]:
        """Return the filters as JSON-ready values, those not given left out."""
        return {
            name: value.isoformat() if isinstance(value, date) else value
            for name, value in asdict(self).items()
            if value
        }


def check_selection(db: Database, selection: Selection) -> None:
    """Raise SelectionError where an outlet is unknown or the period is empty."""
    known = {name for (name,) in db.execute("SELECT id FROM outlets")}
    unknown = [outlet for outlet in selection.outlets if outlet not in known]
    if unknown:
        raise SelectionError(f"no outlet {unknown[0]!r} in this archive (`bilateral status` lists them)")
    if selection.since and selection.until and selection.since > selection.until:
        raise SelectionError(f"the period is empty: from {selection.since} to {selection.until}")


def where_clause(db: Database, selection: Selection) -> tuple[str, list[Any]]:
    """Return the condition on ``articles a`` and its parameters.

    A query is answered by the search engine first; its hits wait in a temporary table, on disk where they
    are many.
    """
    query = parse(selection.query)
    grades = selection.grades or tuple(int(grade) for grade in query.filters.grade) or RELEVANT_GRADES
    # The unary plus: nearly all articles have these grades, and the index would cost the order of ids.
    conditions, parameters = [f"+a.grade IN ({_marks(grades)})"], list[Any](grades)
    if selection.outlets:
        conditions.append(f"a.outlet IN ({_marks(selection.outlets)})")
        parameters += selection.outlets
    for column, value in (("country", selection.country), ("language", selection.language)):
        if value:
            conditions.append(f"a.{column} = ?")
            parameters.append(value)
    if selection.since:
        conditions.append("coalesce(a.published, a.first_seen) >= ?")
        parameters.append(selection.since.isoformat())
    if selection.until:
        conditions.append("coalesce(a.published, a.first_seen) < ?")
        parameters.append((selection.until + timedelta(days=1)).isoformat())
    if selection.query:
        _select_matches(db, query, grades)
        conditions.append("a.id IN (SELECT id FROM temp.matches)")
    return " AND ".join(conditions), parameters


def _marks(values: tuple[Any, ...]) -> str:
    return ", ".join("?" * len(values))


def _select_matches(db: Database, query: Query, grades: tuple[int, ...]) -> None:
    found = matching_ids(db, query, Filters(grade=tuple(str(grade) for grade in grades)))
    db.execute("CREATE TEMP TABLE IF NOT EXISTS matches (id INTEGER PRIMARY KEY)")
    db.execute("DELETE FROM temp.matches")
    try:
        db.conn.executemany("INSERT INTO temp.matches VALUES (?)", ((number,) for number in found))
    except sqlite3.Error as error:
        raise SelectionError(f"the query cannot be answered: {error}") from error
