"""`bilateral publish`: a site database, built by allow-list."""

from pathlib import Path

import click

from archive.options import db_option, plain_errors
from archive.publish import PREVIOUS_FILE, published_edition, roll_back
from archive.publish import publish as publish_site


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@db_option
@click.option("--full", "edition", flag_value="full", help="Whole texts, for the newsroom.")
@click.option(
    "--public", "edition", flag_value="public", help="Excerpts; the full text can be searched only."
)
@click.option("--roll-back", "back", is_flag=True, help="Put the previous site database back.")
def publish(folder: Path, db: Path, edition: str | None, back: bool) -> None:
    """Build the site database of the archive in FOLDER: aside, checked, and swapped in at once."""
    with plain_errors():
        if back:
            click.echo(f"{roll_back(folder)}: the previous one is back in place")
            return
        if edition is None:
            raise click.UsageError("say which edition: --full or --public")
        done = publish_site(db, folder, public=edition == "public")
    counts = ", ".join(f"{number} {table}" for table, number in done.rows.items())
    click.echo(f"{done.path}: {edition} edition, {counts}")
    previous = folder / PREVIOUS_FILE
    if edition == "public" and previous.is_file() and published_edition(previous) == "full":
        click.echo(
            f"{previous}: the one before is a full edition, with whole texts; keep it off a public machine"
        )
