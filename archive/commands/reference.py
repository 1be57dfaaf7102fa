"""docs/cli.md: the help of every command, as the commands themselves give it.

python -m archive.commands.reference > docs/cli.md
"""

import sys

import click

from archive.cli import COMMANDS, HELP_OPTIONS, main

WIDTH = 100  # columns


def reference() -> str:
    """Return the page."""
    lines = [
        "# Commands",
        "",
        "Made by `python -m archive.commands.reference > docs/cli.md`; do not edit here.",
        "",
        "An option's value is the one given, else the environment variable `BILATERAL_<OPTION>`, else the one in",
        "`bilateral.toml` in the working directory (at its top, or in a table named after the command), else the",
        "default.",
        "",
        "Exit codes: 0 done; 1 failed; 2 wrong usage or configuration; 3 another crawl holds this archive.",
        "",
    ]
    context = click.Context(main, info_name="bilateral", help_option_names=HELP_OPTIONS)
    for name in COMMANDS:
        command = main.get_command(context, name)
        assert command is not None
        lines += _section(command, name, context)
    return "\n".join(lines)


def _section(command: click.Command, name: str, parent: click.Context) -> list[str]:
    context = click.Context(
        command, info_name=name, parent=parent, terminal_width=WIDTH, max_content_width=WIDTH
    )
    lines = [f"## {context.command_path}", "", "```", command.get_help(context).rstrip(), "```", ""]
    if isinstance(command, click.Group):
        for below in command.list_commands(context):
            lines += _section(command.commands[below], below, context)
    return lines


if __name__ == "__main__":
    sys.stdout.write(reference())
