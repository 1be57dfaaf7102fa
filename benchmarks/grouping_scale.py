"""How long grouping takes in a large archive: everything at once, then one article more.

    python benchmarks/grouping_scale.py FOLDER [--articles 100000]

Makes FOLDER/archive.db of invented articles: words in Zipf's proportions, turns of phrase that many articles use,
150 outlets each with a footer of its own, one article in ten an edited copy of another of the same week, all within
one month for the copies (the window is as full as it can be) or 50 a day with --per-day 50. Times are of
the processor, not of the clock, and of one core. Deterministic.
"""

import argparse
import resource
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
from sqlite_utils import Database

from archive.copies import group_new_copies
from archive.models import Article, Outlet, Verdict
from archive.store import open_archive, save_article, save_outlets

WORDS, OUTLETS, PHRASES = 250, 150, 4000
FIRST_DAY = datetime(2026, 3, 1, tzinfo=UTC)
ENDING = 7  # letters of a word that ends a sentence
MORE = 500  # articles added one by one
ALPHABET = "ba ce di fo gu la me ni po ru sa te vi zo cha lle que rra tra pre"
SYLLABLES = ALPHABET.split()


class Writer:
    """Invents texts, the same for the same seed."""

    def __init__(self, seed: int = 20260115) -> None:
        self.rng = np.random.default_rng(seed)
        draw = self.rng.integers(0, len(SYLLABLES), (30_000, 4))
        sizes = self.rng.integers(1, 5, 30_000)
        self.vocabulary = np.array(
            ["".join(SYLLABLES[i] for i in row[:size]) for row, size in zip(draw, sizes, strict=True)]
        )
        chances = 1 / np.arange(1, 30_001)
        self.chances = np.cumsum(chances / chances.sum())
        self.phrases = [self.words(9) for _ in range(PHRASES)]
        self.footers = [self.words(35) for _ in range(OUTLETS)]

    def words(self, count: int) -> list[str]:
        """Return so many words, frequent ones often."""
        places = np.searchsorted(self.chances, self.rng.random(count))
        return list(self.vocabulary[np.minimum(places, len(self.vocabulary) - 1)])

    def text(self) -> list[str]:
        """Return the words of an article, with three turns of phrase."""
        found = self.words(WORDS)
        for place in sorted(self.rng.integers(0, WORDS, 3), reverse=True):
            found[place:place] = self.phrases[int(self.rng.zipf(1.3)) % PHRASES]
        return found

    def edited(self, words: list[str]) -> list[str]:
        """Return a copy: a dateline put before, some words changed, the end cut off, something local added."""
        kept = [
            w if self.rng.random() > 0.04 else self.words(1)[0]
            for w in words[: -int(self.rng.integers(1, 80))]
        ]
        return [*self.words(4), *kept, *self.words(20)]


def texts(writer: Writer, count: int) -> Iterator[tuple[int, str]]:
    """Yield (outlet, text); the last of ten is a copy of one of the nine before."""
    recent: list[list[str]] = []
    for number in range(count):
        words = writer.edited(recent[int(writer.rng.integers(0, 9))]) if number % 10 == 9 else writer.text()
        recent = [*recent[-8:], words]
        outlet = number % OUTLETS
        yield outlet, punctuated(words) + "\n\n" + " ".join(writer.footers[outlet])


def punctuated(words: list[str]) -> str:
    """Return the words as sentences, which end where certain words do: in copies as in what they are copied from."""
    ends = [f"{word}." if len(word) == ENDING else word for word in words]
    return " ".join(
        word.capitalize() if place == 0 or ends[place - 1].endswith(".") else word
        for place, word in enumerate(ends)
    )


def fill(db: Database, writer: Writer, count: int, per_day: float) -> None:
    """Put in the articles, without the full-text index and what else does not matter here."""
    save_outlets(db, [outlet(number) for number in range(OUTLETS)])
    for (name,) in db.execute(
        "SELECT name FROM sqlite_master WHERE type = 'trigger' AND name NOT LIKE 'copy%' AND name NOT LIKE 'story%'"
    ).fetchall():
        db.execute(f"DROP TRIGGER {name}")
    with db.atomic():
        for number, (place, text) in enumerate(texts(writer, count), 1):
            moment = f"{FIRST_DAY + timedelta(days=number / per_day):%Y-%m-%dT%H:%M:%SZ}"
            title = " ".join(text.split()[:9])
            db.execute(
                "INSERT INTO articles (id, url, key, outlet, country, language, title, published, first_seen,"
                " last_checked, grade, score, word_count, sha256) VALUES (?,?,?,?,?,?,?,?,?,?,2,5,250,?)",
                [number, f"https://o{place}.example/{number}", f"o{place}.example/{number}", f"o{place}",
                 "MX" if place % 2 else "US", "es", title, moment, moment, moment, f"{number:064x}"],
            )  # fmt: skip
            db.execute("INSERT INTO texts (article, title, text) VALUES (?, ?, ?)", [number, title, text])


def outlet(number: int) -> Outlet:
    return Outlet(
        id=f"o{number}", name=f"Outlet {number}", country="MX" if number % 2 else "US", language="es",
        homepage=f"https://o{number}.example/", timezone="UTC",
    )  # fmt: skip


def add(db: Database, number: int, place: int, text: str, moment: str) -> None:
    save_article(
        db,
        outlet(place),
        Article(url=f"https://o{place}.example/more/{number}", title=" ".join(text.split()[:9]), text=text,
                language="es", published_local=moment),
        Verdict(grade=2, score=5.0),
        seen="2026-04-01T00:00:00Z",
        snapshot=None,
    )  # fmt: skip


def measure(path: Path, count: int, per_day: float) -> None:
    writer = Writer()
    db = open_archive(path)
    start = time.process_time()
    fill(db, writer, count, per_day)
    print(f"{count:,} articles made in {time.process_time() - start:.0f} s", flush=True)
    start = time.process_time()
    counts = group_new_copies(db)
    print(f"copies of all: {time.process_time() - start:.1f} s; {counts}", flush=True)
    times = []
    for number, (place, text) in enumerate(texts(writer, MORE)):
        add(db, number, place, text, f"{FIRST_DAY + timedelta(days=count / per_day):%Y-%m-%dT12:00:00+00:00}")
        start = time.process_time()
        group_new_copies(db)
        times.append((time.process_time() - start) * 1000)
    found = sorted(times)
    print(
        f"copies of one more: median {found[MORE // 2]:.2f} ms, 99 of 100 {found[MORE * 99 // 100]:.2f} ms, "
        f"worst of {MORE} {found[-1]:.2f} ms"
    )
    db.close()
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{path.stat().st_size / 1e6:,.0f} MB on disk, {memory:,.0f} MB of memory at most")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--articles", type=int, default=100_000)
    parser.add_argument("--per-day", type=float, default=None, help="default: all within 30 days")
    options = parser.parse_args()
    path = options.folder / "archive.db"
    if path.exists():
        sys.exit(f"{path} is there already")
    options.folder.mkdir(parents=True, exist_ok=True)
    measure(path, options.articles, options.per_day or options.articles / 30)


if __name__ == "__main__":
    main()
