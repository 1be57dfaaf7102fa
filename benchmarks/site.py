"""The site's answers over real HTTP, page type by page type, beside plain Datasette and tantivy on the same data.

    python -m benchmarks.make_archive bench.db --articles 1000000
    python -m benchmarks.site bench.db [--rounds 3] [--compare]

Serves the archive as `bilateral serve` does and asks each page type's addresses one after the other, then with four
clients at once, then while articles are written. Times are a reader's, in milliseconds: of each address the best of
the rounds (the machine may be shared), over all addresses p50, p95 and the worst; CPU is what the server worked for
one answer, p50 and p95 likewise, which other work on the machine changes less. Searches are asked anew in each round
(a word that is nowhere is excluded: ``-zqx1``), so that no answer is ready. ``--compare`` needs tantivy (pip install
tantivy). Articles written are taken out again at the end.
"""

import argparse
import http.client
import os
import random
import socket
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import psutil

from benchmarks.search import QUERIES

START_SECONDS = 180
SEED = 5
PLAIN_QUERIES = 8
WRITTEN = "https://written-meanwhile.example/"


@dataclass(frozen=True)
class Kind:
    """A page type: its addresses (``%s`` is put in anew each round), and the goal for its p95."""

    name: str
    paths: tuple[str, ...]
    goal: float
    once: bool = False  # asked in one round only: a second answer would be ready


class Server:
    """A server process and what it uses."""

    def __init__(self, command: list[str]) -> None:
        began = time.monotonic()
        with socket.socket() as probe:  # a port that is free: on a usual one another server may answer
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]
        command = [*command, "--port", str(self.port)]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while True:
            try:
                self.get("/robots.txt")
                break
            except (OSError, http.client.HTTPException):
                if time.monotonic() - began > START_SECONDS:
                    raise
                time.sleep(0.1)
        self.started = time.monotonic() - began
        self.start_cpu = self.cpu()

    def get(self, path: str, *, whole: bool = True) -> tuple[int, bytes]:
        """Ask for one address. Returns status and body, or its first byte."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        connection.request("GET", path, headers={"Accept-Language": "es"})
        answer = connection.getresponse()
        body = answer.read() if whole else answer.read(1)
        connection.close()
        return answer.status, body

    def cpu(self) -> float:
        """Return the processor seconds the server's threads have used, to the nanosecond (Linux)."""
        used = [
            path.read_text().split()[0] for path in Path(f"/proc/{self.process.pid}/task").glob("*/schedstat")
        ]
        return sum(map(int, used)) / 1e9

    def megabytes(self) -> float:
        """Return the server's resident memory."""
        return float(psutil.Process(self.process.pid).memory_info().rss / 1e6)

    def close(self) -> None:
        """End the server."""
        self.process.terminate()
        self.process.wait()


def kinds_of(db: sqlite3.Connection) -> list[Kind]:
    """Return the page types with their addresses."""
    chance = random.Random(SEED)
    fresh = [f"/search{{}}?q={quote(query)}+-%s" for query in QUERIES]

    def searches(ending: str = "", more: str = "") -> tuple[str, ...]:
        return tuple(path.format(ending) + more for path in fresh)

    def some(sql: str, number: int) -> list[str]:
        found = [str(row[0]) for row in db.execute(sql)]
        return chance.sample(found, min(number, len(found)))

    articles = some("SELECT id FROM articles WHERE grade > 0 ORDER BY id DESC LIMIT 300000", 60)
    revised = some("SELECT article FROM revisions WHERE number = 2 ORDER BY id DESC LIMIT 20000", 30)
    stories = some("SELECT id FROM stories WHERE articles > 1 ORDER BY id DESC LIMIT 50000", 30)
    outlets = some("SELECT id FROM outlets", 40)
    times = some("SELECT first_seen FROM articles ORDER BY id DESC LIMIT 200000", 20)
    return [
        Kind("front page", ("/", "/?lang=en"), 50),
        Kind("search, newest", searches(more="&sort=newest"), 50),
        Kind("search, newest, narrowed", searches(more="&sort=newest&country=MX&from=2024-01-01"), 50),
        Kind("search, relevance", searches(more="&sort=relevance"), 100),
        Kind("search without words", ("/search", "/search?country=MX", "/search?year=2024&sort=oldest"), 50),
        Kind("search, feed (.atom)", searches(".atom"), 50),
        Kind("search, .json, newest", searches(".json", "&sort=newest"), 50),
        Kind("search, .csv: first byte", searches(".csv")[:12], 0),
        Kind("article", tuple(f"/article/{number}" for number in articles), 50),
        Kind("article with versions", tuple(f"/article/{number}" for number in revised), 50),
        Kind("story", tuple(f"/story/{number}" for number in stories), 50),
        Kind("stories", ("/stories", *(f"/stories?before={moment}~0" for moment in times)), 50),
        Kind(
            "changes", ("/changes", "/changes.atom", *(f"/changes?before={moment}~0" for moment in times)), 50
        ),
        Kind("calendar", ("/calendar", "/calendar?lang=en"), 50),
        Kind("outlets", ("/outlets", "/outlets?lang=en"), 50),
        Kind("outlet", tuple(f"/outlet/{name}" for name in outlets), 50),
        Kind("about", ("/about",), 50),
        Kind("tables: list", ("/archive",), 300),
        Kind(
            "tables: pages",
            tuple(
                f"/archive/{name}"
                for name in (
                    "articles",
                    "outlets",
                    "pages",
                    "revisions",
                    "events",
                    "stories",
                    "snapshots",
                    "crawls",
                    "mentions",
                    "articles?country=MX",
                    "articles?grade=2&_sort=published",
                    "articles?_facet=section&_facet=wire",
                    "articles?outlet=mx-outlet-00",
                )
            ),
            300,
        ),
        Kind(
            "tables: articles searched",
            tuple(f"/archive/articles?_search={quote(word)}" for word in QUERIES[:15]),
            300,
            once=True,
        ),
        Kind(
            "tables: ready-made queries",
            tuple(
                f"/archive/{name}"
                for name in (
                    "search?q=gobierno",
                    "latest_by_country?country=mx",
                    "latest_by_outlet?outlet=us-outlet-03",
                    "changed_after_publication",
                    "gone",
                    "outlets_gone_silent",
                    "attention_by_month",
                )
            ),
            300,
        ),
    ]


def asked(server: Server, path: str, nonce: str) -> tuple[float, int]:
    """Ask once. Returns the milliseconds of the answer (of a file its first byte) and its length."""
    began = time.perf_counter()
    status, body = server.get(path.replace("%s", f"zqx{nonce}"), whole=".csv" not in path)
    took = 1000 * (time.perf_counter() - began)
    if status != 200:
        sys.exit(f"{path}: HTTP {status}")
    if b"facets-timed-out" in body or b"no dio tiempo de contar" in body.lower():
        sys.exit(f"{path}: a facet timed out")
    return took, len(body)


def measure(server: Server, kind: Kind, rounds: int, mark: str) -> tuple[list[float], list[float], int]:
    """Return the best time of each address, the least processor time likewise, and the largest answer."""
    best, least = ([float("inf")] * len(kind.paths) for _ in range(2))
    largest = 0
    for number in range(1 if kind.once else rounds):
        for place, path in enumerate(kind.paths):
            before = server.cpu()
            took, length = asked(server, path, f"{mark}{number}")
            best[place] = min(best[place], took)
            least[place] = min(least[place], 1000 * (server.cpu() - before))
            largest = max(largest, length)
    return best, least, largest


def p95(times: list[float]) -> float:
    return min(statistics.quantiles(times, n=20)[-1], max(times)) if len(times) > 2 else max(times)


def line(
    name: str, times: list[float], cpu: list[float] | None = None, largest: int | None = None, goal: float = 0
) -> str:
    shown = f"{name:34}{statistics.median(times):9.1f}{p95(times):9.1f}{max(times):9.1f}"
    shown += f"{statistics.median(cpu):9.1f}{p95(cpu):9.1f}" if cpu is not None else " " * 18
    shown += f"{largest / 1000:7.0f}" if largest is not None else " " * 7
    return shown + (f"{goal:8.0f} {'ok' if p95(times) < goal else 'MISSED'}" if goal else "")


HEAD = f"{'':34}{'p50':>9}{'p95':>9}{'worst':>9}{'CPU':>9}{'CPU p95':>9}{'kB':>7}{'goal':>8}"


def report(server: Server, kinds: list[Kind], rounds: int, mark: str) -> None:
    print(HEAD)
    for kind in kinds:
        if kind.paths:
            times, cpu, largest = measure(server, kind, rounds, mark)
            print(line(kind.name, times, cpu, largest, kind.goal), flush=True)
    print(f"memory of the server: {server.megabytes():.0f} MB")


def at_once(server: Server, kinds: list[Kind], clients: int) -> None:
    """Print the times of pages of all kinds asked by several readers at once."""
    chance = random.Random(SEED)
    paths = [path for kind in kinds if kind.goal < 300 for path in kind.paths[:20]]
    chance.shuffle(paths)
    began = time.perf_counter()
    with ThreadPoolExecutor(clients) as pool:
        times = list(
            pool.map(lambda numbered: asked(server, numbered[1], f"c{numbered[0]}")[0], enumerate(paths))
        )
    rate = len(paths) / (time.perf_counter() - began)
    print(line(f"{clients} clients, all page types", times) + f"   {rate:.0f} answers a second", flush=True)


@contextmanager
def writing(path: Path) -> Iterator[list[float]]:
    """Write an article ten times a second meanwhile, as a crawl does; yields the seconds each took."""
    done, took = threading.Event(), list[float]()

    def write() -> None:
        db = sqlite3.connect(path, timeout=30)
        (newest,) = db.execute("SELECT max(id) FROM articles").fetchone()
        columns = [
            row[1] for row in db.execute("PRAGMA table_info(articles)") if row[1] not in ("id", "url", "key")
        ]
        listed = ", ".join(columns)
        for number in range(1, 100_000):
            began = time.perf_counter()
            with db:
                db.execute(
                    f"INSERT INTO articles (id, url, key, {listed})"
                    f" SELECT ?, ?, ?, {listed} FROM articles WHERE id = ?",
                    [newest + number, f"{WRITTEN}{number}", f"written-meanwhile.example/{number}", newest],
                )
                db.execute(
                    "INSERT INTO texts SELECT ?, title, description, text FROM texts WHERE article = ?",
                    [newest + number, newest],
                )
            took.append(time.perf_counter() - began)
            if done.wait(0.1):
                break
        with db:
            mine = f"SELECT id FROM articles WHERE url LIKE '{WRITTEN}%'"
            db.execute(f"DELETE FROM texts WHERE article IN ({mine})")
            db.execute(f"DELETE FROM articles WHERE url LIKE '{WRITTEN}%'")
        db.close()

    thread = threading.Thread(target=write)
    thread.start()
    try:
        yield took
    finally:
        done.set()
        thread.join()


def plain_datasette(path: Path) -> None:
    """Print plain Datasette's times on the same file, with its own settings but for the limit of time."""
    command = [sys.executable, "-m", "datasette", str(path)]
    server = Server([*command, "--setting", "sql_time_limit_ms", "60000"])
    facets = "&_facet=outlet&_facet=country&_facet=language"
    table = f"/{path.stem}/articles"
    search = "?_fts_table=articles_fts&_fts_pk=id&_search="
    try:
        slow, times = 0, []
        for query in QUERIES[:PLAIN_QUERIES]:
            began = time.perf_counter()
            _, body = server.get(f"{table}{search}{quote(query)}{facets}")
            times.append(1000 * (time.perf_counter() - began))
            slow += body.count(b"facets-timed-out")
        print(line("plain Datasette, search, 3 facets", times) + f"   {slow} with facets that timed out")
        for name, address in (
            ("plain Datasette, articles", table),
            ("plain Datasette, database", f"/{path.stem}"),
        ):
            began = time.perf_counter()
            server.get(address)
            print(line(name, [1000 * (time.perf_counter() - began)]), flush=True)
        print(f"memory of plain Datasette: {server.megabytes():.0f} MB")
    finally:
        server.close()


def tantivy_times(db: sqlite3.Connection, rounds: int) -> None:
    """Print tantivy's times for the same queries: the best twenty and how many there are, in this process."""
    import tantivy

    schema = (
        tantivy.SchemaBuilder()
        .add_text_field("title")
        .add_text_field("text")
        .add_integer_field("id", stored=True)
        .build()
    )
    with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR")) as folder:
        index = tantivy.Index(schema, path=folder)
        began = time.monotonic()
        writer = index.writer(heap_size=400_000_000, num_threads=1)
        for number, title, text in db.execute("SELECT article, title, text FROM texts"):
            writer.add_document(tantivy.Document(id=number, title=title, text=text))
        writer.commit()
        writer.wait_merging_threads()
        index.reload()
        print(f"tantivy: filled in {time.monotonic() - began:.0f} s")
        searcher = index.searcher()

        def ask(query: str) -> None:
            parsed, _ = index.parse_query_lenient(query, ["title", "text"])
            searcher.search(parsed, limit=20, count=True)

        print(line("tantivy, best 20 and count, no HTTP", timed(ask, rounds)))


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
    if not given.path.is_file():
        options.error(f"{given.path}: there is no archive here")
    db = sqlite3.connect(f"file:{given.path}?mode=ro", uri=True)
    kinds = kinds_of(db)
    (articles,) = db.execute("SELECT count(*) FROM articles").fetchone()
    print(f"{articles:,} articles; load of the machine {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    server = Server([sys.executable, "-m", "archive.cli", "serve", "--db", str(given.path)])
    try:
        print(f"ready after {server.started:.1f} s, {server.start_cpu:.1f} s of them at work")
        for kind in filter(
            lambda kind: kind.paths, kinds
        ):  # a file in the system's memory, compiled templates
            asked(server, kind.paths[-1], "warm")
        report(server, kinds, given.rounds, "r")
        for clients in (1, 4):
            at_once(server, kinds, clients)
        print("while an article is written ten times a second:")
        with writing(given.path) as took:
            some = (
                "front page",
                "search, newest",
                "search, relevance",
                "article",
                "outlet",
                "changes",
                "calendar",
            )
            report(server, [kind for kind in kinds if kind.name in some], 1, "w")
        print(line("writing an article", [1000 * seconds for seconds in took]))
    finally:
        server.close()
    if given.compare:
        plain_datasette(given.path)
        tantivy_times(db, given.rounds)


if __name__ == "__main__":
    main()
