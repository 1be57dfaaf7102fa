"""Other programs as readers: each takes a file of articles and gives the table, or the headlines, it found there."""

import csv
import json
import re
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

COMPARED = ("title", "description", "authors", "section", "text")
Table = dict[str, dict[str, str]]  # id -> column -> text


def same(value: str) -> str:
    return value


def by_python(path: Path) -> Table:
    csv.field_size_limit(1 << 30)
    with path.open(encoding="utf-8-sig", newline="") as stream:
        return {row["id"]: row for row in csv.DictReader(stream)}


def by_duckdb(path: Path) -> Table:
    import duckdb

    source = f"read_csv('{path}', all_varchar=true)" if path.suffix == ".csv" else f"'{path}'"
    found = duckdb.sql(f"SELECT id, {', '.join(COMPARED)} FROM {source}").fetchall()
    return {
        str(row[0]): {name: value or "" for name, value in zip(COMPARED, row[1:], strict=True)}
        for row in found
    }


def by_duckdb_sniffing(path: Path) -> Table:
    import duckdb

    found = duckdb.sql(f"SELECT id, {', '.join(COMPARED)} FROM '{path}'").fetchall()
    return {
        str(row[0]): {name: value or "" for name, value in zip(COMPARED, row[1:], strict=True)}
        for row in found
    }


def by_openpyxl(path: Path) -> Table:
    return sheet_of(path, unescaped)


def by_openpyxl_from_calc(path: Path) -> Table:  # Calc reads _x000D_ and the like, and never writes it
    return sheet_of(path, same)


def sheet_of(path: Path, last: Callable[[str], str]) -> Table:
    import openpyxl

    sheet = openpyxl.load_workbook(path, read_only=True).worksheets[0]
    lines = sheet.iter_rows()
    names = [str(cell.value) for cell in next(lines)]
    table: Table = {}
    for line in lines:
        formulas = [cell.value for cell in line if cell.data_type in ("f", "e")]
        if formulas:
            raise ValueError(f"a formula in the sheet: {formulas[0]!r}")
        row = {
            name: "" if cell.value is None else last(str(cell.value))
            for name, cell in zip(names, line, strict=False)
        }
        table[row["id"]] = row
    return table


def unescaped(cell: str) -> str:
    """Turn ``_x000D_`` into what it stands for (ECMA-376, ST_Xstring): openpyxl, and with it pandas, leaves it."""
    return re.sub("_x([0-9A-Fa-f]{4})_", lambda found: chr(int(found[1], 16)), cell)


def by_json(path: Path) -> Table:
    found = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return {str(row["id"]): row for row in found}


PANDAS = """
import json, sys, pandas
path, form = sys.argv[1:]
if form == "parquet":
    frame = pandas.read_parquet(path)
elif form == "jsonl":
    frame = pandas.read_json(path, lines=True, dtype=False, convert_dates=False)
elif form == "xlsx":
    frame = pandas.read_excel(path, dtype=str, keep_default_na=False)
else:
    frame = pandas.read_csv(path, keep_default_na=False, dtype={"section": str, "authors": str, "title": str})
columns = ["id", "title", "description", "authors", "section", "text"]
json.dump([[str(v) for v in row] for row in frame[columns].itertuples(index=False)], sys.stdout)
"""


def by_pandas(python: str, form: str) -> Callable[[Path], Table]:
    def read(path: Path) -> Table:
        done = subprocess.run(
            [python, "-c", PANDAS, str(path), form], check=True, capture_output=True, text=True
        )
        last = unescaped if form == "xlsx" else same
        return {
            row[0]: dict(zip(COMPARED, map(last, row[1:]), strict=True)) for row in json.loads(done.stdout)
        }

    return read


READR = """
arguments <- commandArgs(TRUE)
if (arguments[2] == "readr") {
  frame <- suppressMessages(readr::read_csv(arguments[1], col_types = readr::cols(.default = "c"), na = character(),
    trim_ws = FALSE, lazy = FALSE))
  if (nrow(readr::problems(frame)) > 0) stop("problems: ", paste(format(readr::problems(frame)[1,]), collapse = " "))
} else if (arguments[2] == "readr-plain") {
  frame <- suppressMessages(readr::read_csv(arguments[1], col_types = readr::cols(.default = "c"), lazy = FALSE))
} else {
  frame <- read.csv(arguments[1], encoding = "UTF-8", colClasses = "character", na.strings = character(),
    check.names = FALSE)
}
hex <- function(x) paste(format(as.hexmode(as.integer(charToRaw(enc2utf8(x)))), width = 2), collapse = "")
for (row in seq_len(nrow(frame))) {
  cells <- vapply(c("id", "title", "description", "authors", "section", "text"),
    function(name) { x <- frame[[name]][row]; if (is.na(x) || nchar(x, "bytes") == 0) "" else hex(x) }, "")
  cat(cells, sep = "\\t"); cat("\\n")
}
"""  # fmt: skip


def by_r(how: str) -> Callable[[Path], Table]:
    def read(path: Path) -> Table:
        with tempfile.NamedTemporaryFile("w", suffix=".R") as script:
            script.write(READR)
            script.flush()
            done = subprocess.run(["Rscript", script.name, str(path), how], capture_output=True, text=True)
        if done.returncode:
            raise ValueError(done.stderr.strip()[-300:])
        table: Table = {}
        for line in done.stdout.splitlines():
            cells = [bytes.fromhex(cell).decode("utf-8") for cell in line.split("\t")]
            table[cells[0]] = dict(zip(COMPARED, cells[1:], strict=True))
        return table

    return read


# Comma, double quote, UTF-8: without a window Calc takes any CSV for Windows-1252, whatever its first bytes.
UTF8_CSV = "--infilter=Text - txt - csv (StarCalc):44,34,76,1"


def by_calc(target: str, read: Callable[[Path], Table]) -> Callable[[Path], Table]:
    """Open a file in Calc and save it as ``target``; read that."""

    def through(path: Path) -> Table:
        with tempfile.TemporaryDirectory() as folder:
            subprocess.run(
                ["soffice", f"-env:UserInstallation=file://{folder}/profile", "--headless",
                 *([UTF8_CSV] if path.suffix == ".csv" else []), "--convert-to", target, "--outdir", folder, str(path)],
                check=True, capture_output=True, timeout=300,
            )  # fmt: skip
            made = next(
                found for found in Path(folder).iterdir() if found.suffix == f".{target.partition(':')[0]}"
            )
            return read(made)

    return through


def plain(latex: str) -> str:
    from pylatexenc.latex2text import LatexNodes2Text

    return (
        LatexNodes2Text(strict_latex_spaces=True, keep_comments=True).latex_to_text(latex).replace("ˆ", "^")
    )


def titles_by_pybtex(path: Path) -> dict[str, str]:
    from pybtex.database import parse_file

    return {
        key: plain(entry.fields["title"]) for key, entry in parse_file(str(path), "bibtex").entries.items()
    }


def titles_by_bibtexparser(path: Path) -> dict[str, str]:
    from bibtexparser.entrypoint import parse_file

    library = parse_file(str(path), encoding="UTF-8")
    if library.failed_blocks:
        raise ValueError(f"{len(library.failed_blocks)} entries could not be read")
    return {entry.key: plain(entry["title"]) for entry in library.entries}


def titles_by_rispy(path: Path) -> dict[str, str]:
    import rispy

    with path.open(encoding="utf-8") as stream:
        return {record["id"]: record["title"] for record in rispy.load(stream)}


def titles_by_pandoc(form: str) -> Callable[[Path], dict[str, str]]:
    def read(path: Path) -> dict[str, str]:
        done = subprocess.run(
            ["pandoc", "-f", form, "-t", "csljson", str(path)], check=True, capture_output=True, text=True
        )
        items = json.loads(done.stdout)
        if {item["type"] for item in items} != {"article-newspaper"}:
            raise ValueError("not all of them are newspaper articles")
        return {item["id"]: item["title"] for item in items}

    return read


def frictionless_of(package: Path) -> str:
    import frictionless

    with frictionless.system.use_context(trusted=True):
        report = frictionless.validate(str(package / "datapackage.json"))
    return "" if report.valid else str(report.flatten(["rowNumber", "fieldName", "note", "message"])[:3])
