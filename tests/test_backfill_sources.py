"""What web archives are asked for, how, and what comes of their answers: served from loopback in their layouts."""

import gzip
import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from archive.backfill import sources
from tests import warcs
from tests.test_backfill import Project
from tests.warcs import Response


class WebArchive:
    """CC-NEWS, the Wayback Machine, the Common Crawl index and GDELT, on one loopback port."""

    def __init__(self) -> None:
        self.asked: list[tuple[float, str, dict[str, str]]] = []
        self.busy = 0  # answers of 503 to give first
        articles = [
            Response(
                f"https://www.faro.example/2024/03/hablan-de-seguridad-{n}",
                warcs.page(f"Hablan de armas {n}"),
            )
            for n in range(2)
        ]
        self.articles = {each.url: each.body for each in articles}
        self.records = warcs.packed(articles)
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.asked.append(
                    (time.monotonic(), self.path, {k.lower(): v for k, v in self.headers.items()})
                )
                if outer.busy:
                    outer.busy -= 1
                    self.send_response(503)
                    self.send_header("Retry-After", "0")
                    self.send_header("Content-Length", "0")
                    self.end_headers()
                    return
                status, body = outer.answer(self.path, self.headers.get("Range"))
                self.send_response(status)
                self.send_header("Content-Type", "text/html; charset=utf-8")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.base = f"http://127.0.0.1:{self.server.server_address[1]}/"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def answer(self, path: str, wanted: str | None) -> tuple[int, bytes]:
        parts = urlsplit(path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        if parts.path.endswith("/2024/03/warc.paths.gz"):
            names = (
                f"crawl-data/CC-NEWS/2024/03/CC-NEWS-202403{day}010203-00001.warc.gz" for day in ("05", "28")
            )
            return 200, gzip.compress("\n".join(names).encode())
        if parts.path.endswith(".warc.gz") and wanted is None:
            return 200, b"".join(self.records)
        if parts.path == "/cdx/search/cdx":
            found = [["20240305180000", url] for url in self.articles] if "faro" in query["url"] else []
            return 200, json.dumps([["timestamp", "original"], *found]).encode() if found else b""
        if parts.path.startswith("/web/20240305180000id_/"):
            return 200, self.articles[path.partition("id_/")[2]]
        if parts.path == "/collinfo.json":
            old = {"cdx-api": f"{self.base}old", "from": "2019-01-01T00:00:00", "to": "2019-02-01T00:00:00"}
            return 200, json.dumps([{"cdx-api": f"{self.base}index"}, old]).encode()
        if parts.path == "/index":
            return (200, self._index()) if "faro" in query["url"] else (404, b"{}")
        if parts.path == "/data.warc.gz" and wanted is not None:
            first, last = map(int, wanted.removeprefix("bytes=").split("-"))
            return 206, b"".join(self.records)[first : last + 1]
        if parts.path == "/gdelt":
            urls = [] if "faro" not in query["query"] else [*self.articles, "https://elsewhere.example/a"]
            return 200, json.dumps({"articles": [{"url": url, "title": "Título"} for url in urls]}).encode()
        return 404, b""

    def _index(self) -> bytes:
        lines, offset = [], 0
        for url, record in zip(self.articles, self.records, strict=True):
            about = {"url": url, "timestamp": "20240305180000", "filename": "data.warc.gz",
                     "offset": str(offset), "length": str(len(record))}  # fmt: skip
            lines.append(json.dumps(about))
            offset += len(record)
        return "\n".join(lines).encode()


@pytest.fixture
def web(monkeypatch: pytest.MonkeyPatch) -> Iterator[WebArchive]:
    running = WebArchive()
    yield running
    running.server.shutdown()


PERIOD = ("--from", "2024-03-01", "--to", "2024-03-10", "--contact", "desk@example.org")


def test_cc_news_is_planned_by_its_listing_and_read_from_its_address(tmp_path: Path, web: WebArchive) -> None:
    project = Project(tmp_path)
    assert project.run("plan", "--source", "cc-news", "--base", web.base, *PERIOD) == {"planned": 1, "new": 1}
    web.busy = 2
    assert project.run("run")["hits"] == 2
    assert project.run("ingest")["new"] == 2
    status = project.run("status")
    assert len(status["days_without_files"]) == 9  # the listing names the 5th only
    assert {"origin": "cc-news", "day": "2024-03-05"} not in status["days_without_files"]
    agents = {headers["user-agent"] for _, path, headers in web.asked if "paths" in path}
    assert all(agent.startswith("bilateral/") and "desk@example.org" in agent for agent in agents)


def test_a_listing_on_disk_does_as_well(tmp_path: Path, web: WebArchive) -> None:
    project = Project(tmp_path)
    listing = tmp_path / "warc.paths"
    listing.write_text("crawl-data/CC-NEWS/2024/03/CC-NEWS-20240305010203-00001.warc.gz\n")
    planned = project.run("plan", "--source", "cc-news", "--paths", listing, "--base", web.base)
    assert planned == {"planned": 1, "new": 1}


def test_the_wayback_machine_is_asked_by_one_client_one_thing_at_a_time(
    tmp_path: Path, web: WebArchive
) -> None:
    project = Project(tmp_path)
    plan = ("plan", "--source", "wayback", "--base", web.base, "--outlet", "faro", *PERIOD)
    assert project.run(*plan) == {"planned": 1, "new": 1}
    assert project.run("run")["hits"] == 2
    assert project.run("ingest")["new"] == 2
    moments = [moment for moment, path, _ in web.asked if path.startswith("/web/")]
    assert moments[1] - moments[0] >= 0.9 * sources.MEMENTO_SECONDS
    fetched = project.rows("SELECT DISTINCT fetched FROM snapshots")
    assert fetched == [{"fetched": "2024-03-05T18:00:00Z"}]
    before = len(web.asked)
    assert project.run(*plan)["new"] == 0
    project.run("run")
    assert len(web.asked) == before


def test_the_common_crawl_index_gives_ranges_of_its_files(tmp_path: Path, web: WebArchive) -> None:
    project = Project(tmp_path)
    registry = project.registry.read_text(encoding="utf-8")
    assert registry
    planned = sources.windows("cc-index", _outlets(project), "2024-03-01", "2024-03-10", web.base)
    window = json.loads(planned[0].source.partition(":")[2]) | {"data": web.base}
    target = tmp_path / "out.warc.gz"
    count = sources.collect(f"cc-index:{json.dumps(window)}", target, contact="", progress=lambda url: None)
    assert count == 2
    assert target.read_bytes() == b"".join(web.records)
    nothing = json.loads(planned[1].source.partition(":")[2]) | {"data": web.base}
    empty = tmp_path / "none.warc.gz"
    assert (
        sources.collect(f"cc-index:{json.dumps(nothing)}", empty, contact="", progress=lambda url: None) == 0
    )


def _outlets(project: Project) -> list[sources.Outlet]:
    from crawlers.outlets import load_outlets

    return load_outlets(project.registry)


def test_gdelt_only_names_pages_for_the_next_crawl(
    tmp_path: Path, web: WebArchive, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = Project(tmp_path)
    options = ("--base", f"{web.base}gdelt", "--outlet", "faro", "--from", "2024-03-01", "--to", "2024-03-31")
    assert project.run("plan", "--source", "gdelt", *options) == {"listed": 3, "new": 3}
    states = project.rows("SELECT state, via, route FROM pages ORDER BY url")
    assert [row["state"] for row in states] == ["blocked", "queued", "queued"]
    assert {(row["via"], row["route"]) for row in states} == {("backfill", "gdelt")}


def test_a_source_that_does_not_answer_is_named(tmp_path: Path) -> None:
    project = Project(tmp_path)
    error = project.run("plan", "--source", "cc-news", "--base", "http://127.0.0.1:9/", *PERIOD, code=1)[
        "error"
    ]
    assert "warc.paths.gz" in error
    assert "Traceback" not in error
