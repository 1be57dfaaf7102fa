import gzip
import json
import random
import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archive.models import Outlet
from crawlers.outlets import refusal
from crawlers.routes import (
    RouteError,
    classify,
    read_feed,
    read_route,
    read_section,
    read_sitemap,
    route_refusal,
)
from crawlers.routes.bodies import MAX_ROUTE_BYTES
from crawlers.routes.links import is_article_address

HOME = "https://www.elfaro.com.mx"
OUTLET = Outlet(
    id="el-faro", name="El Faro", country="MX", language="es", homepage=f"{HOME}/", timezone="America/Tijuana"
)
PRESS = Outlet(
    id="herald",
    name="Herald",
    country="US",
    language="en",
    homepage="https://herald.com/",
    timezone="America/Phoenix",
)
FEED = f"{HOME}/rss.xml"


def rss(*items, head='<?xml version="1.0" encoding="UTF-8"?>', tail="</channel></rss>"):
    namespaces = (
        'xmlns:content="http://purl.org/rss/1.0/modules/content/" xmlns:dc="http://purl.org/dc/elements/1.1/" '
        'xmlns:media="http://search.yahoo.com/mrss/" xmlns:feedburner="http://rssnamespace.org/feedburner/ext/1.0" '
        'xmlns:atom="http://www.w3.org/2005/Atom"'
    )
    channel = f"<channel><title>El Faro</title><link>{HOME}/</link><atom:link rel='self' href='{FEED}'/>"
    return f'{head}<rss version="2.0" {namespaces}>{channel}{"".join(items)}{tail}'.encode()


def item(number, extra=""):
    return f"<item><title>Nota {number}</title><link>{HOME}/pais/nota-{number}</link>{extra}</item>"


def read(body, **arguments):
    return read_feed(body, FEED, OUTLET, **arguments)


def urls(leads):
    return [lead.url for lead in leads]


# Feeds: the formats


def test_rss_2_with_everything():
    (lead,) = read(
        rss(
            "<item><title><![CDATA[México & EU firman <b>acuerdo</b>]]></title>"
            f"<link>\n {HOME}/pais/acuerdo?utm_source=rss </link><guid isPermaLink='false'>77</guid>"
            "<pubDate>Mon, 16 Nov 2026 10:05:00 -0700</pubDate>"
            "<description>&lt;p&gt;Las dos partes &amp;amp; sus &lt;i&gt;equipos&lt;/i&gt;.&lt;/p&gt;</description>"
            "<media:title>Foto</media:title><media:content url='x.jpg'/>"
            "<content:encoded><![CDATA[<p>Texto completo.</p>]]></content:encoded></item>"
        )
    )
    assert lead.url == f"{HOME}/pais/acuerdo?utm_source=rss"
    assert (lead.outlet, lead.via, lead.route) == ("el-faro", "feed", FEED)
    assert lead.headline == "México & EU firman acuerdo"
    assert lead.summary == "Las dos partes & sus equipos."
    assert lead.published_local == "2026-11-16T10:05:00-07:00"
    assert lead.content == "<p>Texto completo.</p>"


def test_rss_091_in_latin_1():
    body = rss(item(1).replace("Nota 1", "Señal años"), head='<?xml version="1.0" encoding="ISO-8859-1"?>')
    (lead,) = read(body.decode().encode("latin-1"))
    assert lead.headline == "Señal años"


def test_rss_1():
    body = (
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/" '
        'xmlns:dc="http://purl.org/dc/elements/1.1/"><channel rdf:about="https://www.elfaro.com.mx/">'
        '<title>c</title><items><rdf:Seq><rdf:li rdf:resource="https://www.elfaro.com.mx/a"/></rdf:Seq></items></channel>'
        '<item rdf:about="https://www.elfaro.com.mx/a"><title>Uno</title><dc:date>2026-11-16T10:05:00Z</dc:date></item>'
        "</rdf:RDF>"
    )
    (lead,) = read(body.encode())
    assert (lead.url, lead.headline) == (f"{HOME}/a", "Uno")
    assert lead.published_local == "2026-11-16T10:05:00+00:00"


def test_atom_with_relative_links_and_xhtml_content():
    body = (
        '<feed xmlns="http://www.w3.org/2005/Atom" xml:base="https://www.elfaro.com.mx/b/"><title>t</title>'
        '<link href="https://www.elfaro.com.mx/"/>'
        '<entry><title type="html">Uno &amp;amp; dos</title><link rel="enclosure" href="a.mp3"/>'
        '<link rel="alternate" type="application/json" href="nota.json"/><link href="nota-1"/>'
        "<id>tag:elfaro,2026:1</id><published>2026-11-16T10:05:00.123-08:00</published>"
        "<updated>2026-11-16T11:00:00-08:00</updated><summary>Resumen</summary>"
        '<content type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml"><p>Texto</p></div></content></entry></feed>'
    )
    (lead,) = read(body.encode())
    assert lead.url == f"{HOME}/b/nota-1"
    assert lead.headline == "Uno & dos"
    assert lead.published_local == "2026-11-16T10:05:00-08:00"
    assert lead.modified_local == "2026-11-16T11:00:00-08:00"
    assert "<p>Texto</p>" in lead.content


def test_json_feed():
    feed = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": "El Faro",
        "items": [
            {"id": f"{HOME}/a", "url": "/a", "title": "Uno", "content_html": "<p>Texto</p>", "summary": "Resumen",
             "date_published": "2026-11-16T10:05:00-08:00"},
            {"id": f"{HOME}/b", "title": None, "content_text": "Sólo texto"}, {"id": "7"}, "nonsense",
        ],
    }  # fmt: skip
    first, second = read(json.dumps(feed).encode())
    assert (first.url, first.headline, first.content) == (f"{HOME}/a", "Uno", "<p>Texto</p>")
    assert first.published_local == "2026-11-16T10:05:00-08:00"
    assert (second.url, second.summary) == (f"{HOME}/b", "Sólo texto")


# Feeds: links


def test_an_outlets_own_permalink_is_preferred_to_a_counter_elsewhere():
    counter = "<item><title>A</title><link>https://feeds.example.com/~r/1</link>"
    (by_guid,) = read(rss(f"{counter}<guid>{HOME}/a</guid></item>"))
    (by_origin,) = read(rss(f"{counter}<feedburner:origLink>{HOME}/b</feedburner:origLink></item>"))
    assert (by_guid.url, by_origin.url) == (f"{HOME}/a", f"{HOME}/b")


def test_a_guid_that_is_no_permalink_is_no_address():
    assert read(rss(f"<item><title>A</title><guid isPermaLink='false'>{HOME}/a</guid></item>")) == []
    assert urls(read(rss(f"<item><title>A</title><guid>{HOME}/a</guid></item>"))) == [f"{HOME}/a"]


HOSTILE_LINKS = [
    "javascript:alert(1)",
    "data:text/html,hola",
    "mailto:mesa@elfaro.com.mx",
    "ftp://www.elfaro.com.mx/a",
    "https://otro.com.mx/a",
    "http://169.254.169.254/latest/meta-data/",
    "http://[::1/a",
    f"{HOME}/{'a' * 9_000}",
]


def test_links_that_cannot_be_used_are_kept_to_be_refused_by_name():
    body = rss(*(f"<item><title>N</title><link>{link}</link></item>" for link in HOSTILE_LINKS), item(1))
    leads = read(body)
    assert urls(leads) == [*HOSTILE_LINKS, f"{HOME}/pais/nota-1"]
    assert [refusal(lead.url, OUTLET) is None for lead in leads] == [False] * len(HOSTILE_LINKS) + [True]


def test_relative_links_of_a_feed_on_a_host_of_its_own_lead_to_the_outlets():
    (lead,) = read_feed(
        rss("<item><title>A</title><link>/a</link></item>"), "https://feeds.elfaro.com.mx/x", OUTLET
    )
    assert lead.url == f"{HOME}/a"


def test_an_address_named_twice_is_one_lead():
    assert len(read(rss(item(1), item(1), item(2)))) == 2


def test_items_without_a_link_are_left_out():
    assert urls(read(rss("<item><title>A</title></item>", "<item><link/></item>", item(3)))) == [
        f"{HOME}/pais/nota-3"
    ]


def test_a_bare_ampersand_in_a_link_stays():
    (lead,) = read(rss(f"<item><title>A & B</title><link>{HOME}/n?id=1&copy=2&b=3</link></item>"))
    assert lead.url == f"{HOME}/n?id=1&copy=2&b=3"
    assert lead.headline == "A & B"


# Feeds: dates


@pytest.mark.parametrize(
    ("printed", "expected"),
    [("Mon, 16 Nov 2026 10:05:00 GMT", "2026-11-16T10:05:00+00:00"),
     ("Mon, 16 Nov 2026 10:05:00 EST", "2026-11-16T10:05:00-05:00"),
     ("2026-11-16T10:05:00", "2026-11-16T10:05:00-08:00"),
     ("2026-07-16 10:05", "2026-07-16T10:05:00-07:00"),
     ("lun, 16 nov 2026 10:05:00 -0800", "2026-11-16T10:05:00-08:00"),
     ("vie, 01 ene 2027 10:05:00 -0800", "2027-01-01T10:05:00-08:00"),
     ("2026-11-16", "2026-11-16"),
     ("16/11/2026 10:05", "2026-11-16T10:05:00-08:00"),
     ("ayer", None), ("", None), ("0000-00-00T00:00:00Z", None), ("Mon, 99 Foo 2026 77:99:00 +9999", None),
     ("99999999999999999999", None), ("2026-11-16T10:05:00+99:99", None), ("0001-01-01T00:00:00+14:00", None)],
)  # fmt: skip
def test_times_get_an_offset_and_nonsense_is_none(printed, expected):
    (lead,) = read(rss(item(1, f"<pubDate>{printed}</pubDate>")))
    assert lead.published_local == expected


def test_numeric_dates_of_the_united_states_have_the_month_first():
    (lead,) = read_feed(rss(item(1, "<pubDate>11/03/2026 10:05</pubDate>")), FEED, PRESS)
    assert lead.published_local == "2026-11-03T10:05:00-07:00"


# Feeds: damage


def test_a_truncated_feed_gives_what_came():
    body = rss(*(item(number) for number in range(100)))
    leads = read(body[: body.index(b"nota-60")])
    assert urls(leads)[:60] == [f"{HOME}/pais/nota-{number}" for number in range(60)]
    assert len(leads) <= 61


DAMAGE = {
    "a tag left open": "<item><title>rota<link>x</item>",
    "control characters": "<item><title>a\x01\x0b</title></item>",
    "undefined entities": "<item><title>a &nbsp; &eacute; &unknown;</title></item>",
    "an undeclared prefix": "<item><foo:bar>x</foo:bar></item>",
    "a thousand levels": "<item><description>" + "<div>" * 1_000 + "</description></item>",
    "an attribute without quotes": "<item a=1 b><title>x</title></item>",
    "a comment left open": "<item><!-- x </item>",
    "a stray end": "</item></foo>",
    "CDATA left open": "<item><title><![CDATA[x</title></item>",
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE.keys())
def test_damage_in_one_item_does_not_cost_the_others(damage):
    leads = read(rss(item(1), damage, item(2), item(3)))
    assert {f"{HOME}/pais/nota-{number}" for number in (1, 2, 3)} <= set(urls(leads)) | (
        {f"{HOME}/pais/nota-2", f"{HOME}/pais/nota-3"} if "<!--" in damage or "CDATA" in damage else set()
    )


def test_named_entities_are_read_as_html_has_them():
    (lead,) = read(rss("<item><title>M&eacute;xico&nbsp;y EU</title><link>/a</link></item>"))
    assert lead.headline == "México y EU"


ENTITIES = (
    '<?xml version="1.0"?><!DOCTYPE rss [<!ENTITY a "risa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">'
    '<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;"><!ENTITY file SYSTEM "file://{path}">'
    '<!ENTITY % net SYSTEM "http://127.0.0.1:9/x"> %net;]>'
)


def test_entities_are_neither_expanded_nor_read_from_disk(tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("contraseña")
    body = rss(
        f"<item><title>&c; &file;</title><link>{HOME}/a</link><description>&c;</description></item>",
        head=ENTITIES.replace("{path}", str(secret)),
    )
    (lead,) = read(body)
    assert lead.headline == "&c; &file;"
    assert "risa" not in lead.summary


def test_an_item_whose_title_never_ends_keeps_its_address():
    long_title = item(1).replace("Nota 1", "Nota " + "larga " * 450_000)
    [first, second] = read(rss(long_title, item(2)))
    assert (first.url, second.url) == (f"{HOME}/pais/nota-1", f"{HOME}/pais/nota-2")
    assert first.headline.startswith("Nota larga")
    assert len(first.headline) < 10_000


@pytest.mark.parametrize(
    ("body", "words"),
    [(b"<!DOCTYPE html><html><body><a href='/a'>x</a></body></html>", "html instead of a feed"),
     (b"<html><head><link rel='alternate' href='<rss>'></head></html>", "html instead of a feed"),
     (b"", "nothing instead of a feed"), (b"\xef\xbb\xbf \n", "nothing instead of a feed"),
     (b"\x89PNG\r\n\x1a\n\x00", "something unknown instead of a feed"),
     (b'{"items": [', "broken JSON"), (b'{"version": "x"}', "JSON without items"),
     (b'{"items":' + b"[" * 200_000, "JSON")],
)  # fmt: skip
def test_what_is_no_feed_is_named(body, words):
    with pytest.raises(RouteError, match=words):
        read(body)


def test_an_empty_feed_is_no_error():
    assert read(rss()) == []


def test_warnings_before_the_xml_do_not_matter():
    assert len(read(b"<br />\n<b>Warning</b>: x in /a.php<br/>\n" + rss(item(1)))) == 1


@pytest.mark.parametrize("charset", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"])
def test_charsets_that_are_not_what_they_say(charset):
    text = rss(item(1).replace("Nota", "“Señal” año")).decode()
    (lead,) = read(text.encode(charset))
    assert lead.headline == "“Señal” año 1"


def test_utf_8_with_foreign_bytes_and_doubled_encoding_is_mended():
    body = rss(item(1).replace("Nota", "México"), item(2).replace("Nota", "AÑO")).replace(
        "AÑO".encode(), b"A\xd1O"
    )
    assert [lead.headline for lead in read(body)] == ["México 1", "AÑO 2"]
    doubled = rss(item(1).replace("Nota", "México")).decode("latin-1").encode()
    assert read(doubled)[0].headline == "México 1"


def test_forty_thousand_items_are_read_in_seconds():
    body = rss(
        *(item(number, "<pubDate>Mon, 16 Nov 2026 10:05:00 GMT</pubDate>") for number in range(40_000))
    )
    start = time.perf_counter()
    assert len(read(body)) == 40_000
    assert time.perf_counter() - start < 15  # 2 s on the machine it was written on


def test_more_items_than_the_limit_are_cut():
    assert len(read(rss("".join(item(number) for number in range(50_100))))) == 50_000


def test_control_characters_do_not_reach_a_headline():
    (lead,) = read(rss(f"<item><title>a&#27;[31m\u202eb\u200b\t\n c</title><link>{HOME}/a</link></item>"))
    assert lead.headline == "a [31m b c"


HOSTILE_REPEATS = [
    "<",
    "&",
    "<item>",
    "<![CDATA[",
    "<script>",
    "&amp;",
    "<!--",
    "<item><title>",
    "<a ",
    "]]>",
]


@pytest.mark.parametrize("piece", HOSTILE_REPEATS)
def test_no_repeated_piece_takes_more_than_its_share_of_time(piece):
    start = time.perf_counter()
    read(rss(item(1), piece * (2_000_000 // len(piece))))
    read(rss(f"<item><title><![CDATA[{piece * (1_000_000 // len(piece))}]]></title><link>/a</link></item>"))
    assert time.perf_counter() - start < 20


@settings(deadline=None, max_examples=300)
@given(st.integers(0, 2**32), st.binary(max_size=40))
def test_a_mangled_feed_is_read_or_refused_but_never_crashes(seed, junk):
    rand = random.Random(seed)
    body = bytearray(
        rss(*(item(number, "<pubDate>Mon, 16 Nov 2026 10:05:00 GMT</pubDate>") for number in range(5)))
    )
    for _ in range(rand.randrange(6)):
        at = rand.randrange(len(body))
        body[at : at + rand.randrange(30)] = junk
    for kind in ("feed", "sitemap", "section"):
        try:
            read_route(kind, bytes(body), FEED, OUTLET)
        except RouteError:
            continue


@settings(deadline=None)
@given(
    st.binary(max_size=300),
    st.sampled_from([None, "text/xml; charset=utf-16", "text/html; charset=nonsense"]),
)
def test_any_bytes_can_be_classified(body, content_type):
    classify(body, content_type)
    classify(b"\x1f\x8b" + body, content_type)


def test_an_address_that_was_cut_is_not_taken_for_a_whole_one():
    body = rss(item(1), item(2))
    cut = body[: body.index(b"nota-2") + 3]
    assert urls(read(cut)) == [f"{HOME}/pais/nota-1"]


# Sitemaps


SITEMAP = f"{HOME}/news-sitemap.xml"
URLSET = (
    '<?xml version="1.0" encoding="UTF-8"?><urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9" '
    'xmlns:news="http://www.google.com/schemas/sitemap-news/0.9" '
    'xmlns:image="http://www.google.com/schemas/sitemap-image/1.1" xmlns:xhtml="http://www.w3.org/1999/xhtml">'
)


def urlset(*entries):
    return (URLSET + "".join(entries) + "</urlset>").encode()


def entry(path, lastmod="", news=""):
    modified = f"<lastmod>{lastmod}</lastmod>" if lastmod else ""
    return f"<url><loc>{HOME}{path}</loc>{modified}{news}</url>"


NEWS = (
    "<news:news><news:publication><news:name>El Faro</news:name><news:language>es</news:language></news:publication>"
    "<news:publication_date>2026-11-16T10:05:00-08:00</news:publication_date>"
    "<news:title>Firman acuerdo &amp; pacto</news:title></news:news>"
)


def test_a_news_sitemap_gives_titles_and_times():
    images = "<image:image><image:loc>https://cdn.example.com/a.jpg</image:loc><image:title>Foto</image:title></image:image>"
    alternate = "<xhtml:link rel='alternate' hreflang='en' href='https://otro.com.mx/en'/>"
    contents = read_sitemap(
        urlset(entry("/a", "2026-11-16T11:00:00Z", images + NEWS + alternate)), SITEMAP, OUTLET
    )
    (lead,) = contents.leads
    assert (lead.url, lead.headline) == (f"{HOME}/a", "Firman acuerdo & pacto")
    assert lead.published_local == "2026-11-16T10:05:00-08:00"
    assert lead.modified_local == "2026-11-16T11:00:00+00:00"
    assert (lead.via, lead.route) == ("sitemap", SITEMAP)


def test_every_entry_of_a_news_sitemap_is_a_lead_whatever_its_address():
    body = urlset(
        entry("/a", news=NEWS), entry("/b", news=NEWS), "<url><loc>ftp://x/y</loc>" + NEWS + "</url>"
    )
    assert urls(read_sitemap(body, SITEMAP, OUTLET).leads) == [f"{HOME}/a", f"{HOME}/b", "ftp://x/y"]


def test_of_a_plain_sitemap_articles_and_recent_pages_are_leads():
    body = urlset(
        entry("/"), entry("/nacional"), entry("/tag/armas"), entry("/aviso-de-privacidad"), entry("/foto.jpg"),
        entry("/nacional/firman-acuerdo-de-seguridad"), entry("/2019/05/03/otra"), entry("/nota/8812345"),
        entry("/especial/frontera", "2026-11-15"), entry("/especial/archivo", "2026-01-15"),
    )  # fmt: skip
    leads = read_sitemap(body, SITEMAP, OUTLET, fetched="2026-11-16T18:00:00Z").leads
    assert {lead.url.removeprefix(HOME) for lead in leads} == {
        "/nacional/firman-acuerdo-de-seguridad", "/2019/05/03/otra", "/nota/8812345", "/especial/frontera",
    }  # fmt: skip


def test_of_a_long_plain_sitemap_the_newest_are_taken():
    entries = [
        entry(f"/nota/{100_000 + day}", f"20{10 + day // 336:02}-{day // 28 % 12 + 1:02}-{day % 28 + 1:02}")
        for day in range(4_000)
    ]
    leads = read_sitemap(urlset(*entries), SITEMAP, OUTLET).leads
    assert len(leads) == 1_000
    assert leads[0].url.endswith("/103999")


def test_gzipped_sitemaps_and_damaged_gzip():
    body = urlset(*(entry(f"/{number}", news=NEWS) for number in range(3_000)))
    packed = gzip.compress(body)
    assert len(read_sitemap(packed, SITEMAP + ".gz", OUTLET).leads) == 3_000
    assert len(read_sitemap(gzip.compress(packed), SITEMAP + ".gz", OUTLET).leads) == 3_000
    assert 100 < len(read_sitemap(packed[: len(packed) // 2], SITEMAP + ".gz", OUTLET).leads) < 3_000


def test_a_gzip_bomb_is_unpacked_to_its_limit_only():
    body = urlset(entry("/a", news=NEWS)).removesuffix(b"</urlset>") + b" " * (8 * MAX_ROUTE_BYTES)
    assert urls(read_sitemap(gzip.compress(body), SITEMAP, OUTLET).leads) == [f"{HOME}/a"]


def test_plain_text_sitemaps_are_lists_of_addresses():
    body = f"\ufeff{HOME}/nacional/firman-acuerdo-de-seguridad\r\n{HOME}/\r\nhttps://otro.com.mx/a\n".encode()
    assert urls(read_sitemap(body, SITEMAP, OUTLET).leads) == [
        f"{HOME}/nacional/firman-acuerdo-de-seguridad",
        "https://otro.com.mx/a",
    ]


def sitemap_index(*children):
    entries = "".join(
        f"<sitemap><loc>{loc}</loc><lastmod>{when}</lastmod></sitemap>" for loc, when in children
    )
    return (
        f'<sitemapindex xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{entries}</sitemapindex>'.encode()
    )


def test_entries_without_a_date_are_not_outdone_by_old_ones():
    dated = [entry(f"/nota/{n}", "1999-01-01") for n in range(3_000)]
    leads = read_sitemap(urlset(entry("/nota/reunion-de-hoy"), *dated), SITEMAP, OUTLET).leads
    assert f"{HOME}/nota/reunion-de-hoy" in {lead.url for lead in leads}
    assert len(leads) == 1_000


def test_of_an_index_the_newest_sitemaps_of_articles_are_children():
    months = [
        (f"{HOME}/sitemaps/articles/20{year}-{month:02}.xml", "")
        for year in range(10, 27)
        for month in (1, 2)
    ]
    body = sitemap_index(
        *months,
        (f"{HOME}/category-sitemap.xml", "2026-11-16"),
        (f"{HOME}/news.xml", ""),
        (SITEMAP, "2026-11-16"),
    )
    contents = read_sitemap(body, SITEMAP, OUTLET)
    assert contents.leads == ()
    assert contents.children[:3] == (
        f"{HOME}/news.xml", f"{HOME}/sitemaps/articles/2026-02.xml", f"{HOME}/sitemaps/articles/2026-01.xml",
    )  # fmt: skip
    assert len(contents.children) == 35
    assert contents.children[-1] == f"{HOME}/sitemaps/articles/2010-01.xml"


def test_by_lastmod_and_by_number_the_newest_come_first():
    by_time = sitemap_index((f"{HOME}/post-1.xml", "2026-11-16"), (f"{HOME}/post-2.xml", "2020-01-01"))
    by_number = sitemap_index(*((f"{HOME}/post-sitemap{number}.xml", "") for number in (1, 2, 30, 4)))
    assert read_sitemap(by_time, SITEMAP, OUTLET).children[0] == f"{HOME}/post-1.xml"
    assert read_sitemap(by_number, SITEMAP, OUTLET).children[0] == f"{HOME}/post-sitemap30.xml"


def test_an_index_does_not_name_itself_nor_other_hosts():
    contents = read_sitemap(
        sitemap_index(
            (SITEMAP, ""),
            (SITEMAP + "?a=1", ""),
            ("http://10.0.0.1/s.xml", ""),
            ("https://otro.mx/s.xml", ""),
        ),
        SITEMAP,
        OUTLET,
    )
    assert contents.children == (SITEMAP + "?a=1",)
    assert dict(contents.refused).keys() == {"http://10.0.0.1/s.xml", "https://otro.mx/s.xml"}


def test_routes_may_be_asked_on_hosts_the_registry_names():
    outlet = Outlet(
        id="a", name="A", country="MX", language="es", homepage=f"{HOME}/", timezone="America/Tijuana",
        sitemaps=("https://cdn.example.com/s.xml",),
    )  # fmt: skip
    assert route_refusal("https://cdn.example.com/s-2.xml", outlet, "https://cdn.example.com/s.xml") is None
    assert (
        route_refusal("https://www.example.com/s-2.xml", outlet, "https://cdn.example.com/s.xml") is not None
    )
    assert route_refusal("javascript:x", outlet, SITEMAP) is not None


def test_a_feed_among_the_sitemaps_is_read_as_a_feed():
    contents = read_sitemap(rss(item(1)), SITEMAP, OUTLET)
    assert [(lead.via, lead.url) for lead in contents.leads] == [("feed", f"{HOME}/pais/nota-1")]


def test_truncated_sitemaps_give_what_came():
    body = urlset(*(entry(f"/{number}", news=NEWS) for number in range(10)))
    assert len(read_sitemap(body[: body.rindex(b"<url>")], SITEMAP, OUTLET).leads) == 9


@pytest.mark.parametrize("body", [b"", b"<html><body>Offline</body></html>", b"\x00\x01\x02"])
def test_what_is_no_sitemap_is_named(body):
    with pytest.raises(RouteError, match="instead of a sitemap"):
        read_sitemap(body, SITEMAP, OUTLET)


# Section pages


SECTION = f"{HOME}/nacional/"


def page(body, head=""):
    return f"<!DOCTYPE html><html><head><title>x</title>{head}</head><body>{body}</body></html>".encode()


LISTING = page(
    """
<header><nav><a href="/">Inicio</a><a href="/nacional/">Nacional</a>
  <a href="/suscripciones/oferta-de-fin-de-ano">Suscríbete a nuestra edición de hoy</a></nav></header>
<main>
  <article><a href="/nacional/firman-acuerdo-de-seguridad-en-tijuana/"><img alt="foto"></a>
    <h2><a href="/nacional/firman-acuerdo-de-seguridad-en-tijuana/">Firman acuerdo de seguridad en Tijuana</a></h2>
    <p>Por <a href="/autor/ana-luz-del-rio/">Ana Luz del Río y otros colegas</a></p>
    <a href="/tag/armas">Tráfico de armas en la frontera</a></article>
  <article><h3>El Senado discute la reforma de aduanas</h3><a href="nota-8812.html">Leer más</a></article>
  <div class="card"><a href="https://www.elfaro.com.mx/especial/x" title="La ruta de las armas, en mapas"></a></div>
  <a href="/2026/11/20/pactan/"><img alt=""><div><div>Pactan vigilar juntos la frontera</div><p>Ayer</p></div></a>
  <a href="/n2.html">Breve nota</a>
  <a href="/nacional/opinion">Opinión</a> <a href="/video.mp4">Video de la jornada de hoy completo</a>
  <a href="https://otro.com.mx/nacional/nota-de-otra-casa-editora">Una nota de otra casa editora</a>
  <a href="javascript:void(0)">Comparta esta nota con sus amigos</a>
</main>
<div class="page-footer footer"><a href="/nota-del-editor-sobre-cookies">Nota del editor sobre las cookies</a></div>
<ul class="pagination"><li><a href="/nacional/?page=2">2</a></li><li><a href="/nacional/?page=3">3</a></li></ul>
"""
)


def test_a_section_lists_articles_with_their_headlines_and_nothing_else():
    contents = read_section(LISTING, SECTION, OUTLET)
    assert {lead.url.removeprefix(HOME): lead.headline for lead in contents.leads} == {
        "/nacional/firman-acuerdo-de-seguridad-en-tijuana/": "Firman acuerdo de seguridad en Tijuana",
        "/nacional/nota-8812.html": "El Senado discute la reforma de aduanas",
        "/especial/x": "La ruta de las armas, en mapas",
        "/2026/11/20/pactan/": "Pactan vigilar juntos la frontera",
        "/n2.html": "Breve nota",
    }
    assert {lead.via for lead in contents.leads} == {"section"}
    assert contents.next_page == f"{HOME}/nacional/?page=2"


NEXT = {
    '<a rel="next" href="/nacional/?pagina=2">x</a>': "/nacional/?pagina=2",
    '<a href="/nacional/page/2/">2</a><a href="/nacional/page/9/">9</a>': "/nacional/page/2/",
    '<a href="?offset=20">Siguiente »</a>': "/nacional/?offset=20",
    '<a href="/nacional/page/7">Older posts</a>': "/nacional/page/7",
    '<a href="/nacional/mas">Ver más</a>': "/nacional/mas",
    '<a href="/nacional/p-2">Página siguiente</a>': "/nacional/p-2",
    '<a href="/mundo/">Siguiente</a>': None,
    '<a href="/nacional/otra-nota-muy-larga-hoy">Siguiente</a>': None,
    '<a href="https://otro.mx/nacional/page/2">Next</a>': None,
    '<a href="#">Siguiente</a>': None,
    '<a href="javascript:next()">Siguiente</a>': None,
    '<a rel="next" href="/">Siguiente</a>': None,
}


@pytest.mark.parametrize(("link", "expected"), NEXT.items())
def test_the_next_page_of_a_section(link, expected):
    found = read_section(page(link), SECTION, OUTLET).next_page
    assert (found.removeprefix(HOME) if found else None) == expected


def test_the_last_page_has_no_next():
    numbered = page(
        '<a href="/nacional/page/1">1</a><a href="/nacional/page/2">2</a><a href="/nacional/page/4">4</a>'
    )
    assert read_section(numbered, f"{HOME}/nacional/page/4", OUTLET).next_page is None
    assert read_section(page(""), SECTION, OUTLET).next_page is None


def test_the_base_of_a_page_counts_for_its_links():
    body = page('<a href="nota-88123">Firman acuerdo de seguridad</a>', f'<base href="{HOME}/mundo/">')
    assert urls(read_section(body, SECTION, OUTLET).leads) == [f"{HOME}/mundo/nota-88123"]


@pytest.mark.parametrize(
    "body",
    [page("<div>" * 120_000 + '<a href="/x">x</a>'), page("<a href='/nota-1'>" + "x " * 500_000 + "</a>"),
     page("<a href='/a" + "b" * 9_000 + "'>una nota de muchas letras</a>"),
     b"<html><", b"<html>\xff\xfe\x00<a href=\xff>", page("<div>" * 200 + "<a href='/n/77'>x</a>" * 100_000)],
    ids=["deep", "wide", "long", "cut", "bytes", "links"],
)  # fmt: skip
def test_monstrous_pages_end(body):
    start = time.perf_counter()
    read_section(body, SECTION, OUTLET)
    assert time.perf_counter() - start < 15


def test_a_section_that_is_no_page_is_named():
    with pytest.raises(RouteError, match="nothing instead of a section"):
        read_section(b"", SECTION, OUTLET)


# Any route


def test_a_mislabelled_route_is_read_as_what_it_is():
    assert read_route("section", rss(item(1)), FEED, OUTLET).kind == "feed"
    assert read_route("feed", urlset(entry("/a", news=NEWS)), FEED, OUTLET).leads[0].via == "sitemap"
    assert read_route("feed", sitemap_index((f"{HOME}/s.xml", "")), FEED, OUTLET).children == (
        f"{HOME}/s.xml",
    )
    assert len(read_route("section", LISTING, SECTION, OUTLET, "text/plain").leads) == 5


@pytest.mark.parametrize("kind", ["feed", "sitemap"])
def test_a_page_in_the_place_of_a_feed_is_an_error(kind):
    with pytest.raises(RouteError, match=re.escape(f"html instead of a {kind}")):
        read_route(kind, LISTING, FEED, OUTLET)


@pytest.mark.parametrize(
    ("body", "kind"),
    [(rss(), "feed"), (URLSET.encode(), "sitemap"), (sitemap_index(), "sitemap-index"), (LISTING, "html"),
     (b" ", "empty"),
     (b'{"items": []}', "json-feed"), (b"https://a.mx/\n", "url-list"), (b"%PDF-1.7", "other"),
     (gzip.compress(rss()), "feed")],
)  # fmt: skip
def test_classify(body, kind):
    assert classify(body, "application/octet-stream") == kind


@pytest.mark.parametrize(
    ("path", "expected"),
    [("/nacional/firman-acuerdo-de-seguridad", True), ("/firman-acuerdo-de-seguridad", True), ("/nota/5", True),
     ("/a/ar-BBWXwNX", True), ("/2026/01/23/reunion/", True), ("/noticias/mundo/rubio/240670", True), ("/?p=77", True),
     ("/index.php?id=12", True), ("/articulo/nuevo.html", True), ("/nacional/nuevo-leon", False),
     ("/estados-unidos/", False),
     ("/nacional/", False), ("/tag/firman-acuerdo-de-seguridad", False), ("/contacto", False), ("/2026/01/", False),
     ("/suscripciones/promo-1234", False), ("/foto-12345.jpg", False), ("/", False), ("/baja-california-sur", False)],
)  # fmt: skip
def test_the_address_of_an_article_is_told_by_its_spelling(path, expected):
    assert is_article_address(HOME + path) is expected


def test_next_on_a_page_that_leads_to_an_article_is_no_next_page():
    body = page('<link rel="next" href="/nacional/firman-acuerdo-de-seguridad/">')
    assert read_section(body, SECTION, OUTLET).next_page is None


def test_a_processing_instruction_in_an_entry_costs_nothing_else() -> None:
    body = b'<sitemapindex><sitemap><?xml version="1.0"?><loc>https://www.faro.example/a.xml</loc></sitemap></sitemapindex>'
    outlet = Outlet(
        id="faro", name="El Faro", country="MX", language="es", homepage="https://www.faro.example/",
        timezone="America/Mexico_City",
    )  # fmt: skip
    assert read_sitemap(body, "https://www.faro.example/m.xml", outlet).children == (
        "https://www.faro.example/a.xml",
    )


@pytest.mark.parametrize(
    ("charset", "label"),
    [("utf-32", "utf-32"), ("utf-32-be", "utf-32"), ("utf-32-le", "utf-32"), ("utf-16-be", "utf-16"),
     ("cp037", "ebcdic-cp-us")],
)  # fmt: skip
def test_a_feed_in_a_charset_of_another_age_is_read(charset, label):
    body = rss(item(1), head=f'<?xml version="1.0" encoding="{label}"?>').decode().encode(charset)
    assert urls(read(body)) == [f"{HOME}/pais/nota-1"]


@pytest.mark.parametrize("label", ["rot13", "zip", "unicode_escape", "undefined", "punycode", "x" * 5_000])
def test_a_codec_that_is_no_charset_is_not_used(label):
    body = (
        rss(item(1, extra="<title>México</title>"), head=f'<?xml version="1.0" encoding="{label}"?>')
        + b"\xff"
    )
    assert urls(read(body)) == [f"{HOME}/pais/nota-1"]


def test_halves_of_characters_in_xml_are_joined_or_dropped():
    """Programs that count in UTF-16 write an emoji as two references; of a half the parser makes bytes no text has."""
    titles = ("Acuerdo &#xD83E;&#xDD1D; firmado", "&#55358;&#56605; otra", "Media &#xD83D; y nada")
    items = [item(n).replace(f"<title>Nota {n}", f"<title>{title}") for n, title in enumerate(titles)]
    assert [lead.headline for lead in read(rss(*items))] == ["Acuerdo 🤝 firmado", "🤝 otra", "Media y nada"]


def test_halves_of_characters_in_json_do_no_harm():
    feed = {
        "version": "x",
        "items": [{"url": f"{HOME}/pais/nota-\ud800-1", "title": "M\ud800xico", "content_html": "\udfff"}],
    }
    [lead] = read(json.dumps(feed).encode())
    for text in (lead.url, lead.headline, lead.content):
        text.encode("utf-8")


def test_of_more_entries_than_a_sitemap_may_have_both_ends_are_read():
    places = "".join(f"<url><loc>{HOME}/2019/01/02/nota-vieja-{n}.html</loc></url>" for n in range(50_001))
    newest = f"<url><loc>{HOME}/2026/03/03/nota-nueva.html</loc></url>"
    began = time.process_time()
    contents = read_sitemap(f"<urlset>{places}{newest}</urlset>".encode(), f"{HOME}/sitemap.xml", OUTLET)
    assert time.process_time() - began < 10
    assert f"{HOME}/2026/03/03/nota-nueva.html" in urls(contents.leads)
    assert f"{HOME}/2019/01/02/nota-vieja-0.html" in urls(contents.leads)


def test_what_is_odd_about_a_route_is_said():
    cut = rss(item(1), tail="")
    assert read_route("feed", cut, FEED, OUTLET).odd == ("cut short, read as far as it goes",)
    declaring = rss(item(1), head='<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "b">]>')
    assert read_route("feed", declaring, FEED, OUTLET).odd == ("declares entities, which are not read",)
    assert read_route("feed", rss(item(1)), FEED, OUTLET).odd == ()
