"""The search page, and the same search as a feed, a file and JSON."""

import csv
import io
import json
import sqlite3
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal, get_args

from datasette import hookimpl
from datasette.app import Datasette
from datasette.utils.asgi import AsgiStream, Request, Response
from markupsafe import Markup

from archive.publish import excerpt
from archive.search import Facets, Filters, Hit, Query, facets, histogram, matching_ids, parse, search, warm
from archive.site import queries
from archive.site.charts import histogram as draw_histogram
from archive.site.feeds import Entry, atom_feed
from archive.site.i18n import Words
from archive.site.views import ATOM_TYPE, DATABASE, base_url, page, read, settings_of, words_of

Sort = Literal["relevance", "newest", "oldest"]
Copies = Literal["fold", "all"]
SORTS: tuple[Sort, ...] = get_args(Sort)
PER_PAGE = 20
FEED_ENTRIES = 50
FACET_VALUES = 12
FACETS = ("country", "outlet", "language", "grade", "section", "wire", "year")
MONTHS_BY_DAY = 3  # a longer span is drawn by month
CSV_COLUMNS = (
    "id", "url", "outlet", "country", "language", "title", "description", "authors", "section", "published",
    "published_local", "modified", "first_seen", "last_checked", "grade", "score", "word_count", "revisions",
    "story", "copy_group", "wire", "paywalled", "completeness", "form", "status", "sha256",
)  # fmt: skip


@hookimpl
def startup(datasette: Datasette) -> Callable[[], Awaitable[None]]:
    """Read what searches count by before the first reader asks."""

    async def read_columns() -> None:
        if DATABASE in datasette.databases:
            await read(datasette, warm)

    return read_columns


@dataclass(frozen=True)
class Asked:
    """A search as its address spells it."""

    text: str
    query: Query
    filters: Filters
    sort: Sort
    copies: Copies
    both: bool
    cursor: str | None

    def parameters(self, filters: Filters | None = None) -> dict[str, list[str]]:
        """Return the address's parameters by name, with other filters where given, without the cursor."""
        found: dict[str, list[str]] = {"q": [self.text] if self.text else []}
        found["sort"] = [self.sort] if self.sort != default_sort(self.text) else []
        found["copies"] = ["all"] if self.copies == "all" else []
        found["both"] = ["1"] if self.both else []
        for name, value in (filters if filters is not None else self.filters).parameters():
            found.setdefault(name, []).append(value)
        return found


def default_sort(text: str) -> Sort:
    """Return the order of a search that names none: by relevance where there are words to be relevant to."""
    return "relevance" if text.strip() else "newest"


def asked_of(request: Request) -> Asked:
    """Read a search off an address. Whatever it holds, this is a search."""
    text = request.args.get("q") or ""
    both = request.args.get("both") == "1"
    sort = next((order for order in SORTS if order == request.args.get("sort")), default_sort(text))
    parameters = {key: request.args.getlist(key) for key in request.args}
    return Asked(
        text=text,
        query=parse(text, both_languages=both),
        filters=Filters.from_parameters(parameters),
        sort=sort,
        copies="all" if request.args.get("copies") == "all" else "fold",
        both=both,
        cursor=request.args.get("cursor") or None,
    )


def link(words: Words, path: str, parameters: dict[str, list[str]], **more: str | None) -> str:
    """Return a link with repeated parameters, in the page's language."""
    pairs = [(key, value) for key, values in parameters.items() for value in values]
    pairs += [(key, value) for key, value in more.items() if value]
    return words.link_pairs(path, pairs)


async def search_page(datasette: Datasette, request: Request) -> Response:
    """The search page."""
    words, asked = words_of(request), asked_of(request)

    def gather(connection: sqlite3.Connection) -> dict[str, Any]:
        results = search(
            connection, asked.query, asked.filters, sort=asked.sort, limit=PER_PAGE, cursor=asked.cursor,
            copies=asked.copies,
        )  # fmt: skip
        names = {row["id"]: row["name"] for row in queries.fetch(connection, "SELECT id, name FROM outlets")}
        return {
            "results": results,
            "facets": facets(connection, asked.query, asked.filters, copies=asked.copies),
            "rows": results.articles,
            "bars": bars_of(connection, asked),
            "names": names,
        }

    found = await read(datasette, gather)
    results, names = found["results"], found["names"]
    public = bool(settings_of(datasette).get("public"))
    parameters = asked.parameters()
    return await page(
        datasette,
        request,
        "search.html",
        q=asked.text,
        search_options=True,
        sort=asked.sort,
        copies=asked.copies,
        both=asked.both,
        from_=asked.filters.from_,
        to=asked.filters.to,
        kept_filters=[pair for pair in asked.filters.parameters() if pair[0] not in ("from", "to")],
        understood=asked.query.understood(words.language),
        active=active_filters(asked, words, names),
        total=results.total,
        all_rows=found["rows"],
        all_csv_link=link(words, "/search.csv", {**parameters, "copies": ["all"]}),
        hits=[shown(hit, public=public) for hit in results.hits],
        histogram=draw_histogram(chart_bars(found["bars"], asked, words), words) if found["bars"] else "",
        facets=shown_facets(found["facets"], asked, words, names),
        feed_link=link(words, "/search.atom", parameters),
        csv_link=link(words, "/search.csv", parameters),
        json_link=link(words, "/search.json", parameters),
        next_link=link(words, "/search", parameters, cursor=results.next_cursor)
        if results.next_cursor
        else "",
        previous_link=link(words, "/search", parameters, cursor=results.previous_cursor)
        if results.previous_cursor
        else "",
    )


def shown(hit: Hit, *, public: bool) -> dict[str, Any]:
    """Return a hit as the template shows it; in a public edition without words of the text."""
    snippet = "" if public else Markup(hit.snippet_html)
    return {
        "article": hit.article,
        "title": Markup(hit.title_html),
        "snippet": snippet,
        "also_in": hit.also_in,
    }


def bars_of(connection: sqlite3.Connection, asked: Asked) -> list[tuple[str, int, int]]:
    """Return the histogram by month, or by day where the results span a month or two."""
    by_month = histogram(connection, asked.query, asked.filters, by="month", copies=asked.copies)
    if 0 < len(by_month) <= MONTHS_BY_DAY:
        return histogram(connection, asked.query, asked.filters, by="day", copies=asked.copies)
    return by_month


def chart_bars(
    bars: list[tuple[str, int, int]], asked: Asked, words: Words
) -> list[tuple[str, int, int, str]]:
    """Return the bars with their labels in the reader's language and the links that narrow the search."""
    drawn = []
    for label, mx, us in bars:
        narrowed = asked.parameters(asked.filters.removing("from_").removing("to"))
        narrowed |= {"from": [label], "to": [label]}
        name = words.day(label) if len(label) == 10 else words.day(f"{label}-01", "LLLL y")
        drawn.append((name, mx, us, link(words, "/search", narrowed)))
    return drawn


def facet_label(name: str, value: str, words: Words, names: dict[str, str]) -> str:
    """Return a facet's value in words."""
    if name == "outlet":
        return names.get(value, value)
    if name == "country":
        return words.t("mx" if value == "MX" else "us")
    if name == "language":
        return words.t(f"language_{value}" if value in ("es", "en") else "language_other")
    if name == "grade" and value in ("0", "1", "2"):
        return words.t(f"grade_{value}")
    return value


def shown_facets(found: Facets, asked: Asked, words: Words, names: dict[str, str]) -> list[dict[str, Any]]:
    """Return the facets as the template shows them: value, count, and the link that chooses it."""
    shown_list = []
    for name in FACETS:
        values = []
        for text, count in list(getattr(found, name).items())[:FACET_VALUES]:
            chosen = text in getattr(asked.filters, name)
            changed = asked.filters.removing(name, text) if chosen else asked.filters.adding(name, text)
            values.append(
                {"label": facet_label(name, text, words, names), "count": count, "chosen": chosen,
                 "link": link(words, "/search", asked.parameters(changed))}
            )  # fmt: skip
        if values:
            shown_list.append({"name": name, "values": values})
    return shown_list


def active_filters(asked: Asked, words: Words, names: dict[str, str]) -> list[dict[str, str]]:
    """Return the filters in force with the links that take each away."""
    shown_list = []
    for name, value in asked.filters.parameters():
        field = {"from": "from_"}.get(name, name)
        label = facet_label(name, value, words, names)
        if name in ("from", "to"):
            label = f"{words.t(f'{name}_label')} {words.day(value)}"
        changed = asked.filters.removing(field, value)
        shown_list.append({"label": label, "link": link(words, "/search", asked.parameters(changed))})
    return shown_list


async def search_feed(datasette: Datasette, request: Request) -> Response:
    """The newest results as Atom."""
    words, asked, base = words_of(request), asked_of(request), base_url(datasette, request)

    def gather(connection: sqlite3.Connection) -> tuple[Any, list[dict[str, Any]], dict[str, str]]:
        results = search(
            connection,
            asked.query,
            asked.filters,
            sort="newest",
            limit=FEED_ENTRIES,
            cursor=None,
            copies=asked.copies,
        )
        outlets = queries.outlets(connection)
        return results, outlets, {outlet["id"]: outlet["name"] for outlet in outlets}

    results, outlets, names = await read(datasette, gather)
    parameters = asked.parameters()
    seen = [hit.article["first_seen"] for hit in results.hits]
    body = atom_feed(
        feed_id=base + link(Words(words.language), "/search", parameters),
        title=f"{words.t('site_name')}: {asked.text or words.t('search_title')}",
        subtitle=words.t(
            "feed_subtitle",
            outlets=len(outlets),
            silent=sum(outlet["health"] != "heard" for outlet in outlets),
            understood=asked.query.understood(words.language),
        ),
        link=base + link(words, "/search", parameters),
        self_link=base + link(words, "/search.atom", parameters),
        updated=max(seen) if seen else datetime.now(UTC).strftime("%Y-%m-%dT00:00:00Z"),
        entries=[feed_entry(hit.article, names, base, words) for hit in results.hits],
    )
    return Response(body, content_type=ATOM_TYPE)


def feed_entry(article: dict[str, Any], names: dict[str, str], base: str, words: Words) -> Entry:
    """Return an article as an entry whose id is the article's for ever."""
    return Entry(
        id=f"{base}/article/{article['id']}",
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
    words, asked, base = words_of(request), asked_of(request), base_url(datasette, request)
    results = await read(
        datasette,
        lambda connection: search(
            connection, asked.query, asked.filters, sort=asked.sort, limit=PER_PAGE, cursor=asked.cursor,
            copies=asked.copies,
        ),
    )  # fmt: skip
    following = results.next_cursor
    return Response.json(
        {
            "query": asked.text,
            "understood": asked.query.understood(words.language),
            "total": results.total,
            "next": base + link(words, "/search.json", asked.parameters(), cursor=following) if following else None,
            "articles": [
                {**{name: hit.article[name] for name in CSV_COLUMNS}, "also_in": hit.also_in,
                 "page": f"{base}/article/{hit.article['id']}"}
                for hit in results.hits
            ],
        }
    )  # fmt: skip


async def search_csv(datasette: Datasette, request: Request) -> AsgiStream:
    """All results as CSV (RFC 4180, UTF-8), streamed."""
    asked = asked_of(request)

    async def stream(writer: Any) -> None:
        await writer.write(csv_lines([CSV_COLUMNS]))
        numbers = await read(datasette, found_numbers, asked)
        for start in range(0, len(numbers), 1000):
            await writer.write(csv_lines(await read(datasette, csv_rows, numbers[start : start + 1000])))

    headers = {"content-disposition": 'attachment; filename="bilateral-search.csv"'}
    return AsgiStream(stream, headers=headers, content_type="text/csv; charset=utf-8")


def found_numbers(connection: sqlite3.Connection, asked: Asked) -> list[int]:
    """Return the numbers of all articles found, in order."""
    found = matching_ids(connection, asked.query, asked.filters, sort=asked.sort, copies=asked.copies)
    return list(found)


def csv_rows(connection: sqlite3.Connection, numbers: list[int]) -> list[tuple[Any, ...]]:
    """Return the columns of some articles in the order of their numbers."""
    found = connection.execute(
        f"SELECT {', '.join('a.' + name for name in CSV_COLUMNS)} FROM json_each(?) j"
        " JOIN articles a ON a.id = j.value ORDER BY j.key",
        [json.dumps(numbers)],
    )
    return [tuple(values) for values in found]


def csv_lines(rows: Iterable[Iterable[Any]]) -> str:
    """Return rows as lines of CSV."""
    buffer = io.StringIO()
    csv.writer(buffer).writerows(rows)
    return buffer.getvalue()
