"""Who signs, out of the forms in which bylines are printed and declared; none of it stays in the text."""

import tomllib
from pathlib import Path
from typing import Any

import pytest

from archive.extraction import extract
from archive.models import Page

BYLINES: list[dict[str, Any]] = tomllib.loads(
    (Path(__file__).parent / "pages" / "bylines.toml").read_text("utf-8")
)["byline"]
PARAGRAPHS = tomllib.loads((Path(__file__).parent / "pages" / "lines.toml").read_text("utf-8"))["es"][
    "paragraphs"
]


@pytest.mark.parametrize(
    "case", BYLINES, ids=[f"{n}-{(case['authors'] or ['-'])[0]}" for n, case in enumerate(BYLINES)]
)
def test_byline(case: dict[str, Any]) -> None:
    declared = f"<script type='application/ld+json'>{case['json']}</script>" if "json" in case else ""
    html = (
        "<html lang='es'><head><title>Acuerdo fronterizo entra en su segunda fase | Diario del Norte</title>"
        f"<meta property='og:site_name' content='Diario del Norte'>{case.get('head', '')}{declared}</head><body><main>"
        f"<h1>Acuerdo fronterizo entra en su segunda fase</h1>{case.get('line', '')}"
        f"<div>{''.join(f'<p>{text}</p>' for text in PARAGRAPHS)}</div></main></body></html>"
    )
    article = extract(
        Page(
            url="https://diariodelnorte.example/nota/1",
            body=html.encode(),
            fetched="2026-01-20T00:00:00Z",
            language="es",
            country="MX",
            timezone="America/Mexico_City",
            outlet_name="Diario del Norte",
        )
    )
    assert article.authors == tuple(case["authors"])
    assert article.wire == case.get("wire")
    assert article.text.split("\n\n") == PARAGRAPHS
    assert article.title == "Acuerdo fronterizo entra en su segunda fase"
