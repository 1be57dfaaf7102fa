"""What an archive has besides its articles: crawls, pages, captures, versions, events, stories, announced talks.

Called by `make_archive`; alone, it adds them to an archive of articles that has none of them yet:

    python -m benchmarks.history bench.db
"""

import argparse
import json
import sqlite3
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from archive.times import format_utc

CRAWLS_PER_DAY, CRAWL_DAYS = 48, 120
STORY_SIZE = 6  # articles of one day
REVISED = 20  # one article in so many has a second version
TALKS = 2  # one article in so many names a dated talk
CHUNK = 50_000
_KINDS = ("call", "meeting", "ministerial", "visit", "dialogue", "summit")


def add_history(connection: sqlite3.Connection) -> None:
    """Add to every article a page, a capture and a version; to some of them events, stories and talks."""
    started = time.perf_counter()
    steps: tuple[Callable[[sqlite3.Connection], None], ...] = (
        _crawls, _routes, _pages, _snapshots, _verdicts, _revisions, _events, _copies, _stories, _talks,
    )  # fmt: skip
    for step in steps:
        step(connection)
        connection.commit()
        print(f"          {step.__name__[1:]:<9} {time.perf_counter() - started:5.0f} s", flush=True)


def _last_day(connection: sqlite3.Connection) -> datetime:
    (newest,) = connection.execute("SELECT max(published) FROM articles").fetchone()
    return datetime.fromisoformat(newest).astimezone(UTC)


def _crawls(connection: sqlite3.Connection) -> None:
    connection.execute("DELETE FROM crawls")
    end = _last_day(connection)
    number = CRAWLS_PER_DAY * CRAWL_DAYS
    moments = [format_utc(end - timedelta(minutes=30 * back)) for back in range(number)]
    connection.executemany(
        "INSERT INTO crawls (id, started, finished, outcome, outlets) VALUES (?, ?, ?, 'done', 150)",
        [(number - back, moment, moment) for back, moment in enumerate(moments)],
    )
    connection.execute(
        "INSERT INTO crawl_outlets (crawl, outlet, discovered, fetched, routes_ok)"
        " SELECT c.id, o.id, c.id % 3, 1, c.id % 47 > 0 FROM crawls c CROSS JOIN outlets o ORDER BY c.id, o.id"
    )


def _routes(connection: sqlite3.Connection) -> None:
    connection.execute(
        "INSERT INTO routes (url, outlet, kind, origin, state, last_checked, last_ok, items)"
        " SELECT o.homepage || k.value || '.xml', o.id, k.value, 'registry', 'ok',"
        " (SELECT max(finished) FROM crawls), (SELECT max(finished) FROM crawls), 20"
        ' FROM outlets o CROSS JOIN json_each(\'["feed","sitemap","section"]\') k'
    )


def _pages(connection: sqlite3.Connection) -> None:
    for suffix, state, article in (("", "archived", "id"), ("?otro", "off-topic", "NULL")):
        connection.execute(
            "INSERT INTO pages (url, key, outlet, discovered, via, headline, state, tries, last_try, article)"
            f" SELECT url || '{suffix}', key || '{suffix}', outlet, first_seen, 'feed', title, '{state}', 1,"
            f" first_seen, {article} FROM articles ORDER BY url"
        )
        connection.commit()


def _snapshots(connection: sqlite3.Connection) -> None:
    connection.execute(
        "INSERT INTO snapshots (id, url, page, fetched, status, warc_file, warc_offset, warc_length, payload_digest,"
        " content_type, outcome, article) SELECT row_number() OVER (ORDER BY id), url, url, first_seen, 200,"
        " substr(first_seen, 1, 7) || '/bilateral-' || substr(first_seen, 1, 10) || '.warc.gz', id % 100000000, 30000,"
        " 'sha256:' || sha256, 'text/html', 'new', id FROM articles ORDER BY id"
    )


def _verdicts(connection: sqlite3.Connection) -> None:
    connection.execute(
        "INSERT INTO verdicts (page, judged, title, grade, score, terms, topic_version, published_local)"
        " SELECT url, first_seen, title, grade, score, terms, '1', published_local FROM articles ORDER BY url"
    )


def _copies(connection: sqlite3.Connection) -> None:
    grouped = "FROM articles WHERE copy_group IS NOT NULL"
    connection.execute(
        "INSERT INTO copy_groups SELECT copy_group, max(wire), min(id), count(*), count(DISTINCT outlet),"
        f" min(published), max(published) {grouped} GROUP BY copy_group"
    )
    connection.execute(f"INSERT INTO copies SELECT id, copy_group, 0, 0, 0 {grouped}")


def _revisions(connection: sqlite3.Connection) -> None:
    connection.execute(
        "INSERT INTO revisions (article, number, seen, title, description, text, sha256)"
        " SELECT a.id, 1, a.first_seen, a.title, a.description, t.text, a.sha256"
        " FROM articles a JOIN texts t ON t.article = a.id ORDER BY a.id"
    )
    connection.execute(
        "INSERT INTO revisions (article, number, seen, title, description, text, sha256, kinds, words_added,"
        " words_removed) SELECT a.id, 2, strftime('%Y-%m-%dT%H:%M:%SZ', a.first_seen, '+3 hours'),"
        " a.title || ', dicen',"
        " a.description, t.text || ' Actualización: se añadió un párrafo.', a.sha256 || '2',"
        ' \'["headline", "addition"]\', 5, 0 FROM articles a JOIN texts t ON t.article = a.id'
        f" WHERE (a.id * 2654435761 >> 7) % {REVISED} = 0 ORDER BY a.id"
    )
    connection.execute(
        "UPDATE articles SET revisions = 2 WHERE id IN (SELECT article FROM revisions WHERE number = 2)"
    )


def _events(connection: sqlite3.Connection) -> None:
    connection.execute(
        "INSERT INTO events (article, seen, event, detail)"
        " SELECT id, strftime('%Y-%m-%dT%H:%M:%SZ', first_seen, '+2 days'), 'gone', 'HTTP 404 (not found)'"
        " FROM articles WHERE status = 'gone' ORDER BY id"
    )


def _stories(connection: sqlite3.Connection) -> None:
    """Make stories of neighbours in time, six articles in ten."""
    links = []
    for number, group in enumerate(_groups(connection), start=1):
        ids = [row[0] for row in group]
        sides = [row[1] for row in group]
        times = [row[3] for row in group]
        connection.execute(
            "INSERT INTO stories VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (number, group[0][2], min(times), max(times), len(ids), len({row[4] for row in group}),
             sides.count("MX"), sides.count("US")),
        )  # fmt: skip
        connection.executemany("UPDATE articles SET story = ? WHERE id = ?", [(number, one) for one in ids])
        why = json.dumps(["names: trump, mexico_city", "concepts: guns, border", "published 2 hours apart"])
        links += [(ids[0], other, 0.9, why) for other in ids[1:]]
    connection.executemany("INSERT OR IGNORE INTO story_links VALUES (?, ?, ?, ?)", links)


def _groups(connection: sqlite3.Connection) -> Iterator[list[tuple[int, str, str, str, str]]]:
    cursor = connection.execute("SELECT id, country, title, published, outlet FROM articles ORDER BY id")
    cursor.row_factory = None
    while rows := cursor.fetchmany(CHUNK):
        for start in range(0, len(rows) - STORY_SIZE, STORY_SIZE):
            if start // STORY_SIZE % 5 < 3:
                yield rows[start : start + STORY_SIZE]


def _talks(connection: sqlite3.Connection) -> None:
    kinds = " ".join(f"WHEN {number} THEN '{kind}'" for number, kind in enumerate(_KINDS))
    connection.execute(
        "INSERT OR IGNORE INTO mentions (article, kind, tense, date, precision, sentence)"
        f" SELECT id, CASE id % {len(_KINDS)} {kinds} END, CASE id % 3 WHEN 0 THEN 'past' ELSE 'coming' END,"
        " date(published, (id % 20 - 3) || ' days'), 'day', title FROM articles"
        f" WHERE (id * 2654435761 >> 5) % {TALKS} = 0 ORDER BY id"
    )


def main() -> None:
    """Add history to an archive that `make_archive` made."""
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("path", type=Path)
    given = options.parse_args()
    if not given.path.is_file():
        options.error(f"{given.path}: there is no archive here")
    connection = sqlite3.connect(given.path)
    connection.execute("PRAGMA synchronous = OFF")
    triggers = connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
    for name, _ in triggers:
        connection.execute(f"DROP TRIGGER {name}")
    add_history(connection)
    for _, sql in triggers:
        connection.execute(sql)
    connection.execute("ANALYZE")
    connection.commit()
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()


if __name__ == "__main__":
    main()
