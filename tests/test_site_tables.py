"""Datasette's own pages over the archive: what they count is what SQL counts, and they speak the reader's language."""

import sqlite3
from pathlib import Path

import pytest
from lxml import html as lxml_html

from archive.site import tables
from archive.site.tables import described, in_language, is_table_page, marked_code, table_size
from tests.archives import build_archive
from tests.site_pages import Get, client


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_archive(tmp_path_factory.mktemp("tables"))


@pytest.fixture(scope="module")
def get(archive: Path) -> Get:
    return client(archive)


CONDITIONS = (
    ("", "1"),
    ("country=MX", "country = 'MX'"),
    ("country=MX&language=es&title__contains=e", "country = 'MX' AND language = 'es' AND title LIKE '%e%'"),
    ("grade=2&published__gt=2026-01-10", "grade = 2 AND published > '2026-01-10'"),
    ("_search=seguridad", "id IN (SELECT rowid FROM articles_fts WHERE articles_fts MATCH 'seguridad')"),
    (
        "_search=seguridad&country=US",
        "country = 'US' AND id IN (SELECT rowid FROM articles_fts WHERE articles_fts MATCH 'seguridad')",
    ),
    (
        "_search=armas&_where=word_count>100&grade__in=1,2",
        "word_count > 100 AND grade IN (1, 2) AND id IN"
        " (SELECT rowid FROM articles_fts WHERE articles_fts MATCH 'armas')",
    ),
    ("country=XX", "country = 'XX'"),
)


@pytest.mark.parametrize(("asked", "condition"), CONDITIONS)
def test_counts_and_facets_of_articles_are_those_of_sql(
    archive: Path, get: Get, asked: str, condition: str
) -> None:
    facets = ("outlet", "country", "language", "grade", "section", "wire", "status")
    found = get(f"/archive/articles.json?{asked}&" + "&".join(f"_facet={name}" for name in facets)).json()
    with sqlite3.connect(archive) as connection:
        (number,) = connection.execute(f"SELECT count(*) FROM articles WHERE {condition}").fetchone()
        assert found["filtered_table_rows_count"] == number
        for name in facets:
            counted = dict(
                connection.execute(
                    f"SELECT {name}, count(*) FROM articles WHERE {condition} AND {name} IS NOT NULL GROUP BY 1"
                ).fetchall()
            )
            results = found["facet_results"].get(name, {"results": []})["results"]
            assert {result["value"]: result["count"] for result in results} == counted, name


def test_a_table_too_long_to_count_is_not_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "MOST_COUNTED", 10)
    with sqlite3.connect(tmp_path / "t.db") as connection:
        connection.execute("CREATE TABLE bare (x)")
        connection.execute("CREATE TABLE indexed (x)")
        connection.execute("CREATE INDEX indexed_x ON indexed(x)")
        connection.execute("CREATE TABLE partly (x)")
        connection.execute("CREATE INDEX partly_x ON partly(x) WHERE x > 5")
        for table in ("bare", "indexed", "partly"):
            connection.executemany(f"INSERT INTO {table} VALUES (?)", [(n,) for n in range(11)])
        assert [table_size(connection, f"[{table}]") for table in ("bare", "indexed", "partly")] == [
            None,
            11,
            None,
        ]


def test_the_language_of_the_address_is_no_condition(archive: Path, get: Get) -> None:
    with sqlite3.connect(archive) as connection:
        (number,) = connection.execute("SELECT count(*) FROM articles").fetchone()
    page = lxml_html.fromstring(get("/archive/articles?lang=en").text)
    assert page.xpath("string(//p[@class='found'])") == f"{number} rows"
    rows = get("/archive/outlets.json?lang=en&_shape=array").json()
    assert len(rows) == len(get("/archive/outlets.json?_shape=array").json()) > 0


def test_rows_and_facets_keep_the_language_when_followed(get: Get) -> None:
    page = lxml_html.fromstring(get("/archive/articles?lang=en").text)
    row = page.xpath("//table[contains(@class, 'data')]//td[1]/a/@href")[0]
    outlet = page.xpath(
        "//table[contains(@class, 'data')]//td/a[contains(@href, '/archive/outlets/')]/@href"
    )[0]
    facet = page.xpath("//div[@class='facet-results']//a/@href")[0]
    for link in (row, outlet, facet):
        assert '<html lang="en">' in get(link, headers={"accept-language": "es"}).text, link


def test_a_mistake_in_sql_is_answered_with_the_words_of_the_database(get: Get) -> None:
    answer = get("/archive?sql=select+x+from+nowhere&lang=es")
    assert answer.status_code == 200
    assert "no such table: nowhere" in answer.text
    assert "La base de datos no acepta esa consulta" in answer.text
    assert get("/archive.json?sql=select+x+from+nowhere").status_code == 400


def test_pages_of_datasette_about_itself_are_not_shown(get: Get) -> None:
    for path in ("/-/plugins", "/-/patterns", "/-/permissions", "/-/allow-debug", "/-/messages", "/-/logout"):
        assert get(path).status_code == 404, path
    assert get("/-/versions.json").status_code == 200


def test_words_about_tables() -> None:
    assert described("articles", "es")["title"] == "Artículos"
    assert described("nowhere", "es") == {"title": "nowhere", "summary": "", "notes": [], "columns": {}}
    assert in_language("Search / Buscar", "es") == "Buscar"
    assert in_language("Search", "es") == "Search"
    assert in_language(None, "en") == ""
    assert marked_code("a <b> `c < d`") == 'a &lt;b&gt; <code translate="no">c &lt; d</code>'
    assert is_table_page("/archive/articles")
    assert not is_table_page("/archives")
