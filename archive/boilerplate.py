"""What an outlet repeats from page to page is not the article: learnt from its own pages.

Of every page read, whether on the subject or not, the lines are noted as digests (`archive.lines`). A line that
stands on enough of an outlet's pages is learnt: it is cut from the texts that have it, and from all read later. That a
line stands on pages off the subject as well tells it from a paragraph of background that the stories on the subject
share. Counting what was noted of each page, and not what passes by, makes the outcome the same however often a crawl
was interrupted.
"""

import hashlib
import re
from dataclasses import dataclass
from typing import Any

from sqlite_utils import Database

from archive.lines import BREAK, line_digests, without_lines
from archive.revisions import is_correction, is_developing
from archive.store import replace_revision_text, replace_text, revisions_of, rows, transaction
from archive.times import utc_now

MOST_PAGES = 300  # of an outlet whose lines are kept: a sample that does not depend on the order of the pages
MOST_WORDS = 60  # a longer line is a passage that several articles quote, unless half of all pages have it
MOST_CUT = (
    0.5  # of an article's words by lines seen on the subject only; where more would go, they are its text
)
_NAME_OR_FIGURE = re.compile(r"\d|(?<=[\w,;:] )[A-ZÁÉÍÓÚÑÜ]")
LEAST_LEFT = 25  # words of an article; where less would be left, the lines are what it is about


def known_boilerplate(db: Database, outlet: str) -> frozenset[str]:
    """Return the digests of the lines that were learnt of an outlet."""
    found = db.execute("SELECT digest FROM boilerplate WHERE outlet = ?", [outlet])
    return frozenset(digest for (digest,) in found.fetchall())


def note_lines(db: Database, outlet: str, page: str, text: str, *, on_subject: bool) -> None:
    """Note the lines of a page's text; of each only a digest is kept."""
    db.conn.executemany(
        "INSERT OR IGNORE INTO page_lines (outlet, digest, page, on_subject) VALUES (?,?,?,?)",
        [(outlet, digest, _number(page), on_subject) for digest in line_digests(text)],
    )


def forget_lines(db: Database, outlet: str, page: str) -> None:
    """Forget the lines of a page that was withdrawn; what was learnt of them and others stays learnt."""
    db.execute("DELETE FROM page_lines WHERE outlet = ? AND page = ?", [outlet, _number(page)])


def _number(page: str) -> int:
    return int.from_bytes(hashlib.blake2b(page.encode(), digest_size=7).digest(), "big")


def learn_boilerplate(db: Database) -> int:
    """Learn what each outlet repeats, and cut it from the texts that have it; return how many texts changed.

    Only outlets with articles newer than what was last learnt of them are looked at.
    """
    changed = 0
    for outlet in _outlets(db):
        texts = rows(
            db,
            "SELECT a.id, t.title, t.text, a.language FROM articles a JOIN texts t ON t.article = a.id"
            " WHERE a.outlet = ? ORDER BY a.id",
            [outlet],
        )
        with transaction(db):
            _thin(db, outlet)
            repeated = _repeated(db, outlet)
            _keep(db, outlet, _words_of(texts, repeated))
            learnt = known_boilerplate(db, outlet)
            sure = frozenset(
                digest for digest in learnt if digest in repeated and repeated[digest].is_on_both
            )
            changed += sum(_cut(db, article, learnt, sure) for article in texts) if learnt else 0
    return changed


def _outlets(db: Database) -> list[str]:
    found = db.execute(
        "SELECT a.outlet FROM articles a LEFT JOIN (SELECT outlet, max(learnt) AS learnt FROM boilerplate"
        " GROUP BY outlet) b ON b.outlet = a.outlet GROUP BY a.outlet"
        " HAVING max(a.first_seen) >= coalesce(max(b.learnt), '')",
    )
    return [outlet for (outlet,) in found.fetchall()]


@dataclass(frozen=True, slots=True)
class _Seen:
    """On how many of an outlet's pages a line stands, of how many, and on how many of them off the subject."""

    pages: int
    of: int
    off_subject: int

    @property
    def is_on_both(self) -> bool:
        """Whether it stands on pages on the subject and on others."""
        return 0 < self.off_subject < self.pages

    @property
    def is_doubtful(self) -> bool:
        """Whether it stands on all pages there are, which are only three, and on the subject."""
        return self.pages == self.of == 3 and not self.off_subject

    def is_boilerplate(self) -> bool:
        share = self.pages / self.of
        if self.is_doubtful:
            return True
        if self.is_on_both and self.pages >= 3:
            return share >= 0.2 or self.pages >= 12
        return (self.pages >= 4 and share >= 0.8) or (self.pages >= 5 and share >= 0.4)

    def is_everywhere(self) -> bool:
        """Whether it stands on so many pages that even a long line is nobody's quotation."""
        return self.pages >= 4 and self.pages >= 0.5 * self.of


def _repeated(db: Database, outlet: str) -> dict[str, _Seen]:
    (of,) = db.execute("SELECT count(DISTINCT page) FROM page_lines WHERE outlet = ?", [outlet]).fetchone()
    found = db.execute(
        "SELECT digest, count(*), sum(NOT on_subject) FROM page_lines WHERE outlet = ?"
        " GROUP BY digest HAVING count(*) >= 3",
        [outlet],
    )
    seen = {digest: _Seen(pages, of, off) for digest, pages, off in found.fetchall()}
    return {digest: counts for digest, counts in seen.items() if counts.is_boilerplate()}


def _words_of(texts: list[dict[str, Any]], repeated: dict[str, _Seen]) -> dict[str, tuple[str, int]]:
    """Return the lines to learn that stand in these texts: by digest, the words and on how many pages they stand."""
    found: dict[str, tuple[str, int]] = {}
    for article in texts if repeated else ():
        for digest, line in line_digests(article["text"]).items():
            counts = repeated.get(digest)
            if counts is None or not _can_be_boilerplate(line, long=counts.is_everywhere()):
                continue
            if not counts.is_doubtful or (line in article["text"].split(BREAK) and _names_nothing(line)):
                found.setdefault(digest, (line, counts.pages))
    return found


def _can_be_boilerplate(line: str, *, long: bool) -> bool:
    # "Información en desarrollo" and correction notes recur as well, and are news.
    return (long or len(line.split()) <= MOST_WORDS) and not is_developing(line) and not is_correction(line)


def _names_nothing(line: str) -> bool:
    """Whether a paragraph names nobody, no place and no figure, as a paragraph of background hardly can do."""
    return not _NAME_OR_FIGURE.search(line)


def _thin(db: Database, outlet: str) -> None:
    """Keep the lines of the pages whose numbers come first: the same ones, whichever came in before others."""
    last = db.execute(
        "SELECT page FROM (SELECT DISTINCT page FROM page_lines WHERE outlet = ?) ORDER BY page LIMIT 1 OFFSET ?",
        [outlet, MOST_PAGES - 1],
    ).fetchone()
    if last is not None:
        db.execute("DELETE FROM page_lines WHERE outlet = ? AND page > ?", [outlet, last[0]])


def _keep(db: Database, outlet: str, found: dict[str, tuple[str, int]]) -> None:
    db.conn.executemany(
        "INSERT INTO boilerplate (outlet, digest, words, articles, learnt) VALUES (?,?,?,?,?)"
        " ON CONFLICT (outlet, digest) DO NOTHING",
        [(outlet, digest, words, number, utc_now()) for digest, (words, number) in sorted(found.items())],
    )


def _cut(db: Database, article: dict[str, Any], learnt: frozenset[str], sure: frozenset[str]) -> bool:
    """Cut what was learnt from the text of an article, and from its revisions, which else would differ by it."""
    text = without(article["text"], learnt, sure)
    if text == article["text"]:
        return False
    for revision in revisions_of(db, article["id"]):
        replace_revision_text(db, revision, without(revision["text"], learnt, sure))
    replace_text(db, article["id"], article["title"], text)
    return True


def without(text: str, learnt: frozenset[str], sure: frozenset[str] = frozenset()) -> str:
    """Return a text without the lines that were learnt, or with them where too much of it would go.

    ``sure`` are those of them that stand on pages off the subject too.
    """
    text = _unless_short(text, without_lines(text, sure), LEAST_LEFT)
    rest = without_lines(text, learnt)
    return _unless_short(text, rest, max(LEAST_LEFT, round((1 - MOST_CUT) * len(text.split()))))


def _unless_short(text: str, rest: str, least: int) -> str:
    return rest if len(rest.split()) >= least else text
