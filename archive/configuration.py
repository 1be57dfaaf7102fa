"""`bilateral.toml`: values of options, at its top for all commands or in a table named after one."""

import tomllib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click


def configured(
    path: Path, name: str, commands: Sequence[str], load: Callable[[str], click.Command]
) -> dict[str, Any]:
    """Return what a file sets for the command ``name``, by the names of click's parameters.

    A key at the top is for every command that has this option. ``load`` gives a command by its name.
    Raises click.UsageError, with file and key, where the file is not TOML, has a table that is no command or a key
    that is no option.
    """
    values = _read(path)
    tables = {key: value for key, value in values.items() if isinstance(value, dict)}
    common = {key: value for key, value in values.items() if key not in tables}
    if strange := tables.keys() - set(commands):
        raise click.UsageError(f"{path}: [{min(strange)}] is not a command of bilateral")
    options = _options(load(name))
    if unknown := common.keys() - options.keys():
        # Only now is it worth loading every command.
        unknown = unknown.difference(*(_options(load(each)) for each in commands))
    if unknown:
        raise click.UsageError(f"{path}: {min(unknown)} is no option of bilateral")
    own = {key.replace("-", "_"): value for key, value in tables.get(name, {}).items()}
    for key, value in own.items():
        if key not in options and not isinstance(value, dict):
            raise click.UsageError(f"{path}: [{name}] {key} is no option of bilateral {name}")
    set_here = {key: value for key, value in common.items() if key in options} | own
    found = {options.get(str(key), str(key)): value for key, value in set_here.items()}
    return found | {below: found | found.get(below, {}) for below in _below(load(name))}


def _below(command: click.Command) -> list[str]:
    return list(command.commands) if isinstance(command, click.Group) else []


def _read(path: Path) -> dict[str, Any]:
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise click.UsageError(f"{path}: {error}") from error
    return {key.replace("-", "_"): value for key, value in values.items()}


def _options(command: click.Command) -> dict[str, str]:
    """Return click's name of each option of a command and of those below it, by the name the file has for it."""
    below = command.commands.values() if isinstance(command, click.Group) else ()
    names = {
        option.removeprefix("--").replace("-", "_"): str(parameter.name)
        for parameter in command.params
        if isinstance(parameter, click.Option)
        for option in parameter.opts
    }
    for each in below:
        names |= _options(each)
    return names
