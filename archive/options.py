"""The options that many commands share, so that they are spelled, defaulted and explained once."""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from sqlite_utils import Database


DEFAULT_DB = Path("data/archive.db")
SHIPPED_TOPIC = Path(__file__).with_name("topic.toml")
SHIPPED_OUTLETS = Path(__file__).parents[1] / "crawlers" / "outlets.toml"

EXIT_FAILED = 1
EXIT_LOCKED = 3

_file = click.Path(path_type=Path, dir_okay=False)

db_option = click.option("--db", type=_file, default=DEFAULT_DB, show_default=True, help="The archive.")
warc_dir_option = click.option(
    "--warc-dir",
    type=click.Path(path_type=Path, file_okay=False),
    help="The folder of WARC files.  [default: warc/ beside the database]",
)
outlets_option = click.option(
    "--outlets", type=_file, default=SHIPPED_OUTLETS, help="The outlet registry.  [default: the one shipped]"
)
topic_option = click.option(
    "--topic", type=_file, default=SHIPPED_TOPIC, help="The topic definition.  [default: the one shipped]"
)
json_option = click.option("--json", "as_json", is_flag=True, help="Report as JSON on standard output.")


class Day(click.ParamType[str]):
    """A year, month or day; the first or the last day that it means, as ISO date."""

    name = "DATE"

    def __init__(self, *, last: bool) -> None:
        self.last = last

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the ISO day; fail with words where the text is no date."""
        from archive.search.filters import read_day

        day = read_day(str(value), last=self.last)
        return day or self.fail(f"{value!r} is no date: write 2025, 2025-03 or 2025-03-01", param, ctx)


def warc_folder(db: Path, warc_dir: Path | None) -> Path:
    """Return the WARC folder: the one given, else ``warc/`` beside the database."""
    return warc_dir if warc_dir is not None else db.parent / "warc"


def named_scheduler(address: str | None, file: Path | None) -> str | None:
    """Return the address of a Dask scheduler, as it was given or as a file has it that the scheduler wrote."""
    if address is not None and file is not None:
        raise click.UsageError("--scheduler and --scheduler-file exclude one another")
    if file is None:
        return address
    try:
        return str(json.loads(file.read_text(encoding="utf-8"))["address"])
    except (ValueError, KeyError, TypeError) as error:
        raise click.UsageError(f"{file}: not the file of a Dask scheduler") from error


def writable(path: Path) -> Database:
    """Open the archive for writing, made and migrated where needed; a failure ends the command with words."""
    from archive.store import open_archive  # here, so that commands without an archive start quickly

    with plain_errors():
        return open_archive(path)


def readable(path: Path) -> Database:
    """Open an archive that must exist already; a failure ends the command with words."""
    from archive.store import open_existing

    with plain_errors():
        return open_existing(path)


@contextlib.contextmanager
def plain_errors() -> Iterator[None]:
    """Turn the archive's own errors into one line on standard error and exit code 1."""
    from archive.store import ArchiveError

    try:
        yield
    except ArchiveError as error:
        raise click.ClickException(str(error)) from error


def print_json(value: object) -> None:
    """Write one JSON document to standard output."""
    json.dump(value, sys.stdout, ensure_ascii=False, indent=2)
    sys.stdout.write("\n")
