"""The site's own templates, filled without Datasette: its way of filling one merges all metadata several times."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

TEMPLATES = Path(__file__).with_name("templates")


@cache
def environment() -> Environment:
    """Return the templates; everything put into them is escaped, and what they are not given is an error."""
    loader = FileSystemLoader(TEMPLATES)
    return Environment(loader=loader, autoescape=True, trim_blocks=True, undefined=StrictUndefined)


def render(template: str, context: Mapping[str, Any]) -> str:
    """Fill a template."""
    return environment().get_template(template).render(context)
