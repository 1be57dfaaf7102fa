"""Web archives are read whatever state they are in, on every engine alike, and come in once."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
import zipfile
from pathlib import Path
from typing import Any

import pytest
from sqlite_utils import Database

from archive.backfill.captures import Capture, captures
from archive.backfill.engines import MAX_ATTEMPTS, read_file
from archive.backfill.hosts import Hosts
from archive.backfill.reader import Readers
from archive.backfill.records import Seen
from archive.backfill.task import process
from archive.backfill.work import Results, Work, code_version, write_setup
from archive.integrity import verify
from archive.options import SHIPPED_TOPIC
from archive.store import rows
from archive.topic import load_topic
from crawlers.outlets import load_outlets
from tests import warcs
from tests.warcs import Response


class Project:
    """An archive with a registry of its own, and the command."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.db = folder / "archive.db"
        self.registry = folder / "outlets.toml"
        self.registry.write_text(warcs.REGISTRY, encoding="utf-8")

    def command(self, *arguments: object) -> list[str]:
        return [sys.executable, "-m", "archive.cli", "backfill", *map(str, arguments), "--db", str(self.db)]

    def run(self, *arguments: object, code: int = 0) -> dict[str, Any]:
        more = [] if arguments[0] == "status" else ["--outlets", str(self.registry)]
        done = subprocess.run(
            [*self.command(*arguments), *more, "--json"], capture_output=True, text=True, timeout=120
        )
        assert done.returncode == code, done.stderr
        found: dict[str, Any] = json.loads(done.stdout) if done.stdout else {"error": done.stderr}
        return found

    def rows(self, sql: str) -> list[dict[str, Any]]:
        return rows(Database(self.db), sql)

    def parts(self) -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in (self.folder / "backfill" / "parts").iterdir()}

    def work(self, path: Path, folder: Path) -> Work:
        """Return what reading a file into a folder is asked to do."""
        for name in ("parts", "state"):
            (folder / name).mkdir(parents=True, exist_ok=True)
        setup = write_setup(folder, load_outlets(self.registry), SHIPPED_TOPIC)
        return Work(str(path), str(path), str(folder), setup, code_version())


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


def read(path: Path) -> tuple[list[str], Seen]:
    registry = path.with_name("outlets.toml")
    registry.write_text(warcs.REGISTRY, encoding="utf-8")
    hosts, seen = Hosts(load_outlets(registry)), Seen()
    with path.open("rb") as stream:
        found = [each.url for each in captures(stream, hosts.owner, seen) if isinstance(each, Capture)]
    return found, seen


def test_every_transfer_is_read_and_comes_in_as_an_article(project: Project) -> None:
    for version in ("WARC/1.0", "WARC/1.1"):
        warcs.write(
            project.folder / "in" / f"{version[-1]}.warc.gz",
            [
                *warcs.packed(warcs.in_all_encodings(), version=version),
                warcs.revisit("https://www.faro.example/x"),
            ],
        )
    warcs.write(
        project.folder / "in" / "plain.warc", warcs.packed(warcs.in_all_encodings()[:1], zipped=False)
    )
    assert project.run("plan", project.folder / "in") == {"planned": 3, "new": 3}
    done = project.run("run")
    assert (done["files"]["done"], done["hits"], done["errors"]) == (3, 13, 0)
    came = project.run("ingest")
    assert (came["new"], came["unchanged"]) == (6, 7)
    titles = {row["title"].rpartition(" ")[2] for row in project.rows("SELECT title FROM articles")}
    assert titles == {"plain", "gzip", "brotli", "claims", "chunked", "unchunked"}
    assert list(verify(project.db, project.folder / "warc")) == []
    sources = project.rows("SELECT source, offset FROM backfill_captures")
    assert len(sources) == 6
    assert all(Path(source["source"]).is_file() for source in sources)
    assert project.run("ingest")["files"] == 0
    assert project.run("plan", project.folder / "in")["new"] == 0


def test_a_damaged_record_costs_itself_and_not_the_file(tmp_path: Path) -> None:
    good = [Response(f"https://www.faro.example/2024/03/nota-{n}", warcs.page(f"Nota {n}")) for n in range(4)]
    records = warcs.packed(good)
    cut = records[1][: len(records[1]) // 2]
    bad = warcs.packed([Response("https://www.faro.example/x", b"x")])[0].replace(b"\x1f\x8b", b"\x1f\x8c")
    header = b"WARC/1.1\r\nWARC-Type: response\r\nContent-Length: many\r\n\r\n"
    path = warcs.write(tmp_path / "a.warc.gz", [records[0], cut, records[2], bad, records[3]])
    found, seen = read(path)
    assert [url[-1] for url in found] == ["0", "2", "3"]
    assert seen.errors
    last = warcs.write(tmp_path / "b.warc.gz", [records[0], cut])
    found, seen = read(last)
    assert ([url[-1] for url in found], len(seen.errors)) == (["0"], 1)
    plain = warcs.packed(good, zipped=False)
    found, seen = read(
        warcs.write(tmp_path / "c.warc", [plain[0], header, plain[1][: len(plain[1]) // 2], plain[2]])
    )
    assert "https://www.faro.example/2024/03/nota-0" in found
    assert seen.errors
    for junk in (b"", b"not a WARC at all", b"\x1f\x8b\x08", bytes(5000)):
        found, seen = read(warcs.write(tmp_path / "junk.warc.gz", [junk]))
        assert found == []


def test_what_is_no_page_or_nobody_watches_is_only_counted(tmp_path: Path) -> None:
    path = warcs.write(
        tmp_path / "a.warc.gz",
        warcs.packed([
            *warcs.noise(3),
            Response("https://www.faro.example/gone", b"", status="404 Not Found"),
            Response("https://www.faro.example/moved", b"", status="301 Moved", headers=(("Location", "/"),)),
            Response("https://www.faro.example/a.pdf", b"%PDF", headers=(("Content-Type", "application/pdf"),)),
        ]),
    )  # fmt: skip
    found, seen = read(path)
    assert (found, seen.responses, seen.on_host, seen.days) == ([], 6, 3, {"2024-03-05": 6})


def test_a_part_is_the_same_each_time(project: Project) -> None:
    (path,) = warcs.newspaper(project.folder, 1)
    hosts, topic = Hosts(load_outlets(project.registry)), load_topic(SHIPPED_TOPIC)
    results = []
    for name in ("one", "two"):
        process(project.work(path, project.folder / name), hosts, topic)
        came = Results(project.folder / name, str(path))
        results.append([came.part.read_bytes(), came.warc.read_bytes()])
    assert results[0] == results[1]
    lines = [json.loads(line) for line in results[0][0].splitlines()]
    assert [("article" in line, line.get("grade")) for line in lines] == [
        (True, None),
        (True, None),
        (False, 0),
    ]


def test_the_day_of_publication_decides_the_period(project: Project) -> None:
    def one(slug: str, published: str) -> Response:
        body = warcs.page(f"Hablan México y Estados Unidos de seguridad {slug}", published=published)
        return Response(
            f"https://www.faro.example/2024/{slug}-de-tres-palabras", body, date="2024-03-20T12:00:00Z"
        )

    path = warcs.write(
        project.folder / "a.warc.gz",
        warcs.packed([
            one("vieja", "2019-05-01T10:00:00-05:00"), one("del-mes", "2024-03-02T10:00:00-06:00"), one("sin", ""),
        ]),
    )  # fmt: skip
    project.run("plan", path, "--from", "2024-03-01", "--to", "2024-03-31")
    project.run("run")
    came = project.run("ingest")
    assert (came["new"], came["outside"]) == (2, 1)
    assert {row["url"].split("/")[4] for row in project.rows("SELECT url FROM articles")} == {
        "del-mes-de-tres-palabras", "sin-de-tres-palabras",
    }  # fmt: skip


def test_captures_of_one_page_become_its_revisions_in_time_order(project: Project) -> None:
    url = "https://www.faro.example/2024/03/una-nota-que-cambia"
    captured = [
        Response(
            url, warcs.page("Hablan los cancilleres de México y Estados Unidos", warcs.TALKS[:n]), date=date
        )
        for n, date in ((3, "2024-03-05T20:00:00Z"), (2, "2024-03-05T18:00:00Z"))
    ]
    late, early = (
        warcs.write(project.folder / f"{n}.warc.gz", warcs.packed([each])) for n, each in enumerate(captured)
    )
    for path in (late, early):  # the later capture comes in first
        project.run("plan", path)
        project.run("run")
        project.run("ingest")
    found = project.rows("SELECT number, seen, kinds FROM revisions ORDER BY number")
    assert [(row["number"], row["seen"]) for row in found] == [
        (1, "2024-03-05T18:00:00Z"), (2, "2024-03-05T20:00:00Z"),
    ]  # fmt: skip
    assert "addition" in found[1]["kinds"]
    assert list(verify(project.db, project.folder / "warc")) == []


def test_the_files_of_a_wacz_are_read(project: Project) -> None:
    (path,) = warcs.newspaper(project.folder / "in", 1)
    packed = project.folder / "collection.wacz"
    with zipfile.ZipFile(packed, "w") as wacz:
        wacz.write(path, "archive/data.warc.gz")
    project.run("plan", packed)
    assert project.run("run")["hits"] == 2


def test_what_cannot_be_read_fails_alone_and_is_named(project: Project) -> None:
    good = warcs.newspaper(project.folder, 2)
    lost = project.folder / "lost.warc.gz"
    lost.write_bytes(b"")
    project.run("plan", *good, lost)
    lost.unlink()
    done = project.run("run", code=1)
    assert (done["files"]["done"], done["files"]["failed"]) == (2, 1)
    assert [(Path(f["source"]).name, "No such file" in f["error"]) for f in done["failed"]] == [
        ("lost.warc.gz", True)
    ]
    lost.write_bytes(good[0].read_bytes())
    assert project.run("run", "--retry-failed")["files"]["failed"] == 0


def test_a_process_that_is_killed_or_wants_too_much_memory_costs_only_its_file(project: Project) -> None:
    (path,) = warcs.newspaper(project.folder, 1)
    hog = warcs.write(
        project.folder / "hog.warc.gz",
        warcs.packed([Response("https://ledger.example/2024/03/a-hog-of-a-page", b"<p>hog</p>" * 1_900_000)]),
    )
    work, greedy = (project.work(each, project.folder / "parts") for each in (path, hog))
    readers = Readers(work.folder, work.setup, work.code, 250)
    try:
        done = read_file(readers, greedy)
        assert done.counts is None
        assert "needs more memory than 250 MB" in done.error
        assert "a-hog-of-a-page" in done.error
        done = read_file(readers, work)
        assert done.counts is not None
        assert done.counts["hits"] == 2
    finally:
        readers.close()


def test_a_file_whose_reading_ends_its_process_is_tried_again_and_then_fails(project: Project) -> None:
    (path,) = warcs.newspaper(project.folder, 1, articles=60)
    work = project.work(path, project.folder / "parts")
    results, readers = (
        Results(Path(work.folder), work.source),
        Readers(work.folder, work.setup, work.code, 400),
    )
    killed: list[int] = []

    def kill_each() -> None:
        while len(killed) < MAX_ATTEMPTS:
            time.sleep(0.005)
            begun = results.attempts.read_text().split()[1::2] if results.attempts.exists() else []
            for number in map(int, begun[len(killed) :]):
                os.kill(number, signal.SIGKILL)
                killed.append(number)

    killer = threading.Thread(target=kill_each)
    killer.start()
    try:
        done = read_file(readers, work)
        killer.join()
        assert done.error.startswith("reading it ended the process (SIGKILL)")
        assert results.tries() == MAX_ATTEMPTS
        assert results.finished() is None
        assert read_file(readers, work).counts is not None
    finally:
        readers.close()
    assert not list(results.part.parent.glob(".*"))


def test_bad_input_is_named(project: Project) -> None:
    def refused(*arguments: object) -> str:
        done = subprocess.run(
            [*project.command(*arguments), "--outlets", str(project.registry)], capture_output=True, text=True
        )
        assert done.returncode in (1, 2), done.stdout
        assert "Traceback" not in done.stderr
        return done.stderr

    assert "there is no archive here" in refused("run")
    assert "there is no such file" in refused("plan", "missing.warc.gz")
    (project.folder / "text.txt").write_text("x")
    assert "not a WARC or WACZ file" in refused("plan", project.folder / "text.txt")
    assert "wants --from and --to" in refused("plan", "--source", "wayback")
    assert "is after --to" in refused(
        "plan", "--source", "wayback", "--from", "2024-02-01", "--to", "2024-01-01"
    )
    assert "is no day such as" in refused(
        "plan", "--source", "cc-news", "--from", "yesterday", "--to", "2024-01-01"
    )
    warcs.newspaper(project.folder, 1)
    project.run("plan", project.folder / "news-0.warc.gz")
    assert "--scheduler is for --engine dask" in refused(
        "run", "--engine", "local", "--scheduler", "tcp://127.0.0.1:1"
    )
    assert "wants --scheduler" in refused("run", "--engine", "dask")


def test_a_client_that_is_killed_goes_on_and_repeats_nothing(project: Project) -> None:
    project.run("plan", *warcs.newspaper(project.folder, 12, articles=4))
    command = [*project.command("run", "--workers", "1"), "--outlets", str(project.registry)]
    client = subprocess.Popen(command, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    folder = project.folder / "backfill" / "state"
    until = time.monotonic() + 60
    while len(list(folder.glob("*.done"))) < 2 and time.monotonic() < until:
        time.sleep(0.02)
    client.kill()
    client.wait()
    before = {path.name: path.stat().st_mtime_ns for path in folder.glob("*.done")}
    assert 2 <= len(before) < 12
    done = project.run("run")
    assert (done["files"]["done"], done["hits"]) == (12, 48)
    assert done["attempts"] <= 13
    after = {path.name: path.stat().st_mtime_ns for path in folder.glob("*.done")}
    assert before.items() <= after.items()
    assert not list((project.folder / "backfill" / "parts").glob(".*"))
