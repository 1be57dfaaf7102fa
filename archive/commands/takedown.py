"""`bilateral takedown`: withdraw a text on request."""

from pathlib import Path

import click

from archive.options import db_option, json_option, print_json, readable
from archive.takedown import TakedownError, lift, take_down, takedown_log
from archive.terminal import printable

LEFT_TO_DO = (
    "Site databases published before still hold it: run `bilateral publish` again. So do backups, frozen packages"
    " and files that were taken away (docs/legal.md)."
)


@click.command()
@click.argument("url", required=False)
@db_option
@click.option("--reason", help="Why; it is published in the log.")
@click.option("--lift", "lifted", is_flag=True, help="Undo; `bilateral reprocess` brings the text back.")
@json_option
def takedown(url: str | None, db: Path, reason: str | None, lifted: bool, as_json: bool) -> None:
    """Remove the text and the snapshots of URL from everything published and exported, for good.

    The reference and a public log entry stay; the address is not archived again. Without URL, print the log.
    """
    archive = readable(db)
    if url is not None and not lifted and not (reason or "").strip():
        raise click.UsageError("--reason is missing: the public log says why")
    try:
        if url is not None and lifted:
            lift(archive, url)
        elif url is not None:
            take_down(archive, url, (reason or "").strip())
    except TakedownError as error:
        raise click.ClickException(printable(error)) from error
    if url is not None and not lifted:
        click.echo(LEFT_TO_DO, err=True)
    log = takedown_log(archive) if url is None else takedown_log(archive)[:1]
    if as_json:
        print_json(log)
        return
    for entry in log:
        state = f"lifted {entry['lifted']}" if entry["lifted"] else "withdrawn"
        where = f"article {entry['article']}" if entry["article"] is not None else "not archived"
        click.echo(printable(f"{entry['created']} {entry['url']} ({where}): {state}: {entry['reason']}"))
