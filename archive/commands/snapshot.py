"""`bilateral snapshot`: a frozen data package."""

import sqlite3
from pathlib import Path

import click

from archive.exports.datapackage import PackageError
from archive.exports.files import terminated_cleanly
from archive.frozen import FrozenError, freeze
from archive.options import db_option, json_option, print_json, readable


@click.command()
@click.argument("name")
@db_option
@click.option(
    "--into",
    type=click.Path(path_type=Path, file_okay=False),
    help="The folder of packages.  [default: snapshots/ beside the database]",
)
@json_option
def snapshot(name: str, db: Path, into: Path | None, as_json: bool) -> None:
    """Freeze the archive as it is in a data package NAME, such as 2026-11, to be cited and kept.

    Made again from the same state it is the same byte for byte; `bilateral verify FOLDER` checks it. Texts of
    articles are not in it.
    """
    folder = into or db.parent / "snapshots"
    try:
        with terminated_cleanly():
            frozen = freeze(readable(db), folder, name)
    except (FrozenError, PackageError) as error:
        raise click.ClickException(str(error)) from error
    except OSError as error:
        raise click.ClickException(f"{folder / name}: {error.strerror or error}") from error
    except sqlite3.Error as error:
        raise click.ClickException(f"{db} cannot be read: {error}") from error
    if as_json:
        report = {"path": str(frozen.path), "manifest_sha256": frozen.manifest, "state": frozen.created,
                  "made": frozen.made, "difference": frozen.difference}  # fmt: skip
        print_json(report)
        return
    found = frozen.difference
    click.echo(
        f"{frozen.path}: {'made' if frozen.made else 'there already, the same'}; state of {frozen.created}"
    )
    since = f"since {found['previous']}" if found["previous"] else "the first package here"
    click.echo(
        f"{found['articles']} articles; {found['added']} added, {found['removed']} removed,"
        f" {found['changed']} changed ({since})"
    )
    click.echo(f"SHA-256 of its manifest: {frozen.manifest}")
