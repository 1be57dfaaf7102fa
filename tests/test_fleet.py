"""A crawl on a cluster finds what a crawl on one machine finds, asks no host faster, and outlives its workers."""

import itertools
import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import psutil
import pytest

from archive.integrity import verify
from archive.models import Outlet
from archive.store import open_archive, rows
from crawlers import leases
from crawlers.fleet import groups
from tests import warcs
from tests.test_backfill_dask import Cluster

OUTLETS = 4
PAGES = 10
DELAY = 0.3


class Press:
    """Some newspapers on loopback addresses of their own, which note who asked what when."""

    def __init__(self) -> None:
        self.asked: dict[str, list[tuple[float, str]]] = defaultdict(list)
        self.servers = [self._serve(number) for number in range(OUTLETS)]

    def _serve(self, number: int) -> ThreadingHTTPServer:
        asked = self.asked[f"paper-{number}"]

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                asked.append((time.monotonic(), self.path))
                body, kind = answer(number, self.path)
                self.send_response(200 if body else 404)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args: object) -> None:
                pass

        server = ThreadingHTTPServer((f"127.0.7.{number + 1}", 0), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return server

    def registry(self, path: Path, *more: str) -> Path:
        blocks = [
            f'[[outlet]]\nid = "paper-{n}"\nname = "Paper {n}"\ncountry = "MX"\nlanguage = "es"\n'
            f'homepage = "http://127.0.7.{n + 1}:{server.server_address[1]}/"\n'
            f'feeds = ["http://127.0.7.{n + 1}:{server.server_address[1]}/feed.xml"]\n'
            f'timezone = "America/Mexico_City"\ndelay = {DELAY}\n'
            for n, server in enumerate(self.servers)
        ]
        path.write_text("\n".join([*blocks, *more]), encoding="utf-8")
        return path


def answer(number: int, path: str) -> tuple[bytes, str]:
    if path == "/feed.xml":
        items = "".join(
            f"<item><title>Nota {n}</title><link>/2026/01/nota-numero-{n}</link></item>" for n in range(PAGES)
        )
        return f"<rss version='2.0'><channel>{items}</channel></rss>".encode(), "application/rss+xml"
    if path.startswith("/2026/"):
        about = f"{number}, {path.rpartition('-')[2]}"
        title = f"México y Estados Unidos hablan de seguridad: {about}"
        return warcs.page(
            title, published="2026-01-15T10:00:00-06:00", more=f"({about})"
        ), "text/html; charset=utf-8"
    return b"", "text/plain"


@pytest.fixture
def press() -> Iterator[Press]:
    running = Press()
    yield running
    for server in running.servers:
        server.shutdown()


def crawl(folder: Path, registry: Path) -> list[str]:
    return [
        sys.executable, "-m", "archive.cli", "crawl", "--db", str(folder / "archive.db"), "--outlets", str(registry),
        "--allow-private-hosts", "--json",
    ]  # fmt: skip


def fleet(folder: Path, registry: Path, cluster: Cluster) -> list[str]:
    return [*crawl(folder, registry), "--fleet", "--scheduler", cluster.address]


def shortest_gap(press: Press) -> float:
    """Return the least time between two requests to one host, as its server saw them."""
    moments = ([moment for moment, _ in asked] for asked in press.asked.values())
    return min(later - earlier for times in moments for earlier, later in itertools.pairwise(times))


# What two archives of the same pages must agree in: everything but numbers of rows and times of day.
COMPARED = {
    "articles": "SELECT url, key, outlet, title, description, published, grade, score, terms, word_count, revisions,"
    " status, sha256 FROM articles",
    "texts": "SELECT a.url, t.title, t.text FROM texts t JOIN articles a ON a.id = t.article",
    "revisions": "SELECT a.url, r.number, r.title, r.text, s.payload_digest FROM revisions r"
    " JOIN articles a ON a.id = r.article JOIN snapshots s ON s.id = r.snapshot",
    "snapshots": "SELECT DISTINCT page, url, status, payload_digest FROM snapshots",
    "pages": "SELECT p.url, p.key, p.outlet, p.via, p.route, p.headline, p.state, p.reason, a.url AS article"
    " FROM pages p LEFT JOIN articles a ON a.id = p.article",
    "routes": "SELECT url, outlet, kind, parent, origin, state, reason, status, items FROM routes",
    "verdicts": "SELECT page, title, grade, score, terms FROM verdicts",
    "outlets": "SELECT id, name, country, language, kind, homepage FROM outlets",
}


def told(path: Path) -> dict[str, list[str]]:
    db = open_archive(path)
    found = {name: sorted(str(list(row.values())) for row in rows(db, sql)) for name, sql in COMPARED.items()}
    db.close()
    return found


def kill_a_busy_worker(press: Press) -> None:
    """Kill a worker whose Scrapy process has fetched some pages and has more to fetch."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        for process in psutil.process_iter(["cmdline"]):
            line = process.info["cmdline"] or []
            if "crawlers.fleet_member" in line and sum(len(asked) > 5 for asked in press.asked.values()):
                worker = process.parent()
                assert worker is not None
                os.kill(worker.pid, signal.SIGKILL)
                until = time.monotonic() + 10
                while (
                    psutil.pid_exists(process.pid)
                    and process.status() != "zombie"
                    and time.monotonic() < until
                ):
                    time.sleep(0.05)
                assert not psutil.pid_exists(process.pid) or process.status() == "zombie"
                return
        time.sleep(0.05)
    raise AssertionError("no Scrapy process was seen")


@pytest.mark.slow
def test_a_killed_worker_loses_nothing_and_no_host_is_asked_faster(tmp_path: Path, press: Press) -> None:
    registry = press.registry(tmp_path / "outlets.toml", REFUSING)
    cluster = Cluster(tmp_path / "cluster")
    try:
        client = subprocess.Popen(
            fleet(tmp_path, registry, cluster), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        kill_a_busy_worker(press)
        out, errors = client.communicate(timeout=150)
        assert client.returncode == 0, errors
    finally:
        cluster.close()
    report: dict[str, Any] = json.loads(out)
    assert report["totals"]["failed"] == 0
    notes = {outlet["id"]: outlet["note"] for outlet in report["outlets"]}
    assert "nothing answered" in notes["refusing"]
    assert "refusing: nothing answered" in errors
    db = open_archive(tmp_path / "archive.db")
    found = rows(db, "SELECT outlet, count(*) AS articles FROM articles GROUP BY outlet")
    assert {row["outlet"]: row["articles"] for row in found} == {f"paper-{n}": PAGES for n in range(OUTLETS)}
    assert rows(db, "SELECT url FROM pages WHERE state NOT IN ('archived', 'duplicate')") == []
    assert list(verify(tmp_path / "archive.db", tmp_path / "warc")) == []
    assert shortest_gap(press) > DELAY - 0.005
    assert not list((tmp_path / "fleet").glob("*/archive.db"))
    alone = tmp_path / "alone"
    subprocess.run([*crawl(alone, registry), "--json"], check=True, capture_output=True)
    assert told(tmp_path / "archive.db") == told(alone / "archive.db")
    assert len(rows(db, "SELECT 1 FROM crawls")) == 1


REFUSING = """
[[outlet]]
id = "refusing"
name = "Refusing"
country = "US"
language = "en"
homepage = "http://127.0.7.99:9/"
feeds = ["http://127.0.7.99:9/feed.xml"]
timezone = "America/New_York"
"""


def outlet(name: str, homepage: str, **fields: Any) -> Outlet:
    return Outlet(
        id=name,
        name=name,
        country="MX",
        language="es",
        homepage=homepage,
        timezone="America/Tijuana",
        **fields,
    )


def test_outlets_that_share_a_domain_are_one_group() -> None:
    made = groups([
        outlet("a", "https://www.uno.com.mx/"),
        outlet("b", "https://dos.com/"),
        outlet("c", "https://tres.com/", feeds=("https://feeds.uno.com.mx/c.xml",)),
        outlet("d", "https://cuatro.com/", hosts=("dos.com",)),
        outlet("e", "https://cinco.com/"),
    ])  # fmt: skip
    assert sorted(tuple(o.id for o in group.outlets) for group in made) == [("a", "c"), ("b", "d"), ("e",)]


def test_a_lease_keeps_two_from_one_group_until_it_runs_out(tmp_path: Path) -> None:
    assert leases.take(tmp_path, "a", "one who dies", 0.6)
    assert not leases.take(tmp_path, "a", "another", 0.6)
    began, beats, lost = time.monotonic(), [], []
    with leases.held(
        tmp_path, "a", seconds=0.6, rest=0.2, lost=lambda: lost.append(1), beat=lambda: beats.append(1)
    ):
        assert time.monotonic() - began > 0.3
        time.sleep(1.0)  # longer than a lease: it is renewed meanwhile
        assert not leases.take(tmp_path, "a", "another", 0.6)
    assert not leases.take(tmp_path, "a", "another", 0.6)  # the hosts rest
    leases.wait_until_free(tmp_path, "a")
    assert leases.take(tmp_path, "a", "another", 0.6)
    assert (len(beats) > 3, lost) == (True, [])


def test_who_was_frozen_and_has_lost_its_lease_is_told(tmp_path: Path) -> None:
    lost: list[int] = []
    with leases.held(tmp_path, "a", seconds=0.5, rest=0, lost=lambda: lost.append(1), beat=lambda: None):
        with sqlite3.connect(tmp_path / "leases.db") as database:  # as if somebody had found it run out
            database.execute("UPDATE leases SET holder = 'another', expires = ?", [time.time() + 60])
        time.sleep(0.4)
    assert lost


def test_the_options_of_a_fleet_go_together(tmp_path: Path, press: Press) -> None:
    registry = press.registry(tmp_path / "outlets.toml")
    command = [sys.executable, "-m", "archive.cli", "crawl", "--outlets", str(registry), "--fleet"]
    done = subprocess.run([*command, "--db", str(tmp_path / "a.db")], capture_output=True, text=True)
    assert (done.returncode, "--fleet and --scheduler" in done.stderr) == (2, True)
    lost = [*command, "--db", str(tmp_path / "a.db"), "--scheduler", "tcp://127.0.0.1:9"]
    done = subprocess.run(lost, capture_output=True, text=True)
    assert (done.returncode, "no Dask scheduler answers there" in done.stderr) == (1, True)
