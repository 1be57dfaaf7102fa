"""`bilateral verify` and `bilateral backup`."""

from pathlib import Path

import click

from archive.frozen import verify_frozen
from archive.integrity import IntegrityError, copy_warcs, summary
from archive.integrity import backup as copy_database
from archive.integrity import verify as check_archive
from archive.options import db_option, json_option, print_json, warc_dir_option, warc_folder
from archive.terminal import printable

__all__ = ["backup", "verify"]


@click.command()
@click.argument("snapshot", required=False, type=click.Path(path_type=Path, exists=True, file_okay=False))
@db_option
@warc_dir_option
@json_option
def verify(snapshot: Path | None, db: Path, warc_dir: Path | None, as_json: bool) -> None:
    """Check the database, the full-text index and every WARC record; or a frozen SNAPSHOT folder.

    Ends with 1 where there is damage, each named with its file, offset or row; notes are harmless.
    """
    if snapshot is None and not db.exists():
        raise click.ClickException(f"{db}: there is no archive here; `bilateral crawl` makes one")
    checked = check_archive(db, warc_folder(db, warc_dir)) if snapshot is None else verify_frozen(snapshot)
    findings = []
    for found in checked:
        findings.append(found)
        if not as_json:
            click.echo(printable(f"{found.severity}: {found.check}: {found.where}: {found.what}"))
    report = summary(findings)
    if as_json:
        print_json(report)
    else:
        click.echo(f"{len(report['damages'])} damages, {len(report['notes'])} notes")
    if not report["ok"]:
        raise click.exceptions.Exit(1)


@click.command()
@click.argument("path", type=click.Path(path_type=Path, dir_okay=False))
@db_option
@warc_dir_option
@click.option("--with-warc", is_flag=True, help="Copy the WARC files too, into warc/ beside PATH.")
@json_option
def backup(path: Path, db: Path, warc_dir: Path | None, with_warc: bool, as_json: bool) -> None:
    """Copy the archive to PATH, consistently, while crawls and Datasette run; the copy is checked.

    PATH is a database of its own: `bilateral status --db PATH` opens it.
    """
    if not db.is_file():
        raise click.ClickException(f"{db}: there is no archive here; `bilateral crawl` makes one")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        copy_database(db, path)
        copied = copy_warcs(warc_folder(db, warc_dir), path.parent / "warc") if with_warc else 0
    except IntegrityError as error:
        raise click.ClickException(str(error)) from error
    except OSError as error:
        raise click.ClickException(f"{path}: {error.strerror or error}") from error
    size = path.stat().st_size
    if as_json:
        print_json({"path": str(path), "bytes": size, "warc_files_copied": copied})
        return
    click.echo(f"{path}: {size} bytes, checked" + (f"; {copied} WARC files copied" if with_warc else ""))
