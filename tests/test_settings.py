"""Every budget is documented with the default it has."""

import re
from pathlib import Path

from crawlers import settings

DOCS = Path(__file__).parents[1] / "docs" / "settings.md"
OUR_OWN = re.compile(r"^([A-Z_]+) = ([\d._]+)  #", re.MULTILINE)
WIRING = {
    "DOWNLOAD_DELAY_JITTER",
    "CONCURRENT_ITEMS",
    "CONCURRENT_REQUESTS",
    "CONCURRENT_REQUESTS_PER_DOMAIN",
}


def test_every_budget_is_in_the_docs_with_its_default() -> None:
    documented = dict(
        re.findall(r"^\| `([A-Z_]+)` \| ([\d.]+) \|", DOCS.read_text(encoding="utf-8"), re.MULTILINE)
    )
    source = Path(settings.__file__).read_text(encoding="utf-8")
    declared = {
        name: str(getattr(settings, name)) for name, _ in OUR_OWN.findall(source) if name not in WIRING
    }
    assert {name: documented.get(name) for name in declared} == declared
    assert {name for name in documented if not hasattr(settings, name)} == set()
