"""The demonstration shows what it is there to show, says what it is, and asks nobody."""

import http.client
import json
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.newsroom import DEMO, Truth, load_newsroom

pytestmark = pytest.mark.slow


def bilateral(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tests.offline", *map(str, arguments)],
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip


@dataclass(frozen=True)
class Shown:
    """The demonstration as it runs: its archive, what it said, and where it is served."""

    db: Path
    said: str
    port: int


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shown]:
    db = tmp_path_factory.mktemp("demo") / "archive.db"
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "tests.offline", "demo", "--db", str(db), "--port", str(port)]
    said = ""
    with subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True) as process:
        assert process.stderr is not None
        for line in process.stderr:
            said += line
            if f":{port}/" in line:
                break
        yield Shown(db, said, port)
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=30) == 0  # Ctrl-C is how a tour ends


def ask(db: Path, sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
    with sqlite3.connect(db) as connection:
        return connection.execute(sql, parameters).fetchall()


def test_it_says_in_both_languages_that_all_is_fiction(demo: Shown) -> None:
    assert "ficticios" in demo.said
    assert "fictional" in demo.said
    assert len(demo.said.splitlines()) == 9  # the notice, two lines a visit, the archive and its address


def test_every_outlet_is_marked_as_fictional() -> None:
    outlets = tomllib.loads((DEMO / "outlets.toml").read_text(encoding="utf-8"))["outlet"]
    assert len(outlets) >= 12
    assert {o["country"] for o in outlets} == {"MX", "US"}
    for outlet in outlets:
        assert re.search(r"\((ficticio|ficticia|fictional)\)", outlet["name"])
        assert outlet["homepage"].endswith(".example/")


def test_the_recording_is_small_enough_to_ship() -> None:
    assert sum(path.stat().st_size for path in DEMO.glob("visit-*.yaml.gz")) < 2_000_000


def test_the_recording_is_that_of_the_articles_beside_it(demo: Shown) -> None:
    newsroom = load_newsroom()
    newsroom.port = 1
    names = newsroom.names()
    last = max(newsroom.clocks)

    def public(truth: Truth) -> str:
        base = newsroom.base(truth.outlet)
        return truth.url.replace(base, names[base])

    truth = {public(t): t for t in newsroom.truth(last)}
    assert len(truth) >= 120
    archived = ask(demo.db, "SELECT url, title, status FROM articles")
    assert len(archived) >= 85
    for url, title, status in archived:
        if status == "live":
            assert truth[url].title == title


def test_the_call_is_told_by_six_outlets_of_each_country(demo: Shown) -> None:
    rows = ask(
        demo.db,
        "SELECT country, count(DISTINCT outlet) FROM articles"
        " WHERE published BETWEEN '2026-01-15T20:00:00Z' AND '2026-01-16T06:00:00Z' GROUP BY country",
    )
    assert min(dict(rows).values()) >= 6
    assert set(dict(rows)) == {"MX", "US"}


def test_the_call_is_one_story(demo: Shown) -> None:
    ((story,),) = ask(
        demo.db, "SELECT story FROM articles WHERE url LIKE '%/rubio-mexico-security-call.html'"
    )
    rows = ask(
        demo.db, "SELECT country, count(DISTINCT outlet) FROM articles WHERE story = ? GROUP BY 1", story
    )
    assert min(dict(rows).values()) >= 6


def test_one_dispatch_is_found_in_five_papers(demo: Shown) -> None:
    rows = ask(
        demo.db,
        "SELECT count(DISTINCT outlet), count(DISTINCT copy_group), min(wire), max(wire) FROM articles"
        " WHERE copy_group = (SELECT copy_group FROM articles"
        " WHERE url LIKE '%/sheinbaum-descarta-tropas-estadounidenses/')",
    )
    assert rows == [(5, 1, "Agencia Istmo", "Agencia Istmo")]


def test_the_announced_meetings_are_in_the_calendar(demo: Shown) -> None:
    rows = ask(
        demo.db,
        "SELECT m.date, m.precision, m.tense FROM mentions m JOIN articles a ON a.id = m.article"
        " WHERE a.url LIKE '%/de-la-fuente-rubio-llamada-seguridad/'",
    )
    assert ("2026-01-23", "day", "coming") in rows
    assert ("2026-02", "month", "coming") in rows
    assert ("2026-01-15", "day", "past") in rows


def test_revisions_a_removal_and_a_return_show(demo: Shown) -> None:
    events = [event for (event,) in ask(demo.db, "SELECT event FROM events ORDER BY id")]
    assert events.count("gone") >= 3
    assert "returned" in events
    texts = [text for (text,) in ask(demo.db, "SELECT text FROM revisions WHERE number > 1")]
    assert any("Fe de errores" in text for text in texts)
    assert any("Correction:" in text for text in texts)
    assert ask(demo.db, "SELECT max(revisions) FROM articles")[0][0] >= 3


def test_articles_are_as_old_as_the_visits(demo: Shown) -> None:
    seen = ask(demo.db, "SELECT min(first_seen), max(first_seen), max(last_checked) FROM articles")[0]
    assert [moment[:10] for moment in seen] == ["2026-01-16", "2026-02-27", "2026-02-27"]
    assert ask(demo.db, "SELECT count(*) FROM articles WHERE first_seen < published")[0][0] == 0


def test_the_archive_of_the_demo_is_sound(demo: Shown) -> None:
    assert bilateral("verify", "--db", demo.db).returncode == 0
    assert ask(demo.db, "SELECT count(*) FROM pages WHERE state = 'queued'") == [(0,)]


def test_it_never_writes_into_an_archive_that_is_there(demo: Shown) -> None:
    before = demo.db.read_bytes()
    done = bilateral("demo", "--no-serve", "--db", demo.db)
    assert done.returncode == 2
    assert "exists already" in done.stderr
    assert demo.db.read_bytes() == before


def test_a_configured_archive_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "bilateral.toml").write_text('db = "real.db"\n')
    root = Path(__file__).parents[1]
    with subprocess.Popen(
        [sys.executable, "-m", "archive.cli", "demo", "--no-serve"], cwd=tmp_path, stderr=subprocess.PIPE, text=True,
        env={"PYTHONPATH": str(root), "PATH": "", "TMPDIR": str(tmp_path)},
    ) as process:  # fmt: skip
        assert process.stderr is not None
        assert any("pages fetched" in line for line in process.stderr)
        process.kill()  # the first visit has shown where it writes
    assert not (tmp_path / "real.db").exists()
    assert len(list(tmp_path.glob("bilateral-demo-*/archive.db"))) == 1


def page(port: int, path: str) -> tuple[int, str]:
    for _ in range(50):
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
            connection.request("GET", path)
            response = connection.getresponse()
            return response.status, response.read().decode("utf-8")
        except ConnectionRefusedError:
            time.sleep(0.1)
    raise AssertionError("the site did not come up")


def test_the_site_is_served_with_the_notice(demo: Shown) -> None:
    status, front = page(demo.port, "/?lang=es")
    assert status == 200
    assert "ficticios" in front.lower()
    status, found = page(demo.port, "/search.json?q=fe+de+errores")
    assert status == 200
    assert json.loads(found)
