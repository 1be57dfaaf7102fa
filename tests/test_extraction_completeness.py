"""What was fetched: the article, part of it, a wall, a missing page, a listing or nothing, in many wordings."""

import tomllib
from pathlib import Path

import pytest

from archive.extraction import extract
from archive.models import Page

CASES = tomllib.loads((Path(__file__).parent / "pages" / "completeness.toml").read_text(encoding="utf-8"))[
    "page"
]


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
