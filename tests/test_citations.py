import json
from pathlib import Path

import pytest
import rispy
from bibtexparser import library
from bibtexparser.entrypoint import parse_string as parse_bibtex
from click.testing import CliRunner
from pybtex.database import parse_string
from pylatexenc.latex2text import LatexNodes2Text

from archive import citations
from archive.cli import main
from tests.small_archive import Small, build


@pytest.fixture
def small(tmp_path: Path) -> Small:
    return build(tmp_path)


def run(small: Small, form: str, *arguments: str) -> str:
    result = CliRunner().invoke(main, ["export", "--db", str(small.path), "--format", form, *arguments])
    assert result.exit_code == 0, result.output
    return result.stdout_bytes.decode()


def test_bibtex_is_read_by_another_program(small: Small) -> None:
    entries = parse_string(run(small, "bibtex"), "bibtex").entries
    assert len(entries) == 8
    entry = next(e for e in entries.values() if e.fields["url"] == "https://faro.example/n/0")
    assert entry.fields["entrysubtype"] == "newspaper"
    assert entry.fields["journal"] == "El Faro (ficticio)"
    assert (entry.fields["date"], entry.fields["urldate"]) == ("2026-01-01", "2026-02-01")
    assert entry.fields["langid"] == "spanish"
    assert "SHA-256" in entry.fields["note"]
    assert len(entry.persons["author"]) == 2


def test_what_latex_would_obey_is_escaped() -> None:
    record = dict.fromkeys(citations.CITED_COLUMNS, "x") | {
        "title": r"50% & $5_000 #1 {a} \input{x} ~^",
        "url": "https://x.example/a_b?c=1&d=%20#e}",
        "first_seen": "2026-02-01T00:00:00Z",
    }
    entry = parse_string(citations.bibtex([record]), "bibtex").entries["x-x"]
    assert entry.fields["title"].startswith(r"{50\% \& \$5\_000 \#1 \{a\} \textbackslash{}input\{x\}")
    assert entry.fields["url"] == "https://x.example/a_b?c=1&d=%20#e%7D"


def record_of(number: int, title: str) -> dict[str, str]:
    return dict.fromkeys(citations.CITED_COLUMNS, "x") | {"id": str(number), "title": title, "authors": title}


def test_no_headline_spoils_the_file() -> None:
    titles = [
        "{",
        "}",
        "}{",
        "\\",
        "{\\",
        "%",
        "@article{x,",
        "a\r\nb",
        '"',
        "ER  - ",
        "a,b = {c}",
        "",
        "\x00\x1b[31m",
    ]
    records = [record_of(number, title) for number, title in enumerate(titles)]
    entries = parse_string(citations.bibtex(records), "bibtex").entries
    assert [entry.fields["year"] for entry in entries.values()] == ["x"] * len(titles)
    assert len(parsed(citations.bibtex(records)).entries) == len(titles)
    found = rispy.loads(citations.ris(records))
    assert [record.get("title", "") for record in found] == [citations.in_one_line(title) for title in titles]


def parsed(text: str) -> library.Library:
    found = parse_bibtex(text)
    assert not found.failed_blocks
    return found


def test_signs_stay_what_they_are() -> None:
    title = "Mexico Sends 26 Capos to the U.S. -- 'tis ''quoted'' <<so>> ?`x {a}"
    entry = parse_string(citations.bibtex([record_of(1, title)]), "bibtex").entries["x-1"]
    shown = LatexNodes2Text(strict_latex_spaces=True).latex_to_text(entry.fields["title"])
    assert shown == title
    assert entry.fields["title"].startswith("{")  # else styles write "the u.s."


def test_ris_holds_one_record_an_article(small: Small) -> None:
    text = run(small, "ris")
    records = rispy.loads(text)
    assert len(records) == 8
    assert {record["type_of_reference"] for record in records} == {"NEWS"}
    assert all(line[2:6] == "  - " for line in text.splitlines() if line)
    titles = {record["title"] for record in records}
    assert "Two lines in one headline" in titles
    assert "@SRE_mx anuncia diálogo 🇲🇽🤝🇺🇸" in titles
    assert records[0]["language"] in ("es", "en")


def test_csl_json_is_an_array_of_newspaper_articles(small: Small) -> None:
    items = json.loads(run(small, "csl-json"))
    assert len(items) == 8
    assert {item["type"] for item in items} == {"article-newspaper"}
    assert items[0]["issued"]["date-parts"][0] == [2026, 1, 1]
    assert items[0]["author"][0] == {"literal": "Irene Salcedo"}


def test_an_empty_selection_is_an_empty_list(small: Small) -> None:
    assert json.loads(run(small, "csl-json", "--from", "2030-01-01")) == []


def test_an_article_without_a_date_is_cited_without_one(small: Small) -> None:
    with small.db.conn:
        small.db.execute("UPDATE articles SET published = NULL, published_local = NULL")
    assert "issued" not in json.loads(run(small, "csl-json"))[0]
    assert "date" not in next(iter(parse_string(run(small, "bibtex"), "bibtex").entries.values())).fields
