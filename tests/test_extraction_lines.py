"""Lines between paragraphs, in markup that tells nothing: the site's own go, sentences that look like them stay."""

import tomllib
from pathlib import Path
from typing import Any

import pytest

from archive.extraction import extract
from archive.models import Page

LINES: dict[str, Any] = tomllib.loads((Path(__file__).parent / "pages" / "lines.toml").read_text("utf-8"))


def text_with(language: str, line: str, place: int) -> str:
    paragraphs = [f"<p>{text}</p>" for text in LINES[language]["paragraphs"]]
    paragraphs.insert(place, f"<p>{line}</p>")
    html = (
        f"<html lang='{language}'><head><title>Acuerdo fronterizo, segunda fase</title></head><body>"
        f"<div class='a1'><h1>Acuerdo fronterizo, segunda fase</h1><div class='a2'>{''.join(paragraphs)}</div></div>"
        "</body></html>"
    )
    page = Page(url="https://diario.example/nota/1", body=html.encode(), fetched="2026-01-20T00:00:00Z")
    return extract(page).text


@pytest.mark.parametrize("language", ["es", "en"])
def test_a_line_of_the_sites_own_goes_wherever_it_stands(language: str) -> None:
    kept = [
        (place, line)
        for line in LINES[language]["notices"]
        for place in (0, 3, 6)
        if line in text_with(language, line, place)
    ]
    assert kept == []


@pytest.mark.parametrize("language", ["es", "en"])
def test_a_sentence_that_looks_like_a_notice_stays(language: str) -> None:
    lost = [
        (place, line)
        for line in LINES[language]["sentences"]
        for place in (0, 1, 3, 6)
        if line not in text_with(language, line, place)
    ]
    assert lost == []


@pytest.mark.parametrize("language", ["es", "en"])
def test_the_paragraphs_around_stay_whole(language: str) -> None:
    for line in LINES[language]["notices"]:
        text = text_with(language, line, 3)
        assert all(paragraph in text for paragraph in LINES[language]["paragraphs"])


@pytest.mark.parametrize(
    "line",
    [
        "Contributing: Ana Ruiz, John Roe, Border Desk.",
        "Citation: Acuerdo fronterizo, segunda fase (2026, January 15) retrieved from https://diario.example/nota/1",
    ],
)
def test_a_credit_under_the_end_goes(line: str) -> None:
    assert text_with("en", line, len(LINES["en"]["paragraphs"])).endswith(LINES["en"]["paragraphs"][-1])


def test_a_link_after_a_label_in_capitals_points_elsewhere_and_a_paragraph_that_opens_so_does_not() -> None:
    pointer = "IN DEPTH: <a href='/otra'>What the deal on ports says of scanners</a>"
    assert "IN DEPTH" not in text_with("en", pointer, 3)
    paragraph = (
        "WHAT CHANGED: The deal lets both sides ask for a second <a href='/otra'>inspection</a> of a truck."
    )
    assert "WHAT CHANGED" in text_with("en", paragraph, 3)
