import gzip
import os
from pathlib import Path

import pytest
from sqlite_utils import Database
from warcio.archiveiterator import ArchiveIterator

from archive.payloads import payload_digest
from archive.snapshots import (
    Exchange,
    SnapshotError,
    SnapshotWriter,
    find_snapshot,
    load_body,
    pending_snapshots,
    save_snapshot,
    trim_interrupted,
    whole_records_end,
)
from archive.store import open_archive

BODY = b"<html><body>hola</body></html>" * 20


def exchange(body: bytes = BODY, **changes: object) -> Exchange:
    values: dict[str, object] = {
        "url": "https://faro.example/nota?a=1",
        "page": "https://faro.example/nota",
        "fetched": "2026-03-03T12:00:00Z",
        "status": 200,
        "status_text": "OK",
        "request_headers": [("Host", "faro.example"), ("Cookie", "secret=1")],
        "response_headers": [("Content-Type", "text/html"), ("Set-Cookie", "secret=2"), ("ETag", '"e"')],
        "body": body,
        **changes,
    }
    return Exchange(**values)  # type: ignore[arg-type]


@pytest.fixture
def db(archive_path: Path) -> Database:
    return open_archive(archive_path)


@pytest.fixture
def writer(tmp_path: Path) -> SnapshotWriter:
    return SnapshotWriter(tmp_path / "warc")


def warc_file(writer: SnapshotWriter) -> Path:
    (path,) = writer.folder.glob("*/*.warc.gz")
    return path


def test_a_snapshot_is_read_back_as_it_was(db: Database, writer: SnapshotWriter) -> None:
    snapshot = save_snapshot(db, writer, exchange())
    assert load_body(writer.folder, snapshot) == BODY
    assert (snapshot.status, snapshot.etag, snapshot.content_type) == (200, '"e"', "text/html")
    assert snapshot.payload_digest == payload_digest(BODY)
    assert pending_snapshots(db) == [snapshot]


def test_a_compressed_body_is_kept_as_sent_and_read_decoded(db: Database, writer: SnapshotWriter) -> None:
    sent = gzip.compress(BODY)
    headers = [("Content-Type", "text/html"), ("Content-Encoding", "gzip")]
    snapshot = save_snapshot(db, writer, exchange(sent, response_headers=headers))
    assert snapshot.payload_digest == payload_digest(sent)
    assert load_body(writer.folder, snapshot) == BODY


def test_other_tools_read_request_and_response_and_find_no_cookie(
    db: Database, writer: SnapshotWriter
) -> None:
    for _ in range(3):
        save_snapshot(db, writer, exchange())
    writer.close()
    path = warc_file(writer)
    with path.open("rb") as stream:
        records = [
            (record.rec_type, record.rec_headers.get_header("WARC-Target-URI"))
            for record in ArchiveIterator(stream, check_digests="raise")
            if record.content_stream().read() is not None
        ]
    url = "https://faro.example/nota?a=1"
    assert records == [("warcinfo", None), *[("response", url), ("request", url)] * 3]
    assert b"secret" not in gzip.decompress(path.read_bytes())
    assert path.parent.name == "2026-11" or path.parent.name.count("-") == 1


def test_files_are_begun_anew_when_they_are_full(db: Database, tmp_path: Path) -> None:
    writer = SnapshotWriter(tmp_path / "warc", max_bytes=1_000)
    snapshots = [save_snapshot(db, writer, exchange(os.urandom(600))) for _ in range(3)]
    assert len({snapshot.warc_file for snapshot in snapshots}) == 3
    assert all(load_body(writer.folder, snapshot) for snapshot in snapshots)


def test_two_writers_never_share_a_file(db: Database, tmp_path: Path) -> None:
    one, two = SnapshotWriter(tmp_path / "warc"), SnapshotWriter(tmp_path / "warc")
    first, second = save_snapshot(db, one, exchange()), save_snapshot(db, two, exchange())
    assert first.warc_file != second.warc_file


@pytest.mark.parametrize("cut", [1, 30, 200])
def test_an_interrupted_record_is_cut_off_and_nothing_else(
    db: Database, writer: SnapshotWriter, cut: int
) -> None:
    kept = save_snapshot(db, writer, exchange())
    writer.write(exchange(os.urandom(2_000)))
    writer.close()
    path = warc_file(writer)
    whole = path.read_bytes()
    path.write_bytes(whole[:-cut])
    [line] = trim_interrupted(db, writer.folder)
    assert "cut off at byte" in line
    assert load_body(writer.folder, kept) == BODY
    assert whole_records_end(path) == path.stat().st_size
    assert trim_interrupted(db, writer.folder) == []


def test_a_whole_file_is_left_alone(db: Database, writer: SnapshotWriter) -> None:
    save_snapshot(db, writer, exchange())
    writer.close()
    before = warc_file(writer).read_bytes()
    assert trim_interrupted(db, writer.folder) == []
    assert warc_file(writer).read_bytes() == before


def test_a_flipped_byte_is_found(db: Database, writer: SnapshotWriter) -> None:
    snapshot = save_snapshot(db, writer, exchange(os.urandom(500)))
    writer.close()
    path = warc_file(writer)
    data = bytearray(path.read_bytes())
    data[snapshot.warc_offset + snapshot.warc_length // 2] ^= 0xFF
    path.write_bytes(data)
    with pytest.raises(SnapshotError, match=f"at byte {snapshot.warc_offset}"):
        load_body(writer.folder, snapshot)


def test_a_missing_file_is_named(db: Database, writer: SnapshotWriter) -> None:
    snapshot = save_snapshot(db, writer, exchange())
    writer.close()
    warc_file(writer).unlink()
    with pytest.raises(SnapshotError, match="No such file"):
        load_body(writer.folder, snapshot)


class FullDisk:
    """A file that takes only so much."""

    def __init__(self, path: Path, room: int) -> None:
        self.stream = path.open("ab")
        self.room = room

    def write(self, data: bytes) -> None:
        self.stream.write(bytes(data)[: self.room])
        self.stream.flush()
        raise OSError(28, "No space left on device")

    def __getattr__(self, name: str) -> object:
        return getattr(self.stream, name)


def test_a_full_disk_leaves_no_half_record_and_no_row(db: Database, writer: SnapshotWriter) -> None:
    kept = save_snapshot(db, writer, exchange())
    path = warc_file(writer)
    size = path.stat().st_size
    writer._file = FullDisk(path, 100)  # type: ignore[assignment]
    with pytest.raises(OSError, match="No space left"):
        save_snapshot(db, writer, exchange(os.urandom(5_000)))
    assert path.stat().st_size == size
    assert db["snapshots"].count == 1
    assert load_body(writer.folder, kept) == BODY
    later = save_snapshot(db, writer, exchange(b"<p>later</p>"))
    assert load_body(writer.folder, later) == b"<p>later</p>"
    assert find_snapshot(db, later.id) == later
