"""`bilateral backfill`: years of coverage out of web archives, on this machine or on Dask."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

import click
from filelock import FileLock, Timeout
from sqlite_utils import Database
from tqdm import tqdm

from archive.backfill import engines, ledger, sources
from archive.backfill.task import Work, finished
from archive.models import Outlet
from archive.options import (
    EXIT_LOCKED,
    db_option,
    json_option,
    outlets_option,
    plain_errors,
    print_json,
    readable,
    topic_option,
    warc_dir_option,
    warc_folder,
    writable,
)
from archive.topic import TopicError, load_topic

ORIGINS = ("warc", "cc-news", "wayback", "cc-index", "gdelt")
BASES = {
    "cc-news": sources.CC_NEWS, "wayback": sources.WAYBACK, "cc-index": sources.CC_INDEX, "gdelt": sources.GDELT,
}  # fmt: skip

work_dir_option = click.option(
    "--work-dir",
    type=click.Path(path_type=Path, file_okay=False),
    help="Where parts are written; workers must see it too.  [default: backfill/ beside the database]",
)


@click.group()
def backfill() -> None:
    """Years of coverage out of web archives: plan, run, ingest, status.

    `plan` enters files in a ledger, `run` reads them on this machine or on a Dask cluster, `ingest` takes what is on
    the subject into the archive. Each can be run again: what is done is not done twice.
    """


@backfill.command()
@db_option
@work_dir_option
@outlets_option
@click.option(
    "--source", type=click.Choice(ORIGINS), default="warc", show_default=True, help="Where to look."
)
@click.option("--from", "since", metavar="DATE", help="The first day of publication (YYYY-MM-DD).")
@click.option("--to", "until", metavar="DATE", help="The last day of publication (YYYY-MM-DD).")
@click.option(
    "--paths",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="A listing of CC-NEWS files (warc.paths or warc.paths.gz) instead of the months' own.",
)
@click.option("--outlet", "only", multiple=True, metavar="ID", help="Only this outlet (indexes); repeatable.")
@click.option("--base", metavar="URL", help="Another server with the same layout.")
@click.option("--words", default="(mexico OR méxico)", show_default=True, help="What to ask GDELT for.")
@click.option("--contact", default="", help="An address for those we ask: e-mail or page.")
@json_option
@click.argument("files", nargs=-1, type=click.Path(path_type=Path), metavar="[FILE|FOLDER]…")  # fmt: skip
def plan(
    db: Path, work_dir: Path | None, outlets: Path, source: str, since: str | None, until: str | None,
    paths: Path | None, only: tuple[str, ...], base: str | None, words: str, contact: str, as_json: bool,
    files: tuple[Path, ...],
) -> None:  # fmt: skip
    """Enter files in the ledger: WARC and WACZ files or folders of them, or what a web archive has of a period.

    Of the Wayback Machine and the Common Crawl index, windows are entered (an outlet and a month), which `run` asks
    for one after the other. What GDELT lists is filed for the next crawl: it keeps no pages.
    """
    _check_days(since, until)
    declared = _chosen(_registry(outlets), only)
    archive = writable(db)
    base = base or BASES.get(source, "")
    try:
        if source == "gdelt":
            since, until = _period(since, until, source)
            report = _file_leads(archive, declared, since, until, words, base, contact)
        else:
            planned = _planned(source, files, paths, declared, since, until, base, contact)
            new = ledger.plan_files(archive, planned, since=since, until=until)
            if since and until:
                ledger.plan_days(archive, source, since, until)
            report = {"planned": len(planned), "new": new}
    except sources.SourceError as error:
        raise click.ClickException(str(error)) from error
    if as_json:
        print_json(report)
    else:
        click.echo(", ".join(f"{number} {name}" for name, number in report.items()))


def _planned(
    source: str, files: tuple[Path, ...], paths: Path | None, outlets: list[Outlet], since: str | None,
    until: str | None, base: str, contact: str,
) -> list[ledger.Planned]:  # fmt: skip
    if source == "warc":
        if not files:
            raise click.UsageError("name the WARC or WACZ files, or folders of them")
        return list(sources.warc_files(files))
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


@backfill.command()
@db_option
@work_dir_option
@outlets_option
@topic_option
@click.option(
    "--engine",
    type=click.Choice(["local", "dask"]),
    default="local",
    show_default=True,
    help="Processes of this machine, or a Dask cluster (pip install 'bilateral[scale]').",
)
@click.option("--scheduler", metavar="ADDRESS", help="The Dask scheduler, as tcp://host:8786.")
@click.option(
    "--scheduler-file",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="The file a Dask scheduler wrote its address to.",
)
@click.option("--workers", type=click.IntRange(min=1), help="Processes (local).  [default: one a processor]")
@click.option(
    "--memory-limit",
    "memory_mb",
    type=click.IntRange(min=150),
    default=400,
    show_default=True,
    help="Megabytes a reading process may take.",
)
@click.option(
    "--max-downloads",
    type=click.IntRange(min=1),
    default=4,
    show_default=True,
    help="Downloads at once, by all workers together.",
)
@click.option("--retry-failed", is_flag=True, help="Read files that failed once more.")
@click.option("--contact", default="", help="An address for those we ask: e-mail or page.")
@json_option  # fmt: skip
def run(
    db: Path, work_dir: Path | None, outlets: Path, topic: Path, engine: str, scheduler: str | None,
    scheduler_file: Path | None, workers: int | None, memory_mb: int, max_downloads: int, retry_failed: bool,
    contact: str, as_json: bool,
) -> None:  # fmt: skip
    """Read the planned files. Interrupted, it goes on where it was; a file that fails is named in the ledger.

    Files are read on their own: one that ends its process, or wants too much memory, fails alone. Ends 1 if one did.
    """
    address = _address(engine, scheduler, scheduler_file)
    declared = tuple(_registry(outlets))
    try:
        load_topic(topic)
    except TopicError as error:
        raise click.UsageError(str(error)) from error
    archive, folder = readable(db), _folder(db, work_dir)
    with _only_run(folder):
        if retry_failed:
            ledger.again(archive)
        _collect(archive, folder, contact)
        works = {
            ledger.source_of(file, folder): (file, Work(
                ledger.source_of(file, folder), str(folder.resolve()), declared, str(topic.resolve()), max_downloads
            ))
            for file in ledger.files(archive, "planned")
        }  # fmt: skip
        failed = _run(archive, folder, works, address, workers or len(os.sched_getaffinity(0)), memory_mb)
    _report(archive, as_json=as_json)
    if failed:
        sys.exit(1)


def _run(
    archive: Database, folder: Path, works: dict[str, tuple[dict[str, Any], Work]], address: str | None,
    workers: int, memory_mb: int,
) -> int:  # fmt: skip
    failed = 0
    with tqdm(total=len(works), unit=" files", file=sys.stderr, disable=None) as bar:
        for done in _results(folder, [work for _, work in works.values()], address, workers, memory_mb):
            number, tries = works[done.source][0]["id"], engines.attempts(folder, done.source)
            if done.counts is not None:
                ledger.note_done(
                    archive, number, done.counts, attempts=tries, code_version=version("bilateral")
                )
            else:
                failed += 1
                ledger.note_failed(archive, number, done.error, attempts=tries)
                tqdm.write(f"{done.source}: {done.error}", file=sys.stderr)
            bar.update()
    return failed


def _results(
    folder: Path, works: list[Work], address: str | None, workers: int, memory_mb: int
) -> Iterator[engines.Done]:
    """Yield what was read before (by a run that was ended), then what is read now."""
    left = []
    for work in works:
        counts = finished(folder, work.source)
        if counts is not None:
            yield engines.Done(work.source, counts)
        else:
            left.append(work)
    if not left:
        return
    try:
        if address is None:
            yield from engines.run_locally(left, workers=workers, memory_mb=memory_mb)
        else:
            yield from engines.run_on_dask(left, scheduler=address, memory_mb=memory_mb, log=_log)
    except engines.EngineError as error:
        raise click.ClickException(str(error)) from error


def _collect(archive: Database, folder: Path, contact: str) -> None:
    """Ask the indexes for what they have of the planned windows, one after the other."""
    windows = [file for file in ledger.files(archive, "planned") if file["kind"] == "window"]
    with tqdm(windows, unit=" windows", file=sys.stderr, disable=None if windows else True) as bar:
        for window in bar:
            target = Path(ledger.source_of(window, folder))
            if target.exists():
                continue
            try:
                sources.collect(window["source"], target, contact=contact, progress=bar.set_postfix_str)
            except (OSError, ValueError) as error:
                ledger.note_failed(archive, window["id"], str(error), attempts=1)


@backfill.command()
@db_option
@warc_dir_option
@work_dir_option
@outlets_option
@json_option
def ingest(db: Path, warc_dir: Path | None, work_dir: Path | None, outlets: Path, as_json: bool) -> None:
    """Take what was found into the archive. The day of publication decides whether it is of the period."""
    from archive.backfill.ingest import ingest_parts
    from archive.snapshots import SnapshotError, SnapshotWriter
    from archive.store import save_outlets
    from crawlers.crawl import ArchiveLocked, archive_lock  # noqa: TID251

    declared = _registry(outlets)
    archive = readable(db)
    try:
        with archive_lock(db), tqdm(unit=" captures", file=sys.stderr, disable=None) as bar, plain_errors():

            def progress(done: int, of: int) -> None:
                bar.total = of
                bar.update(done - bar.n)

            save_outlets(archive, declared)
            writer = SnapshotWriter(warc_folder(db, warc_dir))
            known = {outlet.id: outlet for outlet in declared}
            counts = ingest_parts(archive, writer, _folder(db, work_dir), known, progress=progress)
            writer.close()
    except ArchiveLocked as error:
        click.echo(f"Error: {error}", err=True)
        raise click.exceptions.Exit(EXIT_LOCKED) from error
    except (SnapshotError, OSError) as error:
        raise click.ClickException(str(error)) from error
    if as_json:
        print_json(asdict(counts))
        return
    click.echo(
        f"{counts.files} files: {counts.new} new articles, {counts.versions} versions, {counts.unchanged} captures that"
        f" add nothing, {counts.off_topic} off the subject, {counts.outside} outside the period, {counts.failed} failed"
    )


@backfill.command()
@db_option
@json_option
def status(db: Path, as_json: bool) -> None:
    """What has become of the planned files, and the days on which the source has nothing."""
    _report(readable(db), as_json=as_json)


def _report(archive: Database, *, as_json: bool) -> None:
    report = ledger.summary(archive)
    if as_json:
        print_json(report)
        return
    click.echo(", ".join(f"{number} {state}" for state, number in report["files"].items()))
    click.echo(
        f"{report['attempts']} attempts, {report['responses']} responses, {report['on_host']} on watched hosts,"
        f" {report['hits']} on the subject, {report['errors']} damaged records, {report['cpu_seconds']} CPU seconds"
    )
    for file in report["failed"]:
        click.echo(f"failed: {file['source']}: {file['error']} ({file['attempts']} attempts)")
    for hole in report["days_without_files"]:
        click.echo(f"no file: {hole['origin']} {hole['day']}")


def _log(line: str) -> None:
    click.echo(line, err=True)


def _folder(db: Path, work_dir: Path | None) -> Path:
    return work_dir if work_dir is not None else db.parent / "backfill"


@contextmanager
def _only_run(folder: Path) -> Iterator[None]:
    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / "run.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout as error:
        click.echo(f"Error: another run is at {folder}", err=True)
        raise click.exceptions.Exit(EXIT_LOCKED) from error
    with lock:
        yield


def _address(engine: str, scheduler: str | None, scheduler_file: Path | None) -> str | None:
    """Return the address of the Dask scheduler, or None where this machine reads."""
    if engine == "local":
        if scheduler or scheduler_file:
            raise click.UsageError("--scheduler is for --engine dask")
        return None
    if scheduler_file is not None:
        import json

        try:
            return str(json.loads(scheduler_file.read_text(encoding="utf-8"))["address"])
        except (ValueError, KeyError) as error:
            raise click.UsageError(f"{scheduler_file}: not the file of a Dask scheduler") from error
    if scheduler is None:
        raise click.UsageError("--engine dask wants --scheduler ADDRESS or --scheduler-file FILE")
    return scheduler


def _registry(path: Path) -> list[Outlet]:
    from crawlers.outlets import OutletError, load_outlets  # noqa: TID251

    try:
        return load_outlets(path)
    except OutletError as error:
        raise click.UsageError(str(error)) from error


def _chosen(declared: list[Outlet], only: tuple[str, ...]) -> list[Outlet]:
    unknown = sorted(set(only) - {outlet.id for outlet in declared})
    if unknown:
        raise click.UsageError(f"--outlet {unknown[0]}: no such outlet in the registry")
    return [outlet for outlet in declared if not only or outlet.id in only]


def _check_days(*days: str | None) -> None:
    from datetime import date

    for day in filter(None, days):
        try:
            date.fromisoformat(day)
        except ValueError as error:
            raise click.UsageError(f"{day}: not a day as YYYY-MM-DD") from error


def _period(since: str | None, until: str | None, source: str) -> tuple[str, str]:
    if since is None or until is None:
        raise click.UsageError(f"--source {source} wants --from and --to")
    if since > until:
        raise click.UsageError(f"--from {since} is after --to {until}")
    return since, until
