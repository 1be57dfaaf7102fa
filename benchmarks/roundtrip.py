"""Whether what leaves the archive is read by other programs as the archive holds it.

    python -m benchmarks.roundtrip [--rows 300] [--seed 1] [--python PATH] [--keep FOLDER]

An archive is filled with headlines and texts that are hard to carry: quotes, line ends of every kind, formulas, emoji,
controls, characters that turn the direction of text, texts longer than a spreadsheet's cell. It is exported with
`bilateral export` and read back by Python's csv and json, DuckDB, frictionless, openpyxl, bibtexparser, pybtex and
rispy, and, where they are installed, by pandas (``--python``: an interpreter that has it; the project's own must not),
LibreOffice Calc without a window, R with readr, and pandoc. Every cell is compared with SQLite. Ends with 1 where one
differs; says which programs are absent.
"""

import argparse
import random
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from sqlite_utils import Database

from archive.citations import balanced, in_one_line
from archive.exports.text_formats import spreadsheet_cell
from archive.exports.xlsx import sheet_cell
from archive.models import Article, Outlet, Term, Verdict
from archive.store import open_archive, save_article, save_outlets
from benchmarks import readers
from benchmarks.readers import COMPARED, Table, same

Check = tuple[str, bool, Callable[[], str]]  # its name, whether the program is here, and what differs

PIECES = (
    "México y EE.UU. acordaron", "ñandú, pingüino, ¿qué?", "“comillas” y «angulares»", '"recto" y ""doble""',
    "a,b;c\td", "'apóstrofo'", "{llave} \\orden % & $ # _ ^ ~", "<b>negritas</b> &amp; &#x1F600;",
    "😀🇲🇽🤝🇺🇸👩\u200d👩\u200d👧", "中文 العربية עברית", "e\u0301 combinado", "\u202eodatrevni\u202c",
    "\u2067isolate\u2069", "\u200bzero\u200dwidth\ufeff", "línea\u2028separada\u2029", "\x85siguiente",
    "\x0bvertical\x0c", "_x000D_ literal _x0041_", "NULL", "NA", "\\N", "\\n", "\\", "|", "𝕄éxico", "½ ﬁ ﷽",
    "\ufffe\uffff", "\x01\x1b[31m\x7f", "--", ";", "''", "1,234.50", "-7", "0012", "1e5", "TRUE", "12/31/2026", "nan",
    "inf", "una { sola", "otra } sola",
)  # fmt: skip
BREAKS = ("\n", "\r\n", "\r", "\n\n", " ", "  ", "\t", "")
STARTS = (
    "=1+1", '=HYPERLINK("http://127.0.0.1/?"&A1,"x")', "=cmd|' /C calc'!A0", "+52 55 1234", "-2+3", "@SUM(1+1)",
    "\t=1+1", "\r=1+1", "\n=1+1", " =1+1", "＝1+1", "＋1", "－1", "＠SUM(1)", "%0A-3", "|calc", "'=1+1", '"=1+1"', "=",
    "-", "+", "@", "\x01=1+1", "\ufeff=1+1", "{=1+1}", "#REF!", "-1", "+1", "=TRUE", "DDE(1)", "\u00a0=1+1",
    "\u200b=1+1", "\x0b=1+1", ";=1+1", ',"=1+1"', "−1",
)  # fmt: skip
LONG = ("😀" * 40_000, "a" * 40_000, "=" + "b" * 40_000, "línea\n" * 8_000, "x" * 200_000)
CALC_CSV = "csv:Text - txt - csv (StarCalc):44,34,76"


def hostile(random_: random.Random, pieces: int) -> str:
    """Return a text of pieces that are hard to carry."""
    parts = [random_.choice(STARTS)] if random_.random() < 0.4 else []
    for _ in range(pieces):
        parts += [random_.choice(PIECES), random_.choice(BREAKS)]
    return "".join(parts)


def make(path: Path, rows: int, seed: int) -> Database:
    """Make the archive: every start and every piece once at least, and some cells of 40,000 characters and more."""
    db, random_ = open_archive(path), random.Random(seed)
    outlet = Outlet(id="faro", name="El Faro: «ficticio» & {hijos}", country="MX", language="es",
                    homepage="https://faro.example/", timezone="America/Mexico_City")  # fmt: skip
    save_outlets(db, [outlet])
    sure = [*((piece, "") for piece in (*STARTS, *PIECES)), *(("", text) for text in LONG)]
    for number in range(max(rows, len(sure))):
        title, text = sure[number] if number < len(sure) else ("", "")
        address = random_.choice(("", "%7B", "ñ", "(x)", "a,b"))
        article = Article(
            url=f"https://faro.example/{number}?a=1&b={address}{number}",
            title=title or hostile(random_, random_.randint(1, 3)),
            text=text or hostile(random_, random_.randint(1, 40)),
            description=hostile(random_, 1),
            section=random_.choice(PIECES),
            authors=(hostile(random_, 1).replace(";", ",").strip() or "x", "Dana O'Hara"),
            language="es",
            tags=(hostile(random_, 1),),
            published_local=f"2026-{number % 12 + 1:02}-{number % 28 + 1:02}T10:00:00-06:00",
        )
        terms = (Term(text="seguridad", where="title", points=2.0, why=f"both: “{hostile(random_, 2)}”"),)
        verdict = Verdict(grade=1 + number % 2, score=-7.5, terms=terms, topic_version="1 (abc)")
        save_article(db, outlet, article, verdict, seen="2026-11-01T00:00:00Z", snapshot=None)
    return db


def held(db: Database, cell: Callable[[str], str]) -> Table:
    """Return what SQLite holds, as a format may change it."""
    query = (
        "SELECT a.id, a.title, a.description, a.authors, a.section, t.text FROM articles a"
        " JOIN texts t ON t.article = a.id"
    )
    return {str(row[0]): dict(zip(COMPARED, map(cell, row[1:]), strict=True)) for row in db.execute(query)}


def trimmed(value: str) -> str:
    """What readr makes of a cell unless told otherwise: spaces around it go, and NA is nothing."""
    cell = value.strip(" \t\r")
    return "" if cell == "NA" else cell


def one_line_end(value: str) -> str:
    """What R's own read.csv makes of line ends inside a cell."""
    return value.replace("\r\n", "\n").replace("\r", "\n")


def bilateral(*arguments: object) -> None:
    subprocess.run([sys.executable, "-m", "archive.cli", *map(str, arguments)], check=True)


def compare(expected: Table, found: Table) -> str:
    """Return what differs, empty where nothing does."""
    if set(expected) != set(found):
        return f"{len(found)} rows, not {len(expected)}"
    wrong = [
        f"{number}.{name}: {expected[number][name][:60]!r} came back {(found[number].get(name) or '')[:60]!r}"
        for number in expected
        for name in COMPARED
        if expected[number][name] != (found[number].get(name) or "")
    ]
    return f"{len(wrong)} cells differ; " + "; ".join(wrong[:5]) if wrong else ""


# What pandoc sets in type, and leaves no choice about.
_TYPESET = str.maketrans({"’": "'", "‘": "'", "“": "'", "”": "'", '"': "'", " ": None, "\u202f": None})


def compare_titles(db: Database, found: dict[str, str]) -> str:
    """Return which headlines differ; a lone brace may be lost, which only TeX itself knows by its name."""
    query = "SELECT outlet || '-' || id, title FROM articles"
    stored = {key: in_one_line(title) for key, title in db.execute(query)}
    if set(stored) != set(found):
        return f"{len(found)} references, not {len(stored)}"
    wrong = [
        f"{title!r} came back {found[key]!r}"
        for key, title in stored.items()
        if balanced(title) and title.translate(_TYPESET) != found[key].translate(_TYPESET)
    ]
    return f"{len(wrong)} headlines differ; " + "; ".join(wrong[:5]) if wrong else ""


def checks(db: Database, folder: Path, python: str | None) -> Iterator[Check]:
    """Export in every form, and give the checks of all."""
    package = folder / "package"
    bilateral(
        "export", "--db", folder / "archive.db", "--with-text", "--format", "datapackage", "-o", package
    )
    yield "frictionless, datapackage", True, lambda: readers.frictionless_of(package)
    yield from references(db, folder)
    yield from tables(db, folder, python)


def references(db: Database, folder: Path) -> Iterator[Check]:
    """Give the checks of the three forms of references."""
    pandoc = shutil.which("pandoc") is not None
    plan: list[tuple[str, str, bool, Callable[[Path], dict[str, str]]]] = [
        ("pybtex", "bibtex", True, readers.titles_by_pybtex),
        ("bibtexparser", "bibtex", True, readers.titles_by_bibtexparser),
        ("pandoc", "bibtex", pandoc, readers.titles_by_pandoc("biblatex")),
        ("rispy", "ris", True, readers.titles_by_rispy),
        ("pandoc", "csl-json", pandoc, readers.titles_by_pandoc("csljson")),
    ]
    for form in ("bibtex", "ris", "csl-json"):
        bilateral("export", "--db", folder / "archive.db", "--format", form, "-o", folder / f"out.{form}")
    for name, form, present, read in plan:
        path = folder / f"out.{form}"
        yield f"{name}, {form}", present, lambda read=read, path=path: compare_titles(db, read(path))


def tables(db: Database, folder: Path, python: str | None) -> Iterator[Check]:
    """Give the checks of the forms of tables."""
    names = {"csv": "csv", "csv-excel": "excel.csv", "jsonl": "jsonl", "parquet": "parquet", "xlsx": "xlsx"}
    files = {form: folder / f"out.{ending}" for form, ending in names.items()}
    for form, path in files.items():
        bilateral("export", "--db", folder / "archive.db", "--with-text", "--format", form, "-o", path)
    calc, r = shutil.which("soffice") is not None, shutil.which("Rscript") is not None
    excel: Callable[[str], str] = spreadsheet_cell
    through_calc = [
        ("xlsx", readers.by_calc("xlsx", readers.by_openpyxl_from_calc)),
        ("csv", readers.by_calc(CALC_CSV, readers.by_python)),
    ]
    plan: list[tuple[str, bool, Callable[[Path], Table], str, Callable[[str], str]]] = [
        ("Python", True, readers.by_python, "csv", same),
        ("Python", True, readers.by_python, "csv-excel", excel),
        ("Python", True, readers.by_json, "jsonl", same),
        ("DuckDB", True, readers.by_duckdb, "csv", same),
        ("DuckDB", True, readers.by_duckdb, "parquet", same),
        ("openpyxl", True, readers.by_openpyxl, "xlsx", sheet_cell),
        *(
            ("pandas", python is not None, readers.by_pandas(python or "", form), form,
             sheet_cell if form == "xlsx" else same)
            for form in ("csv", "jsonl", "parquet", "xlsx")
        ),
        ("R, readr", r, readers.by_r("readr"), "csv", same),
        ("R, readr as it is by default", r, readers.by_r("readr-plain"), "csv", trimmed),
        ("R, read.csv", r, readers.by_r("base"), "csv", one_line_end),
        *((f"LibreOffice to {kind}", calc, read, "csv-excel", excel) for kind, read in through_calc),
        *((f"LibreOffice to {kind}", calc, read, "xlsx", sheet_cell) for kind, read in through_calc),
    ]  # fmt: skip
    for name, present, read, form, cell in plan:
        path = files[form]
        yield (
            f"{name}, {form}",
            present,
            lambda read=read, path=path, cell=cell: compare(held(db, cell), read(path)),
        )


def outcome(check: Callable[[], str]) -> str:
    try:
        return check()
    except Exception as error:  # whatever another program dies of is a finding
        return f"{type(error).__name__}: {str(error)[:400]}"


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--python", help="an interpreter with pandas, pyarrow and openpyxl")
    parser.add_argument("--keep", type=Path, help="leave the files in this folder")
    options = parser.parse_args()
    failed = 0
    with tempfile.TemporaryDirectory() as name:
        folder = options.keep or Path(name)
        folder.mkdir(parents=True, exist_ok=True)
        db = make(folder / "archive.db", options.rows, options.seed)
        for title, present, check in checks(db, folder, options.python):
            wrong = outcome(check) if present else ""
            failed += bool(wrong)
            print(f"{title}: {(wrong or 'the same') if present else 'absent'}", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
