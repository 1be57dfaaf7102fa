"""Parquet: typed by the codebook, dictionary-encoded where values repeat, zstd, a row group at a time."""

from collections import Counter
from pathlib import Path
from sqlite3 import Cursor

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from archive.codebook import column
from archive.exports.tables import Extract
from archive.times import UTC_FORMAT

FETCHED_ROWS = 1_000  # held as Python objects at a time
FETCHED_TEXTS = 50  # of them where whole texts are among them
TEXTS = frozenset(("text", "content", "sentence"))
GROUP_ROWS = 50_000
GROUP_BYTES = 8_000_000  # of a row group in memory; its columns are encoded beside it
OPEN_MONTHS = 4
NO_MONTH = "__HIVE_DEFAULT_PARTITION__"

_TYPES = {
    "integer": pa.int64(),
    "number": pa.float64(),
    "boolean": pa.bool_(),
    "datetime": pa.timestamp("s", tz="UTC"),
}
# Few different values; dictionaries of anything else only cost time.
_REPEATING = frozenset(
    (
        "outlet", "country", "language", "kind", "section", "wire", "published_source",
        "published_precision", "topic_version", "completeness", "form", "text_source", "encoding_repaired",
        "status", "state", "via", "route", "reason", "day", "outcome", "event", "grade", "kinds", "timezone",
        "access", "screen", "origin", "tags", "authors", "warc_file", "coder",
    )
)  # fmt: skip


def write_parquet(path: Path, extract: Extract, rows: Cursor) -> None:
    """Write the rows to a Parquet file. Raises OSError; ValueError where a value is not of its column's type."""
    schema = _schema(extract)
    with _Groups(path, schema) as groups:
        while fetched := rows.fetchmany(_fetched(extract)):
            batch = _batch(fetched, schema)
            del fetched  # before the next ones are read
            groups.add(batch)


def write_months(folder: Path, extract: Extract, rows: Cursor, time: str) -> None:
    """Write the rows to Parquet files in folders ``month=YYYY-MM`` of the column ``time``, as Hive names them.

    Rows without a time go where Hive puts what has no value. Months are expected to come more or less in order: few
    files are open at once, and a month that comes back gets another file. Raises OSError and ValueError.
    """
    schema, place = _schema(extract), extract.columns.index(time)
    months = _Months(folder, schema)
    try:
        while fetched := rows.fetchmany(_fetched(extract)):
            apart: dict[str, list[tuple[object, ...]]] = {}
            for row in fetched:
                apart.setdefault(str(row[place])[:7] if row[place] else NO_MONTH, []).append(row)
            del fetched
            for month, found in apart.items():
                months.of(month).add(_batch(found, schema))
    finally:
        months.close()


class _Groups:
    """A Parquet file under way, written a row group at a time."""

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        self.schema = schema
        repeating = [name for name in schema.names if name in _REPEATING]
        # The least and the greatest of what is long tell nothing, and those of all row groups are held to the end.
        told = [
            field.name for field in schema if field.name in _REPEATING or not pa.types.is_string(field.type)
        ]
        self._writer = pq.ParquetWriter(
            path,
            schema,
            compression="zstd",
            use_dictionary=repeating or False,
            write_statistics=told or False,
        )
        self._waiting: list[pa.RecordBatch] = []

    def __enter__(self) -> "_Groups":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def add(self, batch: pa.RecordBatch) -> None:
        self._waiting.append(batch)
        rows = sum(each.num_rows for each in self._waiting)
        if rows >= GROUP_ROWS or sum(each.nbytes for each in self._waiting) >= GROUP_BYTES:
            self._write()

    def close(self) -> None:
        try:
            if self._waiting:
                self._write()
        finally:
            self._writer.close()

    def _write(self) -> None:
        self._writer.write_table(pa.Table.from_batches(self._waiting, self.schema))
        self._waiting = []


class _Months:
    """The files of some months, those used last kept open."""

    def __init__(self, folder: Path, schema: pa.Schema) -> None:
        self.folder = folder
        self.schema = schema
        self._open: dict[str, _Groups] = {}  # the one used last is the last
        self._files: Counter[str] = Counter()

    def of(self, month: str) -> _Groups:
        groups = self._open.pop(month, None) or self._begin(month)
        self._open[month] = groups
        return groups

    def _begin(self, month: str) -> _Groups:
        if len(self._open) >= OPEN_MONTHS:
            self._open.pop(next(iter(self._open))).close()
        place = self.folder / f"month={month}"
        place.mkdir(exist_ok=True)
        number = self._files[month]
        self._files[month] += 1
        return _Groups(place / f"part-{number}.parquet", self.schema)

    def close(self) -> None:
        for groups in self._open.values():
            groups.close()


def _fetched(extract: Extract) -> int:
    return FETCHED_TEXTS if TEXTS & set(extract.columns) else FETCHED_ROWS


def _schema(extract: Extract) -> pa.Schema:
    fields = []
    for name in extract.columns:
        entry = column(extract.table, name)
        words = {"description": entry.meaning.en, "descripcion": entry.meaning.es}
        fields.append(pa.field(name, _TYPES.get(entry.type, pa.string()), metadata=words))
    return pa.schema(fields)


def _batch(rows: list[tuple[object, ...]], schema: pa.Schema) -> pa.RecordBatch:
    columns = [
        _array(values, field.type) for values, field in zip(zip(*rows, strict=True), schema, strict=True)
    ]
    return pa.RecordBatch.from_arrays(columns, schema=schema)


def _array(values: tuple[object, ...], kind: pa.DataType) -> pa.Array:
    if pa.types.is_timestamp(kind):
        moments = pc.strptime(
            pa.array([value or None for value in values], pa.string()), format=UTC_FORMAT, unit="s"
        )
        return pc.assume_timezone(moments, "UTC")
    if pa.types.is_boolean(kind):
        return pa.array(values, pa.int64()).cast(kind)
    return pa.array(values, kind)
