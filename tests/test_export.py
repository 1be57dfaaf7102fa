import csv
import io
import json
import re
import subprocess
import sys
import tomllib
import tracemalloc
import zipfile
from pathlib import Path

import duckdb
import frictionless
import openpyxl
import pyarrow.dataset
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner, Result
from frictionless import system

from archive.cli import main
from archive.export import FORMATS, export_file
from archive.exports.sample import allotted
from archive.exports.tables import EXPORTED_TABLES, SCOPES, extract_table
from archive.exports.text_formats import spreadsheet_cell
from archive.methods_note import WORDS
from archive.search import Filters, matching_ids, parse
from archive.selection import Selection, where_clause
from tests.small_archive import Small, build


@pytest.fixture
def small(tmp_path: Path) -> Small:
    return build(tmp_path)


def run(small: Small, *arguments: str) -> Result:
    return CliRunner().invoke(main, ["export", "--db", str(small.path), *arguments])


def read_csv(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode("utf-8"), newline="")))


def test_csv_holds_every_article_with_title_and_text_unchanged(small: Small) -> None:
    result = run(small, "--with-text")
    assert result.exit_code == 0, result.output
    assert not result.stdout_bytes.startswith(b"\xef\xbb\xbf")
    found = {row["url"]: (row["title"], row["text"]) for row in read_csv(result.stdout_bytes)}
    stored = small.db.execute(
        "SELECT a.url, a.title, t.text FROM articles a JOIN texts t ON t.article = a.id"
    ).fetchall()
    assert found == {url: (title, text) for url, title, text in stored}
    assert len(found) == 8


def test_csv_records_end_with_crlf(small: Small) -> None:
    lines = run(small, "--columns", "id,outlet").stdout_bytes.split(b"\r\n")
    assert len(lines) == 10
    assert lines[-1] == b""
    assert b"\n" not in b"".join(lines)


def test_text_leaves_only_when_asked_for(small: Small) -> None:
    assert "text" not in read_csv(run(small).stdout_bytes)[0]
    assert b"aduanas" not in run(small).stdout_bytes
    assert b"aduanas" not in run(small, "--table", "revisions").stdout_bytes
    refused = run(small, "--columns", "id,text")
    assert refused.exit_code == 2
    assert "--with-text" in refused.output
    assert b"aduanas" in run(small, "--columns", "id,text", "--with-text").stdout_bytes


@pytest.mark.parametrize(
    ("columns", "header"),
    [("text,id", b"text,id"), ("id,title", b"id,title,text")],
)
def test_the_text_asked_for_comes_where_it_is_named_or_last(
    small: Small, columns: str, header: bytes
) -> None:
    found = run(small, "--columns", columns, "--with-text")
    assert found.stdout_bytes.split(b"\r\n")[0] == header
    assert "derecho de autor" in found.stderr
    assert "copyright" in found.stderr
    assert run(small).stderr == ""


def test_columns_come_in_the_order_asked_for(small: Small) -> None:
    header = run(small, "--columns", "title, id").stdout_bytes.split(b"\r\n")[0]
    assert header == b"title,id"


def test_jsonl_nests_what_is_json(small: Small) -> None:
    lines = [json.loads(line) for line in run(small, "--format", "jsonl").stdout_bytes.splitlines()]
    assert len(lines) == 8
    assert lines[0]["tags"] == ["armas", "frontera"]
    assert lines[0]["terms"][0]["why"] == "the subject's own word"
    assert lines[0]["grade"] in (1, 2)


@pytest.mark.parametrize(
    ("arguments", "condition"),
    [
        (["--outlet", "faro"], "outlet = 'faro'"),
        (["--country", "US"], "country = 'US'"),
        (["--language", "es"], "language = 'es'"),
        (["--grade", "2"], "grade = 2"),
        (
            ["--from", "2026-01-03", "--to", "2026-01-05"],
            "substr(published, 1, 10) BETWEEN '2026-01-03' AND '2026-01-05'",
        ),
    ],
)  # fmt: skip
def test_filters_keep_what_sqlite_keeps(small: Small, arguments: list[str], condition: str) -> None:
    expected = {str(i) for (i,) in small.db.execute(f"SELECT id FROM articles WHERE {condition}")}
    found = {row["id"] for row in read_csv(run(small, *arguments).stdout_bytes)}
    assert found == expected
    assert 0 < len(found) < 8


@pytest.mark.parametrize("form", [*FORMATS, "datapackage"])
@pytest.mark.parametrize(
    "arguments",
    [
        ["--country", "US", "--language", "en"],
        ["--query", "seguridad -outlet:ledger from:2026-01-03"],
        ["--from", "2026-01", "--to", "2026-01-04", "--grade", "2", "--grade", "1"],
        ["--copies", "fold", "--query", "aduanas"],
        ["--accents", "exact", "--query", "ñandú"],
    ],
)
def test_every_filter_holds_in_every_format(
    small: Small, tmp_path: Path, form: str, arguments: list[str]
) -> None:
    with small.db.conn:
        small.db.execute("UPDATE articles SET copy_group = 1 WHERE url LIKE '%/n/2' OR url LIKE '%/n/5'")
    expected = {
        json.loads(line)["url"] for line in run(small, "--format", "jsonl", *arguments).stdout.splitlines()
    }
    assert 0 < len(expected) < 8
    target = tmp_path / f"out.{form}"
    result = run(small, "--format", form, "-o", str(target), *arguments)
    assert result.exit_code == 0, result.output
    assert urls_in(target, form) == expected


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("stratum", ["outlet", "month", "grade"])
def test_the_same_sample_comes_in_every_format(small: Small, tmp_path: Path, form: str, stratum: str) -> None:
    arguments = ["--sample", "3", "--stratify", stratum, "--seed", "5", "-o"]
    urls = set()
    for drawn in (form, "csv"):
        target = tmp_path / f"out.{drawn}"
        assert run(small, "--format", drawn, *arguments, str(target)).exit_code == 0
        urls.add(frozenset(urls_in(target, drawn)))
        sheet = (tmp_path / f"out.{drawn}.coding.csv").read_text(encoding="utf-8-sig")
        assert len(list(csv.DictReader(io.StringIO(sheet, newline="")))) == 3
    assert len(urls) == 1


def urls_in(path: Path, form: str) -> set[str]:
    if form == "datapackage":
        return {row["url"] for row in read_csv((path / "data" / "articles.csv").read_bytes())}
    if form == "parquet":
        return set(pq.read_table(path)["url"].to_pylist())
    if form == "xlsx":
        lines = list(openpyxl.load_workbook(path)["articles"].iter_rows(values_only=True))
        return {str(line[lines[0].index("url")]) for line in lines[1:]}
    found = re.findall(r"https://(?:faro|ledger)\.example/n/\d+", path.read_text(encoding="utf-8-sig"))
    return set(found)


@pytest.mark.parametrize("table", EXPORTED_TABLES)
def test_every_table_comes_whole_and_narrowed_in_every_format(
    small: Small, tmp_path: Path, table: str
) -> None:
    (rows,) = small.db.execute(f"SELECT count(*) FROM [{table}]").fetchone()
    assert len(read_csv(run(small, "--table", table).stdout_bytes)) == rows
    for form in ("csv-excel", "jsonl", "parquet", "xlsx"):
        result = run(small, "--table", table, "--format", form, "-o", str(tmp_path / f"out.{form}"))
        assert result.exit_code == 0, (form, result.output)
    scope = SCOPES[table]
    if scope.outlet or scope.article or scope.holds or table == "articles":
        narrowed = read_csv(run(small, "--table", table, "--country", "US", "--language", "en").stdout_bytes)
        outlets = {row.get("outlet") for row in narrowed} - {None}
        assert outlets <= {"ledger"}
        assert len(narrowed) < rows or rows == 0
    if scope.day[0] or table == "articles":
        assert len(read_csv(run(small, "--table", table, "--from", "2031", "--to", "2032").stdout_bytes)) == 0


SEARCHES = (
    "seguridad",
    "armas -guerra",
    "title:acuerdan",
    "ñandu",
    "-aduanas",
    "nothingofthekind",
    "",
    "párraf*",
)
NARROWED = (
    "",
    "outlet:faro",
    "-outlet:faro",
    "grade:2",
    "country:US",
    "from:2026-01-03",
    "to:2026-01",
    "language:es",
)


@pytest.mark.parametrize("words", SEARCHES)
def test_an_export_holds_what_a_search_finds(small: Small, words: str) -> None:
    with small.db.conn:
        small.db.execute("UPDATE articles SET copy_group = 1 WHERE substr(url, -1) IN ('2', '5')")
        small.db.execute("UPDATE articles SET copy_group = 2 WHERE substr(url, -1) IN ('0', '4', '7')")
    for narrowed in NARROWED:
        for filters in (
            Filters(),
            Filters(outlet=("ledger",), year=("2026",)),
            Filters(section=("",), status=("live",)),
        ):
            query = parse(f"{words} {narrowed}")
            for copies in ("all", "fold"):
                selection = Selection(query=query, filters=filters, copies=copies)
                condition, parameters = where_clause(small.db, selection)
                found = small.db.execute(
                    f"SELECT a.id FROM articles a WHERE {condition}", parameters
                ).fetchall()
                assert {number for (number,) in found} == set(
                    matching_ids(small.db, query, filters, copies=copies)
                )


def test_articles_that_fell_off_the_subject_stay_out_unless_asked_for(small: Small) -> None:
    with small.db.conn:
        small.db.execute("UPDATE articles SET grade = 0 WHERE url LIKE '%/n/3'")
    assert len(read_csv(run(small).stdout_bytes)) == 7
    assert len(read_csv(run(small, "--grade", "0").stdout_bytes)) == 1


def test_revisions_follow_their_articles(small: Small) -> None:
    rows = read_csv(run(small, "--table", "revisions", "--outlet", "faro").stdout_bytes)
    assert len(rows) == 5
    assert [row["number"] for row in rows].count("2") == 1


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--columns", "id,nonsense"], "nonsense"),
        (["--columns", ""], "no column ''"),
        (["--outlet", "nobody"], "nobody"),
        (["--from", "2026-02-30"], "2026-02-30"),
        (["--from", "2026-02-02", "--to", "2026-02-01"], "empty"),
        (["--table", "pages", "--grade", "2"], "--outlet, --country, --language, --from, --to only"),
        (["--table", "crawls", "--outlet", "faro"], "--from, --to only"),
        (["--table", "outlets", "--query", "armas"], "--outlet, --country, --language only"),
        (["--table", "takedowns", "--copies", "fold"], "only"),
        (["--columns", "id,id"], "twice"),
        (["--table", "revisions", "--columns", "text"], "--with-text"),
        (["--format", "ris", "--columns", "id"], "references"),
        (["--format", "bibtex", "--table", "pages"], "references"),
        (["--format", "datapackage"], "-o"),
        (["--format", "datapackage", "-o", "x", "--sample", "3"], "no sample"),
        (["--stratify", "month"], "--sample"),
        (["--sample", "3", "--table", "pages"], "--sample draws articles"),
        (["--partition", "month"], "parquet"),
        (["--grade", "3"], "3"),
        (["--format", "nonsense"], "nonsense"),
        (["--table", "sqlite_master"], "sqlite_master"),
    ],
)
def test_what_cannot_be_had_is_wrong_usage_in_words(small: Small, arguments: list[str], words: str) -> None:
    result = run(small, *arguments)
    assert result.exit_code == 2
    assert words in result.output
    assert "Traceback" not in result.output


def test_a_missing_archive_is_not_made(tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["export", "--db", str(tmp_path / "none.db")])
    assert result.exit_code == 1
    assert "none.db" in result.output
    assert not (tmp_path / "none.db").exists()


def test_a_file_appears_whole_or_not_at_all(small: Small, tmp_path: Path) -> None:
    target = tmp_path / "out.csv"
    target.write_text("before")
    with small.db.conn:
        small.db.execute("UPDATE articles SET title = CAST(x'ff' AS TEXT) WHERE url LIKE '%/n/7'")
    result = run(small, "-o", str(target))
    assert result.exit_code == 1
    assert isinstance(result.exception, SystemExit)
    assert "out.csv" in result.output
    assert target.read_text() == "before"
    assert [path.name for path in tmp_path.iterdir() if "partial" in path.name] == []


def test_a_spreadsheet_runs_nothing_and_is_cut_with_a_mark(small: Small) -> None:
    with small.db.conn:
        small.db.execute("UPDATE texts SET text = ? WHERE title LIKE '%🇲🇽%'", ["😀a\n" * 12_000])
    content = run(small, "--format", "csv-excel", "--with-text").stdout_bytes
    assert content.startswith(b"\xef\xbb\xbf")
    rows = list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline="")))
    assert len(rows) == 8
    for row in rows:
        for cell in row.values():
            assert not cell.startswith(("=", "+", "-", "@", "\t"))
            assert not set(cell) & set("\r\n")
            assert len(cell.encode("utf-16-le")) // 2 <= 32_767
    cut = next(row["text"] for row in rows if "🇲🇽" in row["title"])
    assert "cut" in cut[-60:]
    assert {row["score"] for row in rows} == {"7.5"}


@pytest.mark.parametrize("text", [
    "=1+1", "+52 55 1234", "-2+3", "@SUM(1)", "\t=1+1", "\r=1+1", "\n=1+1", "\x00=1+1", "\x01=1+1", " =1+1", "＝1+1",
    "\ufeff=1+1", "\u200b=1+1", "\x0b=1+1", "-", "0012", "1e5", "12/31/2026", "+1", "1,234.50", "TRUE", "5%", "12:30",
])  # fmt: skip
def test_a_cell_that_a_spreadsheet_would_change_begins_with_an_apostrophe(text: str) -> None:
    assert spreadsheet_cell(text).startswith("'")


@pytest.mark.parametrize("value", [
    -7.5, 3, None, "-7", "-0.25", "1984", "2026-01", "2026-01-31", "2026-01-31T10:00:00Z", "México", "“=1”",
    "True story", "'tis", "",
])  # fmt: skip
def test_numbers_days_and_words_stay_as_they_are(value: object) -> None:
    assert spreadsheet_cell(value) == value


def test_a_line_of_json_is_one_line_to_every_reader(small: Small) -> None:
    with small.db.conn:
        small.db.execute("UPDATE articles SET description = ?", ["a\u2028b\u2029c\x85d\x0be\x1cf"])
    lines = run(small, "--format", "jsonl").stdout_bytes.decode().splitlines()
    assert {json.loads(line)["description"] for line in lines} == {"a\u2028b\u2029c\x85d\x0be\x1cf"}


def test_what_no_workbook_holds_is_marked(small: Small, tmp_path: Path) -> None:
    with small.db.conn:
        small.db.execute("UPDATE articles SET description = ?", ["a\x01b\ufffec\uffffd\re"])
    target = tmp_path / "out.xlsx"
    run(small, "--format", "xlsx", "--columns", "description", "-o", str(target))
    assert openpyxl.load_workbook(target)["articles"]["A2"].value == "a\ufffdb\ufffdc\ufffdd\ne"


@pytest.mark.slow
def test_other_programs_read_what_sqlite_holds() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.roundtrip", "--rows", "130"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "frictionless, datapackage: the same" in done.stdout


def test_parquet_is_typed_and_whole(small: Small, tmp_path: Path) -> None:
    target = tmp_path / "out.parquet"
    assert run(small, "--format", "parquet", "--with-text", "-o", str(target)).exit_code == 0
    table = pq.read_table(target)
    assert table.num_rows == 8
    assert str(table.schema.field("published").type) == "timestamp[ms, tz=UTC]"
    assert str(table.schema.field("paywalled").type) == "bool"
    assert table.schema.field("grade").metadata[b"description"]
    stored = dict(small.db.execute("SELECT article, text FROM texts").fetchall())
    assert dict(zip(table["id"].to_pylist(), table["text"].to_pylist(), strict=True)) == stored
    published = dict(small.db.execute("SELECT id, published FROM articles").fetchall())
    for row in table.select(["id", "published"]).to_pylist():
        assert row["published"].strftime("%Y-%m-%dT%H:%M:%SZ") == published[row["id"]]
    group = pq.ParquetFile(target).metadata.row_group(0)
    assert {group.column(i).compression for i in range(group.num_columns)} == {"ZSTD"}
    outlet = group.column(table.schema.get_field_index("outlet"))
    assert outlet.has_dictionary_page


def test_duckdb_reads_what_sqlite_holds(small: Small, tmp_path: Path) -> None:
    csv_path, parquet_path = tmp_path / "out.csv", tmp_path / "out.parquet"
    run(small, "--with-text", "-o", str(csv_path))
    run(small, "--with-text", "--format", "parquet", "-o", str(parquet_path))
    stored = small.db.execute(
        "SELECT a.id, a.title, t.text FROM articles a JOIN texts t ON t.article = a.id ORDER BY a.id"
    ).fetchall()
    for path in (csv_path, parquet_path):
        assert duckdb.sql(f"SELECT id, title, text FROM '{path}' ORDER BY id").fetchall() == stored


def test_xlsx_keeps_text_as_text(small: Small, tmp_path: Path) -> None:
    target = tmp_path / "out.xlsx"
    assert run(small, "--format", "xlsx", "--with-text", "-o", str(target)).exit_code == 0
    workbook = openpyxl.load_workbook(target)
    lines = list(workbook["articles"].iter_rows())
    names = [cell.value for cell in lines[0]]
    assert all(cell.data_type != "f" for line in lines for cell in line)
    found = {line[names.index("id")].value: line[names.index("title")].value for line in lines[1:]}
    assert found == dict(small.db.execute("SELECT id, title FROM articles").fetchall())
    assert lines[1][names.index("score")].value == 7.5
    assert workbook["codebook"]["C2"].value


@pytest.mark.parametrize("form", ["parquet", "xlsx"])
def test_a_binary_format_does_not_go_to_the_terminal(small: Small, form: str) -> None:
    result = run(small, "--format", form)
    assert result.exit_code == 2
    assert "-o" in result.output


def test_a_query_selects_as_search_does(small: Small) -> None:
    assert len(read_csv(run(small, "--query", "ñandu").stdout_bytes)) == 1
    assert len(read_csv(run(small, "--query", "seguridad", "--outlet", "faro").stdout_bytes)) == 4
    assert read_csv(run(small, "--query", "nothingofthekind").stdout_bytes) == []


def test_how_a_query_was_read_is_said(small: Small) -> None:
    result = run(small, "--query", "corrección (armas")
    assert "unpaired and left out: “(”" in result.stderr
    assert "understood" not in run(small).stderr


def test_a_data_package_is_valid_and_whole(small: Small, tmp_path: Path) -> None:
    target = tmp_path / "package"
    result = run(small, "--format", "datapackage", "-o", str(target))
    assert result.exit_code == 0, result.output
    with system.use_context(trusted=True):
        report = frictionless.validate(str(target / "datapackage.json"))
    assert report.valid, report.flatten(["rowNumber", "fieldName", "note", "message"])[:5]
    counts = {path.stem: len(read_csv(path.read_bytes())) for path in (target / "data").iterdir()}
    assert (counts["articles"], counts["outlets"], counts["revisions"]) == (8, 2, 9)
    descriptor = json.loads((target / "datapackage.json").read_text())
    assert all(
        field["description"] and field["descripcion"]
        for resource in descriptor["resources"]
        for field in resource["schema"]["fields"]
    )
    assert b"aduanas" not in b"".join(path.read_bytes() for path in target.rglob("*.csv"))


def test_a_data_package_of_a_selection_still_holds_together(small: Small, tmp_path: Path) -> None:
    target = tmp_path / "package.zip"
    result = run(small, "--format", "datapackage", "--outlet", "faro", "--with-text", "-o", str(target))
    assert result.exit_code == 0, result.output
    with system.use_context(trusted=True):
        report = frictionless.validate(str(target))
    assert report.valid, report.flatten(["rowNumber", "fieldName", "note", "message"])[:5]
    with zipfile.ZipFile(target) as package:
        assert len(read_csv(package.read("data/articles.csv"))) == 4


def test_a_folder_that_is_no_package_is_left_alone(small: Small, tmp_path: Path) -> None:
    folder = tmp_path / "thesis"
    folder.mkdir()
    (folder / "chapter.txt").write_text("mine")
    result = run(small, "--format", "datapackage", "-o", str(folder))
    assert result.exit_code == 1
    assert (folder / "chapter.txt").read_text() == "mine"


def test_an_empty_folder_and_an_older_package_are_replaced(small: Small, tmp_path: Path) -> None:
    folder = tmp_path / "package"
    folder.mkdir()
    for _ in range(2):
        assert run(small, "--format", "datapackage", "-o", str(folder)).exit_code == 0
        assert (folder / "datapackage.json").is_file()
    assert [path.name for path in tmp_path.glob(".*")] == []


def test_beside_a_file_lie_its_methods_and_its_schema(small: Small, tmp_path: Path) -> None:
    target = tmp_path / "out.csv"
    run(small, "--query", "seguridad", "--country", "MX", "-o", str(target))
    note = (tmp_path / "out.csv.methods.md").read_text()
    english, spanish = note.split("---\n\n#")
    for words in (
        "Rows in this file: 4,", "Query as understood", "country: MX", "faro | 4", "1 (abc)", "Not measured",
        "36 hours", "bilateral 0.", "published 2026-01-01T06:05:00Z to", "By language: es 4", "Copies are counted",
        "(95%, Wilson; 103 right",
    ):  # fmt: skip
        assert words in english
    for words in (
        "Filas de este archivo: 4,", "Consulta tal como se entendió: ", "country: MX", "faro | 4", "1 (abc)",
        "No medido", "36 horas", "bilateral 0.", "publicados de 2026-01-01T06:05:00Z a", "Por idioma: es 4",
        "Las copias se cuentan", "(95 %, Wilson; 103 acertados",
    ):  # fmt: skip
        assert words in spanish
    schema = json.loads((tmp_path / "out.csv-metadata.json").read_text())
    header = next(csv.reader(io.StringIO(target.read_text())))
    assert [column["name"] for column in schema["tableSchema"]["columns"]] == header


def test_what_the_note_says_of_the_judge_is_what_the_docs_say() -> None:
    (known,) = tomllib.loads(WORDS.read_text(encoding="utf-8"))["measured"]
    table = Path(__file__).parents[1].joinpath("docs", "relevance.md").read_text(encoding="utf-8")
    last_sets = next(line for line in table.splitlines() if line.startswith("| the last three |"))
    f1 = 2 * known["tp"] / (2 * known["tp"] + known["fp"] + known["fn"])
    relevant = known["tp"] + known["fn"]
    assert f"{f1:.3f} | {known['fp']} of" in last_sets
    assert f"| {known['fn']} of {relevant} |" in last_sets


def test_a_sample_is_drawn_by_its_seed_and_comes_with_a_coding_sheet(small: Small, tmp_path: Path) -> None:
    ids = [
        [row["id"] for row in read_csv(run(small, "--sample", "4", "--seed", seed).stdout_bytes)]
        for seed in ("7", "7", "8")
    ]
    assert ids[0] == ids[1] != ids[2]
    target = tmp_path / "sample.csv"
    run(small, "--sample", "4", "--stratify", "outlet", "-o", str(target))
    sheet = list(csv.DictReader((tmp_path / "sample.csv.coding.csv").open(encoding="utf-8-sig", newline="")))
    assert [row["outlet"] for row in sheet].count("faro") == 2
    assert all(row["grade"] == "" for row in sheet)
    assert "stratified by outlet" in (tmp_path / "sample.csv.methods.md").read_text()
    filled = tmp_path / "filled.csv"
    assert not any(row["title"].startswith(("=", "+", "-", "@")) for row in sheet)
    filled.write_text((tmp_path / "sample.csv.coding.csv").read_text("utf-8-sig").replace(",,", ",2,"))
    result = CliRunner().invoke(main, ["label", "--db", str(small.path), "--from", str(filled)])
    assert result.output.startswith("4 labels")


@pytest.mark.parametrize(
    ("populations", "size", "expected"),
    [
        ({"a": 90, "b": 9, "c": 1}, 10, {"a": 8, "b": 1, "c": 1}),
        ({"a": 5, "b": 5}, 100, {"a": 5, "b": 5}),
        ({"a": 3, "b": 2, "c": 1}, 2, {"a": 1, "b": 1, "c": 0}),
        ({}, 3, {}),
    ],
)
def test_places_go_to_strata_in_proportion(
    populations: dict[str, int], size: int, expected: dict[str, int]
) -> None:
    assert allotted(populations, size) == expected


def test_reasons_quote_the_article_only_with_its_text(small: Small) -> None:
    quoted = [
        {"text": "a", "where": "title", "points": 1.0, "why": 'both: “Say \\ "this": “again”” (1)'},
        {"why": "ends in a backslash: “x\\"},
        {"why": "plain"},
    ]
    with small.db.conn:
        small.db.execute("UPDATE articles SET terms = ?", [json.dumps(quoted, ensure_ascii=False)])
    first = json.loads(run(small, "--format", "jsonl").stdout.splitlines()[0])
    assert [term["why"] for term in first["terms"]] == ["both", "ends in a backslash", "plain"]
    whole = json.loads(run(small, "--format", "jsonl", "--with-text").stdout.splitlines()[0])
    assert whole["terms"] == quoted
    assert "summary" not in run(small, "--table", "pages").stdout.splitlines()[0]


@pytest.mark.parametrize("form", ["csv", "csv-excel", "jsonl", "parquet", "xlsx"])
def test_memory_does_not_grow_with_the_rows(small: Small, tmp_path: Path, form: str) -> None:
    with small.db.conn:
        small.db.execute(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 4000) INSERT INTO articles"
            " (id, url, key, outlet, country, language, title, first_seen, last_checked, grade, score, word_count,"
            " sha256) SELECT i, 'u' || i, 'k' || i, 'faro', 'MX', 'es', hex(zeroblob(3500)) || i, '', '', 1, 1, 1, ''"
            " FROM n"
        )
    target = tmp_path / f"out.{form}"
    export_file(
        small.db,
        target,
        extract_table(small.db, "articles", Selection(filters=Filters(outlet=("ledger",)))),
        form,
    )
    tracemalloc.start()
    try:
        export_file(small.db, target, extract_table(small.db), form)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 12_000_000  # the rows themselves hold 28 million


def test_a_time_that_is_none_is_named_and_leaves_no_file(small: Small, tmp_path: Path) -> None:
    with small.db.conn:
        small.db.execute("UPDATE articles SET modified = 'yesterday' WHERE url LIKE '%/n/3'")
    result = run(small, "--format", "parquet", "-o", str(tmp_path / "out.parquet"))
    assert result.exit_code == 1
    assert isinstance(result.exception, SystemExit)
    assert "yesterday" in result.output
    assert not (tmp_path / "out.parquet").exists()


def test_months_are_folders_that_others_read_as_one_table(small: Small, tmp_path: Path) -> None:
    with small.db.conn:
        small.db.execute("UPDATE articles SET published = NULL WHERE id = (SELECT max(id) FROM articles)")
        small.db.execute(
            "UPDATE articles SET published = '2025-11-03T00:00:00Z' WHERE id = (SELECT min(id) FROM articles)"
        )
    target = tmp_path / "all"
    options = ("--format", "parquet", "--partition", "month", "-o", str(target))
    assert run(small, *options).exit_code == 0
    assert {path.name for path in target.iterdir()} >= {"month=2025-11", "month=__HIVE_DEFAULT_PARTITION__"}
    files = f"read_parquet('{target}/**/*.parquet', hive_partitioning = true)"
    read = duckdb.sql(f"SELECT url, month FROM {files}").fetchall()
    sql = "SELECT url, substr(published, 1, 7) FROM articles WHERE grade > 0"
    expected = small.db.execute(sql).fetchall()
    assert sorted(map(str, read)) == sorted(map(str, expected))
    table = pyarrow.dataset.dataset(target, format="parquet", partitioning="hive").to_table()
    assert table.num_rows == len(expected)
    again = run(small, *options)
    assert (again.exit_code, "File exists" in again.output) == (1, True)
    wrong = run(small, "--partition", "month")
    assert (wrong.exit_code, "--partition is for --format parquet" in wrong.output) == (2, True)
    without = run(small, *options[:-1], str(tmp_path / "other"), "--columns", "url")
    assert (without.exit_code, "months need the column" in without.output) == (1, True)
    assert not (tmp_path / "other").exists()


def test_xlsx_holds_line_ends_and_control_characters_as_every_reader_reads_them(
    small: Small, tmp_path: Path
) -> None:
    with small.db.conn:
        small.db.execute(
            "UPDATE articles SET title = 'uno' || char(13, 10) || 'dos' || char(13) || 'tres' || char(11)"
        )
    target = tmp_path / "a.xlsx"
    assert run(small, "--format", "xlsx", "--columns", "title", "-o", str(target)).exit_code == 0
    sheet = openpyxl.load_workbook(target).worksheets[0]
    assert sheet["A2"].value == "uno\ndos\ntres\ufffd"
