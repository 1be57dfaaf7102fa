"""A fourth set of misbehaving outlets: without routes, flaky, tiring, crowded, and reaching for what is others'."""

from collections.abc import Iterator

import pytest

from benchmarks.hostile_memory import GOAL_MB
from tests.hostile_crawl import Crawled, crawled
from tests.hostile_crowds import CROWDS
from tests.hostile_fourth import FOURTH as STRANGE
from tests.hostile_more import SECOND

pytestmark = pytest.mark.slow

FOURTH = STRANGE | CROWDS
SECONDS = 75
SETTINGS = f"""
DOWNLOAD_TIMEOUT = 3
ROUTE_TIMEOUT_SECONDS = 5
RETRY_FIRST_WAIT_SECONDS = 0.05
OUTLET_SECONDS = {SECONDS}
OUTLET_PAGES = 60
"""


@pytest.fixture(scope="module")
def fourth(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Crawled]:
    with crawled(
        tmp_path_factory.mktemp("hostile-fourth"), FOURTH, SETTINGS, seconds=SECONDS + 120
    ) as outcome:
        yield outcome


@pytest.mark.parametrize("outlet", FOURTH)
def test_the_good_is_archived_and_the_rest_is_named(fourth: Crawled, outlet: str) -> None:
    assert list(fourth.faults(outlet, FOURTH[outlet])) == []


def test_the_crawl_ends_by_itself_within_its_time_and_memory(fourth: Crawled) -> None:
    assert fourth.code == 0, fourth.output[-2_000:]
    assert fourth.seconds < SECONDS + 60
    assert fourth.memory.rss < GOAL_MB
    assert fourth.web.canary == []
    assert "Traceback" not in fourth.output


def test_no_outlet_takes_the_pages_or_routes_of_another(fourth: Crawled) -> None:
    for outlet in ("third-time", "text-of-spaces", "many-times"):
        page, route = fourth.page(outlet, fourth.web.GOOD), fourth.route(outlet, SECOND)
        assert (page["outlet"], route["outlet"]) == (outlet, outlet)
        assert (route["state"], route["kind"]) == ("ok", "feed")


def test_every_page_has_words(fourth: Crawled) -> None:
    bare = fourth.db.execute(
        "SELECT url, state FROM pages WHERE state NOT IN ('archived', 'off-topic') AND reason = ''"
    ).fetchall()
    assert [tuple(row) for row in bare] == []
