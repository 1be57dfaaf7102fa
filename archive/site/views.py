"""The pages of the site: each reads the archive in a thread of its own and fills one template."""

import hashlib
import json
import logging
import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from datasette import hookimpl
from datasette.app import Datasette
from datasette.database import Database
from datasette.utils.asgi import NotFound, Request, Response
from datasette.views.base import DatasetteError

from archive.citations import bibtex, ris
from archive.publish import excerpt
from archive.site import queries
from archive.site.charts import daily_chart
from archive.site.diffs import word_diff
from archive.site.feeds import Entry, atom_feed
from archive.site.i18n import Words, choose_language

T = TypeVar("T")
DATABASE = "archive"
ATOM_TYPE = "application/atom+xml; charset=utf-8"
WHERE = {"title": "where_title", "lede": "where_lede", "body": "where_body", "sentence": "where_sentence"}


def words_of(request: Request) -> Words:
    """Return the language of a request: ``?lang=``, else Accept-Language."""
    asked = request.args.get("lang")
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
    """Return the site's own settings (public, notice, contact)."""
    return datasette.plugin_config("bilateral") or {}


@cache
def static_hash() -> str:
    """Return a digest of the static files, so that browsers fetch them anew when they change."""
    static = Path(__file__).parent / "static"
    content = b"".join(path.read_bytes() for path in sorted(static.iterdir()))
    return hashlib.sha256(content).hexdigest()[:12]


@hookimpl
def extra_template_vars(datasette: Datasette, request: Request | None) -> dict[str, Any]:
    """Give every template, Datasette's own too, the words of its language."""
    words = words_of(request) if request else Words("en")
    return {
        "words": words,
        "static_hash": static_hash(),
        "switch_link": switch_link(request, words) if request else "/",
        "notice": words.t("demo_note") if settings_of(datasette).get("notice") == "demo" else "",
    }


def switch_link(request: Request, words: Words) -> str:
    """Return this very page in the other language."""
    from urllib.parse import parse_qsl, urlencode

    other = "en" if words.language == "es" else "es"
    kept = [(k, v) for k, v in parse_qsl(request.query_string, keep_blank_values=True) if k != "lang"]
    return f"{request.path}?{urlencode([*kept, ('lang', other)])}"


async def page(
    datasette: Datasette, request: Request, template: str, status: int = 200, **context: object
) -> Response:
    """Answer with a filled template, varying by the reader's language."""
    html = await datasette.render_template(template, context, request=request)
    headers = {"vary": "accept-language", "content-language": words_of(request).language}
    return Response.html(html, status=status, headers=headers)


@hookimpl
def handle_exception(datasette: Datasette, request: Request, exception: Exception) -> object:
    """Answer errors of Datasette's own pages in words, in the reader's language and without a trace."""

    async def answer() -> Response:
        status = 404 if isinstance(exception, NotFound) else getattr(exception, "status", 500)
        if isinstance(exception, DatasetteError) and status == 500:
            status = 400  # its default, which it raises for a reader's mistakes
        message = "" if status >= 500 else str(exception)
        if status >= 500:
            logging.getLogger("bilateral.site").error("%s", request.path, exc_info=exception)
            if request.path.startswith(("/archive", "/static", "/-/")) and not isinstance(
                exception, sqlite3.DatabaseError
            ):
                status = 404  # Datasette stumbles over some addresses, such as a database's as CSV
        if request.path.endswith(".json"):
            return Response.json({"ok": False, "status": status, "error": message}, status=status)
        if status == 404:
            return await missing(datasette, request)
        shown = status if status in (403, 405) or status >= 500 else 200
        return await page(datasette, request, "trouble.html", status=shown, message=message)

    return answer


async def missing(datasette: Datasette, request: Request) -> Response:
    """Answer 404 with words."""
    return await page(datasette, request, "missing.html", status=404)


def base_url(datasette: Datasette, request: Request) -> str:
    """Return scheme and host of the site, without a slash at the end."""
    return str(datasette.absolute_url(request, "/")).rstrip("/")


async def front(datasette: Datasette, request: Request) -> Response:
    """The front page."""
    words = words_of(request)

    def gather(connection: Any) -> dict[str, Any]:
        last = queries.newest_day(connection)
        return {
            "totals": queries.totals(connection),
            "latest_mx": queries.latest_articles(connection, "MX"),
            "latest_us": queries.latest_articles(connection, "US"),
            "days": queries.articles_per_day(connection, last),
            "silent": [o for o in queries.outlets(connection) if o["health"] != "heard"],
        }

    found = await read(datasette, gather)
    return await page(datasette, request, "front.html", chart=daily_chart(found["days"], words), **found)


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
    return await page(datasette, request, "about.html", contact=settings_of(datasette).get("contact"))


def article_number(request: Request) -> int | None:
    """Return the article's id from the address, or None where no article can have it."""
    number = int(request.url_vars["number"])
    return number if number < 1 << 62 else None


async def find_article(datasette: Datasette, request: Request) -> dict[str, Any] | None:
    """Return the article of the address with all that its page shows."""
    number = article_number(request)
    return None if number is None else await read(datasette, queries.article, number)


async def article(datasette: Datasette, request: Request) -> Response:
    """One article: its text, reasons, versions, evidence and citation."""
    found = await find_article(datasette, request)
    if found is None:
        return await missing(datasette, request)
    words, public = words_of(request), bool(settings_of(datasette).get("public"))
    text = excerpt(found["text"] or "") if public else found["text"] or ""
    return await page(
        datasette,
        request,
        "article.html",
        a=found,
        public=public,
        paragraphs=[paragraph for paragraph in text.split("\n") if paragraph.strip()],
        versions=[] if public else versions(found["revision_rows"]),
        citation=plain_citation(found, words),
        base=base_url(datasette, request),
        where=lambda place: WHERE.get(place, "where_other"),
    )


async def article_json(datasette: Datasette, request: Request) -> Response:
    """One article as JSON: its columns, text (in a public edition an excerpt), reasons, versions and evidence."""
    found = await find_article(datasette, request)
    if found is None:
        return Response.json({"ok": False, "status": 404, "error": "no such article"}, status=404)
    public = bool(settings_of(datasette).get("public"))
    hidden = {"copies", "across", "reasons", "revision_rows", "event_rows", "snapshot_rows", "key"}
    columns = {name: value for name, value in found.items() if name not in hidden}
    version = ("number", "seen", "title", "sha256", "kinds", "words_added", "words_removed")
    return Response.json(
        {
            **columns,
            "text": excerpt(found["text"] or "") if public else found["text"],
            "terms": found["reasons"],
            "tags": json.loads(found["tags"]),
            "dates": json.loads(found["dates"]),
            "revisions": [{name: row[name] for name in version} for row in found["revision_rows"]],
            "events": [
                {name: row[name] for name in ("seen", "event", "detail")} for row in found["event_rows"]
            ],
            "snapshots": found["snapshot_rows"],
            "copies": [copy["id"] for copy in found["copies"]],
        }
    )


async def article_bibtex(datasette: Datasette, request: Request) -> Response:
    """One article as BibTeX."""
    return await citation_file(datasette, request, bibtex, "application/x-bibtex; charset=utf-8")


async def article_ris(datasette: Datasette, request: Request) -> Response:
    """One article as RIS."""
    return await citation_file(datasette, request, ris, "application/x-research-info-systems; charset=utf-8")


async def citation_file(
    datasette: Datasette,
    request: Request,
    write: Callable[[list[dict[str, Any]]], str],
    content_type: str,
) -> Response:
    """Answer with one article as a reference manager reads it."""
    found = await find_article(datasette, request)
    if found is None:
        return await missing(datasette, request)
    return Response(write([found]), content_type=content_type)


def versions(revisions: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the revisions, the latest first, each with its difference from the one before."""
    shown = []
    for before, after in zip([None, *revisions], revisions, strict=False):
        entry = dict(after)
        if before is not None:
            changed = before["title"] != after["title"]
            entry["title_diff"] = word_diff(before["title"], after["title"]) if changed else ""
            entry["text_diff"] = word_diff(before["text"], after["text"])
        shown.append(entry)
    return shown[::-1]


def plain_citation(found: dict[str, Any], words: Words) -> str:
    """Return a citation ready to copy, with the capture that it rests on."""
    author = f"{found['authors']}. " if found["authors"] else ""
    day = words.day(found["published_local"] or found["first_seen"], "long")
    snapshot = found["snapshot_rows"][-1] if found["snapshot_rows"] else None
    evidence = (
        f" {words.t('cite_captured')} {snapshot['fetched']}, {snapshot['payload_digest']}."
        if snapshot
        else ""
    )
    return f"{author}«{found['title']}». {found['outlet_name']}, {day}. {found['url']}.{evidence}"


async def changes(datasette: Datasette, request: Request) -> Response:
    """What was changed or removed after publication."""
    before = cursor_of(request)
    found = await read(datasette, queries.changes, before)
    words = words_of(request)
    for change in found:
        titled = change["old_title"] and change["old_title"] != change["new_title"]
        change["title_diff"] = word_diff(change["old_title"], change["new_title"]) if titled else ""
    full = len(found) == queries.CHANGES_PER_PAGE
    following = f"{found[-1]['seen']}~{found[-1]['position']}" if full else None
    return await page(
        datasette,
        request,
        "changes.html",
        changes=found,
        next_link=words.link("/changes", {"before": following}) if following else None,
    )


def cursor_of(request: Request) -> tuple[str, int] | None:
    """Return the place a list goes on from, or None for its beginning (and for nonsense)."""
    seen, _, position = (request.args.get("before") or "").partition("~")
    return (seen, int(position)) if seen and position.isascii() and position.isdigit() else None


async def changes_feed(datasette: Datasette, request: Request) -> Response:
    """The changes as Atom: one entry a change, with an id that never changes."""
    found = await read(datasette, queries.changes, None)
    words, base = words_of(request), base_url(datasette, request)
    entries = [
        Entry(
            id=f"{base}/article/{change['article']}#{change['what']}-{change['position']}",
            title=f"{change_words(change, words)}: {change['title']}",
            link=f"{base}/article/{change['article']}",
            updated=change["seen"],
            published=None,
            summary=f"{change['outlet_name']}. {change_words(change, words)}",
            author=change["outlet_name"],
            language=change["language"],
        )
        for change in found
    ]
    body = atom_feed(
        feed_id=f"{base}/changes",
        title=f"{words.t('site_name')}: {words.t('changes_title')}",
        subtitle=words.t("changes_intro"),
        link=base + words.link("/changes"),
        self_link=base + words.link("/changes.atom"),
        updated=found[0]["seen"] if found else datetime.now(UTC).strftime("%Y-%m-%dT00:00:00Z"),
        entries=entries,
    )
    return Response(body, content_type=ATOM_TYPE)


def change_words(change: dict[str, Any], words: Words) -> str:
    """Return what happened in the reader's words."""
    if change["what"] != "revision":
        return words.t(f"event_{change['what']}")
    kinds = ", ".join(words.t(f"change_kind_{kind}") for kind in change["kinds"])
    return f"{words.t('revised')} ({kinds})" if kinds else words.t("revised")
