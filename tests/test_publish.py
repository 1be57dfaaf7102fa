"""The site database: what is in it, what is nowhere in it, and how it takes the place of the one before."""

import asyncio
import shutil
import sqlite3
from pathlib import Path

import pytest
from click.testing import CliRunner

from archive.cli import main
from archive.publish import EXCERPT_WORDS, publish, roll_back
from archive.site.app import build_site
from archive.store import ArchiveError, open_archive
from archive.takedown import take_down
from tests.archives import build_archive


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_archive(tmp_path_factory.mktemp("publish"))


def rows(path: Path, sql: str) -> list[tuple[object, ...]]:
    with sqlite3.connect(path) as connection:
        return connection.execute(sql).fetchall()


def test_public_file_holds_no_sentence_of_a_text_beyond_its_excerpt(archive: Path, tmp_path: Path) -> None:
    published = publish(archive, tmp_path / "site", public=True).path
    raw = published.read_bytes()
    for text, title in rows(archive, "SELECT t.text, t.title FROM texts t JOIN articles a ON a.id = t.article"
                                     " WHERE a.grade > 0"):  # fmt: skip
        words = str(text).split()
        hidden = str(text)[str(text).find(words[min(EXCERPT_WORDS + 20, len(words) - 1)]) :]
        later = " ".join(words[EXCERPT_WORDS + 5 : EXCERPT_WORDS + 13])
        if len(words) > EXCERPT_WORDS + 20:
            assert later.encode() not in raw, (title, later)
            assert hidden[-60:].encode() not in raw, title


def test_public_file_finds_words_that_it_does_not_hold(archive: Path, tmp_path: Path) -> None:
    published = publish(archive, tmp_path / "site", public=True).path
    sql = "SELECT count(*) FROM articles_fts WHERE articles_fts MATCH 'seguridad OR security'"
    whole = rows(
        archive,
        sql.replace("count(*)", "count(*)") + " AND rowid IN (SELECT id FROM articles WHERE grade > 0)",
    )
    assert rows(published, sql) == whole
    assert rows(published, "SELECT count(*) FROM texts WHERE text LIKE '% […]'")[0][0]


def test_published_files_serve_every_page(archive: Path, tmp_path: Path) -> None:
    for public in (True, False):
        path = publish(archive, tmp_path / str(public), public=public).path
        site = build_site(path, public=public)

        async def ask(site: object = site, path: Path = path) -> None:
            await site.invoke_startup()  # type: ignore[attr-defined]
            (number,) = rows(path, "SELECT id FROM articles WHERE revisions > 1")[0]
            (outlet,) = rows(path, "SELECT id FROM outlets")[0]
            for address in ("/", "/search?q=seguridad", f"/article/{number}", "/changes", "/stories", "/calendar",
                            "/outlets", f"/outlet/{outlet}", "/about", "/search.csv?q=armas", "/changes.atom",
                            f"/article/{number}.json", "/archive"):  # fmt: skip
                answer = await site.client.get(address)  # type: ignore[attr-defined]
                assert answer.status_code == 200, (address, answer.text[:300])

        asyncio.run(ask())


def test_public_site_gives_no_table_that_holds_texts_and_no_sql(archive: Path) -> None:
    """Even over the live archive, where the texts are."""
    site = build_site(archive, public=True)

    async def ask() -> None:
        await site.invoke_startup()
        for address in (
            "/archive?sql=select+text+from+texts",
            "/archive.json?sql=select+text+from+texts",
            "/archive/texts",
            "/archive/texts.json",
            "/archive/revisions.csv",
            "/archive/articles_fts",
            "/archive/articles_fts_data.json",
            "/archive/mentions.json",
            "/archive/search?q=seguridad",
            "/archive.db",
        ):
            answer = await site.client.get(address)
            assert answer.status_code in (403, 404), (address, answer.status_code)

    asyncio.run(ask())


def test_a_withdrawn_text_is_in_no_edition(archive: Path, tmp_path: Path) -> None:
    copy = tmp_path / "archive.db"
    shutil.copy(archive, copy)
    (url, text) = rows(copy, "SELECT a.url, t.text FROM articles a JOIN texts t ON t.article = a.id"
                             " WHERE a.grade > 0 AND a.word_count > 100")[0]  # fmt: skip
    db = open_archive(copy)
    take_down(db, str(url), "asked for by its author")
    db.close()
    published = publish(copy, tmp_path / "site", public=False).path
    passage = " ".join(str(text).split()[10:18]).encode()
    assert passage not in published.read_bytes()
    assert rows(published, "SELECT reason FROM takedowns") == [("asked for by its author",)]


def test_previous_file_is_kept_and_comes_back(archive: Path, tmp_path: Path) -> None:
    publish(archive, tmp_path, public=True)
    publish(archive, tmp_path, public=False)
    assert rows(tmp_path / "archive.db", "SELECT value FROM site WHERE key = 'edition'") == [("full",)]
    roll_back(tmp_path)
    assert rows(tmp_path / "archive.db", "SELECT value FROM site WHERE key = 'edition'") == [("public",)]
    with pytest.raises(ArchiveError, match="no previous"):
        roll_back(tmp_path)


def test_a_server_reads_the_file_that_took_the_place(archive: Path, tmp_path: Path) -> None:
    site = build_site(publish(archive, tmp_path, public=False).path)

    async def ask() -> None:
        await site.invoke_startup()
        assert (await site.client.get("/archive/site.json?_shape=array")).json()[0]["value"] == "full"
        publish(archive, tmp_path, public=True)
        assert (await site.client.get("/archive/site.json?_shape=array")).json()[0]["value"] == "public"

    asyncio.run(ask())


def test_a_failed_build_leaves_the_file_in_place_untouched(archive: Path, tmp_path: Path) -> None:
    publish(archive, tmp_path, public=True)
    broken = tmp_path / "broken.db"
    broken.write_bytes(archive.read_bytes()[:30_000])
    before = (tmp_path / "archive.db").read_bytes()
    with pytest.raises(ArchiveError):
        publish(broken, tmp_path, public=True)
    assert (tmp_path / "archive.db").read_bytes() == before
    assert not list(tmp_path.glob(".*"))


def test_command_says_which_edition_it_needs(archive: Path, tmp_path: Path) -> None:
    run = CliRunner().invoke(main, ["publish", str(tmp_path), "--db", str(archive)])
    assert run.exit_code == 2
    assert "--full or --public" in run.output
