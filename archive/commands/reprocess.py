"""`bilateral reprocess`: read the stored pages again."""

import os
import sys
from dataclasses import asdict
from pathlib import Path

import click
from tqdm import tqdm

from archive.boilerplate import learn_boilerplate
from archive.habit import mark_teasers
from archive.options import (
    EXIT_LOCKED,
    db_option,
    json_option,
    outlets_option,
    print_json,
    readable,
    topic_option,
    warc_dir_option,
    warc_folder,
)
from archive.reprocess import Counts
from archive.reprocess import reprocess as read_again
from archive.topic import TopicError


@click.command()
@db_option
@warc_dir_option
@outlets_option
@topic_option
@click.option("--anew", is_flag=True, help="Begin anew, not where an interrupted run stopped.")
@json_option
def reprocess(db: Path, warc_dir: Path | None, outlets: Path, topic: Path, anew: bool, as_json: bool) -> None:
    """Extract and judge again from the stored WARC snapshots, without the network.

    For when the code or the topic has changed. Articles now off the subject are left out of searches and
    counts, nothing of them is deleted; pages now on it become articles. Run it again if it was interrupted.
    """
    from crawlers.crawl import ArchiveLocked, archive_lock  # noqa: TID251
    from crawlers.outlets import OutletError, load_outlets  # noqa: TID251

    archive = readable(db)
    try:
        declared = {outlet.id: outlet for outlet in load_outlets(outlets)}
        with archive_lock(db), tqdm(unit=" pages", file=sys.stderr, disable=None) as bar:

            def progress(done: int, of: int) -> None:
                bar.total = of
                bar.update(done - bar.n)

            counts = read_again(
                archive,
                warc_folder(db, warc_dir),
                declared,
                topic,
                workers=len(os.sched_getaffinity(0)),
                anew=anew,
                progress=progress,
            )
            learn_boilerplate(archive)
            mark_teasers(archive)
    except ArchiveLocked as error:
        click.echo(f"Error: {error}", err=True)
        raise click.exceptions.Exit(EXIT_LOCKED) from error
    except (OutletError, TopicError) as error:
        raise click.UsageError(str(error)) from error
    except KeyboardInterrupt:
        raise click.ClickException("stopped; run it again and it goes on where it was") from None
    if as_json:
        print_json(asdict(counts))
    else:
        click.echo(_summary(counts))


def _summary(counts: Counts) -> str:
    return (
        f"{counts.read} pages read again: {counts.changed} articles changed, {counts.added} added,"
        f" {counts.fell_out} fell off the subject, {counts.came_back} came back;"
        f" {counts.unreadable} unreadable, {counts.missing} without a snapshot"
    )
