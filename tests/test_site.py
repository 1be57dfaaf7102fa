"""The site, asked as a reader asks it: over a real archive, through Datasette's own client."""

import asyncio
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import feedparser
import pytest
from icalendar import Calendar

from archive.site.app import build_site
from archive.site.diffs import word_diff
from tests.archives import build_archive
from tests.site_pages import own_pages

Get = Callable[..., Any]


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_archive(tmp_path_factory.mktemp("site"))


@pytest.fixture(scope="module")
def get(archive: Path) -> Get:
    site = build_site(archive)
    loop = asyncio.new_event_loop()
    loop.run_until_complete(site.invoke_startup())
    return lambda path, **options: loop.run_until_complete(site.client.get(path, **options))


def rows(archive: Path, sql: str) -> list[tuple[Any, ...]]:
    with sqlite3.connect(archive) as connection:
        return connection.execute(sql).fetchall()


def test_every_page_answers_with_the_security_headers(archive: Path, get: Get) -> None:
    for path in own_pages(archive):
        answer = get(path)
        assert answer.status_code == (404 if path == "/nothing-here" else 200), path
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert answer.headers["x-content-type-options"] == "nosniff"


def test_article_shows_versions_with_their_difference_and_the_evidence(archive: Path, get: Get) -> None:
    (number, title) = rows(
        archive,
        "SELECT a.id, a.title FROM articles a JOIN revisions r ON r.article = a.id AND r.number = 2"
        " JOIN revisions b ON b.article = a.id AND b.number = 1 WHERE r.text != b.text AND a.grade > 0",
    )[0]
    page = get(f"/article/{number}?lang=en").text
    assert "<ins>" in page or "<del>" in page
    assert (
        title.replace("'", "&#39;").replace('"', "&#34;").replace("&", "&amp;")[:20] in page
        or title[:20] in page
    )
    assert "sha256:" in page
    assert 'name="citation_title"' in page


def test_changes_feed_is_well_formed_and_its_ids_stay(get: Get) -> None:
    first, second = (feedparser.parse(get("/changes.atom").text) for _ in range(2))
    assert not first.bozo
    assert first.entries
    assert [entry.id for entry in first.entries] == [entry.id for entry in second.entries]
    assert len({entry.id for entry in first.entries}) == len(first.entries)


def test_headline_of_a_stranger_is_shown_and_not_obeyed(archive: Path, get: Get) -> None:
    hostile = "<script>alert(1)</script> {{ 7*7 }} \u202e=HYPERLINK(1)"
    with sqlite3.connect(archive) as connection:
        (number,) = connection.execute("SELECT max(id) FROM articles WHERE grade > 0").fetchone()
        (before,) = connection.execute("SELECT title FROM articles WHERE id = ?", [number]).fetchone()
        connection.execute("UPDATE articles SET title = ? WHERE id = ?", [hostile, number])
    try:
        for path in (f"/article/{number}", "/", "/changes", "/changes.atom", "/archive/articles"):
            assert "<script>alert(1)" not in get(path).text, path
            assert "49 " not in get(f"/article/{number}").text.partition("<h1")[2][:200]
    finally:
        with sqlite3.connect(archive) as connection:
            connection.execute("UPDATE articles SET title = ? WHERE id = ?", [before, number])


@pytest.mark.parametrize(
    "path", ["/article/9999999999999999999", "/outlet/none", "/article/0", "/story/9999999"]
)
def test_unknown_addresses_are_404_with_words(get: Get, path: str) -> None:
    answer = get(path + "?lang=en")
    assert answer.status_code == 404
    assert "leads to nothing in the archive" in answer.text


def test_tables_that_cannot_answer_say_so_in_words(get: Get) -> None:
    answer = get("/archive?sql=select+1+from+nowhere&lang=en")
    assert answer.status_code < 500
    assert "Traceback" not in answer.text
    assert get("/archive/articles?_sort=nonsense").status_code in (200, 404)
    assert get("/archive.db").status_code in (403, 404)


def test_difference_escapes_and_joins_scattered_changes() -> None:
    html = word_diff(
        "<b>El lunes llegan dos mil soldados a Sonora", "<b>El martes llegan tres mil soldados a Sonora"
    )
    assert "<b>" not in html
    assert html.count("<del>") == 1
    assert "<del>lunes llegan dos</del>" in html


def test_a_story_tells_both_sides_and_who_was_first(archive: Path, get: Get) -> None:
    (number, articles) = rows(archive, "SELECT id, articles FROM stories ORDER BY articles DESC LIMIT 1")[0]
    page = get(f"/story/{number}?lang=en").text
    assert "Mexican outlets" in page
    assert "earlier" in page
    found = get(f"/story/{number}.json").json()
    assert len(found["coverage"]) == articles
    assert {article["country"] for article in found["coverage"]} == {"MX", "US"}
    assert any(article["official"] for article in found["coverage"])
    assert {side for side, first in found["first"].items() if first} == {"MX", "US"}
    assert "Marco Rubio" in [said["name"] for said in found["comparison"]["quoted"]["US"]]
    assert found["why"][0]["why"]
    assert found["silent_outlets"]
    revised = [change for change in found["changes"] if change["what"] == "revision"]
    assert revised
    assert all(change["kinds"] for change in revised)
    assert "What was changed or removed" in page
    assert not feedparser.parse(get(f"/story/{number}.atom").text).bozo
    assert len(get(f"/story/{number}.csv").text.strip().splitlines()) >= articles + 1


def test_the_calendar_announces_the_meeting_of_the_23rd_and_the_ministerial_of_february(get: Get) -> None:
    calendar = Calendar.from_ical(get("/calendar.ics").content)
    talks = {(str(event["dtstart"].dt), str(event["dtend"].dt)) for event in calendar.walk("VEVENT")}
    assert ("2026-01-23", "2026-01-24") in talks
    assert ("2026-02-01", "2026-03-01") in talks
    assert "23 de enero de 2026" in get("/calendar?lang=es").text


def test_a_story_that_became_part_of_another_leads_there(archive: Path, get: Get) -> None:
    (kept,) = rows(archive, "SELECT id FROM stories ORDER BY articles DESC LIMIT 1")[0]
    with sqlite3.connect(archive) as connection:
        connection.execute(
            "INSERT INTO story_changes (changed, kind, story, other, articles)"
            " VALUES ('2026-01-16T00:00:00Z', 'merge', 4711, ?, '[1]')",
            [kept],
        )
    answer = get("/story/4711?lang=en")
    assert answer.status_code == 302
    assert answer.headers["location"] == f"/story/{kept}?lang=en"
