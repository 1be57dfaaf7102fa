"""The command line as a whole: every command is there, explained, and configured in the same ways."""

import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from archive.cli import COMMANDS, main
from archive.commands.reference import reference
from archive.store import open_archive

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_says_what_it_does_and_what_each_option_is_for(name: str) -> None:
    command = main.get_command(click.Context(main), name)
    assert command is not None
    assert command.help
    below = list(command.commands.values()) if isinstance(command, click.Group) else [command]
    for one in below:
        for parameter in one.params:
            if isinstance(parameter, click.Option):
                assert parameter.help, (one.name, parameter.name)
    shown = CliRunner().invoke(main, [name, "--help"])
    assert shown.exit_code == 0


def test_the_page_of_commands_is_current() -> None:
    page = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
    assert page == reference(), "run python -m archive.commands.reference > docs/cli.md"


def test_help_loads_no_command() -> None:
    code = (
        "import sys; from click.testing import CliRunner; from archive.cli import main;"
        " CliRunner().invoke(main, ['--help']); print(any(m.startswith('archive.commands.') for m in sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_option_goes_before_environment_before_file_before_default(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("option", "environment", "file"):
        open_archive(tmp_path / f"{name}.db").close()
    monkeypatch.chdir(tmp_path)

    def used(*arguments: str) -> str:
        (tmp_path / "here").mkdir(exist_ok=True)
        shown = CliRunner().invoke(main, ["backup", str(tmp_path / "here" / "copy.db"), *arguments])
        return shown.output + str(shown.exception or "")

    assert "data/archive.db" in used()
    (tmp_path / "bilateral.toml").write_text('db = "missing-file.db"\n')
    assert "missing-file.db" in used()
    (tmp_path / "bilateral.toml").write_text('db = "missing-file.db"\n[backup]\ndb = "missing-table.db"\n')
    assert "missing-table.db" in used()
    monkeypatch.setenv("BILATERAL_DB", "missing-environment.db")
    assert "missing-environment.db" in used()
    assert "missing-option.db" in used("--db", "missing-option.db")


def test_a_bad_configuration_file_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "bilateral.toml").write_text("db = \n")
    shown = CliRunner().invoke(main, ["verify"])
    assert shown.exit_code == 2
    assert "bilateral.toml" in shown.output
    (tmp_path / "bilateral.toml").write_text("[crwal]\nevery = '30m'\n")
    shown = CliRunner().invoke(main, ["verify"])
    assert shown.exit_code == 2
    assert "crwal" in shown.output


def test_the_configuration_reaches_the_commands_below_a_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "bilateral.toml").write_text("outlets = 'none-such.toml'\n")
    shown = CliRunner().invoke(main, ["outlets", "list"])
    assert (shown.exit_code, "none-such.toml" in shown.output) == (2, True)


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ("db_path = 'a.db'\n", "bilateral.toml: db_path is no option of bilateral\n"),
        ("[verify]\nevry = '30m'\n", "bilateral.toml: [verify] evry is no option of bilateral verify\n"),
        ("db = 'a.db'\nevery = '30m'\nwarc-dir = 'w'\n[verify]\njson = true\n", '"'),
    ],
)
def test_an_unknown_option_in_the_configuration_is_named(
    written: str, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    open_archive(tmp_path / "a.db").close()
    (tmp_path / "bilateral.toml").write_text(written)
    shown = CliRunner().invoke(main, ["verify"])
    assert words in shown.output
    assert shown.exit_code == (0 if words == '"' else 2)


@pytest.mark.parametrize(
    "name", [name for name in COMMANDS if name not in ("judge", "extract", "demo", "outlets", "topic")]
)
def test_no_command_ends_in_a_traceback_where_there_is_no_archive(name: str, tmp_path: Path) -> None:
    arguments = {
        "search": ["armas"],
        "why": ["http://x.example/a"],
        "backup": [str(tmp_path / "copy.db")],
        "label": ["http://x.example/a", "2"],
        "publish": [str(tmp_path / "site"), "--full"],
        "snapshot": ["2026-11"],
        "takedown": ["http://x.example/a", "--reason", "asked"],
        "agreement": [str(tmp_path / "none.csv")],
    }
    if name in ("crawl", "add", "serve"):
        pytest.skip("makes an archive, or needs the network")
    missing = ["--db", str(tmp_path / "none.db")] if name != "agreement" else []
    shown = CliRunner().invoke(main, [name, *arguments.get(name, []), *missing])
    assert shown.exit_code in (1, 2), shown.output
    assert shown.exception is None or isinstance(shown.exception, SystemExit), shown.exception
