"""kill -9 at any moment, then another crawl: the same archive as an undisturbed one."""

import random
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest
from warcio.archiveiterator import ArchiveIterator

from tests.newsroom import Newsroom, load_newsroom

pytestmark = pytest.mark.slow

KILLS = 4
ARTICLES = "SELECT url, outlet, title, sha256, published, grade, status FROM articles ORDER BY url"
PAGES = "SELECT url, state, article IS NOT NULL FROM pages ORDER BY url"
HALF = """
SELECT 'article without text' FROM articles WHERE id NOT IN (SELECT article FROM texts)
UNION ALL SELECT 'article without revision' FROM articles WHERE id NOT IN (SELECT article FROM revisions)
UNION ALL SELECT 'snapshot left unread' FROM snapshots WHERE outcome IS NULL
UNION ALL SELECT 'archived page without article' FROM pages WHERE state = 'archived' AND article IS NULL
"""


def start(newsroom: Newsroom, folder: Path) -> "subprocess.Popen[bytes]":
    registry = newsroom.registry(folder / "outlets.toml")
    command = [
        sys.executable,
        "-m",
        "archive.cli",
        "crawl",
        "--db",
        folder / "archive.db",
        "--outlets",
        registry,
    ]
    return subprocess.Popen(
        [*map(str, command), "--allow-private-hosts"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )


def rows(folder: Path, sql: str) -> list[tuple[object, ...]]:
    with sqlite3.connect(folder / "archive.db") as db:
        return db.execute(sql).fetchall()


def finish(newsroom: Newsroom, folder: Path) -> None:
    crawl = start(newsroom, folder)
    output, _ = crawl.communicate(timeout=120)
    assert crawl.returncode == 0, output.decode()


def check_whole(folder: Path) -> None:
    assert rows(folder, HALF) == []
    assert rows(folder, "PRAGMA integrity_check") == [("ok",)]
    with sqlite3.connect(folder / "archive.db") as db:
        db.execute("INSERT INTO articles_fts(articles_fts, rank) VALUES ('integrity-check', 1)")
    for file in sorted((folder / "warc").rglob("*.warc.gz")):
        with file.open("rb") as stream:
            for record in ArchiveIterator(stream, check_digests="raise"):
                record.content_stream().read()


def test_a_killed_crawl_is_brought_to_the_same_end(tmp_path: Path) -> None:
    chance = random.Random(7)
    with load_newsroom() as newsroom:
        undisturbed = tmp_path / "undisturbed"
        undisturbed.mkdir()
        began = time.monotonic()
        finish(newsroom, undisturbed)
        length = time.monotonic() - began
        killed = tmp_path / "killed"
        killed.mkdir()
        for _ in range(KILLS):
            crawl = start(newsroom, killed)
            time.sleep(chance.uniform(0.25, 0.95) * length)
            crawl.kill()
            crawl.communicate()
        finish(newsroom, killed)
        check_whole(killed)
        assert rows(killed, ARTICLES) == rows(undisturbed, ARTICLES)
        assert rows(killed, PAGES) == rows(undisturbed, PAGES)


def test_a_second_crawl_of_the_same_archive_is_refused(tmp_path: Path) -> None:
    with load_newsroom() as newsroom:
        newsroom.delay = 0.3
        first = start(newsroom, tmp_path)
        deadline = time.monotonic() + 30
        while not (tmp_path / "archive.db.lock").exists() and time.monotonic() < deadline:
            time.sleep(0.02)
        time.sleep(0.2)
        second = start(newsroom, tmp_path)
        output, _ = second.communicate(timeout=60)
        assert second.returncode == 3, output.decode()
        assert b"another crawl holds" in output
        first.terminate()
        assert first.wait(timeout=60) == 0


def test_ctrl_c_stops_in_order_and_says_what_is_left(tmp_path: Path) -> None:
    with load_newsroom() as newsroom:
        newsroom.delay = 0.3
        crawl = start(newsroom, tmp_path)
        deadline = time.monotonic() + 60
        while len(newsroom.requests) < 60 and time.monotonic() < deadline:
            time.sleep(0.02)
        crawl.terminate()
        output, _ = crawl.communicate(timeout=60)
        assert crawl.returncode == 0, output.decode()
        assert b"stopped" in output
        assert b"left for the next crawl" in output
        assert rows(tmp_path, "SELECT outcome FROM crawls") == [("stopped",)]
        newsroom.delay = 0.0
        finish(newsroom, tmp_path)
        check_whole(tmp_path)
        assert rows(tmp_path, "SELECT count(*) FROM pages WHERE state = 'queued'") == [(0,)]
