"""CSV and JSON Lines: whole, in UTF-8, a row at a time."""

import csv
import json
import re
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, TextIO

from archive.exports.tables import Extract

# Columns that hold JSON; where a format can nest, they are nested.
JSON_COLUMNS = frozenset({"tags", "dates", "terms", "kinds"})

CELL_UNITS = 32_000  # UTF-16 code units; Excel cuts a cell at 32,767 without a word
CUT_MARK = " […cut: the whole text is in the other formats]"
_LINE_BREAKS = re.compile("(?:\r\n|[\r\n\v\f\x1c-\x1e\x85\u2028\u2029])")
_FORMULA = re.compile(r"\s*[=+\-@＝＋－＠]|[\t\r\n]")
_NUMBER = re.compile(r"[+-]?\d+(?:[.,]\d+)?$")


def write_csv(stream: TextIO, extract: Extract, rows: sqlite3.Cursor) -> None:
    """Write RFC 4180: a header, CRLF between records, values as they are, NULL as an empty field.

    ``stream`` must not translate newlines.
    """
    writer = csv.writer(stream, lineterminator="\r\n")
    writer.writerow(extract.columns)
    writer.writerows(rows)


def write_csv_excel(stream: TextIO, extract: Extract, rows: sqlite3.Cursor) -> None:
    """Write CSV that Excel opens by a double click without harm or garble.

    With a byte order mark; no newline inside a cell; long cells cut with a mark; text that a spreadsheet
    would run as a formula is preceded by an apostrophe. Numbers stay numbers.
    """
    stream.write("\ufeff")
    writer = csv.writer(stream, lineterminator="\r\n")
    writer.writerow(extract.columns)
    writer.writerows([spreadsheet_cell(value) for value in row] for row in rows)


def spreadsheet_cell(value: Any) -> Any:
    """Return a value as it may stand in a spreadsheet's cell."""
    if not isinstance(value, str):
        return value
    cell = _LINE_BREAKS.sub(" ", value).replace("\x00", "")
    if _FORMULA.match(value) and not _NUMBER.match(value):
        cell = "'" + cell
    return cut_cell(cell)


def cut_cell(cell: str) -> str:
    """Return a text no longer than a spreadsheet's cell holds, marked where it was cut."""
    if len(cell) * 2 <= CELL_UNITS:
        return cell
    units = cell.encode("utf-16-le")
    if len(units) <= CELL_UNITS * 2:
        return cell
    return units[: (CELL_UNITS - len(CUT_MARK)) * 2].decode("utf-16-le", "ignore") + CUT_MARK


def write_jsonl(stream: TextIO, extract: Extract, rows: sqlite3.Cursor) -> None:
    """Write one JSON object a line, keys in the order of the columns, columns of JSON nested."""
    encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
    stream.writelines(encode(record) + "\n" for record in records(extract.columns, rows))


def records(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> Iterator[dict[str, Any]]:
    """Return rows as dicts, columns of JSON decoded."""
    nested = [name for name in columns if name in JSON_COLUMNS]
    for row in rows:
        record = dict(zip(columns, row, strict=True))
        for name in nested:
            if record[name]:
                record[name] = json.loads(record[name])
        yield record
