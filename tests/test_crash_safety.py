"""Full disks, locked and read-only archives, damaged files, clocks and schemas that go wrong: nothing is lost."""

import json
import os
import resource
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlite_utils import Database

from archive import migrations as schema
from archive.integrity import verify
from archive.snapshots import SnapshotWriter, trim_interrupted
from archive.store import ArchiveError, open_archive
from tests.newsroom import Newsroom
from tests.small_archive import Small, add, build

ROOT = Path(__file__).parents[1]
ENVIRONMENT = {"PYTHONPATH": str(ROOT), "PATH": os.environ["PATH"], "PYTHONDONTWRITEBYTECODE": "1"}


def crawl(newsroom: Newsroom, folder: Path, **popen: object) -> "subprocess.CompletedProcess[str]":
    registry = newsroom.registry(folder / "outlets.toml")
    command = [sys.executable, "-m", "archive.cli", "crawl", "--db", str(folder / "data" / "archive.db")]
    command += ["--outlets", str(registry), "--allow-private-hosts"]
    return subprocess.run(
        command, capture_output=True, text=True, timeout=90, check=False, cwd=folder,
        env=ENVIRONMENT, **popen,  # type: ignore[call-overload]
    )  # fmt: skip


def rows(path: Path, sql: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(path)) as db:
        return db.execute(sql).fetchall()


def assert_whole(path: Path) -> None:
    damages = [found for found in verify(path, path.parent / "warc") if found.severity == "damage"]
    assert damages == []
    keys = rows(path, "SELECT count(*), count(DISTINCT key) FROM articles")[0]
    assert keys[0] == keys[1]


@pytest.fixture
def small(tmp_path: Path) -> Small:
    return build(tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("limit", [20_000, 150_000])
def test_a_full_disk_ends_the_crawl_with_words_and_the_next_goes_on(
    small_newsroom: Newsroom, tmp_path: Path, limit: int
) -> None:
    (tmp_path / "data").mkdir()
    open_archive(tmp_path / "data" / "archive.db").close()

    def fill() -> None:  # no file may grow beyond: as a disk that is full
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    filled = crawl(small_newsroom, tmp_path, preexec_fn=fill)
    assert "Traceback" not in filled.stderr
    if filled.returncode:
        assert "archive.db" in filled.stderr or "cannot be written" in filled.stderr + filled.stdout
    whole = crawl(small_newsroom, tmp_path)
    assert whole.returncode == 0, whole.stderr
    assert_whole(tmp_path / "data" / "archive.db")
    assert rows(tmp_path / "data" / "archive.db", "SELECT count(*) FROM pages WHERE state = 'queued'") == [
        (0,)
    ]


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes where it likes")
def test_a_read_only_folder_is_named(small_newsroom: Newsroom, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir(mode=0o500)
    refused = crawl(small_newsroom, tmp_path)
    assert refused.returncode == 1
    assert "Traceback" not in refused.stderr


def test_a_folder_that_is_a_file_is_named(small_newsroom: Newsroom, tmp_path: Path) -> None:
    (tmp_path / "data").write_text("in the way")
    refused = crawl(small_newsroom, tmp_path)
    assert refused.returncode == 1
    assert "Traceback" not in refused.stderr
    assert "data" in refused.stderr


def locked_for(path: Path, seconds: float) -> Iterator[None]:
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        time.sleep(seconds)
        other.execute("COMMIT")
    yield


def test_a_database_locked_for_a_while_is_waited_for(small_newsroom: Newsroom, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    path = tmp_path / "data" / "archive.db"
    open_archive(path).close()
    holder = threading.Thread(target=lambda: list(locked_for(path, 3)))
    holder.start()
    waited = crawl(small_newsroom, tmp_path)
    holder.join()
    assert waited.returncode == 0, waited.stderr
    assert_whole(path)
    assert rows(path, "SELECT count(*) FROM articles") != [(0,)]


def test_a_database_locked_for_longer_is_named_and_nothing_is_lost(
    small_newsroom: Newsroom, tmp_path: Path
) -> None:
    (tmp_path / "data").mkdir()
    path = tmp_path / "data" / "archive.db"
    open_archive(path).close()
    program = (
        "import sys, archive.store as s; s.BUSY_TIMEOUT_SECONDS = 0.5; "
        "from archive.cli import main; main(sys.argv[1:])"
    )
    registry = small_newsroom.registry(tmp_path / "outlets.toml")
    command = ["crawl", "--db", str(path), "--outlets", str(registry), "--allow-private-hosts"]
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        refused = subprocess.run(
            [sys.executable, "-c", program, *command], capture_output=True, text=True, timeout=60, check=False,
            cwd=tmp_path, env=ENVIRONMENT,
        )  # fmt: skip
        other.execute("COMMIT")
    assert refused.returncode == 1
    assert "locked" in refused.stderr + refused.stdout
    assert "Traceback" not in refused.stderr
    assert crawl(small_newsroom, tmp_path).returncode == 0
    assert_whole(path)


def test_a_warc_cut_in_its_last_record_is_trimmed_and_written_on(small: Small) -> None:
    (path,) = small.warc.glob("*/*.warc.gz")
    whole = path.stat().st_size
    with path.open("ab") as stream:
        stream.write(path.read_bytes()[:70])  # the beginning of a record, and no more
    lines = trim_interrupted(small.db, small.warc)
    assert path.stat().st_size == whole
    assert str(70) in lines[0]
    writer = SnapshotWriter(small.warc)
    add(small.db, writer, 50)
    writer.close()
    assert_whole(small.path)


@pytest.mark.parametrize("damage", ["flip", "delete", "cut", "index", "row"])
def test_each_injected_damage_is_named_by_the_command(small: Small, damage: str) -> None:
    (path,) = small.warc.glob("*/*.warc.gz")
    offset, number, url = small.db.execute(
        "SELECT warc_offset, article, url FROM snapshots WHERE article IS NOT NULL ORDER BY id DESC"
    ).fetchone()
    content = bytearray(path.read_bytes())
    if damage == "flip":
        content[offset + 40] ^= 1
        path.write_bytes(content)
    elif damage == "cut":
        path.write_bytes(content[: offset + 40])
    elif damage == "delete":
        path.unlink()
    with small.db.conn:
        if damage == "index":
            small.db.execute("DELETE FROM articles_fts_docsize WHERE id = ?", [number])
        elif damage == "row":
            small.db.execute("DELETE FROM texts WHERE article = ?", [number])
    found = subprocess.run(
        [sys.executable, "-m", "archive.cli", "verify", "--db", str(small.path), "--json"],
        capture_output=True, text=True, check=False, env=ENVIRONMENT,
    )  # fmt: skip
    assert found.returncode == 1
    named = json.dumps(json.loads(found.stdout)["damages"])
    assert (path.name if damage in ("flip", "cut", "delete") else str(number)) in named, (url, named)


def test_a_clock_set_back_loses_nothing_and_doubles_nothing(small_newsroom: Newsroom, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    assert crawl(small_newsroom, tmp_path).returncode == 0
    path = tmp_path / "data" / "archive.db"
    before = rows(path, "SELECT url, sha256, revisions FROM articles ORDER BY url")
    fetched = rows(path, "SELECT fetched, id FROM snapshots")
    with closing(sqlite3.connect(path)) as db, db:  # as if the last crawl had been two years from now
        for table, column in (("articles", "first_seen"), ("articles", "last_checked"), ("snapshots", "fetched"),
                              ("crawls", "started"), ("pages", "discovered")):  # fmt: skip
            db.execute(f"UPDATE {table} SET {column} = '2028' || substr({column}, 5)")
    again = crawl(small_newsroom, tmp_path)
    assert again.returncode == 0, again.stderr
    assert rows(path, "SELECT url, sha256, revisions FROM articles ORDER BY url") == before
    assert rows(path, "SELECT min(last_checked) >= '2028' FROM articles") == [(1,)]
    with closing(sqlite3.connect(path)) as db, db:  # as in the WARC, which our change did not reach
        db.executemany("UPDATE snapshots SET fetched = ? WHERE id = ?", fetched)
    assert_whole(path)


def test_a_migration_that_fails_leaves_the_old_schema_whole(
    small: Small, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = rows(small.path, "SELECT sql FROM sqlite_master ORDER BY name")
    articles = rows(small.path, "SELECT * FROM articles ORDER BY id")
    later = type(schema.migrations)("bilateral")
    later._migrations = list(schema.migrations._migrations)

    @later()
    def one_that_fails(db: Database) -> None:
        db.execute("ALTER TABLE articles ADD COLUMN half TEXT")
        db.execute("UPDATE articles SET title = 'half'")
        db.execute("DROP TABLE revisions")
        db.execute("SELECT * FROM no_such_table")

    monkeypatch.setattr("archive.store.migrations", later)
    with pytest.raises(ArchiveError, match="no_such_table"):
        open_archive(small.path)
    monkeypatch.undo()
    assert rows(small.path, "SELECT sql FROM sqlite_master ORDER BY name") == before
    assert rows(small.path, "SELECT * FROM articles ORDER BY id") == articles
    open_archive(small.path).close()
    assert_whole(small.path)


@pytest.mark.slow
def test_a_backup_made_during_a_crawl_is_whole(small_newsroom: Newsroom, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    path = tmp_path / "data" / "archive.db"
    small_newsroom.delay = 0.1
    open_archive(path).close()
    running = threading.Thread(target=lambda: crawl(small_newsroom, tmp_path))
    running.start()
    copies = []
    while running.is_alive():
        target = tmp_path / f"copy-{len(copies)}" / "archive.db"
        made = subprocess.run(
            [sys.executable, "-m", "archive.cli", "backup", "--db", str(path), str(target), "--with-warc"],
            capture_output=True, text=True, check=False, env=ENVIRONMENT,
        )  # fmt: skip
        assert made.returncode == 0, made.stderr
        copies.append(target)
    running.join()
    assert len(copies) >= 2
    for copy in copies:
        assert_whole(copy)
