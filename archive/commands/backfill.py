"""`bilateral backfill`: years of coverage out of web archives, on this machine or on Dask."""

import os
import re
import sqlite3
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
from filelock import FileLock, Timeout
from sqlite_utils import Database
from tqdm import tqdm

from archive.backfill import engines, ledger, sources
from archive.backfill.reader import BadTopic
from archive.backfill.work import PARTS, STATE, CannotWrite, Results, Work, code_version, write_setup, writing
from archive.cluster import EngineError
from archive.commands.backfill_plan import locked_in_words, plan, registry, work_dir_option, work_folder
from archive.options import (
    EXIT_FAILED,
    EXIT_LOCKED,
    db_option,
    json_option,
    named_scheduler,
    outlets_option,
    plain_errors,
    print_json,
    readable,
    topic_option,
    warc_dir_option,
    warc_folder,
)

LEAST_MEMORY_MB = 150
LOG_SECONDS = 30.0
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*(MB|MiB|GB|GiB|M|G)?", re.IGNORECASE)
_MEGABYTES = {"": 1.0, "m": 1.0, "mb": 1.0, "mib": 1.048576, "g": 1000.0, "gb": 1000.0, "gib": 1073.741824}


class Megabytes(click.ParamType[int]):
    """An amount of memory: 400MB, 2GiB; a number alone is megabytes."""

    name = "size"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return megabytes."""
        found = _SIZE.fullmatch(str(value).strip())
        size = int(float(found[1]) * _MEGABYTES[(found[2] or "").lower()]) if found else 0
        if size < LEAST_MEMORY_MB:
            self.fail(
                f"{value!r} is no size such as 400MB, or less than the {LEAST_MEMORY_MB}MB it takes",
                param,
                ctx,
            )
        return size


@click.group()
def backfill() -> None:
    """Years of coverage out of web archives: plan, run, ingest, status.

    `plan` enters files in a ledger, `run` reads them on this machine or on a Dask cluster, `ingest` takes what is on
    the subject into the archive. Each can be run again: what is done is not done twice.
    """


backfill.add_command(plan)


@backfill.command()
@db_option
@work_dir_option
@outlets_option
@topic_option
@click.option(
    "--engine",
    type=click.Choice(["local", "dask"]),
    help="Processes of this machine, or a Dask cluster (pip install 'bilateral[scale]').  [default: dask where a"
    " scheduler is named, else local]",
)
@click.option("--scheduler", metavar="ADDRESS", help="The Dask scheduler, as tcp://host:8786.")
@click.option(
    "--scheduler-file",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="The file a Dask scheduler wrote its address to.",
)
@click.option(
    "--workers",
    type=click.IntRange(min=1),
    help="Processes (local; one a processor unless it is said); workers to wait for before it begins (dask).",
)
@click.option(
    "--memory-limit",
    "memory_mb",
    type=Megabytes(),
    default="400MB",
    show_default=True,
    help="What a reading process may take; a file that wants more fails.",
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
    db: Path, work_dir: Path | None, outlets: Path, topic: Path, engine: str | None, scheduler: str | None,
    scheduler_file: Path | None, workers: int | None, memory_mb: int, max_downloads: int, retry_failed: bool,
    contact: str, as_json: bool,
) -> None:  # fmt: skip
    """Read the planned files. Interrupted, it goes on where it was; a file that fails is named in the ledger.

    Files are read on their own: one that ends its process, or wants too much memory, fails alone. Ends 1 if one did.
    """
    address = _address(engine, scheduler, scheduler_file)
    declared = registry(outlets)
    if address is not None:
        _check_topic(topic)  # else it is loaded here anyway
    archive, folder = readable(db), work_folder(db, work_dir)
    with _words(db), _only_run(folder):
        if retry_failed:
            ledger.again(archive)
        _collect(archive, folder, contact)
        setup = write_setup(folder, declared, topic)
        files = ledger.files(archive, "planned")
        works = {
            file["id"]: Work(
                str(file["source"]), ledger.path_of(file, folder), str(folder.resolve()), setup, code_version(),
                max_downloads,
            )
            for file in files
        }  # fmt: skip
        try:
            failed = _run(archive, works, address, workers, memory_mb)
        finally:
            with suppress(sqlite3.Error):
                ledger.sum_days(archive)
    _report(archive, as_json=as_json)
    if failed:
        sys.exit(EXIT_FAILED)


def _run(
    archive: Database, works: dict[int, Work], address: str | None, workers: int | None, memory_mb: int
) -> int:
    """Read files and enter each in the ledger as it is done; return how many failed."""
    numbers, failed = {work.source: number for number, work in works.items()}, 0
    with _progress(len(works)) as done_one:
        for done in _results(list(works.values()), address, workers, memory_mb):
            number = numbers[done.source]
            tries = Results(Path(works[number].folder), done.source).tries()
            if done.counts is not None:
                ledger.note_done(
                    archive, number, done.counts, attempts=tries, code_version=works[number].code
                )
            else:
                failed += 1
                ledger.note_failed(archive, number, done.error, attempts=tries)
                tqdm.write(f"{done.source}: {done.error}", file=sys.stderr)
            done_one()
    return failed


def _results(
    works: list[Work], address: str | None, workers: int | None, memory_mb: int
) -> Iterator[engines.Done]:
    """Yield what was read before (by a run that was ended), then what is read now."""
    before = {done.source: done for done in engines.done_before(works)}
    yield from before.values()
    left = [work for work in works if work.source not in before]
    if left and address is None:
        number = workers or len(os.sched_getaffinity(0))
        yield from engines.run_locally(left, workers=number, memory_mb=memory_mb)
    elif left and address is not None:
        from archive.backfill.on_dask import run_on_dask

        yield from run_on_dask(left, scheduler=address, workers=workers, memory_mb=memory_mb, log=_log)


@contextmanager
def _progress(total: int) -> Iterator[Any]:
    """Show how far it is and how long it will take: a bar on a terminal, a line now and then in a log."""
    with tqdm(total=total, unit=" files", file=sys.stderr, disable=None if total else True) as bar:
        began = logged = time.monotonic()
        done = 0

        def done_one() -> None:
            nonlocal logged, done
            done += 1
            bar.update()
            now = time.monotonic()
            if bar.disable and now - logged >= LOG_SECONDS:
                logged = now
                left = (now - began) / done * (total - done)
                _log(f"{done} of {total} files, {tqdm.format_interval(left)} left")

        yield done_one


@contextmanager
def _words(db: Path) -> Iterator[None]:
    """Turn what may keep files from being read into words; what is done by then is kept."""
    with locked_in_words(db):
        try:
            yield
        except BadTopic as error:
            raise click.UsageError(str(error)) from error
        except (EngineError, CannotWrite) as error:
            raise click.ClickException(f"{error}; run it again and it goes on where it was") from error
        except KeyboardInterrupt:
            raise click.ClickException("stopped; run it again and it goes on where it was") from None


def _check_topic(topic: Path) -> None:
    from archive.topic import TopicError, load_topic

    try:
        load_topic(topic)
    except TopicError as error:
        raise click.UsageError(str(error)) from error


def _collect(archive: Database, folder: Path, contact: str) -> None:
    """Ask the indexes for what they have of the planned windows, one after the other."""
    windows = [file for file in ledger.files(archive, "planned") if file["kind"] == "window"]
    with tqdm(windows, unit=" windows", file=sys.stderr, disable=None if windows else True) as bar:
        for window in bar:
            target = Path(ledger.path_of(window, folder))
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
    """Take what was found into the archive. The day of publication decides whether it is of the period.

    What is there already adds nothing, so it can be run again, and goes on where it was interrupted.
    """
    from archive.backfill.ingest import ingest_parts
    from archive.commands.crawl import settle
    from archive.snapshots import SnapshotError, SnapshotWriter
    from archive.store import save_outlets
    from crawlers.crawl import ArchiveLocked, archive_lock  # noqa: TID251

    declared = registry(outlets)
    archive = readable(db)
    try:
        with (
            _words(db),
            archive_lock(db),
            tqdm(unit=" captures", file=sys.stderr, disable=None) as bar,
            plain_errors(),
        ):

            def progress(done: int, of: int) -> None:
                bar.total = of
                bar.update(done - bar.n)

            save_outlets(archive, declared)
            writer = SnapshotWriter(warc_folder(db, warc_dir))
            known = {outlet.id: outlet for outlet in declared}
            counts = ingest_parts(archive, writer, work_folder(db, work_dir), known, progress=progress)
            writer.close()
            settle(db, changed=counts.new + counts.versions > 0)
    except ArchiveLocked as error:
        click.echo(f"Error: {error}", err=True)
        raise click.exceptions.Exit(EXIT_LOCKED) from error
    except (SnapshotError, OSError) as error:
        raise click.ClickException(str(error)) from error
    if as_json:
        print_json(asdict(counts))
        return
    for path in counts.missing:
        click.echo(f"{path} is missing: `run --retry-failed` reads the file again", err=True)
    click.echo(
        f"{counts.files} files: {counts.new} new articles, {counts.versions} versions, {counts.unchanged} captures"
        f" that add nothing, {counts.off_topic} off the subject, {counts.outside} outside the period,"
        f" {counts.failed} failed, {counts.unknown} of outlets that are not in the registry;"
        f" {counts.revisits} revisit records resolved, {counts.unresolved} whose capture is in no file that was read"
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
        f"{report['attempts']} attempts, {report['bytes'] / 1e9:.2f} GB, {report['responses']} responses,"
        f" {report['on_host']} on watched hosts, {report['hits']} on the subject, {report['revisits']} revisits,"
        f" {report['errors']} damaged records, {report['cpu_seconds']} CPU seconds"
    )
    for file in report["failed"]:
        click.echo(f"failed: {file['source']}: {file['error']} ({file['attempts']} attempts)")
    for name, words in (("days_without_files", "the source has no file"), ("days_not_read", "not read")):
        for origin, first, last in ledger.spans(report[name]):
            click.echo(f"{words}: {origin} {first}{f' to {last}' if last != first else ''}")


def _log(line: str) -> None:
    click.echo(line, err=True)


@contextmanager
def _only_run(folder: Path) -> Iterator[None]:
    with writing(folder):
        for name in (PARTS, STATE):
            (folder / name).mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / "run.lock")
        try:
            lock.acquire(timeout=0)
        except Timeout as error:
            click.echo(f"Error: another run is at {folder}", err=True)
            raise click.exceptions.Exit(EXIT_LOCKED) from error
    try:
        yield
    finally:
        lock.release()


def _address(engine: str | None, scheduler: str | None, scheduler_file: Path | None) -> str | None:
    """Return the address of the Dask scheduler, or None where this machine reads."""
    address = named_scheduler(scheduler, scheduler_file)
    if engine == "local" and address is not None:
        raise click.UsageError("--scheduler is for --engine dask")
    if engine == "dask" and address is None:
        raise click.UsageError("--engine dask wants --scheduler ADDRESS or --scheduler-file FILE")
    return address
