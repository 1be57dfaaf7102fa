"""`bilateral backfill plan`: what there is to read, entered in the ledger."""

import calendar
import re
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import click
from sqlite_utils import Database

from archive.backfill import ledger, sources
from archive.backfill.work import Results
from archive.models import Outlet
from archive.options import db_option, json_option, outlets_option, print_json, writable

ORIGINS = ("warc", "cc-news", "wayback", "cc-index", "gdelt")
BASES = {
    "cc-news": sources.CC_NEWS, "wayback": sources.WAYBACK, "cc-index": sources.CC_INDEX, "gdelt": sources.GDELT,
}  # fmt: skip
_SPAN = re.compile(r"(\d{4})(?:-(\d\d)(?:-(\d\d))?)?")

work_dir_option = click.option(
    "--work-dir",
    type=click.Path(path_type=Path, file_okay=False),
    help="Where parts are written; workers must see it too.  [default: backfill/ beside the database]",
)


def work_folder(db: Path, work_dir: Path | None) -> Path:
    """Return the folder of parts: the one given, else ``backfill/`` beside the database."""
    return work_dir if work_dir is not None else db.parent / "backfill"


def registry(path: Path) -> list[Outlet]:
    """Return the outlets of a registry; a bad one ends the command with words."""
    from crawlers.outlets import OutletError, load_outlets  # noqa: TID251

    try:
        return load_outlets(path)
    except OutletError as error:
        raise click.UsageError(str(error)) from error


@contextmanager
def locked_in_words(db: Path) -> Iterator[None]:
    """Turn the database's own errors, as when another program holds it, into words."""
    try:
        yield
    except sqlite3.Error as error:
        raise click.ClickException(f"{db}: {error}; run it again and it goes on where it was") from error


class Day(click.ParamType[str]):
    """A day, or a month or year that stands for its first or last one."""

    name = "date"

    def __init__(self, *, last: bool) -> None:
        self.last = last

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the day as YYYY-MM-DD."""
        found = _SPAN.fullmatch(str(value).strip())
        try:
            if found is None:
                raise ValueError
            year, month = int(found[1]), int(found[2] or (12 if self.last else 1))
            end = calendar.monthrange(year, month)[1] if self.last else 1
            return date(year, month, int(found[3] or end)).isoformat()
        except (ValueError, calendar.IllegalMonthError):
            self.fail(f"{value!r} is no day such as 2024-01-31, nor a month or year", param, ctx)


@click.command()
@db_option
@work_dir_option
@outlets_option
@click.option(
    "--source", type=click.Choice(ORIGINS), default="warc", show_default=True, help="Where to look."
)
@click.option(
    "--from",
    "since",
    type=Day(last=False),
    metavar="DATE",
    help="The first day of publication; a month or a year will do.",
)
@click.option("--to", "until", type=Day(last=True), metavar="DATE", help="The last day of publication.")
@click.option(
    "--paths",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="A listing of files, a path or address a line (warc.paths.gz), instead of naming them.",
)
@click.option("--outlet", "only", multiple=True, metavar="ID", help="Only this outlet (indexes); repeatable.")
@click.option("--base", metavar="URL", help="Another server with the same layout.")
@click.option("--words", default="(mexico OR méxico)", show_default=True, help="What to ask GDELT for.")
@click.option("--contact", default="", help="An address for those we ask: e-mail or page.")
@click.option(
    "--anew", is_flag=True, help="Read again what was read, as when registry, topic or code have changed."
)
@json_option
@click.argument("files", nargs=-1, type=click.Path(path_type=Path), metavar="[FILE|FOLDER]…")  # fmt: skip
def plan(
    db: Path, work_dir: Path | None, outlets: Path, source: str, since: str | None, until: str | None,
    paths: Path | None, only: tuple[str, ...], base: str | None, words: str, contact: str, anew: bool, as_json: bool,
    files: tuple[Path, ...],
) -> None:  # fmt: skip
    """Enter files in the ledger: WARC and WACZ files or folders of them, or what a web archive has of a period.

    Of the Wayback Machine and the Common Crawl index, windows are entered (an outlet and a month), which `run` asks
    for one after the other. What GDELT lists is filed for the next crawl: it keeps no pages. A file that has grown
    since it was read is read again.
    """
    if since and until and since > until:
        raise click.UsageError(f"--from {since} is after --to {until}")
    declared = _chosen(registry(outlets), only)
    base = base or BASES.get(source, "")
    with locked_in_words(db), _refused_in_words():
        if source == "gdelt":
            first, last = _period(since, until, source)
            report = _file_leads(writable(db), declared, first, last, words, base, contact)
        else:
            planned = _planned(source, files, paths, declared, since, until, base, contact)
            report = _enter(writable(db), work_folder(db, work_dir), planned, source, since, until, anew=anew)
    if as_json:
        print_json(report)
    else:
        click.echo(", ".join(f"{number} {name}" for name, number in report.items()))


@contextmanager
def _refused_in_words() -> Iterator[None]:
    try:
        yield
    except sources.SourceError as error:
        raise click.ClickException(str(error)) from error


def _enter(
    archive: Database, folder: Path, planned: list[ledger.Planned], origin: str, since: str | None, until: str | None,
    *, anew: bool,
) -> dict[str, int]:  # fmt: skip
    again = [each.source for each in planned] if anew else ledger.grown(archive, planned)
    for source in again:
        Results(folder, source).forget()
    new = ledger.plan_files(archive, planned, since=since, until=until, anew=again)
    if since and until:
        ledger.plan_days(archive, origin, since, until)
    report = {"planned": len(planned), "new": new}
    return report | {"again": len(again) - new} if len(again) > new else report


def _planned(
    source: str, files: tuple[Path, ...], paths: Path | None, outlets: list[Outlet], since: str | None,
    until: str | None, base: str, contact: str,
) -> list[ledger.Planned]:  # fmt: skip
    if files and source != "warc":
        raise click.UsageError(f"--source {source} takes no files: {files[0]}")
    if source == "warc":
        if not files and paths is None:
            raise click.UsageError("name the WARC or WACZ files, folders of them, or a listing (--paths)")
        named = sources.named(sources.listing(paths), paths.parent) if paths is not None else []
        return [*sources.warc_files(files), *named]
    if source == "cc-news" and paths is not None:
        return sources.listed(sources.listing(paths), since, until, base=base)
    first, last = _period(since, until, source)
    if source == "cc-news":
        return sources.cc_news(first, last, base=base, contact=contact)
    return sources.windows(source, outlets, first, last, base)


def _file_leads(
    archive: Database, outlets: list[Outlet], since: str, until: str, words: str, base: str, contact: str
) -> dict[str, int]:
    from archive.pages import file_lead
    from archive.store import save_outlets
    from crawlers.outlets import refusal  # noqa: TID251

    save_outlets(archive, outlets)
    known = {outlet.id: outlet for outlet in outlets}
    counts = {"listed": 0, "new": 0}
    for lead in sources.gdelt(outlets, since, until, words, base=base, contact=contact):
        filed = file_lead(archive, lead, refusal=refusal(lead.url, known[lead.outlet]))
        counts["listed"] += 1
        counts["new"] += filed.new
    return counts


def _chosen(declared: list[Outlet], only: tuple[str, ...]) -> list[Outlet]:
    unknown = sorted(set(only) - {outlet.id for outlet in declared})
    if unknown:
        raise click.UsageError(f"--outlet {unknown[0]}: no such outlet in the registry")
    return [outlet for outlet in declared if not only or outlet.id in only]


def _period(since: str | None, until: str | None, source: str) -> tuple[str, str]:
    if since is None or until is None:
        raise click.UsageError(f"--source {source} wants --from and --to")
    return since, until
