"""The site in a real browser: what a journalist does, and what axe finds."""

import os
import shutil
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright

from tests.archives import build_archive

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


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_archive(tmp_path_factory.mktemp("browser"))


@pytest.fixture(scope="module")
def site(archive: Path) -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "archive.cli", "serve", "--db", str(archive), "--port", str(port)]
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


def addresses(archive: Path) -> list[str]:
    with sqlite3.connect(archive) as connection:
        (number,) = connection.execute("SELECT id FROM articles WHERE revisions > 1 AND grade > 0").fetchone()
        (story,) = connection.execute("SELECT id FROM stories ORDER BY articles DESC").fetchone()
        (outlet,) = connection.execute("SELECT outlet FROM articles LIMIT 1").fetchone()
    return [
        "/",
        "/search?q=seguridad",
        f"/article/{number}",
        "/stories",
        f"/story/{story}",
        "/calendar",
        "/changes",
        "/outlets",
        f"/outlet/{outlet}",
        "/about",
        "/nothing-here",
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_and_pages_are_light(archive: Path, site: str, page: Page, scheme: str) -> None:
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    outside: list[str] = []
    page.on("request", lambda request: None if request.url.startswith(site) else outside.append(request.url))
    for address in addresses(archive):
        for language in ("es", "en"):
            separator = "&" if "?" in address else "?"
            answer = page.goto(f"{site}{address}{separator}lang={language}")
            assert answer is not None
            assert len(answer.body()) < WEIGHT_LIMIT_BYTES, address
            results = Axe().run(page)
            assert results.violations_count == 0, f"{address} {language}: {results.generate_report()}"
    assert not outside


def test_a_journalist_searches_refines_and_reads_what_changed(site: str, page: Page) -> None:
    page.goto(f"{site}/?lang=en")
    page.get_by_label("Search the archive").fill("seguridad")
    page.get_by_role("button", name="Search").click()
    whole = int(page.locator(".found").inner_text().split()[0].replace(",", ""))
    assert whole > 0
    assert page.locator(".hits mark").count() > 0
    page.locator(".facets a", has_text="Mexico").first.click()
    narrowed = int(page.locator(".found").inner_text().split()[0].replace(",", ""))
    assert 0 < narrowed <= whole
    assert "country=MX" in page.url
    assert "lang=en" in page.url
    page.locator(".hits h3 a").first.click()
    assert page.locator("h1").inner_text()
    page.goto(f"{site}/changes?lang=en")
    page.locator("article.item h2 a").first.click()
    assert page.locator(".versions, #events").count() > 0


def test_the_csv_of_a_search_has_as_many_rows_as_the_page_promised(site: str, page: Page) -> None:
    page.goto(f"{site}/search?q=seguridad&lang=en")
    link = page.locator(".takeaway a", has_text="CSV")
    promised = int(link.inner_text().split()[1].replace(",", ""))
    with urllib.request.urlopen(site + str(link.get_attribute("href"))) as answer:
        import csv
        import io

        found = list(csv.DictReader(io.StringIO(answer.read().decode())))
    assert len(found) == promised


def test_nothing_is_wider_than_a_phone(archive: Path, site: str, browser: Browser) -> None:
    phone = browser.new_page(viewport={"width": 360, "height": 740})
    for address in addresses(archive):
        phone.goto(site + address)
        width = phone.evaluate("document.documentElement.scrollWidth")
        assert width <= 360, (address, width)
    phone.close()


def test_a_hostile_search_does_no_harm(site: str, page: Page) -> None:
    alerts: list[str] = []
    page.on("dialog", lambda dialog: (alerts.append(dialog.message), dialog.dismiss()))
    for text in (
        '"><script>alert(1)</script>',
        "México-EE.UU.",
        'armas"',
        "-b",
        "(((",
        "“curly”",
        "a" * 10_000,
        "\U0001f52b",
    ):
        page.goto(f"{site}/search?lang=es")
        page.locator("#q").fill(text)
        page.get_by_role("button", name="Buscar").click()
        assert page.locator(".understood").count() == 1
    assert not alerts
