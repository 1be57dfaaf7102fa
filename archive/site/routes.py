"""The addresses of the site."""

from collections.abc import Awaitable, Callable

from datasette import hookimpl
from datasette.utils.asgi import Response

from archive.site import article_page, calendar_page, changes_page, limits, search_page, story_page, views

View = Callable[..., Awaitable[Response]]


@hookimpl
def register_routes() -> list[tuple[str, View]]:
    """Return the site's own addresses; what is not here is Datasette's, under /archive."""
    return [
        (r"^/$", views.front),
        (r"^/robots\.txt$", limits.robots),
        (r"^/search$", search_page.search_page),
        (r"^/search\.atom$", search_page.search_feed),
        (r"^/search\.json$", search_page.search_json),
        (r"^/article/(?P<number>\d{1,19})$", article_page.article),
        (r"^/article/(?P<number>\d{1,19})\.json$", article_page.article_json),
        (r"^/article/(?P<number>\d{1,19})\.bib$", article_page.article_bibtex),
        (r"^/article/(?P<number>\d{1,19})\.ris$", article_page.article_ris),
        (r"^/changes$", changes_page.changes),
        (r"^/changes\.atom$", changes_page.changes_feed),
        (r"^/stories$", story_page.stories),
        (r"^/stories\.json$", story_page.stories_json),
        (r"^/stories\.atom$", story_page.stories_feed),
        (r"^/story/(?P<number>\d{1,19})$", story_page.story),
        (r"^/story/(?P<number>\d{1,19})\.json$", story_page.story_json),
        (r"^/story/(?P<number>\d{1,19})\.csv$", story_page.story_csv),
        (r"^/story/(?P<number>\d{1,19})\.atom$", story_page.story_feed),
        (r"^/calendar$", calendar_page.calendar),
        (r"^/calendar\.ics$", calendar_page.calendar_file),
        (r"^/outlets$", views.outlets),
        (r"^/outlet/(?P<outlet>[a-z0-9-]+)$", views.outlet),
        (r"^/about$", views.about),
        # Datasette's pages about itself are for who runs it, and in one language; programs may have the JSON.
        (r"^/-/(?!static)(?!.*\.json$)", views.missing),
    ]
