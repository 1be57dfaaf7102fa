"""Exports that cannot be finished: a full disk, a closed pipe, a signal. Nobody ever finds half a file."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from archive.cli import main
from archive.export import FORMATS
from tests.small_archive import Small, build


@pytest.fixture
def small(tmp_path: Path) -> Small:
    return build(tmp_path)


def run(small: Small, *arguments: str) -> Result:
    return CliRunner().invoke(main, ["export", "--db", str(small.path), *arguments])


FULL = """
import resource, signal, sys
from click.testing import CliRunner
from archive.cli import main
from archive.export import FORMATS
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (2_000, resource.RLIM_INFINITY))
for form in [*FORMATS, "datapackage"]:
    arguments = ["export", "--db", sys.argv[1], "--format", form, "-o", f"{sys.argv[2]}/out.{form}"]
    result = CliRunner().invoke(main, arguments)
    print(form, result.exit_code, type(result.exception).__name__, result.output.strip())
"""


def test_a_full_disk_is_told_in_words_and_leaves_nothing(small: Small, tmp_path: Path) -> None:
    folder = tmp_path / "full"
    folder.mkdir()
    done = subprocess.run(
        [sys.executable, "-c", FULL, str(small.path), str(folder)], capture_output=True, text=True, check=True
    )
    lines = done.stdout.splitlines()
    assert len(lines) == len(FORMATS) + 1
    for line in lines:
        assert re.match(r"\S+ 1 SystemExit Error: \S+/out\.\S+: .*File too large", line), line
    assert done.stderr == ""
    assert list(folder.iterdir()) == []


def start(small: Small, *arguments: str, **options: Any) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-m", "archive.cli", "export", "--db", str(small.path), *arguments]
    return subprocess.Popen(command, stderr=subprocess.PIPE, **options)


def test_a_reader_that_has_seen_enough_ends_the_export_quietly(small: Small) -> None:
    lengthen(small)
    process = start(small, stdout=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.readline()
    process.stdout.close()
    _, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (1, b"")


def test_what_cannot_be_written_to_is_named(small: Small, tmp_path: Path) -> None:
    for arguments, words in (
        (["-o", str(tmp_path)], "Is a directory"),
        (["-o", str(tmp_path / "nowhere" / "out.csv")], "No such file"),
        (["-o", "/dev/full"], "No space left"),
    ):
        result = run(small, *arguments)
        assert (result.exit_code, isinstance(result.exception, SystemExit)) == (1, True)
        assert arguments[1] in result.output
        assert words in result.output
    assert run(small, "-o", "/dev/full", "--format", "xlsx").exit_code == 2
    assert not Path("/dev/full").is_file()
    process = start(small, preexec_fn=lambda: os.close(1))
    _, errors = process.communicate(timeout=60)
    assert b"standard output: it is closed" in errors


def test_a_device_is_written_to_and_a_link_followed(small: Small, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    process = start(small, "-o", str(pipe), "--columns", "id")
    assert len(pipe.read_bytes().splitlines()) == 9
    assert process.wait(timeout=60) == 0
    link, target = tmp_path / "link.csv", tmp_path / "data.csv"
    link.symlink_to(target)
    assert run(small, "-o", str(link)).exit_code == 0
    assert link.is_symlink()
    assert target.read_bytes().count(b"https://") == 8
    assert not list(tmp_path.glob("pipe?*"))


@pytest.mark.parametrize(
    ("form", "number"),
    [
        ("csv", signal.SIGTERM),
        ("xlsx", signal.SIGINT),
        ("parquet", signal.SIGTERM),
        ("datapackage", signal.SIGINT),
    ],
)
def test_an_interrupted_export_leaves_what_was_there(
    small: Small, tmp_path: Path, form: str, number: signal.Signals
) -> None:
    lengthen(small)
    folder = tmp_path / "out"
    folder.mkdir()
    process = start(small, "--format", form, "-o", str(folder / "out"))
    while not list(folder.iterdir()):
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(number)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == (1 if number == signal.SIGINT else 128 + number)
    assert b"Traceback" not in errors
    assert list(folder.iterdir()) == []


def lengthen(small: Small) -> None:
    """Put so many articles into the archive that an export takes seconds."""
    with small.db.conn:
        small.db.execute(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 30000) INSERT INTO articles"
            " (id, url, key, outlet, country, language, title, first_seen, last_checked, grade, score, word_count,"
            " sha256) SELECT i, 'u' || i, 'k' || i, 'faro', 'MX', 'es', 'nota ' || i, '', '', 1, 1, 1, '' FROM n"
        )
