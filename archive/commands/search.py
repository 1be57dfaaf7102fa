"""`bilateral search`: the archive searched from the terminal, in the site's own query language."""

import os
import sys
from itertools import takewhile
from pathlib import Path
from typing import Any, get_args

import click

from archive.folding import harmless
from archive.options import Day, db_option, json_option, print_json, readable
from archive.search import Filters, Hit, Query, Results, Segments, parse
from archive.search import search as search_archive
from archive.search.columns import keeps_order
from archive.search.engine import Sort

_MAX_LIMIT = 1000
_SHOWN_COLUMNS = (
    "id", "url", "outlet", "outlet_name", "country", "language", "title", "description", "authors", "section",
    "published", "published_local", "first_seen", "grade", "score", "word_count", "revisions", "wire",
    "paywalled", "status", "story",
)  # fmt: skip


class SearchCommand(click.Command):
    """A command that takes ``-word`` for a part of the search, but no option that it does not know."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Refuse unknown long options before a ``--``: a misspelt filter must not become a word."""
        known = {name for parameter in self.get_params(ctx) for name in parameter.opts}
        for part in takewhile(lambda part: part != "--", args):
            name = part.partition("=")[0]
            if name.startswith("--") and name[2:3].isalpha() and name not in known:
                raise click.NoSuchOption(name, ctx=ctx)
        return super().parse_args(ctx, args)


# "-hello" is a word that must not be there, so only the long option asks for help.
@click.command(
    cls=SearchCommand, context_settings={"ignore_unknown_options": True, "help_option_names": ["--help"]}
)
@db_option
@click.argument("query", nargs=-1, type=click.UNPROCESSED)
@click.option("--outlet", multiple=True, metavar="ID", help="Only this outlet; repeatable.")
@click.option(
    "--country", multiple=True, type=click.Choice(["MX", "US"]), help="Only outlets of this country."
)
@click.option("--language", multiple=True, metavar="CODE", help="es or en; repeatable.")
@click.option("--from", "from_", type=Day(last=False), help="Published on this day (UTC) or later.")
@click.option("--to", type=Day(last=True), help="Published on this day (UTC) or earlier.")
@click.option("--grade", multiple=True, type=click.Choice(["0", "1", "2"]), help="[default: 1 and 2]")
@click.option(
    "--sort", type=click.Choice(get_args(Sort)), default="relevance", show_default=True, help="The order."
)
@click.option(
    "--limit", type=click.IntRange(1, _MAX_LIMIT), default=20, show_default=True, help="How many to show."
)
@click.option("--copies", type=click.Choice(["fold", "all"]), default="fold", show_default=True,
              help="Articles with the same text: as one, or each.")  # fmt: skip
@click.option(
    "--both-languages", is_flag=True, help="Search for what the glossary's words mean in the other too."
)
@click.option(
    "--accents",
    type=click.Choice(["ignore", "ñ", "exact"]),
    default="ignore",
    show_default=True,
    help="Whether ñ, or every accent, must be as typed.",
)
@json_option
def search(
    db: Path,
    query: tuple[str, ...],
    outlet: tuple[str, ...],
    country: tuple[str, ...],
    language: tuple[str, ...],
    from_: str | None,
    to: str | None,
    grade: tuple[str, ...],
    sort: Sort,
    limit: int,
    copies: Any,
    both_languages: bool,
    accents: Any,
    as_json: bool,
) -> None:
    """Search the archive.

    QUERY knows words, "phrases", OR, -not, prefix*, NEAR(a b, 5), title:, outlet:, country:, language:,
    grade:, from: and to:. How it was understood is said on standard error.
    """
    archive = readable(db)
    asked = parse(" ".join(query), both_languages=both_languages, accents=accents)
    understood = asked.for_index(ordered=keeps_order(archive.conn))
    filters = Filters.from_parameters(
        {"outlet": outlet, "country": country, "language": language, "grade": grade, "from": from_ or "",
         "to": to or ""}
    )  # fmt: skip
    results = search_archive(archive, understood, filters, sort=sort, limit=limit, copies=copies)
    if as_json:
        print_json(_as_json(understood, results))
        return
    say_understood(understood)
    _print(results)


def _as_json(query: Query, results: Results) -> dict[str, Any]:
    return {
        "query": query.text,
        "understood": query.understood("en"),
        "total": results.total,
        "hits": [
            {name: hit.article.get(name) for name in _SHOWN_COLUMNS}
            | {"snippet": hit.snippet.plain, "also_in": hit.also_in}
            for hit in results.hits
        ],
    }


def say_understood(query: Query) -> None:
    """Say on standard error how a query was read."""
    click.echo(f"understood as: {harmless(query.understood('en'))}", err=True)


def _print(results: Results) -> None:
    if not results.hits:
        click.echo("nothing found")
        return
    colours = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
    for hit in results.hits:
        click.echo(_entry(hit, colours=colours))
    shown = (
        f"{len(results.hits)} of {results.total}" if len(results.hits) < results.total else str(results.total)
    )
    click.echo(f"{shown} found", err=True)


def _entry(hit: Hit, *, colours: bool) -> str:
    article = hit.article
    day = (article["published_local"] or article["published"] or article["first_seen"])[:16].replace("T", " ")
    facts = [day, article["outlet_name"] or article["outlet"], f"grade {article['grade']}"]
    facts += [f"also in {hit.also_in} outlets"] if hit.also_in > 1 else []
    facts += ["also in 1 outlet"] if hit.also_in == 1 else []
    facts += [article["status"]] if article["status"] != "live" else []
    facts += [f"revised {article['revisions'] - 1}×"] if article["revisions"] > 1 else []
    lines = [
        _painted(hit.title, colours),
        "  " + harmless(" · ".join(map(str, facts))),
        "  " + harmless(article["url"]),
        "  " + _painted(hit.snippet, colours),
    ]
    return "\n".join(lines) + "\n"


def _painted(segments: Segments, colours: bool) -> str:
    return segments.ansi if colours else segments.plain
