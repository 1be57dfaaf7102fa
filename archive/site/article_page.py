"""One article: its page, and the same as JSON, BibTeX and RIS."""

import json
from collections.abc import Callable
from typing import Any

from datasette.app import Datasette
from datasette.utils.asgi import Request, Response

from archive.citations import bibtex, ris
from archive.publish import excerpt
from archive.site import queries
from archive.site.diffs import word_diff
from archive.site.i18n import Words
from archive.site.reasons import marked, shown_reasons
from archive.site.views import article_number, base_url, is_public, missing, page, read, words_of

PART_CHARACTERS = 40_000  # of text on one page; a transcript of hours has several
VERSIONS = 10  # on one page
DEK_CHARACTERS = 100  # of a summary that tell whether the text opens with it
BIBTEX_TYPE = "application/x-bibtex; charset=utf-8"
RIS_TYPE = "application/x-research-info-systems; charset=utf-8"


async def find_article(datasette: Datasette, request: Request) -> dict[str, Any] | None:
    """Return the article of the address with all that its page shows."""
    number = article_number(request)
    return None if number is None else await read(datasette, queries.article, number)


async def article(datasette: Datasette, request: Request) -> Response:
    """One article: its text, reasons, versions, evidence and citation."""
    found = await find_article(datasette, request)
    if found is None:
        return await missing(datasette, request)
    words, public = words_of(request), is_public(datasette)
    text = excerpt(found["text"] or "") if public else found["text"] or ""
    parts = parts_of(text)
    part = chosen(request, "part", len(parts))
    latest = chosen(request, "versions", len(found["revision_rows"])) or len(found["revision_rows"])
    here = f"/article/{found['id']}"
    return await page(
        datasette,
        request,
        "article.html",
        a=found,
        public=public,
        dek="" if begins_alike(text, found["description"]) else found["description"],
        paragraphs=marked(parts[part - 1 if part else 0], found["reasons"]),
        part=part or 1,
        parts=len(parts),
        part_link=lambda number: words.link(here, {"part": number}),
        versions=[] if public else versions(found["revision_rows"][:latest]),
        earlier=words.link(here, {"versions": latest - VERSIONS}) + "#versions" if latest > VERSIONS else "",
        reasons=shown_reasons(found["reasons"], words),
        latest_event=found["event_rows"][-1] if found["event_rows"] else None,
        citation=plain_citation(found, words),
        bibtex=bibtex([found]).strip(),
        ris=ris([found]).strip(),
        base=base_url(datasette, request),
    )


def begins_alike(text: str, description: str) -> bool:
    """Whether a text opens with its own summary, which need not be shown twice."""
    opening = " ".join(description.split())[:DEK_CHARACTERS].rstrip("… .")
    return bool(opening) and " ".join(text[: 2 * DEK_CHARACTERS].split()).startswith(opening)


def parts_of(text: str) -> list[list[str]]:
    """Return the paragraphs of a text, as many to a part as a page holds."""
    parts: list[list[str]] = [[]]
    length = 0
    for paragraph in text.split("\n"):
        if not paragraph.strip():
            continue
        length += len(paragraph)
        if length > PART_CHARACTERS and parts[-1]:
            parts.append([])
            length = len(paragraph)
        parts[-1].append(paragraph)
    return parts


def chosen(request: Request, name: str, most: int) -> int:
    """Return the number that the address asks for, 0 where it names none between 1 and the most."""
    asked = request.args.get(name) or ""
    number = int(asked) if asked.isascii() and asked.isdigit() and len(asked) < 7 else 0
    return number if number <= most else 0


def versions(revisions: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the last revisions, the latest first, each with its difference from the one before."""
    shown: list[dict[str, Any]] = []
    first = max(0, len(revisions) - VERSIONS)
    for before, after in zip([None, *revisions], revisions, strict=False):
        entry = dict(after)
        if before is not None and len(shown) >= first:
            changed = before["title"] != after["title"]
            entry["title_diff"] = word_diff(before["title"], after["title"]) if changed else ""
            entry["text_diff"] = (
                word_diff(before["text"], after["text"]) if before["text"] != after["text"] else ""
            )
        shown.append(entry)
    return shown[first:][::-1]


def plain_citation(found: dict[str, Any], words: Words) -> str:
    """Return a citation ready to copy, with the capture that it rests on."""
    author = f"{found['authors'].replace('; ', ', ')}. " if found["authors"] else ""
    day = words.day(found["published_local"] or found["first_seen"], "long")
    snapshot = found["snapshot_rows"][-1] if found["snapshot_rows"] else None
    evidence = (
        " "
        + words.t(
            "cite_captured", moment=words.moment(snapshot["fetched"]), digest=snapshot["payload_digest"]
        )
        if snapshot
        else ""
    )
    said = words.t("cite_plain", title=found["title"], outlet=found["outlet_name"], day=day, url=found["url"])
    return f"{author}{said}{evidence}"


async def article_json(datasette: Datasette, request: Request) -> Response:
    """One article as JSON: its columns, text (in a public edition an excerpt), reasons, versions and evidence."""
    found = await find_article(datasette, request)
    if found is None:
        return Response.json({"ok": False, "status": 404, "error": "no such article"}, status=404)
    public = is_public(datasette)
    hidden = {
        "copies",
        "dispatch",
        "across",
        "reasons",
        "revision_rows",
        "event_rows",
        "snapshot_rows",
        "key",
    }
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
            "dispatch": found["dispatch"],
        }
    )


async def article_bibtex(datasette: Datasette, request: Request) -> Response:
    """One article as BibTeX."""
    return await citation_file(datasette, request, bibtex, BIBTEX_TYPE)


async def article_ris(datasette: Datasette, request: Request) -> Response:
    """One article as RIS."""
    return await citation_file(datasette, request, ris, RIS_TYPE)


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
