"""What stands above the headline is the site's, not the article's."""

import pytest

from archive.extraction import extract
from archive.models import Page

NOTICE = (
    "Este sitio cambió sus condiciones de uso; le pedimos que las lea con calma antes de seguir navegando."
)
TEXT = [
    "Los dos gobiernos anunciaron este martes que compartirán los datos de los radares de la frontera norte.",
    "El acuerdo, que tardó dos años en negociarse, entra en vigor en marzo y será revisado cada seis meses.",
    "En la reunión se habló también de las armas que se decomisan en las garitas y de quién las vendió.",
]


def page(above: str, below: list[str]) -> Page:
    paragraphs = "".join(f"<p>{text}</p>" for text in below)
    html = (
        f"<html><head><title>Comparten radares en la frontera</title></head><body>{above}"
        f"<div class='col'><h1>Comparten radares en la frontera</h1><div class='nota'>{paragraphs}</div></div>"
        "</body></html>"
    )
    return Page(url="https://diario.example/nota/radares", body=html.encode(), fetched="2026-01-02T00:00:00Z")


@pytest.mark.parametrize("tag", ["header", "div"])
def test_a_notice_above_the_headline_is_not_the_articles(tag: str) -> None:
    text = extract(page(f"<{tag}><a href='/'>Diario</a><p>{NOTICE}</p></{tag}>", TEXT)).text
    assert NOTICE not in text
    assert all(paragraph in text for paragraph in TEXT)


def test_a_headline_below_the_text_takes_none_of_it_away() -> None:
    body = "".join(f"<p>{text}</p>" for text in TEXT)
    text = extract(page(f"<div>{body}</div>", [])).text
    assert all(paragraph in text for paragraph in TEXT)
