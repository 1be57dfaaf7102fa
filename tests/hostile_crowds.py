"""Outlets of which one good article stands among thousands that are not to be had.

In each only one route names the good article, and that route names more than one crawl asks of an outlet.
"""

# ruff: noqa: E501 - a table, one line an outlet

from collections.abc import Iterator

from tests.hostile import Behaviour, Call, Web, closes, not_found
from tests.hostile_cases import Case
from tests.hostile_documents import entry, index, rss, sent, sitemap

GOOD = Web.GOOD
HEADLINE = "México y Estados Unidos acuerdan un programa de seguridad"
MANY = 1_000  # in one route; the crawl of these outlets asks 60 pages of each
FEED = 'feeds = ["{base}/feed.xml"]'
SITEMAP = 'sitemaps = ["{base}/sitemap.xml"]'


def item(link: str, title: str = HEADLINE, inside: str = "") -> str:
    return f"<item><title>{title}</title><link>{link}</link>{inside}</item>"


def anchor(link: str) -> str:
    return f'<h2><a href="{link}">{HEADLINE}</a></h2>'


def among(junk: Iterator[str], good: str, place: float) -> str:
    """Return ``good`` among ``junk``, at this part of its length."""
    parts = list(junk)
    parts.insert(round(place * len(parts)), good)
    return "".join(parts)


def crowd(junk: Iterator[str], *, good: str = item(GOOD), place: float = 0.5, **paths: Behaviour) -> Case:
    """Return an outlet with one feed."""
    more = {f"/{name}": behaviour for name, behaviour in paths.items()}
    return Case({"/feed.xml": sent(rss(among(junk, good, place))), "*": not_found, **more}, block=FEED)


def links(spelling: str, many: int = MANY) -> Iterator[str]:
    return (spelling.format(n) for n in range(many))


def of_sitemap(document: str, **paths: Behaviour) -> Case:
    more = {f"/{name}.xml": behaviour for name, behaviour in paths.items()}
    return Case({"/sitemap.xml": sent(document, "application/xml"), "*": not_found, **more}, block=SITEMAP)


async def fifty_more(call: Call) -> None:
    """Answer with an index of fifty sitemaps that nobody has heard of."""
    stem = call.path.removesuffix(".xml")
    await call.answer(
        index(*(f"{call.base}{stem}-{n}.xml" for n in range(50))).encode(), kind="application/xml"
    )


def dated(day: int) -> str:
    return f"<pubDate>{day:02} Mar 2026 09:30:00 GMT</pubDate>"


async def drips_items(call: Call) -> None:
    """Answer with the good article, then with a few bytes at long intervals."""
    start = rss(item(GOOD)).removesuffix("</channel></rss>").encode()
    await call.stream(start, b"<item>", pause=2.2, seconds=20, kind="application/rss+xml")


FAT = "palabra " * 2_000  # a feed of 16 MB
NO_BAD = {"*": not_found}
EQUAL = "/nota-de-seguridad-numero-{}.html"  # of the good article's shape
SMALL = sent(sitemap(entry("{base}" + GOOD)), "application/xml")
CROWDS: dict[str, Case] = {
    "crowd-last": crowd((item(link) for link in links(EQUAL)), place=1),
    "crowd-first": crowd((item(link) for link in links(EQUAL)), place=0),
    "crowd-of-other-words": crowd(item(link, "Horóscopo del día") for link in links(EQUAL)),
    "crowd-without-words": crowd(item(link, "") for link in links(EQUAL)),
    "crowd-of-other-shape": crowd(item(link) for link in links("/archivo/{}.html")),
    "crowd-of-questions": crowd(item(link) for link in links("/ver.php?nota={}")),
    "crowd-of-folders": crowd(item(link) for link in links("/{0}/{0}/nota-de-seguridad-con-mexico.html")),
    "crowd-of-older": crowd((item(link, inside=dated(2)) for link in links(EQUAL)), good=item(GOOD, inside=dated(3))),
    "crowd-of-the-future": crowd((item(link, inside="<pubDate>03 Mar 2090 09:30:00 GMT</pubDate>") for link in links(EQUAL)), good=item(GOOD, inside=dated(3))),
    "crowd-of-closed-doors": crowd((item(link) for link in links("/cerrado/{}.html", 40)), place=1, **{f"cerrado/{n}.html": closes for n in range(40)}),
    "crowd-of-fat-items": crowd((item(link, inside=f"<description>{FAT}</description>") for link in links(EQUAL)), place=1),
    "crowd-of-slow-items": Case({"/feed.xml": drips_items, **NO_BAD}, block=FEED, route=("ok", "did not end within")),
    "crowd-of-links": Case({"/seguridad": sent("<html><body>" + among((anchor(link) for link in links("/archivo/la-nota-numero-{}-de-ayer.html", 2_000)), anchor(GOOD), 0.5) + "</body></html>", "text/html"), **NO_BAD}, block='sections = ["{base}/seguridad"]'),
    "crowd-of-addresses": of_sitemap(sitemap(*links("<url><loc>{{base}}/archivo/nota-vieja-{}.html</loc></url>"), entry("{base}" + GOOD), *links("<url><loc>{{base}}/archivo/nota-{}.html</loc></url>"))),
    "crowd-of-newer-addresses": of_sitemap(sitemap(*links("<url><loc>{{base}}/archivo/nota-vieja-{}.html</loc><lastmod>2026-03-04</lastmod></url>"), entry("{base}" + GOOD, "<lastmod>2026-03-03</lastmod>"))),
    "crowd-of-sitemaps": of_sitemap(index(*links("{{base}}/mapa-{}.xml", 50)), **{"mapa-23": SMALL}),
    "crowd-of-indexes": of_sitemap(index(*links("{{base}}/mapa-{}.xml", 50)), **{f"mapa-{n}": fifty_more if n != 23 else SMALL for n in range(50)}),
    "crowd-of-pages": of_sitemap(index(*links("{{base}}/mapa-{}.xml", 50)), **{f"mapa-{n}": sent("<html><body><p>nada</p></body></html>", "text/html") if n != 23 else SMALL for n in range(50)}),
}  # fmt: skip
