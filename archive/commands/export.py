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
    export_months,
    export_stream,
    standard_output,
)
from archive.exports.companions import write_companions
from archive.exports.datapackage import Package, PackageError, write_datapackage
from archive.exports.sample import STRATA, Stratum, draw, words_of, write_coding_sheet
from archive.exports.tables import EXPORTED_TABLES, Extract, extract_citations, extract_table, limited
from archive.options import db_option, readable
from archive.selection import Selection, SelectionError, check_selection
from archive.times import utc_now

_path = click.Path(path_type=Path)
_grade = click.IntRange(0, 2)
_day = click.DateTime(formats=["%Y-%m-%d"])


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
@click.option("--outlet", "outlets", multiple=True, metavar="ID", help="Only this outlet; repeatable.")
@click.option("--country", type=click.Choice(["MX", "US"]), help="Only outlets of this country.")
@click.option("--language", metavar="CODE", help="ISO 639-1, as es or en.")
@click.option("--from", "since", type=_day, metavar="DATE", help="Published on this day (UTC) or later.")
@click.option("--to", "until", type=_day, metavar="DATE", help="Published on this day (UTC) or earlier.")
@click.option("--grade", "grades", type=_grade, multiple=True, help="Repeatable.  [default: 1 and 2]")
@click.option("--query", default="", help="Only articles that match, in the language of `bilateral search`.")
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
    outlets: tuple[str, ...],
    country: str | None,
    language: str | None,
    since: datetime | None,
    until: datetime | None,
    grades: tuple[int, ...],
    query: str,
    columns: str | None,
    with_text: bool,
    partition: str | None,
    sample: int | None,
    seed: int,
    stratify: Stratum | None,
) -> None:
    """Write a selection of the archive to a file, whole.

    Beside a table in a file lie its methods note (what is in it, and what is not), for CSV the meaning of its
    columns, and for a sample a coding sheet. Columns are explained in docs/schema.md.
    """
    selection = Selection(
        outlets=outlets,
        country=country,
        language=language.lower() if language else None,
        since=since.date() if since else None,
        until=until.date() if until else None,
        grades=tuple(sorted(grades)),
        query=query.strip(),
    )
    if output is None and form not in TEXT_FORMATS:
        raise click.UsageError(f"--format {form} needs -o PATH")
    if partition and form != "parquet":
        raise click.UsageError("--partition is for --format parquet")
    archive = readable(db)
    names = [name.strip() for name in columns.split(",")] if columns is not None else []
    try:
        if form == "datapackage":
            _package(archive, output or Path(), table, selection, names, sample, with_text=with_text)
            return
        extract = _extract(archive, form, table, selection, names, with_text=with_text)
        drawn = _drawn(archive, table, selection, sample, seed, stratify)
        extract = limited(extract, drawn) if drawn is not None else extract
        words = words_of(sample, seed, stratify) if sample else ""
        _write(archive, output, extract, form, selection, words, months=partition is not None)
        if drawn is not None and output is not None:
            sheet = output.with_name(f"{output.name}.coding.csv")
            write_coding_sheet(archive, sheet, drawn, f"{output.stem}-{seed}")
    except SelectionError as error:
        raise click.UsageError(str(error)) from error
    except BrokenPipeError:
        raise  # click ends quietly when `head` has seen enough
    except PackageError as error:
        raise click.ClickException(str(error)) from error
    except OSError as error:
        raise click.ClickException(f"{output or 'standard output'}: {error.strerror or error}") from error
    except ValueError as error:
        raise click.ClickException(f"{output or 'standard output'}: {error}") from error
    except sqlite3.Error as error:
        raise click.ClickException(f"{output or 'standard output'}: {db} cannot be read: {error}") from error


def _extract(
    archive: Database, form: str, table: str, selection: Selection, names: list[str], *, with_text: bool
) -> Extract:
    if form not in CITATION_FORMATS:
        return extract_table(archive, table, selection, columns=names, with_text=with_text)
    if table != "articles" or names:
        raise SelectionError("references are made of articles, and of their own columns")
    return extract_citations(archive, selection)


def _drawn(
    archive: Database,
    table: str,
    selection: Selection,
    sample: int | None,
    seed: int,
    stratify: Stratum | None,
) -> list[int] | None:
    if sample is None:
        if stratify:
            raise SelectionError("--stratify needs --sample N")
        return None
    if table != "articles":
        raise SelectionError("--sample draws articles, not rows of other tables")
    return draw(archive, selection, sample, seed, stratify)


def _write(
    archive: Database, output: Path | None, extract: Extract, form: str, selection: Selection, drawn: str,
    *, months: bool,
) -> None:  # fmt: skip
    if output is None:
        with standard_output() as stream:
            export_stream(archive, stream, extract, form)
        return
    if months:
        export_months(archive, output, extract)
    else:
        export_file(archive, output, extract, form)
    if form not in CITATION_FORMATS:
        write_companions(archive, output, extract, selection, schema=form.startswith("csv"), drawn=drawn)


def _package(
    archive: Database,
    output: Path,
    table: str,
    selection: Selection,
    names: list[str],
    sample: int | None,
    *,
    with_text: bool,
) -> None:
    if table != "articles" or names or sample:
        raise SelectionError("a data package holds all its tables with all their columns, and no sample")
    check_selection(archive, selection)
    package = Package("bilateral-export", "Bilateral: an export", utc_now())
    write_datapackage(archive, output, selection, package, with_text=with_text)
