"""A third set of misbehaving outlets: broken HTTP, odd documents, cunning pages; one crawl by the real command."""

import json
import re
from collections.abc import Iterator

import pytest

from benchmarks.hostile_memory import GOAL_MB
from tests import hostile_documents as documents
from tests.hostile_cases import Case
from tests.hostile_crawl import Crawled, crawled
from tests.hostile_wire import WIRE

pytestmark = pytest.mark.slow

CASES: dict[str, Case] = {
    **WIRE, **documents.ROBOTS, **documents.FEEDS, **documents.SITEMAPS, **documents.PAGES,
}  # fmt: skip
SECONDS = 90  # OUTLET_SECONDS of this crawl: a slow machine needs most of them
SETTINGS = f"""
DOWNLOAD_TIMEOUT = 5
ROUTE_TIMEOUT_SECONDS = 6
RETRY_FIRST_WAIT_SECONDS = 0.05
OUTLET_SECONDS = {SECONDS}
OUTLET_PAGES = 1200
"""


@pytest.fixture(scope="module")
def third(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Crawled]:
    with crawled(tmp_path_factory.mktemp("hostile-third"), CASES, SETTINGS, seconds=SECONDS + 120) as outcome:
        yield outcome


@pytest.mark.parametrize("outlet", CASES)
def test_the_good_is_archived_and_the_rest_is_named(third: Crawled, outlet: str) -> None:
    assert list(third.faults(outlet, CASES[outlet])) == []


def test_the_crawl_ends_by_itself_within_its_time_and_memory(third: Crawled) -> None:
    assert third.code == 0, third.output[-2_000:]
    assert third.seconds < SECONDS + 60
    assert third.memory.rss < GOAL_MB
    assert "Traceback" not in third.output


def test_nobody_asked_a_canary(third: Crawled) -> None:
    assert third.web.canary == []


def test_every_page_that_was_lost_has_words(third: Crawled) -> None:
    bare = third.db.execute(
        "SELECT url, state FROM pages WHERE state NOT IN ('archived', 'off-topic') AND reason = ''"
    ).fetchall()
    assert [tuple(row) for row in bare] == []
    for table in ("pages", "routes"):
        for (reason,) in third.db.execute(f"SELECT reason FROM {table} WHERE reason IS NOT NULL"):
            assert reason.isprintable()
            assert len(reason) < 1_000
            assert "a fault in bilateral" not in reason


def test_the_archive_verifies_and_speaks_of_each_outlet(third: Crawled) -> None:
    report = third.run("verify", "--json")
    assert json.loads(report.stdout)["damages"] == []
    status = third.run("status")
    assert re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", status.stdout) is None
    outlets = {each["outlet"]: each for each in json.loads(third.run("status", "--json").stdout)["outlets"]}
    for name in ("status-418", "feed-escaped", "robots-999", "feed-entities"):
        assert outlets[name]["problems"], name
