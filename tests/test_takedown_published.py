"""After a takedown, no page, feed, file or published database holds a phrase of the text; before it, they do."""

import asyncio
import sqlite3
import zipfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import pyarrow.parquet
import pytest
from click.testing import CliRunner

from archive.cli import main
from archive.site.app import build_site
from tests.archives import build_archive

PHRASE_WORDS = 6
TABLES = ("articles", "revisions", "pages", "mentions", "verdicts", "snapshots")
Get = Callable[[str], bytes]


def run(path: Path, command: str, *arguments: str) -> str:
    result = CliRunner().invoke(main, [command, *arguments, "--db", str(path)])
    assert result.exit_code == 0, result.output
    return result.output


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_archive(tmp_path_factory.mktemp("takedown"))


def subject(path: Path) -> tuple[int, str, int]:
    """A revised article of a story whose sentences stand in the calendar, its address and story."""
    with sqlite3.connect(path) as db:
        found: tuple[int, str, int] = db.execute(
            "SELECT a.id, a.url, a.story FROM articles a WHERE a.revisions > 1 AND a.grade = 2 AND a.story IS NOT NULL"
            " ORDER BY (SELECT count(*) FROM mentions m WHERE m.article = a.id) DESC LIMIT 1"
        ).fetchone()
        return found


def phrases(path: Path, number: int) -> list[bytes]:
    """Runs of words of the article's versions that stand in nothing else that the archive holds."""
    with sqlite3.connect(path) as db:
        own = [f"{text}\n{description}" for text, description in db.execute(
            "SELECT text, description FROM revisions WHERE article = ?", [number])]  # fmt: skip
        others = [*db.execute("SELECT title, description, text FROM revisions WHERE article != ?", [number]),
                  *db.execute("SELECT title, '', '' FROM articles"), *db.execute("SELECT '', headline, '' FROM pages"),
                  *db.execute("SELECT '', summary, content FROM pages WHERE article IS NOT ?", [number])]  # fmt: skip
    elsewhere = " ".join(" ".join(" ".join(row).split()) for row in others)
    found = set()
    for text in own:
        for line in text.splitlines():
            words = line.split()
            found |= {
                " ".join(words[start : start + PHRASE_WORDS]) for start in range(len(words) - PHRASE_WORDS)
            }
    # What ends in a comma could be the end of a cell of CSV.
    return [phrase.encode() for phrase in sorted(found) if phrase[-1].isalnum() and phrase not in elsewhere]


def holding(places: dict[str, bytes], wanted: list[bytes]) -> set[str]:
    """The places that hold one of the phrases, however it was marked up."""
    return {
        name
        for name, content in places.items()
        if any(phrase in b" ".join(plain(content).split()) for phrase in wanted)
    }


def plain(content: bytes) -> bytes:
    for mark in (b"<mark>", b"</mark>", b"<ins>", b"</ins>", b"<del>", b"</del>", b"\r\n "):
        content = content.replace(mark, b"")
    return content.replace(b"\\n", b" ").replace(b"&#39;", b"'")


def everything_published(path: Path, get: Get, folder: Path, number: int, story: int) -> dict[str, bytes]:
    """What readers can ask the site for, and all that commands write to be taken away."""
    addresses = [
        "/", "/search?q=seguridad", "/search.atom", "/search.json?q=seguridad", "/search.jsonl", "/search.csv",
        "/search.bib", "/search.ris", "/search.csl.json", "/search.zip", "/search.xlsx", "/search.parquet",
        "/search.excel.csv", "/search.md", "/search?q=seguridad&lang=en", f"/article/{number}",
        f"/article/{number}.json",
        f"/article/{number}.bib", f"/article/{number}.ris", "/changes", "/changes.atom", "/stories", f"/story/{story}",
        f"/story/{story}.json", f"/story/{story}.csv", f"/story/{story}.atom", "/calendar", "/calendar.ics", "/outlets",
        *(f"/archive/{table}.json?_shape=array&_size=max" for table in (*TABLES, "texts", "story_links")),
    ]  # fmt: skip
    places = {address: get(address) for address in addresses}
    for form in ("csv", "csv-excel", "jsonl"):
        places[f"export {form}"] = run(path, "export", "--format", form, "--with-text").encode()
    folder.mkdir()
    for form in ("xlsx", "parquet"):
        run(path, "export", "--format", form, "--with-text", "-o", str(folder / f"export.{form}"))
    for table in (*TABLES, "labels", "stories", "takedowns"):
        places[f"export {table}"] = run(path, "export", "--table", table, "--with-text").encode()
    run(path, "export", "--format", "datapackage", "--with-text", "-o", str(folder / "package"))
    run(path, "snapshot", "2026-11", "--into", str(folder / "frozen"))
    run(path, "publish", str(folder / "full"), "--full")
    run(path, "publish", str(folder / "public"), "--public")
    run(path, "backup", str(folder / "backup.db"))
    places |= {
        str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()
    }
    places |= {file.name: file.read_bytes() for file in path.parent.glob("archive.db*")}
    return {name: unpacked(content) for name, content in places.items()}


def unpacked(content: bytes) -> bytes:
    if content.startswith(b"PAR1"):
        return "\n".join(map(str, pyarrow.parquet.read_table(BytesIO(content)).to_pylist())).encode()
    if not content.startswith(b"PK"):
        return content
    with zipfile.ZipFile(BytesIO(content)) as package:
        return b"\n".join(package.read(name) for name in package.namelist())


@pytest.mark.slow
def test_nothing_published_holds_a_phrase_of_it(archive: Path, tmp_path: Path) -> None:
    number, url, story = subject(archive)
    wanted = phrases(archive, number)
    assert len(wanted) > 40
    site = build_site(archive)  # the one that is running while the text is withdrawn
    loop = asyncio.new_event_loop()
    loop.run_until_complete(site.invoke_startup())

    def get(address: str) -> bytes:
        content: bytes = loop.run_until_complete(site.client.get(address)).content
        return content

    before = holding(everything_published(archive, get, tmp_path / "before", number, story), wanted)
    assert {
        f"/article/{number}", f"/article/{number}.json", "/calendar", "/calendar.ics", f"/story/{story}", "archive.db",
        "export csv", "export revisions", "export mentions", "package/data/articles.csv", "full/archive.db",
        "export.xlsx", "export.parquet",
        "backup.db",
    } <= before  # fmt: skip
    run(archive, "takedown", url, "--reason", "asked by the author")
    assert holding(everything_published(archive, get, tmp_path / "after", number, story), wanted) == set()
    assert b"asked by the author" in get("/about")
    assert b"sha256:" not in get(f"/article/{number}")
    snapshots = get("/archive/snapshots.json?_shape=array&_size=max")
    assert snapshots
    assert f'"article": {number},'.encode() not in snapshots
    run(archive, "reprocess")
    run(archive, "group")
    exported = run(archive, "export", "--with-text") + run(
        archive, "export", "--table", "revisions", "--with-text"
    )
    with sqlite3.connect(archive) as db:
        dump = "\n".join(db.iterdump())
    again = {"archive": dump.encode(), "export": exported.encode(), "page": get(f"/article/{number}")}
    assert holding(again, wanted) == set()
    assert "asked by the author" in run(archive, "export", "--table", "takedowns")
