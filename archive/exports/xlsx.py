"""XLSX, written a row at a time. Text is typed as text: no cell is a formula, whatever it begins with."""

import io
import re
import tempfile
from datetime import datetime
from pathlib import Path
from sqlite3 import Cursor
from typing import Any

import xlsxwriter
from xlsxwriter.exceptions import FileCreateError
from xlsxwriter.worksheet import Worksheet

from archive.codebook import column
from archive.exports.tables import Extract
from archive.exports.text_formats import REPLACEMENT, UNPRINTABLE, cut_cell

SHEET_ROWS = 1_000_000  # Excel's limit is 1,048,576
EXACT_INTEGER = 1 << 53  # a spreadsheet's numbers are exact up to here
_CONTROLS = re.compile(f"{UNPRINTABLE.pattern}|[\v\f\x1c-\x1e]")


class _Target(io.FileIO):
    """A file that gives up at its first failure: a zip file that is thrown away would try, and complain, again."""

    failed = False

    def write(self, data: Any) -> int:
        """Write, or after a failure pretend to. Raises OSError, once."""
        if self.failed:
            return len(data)
        try:
            return super().write(data) or 0
        except OSError:
            self.failed = True
            raise


def write_xlsx(path: Path, extract: Extract, rows: Cursor) -> None:
    """Write the rows to a workbook, and the meaning of the columns to its last sheet. Raises OSError.

    The sheets lie beside the file, as text, until it is put together.
    """
    with (
        tempfile.TemporaryDirectory(dir=path.parent, prefix=f"{path.name}.") as sheets,
        _Target(path, "w") as file,
    ):
        options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False,
                   "strings_to_numbers": False, "use_zip64": True, "tmpdir": sheets}  # fmt: skip
        workbook = xlsxwriter.Workbook(file, options)
        workbook.set_properties({"title": f"Bilateral: {extract.table}", "created": datetime(2026, 1, 1)})
        _write_rows(workbook, extract, rows)
        _write_codebook(workbook.add_worksheet("codebook"), extract)
        try:
            workbook.close()
        except FileCreateError as error:
            raise error.args[0] from error  # the library's cover of an OSError


def _write_rows(workbook: Any, extract: Extract, rows: Cursor) -> None:
    sheet, number = _begin(workbook, extract, 1), 1
    line = 0
    for row in rows:
        if line == SHEET_ROWS:
            number += 1
            sheet, line = _begin(workbook, extract, number), 0
        line += 1
        _write_row(sheet, line, row)


def _begin(workbook: Any, extract: Extract, number: int) -> Worksheet:
    name = extract.table if number == 1 else f"{extract.table} {number}"
    sheet: Worksheet = workbook.add_worksheet(name)
    sheet.freeze_panes(1, 0)
    _write_row(sheet, 0, extract.columns)
    return sheet


def _write_row(sheet: Worksheet, line: int, values: tuple[object, ...]) -> None:
    for place, value in enumerate(values):
        if isinstance(value, str):
            if value:
                sheet.write_string(line, place, sheet_cell(value))
        elif isinstance(value, int | float):
            if abs(value) < EXACT_INTEGER:
                sheet.write_number(line, place, value)
            else:
                sheet.write_string(line, place, str(value))


def sheet_cell(text: str) -> str:
    """Return a text as a workbook holds it: line ends as a spreadsheet has them, other control characters marked.

    Else they are written as _x000D_ and the like, which not every reader turns back. Cut with a mark where needed.
    """
    return cut_cell(_CONTROLS.sub(REPLACEMENT, text.replace("\r\n", "\n").replace("\r", "\n")))


def _write_codebook(sheet: Worksheet, extract: Extract) -> None:
    _write_row(sheet, 0, ("column", "type", "English", "español"))
    for line, name in enumerate(extract.columns, 1):
        entry = column(extract.table, name)
        _write_row(sheet, line, (name, entry.type, entry.meaning.en, entry.meaning.es))
