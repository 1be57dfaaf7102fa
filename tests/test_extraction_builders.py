"""The text of a guide comes out whole, and nothing else, whatever system made the page."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from archive.extraction import extract
from archive.models import Page

DATA: dict[str, Any] = tomllib.loads((Path(__file__).parent / "pages" / "builders.toml").read_text("utf-8"))
GUIDE: list[dict[str, Any]] = DATA["guide"]
SYSTEMS = {system["name"]: system for system in DATA["system"]}
SLICE = re.compile(r"TEXT(?:\[(\d+):(\d+)\])?")


def parts(system: dict[str, Any]) -> list[str]:
    """The guide as one system prints it, part by part."""
    made = []
    for part in GUIDE:
        kind = part["kind"]
        if "items" in part:
            inner = "".join(system.get("item", "<li>{}</li>").format(item) for item in part["items"])
            html = f"<{kind}>{inner}</{kind}>"
        elif kind in ("h2", "h3"):
            html = system.get("heading", "<{1}>{0}</{1}>").format(part["text"], kind)
        elif kind == "quote":
            html = system.get("quote", "<blockquote><p>{}</p></blockquote>").format(part["text"])
        else:
            html = system.get("p", "<p>{}</p>").format(part["text"])
        for name in reversed(system.get("around", [])):
            html = f"<div class='{name}'>{html}</div>"
        made.append(html)
    return made


def page_of(system: dict[str, Any]) -> bytes:
    made = parts(system)
    between = system.get("between", "")
    inner = SLICE.sub(
        lambda found: between.join(made[int(found[1] or 0) : int(found[2] or len(made))]), system["page"]
    )
    html = f"TOP{inner}FOOT"
    for word, value in DATA["words"].items():
        html = html.replace(word, value)
    head = "<meta charset='utf-8'><title>TITLE - Two Ovens</title><meta property='og:title' content='TITLE'>"
    html = f"<!doctype html><html lang='en'><head>{head}</head><body>{html}</body></html>"
    return html.replace("TITLE", DATA["title"]).encode()


@pytest.mark.parametrize("name", SYSTEMS)
def test_text_of(name: str) -> None:
    page = Page(
        url="https://twoovens.example/blog/bakery",
        body=page_of(SYSTEMS[name]),
        fetched="2025-06-01T00:00:00Z",
    )
    article = extract(page)
    wanted = [line for part in GUIDE for line in part.get("items", [part.get("text")])]
    assert article.text.split("\n\n") == wanted
    assert article.title == DATA["title"]
    assert article.completeness == "full"
