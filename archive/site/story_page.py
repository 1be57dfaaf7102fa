"""Stories: pages, and the same as JSON, CSV and Atom."""

from dataclasses import asdict
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from datasette.app import Datasette
from datasette.utils.asgi import Request, Response

from archive.publish import excerpt
from archive.site import downloads, story_queries
from archive.site.calendar_page import when
from archive.site.feeds import Entry, atom_feed, entry_id
from archive.site.files import CSV_COLUMNS, csv_lines
from archive.site.i18n import Words
from archive.site.queries import CAPITALS
from archive.site.togetherness import concept_name, together
from archive.site.views import (
    ATOM_TYPE,
    article_number,
    base_url,
    cursor_of,
    is_public,
    missing,
    page,
    read,
    words_of,
)
from archive.times import now

SHOWN_ARTICLES = 80  # of a story on its page; its CSV has all
SHOWN_CHANGES = 60
KEPT = (
    "id", "title", "first_published", "last_published", "articles", "outlets", "mx_articles", "us_articles",
)  # fmt: skip
METHOD = "log-odds ratio with an informative Dirichlet prior (Monroe, Colaresi and Quinn 2008), z >= 1.96"


async def stories(datasette: Datasette, request: Request) -> Response:
    """All stories told by more than one article."""
    words = words_of(request)
    found = await read(datasette, story_queries.stories, cursor_of(request))
    following = _following(found)
    return await page(
        datasette,
        request,
        "stories.html",
        stories=found,
        days_of=lambda story: days_of(story, words),
        next_link=words.link("/stories", {"before": following}) if following else None,
        first_link=words.link("/stories") if request.args.get("before") else None,
        downloads=downloads.links_of_stories(words),
    )


def _following(found: list[dict[str, Any]]) -> str | None:
    """Return from where the next page of stories goes on; None where this is the last."""
    full = len(found) == story_queries.STORIES_PER_PAGE
    return f"{found[-1]['last_published'] or ''}~{found[-1]['id']}" if full else None


async def stories_json(datasette: Datasette, request: Request) -> Response:
    """One page of the list of stories as JSON."""
    words, base = words_of(request), base_url(datasette, request)
    found = await read(datasette, story_queries.stories, cursor_of(request))
    following = _following(found)
    return Response.json(
        {
            "next": base + words.link("/stories.json", {"before": following}) if following else None,
            "stories": [
                {**{name: story[name] for name in KEPT}, "page": f"{base}/story/{story['id']}"}
                for story in found
            ],
        }
    )


async def stories_feed(datasette: Datasette, request: Request) -> Response:
    """The latest stories as Atom; one that grows is updated."""
    words, base = words_of(request), base_url(datasette, request)
    found = await read(datasette, story_queries.stories, None)
    entries = [
        Entry(
            id=f"{base}/story/{story['id']}",
            title=story["title"],
            link=base + words.link(f"/story/{story['id']}"),
            updated=story["last_published"],
            published=story["first_published"],
            summary=words.t("story_counts", mx=story["mx_articles"], us=story["us_articles"]),
            author=words.t("site_name"),
            language=story["language"],
        )
        for story in found
    ]
    body = atom_feed(
        feed_id=f"{base}/stories",
        title=f"{words.t('site_name')}: {words.t('stories_title')}",
        subtitle=words.t("stories_intro"),
        link=base + words.link("/stories"),
        self_link=base + words.link("/stories.atom"),
        updated=found[0]["last_published"] if found else now().strftime("%Y-%m-%dT00:00:00Z"),
        entries=entries,
        language=words.language,
    )
    return Response(body, content_type=ATOM_TYPE)


def days_of(story: dict[str, Any], words: Words) -> str:
    """Return the day of a story, or its first and last, on the clock of Mexico City."""
    days = []
    for moment in (story["first_published"], story["last_published"]):
        if moment:
            local = datetime.fromisoformat(moment).astimezone(ZoneInfo(CAPITALS["MX"]))
            days.append(words.day(local.date()))
    return " – ".join(dict.fromkeys(days)) or words.t("unknown")


async def find_story(datasette: Datasette, request: Request) -> dict[str, Any] | None:
    """Return the story of the address."""
    number = article_number(request)
    return None if number is None else await read(datasette, story_queries.story, number)


async def story(datasette: Datasette, request: Request) -> Response:
    """One story: its timeline in both capitals, both sides, what each alone says, who had nothing."""
    words, found = words_of(request), await find_story(datasette, request)
    if found is None:
        return await missing(datasette, request)
    if "moved_to" in found:
        return Response.redirect(words.link(f"/story/{found['moved_to']}"))
    return await page(
        datasette,
        request,
        "story.html",
        s=found,
        shown=SHOWN_ARTICLES,
        shown_changes=SHOWN_CHANGES,
        public=is_public(datasette),
        reasons=together(found["links"], {a["id"]: a for a in every_article(found)}, words),
        concept=lambda word: concept_name(word, words.language),
        days_of=lambda story: days_of(story, words),
        when=lambda talk: when(talk, words),
        clock=lambda moment, country: clock(moment, country, words),
        duration=lambda minutes: duration(minutes, words),
    )


def clock(moment: str | None, country: str, words: Words) -> str:
    """Return a UTC time on the clocks of a country's capital."""
    if not moment:
        return words.t("unknown")
    local = datetime.fromisoformat(moment).astimezone(ZoneInfo(CAPITALS[country]))
    return words.short_moment(local)


def duration(minutes: float, words: Words) -> str:
    """Return a span of time in hours and minutes, or in days."""
    hours, rest = divmod(round(minutes), 60)
    if hours >= 48:
        return words.count("days", hours // 24)
    return words.t("hours_minutes", h=hours, m=rest) if hours else words.t("minutes", m=rest)


def every_article(found: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the articles of a story, the folded copies among them."""
    return [one for article in found["article_rows"] for one in (article, *article["copy_rows"])]


async def story_json(datasette: Datasette, request: Request) -> Response:
    """One story as JSON."""
    found = await find_story(datasette, request)
    if found is None or "moved_to" in found:
        return Response.json({"ok": False, "status": 404, "error": "no such story"}, status=404)
    return Response.json(story_record(found, base_url(datasette, request)))


def _covering(article: dict[str, Any]) -> dict[str, Any]:
    """Return what is told of one article of a story, in JSON as in CSV."""
    return {
        **{name: article[name] for name in CSV_COLUMNS},
        "official": article["outlet_kind"] == "official",
        "first_title": article["first_title"],
    }


def story_record(found: dict[str, Any], base: str) -> dict[str, Any]:
    """Return all that the page of a story tells, for programs."""
    lag, compared = found["lag"], asdict(found["comparison"])
    return {
        **{name: found[name] for name in KEPT},
        "first_side": lag[0] if lag else None,
        "lag_minutes": lag[1] if lag else None,
        "first": {side: first and first["id"] for side, first in found["firsts"].items()},
        "coverage": [
            {**_covering(article), "page": f"{base}/article/{article['id']}"}
            for article in every_article(found)
        ],
        "comparison": {
            "method": METHOD,
            **{part: compared[part] for part in ("articles", "concepts", "words")},
            "quoted": {
                side: [{"name": name, "articles": count} for name, count in quoted]
                for side, quoted in compared["quoted"].items()
            },
        },
        "changes": found["changes"],
        "talks": [
            {name: talk[name] for name in ("kind", "tense", "date", "precision", "outlets")}
            for talk in found["talks"]
        ],
        "why": found["links"],
        "silent_outlets": [outlet["id"] for outlet in found["silent"]],
    }


async def story_csv(datasette: Datasette, request: Request) -> Response:
    """The articles of one story as CSV."""
    found = await find_story(datasette, request)
    if found is None or "moved_to" in found:
        return await missing(datasette, request)
    articles = [_covering(article) for article in every_article(found)]
    lines = csv_lines([articles[0], *(article.values() for article in articles)])
    return Response(lines, content_type="text/csv; charset=utf-8")


async def story_feed(datasette: Datasette, request: Request) -> Response:
    """The articles of one story as Atom, the latest first."""
    words, found = words_of(request), await find_story(datasette, request)
    if found is None or "moved_to" in found:
        return await missing(datasette, request)
    base, here = base_url(datasette, request), f"/story/{found['id']}"
    articles = sorted(every_article(found), key=lambda a: str(a["first_seen"]), reverse=True)
    body = atom_feed(
        feed_id=base + here,
        title=f"{words.t('site_name')}: {found['title']}",
        subtitle=words.t("story_counts", mx=found["mx_articles"], us=found["us_articles"]),
        link=base + words.link(here),
        self_link=base + words.link(f"{here}.atom"),
        updated=articles[0]["first_seen"],
        entries=[
            Entry(
                id=entry_id(article["url"]),
                title=article["title"],
                link=f"{base}/article/{article['id']}",
                updated=article["first_seen"],
                published=article["published"],
                summary=excerpt(article["description"] or ""),
                author=article["outlet_name"],
                language=article["language"],
            )
            for article in articles
        ],
        language=words.language,
    )
    return Response(body, content_type=ATOM_TYPE)
