"""Make a large archive of invented articles, the same for the same seed: a bench for search and site.

    python -m benchmarks.make_archive bench.db --articles 200000

Both languages, words in Zipf's proportions, 150 outlets, ten years, wire copies. Subject words are put in by
fixed shares of the articles (SUBJECT below), so that a query's number of hits is known beforehand. Pages, captures,
versions, events, stories and crawls follow from the articles (history.py).
"""

import argparse
import hashlib
import json
import sqlite3
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from archive.stems import stemmed
from archive.store import IDS_PER_DAY_BITS, open_archive
from archive.times import format_utc
from archive.urls import url_key
from benchmarks.history import add_history

YEARS = 10
LAST_DAY = datetime(2026, 6, 30, tzinfo=UTC)
CHUNK = 5_000
VOCABULARY = 60_000
MEAN_WORDS = 400
COPIES = 0.08  # of the articles are one of several with the same text
SENTENCE = 18  # words

HEAD = {
    "es": "de la que el en y a los se del las un por con no una su para es al lo como más o pero sus le ha",
    "en": "the of and to in a is that for it as was with be by on not he his but at are this have from or",
}
LETTERS = {
    "es": ("b c ch d f g j l m n ñ p qu r s t v z br tr pl gr", "a e i o u á í ó"),
    "en": ("b c ch d f g h j k l m n p r s t v w th sh st pr cr bl", "a e i o u ea ou ee"),
}
ENDINGS = {
    "es": ["", "s", "es", "ción", "ciones", "ado", "ar", "o"],
    "en": ["", "s", "ed", "ing", "er", "ion", "ly", "y"],
}
# Shares of the articles of a language that hold the word or phrase.
SUBJECT = {
    "es": {
        "gobierno": 0.28, "seguridad": 0.22, "policía": 0.13, "frontera": 0.10, "armas": 0.08, "arma": 0.03,
        "cártel": 0.07, "cárteles": 0.06, "derechos humanos": 0.08, "tráfico de armas": 0.02, "extradición": 0.015,
        "extradiciones": 0.005, "narcotráfico": 0.03, "fentanilo": 0.03, "cooperación": 0.06, "canciller": 0.03,
        "EE.UU.": 0.10, "México": 0.25, "año": 0.12, "mesa binacional de puertos": 0.0005,
    },
    "en": {
        "government": 0.28, "security": 0.22, "police": 0.13, "border": 0.10, "firearms": 0.08, "firearm": 0.03,
        "cartel": 0.07, "cartels": 0.06, "human rights": 0.08, "arms trafficking": 0.02, "extradition": 0.015,
        "extraditions": 0.005, "narcotics": 0.03, "fentanyl": 0.03, "cooperation": 0.06, "foreign secretary": 0.02,
        "United States": 0.10, "Mexico": 0.25, "year": 0.12, "binational ports table": 0.0005,
    },
}  # fmt: skip
SECTIONS = {
    "es": ["Nacional", "Política", "Seguridad", "Mundo", "Estados", "Economía", "Opinión", "Justicia"],
    "en": ["U.S.", "World", "Politics", "Americas", "National Security", "Opinion", "Texas", "Business"],
}
AGENCIES = ("", "", "", "", "", "", "EFE", "AP", "Reuters", "AFP", "Notimex")

Texts = tuple[str, str, str]


def main() -> None:
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("path", type=Path)
    options.add_argument("--articles", type=int, default=200_000)
    options.add_argument("--seed", type=int, default=6)
    given = options.parse_args()
    if given.path.exists():
        options.error(f"{given.path} is there already")
    make_archive(given.path, given.articles, given.seed)


def make_archive(path: Path, articles: int, seed: int = 6) -> None:
    """Make the archive: rows first, the full-text index in one go at the end."""
    started = time.perf_counter()
    db = open_archive(path)
    connection = db.conn
    connection.execute("PRAGMA synchronous = OFF")
    triggers = _without_triggers(connection)
    outlets = _outlets()
    connection.executemany(
        "INSERT INTO outlets VALUES (:id, :name, :country, :language, :kind, :homepage, 'UTC', 'open', 2.0, 'all',"
        " '2016-07-01T00:00:00Z')",
        outlets,
    )
    writer = Writer(seed)
    for first, rows in enumerate(_batches(writer, outlets, articles, seed)):
        _insert(connection, rows)
        if first % 20 == 0:
            print(
                f"{min(first * CHUNK + len(rows), articles):>9,} articles {time.perf_counter() - started:6.0f} s",
                flush=True,
            )
    connection.commit()
    print(f"          index   {time.perf_counter() - started:6.0f} s", flush=True)
    connection.execute("INSERT INTO articles_fts(articles_fts, rank) VALUES ('hashsize', 67108864)")
    connection.execute("INSERT INTO articles_fts(articles_fts) VALUES ('rebuild')")
    connection.execute("INSERT INTO articles_fts(articles_fts) VALUES ('optimize')")
    writer.save_stems(connection)
    add_history(connection)
    for statement in triggers:
        connection.execute(statement)
    connection.commit()
    connection.execute("ANALYZE")
    connection.commit()
    db.close()
    print(
        f"done: {articles:,} articles, {path.stat().st_size / 1e6:,.0f} MB, {time.perf_counter() - started:.0f} s"
    )


def _without_triggers(connection: sqlite3.Connection) -> list[str]:
    found = connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
    for name, _ in found:
        connection.execute(f"DROP TRIGGER {name}")
    return [sql for _, sql in found]


def _outlets() -> list[dict[str, str]]:
    return [
        {
            "id": f"{country.lower()}-outlet-{number:02}",
            "name": f"{'El Diario' if country == 'MX' else 'The Daily'} {number:02}",
            "country": country,
            "language": "es" if country == "MX" or number % 15 == 0 else "en",
            "kind": "newspaper",
            "homepage": f"https://{country.lower()}{number:02}.example/",
        }
        for country in ("MX", "US")
        for number in range(75)
    ]


class Writer:
    """Writes titles and texts; counts the words it used."""

    def __init__(self, seed: int) -> None:
        self.random = np.random.default_rng(seed)
        self.words = {language: self._vocabulary(language) for language in HEAD}
        self.dotted = {
            language: np.array([f"{word}." for word in words], object)
            for language, words in self.words.items()
        }
        weights = 1 / (np.arange(VOCABULARY) + 2.7) ** 1.07
        self.cumulated = np.cumsum(weights / weights.sum())
        self.used = {language: np.zeros(VOCABULARY, np.int64) for language in HEAD}

    def _vocabulary(self, language: str) -> NDArray[Any]:
        consonants, vowels = (letters.split() for letters in LETTERS[language])
        words = HEAD[language].split()
        known = set(words)
        while len(words) < VOCABULARY:
            size = 1 + int(self.random.integers(1, 4))
            parts = [
                str(self.random.choice(consonants)) + str(self.random.choice(vowels)) for _ in range(size)
            ]
            for ending in self.random.choice(ENDINGS[language], 3, replace=False):
                word = "".join(parts) + str(ending)
                if word not in known:
                    known.add(word)
                    words.append(word)
        return np.array(words[:VOCABULARY], object)

    def write(self, language: str, count: int) -> list[Texts]:
        """Return (title, description, text) of so many articles."""
        sizes = np.clip(self.random.lognormal(np.log(MEAN_WORDS) - 0.18, 0.6, count), 60, 4000).astype(int)
        numbers = np.searchsorted(self.cumulated, self.random.random(int(sizes.sum())))
        numbers = np.minimum(numbers, VOCABULARY - 1)
        self.used[language] += np.bincount(numbers, minlength=VOCABULARY)
        words = self.words[language][numbers]
        words[::SENTENCE] = self.dotted[language][numbers[::SENTENCE]]
        chosen = {term: self.random.random(count) < share for term, share in SUBJECT[language].items()}
        places = self.random.random((count, 4))
        texts, start = [], 0
        for number, size in enumerate(sizes):
            own = words[start : start + size].tolist()
            start += size
            texts.append(_composed(own, [term for term in chosen if chosen[term][number]], places[number]))
        return texts

    def save_stems(self, connection: sqlite3.Connection) -> None:
        """Enter the words used, as `archive.stems.reindex` would (which takes far longer)."""
        rows: dict[tuple[str, str, str], int] = {}
        for language, words in self.words.items():
            counts = dict(zip(words.tolist(), self.used[language].tolist(), strict=True))
            counts |= {w: 10_000 for term in SUBJECT[language] for w in term.lower().split()}
            for word, count in counts.items():
                if count and len(word) > 1 and word.isalpha():
                    folded, stem = stemmed(word, language)
                    key = (language, stem, folded)
                    rows[key] = max(rows.get(key, 0), int(count).bit_length() - 1)
        connection.executemany(
            "INSERT INTO stems VALUES (?, ?, ?, ?)", ((*k, n) for k, n in sorted(rows.items()))
        )


def _composed(words: list[str], terms: list[str], places: NDArray[np.float64]) -> Texts:
    title, body = words[:9], words[30:]
    description = words[9:30]
    for number, term in enumerate(terms):
        spot = float(places[number % 4])
        if spot < 0.15:
            title.insert(number % 9, term)
        if number % 5 == 0:
            description.insert(2, term)
        for times in range(1 + (number + len(words)) % 3):
            body.insert(int(spot * len(body) / (times + 1)), term)
    text = "\n\n".join(" ".join(body[place : place + 80]) for place in range(0, len(body), 80))
    return " ".join(title).capitalize().rstrip("."), " ".join(description).capitalize(), text


def _batches(
    writer: Writer, outlets: list[dict[str, str]], articles: int, seed: int
) -> Iterator[list[dict[str, Any]]]:
    random = np.random.default_rng(seed + 1)
    seconds = np.sort(random.integers(0, YEARS * 365 * 86_400, articles))
    begin = int((LAST_DAY - timedelta(days=YEARS * 365)).timestamp())
    in_day: dict[int, int] = {}
    group = 0
    for first in range(0, articles, CHUNK):
        count = min(CHUNK, articles - first)
        chosen = random.zipf(1.25, count * 3) - 1
        chosen = np.resize(chosen[chosen < len(outlets)], count)
        papers = [outlets[(int(place) * 76) % len(outlets)] for place in chosen]
        written = {
            language: iter(writer.write(language, sum(paper["language"] == language for paper in papers)))
            for language in HEAD
        }
        rows, copied = [], 0
        for number, outlet in enumerate(papers):
            moment = begin + int(seconds[first + number])
            day = moment // 86_400
            in_day[day] = in_day.get(day, -1) + 1
            texts = next(written[outlet["language"]])
            row = _row((day << IDS_PER_DAY_BITS) + in_day[day], outlet, moment, texts, random)
            if copied or random.random() < COPIES / 5:
                if not copied:
                    group, copied = group + 1, int(random.integers(2, 10))
                row["copy_group"], row["wire"], copied = group, AGENCIES[6 + group % 5], copied - 1
            rows.append(row)
        yield rows


def _row(
    number: int, outlet: dict[str, str], moment: int, texts: Texts, random: np.random.Generator
) -> dict[str, Any]:
    published = format_utc(datetime.fromtimestamp(moment, UTC))
    draws = random.random(3)
    url = f"{outlet['homepage']}{published[:4]}/{number}"
    sections = SECTIONS[outlet["language"]]
    return {
        "id": number, "url": url, "key": url_key(url), "outlet": outlet["id"], "country": outlet["country"],
        "language": outlet["language"], "title": texts[0], "description": texts[1], "text": texts[2],
        "authors": f"Redacción {number % 40}", "section": sections[int(draws[0] * len(sections))],
        "published": published, "published_local": published.replace("Z", "+00:00"),
        "published_precision": "minute", "first_seen": published, "last_checked": published,
        "grade": 2 if draws[1] < 0.35 else 1 if draws[1] < 0.96 else 0, "score": round(10 * float(draws[1]), 2),
        "terms": json.dumps([{"text": "seguridad", "where": "body", "points": 2.0, "why": "subject"}] * 3),
        "word_count": texts[2].count(" ") + 1, "sha256": hashlib.sha256(url.encode()).hexdigest(),
        "wire": AGENCIES[int(draws[2] * len(AGENCIES))] or None, "copy_group": None,
        "status": "gone" if draws[2] < 0.01 else "live",
    }  # fmt: skip


def _insert(connection: sqlite3.Connection, rows: list[dict[str, Any]]) -> None:
    columns = [name for name in rows[0] if name != "text"]
    connection.executemany(
        f"INSERT INTO articles ({', '.join(columns)}) VALUES ({', '.join(':' + name for name in columns)})",
        rows,
    )
    connection.executemany("INSERT INTO texts VALUES (:id, :title, :description, :text)", rows)
    connection.commit()


if __name__ == "__main__":
    main()
