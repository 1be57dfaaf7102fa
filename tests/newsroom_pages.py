# ruff: noqa: E501  (markup and prose)
"""The pages of simulated outlets: articles amid the furniture of real ones, listings, walls and error pages."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.newsroom import Version
    from tests.newsroom_site import Site

MONTHS = {
    "es": (
        "enero",
        "febrero",
        "marzo",
        "abril",
        "mayo",
        "junio",
        "julio",
        "agosto",
        "septiembre",
        "octubre",
        "noviembre",
        "diciembre",
    ),
    "en": (
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ),
}
WORDS = {
    "es": {
        "fiction": "Medio ficticio. Todos los textos de este sitio son inventados y sirven de demostración.",
        "skip": "Saltar al contenido", "home": "Inicio", "menu": ["Portada", "Suscripciones", "Hemeroteca"],
        "share": ["Compartir en Facebook", "Compartir en X", "Enviar por WhatsApp", "Copiar enlace"],
        "related": "Te puede interesar", "most": "Lo más leído", "published": "Publicado", "updated": "Actualizado",
        "by": "Por", "photo": "Foto: archivo de {name}. Imagen ilustrativa.",
        "letter": "Recibe cada mañana nuestro boletín con lo más importante del día. Suscríbete gratis.",
        "bio": "{by} es parte de la redacción de {name} desde hace varios años.",
        "comments": "Comentarios (2)", "reader": [
            ("lector_del_norte", "Ojalá esta vez sí cumplan lo que prometen."),
            ("Carmen V.", "Gracias por la nota, pero faltó contexto histórico.")],
        "cookies": "Usamos cookies propias y de terceros para mejorar tu experiencia. Al continuar aceptas su uso.",
        "accept": "Aceptar todas", "tags": "Temas", "rights": "Todos los derechos reservados. Aviso de privacidad.",
        "missing": "Página no encontrada", "gone": "La página que buscas ya no existe o cambió de dirección.",
        "subscribe": "Este contenido es exclusivo para suscriptores. Suscríbete para seguir leyendo.",
        "consent": "Antes de continuar, decide cómo usamos cookies y tus datos. Acepta todo o paga una suscripción sin anuncios.",
        "next": "Siguiente", "previous": "Anterior", "follow": "Síguenos en redes sociales",
        "minutes": "3 min de lectura", "ad": "PUBLICIDAD", "live": "EN VIVO", "read": "Leer más",
    },
    "en": {
        "fiction": "Fictional outlet. Every text on this site is invented and serves as a demonstration.",
        "skip": "Skip to content", "home": "Home", "menu": ["Front page", "Subscribe", "E-edition"],
        "share": ["Share on Facebook", "Post on X", "Email this article", "Copy link"],
        "related": "You may also like", "most": "Most read", "published": "Published", "updated": "Updated",
        "by": "By", "photo": "Photo: {name} file photo, for illustration only.",
        "letter": "Get the day's top stories in your inbox every morning. Sign up for our free newsletter.",
        "bio": "{by} has been on the staff of {name} for several years.",
        "comments": "Comments (2)", "reader": [
            ("borderdad", "Let's see whether any of this happens."),
            ("Ellen K.", "Good reporting. More numbers next time, please.")],
        "cookies": "We use cookies and similar technologies to improve your experience. By continuing you agree.",
        "accept": "Accept all", "tags": "Topics", "rights": "All rights reserved. Privacy policy.",
        "missing": "Page not found", "gone": "The page you are looking for no longer exists or has moved.",
        "subscribe": "This story is for subscribers only. Subscribe now to keep reading.",
        "consent": "Before you continue, choose how we use cookies and your data. Accept all, or pay for an ad-free subscription.",
        "next": "Next", "previous": "Previous", "follow": "Follow us on social media",
        "minutes": "3 min read", "ad": "ADVERTISEMENT", "live": "LIVE UPDATES", "read": "Read more",
    },
}  # fmt: skip


def words(site: Site) -> dict[str, object]:
    """Return the furniture's words in the site's language."""
    return WORDS[site.outlet.language]


def article(site: Site, version: Version, edition: str = "") -> str:
    """Return an article's page. ``edition`` is empty, ``amp`` or ``mobile``."""
    traits = version.article.traits
    if "consent" in traits:
        return _document(
            site, version.title, f"<div class='cmp-wall'><p>{words(site)['consent']}</p></div>", ""
        )
    body = _body(site, version)
    if edition == "amp":
        return _amp(site, version, body)
    layout = {"modern": _modern, "wordpress": _wordpress, "classic": _classic, "plain": _plain}[
        site.outlet.layout
    ]
    return _document(site, version.title, layout(site, version, body), _head(site, version))


def blocks(version: Version, only_first: bool = False) -> list[str]:
    """Return the text as HTML blocks: ``## `` makes a subhead, ``> `` a quotation."""
    made = []
    for block in version.text[: 1 if only_first else None]:
        if block.startswith("## "):
            made.append(f"<h2>{escape(block[3:], quote=False)}</h2>")
        elif block.startswith("> "):
            made.append(f"<blockquote><p>{escape(block[2:], quote=False)}</p></blockquote>")
        else:
            made.append(f"<p>{escape(block, quote=False)}</p>")
    return made


def _body(site: Site, version: Version) -> str:
    """Return the text with what outlets put between its paragraphs."""
    w, article = words(site), version.article
    made = blocks(version, "paywall" in article.traits)
    if "paywall" in article.traits:
        return "\n".join([*made, f"<div class='paywall-box'><p>{w['subscribe']}</p></div>"])
    if len(made) > 3:
        made.insert(2, _related(site, version, "inline"))
    if len(made) > 5 and site.outlet.layout in ("modern", "wordpress"):
        made.insert(4, f"<div class='ad-slot' aria-hidden='true'><span>{w['ad']}</span></div>")
    return "\n".join(made)


# Dates


def _stamp(site: Site, when: datetime) -> str:
    """Return a time as this outlet's machine-readable dates give it."""
    if "date-only" in site.outlet.features:
        return when.date().isoformat()
    if site.outlet.offset == "utc":
        return when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    if site.outlet.offset == "none":
        return when.replace(tzinfo=None).isoformat(timespec="seconds")
    return when.isoformat(timespec="seconds")


def _spoken(site: Site, when: datetime) -> str:
    """Return a time as a reader sees it, in the outlet's own zone and without naming it."""
    month = MONTHS[site.outlet.language][when.month - 1]
    if site.outlet.language == "es":
        return f"{when.day} de {month} de {when.year}, {when.hour:02}:{when.minute:02} h"
    half, hour = ("p.m." if when.hour >= 12 else "a.m."), (when.hour - 1) % 12 + 1
    return f"{month} {when.day}, {when.year} at {hour}:{when.minute:02} {half}"


def _dateline(site: Site, version: Version) -> str:
    w = words(site)
    shown = _spoken(site, version.published)
    if site.outlet.dates == "microdata":
        shown = f"<span itemprop='datePublished' content='{_stamp(site, version.published)}'>{shown}</span>"
    if site.outlet.dates == "time":
        shown = f"<time datetime='{_stamp(site, version.published)}' class='published'>{shown}</time>"
    line = f"<span class='date'>{w['published']}: {shown}</span>"
    if version.number > 1:
        line += f" <span class='updated'>{w['updated']}: {_spoken(site, version.modified)}</span>"
    return line


# Heads


def _head(site: Site, version: Version) -> str:
    url, article = site.canonical(version), version.article
    dek = escape(site.summary(version))
    head = [
        _canonical_link(site, url),
        f"<meta name='description' content=\"{dek}\">",
        "<meta property='og:type' content='article'>",
        f'<meta property="og:title" content="{escape(version.title)}">',
        f"<meta property='og:url' content='{url}'>" if _canonical_link(site, url) else "",
        f"<meta property='og:image' content='{site.place.desktop}/img/{article.slug}.jpg'>",
        f'<meta property="og:site_name" content="{escape(site.outlet.name)}">',
        f'<meta name="author" content="{escape(article.byline)}">' if article.byline else "",
    ]
    if "amp" in site.outlet.features:
        head.append(f"<link rel='amphtml' href='{site.place.desktop}{site.amp_path(version)}'>")
    if "mobile" in site.outlet.features:
        mobile = f"{site.mobile_base()}{site.path(version)}"
        head.append(f"<link rel='alternate' media='only screen and (max-width: 640px)' href='{mobile}'>")
    if site.outlet.dates == "json-ld":
        head.append(_json_ld(site, version))
    if site.outlet.dates == "opengraph":
        head.append(
            f"<meta property='article:published_time' content='{_stamp(site, version.published)}'>\n"
            f"<meta property='article:modified_time' content='{_stamp(site, version.modified)}'>\n"
            f"<meta property='article:section' content='{article.section}'>"
        )
    return "\n".join(line for line in head if line)


def _canonical_link(site: Site, url: str) -> str:
    """Return the link by which a page names its true address; some outlets have none, or a useless one."""
    if "no-canonical" in site.outlet.features:
        return ""
    if "home-canonical" in site.outlet.features:
        url = f"{site.place.desktop}/"
    if "foreign-canonical" in site.outlet.features:
        url = "https://www.otro-medio.example/una-nota/"
    return f"<link rel='canonical' href='{url}'>"


def _json_ld(site: Site, version: Version) -> str:
    article = version.article
    live = "live" in article.traits
    data = {
        "@context": "https://schema.org",
        "@type": "LiveBlogPosting" if live else "NewsArticle",
        "headline": version.title,
        "description": site.summary(version),
        "datePublished": _stamp(site, version.published),
        "dateModified": _stamp(site, version.modified),
        "author": [
            {
                "@type": "Person" if article.byline else "Organization",
                "name": article.byline or site.outlet.name,
            }
        ],
        "publisher": {"@type": "NewsMediaOrganization", "name": site.outlet.name},
        "mainEntityOfPage": site.canonical(version),
        "isAccessibleForFree": "paywall" not in article.traits,
        "articleSection": site.outlet.sections.get(article.section, article.section),
        "image": f"{site.place.desktop}/img/{article.slug}.jpg",
    }
    if "graph" in site.outlet.features:
        page = {
            "@type": "WebPage",
            "@id": f"{site.place.desktop}/#page",
            "datePublished": "2019-03-04T00:00:00Z",
        }
        who = {"@type": "Organization", "@id": f"{site.place.desktop}/#org", "name": site.outlet.name}
        data = {"@context": "https://schema.org", "@graph": [who, page, data]}
    return f"<script type='application/ld+json'>{json.dumps(data, ensure_ascii=False)}</script>"


# Layouts


def _modern(site: Site, version: Version, body: str) -> str:
    article, w = version.article, words(site)
    dek = f"<p class='standfirst'>{escape(article.dek, quote=False)}</p>" if article.dek else ""
    return f"""<main id='main'><article class='story'>
<header><h1 class='story__headline'>{escape(version.title, quote=False)}</h1>{dek}
<div class='byline'>{_byline(site, version)} {_dateline(site, version)} <span class='rt'>{w["minutes"]}</span></div>
{_share(site)}</header>
{_figure(site, version)}
<div class='story__body' itemprop='articleBody'>
{body}
</div>
{_after(site, version)}
</article><aside>{_most_read(site)}</aside></main>"""


def _wordpress(site: Site, version: Version, body: str) -> str:
    article = version.article
    dek = f"<h2 class='entry-subtitle'>{escape(article.dek, quote=False)}</h2>" if article.dek else ""
    return f"""<div id='content' class='site-content'><div id='primary'>
<article id='post-{len(article.slug)}' class='post type-post hentry category-{article.section}'>
<header class='entry-header'><h1 class='entry-title'>{escape(version.title, quote=False)}</h1>{dek}
<div class='entry-meta'>{_byline(site, version)} {_dateline(site, version)}</div></header>
{_figure(site, version)}
<div class='entry-content'>
{body}
{_share(site)}
</div>
<footer class='entry-footer'>{_tags(site, version)}</footer></article>
{_after(site, version)}
</div><div id='secondary' class='widget-area'>{_most_read(site)}</div></div>"""


def _classic(site: Site, version: Version, body: str) -> str:
    article = version.article
    dek = f"<div class='sumario'>{escape(article.dek, quote=False)}</div>" if article.dek else ""
    return f"""<div class='contenedor'><div class='col-izq'>
<h1>{escape(version.title, quote=False)}</h1>{dek}
<div class='firma'>{_byline(site, version)} | {_dateline(site, version)}</div>{_share(site)}
<div class='foto'>{_figure(site, version)}</div>
<div id='texto-nota' class='nota-texto'>
{body}
</div>
{_after(site, version)}
</div><div class='col-der'>{_most_read(site)}</div></div>"""


def _plain(site: Site, version: Version, body: str) -> str:
    return f"""<div class='container'><ol class='breadcrumb'><li><a href='/'>{words(site)["home"]}</a></li></ol>
<article class='release'><h1>{escape(version.title, quote=False)}</h1>
<p class='release-meta'>{_dateline(site, version)}</p>
<div class='release-text'>
{body}
</div></article></div>"""


def _amp(site: Site, version: Version, body: str) -> str:
    return f"""<!doctype html>
<html amp lang='{site.outlet.language}'><head><meta charset='utf-8'><title>{escape(version.title)}</title>
<script async src='https://cdn.ampproject.org/v0.js'></script>
{_head(site, version)}</head><body><header>{escape(site.outlet.name)}</header>
<article><h1>{escape(version.title, quote=False)}</h1>
<p class='meta'>{_byline(site, version)} {_dateline(site, version)}</p>
{body}</article><footer>{words(site)["fiction"]}</footer></body></html>"""


def _byline(site: Site, version: Version) -> str:
    article = version.article
    name = article.byline or article.wire
    return f"<span class='author'>{words(site)['by']} {escape(name)}</span>" if name else ""


# Furniture


def _share(site: Site) -> str:
    links = "".join(f"<li><a href='#share'>{text}</a></li>" for text in words(site)["share"])  # type: ignore[attr-defined]
    return f"<ul class='share-bar'>{links}</ul>"


def _figure(site: Site, version: Version) -> str:
    caption = str(words(site)["photo"]).format(name=site.outlet.name)
    return (
        f"<figure><img src='/img/{version.article.slug}.jpg' alt='{escape(version.article.section)}'>"
        f"<figcaption>{escape(caption)}</figcaption></figure>"
    )


def _others(site: Site, version: Version | None, count: int) -> list[Version]:
    return [v for v in site.alive() if v is not version][:count]


def _related(site: Site, version: Version, style: str) -> str:
    items = "".join(
        f"<li><a href='{site.path(v)}'>{escape(v.title, quote=False)}</a></li>"
        for v in _others(site, version, 2)
    )
    return f"<div class='related related--{style}'><h3>{words(site)['related']}</h3><ul>{items}</ul></div>"


def _most_read(site: Site) -> str:
    items = "".join(
        f"<li><a href='{site.path(v)}'>{escape(v.title, quote=False)}</a></li>"
        for v in _others(site, None, 5)
    )
    # The counter changes with every visit where the outlet is a restless one.
    counter = "<span class='visits'>%VISIT%</span>" if "restless" in site.outlet.features else ""
    return f"<section class='most-read'><h3>{words(site)['most']}</h3><ol>{items}</ol>{counter}</section>"


def _tags(site: Site, version: Version) -> str:
    title = site.outlet.sections.get(version.article.section, version.article.section)
    return f"<div class='tags'><span>{words(site)['tags']}:</span> <a href='/{version.article.section}/'>{title}</a></div>"


def _after(site: Site, version: Version) -> str:
    w, name = words(site), site.outlet.name
    bio = ""
    if version.article.byline:
        bio = str(w["bio"]).format(by=version.article.byline, name=name)
        bio = f"<div class='author-bio'><p>{escape(bio)}</p></div>"
    comments = "".join(
        f"<li class='comment'><b>{who}</b><p>{what}</p></li>"
        for who, what in w["reader"]  # type: ignore[attr-defined]
    )
    return f"""{_tags(site, version)}{bio}
<div class='newsletter-signup'><p>{w["letter"]}</p><form action='/boletin'><input type='email'></form></div>
{_related(site, version, "end")}
<section id='comments' class='comments'><h3>{w["comments"]}</h3><ul>{comments}</ul></section>"""


def _document(site: Site, title: str, main: str, head: str) -> str:
    """Return a whole page: head, masthead, menu, main part, footer, cookie box."""
    outlet, w = site.outlet, words(site)
    menu = "".join(f"<li><a href='/{slug}/'>{name}</a></li>" for slug, name in outlet.sections.items())
    extra = "".join(f"<li><a href='#'>{name}</a></li>" for name in w["menu"])  # type: ignore[attr-defined]
    return f"""<!doctype html>
<html lang='{outlet.language}'>
<head><meta charset='utf-8'><meta name='viewport' content='width=device-width'>
<title>{escape(title, quote=False)} | {escape(outlet.name, quote=False)}</title>
{head}{_alternates(site)}</head>
<body class='{outlet.layout}'>
<a class='skip' href='#main'>{w["skip"]}</a>
<header class='masthead'><a href='/'>{escape(outlet.name)}</a><p class='notice'>{w["fiction"]}</p></header>
<nav class='menu'><ul>{menu}{extra}</ul></nav>
{main}
<footer class='site-footer'><p>{w["follow"]}</p><p>© 2026 {escape(outlet.name)}. {w["rights"]}</p>
<p>{w["fiction"]}</p><p>{escape(outlet.furniture)}</p></footer>
<div class='cookie-banner' role='dialog'><p>{w["cookies"]}</p><button>{w["accept"]}</button></div>
</body></html>
"""


def _alternates(site: Site) -> str:
    from tests.newsroom_site import FEED_KINDS, MEDIA_TYPES

    if site.outlet.announce == "nowhere":
        return ""
    return "".join(
        f"\n<link rel='alternate' type='{MEDIA_TYPES[kind]}' title='{escape(site.outlet.name)}' href='{path}'>"
        for kind, path in site.outlet.routes.items()
        if kind in FEED_KINDS
    )


# Listings


def _card(site: Site, version: Version) -> str:
    link = escape(site.listed(version, "section"))
    if link.startswith(site.place.base):
        link = link.removeprefix(site.place.base)
    return (
        f"<div class='card'><h2><a href='{link}'>{escape(version.title, quote=False)}</a></h2>"
        f"<p>{escape(site.summary(version), quote=False)}</p>"
        f"<a class='more' href='{link}'>{words(site)['read']}</a></div>"
    )


def homepage(site: Site) -> str:
    """Return the homepage: the newest ten and links that lead nowhere of interest."""
    cards = "\n".join(_card(site, v) for v in site.alive()[:10])
    stray = (
        "<ul class='stray'><li><a href='javascript:void(0)'>Menu</a></li><li><a href='mailto:cartas@medio.example'>@</a>"
        "</li><li><a href='https://anuncios.example/oferta'>Ad</a></li><li><a href='/busqueda/?q=hoy'>?</a></li></ul>"
    )
    return _document(site, site.outlet.name, f"<main>{cards}{stray}</main>", "")


def section(site: Site, slug: str, page: list[Version], number: int, more: bool) -> str:
    """Return one page of a section's listing, with links to its neighbours."""
    w = words(site)
    links = []
    if "page-query" in site.outlet.features:
        word = "pagina" if site.outlet.language == "es" else "page"
        links = [f"<a href='/{slug}/?{word}={n}'>{n}</a>" for n in range(1, number + 1 + more)]
        number, more = 1, False
    if number > 1:
        before = f"/{slug}/" if number == 2 else f"/{slug}/page/{number - 1}/"
        links.append(f"<a rel='prev' href='{before}'>{w['previous']}</a>")
    if more:
        links.append(f"<a rel='next' href='/{slug}/page/{number + 1}/'>{w['next']}</a>")
    cards = "\n".join(_card(site, v) for v in page)
    title = site.outlet.sections[slug]
    body = f"<main><h1>{title}</h1>{cards}<div class='pagination'>{' '.join(links)}</div></main>"
    return _document(site, title, body, "")


def missing(site: Site) -> str:
    """Return the page an outlet shows for what it does not have."""
    w = words(site)
    main = f"<main><h1>{w['missing']}</h1><p>{w['gone']}</p>{_most_read(site)}</main>"
    return _document(site, str(w["missing"]), main, "")
