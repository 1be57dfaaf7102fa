import csv
import json
import os
import random
import shutil
import subprocess
import sys
from pathlib import Path

import frictionless
import pytest
import yaml
from click.testing import CliRunner, Result
from frictionless import system

from archive.cli import main
from archive.frozen import MANIFEST, FrozenError, freeze, verify_frozen
from archive.snapshots import SnapshotWriter
from archive.store import open_archive
from tests.small_archive import Small, add, build

ROOT = Path(__file__).parents[1]


@pytest.fixture
def small(tmp_path: Path) -> Small:
    return build(tmp_path)


def contents(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, list(arguments))


def test_made_twice_from_one_state_it_is_the_same_byte_for_byte(small: Small, tmp_path: Path) -> None:
    first = freeze(small.db, tmp_path / "one", "2026-11")
    copy = tmp_path / "elsewhere.db"
    run("backup", "--db", str(small.path), str(copy))
    second = freeze(open_archive(copy), tmp_path / "two", "2026-11")
    assert contents(first.path) == contents(second.path)
    assert first.manifest == second.manifest


@pytest.mark.parametrize(
    ("name", "value"),
    [("TZ", "Pacific/Kiritimati"), ("LC_ALL", "tr_TR.UTF-8"), ("LANG", "C"), ("PYTHONHASHSEED", "7"),
     ("PYTHONUTF8", "0"), ("SOURCE_DATE_EPOCH", "1")],
)  # fmt: skip
def test_another_process_place_and_surrounding_make_the_same(
    small: Small, tmp_path: Path, name: str, value: str
) -> None:
    first = freeze(small.db, tmp_path / "one", "2026-11")
    small.db.conn.execute("VACUUM")
    small.db.close()
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    subprocess.run(
        [sys.executable, "-m", "archive.cli", "snapshot", "2026-11", "--db", "../archive.db", "--into", "made"],
        cwd=elsewhere, env={**os.environ, "PYTHONPATH": str(ROOT), name: value}, check=True,
    )  # fmt: skip
    assert contents(elsewhere / "made" / "2026-11") == contents(first.path)


def test_its_manifest_is_what_sha256sum_checks(small: Small, tmp_path: Path) -> None:
    frozen = freeze(small.db, tmp_path / "packages", "2026-11")
    result = subprocess.run(["sha256sum", "--check", "--quiet", MANIFEST], cwd=frozen.path, check=False)
    assert result.returncode == 0


def test_it_is_a_valid_data_package_without_texts(small: Small, tmp_path: Path) -> None:
    frozen = freeze(small.db, tmp_path / "packages", "2026-11")
    with system.use_context(trusted=True):
        report = frictionless.validate(str(frozen.path / "datapackage.json"))
    assert report.valid
    assert "changes" in [task.name for task in report.tasks]
    assert b"aduanas" not in b"".join(contents(frozen.path).values())


def test_made_again_it_stays_and_another_state_needs_another_name(small: Small, tmp_path: Path) -> None:
    folder = tmp_path / "packages"
    first = freeze(small.db, folder, "2026-11")
    assert not freeze(small.db, folder, "2026-11").made
    writer = SnapshotWriter(small.warc)
    add(small.db, writer, 20)
    writer.close()
    with pytest.raises(FrozenError, match="another name"):
        freeze(small.db, folder, "2026-11")
    assert freeze(small.db, folder, "2026-12").difference["previous"] == "2026-11"
    assert run("verify", str(first.path)).exit_code == 0
    assert sorted(path.name for path in folder.iterdir()) == ["2026-11", "2026-12"]


def test_it_says_what_changed_since_the_one_before(small: Small, tmp_path: Path) -> None:
    folder = tmp_path / "packages"
    freeze(small.db, folder, "a")
    writer = SnapshotWriter(small.warc)
    added = add(small.db, writer, 20)
    add(small.db, writer, 1, revised=True)
    writer.close()
    with small.db.conn:
        small.db.execute("UPDATE articles SET grade = 0 WHERE url LIKE '%/n/2'")
    frozen = freeze(small.db, folder, "b")
    counts = {name: frozen.difference[name] for name in ("added", "removed", "changed")}
    assert counts == {"added": 1, "removed": 1, "changed": 1}
    with (frozen.path / "changes.csv").open(newline="") as stream:
        changes = [(row["change"], row["article"]) for row in csv.DictReader(stream)]
    assert ("added", str(added)) in changes


def test_it_can_be_cited(small: Small, tmp_path: Path) -> None:
    frozen = freeze(small.db, tmp_path / "packages", "2026-11")
    citation = yaml.safe_load((frozen.path / "CITATION.cff").read_text())
    assert citation["cff-version"] == "1.2.0"
    assert (citation["type"], citation["version"]) == ("dataset", "2026-11")
    datacite = json.loads((frozen.path / "datacite.json").read_text())
    assert all(datacite[name] for name in ("creators", "titles", "publisher", "publicationYear", "types"))


def test_verify_names_what_was_changed_added_or_lost(small: Small, tmp_path: Path) -> None:
    frozen = freeze(small.db, tmp_path / "packages", "2026-11")
    shutil.copytree(frozen.path, tmp_path / "copy")
    (tmp_path / "copy" / "data" / "articles.csv").open("ab").write(b"x")
    (tmp_path / "copy" / "extra.txt").write_text("x")
    (tmp_path / "copy" / "methods.md").unlink()
    result = run("verify", str(tmp_path / "copy"))
    assert result.exit_code == 1
    for words in ("data/articles.csv: is not what", "extra.txt: is not in", "methods.md: is missing"):
        assert words in result.output


def test_verify_finds_every_byte_of_the_manifest_and_any_of_a_file(small: Small, tmp_path: Path) -> None:
    frozen = freeze(small.db, tmp_path / "packages", "2026-11").path
    random_ = random.Random(1)
    for path in sorted(path for path in frozen.rglob("*") if path.is_file()):
        whole = path.read_bytes()
        places = range(len(whole)) if path.name == MANIFEST else random_.sample(range(len(whole)), 12)
        for place in places:
            changed = bytearray(whole)
            changed[place] ^= random_.choice((1, 2, 7, 32, 128))
            path.write_bytes(changed)
            found = [finding for finding in verify_frozen(frozen) if finding.severity == "damage"]
            assert found, (path.name, place)
        for cut in (whole[:-1], whole + b"\n", b""):
            path.write_bytes(cut)
            assert any(finding.severity == "damage" for finding in verify_frozen(frozen)), path.name
        path.write_bytes(whole)
    assert [finding.severity for finding in verify_frozen(frozen)] == ["note"]


def test_verify_prints_the_digest_that_the_snapshot_printed(small: Small, tmp_path: Path) -> None:
    made = run("snapshot", "2026-11", "--db", str(small.path), "--into", str(tmp_path / "p"))
    digest = made.output.split()[-1]
    assert digest in run("verify", str(tmp_path / "p" / "2026-11")).output


def test_a_broken_package_before_it_is_named(small: Small, tmp_path: Path) -> None:
    before = freeze(small.db, tmp_path / "p", "2026-10").path
    (before / "datapackage.json").write_text("{")
    result = run("snapshot", "2026-11", "--db", str(small.path), "--into", str(tmp_path / "p"))
    assert (result.exit_code, isinstance(result.exception, SystemExit)) == (1, True)
    assert "2026-10" in result.output


@pytest.mark.parametrize("name", ["../x", "", "a/b", ".hidden", "x" * 100])
def test_a_name_is_a_name(small: Small, tmp_path: Path, name: str) -> None:
    assert run("snapshot", name, "--db", str(small.path), "--into", str(tmp_path / "p")).exit_code == 1


def test_an_empty_archive_is_not_frozen(tmp_path: Path) -> None:
    open_archive(tmp_path / "empty.db").close()
    result = run("snapshot", "x", "--db", str(tmp_path / "empty.db"))
    assert result.exit_code == 1
    assert "empty" in result.output
