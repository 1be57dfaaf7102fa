"""Outlets with odd servers, links and pages: each one's articles are archived all the same, once and rightly."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import pytest

from archive.options import SHIPPED_TOPIC
from crawlers.context import CrawlOptions
from crawlers.crawl import CrawlReport, archive_lock, crawl
from crawlers.outlets import load_outlets
from tests.newsroom import Article, Change, Newsroom, Outlet, load_newsroom
from tests.test_crawl_newsroom import Visit, likeness

pytestmark = pytest.mark.slow

MX = {"country": "MX", "language": "es", "timezone": "America/Mexico_City"}
US = {"country": "US", "language": "en", "timezone": "America/New_York"}
SECTIONS = {"politica": "Política"}


def outlet(name: str, country: dict[str, str], **values: object) -> Outlet:
    features = frozenset(str(values.pop("features", "")).split())
    return Outlet(id=name, name=f"{name} (fictional)", features=features, **{**country, **values})  # type: ignore[arg-type]


ODD_OUTLETS = [
    outlet("by-query", MX, path="/nota.php?id={number}", features="tracking"),
    outlet("fragments", US, features="fragments", offset="utc"),
    outlet("relative", MX, features="relative", layout="classic", dates="opengraph"),
    outlet("latin", MX, features="latin-1 no-canonical", layout="wordpress", dates="time", offset="none"),
    outlet("chunks", US, features="chunked gzip weak", validators="etag"),
    outlet("graph", US, features="graph", offset="utc"),
    outlet("microdata", MX, layout="classic", dates="microdata", offset="none"),
    outlet("all-home", MX, features="home-canonical", dates="opengraph", layout="wordpress"),
    outlet("no-robots", US, features="no-robots", dates="visible", layout="wordpress"),
    outlet(
        "pages", MX, routes={}, sections=SECTIONS, page_size=3, features="page-query slashless",
        path="/{y}/{m}/{slug}/",
    ),
    outlet("pages-next", US, routes={}, sections=SECTIONS, page_size=3, dates="visible", path="/{slug}.html"),
    outlet("chain", MX, features="chain", validators="none"),
    outlet("refresh", US, features="meta-refresh"),
    outlet(
        "hidden", MX, announce="nowhere", routes={"rss2": "/feed/"}, sections=SECTIONS, path="/{y}/{m}/{d}/{slug}/"
    ),
    outlet("foreign", MX, features="foreign-canonical", dates="time"),
    outlet("date-only", US, features="date-only", layout="wordpress"),
    outlet(
        "noisy-map", MX, features="noisy-map", routes={"sitemap": "/sitemap.xml"}, sections=SECTIONS,
        dates="opengraph",
    ),
    outlet(
        "copies", US, features="copies", sections=SECTIONS, page_size=3,
        routes={"rss2": "/rss.xml", "sitemap": "/sitemap.xml", "atom": "/atom.xml"},
    ),
    outlet(
        "bare-copies", MX, features="copies no-canonical", sections=SECTIONS,
        routes={"atom": "/a.xml", "rss1": "/r.rdf"},
    ),
    outlet("fickle", MX, features="fickle", validators="etag"),
    outlet("broken-feed", US, features="broken-feed", sections=SECTIONS, page_size=5),
    outlet("flaky", MX, features="flaky", validators="none"),
    outlet("only-home", US, announce="nowhere", routes={}, sections=SECTIONS, page_size=4, dates="opengraph"),
    outlet("renaming", MX, path="/{section}/{slug}/", routes={"rss2": "/rss.xml", "news-sitemap": "/news.xml"}),
    outlet("hidden-map", US, announce="robots", routes={"sitemap-gz": "/mapas/todo.xml.gz"}, path="/a/{slug}-{number}"),
]  # fmt: skip


UNTAGGED = ("chain", "refresh", "flaky", "fickle")  # those that never answer 304


@dataclass(frozen=True)
class Odd:
    newsroom: Newsroom
    folder: Path

    def crawl(self) -> CrawlReport:
        outlets = load_outlets(self.newsroom.registry(self.folder / "outlets.toml"))
        options = CrawlOptions(
            db=self.folder / "archive.db", warc_dir=self.folder / "warc", topic=SHIPPED_TOPIC, outlets=outlets,
            declared=outlets, recheck="all", allow_private_hosts=True,
        )  # fmt: skip
        with archive_lock(options.db):
            return crawl(options)

    def visit(self) -> Visit:
        truth = {t.url: t for t in self.newsroom.truth()}
        return Visit(self.folder / "archive.db", list(self.newsroom.requests), truth, "")


def odd_articles() -> list[Article]:
    """Eight clear articles of the demo in each language, in every odd outlet of that language."""
    demo = load_newsroom()
    clear = {
        language: [
            a for a in demo.articles
            if a.grade == 2 and not a.traits and not a.changes and not a.wire
            and demo.outlets[a.outlet].language == language
        ][:8]
        for language in ("es", "en")
    }  # fmt: skip
    return [
        replace(
            article, outlet=odd.id, section="politica", since=1,
            traits=frozenset({"moved"}) if odd.id in ("chain", "refresh") and number % 2 else frozenset(),
            changes=changes_of(odd, article, number),
        )
        for odd in ODD_OUTLETS
        for number, article in enumerate(clear[odd.language])
    ]  # fmt: skip


def changes_of(odd: Outlet, article: Article, number: int) -> tuple[Change, ...]:
    """The first article of each outlet grows in phase 2; one outlet gives another a new address besides."""
    if number == 0:
        return (Change(phase=2, append=("One more paragraph was added to this text on the next day.",)),)
    if number == 1 and odd.id == "renaming":
        return (Change(phase=2, slug=f"{article.slug}-actualizada"),)
    return ()


@pytest.fixture(scope="module")
def odd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Odd]:
    with Newsroom(ODD_OUTLETS, odd_articles()) as newsroom:
        made = Odd(newsroom, tmp_path_factory.mktemp("odd"))
        report = made.crawl()
        assert report.outcome == "done"
        yield made


@pytest.mark.parametrize("name", [o.id for o in ODD_OUTLETS])
def test_an_odd_outlet_is_archived_like_any_other(odd: Odd, name: str) -> None:
    visit = odd.visit()
    articles = {url: a for url, a in visit.articles().items() if a["outlet"] == name}
    if (
        name == "bare-copies"
    ):  # nothing says which of the addresses is the true one: any will do, but only one
        articles = {url.split("?")[0]: a for url, a in articles.items()}
    truth = {url: t for url, t in visit.truth.items() if t.outlet == name}
    assert sorted(articles) == sorted(truth)
    for url, article in articles.items():
        assert article["title"] == truth[url].title
        published = datetime.fromisoformat(article["published_local"])
        assert published == datetime.fromisoformat(truth[url].published), url
        assert published.utcoffset() is not None
        assert likeness(article["text"], truth[url].text) >= 0.93, url


def test_no_odd_article_is_there_twice(odd: Odd) -> None:
    keys = Counter((a["outlet"], a["title"]) for a in odd.visit().articles().values())
    assert [key for key, number in keys.items() if number > 1] == []


def test_the_next_crawls_find_what_changed_and_nothing_else(odd: Odd) -> None:
    before = len(odd.newsroom.requests)
    again = odd.crawl()
    assert (again.totals["new"], again.totals["revised"]) == (0, 0)
    unchanging = [
        r for r in odd.newsroom.requests[before:]
        if r.status == 200 and r.path not in ("/robots.txt", "/") and r.outlet not in UNTAGGED
    ]  # fmt: skip
    assert [f"{r.outlet}{r.path}" for r in unchanging] == []
    odd.newsroom.phase = 2
    later = odd.crawl()
    assert (later.totals["new"], later.totals["revised"]) == (0, len(ODD_OUTLETS))
    revised = Counter(a["outlet"] for a in odd.visit().articles().values() if a["revisions"] == 2)
    assert revised == Counter(o.id for o in ODD_OUTLETS)
    renamed = [a for a in odd.visit().articles().values() if a["outlet"] == "renaming"]
    assert len(renamed) == 8  # the one with a new address is not there twice
    assert [a["status"] for a in renamed].count("moved") <= 1
    assert "gone" not in {a["status"] for a in renamed}
