"""Every way to misbehave ends in a named outcome, and the good article beside it is archived all the same."""

import gzip
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from archive.options import SHIPPED_TOPIC
from crawlers.context import CrawlOptions
from crawlers.crawl import CrawlReport, crawl
from crawlers.outlets import load_outlets
from tests import hostile
from tests.hostile import Web

pytestmark = pytest.mark.slow

LOST = {
    "gzip-bomb": (hostile.gzip_bomb, "failed", "larger than 5,000,000 bytes once decompressed"),
    "brotli-bomb": (hostile.brotli_bomb, "failed", "larger than 5,000,000 bytes once decompressed"),
    "large-declared": (hostile.large_declared, "failed", "larger than 5,000,000 bytes"),
    "large-streamed": (hostile.large_streamed, "failed", "larger than 5,000,000 bytes"),
    "nested": (hostile.nested, "failed", ""),
    "pdf": (hostile.pdf, "failed", "a PDF, not a page"),
    "picture": (hostile.picture, "failed", "a PNG image, not a page"),
    "empty": (hostile.empty, "failed", "an empty answer"),
    "cut-short": (hostile.cut_short, "queued", "the answer breaks off before its end"),
    "not-gzip": (hostile.not_gzip, "failed", "the body does not fit its Content-Encoding"),
    "unknown-encoding": (hostile.unknown_encoding, "failed", "a Content-Encoding nobody asked for: 'dcb'"),
    "refresh-elsewhere": (hostile.refresh_elsewhere, "blocked", "redirects to another host"),
    "refresh-to-canary": (hostile.refresh_to_canary, "blocked", "redirects to another host"),
    "to-canary": (hostile.to_canary, "blocked", "redirects to another host"),
    "to-canary-in-decimal": (hostile.to_canary_in_decimal, "blocked", "redirects to another host"),
    "to-canary-by-name": (hostile.to_canary_by_name, "blocked", "redirects to another host"),
    "to-canary-mapped": (hostile.to_canary_mapped, "blocked", "redirects to another host"),
    "to-private": (hostile.to_private, "blocked", "redirects to another host"),
    "to-file": (hostile.to_file, "failed", "HTTP 302: a redirect that leads nowhere"),
    "in-circles": (hostile.in_circles, "failed", "redirects in circles or too often"),
    "cookie-gate": (hostile.cookie_gate, "failed", "redirects in circles or too often"),
    "too-many": (hostile.too_many, "queued", "HTTP 429 (too many requests), asks for 7200 seconds of rest"),
    "broken-server": (hostile.broken_server, "queued", "HTTP 500 (server error)"),
    "closes": (hostile.closes, "queued", "the connection was closed before an answer came"),
    "resets": (hostile.resets, "queued", "the connection was closed before an answer came"),
    "not-http": (hostile.not_http, "failed", "the server answers something that is not HTTP"),
    "drips": (hostile.drips, "queued", "no whole answer within 8 seconds"),
    "forbidden": (hostile.forbidden, "blocked", "HTTP 403 (forbidden)"),
    "challenge": (hostile.challenge, "blocked", "a challenge for robots (HTTP 403 (forbidden))"),
    "payment": (hostile.payment, "blocked", "HTTP 402 (asks for payment)"),
    "redirect-home": (hostile.redirect_home, "failed", "redirects to the homepage"),
    "not-found": (hostile.not_found, "failed", "HTTP 404 (not found)"),
}
READ = {
    "busy-once": hostile.busy_once,
    "many-cookies": hostile.many_cookies,
    "bad-headers": hostile.bad_headers,
}
FEEDS = {
    "truncated-feed": hostile.truncated_feed,
    "breaking-feed": hostile.breaking_feed,
    "endless-feed": hostile.endless_feed,
    "entity-feed": hostile.entity_feed,
    "strange-links": hostile.strange_links,
}
QUIET = {"html-feed": hostile.html_feed}
ROBOTS = {"huge-robots": hostile.huge_robots, "html-robots": hostile.html_robots}
DARK = {"refuse-robots": hostile.refuse_robots, "robots-to-canary": hostile.robots_to_canary}


@dataclass(frozen=True)
class Outcome:
    web: Web
    db: sqlite3.Connection
    report: CrawlReport

    def page(self, outlet: str, path: str) -> sqlite3.Row:
        url = f"{self.web.base(outlet)}{path}"
        row: sqlite3.Row = self.db.execute("SELECT * FROM pages WHERE url = ?", [url]).fetchone()
        return row


@pytest.fixture(scope="module")
def crawled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Outcome]:
    folder = tmp_path_factory.mktemp("hostile")
    pages = {name: behaviour for name, (behaviour, _, _) in LOST.items()} | READ
    with Web(pages, {**FEEDS, **QUIET}, {**ROBOTS, **DARK}) as web:
        outlets = load_outlets(web.registry(folder / "outlets.toml"))
        options = CrawlOptions(
            db=folder / "archive.db", warc_dir=folder / "warc", topic=SHIPPED_TOPIC, outlets=outlets,
            allow_private_hosts=True,
            settings={
                "DOWNLOAD_TIMEOUT": 8, "ROUTE_TIMEOUT_SECONDS": 8, "RETRY_FIRST_WAIT_SECONDS": 0.05,
                "RETRY_MAX_WAIT_SECONDS": 5,
            },
        )  # fmt: skip
        report = crawl(options)
        with sqlite3.connect(options.db) as db:
            db.row_factory = sqlite3.Row
            yield Outcome(web, db, report)
        db.close()


@pytest.mark.parametrize("outlet", LOST)
def test_a_misbehaving_page_ends_in_a_named_outcome(crawled: Outcome, outlet: str) -> None:
    _, state, reason = LOST[outlet]
    page = crawled.page(outlet, Web.BAD)
    assert (page["state"], page["reason"][: len(reason)]) == (state, reason)
    assert page["reason"]


@pytest.mark.parametrize("outlet", [*LOST, *READ, *FEEDS, *ROBOTS])
def test_the_good_article_beside_it_is_archived(crawled: Outcome, outlet: str) -> None:
    page = crawled.page(outlet, Web.GOOD)
    assert page["state"] == "archived", page["reason"]


@pytest.mark.parametrize("outlet", READ)
def test_a_clumsy_server_is_read_all_the_same(crawled: Outcome, outlet: str) -> None:
    page = crawled.page(outlet, Web.BAD)
    assert page["state"] == "archived", page["reason"]


def test_nobody_ever_asked_the_canary(crawled: Outcome) -> None:
    assert crawled.web.canary == []


def test_links_that_cannot_be_asked_have_a_row_and_a_reason(crawled: Outcome) -> None:
    rows = crawled.db.execute(
        "SELECT url, state, reason FROM pages WHERE outlet = 'strange-links' AND state != 'archived'"
        " AND url != ?",
        [f"{crawled.web.base('strange-links')}/"],
    ).fetchall()
    assert {row["url"] for row in rows if row["state"] not in ("blocked", "duplicate")} == set()
    assert len(rows) >= 9
    assert all(row["reason"] for row in rows)


def test_a_feed_that_is_a_page_is_named(crawled: Outcome) -> None:
    reason = crawled.db.execute("SELECT reason FROM routes WHERE outlet = 'html-feed'").fetchone()["reason"]
    assert "instead of a feed" in reason


@pytest.mark.parametrize("outlet", DARK)
def test_without_robots_txt_nothing_is_asked(crawled: Outcome, outlet: str) -> None:
    assert {path for name, path in crawled.web.log if name == outlet} == {"/robots.txt"}
    note = next(each["note"] for each in crawled.report.outlets if each["id"] == outlet)
    reason = crawled.db.execute("SELECT reason FROM routes WHERE outlet = ?", [outlet]).fetchone()["reason"]
    assert "robots.txt cannot be read" in reason
    assert note == "no route could be read"


def test_the_rules_of_a_huge_robots_txt_hold(crawled: Outcome) -> None:
    assert crawled.page("huge-robots", Web.BAD)["reason"] == "robots.txt forbids it"
    assert ("huge-robots", Web.BAD) not in crawled.web.log


def test_cookies_are_neither_sent_nor_kept(crawled: Outcome) -> None:
    path = crawled.db.execute("PRAGMA database_list").fetchone()["file"]
    for file in (Path(path).parent / "warc").rglob("*.warc.gz"):
        assert b"secreto" not in gzip.decompress(file.read_bytes())


def test_the_crawl_ends_by_itself(crawled: Outcome) -> None:
    assert crawled.report.outcome == "done"
    assert crawled.report.seconds < 60
