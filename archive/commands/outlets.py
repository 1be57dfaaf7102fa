"""`bilateral outlets`: the registry as it stands, whether its routes are alive, and a block for a new outlet."""

import logging
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from archive.commands.crawl import contact_option, private_option, user_agent_option
from archive.models import Outlet
from archive.options import json_option, outlets_option, plain_errors, print_json, topic_option
from archive.urls import fetchable

if TYPE_CHECKING:
    from crawlers.route_check import Manner, RouteReport  # noqa: TID251

only_option = click.option(
    "--outlet", "only", multiple=True, metavar="ID", help="This outlet only; repeatable."
)
country_option = click.option(
    "--country", type=click.Choice(["MX", "US"]), help="Outlets of this country only."
)

TABLE_HEAD = """# Outlets

What the registry that is shipped (`crawlers/outlets.toml`) declares. Written by `bilateral outlets list --markdown`;
a test holds it against the registry. A number in brackets counts the routes that nobody has reported alive.

"""


@click.group()
def outlets() -> None:
    """The registry of outlets: list it, check its routes, discover those of a new one."""


@outlets.command("list")
@outlets_option
@country_option
@click.option("--markdown", is_flag=True, help="As the table of docs/outlets.md.")
@json_option
def list_outlets(outlets: Path, country: str | None, markdown: bool, as_json: bool) -> None:
    """List the outlets of the registry."""
    chosen = _chosen(_registry(outlets), (), country)
    if as_json:
        print_json([asdict(outlet) for outlet in chosen])
    elif markdown:
        click.echo(markdown_table(chosen), nl=False)
    else:
        for o in chosen:
            routes = f"{len(o.feeds)} feeds, {len(o.sitemaps)} sitemaps, {len(o.sections)} sections"
            click.echo(f"{o.id:24} {o.country} {o.language} {o.kind:12} {o.access:9} {routes:40} {o.name}")
        click.echo(f"{len(chosen)} outlets")


@outlets.command()
@outlets_option
@topic_option
@only_option
@country_option
@private_option
@user_agent_option
@contact_option
@json_option
@click.pass_context
def check(
    ctx: click.Context, outlets: Path, topic: Path, only: tuple[str, ...], country: str | None,
    allow_private_hosts: bool, user_agent: str | None, contact: str | None, as_json: bool,
) -> None:  # fmt: skip
    """Ask every route once: whether it is alive, can be read, and how new its newest item is.

    Obeys robots.txt and each outlet's delay; nothing is archived. Ends 0 whatever the routes answer.
    """
    from crawlers.route_check import check_routes  # noqa: TID251

    declared = _registry(outlets)
    chosen = _chosen(declared, only, country)
    manner = _manner(ctx, topic, allow_private_hosts, user_agent, contact)
    with plain_errors():
        reports = check_routes(chosen, declared, manner)
    if as_json:
        print_json({"summary": _summary(chosen, reports), "routes": [asdict(report) for report in reports]})
        return
    for report in reports:
        click.echo(f"{report.outlet}: {report.kind} {_printable(report.url)}: {_words(report)}")
    for line in _summary(chosen, reports).values():
        click.echo(line)


@outlets.command()
@click.argument("url")
@topic_option
@private_option
@user_agent_option
@contact_option
@json_option
@click.pass_context
def discover(
    ctx: click.Context, url: str, topic: Path, allow_private_hosts: bool, user_agent: str | None,
    contact: str | None, as_json: bool,
) -> None:  # fmt: skip
    """Print a ready [[outlet]] block for a homepage: the feeds, sitemaps and sections that answer.

    Looked for in robots.txt, on the homepage and in well-known places. Country, time zone and kind are
    guesses: look at them before you add the block.
    """
    from crawlers.route_check import NothingFound, registry_block  # noqa: TID251
    from crawlers.route_check import discover as find_routes  # noqa: TID251

    reason = fetchable(url)
    if reason is not None:
        raise click.UsageError(f"{_printable(url)}: {reason}")
    manner = _manner(ctx, topic, allow_private_hosts, user_agent, contact)
    try:
        with plain_errors():
            outlet, reports = find_routes(url, manner)
    except NothingFound as error:
        raise click.ClickException(_printable(str(error))) from error
    if as_json:
        print_json({"outlet": asdict(outlet), "routes": [asdict(report) for report in reports]})
        return
    for report in reports:
        click.echo(f"{report.kind} {_printable(report.url)}: {_words(report)}", err=True)
    click.echo(registry_block(outlet), nl=False)


def markdown_table(declared: Sequence[Outlet]) -> str:
    """Return the registry as docs/outlets.md shows it."""
    rows = [f"| {' | '.join(_cells(outlet))} |" for outlet in declared]
    per_country = {c: sum(o.country == c for o in declared) for c in ("MX", "US")}
    official = sum(outlet.kind == "official" for outlet in declared)
    return (
        f"{TABLE_HEAD}{len(declared)} outlets: {per_country['MX']} of Mexico, {per_country['US']} of the United"
        f" States; {official} of them official sources.\n\n"
        "| id | name | country | language | kind | time zone | feeds | sitemaps | sections | access | screen |\n"
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |\n" + "\n".join(rows) + "\n"
    )


def _cells(outlet: Outlet) -> list[str]:
    def count(urls: tuple[str, ...]) -> str:
        unverified = sum(url in outlet.unverified for url in urls)
        return f"{len(urls)} ({unverified})" if unverified else str(len(urls))

    return [
        f"`{outlet.id}`", f"[{outlet.name}]({outlet.homepage})", outlet.country, outlet.language, outlet.kind,
        outlet.timezone, count(outlet.feeds), count(outlet.sitemaps), count(outlet.sections), outlet.access,
        outlet.screen,
    ]  # fmt: skip


def _registry(path: Path) -> list[Outlet]:
    from crawlers.outlets import OutletError, load_outlets  # noqa: TID251

    try:
        return load_outlets(path)
    except OutletError as error:
        raise click.UsageError(str(error)) from error


def _chosen(declared: Sequence[Outlet], only: Sequence[str], country: str | None) -> list[Outlet]:
    unknown = sorted(set(only) - {outlet.id for outlet in declared})
    if unknown:
        raise click.UsageError(f"--outlet {unknown[0]}: the registry has no such outlet")
    return [o for o in declared if (not only or o.id in only) and (country is None or o.country == country)]


def _manner(
    ctx: click.Context, topic: Path, allow_private_hosts: bool, user_agent: str | None, contact: str | None
) -> "Manner":
    from crawlers.route_check import Manner  # noqa: TID251

    for name in ("crawlers", "scrapy", "twisted"):
        logging.getLogger(name).setLevel(logging.CRITICAL)  # what they would say is in the report
    settings = (ctx.default_map or {}).get("settings", {})
    return Manner(
        topic=topic, allow_private_hosts=allow_private_hosts, user_agent=user_agent, contact=contact,
        settings={name.upper(): value for name, value in settings.items()}, progress=sys.stderr.isatty(),
    )  # fmt: skip


def _words(report: "RouteReport") -> str:
    if report.state not in ("alive", "empty"):
        return f"{report.state}: {_printable(report.reason)}" if report.reason else report.state
    newest = f", newest {report.newest}" if report.newest else ""
    guess = ", though only a guess" if report.unverified else ""
    return f"{report.state}{guess}, {report.items} items{newest}"


def _summary(chosen: Sequence[Outlet], reports: Sequence["RouteReport"]) -> dict[str, Any]:
    alive = [report for report in reports if report.state == "alive"]
    served = {report.outlet for report in alive}
    without = [outlet.id for outlet in chosen if outlet.id not in served]
    guesses = [report for report in alive if report.unverified]
    return {
        "routes": f"{len(reports)} routes of {len(chosen)} outlets: {len(alive)} alive",
        "unverified": f"{len(guesses)} of those alive are declared unverified and need not be any longer",
        "without": f"{len(without)} outlets without a route that is alive: {', '.join(without) or 'none'}",
    }


def _printable(text: str) -> str:
    return "".join(c if c.isprintable() else "\ufffd" for c in text)
