"""Fleets whose workers are killed at random moments: the archive must be that of a plain crawl, and no host hurried.

    python -m benchmarks.fleet_kills [--rounds 20] [--seed 1]

Four newspapers on loopback, a scheduler and two workers. Each round is a fresh archive; one to three times a worker, a
nanny or a Scrapy process is killed with kill -9. Then the archive is compared row by row (numbers and times aside) with
one that a plain crawl made, `bilateral verify` is run over it, and the gaps between requests are those that the
servers saw.
"""

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil

from archive.integrity import verify
from tests.test_backfill_dask import Cluster
from tests.test_fleet import DELAY, PAGES, Press, crawl, fleet, shortest_gap, told


class Rounds:
    """Fleets over one press."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.folder, self.chance = folder, random.Random(seed)
        self.press = Press()
        self.registry = self.press.registry(folder / "outlets.toml")
        subprocess.run(crawl(folder / "plain", self.registry), check=True, capture_output=True)
        self.plain = told(folder / "plain" / "archive.db")
        self.cluster = Cluster(folder / "cluster")

    def once(self, number: int) -> str:
        """Make one fleet, kill what belongs to it, and compare; return what happened, in words."""
        for asked in self.press.asked.values():
            asked.clear()
        place = self.folder / f"round-{number}"
        began = time.monotonic()
        client = subprocess.Popen(
            fleet(place, self.registry, self.cluster),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        killed = []
        for _ in range(self.chance.randint(1, 3)):
            self._wait_for_requests(client)
            time.sleep(self.chance.uniform(0, 3))
            killed.append(self._kill())
        _, errors = client.communicate(timeout=300)
        assert client.returncode == 0, errors
        assert told(place / "archive.db") == self.plain, "not what a plain crawl finds"
        assert list(verify(place / "archive.db", place / "warc")) == []
        gap = shortest_gap(self.press)
        assert gap > DELAY - 0.005, f"a host was asked after {gap:.3f} seconds"
        asked = sum(map(len, self.press.asked.values()))
        least = len(self.press.asked) * (PAGES + 1)
        seconds = time.monotonic() - began
        more = f"{asked - least} more than the feeds and their pages"
        return f"killed {', '.join(killed)}: {asked} requests ({more}), {seconds:.0f} s"

    def _wait_for_requests(self, client: subprocess.Popen[str]) -> None:
        seen = sum(map(len, self.press.asked.values()))
        while client.poll() is None and sum(map(len, self.press.asked.values())) < seen + 5:
            time.sleep(0.05)

    def _kill(self) -> str:
        kind = self.chance.choice(("worker", "nanny", "member"))
        nanny = psutil.Process(self.chance.choice(self.cluster.processes[1:]).pid)
        members = [each for each in nanny.children(recursive=True) if "crawlers.fleet_member" in _line(each)]
        if kind == "nanny" or not members:
            os.kill(nanny.pid, signal.SIGKILL)
            self.cluster.replace(nanny.pid)
            return "nanny"
        worker = members[0].parent()
        victim = members[0] if kind == "member" or worker is None else worker
        os.kill(victim.pid, signal.SIGKILL)
        return kind


def _line(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.NoSuchProcess:
        return ""


def main() -> None:
    """Make the rounds and print a line for each."""
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--rounds", type=int, default=20)
    arguments.add_argument("--seed", type=int, default=1)
    asked = arguments.parse_args()
    with tempfile.TemporaryDirectory() as name:
        rounds = Rounds(Path(name), asked.seed)
        try:
            for number in range(asked.rounds):
                print(f"{number + 1}: {rounds.once(number)}", flush=True)
        finally:
            rounds.cluster.close()
            for server in rounds.press.servers:
                server.shutdown()
    print(
        f"{asked.rounds} rounds: the archive of a plain crawl each time, no host asked sooner than its delay"
    )


if __name__ == "__main__":
    sys.exit(main())
