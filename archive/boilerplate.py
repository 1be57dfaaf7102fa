"""What an outlet repeats under its articles is not the article: learnt from the archive's own texts.

A block is learnt when at least `LEAST_ARTICLES` of an outlet's articles, and `LEAST_SHARE` of them, have it word
for word (case and spacing aside). It is then cut from the texts that have it, and from all read later. Counting
what the archive holds, and not what passes by, makes the outcome the same however often a crawl was interrupted.
"""

from collections import Counter
from typing import Any

from sqlite_utils import Database

from archive.folding import block_digest
from archive.revisions import is_correction, is_developing
from archive.store import replace_revision_text, replace_text, revisions_of, rows, transaction
from archive.times import utc_now

LEAST_ARTICLES = 5
LEAST_SHARE = 0.4  # of the outlet's articles
MOST_WORDS = 60  # a longer block is a passage that several articles quote
MOST_CUT = 0.15  # of an article's words; where more would go, it is no boilerplate to this article
BREAK = "\n\n"


def known_boilerplate(db: Database, outlet: str) -> frozenset[str]:
    """Return the digests of the blocks that were learnt of an outlet."""
    found = db.execute("SELECT digest FROM boilerplate WHERE outlet = ?", [outlet])
    return frozenset(digest for (digest,) in found.fetchall())


def learn_boilerplate(db: Database) -> int:
    """Learn what each outlet repeats, and cut it from the texts that have it; return how many texts changed.

    Only outlets with articles newer than what was last learnt of them are looked at.
    """
    changed = 0
    for outlet in _outlets(db):
        texts = rows(
            db,
            "SELECT a.id, t.title, t.text, a.language FROM articles a JOIN texts t ON t.article = a.id"
            " WHERE a.outlet = ? AND a.text_source = 'page' ORDER BY a.id",
            [outlet],
        )
        with transaction(db):
            _keep(db, outlet, _repeated(texts))
            learnt = known_boilerplate(db, outlet)
            changed += sum(_cut(db, article, learnt) for article in texts) if learnt else 0
    return changed


def _outlets(db: Database) -> list[str]:
    found = db.execute(
        "SELECT a.outlet FROM articles a LEFT JOIN (SELECT outlet, max(learnt) AS learnt FROM boilerplate"
        " GROUP BY outlet) b ON b.outlet = a.outlet GROUP BY a.outlet"
        " HAVING count(*) >= ? AND max(a.first_seen) >= coalesce(max(b.learnt), '')",
        [LEAST_ARTICLES],
    )
    return [outlet for (outlet,) in found.fetchall()]


def _repeated(texts: list[dict[str, Any]]) -> dict[str, tuple[str, int]]:
    """Return the blocks to learn: by digest, the words and in how many articles they stand."""
    counts: Counter[str] = Counter()
    words: dict[str, str] = {}
    for article in texts:
        blocks = {digest: block for block in article["text"].split(BREAK) if (digest := block_digest(block))}
        counts.update(blocks.keys())
        words.update(blocks)
    least = max(LEAST_ARTICLES, LEAST_SHARE * len(texts))
    return {
        digest: (words[digest], number)
        for digest, number in counts.items()
        if number >= least and _can_be_boilerplate(words[digest])
    }


def _can_be_boilerplate(block: str) -> bool:
    # "Información en desarrollo" and correction notes recur as well, and are news.
    return len(block.split()) <= MOST_WORDS and not is_developing(block) and not is_correction(block)


def _keep(db: Database, outlet: str, found: dict[str, tuple[str, int]]) -> None:
    db.conn.executemany(
        "INSERT INTO boilerplate (outlet, digest, words, articles, learnt) VALUES (?,?,?,?,?)"
        " ON CONFLICT (outlet, digest) DO NOTHING",
        [(outlet, digest, words, number, utc_now()) for digest, (words, number) in sorted(found.items())],
    )


def _cut(db: Database, article: dict[str, Any], learnt: frozenset[str]) -> bool:
    """Cut what was learnt from the text of an article, and from its revisions, which else would differ by it."""
    text = without(article["text"], learnt)
    if text == article["text"]:
        return False
    for revision in revisions_of(db, article["id"]):
        replace_revision_text(db, revision, without(revision["text"], learnt))
    replace_text(db, article["id"], article["title"], text)
    return True


def without(text: str, learnt: frozenset[str]) -> str:
    """Return a text without the blocks that were learnt, or as it is where too much of it would go."""
    kept = [block for block in text.split(BREAK) if block_digest(block) not in learnt]
    before, after = len(text.split()), sum(len(block.split()) for block in kept)
    return text if before - after > MOST_CUT * before else BREAK.join(kept)
