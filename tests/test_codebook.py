from pathlib import Path

import pytest

from archive import codebook
from archive.exports.tables import EXPORTED_TABLES, table_columns
from archive.exports.text_formats import JSON_COLUMNS
from archive.store import open_archive

ROOT = Path(__file__).parents[1]


def test_every_table_and_column_of_the_schema_has_an_entry_and_no_entry_is_left_over(tmp_path: Path) -> None:
    schema = codebook.public_tables(open_archive(tmp_path / "archive.db"))
    described = {name: list(table.columns) for name, table in codebook.tables().items()}
    assert described == schema


@pytest.mark.parametrize("language", codebook.LANGUAGES)
def test_every_column_is_described_to_datasette(language: codebook.Language) -> None:
    tables = codebook.datasette_tables(language)
    assert set(tables) == set(codebook.tables())
    for table in tables.values():
        assert all(words.strip() for words in table["columns"].values())


def test_the_two_languages_are_two() -> None:
    for table in codebook.tables().values():
        for entry in table.columns.values():
            if len(entry.meaning.en) > 12:
                assert entry.meaning.es != entry.meaning.en, (table.name, entry.name)


def test_the_page_of_the_schema_is_current() -> None:
    assert (ROOT / "docs" / "schema.md").read_text(encoding="utf-8") == codebook.schema_page(), (
        "run python -m archive.codebook > docs/schema.md"
    )


def test_what_is_exported_is_described(tmp_path: Path) -> None:
    db = open_archive(tmp_path / "archive.db")
    for table in EXPORTED_TABLES:
        for name in table_columns(db, table, with_text=True):
            entry = codebook.column(table, name)
            assert (entry.type == "json") == (name in JSON_COLUMNS)


def test_an_entry_in_one_language_only_is_refused() -> None:
    with pytest.raises(ValueError, match=r"articles\.url"):
        codebook._column("articles.url", "url", {"type": "url", "en": "Address"})
