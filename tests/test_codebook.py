from pathlib import Path

import pytest
import yaml

from archive import codebook
from archive.exports import sample
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


def test_no_entry_of_the_codebook_hides_another() -> None:
    class Strict(yaml.SafeLoader):
        pass

    def mapping(loader: yaml.SafeLoader, node: yaml.MappingNode) -> dict[object, object]:
        names = [loader.construct_object(name) for name, _ in node.value]
        assert len(names) == len(set(names)), f"line {node.start_mark.line}: {names}"
        return loader.construct_mapping(node, deep=True)

    Strict.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, mapping)
    yaml.load(codebook.CODEBOOK.read_text(encoding="utf-8"), Loader=Strict)


def test_the_files_beside_the_tables_are_described() -> None:
    assert tuple(codebook.files()["coding"].columns) == sample.SHEET_COLUMNS
    assert list(codebook.files()["changes"].columns) == ["change", "article", "url"]


def test_what_is_exported_is_described(tmp_path: Path) -> None:
    db = open_archive(tmp_path / "archive.db")
    for table in EXPORTED_TABLES:
        for name in table_columns(db, table, with_text=True):
            entry = codebook.column(table, name)
            assert entry.type == "json" or name not in JSON_COLUMNS


def test_an_entry_in_one_language_only_is_refused() -> None:
    with pytest.raises(ValueError, match=r"articles\.url"):
        codebook._column("articles.url", "url", {"type": "url", "en": "Address"})
