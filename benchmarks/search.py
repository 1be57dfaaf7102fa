"""Time searches in an archive: pages, counts and order, query by query.

    python -m benchmarks.make_archive bench.db --articles 1000000
    python benchmarks/search.py bench.db

Each query is run --rounds times with a cold cache of matches (as a first reader finds it) and an open
archive; the best of the rounds counts, and over all queries p50, p95 and the worst are printed, in wall
and in processor time (the two differ on a busy machine).
"""

import argparse
import resource
import sqlite3
import statistics
import time
from collections.abc import Callable
from pathlib import Path

from archive.search import Filters, facets, histogram, parse, search, warm
from archive.search.columns import columns_of

WORDS = ["gobierno", "policía", "seguridad", "México", "frontera", "armas", "cárteles", "fentanilo", "government",
         "cartel", "police", "border", "extradición", "extradition", "canciller"]  # fmt: skip
QUERIES = [
    *WORDS,
    *(f"{a} {b}" for a, b in zip(WORDS, WORDS[3:], strict=False)),
    *(f"{a} {b} {c}" for a, b, c in zip(WORDS, WORDS[1:], WORDS[2:], strict=False)),
    '"derechos humanos"', '"human rights"', '"tráfico de armas"', '"mesa binacional de puertos"',
    '"foreign secretary"',
    "cártel OR cartel", "extradición OR extradition", "armas OR firearms OR fentanilo", "NEAR(gobierno armas, 10)",
    "NEAR(police border, 20)", "narco*", "extradi*", "carte* -police", "title:gobierno", "title:cartel",
    "México-EE.UU.", "seguridad -policía", "-gobierno", "from:2025 armas", "country:US México",
]  # fmt: skip
FILTERS = Filters(country=("MX",), from_="2024-01-01")


def main() -> None:
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("path", type=Path)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--worst", action="store_true", help="Name the slowest queries.")
    given = options.parse_args()
    connection = sqlite3.connect(f"file:{given.path}?mode=ro", uri=True)
    started = time.perf_counter()
    print(f"{warm(connection):,} articles, columns read in {time.perf_counter() - started:.1f} s")
    print(f"{'':<44}{'ms':>8}{'':>16}{'cpu ms':>12}")
    print(f"{'':<44}{'p50':>8}{'p95':>8}{'worst':>8}{'p50':>12}{'p95':>8}{'worst':>8}")
    for name, function in tasks(connection).items():
        times = {query: best(connection, function, query, given.rounds) for query in QUERIES}
        print(f"{name:<44}" + "    ".join(spread([pair[kind] for pair in times.values()]) for kind in (0, 1)))
        if given.worst:
            for query in sorted(times, key=lambda q: -times[q][1])[:6]:
                print(f"    {times[query][1]:7.1f}  {query}  ({search(connection, query, limit=1).total:,})")
    print(f"memory: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")


def spread(times: list[float]) -> str:
    quantiles = statistics.quantiles(times, n=20)
    return f"{quantiles[9]:>8.1f}{quantiles[18]:>8.1f}{max(times):>8.1f}"


def tasks(connection: sqlite3.Connection) -> dict[str, Callable[[str], object]]:
    def newest(query: str) -> object:
        return search(connection, parse(query), sort="newest")

    def page(query: str) -> None:
        understood = parse(query)
        search(connection, understood, sort="newest")
        facets(connection, understood)
        histogram(connection, understood)

    def filtered(query: str) -> None:
        understood = parse(query)
        search(connection, understood, FILTERS, sort="newest")
        facets(connection, understood, FILTERS)
        histogram(connection, understood, FILTERS, "day")

    def relevance(query: str) -> object:
        return search(connection, parse(query), sort="relevance")

    def ranked_page(query: str) -> None:
        understood = parse(query)
        search(connection, understood, sort="relevance")
        facets(connection, understood)
        histogram(connection, understood)

    def page_40(query: str) -> object:
        first = search(connection, parse(query), sort="newest", limit=780)
        forget(connection)
        started = time.perf_counter(), time.process_time()
        search(connection, parse(query), sort="newest", cursor=first.next_cursor)
        return started

    return {
        "newest 20, snippets, total": newest,
        "the same, page 40": page_40,
        "newest 20, snippets, 7 facets, months": page,
        "the same, narrowed (country, from), days": filtered,
        "best 20, snippets, total": relevance,
        "best 20, snippets, 7 facets, months": ranked_page,
    }


def forget(connection: sqlite3.Connection) -> None:
    columns = columns_of(connection)
    columns.matches.clear()
    columns.counts.clear()


def best(
    connection: sqlite3.Connection, function: Callable[[str], object], query: str, rounds: int
) -> tuple[float, float]:
    """Return the least wall and the least processor time, in ms."""
    times = []
    for _ in range(rounds):
        forget(connection)
        started = time.perf_counter(), time.process_time()
        answer = function(query)
        start = answer if isinstance(answer, tuple) else started
        times.append((time.perf_counter() - start[0], time.process_time() - start[1]))
    return 1000 * min(wall for wall, _ in times), 1000 * min(cpu for _, cpu in times)


if __name__ == "__main__":
    main()
