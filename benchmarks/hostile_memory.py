"""How much memory a crawl of misbehaving outlets takes at most, all its processes together, and how long.

    python benchmarks/hostile_memory.py

Crawls the outlets of tests/hostile.py (bombs, endless pages, a feed of 40,000 items, …) together and reads the
resident memory of the crawl and its workers several times a second: RSS, each process's own; PSS, what they share
counted once. The goal is at most 512 MB.
"""

import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests import test_crawl_hostile as hostile_set
from tests.hostile import Call, Web

GOAL_MB = 512


async def long_feed(call: Call) -> None:
    links = (f"/2026/03/03/una-nota-de-seguridad-numero-{n}.html" for n in range(40_000))
    await call.answer(call.web.feed(call.outlet, call.web.GOOD, *links), kind="application/rss+xml")


def tree(root: int) -> list[int]:
    """Return the processes below ``root``, itself included."""
    children: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(stat.read_text().rpartition(")")[2].split()[1])
        except (OSError, ValueError):
            continue
        children.setdefault(parent, []).append(int(stat.parent.name))
    found = [root]
    for process in found:
        found += children.get(process, [])
    return found


def resident_mb(processes: list[int]) -> tuple[float, float]:
    """Return RSS and PSS of these processes, in megabytes."""
    totals = {"Rss": 0, "Pss": 0}
    for process in processes:
        try:
            lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()[1:]
        except OSError:
            continue
        for line in lines:
            name, _, rest = line.partition(":")
            if name in totals:
                totals[name] += int(rest.split()[0])
    return totals["Rss"] / 1024, totals["Pss"] / 1024


def main() -> None:
    pages = {name: behaviour for name, (behaviour, _, _) in hostile_set.LOST.items()} | hostile_set.READ
    routes = {**hostile_set.FEEDS, **hostile_set.QUIET, "long-feed": long_feed}
    robots = {**hostile_set.ROBOTS, **hostile_set.DARK}
    with tempfile.TemporaryDirectory() as name, Web(pages, routes, robots) as web:
        folder = Path(name)
        registry = web.registry(folder / "outlets.toml")
        command = ["crawl", "--db", str(folder / "archive.db"), "--outlets", str(registry)]
        began = time.monotonic()
        crawl = subprocess.Popen(
            [sys.executable, "-m", "archive.cli", *command, "--allow-private-hosts"],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        )  # fmt: skip
        rss = pss = 0.0
        while crawl.poll() is None:
            now = resident_mb(tree(crawl.pid))
            rss, pss = max(rss, now[0]), max(pss, now[1])
            time.sleep(0.1)
        assert crawl.stdout is not None
        print(crawl.stdout.read().splitlines()[-1])
        print(f"{len(web.names)} outlets in {time.monotonic() - began:.0f} s, exit code {crawl.returncode}")
        print(f"at most {pss:.0f} MB resident (PSS; RSS {rss:.0f} MB) in all processes; goal: {GOAL_MB} MB")


if __name__ == "__main__":
    main()
