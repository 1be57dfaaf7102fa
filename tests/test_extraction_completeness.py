"""What was fetched: the article, part of it, a wall, a missing page, a listing or nothing, in many wordings."""

import json
import re
import resource
import tomllib
from html import escape
from pathlib import Path

import pytest

from archive.extraction import extract
from archive.extraction.errors import ExtractionError
from archive.models import Page

SENTENCE = re.compile(r'\n+|(?<=[.!?”"])\s+(?=[A-ZÁÉÍÓÚ¿“"])')
PAGES = Path(__file__).parent / "pages"
CASES = tomllib.loads((PAGES / "completeness.toml").read_text(encoding="utf-8"))["page"]
WHOLE = tomllib.loads((PAGES / "judged.toml").read_text(encoding="utf-8"))["page"]


@pytest.mark.parametrize("case", CASES, ids=[f"{n}-{case['completeness']}" for n, case in enumerate(CASES)])
def test_completeness(case: dict[str, str]) -> None:
    head = f"<meta charset='utf-8'><title>{case['title']}</title>{case['head']}"
    frame = "<header><a href='/'>Diario</a></header>{}<footer><p>Diario 2026</p></footer>"
    html = f"<html lang='es'><head>{head}</head><body>{frame.format(case['body'])}</body></html>"
    page = Page(
        url=case.get("url", "https://x.example/2026/01/15/una-nota-con-titulo-largo/"),
        body=html.encode(),
        fetched="2026-02-01T00:00:00Z",
        homepage="https://x.example/",
    )
    article = extract(page)
    assert article.completeness == case["completeness"]
    assert article.form == case.get("form", article.form)


@pytest.mark.parametrize("case", WHOLE, ids=[f"{n}-{case['completeness']}" for n, case in enumerate(WHOLE)])
def test_completeness_of_whole_pages(case: dict[str, str]) -> None:
    page = Page(url=case["url"], body=case["html"].encode(), fetched="2026-11-20T00:00:00Z")
    assert extract(page).completeness == case["completeness"]


def test_no_text_of_the_subject_is_taken_for_anything_but_an_article() -> None:
    """Short and unsigned, under a menu with a link to sign in: words of walls and missing pages are words of news."""
    taken = []
    for file in sorted((PAGES.parent / "texts" / "relevance").glob("*.jsonl")):
        for line in file.read_text(encoding="utf-8").splitlines():
            told = json.loads(line)
            sentences = [part for part in SENTENCE.split(told["text"]) if part.strip()]
            paragraphs = "".join(f"<p>{escape(sentence)}</p>" for sentence in sentences[:4])
            frame = "<header><a href='/entrar'>Iniciar sesión</a></header>{}<footer>Aviso de cookies</footer>"
            body = frame.format(f"<main><h1>{escape(told['title'])}</h1>{paragraphs}</main>")
            article = extract(
                page_of(f"<html><title>{escape(told['title'])}</title><body>{body}</body></html>")
            )
            if article.completeness != "full":
                taken.append((told["title"], article.completeness, article.completeness_reason))
    assert not taken


def page_of(html: str) -> Page:
    return Page(url="https://x.example/una-nota", body=html.encode(), fetched="2026-02-01T00:00:00Z")


def test_a_page_of_nothing_but_links_is_an_index_whatever_stands_in_them() -> None:
    links = "".join(f'<a href="/x{n}">Otra nota más</a> ' for n in range(40))
    article = extract(page_of(f"<html><body>{links}</body></html>"))
    assert (article.completeness, article.completeness_reason) == ("index", "hardly a word that is no link")


def test_a_missing_page_is_one_however_much_it_points_to() -> None:
    links = "".join(
        f"<li><a href='/n{n}'>Ministros de los dos países firman el acuerdo número {n}</a></li>"
        for n in range(20)
    )
    page = page_of(
        "<html><title>Página no encontrada</title><body><h1>¡Ups! Página no encontrada</h1><p>La página que buscas "
        f"ya no existe o fue movida. Regresa al inicio o usa el buscador.</p><ul>{links}</ul></body></html>"
    )
    assert extract(page).completeness == "soft-404"


def test_a_page_that_does_not_fit_into_memory_is_not_taken_for_an_empty_one() -> None:
    before = resource.getrlimit(resource.RLIMIT_DATA)
    page = page_of("<html><body>" + "<a href='/x'>y</a>" * 200_000)
    extract(page_of("<p>Todo lo que se carga la primera vez.</p>"))
    resource.setrlimit(resource.RLIMIT_DATA, (1_000_000, before[1]))
    try:
        with pytest.raises(ExtractionError, match="more memory than one page may have"):
            extract(page)
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, before)


@pytest.mark.parametrize(
    ("title", "body", "reason"),
    [
        ("502 Bad Gateway", "<h1>502 Bad Gateway</h1><hr><center>nginx</center>", "server error: bad gateway"),
        ("Error", "<p>Ha habido un error crítico en esta web.</p>", "server error: error critico en esta web"),
        ("", "<b>Fatal error</b>: Uncaught PDOException in /x.php on line 12", "server error: uncaught pdoexception"),
        ("503", "<h1>Error 503 Backend fetch failed</h1><h3>Guru Meditation:</h3>", "server error: backend fetch"),
        ("Diario", "<h1>Estamos en mantenimiento</h1><p>Volvemos pronto.</p>", "maintenance: estamos en"),
        ("Account Suspended", "<h1>This account has been suspended.</h1>", "no site: this account has"),
        ("diario.mx", "<p>This domain is for sale. Buy this domain.</p>", "no site: domain is for sale"),
        ("Index of /notas", "<h1>Index of /notas</h1><pre><a href='a'>a</a> 12K</pre>", "no site: index of /"),
        ("451", "<h1>Unavailable due to legal reasons</h1>", "region: unavailable due to legal"),
        ("Edad", "<h1>¿Eres mayor de edad?</h1><button>Sí</button>", "age: eres mayor de edad"),
        ("x", "<p>Please disable your ad blocker to go on.</p>", "ad blocker: disable your ad block"),
        ("Attention Required!", "<h1>Sorry, you have been blocked</h1>", "bot challenge: you have been blocked"),
    ],
)  # fmt: skip
def test_what_stands_in_place_of_an_article_has_its_own_name(title: str, body: str, reason: str) -> None:
    article = extract(page_of(f"<html><head><title>{title}</title></head><body>{body}</body></html>"))
    assert article.completeness == "wall"
    assert article.completeness_reason.startswith(reason)


@pytest.mark.parametrize(
    ("title", "text"),
    [
        (
            "Mantenimiento de la carretera a Laredo cierra un carril",
            "La secretaría de obras cerró un carril.",
        ),
        ("Suspenden la cuenta del gobernador en la red", "La red social suspendió la cuenta del gobernador."),
        (
            "Server error delays the count in Texas",
            "A server error delayed the count in three counties.",
        ),
    ],
)
def test_news_of_such_things_is_no_wall(title: str, text: str) -> None:
    body = f"<article><h1>{title}</h1><p>{text * 4}</p></article>"
    page = page_of(f"<html><head><title>{title}</title></head><body>{body}</body></html>")
    assert extract(page).completeness == "full"
