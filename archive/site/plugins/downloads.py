"""Downloads, as Datasette meets them: their addresses, and the links to them for every template."""

from collections.abc import Callable
from typing import Any

from datasette import hookimpl
from datasette.filters import FilterArguments
from datasette.utils.asgi import Request

from archive.exports.tables import EXPORTED_TABLES
from archive.site import downloads
from archive.site.views import words_of


@hookimpl
def register_routes() -> list[tuple[str, Callable[..., Any]]]:
    """Return the addresses of whole files."""
    return downloads.routes()


@hookimpl
def filters_from_request(table: str) -> FilterArguments | None:
    """Leave the snapshots of withdrawn articles out of pages and files of that table."""
    return FilterArguments(["outcome is not 'withdrawn'"]) if table == "snapshots" else None


@hookimpl
def extra_template_vars(request: Request | None, view_name: str, table: str | None) -> dict[str, Any]:
    """Give the pages of tables the links to their rows as files, as ``downloads``."""
    if request is None:
        return {}
    if view_name == "table" and table in EXPORTED_TABLES:
        return {"downloads": downloads.links_of_table(words_of(request), request, table)}
    return {}
