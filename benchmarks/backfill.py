"""What reading web archives costs: CPU seconds per GB, memory of a worker, and Dask's wall time against processes'.

    python -m benchmarks.backfill [--megabytes 300] [--dask]

Makes WARC files of real saved pages (../shared/extraction; plainly said where they are absent) under addresses of which
two in a hundred are on hosts of the registry, as CC-NEWS has them, and reads them with `bilateral backfill run`.
"""

import argparse
import gzip
import io
import json
import os
import random
import resource
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from urllib.parse import urlsplit

import psutil
from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter

from archive.options import SHIPPED_OUTLETS
from crawlers.outlets import load_outlets

PAGES = Path(__file__).parents[2] / "shared" / "extraction" / "pages"
FILES = 4
WATCHED = 0.02
ROUNDS = 3


def saved_pages() -> list[bytes]:
    """Return the bodies of the saved pages. Ends the program where there are none."""
    found = [gzip.decompress(path.read_bytes()) for path in sorted(PAGES.rglob("*.gz"))]
    if not found:
        sys.exit(f"no saved pages in {PAGES}: this benchmark needs them")
    return found


def make(folder: Path, megabytes: int) -> list[Path]:
    """Write WARC files of so many megabytes together."""
    chance = random.Random(1)
    pages = saved_pages()
    homes = [urlsplit(outlet.homepage).netloc for outlet in load_outlets(SHIPPED_OUTLETS)]
    paths = []
    for number in range(FILES):
        path = folder / f"noise-{number}.warc.gz"
        with path.open("wb") as stream:
            writer = WARCWriter(stream, gzip=True)
            count = 0
            while stream.tell() < megabytes * 1_000_000 / FILES:
                count += 1
                host = (
                    chance.choice(homes)
                    if chance.random() < WATCHED
                    else f"www.site{chance.randrange(3000)}.example"
                )
                body = chance.choice(pages)
                http = StatusAndHeaders("200 OK", [("Content-Type", "text/html")], protocol="HTTP/1.1")
                writer.write_record(writer.create_warc_record(
                    f"https://{host}/2024/03/05/story-number-{number}-{count}.html", "response",
                    payload=io.BytesIO(body), length=len(body), http_headers=http,
                ))  # fmt: skip
        paths.append(path)
    return paths


class Peak:
    """The most memory any one of this program's descendants had, in megabytes."""

    def __enter__(self) -> "Peak":
        self.megabytes = 0.0
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._done.wait(0.1):
            for child in psutil.Process().children(recursive=True):
                try:
                    self.megabytes = max(self.megabytes, child.memory_info().rss / 1e6)
                except psutil.NoSuchProcess:
                    continue


def read(paths: list[Path], folder: Path, *options: str) -> tuple[float, float, dict[str, object]]:
    """Plan and read files in a new folder; return wall and CPU seconds of the run, and its report."""
    command = [sys.executable, "-m", "archive.cli", "backfill"]
    db = ("--db", str(folder / "archive.db"))
    subprocess.run([*command, "plan", *map(str, paths), *db], check=True, stdout=subprocess.DEVNULL)
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    done = subprocess.run(
        [*command, "run", *db, *options, "--json"], check=True, capture_output=True, text=True
    )
    after, wall = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic() - began
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return wall, cpu, json.loads(done.stdout)


def main() -> None:
    """Print the table."""
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--megabytes", type=int, default=300)
    arguments.add_argument("--dask", action="store_true")
    asked = arguments.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        paths = make(folder, asked.megabytes)
        size = sum(path.stat().st_size for path in paths) / 1e9
        with Peak() as peak:
            _, cpu, report = read(paths, folder / "local")
        print(
            f"{size:.2f} GB in {len(paths)} files: {report['responses']} responses, {report['on_host']} on our hosts"
        )
        print(
            f"{cpu / size:.1f} CPU seconds a GB (goal: 25); a worker at most {peak.megabytes:.0f} MB (goal: 400)"
        )
        if asked.dask:
            compare(paths, folder)


def compare(paths: list[Path], folder: Path) -> None:
    """Print Dask's wall time as a multiple of that of plain processes, the median of some rounds in turn."""
    port = "8799"
    more = ["--nthreads", "1", "--no-dashboard", "--local-directory", str(folder / "dask")]
    cluster = [
        [
            sys.executable,
            "-m",
            "distributed.cli.dask_scheduler",
            "--host",
            "127.0.0.1",
            "--port",
            port,
            "--no-dashboard",
        ]
    ]
    cluster += [
        [sys.executable, "-m", "distributed.cli.dask_worker", f"tcp://127.0.0.1:{port}", *more]
        for _ in range(2)
    ]
    started = [subprocess.Popen(command, stderr=subprocess.DEVNULL, env=os.environ) for command in cluster]
    time.sleep(8)
    ratios = []
    try:
        for number in range(ROUNDS):
            there = ("--engine", "dask", "--scheduler", f"tcp://127.0.0.1:{port}")
            dask, _, _ = read(paths, folder / f"dask-{number}", *there)
            local, _, _ = read(paths, folder / f"local-{number}", "--workers", "2")
            ratios.append(dask / local)
            parts = [
                sorted((folder / f"{kind}-{number}" / "backfill").glob("*.jsonl"))
                for kind in ("dask", "local")
            ]
            assert [p.read_bytes() for p in parts[0]] == [p.read_bytes() for p in parts[1]]
            shutil.rmtree(folder / f"dask-{number}")
    finally:
        for process in reversed(started):
            process.terminate()
            process.wait()
    print(
        f"Dask against processes, wall: {sorted(ratios)[len(ratios) // 2]:.2f} times (goal: at most 1.25); same parts"
    )


if __name__ == "__main__":
    main()
