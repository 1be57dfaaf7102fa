"""What every table and column means: read from codebook.yaml, written wherever somebody looks it up.

``python -m archive.codebook > docs/schema.md`` writes the page anew.
"""

import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

import yaml
from sqlite_utils import Database

CODEBOOK = Path(__file__).with_name("codebook.yaml")
LANGUAGES = ("es", "en")
TYPES = ("integer", "number", "string", "boolean", "datetime", "localtime", "date", "json", "url")
# Tables that only SQLite and the migrations look into.
INTERNAL_TABLES = ("_sqlite_migrations", "sqlite_")

Language = Literal["es", "en"]


@dataclass(frozen=True, slots=True)
class Text:
    """The same words in Spanish and in English; empty where there is nothing to say."""

    es: str = ""
    en: str = ""

    def __getitem__(self, language: Language) -> str:
        return self.es if language == "es" else self.en

    def __bool__(self) -> bool:
        """Tell whether anything is said."""
        return bool(self.es or self.en)


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its meaning, type, unit, allowed values, how it was obtained, and known weaknesses."""

    name: str
    type: str
    meaning: Text
    unit: Text
    values: tuple[str | int, ...]
    obtained: Text
    weakness: Text


@dataclass(frozen=True, slots=True)
class Table:
    """One table or view, its columns in the order of the schema."""

    name: str
    title: Text
    description: Text
    obtained: Text
    weakness: Text
    columns: dict[str, Column]


@cache
def tables() -> dict[str, Table]:
    """Return the codebook. Raises ValueError where an entry is not as it must be, naming it."""
    return {name: _table(name, entry) for name, entry in _document()["tables"].items()}


@cache
def files() -> dict[str, Table]:
    """Return the entries of the files that are made beside tables of the archive. Raises ValueError likewise."""
    return {name: _table(name, entry) for name, entry in _document()["files"].items()}


def described(name: str) -> Table:
    """Return the entry of a table, or of a file beside them. Raises KeyError where there is none."""
    return tables()[name] if name in tables() else files()[name]


def column(table: str, name: str) -> Column:
    """Return the entry of a column of an export. Raises KeyError where there is none."""
    if table == "articles" and name == "text":
        return tables()["texts"].columns["text"]
    return described(table).columns[name]


@cache
def _document() -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load(CODEBOOK.read_text(encoding="utf-8"))
    return document


def _table(name: str, entry: dict[str, Any]) -> Table:
    return Table(
        name=name,
        title=_text(entry, f"table {name}"),
        description=_text(entry["description"], f"description of {name}"),
        obtained=_text(entry["obtained"], f"obtained of {name}"),
        weakness=_text(entry["weakness"], f"weakness of {name}"),
        columns={key: _column(f"{name}.{key}", key, value) for key, value in entry["columns"].items()},
    )


def _column(where: str, name: str, entry: dict[str, Any]) -> Column:
    unknown = set(entry) - {"type", "es", "en", "unit", "values", "obtained", "weakness"}
    if unknown or entry["type"] not in TYPES:
        raise ValueError(f"{CODEBOOK.name}: {where}: {', '.join(sorted(unknown)) or entry['type']}")
    return Column(
        name=name,
        type=entry["type"],
        meaning=_text(entry, where),
        unit=_text(entry.get("unit"), f"unit of {where}"),
        values=tuple(entry.get("values", ())),
        obtained=_text(entry.get("obtained"), f"obtained of {where}"),
        weakness=_text(entry.get("weakness"), f"weakness of {where}"),
    )


def _text(entry: dict[str, Any] | None, where: str) -> Text:
    if entry is None:
        return Text()
    if not all(isinstance(entry.get(language), str) and entry[language] for language in LANGUAGES):
        raise ValueError(f"{CODEBOOK.name}: {where}: words in both languages are needed")
    return Text(entry["es"], entry["en"])


def public_tables(db: Database) -> dict[str, list[str]]:
    """Return the tables and views of an archive with their columns, those of SQLite and of indexes left out."""
    found = db.execute("SELECT name, sql FROM sqlite_master WHERE type IN ('table', 'view')").fetchall()
    virtual = [name for name, sql in found if (sql or "").upper().startswith("CREATE VIRTUAL TABLE")]
    names = [
        name
        for name, _ in found
        if not name.startswith(INTERNAL_TABLES)
        and not any(name == index or name.startswith(f"{index}_") for index in virtual)
    ]
    return {name: [row[1] for row in db.execute(f"PRAGMA table_info([{name}])")] for name in sorted(names)}


def describe(entry: Column, language: Language) -> str:
    """Return one line that says all there is to say of a column."""
    parts = [entry.meaning[language]]
    if entry.unit:
        parts.append(f"{_WORDS['unit'][language]}: {entry.unit[language]}.")
    if entry.values:
        parts.append(f"{_WORDS['values'][language]}: {', '.join(str(value) for value in entry.values)}.")
    if entry.obtained:
        parts.append(f"{_WORDS['obtained'][language]}: {entry.obtained[language]}")
    if entry.weakness:
        parts.append(f"{_WORDS['weakness'][language]}: {entry.weakness[language]}")
    return " ".join(parts)


def datasette_tables(language: Language) -> dict[str, dict[str, Any]]:
    """Return titles and descriptions of tables and columns, as Datasette's metadata names them.

    To be merged into ``databases.<name>.tables`` of datasette_metadata.json.
    """
    return {
        table.name: {
            "title": table.title[language],
            "description": _description(table, language),
            "columns": {name: describe(entry, language) for name, entry in table.columns.items()},
        }
        for table in tables().values()
    }


def _description(table: Table, language: Language) -> str:
    return " ".join(
        (
            table.description[language],
            f"{_WORDS['obtained'][language]}: {table.obtained[language]}",
            f"{_WORDS['weakness'][language]}: {table.weakness[language]}",
        )
    )


_WORDS = {
    "unit": Text("Unidad", "Unit"),
    "values": Text("Valores", "Values"),
    "obtained": Text("Cómo se obtuvo", "How it was obtained"),
    "weakness": Text("Debilidades", "Weaknesses"),
    "type": Text("Tipo", "Type"),
    "column": Text("Columna", "Column"),
    "meaning": Text("Significado", "Meaning"),
}


def schema_page() -> str:
    """Return docs/schema.md: every table and column, in Spanish and in English."""
    lines = [
        "# Codebook / Libro de códigos",
        "",
        "Made from `archive/codebook.yaml` by `python -m archive.codebook > docs/schema.md`; do not edit here.",
        "",
        "Types: `datetime` is UTC, `YYYY-MM-DDTHH:MM:SSZ`; `localtime` is ISO 8601 with the publisher's own",
        "offset; `boolean` is 0 or 1; `json` is JSON in a text column. / Tipos: `datetime` es UTC; `localtime`",
        "lleva el desfase del medio; `boolean` es 0 o 1; `json` es JSON en una columna de texto.",
        "",
    ]
    for table in tables().values():
        lines += _table_section(table)
    lines += ["# Files beside the tables / Archivos junto a las tablas", ""]
    for table in files().values():
        lines += _table_section(table)
    return "\n".join(lines)


def _table_section(table: Table) -> list[str]:
    lines = [f"## `{table.name}`: {table.title.en} / {table.title.es}", ""]
    for language in ("en", "es"):
        lines += [_description(table, language), ""]
    lines += ["| Column | Type | English | Español |", "| --- | --- | --- | --- |"]
    lines += [
        f"| `{name}` | {entry.type} | {_cell(describe(entry, 'en'))} | {_cell(describe(entry, 'es'))} |"
        for name, entry in table.columns.items()
    ]
    return [*lines, ""]


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;")


if __name__ == "__main__":
    sys.stdout.write(schema_page())
