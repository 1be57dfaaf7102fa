"""Parquet: typed by the codebook, dictionary-encoded where values repeat, zstd, a row group at a time."""

from pathlib import Path
from sqlite3 import Cursor

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from archive.codebook import column
from archive.exports.tables import Extract
from archive.times import UTC_FORMAT

FETCHED_ROWS = 1_000  # held as Python objects at a time
GROUP_ROWS = 50_000
GROUP_BYTES = 8_000_000  # of a row group in memory; its columns are encoded beside it

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
    repeating = [name for name in extract.columns if name in _REPEATING]
    writer = pq.ParquetWriter(
        path, schema, compression="zstd", use_dictionary=repeating or False, write_statistics=True
    )
    with writer:
        waiting: list[pa.RecordBatch] = []
        size = count = 0
        while fetched := rows.fetchmany(FETCHED_ROWS):
            batch = _batch(fetched, schema)
            del fetched  # before the next ones are read
            waiting.append(batch)
            size, count = size + batch.nbytes, count + batch.num_rows
            if count >= GROUP_ROWS or size >= GROUP_BYTES:
                writer.write_table(pa.Table.from_batches(waiting, schema))
                waiting, size, count = [], 0, 0
        if waiting:
            writer.write_table(pa.Table.from_batches(waiting, schema))


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
