"""When an article was published, to the minute and with the offset, in the forms in which pages give it."""

import tomllib
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from archive.extraction import extract
from archive.models import Page

PAGES = Path(__file__).parent / "pages"
TIMES: list[dict[str, str]] = tomllib.loads((PAGES / "times.toml").read_text("utf-8"))["time"]
PARAGRAPHS = tomllib.loads((PAGES / "lines.toml").read_text("utf-8"))["es"]["paragraphs"]


def html_of(case: dict[str, str]) -> str:
    declared = ""
    if "json" in case:
        fields = case["json"].removeprefix("{")
        node = f'{{"@type": "NewsArticle", "headline": "Acuerdo", {fields}'
        declared = f"<script type='application/ld+json'>{node}</script>"
    return (
        f"<html><head><title>Acuerdo fronterizo, segunda fase</title>{case.get('head', '')}{declared}</head>"
        f"<body><main><h1>Acuerdo fronterizo, segunda fase</h1>{case.get('line', '')}"
        f"<div>{''.join(f'<p>{text}</p>' for text in PARAGRAPHS)}</div>{case.get('after', '')}</main>"
        "<aside><time datetime='2026-01-19T23:00:00-06:00'>Hace 1 hora</time></aside></body></html>"
    )


@pytest.mark.parametrize("case", TIMES, ids=[f"{n}-{case['zone']}" for n, case in enumerate(TIMES)])
def test_time(case: dict[str, str]) -> None:
    country = case.get("country", "MX")
    article = extract(
        Page(
            url=case.get("url", "https://diario.example/nota/1"),
            body=html_of(case).encode(),
            fetched=case.get("fetched", "2026-01-20T12:00:00Z"),
            language="es" if country == "MX" else "en",
            country="MX" if country == "MX" else "US",
            timezone=case["zone"],
        )
    )
    assert article.published_precision == case.get("precision", "minute")
    assert minute(article.published_local) == minute(case["published"])
    wanted = datetime.fromisoformat(case["published"])
    assert wanted.astimezone(ZoneInfo(case["zone"])).utcoffset() == wanted.utcoffset()
    assert minute(article.modified_local) == minute(case.get("modified"))


def minute(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text).replace(second=0) if text else None
