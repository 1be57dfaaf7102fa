"""One article in the templates that outlets use, with furniture of all kinds: the text must come out exactly."""

import random
import tomllib
from pathlib import Path
from typing import Any

import pytest

from archive.extraction import extract
from archive.models import Page

WORDS: dict[str, Any] = tomllib.loads((Path(__file__).parent / "pages" / "furniture.toml").read_text("utf-8"))
TEMPLATES = (
    "semantic",
    "aside",
    "divs",
    "classless",
    "wordpress",
    "table",
    "no-h1",
    "div-paragraphs",
    "spans",
    "ads",
)


def tag(name: str, inner: str, classes: str = "") -> str:
    return f"<{name} class='{classes}'>{inner}</{name}>" if classes else f"<{name}>{inner}</{name}>"


def links(teasers: list[str]) -> str:
    return tag("ul", "".join(f"<li><a href='/{n}'>{text}</a></li>" for n, text in enumerate(teasers)))


def between(words: dict[str, Any], paragraphs: list[str], template: str, dice: random.Random) -> str:
    """The paragraphs with a box of links, a pointer and a newsletter box among them."""
    box = "aside" if template == "aside" else "div"
    named = template != "classless"
    related = tag("h3", dice.choice(words["labels"])) + links(words["teasers"][:3])
    offer = tag("h4", "Newsletter") + tag("p", dice.choice(words["promotions"])) + "<form><input></form>"
    parts = [tag("p", text) for text in paragraphs]
    parts.insert(2, tag(box, related, "related-box" if named else ""))
    parts.insert(4, tag("p", dice.choice(words["pointers"])))
    parts.insert(len(parts) - 1, tag(box, offer, "newsletter" if named else ""))
    return "".join(parts)


def body(words: dict[str, Any], paragraphs: list[str], template: str, dice: random.Random) -> str:
    if template == "table":
        return tag("td", "<br><br>".join(paragraphs))
    if template == "div-paragraphs":
        return "".join(tag("div", text, "parrafo") for text in paragraphs)
    if template == "spans":
        return "".join(tag("p", f"<span style='font-weight:400'>{text}</span>") for text in paragraphs)
    if template == "ads":
        return "<div class='ad-slot'><span>Publicidad</span></div>".join(
            tag("p", text) for text in paragraphs
        )
    if template in ("wordpress", "no-h1"):
        return "".join(tag("p", text) for text in paragraphs)
    return between(words, paragraphs, template, dice)


def frame(words: dict[str, Any], text: str, template: str, dice: random.Random) -> str:
    """The article's own element, with headline, byline, date, caption, and what stands under the text."""
    title, byline, date = words["title"], words["byline"], words["date"]
    tails = "".join(tag("p", line) for line in dice.sample(words["tails"], 3))
    if template == "table":
        head = f"<tr><td><h1>{title}</h1><b>{byline}</b><br>{date}</td></tr>"
        return tag("table", f"{head}<tr>{text}</tr><tr><td>{tails}</td></tr>")
    if template == "no-h1":
        return tag(
            "div", f"<h2>{title}</h2><span>{date}</span><span class='autor'>{byline}</span>{text}{tails}"
        )
    if template in ("div-paragraphs", "spans", "ads"):
        return tag(
            "main", f"<h1>{title}</h1><div class='meta'>{byline} | {date}</div><div>{text}{tails}</div>"
        )
    stamp = f"<time datetime='2026-01-15T10:30:00-06:00'>{date}</time>"
    if template == "wordpress":
        meta = f"<div class='entry-meta'>{stamp} <span class='author vcard'>{byline}</span></div>"
        share = f"<div class='sharedaddy'>{dice.choice(words['shares'])}</div>"
        return tag(
            "article",
            f"<header><h1>{title}</h1>{meta}</header><div class='entry-content'>{text}{tails}{share}</div>",
        )
    caption = f"<figure><img src='a.jpg'><figcaption>{dice.choice(words['captions'])}</figcaption></figure>"
    bio = tag(
        "div", tag("p", dice.choice(words["biographies"])), "" if template == "classless" else "author-bio"
    )
    tags = tag("p", words["tags"][0], "tags")
    inner = f"<h1>{title}</h1><p class='byline'>{byline}</p>{stamp}{caption}{text}{bio}{tags}"
    return tag("article" if template == "semantic" else "div", inner)


def whole(words: dict[str, Any], article: str, dice: random.Random) -> str:
    cards = "".join(
        f"<article><h3><a href='/{t[:4]}'>{t}</a></h3><p>{t}.</p></article>" for t in words["teasers"]
    )
    comments = tag("section", "".join(tag("p", text) for text in words["comments"]), "comments")
    return (
        f"<html><head><title>{words['title']} | El Diario</title></head><body>"
        f"<div id='cookies'><p>{words['cookies'][0]}</p></div><nav><a href='/'>Inicio</a></nav>{article}"
        f"<section class='mas-noticias'><h2>{dice.choice(words['labels'])}</h2>{cards}</section>{comments}"
        f"<div class='pie'><p>{dice.choice(words['rights'])}</p></div></body></html>"
    )


@pytest.mark.parametrize("template", TEMPLATES)
@pytest.mark.parametrize("language", ["es", "en"])
def test_text_comes_out_exactly(language: str, template: str) -> None:
    words = WORDS[language]
    for seed in range(6):
        dice = random.Random(seed)
        paragraphs = dice.sample(words["paragraphs"], 4 + seed)
        html = whole(words, frame(words, body(words, paragraphs, template, dice), template, dice), dice)
        article = extract(
            Page(
                url="https://d.example/2026/01/15/una-nota-con-titulo-largo/",
                body=html.encode(),
                fetched="2026-02-01T00:00:00Z",
                timezone="America/Mexico_City",
                country="MX" if language == "es" else "US",
                language=language,
            )
        )
        assert article.text.split("\n\n") == paragraphs
        assert article.title == words["title"]
        assert article.published_local == "2026-01-15T10:30:00-06:00"
        assert article.authors == (words["author"],)
        assert (article.completeness, article.form, article.language) == ("full", "article", language)
