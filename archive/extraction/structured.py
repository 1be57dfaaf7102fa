"""What a page says of itself for machines: JSON-LD, meta, link and time elements, read in one pass each."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from html import unescape
from typing import Any

from lxml.html import HtmlElement

from archive.extraction.encoding import normalise
from archive.urls import registrable_domain

Node = dict[str, Any]

ARTICLE_TYPES = re.compile(r"(?:Article|Posting|Report|Review|Recipe|NewsItem|PressRelease|Story)$", re.I)
LESSER_TYPES = (
    "VideoObject",
    "AudioObject",
    "PodcastEpisode",
    "ImageGallery",
    "MediaGallery",
    "WebPage",
    "ItemPage",
)
LISTING_TYPES = ("CollectionPage", "SearchResultsPage", "ProfilePage")

_JSONLD = re.compile(r"ld\+json", re.I)
_COMMENTS = re.compile(
    r"^\s*(?:<!--|//\s*<!\[CDATA\[|<!\[CDATA\[|/\*.*?\*/)|(?:-->|//\s*\]\]>|\]\]>)\s*;?\s*$", re.S
)
_ESCAPED = re.compile(r"\\u(?:00[01]|d[89a-f])", re.I)
_TRAILING_COMMA = re.compile(r",\s*([}\]])")
_SALVAGE = re.compile(
    r'"(headline|datePublished|dateModified|articleSection|inLanguage|description)"\s*:\s*"((?:[^"\\\n]|\\.)*)"'
)
_SALVAGE_AUTHOR = re.compile(r'"author"\s*:\s*[\[{][^\]}]{0,200}?"name"\s*:\s*"((?:[^"\\\n]|\\.)*)"')


@dataclass(slots=True)
class Structured:
    """The machine-readable part of one page."""

    article: Node = field(default_factory=dict)  # the JSON-LD node that describes this article, else {}
    nodes: list[Node] = field(default_factory=list)  # all JSON-LD nodes, in order
    meta: dict[str, list[str]] = field(default_factory=dict)  # name, property or itemprop, lower case
    links: dict[str, str] = field(default_factory=dict)  # rel -> href, the first of each
    language: str = ""  # <html lang>
    title: str = ""  # <title>
    base: str = ""  # <base href>, against which the page's links are read

    def first(self, *names: str) -> str:
        """Return the first filled meta value among these names, in the order of the names."""
        for name in names:
            for value in self.meta.get(name, ()):
                if value:
                    return value
        return ""

    @property
    def articles(self) -> int:
        """How many nodes describe an article."""
        return sum(any(ARTICLE_TYPES.search(kind) for kind in types_of(node)) for node in self.nodes)

    @property
    def types(self) -> set[str]:
        """The schema.org types of all nodes."""
        return {kind for node in self.nodes for kind in types_of(node)}


def read_structured(root: HtmlElement, url: str) -> Structured:
    """Read the head's and body's structured data of a parsed page."""
    found = Structured(
        language=root.get("lang") or root.get("{http://www.w3.org/XML/1998/namespace}lang") or ""
    )
    _read_meta(root, found)
    for script in root.iter("script"):
        if _JSONLD.search(script.get("type") or "") and script.text:
            found.nodes.extend(_flatten(parse_json(script.text)))
    found.article = _choose_article(found.nodes, url)
    return found


def _read_meta(root: HtmlElement, found: Structured) -> None:
    for element in root.iter("meta", "link", "title", "base"):
        tag = element.tag
        if tag == "meta":
            content = element.get("content")
            if not content:
                continue
            for attribute in ("property", "name", "itemprop"):
                name = element.get(attribute)
                if name:
                    found.meta.setdefault(name.strip().lower(), []).append(content.strip())
        elif tag == "link":
            href = element.get("href")
            for rel in (element.get("rel") or "").lower().split():
                if href:
                    found.links.setdefault(rel, href.strip())
        elif tag == "base":
            found.base = found.base or (element.get("href") or "").strip()
        elif not found.title and element.getparent() is not None and element.getparent().tag != "svg":
            found.title = (element.text or "").strip()


def parse_json(text: str) -> Any:
    """Read JSON as publishers print it; returns None, or what single fields could be saved, where it is broken."""
    value = _load(text)
    return _printable(value) if _ESCAPED.search(text) else value


def _printable(value: Any) -> Any:
    """The same value without NUL, other controls and halves of surrogate pairs, which no file or table takes."""
    if isinstance(value, str):
        return normalise(value, soft_hyphens=True)
    if isinstance(value, list):
        return [_printable(item) for item in value]
    if isinstance(value, dict):
        return {key: _printable(item) for key, item in value.items()}
    return value


def _load(text: str) -> Any:
    text = _COMMENTS.sub("", text).strip().rstrip(";")
    for attempt in (text, _TRAILING_COMMA.sub(r"\1", text), unescape(text) if "&quot;" in text else ""):
        try:
            return json.loads(attempt, strict=False)
        except (ValueError, RecursionError):
            continue
    try:
        return json.JSONDecoder(strict=False).raw_decode(text)[0]
    except (ValueError, RecursionError):
        return _salvage(text)


def _salvage(text: str) -> Node | None:
    fields: Node = {}
    for match in _SALVAGE.finditer(text):
        fields.setdefault(match[1], match[2].replace('\\"', '"').replace("\\/", "/"))
    authors = [{"@type": "Person", "name": match[1]} for match in _SALVAGE_AUTHOR.finditer(text)]
    if not fields:
        return None
    return {"@type": "Article", **fields, **({"author": authors} if authors else {})}


def _flatten(value: Any, depth: int = 0) -> Iterator[Node]:
    """Yield the nodes that stand at the top, in @graph, or as the main entity; not those nested in listings."""
    if depth > 5:
        return
    if isinstance(value, list):
        for item in value:
            yield from _flatten(item, depth + 1)
    elif isinstance(value, dict):
        yield value
        for key in ("@graph", "mainEntity", "mainEntityOfPage"):
            if isinstance(value.get(key), (dict, list)):
                yield from _flatten(value[key], depth + 1)


def types_of(node: Node) -> list[str]:
    """Return a node's schema.org types without their vocabulary prefix."""
    kinds = node.get("@type")
    kinds = kinds if isinstance(kinds, list) else [kinds]
    return [str(kind).rsplit("/", 1)[-1].rsplit("#", 1)[-1].removeprefix("schema:") for kind in kinds if kind]


def _choose_article(nodes: list[Node], url: str) -> Node:
    """The node that describes the article of this page: by type, then by its address, then by what it holds."""
    best: Node = {}
    best_rank = (0, 0, 0)
    for node in nodes:
        kinds = types_of(node)
        if any(ARTICLE_TYPES.search(kind) for kind in kinds):
            level = 3
        elif any(kind in LESSER_TYPES for kind in kinds) and ("datePublished" in node or "headline" in node):
            level = 1
        else:
            continue
        held = sum(key in node for key in ("headline", "datePublished", "author", "dateModified"))
        rank = (level, int(_addresses(node, url)), held)
        if rank > best_rank:
            best, best_rank = node, rank
    return _resolve(best, nodes)


def _addresses(node: Node, url: str) -> bool:
    path = url.split("?")[0].split("#")[0].rstrip("/").rsplit("/", 1)[-1]
    main = node.get("mainEntityOfPage")
    named = [node.get("url"), node.get("@id"), main.get("@id") if isinstance(main, dict) else main]
    return bool(path) and any(isinstance(name, str) and path in name for name in named)


def _resolve(article: Node, nodes: list[Node]) -> Node:
    """Replace references such as {"@id": "#author"} by the node they mean, one level deep."""
    known = {node["@id"]: node for node in nodes if isinstance(node.get("@id"), str) and len(node) > 2}

    def look_up(value: Any) -> Any:
        if isinstance(value, list):
            return [look_up(item) for item in value]
        if isinstance(value, dict) and isinstance(value.get("@id"), str) and "name" not in value:
            return known.get(value["@id"], value)
        return value

    return {
        key: look_up(value) if key in ("author", "creator", "publisher", "image") else value
        for key, value in article.items()
    }


def text_of(value: Any) -> str:
    """Return a JSON-LD value as one string: itself, its first filled item, or its name, value or text."""
    if isinstance(value, str):
        return unescape(value).strip()
    if isinstance(value, list):
        return next((text for text in map(text_of, value) if text), "")
    if isinstance(value, dict):
        return next(
            (text for key in ("name", "@value", "text", "url") if (text := text_of(value.get(key)))), ""
        )
    return ""


def site_name(url: str) -> str:
    """Return what names the site in its hosts: "bbc" of www.bbc.co.uk, which is bbc.com as well; else the host."""
    host = url.split("/", 3)[2].partition(":")[0].lower() if url.count("/") >= 2 else ""
    if registered := registrable_domain(host):
        return registered.partition(".")[0]
    labels = host.removeprefix("www.").split(".")
    return labels[0] if len(labels) == 2 else host
