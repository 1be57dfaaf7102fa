"""The simulator must itself be true: what it serves is what it says it serves."""

import gzip
import http.client
import tomllib
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit

import feedparser
import pytest
from lxml import etree

from tests.conftest import SMALL_ARTICLES, SMALL_OUTLETS
from tests.newsroom import Article, Newsroom, Outlet, paragraphs


def get(url: str, **headers: str) -> tuple[int, dict[str, str], bytes]:
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=10)
    target = parts.path + (f"?{parts.query}" if parts.query else "")
    connection.request("GET", target, headers={k.replace("_", "-"): v for k, v in headers.items()})
    response = connection.getresponse()
    body = response.read()
    connection.close()
    return response.status, {k.title(): v for k, v in response.getheaders()}, body


def entries(url: str) -> list[dict[str, str]]:
    return feedparser.parse(get(url)[2]).entries


def test_every_article_stands_at_its_canonical_url_with_its_text(small_newsroom: Newsroom) -> None:
    for truth in small_newsroom.truth():
        status, headers, body = get(truth.url)
        tree = etree.HTML(body)
        assert status == 200
        assert headers["Content-Type"].startswith("text/html")
        assert tree.findtext(".//h1") == truth.title
        assert tree.xpath("//link[@rel='canonical']/@href") == [truth.url]
        for paragraph in truth.text.split("\n\n"):
            assert paragraph in "".join(tree.itertext())


def test_outlets_have_addresses_of_their_own(small_newsroom: Newsroom) -> None:
    assert small_newsroom.base("faro") == f"http://127.0.0.2:{small_newsroom.port}"
    assert b"Faro" in get(small_newsroom.base("faro") + "/")[2]
    assert b"Ledger" in get(small_newsroom.base("ledger") + "/")[2]


def test_a_published_time_is_the_outlets_own(small_newsroom: Newsroom) -> None:
    published = {t.url.rsplit("/", 2)[1]: t.published for t in small_newsroom.truth()}
    assert published["cancilleres-acuerdan-reunion"] == "2026-01-15T18:42:00-06:00"
    assert published["rubio-de-la-fuente-call"] == "2026-01-15T20:10:00-05:00"


@pytest.mark.parametrize("kind", ["etag", "last-modified", "both"])
def test_unchanged_answers_304_to_each_validator(kind: str) -> None:
    outlet = replace(SMALL_OUTLETS[0], validators=kind)
    with Newsroom([outlet], [a for a in SMALL_ARTICLES if a.outlet == "faro"]) as newsroom:
        for url in (newsroom.base("faro") + "/rss.xml", newsroom.truth()[0].url):
            _, headers, _ = get(url)
            conditions = {}
            if kind != "last-modified":
                conditions["If_None_Match"] = headers["Etag"]
            if kind != "etag":
                conditions["If_Modified_Since"] = headers["Last-Modified"]
            assert get(url, **conditions)[0] == 304
            newsroom.phase = 2
            assert get(url, **conditions)[0] == 200
            newsroom.phase = 1


def test_phases_revise_remove_redirect_and_bring_back(small_newsroom: Newsroom) -> None:
    urls = {t.url.rstrip("/").rsplit("/", 1)[1]: t.url for t in small_newsroom.truth()}
    small_newsroom.phase = 2
    body = get(urls["cancilleres-acuerdan-reunion"])[2].decode()
    assert "12 proyectos" in body
    assert "14 proyectos" not in body
    assert "Fe de errores" in body
    assert get(urls["aduanas-armas-decomiso"])[0] == 404
    status, headers, _ = get(urls["joint-patrols-plan"])
    assert (status, headers["Location"]) == (302, small_newsroom.base("ledger") + "/")
    changed = {t.url: t for t in small_newsroom.truth()}[urls["cancilleres-acuerdan-reunion"]]
    assert changed.version == 2
    assert changed.title.startswith("México y Estados Unidos fijan")
    small_newsroom.phase = 3
    assert get(urls["aduanas-armas-decomiso"])[0] == 200


@pytest.fixture
def every_route() -> Iterator[Newsroom]:
    routes = {
        "rss2": "/rss.xml", "rss1": "/rdf.xml", "rss091": "/old.xml", "atom": "/atom.xml",
        "jsonfeed": "/feed.json", "news-sitemap": "/news.xml", "sitemap": "/all.xml",
        "sitemap-gz": "/all.xml.gz", "sitemap-index": "/index.xml",
    }  # fmt: skip
    outlet = replace(
        SMALL_OUTLETS[0],
        routes=routes,
        features=frozenset({"amp", "mobile", "tracking", "gzip"}),
        page_size=10,
        crawl_delay=2,
    )
    articles = [
        Article(
            outlet="faro",
            slug=f"nota-{n}",
            title=f"Nota número {n} ¿así & asá?",
            text=(f"Texto {n}",),
            published=datetime(2026, 1 + n % 2, 1 + n, 8, n),
        )
        for n in range(24)
    ]
    with Newsroom([outlet], articles) as newsroom:
        yield newsroom


@pytest.mark.parametrize("path", ["/rss.xml", "/rdf.xml", "/old.xml", "/atom.xml"])
def test_feeds_name_every_article_under_tracking_links(every_route: Newsroom, path: str) -> None:
    found = entries(every_route.base("faro") + path)
    truth = {t.url: t.title for t in every_route.truth()}
    assert {e["link"].split("?")[0]: e["title"] for e in found} == truth
    assert all("utm_source" in e["link"] for e in found)


def test_feed_dates_name_the_minute_of_publication(every_route: Newsroom) -> None:
    published = {t.url: datetime.fromisoformat(t.published) for t in every_route.truth()}
    for path in ("/rss.xml", "/rdf.xml", "/atom.xml"):
        for entry in entries(every_route.base("faro") + path):
            when = published[entry["link"].split("?")[0]].utctimetuple()[:5]
            assert tuple((entry.get("published_parsed") or entry["updated_parsed"])[:5]) == when


def locations(body: bytes) -> set[str]:
    return {e.text for e in etree.fromstring(body).iter("{*}loc")}


def test_sitemaps_plain_gzipped_and_indexed_name_every_article(every_route: Newsroom) -> None:
    base, urls = every_route.base("faro"), {t.url for t in every_route.truth()}
    assert locations(get(base + "/news.xml")[2]) == urls
    assert locations(gzip.decompress(get(base + "/all.xml.gz")[2])) == urls
    found: set[str] = set()
    for part in locations(get(base + "/index.xml")[2]):
        body = get(part)[2]
        found |= locations(gzip.decompress(body) if part.endswith(".gz") else body)
    assert found == urls


def test_section_pages_lead_to_every_article_and_end(every_route: Newsroom) -> None:
    base, found, page = every_route.base("faro"), [], "/politica/"
    while page:
        tree = etree.HTML(get(base + page)[2])
        found += tree.xpath("//div[@class='card']/h2/a/@href")
        page = next(iter(tree.xpath("//a[@rel='next']/@href")), "")
    assert len(found) == 24
    assert any(link.endswith("/amp/") for link in found)
    assert any(link.startswith("http://127.0.0.102:") for link in found)


def test_amp_mobile_and_slashless_editions_name_the_canonical_one(every_route: Newsroom) -> None:
    url = every_route.truth()[0].url
    path = urlsplit(url).path
    for variant in (url + "amp/", every_route.base("faro", mobile=True) + path):
        status, _, body = get(variant)
        assert status == 200
        assert etree.HTML(body).xpath("//link[@rel='canonical']/@href") == [url]
    status, headers, _ = get(url.rstrip("/"))
    assert (status, headers["Location"]) == (301, url)


def test_robots_names_rules_delay_and_sitemaps(every_route: Newsroom) -> None:
    robots = get(every_route.base("faro") + "/robots.txt")[2].decode()
    assert "Disallow: /privado/" in robots
    assert "Crawl-delay: 2" in robots
    assert f"Sitemap: {every_route.base('faro')}/index.xml" in robots


def test_gzip_is_sent_only_to_those_who_take_it(every_route: Newsroom) -> None:
    url = every_route.truth()[0].url
    assert "Content-Encoding" not in get(url)[1]
    _, headers, body = get(url, Accept_Encoding="gzip")
    assert headers["Content-Encoding"] == "gzip"
    assert b"Texto" in gzip.decompress(body)


def test_walls_hide_the_text() -> None:
    articles = [
        replace(SMALL_ARTICLES[0], slug="a", traits=frozenset({"paywall"}), changes=()),
        replace(SMALL_ARTICLES[0], slug="b", traits=frozenset({"consent"}), changes=()),
    ]
    with Newsroom(SMALL_OUTLETS[:1], articles) as newsroom:
        truth = {t.expect: t for t in newsroom.truth()}
        assert set(truth) == {"teaser", "nothing"}
        assert "12 proyectos" not in get(truth["teaser"].url)[2].decode()
        assert "conversó por teléfono" in get(truth["teaser"].url)[2].decode()
        assert "conversó por teléfono" not in get(truth["nothing"].url)[2].decode()


def test_a_restless_outlet_never_answers_304_nor_the_same_twice() -> None:
    outlet = replace(SMALL_OUTLETS[0], features=frozenset({"restless"}))
    with Newsroom([outlet], SMALL_ARTICLES[:3]) as newsroom:
        url = newsroom.truth()[0].url
        first, second = get(url), get(url)
        assert "Etag" not in first[1]
        assert first[2] != second[2]


def test_an_outlet_that_names_nothing_is_still_found_by_robots_or_links(tmp_path: Path) -> None:
    outlet = replace(SMALL_OUTLETS[0], announce="robots")
    with Newsroom([outlet], SMALL_ARTICLES[:3]) as newsroom:
        (block,) = tomllib.loads(newsroom.registry(tmp_path / "outlets.toml").read_text())["outlet"]
        assert not {"feeds", "sitemaps", "sections"} & set(block)
        home = etree.HTML(get(newsroom.base("faro") + "/")[2])
        assert home.xpath("//link[@rel='alternate']/@href") == ["/rss.xml"]
        assert "/sitemap-news.xml" in get(newsroom.base("faro") + "/robots.txt")[2].decode()


def test_the_log_keeps_what_was_asked(small_newsroom: Newsroom) -> None:
    get(small_newsroom.base("faro") + "/rss.xml", User_Agent="probe/1.0")
    (request,) = small_newsroom.requests_of("faro")
    assert (request.path, request.status, request.headers["user-agent"]) == ("/rss.xml", 200, "probe/1.0")


def test_a_change_that_does_not_fit_its_article_is_refused() -> None:
    article = replace(SMALL_ARTICLES[0], text=("Otro texto.",))
    with Newsroom(SMALL_OUTLETS, [article]) as newsroom, pytest.raises(ValueError, match="14 proyectos"):
        newsroom.truth(phase=2)


def test_an_article_of_an_unknown_outlet_is_refused() -> None:
    with pytest.raises(ValueError, match="nobody"):
        Newsroom([Outlet(id="a", name="A")], [replace(SMALL_ARTICLES[0], outlet="nobody")])


def test_paragraphs_are_split_at_blank_lines() -> None:
    assert paragraphs("\nuno\ndos\n\n\ntres\n") == ("uno dos", "tres")
