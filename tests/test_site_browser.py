"""The site in a real browser: what a journalist does, and what axe finds."""

import csv
import os
import re
import shutil
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import feedparser
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright

from archive.site.i18n import Words
from tests.archives import build_archive
from tests.site_pages import in_language, one, own_pages, table_pages

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
REQUIRED = bool(os.environ.get("BILATERAL_REQUIRE_BROWSER"))
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None and not REQUIRED, reason="no Chromium on this machine"),
]
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
WEIGHT_LIMIT_BYTES = 150_000
# All rules that axe has for WCAG 2.2 AA, with the size of targets, which it leaves out unless asked; and good practice.
AXE = {
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    "rules": {"target-size": {"enabled": True}},
}
# The elements that make the page wider than the window, where it is.
WIDER = """() => {
  const width = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth <= width) return [];
  return [...document.querySelectorAll("body *")].filter((e) => e.getBoundingClientRect().right > width + 1
    && !e.closest(".scroll")).map((e) => e.outerHTML.slice(0, 120)).slice(0, 5);
}"""


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_archive(tmp_path_factory.mktemp("browser"))


@pytest.fixture(scope="module")
def site(archive: Path) -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    # With the notice of the demo, which is a part of each page.
    serve = "import sys; from pathlib import Path; from archive.commands.serve import run_site;"
    serve += "run_site(Path(sys.argv[1]), host='127.0.0.1', port=int(sys.argv[2]), notice='demo')"
    command = [sys.executable, "-c", serve, str(archive), str(port)]
    server = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    address = f"http://127.0.0.1:{port}"
    try:
        for _ in range(100):
            try:
                urllib.request.urlopen(address + "/about").close()
                break
            except OSError:
                time.sleep(0.1)
        yield address
    finally:
        server.terminate()
        server.wait(10)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield chromium
        chromium.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    page = browser.new_page(viewport={"width": 1100, "height": 900})
    yield page
    page.close()


def articles_promised(page: Page) -> int:
    """Return the number that the heading of the results names."""
    return int(page.locator(".found").inner_text().split()[0].replace(",", ""))


@pytest.mark.parametrize(("scheme", "width", "every"), [("light", 1280, 1), ("dark", 360, 2)])
def test_axe_finds_nothing_on_any_page_and_nothing_is_asked_elsewhere(
    archive: Path, site: str, browser: Browser, scheme: str, width: int, every: int
) -> None:
    page = browser.new_page(viewport={"width": width, "height": 800}, color_scheme=scheme)  # type: ignore[arg-type]
    outside: list[str] = []
    weights: dict[str, int] = {}
    page.on("request", lambda request: None if request.url.startswith(site) else outside.append(request.url))
    page.on("response", lambda answer: weights.update({answer.url: len(answer.body())}))
    # Both languages have the same structure: each page is read in one, by turns.
    for number, address in enumerate([*own_pages(archive), *table_pages(archive)[::every]]):
        weights.clear()
        page.goto(site + in_language(address, ("es", "en")[number % 2]))
        page.evaluate("for (const part of document.querySelectorAll('details')) part.open = true")
        assert sum(weights.values()) < WEIGHT_LIMIT_BYTES, (address, weights)
        results = Axe().run(page, options=AXE)
        assert results.violations_count == 0, f"{address}: {results.generate_report()}"
        wide = page.evaluate(WIDER)
        assert not wide, (address, wide)
    page.close()
    assert not outside


def test_text_twice_as_large_needs_no_sideways_scrolling(archive: Path, site: str, browser: Browser) -> None:
    """At 200% zoom a window of 1280 px is as wide as one of 640 px; and the text alone may be enlarged (WCAG 1.4.4)."""
    for width, size in ((640, "100%"), (1280, "200%"), (360, "200%")):
        page = browser.new_page(viewport={"width": width, "height": 800})
        for address in [*own_pages(archive), *table_pages(archive)[::6]]:
            page.goto(site + address)
            page.evaluate(f"document.documentElement.style.fontSize = '{size}'")
            wide = page.evaluate(WIDER)
            assert not wide, (address, width, size, wide)
        page.close()


def test_on_a_phone_nothing_of_the_sites_own_tables_is_beyond_the_edge(
    archive: Path, site: str, browser: Browser
) -> None:
    page = browser.new_page(viewport={"width": 390, "height": 844})
    tables = 0
    for address in own_pages(archive):
        page.goto(site + address)
        page.evaluate("for (const part of document.querySelectorAll('details')) part.open = true")
        found = page.evaluate(
            "[...document.querySelectorAll('.scroll:has(.stacks)')].map((e) => e.scrollWidth - e.clientWidth)"
        )
        tables += len(found)
        assert not any(found), (address, found)
    assert tables > 5
    page.close()


@pytest.mark.parametrize("language", ["es", "en"])
def test_a_journalist_searches_refines_and_reads(site: str, page: Page, language: str) -> None:
    words = Words("es" if language == "es" else "en")
    page.goto(f"{site}/?lang={language}")
    page.get_by_label(words.t("search_label")).fill("seguridad")
    page.get_by_role("button", name=words.t("search_button")).click()
    whole = articles_promised(page)
    assert whole > 0
    assert page.locator(".hits mark").count() > 0
    assert "«seguridad»" in page.locator(".understood").inner_text().replace("“", "«").replace("”", "»")
    choice = page.locator("#facet-country li").filter(has_text=words.t("mx"))
    count = int(choice.locator(".n").inner_text())
    choice.locator("a").click()
    assert articles_promised(page) == count <= whole
    assert "country=MX" in page.url
    assert f"lang={language}" in page.url
    bar = page.locator(".histogram a").last
    name = bar.locator("title").text_content() or ""
    bar.click()
    assert articles_promised(page) == sum(int(n) for n in re.findall(r"(\d+) (?:de medios|by Mexican)", name))
    assert "from=" in page.url
    page.locator(".hits .headline a").first.click()
    assert page.locator("h1").inner_text()
    assert page.locator(".text mark").count() > 0


def test_words_typed_on_the_empty_search_page_are_answered_by_relevance(site: str, page: Page) -> None:
    page.goto(f"{site}/search?lang=es")
    page.locator("#q").fill("armas")
    with page.expect_navigation():
        page.get_by_role("button", name="Buscar").click()
    assert page.url == f"{site}/search?q=armas&lang=es"
    page.locator("select[name=sort]").select_option("oldest")
    with page.expect_navigation():
        page.get_by_role("button", name="Buscar").click()
    assert "sort=oldest" in page.url


def test_a_journalist_reads_what_was_changed(site: str, page: Page) -> None:
    page.goto(f"{site}/changes?lang=en")
    page.locator(".change", has_text="Edited").locator("h2 a").first.click()
    version = page.locator(f"#{page.url.partition('#')[2]}")
    assert version.locator("ins, del").count() > 0
    assert page.locator(".evidence code").first.inner_text().endswith(".warc.gz")


@pytest.mark.parametrize("kind", ["citation", "cite-bib", "cite-ris"])
def test_a_citation_is_copied(archive: Path, site: str, browser: Browser, kind: str) -> None:
    context = browser.new_context(permissions=["clipboard-read", "clipboard-write"])
    page = context.new_page()
    number = one(archive, "SELECT id FROM articles WHERE authors != '' AND grade > 0")
    page.goto(f"{site}/article/{number}?lang=en")
    for summary in page.locator(".beside details > summary").all():
        summary.click()
    page.locator(f"button[data-copies={kind}]").click()
    page.get_by_role("button", name="Copied").wait_for()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied == page.locator(f"#{kind}").text_content()
    assert one(archive, f"SELECT url FROM articles WHERE id = {number}") in copied
    context.close()


def test_a_feed_found_on_the_page_has_the_articles_of_the_search(site: str, page: Page) -> None:
    page.goto(f"{site}/search?q=armas&sort=newest&lang=es")
    shown = page.locator(".hits .headline").all_inner_texts()
    address = page.locator("link[rel=alternate][type='application/atom+xml']").get_attribute("href")
    feed = feedparser.parse(urllib.request.urlopen(site + str(address)).read())
    assert not feed.bozo
    assert [entry.title for entry in feed.entries][: len(shown)] == shown


@pytest.mark.parametrize("query", ["q=seguridad", "q=armas&copies=all", "country=US&sort=oldest", "q=a*"])
def test_the_csv_of_a_search_has_as_many_rows_as_the_page_promised(site: str, page: Page, query: str) -> None:
    page.goto(f"{site}/search?{query}&lang=en")
    link = page.locator(".takeaway a", has_text="Download")
    promised = int(link.inner_text().split()[1].replace(",", ""))
    assert promised == articles_promised(page)
    with page.expect_download() as download:
        link.click()
    with open(download.value.path(), encoding="utf-8", newline="") as stream:
        assert len(list(csv.DictReader(stream))) == promised


def test_the_site_is_used_with_the_keyboard_alone(site: str, page: Page) -> None:
    page.goto(f"{site}/?lang=en")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    for _ in range(20):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.id") == "q":
            break
    page.keyboard.type("armas")
    page.keyboard.press("Enter")
    page.wait_for_url("**/search?**")
    assert "q=armas" in page.url
    seen = set()
    for _ in range(120):
        page.keyboard.press("Tab")
        seen.add(
            page.evaluate("document.activeElement.getAttribute('href') || document.activeElement.tagName")
        )
        unseen = page.evaluate(
            "getComputedStyle(document.activeElement).outlineStyle === 'none'"
            " && document.activeElement !== document.body && document.activeElement.outerHTML"
        )
        assert not unseen
    assert any("country=MX" in href for href in seen)
    assert any(href.startswith("/article/") for href in seen)


def test_the_readers_own_time_stands_beside_the_publishers(
    archive: Path, site: str, browser: Browser
) -> None:
    context = browser.new_context(timezone_id="Asia/Tokyo", locale="en-US")
    page = context.new_page()
    number = one(archive, "SELECT id FROM articles WHERE published_precision = 'minute' AND grade > 0")
    page.goto(f"{site}/article/{number}?lang=en")
    assert "your time" in page.locator(".byline").inner_text()
    context.close()


HOSTILE = (
    '"><script>alert(1)</script>', "México-EE.UU.", 'armas"', "-b", "(((", "“curly”", "a" * 10_000, "armas OR " * 1_000,
    "\U0001f52b", "NEAR(", "title:", "{{7*7}}", "%00", "' OR 1=1 --", "\u202egnp.exe",
)  # fmt: skip


def test_a_hostile_search_does_no_harm(site: str, page: Page) -> None:
    alerts: list[str] = []
    page.on("dialog", lambda dialog: (alerts.append(dialog.message), dialog.dismiss()))
    for text in HOSTILE:
        page.goto(f"{site}/search?lang=es")
        page.locator("#q").fill(text)
        with page.expect_navigation():
            page.get_by_role("button", name="Buscar").click()
        assert page.locator(".understood").count() == 1
        assert len(page.content()) < WEIGHT_LIMIT_BYTES, text[:20]
        assert page.evaluate("document.documentElement.scrollWidth") <= 1100, text[:20]
    for name in ("from", "sort", "section", "cursor", "nothing"):
        page.goto(f"{site}/search?q=armas&{name}={'(' * 5_000}")
        assert len(page.content()) < WEIGHT_LIMIT_BYTES, name
        assert page.evaluate("document.documentElement.scrollWidth") <= 1100, name
    assert not alerts


def test_a_hostile_headline_does_no_harm(archive: Path, site: str, page: Page) -> None:
    alerts: list[str] = []
    page.on("dialog", lambda dialog: (alerts.append(dialog.message), dialog.dismiss()))
    number = one(archive, "SELECT max(id) FROM articles WHERE grade > 0 AND story IS NOT NULL")
    story = one(archive, f"SELECT story FROM articles WHERE id = {number}")
    kept = one(archive, f"SELECT title FROM articles WHERE id = {number}")
    hostile = (
        "<img src=x onerror=alert(1)> \"'></title></script><script>alert(2)</script> {{7*7}} " + "W" * 400
    )
    with sqlite3.connect(archive) as connection:
        connection.execute(
            "UPDATE articles SET title = ?, authors = ? WHERE id = ?", [hostile, hostile, number]
        )
    try:
        sql = f"/archive?sql=select+title+from+articles+where+id={number}"
        own = ("/", "/search", f"/article/{number}", f"/story/{story}")
        for address in (*own, "/archive/articles", f"/archive/articles/{number}", sql):
            page.goto(site + address)
            page.wait_for_load_state()
            assert page.evaluate("document.documentElement.scrollWidth") <= 1100, address
            assert page.locator("img").count() == 0
    finally:
        with sqlite3.connect(archive) as connection:
            connection.execute("UPDATE articles SET title = ?, authors = '' WHERE id = ?", [kept, number])
    assert not alerts


def test_paper_has_the_article_and_not_the_buttons(archive: Path, site: str, page: Page) -> None:
    page.emulate_media(media="print")
    number = one(archive, "SELECT id FROM articles WHERE grade > 0")
    page.goto(f"{site}/article/{number}")
    assert page.locator(".text").is_visible()
    assert not page.locator(".masthead nav").is_visible()
    assert not page.locator("button.copy").first.is_visible()
