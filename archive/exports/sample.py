"""Random samples of a selection, for reading and coding by people; the same seed draws the same articles."""

import csv
import random
from array import array
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from sqlite_utils import Database

from archive.exports.text_formats import spreadsheet_cell
from archive.selection import Selection, where_clause
from archive.store import rows

Stratum = Literal["outlet", "month", "grade"]
STRATA: dict[Stratum, str] = {
    "outlet": "a.outlet",
    "month": "substr(coalesce(a.published_local, a.published, a.first_seen), 1, 7)",
    "grade": "a.grade",
}
# Read back by `bilateral label --from`.
SHEET_COLUMNS = ("sample", "url", "outlet", "language", "title", "grade", "note")


@dataclass(frozen=True, slots=True)
class Draw:
    """A sample that was drawn: how, and the ids of its articles in rising order."""

    size: int
    seed: int
    stratify: Stratum | None
    numbers: tuple[int, ...]


def draw(db: Database, selection: Selection, size: int, seed: int, stratify: Stratum | None = None) -> Draw:
    """Draw ``size`` articles, all of them where there are fewer.

    Stratified, each stratum gives its share, and at least one article while there are places.
    """
    condition, parameters = where_clause(db, selection)
    key = STRATA[stratify] if stratify else "''"
    strata: dict[str, array[int]] = defaultdict(lambda: array("q"))  # a million ids, of 8 bytes each
    sql = f"SELECT a.id, {key} FROM articles a WHERE {condition} ORDER BY a.id"
    for number, stratum in db.execute(sql, parameters):
        strata[str(stratum)].append(number)
    generator = random.Random(seed)
    shares = allotted({name: len(numbers) for name, numbers in strata.items()}, size)
    drawn = [number for name in sorted(strata) for number in generator.sample(strata[name], shares[name])]
    return Draw(size, seed, stratify, tuple(sorted(drawn)))


def allotted(populations: dict[str, int], size: int) -> dict[str, int]:
    """Return how many of each stratum are drawn: in proportion, at least one each while there are places."""
    total = sum(populations.values())
    size = min(size, total)
    largest = sorted(populations, key=lambda name: (-populations[name], name))
    shares = {name: int(place < size) for place, name in enumerate(largest)}
    while (left := size - sum(shares.values())) > 0:
        unfilled = [name for name in largest if shares[name] < populations[name]]
        unfilled.sort(key=lambda name: shares[name] - size * populations[name] / total)
        missing = size * populations[unfilled[0]] / total - shares[unfilled[0]]
        shares[unfilled[0]] += max(1, min(left, int(missing)))
    return shares


def sheet_beside(path: Path) -> Path:
    """Return where the coding sheet of a sample lies."""
    return path.with_name(f"{path.name}.coding.csv")


def write_coding_sheet(db: Database, path: Path, drawn: Draw, name: str) -> None:
    """Write the sheet that people fill in: one article a row, the judge's grade left out. Raises OSError.

    It is made for a spreadsheet, in which no headline is to run as a formula.
    """
    with path.open("w", encoding="utf-8-sig", newline="") as stream:
        sheet = csv.DictWriter(stream, SHEET_COLUMNS, lineterminator="\r\n")
        sheet.writeheader()
        for number in drawn.numbers:
            (found,) = rows(db, "SELECT url, outlet, language, title FROM articles WHERE id = ?", [number])
            cells = {column: spreadsheet_cell(value) for column, value in found.items()}
            sheet.writerow({"sample": name, "grade": "", "note": "", **cells})
