"""The search page, and the same search as a feed, a file and JSON."""

import sqlite3
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote_plus

from datasette import hookimpl
from datasette.app import Datasette
from datasette.utils.asgi import Request, Response
from markupsafe import Markup

from archive.folding import fold
from archive.publish import excerpt
from archive.search import Bin, Facets, Hit, Query, Results, facets, histogram, search, select, warm
from archive.search.glossary import both_languages
from archive.search.matching import Selected
from archive.site import calendar_queries, downloads, queries, story_queries
from archive.site.asked import FACETS, Asked, asked_of, default_sort
from archive.site.charts import Bar, any_both, numbers
from archive.site.charts import histogram as draw_histogram
from archive.site.feeds import Entry, atom_feed, entry_id
from archive.site.files import CSV_COLUMNS
from archive.site.i18n import Words
from archive.site.views import ATOM_TYPE, DATABASE, base_url, is_public, page, read, words_of

PER_PAGE = 20
FEED_ENTRIES = 50
FACET_VALUES = 12
MORE_VALUES = 250  # of the facet that the reader asked to see whole
PATIENCE = 1.0  # seconds that a search may be behind a crawl that writes
MONTHS_BY_DAY = 3  # a longer span is drawn by month
LABEL_CHARACTERS = 80
LONG_LINK = 2_000  # bytes; with longer ones a page offers fewer
LINKS_BYTES = 45_000  # what the links of a page may weigh: a long search is in each of them


@hookimpl
def startup(datasette: Datasette) -> Callable[[], Awaitable[None]]:
    """Read what pages count by before the first reader asks."""

    def prepare(connection: sqlite3.Connection) -> None:
        warm(connection, patience=PATIENCE)
        queries.totals(connection)
        queries.articles_per_day(connection, queries.newest_day(connection))
        story_queries.background(connection)
        calendar_queries.shown(connection, None)

    async def read_ahead() -> None:
        if DATABASE in datasette.databases:
            await read(datasette, prepare)

    return read_ahead


async def search_page(datasette: Datasette, request: Request) -> Response:
    """The search page."""
    words = words_of(request)
    public = is_public(datasette)
    asked = asked_of(request, public=public)

    def gather(connection: sqlite3.Connection) -> dict[str, Any]:
        found = select(connection, asked.query, asked.filters)
        return {
            "query": found.query,
            "results": found_page(found, asked),
            "facets": facets(connection, found, copies=asked.copies),
            "bars": bars_of(found, asked),
            "names": queries.outlet_names(connection),
        }

    found = await read(datasette, gather)
    results, names = found["results"], found["names"]
    bars = chart_bars(found["bars"], asked, words)
    return await page(
        datasette,
        request,
        "search.html",
        asked=asked,
        q=asked.text,
        search_options=True,
        usual_sort=default_sort(asked.text),
        public=public,
        kept_filters=[pair for pair in asked.filters.parameters() if pair[0] not in ("from", "to")],
        understood=found["query"].understood(words.language),
        active=active_filters(asked, words, names),
        results=results,
        hits=[shown(hit, public=public) for hit in results.hits],
        histogram=draw_histogram(bars, words) if bars else "",
        both=any_both(bars),
        numbers=numbers(bars, words) if weight(asked, words) * len(bars) * 2 < LINKS_BYTES else "",
        downloads=downloads.links_of_search(words, asked) if weight(asked, words) < LONG_LINK else [],
        facets=shown_facets(found["facets"], asked, words, names),
        suggestions=[] if results.total else suggestions(asked, words),
        links=links(asked, words, results),
    )


def found_page(found: Selected, asked: Asked, limit: int = PER_PAGE) -> Results:
    """Return the page of results that the address asks for."""
    return search(
        found.connection, found, sort=asked.sort, limit=limit, cursor=asked.cursor, copies=asked.copies
    )


def links(asked: Asked, words: Words, results: Results) -> dict[str, str]:
    """Return the addresses of this search in its other forms, and of the pages before and after."""
    every = {**asked.parameters(), "copies": ["all"]}
    return {
        "feed": asked.link(words, "/search.atom"),
        "csv": asked.link(words, "/search.csv"),
        "all_csv": asked.link(words, "/search.csv", parameters=every),
        "json": asked.link(words, "/search.json"),
        "next": asked.link(words, cursor=results.next_cursor) if results.next_cursor else "",
        "previous": asked.link(words, cursor=results.previous_cursor) if results.previous_cursor else "",
    }


def weight(asked: Asked, words: Words) -> int:
    """Return how many bytes one link that narrows this search has, about."""
    return len(asked.link(words)) + 120


def shown(hit: Hit, *, public: bool) -> dict[str, Any]:
    """Return a hit as the template shows it; in a public edition without words of the text."""
    snippet = "" if public else Markup(hit.snippet_html)
    return {
        "article": hit.article,
        "title": Markup(hit.title_html),
        "snippet": snippet,
        "also_in": hit.also_in,
    }


def bars_of(found: Selected, asked: Asked) -> list[Bin]:
    """Return the histogram by month, or by day where the results span a month or two."""
    by_month = histogram(found.connection, found, by="month", copies=asked.copies)
    if 0 < len(by_month) <= MONTHS_BY_DAY:
        return histogram(found.connection, found, by="day", copies=asked.copies)
    return by_month


def chart_bars(bars: list[Bin], asked: Asked, words: Words) -> list[Bar]:
    """Return the bars with their labels in the reader's language and the links that narrow the search."""
    beginning = asked.adding(words, asked.filters.removing("from_").removing("to"))
    linked = weight(asked, words) * len(bars) < LINKS_BYTES
    drawn = []
    for label, mx, us, both in bars:
        by_day = len(label) == 10
        day = label if by_day else f"{label}-01"
        span = "&".join(f"{name}={value}" for name, value in span_of(label, asked))
        href = f"{beginning}{span}" if linked and mx + us + both else ""
        name, short = ("long", words.short_day) if by_day else ("LLLL y", "LLL y")
        drawn.append(Bar(words.day(day, name), words.day(day, short), mx, us, both, href))
    return drawn


def span_of(label: str, asked: Asked) -> list[tuple[str, str]]:
    """Return the period of a bar: a month or day, of the first and the last month as much as was asked for."""
    wanted = (("from", asked.filters.from_), ("to", asked.filters.to))
    return [(name, day if day and day.startswith(label) else label) for name, day in wanted]


def facet_label(name: str, value: str, words: Words, names: dict[str, str]) -> str:
    """Return a facet's value in words."""
    if name == "outlet":
        return names.get(value, shortened(value))
    if name == "country" and value in ("MX", "US"):
        return words.t("mx" if value == "MX" else "us")
    if name == "language":
        return words.t(f"language_{value}") if value in ("es", "en") else value
    if name == "grade" and value in ("0", "1", "2"):
        return words.t(f"grade_{value}")
    if name == "status" and value in ("live", "gone", "moved"):
        return words.t(f"status_{value}")
    return shortened(value)


def shortened(value: str) -> str:
    """Return a value that may be anything, as short as a label."""
    return value if len(value) <= LABEL_CHARACTERS else f"{value[: LABEL_CHARACTERS - 1]}…"


def shown_facets(found: Facets, asked: Asked, words: Words, names: dict[str, str]) -> list[dict[str, Any]]:
    """Return the facets as the template shows them: value, count, and the link that chooses it."""
    linked = weight(asked, words) * len(FACETS) * FACET_VALUES < 2 * LINKS_BYTES
    beginning = asked.adding(words)
    listed = []
    for name in FACETS:
        counts: dict[str, int] = getattr(found, name)
        chosen = getattr(asked.filters, name)
        most = MORE_VALUES if asked.more == name and linked else FACET_VALUES
        texts = list(counts)[:most]
        if chosen:  # the address may spell a section otherwise than the archive does
            ticked = {fold(text): text for text in chosen}
            counts = {ticked.get(fold(text), text): count for text, count in counts.items()}
            texts = [ticked.get(fold(text), text) for text in texts]
        texts = [text for text in chosen if text not in texts] + texts
        values = [
            {
                "label": facet_label(name, text, words, names),
                "count": counts.get(text, 0),
                "chosen": text in chosen,
                "link": facet_link(asked, words, name, text, beginning) if linked else "",
            }
            for text in texts
        ]
        if values:
            more = len(counts) if linked and len(counts) > most else 0
            link = asked.link(words, more=name) + f"#facet-{name}" if more else ""
            listed.append({"name": name, "values": values, "more": more, "more_link": link})
    return listed


def facet_link(asked: Asked, words: Words, name: str, text: str, beginning: str) -> str:
    """Return the search with a value taken away where it is chosen, else put in."""
    if text in getattr(asked.filters, name):
        return asked.without(words, name, text)
    return f"{beginning}{name}={quote_plus(text)}"


def active_filters(asked: Asked, words: Words, names: dict[str, str]) -> list[dict[str, str]]:
    """Return the filters in force with the links that take each away."""
    listed = []
    for name, value in asked.filters.parameters():
        field = {"from": "from_"}.get(name, name)
        label = facet_label(name, value, words, names)
        if name in ("from", "to"):
            label = f"{words.t(f'{name}_label')} {words.day(value)}"
        changed = asked.parameters(asked.filters.removing(field, value))
        listed.append({"label": label, "link": asked.link(words, parameters=changed)})
    return listed


def suggestions(asked: Asked, words: Words) -> list[dict[str, str]]:
    """Return what may help where nothing was found, as links."""
    listed = []
    if asked.filters:
        without = {name: values for name, values in asked.parameters().items() if name in ("q", "both")}
        listed.append(
            {"label": words.t("try_without_filters"), "link": asked.link(words, parameters=without)}
        )
    tree = asked.query.tree
    if tree is not None and not asked.both and both_languages(tree) != tree:
        in_both = {**asked.parameters(), "both": ["1"]}
        listed.append({"label": words.t("try_both"), "link": asked.link(words, parameters=in_both)})
    return listed


async def search_feed(datasette: Datasette, request: Request) -> Response:
    """The newest results as Atom."""
    words, base = words_of(request), base_url(datasette, request)
    asked = asked_of(request, public=is_public(datasette), sort="newest", cursor=None)

    def gather(connection: sqlite3.Connection) -> tuple[Selected, Results, int, int, dict[str, str]]:
        found = select(connection, asked.query, asked.filters)
        names = queries.outlet_names(connection)
        return (
            found,
            found_page(found, asked, FEED_ENTRIES),
            len(names),
            len(queries.silent_outlets(connection)),
            names,
        )

    found, results, outlets, silent, names = await read(datasette, gather)
    seen = [hit.article["first_seen"] for hit in results.hits]
    body = atom_feed(
        feed_id=base + asked.link(Words(words.language), "/search"),
        title=f"{words.t('site_name')}: {asked.text or words.t('search_title')}",
        subtitle=words.t(
            "feed_subtitle",
            outlets=words.number(outlets),
            silent=words.number(silent),
            understood=found.query.understood(words.language),
        ),
        link=base + asked.link(words),
        self_link=base + asked.link(words, "/search.atom"),
        updated=max(seen) if seen else datetime.now(UTC).strftime("%Y-%m-%dT00:00:00Z"),
        entries=[feed_entry(hit.article, names, base, words) for hit in results.hits],
        language=words.language,
    )
    return Response(body, content_type=ATOM_TYPE)


def feed_entry(article: dict[str, Any], names: dict[str, str], base: str, words: Words) -> Entry:
    """Return an article as an entry whose id is the article's for ever."""
    return Entry(
        id=entry_id(article["url"]),
        title=article["title"],
        link=base + words.link(f"/article/{article['id']}"),
        updated=article["first_seen"],
        published=article["published"],
        summary=excerpt(article["description"] or ""),
        author=names.get(article["outlet"], article["outlet"]),
        language=article["language"],
    )


async def search_json(datasette: Datasette, request: Request) -> Response:
    """One page of results as JSON."""
    words, base = words_of(request), base_url(datasette, request)
    asked = asked_of(request, public=is_public(datasette))

    def gather(connection: sqlite3.Connection) -> tuple[Query, Results]:
        found = select(connection, asked.query, asked.filters)
        return found.query, found_page(found, asked)

    query, results = await read(datasette, gather)
    following = results.next_cursor
    return Response.json(
        {
            "query": asked.text,
            "understood": query.understood(words.language),
            "total": results.total,
            "next": base + asked.link(words, "/search.json", cursor=following) if following else None,
            "articles": [
                {
                    **{name: hit.article[name] for name in CSV_COLUMNS},
                    "also_in": hit.also_in,
                    "page": f"{base}/article/{hit.article['id']}",
                }
                for hit in results.hits
            ],
        }
    )
