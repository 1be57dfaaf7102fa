"""What readers are told of the tables is what the codebook says, and the canned queries run."""

import asyncio
import json
from pathlib import Path

import pytest

from archive.site.app import build_site
from archive.site.metadata import current, read_metadata, shipped
from tests.archives import build_archive


def test_the_file_is_made_from_the_codebook_of_today() -> None:
    assert shipped().read_text(encoding="utf-8") == current(read_metadata()), (
        "run python -m archive.site.metadata"
    )


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_archive(tmp_path_factory.mktemp("metadata"))


def test_every_canned_query_runs_and_finds_something(archive: Path) -> None:
    queries = json.loads(shipped().read_text(encoding="utf-8"))["databases"]["archive"]["queries"]
    parameters = {
        "search": "q=seguridad",
        "latest_by_country": "country=mx",
        "latest_by_outlet": "outlet=faro",
        "outlets_gone_silent": "",
    }

    async def ask() -> None:
        site = build_site(archive)
        await site.invoke_startup()
        for name in queries:
            answer = await site.client.get(f"/archive/{name}.json?_shape=array&{parameters.get(name, '')}")
            assert answer.status_code == 200, (name, answer.text)
            assert answer.json() or name == "outlets_gone_silent", name
        hostile = await site.client.get('/archive/search.json?_shape=array&q=M%C3%A9xico-EE.UU.%20armas"')
        assert hostile.status_code == 200

    asyncio.run(ask())


def test_every_table_and_column_that_readers_see_is_described(archive: Path) -> None:
    async def ask() -> None:
        site = build_site(archive)
        await site.invoke_startup()
        described = site.metadata()["databases"]["archive"]["tables"]
        database = site.get_database("archive")
        hidden = set(await database.hidden_table_names())
        for table in set(await database.table_names()) - hidden:
            if table.startswith(("_", "sqlite_")):
                continue
            columns = {column.name for column in await database.table_column_details(table)}
            assert columns <= set(described[table]["columns"]), table

    asyncio.run(ask())
