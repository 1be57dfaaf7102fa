"""`bilateral export`: a selection of the archive as a file."""

import sqlite3
from datetime import datetime
from pathlib import Path

import click
from sqlite_utils import Database

from archive.export import (
    CITATION_FORMATS,
    FORMATS,
    TEXT_FORMATS,
    export_file,
    export_stream,
    standard_output,
)
from archive.exports.tables import EXPORTED_TABLES, Extract, extract_citations, extract_table
from archive.options import db_option, readable
from archive.selection import Selection, SelectionError

_path = click.Path(path_type=Path, dir_okay=False)
_grade = click.IntRange(0, 2)
_day = click.DateTime(formats=["%Y-%m-%d"])


@click.command()
@db_option
@click.option("--format", "form", type=click.Choice(FORMATS), default="csv", show_default=True)
@click.option(
    "-o", "output", type=click.Path(path_type=Path, dir_okay=False), help="[default: standard output]"
)
@click.option("--table", type=click.Choice(EXPORTED_TABLES), default="articles", show_default=True)
@click.option("--outlet", "outlets", multiple=True, metavar="ID", help="Only this outlet; repeatable.")
@click.option("--country", type=click.Choice(["MX", "US"]))
@click.option("--language", metavar="CODE", help="ISO 639-1, as es or en.")
@click.option("--from", "since", type=_day, metavar="DATE", help="Published on this day (UTC) or later.")
@click.option("--to", "until", type=_day, metavar="DATE", help="Published on this day (UTC) or earlier.")
@click.option(
    "--grade", "grades", type=click.IntRange(0, 2), multiple=True, help="Repeatable.  [default: 1 and 2]"
)
@click.option("--query", default="", help="Only articles that match, in the language of `bilateral search`.")
@click.option("--columns", metavar="NAMES", help="These columns, in this order, with commas between.")
@click.option("--with-text/--without-text", default=False, show_default=True, help="See docs/legal.md first.")
def export(
    db: Path,
    form: str,
    output: Path | None,
    table: str,
    outlets: tuple[str, ...],
    country: str | None,
    language: str | None,
    since: datetime | None,
    until: datetime | None,
    grades: tuple[int, ...],
    query: str,
    columns: str | None,
    with_text: bool,
) -> None:
    """Write a selection of the archive to a file, whole.

    The columns and their meaning are in docs/schema.md.
    """
    selection = Selection(
        outlets=outlets,
        country=country,
        language=language,
        since=since.date() if since else None,
        until=until.date() if until else None,
        grades=tuple(sorted(grades)),
        query=query.strip(),
    )
    if output is None and form not in TEXT_FORMATS:
        raise click.UsageError(f"--format {form} needs -o PATH")
    archive = readable(db)
    names = [name.strip() for name in columns.split(",")] if columns is not None else []
    try:
        if form in CITATION_FORMATS:
            extract = _cited(archive, table, selection, names)
        else:
            extract = extract_table(archive, table, selection, columns=names, with_text=with_text)
    except SelectionError as error:
        raise click.UsageError(str(error)) from error
    where = output or "standard output"
    try:
        if output is not None:
            export_file(archive, output, extract, form)
            return
        with standard_output() as stream:
            export_stream(archive, stream, extract, form)
    except BrokenPipeError:
        raise  # click ends quietly when `head` has seen enough
    except OSError as error:
        raise click.ClickException(f"{where}: {error.strerror or error}") from error
    except sqlite3.Error as error:
        raise click.ClickException(f"{where}: {db} cannot be read: {error}") from error


def _cited(archive: Database, table: str, selection: Selection, names: list[str]) -> Extract:
    if table != "articles" or names:
        raise SelectionError("references are made of articles, and of their own columns")
    return extract_citations(archive, selection)
