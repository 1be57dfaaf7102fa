"""The site, as Datasette meets it: routes, words for templates, SQL functions, headers, errors in words."""

from datasette.plugins import pm

from archive.site.routes import register_routes
from archive.site.search_page import startup
from archive.site.security import asgi_wrapper
from archive.site.sql import prepare_connection
from archive.site.tables import render_cell
from archive.site.views import extra_template_vars, handle_exception

# Datasette runs every handler, and its own prints a trace and fills a template that knows no language.
if pm.has_plugin("datasette.handle_exception"):
    pm.unregister(name="datasette.handle_exception")

__all__ = [
    "asgi_wrapper",
    "extra_template_vars",
    "handle_exception",
    "prepare_connection",
    "register_routes",
    "render_cell",
    "startup",
]
