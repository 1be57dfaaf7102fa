"""The feeds, by a feed library and by the rules that the W3C's validator checks (RFC 4287)."""

import json
import re
import sqlite3
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import feedparser
import pytest
from lxml import etree

from archive.site.feeds import entry_id
from tests.archives import build_archive
from tests.site_pages import Get, client, one

ATOM = "{http://www.w3.org/2005/Atom}"
LANG = "{http://www.w3.org/XML/1998/namespace}lang"
ONCE_IN_FEED = ("id", "title", "updated", "subtitle", "generator")
ONCE_IN_ENTRY = ("id", "title", "updated", "summary", "author")
KNOWN = {"id", "title", "updated", "subtitle", "generator", "link", "entry", "author", "summary", "published"}


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_archive(tmp_path_factory.mktemp("feeds"))


@pytest.fixture(scope="module")
def get(archive: Path) -> Get:
    return client(archive)


def feeds(archive: Path) -> list[str]:
    story = one(archive, "SELECT id FROM stories ORDER BY articles DESC")
    return ["/search.atom", "/search.atom?q=armas&lang=en", "/search.atom?q=xyzzyx", "/search.atom?outlet=faro",
            '/search.atom?q=%22%26%3C%00%0b"&country=MX', "/changes.atom?lang=es", f"/story/{story}.atom",
            "/stories.atom", "/stories.atom?lang=en"]  # fmt: skip


def check_iri(value: str) -> None:
    parts = urlsplit(value)
    assert parts.scheme in ("http", "https", "urn"), value
    assert not re.search(r"[\s<>\"{}|\\^`]", value), value


def check_time(value: str) -> None:
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(Z|[+-]\d\d:\d\d)", value), value
    assert datetime.fromisoformat(value).tzinfo is not None


def check_element(element: Any, once: tuple[str, ...]) -> None:
    """The rules that hold for the feed and for each entry."""
    assert {child.tag for child in element} <= {ATOM + name for name in KNOWN}
    for name in once:
        assert len(element.findall(ATOM + name)) == 1, name
    check_iri(element.findtext(f"{ATOM}id"))
    check_time(element.findtext(f"{ATOM}updated"))
    assert element.findtext(f"{ATOM}title").strip()
    assert re.fullmatch(r"[a-z]{2}", element.get(LANG))
    alternate = [link for link in element.findall(f"{ATOM}link") if link.get("rel") == "alternate"]
    assert len({(link.get("type"), link.get("hreflang")) for link in alternate}) == len(alternate) == 1
    for link in element.findall(f"{ATOM}link"):
        check_iri(link.get("href"))
        assert re.fullmatch(r"[\w.+-]+/[\w.+-]+", link.get("type"))


def test_feeds_keep_the_rules(archive: Path, get: Get) -> None:
    for path in feeds(archive):
        answer = get(path)
        assert answer.headers["content-type"] == "application/atom+xml; charset=utf-8", path
        root = etree.fromstring(answer.content)
        assert root.tag == f"{ATOM}feed"
        check_element(root, ONCE_IN_FEED)
        (self_link,) = [link for link in root.findall(f"{ATOM}link") if link.get("rel") == "self"]
        itself = self_link.get("href").removeprefix("http://localhost")
        assert get(itself).content == answer.content, path
        entries = root.findall(f"{ATOM}entry")
        for entry in entries:
            check_element(entry, ONCE_IN_ENTRY)
            assert entry.findtext(f"{ATOM}author/{ATOM}name").strip()
            for published in entry.findall(f"{ATOM}published"):
                check_time(published.text)
        ids = [entry.findtext(f"{ATOM}id") for entry in entries]
        assert len(set(ids)) == len(ids)
        assert bool(entries) == ("xyzzyx" not in path and "%00" not in path), path


def test_a_feed_library_reads_every_feed_without_complaint(archive: Path, get: Get) -> None:
    for path in feeds(archive):
        feed = feedparser.parse(get(path).content)
        assert not feed.bozo, (path, feed.get("bozo_exception"))
        assert all(entry.title and entry.link and entry.updated_parsed for entry in feed.entries)


def test_an_article_has_one_id_whatever_the_search_the_language_or_the_name_of_the_host(get: Get) -> None:
    asked = (
        "/search.atom?q=armas", "/search.atom?q=armas&lang=en", "/search.atom?q=armas&sort=oldest",
        "/search.atom?q=armas&copies=all",
    )  # fmt: skip
    found = {}
    for path in asked:
        for host in ("localhost", "archivo.example"):
            for entry in feedparser.parse(get(path, headers={"host": host}).content).entries:
                found.setdefault(entry.title, set()).add(entry.id)
    assert found
    assert all(len(ids) == 1 for ids in found.values())
    assert entry_id("https://a.example/1") == "urn:uuid:" + entry_id("https://a.example/1").rpartition(":")[2]


def test_an_article_changed_later_is_the_same_entry_and_its_change_one_of_its_own(
    archive: Path, get: Get
) -> None:
    with sqlite3.connect(archive) as connection:
        (url, number) = connection.execute(
            "SELECT a.url, r.number FROM revisions r JOIN articles a ON a.id = r.article"
            " WHERE r.number > 1 AND a.grade > 0 ORDER BY r.seen DESC, r.id DESC"
        ).fetchone()
    changes = feedparser.parse(get("/changes.atom").content).entries
    assert entry_id(f"{url}#revision-{number}") in {entry.id for entry in changes}
    articles = feedparser.parse(get("/search.atom?copies=all").content).entries
    assert entry_id(url) in {entry.id for entry in articles}


def test_a_feed_says_how_many_outlets_are_watched_and_how_it_was_understood(get: Get) -> None:
    feed = feedparser.parse(get("/search.atom?q=armas&lang=es").content).feed
    assert re.search(r"\d+ medios monitoreados; \d+ sin novedades", feed.subtitle)
    assert "«armas»" in feed.subtitle


def test_the_list_of_stories_comes_in_every_form(archive: Path, get: Get) -> None:
    with sqlite3.connect(archive) as db:
        stored = [row[0] for row in db.execute(
            "SELECT id FROM stories WHERE articles > 1 ORDER BY last_published DESC, id DESC")]  # fmt: skip
    assert stored
    found = get("/stories.json").json()
    assert [story["id"] for story in found["stories"]] == stored[: len(found["stories"])]
    assert get(found["stories"][0]["page"].partition("localhost")[2]).status_code == 200
    entries = etree.fromstring(get("/stories.atom").content).findall(f"{ATOM}entry")
    assert len(entries) == len(found["stories"])
    page = get("/stories?lang=es").text
    for ending in ("csv", "excel.csv", "xlsx", "jsonl", "parquet"):
        assert f'href="/stories.{ending}?lang=es"' in page
        answer = get(f"/stories.{ending}?lang=es")
        assert answer.headers["x-total-rows"] == str(len(stored))
        assert answer.headers["content-disposition"] == f'attachment; filename="bilateral-stories.{ending}"'
    lines = get("/stories.jsonl").text.splitlines()
    assert {json.loads(line)["id"] for line in lines} == set(stored)
