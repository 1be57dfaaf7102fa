"""CSV and JSON Lines: whole, in UTF-8, a row at a time."""

import csv
import json
import re
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, TextIO

from archive.codebook import column, tables
from archive.exports.tables import Extract

# Columns of the site's own queries that hold JSON; those of tables are told by the codebook.
JSON_COLUMNS = frozenset({"tags", "dates", "terms", "kinds"})

CELL_UNITS = 32_000  # UTF-16 code units; Excel cuts a cell at 32,767 without a word
CUT_MARK = " […cut: the whole text is in the other formats]"
UNPRINTABLE = re.compile("[\x00-\x08\x0e-\x1b\x1f\ufffe\uffff]")  # no character of XML, so of no workbook
REPLACEMENT = "\ufffd"
_LINE_BREAKS = re.compile("(?:\r\n|[\r\n\v\f\x1c-\x1e\x85\u2028\u2029])")
_LINE_ENDS = re.compile("[\x85\u2028\u2029]")  # line ends to some readers, and none to JSON
# What may stand before the sign: spaces, and characters that some programs drop or do not show.
_FORMULA = re.compile("[\\s\ufffd\ufeff\u200b-\u200f\u2060]*[=+\\-@＝＋－＠]|\t")
_PLAIN_NUMBER = re.compile(r"(?!-0$)-?(?:0|[1-9]\d{0,14})(?:\.\d{0,8}[1-9])?$")  # comes out as it went in
_ISO_DATE = re.compile(r"\d{4}-\d\d(?:$|-\d\d)")  # meant as one
# What a spreadsheet takes for a number, a date, a time or a truth value, and shows otherwise.
_CONVERTED = re.compile(
    r"\s*(?:[+-]?[$€]?[\d.,]*\d[\d.,]*(?:e[+-]?\d+)?\s?[%€]?|\d{1,4}[/.-]\d{1,2}(?:[/.-]\d{1,4})?"
    r"|\d{1,2}:\d\d(?::\d\d)?|true|false|verdadero|falso)\s*$",
    re.IGNORECASE | re.ASCII,
)
_SAFE_START = re.compile(r"[^\W\dtfv]|[\"'«“¿¡(\[{]", re.IGNORECASE)


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
    would run as a formula, or turn into a date or another number, is preceded by an apostrophe. Numbers stay numbers.
    """
    stream.write("\ufeff")
    writer = csv.writer(stream, lineterminator="\r\n")
    writer.writerow(extract.columns)
    writer.writerows([spreadsheet_cell(value) for value in row] for row in rows)


def spreadsheet_cell(value: Any) -> Any:
    """Return a value as it may stand in a spreadsheet's cell."""
    if not isinstance(value, str):
        return value
    cell = value
    if not cell.isprintable():  # a line break, a control character, or something harmless
        cell = UNPRINTABLE.sub(REPLACEMENT, _LINE_BREAKS.sub(" ", cell))
    if not _SAFE_START.match(cell) and _is_changed(cell):
        cell = "'" + cell
    return cut_cell(cell)


def _is_changed(cell: str) -> bool:
    """Whether a spreadsheet would run a text, or turn it into something else."""
    if _PLAIN_NUMBER.match(cell) or _ISO_DATE.match(cell):
        return False
    return bool(_FORMULA.match(cell) or _CONVERTED.match(cell))


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
    stream.writelines(_LINE_ENDS.sub(_escaped, encode(record)) + "\n" for record in records(extract, rows))


def _escaped(found: re.Match[str]) -> str:
    return f"\\u{ord(found[0]):04x}"


def records(extract: Extract, rows: Iterable[Sequence[Any]]) -> Iterator[dict[str, Any]]:
    """Return rows as dicts, columns of JSON decoded."""
    columns, table = extract.columns, extract.table
    if table in tables():
        nested = [name for name in columns if column(table, name).type == "json"]
    else:
        nested = [name for name in columns if name in JSON_COLUMNS]
    for row in rows:
        record = dict(zip(columns, row, strict=True))
        for name in nested:
            if record[name]:
                record[name] = json.loads(record[name])
        yield record
