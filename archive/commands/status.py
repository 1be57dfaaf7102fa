"""`bilateral status` and `bilateral why`."""

from pathlib import Path
from typing import Any

import click

from archive.options import db_option, json_option, print_json, readable
from archive.status import explain, outlet_status, problems, totals, unread_routes
from archive.terminal import printable

SHOWN_PROBLEMS = 8  # of one outlet
_COLUMNS = ("last_crawl", "found", "new", "revised", "errors", "articles", "silence", "usual_pause")


@click.command()
@db_option
@json_option
def status(db: Path, as_json: bool) -> None:
    """Say for each outlet when it was last crawled, what that found, and for how long it has been silent.

    Silence is in days since anything new was discovered, beside the outlet's usual pause. Below each outlet
    stands, in words, what went wrong in its last crawl: routes that could not be read, pages that were lost.
    """
    archive = readable(db)
    outlets, sums, wrong = outlet_status(archive), totals(archive), problems(archive)
    for columns in outlets:
        columns["problems"] = wrong.get(columns["outlet"], [])
    if as_json:
        print_json({"outlets": outlets, "totals": sums})
        return
    width = max([len(columns["outlet"]) for columns in outlets] + [6])
    click.echo(_line("outlet", dict(zip(_COLUMNS, _COLUMNS, strict=True)), width))
    for columns in outlets:
        silent = "  SILENT" if columns["silent"] else ""
        words = f"  {columns['note']}" if columns["note"] else ""
        click.echo(printable(_line(columns["outlet"], columns, width) + silent + words))
        for line in _shortened(columns["problems"]):
            click.echo(printable(f"  {line}"))
    pages = ", ".join(f"{count} {state}" for state, count in sorted(sums["pages"].items()))
    click.echo(
        f"{sums['outlets']} outlets; {sums['articles']} articles ({sums['core']} core,"
        f" {sums['related']} related); {sums['revisions']} revisions; {sums['snapshots']} snapshots"
    )
    click.echo(f"pages: {pages or 'none'}")
    if sums["ungrouped"]:
        waiting = "1 article is" if sums["ungrouped"] == 1 else f"{sums['ungrouped']} articles are"
        click.echo(f"{waiting} not yet grouped into copies and stories: run `bilateral group`")


def _shortened(problems: list[str]) -> list[str]:
    more = len(problems) - SHOWN_PROBLEMS
    return [*problems[:SHOWN_PROBLEMS], *([f"and {more} more (--json has them)"] if more > 0 else [])]


def _line(outlet: str, columns: dict[str, Any], width: int) -> str:
    cells = ["-" if columns[name] is None else str(columns[name]) for name in _COLUMNS]
    widths = (20, 7, 6, 7, 6, 8, 7, 11)
    return outlet.ljust(width) + "".join(" " + cell.rjust(w) for cell, w in zip(cells, widths, strict=True))


@click.command()
@click.argument("url")
@db_option
@json_option
def why(url: str, db: Path, as_json: bool) -> None:
    """Tell what happened to URL: discovered, screened, fetched, judged, stored, or why not.

    Ends with 1 where the archive never met it.
    """
    archive = readable(db)
    known = explain(archive, url)
    if known is None:
        if as_json:
            print_json({"url": url, "page": None, "article": None, "words": unread_routes(archive, url)})
        words = [f"{url} was never discovered: no feed, sitemap or section that was read named it"]
        raise click.ClickException(printable("; ".join(words + unread_routes(archive, url))))
    if as_json:
        print_json(known)
        return
    for sentence in known["words"]:
        click.echo(printable(sentence))
