"""The regular expressions and word lists of patterns.toml."""

import re
import tomllib
from pathlib import Path
from typing import Any


def _compile(table: dict[str, Any]) -> re.Pattern[str]:
    return re.compile(
        f"{table.get('before', '')}(?:{'|'.join(table['alternatives'])}){table.get('after', '')}"
    )


_TABLES: dict[str, dict[str, Any]] = tomllib.loads(
    Path(__file__).with_name("patterns.toml").read_text(encoding="utf-8")
)
PATTERNS = {name: _compile(table) for name, table in _TABLES.items() if "alternatives" in table}
WORDS: dict[str, tuple[str, ...]] = {
    name: tuple(table["words"]) for name, table in _TABLES.items() if "words" in table
}
