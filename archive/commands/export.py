"""`bilateral export`: a selection of the archive as a file."""

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
from sqlite_utils import Database

from archive.commands.search import say_understood
from archive.export import (
    CITATION_FORMATS,
    FORMATS,
    TEXT_FORMATS,
    export_months,
    export_stream,
    export_with_companions,
    standard_output,
)
from archive.exports.datapackage import Package, PackageError, write_datapackage
from archive.exports.files import is_device, terminated_cleanly
from archive.exports.sample import STRATA, Draw, Stratum, draw
from archive.exports.tables import EXPORTED_TABLES, Extract, extract_citations, extract_table, limited
from archive.methods_note import rights_notice
from archive.options import Day, db_option, readable
from archive.search import Filters, parse
from archive.search.columns import keeps_order
from archive.selection import Selection, SelectionError, check_selection
from archive.times import utc_now

_path = click.Path(path_type=Path)


@click.command()
@db_option
@click.option(
    "--format",
    "form",
    type=click.Choice([*FORMATS, "datapackage"]),
    default="csv",
    show_default=True,
    help="The form of the file.",
)
@click.option("-o", "output", type=_path, metavar="PATH", help="[default: standard output]")
@click.option(
    "--table",
    type=click.Choice(EXPORTED_TABLES),
    default="articles",
    show_default=True,
    help="What to export.",
)
@click.option("--outlet", multiple=True, metavar="ID", help="Only this outlet; repeatable.")
@click.option(
    "--country", multiple=True, type=click.Choice(["MX", "US"]), help="Only outlets of this country."
)
@click.option("--language", multiple=True, metavar="CODE", help="es or en; repeatable.")
@click.option("--section", multiple=True, help="As the outlet calls it; repeatable.")
@click.option("--wire", multiple=True, metavar="AGENCY", help="Only what credits this agency; repeatable.")
@click.option("--status", multiple=True, type=click.Choice(["live", "gone", "moved"]), help="Repeatable.")
@click.option("--from", "from_", type=Day(last=False), help="Published on this day (UTC) or later.")
@click.option("--to", type=Day(last=True), help="Published on this day (UTC) or earlier.")
@click.option("--grade", type=click.IntRange(0, 2), multiple=True, help="Repeatable.  [default: 1 and 2]")
@click.option("--query", default="", help="Only articles that match, in the language of `bilateral search`.")
@click.option("--copies", type=click.Choice(["fold", "all"]), default="all", show_default=True,
              help="Of articles with the same text: the latest alone, or each.")  # fmt: skip
@click.option(
    "--both-languages", is_flag=True, help="Search for what the glossary's words mean in the other too."
)
@click.option("--accents", type=click.Choice(["ignore", "ñ", "exact"]), default="ignore", show_default=True,
              help="Whether ñ, or every accent, must be as typed.")  # fmt: skip
@click.option("--columns", metavar="NAMES", help="These columns, in this order, with commas between.")
@click.option("--with-text/--without-text", default=False, show_default=True, help="See docs/legal.md first.")
@click.option("--partition", type=click.Choice(["month"]), help="A folder of Parquet files, one a month.")
@click.option("--sample", type=click.IntRange(1), metavar="N", help="N articles of the selection, at random.")
@click.option("--seed", type=int, default=1, show_default=True, help="The same seed draws the same articles.")
@click.option("--stratify", type=click.Choice(list(STRATA)), help="Draw from each in proportion.")
def export(
    db: Path,
    form: str,
    output: Path | None,
    table: str,
    query: str,
    copies: Any,
    both_languages: bool,
    accents: Any,
    columns: str | None,
    with_text: bool,
    partition: str | None,
    sample: int | None,
    seed: int,
    stratify: Stratum | None,
    **filters: Any,
) -> None:
    """Write a selection of the archive to a file, whole.

    Beside a table in a file lie its methods note (what is in it, and what is not), for CSV the meaning of its
    columns, and for a sample a coding sheet. Columns are explained in docs/schema.md.
    """
    _check_usage(form, output, table, columns, sample, stratify, partition)
    selection = Selection(
        query=parse(query, both_languages=both_languages, accents=accents),
        filters=_filters(filters),
        copies=copies,
    )
    archive = readable(db)
    if query:
        say_understood(selection.query.for_index(ordered=keeps_order(archive.conn)))
    names = [name.strip() for name in columns.split(",")] if columns is not None else []
    with _words_for(output, db), terminated_cleanly():
        if form == "datapackage" and output is not None:
            check_selection(archive, selection)
            package = Package("bilateral-export", "Bilateral: an export", utc_now())
            write_datapackage(archive, output, selection, package, with_text=with_text)
        else:
            extract = _extract(archive, form, table, selection, names, with_text=with_text)
            drawn = draw(archive, selection, sample, seed, stratify) if sample else None
            _write(archive, output, extract, form, selection, drawn, months=partition is not None)
    if with_text and form not in CITATION_FORMATS:
        click.echo(rights_notice(), err=True)


def _check_usage(
    form: str,
    output: Path | None,
    table: str,
    columns: str | None,
    sample: int | None,
    stratify: Stratum | None,
    partition: str | None,
) -> None:
    if output is None and form not in TEXT_FORMATS:
        raise click.UsageError(f"--format {form} needs -o PATH")
    if output is not None and is_device(output) and form not in TEXT_FORMATS:
        raise click.UsageError(f"{output}: --format {form} needs a file of its own")
    if partition and form != "parquet":
        raise click.UsageError("--partition is for --format parquet")
    if form == "datapackage" and (table != "articles" or columns is not None or sample):
        raise click.UsageError("a data package holds all its tables with all their columns, and no sample")
    if form in CITATION_FORMATS and (table != "articles" or columns is not None):
        raise click.UsageError("references are made of articles, and of their own columns")
    if stratify and not sample:
        raise click.UsageError("--stratify needs --sample N")
    if sample and table != "articles":
        raise click.UsageError("--sample draws articles, not rows of other tables")
    if sample and partition:
        raise click.UsageError("--partition is for whole selections, and --sample draws from one")


def _filters(given: dict[str, Any]) -> Filters:
    listed = {
        name: [str(value) for value in values] for name, values in given.items() if isinstance(values, tuple)
    }
    return Filters.from_parameters(listed | {"from": given["from_"] or "", "to": given["to"] or ""})


@contextlib.contextmanager
def _words_for(output: Path | None, db: Path) -> Iterator[None]:
    """End the command with words, and with the place, whatever goes wrong."""
    place = output or "standard output"
    try:
        yield
    except SelectionError as error:
        raise click.UsageError(str(error)) from error
    except BrokenPipeError:
        raise  # click ends quietly when `head` has seen enough
    except PackageError as error:
        raise click.ClickException(str(error)) from error
    except OSError as error:
        raise click.ClickException(f"{place}: {error.strerror or error}") from error
    except ValueError as error:
        raise click.ClickException(f"{place}: {error}") from error
    except sqlite3.Error as error:
        raise click.ClickException(f"{place}: {db} cannot be read: {error}") from error


def _extract(
    archive: Database, form: str, table: str, selection: Selection, names: list[str], *, with_text: bool
) -> Extract:
    if form in CITATION_FORMATS:
        return extract_citations(archive, selection)
    return extract_table(archive, table, selection, columns=names, with_text=with_text)


def _write(
    archive: Database,
    output: Path | None,
    extract: Extract,
    form: str,
    selection: Selection,
    drawn: Draw | None,
    *,
    months: bool,
) -> None:
    extract = limited(extract, drawn.numbers) if drawn is not None else extract
    if output is None:
        with standard_output() as stream:
            export_stream(archive, stream, extract, form)
    elif months:
        export_months(archive, output, extract, selection)
    else:
        export_with_companions(archive, output, extract, form, selection, drawn)
