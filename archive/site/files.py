"""Articles as lines of CSV, for stories."""

import csv
import io
from collections.abc import Iterable
from typing import Any

from archive.exports.text_formats import spreadsheet_cell

CSV_COLUMNS = (
    "id", "url", "outlet", "country", "language", "title", "description", "authors", "section", "published",
    "published_local", "modified", "first_seen", "last_checked", "grade", "score", "word_count", "revisions",
    "story", "copy_group", "wire", "paywalled", "completeness", "form", "status", "sha256",
)  # fmt: skip


def csv_lines(rows: Iterable[Iterable[Any]]) -> str:
    """Return rows as lines of CSV. What a spreadsheet would run as a formula is preceded by an apostrophe."""
    buffer = io.StringIO()
    csv.writer(buffer).writerows([spreadsheet_cell(value) for value in row] for row in rows)
    return buffer.getvalue()
