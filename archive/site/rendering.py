"""The site's own templates, filled without Datasette: its way of filling one merges all metadata several times."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from jinja2.filters import do_truncate

TEMPLATES = Path(__file__).with_name("templates")
TEASER_CHARACTERS = 320
CUT_CHARACTERS = 80  # a summary as long as this that ends in the middle of a sentence was cut


def teaser(text: str) -> str:
    """Return a summary as lists show it: cut to a few lines, and marked where it, or its publisher, cut it."""
    if len(text) > TEASER_CHARACTERS:
        return do_truncate(environment(), text, TEASER_CHARACTERS, end="…")
    cut = len(text) >= CUT_CHARACTERS and text[-1].isalnum()
    return f"{text}…" if cut else text


@cache
def environment() -> Environment:
    """Return the templates; everything put into them is escaped, and what they are not given is an error."""
    loader = FileSystemLoader(TEMPLATES)
    made = Environment(
        loader=loader, autoescape=True, trim_blocks=True, undefined=StrictUndefined, auto_reload=False
    )
    made.filters["teaser"] = teaser
    return made


def render(template: str, context: Mapping[str, Any]) -> str:
    """Fill a template."""
    return environment().get_template(template).render(context)
