"""The fuzzer of benchmarks/fuzz.py, briefly: what is found later is found here first."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

from tests.small_archive import build

SCRIPT = Path(__file__).parents[1] / "benchmarks" / "fuzz.py"


@pytest.fixture(scope="module")
def fuzzer(tmp_path_factory: pytest.TempPathFactory) -> ModuleType:
    spec = importlib.util.spec_from_file_location("fuzz", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["fuzz"] = module
    spec.loader.exec_module(module)
    module.DATABASE = build(tmp_path_factory.mktemp("fuzz")).db  # type: ignore[attr-defined]
    return module


@pytest.mark.parametrize("target", ["urls", "routes", "dates", "queries", "pages", "robots"])
def test_made_up_input_breaks_nothing(fuzzer: ModuleType, target: str) -> None:
    assert fuzzer.fuzz(target, 300, 2) is None


def test_a_fault_would_be_found(fuzzer: ModuleType) -> None:
    def broken(text: str) -> None:
        assert ":99999" not in text

    fuzzer.TARGETS["broken"] = (broken, fuzzer.URLS)
    assert ":99999" in (fuzzer.fuzz("broken", 300, 2) or "")
