"""Pages of results, in order of relevance or time, and all ids of a search.

A page is found by its *cursor*, the place of the article before (or after) it in the order, so that page 40
costs what page 1 does and none is skipped or repeated while the archive grows.
"""

import math
import re
import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from sqlite_utils import Database

from archive.search.filters import Filters
from archive.search.matching import Copies, Selected, ids_listed, select
from archive.search.query import Query
from archive.search.reading import Ints, Positions
from archive.search.snippets import Highlighter, Segments
from archive.search.tree import compiled, wanted_terms

Sort = Literal["relevance", "newest", "oldest"]

RANKED = 10_000  # the newest results; older ones follow them by date
SCORED = 15_000  # matches looked at for that, those that filters leave out included
WEIGHTS = {"title": 8.0, "description": 3.0, "text": 1.0}
BM25_TERMS = 16
WEIGHED_TERMS = 6  # of a search with more, or in an index that does not know the places of words
RARITY = 5.0  # of a middling word, so that its weights are about those of bm25
SCORE_STEPS = 10  # scores that differ by less than a tenth count as one, and the newer comes first
MAX_LIMIT = 1_000
_POSITION_BITS = 32
_CURSOR = re.compile(r"([ab])([0-9a-f]{1,16})(?:\.([0-9a-f]{1,8}))?", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """One article found.

    ``article`` has all columns of ``articles`` and the outlet's ``outlet_name``, ``outlet_kind``, ``timezone``.
    ``also_in`` counts the other outlets that ran the same text (all of the archive, not of the search).
    """

    article: dict[str, Any]
    title: Segments
    snippet: Segments
    also_in: int

    @property
    def id(self) -> int:
        """The article's number."""
        return int(self.article["id"])

    @property
    def title_html(self) -> str:
        """The headline, escaped, the words found in ``<mark>``."""
        return self.title.html

    @property
    def snippet_html(self) -> str:
        """The passage, escaped, the words found in ``<mark>``."""
        return self.snippet.html


@dataclass(frozen=True, slots=True, kw_only=True)
class Results:
    """One page of results.

    ``total`` counts all results, copies folded where that was asked for; ``articles`` counts each copy;
    ``start`` is the place of the first hit among the results, from 0.
    """

    hits: list[Hit]
    total: int
    articles: int
    start: int
    next_cursor: str | None = None
    previous_cursor: str | None = None


def search(
    db: Database | sqlite3.Connection,
    query: Query | str | Selected,
    filters: Filters | None = None,
    *,
    sort: Sort = "relevance",
    limit: int = 20,
    cursor: str | None = None,
    copies: Copies = "fold",
) -> Results:
    """Return a page of results.

    ``copies="fold"`` shows of articles with the same text the first in the order. A cursor that is none, or
    of another order, gives the first page.
    """
    found = select(db, query, filters)
    ranks = _ranks(found, sort)
    order = _ordered(found, ranks, copies, sort)
    start, end = _page(found, ranks, order, sort, cursor, max(1, min(limit, MAX_LIMIT)))
    shown = order[start:end]
    return Results(
        hits=_hits(found, found.positions[shown]),
        total=len(order),
        articles=len(found.positions),
        start=start,
        next_cursor=_cursor("a", found, ranks, shown[-1], sort) if end < len(order) else None,
        previous_cursor=_cursor("b", found, ranks, shown[0], sort) if start > 0 and len(shown) else None,
    )


def matching_ids(
    db: Database | sqlite3.Connection,
    query: Query | str | Selected,
    filters: Filters | None = None,
    *,
    sort: Sort = "newest",
    copies: Copies = "all",
) -> Iterator[int]:
    """Return the ids of all articles found, in order."""
    found = select(db, query, filters)
    order = _ordered(found, _ranks(found, sort), copies, sort)
    ids: list[int] = found.columns.ids[found.positions[order]].tolist()
    return iter(ids)


def _ranks(found: Selected, sort: Sort) -> Ints:
    """Return a number for each article found; the results are in falling order of them."""
    positions = found.positions.astype(np.int64)
    if sort == "oldest":
        return -positions
    if sort == "newest" or found.expression is None or found.expression.negated:
        return positions
    scores = found.columns.counts.get(("scores", found.query, found.filters), lambda: _scores(found))
    positions[len(positions) - len(scores) :] |= scores << _POSITION_BITS
    return positions


def _scores(found: Selected) -> Ints:
    """Return the relevance, in steps, of the newest of the articles found; the others have none."""
    oldest = found.matched[-SCORED] if len(found.matched) > SCORED else 0
    newest = found.positions[np.searchsorted(found.positions, oldest) :][-RANKED:]
    if not len(newest):
        return np.empty(0, np.int64)
    ids = found.columns.ids[newest]
    order = np.argsort(ids)
    scores = np.zeros(len(newest))
    # SQLite's bm25 takes time by the square of the terms: 200 common ones took 17 s in 600 texts.
    few = sum(1 for _ in wanted_terms(found.query.tree)) <= BM25_TERMS
    weigh = _bm25 if found.columns.ordered and few else _by_column
    for numbers, weights in weigh(found, int(ids.min()), int(ids.max())):
        places = np.searchsorted(ids, numbers, sorter=order).clip(max=len(ids) - 1)
        known = ids[order[places]] == numbers
        scores[order[places[known]]] += weights[known]
    return 1 + np.rint(scores * SCORE_STEPS).astype(np.int64)


Weighed = Iterator[tuple[Ints, NDArray[np.float64]]]  # ids of articles, and what is added to their scores


def _bm25(found: Selected, first: int, last: int) -> Weighed:
    assert found.expression is not None
    cursor = found.connection.execute(
        f"SELECT rowid, -bm25(articles_fts, {', '.join(map(str, WEIGHTS.values()))}) FROM articles_fts"
        " WHERE articles_fts MATCH ? AND rowid BETWEEN ? AND ?",
        [found.expression.match, first, last],
    )
    # One by one: thousands of rows at once make Python look through all it holds for garbage.
    rows = np.fromiter(map(tuple, cursor), [("id", np.int64), ("weight", np.float64)])
    yield rows["id"], rows["weight"]


def _by_column(found: Selected, first: int, last: int) -> Weighed:
    """Weigh by the parts of an article that hold the terms, the rarer the more: what an index without places knows."""
    everything = len(found.columns) or 1
    for term in islice(dict.fromkeys(wanted_terms(found.query.tree)), WEIGHED_TERMS):
        for column, weight in WEIGHTS.items():
            if term.column not in ("", column):
                continue
            match = f"{column} : {compiled(replace(term, column=''), found.vocabulary.forms).match}"
            (listed,) = found.connection.execute(
                "SELECT group_concat(rowid) FROM articles_fts WHERE articles_fts MATCH ? AND rowid BETWEEN ? AND ?",
                [match, first, last],
            ).fetchone()
            numbers = ids_listed(listed) if listed else np.empty(0, np.int64)
            rarity = math.log1p(everything / (1 + len(numbers)))
            yield numbers, np.full(len(numbers), weight * rarity / RARITY)


def _ordered(found: Selected, ranks: Ints, copies: Copies, sort: Sort) -> Positions:
    """Return the order of the results as indexes into ``found.positions``; of copies the first in it alone."""
    shown = np.ones(len(ranks), bool)
    if copies == "fold" and len(found.grouped.places):
        places, groups = found.grouped.places, found.grouped.groups
        if sort == "relevance":
            places = places[np.lexsort((-ranks[places], groups))]
        same = groups[1:] == groups[:-1]
        shown[places[:-1][same] if sort == "newest" else places[1:][same]] = False
    if sort == "relevance":
        order = _falling(ranks)
        return order[shown.take(order)]
    in_time = np.flatnonzero(shown).astype(np.int32)
    return in_time[::-1] if sort == "newest" else in_time


def _falling(ranks: Ints) -> Positions:
    """Return the order of falling ranks. All but the last, which were scored, are in order of time as a rule."""
    tail = max(0, len(ranks) - RANKED)
    if len(ranks) > 1 and bool((ranks[1:] > ranks[:-1]).all()):
        return np.arange(len(ranks) - 1, -1, -1, dtype=np.int32)
    if (
        not tail
        or not bool((ranks[1:tail] > ranks[: tail - 1]).all())
        or ranks[tail:].min() < ranks[tail - 1]
    ):
        return np.argsort(-ranks, kind="stable").astype(np.int32)
    scored = np.argsort(-ranks[tail:], kind="stable").astype(np.int32) + np.int32(tail)
    return np.concatenate((scored, np.arange(tail - 1, -1, -1, dtype=np.int32)))


def _page(
    found: Selected, ranks: Ints, order: Positions, sort: Sort, cursor: str | None, limit: int
) -> tuple[int, int]:
    """Return the ends of the page in the order."""
    read = _read_cursor(cursor, found, sort)
    if read is None:
        return 0, limit
    backwards, rank = read
    falling = -ranks[order]
    if backwards:
        end = int(np.searchsorted(falling, -rank, side="left"))
        return (end - limit, end) if end > limit else (0, limit)
    start = int(np.searchsorted(falling, -rank, side="right"))
    return start, start + limit


def _cursor(direction: str, found: Selected, ranks: Ints, index: int, sort: Sort) -> str:
    key = int(found.columns.keys[found.positions[index]])
    score = f".{int(ranks[index]) >> _POSITION_BITS:x}" if sort == "relevance" else ""
    return f"{direction}{key:x}{score}"


def _read_cursor(cursor: str | None, found: Selected, sort: Sort) -> tuple[bool, float] | None:
    """Return whether the page lies before the cursor, and the rank there."""
    read = _CURSOR.fullmatch(cursor or "")
    if read is None or (read.group(3) is None) != (sort != "relevance"):
        return None
    key = int(read.group(2), 16)
    if key >= 1 << 63:
        return None
    place: float = int(np.searchsorted(found.columns.keys, key))
    if place == len(found.columns) or found.columns.keys[int(place)] != key:
        place -= 0.5  # the article is no longer there: between its neighbours
    if sort == "oldest":
        place = -place
    return read.group(1) == "b", (int(read.group(3) or "0", 16) << _POSITION_BITS) + place


def _hits(found: Selected, positions: Positions) -> list[Hit]:
    ids: list[int] = found.columns.ids[positions].tolist()
    articles = _by_id(
        found.connection,
        "SELECT a.*, o.name AS outlet_name, o.kind AS outlet_kind, o.timezone AS timezone"
        " FROM articles a LEFT JOIN outlets o ON o.id = a.outlet WHERE a.id IN ({})",
        ids,
    )
    texts = _by_id(found.connection, "SELECT article AS id, text FROM texts WHERE article IN ({})", ids)
    highlighter = Highlighter(found.query.tree, found.vocabulary.forms, found.query.accents)
    groups = np.unique(found.columns.groups[positions]).tolist()
    outlets = other_outlets(found.connection, [group for group in groups if group >= 0])
    return [
        Hit(
            article=article,
            title=highlighter.whole(article["title"], "title"),
            snippet=highlighter.snippet(
                ("text", texts.get(number, {}).get("text") or ""), ("description", article["description"])
            ),
            also_in=outlets.get(article["copy_group"], 0),
        )
        for number in ids
        if (article := articles.get(number)) is not None
    ]


def _by_id(connection: sqlite3.Connection, sql: str, ids: list[int]) -> dict[int, dict[str, Any]]:
    cursor = connection.execute(sql.format(", ".join("?" * len(ids))), ids)
    names = [column[0] for column in cursor.description]
    rows = [dict(zip(names, tuple(row), strict=True)) for row in cursor]
    return {row["id"]: row for row in rows}


def other_outlets(connection: sqlite3.Connection, groups: Iterable[int]) -> dict[int, int]:
    """Return for each of these groups of copies how many outlets there are in it besides one."""
    wanted = list(groups)
    rows = connection.execute(
        "SELECT copy_group, count(DISTINCT outlet) - 1 FROM articles"
        f" WHERE grade > 0 AND copy_group IN ({', '.join('?' * len(wanted))}) GROUP BY copy_group",
        wanted,
    )
    return {row[0]: row[1] for row in rows}
