"""A recorded crawl plays again as it was, and recordings hold nothing that is secret."""

import gzip
import json
import re
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.newsroom import DEMO, Newsroom

CASSETTES = Path(__file__).with_name("cassettes")
ALL_RECORDINGS = [*sorted(CASSETTES.glob("*.yaml*")), *sorted(DEMO.glob("visit-*.yaml.gz"))]


def bilateral(*arguments: object, offline: bool = False) -> subprocess.CompletedProcess[str]:
    module = "tests.offline" if offline else "archive.cli"
    return subprocess.run(
        [sys.executable, "-m", module, *map(str, arguments)],
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip


def crawl(db: Path, registry: Path, *arguments: object, offline: bool = False) -> dict[str, Any]:
    done = bilateral(
        "crawl", "--db", db, "--outlets", registry, "--recheck", "all", "--json", *arguments, offline=offline
    )
    assert done.returncode == 0, done.stderr
    report: dict[str, Any] = json.loads(done.stdout)
    return report


def contents(db: Path) -> dict[str, list[tuple[Any, ...]]]:
    """What an archive says, apart from when it was made and where its records lie."""
    asked = {
        "articles": "SELECT url, outlet, title, published, published_local, status, revisions, sha256, grade"
        " FROM articles ORDER BY url",
        "revisions": "SELECT a.url, r.number, r.title, r.text FROM revisions r JOIN articles a ON a.id = r.article"
        " ORDER BY 1, 2",
        "events": "SELECT a.url, e.event, e.detail FROM events e JOIN articles a ON a.id = e.article ORDER BY 1, e.id",
        "pages": "SELECT url, state, reason FROM pages ORDER BY url",
    }
    with sqlite3.connect(db) as connection:
        return {name: connection.execute(sql).fetchall() for name, sql in asked.items()}


@pytest.mark.slow
def test_a_replayed_crawl_makes_the_archive_that_the_recorded_one_made(
    small_newsroom: Newsroom, tmp_path: Path
) -> None:
    registry, cassette = small_newsroom.registry(tmp_path / "outlets.toml"), tmp_path / "visit.yaml.gz"
    crawl(tmp_path / "live.db", registry, "--allow-private-hosts", "--record", cassette)
    small_newsroom.stop()
    assert "visit=" not in text_of(cassette)  # the cookie that the newsroom sets with every page
    assert SECRETS.findall(text_of(cassette)) == []
    crawl(tmp_path / "again.db", registry, "--replay", cassette, offline=True)
    assert contents(tmp_path / "again.db") == contents(tmp_path / "live.db")
    assert contents(tmp_path / "again.db")["articles"]


@pytest.mark.slow
def test_the_shipped_cassettes_tell_a_removal_a_revision_and_a_return(tmp_path: Path) -> None:
    db = tmp_path / "archive.db"
    reports = [
        crawl(db, CASSETTES / "outlets.toml", "--replay", CASSETTES / f"visit-{n}.yaml", offline=True)
        for n in (1, 2, 3)
    ]
    assert [report["totals"]["new"] for report in reports] == [4, 0, 0]
    assert [report["totals"]["revised"] for report in reports] == [0, 1, 0]
    assert [report["totals"]["off_topic"] for report in reports] == [2, 0, 0]
    assert [event[1] for event in contents(db)["events"]] == ["gone", "returned", "gone"]
    assert bilateral("verify", "--db", db).returncode == 0


def test_a_missing_cassette_is_one_line(tmp_path: Path) -> None:
    done = bilateral(
        "crawl",
        "--db",
        tmp_path / "a.db",
        "--outlets",
        CASSETTES / "outlets.toml",
        "--replay",
        tmp_path / "no.yaml",
    )
    assert done.returncode != 0
    assert "no.yaml" in done.stderr
    assert "Traceback" not in done.stderr


SECRETS = re.compile(
    r"^\s*-?\s*(set-cookie2?|cookie|authorization|proxy-authorization|x-api-key|x-auth-token)\s*:",
    re.I | re.M,
)
LOCAL = re.compile(r"127\.\d+\.\d+\.\d+|localhost|\b10\.\d+\.\d+\.\d+|192\.168\.\d+\.\d+|/home/|/root/|/tmp/")


def text_of(path: Path) -> str:
    data = path.read_bytes()
    return (gzip.decompress(data) if path.suffix == ".gz" else data).decode("utf-8")


def test_there_are_recordings_to_scan() -> None:
    assert len(ALL_RECORDINGS) >= 6


@pytest.mark.parametrize("path", ALL_RECORDINGS, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_recordings_hold_no_cookies_no_credentials_and_no_private_addresses(path: Path) -> None:
    text = text_of(path)
    assert SECRETS.findall(text) == []
    assert LOCAL.findall(text) == []
    for interaction in yaml.load(text, Loader=yaml.CSafeLoader)["interactions"]:
        assert not {name.lower() for name in interaction["request"]["headers"]} & {
            "user-agent",
            "from",
            "host",
        }
        assert interaction["request"]["uri"].split("/")[2].endswith(".example")
        body = interaction["response"]["body"]["string"]
        if isinstance(body, bytes) and body.startswith(b"\x1f\x8b"):
            assert LOCAL.findall(gzip.decompress(body).decode("utf-8")) == []
