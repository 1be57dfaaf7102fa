"""Stories in the archive: grouped as articles arrive, under names that last, each with its reasons.

How articles are compared is in ``archive/linkage.py``. Links between articles are kept; a new or changed article
leads to the groups its links reach, and those are linked anew, so that the outcome is that of grouping
everything. A story that grows keeps its number. Where stories part or join, the part with most of the old
articles keeps it, and ``story_changes`` says what became of the rest.
"""

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlite_utils import Database

from archive.linkage import (
    MODEL,
    WINDOW_DAYS,
    Link,
    Model,
    average_link,
    find_pairs,
    load_model,
    medoid,
    places,
    reasons,
)
from archive.profiles import CONCEPTS, Profile, read_profile
from archive.store import row, rows, transaction
from archive.times import utc_now

CHUNK = 500  # bound parameters in one statement

_ARTICLE = (
    "SELECT a.id, a.language, a.title, coalesce(a.published, a.first_seen) AS published, o.timezone,"
    " a.sha256, t.text FROM articles a JOIN texts t ON t.article = a.id JOIN outlets o ON o.id = a.outlet"
)


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
        new, touched = _changed(db)
        _link(db, _read(db, sorted(new)), model)
        touched |= new.keys() | _reached(db, touched | new.keys(), model.threshold)
        splits, merges = _keep(db, touched, _cluster(db, touched, model))
        for number, state in new.items():
            db.execute(
                "INSERT OR REPLACE INTO story_articles (article, state) VALUES (?, ?)", [number, state]
            )
        return _counts(db, len(new), splits, merges)


def model_version() -> str:
    """Return a short digest of the weights and the concepts; when they change, all articles are read anew."""
    return hashlib.sha256(MODEL.read_bytes() + CONCEPTS.read_bytes()).hexdigest()[:12]


def _changed(db: Database) -> tuple[dict[int, str], set[int]]:
    """Return the articles to be read with the state they are in, and all those whose links are thereby void."""
    version = model_version()
    known = dict(db.execute("SELECT article, state FROM story_articles").fetchall())
    now = {
        number: f"{version} {sha256} {published}"
        for number, sha256, published in db.execute(
            "SELECT id, sha256, coalesce(published, first_seen) FROM articles WHERE grade > 0"
        )
    }
    new = {number: state for number, state in now.items() if known.get(number) != state}
    void = sorted(new.keys() | (known.keys() - now.keys()))
    touched = set(void) | _bereft(db)
    for number in void:
        for a, b in db.execute(
            "SELECT a, b FROM story_links WHERE a = ? OR b = ?", [number, number]
        ).fetchall():
            touched |= {a, b}
        db.execute("DELETE FROM story_links WHERE a = ? OR b = ?", [number, number])
        db.execute("DELETE FROM story_articles WHERE article = ?", [number])
    return new, touched


def _bereft(db: Database) -> set[int]:
    """Return what is left of stories that lost an article to a withdrawal; empty stories are dropped."""
    db.execute("DELETE FROM stories WHERE id NOT IN (SELECT story FROM articles WHERE story IS NOT NULL)")
    found = db.execute(
        "SELECT a.id FROM articles a JOIN stories s ON s.id = a.story"
        " WHERE s.articles != (SELECT count(*) FROM articles m WHERE m.story = s.id)"
    )
    return {number for (number,) in found.fetchall()}


def _read(db: Database, numbers: list[int]) -> list[Profile]:
    found = []
    for start in range(0, len(numbers), CHUNK):
        some = numbers[start : start + CHUNK]
        marks = ", ".join("?" * len(some))
        found += [
            _profile(article)
            for article in rows(db, f"{_ARTICLE} WHERE a.id IN ({marks}) ORDER BY a.id", some)
        ]
    return found


def _profile(article: dict[str, Any]) -> Profile:
    return read_profile(
        article["id"],
        article["language"],
        article["published"],
        article["title"],
        article["text"],
        load_model().telling,
        article["timezone"],
    )


def _link(db: Database, new: list[Profile], model: Model) -> None:
    """Find and keep the pairs of the new articles; those that are links with their reasons."""
    others = _read(db, _neighbours(db, new))
    by_id = {profile.id: profile for profile in [*others, *new]}
    db.conn.executemany(
        "INSERT OR REPLACE INTO story_links (a, b, likeness, why) VALUES (?, ?, ?, ?)",
        [(x.a, x.b, round(x.likeness, 4), _why(x, by_id, model)) for x in find_pairs(new, others, model)],
    )


def _why(pair: Link, by_id: dict[int, Profile], model: Model) -> str:
    if pair.likeness < model.threshold:
        return "[]"
    return json.dumps(reasons(by_id[pair.a], by_id[pair.b]), ensure_ascii=False)


def _neighbours(db: Database, new: list[Profile]) -> list[int]:
    """Return the other articles published within the window of any new one."""
    fresh = {profile.id for profile in new}
    days = sorted({int(profile.day) for profile in new})
    spans: list[list[float]] = []
    for day in days:
        if spans and day - WINDOW_DAYS - 1 <= spans[-1][1]:
            spans[-1][1] = day + WINDOW_DAYS + 2
        else:
            spans.append([day - WINDOW_DAYS - 1, day + WINDOW_DAYS + 2])
    found: set[int] = set()
    epoch = 1721424.5  # the Julian day before the proleptic day 1
    for first, last in spans:
        found |= {
            number
            for (number,) in db.execute(
                "SELECT id FROM articles WHERE grade > 0"
                " AND julianday(coalesce(published, first_seen)) BETWEEN ? AND ?",
                [first + epoch, last + epoch],
            )
        }
    return sorted(found - fresh)


def _reached(db: Database, touched: Iterable[int], threshold: float) -> set[int]:
    """Return all articles that chains of links or common stories join to those touched."""
    reached = set(touched)
    waiting = sorted(reached)
    while waiting:
        number = waiting.pop()
        near = db.execute(
            "SELECT b FROM story_links WHERE a = ?1 AND likeness >= ?2"
            " UNION SELECT a FROM story_links WHERE b = ?1 AND likeness >= ?2"
            " UNION SELECT m.id FROM articles m JOIN articles a ON a.story = m.story WHERE a.id = ?1",
            [number, threshold],
        ).fetchall()
        for (other,) in near:
            if other not in reached:
                reached.add(other)
                waiting.append(other)
    return reached


def _cluster(db: Database, touched: set[int], model: Model) -> list[tuple[list[int], int]]:
    """Return the stories among the articles touched: their articles, and the one that stands for all."""
    pairs = [
        Link(a, b, likeness)
        for a, b, likeness in db.execute("SELECT a, b, likeness FROM story_links ORDER BY a, b")
        if a in touched and b in touched
    ]
    linked = {number for pair in pairs if pair.likeness >= model.threshold for number in (pair.a, pair.b)}
    within = [pair for pair in pairs if pair.a in linked and pair.b in linked]
    order = places(_read(db, sorted(linked)))
    clusters = [cluster for cluster in average_link(within, order, model.threshold) if len(cluster) > 1]
    pairs_of: defaultdict[int, list[Link]] = defaultdict(list)
    cluster_of = {number: place for place, cluster in enumerate(clusters) for number in cluster}
    for pair in within:
        if pair.a in cluster_of and cluster_of[pair.a] == cluster_of.get(pair.b):
            pairs_of[cluster_of[pair.a]].append(pair)
    return [(cluster, medoid(cluster, pairs_of[place], order)) for place, cluster in enumerate(clusters)]


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
