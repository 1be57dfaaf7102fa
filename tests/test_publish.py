"""The site database: what is in it, what is nowhere in it, and how it takes the place of the one before."""

import asyncio
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner
from sqlite_utils import Database

from archive.cli import main
from archive.folding import words
from archive.publish import EXCERPT_WORDS, publish, roll_back
from archive.search import facets, search, select
from archive.site.app import build_site
from archive.store import ArchiveError, open_archive, transaction
from archive.takedown import take_down
from tests.archives import build_archive


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_archive(tmp_path_factory.mktemp("publish"))


def rows(path: Path, sql: str) -> list[tuple[object, ...]]:
    with sqlite3.connect(path) as connection:
        return connection.execute(sql).fetchall()


def sentences(text: str) -> list[str]:
    """Return the sentences of a text that are long enough to be known again, folded."""
    parts = re.split(r"(?<=[.!?;:])\s+|\n+", text)
    return [" ".join(words(part)) for part in parts if len(part.split()) >= 5]


def test_public_file_holds_no_sentence_of_any_version_beyond_its_excerpt(
    archive: Path, tmp_path: Path
) -> None:
    published = publish(archive, tmp_path / "site", public=True).path
    # Everything in the file, as one text in small letters without accents and signs: what the index holds too.
    raw = " ".join(words(published.read_bytes().decode("utf-8", "ignore")))
    shown = [row[0] for row in rows(published, "SELECT title FROM articles UNION SELECT title FROM revisions"
             " UNION SELECT description FROM texts UNION SELECT text FROM texts UNION SELECT headline FROM pages"
             " UNION SELECT title FROM verdicts UNION SELECT title FROM stories")]  # fmt: skip
    allowed = "\n".join(" ".join(words(str(text))) for text in shown)
    checked = 0
    for (text,) in rows(archive, "SELECT text FROM texts UNION SELECT text FROM revisions"):
        for sentence in sentences(str(text)):
            if sentence in allowed or " ".join(sentence.split()[:4]) in allowed:
                continue  # told by the excerpt, or cut off by its end
            checked += 1
            assert sentence not in raw, sentence
    assert checked > 200


def test_public_index_does_not_give_the_words_of_a_text_in_their_order(archive: Path, tmp_path: Path) -> None:
    """Word by word, an index that knows the places of words tells a text though it holds none."""
    told = {}
    for public in (True, False):
        published = publish(archive, tmp_path / str(public), public=public).path
        with sqlite3.connect(published) as connection:
            connection.execute("CREATE VIRTUAL TABLE temp.v USING fts5vocab(main, articles_fts, instance)")
            places = connection.execute("SELECT doc, col, offset, term FROM temp.v").fetchall()
        texts: dict[object, list[tuple[int, str]]] = {}
        for doc, col, offset, term in places:
            texts.setdefault((doc, col), []).append((offset, term))
        told[public] = [
            [term for _, term in sorted(found, key=lambda each: each[0] or 0)] for found in texts.values()
        ]
    long = [" ".join(found) for found in told[False] if len(found) > 80]
    (text,) = rows(archive, "SELECT text FROM texts t JOIN articles a ON a.id = t.article WHERE grade = 2")[0]
    passage = " ".join(words(str(text))[20:60])
    assert any(passage in told_text for told_text in long)  # this way of reading an index gives texts back
    alphabetical = [found == sorted(found) and len(found) == len(set(found)) for found in told[True]]
    assert all(alphabetical)


def test_public_index_finds_phrases_by_all_their_words_and_says_so(archive: Path, tmp_path: Path) -> None:
    db = Database(publish(archive, tmp_path, public=True).path)
    assert select(db, '"seguridad de reunión" -"xyz abc"').query.understood("es") == (
        "artículos con (la forma exacta «seguridad» y la forma exacta «de» y la forma exacta «reunión»), pero sin"
        " (la forma exacta «xyz» y la forma exacta «abc»); esta edición no guarda el orden de las palabras: una"
        " frase vale como todas las suyas"
    )
    words_of_it = search(db, "seguridad de reunión").total
    assert words_of_it >= search(db, '"seguridad de reunión"').total > 0
    for text in (
        "NEAR(canciller Rubio, 5)",
        "México-EE.UU.",
        '"reunión de segur*"',
        'title:("de la Fuente")',
        "“a b” OR c",
    ):
        assert search(db, text).total >= 0, text
        assert facets(db, text).country is not None
    assert select(db, "seguridad").query.understood("es") == "artículos con «seguridad»"


def test_public_site_does_not_offer_what_its_index_cannot_do(archive: Path, tmp_path: Path) -> None:
    for public in (True, False):
        site = build_site(publish(archive, tmp_path / str(public), public=public).path, public=public)
        page = asyncio.run(site.client.get('/search?q="seguridad+fronteriza"&lang=en')).text
        assert ("the exact phrase" in page) is not public
        assert ("Words count, not their order" in page) is public
        assert ("does not keep the order of words" in page) is public


def test_public_index_ranks_headlines_first(archive: Path, tmp_path: Path) -> None:
    db = Database(publish(archive, tmp_path, public=True).path)
    hits = search(db, "fentanilo", sort="relevance").hits
    in_title = ["fentanilo" in hit.article["title"].lower() for hit in hits]
    assert any(in_title)
    assert in_title == sorted(in_title, reverse=True)


def test_public_file_has_its_excerpts_and_none_is_longer(archive: Path, tmp_path: Path) -> None:
    published = publish(archive, tmp_path / "site", public=True).path
    texts = [str(text) for (text,) in rows(published, "SELECT text FROM texts")]
    assert max(len(text.split()) for text in texts) == EXCERPT_WORDS + 1  # and the mark of the cut
    assert any(text.endswith(" […]") for text in texts)
    for table, column in (("revisions", "text"), ("revisions", "description"), ("mentions", "sentence")):
        assert rows(published, f"SELECT count(*) FROM {table} WHERE {column} != ''") == [(0,)], (
            table,
            column,
        )
    assert not [t for (t,) in rows(published, "SELECT terms FROM articles") if "“" in str(t)]


def test_published_file_has_the_archives_keys_and_indexes(archive: Path, tmp_path: Path) -> None:
    """Without them, pages that are quick over the archive would read whole tables over the site's copy."""
    for public in (True, False):
        published = publish(archive, tmp_path / str(public), public=public).path
        sql = "SELECT name FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL AND tbl_name = '{}'"
        for table in (
            "articles",
            "revisions",
            "events",
            "pages",
            "snapshots",
            "stories",
            "mentions",
            "copies",
        ):
            assert set(rows(archive, sql.format(table))) <= set(rows(published, sql.format(table))), table
        key = "SELECT name FROM pragma_table_info('crawl_outlets') WHERE pk ORDER BY pk"
        assert rows(published, key) == [("crawl",), ("outlet",)]
        references = "SELECT \"table\" FROM pragma_foreign_key_list('articles') ORDER BY 1"
        assert rows(published, references) == [("outlets",), ("stories",)]
        assert rows(published, "SELECT type FROM sqlite_master WHERE name = 'coverage'") == [("table",)]


def test_nothing_is_left_beside_the_file_nor_played_into_it(archive: Path, tmp_path: Path) -> None:
    publish(archive, tmp_path, public=True)
    for ending in ("-wal", "-shm", "-journal"):
        (tmp_path / f"archive.db{ending}").write_bytes(b"left by a server that was killed")
    publish(archive, tmp_path, public=True)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["archive.db", "archive.previous.db"]
    assert rows(tmp_path / "archive.db", "PRAGMA integrity_check") == [("ok",)]
    assert rows(tmp_path / "archive.db", "PRAGMA freelist_count") == [(0,)]


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


def test_a_server_reads_the_file_that_took_the_place_and_the_one_that_came_back(
    archive: Path, tmp_path: Path
) -> None:
    site = build_site(publish(archive, tmp_path, public=False).path)

    async def edition() -> str:
        for _ in range(50):  # the request after the change may still be answered from the file before
            await asyncio.sleep(0.02)
            answer = await site.client.get("/archive/site.json?_shape=object")
        return str(answer.json()["edition"]["value"])

    async def ask() -> None:
        await site.invoke_startup()
        assert await edition() == "full"
        whole = (await site.client.get("/search.json?q=seguridad")).json()["total"]
        publish(archive, tmp_path, public=True)
        assert await edition() == "public"
        assert (await site.client.get("/search.json?q=seguridad")).json()["total"] == whole
        roll_back(tmp_path)
        assert await edition() == "full"

    asyncio.run(ask())


def test_readers_are_answered_while_one_file_takes_the_place_of_another(
    archive: Path, tmp_path: Path
) -> None:
    site = build_site(publish(archive, tmp_path, public=False).path)

    async def ask() -> None:
        await site.invoke_startup()
        for number in range(6):
            publish(archive, tmp_path, public=number % 2 == 0)
            addresses = ("/", "/search?q=armas", "/search.json?q=armas", "/changes", "/outlets") * 4
            answers = await asyncio.gather(*(site.client.get(address) for address in addresses))
            assert {answer.status_code for answer in answers} == {200}

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


def test_what_a_killed_build_left_is_cleared_away_and_what_another_builds_is_not(
    archive: Path, tmp_path: Path
) -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    left, other = tmp_path / f".archive.db.{ended.pid}.new", tmp_path / f".archive.db.{os.getppid()}.new"
    left.write_bytes(b"x")
    other.write_bytes(b"x")
    publish(archive, tmp_path, public=True)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([other.name, "archive.db"])


def test_a_build_takes_no_longer_for_each_row_the_more_there_are(tmp_path: Path) -> None:
    """Its sums over pages look each of them up among the captures: 20,000 of each take seconds and not minutes."""
    path = tmp_path / "archive.db"
    db = open_archive(path)
    with transaction(db):
        db.execute(
            "INSERT INTO outlets VALUES ('faro', 'Faro', 'MX', 'es', 'digital', '', 'UTC', 'open', 1, 'all', NULL)"
        )
        numbers = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)"
        db.execute(
            f"{numbers} INSERT INTO pages (url, key, outlet, discovered, via, state, last_try)"
            " SELECT 'u' || i, 'k' || i, 'faro', '2026-01-01T00:00:00Z', 'feed', 'off-topic', '2026' FROM n"
        )
        db.execute(
            f"{numbers} INSERT INTO snapshots (url, page, fetched, status, warc_file, warc_offset, warc_length,"
            " payload_digest) SELECT 'v' || i, 'v' || i, '2026-01-01T00:00:00Z', 200, '', 0, 0, '' FROM n"
        )
    db.close()
    began = time.monotonic()
    publish(path, tmp_path / "site", public=True)
    assert time.monotonic() - began < 15


def test_command_says_where_a_full_edition_is_left_beside_a_public_one(archive: Path, tmp_path: Path) -> None:
    for edition in ("--full", "--public"):
        run = CliRunner().invoke(main, ["publish", str(tmp_path), edition, "--db", str(archive)])
        assert run.exit_code == 0, run.output
    assert "archive.previous.db: the one before is a full edition" in run.output


def test_command_says_which_edition_it_needs(archive: Path, tmp_path: Path) -> None:
    run = CliRunner().invoke(main, ["publish", str(tmp_path), "--db", str(archive)])
    assert run.exit_code == 2
    assert "--full or --public" in run.output
