"""`bilateral`: one command a stage of the line, one for each thing that is done with the archive.

This module only names the commands. Each is imported when it is called, so that ``bilateral judge``
does not wait for Scrapy; this is also the one place where ``archive`` reaches ``crawlers``.
"""

import importlib
import tomllib
from pathlib import Path
from typing import Any

import click

COMMANDS = {
    "crawl": "archive.commands.crawl:crawl",
    "add": "archive.commands.crawl:add",
    "search": "archive.commands.search:search",
    "export": "archive.commands.export:export",
    "serve": "archive.commands.serve:serve",
    "status": "archive.commands.status:status",
    "why": "archive.commands.status:why",
    "judge": "archive.commands.judge:judge",
    "topic": "archive.commands.judge:topic",
    "extract": "archive.commands.extract:extract",
    "reprocess": "archive.commands.reprocess:reprocess",
    "outlets": "archive.commands.outlets:outlets",
    "verify": "archive.commands.integrity:verify",
    "backup": "archive.commands.integrity:backup",
    "label": "archive.commands.evaluate:label",
    "sample": "archive.commands.evaluate:sample",
    "evaluate": "archive.commands.evaluate:evaluate",
    "agreement": "archive.commands.evaluate:agreement",
    "group": "archive.commands.group:group",
    "publish": "archive.commands.publish:publish",
    "snapshot": "archive.commands.snapshot:snapshot",
    "takedown": "archive.commands.takedown:takedown",
    "demo": "archive.commands.demo:demo",
}


class Commands(click.Group):
    """The group of commands, each loaded when it is asked for, all under the same configuration.

    An option's value is the one given, else the environment variable ``BILATERAL_<OPTION>``, else the one in
    ``bilateral.toml`` in the working directory (at the top, or in a table named after the command), else
    the default.
    """

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        target = COMMANDS.get(cmd_name)
        if target is None:
            return None
        module, _, name = target.partition(":")
        command: click.Command = getattr(importlib.import_module(module), name)
        _configure(command)
        return command


def _configure(command: click.Command) -> None:
    command.context_settings = {**command.context_settings, "auto_envvar_prefix": "BILATERAL"}
    if isinstance(command, click.Group):
        for below in command.commands.values():
            _configure(below)


def read_configuration(path: Path) -> dict[str, Any]:
    """Return the values of ``bilateral.toml`` by option name, the tables of single commands as dicts.

    Raises click.UsageError where the file is not TOML or names a table that is no command.
    """
    if not path.is_file():
        return {}
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise click.UsageError(f"{path}: {error}") from error
    values = {key.replace("-", "_"): value for key, value in values.items()}
    common = {key: value for key, value in values.items() if not isinstance(value, dict)}
    for name in set(values) - set(common):
        if name not in COMMANDS:
            raise click.UsageError(f"{path}: [{name}] is not a command of bilateral")
    return {
        name: {**common, **{k.replace("-", "_"): v for k, v in values.get(name, {}).items()}}
        for name in COMMANDS
    }


@click.command(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="bilateral", prog_name="bilateral")
@click.pass_context
def main(ctx: click.Context) -> None:
    """Monitor and archive coverage of the security talks between Mexico and the United States."""
    ctx.default_map = read_configuration(Path("bilateral.toml"))


if __name__ == "__main__":
    main()
