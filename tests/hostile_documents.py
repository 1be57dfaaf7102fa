"""The third set, as to what is sent: robots.txt, feeds, sitemaps, and pages that are broken, huge or cunning."""

# ruff: noqa: E501 - a table, one line an outlet

import gzip
import json
from collections.abc import Callable

from tests.hostile import Behaviour, Call, Web, not_found
from tests.hostile_cases import BAD, LOST, OTHER_TEXT, Case, feed, html, lost, page, read
from tests.hostile_more import SECOND, body, feed_of, placed, redirect, status

GOOD = Web.GOOD
ROUTES = 'feeds = ["{base}/feed-buena.xml"]\n'


def robots(text: bytes | str, **more: object) -> Case:
    """Return an outlet with this robots.txt."""
    content = text.encode() if isinstance(text, str) else text
    return Case({"/robots.txt": body(content, kind="text/plain"), BAD: article_here}, **more)  # type: ignore[arg-type]


async def article_here(call: Call) -> None:
    await call.answer(html(call))


async def zipped_robots(call: Call) -> None:
    bomb = b"User-agent: *\nDisallow: /prohibido\n" + b"Disallow: /otra-cosa-que-no-hay\n" * 3_000_000
    await call.answer(gzip.compress(bomb, 9), kind="text/plain", Content_Encoding="gzip")


STARS = "User-agent: *\nDisallow: /" + "*nota" * 3_000 + "*fin$\n" + "Disallow: /*n*o*t*a*m*a*l*a*x$\n" * 50
GROUPS = "".join(f"User-agent: robot-{n}\nDisallow: /\n\n" for n in range(30_000))

ROBOTS: dict[str, Case] = {
    "robots-marked": robots("\ufeffUser-agent: *\nDisallow: " + BAD, ends=("blocked",), reason="robots.txt forbids"),
    "robots-line-ends": robots("User-agent: *\rDisallow: " + BAD + "\r", ends=("blocked",), reason="robots.txt forbids"),
    "robots-utf-16": robots("User-agent: *\nDisallow: /x\n".encode("utf-16"), ends=("archived",)),
    "robots-of-stars": robots(STARS, ends=("archived",)),
    "robots-of-groups": robots(GROUPS, ends=("archived",)),
    "robots-zipped-bomb": Case({"/robots.txt": zipped_robots, BAD: article_here}, ("archived",)),
    "robots-delay-nan": robots("User-agent: *\nCrawl-delay: nan\n", ends=("archived",)),
    "robots-delay-negative": robots("User-agent: *\nCrawl-delay: -7\n", ends=("archived",)),
    "robots-delay-words": robots("User-agent: *\nCrawl-delay: mucho\n", ends=("archived",)),
    "robots-delay-infinite": robots("User-agent: *\nCrawl-delay: inf\nRequest-rate: 1/0\n"),
    "robots-delay-of-ages": robots("User-agent: *\nCrawl-delay: 1e9\n", good=False),
    "robots-204": Case({"/robots.txt": status("204 No Content", b""), BAD: article_here}, ("archived",)),
    "robots-304": Case({"/robots.txt": status("304 Not Modified", b""), BAD: article_here}, ("archived",)),
    "robots-418": Case({"/robots.txt": status("418 I'm a teapot"), BAD: article_here}, ("archived",)),
    "robots-999": Case({"/robots.txt": status("999 No"), BAD: article_here}, good=False),
    "robots-to-nowhere": Case({"/robots.txt": status("302 Found"), BAD: article_here}, ("archived",)),
    "robots-to-home": Case({"/robots.txt": redirect("/"), BAD: article_here}, ("archived",)),
    "robots-to-file": Case({"/robots.txt": redirect("file:///etc/passwd"), BAD: article_here}),
    "robots-at-another": Case({"/robots.txt": redirect("http://127.0.3.2:{port}/robots.txt"), BAD: article_here}),
    "robots-of-one-line": robots(b"User-agent: *" + b"a" * 600_000, ends=("archived",)),
    "robots-for-us": robots("User-agent: *\nDisallow: /\n\nUser-agent: Bilateral\nAllow: /\n", ends=("archived",)),
}  # fmt: skip


# --- Feeds -------------------------------------------------------------------------------------------------------

HEADLINE = "México y Estados Unidos: acuerdo de seguridad"


def items(*links: str, inside: str = "") -> str:
    return "".join(f"<item><title>{HEADLINE}</title>{inside}<link>{link}</link></item>" for link in links)


def rss(content: str, *, before: str = '<?xml version="1.0"?>', root: str = '<rss version="2.0">') -> str:
    return f"{before}{root}<channel><title>x</title>{content}</channel></rss>"


def sent(content: str | bytes, kind: str = "application/rss+xml") -> Behaviour:
    """Return a behaviour: this document, in which places are named."""

    async def behave(call: Call) -> None:
        text = placed(content, call).encode() if isinstance(content, str) else content
        await call.answer(text, kind=kind)

    return behave


def in_charset(charset: str, label: str = "") -> Behaviour:
    text = rss(items(GOOD), before=f'<?xml version="1.0" encoding="{label or charset}"?>')
    return sent(text.encode(charset))


ENTITIES = """<!DOCTYPE rss [<!ENTITY % uno SYSTEM "http://127.0.0.1:{canary}/uno.dtd"> %uno;
<!ENTITY % dos "<!ENTITY &#37; tres SYSTEM 'file:///etc/passwd'>"> %dos; %tres; <!NOTATION gif SYSTEM "file:///bin/sh">
<!ENTITY cuatro SYSTEM "file:///etc/hostname"><!ENTITY cinco PUBLIC "-//x" "http://127.0.0.1:{canary}/cinco">
<!ENTITY seis "&seis;"><!ATTLIST item a CDATA "b"><!ENTITY siete SYSTEM "x.gif" NDATA gif>]>"""
SHEETS = """<?xml version="1.0"?><?xml-stylesheet type="text/xsl" href="http://127.0.0.1:{canary}/hoja.xsl"?>
<?php include("/etc/passwd"); ?>"""
LEADING = """<br />
<b>Warning</b>:  mysqli_connect(): (HY000/2002): Connection refused in <b>/var/www/feed.php</b> on line <b>12</b><br />
<?xml version="1.0" encoding="UTF-8"?>"""
FURNITURE = """<cloud domain="127.0.0.1" port="{canary}" path="/rpc" registerProcedure="x" protocol="xml-rpc"/>
<atom:link xmlns:atom="http://www.w3.org/2005/Atom" rel="hub" href="http://127.0.0.1:{canary}/hub"/>
<atom:link xmlns:atom="http://www.w3.org/2005/Atom" rel="next" href="http://127.0.0.1:{canary}/next"/>
<itunes:new-feed-url>http://127.0.0.1:{canary}/new</itunes:new-feed-url>
<image><url>http://127.0.0.1:{canary}/i.png</url><link>http://127.0.0.1:{canary}/il</link></image>
<textInput><link>http://127.0.0.1:{canary}/ti</link></textInput><docs>http://127.0.0.1:{canary}/docs</docs>"""
MEDIA = """<enclosure url="http://127.0.0.1:{canary}/e.mp3" type="audio/mpeg" length="1"/>
<media:content url="http://127.0.0.1:{canary}/m.jpg"/><source url="http://127.0.0.1:{canary}/s">s</source>
<comments>http://127.0.0.1:{canary}/c</comments><wfw:commentRss>http://127.0.0.1:{canary}/w</wfw:commentRss>
<xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="file:///etc/passwd" parse="text"/>"""
DATES = ("Mon, 01 Jan 0000 00:00:00 GMT", "9999-12-31T23:59:59Z", "1e9", "-1000000000", "99999999999999",
         "2026-03-03T09:30:00+99:99", "2026-03-03T09:30:00-99:99", "3 mar 2026 25:61", "٢٠٢٦-٠٣-٠٣", "2026-W10-2",
         "Tue, 03 Mar 2026 09:30:00 XYZ", "2026-02-30", "🙂", "1" * 100_000)  # fmt: skip
BROKEN = (
    items("/nota-rota-uno-de-hoy.html")[:-20]
    + "<item><title>sin cerrar <b><link>/nota-rota-dos-de-hoy.html"
    + "<item><![CDATA[ sin fin <link>/nota-rota-tres-de-hoy.html</link>"
    + "<item><!-- sin fin <link>/nota-rota-cuatro-de-hoy.html</link></item>"
    + "<item a=b c='d<title>&nbsp;&bogus;&#0;&#xFFFFFFF;</title></titel><link>/nota-rota-cinco-de-hoy.html</link></item>"
    + items(GOOD)
)
SAME_GUID = "<guid isPermaLink='false'>siempre-el-mismo</guid>"


def json_feed(*entries: dict[str, object], raw: str = "") -> Behaviour:
    text = json.dumps({"version": "https://jsonfeed.org/version/1.1", "title": "x", "items": list(entries)})
    return sent(text[:-2] + raw + text[-2:] if raw else text, "application/feed+json")


FEEDS: dict[str, Case] = {
    "feed-utf-32": feed(in_charset("utf-32")),
    "feed-utf-32-bare": feed(in_charset("utf-32-be")),
    "feed-utf-16-bare": feed(in_charset("utf-16-be", "utf-16")),
    "feed-ebcdic": feed(in_charset("cp037", "ebcdic-cp-us")),
    "feed-mac-roman": feed(in_charset("mac-roman", "macintosh")),
    "feed-of-codecs": feed(sent(rss(items(GOOD), before='<?xml version="1.0" encoding="rot13"?>').encode() + b"\xff")),
    "feed-of-names": feed(sent(rss(items(GOOD), root="<rss " + " ".join(f'xmlns:n{n}="urn:n{n}"' for n in range(100_000)) + ">"))),
    "feed-deep": feed(sent(rss("<item>" + "<a>" * 100_000 + "</item>" + items(GOOD)))),
    "feed-of-attributes": feed(sent(rss("<item " + " ".join(f'a{n}="b"' for n in range(100_000)) + "/>" + items(GOOD)))),
    "feed-entities": feed(sent(rss(items(GOOD) + "<item><title>&cuatro;&cinco;&seis;</title><link>/nota-de-entidades-de-hoy.html</link></item>",
                                   before='<?xml version="1.0"?>' + ENTITIES))),
    "feed-sheets": feed(sent(rss(items(GOOD), before=SHEETS))),
    "feed-after-warnings": feed(sent(rss(items(GOOD), before=LEADING))),
    "feed-escaped": feed(sent(rss(items(GOOD)).replace("<", "&lt;")), "failed", "instead of a feed"),
    "feed-furniture": feed(sent(rss(FURNITURE + items(GOOD, inside=MEDIA)))),
    "feed-of-itself": feed(feed_of("{base}/feed.xml", "{base}/", "{base}" + SECOND, "{base}/robots.txt", GOOD)),
    "feed-based-elsewhere": feed(sent(rss(items(GOOD), root='<rss xml:base="http://127.0.0.1:{canary}/">'))),
    "feed-based-in-script": feed(sent(rss(items("nota-con-base-de-hoy.html"), root='<rss xml:base="javascript:alert(1)">'))),
    "feed-broken-items": feed(sent(rss(BROKEN))),
    "feed-same-guid": feed(sent(rss(items(*(f"/nota-{n}-de-hoy-mismo.html" for n in range(40)), GOOD, inside=SAME_GUID)))),
    "feed-same-link": feed(sent(rss(items(*[GOOD] * 5_000)))),
    "feed-thousand-forms": feed(sent(rss(items(*(f"{GOOD}?utm_campaign={n}" for n in range(3_000)))))),
    "feed-of-dates": feed(sent(rss("".join(
        f"<item><title>{HEADLINE}</title><link>/nota-fecha-{n}-de-hoy.html</link><pubDate>{d}</pubDate></item>"
        for n, d in enumerate(DATES))))),
    "feed-of-titles": feed(sent(rss(items(GOOD, inside=f"<title>{'palabra ' * 120_000}</title>")))),
    "feed-of-marks": feed(sent(rss(items(GOOD).replace(HEADLINE, "\u202eseguridad\u2066 \u200b" + "e\u0301\u0302\u0303" * 5_000)))),
    "feed-called-picture": feed(sent(rss(items(GOOD)), "image/png")),
    "feed-in-pieces": feed(sent(rss(items(GOOD)) * 40)),
    "json-nested": feed(sent('{"version":"x","items":' + "[" * 200_000, "application/json"), "failed", "JSON"),
    "json-digits": feed(json_feed({"url": GOOD, "title": HEADLINE}, raw=', {"url": "/n", "id": ' + "9" * 10_000 + "}"), "failed", "JSON"),
    "json-surrogates": feed(json_feed({"url": GOOD, "title": "M\ud800xico \udfff seguridad", "content_html": "<p>\ud83d</p>"},
                                      {"url": "/nota-\ud800-de-hoy.html", "title": "\x00\x1b[2J", "summary": "\udc00"})),
    "json-of-anything": feed(json_feed({"url": GOOD, "title": ["x"], "date_published": 5, "authors": 9, "content_html": {}},
                                       {"url": 5}, {}, {"id": None, "url": None})),
}  # fmt: skip

# --- Sitemaps ----------------------------------------------------------------------------------------------------


def sitemap(*entries: str) -> str:
    return f'<?xml version="1.0"?><urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{"".join(entries)}</urlset>'


def entry(link: str, inside: str = "") -> str:
    return f"<url><loc>{link}</loc>{inside}</url>"


def index(*links: str) -> str:
    return (
        "<sitemapindex>"
        + "".join(f"<sitemap><loc>{link}</loc></sitemap>" for link in links)
        + "</sitemapindex>"
    )


async def tower(call: Call) -> None:
    floor = int("".join(c for c in call.path if c.isdigit()) or 0)
    await call.answer(index(f"{call.base}/piso-{floor + 1}.xml").encode(), kind="application/xml")


def wide(call: Call) -> str:
    return index(f"{call.base}/noticias-2026.xml", *(f"{call.base}/ancho-{n}.xml" for n in range(50_000)))


async def wide_index(call: Call) -> None:
    await call.answer(wide(call).encode(), kind="application/xml")


def of_sitemaps(
    first: Behaviour, *, also: dict[str, Behaviour] | None = None, feeds: str = "", **more: object
) -> Case:
    block = feeds + 'sitemaps = ["{base}/sitemap.xml"]'
    return Case({"/sitemap.xml": first, **(also or {})}, block=block, **more)  # type: ignore[arg-type]


ALTERNATES = """<xhtml:link rel="alternate" hreflang="en" href="http://127.0.0.1:{canary}/en"/>
<image:image><image:loc>http://127.0.0.1:{canary}/i.jpg</image:loc></image:image>
<video:video><video:content_loc>http://127.0.0.1:{canary}/v.mp4</video:content_loc></video:video>
<news:news><news:publication_date>ayer</news:publication_date><news:title>&lt;script&gt;</news:title></news:news>"""
MANY = sitemap(
    *(entry(f"{{base}}/2019/01/02/nota-vieja-numero-{n}.html") for n in range(50_000)), entry("{base}" + GOOD)
)

SITEMAPS: dict[str, Case] = {
    "sitemap-tower": of_sitemaps(tower, also={"*": tower}, feeds=ROUTES),
    "sitemap-wide": of_sitemaps(wide_index, also={"/noticias-2026.xml": sent(sitemap(entry("{base}" + GOOD)))}),
    "sitemap-of-50001": of_sitemaps(sent(MANY), also={"*": not_found}),
    "sitemap-bomb": of_sitemaps(body(gzip.compress(sitemap(entry("/x")).encode() + b" " * 200_000_000, 9), kind="application/gzip"),
                                feeds=ROUTES),
    "sitemap-in-sitemap": of_sitemaps(sent(sitemap(index("{base}/sitemap.xml"), entry("{base}" + GOOD)))),
    "sitemaps-of-each-other": of_sitemaps(sent(index("{base}/b.xml")), also={"/b.xml": sent(index("{base}/sitemap.xml", "{base}/c.xml")),
                                                                              "/c.xml": sent(sitemap(entry("{base}" + GOOD)))}),
    "sitemap-moved": of_sitemaps(redirect("/otro-mapa.xml"), also={"/otro-mapa.xml": sent(sitemap(entry("{base}" + GOOD)))}),
    "sitemap-of-spaces": of_sitemaps(sent(sitemap(entry("\n   <![CDATA[ {base}" + GOOD + " ]]>\n")))),
    "sitemap-alternates": of_sitemaps(sent(sitemap(entry("{base}" + GOOD, ALTERNATES)))),
    "sitemap-as-words": of_sitemaps(sent("\ufeff{base}" + GOOD + "\r\n" + "http://127.0.0.1:{canary}/linea\r\n" * 50_000, "text/plain")),
    "sitemap-of-nonsense": of_sitemaps(sent(sitemap(entry("", "<lastmod>0000-00-00</lastmod><priority>NaN</priority>") * 9,
                                                    entry("{base}" + GOOD, "<lastmod>+1000000-01-01</lastmod>")))),
}  # fmt: skip

# --- Pages -------------------------------------------------------------------------------------------------------


def swap(old: bytes, new: bytes) -> Callable[[bytes], bytes]:
    return lambda content: content.replace(old, new, 1)


def inside_article(markup: bytes) -> Callable[[bytes], bytes]:
    return swap(b"</h1>", b"</h1>" + markup)


def behind_article(markup: bytes) -> Callable[[bytes], bytes]:
    return swap(b"</article>", b"</article>" + markup)


def around(before: bytes, after: bytes) -> Callable[[bytes], bytes]:
    return lambda content: content.replace(b"<article>", before + b"<article>").replace(
        b"</article>", b"</article>" + after
    )


def ld(text: str) -> str:
    return f'<script type="application/ld+json">{text}</script>'


def published(moment: str) -> Callable[[bytes], bytes]:
    return swap(b"2026-03-03T09:30:00-06:00", moment.encode())


async def changes_each_time(call: Call) -> None:
    noise = f"<div class=ad data-n={id(call)}>Anuncio {id(call)}</div><meta name=csrf content={call.number}>".encode()
    await call.answer(behind_article(noise)(html(call)))


def refresh_chain(steps: int) -> dict[str, Behaviour]:
    def step(target: str) -> Behaviour:
        return sent(
            f'<html><head><meta http-equiv="refresh" content="0;url={target}"></head></html>', "text/html"
        )

    paths: dict[str, Behaviour] = {BAD: step("/salto-1.html"), f"/salto-{steps}.html": article_here}
    return paths | {f"/salto-{n}.html": step(f"/salto-{n + 1}.html") for n in range(1, steps)}


SCRIPT_ONLY = """<!doctype html><html lang="es"><head><title>El Diario</title><script src="/app.js"></script></head>
<body><noscript>You need to enable JavaScript to run this app.</noscript><div id="root"></div></body></html>"""
HEADS = {
    "base-elsewhere": '<base href="http://127.0.0.1:{canary}/"><link rel="canonical" href="nota.html">',
    "base-script": '<base href="javascript:alert(1)"><link rel="canonical" href="nota">',
    "canonical-other-article": '<link rel="canonical" href="{base}' + GOOD + '">',
    "canonical-fragment": '<link rel="canonical" href="#principal">',
    "canonical-empty": '<link rel="canonical" href=""><link rel="canonical">',
    "canonical-many": '<link rel="canonical" href="{base}/"><link rel="canonical" href="http://otro.example/x">'
    '<link rel="canonical" href="{base}/etiqueta/seguridad">',
    "canonical-password": '<link rel="canonical" href="http://a:b@127.0.0.1:{canary}/c">',
    "canonical-long": '<link rel="canonical" href="{base}/' + "n" * 200_000 + '">',
    "canonical-template": '<link rel="canonical" href="{base}/%7B%7Bslug%7D%7D?x={%url%}">',
    "canonical-section": '<link rel="canonical" href="{base}/seguridad/">',
    "leads-away": "".join(
        f'<link rel="{rel}" hreflang="en" type="application/rss+xml" href="http://127.0.0.1:{{canary}}/{rel}">'
        for rel in ("preload", "prefetch", "alternate", "amphtml", "next", "shortlink", "manifest", "icon", "stylesheet")
    )
    + '<meta property="og:image" content="http://127.0.0.1:{canary}/og"><meta name="twitter:player" content="http://[::1]:{six}/t">'
    + '<script src="http://127.0.0.1:{canary}/s.js"></script><meta http-equiv="refresh" content="600;url=http://127.0.0.1:{canary}/r">',
    "ld-wrong-types": ld('{"@type":["NewsArticle",5,null],"headline":null,"author":5,"datePublished":{"x":[]},"image":[[]],'
                         '"articleBody":["x"],"keywords":{"a":1},"publisher":"x","articleSection":[{"name":[]}],"url":[]}'),
    "ld-in-circles": ld('{"@graph":[{"@id":"#a","@type":"NewsArticle","isPartOf":{"@id":"#a"},"author":{"@id":"#a"}}]}'),
    "ld-deep": ld('{"a":' * 10_000 + "1" + "}" * 10_000),
    "ld-huge": ld('{"@type":"NewsArticle","keywords":[' + ",".join(f'"palabra {n}"' for n in range(150_000)) + "]}"),
    "ld-broken": ld('{"@type":"NewsArticle","headline":"sin cerrar') + ld("<!-- //--><![CDATA[ {} ]]>") + ld("NaN"),
    "ld-text-of-others": ld(json.dumps({"@type": "NewsArticle", "articleBody": "comprar relojes baratos " * 900})),
    "meta-many": "".join(f'<meta property="og:title" content="otro título {n}">' for n in range(20_000)),
    "meta-template": '<meta property="og:description" content="{{ config }} ${7*7} %s%n {% raw %} #{x}">',
}  # fmt: skip
TITLES = {
    "title-of-100000": "México y Estados Unidos acuerdan seguridad " + "larga" * 20_000,
    "title-of-marks": "\u202e\u2066\u200b\u200dMéxico y Estados Unidos\u2069 acuerdan\u00ad seguridad\ufeff\u2028\u0085",
    "title-of-template": "{{7*7}} {% raw %} ${x} %s%n México y Estados Unidos acuerdan seguridad",
    "title-of-formula": "@SUM(1+1)*cmd|' /C calc'!A0 México y Estados Unidos, acuerdo de seguridad",
    "title-of-lines": "México y Estados Unidos&#10;BEGIN:VEVENT&#13;&#10;SUMMARY:falso&#10;ER  - &#10;acuerdo de seguridad}",
    "title-of-accents": "México y Estados Unidos: seguridad e" + "\u0301\u0327\u0338" * 2_000,
    "title-surrogates": "México &#xD800;&#xDFFF; y Estados Unidos &#x1F600; acuerdan &#0; seguridad &#x110000;",
}
CHANGES: dict[str, Callable[[bytes], bytes]] = {
    "long-word": inside_article(b"<p>" + b"x" * 300_000 + b"</p>"),
    "million-links": behind_article(b'<a href="/x">y</a>' * 150_000),
    "million-classes": swap(b"<article>", b'<article class="' + b"c " * 1_000_000 + b'">'),
    "many-attributes": swap(b"<article>", b"<article " + b" ".join(b"a%d=b" % n for n in range(200_000)) + b">"),
    "deep-quotes": around(b"<blockquote>" * 3_000, b"</blockquote>" * 3_000),
    "deep-tables": around(b"<table><tr><td>" * 1_500, b"</td></tr></table>" * 1_500),
    "deep-lists": behind_article(b"<ul><li>" * 20_000),
    "deep-fonts": behind_article(b"<font><b><i>" * 20_000 + b"x"),
    "open-comment": behind_article(b"<!-- " + b"sin fin " * 50_000),
    "open-script": behind_article(b"<script>var x = '" + b"a" * 900_000),
    "plaintext": behind_article(b"<plaintext>" + b"</p>texto llano " * 1_000),
    "in-template": around(b"<template></template><section hidden=until-found>", b"</section>"),
    "svg-titles": swap(b"<article>", b"<svg><title>No es el titulo</title><foreignObject><p>x</p></foreignObject></svg><article>"),
    "prolog": lambda content: b'<?xml version="1.0" encoding="utf-16"?>' + content,
    "half-utf-8": inside_article(b"<p>\xc3\x28 \xa0\xa1 \xed\xa0\x80 \xf8\x88\x80\x80\x80 \xff\xfe resto</p>"),
    "comments-of-strangers": behind_article(b"<section id=comments><div class=comment><p>" + b"primer comentario, visite mi sitio " * 40 + b"</p></div></section>"),
    "year-zero": published("0000-00-00T00:00:00Z"),
    "year-9999": published("9999-12-31T23:59:59+14:00"),
    "epoch-of-ages": published("100000000000000000000"),
    "epoch-negative": published("-1000000000"),
    "zone-of-99": published("2026-03-03T09:30:00+99:99"),
    "date-of-digits": published("9" * 50_000),
    "future": published("2099-01-01T00:00:00Z"),
}  # fmt: skip

DEEP = (
    "million-links",
    "deep-quotes",
    "deep-tables",
    "deep-lists",
    "deep-fonts",
    "open-comment",
    "open-script",
    "plaintext",
    "many-attributes",
)

PAGES: dict[str, Case] = {
    "changes-each-time": read(changes_each_time),
    "refresh-chain": Case(refresh_chain(3), ("archived",), says="señaló avances"),
    "refresh-quoted": lost(sent("<html><head><META HTTP-EQUIV=\"Refresh\" CONTENT=\"0;URL='http&#58;//127.0.0.1:{canary}/q'\"></head>",
                                "text/html")),
    "script-only": lost(sent(SCRIPT_ONLY, "text/html"), "script|empty|shell"),
    "frameset": lost(sent('<html><frameset><frame src="http://127.0.0.1:{canary}/f"></frameset></html>', "text/html")),
    "five-megabytes": lost(body(b"<html><body><p>" + b"una palabra y otra " * 258_000 + b"</p></body></html>")),
    "is-json": lost(sent(json.dumps({"title": HEADLINE, "body": OTHER_TEXT}), "application/json")),
    "is-a-feed": lost(sent(rss(items("http://127.0.0.1:{canary}/n")))),
    "is-a-warc": lost(body(b"WARC/1.1\r\nWARC-Type: response\r\nContent-Length: 99\r\n\r\nHTTP/1.1 200 OK\r\n\r\n<p>x</p>")),
    "is-webarchive": lost(body(b"bplist00" + bytes(range(256)) * 40)),
    "is-open-graph-alone": lost(sent(f'<html><head><meta property="og:title" content="{HEADLINE}"></head></html>', "text/html")),
    **{name: read(page(head=text)) for name, text in HEADS.items()},
    **{name: read(page(title=text)) for name, text in TITLES.items()},
    **{name: read(page(change=change)) for name, change in CHANGES.items() if name not in DEEP},
    **{name: lost(page(change=CHANGES[name]), "", *LOST, "archived") for name in DEEP},
}  # fmt: skip
