from pathlib import Path
from typing import Any

import pytest

from archive.models import Lead, Outcome
from archive.pages import file_lead, finish_page
from archive.store import row, rows
from tests.small_archive import Small, build


@pytest.fixture
def small(tmp_path: Path) -> Small:
    return build(tmp_path, articles=2)  # faro published one on 1 January, ledger one on the 2nd


def page(
    small: Small, path: str, day: str, outcome: Outcome | None, reason: str = "", *, answered: bool = True
) -> None:
    url = f"https://faro.example/{path}"
    if answered:
        with small.db.conn:
            small.db.execute(
                "INSERT INTO snapshots"
                " (url, page, fetched, status, warc_file, warc_offset, warc_length, payload_digest)"
                " VALUES (?, ?, '2026-01-01T00:00:00Z', 200, 'x', 0, 0, 'x')",
                [url, url],
            )
    file_lead(small.db, Lead(url=url, outlet="faro", via="feed", published_local=f"{day}T23:30:00-06:00"))
    if outcome is not None:
        finish_page(small.db, url, outcome, reason=reason)


def crawl(small: Small, started: str, **outlets: int) -> None:
    with small.db.conn:
        number = small.db.execute("INSERT INTO crawls (started) VALUES (?)", [started]).lastrowid
        for outlet, routes_ok in outlets.items():
            small.db.execute(
                "INSERT INTO crawl_outlets (crawl, outlet, routes_ok) VALUES (?,?,?)",
                [number, outlet, routes_ok],
            )


def test_a_day_counts_what_was_seen_and_what_became_of_it(small: Small) -> None:
    page(small, "a", "2026-01-01", Outcome.OFF_TOPIC)
    page(small, "b", "2026-01-01", Outcome.BLOCKED, "wall: asks for a subscription")
    page(small, "c", "2026-01-01", Outcome.BLOCKED, "robots.txt forbids it", answered=False)
    page(small, "d", "2026-01-01", Outcome.FAILED, "HTTP 404 (not found)")
    page(small, "e", "2026-01-01", None, answered=False)
    page(
        small, "a?utm_source=x", "2026-01-01", None, answered=False
    )  # another form of the first: a duplicate
    page(small, "f", "2026-01-01", Outcome.FAILED, "the host name is not known (DNS)", answered=False)
    page(small, "g", "2026-01-01", Outcome.BLOCKED, "a challenge for robots (HTTP 403)")
    day = row(small.db, "SELECT * FROM seen_per_day WHERE outlet = 'faro' AND day = '2026-01-01'")
    expected: dict[str, Any] = {
        "outlet": "faro", "day": "2026-01-01", "seen": 8, "fetched": 5, "on_subject": 1, "off_topic": 1,
        "screened_out": 0, "walled": 2, "refused": 1, "failed": 2, "queued": 1, "duplicates": 1,
    }  # fmt: skip
    assert day == expected


def test_a_share_is_one_query_away(small: Small) -> None:
    for number in range(7):
        page(small, f"other-{number}", "2026-01-03", Outcome.OFF_TOPIC)
    coverage = row(small.db, "SELECT * FROM coverage WHERE outlet = 'faro'")
    assert coverage is not None
    assert (coverage["seen"], coverage["on_subject"], coverage["on_subject_per_thousand"]) == (8, 1, 125.0)
    assert (coverage["first_day"], coverage["last_day"]) == ("2026-01-01", "2026-01-03")


def test_a_gap_lasts_from_the_last_good_reading_to_the_next(small: Small) -> None:
    with small.db.conn:
        small.db.execute("UPDATE outlets SET watched_since = '2026-01-01T00:00:00Z'")
    crawl(small, "2026-01-01T06:00:00Z", faro=1, ledger=1)
    crawl(small, "2026-01-02T06:00:00Z", faro=0, ledger=1)
    crawl(small, "2026-01-03T06:00:00Z", faro=0, ledger=1)
    crawl(small, "2026-01-04T06:00:00Z", faro=2, ledger=1)
    assert rows(small.db, "SELECT * FROM gaps") == [
        {
            "outlet": "faro",
            "started": "2026-01-01T06:00:00Z",
            "ended": "2026-01-04T06:00:00Z",
            "hours": 72.0,
        }
    ]


def test_an_outlet_that_went_dead_has_a_gap_to_the_last_crawl(small: Small) -> None:
    with small.db.conn:
        small.db.execute("UPDATE outlets SET watched_since = '2026-01-01T00:00:00Z'")
    for day in range(1, 6):
        crawl(small, f"2026-01-0{day}T06:00:00Z", faro=int(day == 1), ledger=1)
    gaps = rows(small.db, "SELECT outlet, started, ended FROM gaps")
    assert gaps == [{"outlet": "faro", "started": "2026-01-01T06:00:00Z", "ended": "2026-01-05T06:00:00Z"}]
