"""Backfills whose workers, readers and clients are killed at random moments: the parts must be those of a quiet run.

    python -m benchmarks.backfill_kills [--kills 20] [--seed 1]

A scheduler and two workers run on loopback. Of each kind of kill, so many runs are made: with kill -9 of a worker (its
nanny starts another), of a nanny and its worker, of the process that reads a file, and of the client, which is then
run again. Every run must end with the parts of an undisturbed one, byte for byte, and read no file once more than it
was disturbed.
"""

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import psutil

from tests import warcs
from tests.test_backfill import Project
from tests.test_backfill_dask import Cluster, project

FILES, ARTICLES = 16, 8


class Kills:
    """Runs of one set of files, disturbed."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.folder, self.chance = folder, random.Random(seed)
        self.files = warcs.newspaper(folder / "in", FILES, articles=ARTICLES)
        quiet = project(folder / "quiet", self.files)
        quiet.run("run")
        self.parts = quiet.parts()
        self.cluster = Cluster(folder / "cluster")
        self.counts: Counter[str] = Counter()

    def once(self, number: int, kind: str) -> None:
        """Make one run, disturb it, and compare."""
        made = project(self.folder / f"{kind}-{number}", self.files)
        options = () if kind == "local client" else ("--engine", "dask", "--scheduler", self.cluster.address)
        command = [*made.command("run", *options), "--outlets", str(made.registry)]
        client = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
        self._wait_until_it_reads(made, client)
        time.sleep(self.chance.uniform(0, 1.5))
        self._kill(kind, client)
        if "client" in kind:
            client.wait()
            before = _times(made)
            made.run("run", *options)
            after = _times(made)
            assert before.items() <= after.items(), "a file that was done was read again"
        else:
            _, errors = client.communicate(timeout=120)
            assert client.returncode == 0, errors
        self._compare(made, kind)

    def _wait_until_it_reads(self, made: Project, client: subprocess.Popen[str]) -> None:
        state = made.folder / "backfill" / "state"
        while client.poll() is None and not list(state.glob("*.attempts")):
            time.sleep(0.01)

    def _kill(self, kind: str, client: subprocess.Popen[str]) -> None:
        """Kill one process of a kind, or a nanny where there is none at this moment."""
        if "client" in kind:
            client.kill()
            return
        nannies = [psutil.Process(process.pid) for process in self.cluster.processes[1:]]
        nanny = self.chance.choice(nannies)
        found = [each for each in nanny.children(recursive=True) if _is(kind, each)] or [nanny]
        victim = nanny if kind == "nanny" else found[0]
        os.kill(victim.pid, signal.SIGKILL)
        if victim == nanny:
            self.cluster.replace(nanny.pid)

    def _compare(self, made: Project, kind: str) -> None:
        status = made.run("status")
        assert status["files"]["done"] == FILES, status
        assert made.parts() == self.parts, "the parts are not those of a quiet run"
        more = status["attempts"] - FILES
        most = {"local client": os.cpu_count() or 1}.get(kind, 1)
        assert 0 <= more <= most, f"{more} attempts more"
        self.counts[f"{kind}: {more} attempts more"] += 1


def _is(kind: str, process: psutil.Process) -> bool:
    """Say whether a descendant of a nanny is what a kind of kill is for."""
    try:
        line = " ".join(process.cmdline())
        below = [child.name() for child in process.children()]
    except psutil.NoSuchProcess:
        return False
    server = "archive.backfill.reader" in line
    return server and not below if kind == "reader" else "spawn_main" in line and bool(below)


def _times(made: Project) -> dict[str, int]:
    return {
        path.name: path.stat().st_mtime_ns for path in (made.folder / "backfill" / "state").glob("*.done")
    }


def main() -> None:
    """Make the runs and print what they cost."""
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--kills", type=int, default=20)
    arguments.add_argument("--seed", type=int, default=1)
    asked = arguments.parse_args()
    with tempfile.TemporaryDirectory() as name:
        kills = Kills(Path(name), asked.seed)
        try:
            for kind in ("worker", "nanny", "reader", "client", "local client"):
                for number in range(asked.kills):
                    kills.once(number, kind)
                print(f"{asked.kills} kills of a {kind}: the same parts each time", flush=True)
        finally:
            kills.cluster.close()
        for words, count in sorted(kills.counts.items()):
            print(f"  {words}: {count} times")


if __name__ == "__main__":
    sys.exit(main())
