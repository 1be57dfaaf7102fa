"""`bilateral demo`: a tour without the network, through the same code as a crawl and the site."""

import logging
import sys
import tempfile
import tomllib
from datetime import datetime
from pathlib import Path

import click
from click.core import ParameterSource

from archive.commands.serve import run_site
from archive.grouping import group_archive
from archive.options import SHIPPED_TOPIC, plain_errors, readable, warc_folder, writable
from archive.times import set_clock
from archive.topic import TopicError

DEMO = Path(__file__).parents[1] / "demo"
NOTICE = (
    "Demostración: todos los medios y textos de este archivo son ficticios. / "
    "Demonstration: every outlet and every text in this archive is fictional."
)


@click.command()
@click.option(
    "--db",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Where to make the archive; must not exist yet.  [default: a new temporary folder]",
)
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("--port", type=click.IntRange(0, 65535), default=8001, show_default=True, help="The port.")
@click.option("--no-serve", is_flag=True, help="Make the archive and end, without serving it.")
@click.pass_context
def demo(ctx: click.Context, db: Path | None, host: str, port: int, no_serve: bool) -> None:
    """Replay a shipped recording of fictional outlets into a fresh archive, and serve it.

    Nothing is asked of the network. The outlets were visited three times, so that what they changed, removed
    and brought back shows. The archive's clock is the one of the visits.
    """
    click.echo(NOTICE, err=True)
    logging.getLogger("scrapy").setLevel(logging.ERROR)
    db = _fresh(ctx, db)
    visits = _visits()
    for number, moment in enumerate(visits, start=1):
        click.echo(f"visit {number} of {len(visits)}, {moment:%Y-%m-%d %H:%M} UTC", err=True)
        click.echo(f"  {_replay(db, number, moment)}", err=True)
    click.echo(f"archive: {db} ({_held(db)})", err=True)
    if not no_serve:
        run_site(db, host=host, port=port, notice="demo")


def _fresh(ctx: click.Context, db: Path | None) -> Path:
    """Return where the archive goes: fiction must never get into an archive that is there already."""
    given = ctx.get_parameter_source("db") is ParameterSource.COMMANDLINE
    if db is None or not given:
        return Path(tempfile.mkdtemp(prefix="bilateral-demo-")) / "archive.db"
    if db.exists():
        raise click.UsageError(f"--db {db}: exists already; the demonstration makes an archive of its own")
    return db


def _visits() -> list[datetime]:
    about = tomllib.loads((DEMO / "newsroom.toml").read_text(encoding="utf-8"))
    clocks: list[datetime] = about["clocks"]
    return clocks


def _replay(db: Path, number: int, moment: datetime) -> str:
    """Crawl one visit's recording, at the time of that visit. Returns what came of it, in words."""
    from crawlers.context import CrawlOptions  # noqa: TID251
    from crawlers.crawl import archive_lock, crawl  # noqa: TID251
    from crawlers.outlets import load_outlets  # noqa: TID251

    set_clock(moment)
    outlets = load_outlets(DEMO / "outlets.toml")
    options = CrawlOptions(
        db=db, warc_dir=warc_folder(db, None), topic=SHIPPED_TOPIC, outlets=outlets, declared=outlets,
        recheck="all", replay=DEMO / f"visit-{number}.yaml.gz", progress=sys.stderr.isatty(),
    )  # fmt: skip
    try:
        with plain_errors(), archive_lock(db):
            report = crawl(options)
    except TopicError as error:
        raise click.ClickException(str(error)) from error
    if report.outcome != "done":
        raise click.ClickException(f"the replay did not come to its end: {report.outcome}")
    archive = writable(db)
    group_archive(archive)
    archive.close()
    totals = report.totals
    return (
        f"{totals['fetched']} pages fetched, {totals['new']} new articles, {totals['revised']} revised,"
        f" {totals['off_topic']} off the subject"
    )


def _held(db: Path) -> str:
    archive = readable(db)
    counts = {table: archive[table].count for table in ("articles", "outlets", "revisions")}
    archive.close()
    changed = counts["revisions"] - counts["articles"]
    return f"{counts['articles']} articles of {counts['outlets']} outlets, {changed} of them changed later"
