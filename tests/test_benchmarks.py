"""The scripts that read data from outside the project say plainly when it is not there."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize("arguments", [["real_pages.py", "--pages"]])
def test_absent_data_is_named(arguments: list[str], tmp_path: Path) -> None:
    script, *options = arguments
    done = subprocess.run(
        [sys.executable, str(ROOT / "benchmarks" / script), *options, str(tmp_path / "nowhere")],
        capture_output=True, text=True, check=False, cwd=ROOT, env={"PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert done.returncode == 1
    assert "nowhere" in done.stderr
    assert "Traceback" not in done.stderr
