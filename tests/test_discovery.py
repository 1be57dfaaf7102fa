import pytest
from hypothesis import given
from hypothesis import strategies as st

from archive.models import Outlet
from crawlers.discovery import (
    WELL_KNOWN,
    Route,
    routes_in_homepage,
    routes_in_robots,
    sitemaps_in_robots,
    well_known_routes,
)

HOME = "https://www.elfaro.com.mx"
OUTLET = Outlet(
    id="el-faro", name="El Faro", country="MX", language="es", homepage=f"{HOME}/", timezone="America/Tijuana"
)
ROBOTS = f"{HOME}/robots.txt"


def test_sitemap_lines_are_found_wherever_they_stand():
    text = (
        f"\ufeffSitemap: {HOME}/a.xml\r\nUser-agent: *\nDisallow: /x\n  sitemap:{HOME}/b.xml # nota\n"
        f"# Sitemap: {HOME}/no.xml\nSITEMAP : {HOME}/c.xml\nSitemap: {HOME}/a.xml\nSitemap:\n"
    )
    assert sitemaps_in_robots(text) == [f"{HOME}/a.xml", f"{HOME}/b.xml", f"{HOME}/c.xml"]


def test_of_a_robots_txt_only_the_outlets_own_sitemaps_count_the_news_first():
    text = "\n".join(
        f"Sitemap: {url}"
        for url in (
            f"{HOME}/sitemap.xml", f"{HOME}/sitemap-tags.xml", "https://otro.com.mx/news.xml", "http://10.0.0.1/s.xml",
            "javascript:alert(1)", "/relative-news.xml", f"{HOME}/news-sitemap.xml",
        )
    )  # fmt: skip
    routes = routes_in_robots(text, ROBOTS, OUTLET)
    assert {route.url for route in routes[:2]} == {f"{HOME}/relative-news.xml", f"{HOME}/news-sitemap.xml"}
    assert [route.url for route in routes[2:]] == [f"{HOME}/sitemap.xml"]
    assert {(route.kind, route.origin) for route in routes} == {("sitemap", "robots")}


def test_a_robots_txt_without_end_is_read_to_its_limit():
    assert (
        len(routes_in_robots("".join(f"Sitemap: {HOME}/{n}.xml\n" for n in range(90_000)), ROBOTS, OUTLET))
        == 10
    )


def test_a_page_in_the_place_of_robots_txt_names_nothing():
    assert sitemaps_in_robots("<!DOCTYPE html><html><body>Sitemap of the site</body></html>") == []


PAGE = b"""<!DOCTYPE html><html lang="es"><head>
<link rel="alternate" type="application/rss+xml" title="El Faro" href="/rss.xml">
<link rel="ALTERNATE home" type="application/atom+xml; charset=utf-8" href="https://feeds.elfaro.com.mx/atom">
<link rel="alternate" type="application/feed+json" href="//www.elfaro.com.mx/feed.json">
<link rel="alternate" type="application/rss+xml" title="Comentarios" href="/comments/feed/">
<link rel="alternate" type="application/rss+xml" href="https://otro.com.mx/rss.xml">
<link rel="alternate" type="application/rss+xml" href="javascript:x">
<link rel="alternate" hreflang="en" href="/en/"><link rel="stylesheet" type="text/css" href="/rss.css">
</head><body>
<nav><a href="/">Inicio</a><a href="/nacional/">Nacional</a><a href="/mundo">Mundo</a><a href="/deportes/">Deportes</a>
 <a href="/tijuana/seguridad/">Seguridad</a><a href="https://otro.com.mx/nacional/">Otro</a></nav>
<main><a href="/nacional/firman-acuerdo-de-seguridad">Firman acuerdo de seguridad</a></main>
<footer><a href="/rss/politica.xml">RSS</a><a href="/feed/podcast">Podcast</a></footer></body></html>"""


def test_a_homepage_names_its_feeds_and_the_sections_that_fit_the_subject():
    routes = routes_in_homepage(PAGE, f"{HOME}/", OUTLET)
    assert [route.url for route in routes if route.kind == "feed"] == [
        f"{HOME}/rss.xml",
        "https://feeds.elfaro.com.mx/atom",
        f"{HOME}/feed.json",
        f"{HOME}/rss/politica.xml",
    ]
    assert [route.url for route in routes if route.kind == "section"] == [
        f"{HOME}/nacional/",
        f"{HOME}/mundo",
        f"{HOME}/tijuana/seguridad/",
    ]
    assert {route.origin for route in routes} == {"homepage"}


@given(st.binary(max_size=500))
def test_any_body_can_be_looked_through_for_routes(body):
    routes_in_homepage(body, f"{HOME}/", OUTLET)
    routes_in_homepage(PAGE[: len(body)] + body, f"{HOME}/", OUTLET)


@given(st.text(max_size=500))
def test_any_text_can_be_looked_through_for_sitemaps(text):
    routes_in_robots(f"Sitemap: {text}", ROBOTS, OUTLET)


def test_well_known_places_lie_on_the_homepages_host():
    outlet = Outlet(
        id="x",
        name="X",
        country="MX",
        language="es",
        homepage="http://127.0.0.2:8001/mexico/",
        timezone="UTC",
    )
    routes = well_known_routes(outlet)
    assert len(routes) == len(WELL_KNOWN)
    assert routes[0] == Route("http://127.0.0.2:8001/feed/", "feed", "well-known")
    assert {route.kind for route in routes} == {"feed", "sitemap"}


@pytest.mark.parametrize("body", [b"", b"\x00", b"<rss/>", b"%PDF-1.7"])
def test_what_is_no_page_names_no_routes(body):
    assert routes_in_homepage(body, f"{HOME}/", OUTLET) == []
