"""The site's answers over real HTTP, page type by page type, beside plain Datasette and tantivy on the same data.

    python benchmarks/make_archive.py bench.db --articles 1000000
    python -m benchmarks.site bench.db [--rounds 3] [--compare]

Serves the archive as `bilateral serve` does, asks each page type's addresses one after the other, and prints the time
of each answer as the reader has it (the best of the rounds), and the processor time the server took for one. What is
asked first is asked before: all figures are of a warm server. ``--compare`` needs tantivy (pip install tantivy).
"""

import argparse
import http.client
import json
import random
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import psutil

from benchmarks.search import QUERIES, WORDS

SITE, PLAIN = 8765, 8766
START_SECONDS = 120
SEED = 5


class Server:
    """A server process, and one connection to it."""

    def __init__(self, command: list[str], port: int) -> None:
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.port = port
        until = time.monotonic() + START_SECONDS
        while True:
            try:
                self.get("/")
                break
            except (OSError, http.client.HTTPException):
                if time.monotonic() > until:
                    raise
                time.sleep(0.2)

    def get(self, path: str) -> tuple[int, bytes]:
        """Ask for one address."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        connection.request("GET", path, headers={"Accept-Language": "es"})
        answer = connection.getresponse()
        body = answer.read()
        connection.close()
        return answer.status, body

    def cpu(self) -> float:
        """Return the processor seconds the server has used."""
        times = psutil.Process(self.process.pid).cpu_times()
        return float(times.user + times.system)

    def megabytes(self) -> float:
        """Return the server's resident memory."""
        return float(psutil.Process(self.process.pid).memory_info().rss / 1e6)

    def close(self) -> None:
        """End the server."""
        self.process.terminate()
        self.process.wait()


def searches(query: str) -> str:
    return f"/search?q={quote(query)}"


def addresses(db: sqlite3.Connection) -> dict[str, list[str]]:
    """Return the addresses of each page type."""
    chance = random.Random(SEED)
    ids = [number for (number,) in db.execute("SELECT id FROM articles ORDER BY id DESC LIMIT 200000")]
    articles = chance.sample(ids, 40)
    stories = [number for (number,) in db.execute("SELECT id FROM stories ORDER BY id DESC LIMIT 20")]
    outlets = [name for (name,) in db.execute("SELECT id FROM outlets ORDER BY id LIMIT 20")]
    return {
        "front page": ["/", "/?lang=en"],
        "search, newest, facets, histogram": [searches(q) + "&sort=newest" for q in QUERIES],
        "search, relevance, facets, histogram": [searches(q) + "&sort=relevance" for q in QUERIES],
        "search, refined": [searches(q) + "&sort=newest&country=MX&from=2024-01-01" for q in QUERIES],
        "search, feed (.atom)": [searches(q).replace("/search", "/search.atom") for q in QUERIES],
        "search, .json": [searches(q).replace("/search", "/search.json") for q in QUERIES],
        "article": [f"/article/{number}" for number in articles],
        "story": [f"/story/{number}" for number in stories],
        "outlet": [f"/outlet/{name}" for name in outlets],
        "stories, changes, calendar, outlets, about": ["/stories", "/changes", "/calendar", "/outlets", "/about"],
        "tables (/archive/…)": [f"/archive/archive/{t}" for t in ("articles", "outlets", "pages", "revisions")],
    }  # fmt: skip


def measure(server: Server, paths: list[str], rounds: int) -> tuple[list[float], float, int]:
    """Return the best time of each address and the mean processor time, in milliseconds, and the largest answer."""
    best = [float("inf")] * len(paths)
    largest, before = 0, server.cpu()
    for _ in range(rounds):
        for place, path in enumerate(paths):
            began = time.perf_counter()
            status, body = server.get(path)
            best[place] = min(best[place], 1000 * (time.perf_counter() - began))
            largest = max(largest, len(body))
            if status != 200:
                sys.exit(f"{path}: HTTP {status}")
    return best, 1000 * (server.cpu() - before) / (rounds * len(paths)), largest


def quantiles(times: list[float]) -> str:
    p95 = statistics.quantiles(times, n=20)[-1] if len(times) > 2 else max(times)
    return f"{statistics.median(times):9.1f}{min(p95, max(times)):9.1f}{max(times):9.1f}"


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Write to the archive meanwhile, a small transaction every 20 ms, as a crawl does."""
    done = threading.Event()

    def write() -> None:
        with sqlite3.connect(path, timeout=30) as db:
            while not done.wait(0.02):
                with db:
                    db.execute("UPDATE outlets SET watched_since = watched_since")

    thread = threading.Thread(target=write)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def report(server: Server, kinds: dict[str, list[str]], rounds: int) -> None:
    print(f"{'':46}{'p50':>9}{'p95':>9}{'worst':>9}{'CPU':>9}{'kB':>7}")
    for name, paths in kinds.items():
        if paths:
            times, cpu, largest = measure(server, paths, rounds)
            print(f"{name:46}{quantiles(times)}{cpu:9.1f}{largest / 1000:7.0f}", flush=True)
    print(f"memory of the server: {server.megabytes():.0f} MB")


def plain_datasette(path: Path, rounds: int) -> None:
    """Print plain Datasette's times on the same file: its table page with a full-text search and three facets."""
    command = [
        sys.executable,
        "-m",
        "datasette",
        str(path),
        "--port",
        str(PLAIN),
        "--setting",
        "sql_time_limit_ms",
        "20000",
    ]
    server = Server(command, PLAIN)
    facets = "&_facet=outlet&_facet=country&_facet=language"
    name = path.stem
    try:
        kinds = {
            "plain Datasette: search with three facets": [
                f"/{name}/articles?_search={quote(word)}&_fts_table=articles_fts&_fts_pk=id{facets}"
                for word in WORDS[:6]
            ],
            "plain Datasette: the articles' page": [f"/{name}/articles"],
        }
        report(server, kinds, rounds)
    finally:
        server.close()


def tantivy_times(db: sqlite3.Connection, rounds: int) -> None:
    """Print tantivy's times for the same words: ten best results, the count, in this process."""
    import tantivy

    schema = (
        tantivy.SchemaBuilder()
        .add_text_field("title")
        .add_text_field("text")
        .add_integer_field("id", stored=True)
        .build()
    )
    with tempfile.TemporaryDirectory() as folder:
        index = tantivy.Index(schema, path=folder)
        began = time.monotonic()
        writer = index.writer(heap_size=200_000_000, num_threads=1)
        for number, title, text in db.execute("SELECT article, title, text FROM texts"):
            writer.add_document(tantivy.Document(id=number, title=title, text=text))
        writer.commit()
        writer.wait_merging_threads()
        index.reload()
        print(f"tantivy: filled in {time.monotonic() - began:.0f} s")
        searcher = index.searcher()

        def ask(query: str) -> None:
            parsed, _ = index.parse_query_lenient(query, ["title", "text"])
            searcher.search(parsed, limit=10, count=True)

        print(f"{'tantivy: ten best and count, no HTTP, no facets':46}{quantiles(timed(ask, rounds))}")


def timed(ask: Callable[[str], None], rounds: int) -> list[float]:
    best = dict.fromkeys(QUERIES, float("inf"))
    for _ in range(rounds):
        for query in QUERIES:
            began = time.perf_counter()
            ask(query)
            best[query] = min(best[query], 1000 * (time.perf_counter() - began))
    return list(best.values())


def main() -> None:
    """Print the table, in milliseconds."""
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("path", type=Path)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--compare", action="store_true")
    given = options.parse_args()
    db = sqlite3.connect(f"file:{given.path}?mode=ro", uri=True)
    kinds = addresses(db)
    command = [sys.executable, "-m", "archive.cli", "serve", "--db", str(given.path), "--port", str(SITE)]
    server = Server(command, SITE)
    try:
        measure(server, [searches("frontera")], 1)  # what is read once, at the first search
        report(server, kinds, given.rounds)
        with writing(given.path):
            print("while a crawl writes:")
            some = ("search, newest, facets, histogram", "article")
            report(server, {name: kinds[name] for name in some}, given.rounds)
    finally:
        server.close()
    if given.compare:
        plain_datasette(given.path, 1)
        tantivy_times(db, given.rounds)
    print(json.dumps({"articles": db.execute("SELECT count(*) FROM articles").fetchone()[0]}))


if __name__ == "__main__":
    main()
