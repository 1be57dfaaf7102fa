"""A text that only a script would show: article bodies inside JSON state (Next.js, Nuxt, Fusion and their like)."""

import json
import re
from collections.abc import Iterator

MIN_BODY = 400  # characters of a JSON string below which it is a summary or a label
_STRING = r'"((?:[^"\\]|\\.)*)"'
_NAMED = re.compile(
    r'"(?:articleBody|article_body|bodyHtml|body_html|body|contentHtml|content_html|content|html|text|rendered'
    rf'|storyBody|story|fullText|cuerpo|contenido|texto|nota)"\s*:\s*{_STRING}'
)
_FLIGHT = re.compile(rf"__next_f\.push\(\[1,\s*{_STRING}\]\)")


def body_in_state(source: str) -> str:
    """Return the longest HTML or text that a page's scripts keep under a name such as "contentHtml"; '' if none."""
    return max(_values(source), key=len, default="")


def _values(source: str) -> Iterator[str]:
    for match in _NAMED.finditer(source):
        if len(match[1]) >= MIN_BODY and (value := _read(match[1])):
            yield value
    for match in _FLIGHT.finditer(source):
        if len(match[1]) >= MIN_BODY and (value := _read(match[1])) and value.count("<p") >= 3:
            yield value


def _read(literal: str) -> str:
    try:
        return str(json.loads(f'"{literal}"', strict=False))
    except ValueError:
        return ""
