"""The pages of the site: each reads the archive in a thread of its own and fills one template."""

import hashlib
import logging
import sqlite3
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import parse_qsl, urlencode

from datasette import hookimpl
from datasette.app import Datasette
from datasette.database import Database
from datasette.utils.asgi import NotFound, Request, Response
from datasette.views.base import DatasetteError

from archive.site import queries
from archive.site.charts import daily_chart, daily_numbers
from archive.site.i18n import Words, choose_language
from archive.site.rendering import render
from archive.site.tables import described, in_language

T = TypeVar("T")
DATABASE = "archive"
ATOM_TYPE = "application/atom+xml; charset=utf-8"


def words_of(request: Request) -> Words:
    """Return the language of a request: ``?lang=`` (``_lang`` on Datasette's pages), else Accept-Language."""
    asked = request.args.get("lang") or request.args.get("_lang")
    language = choose_language(asked, request.headers.get("accept-language"))
    return Words(language, explicit=asked in ("es", "en"))


def archive_of(datasette: Datasette) -> Database:
    """Return the database that holds the archive."""
    return datasette.get_database(DATABASE)


async def read(datasette: Datasette, function: Callable[..., T], *arguments: object) -> T:
    """Run a query function in one of Datasette's reading threads."""
    result: T = await archive_of(datasette).execute_fn(lambda connection: function(connection, *arguments))
    return result


def settings_of(datasette: Datasette) -> dict[str, Any]:
    """Return the site's own settings: public, notice, contact, and whether its index knows the order of words."""
    found: dict[str, Any] = datasette.bilateral
    return found


def is_public(datasette: Datasette) -> bool:
    """Whether excerpts are served in place of texts."""
    return bool(settings_of(datasette)["public"])


@cache
def static_hash() -> str:
    """Return a digest of the static files, so that browsers fetch them anew when they change."""
    static = Path(__file__).parent / "static"
    content = b"".join(path.read_bytes() for path in sorted(static.iterdir()))
    return hashlib.sha256(content).hexdigest()[:12]


@hookimpl
def extra_template_vars(datasette: Datasette, request: Request | None) -> dict[str, Any]:
    """Give Datasette's templates what the site's own are given."""
    if request is None:
        return {}
    words = words_of(request)
    return {
        **common(datasette, request, words),
        "described": lambda table: described(table, words.language),
        "in_language": lambda text: in_language(text, words.language),
    }


def common(datasette: Datasette, request: Request, words: Words) -> dict[str, Any]:
    """Return what every page has: the words of its language, its other language, the notice."""
    return {
        "request": request,
        "q": "",
        "search_options": False,
        "kept_filters": [],
        "ordered": settings_of(datasette)["ordered"],
        "words": words,
        "static_hash": static_hash(),
        "switch_link": switch_link(request, words),
        "notice": words.t("demo_note") if settings_of(datasette)["notice"] == "demo" else "",
    }


def switch_link(request: Request, words: Words) -> str:
    """Return this very page in the other language."""
    other = "en" if words.language == "es" else "es"
    asked = parse_qsl(request.query_string, keep_blank_values=True)
    kept = [(name, value) for name, value in asked if name not in ("lang", "_lang")]
    return f"{request.path}?{urlencode([*kept, ('lang', other)])}"


async def page(
    datasette: Datasette, request: Request, template: str, status: int = 200, **context: object
) -> Response:
    """Answer with a filled template, varying by the reader's language."""
    words = words_of(request)
    html = render(template, {**common(datasette, request, words), **context})
    headers = {"vary": "accept-language", "content-language": words.language}
    return Response.html(html, status=status, headers=headers)


@hookimpl
def handle_exception(datasette: Datasette, request: Request, exception: Exception) -> object:
    """Answer errors of Datasette's own pages in words, in the reader's language and without a trace."""

    async def answer() -> Response:
        status = 404 if isinstance(exception, NotFound) else getattr(exception, "status", 500)
        if isinstance(exception, DatasetteError) and status == 500:
            status = 400  # its default, which it raises for a reader's mistakes
        if isinstance(exception, sqlite3.ProgrammingError):
            status = 400  # SQL that cannot be one statement: a name with NUL in it
        if status >= 500:
            logging.getLogger("bilateral.site").error("%s", request.path, exc_info=exception)
            if request.path.startswith(("/archive", "/static", "/-/")) and not isinstance(
                exception, sqlite3.DatabaseError
            ):
                status = 404  # Datasette stumbles over some addresses, such as a database's as CSV
        reason, message = trouble(exception, status)
        if request.path.endswith(".json"):
            return Response.json({"ok": False, "status": status, "error": message or reason}, status=status)
        if status == 404:
            return await missing(datasette, request)
        shown = status if status in (403, 405) or status >= 500 else 200
        words = words_of(request)
        return await page(
            datasette, request, "trouble.html", status=shown, reason=words.t(reason), message=message
        )

    return answer


def trouble(exception: Exception, status: int) -> tuple[str, str]:
    """Return the key of the words for an error, and what SQLite says where it is SQLite that refuses."""
    if status >= 500:
        return "error_ours", ""
    if status == 403:
        return "error_forbidden", ""
    if getattr(exception, "title", None) == "SQL Interrupted":
        return "error_slow", ""
    refused = getattr(exception, "title", None) == "Invalid SQL" or isinstance(exception, sqlite3.Error)
    return ("error_sql", str(exception)) if refused else ("error_asked", "")


async def missing(datasette: Datasette, request: Request) -> Response:
    """Answer 404 with words."""
    return await page(datasette, request, "missing.html", status=404)


def base_url(datasette: Datasette, request: Request) -> str:
    """Return scheme and host of the site, without a slash at the end."""
    return str(datasette.absolute_url(request, "/")).rstrip("/")


async def front(datasette: Datasette, request: Request) -> Response:
    """The front page."""
    words = words_of(request)

    def gather(connection: sqlite3.Connection) -> dict[str, Any]:
        last = queries.newest_day(connection)
        return {
            "totals": queries.totals(connection),
            "sides": [
                {
                    "country": country,
                    "articles": queries.latest_articles(connection, country),
                    "today": queries.new_today(connection, country),
                }
                for country in ("MX", "US")
            ],
            "days": queries.articles_per_day(connection, last),
            "silent": queries.silent_outlets(connection),
        }

    found = await read(datasette, gather)
    return await page(
        datasette,
        request,
        "front.html",
        chart=daily_chart(tuple(found["days"]), words.language, words.explicit),
        numbers=daily_numbers(tuple(found["days"]), words.language, words.explicit),
        **found,
    )


async def outlets(datasette: Datasette, request: Request) -> Response:
    """All outlets and their health."""
    return await page(datasette, request, "outlets.html", outlets=await read(datasette, queries.outlets))


async def outlet(datasette: Datasette, request: Request) -> Response:
    """One outlet."""
    found = await read(datasette, queries.outlet, request.url_vars["outlet"])
    if found is None:
        return await missing(datasette, request)
    return await page(datasette, request, "outlet.html", o=found)


async def about(datasette: Datasette, request: Request) -> Response:
    """What this is, how it is made, what is missing, whom to write to."""
    return await page(
        datasette,
        request,
        "about.html",
        contact=settings_of(datasette).get("contact"),
        takedowns=await read(datasette, queries.takedowns),
    )


def article_number(request: Request) -> int | None:
    """Return the article's id from the address, or None where no article can have it."""
    number = int(request.url_vars["number"])
    return number if number < 1 << 62 else None


def cursor_of(request: Request) -> tuple[str, int] | None:
    """Return the place a list goes on from, or None for its beginning (and for nonsense)."""
    seen, _, position = (request.args.get("before") or "").partition("~")
    return (seen, int(position)) if seen and position.isascii() and position.isdigit() else None
