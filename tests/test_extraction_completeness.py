"""What was fetched: the article, part of it, a wall, a missing page, a listing or nothing, in many wordings."""

import resource
import tomllib
from pathlib import Path

import pytest

from archive.extraction import extract
from archive.extraction.errors import ExtractionError
from archive.models import Page

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
