"""Which articles leave the archive: a search, as SQL over ``articles a``."""

import json
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from sqlite_utils import Database

from archive.search import Filters, Query, matching_ids, parse
from archive.search.columns import keeps_order
from archive.search.filters import merged
from archive.search.matching import Copies
from archive.search.tree import compiled
from archive.stems import Vocabulary

RELEVANT_GRADES = ("1", "2")
NO_QUERY = parse("")
NO_FILTERS = Filters()
_COLUMNS = ("outlet", "country", "language", "section", "wire", "status", "year")


class SelectionError(Exception):
    """A filter cannot be met: an outlet that is not in the archive, a period that is empty."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """The search of one export; without any, all articles on the subject (grades 1 and 2).

    ``filters`` hold beside those in the query itself. ``copies``: of articles with one text, *all*, or with
    *fold* the latest alone.
    """

    query: Query = NO_QUERY
    filters: Filters = NO_FILTERS
    copies: Copies = "all"

    @property
    def narrowed(self) -> Filters:
        """The filters of both, together."""
        return merged(self.query.filters, self.filters)

    @property
    def has_words(self) -> bool:
        """Whether words are searched for, and not filters alone."""
        return self.query.tree is not None or self.query.nothing

    @property
    def is_everything(self) -> bool:
        """Whether nothing was asked for."""
        return not self.narrowed and not self.has_words and self.copies == "all"

    def as_dict(self) -> dict[str, Any]:
        """Return what was asked for as JSON-ready values, the rest left out."""
        text = " ".join(self.query.text.split())
        given: dict[str, Any] = {"query": text} if text else {}
        for name, value in self.filters.parameters():
            given.setdefault(name, []).append(value)
        given |= {name: given[name][0] for name in ("from", "to") if name in given}
        given |= {"both_languages": True} if self.query.both_languages else {}
        given |= {"accents": self.query.accents} if self.query.accents != "ignore" else {}
        return given | ({"copies": self.copies} if self.copies != "all" else {})


def check_selection(db: Database, selection: Selection) -> None:
    """Raise SelectionError where an outlet is unknown or the period is empty."""
    known = {name for (name,) in db.execute("SELECT id FROM outlets")}
    unknown = [outlet for outlet in selection.filters.outlet if outlet not in known]
    if unknown:
        raise SelectionError(f"no outlet {unknown[0]!r} in this archive (`bilateral status` lists them)")
    start, end = selection.filters.from_, selection.filters.to
    if start and end and start > end:
        raise SelectionError(f"the period is empty: from {start} to {end}")


def where_clause(db: Database, selection: Selection) -> tuple[str, list[Any]]:
    """Return the condition on ``articles a`` and its parameters; it holds for what the same search finds.

    Nothing is held in memory but the numbers of the articles where accents count.
    """
    condition, parameters = _condition(db, selection, "a")
    if selection.copies == "all":
        return condition, parameters
    other, more = _condition(db, selection, "b")
    later = f"({_moment('b')}, b.id) > ({_moment('a')}, a.id)"
    latest = (
        f"NOT EXISTS (SELECT 1 FROM articles b WHERE b.copy_group = a.copy_group AND {later} AND {other})"
    )
    return f"{condition} AND {latest}", [*parameters, *more]


def _condition(db: Database, selection: Selection, alias: str) -> tuple[str, list[Any]]:
    if selection.query.accents != "ignore":
        found = matching_ids(db, selection.query, selection.filters)
        return f"{_value_of('id', alias)} IN (SELECT value FROM json_each(?))", [json.dumps(list(found))]
    conditions, parameters = _filter_conditions(selection.narrowed, alias)
    words, more = _words(db, selection, alias)
    return " AND ".join([*conditions, *words]), [*parameters, *more]


def _filter_conditions(filters: Filters, alias: str) -> tuple[list[str], list[Any]]:
    grades = filters.grade or RELEVANT_GRADES
    # The unary plus: nearly all articles have these grades, and the index would cost the order of ids.
    conditions = [f"+{alias}.grade IN ({_marks(grades)})"]
    parameters: list[Any] = [_grade(grade) for grade in grades]
    for column in _COLUMNS:
        values = getattr(filters, column)
        if values:
            conditions.append(f"{_value_of(column, alias)} IN ({_marks(values)})")
            parameters += values
    if filters.from_:
        conditions.append(f"{_moment(alias)} >= ?")
        parameters.append(filters.from_)
    if filters.to:
        conditions.append(f"{_moment(alias)} < ?")
        parameters.append(day_after(filters.to))
    for column, value in filters.without:
        conditions.append(f"{_value_of(column, alias)} IS NOT ?")
        parameters.append(_grade(value) if column == "grade" else value)
    return conditions, parameters


def day_after(day: str) -> str:
    """Return the day after an ISO day."""
    last = date.fromisoformat(day)
    return (last + timedelta(days=1)).isoformat() if last < date.max else f"{day}T99"


def _moment(alias: str) -> str:
    return f"coalesce({alias}.published, {alias}.first_seen)"


def _value_of(column: str, alias: str) -> str:
    if column == "year":
        return f"substr({_moment(alias)}, 1, 4)"
    if column == "wire":
        return f"coalesce({alias}.wire, '')"
    # Later copies are looked for by their group: the plus keeps SQLite from going through an outlet's articles.
    return f"{'+' if alias == 'b' else ''}{alias}.{column}"


def _grade(text: str) -> int | str:
    return int(text) if text.isascii() and text.isdigit() else text


def _marks(values: tuple[Any, ...]) -> str:
    return ", ".join("?" * len(values))


def _words(db: Database, selection: Selection, alias: str) -> tuple[list[str], list[Any]]:
    if selection.query.nothing:
        return ["0"], []
    if selection.query.tree is None:
        return [], []
    vocabulary = Vocabulary(db.conn, selection.narrowed.language)
    query = selection.query.for_index(ordered=keeps_order(db.conn))
    assert query.tree is not None
    expression = compiled(query.tree, vocabulary.forms)
    negation = "NOT " if expression.negated else ""
    found = (
        f"{_value_of('id', alias)} {negation}IN (SELECT rowid FROM articles_fts WHERE articles_fts MATCH ?)"
    )
    return [found], [expression.match]
