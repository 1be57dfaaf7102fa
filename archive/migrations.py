"""The schema, one migration after another. Applied by ``archive.store.open_archive``.

Two choices are worth knowing (both measured at a million rows, see docs/choices.md):

- ``articles.id`` is ``(days since 1970-01-01 of publication << 14) | number within that day``, so that
  newest-first is the order of row ids and needs no sort.
- ``articles`` is narrow; the long text lives in ``texts``, which is also the content of ``articles_fts``.

``table.transform()`` drops full-text triggers without a word: a migration that transforms ``texts`` or
``articles`` must create them anew.
"""

import sqlite3

from sqlite_utils import Database, Migrations

from archive.stems import reindex as reindex_stems

migrations = Migrations("bilateral")

FTS_TRIGGERS = """
CREATE TRIGGER texts_ai AFTER INSERT ON texts BEGIN
  INSERT INTO articles_fts(rowid, title, description, text)
  VALUES (new.article, new.title, new.description, new.text);
END;
CREATE TRIGGER texts_ad AFTER DELETE ON texts BEGIN
  INSERT INTO articles_fts(articles_fts, rowid, title, description, text)
  VALUES ('delete', old.article, old.title, old.description, old.text);
END;
CREATE TRIGGER texts_au AFTER UPDATE ON texts
WHEN old.title IS NOT new.title OR old.description IS NOT new.description OR old.text IS NOT new.text
BEGIN
  INSERT INTO articles_fts(articles_fts, rowid, title, description, text)
  VALUES ('delete', old.article, old.title, old.description, old.text);
  INSERT INTO articles_fts(rowid, title, description, text)
  VALUES (new.article, new.title, new.description, new.text);
END;
CREATE TRIGGER articles_au AFTER UPDATE OF title, description ON articles
WHEN old.title IS NOT new.title OR old.description IS NOT new.description
BEGIN
  UPDATE texts SET title = new.title, description = new.description WHERE article = new.id;
END;
"""

TABLES = """
CREATE TABLE outlets (
  id TEXT PRIMARY KEY, name TEXT NOT NULL, country TEXT NOT NULL, language TEXT NOT NULL,
  kind TEXT NOT NULL, homepage TEXT NOT NULL, timezone TEXT NOT NULL, access TEXT NOT NULL,
  delay REAL NOT NULL, screen TEXT NOT NULL, watched_since TEXT
);

CREATE TABLE routes (
  url TEXT PRIMARY KEY, outlet TEXT NOT NULL REFERENCES outlets(id), kind TEXT NOT NULL,
  parent TEXT, origin TEXT NOT NULL, state TEXT, reason TEXT, status INTEGER,
  etag TEXT, last_modified TEXT, last_checked TEXT, last_ok TEXT, items INTEGER, newest TEXT
);
CREATE INDEX routes_outlet ON routes(outlet);
CREATE INDEX routes_parent ON routes(parent);

CREATE TABLE stories (
  id INTEGER PRIMARY KEY, title TEXT NOT NULL, first_published TEXT, last_published TEXT,
  articles INTEGER NOT NULL DEFAULT 0, outlets INTEGER NOT NULL DEFAULT 0,
  mx_articles INTEGER NOT NULL DEFAULT 0, us_articles INTEGER NOT NULL DEFAULT 0
);

CREATE TABLE articles (
  id INTEGER PRIMARY KEY, url TEXT NOT NULL UNIQUE, key TEXT NOT NULL UNIQUE,
  outlet TEXT NOT NULL REFERENCES outlets(id), country TEXT NOT NULL, language TEXT NOT NULL,
  title TEXT NOT NULL, description TEXT NOT NULL DEFAULT '', authors TEXT NOT NULL DEFAULT '',
  section TEXT NOT NULL DEFAULT '', tags TEXT NOT NULL DEFAULT '[]',
  published TEXT, published_local TEXT, published_source TEXT, published_precision TEXT,
  modified TEXT, modified_local TEXT, zone_assumed INTEGER NOT NULL DEFAULT 0,
  dates TEXT NOT NULL DEFAULT '[]',
  first_seen TEXT NOT NULL, last_checked TEXT NOT NULL,
  grade INTEGER NOT NULL, score REAL NOT NULL, terms TEXT NOT NULL DEFAULT '[]',
  topic_version TEXT NOT NULL DEFAULT '',
  word_count INTEGER NOT NULL, revisions INTEGER NOT NULL DEFAULT 1,
  story INTEGER REFERENCES stories(id), copy_group INTEGER, wire TEXT,
  paywalled INTEGER NOT NULL DEFAULT 0, completeness TEXT NOT NULL DEFAULT 'full',
  form TEXT NOT NULL DEFAULT 'article', text_source TEXT NOT NULL DEFAULT 'page',
  encoding_repaired TEXT NOT NULL DEFAULT '',
  status TEXT NOT NULL DEFAULT 'live', sha256 TEXT NOT NULL, image TEXT
);
CREATE INDEX articles_outlet ON articles(outlet);
CREATE INDEX articles_country ON articles(country);
CREATE INDEX articles_language ON articles(language);
CREATE INDEX articles_grade ON articles(grade);
CREATE INDEX articles_published ON articles(published);
CREATE INDEX articles_first_seen ON articles(first_seen);
CREATE INDEX articles_story ON articles(story);
CREATE INDEX articles_copy_group ON articles(copy_group);
CREATE INDEX articles_status ON articles(status);

CREATE TABLE texts (
  article INTEGER PRIMARY KEY REFERENCES articles(id),
  title TEXT NOT NULL, description TEXT NOT NULL DEFAULT '', text TEXT NOT NULL
);
CREATE VIRTUAL TABLE articles_fts USING fts5(
  title, description, text,
  content=[texts], content_rowid=[article], tokenize="unicode61 remove_diacritics 2"
);
INSERT INTO articles_fts(articles_fts, rank) VALUES ('rank', 'bm25(8.0, 3.0, 1.0)');
INSERT INTO articles_fts(articles_fts, rank) VALUES ('automerge', 8);
INSERT INTO articles_fts(articles_fts, rank) VALUES ('crisismerge', 64);

CREATE TABLE snapshots (
  id INTEGER PRIMARY KEY, url TEXT NOT NULL, page TEXT NOT NULL, fetched TEXT NOT NULL,
  status INTEGER NOT NULL, warc_file TEXT NOT NULL, warc_offset INTEGER NOT NULL,
  warc_length INTEGER NOT NULL, payload_digest TEXT NOT NULL, content_type TEXT,
  etag TEXT, last_modified TEXT, outcome TEXT, reason TEXT, article INTEGER REFERENCES articles(id)
);
CREATE INDEX snapshots_url ON snapshots(url);
CREATE INDEX snapshots_page ON snapshots(page);
CREATE INDEX snapshots_article ON snapshots(article);
CREATE INDEX snapshots_pending ON snapshots(id) WHERE outcome IS NULL;

CREATE TABLE revisions (
  id INTEGER PRIMARY KEY, article INTEGER NOT NULL REFERENCES articles(id), number INTEGER NOT NULL,
  seen TEXT NOT NULL, title TEXT NOT NULL, description TEXT NOT NULL DEFAULT '', text TEXT NOT NULL,
  sha256 TEXT NOT NULL, snapshot INTEGER REFERENCES snapshots(id),
  kinds TEXT NOT NULL DEFAULT '[]', words_added INTEGER, words_removed INTEGER,
  UNIQUE (article, number)
);
CREATE INDEX revisions_seen ON revisions(seen);

CREATE TABLE events (
  id INTEGER PRIMARY KEY, article INTEGER NOT NULL REFERENCES articles(id), seen TEXT NOT NULL,
  event TEXT NOT NULL, detail TEXT NOT NULL DEFAULT '', snapshot INTEGER REFERENCES snapshots(id)
);
CREATE INDEX events_article ON events(article);
CREATE INDEX events_seen ON events(seen);

CREATE TABLE pages (
  url TEXT PRIMARY KEY, key TEXT NOT NULL, outlet TEXT REFERENCES outlets(id),
  discovered TEXT NOT NULL, via TEXT NOT NULL, route TEXT NOT NULL DEFAULT '',
  headline TEXT NOT NULL DEFAULT '', summary TEXT NOT NULL DEFAULT '',
  published_local TEXT, content TEXT NOT NULL DEFAULT '',
  state TEXT NOT NULL, reason TEXT NOT NULL DEFAULT '',
  tries INTEGER NOT NULL DEFAULT 0, last_try TEXT, next_try TEXT,
  redirected_to TEXT, article INTEGER REFERENCES articles(id)
);
CREATE INDEX pages_key ON pages(key);
CREATE INDEX pages_state ON pages(state, outlet);
CREATE INDEX pages_outlet ON pages(outlet, discovered);
CREATE INDEX pages_article ON pages(article);

CREATE TABLE verdicts (
  page TEXT PRIMARY KEY, judged TEXT NOT NULL, title TEXT NOT NULL DEFAULT '',
  grade INTEGER NOT NULL, score REAL NOT NULL, terms TEXT NOT NULL DEFAULT '[]',
  topic_version TEXT NOT NULL DEFAULT '', snapshot INTEGER REFERENCES snapshots(id)
);

CREATE TABLE crawls (
  id INTEGER PRIMARY KEY, started TEXT NOT NULL, finished TEXT, outcome TEXT,
  outlets INTEGER NOT NULL DEFAULT 0, discovered INTEGER NOT NULL DEFAULT 0,
  fetched INTEGER NOT NULL DEFAULT 0, not_modified INTEGER NOT NULL DEFAULT 0,
  new INTEGER NOT NULL DEFAULT 0, revised INTEGER NOT NULL DEFAULT 0,
  off_topic INTEGER NOT NULL DEFAULT 0, failed INTEGER NOT NULL DEFAULT 0,
  version TEXT NOT NULL DEFAULT '', topic_version TEXT NOT NULL DEFAULT ''
);
CREATE TABLE crawl_outlets (
  crawl INTEGER NOT NULL REFERENCES crawls(id), outlet TEXT NOT NULL REFERENCES outlets(id),
  discovered INTEGER NOT NULL DEFAULT 0, screened_out INTEGER NOT NULL DEFAULT 0,
  fetched INTEGER NOT NULL DEFAULT 0, not_modified INTEGER NOT NULL DEFAULT 0,
  new INTEGER NOT NULL DEFAULT 0, revised INTEGER NOT NULL DEFAULT 0,
  off_topic INTEGER NOT NULL DEFAULT 0, failed INTEGER NOT NULL DEFAULT 0,
  routes_ok INTEGER NOT NULL DEFAULT 0, routes_failed INTEGER NOT NULL DEFAULT 0,
  seconds REAL NOT NULL DEFAULT 0, note TEXT NOT NULL DEFAULT '',
  PRIMARY KEY (crawl, outlet)
);

CREATE TABLE labels (
  id INTEGER PRIMARY KEY, url TEXT NOT NULL, grade INTEGER NOT NULL, note TEXT NOT NULL DEFAULT '',
  coder TEXT NOT NULL DEFAULT '', created TEXT NOT NULL, topic_version TEXT NOT NULL DEFAULT ''
);
CREATE INDEX labels_url ON labels(url);
"""


@migrations()
def first_schema(db: Database) -> None:
    """Outlets, routes, pages, snapshots, articles with their texts and revisions, and the crawl ledger."""
    for statement in _statements(TABLES + FTS_TRIGGERS):
        db.execute(statement)


def _statements(script: str) -> list[str]:
    """Split a script at statement ends, triggers kept whole (``executescript`` would commit first)."""
    statements, pending = [], ""
    for line in script.splitlines(keepends=True):
        pending += line
        if sqlite3.complete_statement(pending):
            statements.append(pending.strip())
            pending = ""
    return statements


DENOMINATORS = """
CREATE TABLE takedowns (
  id INTEGER PRIMARY KEY, url TEXT NOT NULL, key TEXT NOT NULL, article INTEGER REFERENCES articles(id),
  reason TEXT NOT NULL, created TEXT NOT NULL, lifted TEXT
);
CREATE INDEX takedowns_key ON takedowns(key);
CREATE INDEX takedowns_article ON takedowns(article);

CREATE VIEW seen_per_day AS
SELECT p.outlet,
  substr(coalesce(a.published_local, p.published_local, p.discovered), 1, 10) AS day,
  sum(p.state != 'duplicate') AS seen,
  sum(p.state != 'duplicate' AND p.last_try IS NOT NULL) AS fetched,
  sum(p.state = 'archived' AND coalesce(a.grade, 0) > 0) AS on_subject,
  sum(p.state = 'off-topic' OR (p.state = 'archived' AND coalesce(a.grade, 0) = 0)) AS off_topic,
  sum(p.state = 'screened-out') AS screened_out,
  sum(p.state = 'blocked' AND p.reason LIKE 'wall%') AS walled,
  sum(p.state = 'blocked' AND p.reason NOT LIKE 'wall%') AS refused,
  sum(p.state = 'failed') AS failed,
  sum(p.state = 'queued') AS queued,
  sum(p.state = 'duplicate') AS duplicates
FROM pages p LEFT JOIN articles a ON a.id = p.article AND p.state = 'archived'
WHERE p.outlet IS NOT NULL
GROUP BY 1, 2;

CREATE VIEW coverage AS
WITH visits AS (
  SELECT v.outlet, count(*) AS crawls, count(DISTINCT substr(c.started, 1, 10)) AS days_crawled,
    min(c.started) AS first_crawl, max(c.started) AS last_crawl
  FROM crawl_outlets v JOIN crawls c ON c.id = v.crawl GROUP BY v.outlet
), counts AS (
  SELECT outlet, min(day) AS first_day, max(day) AS last_day, sum(seen) AS seen, sum(fetched) AS fetched,
    sum(on_subject) AS on_subject, sum(off_topic) AS off_topic, sum(screened_out) AS screened_out,
    sum(walled) AS walled, sum(refused) AS refused, sum(failed) AS failed, sum(queued) AS queued
  FROM seen_per_day GROUP BY outlet
)
SELECT o.id AS outlet, o.country, o.watched_since, visits.first_crawl, visits.last_crawl,
  coalesce(visits.crawls, 0) AS crawls, coalesce(visits.days_crawled, 0) AS days_crawled,
  counts.first_day, counts.last_day, coalesce(counts.seen, 0) AS seen,
  coalesce(counts.fetched, 0) AS fetched, coalesce(counts.on_subject, 0) AS on_subject,
  coalesce(counts.off_topic, 0) AS off_topic, coalesce(counts.screened_out, 0) AS screened_out,
  coalesce(counts.walled, 0) AS walled, coalesce(counts.refused, 0) AS refused,
  coalesce(counts.failed, 0) AS failed, coalesce(counts.queued, 0) AS queued,
  round(1000.0 * counts.on_subject / nullif(counts.seen, 0), 2) AS on_subject_per_thousand
FROM outlets o LEFT JOIN visits ON visits.outlet = o.id LEFT JOIN counts ON counts.outlet = o.id;

CREATE VIEW gaps AS
WITH good AS (
  SELECT v.outlet, c.started FROM crawl_outlets v JOIN crawls c ON c.id = v.crawl
  WHERE v.routes_ok > 0 OR v.discovered > 0 OR v.fetched > 0 OR v.not_modified > 0
), marks AS (
  SELECT outlet, started AS mark FROM good
  UNION SELECT id, watched_since FROM outlets WHERE watched_since IS NOT NULL
  UNION SELECT o.id, (SELECT max(started) FROM crawls) FROM outlets o
), spans AS (
  SELECT outlet, mark AS started, lead(mark) OVER (PARTITION BY outlet ORDER BY mark) AS ended FROM marks
  WHERE mark IS NOT NULL
)
SELECT outlet, started, ended, round((julianday(ended) - julianday(started)) * 24, 1) AS hours
FROM spans WHERE julianday(ended) - julianday(started) > 1.5;
"""


@migrations()
def denominators(db: Database) -> None:
    """What is not in the archive: pages seen per day, coverage and gaps of each outlet, withdrawn texts."""
    for statement in _statements(DENOMINATORS):
        db.execute(statement)


SEARCH_TABLES = """
CREATE TABLE stems (
  language TEXT NOT NULL, stem TEXT NOT NULL, word TEXT NOT NULL, weight INTEGER NOT NULL,
  PRIMARY KEY (language, stem, word)
) WITHOUT ROWID;
CREATE INDEX stems_word ON stems(word, language, weight);

CREATE TABLE article_changes (seq INTEGER PRIMARY KEY AUTOINCREMENT, article INTEGER NOT NULL);
CREATE TRIGGER articles_changed_ai AFTER INSERT ON articles BEGIN
  INSERT INTO article_changes(article) VALUES (new.id);
  DELETE FROM article_changes WHERE seq <= (SELECT max(seq) FROM article_changes) - 20000;
END;
CREATE TRIGGER articles_changed_ad AFTER DELETE ON articles BEGIN
  INSERT INTO article_changes(article) VALUES (old.id);
END;
CREATE TRIGGER articles_changed_au AFTER UPDATE ON articles
WHEN old.id IS NOT new.id OR old.published IS NOT new.published OR old.first_seen IS NOT new.first_seen
  OR old.outlet IS NOT new.outlet OR old.country IS NOT new.country OR old.language IS NOT new.language
  OR old.grade IS NOT new.grade OR old.section IS NOT new.section OR old.wire IS NOT new.wire
  OR old.status IS NOT new.status OR old.copy_group IS NOT new.copy_group
BEGIN
  INSERT INTO article_changes(article) VALUES (new.id);
  INSERT INTO article_changes(article) SELECT old.id WHERE old.id IS NOT new.id;
END;
CREATE TRIGGER texts_changed_au AFTER UPDATE ON texts
WHEN old.title IS NOT new.title OR old.description IS NOT new.description OR old.text IS NOT new.text
BEGIN
  INSERT INTO article_changes(article) VALUES (new.article);
END;
"""


@migrations()
def search_tables(db: Database) -> None:
    """The words that share a stem, and which articles changed lately (what a search keeps in memory follows it)."""
    for statement in _statements(SEARCH_TABLES):
        db.execute(statement)
    reindex_stems(db)


@migrations()
def samples(db: Database) -> None:
    """The pages drawn for people to label, each with the stratum of verdicts it stands for."""
    db.execute(
        "CREATE TABLE samples (name TEXT NOT NULL, url TEXT NOT NULL, stratum TEXT NOT NULL,"
        " population INTEGER NOT NULL, drawn INTEGER NOT NULL, grade INTEGER NOT NULL, score REAL NOT NULL,"
        " seed INTEGER NOT NULL, created TEXT NOT NULL, topic_version TEXT NOT NULL DEFAULT '',"
        " PRIMARY KEY (name, url))"
    )


GROUPING_TABLES = """
CREATE TABLE copy_shingles (
  article INTEGER PRIMARY KEY REFERENCES articles(id) ON DELETE CASCADE ON UPDATE CASCADE,
  sha256 TEXT NOT NULL, day REAL NOT NULL, sequence BLOB NOT NULL, own BLOB NOT NULL
);
CREATE TABLE copy_furniture (shingle INTEGER PRIMARY KEY);
CREATE TABLE copy_pairs (
  a INTEGER NOT NULL REFERENCES articles(id) ON DELETE CASCADE ON UPDATE CASCADE,
  b INTEGER NOT NULL REFERENCES articles(id) ON DELETE CASCADE ON UPDATE CASCADE,
  relation TEXT NOT NULL, shared INTEGER NOT NULL, containment REAL NOT NULL, PRIMARY KEY (a, b)
) WITHOUT ROWID;
CREATE INDEX copy_pairs_b ON copy_pairs(b);
CREATE TABLE copy_groups (
  id INTEGER PRIMARY KEY, agency TEXT, earliest INTEGER NOT NULL, articles INTEGER NOT NULL,
  outlets INTEGER NOT NULL, first_published TEXT, last_published TEXT
);
CREATE TABLE copies (
  article INTEGER PRIMARY KEY REFERENCES articles(id) ON DELETE CASCADE ON UPDATE CASCADE,
  copy_group INTEGER NOT NULL REFERENCES copy_groups(id) ON DELETE CASCADE,
  words_added INTEGER NOT NULL, words_removed INTEGER NOT NULL, own_headline INTEGER NOT NULL
);
CREATE INDEX copies_group ON copies(copy_group);

CREATE TABLE story_articles (
  article INTEGER PRIMARY KEY REFERENCES articles(id) ON DELETE CASCADE ON UPDATE CASCADE, state TEXT NOT NULL
);
CREATE TABLE story_links (
  a INTEGER NOT NULL REFERENCES articles(id) ON DELETE CASCADE ON UPDATE CASCADE,
  b INTEGER NOT NULL REFERENCES articles(id) ON DELETE CASCADE ON UPDATE CASCADE,
  likeness REAL NOT NULL, why TEXT NOT NULL, PRIMARY KEY (a, b)
) WITHOUT ROWID;
CREATE INDEX story_links_b ON story_links(b);
CREATE TABLE story_changes (
  id INTEGER PRIMARY KEY, changed TEXT NOT NULL, kind TEXT NOT NULL, story INTEGER NOT NULL,
  other INTEGER, articles TEXT NOT NULL DEFAULT '[]'
);
CREATE INDEX story_changes_story ON story_changes(story);
CREATE INDEX story_changes_other ON story_changes(other);

CREATE TABLE mentions (
  id INTEGER PRIMARY KEY,
  article INTEGER NOT NULL REFERENCES articles(id) ON DELETE CASCADE ON UPDATE CASCADE,
  kind TEXT NOT NULL, tense TEXT NOT NULL, date TEXT NOT NULL, precision TEXT NOT NULL, sentence TEXT NOT NULL,
  UNIQUE (article, kind, date)
);
CREATE INDEX mentions_date ON mentions(date, kind);
CREATE TABLE mention_articles (
  article INTEGER PRIMARY KEY REFERENCES articles(id) ON DELETE CASCADE ON UPDATE CASCADE, state TEXT NOT NULL
);
"""


@migrations()
def grouping(db: Database) -> None:
    """Copies, stories and dated mentions of talks: what they are found from and what was found."""
    for statement in _statements(GROUPING_TABLES):
        db.execute(statement)


@migrations()
def reprocessing(db: Database) -> None:
    """How far a run of `bilateral reprocess` has come, so that an interrupted one goes on where it was."""
    db.execute(
        "CREATE TABLE reprocessing (id INTEGER PRIMARY KEY CHECK (id = 1), started TEXT NOT NULL,"
        " version TEXT NOT NULL, topic_version TEXT NOT NULL, last_snapshot INTEGER NOT NULL,"
        " counts TEXT NOT NULL)"
    )


@migrations()
def articles_by_digest(db: Database) -> None:
    """Find the article of an outlet that has a given headline and text."""
    db.execute("CREATE INDEX articles_sha256 ON articles(sha256)")


@migrations()
def boilerplate(db: Database) -> None:
    """What each outlet repeats under its articles, learnt from them."""
    db.execute(
        "CREATE TABLE boilerplate (outlet TEXT NOT NULL REFERENCES outlets(id), digest TEXT NOT NULL,"
        " words TEXT NOT NULL, articles INTEGER NOT NULL, learnt TEXT NOT NULL, PRIMARY KEY (outlet, digest))"
        " WITHOUT ROWID"
    )


COPY_INDEX = """
DROP TABLE copy_shingles;
DROP TABLE copy_furniture;
CREATE TABLE copy_shingles (
  article INTEGER PRIMARY KEY REFERENCES articles(id) ON DELETE CASCADE ON UPDATE CASCADE,
  sha256 TEXT NOT NULL, day REAL NOT NULL, size INTEGER NOT NULL, sketch TEXT NOT NULL,
  sequence BLOB NOT NULL, own BLOB NOT NULL
);
CREATE TABLE copy_sketches (
  shingle INTEGER NOT NULL, article INTEGER NOT NULL, PRIMARY KEY (shingle, article)
) WITHOUT ROWID;
CREATE TABLE copy_furniture (shingle INTEGER PRIMARY KEY, stale INTEGER NOT NULL DEFAULT 0);
CREATE INDEX copy_furniture_stale ON copy_furniture(shingle) WHERE stale;
CREATE TABLE copy_queue (article INTEGER PRIMARY KEY);
INSERT INTO copy_queue SELECT id FROM articles;

CREATE TRIGGER copy_queue_ai AFTER INSERT ON articles WHEN new.grade > 0 BEGIN
  INSERT OR IGNORE INTO copy_queue VALUES (new.id);
END;
CREATE TRIGGER copy_queue_au AFTER UPDATE ON articles
WHEN old.id IS NOT new.id OR old.sha256 IS NOT new.sha256 OR old.grade IS NOT new.grade
  OR old.published IS NOT new.published OR old.first_seen IS NOT new.first_seen
  OR old.outlet IS NOT new.outlet OR old.wire IS NOT new.wire
BEGIN
  INSERT OR IGNORE INTO copy_queue VALUES (new.id);
END;
CREATE TRIGGER copy_queue_bd BEFORE DELETE ON articles BEGIN
  INSERT OR IGNORE INTO copy_queue SELECT id FROM articles WHERE copy_group = old.copy_group AND id != old.id;
END;
CREATE TRIGGER copy_shingles_ad AFTER DELETE ON copy_shingles
WHEN EXISTS (SELECT 1 FROM copy_sketches) BEGIN
  DELETE FROM copy_sketches
  WHERE article = old.article AND shingle IN (SELECT value FROM json_each(old.sketch));
  UPDATE copy_furniture SET stale = 1 WHERE shingle IN (SELECT value FROM json_each(old.sketch));
  INSERT OR IGNORE INTO copy_queue VALUES (old.article);
END;
"""


@migrations()
def copy_index(db: Database) -> None:
    """Candidates for copies are looked up where they lie; what has to be looked at waits in a queue."""
    for statement in _statements(COPY_INDEX):
        db.execute(statement)


@migrations()
def sightings(db: Database) -> None:
    """Captures that showed an article as it was before, kept where another may yet fall between."""
    db.execute(
        "CREATE TABLE sightings (id INTEGER PRIMARY KEY,"
        " article INTEGER NOT NULL REFERENCES articles(id) ON DELETE CASCADE ON UPDATE CASCADE, seen TEXT NOT NULL,"
        " title TEXT NOT NULL, description TEXT NOT NULL DEFAULT '', text TEXT NOT NULL,"
        " snapshot INTEGER REFERENCES snapshots(id))"
    )
    db.execute("CREATE INDEX sightings_article ON sightings(article)")


BACKFILL_TABLES = """
CREATE TABLE backfill_files (
  id INTEGER PRIMARY KEY, source TEXT NOT NULL UNIQUE, origin TEXT NOT NULL, kind TEXT NOT NULL, day TEXT,
  bytes INTEGER, since TEXT, until TEXT, state TEXT NOT NULL, planned TEXT NOT NULL, finished TEXT,
  attempts INTEGER NOT NULL DEFAULT 0, responses INTEGER, on_host INTEGER, hits INTEGER, errors INTEGER,
  cpu_seconds REAL, code_version TEXT, error TEXT NOT NULL DEFAULT '', days TEXT
);
CREATE INDEX backfill_files_state ON backfill_files(state);
CREATE TABLE backfill_days (
  origin TEXT NOT NULL, day TEXT NOT NULL, files INTEGER NOT NULL DEFAULT 0,
  responses INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (origin, day)
) WITHOUT ROWID;
CREATE TABLE backfill_captures (
  snapshot INTEGER PRIMARY KEY REFERENCES snapshots(id), source TEXT NOT NULL, offset INTEGER NOT NULL
);
CREATE INDEX snapshots_capture ON snapshots(page, fetched);
"""


@migrations()
def backfill(db: Database) -> None:
    """Files of web archives: planned, read and ingested; what their days had; where a snapshot was taken from."""
    for statement in _statements(BACKFILL_TABLES):
        db.execute(statement)


@migrations()
def watched_per_day(db: Database) -> None:
    """On which days each outlet was read: a day without articles is told from a day without reading."""
    db.execute(
        "CREATE VIEW watched_per_day AS SELECT v.outlet, substr(c.started, 1, 10) AS day, count(*) AS crawls,"
        " sum(v.routes_ok > 0 OR v.discovered > 0 OR v.fetched > 0 OR v.not_modified > 0) AS readings,"
        " sum(v.routes_ok) AS routes_ok, sum(v.routes_failed) AS routes_failed, sum(v.discovered) AS discovered"
        " FROM crawl_outlets v JOIN crawls c ON c.id = v.crawl GROUP BY 1, 2"
    )


BACKFILL_REVISITS = """
ALTER TABLE backfill_files ADD COLUMN revisits INTEGER;
ALTER TABLE backfill_captures ADD COLUMN digest TEXT NOT NULL DEFAULT '';
CREATE TABLE backfill_revisits (
  source TEXT NOT NULL, offset INTEGER NOT NULL, url TEXT NOT NULL, fetched TEXT NOT NULL,
  refers_to TEXT NOT NULL, refers_to_fetched TEXT NOT NULL, digest TEXT NOT NULL, PRIMARY KEY (source, offset)
) WITHOUT ROWID;
"""


@migrations()
def backfill_revisits(db: Database) -> None:
    """Records of web archives that say a page was unchanged, whose capture was not met yet."""
    for statement in _statements(BACKFILL_REVISITS):
        db.execute(statement)


@migrations()
def story_profiles(db: Database) -> None:
    """What stories compare of an article is kept, so that its neighbours need not be read again for a new one."""
    db.execute("DROP TABLE story_articles")
    db.execute(
        "CREATE TABLE story_articles ("
        " article INTEGER PRIMARY KEY REFERENCES articles(id) ON DELETE CASCADE ON UPDATE CASCADE,"
        " state TEXT NOT NULL, crowd INTEGER NOT NULL, day REAL NOT NULL, profile BLOB NOT NULL)"
    )
    db.execute("CREATE INDEX story_articles_day ON story_articles(day)")


@migrations()
def snapshot_tls(db: Database) -> None:
    """Whether the certificate of the server that a snapshot came from was checked."""
    db.execute("ALTER TABLE snapshots ADD COLUMN tls TEXT")


SEEN_PER_DAY = """
CREATE VIEW seen_per_day AS
SELECT p.outlet,
  substr(coalesce(a.published_local, v.published_local, p.published_local, p.discovered), 1, 10) AS day,
  sum(p.state != 'duplicate') AS seen,
  sum(p.state != 'duplicate' AND p.last_try IS NOT NULL
    AND EXISTS (SELECT 1 FROM snapshots s WHERE s.page = p.url)) AS fetched,
  sum(p.state = 'archived' AND coalesce(a.grade, 0) > 0) AS on_subject,
  sum(p.state = 'off-topic' OR (p.state = 'archived' AND coalesce(a.grade, 0) = 0)) AS off_topic,
  sum(p.state = 'screened-out') AS screened_out,
  sum(p.state = 'blocked' AND (p.reason LIKE 'wall%' OR p.reason LIKE 'a challenge%')) AS walled,
  sum(p.state = 'blocked' AND p.reason NOT LIKE 'wall%' AND p.reason NOT LIKE 'a challenge%') AS refused,
  sum(p.state = 'failed') AS failed,
  sum(p.state = 'queued') AS queued,
  sum(p.state = 'duplicate') AS duplicates
FROM pages p LEFT JOIN articles a ON a.id = p.article AND p.state = 'archived'
  LEFT JOIN verdicts v ON v.page = p.url AND p.state = 'off-topic'
WHERE p.outlet IS NOT NULL
GROUP BY 1, 2
"""


@migrations()
def fetched_means_answered(db: Database) -> None:
    """A page that robots.txt forbids, or whose host is silent, was not fetched; a challenge is a wall."""
    db.execute("DROP VIEW seen_per_day")
    db.execute(SEEN_PER_DAY.replace("v.published_local, ", ""))


@migrations()
def days_of_what_is_off_the_subject(db: Database) -> None:
    """A page off the subject counts on the day it was published, as those on it do, where the page itself says it."""
    db.execute("ALTER TABLE verdicts ADD COLUMN published_local TEXT")
    db.execute("DROP VIEW seen_per_day")
    db.execute(SEEN_PER_DAY)


@migrations()
def page_lines(db: Database) -> None:
    """Which lines stand on which of an outlet's pages, as digests: what is learnt as boilerplate is counted here."""
    db.execute(
        "CREATE TABLE page_lines (outlet TEXT NOT NULL REFERENCES outlets(id), digest TEXT NOT NULL,"
        " page INTEGER NOT NULL, on_subject INTEGER NOT NULL, PRIMARY KEY (outlet, digest, page)) WITHOUT ROWID"
    )


@migrations()
def site_indexes(db: Database) -> None:
    """Later versions by time, and stories by their last article: what the site lists, the newest first."""
    db.execute("CREATE INDEX revisions_later ON revisions(seen) WHERE number > 1")
    db.execute("CREATE INDEX stories_last ON stories(last_published)")


@migrations()
def seals(db: Database) -> None:
    """A digest of each row that matters, by which damage to it is known (see `archive.seals`)."""
    db.execute(
        "CREATE TABLE seals (of_table TEXT NOT NULL, place INTEGER NOT NULL, seal INTEGER NOT NULL,"
        " PRIMARY KEY (of_table, place)) WITHOUT ROWID"
    )
