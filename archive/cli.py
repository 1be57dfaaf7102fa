"""`bilateral`: one command a stage of the line, one for each thing that is done with the archive.

This module only names the commands. Each is imported when it is called, so that ``bilateral judge``
does not wait for Scrapy; this is also the one place where ``archive`` reaches ``crawlers``.
"""

import importlib
from pathlib import Path

import click

from archive.configuration import configured

CONFIGURATION = Path("bilateral.toml")

# name: (where it is, what it does). The words stand here so that `bilateral --help` need not load them all.
COMMANDS = {
    "crawl": (
        "archive.commands.crawl:crawl",
        "One pass over the outlets: discover, fetch, keep, judge, store.",
    ),
    "add": ("archive.commands.crawl:add", "Fetch and archive these pages by hand."),
    "search": ("archive.commands.search:search", "Search the archive."),
    "export": ("archive.commands.export:export", "Write the archive, or a selection of it, to files."),
    "serve": ("archive.commands.serve:serve", "Serve the archive as a site."),
    "status": ("archive.commands.status:status", "How each outlet is doing, and which are silent."),
    "why": ("archive.commands.status:why", "What happened to one URL."),
    "judge": ("archive.commands.judge:judge", "Judge texts given as JSON lines."),
    "topic": ("archive.commands.judge:topic", "Check the topic definition."),
    "extract": ("archive.commands.extract:extract", "Take the articles off saved pages."),
    "reprocess": ("archive.commands.reprocess:reprocess", "Extract and judge the stored pages again."),
    "outlets": ("archive.commands.outlets:outlets", "List, check and discover outlets."),
    "verify": ("archive.commands.integrity:verify", "Check that everything stored is whole."),
    "backup": ("archive.commands.integrity:backup", "Copy the database while it is in use."),
    "label": ("archive.commands.evaluate:label", "Record a person's judgement of a page."),
    "sample": ("archive.commands.evaluate:sample", "Draw verdicts for a person to code."),
    "evaluate": ("archive.commands.evaluate:evaluate", "Measure the judge against people's labels."),
    "agreement": (
        "archive.commands.evaluate:agreement",
        "Compare coded sheets with the judge and each other.",
    ),
    "group": ("archive.commands.group:group", "Find copies and stories."),
    "publish": ("archive.commands.publish:publish", "Build a site database by allow-list."),
    "snapshot": ("archive.commands.snapshot:snapshot", "Freeze a dated, citable data package."),
    "takedown": ("archive.commands.takedown:takedown", "Withdraw an article, with a public log entry."),
    "merge": ("archive.commands.merge:merge", "Bring another machine's archive into this one."),
    "backfill": ("archive.commands.backfill:backfill", "Years of coverage out of web archives."),
    "demo": ("archive.commands.demo:demo", "A tour without a network: fictional outlets, replayed."),
}


HELP_OPTIONS = ["-h", "--help"]


class Commands(click.Group):
    """The group of commands, each loaded when it is asked for, all under the same configuration.

    An option's value is the one given, else the environment variable ``BILATERAL_<OPTION>``, else the one in
    ``bilateral.toml`` in the working directory (at the top, or in a table named after the command), else
    the default.
    """

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands, in the order of the line."""
        return list(COMMANDS)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands without loading any."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, words) for name, (_, words) in COMMANDS.items()])

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Load one command."""
        if cmd_name not in COMMANDS:
            return None
        command = _load(cmd_name)
        _configure(command)
        return command


def _load(name: str) -> click.Command:
    module, _, attribute = COMMANDS[name][0].partition(":")
    command: click.Command = getattr(importlib.import_module(module), attribute)
    return command


def _configure(command: click.Command) -> None:
    command.context_settings = {
        **command.context_settings,
        "auto_envvar_prefix": "BILATERAL",
        "help_option_names": HELP_OPTIONS,
    }
    if isinstance(command, click.Group):
        for below in command.commands.values():
            _configure(below)


@click.command(cls=Commands, context_settings={"help_option_names": HELP_OPTIONS, "max_content_width": 100})
@click.version_option(package_name="bilateral", prog_name="bilateral")
@click.pass_context
def main(ctx: click.Context) -> None:
    """Monitor and archive coverage of the security talks between Mexico and the United States."""
    name = ctx.invoked_subcommand
    if name is not None and CONFIGURATION.is_file():
        ctx.default_map = {name: configured(CONFIGURATION, name, list(COMMANDS), _load)}


if __name__ == "__main__":
    main()
