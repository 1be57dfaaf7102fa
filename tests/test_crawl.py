# ruff: noqa: E501  (answers of servers)
"""What one crawl does, on a stage of a few outlets whose every answer the test sets."""

import asyncio
import dataclasses
import gzip
import itertools
import json
import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from archive.models import Outlet
from archive.options import SHIPPED_TOPIC
from archive.reprocess import reprocess
from archive.store import ArchiveError, open_existing
from crawlers.context import CrawlOptions
from crawlers.crawl import CrawlReport, crawl
from crawlers.outlets import load_outlets
from tests.hostile import TEXT, Behaviour, Call, Web, article, not_found, to_canary

pytestmark = pytest.mark.slow

HERE = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
QUICK = {"RETRY_FIRST_WAIT_SECONDS": 0.02, "DOWNLOAD_TIMEOUT": 8, "WORKERS": 1}


@dataclass
class Stage(Web):
    """A web whose answers are set by outlet and path; anything else is 404."""

    answers: dict[tuple[str, str], Behaviour] = field(default_factory=dict)
    seen: list[tuple[str, str, dict[str, str], float]] = field(default_factory=list)

    async def _answer(self, call: Call) -> None:
        self.seen.append((call.outlet, call.path, call.headers, time.monotonic()))
        await self.answers.get((call.outlet, call.path), not_found)(call)

    def paths(self, outlet: str = "uno") -> list[str]:
        return [path for name, path, *_ in self.seen if name == outlet]

    def says(self, path: str, body: bytes, *, outlet: str = "uno", **answer: Any) -> None:
        async def behaviour(call: Call) -> None:
            await call.answer(body, **answer)

        self.answers[outlet, path] = behaviour

    def has_etag(self, path: str, body: bytes, etag: str, *, outlet: str = "uno", **answer: Any) -> None:
        async def behaviour(call: Call) -> None:
            if call.headers.get("if-none-match") == etag:
                await call.answer(b"", status="304 Not Modified", ETag=etag)
            else:
                await call.answer(body, ETag=etag, **answer)

        self.answers[outlet, path] = behaviour

    def feeds(self, *paths: str, outlet: str = "uno") -> None:
        self.says("/feed.xml", self.feed(outlet, *paths), outlet=outlet)

    def publishes(self, *paths: str, outlet: str = "uno", **article_parts: Any) -> None:
        self.feeds(*paths, outlet=outlet)
        for path in paths:
            self.says(path, note(self, path, outlet=outlet, **article_parts), outlet=outlet)


def note(stage: Stage, path: str, *, outlet: str = "uno", extra: str = "", head: str = "") -> bytes:
    title = f"México y Estados Unidos acuerdan cooperación en seguridad {path.strip('/').replace('-', ' ')}"
    return article(title, stage.base(outlet), path, head=head, text=f"{TEXT}\n\nNota {path}. {extra}")


@pytest.fixture
def stage() -> Iterator[Stage]:
    with Stage(pages={"uno": not_found, "dos": not_found}) as running:
        yield running


@dataclass(frozen=True)
class Archive:
    """One archive that crawls are made into."""

    stage: Stage
    folder: Path

    def crawl(self, *outlets: Outlet, **options: Any) -> CrawlReport:
        asked = CrawlOptions(
            db=self.folder / "archive.db", warc_dir=self.folder / "warc", topic=SHIPPED_TOPIC,
            outlets=outlets or (self.outlet(),), allow_private_hosts=True,
        )  # fmt: skip
        settings = {**QUICK, **options.pop("settings", {})}
        return crawl(dataclasses.replace(asked, settings=settings, **options))

    def outlet(self, name: str = "uno", **changes: Any) -> Outlet:
        outlets = load_outlets(self.stage.registry(self.folder / "outlets.toml"))
        return replace(next(outlet for outlet in outlets if outlet.id == name), **changes)

    def rows(self, sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
        with sqlite3.connect(self.folder / "archive.db") as db:
            return db.execute(sql, parameters).fetchall()

    def page(self, path: str, outlet: str = "uno") -> tuple[str, str]:
        found = self.rows("SELECT state, reason FROM pages WHERE url = ?", f"{self.stage.base(outlet)}{path}")
        state, reason = found[0]
        return state, reason


@pytest.fixture
def archive(stage: Stage, tmp_path: Path) -> Archive:
    return Archive(stage, tmp_path)


def test_an_article_in_a_feed_becomes_a_row(archive: Archive, stage: Stage) -> None:
    stage.publishes("/nota-uno-de-hoy-2026")
    report = archive.crawl()
    assert report.totals["new"] == 1
    assert report.outcome == "done"
    assert archive.rows("SELECT outlet, country, status FROM articles") == [("uno", "MX", "live")]
    assert archive.page("/nota-uno-de-hoy-2026") == ("archived", "")


def test_the_second_crawl_asks_only_the_feed_and_gets_304(archive: Archive, stage: Stage) -> None:
    stage.publishes("/nota-uno-de-hoy-2026")
    stage.has_etag("/feed.xml", stage.feed("uno", "/nota-uno-de-hoy-2026"), '"v1"')
    archive.crawl()
    stage.seen.clear()
    report = archive.crawl()
    assert stage.paths() == ["/robots.txt", "/feed.xml"]
    assert report.totals["not_modified"] == 1
    assert stage.seen[1][2]["if-none-match"] == '"v1"'


def test_a_revisit_is_conditional_and_a_changed_text_is_a_revision(archive: Archive, stage: Stage) -> None:
    path = "/nota-uno-de-hoy-2026"
    stage.feeds(path)
    stage.has_etag(path, note(stage, path), '"a"')
    archive.crawl()
    assert archive.crawl(recheck="all").totals["not_modified"] >= 1
    stage.has_etag(
        path, note(stage, path, extra="La cifra subió a 40 el miércoles, según el informe."), '"b"'
    )
    assert archive.crawl(recheck="all").totals["revised"] == 1
    assert archive.rows("SELECT revisions FROM articles") == [(2,)]
    assert archive.rows("SELECT count(*) FROM snapshots") == [(2,)]


def test_the_same_bytes_again_add_nothing(archive: Archive, stage: Stage) -> None:
    stage.publishes("/nota-uno-de-hoy-2026")
    archive.crawl()
    before = archive.rows("SELECT count(*) FROM snapshots")
    report = archive.crawl(recheck="all")
    assert archive.rows("SELECT count(*) FROM snapshots") == before
    assert report.totals["revised"] == 0


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ({"status": "404 Not Found"}, "HTTP 404 (not found)"),
        ({"status": "410 Gone"}, "HTTP 410 (gone)"),
        ({"status": "302 Found", "Location": "/"}, "redirects to the homepage"),
    ],
)
def test_a_removal_is_noticed_and_so_is_the_return(
    archive: Archive, stage: Stage, answer: dict[str, str], reason: str
) -> None:
    path = "/nota-uno-de-hoy-2026"
    stage.publishes(path)
    stage.says("/", b"<!doctype html><html><body><h1>Portada</h1></body></html>")
    archive.crawl()
    stage.says(path, b"", **answer)
    archive.crawl(recheck="all")
    assert archive.rows("SELECT status FROM articles") == [("gone",)]
    assert archive.rows("SELECT event, detail FROM events") == [("gone", reason)]
    assert archive.page(path)[0] == "archived"
    assert archive.rows("SELECT length(text) > 300 FROM texts") == [(1,)]
    stage.publishes(path)
    archive.crawl(recheck="all")
    assert archive.rows("SELECT status FROM articles") == [("live",)]
    assert archive.rows("SELECT event FROM events") == [("gone",), ("returned",)]


def test_recheck_none_looks_at_nothing_again(archive: Archive, stage: Stage) -> None:
    stage.publishes("/nota-uno-de-hoy-2026")
    archive.crawl()
    stage.seen.clear()
    archive.crawl(recheck="none")
    assert "/nota-uno-de-hoy-2026" not in stage.paths()


def test_a_feed_that_says_a_page_has_changed_brings_us_back(archive: Archive, stage: Stage) -> None:
    path = "/nota-uno-de-hoy-2026"
    stage.publishes(path)
    archive.crawl()
    stage.seen.clear()
    entry = f"<entry><title>t</title><link href='{path}'/><updated>2099-01-01T00:00:00Z</updated></entry>"
    stage.says("/feed.xml", f"<feed xmlns='http://www.w3.org/2005/Atom'>{entry}</feed>".encode())
    archive.crawl()
    assert path in stage.paths()


def test_an_old_article_is_not_fetched_with_since(archive: Archive, stage: Stage) -> None:
    item = "<item><title>t</title><link>/nota-vieja-de-hoy-2019</link><pubDate>Tue, 01 Jan 2019 10:00:00 GMT</pubDate></item>"
    stage.says("/feed.xml", f"<rss version='2.0'><channel>{item}</channel></rss>".encode())
    archive.crawl(since="2020-01-01")
    state, reason = archive.page("/nota-vieja-de-hoy-2019")
    assert (state, reason.startswith("published before 2020-01-01")) == ("screened-out", True)


def test_what_max_pages_leaves_is_done_by_the_next_crawl(archive: Archive, stage: Stage) -> None:
    paths = [f"/nota-{n}-de-seguridad-2026" for n in range(5)]
    stage.publishes(*paths)
    report = archive.crawl(max_pages=2)
    assert report.totals["fetched"] == 2
    assert report.left == 3
    assert "3 pages left for the next crawl: --max-pages 2 is reached" in report.outlets[0]["note"]
    assert archive.crawl().left == 0
    assert archive.rows("SELECT count(*) FROM articles") == [(5,)]


def test_a_feed_only_outlet_is_archived_from_its_feed_alone(archive: Archive, stage: Stage) -> None:
    stage.publishes("/nota-uno-de-hoy-2026")
    summary = (
        "México y Estados Unidos acordaron un programa conjunto de seguridad contra el tráfico de armas. " * 3
    )
    item = f"<item><title>México y Estados Unidos acuerdan un programa de seguridad</title><link>/nota-uno-de-hoy-2026</link><description>{summary}</description></item>"
    stage.says("/feed.xml", f"<rss version='2.0'><channel>{item}</channel></rss>".encode())
    archive.crawl(archive.outlet(access="feed-only"))
    assert stage.paths() == ["/robots.txt", "/feed.xml"]
    assert archive.rows("SELECT text_source, completeness FROM articles") == [("feed", "teaser")]
    archive.crawl(archive.outlet(access="feed-only"), recheck="all")
    assert stage.paths().count("/nota-uno-de-hoy-2026") == 0


def test_a_screened_outlet_leaves_out_what_its_summary_rules_out(archive: Archive, stage: Stage) -> None:
    football = "El equipo local ganó dos a uno con goles en el segundo tiempo y sigue en la punta del torneo de liga."
    items = "".join(
        f"<item><title>Gana el equipo local {n}</title><link>/futbol-nota-{n}-de-hoy</link><description>{football}</description></item>"
        for n in range(400)  # one in fifty is fetched, by its address: none of 400 is one run in 3,000
    )
    stage.says("/feed.xml", f"<rss version='2.0'><channel>{items}</channel></rss>".encode())
    report = archive.crawl(archive.outlet(screen="summary"))
    assert 370 <= report.totals["screened_out"] < 400
    [(asked,)] = archive.rows("SELECT count(*) FROM pages WHERE state = 'failed'")
    assert asked == 400 - report.totals["screened_out"]


def test_an_outlet_that_names_no_route_is_discovered(archive: Archive, stage: Stage) -> None:
    stage.says("/robots.txt", f"User-agent: *\nSitemap: {stage.base('uno')}/mapa-noticias.xml\n".encode())
    stage.says(
        "/", b"<!doctype html><html><head><link rel='alternate' type='application/rss+xml' href='/avisos.rss'></head><body></body></html>"
    )  # fmt: skip
    stage.says("/avisos.rss", stage.feed("uno", "/nota-del-feed-de-hoy-2026"))
    news = "xmlns:news='http://www.google.com/schemas/sitemap-news/0.9'"
    stage.says(
        "/mapa-noticias.xml",
        f"<urlset xmlns='http://www.sitemaps.org/schemas/sitemap/0.9' {news}><url><loc>{stage.base('uno')}/nota-del-mapa-de-hoy-2026</loc>"
        "<news:news><news:title>t</news:title></news:news></url></urlset>".encode(),
    )
    for path in ("/nota-del-feed-de-hoy-2026", "/nota-del-mapa-de-hoy-2026"):
        stage.says(path, note(stage, path))
    archive.crawl(archive.outlet(feeds=()))
    assert archive.rows("SELECT count(*) FROM articles") == [(2,)]
    assert dict(archive.rows("SELECT origin, kind FROM routes WHERE state = 'ok' AND kind != 'homepage'")) == {
        "robots": "sitemap", "homepage": "feed",
    }  # fmt: skip


def test_well_known_places_are_tried_where_nothing_is_named(archive: Archive, stage: Stage) -> None:
    stage.says("/", b"<!doctype html><html><body><p>hola</p></body></html>")
    stage.says("/rss.xml", stage.feed("uno", "/nota-uno-de-hoy-2026"))
    stage.says("/nota-uno-de-hoy-2026", note(stage, "/nota-uno-de-hoy-2026"))
    archive.crawl(archive.outlet(feeds=()))
    assert archive.rows("SELECT count(*) FROM articles") == [(1,)]
    stage.seen.clear()
    archive.crawl(archive.outlet(feeds=()))
    assert "/rss.xml" in stage.paths()
    assert "/feed/" not in stage.paths()


def test_the_sitemaps_below_an_unchanged_index_are_still_asked(archive: Archive, stage: Stage) -> None:
    base = stage.base("uno")
    index = f"<sitemapindex><sitemap><loc>{base}/mapa-1.xml</loc></sitemap><sitemap><loc>{base}/indice.xml</loc></sitemap></sitemapindex>"
    stage.has_etag("/indice.xml", index.encode(), '"i"')
    stage.says(
        "/mapa-1.xml", f"<urlset><url><loc>{base}/2026/03/04/nota-uno-de-hoy</loc></url></urlset>".encode()
    )
    outlet = archive.outlet(feeds=(), sitemaps=(f"{base}/indice.xml",))
    archive.crawl(outlet)
    assert stage.paths().count("/indice.xml") == 1
    stage.seen.clear()
    stage.says(
        "/mapa-1.xml",
        f"<urlset><url><loc>{base}/2026/03/05/nota-dos-de-hoy</loc></url></urlset>".encode(),
    )
    stage.says("/2026/03/05/nota-dos-de-hoy", note(stage, "/2026/03/05/nota-dos-de-hoy"))
    archive.crawl(outlet)
    assert archive.page("/2026/03/05/nota-dos-de-hoy")[0] == "archived"


def test_robots_txt_is_obeyed_for_pages_and_redirects(archive: Archive, stage: Stage) -> None:
    stage.publishes("/privado/nota-uno-2026", "/publica/nota-dos-2026", "/publica/nota-tres-2026")
    stage.says("/robots.txt", b"User-agent: bilateral\nDisallow: /privado/\n")
    stage.says("/publica/nota-tres-2026", b"", status="302 Found", Location="/privado/otra-nota-2026")
    archive.crawl()
    assert archive.page("/privado/nota-uno-2026") == ("blocked", "robots.txt forbids it")
    assert archive.page("/publica/nota-tres-2026") == ("blocked", "robots.txt forbids it")
    assert archive.page("/publica/nota-dos-2026")[0] == "archived"
    assert not [path for path in stage.paths() if path.startswith("/privado/")]


def test_crawl_delay_wins_over_a_shorter_delay(archive: Archive, stage: Stage) -> None:
    stage.publishes("/nota-1-de-hoy-2026", "/nota-2-de-hoy-2026")
    stage.says("/robots.txt", b"User-agent: *\nCrawl-delay: 0.4\n")
    archive.crawl(archive.outlet(delay=0.1))
    times = [moment for *_, moment in stage.seen][1:]
    assert min(later - earlier for earlier, later in itertools.pairwise(times)) > 0.38


def test_requests_say_who_we_are(archive: Archive, stage: Stage) -> None:
    stage.publishes("/nota-uno-de-hoy-2026")
    archive.crawl(contact="redaccion@example.org")
    agents = {headers["user-agent"] for _, _, headers, _ in stage.seen}
    assert len(agents) == 1
    assert agents.pop().startswith("bilateral/")
    assert all("redaccion@example.org" in headers["user-agent"] for _, _, headers, _ in stage.seen)
    assert all("cookie" not in headers and "referer" not in headers for _, _, headers, _ in stage.seen)


def test_the_canonical_page_is_taken_instead_of_its_amp_form(archive: Archive, stage: Stage) -> None:
    plain, amp = "/2026/03/nota-uno-de-hoy", "/2026/03/nota-uno-de-hoy/amp/"
    stage.feeds(amp)
    stage.says(amp, note(stage, amp, head=f'<link rel="canonical" href="{stage.base("uno")}{plain}">'))
    stage.says(plain, note(stage, plain))
    archive.crawl()
    assert archive.rows("SELECT url FROM articles") == [(f"{stage.base('uno')}{plain}",)]
    assert archive.page(amp)[0] == "duplicate"
    assert archive.page(plain)[0] == "archived"


def test_the_amp_form_steps_in_where_the_canonical_page_is_lost(archive: Archive, stage: Stage) -> None:
    plain, amp = "/2026/03/nota-uno-de-hoy", "/2026/03/nota-uno-de-hoy/amp/"
    stage.feeds(amp)
    stage.says(amp, note(stage, amp, head=f'<link rel="canonical" href="{stage.base("uno")}{plain}">'))
    archive.crawl()
    assert archive.rows("SELECT count(*) FROM articles") == [(1,)]
    assert archive.page(amp)[0] == "archived"
    assert archive.page(plain) == ("failed", "HTTP 404 (not found)")


WALLED = '<script type="application/ld+json">{"@type": "NewsArticle", "isAccessibleForFree": false}</script>'
LOGIN = b"<title>Inicia sesi\xc3\xb3n</title><body><h1>Inicia sesi\xc3\xb3n</h1><form><input type=password></form></body>"
VERSIONS = (
    "SELECT a.url, a.text_source, a.completeness, t.text FROM articles a JOIN texts t ON t.article = a.id"
)


def beginning(stage: Stage, path: str) -> bytes:
    """The article's page, with its first paragraph only."""
    title = "México y Estados Unidos acuerdan cooperación en seguridad"
    first = TEXT.strip().split("\n\n")[0]
    return article(
        title,
        stage.base("uno"),
        path,
        head=WALLED,
        text=f"{first}\n\nEste contenido es exclusivo para suscriptores.",
    )


def feed_with_text(link: str, text: str) -> bytes:
    paragraphs = "".join(f"<p>{' '.join(part.split())}</p>" for part in text.strip().split("\n\n"))
    return (
        '<?xml version="1.0"?><rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/"><channel><title>x</title>'
        f"<item><title>México y Estados Unidos: seguridad</title><link>{link}</link>"
        f"<content:encoded><![CDATA[{paragraphs}]]></content:encoded></item></channel></rss>"
    ).encode()


LAST = "Este es el último párrafo de la nota, que solo tiene quien la lee entera."


@pytest.mark.parametrize("page", ["teaser", "wall"])
def test_the_whole_text_in_a_feed_wins_over_a_walled_page(page: str, archive: Archive, stage: Stage) -> None:
    path = "/nota-uno-de-hoy-2026"
    stage.says("/feed.xml", feed_with_text(path, f"{TEXT}\n\n{TEXT.replace('.', ', dijo.')}\n\n{LAST}"))
    stage.says(path, beginning(stage, path) if page == "teaser" else LOGIN)
    archive.crawl()
    [(_, source, completeness, text)] = archive.rows(VERSIONS)
    assert (source, completeness, text.endswith(LAST)) == ("feed", "full", True)


def test_a_whole_page_wins_over_the_feed_and_a_longer_beginning_over_a_shorter(
    archive: Archive, stage: Stage
) -> None:
    whole, cut = "/nota-uno-de-hoy-2026", "/nota-dos-de-hoy-2026"
    first = TEXT.strip().split("\n\n")[0]
    one, two = (feed_with_text(path, first[:120] + "…").decode() for path in (whole, cut))
    stage.says("/feed.xml", one.replace("</channel></rss>", two[two.index("<item>") :]).encode())
    stage.says(whole, note(stage, whole))
    stage.says(cut, beginning(stage, cut))
    archive.crawl()
    found = {url.rpartition("/")[2]: rest for url, *rest in archive.rows(VERSIONS)}
    assert [found[path[1:]][:2] for path in (whole, cut)] == [["page", "full"], ["page", "teaser"]]


@pytest.mark.parametrize("page", ["teaser", "wall"])
def test_the_amp_form_wins_over_a_walled_page(page: str, archive: Archive, stage: Stage) -> None:
    plain, amp = "/2026/03/nota-uno-de-hoy", "/2026/03/nota-uno-de-hoy/amp/"
    stage.feeds(amp)
    stage.says(
        amp, note(stage, amp, head=f'<link rel="canonical" href="{stage.base("uno")}{plain}">', extra=LAST)
    )
    stage.says(plain, beginning(stage, plain) if page == "teaser" else LOGIN)
    archive.crawl()
    [(url, source, completeness, text)] = archive.rows(VERSIONS)
    assert (url, source, completeness) == (f"{stage.base('uno')}{plain}", "amp", "full")
    assert text.endswith(LAST)
    archive.crawl(recheck="all")
    reprocess(open_existing(archive.folder / "archive.db"), archive.folder / "warc", {}, SHIPPED_TOPIC)
    assert archive.rows("SELECT text_source, revisions FROM articles") == [("amp", 1)]


def test_a_page_that_redirects_to_a_known_one_is_its_duplicate(archive: Archive, stage: Stage) -> None:
    stage.publishes("/corta-2026-nota-x", "/nota-larga-de-hoy-2026")
    stage.says("/corta-2026-nota-x", b"", status="301 Moved Permanently", Location="/nota-larga-de-hoy-2026")
    archive.crawl()
    assert archive.rows("SELECT count(*) FROM articles") == [(1,)]
    assert archive.page("/corta-2026-nota-x")[0] in ("duplicate", "archived")
    [(redirected,)] = archive.rows("SELECT redirected_to FROM pages WHERE url LIKE '%corta%'")
    assert redirected == f"{stage.base('uno')}/nota-larga-de-hoy-2026"


def test_another_outlets_silence_does_not_end_the_crawl(archive: Archive, stage: Stage) -> None:
    stage.publishes("/nota-uno-de-hoy-2026")
    closed = replace(
        archive.outlet("dos"), homepage="http://127.0.9.9:9/", feeds=("http://127.0.9.9:9/feed",)
    )
    report = archive.crawl(archive.outlet(), closed)
    assert report.outcome == "done"
    assert report.totals["new"] == 1
    [lost] = [outlet for outlet in report.outlets if outlet["id"] == "dos"]
    assert lost["note"] == "no route could be read"
    assert "the server refuses connections" in lost["failed_routes"][0]["reason"]


def test_loopback_is_refused_unless_it_is_allowed(archive: Archive, stage: Stage) -> None:
    stage.publishes("/nota-uno-de-hoy-2026")
    report = archive.crawl(allow_private_hosts=False)
    assert stage.seen == []
    assert "a private address: 127.0.3.1" in report.outlets[0]["failed_routes"][0]["reason"]


def test_an_outlet_that_leads_to_the_canary_gets_nowhere(archive: Archive, stage: Stage) -> None:
    stage.feeds("/nota-uno-de-hoy-2026")
    stage.answers["uno", "/nota-uno-de-hoy-2026"] = to_canary
    stage.answers["uno", "/feed2.xml"] = to_canary
    archive.crawl(archive.outlet(feeds=(f"{stage.base('uno')}/feed.xml", f"{stage.base('uno')}/feed2.xml")))
    assert stage.canary == []
    assert archive.rows("SELECT state FROM routes WHERE url LIKE '%feed2.xml'") == [("blocked",)]


def test_recorded_crawls_replay_without_the_network(archive: Archive, stage: Stage, tmp_path: Path) -> None:
    stage.publishes("/nota-uno-de-hoy-2026", "/corta-2026-nota-x")
    stage.says(
        "/corta-2026-nota-x", b"", status="301 Moved Permanently", Location="/otra-nota-de-hoy-2026",
        Set_Cookie="sesion=s3cr3t",
    )  # fmt: skip
    stage.says("/otra-nota-de-hoy-2026", note(stage, "/otra-nota-de-hoy-2026"))
    cassette = tmp_path / "crawl.yaml.gz"
    archive.crawl(record=cassette)
    first = archive.rows("SELECT url, sha256 FROM articles ORDER BY url")
    assert len(first) == 2
    asked = len(stage.seen)
    again = Archive(stage, tmp_path / "again")
    again.folder.mkdir()
    again.crawl(replay=cassette)
    assert again.rows("SELECT url, sha256 FROM articles ORDER BY url") == first
    assert len(stage.seen) == asked
    assert b"s3cr3t" not in gzip.decompress(cassette.read_bytes())


def test_what_a_recording_lacks_is_named(archive: Archive, stage: Stage, tmp_path: Path) -> None:
    stage.publishes("/nota-uno-de-hoy-2026")
    cassette = tmp_path / "crawl.yaml"
    archive.crawl(record=cassette, max_pages=0)
    archive.crawl(replay=cassette)
    state, reason = archive.page("/nota-uno-de-hoy-2026")
    assert (state, reason) == ("queued", "the recording crawl.yaml has no answer for it")


def test_an_archive_that_cannot_be_written_ends_the_crawl_with_words(archive: Archive, stage: Stage) -> None:
    stage.publishes("/nota-uno-de-hoy-2026", "/nota-dos-de-hoy-2026")
    (archive.folder / "warc").write_text("in the way")
    report = archive.crawl()
    assert report.outcome.startswith("the archive cannot be written: ")
    (archive.folder / "warc").unlink()
    assert archive.crawl().totals["new"] == 2


def command(*arguments: object, folder: Path | None = None) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "archive.cli", *map(str, arguments)], cwd=folder, env=HERE,
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip


def test_add_fetches_by_hand_and_reports(archive: Archive, stage: Stage) -> None:
    path = "/nota-uno-de-hoy-2026"
    stage.says(path, note(stage, path))
    registry = stage.registry(archive.folder / "outlets.toml")
    done = command(
        "add", "--db", archive.folder / "archive.db", "--outlets", registry, "--allow-private-hosts", "--json",
        f"{stage.base('uno')}{path}", "https://desconocido.example/nota",
    )  # fmt: skip
    results = {each["url"]: each for each in json.loads(done.stdout)}
    assert results[f"{stage.base('uno')}{path}"]["state"] == "archived"
    assert results["https://desconocido.example/nota"]["reason"] == "no outlet of the registry has this host"
    assert done.returncode == 1
    assert stage.paths() == ["/robots.txt", path]
    assert archive.rows("SELECT via FROM pages") == [("manual",)]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--outlet", "nadie"], "the registry has no such outlet"),
        (["--topic", "no-such-topic.toml"], "no-such-topic.toml"),
        (["--replay", "no-such.yaml"], "no-such.yaml"),
        (["--every", "soon"], "is no length of time"),
        (["--since", "ayer"], "is no date"),
        (["--record", "a", "--replay", "b"], "exclude one another"),
    ],
)
def test_wrong_usage_is_one_line_and_exit_code_2(
    stage: Stage, tmp_path: Path, arguments: list[str], words: str
) -> None:
    registry = stage.registry(tmp_path / "outlets.toml")
    done = command("crawl", "--db", tmp_path / "archive.db", "--outlets", registry, *arguments)
    assert done.returncode == 2
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_a_database_that_another_program_locks_ends_the_crawl_and_loses_nothing(
    archive: Archive, stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("archive.store.BUSY_TIMEOUT_SECONDS", 0.2)
    path = "/nota-uno-de-hoy-2026"
    stage.publishes(path)
    holder = sqlite3.connect(archive.folder / "archive.db", check_same_thread=False, isolation_level=None)

    async def lock_and_answer(call: Call) -> None:
        holder.execute("BEGIN IMMEDIATE")
        await call.answer(note(stage, path))

    stage.answers["uno", path] = lock_and_answer
    with pytest.raises(ArchiveError, match="database is locked"):
        archive.crawl()
    holder.close()
    assert archive.rows("SELECT count(*) FROM articles") == [(0,)]
    stage.publishes(path)
    assert archive.crawl().totals["new"] == 1
    assert archive.rows("SELECT outcome FROM crawls ORDER BY id") == [("interrupted",), ("done",)]


def test_what_a_killed_crawl_had_kept_is_read_by_the_next_without_asking_again(
    archive: Archive, stage: Stage
) -> None:
    path = "/nota-uno-de-hoy-2026"
    stage.publishes(path)
    archive.crawl()
    with sqlite3.connect(archive.folder / "archive.db") as db:  # as it was between keeping and reading
        db.executescript(
            "PRAGMA foreign_keys = OFF; DELETE FROM texts; DELETE FROM revisions; DELETE FROM articles;"
            "DELETE FROM verdicts; UPDATE snapshots SET outcome = NULL, article = NULL;"
            "UPDATE pages SET state = 'queued', article = NULL, tries = 0"
        )
    stage.seen.clear()
    archive.crawl(recheck="none")
    assert path not in stage.paths()
    assert archive.page(path) == ("archived", "")
    assert archive.rows("SELECT count(*) FROM articles") == [(1,)]


def test_a_page_that_reads_itself_again_and_again_is_no_redirect(archive: Archive, stage: Stage) -> None:
    path = "/nota-uno-de-hoy-2026"
    stage.feeds(path)
    stage.says(path, note(stage, path, head='<meta http-equiv="refresh" content="0">'))
    archive.crawl()
    assert archive.page(path)[0] == "archived"
    assert stage.paths().count(path) == 1


def test_a_meta_refresh_to_the_article_is_followed(archive: Archive, stage: Stage) -> None:
    stage.feeds("/corta-2026-nota-x")
    stage.says(
        "/corta-2026-nota-x",
        b'<html><head><meta http-equiv="refresh" content="0; url=/nota-larga-de-hoy-2026"></head></html>',
    )
    stage.says("/nota-larga-de-hoy-2026", note(stage, "/nota-larga-de-hoy-2026"))
    archive.crawl()
    assert archive.rows("SELECT url FROM articles") == [(f"{stage.base('uno')}/nota-larga-de-hoy-2026",)]


def test_a_long_feed_does_not_hold_up_the_other_routes(archive: Archive, stage: Stage) -> None:
    stage.feeds(*(f"/2026/03/03/nota-perdida-numero-{n}" for n in range(400)))
    stage.says("/otro.xml", stage.feed("uno", "/nota-buena-de-hoy-2026"))
    stage.says("/nota-buena-de-hoy-2026", note(stage, "/nota-buena-de-hoy-2026"))
    base = stage.base("uno")
    archive.crawl(archive.outlet(feeds=(f"{base}/feed.xml", f"{base}/otro.xml")), max_pages=60)
    assert archive.page("/nota-buena-de-hoy-2026")[0] == "archived"


def test_the_seconds_of_an_outlet_are_bounded(archive: Archive, stage: Stage) -> None:
    stage.publishes(*(f"/nota-{n}-de-seguridad-2026" for n in range(30)))
    report = archive.crawl(archive.outlet(delay=0.2), settings={"OUTLET_SECONDS": 2})
    assert report.seconds < 20
    assert "OUTLET_SECONDS" in report.outlets[0]["note"]
    assert report.left > 0


def test_calendars_without_end_are_left_after_a_few_pages(archive: Archive, stage: Stage) -> None:
    for number in range(1, 30):
        page = f"<!doctype html><html><body><main><h2><a href='/2026/03/{number:02}/una-nota-del-dia-{number}'>Una nota de este día</a></h2></main><a rel='next' href='/seccion/?page={number + 1}'>Siguiente</a></body></html>"
        stage.says(f"/seccion/?page={number}", page.encode())
        if number == 1:
            stage.says("/seccion/", page.encode())
    archive.crawl(archive.outlet(feeds=(), sections=(f"{stage.base('uno')}/seccion/",)))
    assert len([path for path in stage.paths() if path.startswith("/seccion/")]) == 5


def test_a_host_is_asked_one_request_at_a_time_even_without_a_delay(archive: Archive, stage: Stage) -> None:
    paths = [f"/nota-{n}-de-seguridad-2026" for n in range(6)]
    stage.feeds(*paths)
    open_now: list[int] = [0]
    most: list[int] = [0]

    async def slow(call: Call) -> None:
        open_now[0] += 1
        most[0] = max(most[0], open_now[0])
        await asyncio.sleep(0.05)
        open_now[0] -= 1
        await call.answer(note(stage, call.path))

    for path in paths:
        stage.answers["uno", path] = slow
    archive.crawl()
    assert most == [1]
    assert archive.rows("SELECT count(*) FROM articles") == [(6,)]


def test_a_host_that_wants_endless_waits_does_not_hold_up_the_crawl(archive: Archive, stage: Stage) -> None:
    stage.publishes("/nota-uno-de-hoy-2026")
    stage.publishes("/nota-dos-de-hoy-2026", outlet="dos")
    stage.says("/robots.txt", b"User-agent: *\nCrawl-delay: 86400\n")
    report = archive.crawl(archive.outlet(), archive.outlet("dos"), settings={"OUTLET_SECONDS": 3})
    assert report.outcome == "done"
    assert report.seconds < 20
    [reason] = archive.rows("SELECT reason FROM routes WHERE outlet = 'uno'")[0]
    assert reason == "robots.txt asks for 86,400 seconds between two requests: more than one crawl has"
    assert archive.page("/nota-dos-de-hoy-2026", "dos")[0] == "archived"


def test_budgets_and_contact_are_set_in_bilateral_toml(archive: Archive, stage: Stage) -> None:
    stage.publishes("/nota-1-de-hoy-2026", "/nota-2-de-hoy-2026")
    stage.registry(archive.folder / "outlets.toml")
    configuration = archive.folder / "bilateral.toml"
    configuration.write_text('contact = "redaccion@example.org"\n[crawl.settings]\nOUTLET_PAGES = 1\n')
    asked = ["crawl", "--db", "archive.db", "--outlets", "outlets.toml", "--allow-private-hosts", "--json"]
    done = command(*asked, folder=archive.folder)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["left"] == 1
    assert all("redaccion@example.org" in headers["user-agent"] for _, _, headers, _ in stage.seen)
    configuration.write_text("[crawl.settings]\nOUTLET_PAGEZ = 1\n")
    wrong = command(*asked, folder=archive.folder)
    assert (wrong.returncode, "OUTLET_PAGEZ is no setting" in wrong.stderr) == (2, True)
