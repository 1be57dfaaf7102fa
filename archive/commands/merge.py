"""`bilateral merge`: another machine's archive into this one."""

from dataclasses import asdict
from pathlib import Path

import click

from archive.options import (
    EXIT_LOCKED,
    db_option,
    json_option,
    plain_errors,
    print_json,
    warc_dir_option,
    warc_folder,
    writable,
)


@click.command()
@click.argument("other", type=click.Path(path_type=Path, dir_okay=False, exists=True))
@db_option
@warc_dir_option
@click.option(
    "--other-warc-dir",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    help="The folder of the other archive's WARC files.  [default: warc/ beside it]",
)
@json_option
def merge(other: Path, db: Path, warc_dir: Path | None, other_warc_dir: Path | None, as_json: bool) -> None:
    """Bring all that the archive OTHER has into this one; OTHER stays as it is.

    Versions of an article are put in the order of time, ledgers are added, WARC files are copied. Nothing comes in
    twice, and the order in which archives are merged makes no difference. Copies and stories are found anew by
    `bilateral group`.
    """
    from archive.merge import merge as bring_in
    from crawlers.crawl import ArchiveLocked, archive_lock  # noqa: TID251

    try:
        with archive_lock(db), plain_errors():
            archive = writable(db)
            merged = bring_in(
                archive,
                other,
                folder=warc_folder(db, warc_dir),
                other_folder=warc_folder(other, other_warc_dir),
            )
            archive.close()
    except ArchiveLocked as error:
        click.echo(f"Error: {error}", err=True)
        raise click.exceptions.Exit(EXIT_LOCKED) from error
    if as_json:
        print_json(asdict(merged))
        return
    click.echo(
        f"{merged.articles} new articles, {merged.extended} with more versions, {merged.snapshots} snapshots in"
        f" {merged.warc_files} WARC files, {merged.pages} pages, {merged.crawls} crawls"
    )
