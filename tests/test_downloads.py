"""Whole files off the pages of searches and tables: complete, as many rows as the page says, or none at all."""

import csv
import http.client
import io
import json
import re
import socket
import threading
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow.parquet as pq
import pytest
import rispy
import uvicorn
from pybtex.database import parse_string

from archive.exports.tables import EXPORTED_TABLES
from archive.publish import publish
from archive.site import desk, downloads
from archive.site.app import build_site
from archive.site.downloads import FORMS, OF_TABLES
from tests.site_pages import Get, client
from tests.small_archive import Small, build

MANY = 2_600  # more than Datasette gives at once


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Small:
    small = build(tmp_path_factory.mktemp("downloads"))
    with small.db.conn:
        small.db.execute(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?) INSERT INTO articles"
            " (id, url, key, outlet, country, language, title, published, first_seen, last_checked, grade, score,"
            " word_count, sha256) SELECT i, 'https://faro.example/' || i, 'k' || i, 'faro', 'MX', 'es', '=nota ' || i,"
            " '1990-01-01T00:00:00Z', '2026-01-01T00:00:00Z', '2026-01-01T00:00:00Z', 1, 1, 1, '' FROM n",
            [MANY],
        )
        small.db.execute(
            "INSERT INTO texts (article, title, text) SELECT id, title, 'nada' FROM articles WHERE id <= ?",
            [MANY],
        )
        small.db.execute("UPDATE articles SET copy_group = 1 WHERE url LIKE '%/n/2' OR url LIKE '%/n/5'")
    return small


@pytest.fixture(scope="module")
def get(small: Small) -> Get:
    return client(small.path)


def rows_in(content: bytes, ending: str) -> list[str]:
    """The addresses or keys of the rows in a file, in their order."""
    text = "" if ending in ("xlsx", "parquet", "zip") else content.decode("utf-8-sig")
    match ending:
        case "csv" | "excel.csv":
            return [row["url"] for row in csv.DictReader(io.StringIO(text, newline=""))]
        case "jsonl":
            return [json.loads(line)["url"] for line in text.splitlines()]
        case "parquet":
            return [str(url) for url in pq.read_table(io.BytesIO(content))["url"].to_pylist()]
        case "xlsx":
            lines = (
                openpyxl.load_workbook(io.BytesIO(content), read_only=True)
                .worksheets[0]
                .iter_rows(values_only=True)
            )
            place = list(next(lines)).index("url")
            return [str(line[place]) for line in lines]
        case "zip":
            with zipfile.ZipFile(io.BytesIO(content)) as package:
                assert package.testzip() is None
                return rows_in(package.read("data/articles.csv"), "csv")
        case "bib":
            return [entry.fields["url"] for entry in parse_string(text, "bibtex").entries.values()]
        case "ris":
            return [record["urls"][0] for record in rispy.loads(text)]
    return [item["URL"] for item in json.loads(text)]


@pytest.mark.parametrize(
    "query",
    [
        "",
        "q=seguridad&outlet=faro",
        "q=seguridad&copies=all&sort=oldest",
        "q=xyzzyx",
        "from=2026-01-02&to=2026-01-05&country=US",
    ],
)
@pytest.mark.parametrize("ending", [ending for ending in FORMS if ending != "md"])
def test_a_search_comes_whole_in_every_form(get: Get, ending: str, query: str) -> None:
    promised = get(f"/search.json?{query}").json()["total"]
    answer = get(f"/search.{ending}?{query}")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == FORMS[ending].type
    assert answer.headers["content-disposition"] == f'attachment; filename="bilateral-search.{ending}"'
    found = rows_in(answer.content, ending)
    assert len(found) == len(set(found)) == promised == int(answer.headers["x-total-rows"])


def test_files_keep_the_order_of_the_page(get: Get) -> None:
    for sort in ("newest", "oldest"):
        shown = [
            article["url"] for article in get(f"/search.json?q=seguridad&sort={sort}").json()["articles"]
        ]
        for ending in ("csv", "ris"):
            assert rows_in(get(f"/search.{ending}?q=seguridad&sort={sort}").content, ending) == shown


def test_the_page_of_a_search_links_every_form_of_it(get: Get) -> None:
    page = get("/search?q=seguridad&outlet=faro&lang=en").text
    links = re.findall(r'href="(/search\.[^"]+)"', page)
    for ending in FORMS:
        (link,) = {link.replace("&amp;", "&") for link in links if link.startswith(f"/search.{ending}?")}
        assert "q=seguridad" in link
        assert "outlet=faro" in link
        assert get(link).status_code == 200


def test_the_note_of_a_search_says_what_it_found(get: Get) -> None:
    note = get("/search.md?q=seguridad&outlet=faro").text
    assert "Query as understood" in note
    assert "Rows in this file: 4," in note


@pytest.mark.parametrize("ending", OF_TABLES)
def test_a_table_comes_whole_with_the_filters_of_its_page(small: Small, get: Get, ending: str) -> None:
    for query, condition in (
        ("", "1"),
        ("outlet=faro", "outlet = 'faro'"),
        ("title__contains=nota&id__gt=100", "title LIKE '%nota%' AND id > 100"),
        ("_search=seguridad&country=US", "country = 'US'"),
        ("_where=id<50&_sort=id&_size=3", "id < 50"),
    ):
        (rows,) = small.db.execute(f"SELECT count(*) FROM articles WHERE {condition}").fetchone()
        answer = get(f"/archive/articles.{ending}?{query}")
        assert answer.status_code == 200, answer.text
        assert len(rows_in(answer.content, ending)) == rows == int(answer.headers["x-total-rows"])
        shown = get(f"/archive/articles.json?{query}").json()["filtered_table_rows_count"]
        assert shown == rows


@pytest.mark.parametrize("table", EXPORTED_TABLES)
def test_every_table_can_be_taken_away(small: Small, get: Get, table: str) -> None:
    (rows,) = small.db.execute(f"SELECT count(*) FROM [{table}]").fetchone()
    lines = list(csv.DictReader(io.StringIO(get(f"/archive/{table}.csv").text, newline="")))
    assert len(lines) == rows
    if lines:
        assert "text" not in lines[0]
        assert "key" not in lines[0]
    assert get(f"/archive/{table}.parquet").content.startswith(b"PAR1")


def test_a_query_of_the_site_comes_whole(small: Small, get: Get) -> None:
    with small.db.conn:
        small.db.execute(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1500) INSERT OR IGNORE INTO pages"
            " (url, key, outlet, discovered, via, state) SELECT 'p' || i, 'p' || i, 'faro',"
            " date('1900-01-01', '+' || i || ' months'), 'feed', 'off-topic' FROM n"
        )
    for ending in ("csv", "excel.csv"):
        answer = get(f"/archive/share_on_subject.{ending}")
        lines = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"), newline="")))
        assert len(lines) == 1502 == int(answer.headers["x-total-rows"])
    faro = next(line for line in lines if (line["outlet"], line["month"]) == ("faro", "2026-01"))
    assert (faro["seen"], faro["on_subject"], faro["per_thousand"]) == ("4", "4", "1000.0")
    found = get("/archive/latest_by_outlet.jsonl?outlet=FARO").text.splitlines()
    assert len(found) == 200
    assert get("/archive/latest_by_outlet.csv").text.count("\n") == 1


def test_a_condition_that_is_none_is_answered_in_words(get: Get) -> None:
    for query in ("nothing=1", "_where=nonsense(", "_search=%22"):
        answer = get(f"/archive/articles.csv?{query}")
        assert answer.status_code in (200, 404)
        assert "Traceback" not in answer.text


@pytest.mark.parametrize("public", [True, False])
def test_what_is_published_can_be_taken_away_and_holds_no_text(
    small: Small, tmp_path: Path, public: bool
) -> None:
    published = publish(small.path, tmp_path, public=public)
    get = client(published.path, public=public)
    for ending in FORMS:
        answer = get(f"/search.{ending}?q=seguridad")
        assert answer.status_code == 200, ending
        assert b"Second paragraph" not in answer.content
        if ending != "md":
            assert len(rows_in(answer.content, ending)) == 7
    assert len(rows_in(get("/archive/articles.xlsx").content, "xlsx")) == MANY + 8


def test_an_archive_served_in_public_gives_no_tables(small: Small) -> None:
    get = client(small.path, public=True)
    assert get("/archive/articles.csv").status_code == 403
    assert get("/archive/revisions.parquet").status_code == 403
    assert len(rows_in(get("/search.csv?q=seguridad").content, "csv")) == 7


@pytest.fixture
def served(small: Small) -> Iterator[tuple[str, int]]:
    site = build_site(small.path)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = uvicorn.Server(uvicorn.Config(site.app(), port=port, log_level="critical", lifespan="on"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.05)
    yield "127.0.0.1", port
    server.should_exit = True
    thread.join()


def test_a_file_that_fails_on_the_way_is_not_taken_for_a_whole_one(
    served: tuple[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(db: object, path: Path, extract: object, form: str) -> None:
        path.write_bytes(b"id,url\r\n" * 100_000)
        time.sleep(0.3)
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(downloads, "write_file", fail)
    connection = http.client.HTTPConnection(*served)
    connection.request("GET", "/search.csv")
    with pytest.raises((http.client.IncompleteRead, ConnectionError)):
        connection.getresponse().read()


@pytest.mark.parametrize("ending", ["csv", "xlsx", "parquet"])
def test_a_file_that_fails_at_once_is_answered_in_words(
    served: tuple[str, int], monkeypatch: pytest.MonkeyPatch, ending: str
) -> None:
    def fail(db: object, path: Path, extract: object, form: str) -> None:
        path.touch()
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(downloads, "write_file", fail)
    connection = http.client.HTTPConnection(*served)
    connection.request("GET", f"/search.{ending}")
    answer = connection.getresponse()
    assert answer.status == 500
    assert b"<html" in answer.read()


def test_too_many_at_once_are_asked_to_wait_and_who_leaves_makes_room(
    served: tuple[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, stop = threading.Semaphore(0), threading.Event()

    def slow(db: Any, path: Path, extract: object, form: str) -> None:
        path.write_bytes(b"id,url\r\n")
        begun.release()
        while not stop.is_set():  # a query that is interrupted when the reader has gone
            db.execute(
                "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300000) SELECT max(i) FROM n"
            ).fetchall()

    monkeypatch.setattr(downloads, "write_file", slow)
    monkeypatch.setattr(desk, "WAITING", 2)
    readers = [http.client.HTTPConnection(*served, timeout=20) for _ in range(3)]
    try:
        for reader in readers[:2]:
            reader.request("GET", "/search.csv")
            assert begun.acquire(timeout=20)
        readers[2].request("GET", "/search.csv")
        refused = readers[2].getresponse()
        assert refused.status == 503
        assert "Too many downloads" in refused.read().decode()
        readers[0].close()
        for _ in range(100):
            readers[2].request("GET", "/search.csv")
            answer = readers[2].getresponse()
            if answer.status == 200:
                break
            answer.read()
            time.sleep(0.1)
        assert answer.status == 200
    finally:
        stop.set()
        for reader in readers:
            reader.close()
