"""The same files on a Dask cluster give the same parts, whatever happens to its workers meanwhile."""

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests import warcs
from tests.test_backfill import Project

QUIET = {
    "DASK_DISTRIBUTED__LOGGING__DISTRIBUTED": "error",
    "DASK_DISTRIBUTED__ADMIN__LOW_LEVEL_LOG_LENGTH": "0",
}


class Cluster:
    """`dask scheduler` and `dask worker` on this machine, as an operator starts them."""

    def __init__(self, folder: Path, workers: int = 2) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.address = f"tcp://127.0.0.1:{free.getsockname()[1]}"
        self.folder = folder
        folder.mkdir()
        self.processes = [self.begin_scheduler()]
        self.processes += [self.begin_worker() for _ in range(workers)]
        self.wait(workers)

    def begin_scheduler(self) -> subprocess.Popen[bytes]:
        port = self.address.rpartition(":")[2]
        return self._begin("scheduler", "--host", "127.0.0.1", "--port", port, "--no-dashboard")

    def begin_worker(self) -> subprocess.Popen[bytes]:
        more = ("--nthreads", "1", "--host", "127.0.0.1", "--no-dashboard", "--memory-limit", "0")
        return self._begin(
            "worker", self.address, *more, "--local-directory", tempfile.mkdtemp(dir=self.folder)
        )

    def replace(self, pid: int) -> None:
        """Begin another worker in the place of one that was killed."""
        (dead,) = [process for process in self.processes if process.pid == pid]
        dead.wait()
        self.processes[self.processes.index(dead)] = self.begin_worker()

    def _begin(self, what: str, *arguments: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "distributed.cli.dask_" + what, *arguments]
        log = (self.folder / f"{what}.log").open("ab")
        return subprocess.Popen(command, stdout=log, stderr=log, env=os.environ | QUIET)

    def wait(self, workers: int) -> None:
        from distributed import Client

        with Client(self.address, timeout=30) as client:
            client.wait_for_workers(workers, timeout=30)

    def kill_a_reading_worker(self, folder: Path) -> None:
        """Kill, once a file is being read, the worker process that reads it."""
        until = time.monotonic() + 60
        while time.monotonic() < until:
            for attempt in folder.glob("*.attempts"):
                done = attempt.with_suffix(".done").exists()
                if not done and psutil.pid_exists(pid := int(attempt.read_text().split()[-1])):
                    reader = psutil.Process(pid)
                    reader.suspend()
                    if attempt.with_suffix(".done").exists():
                        reader.resume()
                        continue
                    _, worker, *_ = reader.parents()
                    os.kill(worker.pid, signal.SIGKILL)
                    return
            time.sleep(0.005)
        raise AssertionError("no file was being read")

    def close(self) -> None:
        for process in reversed(self.processes):
            process.terminate()
        for process in self.processes:
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    made = Cluster(tmp_path / "cluster")
    yield made
    made.close()


def project(folder: Path, files: list[Path]) -> Project:
    folder.mkdir()
    made = Project(folder)
    made.run("plan", *files)
    return made


@pytest.mark.slow
def test_parts_are_the_same_and_a_killed_worker_costs_an_attempt(tmp_path: Path, cluster: Cluster) -> None:
    files = warcs.newspaper(tmp_path / "in", 6, articles=5)
    here = project(tmp_path / "here", files)
    assert here.run("run")["attempts"] == 6
    there = project(tmp_path / "there", files)
    command = [
        *there.command("run", "--engine", "dask", "--scheduler", cluster.address),
        "--outlets",
        str(there.registry),
    ]
    client = subprocess.Popen(command, stderr=subprocess.PIPE)
    cluster.kill_a_reading_worker(there.folder / "backfill" / "state")
    _, errors = client.communicate(timeout=120)
    assert client.returncode == 0, errors.decode()
    done = there.run("status")
    assert (done["files"]["done"], done["attempts"]) == (6, 7)
    assert there.parts() == here.parts()
    assert len(there.parts()) == 12


@pytest.mark.slow
def test_a_client_that_is_killed_is_gone_on_with(tmp_path: Path, cluster: Cluster) -> None:
    files = warcs.newspaper(tmp_path / "in", 12, articles=5)
    there = project(tmp_path / "there", files)
    options = ("run", "--engine", "dask", "--scheduler", cluster.address)
    client = subprocess.Popen(
        [*there.command(*options), "--outlets", str(there.registry)], stderr=subprocess.DEVNULL
    )
    folder = there.folder / "backfill" / "state"
    until = time.monotonic() + 60
    while len(list(folder.glob("*.done"))) < 2 and time.monotonic() < until:
        time.sleep(0.01)
    client.kill()
    client.wait()
    done = there.run(*options)
    assert (done["files"]["done"], done["attempts"]) == (12, 12)
    lost = there.folder / "lost.warc.gz"
    lost.write_bytes(b"")
    there.run("plan", lost)
    lost.unlink()
    failed = there.run(*options, code=1)["failed"]
    assert [Path(file["source"]).name for file in failed] == ["lost.warc.gz"]


def test_a_scheduler_that_is_not_there_is_named(tmp_path: Path) -> None:
    there = project(tmp_path / "there", warcs.newspaper(tmp_path / "in", 1))
    done = there.run("run", "--engine", "dask", "--scheduler", "tcp://127.0.0.1:9", code=1)
    assert "no Dask scheduler answers there" in done["error"]
    assert "Traceback" not in done["error"]
