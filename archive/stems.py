"""Inflections: which words of the archive share a stem, in Spanish and in English.

The table ``stems`` lists every word that articles of a language use, with its Snowball stem. A search for
one form is widened to the others (`Vocabulary.forms`); the full-text index itself holds words as they were
written, so exact phrases stay exact.

``weight`` is about the logarithm to base 2 of the number of articles that use the word (counted as in
Morris, "Counting large numbers of events in small registers", CACM 21, 1978: a frequent word is written to
ever more seldom).
"""

import re
import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import lru_cache

import snowballstemmer
from sqlite_utils import Database

from archive.folding import composed, fold

LANGUAGES = {"es": "spanish", "en": "english"}
MAX_WORD = 40  # letters; what is longer is no word
MAX_FORMS = 24
# A form counts as foreign where the other language's articles use it more than 2^3 times as often: "case"
# is not a form of "casa" because some Spanish article quotes English.
FOREIGN = 3

_LETTERS = re.compile(r"[^\W\d_]{2,}")
_PLURAL = re.compile(r"(?<=[aeiou])s$")


@lru_cache(maxsize=200_000)
def stemmed(word: str, language: str) -> tuple[str, str]:
    """Return the folded word and its folded stem. ``word`` is in small letters, accents kept."""
    if language == "es":
        # Snowball's Spanish leaves short plurals and z/c alone: armas, jueces.
        word_ = re.sub(r"ces$", "z", word) if len(word) > 4 else word
        stem = _stemmer(language).stemWord(word_)
        if stem == word_ and len(stem) > 3:
            stem = _PLURAL.sub("", stem)
    else:
        stem = _stemmer(language).stemWord(word)
    return fold(word), fold(stem)


@lru_cache
def _stemmer(language: str) -> "snowballstemmer.stemmer":
    return snowballstemmer.stemmer(LANGUAGES[language])


def stemmed_words(language: str, *texts: str) -> set[tuple[str, str]]:
    """Return the (folded word, stem) pairs of texts; none where the language is not stemmed."""
    language = language[:2].lower()
    if language not in LANGUAGES:
        return set()
    found = {word for text in texts for word in _LETTERS.findall(composed(text).lower())}
    return {stemmed(word, language) for word in found if len(word) <= MAX_WORD}


def note_words(db: Database | sqlite3.Connection, article: int, language: str, *texts: str) -> None:
    """Enter the words of one article; call it in the transaction that writes the texts.

    Words stay when an article changes or goes: they widen searches and find nothing by themselves.
    """
    connection = db.conn if isinstance(db, Database) else db
    # The multiplier (Knuth's) scatters article numbers, so that the same archive gives the same weights.
    connection.executemany(
        "INSERT INTO stems (language, stem, word, weight) VALUES (?, ?, ?, 0)"
        " ON CONFLICT DO UPDATE SET weight = weight + 1"
        f" WHERE (({article} * 2654435761) >> 12) & ((1 << weight) - 1) = 0",
        [(language[:2].lower(), stem, word) for word, stem in sorted(stemmed_words(language, *texts))],
    )


def reindex(db: Database | sqlite3.Connection) -> int:
    """Make the table of stems anew from all texts, in the caller's transaction. Returns the words entered."""
    connection = db.conn if isinstance(db, Database) else db
    counts: Counter[tuple[str, str, str]] = Counter()
    for language, title, description, text in connection.execute(
        "SELECT a.language, t.title, t.description, t.text FROM texts t JOIN articles a ON a.id = t.article"
    ):
        code = language[:2].lower()
        counts.update((code, stem, word) for word, stem in stemmed_words(language, title, description, text))
    connection.execute("DELETE FROM stems")
    connection.executemany(
        "INSERT INTO stems (language, stem, word, weight) VALUES (?, ?, ?, ?)",
        ((*key, count.bit_length() - 1) for key, count in sorted(counts.items())),
    )
    return len(counts)


def forget_unused(db: Database | sqlite3.Connection) -> int:
    """Delete the words that no article in the full-text index uses any more. Returns how many they were.

    For copies of the archive that leave articles out, and after a withdrawal: a name may be such a word.
    """
    connection = db.conn if isinstance(db, Database) else db
    connection.execute("CREATE VIRTUAL TABLE temp.used_words USING fts5vocab(main, articles_fts, row)")
    cursor = connection.execute("DELETE FROM stems WHERE word NOT IN (SELECT term FROM temp.used_words)")
    connection.execute("DROP TABLE temp.used_words")
    return cursor.rowcount


class Vocabulary:
    """The inflections of words, looked up in the table of stems.

    ``languages`` are those the search is narrowed to; with one, no form is foreign.
    """

    def __init__(self, connection: sqlite3.Connection, languages: Iterable[str] = ()) -> None:
        self.connection = connection
        wanted = {code[:2].lower() for code in languages} or set(LANGUAGES)
        self.languages = sorted(wanted & set(LANGUAGES))

    def forms(self, word: str) -> tuple[str, ...]:
        """Return the folded forms of a word, itself first, then the more usual ones first."""
        plain = fold(composed(word))
        if not _LETTERS.fullmatch(plain) or not _has_stems(self.connection):
            return (plain,)
        weights = dict(self._family(plain, word))
        others = sorted(weights, key=lambda form: (-weights[form], form))
        return tuple(dict.fromkeys([plain, *others]))[:MAX_FORMS]

    def _family(self, plain: str, word: str) -> Iterator[tuple[str, int]]:
        """Yield the other forms, each with its weight, of every language that the word may belong to."""
        known = self._weights([plain])
        for language in self.languages:
            if self._is_foreign(known.get(plain, {}), language):
                continue
            stems = self._stems(plain, language) or {stemmed(word.lower(), language)[1]}
            members = self._members(stems, language)
            weights = self._weights(members) if len(self.languages) > 1 else {}
            borrowed = bool(known) and language not in known[plain]
            for form, weight in members.items():
                if not self._is_foreign(weights.get(form, {}), language) and not (
                    borrowed and not _one_begins_with_the_other(form, plain)
                ):
                    yield form, weight

    def _is_foreign(self, weights: dict[str, int], language: str) -> bool:
        others = [weight for other, weight in weights.items() if other != language]
        return len(self.languages) > 1 and max(others, default=-1) > weights.get(language, 0) + FOREIGN

    def _stems(self, plain: str, language: str) -> set[str]:
        rows = self.connection.execute(
            "SELECT stem FROM stems WHERE word = ? AND language = ?", [plain, language]
        )
        return {row[0] for row in rows}

    def _members(self, stems: set[str], language: str) -> dict[str, int]:
        marks = ", ".join("?" * len(stems))
        rows = self.connection.execute(
            f"SELECT word, max(weight) FROM stems WHERE language = ? AND stem IN ({marks}) GROUP BY word",
            [language, *sorted(stems)],
        )
        return {row[0]: row[1] for row in rows}

    def _weights(self, found: Iterable[str]) -> dict[str, dict[str, int]]:
        asked = list(found)
        weights: dict[str, dict[str, int]] = {}
        rows = self.connection.execute(
            f"SELECT word, language, max(weight) FROM stems WHERE word IN ({', '.join('?' * len(asked))})"
            " GROUP BY word, language",
            asked,
        )
        for word, language, weight in rows:
            weights.setdefault(word, {})[language] = weight
        return weights


def _one_begins_with_the_other(a: str, b: str) -> bool:
    """Tell whether one of the words only adds an ending: a word that a language lacks has no other forms in it."""
    return a.startswith(b) or b.startswith(a)


def _has_stems(connection: sqlite3.Connection) -> bool:
    found = connection.execute(
        "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'stems'"
    ).fetchone()
    return found is not None
