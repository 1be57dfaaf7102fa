"""`bilateral serve`: the site over the archive."""

import gc
import sys
from pathlib import Path

import click

from archive.options import db_option, plain_errors, readable
from archive.publish import published_edition

# How long a thread may keep the others waiting. Pages are read in many short steps: beside a download that is
# written, each would wait for Python's usual 5 ms.
SWITCH_SECONDS = 0.001


@click.command()
@db_option
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("--port", type=click.IntRange(0, 65535), default=8001, show_default=True, help="The port.")
@click.option("--public", is_flag=True, help="Show excerpts of the texts only.")
@click.option("--contact", default="", help="The address readers are given to write to.")
def serve(db: Path, host: str, port: int, public: bool, contact: str) -> None:
    """Serve the archive, or a database made by `bilateral publish`, as a site; crawls go on meanwhile."""
    with plain_errors():
        edition = published_edition(db)
    if edition is None:
        readable(db).close()
    run_site(db, host=host, port=port, public=public or edition == "public", contact=contact)


def run_site(
    db: Path, *, host: str, port: int, public: bool = False, contact: str = "", notice: str = ""
) -> None:
    """Serve until interrupted. Raises click.ClickException where the port is taken."""
    import uvicorn

    from archive.site.app import build_site

    site = build_site(db, public=public, notice=notice, contact=contact)
    # What is imported is there to stay. Python looked through it for garbage every so often, which held up
    # whoever was reading just then by 60 ms.
    gc.collect()
    gc.freeze()
    sys.setswitchinterval(SWITCH_SECONDS)
    click.echo(f"http://{host}:{port}/", err=True)
    server = uvicorn.Server(
        uvicorn.Config(
            site.app(), host=host, port=port, log_level="warning", lifespan="on", server_header=False
        )
    )
    try:
        server.run()
    except SystemExit as error:
        raise click.ClickException(f"cannot listen on {host}:{port}") from error
    except KeyboardInterrupt:
        pass  # the server has closed what was open, and raises it again
