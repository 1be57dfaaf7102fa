"""`bilateral demo`: a tour without the network, through the same code as a crawl and the site."""

import tempfile
import tomllib
from datetime import datetime
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from archive.commands.crawl import crawl
from archive.commands.serve import run_site
from archive.options import readable
from archive.times import set_clock

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
    db = _fresh(ctx, db)
    visits = _visits()
    for number, moment in enumerate(visits, start=1):
        click.echo(f"visit {number} of {len(visits)}: {moment:%Y-%m-%d %H:%M} UTC", err=True)
        _replay(ctx, db, number, moment)
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


def _replay(ctx: click.Context, db: Path, number: int, moment: datetime) -> None:
    replay = DEMO / f"visit-{number}.yaml.gz"
    set_clock(moment)
    # Only what the demonstration needs: a configuration that is about a real archive has no say here.
    values: dict[str, Any] = {"db": db, "outlets": DEMO / "outlets.toml", "recheck": "all", "replay": replay}
    ctx.invoke(crawl, **values)


def _held(db: Path) -> str:
    archive = readable(db)
    counts = {table: archive[table].count for table in ("articles", "outlets", "revisions")}
    archive.close()
    changed = counts["revisions"] - counts["articles"]
    return f"{counts['articles']} articles of {counts['outlets']} outlets, {changed} of them changed later"
