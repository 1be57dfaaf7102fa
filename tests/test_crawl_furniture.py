# ruff: noqa: E501  (markup and prose)
"""Outlets on loopback that set their own lines inside the text: none of those lines is archived, every time is right.

Six outlets in six zones, each with a structure of its own; what they print around and between paragraphs is written
here and is looked for in every text.
"""

import json
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from html import escape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from zoneinfo import ZoneInfo

import pytest

pytestmark = pytest.mark.slow

PLACES = ("Tecate", "Nogales", "Chetumal", "Nuevo Laredo", "Matamoros", "Ojinaga", "Agua Prieta", "Reynosa")
ACTS = {
    "es": (
        "México y Estados Unidos acordaron en {place} un plan de seguridad que refuerza el combate al tráfico de armas y al fentanilo en la frontera.",
        "La secretaría que preside la reunión bilateral en {place} pidió {number} inspectores más para los puentes y un informe cada {days} días.",
        "Por el lado estadounidense, el embajador dijo que los cárteles que operan cerca de {place} perdieron {number} vehículos y cuatro bodegas.",
        "Los alcaldes de la región de {place} quieren que el acuerdo de cooperación incluya una línea directa con la guardia que patrulla el río.",
        "El grupo de trabajo volverá a verse en {days} días, y llevará a {place} la lista de {number} extradiciones que siguen sin fecha.",
    ),
    "en": (
        "Mexico and the United States agreed in {place} on a security plan that steps up the fight against gun trafficking and fentanyl at the border.",
        "The ministry that chairs the bilateral meeting in {place} asked for {number} more inspectors on the bridges and a report every {days} days.",
        "On the American side, the ambassador said the cartels that work near {place} lost {number} vehicles and four warehouses this season.",
        "Mayors of the region around {place} want the cooperation agreement to include a direct line to the guard that patrols the river.",
        "The working group will meet again in {days} days, and will bring to {place} the list of {number} extraditions that still have no date.",
    ),
}  # fmt: skip
TITLES = {
    "es": "Acuerdo de seguridad México-EU suma {number} inspectores en {place}",
    "en": "US-Mexico security deal brings {number} inspectors to {place}",
}


@dataclass(frozen=True)
class Story:
    """One article: its number on the outlet, its text and its time."""

    number: int
    title: str
    text: tuple[str, ...]
    published: datetime

    @property
    def path(self) -> str:
        return f"/notas/acuerdo-de-seguridad-numero-{self.number}-en-la-frontera"


@dataclass(frozen=True)
class House:
    """One outlet: where it is, how it prints a story, and the lines that are its own."""

    name: str
    language: str
    zone: str
    page: Callable[["House", Story], str]
    lines: tuple[str, ...]
    feed_text: bool = False  # whether the feed carries the whole text

    def stories(self) -> list[Story]:
        """Eight stories, in winter and in summer time."""
        made = []
        for n, place in enumerate(PLACES):
            known = {"place": place, "number": 113 + 41 * n, "days": 9 + 2 * n}
            month = 1 if n % 2 else 7
            made.append(
                Story(
                    n,
                    TITLES[self.language].format(**known),
                    tuple(line.format(**known) for line in ACTS[self.language]),
                    datetime(2026, month, 8 + n, (7 * n + 16) % 24, 3 + 5 * n, tzinfo=ZoneInfo(self.zone)),
                )
            )
        return made


def document(story: Story, body: str, head: str = "") -> str:
    return (
        f"<!doctype html><html><head><meta charset='utf-8'><title>{escape(story.title)}</title>{head}</head><body>"
        f"<nav><a href='/'>Inicio</a></nav>{body}</body></html>"
    )


def between(story: Story, extra: list[str]) -> str:
    """The paragraphs, with lines of the house after the second, the third and the last."""
    parts = [f"<p>{line}</p>" for line in story.text]
    for place, line in zip((5, 3, 2), reversed(extra[:3]), strict=False):
        parts.insert(place, line)
    return "".join([*parts, *extra[3:]])


def plain(house: House, story: Story) -> str:
    """Everything is a paragraph, and the time is printed in words without a zone."""
    a, b, c, d, e = house.lines
    extra = [f"<p><strong>{a}</strong> <a href='/x'>El puente que nunca cerró</a></p>", f"<p>{b}</p>", f"<p>{c}</p>", f"<p>{d}</p>", f"<p>{e}</p>"]  # fmt: skip
    when = story.published.strftime("%d/%m/%Y %H:%M hrs")
    return document(
        story, f"<div><h1>{story.title}</h1><p>{when}</p><div class='x'>{between(story, extra)}</div></div>"
    )


def builder(house: House, story: Story) -> str:
    """A box around every paragraph, a form, cards and comments between them."""
    a, b, c, d = house.lines

    def box(inner: str) -> str:
        return f"<div class='elementor-element'><div class='elementor-widget-container'>{inner}</div></div>"

    cards = "".join(f"<a href='/otra-{n}'><h4>{c}</h4><p>{d}</p></a>" for n in range(3))
    parts = [box(f"<p>{line}</p>") for line in story.text]
    parts.insert(3, box(f"<h3>{a}</h3><p>{b}</p><form><input type='email'><button>Enviar</button></form>"))
    parts.append(box(cards))
    parts.append("<div id='disqus_thread'><p>Yo vivo en esa colonia y nadie ha venido a preguntar.</p></div>")
    stamp = story.published.replace(tzinfo=None).isoformat(timespec="minutes")
    head = f"<meta property='article:published_time' content='{stamp}'>"
    return document(
        story, f"<main>{box(f'<h1>{story.title}</h1>')}<section>{''.join(parts)}</section></main>", head
    )


def tables(house: House, story: Story) -> str:
    """A layout table with line breaks."""
    a, b, c, d = house.lines
    lines = [*story.text[:2], f"<b>{a}</b>", *story.text[2:], b, c, d]
    when = story.published.strftime("%d.%m.%Y, %H:%M h")
    cell = f"<font size=5>{story.title}</font><br><i>Publicado: {when}</i><br><br>{'<br><br>'.join(lines)}"
    return document(
        story,
        f"<table><tr><td><a href='/'>Portada</a><br><a href='/d'>Deportes</a></td><td>{cell}</td></tr></table>",
    )


def declared(house: House, story: Story) -> str:
    """JSON-LD whose time has no offset, an AMP and a print version."""
    a, b, c = house.lines
    stamp = story.published.replace(tzinfo=None).isoformat()
    node = {
        "@type": "NewsArticle",
        "headline": story.title,
        "datePublished": stamp,
        "author": {"name": "Inés Robledo"},
    }
    head = (
        f"<script type='application/ld+json'>{json.dumps(node)}</script><link rel='canonical' href='{story.path}'>"
        f"<link rel='amphtml' href='{story.path}/amp'>"
    )
    extra = [f"<blockquote><p>{a}</p></blockquote>", f"<div><span>{b}</span></div>", f"<p><em>{c}</em></p>"]
    inner = f"<article><h1>{story.title}</h1><a href='{story.path}?print=1'>Imprimir</a>{between(story, extra)}</article>"
    return document(story, inner, head)


def scripted(house: House, story: Story) -> str:
    """A page of a web framework, with the time as people of the coast write it."""
    a, b, c, d = house.lines
    extra = [
        f"<p><a href='/y'>{a}</a></p>",
        f"<div class='mt-8 rounded'><p>{b}</p></div>",
        f"<p>{c}</p>",
        f"<p>{d}</p>",
    ]
    when = story.published.strftime("%B %-d, %Y %-I:%M %p PT")
    inner = f"<main><h1 class='text-4xl'>{story.title}</h1><div class='flex'><span>{when}</span></div><div class='prose'>{between(story, extra)}</div></main>"
    return document(story, inner)


def walled(house: House, story: Story) -> str:
    """The first paragraph and a wall; the feed has the rest."""
    node = {"@type": "NewsArticle", "headline": story.title, "isAccessibleForFree": False}
    head = f"<script type='application/ld+json'>{json.dumps(node)}</script>"
    wall = f"<div class='wall'><p>{house.lines[0]}</p></div>"
    return document(story, f"<article><h1>{story.title}</h1><p>{story.text[0]}</p>{wall}</article>", head)


HOUSES = (
    House("El Vigía del Estero", "es", "America/Tijuana", plain, (
        "Le puede interesar:", "Si usted vive cerca del canal y quiere contarnos algo, marque de nueve a cinco.",
        "Síganos también en la red de la paloma y en la del teléfono.",
        "El autor cubre la línea desde hace once años y da clases los sábados.",
        "Vigía Editores, S. A. Se prohíbe copiar estas líneas sin permiso escrito.")),
    House("Crónica del Desierto", "es", "America/Hermosillo", builder, (
        "La carta de los lunes", "Tres historias y ninguna prisa, en su buzón antes del café.",
        "La otra orilla del mismo río", "Unas líneas sobre lo que trae esta otra nota y por qué leerla hoy mismo.")),
    House("Diario de la Laguna Azul", "es", "America/Cancun", tables, (
        "Baje nuestra aplicación y lea sin conexión en la combi.", "Comparte: Facebook | X | WhatsApp | Correo",
        "Notas anteriores sobre este tema en nuestra hemeroteca de papel.",
        "© Laguna Azul Impresores. Página hecha para pantallas de 1024 puntos.")),
    House("La Glorieta", "es", "America/Mexico_City", declared, (
        "Nuestra redacción vive de quienes pagan: desde 40 pesos al mes usted sostiene este trabajo.",
        "Escuche el episodio de hoy mientras cocina.", "Con la revisión de la mesa de datos de La Glorieta.")),
    House("Harbor Lantern", "en", "America/Los_Angeles", scripted, (
        "Read more: the bridge that never closed", "Stories like this one are paid for by neighbors. Give what a lunch costs.",
        "Have we missed something? Drop a note at the desk by the pier.",
        "Lantern stories may be reprinted by schools with our written leave.")),
    House("Franklin Ridge Post", "en", "America/Denver", walled, (
        "The rest is for those who carry the paper: from two dollars a week.",
        "appeared first on Franklin Ridge Post", "Get the ridge letter every morning, free, before the coffee."), feed_text=True),
)  # fmt: skip


def feed(house: House) -> str:
    items = []
    for story in house.stories():
        content = ""
        if house.feed_text:
            text = "".join(
                f"<p>{line}</p>"
                for line in (*story.text, *(f"{line[:-1]}, they added." for line in story.text))
            )
            tail = f"<p>{house.lines[2]}</p><p>The post <a href='/z'>{story.title}</a> {house.lines[1]}.</p>"
            when = story.published.strftime("%a, %d %b %Y %H:%M:%S %z")
            content = f"<pubDate>{when}</pubDate><content:encoded><![CDATA[{text}{tail}]]></content:encoded>"
        items.append(f"<item><title>{story.title}</title><link>{story.path}</link>{content}</item>")
    return (
        "<?xml version='1.0'?><rss version='2.0' xmlns:content='http://purl.org/rss/1.0/modules/content/'><channel>"
        f"<title>{house.name}</title>{''.join(items)}</channel></rss>"
    )


def serve(house: House, address: str) -> ThreadingHTTPServer:
    stories = {story.path: story for story in house.stories()}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = self.path.partition("?")[0].removesuffix("/amp")
            body, kind, status = "", "text/html", 200
            if path == "/feed.xml":
                body, kind = feed(house), "application/rss+xml"
            elif path in stories:
                body = house.page(house, stories[path])
            else:
                status = 404
            sent = body.encode()
            self.send_response(status)
            self.send_header("Content-Type", f"{kind}; charset=utf-8")
            self.send_header("Content-Length", str(len(sent)))
            self.end_headers()
            self.wfile.write(sent)

        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer((address, 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


@pytest.fixture(scope="module")
def archived(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[int, sqlite3.Row]]:
    """What one crawl archived: outlet's name -> number of the story -> row."""
    folder = tmp_path_factory.mktemp("furniture")
    servers, blocks = [], []
    for number, house in enumerate(HOUSES):
        servers.append(serve(house, f"127.0.4.{number + 1}"))
        base = f"http://127.0.4.{number + 1}:{servers[-1].server_address[1]}"
        country = "MX" if house.language == "es" else "US"
        blocks.append(
            f'[[outlet]]\nid = "house-{number}"\nname = "{house.name}"\ncountry = "{country}"\nlanguage = "{house.language}"\n'
            f'homepage = "{base}/"\ntimezone = "{house.zone}"\nfeeds = ["{base}/feed.xml"]\ndelay = 0.0\n'
        )
    (folder / "outlets.toml").write_text("\n".join(blocks), encoding="utf-8")
    db = folder / "archive.db"
    command = ["crawl", "--db", str(db), "--outlets", str(folder / "outlets.toml"), "--allow-private-hosts"]
    done = subprocess.run(
        [sys.executable, "-m", "archive.cli", *command],
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    for server in servers:
        server.shutdown()
    assert done.returncode == 0, done.stderr
    made: dict[str, dict[int, sqlite3.Row]] = {house.name: {} for house in HOUSES}
    with sqlite3.connect(db) as connection:
        connection.row_factory = sqlite3.Row
        for row in connection.execute("SELECT a.*, t.text FROM articles a JOIN texts t ON t.article = a.id"):
            house = HOUSES[int(row["outlet"].removeprefix("house-"))]
            made[house.name][int(row["url"].partition("numero-")[2].partition("-")[0])] = row
    return made


@pytest.mark.parametrize("house", HOUSES, ids=lambda house: house.name)
def test_no_line_of_the_house_is_archived(house: House, archived: dict[str, dict[int, sqlite3.Row]]) -> None:
    rows = archived[house.name]
    assert len(rows) == len(PLACES)
    kept = {line: n for n, row in rows.items() for line in house.lines if line in row["text"]}
    assert not kept


@pytest.mark.parametrize("house", HOUSES, ids=lambda house: house.name)
def test_every_paragraph_is_there(house: House, archived: dict[str, dict[int, sqlite3.Row]]) -> None:
    for story in house.stories():
        text = archived[house.name][story.number]["text"]
        assert [line for line in story.text if line.rstrip(".") not in text] == []


@pytest.mark.parametrize("house", HOUSES, ids=lambda house: house.name)
def test_every_time_is_right_to_the_minute_and_offset(
    house: House, archived: dict[str, dict[int, sqlite3.Row]]
) -> None:
    for story in house.stories():
        row = archived[house.name][story.number]
        assert datetime.fromisoformat(row["published_local"]).replace(second=0) == story.published
        assert row["published_local"][-6:] == story.published.isoformat()[-6:]
