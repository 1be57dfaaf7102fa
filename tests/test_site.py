"""The site, asked as a reader asks it: over a real archive, through Datasette's own client."""

import csv
import io
import re
import shutil
import sqlite3
import time
from pathlib import Path
from typing import Any

import feedparser
import pytest
from icalendar import Calendar

from archive.grouping import group_archive
from archive.search import facets, warm
from archive.site import queries
from archive.site.calendar_queries import calendar
from archive.site.diffs import word_diff
from archive.site.reasons import marked
from archive.site.rendering import teaser
from archive.store import open_archive
from archive.takedown import take_down
from tests.archives import build_archive
from tests.site_pages import Get, client, in_language, own_pages
from tests.small_archive import build


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_archive(tmp_path_factory.mktemp("site"))


@pytest.fixture(scope="module")
def get(archive: Path) -> Get:
    return client(archive)


def rows(archive: Path, sql: str, *values: object) -> list[tuple[Any, ...]]:
    with sqlite3.connect(archive) as connection:
        return connection.execute(sql, values).fetchall()


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


def test_what_put_an_article_here_is_marked_and_not_what_spoke_against_it() -> None:
    terms = [
        {"text": "bilateral security · FBI", "where": "lede", "points": 3.0, "why": ""},
        {"text": "museum", "where": "lede", "points": -1.0, "why": ""},
        {"text": "after · days", "where": "text", "points": 2.0, "why": ""},
    ]
    paragraph = "After days of bilateral security talks the FBI went to a museum."
    (shown,) = marked([paragraph], terms)
    assert shown == (
        "After days of <mark>bilateral security</mark> talks the <mark>FBI</mark> went to a museum."
    )
    assert marked([paragraph], terms[1:])[0].startswith("<mark>After</mark> <mark>days</mark> of")


def test_what_the_archive_did_is_told_in_utc_whatever_the_outlets_clock(archive: Path, get: Get) -> None:
    outlet = rows(archive, "SELECT id FROM outlets WHERE timezone != 'UTC'")[0][0]
    for path in ("/changes", "/outlets", f"/outlet/{outlet}"):
        page = get(f"{path}?lang=es").text
        noticed = re.findall(r"(?:Notado:|<td[^>]*>|<dd>) *<time[^>]*>[^<]*</time>(.{4})", page)
        assert noticed, path
        assert set(noticed) == {" UTC"}, path


def test_across_the_border_is_the_same_day_on_each_outlets_clock(tmp_path: Path) -> None:
    path = build(tmp_path, 2).path
    with sqlite3.connect(path) as connection:
        mexican, american = (row[0] for row in connection.execute("SELECT id FROM articles ORDER BY country"))

        def across(published: str) -> int:
            connection.execute("UPDATE articles SET published = ? WHERE id = ?", [published, american])
            return len(queries.article(connection, mexican)["across"])  # type: ignore[index]

        # 14 January, 23:30 in Mexico City (UTC-6); New York is at UTC-5.
        connection.execute("UPDATE articles SET published = '2026-01-15T05:30:00Z' WHERE id = ?", [mexican])
        assert across("2026-01-14T05:00:00Z")  # 0:00 of the 14th
        assert across("2026-01-15T04:59:00Z")
        assert not across("2026-01-15T05:00:00Z")  # the 15th in New York
        assert not across("2026-01-14T04:59:00Z")


def test_front_page_counts_the_other_outlets_of_a_text_and_not_its_copies(tmp_path: Path) -> None:
    small = build(tmp_path, 6)
    group_archive(small.db)
    with sqlite3.connect(small.path) as connection:
        (shown,) = queries.latest_articles(connection, "MX")
    assert shown["also_in"] == 1


def test_front_page_counts_later_versions_and_notices_more(tmp_path: Path) -> None:
    path = build(tmp_path, 3).path
    with sqlite3.connect(path) as connection:
        assert queries.later_versions(connection) == 1
        connection.execute(
            "INSERT INTO revisions (article, number, seen, title, text, sha256)"
            " SELECT article, 3, seen, title, text, sha256 FROM revisions WHERE number = 2"
        )
        assert queries.later_versions(connection) == 2
        connection.execute("DELETE FROM revisions WHERE number = 3")
        assert queries.later_versions(connection) == 1


def test_what_a_crawl_writes_is_soon_found_and_the_counts_are_those_of_the_database(tmp_path: Path) -> None:
    path = build(tmp_path, 12).path
    ask = client(path)
    with sqlite3.connect(path) as writer:
        columns = [name for _, name, *_ in writer.execute("PRAGMA table_info(articles)")]
        listed = ", ".join(name for name in columns if name not in ("id", "url", "key"))
        before = ask("/search.json?copies=all").json()["total"]
        for number in range(1, 6):
            writer.execute(
                f"INSERT INTO articles (id, url, key, {listed}) SELECT id + {number}, url || '-{number}',"
                f" key || '-{number}', {listed} FROM articles WHERE id = (SELECT max(id) FROM articles)"
            )
            writer.execute(
                "INSERT INTO texts SELECT max(id), 'Vado', '', 'Un vado recién abierto.' FROM articles"
            )
            writer.commit()
            began = time.monotonic()
            while ask("/search.json?q=vado&copies=all").json()["total"] < number:
                assert time.monotonic() - began < 3, number
                time.sleep(0.1)
        assert ask("/search.json?copies=all").json()["total"] == before + 5
        found = facets(writer, "", copies="all")
        for name in ("outlet", "country", "language", "grade", "section"):
            sql = f"SELECT {name}, count(*) FROM articles WHERE grade > 0 AND {name} <> '' GROUP BY 1"
            counted = {str(value): count for value, count in writer.execute(sql)}
            assert getattr(found, name) == counted, name


@pytest.mark.parametrize(
    "path", ["/archive/articles?_facet=%00", "/archive/articles?_sort=%00", "/archive?sql=select+%00"]
)
def test_a_name_that_no_statement_can_hold_is_answered_in_words(get: Get, path: str) -> None:
    answer = get(path)
    assert answer.status_code == 200
    assert "Traceback" not in answer.text


def test_words_and_links_do_not_run_into_each_other(archive: Path, get: Get) -> None:
    glued = re.compile(r"[\w.,;:!?)]<(?:a|strong|small|code|time)[ >]|</(?:a|strong|small|code|time)>\w")
    for path in own_pages(archive):
        for language in ("es", "en"):
            page = re.sub(r"<pre.*?</pre>", "", get(in_language(path, language)).text, flags=re.DOTALL)
            found = glued.search(page)
            assert found is None, (path, page[found.start() - 60 : found.end() + 40])


def test_a_summary_cut_by_its_publisher_is_marked_as_cut() -> None:
    whole = (
        "Los ministros de los dos países acordaron el miércoles abrir una oficina contra el tráfico de armas"
    )
    assert teaser(f"{whole}.") == f"{whole}."
    assert teaser(whole) == f"{whole}…"
    assert teaser("Una cita breve") == "Una cita breve"
    assert len(teaser(whole * 9)) <= 320
    assert teaser(whole * 9).endswith("…")


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
    table = list(csv.DictReader(io.StringIO(get(f"/story/{number}.csv").text)))
    assert len(table) >= articles
    assert {"title", "first_title", "official"} <= set(table[0])


def test_an_article_names_the_agency_the_first_carrier_and_what_was_cut(archive: Path, get: Get) -> None:
    group, earliest, agency = rows(
        archive, "SELECT id, earliest, agency FROM copy_groups ORDER BY id LIMIT 1"
    )[0]
    member = "SELECT article, words_added, words_removed FROM copies WHERE copy_group = ? AND article != ?"
    number, added, removed = rows(archive, member, group, earliest)[0]
    page = get(f"/article/{number}?lang=en").text
    assert "First carried by" in page
    assert f"+{added} −{removed} words" in page
    assert agency is None or f"Agency: {agency}" in page
    assert get(f"/article/{number}.json").json()["dispatch"]["earliest"] == earliest
    assert "This outlet carried it first" in get(f"/article/{earliest}?lang=en").text


def test_the_calendar_announces_the_meeting_of_the_23rd_and_the_ministerial_of_february(get: Get) -> None:
    calendar = Calendar.from_ical(get("/calendar.ics").content)
    talks = {(str(event["dtstart"].dt), str(event["dtend"].dt)) for event in calendar.walk("VEVENT")}
    assert ("2026-01-23", "2026-01-24") in talks
    assert ("2026-02-01", "2026-03-01") in talks
    assert "23 de enero de 2026" in get("/calendar?lang=es").text
    fates = [str(event["description"]).partition(".")[0] for event in calendar.walk("VEVENT")]
    assert all(
        fate.startswith(("Está por venir", "Después se informó", "Pasó la fecha", "Se canceló"))
        for fate in fates
    )


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


def test_the_calendar_notices_what_another_program_deletes_or_adds(archive: Path, tmp_path: Path) -> None:
    copy = tmp_path / "archive.db"
    shutil.copy(archive, copy)
    reader, writer = sqlite3.connect(copy), sqlite3.connect(copy)
    talks = calendar(reader, "2026")
    [day] = {talk["date"] for talk in talks[:1]}
    kept = writer.execute("SELECT * FROM mentions WHERE date = ?", [day]).fetchall()
    with writer:
        writer.execute("DELETE FROM mentions WHERE date = ?", [day])
    assert day not in {talk["date"] for talk in calendar(reader, "2026")}
    with writer:
        writer.executemany(f"INSERT INTO mentions VALUES ({','.join('?' * len(kept[0]))})", kept)
    assert calendar(reader, "2026") == talks


def test_readers_of_the_calendar_do_not_wait_for_what_is_written(
    archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = tmp_path / "archive.db"
    shutil.copy(archive, copy)
    monkeypatch.setattr("archive.site.kept.CALM_SECONDS", 0.0)
    reader, writer = sqlite3.connect(copy), sqlite3.connect(copy)
    warm(reader, patience=1.0)
    talks = calendar(reader, "2026")
    with writer:
        writer.execute("DELETE FROM mentions WHERE date = ?", [talks[0]["date"]])
    assert calendar(reader, "2026") == talks  # while they are read anew
    for _ in range(100):
        if calendar(reader, "2026") == talks[1:]:
            break
        time.sleep(0.05)
    else:
        pytest.fail("never read anew")
    monkeypatch.setattr("archive.site.kept.BEHIND_SECONDS", 0.0)
    with writer:
        writer.execute("DELETE FROM mentions WHERE date = ?", [talks[1]["date"]])
    assert calendar(reader, "2026") == talks[2:]  # too old to be shown


def test_what_is_withdrawn_goes_from_the_calendar_at_once(archive: Path, tmp_path: Path) -> None:
    copy = tmp_path / "archive.db"
    shutil.copy(archive, copy)
    reader = sqlite3.connect(copy)
    warm(reader, patience=60.0)
    talks = calendar(reader, "2026")
    article = talks[0]["sentences"][0]["article"]
    db = open_archive(copy)
    (url,) = db.execute("SELECT url FROM articles WHERE id = ?", [article]).fetchone()
    take_down(db, url, "asked by the author")
    shown = {sentence["article"] for talk in calendar(reader, "2026") for sentence in talk["sentences"]}
    assert shown
    assert article not in shown
