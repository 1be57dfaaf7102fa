"""Kill a crawl at random moments, and see whether the next one brings the archive to the same end.

``python -m benchmarks.kill_test [--kills 100] [--seed 1]`` from the project's folder. Needs nothing but the
project: the outlets are simulated on loopback. A round is a fresh archive and two visits, between which outlets
publish, revise and remove; each visit is cut off by ``kill -9`` up to three times, at moments spread over the
length of a crawl, and then left to end. The archive is compared with one that was not disturbed, and
``bilateral verify`` is run over it. Prints one line a round and a summary; ends 1 if anything differed.
"""

import argparse
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

from tests.newsroom import Newsroom, load_newsroom

COMPARED = {
    "articles": "SELECT url, outlet, title, sha256, published_local, grade, status, revisions FROM articles ORDER BY 1",
    "revisions": "SELECT a.url, r.number, r.title, r.text FROM revisions r JOIN articles a ON a.id = r.article"
    " ORDER BY 1, 2",
    "events": "SELECT a.url, e.event FROM events e JOIN articles a ON a.id = e.article ORDER BY 1, e.id",
    "pages": "SELECT url, state FROM pages ORDER BY 1",
    "twice": "SELECT outlet, title, count(*) FROM articles GROUP BY 1, 2 HAVING count(*) > 1",
}


def command(db: Path, registry: Path) -> list[str]:
    return [
        sys.executable, "-m", "archive.cli", "crawl", "--db", str(db), "--outlets", str(registry),
        "--allow-private-hosts", "--recheck", "all",
    ]  # fmt: skip


def crawl(db: Path, registry: Path, kill_after: float | None = None) -> bool:
    """Run a crawl; return whether it was killed before it ended."""
    process = subprocess.Popen(command(db, registry), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    try:
        _, errors = process.communicate(timeout=kill_after or 300)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)
        process.communicate()
        return True
    if process.returncode:
        raise SystemExit(f"the crawl failed: {errors.decode()}")
    return False


def contents(db: Path) -> dict[str, list[Any]]:
    with sqlite3.connect(db) as connection:
        return {name: connection.execute(sql).fetchall() for name, sql in COMPARED.items()}


def differences(one: dict[str, list[Any]], other: dict[str, list[Any]]) -> list[str]:
    return [
        f"{name}: {len(set(one[name]) - set(other[name]))} missing, {len(set(other[name]) - set(one[name]))} more"
        for name in COMPARED
        if one[name] != other[name]
    ]


def damages(db: Path) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-m", "archive.cli", "verify", "--db", str(db)],
        capture_output=True,
        text=True,
        check=False,
    )
    return [f"verify: {done.stdout.strip() or done.stderr.strip()}"] if done.returncode else []


def one_round(
    newsroom: Newsroom, kills: tuple[int, int], length: float, chance: random.Random
) -> tuple[int, float, dict[str, Any]]:
    """Return how many kills hit a running crawl, how long the last crawl took, and what the archive holds."""
    hit = 0
    with tempfile.TemporaryDirectory() as name:
        db, registry = Path(name) / "archive.db", newsroom.registry(Path(name) / "outlets.toml")
        for phase, number in enumerate(kills, start=1):
            newsroom.phase = phase
            hit += sum(crawl(db, registry, chance.uniform(0.05, 0.95) * length) for _ in range(number))
            began = time.monotonic()
            crawl(db, registry)
        return hit, time.monotonic() - began, {**contents(db), "damages": damages(db)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    chance, tally, hits, number = random.Random(options.seed), Counter[str](), 0, 0
    with load_newsroom() as newsroom:
        _, length, wanted = one_round(newsroom, (0, 0), 0, chance)
        sizes = ", ".join(
            f"{len(wanted[name])} {name}" for name in ("articles", "revisions", "events", "pages")
        )
        print(f"undisturbed: {sizes}; a crawl takes {length:.1f} s", flush=True)
        while hits < options.kills:
            number += 1
            kills = chance.randint(0, 3), chance.randint(0, 3)
            hit, _, found = one_round(newsroom, kills, length, chance)
            hits += hit
            wrong = differences(wanted, found) + found["damages"]
            tally["same" if not wrong else "different"] += 1
            print(f"round {number}: {hit} kills, {'; '.join(wrong) or 'same archive, verified'}", flush=True)
    print(f"{hits} kills in {number} rounds: {tally['same']} same, {tally['different']} different")
    sys.exit(1 if tally["different"] else 0)


if __name__ == "__main__":
    main()
