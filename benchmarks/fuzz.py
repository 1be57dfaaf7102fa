"""Throws made-up input at what reads strangers' words, for as long as asked, and says what broke.

    python benchmarks/fuzz.py [--examples 5000] [--seed 1] [TARGET…]

Targets: urls (canonical_url, url_key, fetchable, plausible_canonical), routes (feeds, sitemaps, sections), dates
(printed moments, dates in sentences), queries (the query parser, and the search with what it made), pages
(extraction of mangled HTML), texts (what reads archived texts after a crawl and on the site), robots (the site's own
limits take any address). An exception that a function does not
promise, an address that changes when it is cleaned twice, or more than `SECONDS` for one input is a failure; it is
printed with the smallest input that shows it, and the script ends with 1.
"""

import argparse
import contextlib
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

sys.path.insert(0, str(Path(__file__).parents[1]))

from archive.dates import named_dates
from archive.extraction import extract
from archive.extraction.errors import ExtractionError
from archive.extraction.moments import read_moment
from archive.models import Outlet, Page
from archive.search import parse, search
from archive.site.limits import costly, network
from archive.urls import BadURL, canonical_url, fetchable, plausible_canonical, same_page, url_key
from crawlers.outlets import refusal
from crawlers.routes import RouteError, read_route
from tests.small_archive import build
from tests.text_readers import READERS

SECONDS = 2.0  # for one input, on any machine
OUTLET = Outlet(
    id="faro", name="El Faro", country="MX", language="es", homepage="https://www.faro.example/",
    timezone="America/Mexico_City",
)  # fmt: skip


def made_of(*words: str) -> SearchStrategy[str]:
    """Return texts made of these words and of anything else."""
    return st.lists(st.one_of(st.sampled_from(words), st.text(max_size=8)), max_size=14).map("".join)


URLS = made_of(
    "http://", "https://", "//", "www.", "faro.example", "127.0.0.1", "[::1]", "2130706433", ":80", ":99999", "@", "/",
    "..", "%2e", "%", "%ff", "?", "&", "utm_source=x", "amp", "#", "nota-de-hoy.html", "\\", "\t", "javascript:",
    "xn--", "ñandú", "\u3002", "\ud800", " ", "cdn.ampproject.org/c/s/",
)  # fmt: skip
DATES = made_of(
    "2026", "-", "03", "29", "31", "T", ":", "25", "Z", "+14:00", "-06:00", "GMT", "Mon, ", "lunes ", "de ", "marzo",
    "March", "th", " a.m.", "hace ", "horas", "/", "ayer", "próximo ", "next ", "febrero", "99999", "٣", "hrs",
)  # fmt: skip
QUERIES = made_of(
    '"', "(", ")", "OR ", "AND ", "NOT ", "-", "*", "NEAR(", ",5)", "title:", "título:", "outlet:", "from:2025", "to:x",
    "grade:core", "~", "^", "+", "armas ", "México ", "EE.UU.", "\x00", "\u202e", "'", "--", "{", "}", "|",
)  # fmt: skip
XML = made_of(
    '<?xml version="1.0"?>', "<rss>", "<channel>", "<item>", "</item>", "<link>", "</link>", "<title>", "<![CDATA[",
    "]]>", "&amp;", "&x;", "<!DOCTYPE x [", "<!ENTITY x 'y'>", "]>", "<feed xmlns='http://www.w3.org/2005/Atom'>",
    "<entry>", "<link href='/a'/>", "<urlset>", "<url><loc>", "</loc></url>", "<sitemapindex>", "<sitemap>",
    "<pubDate>", "Mon, 99 Foo", "/nota", "http://[", "javascript:x", '{"version":"x","items":[', '{"url":"/a"}', "]}",
    "<html>", "<a href='/nota-de-hoy-en-la-ciudad'>", "<base href='http://['>", "\x00", "\x1b",
)  # fmt: skip
HTML = made_of(
    "<html>", "<head>", "<title>", "</title>", "<meta charset='x'>", "<body>", "<article>", "<p>", "</p>", "<div>",
    "<table><tr><td>", '<script type="application/ld+json">', '{"@type":"NewsArticle",', '"datePublished":',
    '"articleBody":', "[[[[", "null", "}", "</script>", "<time datetime='x'>", "<h1>",
    "<link rel=canonical href='//['>",
    "<base href='x:'>", "&#0;", "&#xD800;", "\x00", "\x1b", "palabra " * 50, "México y Estados Unidos. ", "<!--", "-->",
)  # fmt: skip
TEXTS = made_of(
    "México ", "Estados Unidos ", "el canciller Juan Ramón de la Fuente ", "dijo", " said ", "según ", "para ",
    "for ", "De ", "la ", "y ", "reunión ", "el 23 de enero ", "next Friday ", ", ", ". ", ": ", "\n", "\n\n", '"', "“",
    "”", "«", "»", "'", "’", "—", "(", ")", "EFE.- ", "WASHINGTON (AP) — ", "1,234 ", "50% ", "$", "Corrección: ",
    "hace 2 horas", "…", "\x00", "\u202e", "\ud800", "\u0301", "💥", "ß", "İ", "ﬁ", "²", "٣",
)  # fmt: skip


def urls(text: str) -> None:
    """Clean an address."""
    try:
        once = canonical_url(text, OUTLET.homepage)
    except BadURL:
        assert fetchable(text) is not None
    else:
        assert canonical_url(once, OUTLET.homepage) == once, once
        assert same_page(once, text)
    url_key(text).encode("utf-8")
    plausible_canonical(text, "https://www.faro.example/a/nota.html", OUTLET.homepage)
    refusal(text, OUTLET)


def routes(text: str) -> None:
    """Read a route in each of its roles."""
    for body in (text.encode("utf-8", "surrogatepass"), text.encode("utf-16", "surrogatepass")):
        for kind in ("feed", "sitemap", "section"):
            try:
                contents = read_route(kind, body, "https://www.faro.example/r", OUTLET)
            except RouteError:
                continue
            for lead in contents.leads:
                refusal(lead.url, OUTLET)


def dates(text: str) -> None:
    """Read a printed moment, and what a sentence names."""
    read_moment(text)
    read_moment(text, month_first=True)
    named_dates(text, date(2026, 3, 3), "es")
    named_dates(text, date(2026, 3, 3), "en")


def queries(text: str) -> None:
    """Parse a query and search for it."""
    for both in (False, True):
        search(DATABASE, parse(text, both_languages=both))


def pages(text: str) -> None:
    """Extract a page."""
    page = Page(
        url="https://www.faro.example/a/nota.html", body=text.encode("utf-8", "surrogatepass"),
        fetched="2026-03-03T00:00:00Z", language="es", timezone="America/Mexico_City", outlet="faro",
    )  # fmt: skip
    with contextlib.suppress(ExtractionError):
        extract(page)


def texts(text: str) -> None:
    """Read an archived text in every way it is read; a lone surrogate never gets into the archive."""
    stored = text.encode("utf-8", "replace").decode()
    for read in READERS.values():
        read(stored)


def robots(text: str) -> None:
    """Weigh a request."""
    costly(text, text.encode("utf-8", "surrogatepass"))
    network(text)


TARGETS: dict[str, tuple[Callable[[str], None], SearchStrategy[str]]] = {
    "urls": (urls, URLS), "routes": (routes, XML), "dates": (dates, DATES), "queries": (queries, QUERIES),
    "pages": (pages, HTML), "texts": (texts, TEXTS), "robots": (robots, URLS),
}  # fmt: skip


def fuzz(name: str, examples: int, number: int) -> str | None:
    """Run one target. Returns what broke, or None."""
    function, strategy = TARGETS[name]

    @seed(number)
    @settings(
        max_examples=examples, deadline=None, database=None, phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(strategy)
    def run(text: str) -> None:
        began = time.perf_counter()
        function(text)
        assert time.perf_counter() - began < SECONDS, f"took {time.perf_counter() - began:.1f} s: {text!r}"

    try:
        run()
    except Exception as error:
        return f"{type(error).__name__}: {error}\n" + "\n".join(getattr(error, "__notes__", []))
    return None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("targets", nargs="*", choices=[*TARGETS, []], default=[])
    parser.add_argument("--examples", type=int, default=5_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    broken = 0
    for name in options.targets or TARGETS:
        began = time.monotonic()
        found = fuzz(name, options.examples, options.seed)
        broken += found is not None
        print(
            f"{name}: {options.examples:,} inputs in {time.monotonic() - began:.0f} s: {found or 'nothing broke'}"
        )
    sys.exit(1 if broken else 0)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        DATABASE = build(Path(folder)).db
        main()
