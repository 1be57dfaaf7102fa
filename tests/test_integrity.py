import contextlib
import gzip
import sqlite3
import threading
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from archive.cli import main
from archive.integrity import backup, verify
from archive.snapshots import SnapshotWriter
from archive.store import open_archive, transaction
from archive.warc_check import Finding
from tests.small_archive import Small, add, build


@pytest.fixture
def small(tmp_path: Path) -> Small:
    return build(tmp_path)


def findings(small: Small) -> tuple[list[Finding], list[Finding]]:
    found = list(verify(small.path, small.warc))
    return [f for f in found if f.severity == "damage"], [f for f in found if f.severity == "note"]


def warc_file(small: Small) -> Path:
    (path,) = small.warc.glob("*/*.warc.gz")
    return path


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, list(arguments))


def test_an_undisturbed_archive_is_clean(small: Small) -> None:
    assert findings(small) == ([], [])
    result = run("verify", "--db", str(small.path))
    assert result.exit_code == 0
    assert "0 damages" in result.output


def test_any_flipped_byte_of_a_warc_is_found_and_named(small: Small) -> None:
    path = warc_file(small)
    whole = path.read_bytes()
    for position in range(0, len(whole), 7):
        damaged = bytearray(whole)
        damaged[position] ^= 0x41
        path.write_bytes(damaged)
        damages, _ = findings(small)
        assert damages, f"byte {position} of {len(whole)}"
        assert all(path.name in found.where for found in damages)


def test_only_the_record_that_was_hit_is_called_damaged(small: Small) -> None:
    path = warc_file(small)
    third = small.db.execute("SELECT warc_offset, url FROM snapshots WHERE id = 3").fetchone()
    content = bytearray(path.read_bytes())
    content[third[0] + 60] ^= 1
    path.write_bytes(content)
    damages, _ = findings(small)
    assert [found.where for found in damages] == [
        f"{path.relative_to(small.warc).as_posix()} at byte {third[0]}"
    ]
    assert third[1] in damages[0].what


def test_a_missing_file_is_named(small: Small) -> None:
    name = warc_file(small).name
    warc_file(small).unlink()
    damages, _ = findings(small)
    assert len(damages) == 1
    assert name in damages[0].where
    assert "missing" in damages[0].what


def test_an_interrupted_write_behind_the_last_row_is_a_note(small: Small) -> None:
    with warc_file(small).open("ab") as stream:
        stream.write(gzip.compress(b"WARC/1.1\r\nWARC-Type: response\r\n")[:25])
    damages, notes = findings(small)
    assert damages == []
    assert "25 bytes" in notes[0].what
    assert run("verify", "--db", str(small.path)).exit_code == 0


def test_a_file_cut_in_the_middle_of_a_referenced_record_is_damage(small: Small) -> None:
    path = warc_file(small)
    last = small.db.execute("SELECT max(warc_offset), id, url FROM snapshots").fetchone()
    path.write_bytes(path.read_bytes()[: last[0] + 40])
    damages, _ = findings(small)
    assert len(damages) == 1
    assert last[2] in damages[0].what


def test_a_file_cut_in_its_last_request_record_is_damage(small: Small) -> None:
    path = warc_file(small)
    path.write_bytes(path.read_bytes()[:-20])
    damages, _ = findings(small)
    assert len(damages) == 1
    assert "request record" in damages[0].what


def test_a_record_put_in_place_of_another_is_found(small: Small) -> None:
    with small.db.conn:
        small.db.execute(
            "UPDATE snapshots SET warc_offset = (SELECT warc_offset FROM snapshots WHERE id = 2) WHERE id = 4"
        )
    damages, _ = findings(small)
    assert any("digest" in found.what for found in damages)


@pytest.mark.parametrize(
    ("statement", "check", "named"),
    [
        ("DELETE FROM articles_fts_docsize WHERE id = (SELECT min(id) FROM articles)", "full text index", "article"),
        ("UPDATE articles SET sha256 = 'x' WHERE url LIKE '%/n/2'", "texts", "article"),
        ("DELETE FROM revisions WHERE number = 2", "revisions", "article"),
        ("UPDATE revisions SET text = 'other' WHERE number = 2", "revisions", "revision"),
        ("UPDATE pages SET article = NULL WHERE url LIKE '%/n/2'", "pages", "/n/2"),
        ("UPDATE pages SET state = 'lost' WHERE url LIKE '%/n/2'", "pages", "/n/2"),
        ("UPDATE articles SET outlet = 'nobody' WHERE url LIKE '%/n/2'", "foreign keys", "articles row"),
        ("DELETE FROM texts WHERE article = (SELECT max(id) FROM articles)", "texts", "article"),
        ("DELETE FROM pages WHERE url LIKE '%/n/2'", "pages", "/n/2"),
        ("UPDATE snapshots SET url = url || 'x' WHERE id = 3", "warc", "at byte"),
        ("UPDATE snapshots SET fetched = '2020-01-01T00:00:00Z' WHERE id = 3", "warc", "at byte"),
        ("UPDATE snapshots SET status = 404 WHERE id = 3", "warc", "at byte"),
        ("UPDATE articles SET published = '2020-01-01T00:00:00Z', published_local = '2021-01-01T00:00:00+00:00'"
         " WHERE url LIKE '%/n/2'", "times", "article"),
    ],
)  # fmt: skip
def test_tables_that_contradict_one_another_are_named(
    small: Small, statement: str, check: str, named: str
) -> None:
    small.db.execute("PRAGMA foreign_keys = OFF")
    with small.db.conn:
        small.db.execute(statement)
    damages, _ = findings(small)
    assert any(found.check.replace("-", " ") == check and named in found.where for found in damages), damages


def test_an_index_out_of_step_word_by_word_is_found(small: Small) -> None:
    triggers = small.db.execute(
        "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'texts'"
    )
    with small.db.conn:
        for (name,) in triggers.fetchall():
            small.db.execute(f"DROP TRIGGER [{name}]")
        small.db.execute(
            "UPDATE texts SET text = text || ' añadido' WHERE article = (SELECT min(id) FROM articles)"
        )
    damages, _ = findings(small)
    assert any(found.check == "full-text index" for found in damages)


def test_a_file_that_is_no_archive_is_said_to_be_none(tmp_path: Path) -> None:
    other = tmp_path / "other.db"
    other.write_bytes(b"nothing of the kind" * 100)
    result = run("verify", "--db", str(other))
    assert result.exit_code == 1
    assert "other.db" in result.output
    assert run("verify", "--db", str(tmp_path / "none.db")).exit_code == 1


def test_a_damaged_database_page_is_found(small: Small) -> None:
    small.db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    small.db.close()
    content = bytearray(small.path.read_bytes())
    for page in range(8, len(content) // 4096):
        content[page * 4096 : page * 4096 + 64] = b"\x5a" * 64
    small.path.write_bytes(content)
    result = run("verify", "--db", str(small.path))
    assert result.exit_code == 1
    assert "Traceback" not in result.output


def test_a_backup_made_while_another_writes_is_consistent(small: Small, tmp_path: Path) -> None:
    stop = threading.Event()

    def write() -> None:
        other = Small(small.path, small.warc, build_connection(small.path))
        writer = SnapshotWriter(small.warc)
        number = 100
        while not stop.is_set():
            add(other.db, writer, number)
            number += 1
        writer.close()

    thread = threading.Thread(target=write)
    thread.start()
    try:
        targets = [tmp_path / f"copy-{number}.db" for number in range(3)]
        for target in targets:
            backup(small.path, target)
    finally:
        stop.set()
        thread.join()
    for target in targets:
        found = list(verify(target, small.warc))
        assert [f for f in found if f.severity == "damage"] == []
    counts = [sqlite3.connect(t).execute("SELECT count(*) FROM articles").fetchone()[0] for t in targets]
    assert 8 <= counts[0] <= counts[1] <= counts[2]


def build_connection(path: Path):  # type: ignore[no-untyped-def]
    from archive.store import open_archive

    return open_archive(path)


def test_a_damaged_archive_is_not_copied_over_a_good_backup(small: Small, tmp_path: Path) -> None:
    target = tmp_path / "copy.db"
    backup(small.path, target)
    before = target.read_bytes()
    with small.db.conn:
        small.db.execute("UPDATE revisions SET text = 'other' WHERE number = 2")
    result = run("backup", "--db", str(small.path), str(target))
    assert result.exit_code == 1
    assert "damaged" in result.output
    assert target.read_bytes() == before
    assert not list(tmp_path.glob(".*partial*"))


def test_a_backup_with_its_warcs_verifies_by_itself(small: Small, tmp_path: Path) -> None:
    target = tmp_path / "away" / "copy.db"
    result = run("backup", "--db", str(small.path), str(target), "--with-warc")
    assert result.exit_code == 0, result.output
    assert run("verify", "--db", str(target)).exit_code == 0


def test_of_a_damage_to_very_many_rows_some_are_named_and_the_others_counted(small: Small) -> None:
    with small.db.conn:
        small.db.execute(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 130)"
            " INSERT INTO pages (url, key, discovered, via, state) SELECT 'u' || i, 'k' || i, '', 'feed', 'lost' FROM n"
        )
    damages, _ = findings(small)
    assert len(damages) == 101
    assert damages[-1].where == "and 30 more"


def test_an_emptied_index_is_found(small: Small) -> None:
    with small.db.conn:
        small.db.execute("INSERT INTO articles_fts(articles_fts) VALUES ('delete-all')")
    damages, _ = findings(small)
    assert {found.check for found in damages} == {"full-text index"}
    assert len(damages) >= 8


def by_another_program(small: Small, sql: str) -> None:
    with contextlib.closing(sqlite3.connect(small.path)) as db, db:
        assert db.execute(sql).rowcount == 1


@pytest.mark.parametrize(
    ("sql", "where"),
    [
        ("UPDATE articles SET grade = 1 WHERE id = {article}", "articles row {article}"),
        ("UPDATE articles SET authors = 'Otra' WHERE id = {article}", "articles row {article}"),
        ("UPDATE articles SET terms = CAST(x'ff00' AS TEXT) WHERE id = {article}", "articles row {article}"),
        ("UPDATE articles SET section = 'x' || section WHERE id = {article}", "articles row {article}"),
        ("UPDATE revisions SET kinds = '[\"facts\"]' WHERE id = 3", "revisions row 3"),
        ("UPDATE outlets SET country = 'US' WHERE id = 'faro'", "outlets row faro"),
        ("UPDATE pages SET headline = 'x' WHERE url = '{page}'", "pages row {page}"),
        ("UPDATE snapshots SET etag = 'x' WHERE id = 2", "snapshots row 2"),
        ("INSERT INTO events (article, seen, event) VALUES ({article}, '2026-01-01', 'gone')", "events row 1"),
        ("DELETE FROM snapshots WHERE id = 5", "snapshots row 5"),
        ("DELETE FROM seals WHERE of_table = 'revisions' AND place = 3", "revisions row 3"),
    ],
)  # fmt: skip
def test_what_another_program_or_a_failing_disk_changes_is_named(small: Small, sql: str, where: str) -> None:
    article, page = small.db.execute("SELECT article, url FROM pages ORDER BY url LIMIT 1").fetchone()
    by_another_program(small, sql.format(article=article, page=page))
    damages, _ = findings(small)
    assert where.format(article=article, page=page) in [found.where for found in damages]


def test_when_to_look_again_may_be_set_by_hand(small: Small) -> None:
    by_another_program(small, "UPDATE pages SET next_try = NULL, tries = 0 WHERE rowid = 1")
    by_another_program(
        small, "UPDATE articles SET last_checked = first_seen WHERE rowid = (SELECT max(id) FROM articles)"
    )
    assert findings(small) == ([], [])


def test_what_the_archive_itself_changes_stays_sealed(small: Small) -> None:
    with transaction(small.db):
        small.db.execute("UPDATE articles SET grade = 1")
        small.db.execute("INSERT OR IGNORE INTO outlets SELECT * FROM outlets")
        small.db.execute("PRAGMA defer_foreign_keys = ON")
        small.db.execute("UPDATE pages SET url = url || '?x' WHERE rowid = 2")
        small.db.execute("DELETE FROM verdicts")
    assert not [found for found in findings(small)[0] if found.check == "seals"]


def test_an_archive_made_before_there_were_seals_is_sealed_when_it_is_opened(small: Small) -> None:
    small.db.close()
    with contextlib.closing(sqlite3.connect(small.path)) as db, db:
        db.execute("DROP TABLE seals")
        db.execute("DELETE FROM _sqlite_migrations WHERE name = 'seals'")
    damages, notes = findings(small)
    assert damages == []
    assert {found.check for found in notes} == {"schema", "seals"}
    open_archive(small.path).close()
    assert findings(small) == ([], [])
    by_another_program(small, "UPDATE articles SET grade = 1 WHERE id = (SELECT min(id) FROM articles)")
    assert findings(small)[0]


def test_of_many_damaged_rows_a_hundred_are_named_and_the_others_counted(small: Small) -> None:
    with small.db.conn:
        for number in range(150):
            small.db.execute(
                "INSERT INTO labels (url, grade, created) VALUES (?, 1, '2026-01-01T00:00:00Z')",
                [f"u{number}"],
            )
    with contextlib.closing(sqlite3.connect(small.path)) as db, db:
        db.execute("UPDATE labels SET grade = 2")
    damages, _ = findings(small)
    assert len(damages) == 101
    assert "labels, 50 more rows" in [found.where for found in damages]
