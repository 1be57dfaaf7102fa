"""Stories in the archive: grouped as articles arrive, under names that last, each with its reasons.

How articles are compared is in ``archive/linkage.py``, what is kept of it in ``archive/story_links.py``. A new or
changed article leads to the groups its links reach, and those are linked anew, so that the outcome is that of
grouping everything. A story that grows keeps its number. Where stories part or join, the part with most of the
old articles keeps it, and ``story_changes`` says what became of the rest.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlite_utils import Database

from archive.clusters import average_link, medoids
from archive.linkage import Model, load_model, places
from archive.store import row, rows, transaction
from archive.story_links import bring_up_to_date, chains, pairs_within, stored_profiles
from archive.times import utc_now


@dataclass(frozen=True, slots=True)
class StoryCounts:
    """What a run did: articles read, and the stories and articles in them there are now; splits and merges."""

    read: int
    stories: int
    articles: int
    splits: int
    merges: int


def group_new_stories(db: Database, *, anew: bool = False) -> StoryCounts:
    """Group the articles that are new or changed since the last run; all of them when ``anew``.

    Stories that stay what they were keep their numbers either way. Only articles on the subject are grouped.
    """
    with transaction(db):
        if anew:
            db.execute("DELETE FROM story_articles")
            db.execute("DELETE FROM story_links")
        model = load_model()
        read, touched = bring_up_to_date(db, model)
        grouped, touched = _reached(db, touched | _bereft(db), model.threshold)
        splits, merges = _keep(
            db, touched, [found for chain in grouped for found in _cluster(db, chain, model)]
        )
        return _counts(db, len(read), splits, merges)


def _bereft(db: Database) -> set[int]:
    """Return what is left of stories that lost an article to a withdrawal; empty stories are dropped."""
    db.execute("DELETE FROM stories WHERE id NOT IN (SELECT story FROM articles WHERE story IS NOT NULL)")
    found = db.execute(
        "SELECT a.id FROM articles a JOIN stories s ON s.id = a.story"
        " WHERE s.articles != (SELECT count(*) FROM articles m WHERE m.story = s.id)"
    )
    return {number for (number,) in found.fetchall()}


def _reached(db: Database, touched: set[int], threshold: float) -> tuple[list[list[int]], set[int]]:
    """Return the chains of links that articles and their stories so far are part of, and all these articles."""
    while True:
        grouped = chains(db, _with_their_stories(db, touched), threshold)
        reached = _with_their_stories(db, touched.union(*grouped))
        if reached == touched:
            return grouped, touched
        touched = reached


def _with_their_stories(db: Database, touched: Iterable[int]) -> set[int]:
    """Return these articles and all others of the stories they are in so far."""
    found = db.execute(
        "SELECT m.id FROM articles m WHERE m.story IN (SELECT a.story FROM articles a"
        " WHERE a.id IN (SELECT value FROM json_each(?)) AND a.story IS NOT NULL)",
        [json.dumps(sorted(touched))],
    )
    return {*touched, *(number for (number,) in found.fetchall())}


def _cluster(db: Database, chain: list[int], model: Model) -> list[tuple[list[int], int]]:
    """Return the stories among the articles of one chain: their articles, and the one that stands for all."""
    pairs = pairs_within(db, chain)
    order = places(stored_profiles(db, chain))
    clusters = [cluster for cluster in average_link(pairs, order, model.threshold) if len(cluster) > 1]
    return list(zip(clusters, medoids(clusters, pairs, order), strict=True))


def _keep(db: Database, touched: set[int], clusters: list[tuple[list[int], int]]) -> tuple[int, int]:
    """Give each cluster the number of the story it goes on, write stories and changes; return splits and merges."""
    before = {
        number: story
        for number, story in db.execute("SELECT id, story FROM articles WHERE story IS NOT NULL").fetchall()
        if number in touched
    }
    names = _names([cluster for cluster, _ in clusters], before)
    after: dict[int, int] = {}
    for (cluster, typical), name in zip(clusters, names, strict=True):
        story = _write_story(db, name, typical)
        after.update(dict.fromkeys(cluster, story))
    for number in sorted(touched):
        if before.get(number) != after.get(number):
            db.execute("UPDATE articles SET story = ? WHERE id = ?", [after.get(number), number])
    for story in sorted(set(after.values())):
        _count_story(db, story)
    changes = _note_changes(db, before, after)
    for story in sorted(set(before.values()) - set(after.values())):
        db.execute("DELETE FROM stories WHERE id = ?", [story])
    return changes["split"], changes["merge"]


def _names(clusters: list[list[int]], before: dict[int, int]) -> list[int | None]:
    """Return for each cluster the old story it goes on, if any: largest overlap first, each story once."""
    overlaps = []
    for place, cluster in enumerate(clusters):
        shared = Counter(before[number] for number in cluster if number in before)
        overlaps += [(-count, story, place) for story, count in shared.items()]
    names: list[int | None] = [None] * len(clusters)
    given: set[int] = set()
    for _, story, place in sorted(overlaps):
        if names[place] is None and story not in given:
            names[place] = story
            given.add(story)
    return names


def _write_story(db: Database, name: int | None, central: int) -> int:
    found = row(db, "SELECT title FROM articles WHERE id = ?", [central])
    title = found["title"] if found else ""
    if name is not None:
        db.execute("UPDATE stories SET title = ? WHERE id = ?", [title, name])
        return name
    # A number is never given twice: what was merged away keeps pointing at what it became.
    highest = row(
        db,
        "SELECT max(coalesce((SELECT max(id) FROM stories), 0), coalesce((SELECT max(story) FROM story_changes), 0),"
        " coalesce((SELECT max(other) FROM story_changes), 0)) AS id",
    )
    number = int(highest["id"]) + 1 if highest else 1
    db.execute("INSERT INTO stories (id, title) VALUES (?, ?)", [number, title])
    return number


def _count_story(db: Database, story: int) -> None:
    db.execute(
        "UPDATE stories SET (first_published, last_published, articles, outlets, mx_articles, us_articles) ="
        " (SELECT min(coalesce(published, first_seen)), max(coalesce(published, first_seen)), count(*),"
        " count(DISTINCT outlet), sum(country = 'MX'), sum(country = 'US') FROM articles WHERE story = ?1)"
        " WHERE id = ?1",
        [story],
    )


def _note_changes(db: Database, before: dict[int, int], after: dict[int, int]) -> Counter[str]:
    """Record where the articles of a story went to another: split off, merged into, or dissolved."""
    moved: defaultdict[tuple[int, int | None], list[int]] = defaultdict(list)
    for number, story in sorted(before.items()):
        if after.get(number) != story:
            moved[story, after.get(number)].append(number)
    lasting, old = set(after.values()), set(before.values())
    counted: Counter[str] = Counter()
    for (story, other), articles in moved.items():
        if other is None:
            kind = "left" if story in lasting else "dissolved"
        elif other in old and story not in lasting:
            kind = "merge"
        else:
            kind = "split" if other not in old else "moved"
        counted[kind] += 1
        db.execute(
            "INSERT INTO story_changes (changed, kind, story, other, articles) VALUES (?, ?, ?, ?, ?)",
            [utc_now(), kind, story, other, json.dumps(articles)],
        )
    return counted


def why_together(db: Database, story: int) -> list[dict[str, Any]]:
    """Return the links inside a story, the strongest first: a, b, likeness and the reasons in words.

    Pairs whose likeness is below the model's threshold are no links, though they count in the mean of two groups.
    """
    found = rows(
        db,
        "SELECT l.a, l.b, l.likeness, l.why FROM story_links l JOIN articles x ON x.id = l.a"
        " JOIN articles y ON y.id = l.b WHERE x.story = ?1 AND y.story = ?1 AND l.likeness >= ?2"
        " ORDER BY l.likeness DESC, l.a, l.b",
        [story, load_model().threshold],
    )
    return [{**link, "why": json.loads(link["why"])} for link in found]


def current_story(db: Database, story: int) -> int | None:
    """Return the story a number stands for today: itself, what it was merged into, or None."""
    seen: set[int] = set()
    while story not in seen:
        seen.add(story)
        if row(db, "SELECT 1 FROM stories WHERE id = ?", [story]):
            return story
        gone = row(
            db,
            "SELECT other FROM story_changes WHERE story = ? AND other IS NOT NULL"
            " ORDER BY json_array_length(articles) DESC, id DESC LIMIT 1",
            [story],
        )
        if gone is None:
            return None
        story = int(gone["other"])
    return None


def _counts(db: Database, read: int, splits: int, merges: int) -> StoryCounts:
    counted = row(
        db,
        "SELECT count(*) AS stories, (SELECT count(*) FROM articles WHERE story IS NOT NULL) AS n FROM stories",
    )
    assert counted is not None
    return StoryCounts(read, counted["stories"], counted["n"], splits, merges)
