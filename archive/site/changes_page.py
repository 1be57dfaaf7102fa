"""What outlets changed or removed after publishing: the page and its feed."""

from typing import Any

from datasette.app import Datasette
from datasette.utils.asgi import Request, Response

from archive.site import queries
from archive.site.article_page import VERSIONS
from archive.site.diffs import word_diff
from archive.site.feeds import Entry, atom_feed, entry_id
from archive.site.i18n import Words
from archive.site.views import ATOM_TYPE, base_url, cursor_of, page, read, words_of
from archive.times import now


async def changes(datasette: Datasette, request: Request) -> Response:
    """What was changed or removed after publication."""
    before = cursor_of(request)
    found = await read(datasette, queries.changes, before)
    words = words_of(request)
    for change in found:
        titled = change["old_title"] and change["old_title"] != change["new_title"]
        change["title_diff"] = word_diff(change["old_title"], change["new_title"]) if titled else ""
        change["link"] = change_link(change, words)
    full = len(found) == queries.CHANGES_PER_PAGE
    following = f"{found[-1]['seen']}~{found[-1]['position']}" if full else None
    return await page(
        datasette,
        request,
        "changes.html",
        changes=found,
        next_link=words.link("/changes", {"before": following}) if following else None,
        first_link=words.link("/changes") if before else None,
    )


def change_link(change: dict[str, Any], words: Words) -> str:
    """Return where a change is shown: the version, on the page of versions that it is on."""
    number = change["number"]
    if not number:
        return words.link(f"/article/{change['article']}") + "#events"
    link = words.link(f"/article/{change['article']}", {"versions": number if number > VERSIONS else None})
    return f"{link}#v{number}"


async def changes_feed(datasette: Datasette, request: Request) -> Response:
    """The changes as Atom: one entry a change, with an id that never changes."""
    found = await read(datasette, queries.changes, None)
    words, base = words_of(request), base_url(datasette, request)
    entries = [
        Entry(
            id=entry_id(f"{change['url']}#{change['what']}-{change['number'] or change['seen']}"),
            title=f"{change_words(change, words)}: {change['title']}",
            link=base + change_link(change, words),
            updated=change["seen"],
            published=None,
            summary=change_summary(change, words),
            author=change["outlet_name"],
            language=words.language,
        )
        for change in found
    ]
    body = atom_feed(
        feed_id=f"{base}/changes",
        title=f"{words.t('site_name')}: {words.t('changes_title')}",
        subtitle=words.t("changes_intro"),
        link=base + words.link("/changes"),
        self_link=base + words.link("/changes.atom"),
        updated=found[0]["seen"] if found else now().strftime("%Y-%m-%dT00:00:00Z"),
        entries=entries,
        language=words.language,
    )
    return Response(body, content_type=ATOM_TYPE)


def change_words(change: dict[str, Any], words: Words) -> str:
    """Return what happened in the reader's words."""
    if change["what"] != "revision":
        return words.t(f"event_{change['what']}")
    kinds = ", ".join(words.t(f"change_kind_{kind}") for kind in change["kinds"])
    return f"{words.t('revised')} ({kinds})" if kinds else words.t("revised")


def change_summary(change: dict[str, Any], words: Words) -> str:
    """Return outlet, what happened, its size, and the headline before where that changed."""
    said = [f"{change['outlet_name']}. {change_words(change, words)}."]
    if change["what"] == "revision" and change["words_added"] is not None:
        said.append(
            words.t("words_changed", added=change["words_added"], removed=change["words_removed"]) + "."
        )
    if change["old_title"] and change["old_title"] != change["new_title"]:
        said.append(words.t("old_headline", title=change["old_title"]))
    return " ".join(said)
