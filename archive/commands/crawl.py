"""`bilateral crawl` and `bilateral add`: the commands that ask the network."""

import contextlib
import logging
import re
import sqlite3
import sys
import time
import traceback
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from archive.models import Outlet
from archive.options import (
    EXIT_FAILED,
    EXIT_LOCKED,
    db_option,
    json_option,
    named_scheduler,
    outlets_option,
    plain_errors,
    print_json,
    topic_option,
    warc_dir_option,
    warc_folder,
)
from archive.pages import find_page
from archive.store import open_archive, save_outlets
from archive.urls import belongs_to, fetchable

if TYPE_CHECKING:
    from crawlers.context import CrawlOptions  # noqa: TID251
    from crawlers.crawl import CrawlReport  # noqa: TID251

INTERVAL = re.compile(r"(\d+(?:\.\d+)?)\s*(s|m|h|d)?")
UNIT_SECONDS = {None: 60.0, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


class Interval(click.ParamType[float]):
    """A length of time: 90s, 30m, 2h, 1d; a number alone is minutes."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Return seconds."""
        match = INTERVAL.fullmatch(str(value).strip())
        if match is None or float(match[1]) <= 0:
            self.fail(f"{value!r} is no length of time such as 30m or 2h", param, ctx)
        return float(match[1]) * UNIT_SECONDS[match[2]]


def _day(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    try:
        return date.fromisoformat(value).isoformat() if value is not None else None
    except ValueError:
        raise click.BadParameter(f"{value!r} is no date such as 2026-01-31") from None


user_agent_option = click.option(
    "--user-agent", help="The name sent to servers.  [default: bilateral/VERSION with the contact]"
)
contact_option = click.option(
    "--contact", help="The address named in the user agent, for those who want us to stop."
)
private_option = click.option(
    "--allow-private-hosts", is_flag=True,
    help="Let outlets declared on a loopback address be asked there; other private addresses stay refused.",
)  # fmt: skip
_file = click.Path(path_type=Path, dir_okay=False)


@click.command()
@db_option
@warc_dir_option
@outlets_option
@topic_option
@click.option("--outlet", "only", multiple=True, metavar="ID", help="Visit this outlet only; repeatable.")
@click.option("--country", type=click.Choice(["MX", "US"]), help="Visit outlets of this country only.")
@click.option(
    "--recheck",
    type=click.Choice(["due", "all", "none"]),
    default="due",
    show_default=True,
    help="Which archived articles to look at again.",
)
@click.option("--every", type=Interval(), metavar="TIME", help="Stay, and crawl again every 30m, 2h, …")
@click.option("--max-pages", type=click.IntRange(min=0), help="Fetch at most so many article pages.")
@click.option("--since", callback=_day, metavar="DATE", help="Leave out what was published before this day.")
@private_option
@click.option("--record", type=_file, help="Record all answers to a cassette (.yaml or .yaml.gz).")
@click.option("--replay", type=_file, help="Answer from a cassette; the network is not asked.")
@click.option(
    "--fleet", is_flag=True, help="Crawl on a Dask cluster, a task for each group of outlets (docs/scale.md)."
)
@click.option("--scheduler", metavar="ADDRESS", help="The Dask scheduler of the fleet, as tcp://host:8786.")
@click.option(
    "--scheduler-file",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="The file a Dask scheduler wrote its address to.",
)
@user_agent_option
@contact_option
@click.option("--verbose", "-v", is_flag=True, help="Log more.")
@json_option
@click.pass_context  # fmt: skip
def crawl(
    ctx: click.Context, db: Path, warc_dir: Path | None, outlets: Path, topic: Path, only: tuple[str, ...],
    country: str | None, recheck: str, every: float | None, max_pages: int | None, since: str | None,
    allow_private_hosts: bool, record: Path | None, replay: Path | None, fleet: bool, scheduler: str | None,
    scheduler_file: Path | None, user_agent: str | None, contact: str | None, verbose: bool, as_json: bool,
) -> None:  # fmt: skip
    """Visit the outlets once: discover, fetch, snapshot, extract, judge, store; revisit what is due.

    Ends 0 even if some outlets failed: the summary says which, and why. What was not done is done by the
    next crawl. Exit code 3 means that another crawl holds this archive.
    """
    if record is not None and replay is not None:
        raise click.UsageError("--record and --replay exclude one another")
    address = _fleet_address(scheduler, scheduler_file, fleet=fleet)
    if fleet and (record or replay or max_pages is not None):
        raise click.UsageError("--fleet goes without --record, --replay and --max-pages")
    _set_up_logging(verbose=verbose)
    _prepare()
    declared = _registry(outlets)
    options = _options(
        ctx, db=db, warc_dir=warc_folder(db, warc_dir), topic=topic, outlets=_chosen(declared, only, country),
        declared=declared, recheck=recheck, max_pages=max_pages, since=since, record=record, replay=replay,
        allow_private_hosts=allow_private_hosts, user_agent=user_agent, contact=contact,
    )  # fmt: skip
    with _holding(db):
        while True:
            began = time.monotonic()
            report = _run(options) if address is None else _run_fleet(options, address)
            if as_json:
                print_json(asdict(report))
            else:
                _print_summary(report)
            if not report.ok:
                sys.exit(EXIT_FAILED)
            if every is None or report.outcome == "stopped":
                return
            _wait(every - (time.monotonic() - began))


@click.command()
@db_option
@warc_dir_option
@outlets_option
@topic_option
@private_option
@user_agent_option
@contact_option
@json_option
@click.argument("urls", nargs=-1, required=True, metavar="URL…")
@click.pass_context
def add(
    ctx: click.Context, db: Path, warc_dir: Path | None, outlets: Path, topic: Path, allow_private_hosts: bool,
    user_agent: str | None, contact: str | None, as_json: bool, urls: tuple[str, ...],
) -> None:  # fmt: skip
    """Fetch and archive these pages by hand, whatever the headline screen says. - reads URLs from stdin.

    A page off the subject is fetched and judged, and its reasons are kept, but it is not archived.
    """
    _set_up_logging(verbose=False)
    _prepare()
    declared = _registry(outlets)
    wanted = [line.strip() for url in urls for line in (sys.stdin if url == "-" else [url]) if line.strip()]
    owned, refused = _owners(declared, wanted)
    results = [{"url": url, "state": "failed", "reason": reason} for url, reason in refused.items()]
    if owned:
        owners = list({outlet.id: outlet for outlet, _ in owned}.values())
        options = _options(
            ctx, db=db, warc_dir=warc_folder(db, warc_dir), topic=topic, outlets=owners, declared=declared,
            recheck="none", allow_private_hosts=allow_private_hosts, user_agent=user_agent,
            contact=contact, urls=owned,
        )  # fmt: skip
        with _holding(db):
            report = _run(options)
        results += _found(db, [url for _, url in owned])
        if not report.ok:
            raise click.ClickException(report.outcome)
    _print_added(results, as_json=as_json)
    if any(result["state"] in ("failed", "blocked", "queued") for result in results):
        sys.exit(EXIT_FAILED)


def _fleet_address(scheduler: str | None, scheduler_file: Path | None, *, fleet: bool) -> str | None:
    """Return the address of the fleet's scheduler; None where this machine crawls."""
    address = named_scheduler(scheduler, scheduler_file)
    if fleet != (address is not None):
        raise click.UsageError("--fleet and --scheduler (or --scheduler-file) go together")
    return address


def _prepare() -> None:
    from crawlers.workers import prepare  # noqa: TID251 - before all else: it loads while we do

    prepare()


def _registry(path: Path) -> list[Outlet]:
    from crawlers.outlets import OutletError, load_outlets  # noqa: TID251

    try:
        return load_outlets(path)
    except OutletError as error:
        raise click.UsageError(str(error)) from error


def _chosen(declared: list[Outlet], only: Sequence[str], country: str | None) -> list[Outlet]:
    known = {outlet.id for outlet in declared}
    for name in only:
        if name not in known:
            raise click.UsageError(f"--outlet {name}: the registry has no such outlet")
    return [
        outlet
        for outlet in declared
        if (not only or outlet.id in only) and (country is None or outlet.country == country)
    ]


def _owners(declared: list[Outlet], urls: Sequence[str]) -> tuple[list[tuple[Outlet, str]], dict[str, str]]:
    owned, refused = [], {}
    for url in urls:
        reason = fetchable(url)
        owner = next((o for o in declared if reason is None and belongs_to(url, o.homepage, o.hosts)), None)
        if owner is not None:
            owned.append((owner, url))
        else:
            refused[url] = reason or "no outlet of the registry has this host"
    return owned, refused


def _options(ctx: click.Context, **values: Any) -> "CrawlOptions":
    from crawlers import settings as known  # noqa: TID251
    from crawlers.context import CrawlOptions  # noqa: TID251

    settings = (ctx.default_map or {}).get("settings", {})
    named = {name.upper(): value for name, value in settings.items()}
    for name in named:
        if not hasattr(known, name):
            raise click.UsageError(
                f"bilateral.toml: [crawl.settings] {name} is no setting: see docs/settings.md"
            )
    return CrawlOptions(**values, settings=named, progress=sys.stderr.isatty())


@contextlib.contextmanager
def _holding(db: Path) -> Iterator[None]:
    from crawlers.crawl import ArchiveLocked, archive_lock  # noqa: TID251

    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(archive_lock(db))
        except ArchiveLocked as error:
            click.echo(f"Error: {error}", err=True)
            sys.exit(EXIT_LOCKED)
        except OSError as error:
            raise click.ClickException(f"{db}: {error.strerror or error}") from error
        yield


def _run(options: "CrawlOptions") -> "CrawlReport":
    from archive.topic import TopicError
    from crawlers.crawl import crawl as run_crawl  # noqa: TID251
    from crawlers.failures import CassetteError  # noqa: TID251

    try:
        with plain_errors():
            report = run_crawl(options)
            settle(options.db, changed=report.totals["new"] + report.totals["revised"] > 0)
            return report
    except (TopicError, CassetteError) as error:
        raise click.UsageError(str(error)) from error


def _run_fleet(options: "CrawlOptions", scheduler: str) -> "CrawlReport":
    """Crawl on a cluster. A group that failed is named on standard error, and in the report."""
    from archive.cluster import EngineError
    from crawlers.fleet import crawl_fleet  # noqa: TID251

    archive = open_archive(options.db)
    try:
        save_outlets(archive, [*options.declared, *options.outlets])
        with plain_errors():
            report = crawl_fleet(options, archive, scheduler, lambda line: click.echo(line, err=True))
    except EngineError as error:
        raise click.ClickException(f"{error}; crawl again and it goes on where it was") from error
    finally:
        archive.close()
    settle(options.db, changed=report.totals["new"] + report.totals["revised"] > 0)
    return report


def settle(path: Path, *, changed: bool) -> None:
    """Learn the outlets' habits from what came in, and group it, with what was left before."""
    from archive.boilerplate import learn_boilerplate
    from archive.grouping import group_archive
    from archive.habit import mark_teasers

    archive = open_archive(path)
    try:
        if changed:
            learn_boilerplate(archive)
            mark_teasers(archive)
        group_archive(archive)
    except (sqlite3.Error, OSError):
        raise
    except Exception as error:  # of what the articles say: the crawl itself is done, and its books are closed
        logging.getLogger(__name__).debug("grouping failed", exc_info=True)
        click.echo(f"not grouped: {type(error).__name__}: {error}; `bilateral group` tries again", err=True)
    finally:
        archive.close()


def _wait(seconds: float) -> None:
    if seconds > 0:
        click.echo(f"next crawl in {seconds / 60:.0f} minutes", err=True)
        try:
            time.sleep(seconds)
        except KeyboardInterrupt:
            sys.exit(0)


def _print_summary(report: "CrawlReport") -> None:
    for outlet in report.outlets:
        failed = [f"{route['kind']} {route['url']}: {route['reason']}" for route in outlet["failed_routes"]]
        if not (outlet["note"] or failed or any(outlet[name] for name in ("discovered", "new", "revised"))):
            continue
        click.echo(
            f"{outlet['id']}: {outlet['discovered']} found, {outlet['fetched']} fetched, {outlet['new']} new,"
            f" {outlet['revised']} revised, {outlet['off_topic']} off the subject, {outlet['failed']} failed"
            + (f" ({outlet['note']})" if outlet["note"] else "")
        )
        for line in failed:
            click.echo(f"  {line}")
    totals = report.totals
    click.echo(
        f"crawl {report.crawl} {report.outcome} in {report.seconds:.0f} s: {len(report.outlets)} outlets,"
        f" {totals['discovered']} pages found, {totals['fetched']} fetched, {totals['not_modified']} unchanged,"
        f" {totals['new']} new articles, {totals['revised']} revised, {totals['off_topic']} off the subject,"
        f" {totals['failed']} failed; {report.left} pages left for the next crawl"
    )


def _found(db: Path, urls: Sequence[str]) -> list[dict[str, Any]]:
    with plain_errors():
        archive = open_archive(db)
    results = []
    for url in urls:
        page = find_page(archive, url)
        known = page and {name: page[name] for name in ("state", "reason", "article")}
        results.append({"url": url, **(known or {"state": "failed", "reason": "it was not filed"})})
    archive.close()
    return results


def _print_added(results: list[dict[str, Any]], *, as_json: bool) -> None:
    if as_json:
        print_json(results)
        return
    for result in results:
        reason = f" ({result['reason']})" if result["reason"] else ""
        article = f" article {result['article']}" if result.get("article") else ""
        click.echo(f"{result['url']}: {result['state']}{article}{reason}")


class _PlainFormatter(logging.Formatter):
    """One line a message, without a traceback, and with nothing in it that a terminal would act upon."""

    def formatException(self, ei: Any) -> str:  # noqa: N802 - logging's name
        """Return the last line of a traceback, and where it happened."""
        trace = traceback.extract_tb(ei[2])
        where = f" ({Path(trace[-1].filename).name}:{trace[-1].lineno})" if trace else ""
        return f"{ei[0].__name__}: {ei[1]}{where}"

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        line = " ".join(super().format(record).split())
        return "".join(c if c.isprintable() else "\ufffd" for c in line)


def _set_up_logging(*, verbose: bool) -> None:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_PlainFormatter("%(asctime)s %(levelname)s %(message)s", "%H:%M:%S"))
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    logging.getLogger("crawlers").setLevel(logging.DEBUG if verbose else logging.INFO)
    logging.getLogger("scrapy").setLevel(logging.ERROR)
    logging.getLogger("twisted").setLevel(logging.CRITICAL)
