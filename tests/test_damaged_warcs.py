"""Of a WARC file in whatever state, every record that is whole is read, and no page is given out that is not."""

import io
import re
from collections.abc import Callable

import pytest

from archive.backfill.captures import Capture, captures
from archive.backfill.hosts import Hosts
from archive.backfill.records import Seen
from archive.models import Outlet
from crawlers.outlets import load_outlets
from tests import damaged_warcs, warcs
from tests.damaged_warcs import Case

CASES = list(damaged_warcs.cases())


@pytest.fixture(scope="module")
def owner(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Outlet | None]:
    registry = tmp_path_factory.mktemp("registry") / "outlets.toml"
    registry.write_text(warcs.REGISTRY, encoding="utf-8")
    return Hosts(load_outlets(registry)).owner


def read(data: bytes, owner: Callable[[str], Outlet | None]) -> tuple[list[bytes], Seen]:
    seen = Seen()
    found = [each for each in captures(io.BytesIO(data), owner, seen) if isinstance(each, Capture)]
    return [each.body for each in found if each.body], seen


def letters(bodies: list[bytes]) -> str:
    return "".join(
        sorted(match[1].decode() for body in bodies if (match := re.search(rb": (.)</title>", body)))
    )


@pytest.mark.parametrize("case", CASES, ids=[case.name[:60] for case in CASES])
def test_what_is_whole_is_read(case: Case, owner: Callable[[str], Outlet | None]) -> None:
    found, seen = read(case.data, owner)
    assert letters(found) == case.pages
    if case.noted is not None:
        assert bool(seen.errors) == case.noted, seen.errors


@pytest.mark.parametrize("seed", range(150))
def test_damage_at_random_touches_nothing_else(seed: int, owner: Callable[[str], Outlet | None]) -> None:
    data, untouched = damaged_warcs.damaged(seed)
    found, _ = read(data, owner)
    whole = {damaged_warcs.body(letter): letter for letter in "abcdefgh"}
    assert untouched <= {whole[body] for body in found if body in whole}
    if data[:2] == b"\x1f\x8b":  # a checksum tells
        assert set(found) <= whole.keys()
