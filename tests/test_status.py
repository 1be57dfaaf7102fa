import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from archive.cli import main
from archive.ledger import Route, route_failed
from archive.models import Lead, Outcome
from archive.pages import file_lead, finish_page
from archive.status import outlet_status, usual_pause
from tests.small_archive import Small, build


@pytest.fixture
def small(tmp_path: Path) -> Small:
    return build(tmp_path)


def run(small: Small, *arguments: str) -> Result:
    return CliRunner().invoke(main, [arguments[0], "--db", str(small.path), *arguments[1:]])


def crawl(small: Small, number: int, started: str) -> None:
    with small.db.conn:
        small.db.execute("INSERT INTO crawls (id, started, outcome) VALUES (?, ?, 'done')", [number, started])
        small.db.execute(
            "INSERT INTO crawl_outlets (crawl, outlet, discovered, new, failed) VALUES (?, 'faro', ?, 4, 1)",
            [number, 10 * number],
        )


def test_status_tells_of_the_last_crawl_and_the_totals(small: Small) -> None:
    crawl(small, 1, "2026-02-01T00:00:00Z")
    crawl(small, 2, "2026-02-02T00:00:00Z")
    report = json.loads(run(small, "status", "--json").stdout)
    faro = next(row for row in report["outlets"] if row["outlet"] == "faro")
    assert (faro["last_crawl"], faro["found"], faro["new"], faro["errors"]) == (
        "2026-02-02T00:00:00Z",
        20,
        4,
        1,
    )
    assert faro["found_total"] == 30
    assert report["totals"]["articles"] == 8
    assert report["totals"]["pages"] == {"archived": 8}
    assert "8 articles" in run(small, "status").output


def test_status_says_what_waits_to_be_grouped(small: Small) -> None:
    run(small, "group")
    assert "not yet grouped" not in run(small, "status").output
    with small.db.conn:
        small.db.execute("UPDATE articles SET sha256 = 'x' WHERE url = 'https://faro.example/n/0'")
    assert json.loads(run(small, "status", "--json").stdout)["totals"]["ungrouped"] == 1
    assert "1 article is not yet grouped" in run(small, "status").output
    run(small, "group")
    assert "not yet grouped" not in run(small, "status").output


def test_silence_is_measured_against_the_outlets_own_habit(small: Small) -> None:
    days = ["2026-01-01", "2026-01-02", "2026-01-03", "2026-01-04"]
    with small.db.conn:
        small.db.execute("DELETE FROM pages")
        for day in days:
            small.db.execute(
                "INSERT INTO pages (url, key, outlet, discovered, via, state)"
                " VALUES (?, ?, 'faro', ? || 'T00:00:00Z', 'feed', 'queued')",
                [day, day, day],
            )
    quiet = next(row for row in outlet_status(small.db, "2026-01-05T00:00:00Z") if row["outlet"] == "faro")
    silent = next(row for row in outlet_status(small.db, "2026-01-09T12:00:00Z") if row["outlet"] == "faro")
    assert (quiet["silence"], quiet["usual_pause"], quiet["silent"]) == (1.0, 1.0, False)
    assert (silent["silence"], silent["silent"]) == (5.5, True)


def test_a_usual_pause_needs_three_days() -> None:
    assert usual_pause(["2026-01-01", "2026-01-08"]) is None
    assert usual_pause(["2026-01-01", "2026-01-08", "2026-01-15"]) == 7.0


def test_why_tells_the_whole_way_of_an_article(small: Small) -> None:
    output = run(small, "why", "https://faro.example/n/0").output
    for words in (
        "Discovered",
        "rss",
        "Fetched 2026-02-01",
        "at byte",
        "grade 2 (core)",
        "seguridad",
        "Revision 2",
    ):
        assert words in output
    report = json.loads(run(small, "why", "--json", "https://faro.example/n/0").stdout)
    assert len(report["snapshots"]) == 2
    assert report["article"]["revisions"] == 2


def test_why_knows_other_forms_of_an_address(small: Small) -> None:
    result = run(small, "why", "https://www.faro.example/n/0?utm_source=x#top")
    assert result.exit_code == 0
    assert "Stored as article" in result.output


def test_why_says_why_not(small: Small) -> None:
    url = "https://faro.example/deportes/1"
    file_lead(small.db, Lead(url=url, outlet="faro", via="sitemap"), screened_out=True)
    assert "Screened out" in run(small, "why", url).output
    url = "https://faro.example/deportes/2"
    file_lead(small.db, Lead(url=url, outlet="faro", via="sitemap"))
    assert "Queued" in run(small, "why", url).output
    finish_page(small.db, url, Outcome.BLOCKED, reason="wall: the server asks for a subscription")
    assert "blocked: wall: the server asks" in run(small, "why", url).output


@pytest.mark.parametrize("url", ["https://nobody.example/x", "nonsense", "javascript:alert(1)", ""])
def test_an_unknown_url_is_said_to_be_unknown(small: Small, url: str) -> None:
    result = run(small, "why", url)
    assert result.exit_code == 1
    assert "never discovered" in result.output


def test_headlines_cannot_command_the_terminal(small: Small) -> None:
    url = "https://faro.example/x"
    file_lead(small.db, Lead(url=url, outlet="faro", via="feed", headline="a\x1b[2Jb\x9bc\u202ed"))
    with small.db.conn:
        small.db.execute("UPDATE pages SET reason = ? WHERE url = ?", ["\x1b]0;gone\x07", url])
    output = run(small, "why", url).output
    assert not any(ord(c) < 32 and c != "\n" for c in output)
    assert "\x9b" not in output
    assert "\u202e" not in output


def test_status_says_in_words_what_went_wrong_with_routes_and_pages(small: Small) -> None:
    crawl(small, 1, "2026-02-01T00:00:00Z")
    feed = "https://www.faro.example/feed.xml"
    route_failed(small.db, Route(url=feed, outlet="faro", kind="feed"), "html instead of a feed")
    for number in range(12):
        url = f"https://www.faro.example/nota-{number}"
        file_lead(small.db, Lead(url=url, outlet="faro", via="feed", route=feed))
        finish_page(small.db, url, Outcome.FAILED, reason=f"HTTP {404 + number % 2}")
    words = run(small, "status").output
    assert f"feed {feed}: failed: html instead of a feed" in words
    assert "6 pages failed: HTTP 404" in words
    faro = next(
        row for row in json.loads(run(small, "status", "--json").stdout)["outlets"] if row["outlet"] == "faro"
    )
    assert len(faro["problems"]) == 3


def test_why_knows_routes_and_says_which_could_not_be_read(small: Small) -> None:
    (home,) = small.db.execute("SELECT homepage FROM outlets WHERE id = 'faro'").fetchone()
    feed = f"{home}feed.xml"
    route_failed(small.db, Route(url=feed, outlet="faro", kind="feed"), "HTTP 500 (server error)", status=500)
    told = run(small, "why", feed)
    assert told.exit_code == 0
    assert "a feed, known from registry" in told.output
    assert "HTTP 500 (server error)" in told.output
    missed = run(small, "why", f"{home}una-nota-que-nadie-nombro")
    assert missed.exit_code == 1
    assert f"faro's feed {feed} could not be read: HTTP 500 (server error)" in missed.output
