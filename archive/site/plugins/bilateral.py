"""The site, as Datasette meets it: routes, words for templates, SQL functions and headers."""

from archive.site.routes import register_routes
from archive.site.security import asgi_wrapper
from archive.site.sql import prepare_connection
from archive.site.views import extra_template_vars

__all__ = ["asgi_wrapper", "extra_template_vars", "prepare_connection", "register_routes"]
