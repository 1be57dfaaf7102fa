"""The fourth set: outlets that name no route, flaky servers, texts that tire regular expressions, and outlets against others."""

# ruff: noqa: E501 - a table, one line an outlet

import asyncio
import gzip
import json

from tests.hostile import Behaviour, Call, Web, not_found
from tests.hostile_cases import BAD, LOST, Case, head, html, lost, page, read, wire
from tests.hostile_documents import (
    article_here,
    inside_article,
    items,
    ld,
    published,
    rss,
    sent,
    sitemap,
    swap,
)
from tests.hostile_documents import entry as place
from tests.hostile_more import SECOND, WideWeb, body, good_feed, raw, redirect, says_nothing, status

GOOD = Web.GOOD
HEADLINE = "México y Estados Unidos acuerdan un programa de seguridad"
LINK = f'<h2><a href="{GOOD}">{HEADLINE}</a></h2>'
NO_BAD = {BAD: not_found}


# --- Outlets that name no route ----------------------------------------------------------------------------------


def home(markup: str, **paths: Behaviour) -> Case:
    """Return an outlet of which only the homepage is known."""
    page_of_home = sent(
        f"<!doctype html><html><head><title>Portada</title></head><body>{markup}</body></html>", "text/html"
    )
    return Case(
        {"/": page_of_home, **NO_BAD, **{f"/{name}": what for name, what in paths.items()}}, block=" "
    )


def alternates(*links: str) -> str:
    return "".join(f'<link rel="alternate" type="application/rss+xml" href="{link}">' for link in links)


MANY_LINKS = "".join(f'<p><a href="/seccion/cosa-{n}">cosa {n}</a></p>' for n in range(40_000))
FOREIGN = [f"http://127.0.0.1:{{canary}}/f{n}" for n in range(30)] + [
    "javascript:alert(1)",
    "data:text/xml,<rss/>",
    "//127.0.0.1:{canary}/x",
]
SITEMAP_LINES = (
    "User-agent: *\n"
    + "".join(f"Sitemap: http://127.0.0.1:{{canary}}/s{n}.xml\n" for n in range(3_000))
    + "Sitemap: {base}/mapa-de-noticias.xml\n"
)

HOMES: dict[str, Case] = {
    "home-of-links": home(LINK + MANY_LINKS),
    "home-of-feeds": home(alternates(*FOREIGN, "{base}/f/buena.xml"), **{"f/buena.xml": good_feed}),
    "home-of-robots": home("hola", **{"robots.txt": sent(SITEMAP_LINES, "text/plain"), "mapa-de-noticias.xml": sent(sitemap(place("{base}" + GOOD)))}),
    "home-to-canary": Case({"/": redirect("http://127.0.0.1:{canary}/"), "/rss": good_feed, **NO_BAD}, block=" "),
    "home-challenge": Case({"/": status("403 Forbidden", b"captcha"), "/feed/": good_feed, **NO_BAD}, block=" "),
    "home-silent": Case({"/": says_nothing, "/news-sitemap.xml": sent(sitemap(place("{base}" + GOOD))), **NO_BAD}, block=" ", good=False),
    "home-refreshing": home('<meta http-equiv="refresh" content="0;url=http://127.0.0.1:{canary}/">' + LINK),
    "home-broken": Case({"/": body(b"<html><body><a href='/nota" + b"<a " * 50_000), "/rss.xml": good_feed, **NO_BAD}, block=" "),
}  # fmt: skip


# --- Sections ----------------------------------------------------------------------------------------------------


def section(behaviour: Behaviour, **paths: Behaviour) -> Case:
    return Case({"/seguridad": behaviour, **NO_BAD, **paths}, block='sections = ["{base}/seguridad"]')


async def session_links(call: Call) -> None:
    links = "".join(f'<h2><a href="{GOOD}?PHPSESSID={id(call) + n:x}">{HEADLINE}</a></h2>' for n in range(60))
    await call.answer(
        f"<html><body>{links}<a rel=next href='/seguridad?p={id(call)}'>Siguiente</a></body></html>".encode()
    )


async def never_done(call: Call) -> None:
    await call.stream(
        f"<html><body>{LINK}".encode(), b"<p>y mas</p>", pause=0.2, seconds=15, kind="text/html"
    )


SECTIONS: dict[str, Case] = {
    "section-of-sessions": section(session_links),
    "section-never-done": section(never_done),
    "section-based-away": section(sent('<html><head><base href="http://127.0.0.1:{canary}/"></head><body>' + LINK.replace("/nota", "{base}/nota") + "</body></html>", "text/html")),
    "section-of-fragments": section(sent("<html><body>" + "".join(LINK.replace(".html", f".html#parte-{n}") for n in range(500)), "text/html")),
    "section-zipped": section(body(gzip.compress(f"<html><body>{LINK}</body></html>".encode()))),
    "section-of-buttons": section(sent("<html><body>" + LINK + "<a href='/salir-de-la-sesion-ahora-mismo'>Salir</a>" * 5_000 + "<form action='http://127.0.0.1:{canary}/'>", "text/html")),
}  # fmt: skip


# --- Flaky servers -----------------------------------------------------------------------------------------------


async def third_time(call: Call) -> None:
    if call.number < 3:
        await call.answer(b"ocupado", status="503 Service Unavailable")
    else:
        await call.answer(html(call))


async def resets_then_answers(call: Call) -> None:
    if call.number < 3:
        call.writer.transport.abort()
    else:
        await call.answer(html(call))


async def keeps_promising(call: Call) -> None:
    content = html(call)
    call.writer.write(
        head("Connection: keep-alive", "Keep-Alive: timeout=600, max=1000", f"Content-Length: {len(content)}")
        + content
    )
    await call.writer.drain()


async def slow_but_whole(call: Call) -> None:
    content = html(call)
    call.writer.write(head(f"Content-Length: {len(content)}"))
    for start in range(0, len(content), 400):
        call.writer.write(content[start : start + 400])
        await call.writer.drain()
        await asyncio.sleep(0.1)


def silent_dozen(call: Call) -> list[str]:
    return [f"/muda-{n}-de-hoy-mismo.html" for n in range(6)]


async def feed_of_silence(call: Call) -> None:
    await call.answer(call.web.feed(call.outlet, *silent_dozen(call), GOOD), kind="application/rss+xml")


async def resets_the_second(call: Call) -> None:
    content = html(call)
    call.writer.write(head("Connection: keep-alive", f"Content-Length: {len(content)}") + content)
    await call.writer.drain()
    await asyncio.sleep(0.1)
    call.writer.transport.abort()


async def secure_links(call: Call) -> None:
    secure = call.base.replace("http:", "https:")
    await call.answer(call.web.feed(call.outlet, secure + BAD, call.base + GOOD), kind="application/rss+xml")


SERVERS: dict[str, Case] = {
    "resets-the-second": read(resets_the_second),
    "speaks-tls": lost(raw(b"\x15\x03\x01\x00\x02\x02\x0a"), "not HTTP"),
    "secure-links-to-plain-port": Case({"/feed.xml": secure_links}, block='feeds = ["{base}/feed.xml"]'),
    "wrong-language": read(page(change=swap(b'lang="es"', b'lang="zh"'))),
    "buddhist-date": read(page(change=published("3 มีนาคม 2569"))),
    "third-time": read(third_time),
    "resets-then-answers": read(resets_then_answers),
    "keeps-promising": read(keeps_promising),
    "slow-but-whole": read(slow_but_whole),
    "silent-pages": Case({"/feed.xml": feed_of_silence, "*": says_nothing, **NO_BAD}, block='feeds = ["{base}/feed.xml"]'),
    "speaks-http-2": lost(wire(lambda call, content: b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00")),
    "kind-of-ages": read(page(kind="text/html; charset=" + "u" * 12_000)),
    "rest-of-garbage": lost(wire(lambda call, content: head("Retry-After: " + "9x " * 4_000, "Content-Length: 0", status="HTTP/1.1 503 No")), "503"),
    "location-of-ages": lost(wire(lambda call, content: b"HTTP/1.1 302 Found\r\nLocation: /" + b"a/" * 6_000 + b"\r\n\r\n")),
    "validators-of-garbage": read(wire(lambda call, content: head("ETag: W/\"\x01\xff\"", "Last-Modified: ayer \xff\x02" + "z" * 900, f"Content-Length: {len(content)}") + content)),
    "feed-without-last-chunk": Case({"/feed.xml": wire(lambda call, _: head("Transfer-Encoding: chunked") + b"%x\r\n" % len(call.web.feed(call.outlet, GOOD)) + call.web.feed(call.outlet, GOOD) + b"\r\n"), **NO_BAD},
                                    route=("ok", "broke off"), block='feeds = ["{base}/feed.xml"]'),
}  # fmt: skip

# --- Texts that tire regular expressions -------------------------------------------------------------------------

TIRING = {
    "spaces": " ", "tabs": "\t\n", "dashes": "- ", "brackets": "((", "quotes": '"', "guillemets": "«", "dots": ". ", "commas": ",",
    "digits": "1", "numbers": "1,1", "clocks": "1:1 ", "capitals": "A", "initials": "A. ", "names": "Juan de ", "by": "Por ", "of": "de la ",
    "at": "a@", "addresses": "http://", "ands": "&amp;", "subjects": "México y ", "hyphens": "a-", "stops": "a.m. ", "open": "&lt;",
    "slashes": "/", "underscores": "_", "percent": "%", "apostrophes": "’s ", "bullets": "• ", "months": "de marzo de ", "read": "Lea también: ",
}  # fmt: skip


def tiring(words: str, characters: int = 60_000) -> bytes:
    return (words * (characters // len(words))).encode()


TEXTS: dict[str, Case] = {
    **{f"text-of-{name}": read(page(change=inside_article(b"<p>" + tiring(words) + b"</p>"))) for name, words in TIRING.items()},
    **{f"title-of-{name}": read(page(title=HEADLINE + " " + tiring(words, 6_000).decode())) for name, words in TIRING.items() if name != "quotes"},
    "feed-of-tiring-words": Case({"/feed.xml": sent(rss("".join(
        f"<item><title>{HEADLINE} {tiring(w, 20_000).decode()}</title><link>/nota-{n}-tal-y-como.html</link><description>{tiring(w).decode()}</description>"
        f"<pubDate>{tiring(w, 5_000).decode()}</pubDate></item>" for n, w in TIRING.items()) + items(GOOD))), **NO_BAD}, route=("ok", ""), block='feeds = ["{base}/feed.xml"]'),
    "feed-of-tiring-links": Case({"/feed.xml": sent(rss(items(*(f"/{w * (1_800 // len(w))}" for w in (
        "a/", "-", "%2F", "/", ";", "=", "?", "?a&amp;a", "%", "%25", "1", "a-", "../", ".", "amp/", "%C3%A1", "á", "#", "@", ":")), GOOD))), **NO_BAD},
        route=("ok", ""), block='feeds = ["{base}/feed.xml"]'),
    "many-times": read(page(change=swap(b"</article>", b"</article>" + b'<time datetime="2026-03-03T09:30:00Z">3 de marzo de 2026</time> ' * 12_000))),
    "many-headings": read(page(change=swap(b"</article>", b"</article>" + b"<h1>Otro titular de otra nota del dia</h1>" * 12_000))),
    "many-rows": Case({BAD: page(change=swap(b"</article>", b"</article><table>" + b"<tr><td>uno<td>dos</tr>" * 7_000 + b"</table>"))}, ("archived", *LOST)),
    "many-breaks": Case({BAD: page(change=inside_article(b"<p>uno<br>" * 7_000))}, ("archived", *LOST)),
    "many-authors": read(page(head=ld(json.dumps({"@type": "NewsArticle", "author": [{"name": f"Persona Número {n}"} for n in range(9_000)]})))),
    "many-articles-of-ld": read(page(head=ld(json.dumps([{"@type": "NewsArticle", "headline": f"Nota {n}", "url": f"/n-{n}"} for n in range(9_000)])))),
    "author-of-ages": read(page(head='<meta name="author" content="' + "Juan Pérez, " * 15_000 + '">')),
    "tags-of-ages": read(page(head='<meta name="keywords" content="' + "seguridad frontera, " * 15_000 + '">')),
    "picture-written-in": read(page(head='<meta property="og:image" content="data:image/png;base64,' + "A" * 900_000 + '">')),
    "robots-of-spaces": Case({"/robots.txt": sent("User-agent: *\nSitemap:" + " " * 200_000 + "\nDisallow:" + "\t" * 200_000 + "x\n", "text/plain"), BAD: article_here}, ("archived",)),
}  # fmt: skip

# --- Outlets against others --------------------------------------------------------------------------------------


def of_all(call: Call, path: str) -> list[str]:
    web = call.web
    assert isinstance(web, WideWeb)
    return [f"{web.base(name)}{path}" for name in web.names if name != call.outlet]


async def feed_of_others(call: Call) -> None:
    await call.answer(call.web.feed(call.outlet, *of_all(call, GOOD), GOOD), kind="application/rss+xml")


async def index_of_others(call: Call) -> None:
    links = [
        f"<sitemap><loc>{link}</loc></sitemap>" for link in of_all(call, SECOND) + of_all(call, "/feed.xml")
    ]
    await call.answer(f"<sitemapindex>{''.join(links)}</sitemapindex>".encode(), kind="application/xml")


async def page_of_another(call: Call) -> None:
    other = of_all(call, GOOD)[0]
    canonical = f'<link rel="canonical" href="{other}"><meta property="og:url" content="{other}">'
    await call.answer(html(call, head=canonical))


AGAINST: dict[str, Case] = {
    "feed-of-others": Case({"/feed.xml": feed_of_others, **NO_BAD}, route=("ok", ""), block='feeds = ["{base}/feed.xml"]'),
    "index-of-others": Case({"/sitemap.xml": index_of_others, **NO_BAD}, block='feeds = ["{base}/feed-buena.xml"]\nsitemaps = ["{base}/sitemap.xml"]'),
    "page-of-another": read(page_of_another),
    "redirects-to-another": lost(redirect("http://127.0.3.2:{port}" + GOOD), "another host"),
}  # fmt: skip

ODD_PATHS = ("/notas/acuerdo-de-méxico-y-eu.html", "/notas/acuerdo de seguridad firmado hoy.html", "/notas/a%20b+c;v=1/acuerdo-firmado-de-hoy.html",
             "/notas/ACUERDO-De-Seguridad-Firmado.HTML?Id=7&id=8", "/notas/acuerdo-de-seguridad-(firmado)-hoy!.html", "/notas/acuerdo-de-seguridad-~'firmado.html")  # fmt: skip


async def odd_feed(call: Call) -> None:
    await call.answer(
        call.web.feed(call.outlet, *(path.replace("&", "&amp;") for path in ODD_PATHS), GOOD),
        kind="application/rss+xml",
    )


PATHS = {
    "odd-paths": Case(
        {"/feed.xml": odd_feed, "*": article_here, **NO_BAD}, block='feeds = ["{base}/feed.xml"]'
    )
}
# Those that reach for others come first, so that they are asked first.
FOURTH: dict[str, Case] = {**AGAINST, **HOMES, **SECTIONS, **SERVERS, **TEXTS, **PATHS}
