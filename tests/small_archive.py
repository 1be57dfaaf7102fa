"""A small archive built through the store itself: two outlets, articles with difficult texts, real WARCs."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from sqlite_utils import Database

from archive.models import Article, Lead, Outcome, Outlet, Term, Verdict
from archive.pages import file_lead, finish_page
from archive.snapshots import Exchange, SnapshotWriter, save_snapshot
from archive.store import open_archive, save_article, save_outlets

OUTLETS = (
    Outlet(
        id="faro",
        name="El Faro (ficticio)",
        country="MX",
        language="es",
        homepage="https://faro.example/",
        timezone="America/Mexico_City",
    ),
    Outlet(
        id="ledger",
        name="The Ledger (fictional)",
        country="US",
        language="en",
        homepage="https://ledger.example/",
        timezone="America/New_York",
    ),
)
TITLES = (
    "México y EE.UU. “acuerdan” reunión, dice la cancillería",
    '=HYPERLINK("http://evil.example","clic")',
    "+52 teléfonos intervenidos",
    "-Rubio: 'no hay plazo'",
    "@SRE_mx anuncia diálogo 🇲🇽🤝🇺🇸",
    'A "quoted", comma, headline',
    "Two lines\nin one headline",
    "Sheinbaum y Rubio hablan de armas; ñandú, pingüino",
)


@dataclass(frozen=True)
class Small:
    """An archive on disk and where its WARCs are."""

    path: Path
    warc: Path
    db: Database


def build(folder: Path, articles: int = 8) -> Small:
    """Make an archive with so many articles, each with its page and its snapshot, and one of them revised."""
    path, warc = folder / "archive.db", folder / "warc"
    db = open_archive(path)
    save_outlets(db, OUTLETS)
    writer = SnapshotWriter(warc)
    for number in range(articles):
        add(db, writer, number)
    add(db, writer, 0, revised=True)
    writer.close()
    return Small(path, warc, db)


def article_of(number: int, *, revised: bool = False) -> tuple[Outlet, Article]:
    outlet = OUTLETS[number % 2]
    hours = f"{number % 24:02}"
    text = (
        f"Párrafo {number}: “seguridad”, armas y aduanas.\n\n"
        f"=SUM(A1)\tSecond paragraph of number {number}, with\r\nall kinds of breaks 😀."
    )
    if revised:
        text += "\n\nFe de errores: el número era otro, y aquí va la corrección completa de la nota."
    return outlet, Article(
        url=f"{outlet.homepage}n/{number}",
        title=TITLES[number % len(TITLES)],
        text=text,
        description="Una cita, «breve»",
        authors=("Irene Salcedo", "Dana O'Hara"),
        tags=("armas", "frontera"),
        language=outlet.language,
        published_local=f"2026-01-{number % 28 + 1:02}T{hours}:05:00-06:00",
        published_source="json-ld",
        published_precision="minute",
    )


def add(db: Database, writer: SnapshotWriter, number: int, *, revised: bool = False) -> int:
    outlet, article = article_of(number, revised=revised)
    body = hashlib.sha256(article.text.encode()).digest() + f"<p>{article.text}</p>".encode() * 20
    file_lead(db, Lead(url=article.url, outlet=outlet.id, via="feed", route=f"{outlet.homepage}rss"))
    day = "2026-02-03" if revised else "2026-02-01"
    exchange = Exchange(
        url=article.url,
        page=article.url,
        fetched=f"{day}T00:00:{number % 60:02}Z",
        status=200,
        status_text="OK",
        request_headers=(("User-Agent", "test"),),
        response_headers=(("Content-Type", "text/html; charset=utf-8"),),
        body=body,
    )
    snapshot = save_snapshot(db, writer, exchange)
    verdict = Verdict(
        grade=2 - (number // 2) % 2,
        score=7.5,
        terms=(Term(text="seguridad", where="title", points=2.0, why="the subject's own word"),),
        topic_version="1 (abc)",
    )
    identifier, outcome = save_article(
        db, outlet, article, verdict, seen=snapshot.fetched, snapshot=snapshot.id
    )
    assert outcome in (Outcome.NEW, Outcome.REVISED)
    finish_page(db, article.url, outcome, article=identifier)
    with db.conn:
        db.execute(
            "UPDATE snapshots SET outcome = ?, article = ? WHERE id = ?", [outcome, identifier, snapshot.id]
        )
    return identifier
