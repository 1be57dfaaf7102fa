"""From a crawl over loopback to the files: hostile headlines arrive unchanged, and what is not there is counted."""

import csv
import io
import json
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import openpyxl
import pyarrow.parquet as pq
import pytest
import rispy
from pybtex.database import parse_file
from pylatexenc.latex2text import LatexNodes2Text

from tests.newsroom import Article, Newsroom, Outlet

pytestmark = pytest.mark.slow

OUTLETS = (
    Outlet(id="faro", name="El Faro; «ficticio» & {hijos}", host="www.faro-rara.example"),
    Outlet(
        id="tribuna",
        name='La "Tribuna", ficticia',
        host="www.tribuna-rara.example",
        layout="wordpress",
        routes={},
        sections={"politica": "Política"},
        announce="nowhere",
    ),
)
TITLES = (
    "=HYPERLINK(A1) México y Estados Unidos acuerdan reunión de seguridad",
    "+52: México y Estados Unidos acuerdan reunión de seguridad",
    "-2+3 México y Estados Unidos acuerdan reunión de seguridad",
    "@SRE_mx y Rubio acuerdan reunión de seguridad 🇲🇽🤝🇺🇸👩\u200d👩\u200d👧",
    'México y EE.UU. "acuerdan", dicen; reunión de seguridad',
    "México y Estados Unidos acuerdan {reunión} de seguridad: 50% \\más & $5 #1 _x_",
    "\u202eEstados Unidos y México acuerdan reunión de seguridad\u202c",
    "México y Estados Unidos acuerdan <reunión> de seguridad &amp; ñandú",
)
TEXT = (
    "Los gobiernos de México y de Estados Unidos acordaron celebrar en enero una reunión de su grupo de trabajo de"
    " seguridad, informó la Secretaría de Relaciones Exteriores, y tratarán el tráfico de armas y de fentanilo.",
    '=SUM(A1:A9) fue lo primero que leyó el canciller; "no habrá tropas", repitió, y citó 1,234.50 casos; -3 menos.',
    "El secretario de Estado, Marco Rubio, y el canciller mexicano hablaron de la cooperación de seguridad 😀.",
)
OFF = (
    "La biblioteca municipal abre el lunes una sala de lectura con libros donados por los vecinos del barrio.",
    "Habrá talleres de encuadernación por la tarde, y la entrada será libre para quien llegue antes de las cinco.",
)


def articles() -> Iterator[Article]:
    def article(slug: str, title: str, text: tuple[str, ...], day: int, **more: object) -> Article:
        outlet = OUTLETS[day % 2].id
        return Article(
            outlet=outlet, slug=slug, title=title, text=text, published=datetime(2026, 2, day, 10), **more
        )

    for number, title in enumerate(TITLES):
        text = (*TEXT, f"Fue la ronda número {number} de este año, según el comunicado que ambos firmaron.")
        yield article(f"nota-{number}", title, text, 10 + number % 4)
    for number in range(5):
        yield article(
            f"libros-{number}", f"La biblioteca abre su sala {number}", OFF, 10 + number % 3, grade=0
        )
    yield article("muro", TITLES[1], TEXT, 12, traits=frozenset({"consent"}))
    yield article("vedada", TITLES[2], TEXT, 12, traits=frozenset({"disallowed"}))


@dataclass(frozen=True)
class Crawled:
    """A newsroom and the archive that one crawl made of it."""

    newsroom: Newsroom
    folder: Path

    @property
    def path(self) -> Path:
        return self.folder / "archive.db"

    def bilateral(self, command: str, *arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "archive.cli", command, "--db", str(self.path), *arguments],
            capture_output=True, timeout=240, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout.decode("utf-8")

    def crawl(self) -> None:
        registry = str(self.newsroom.registry(self.folder / "outlets.toml"))
        self.bilateral("crawl", "--outlets", registry, "--allow-private-hosts", "--recheck", "all")

    def rows(self, sql: str) -> list[tuple[object, ...]]:
        with sqlite3.connect(self.path) as db:
            return db.execute(sql).fetchall()


@pytest.fixture(scope="module")
def crawled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Crawled]:
    with Newsroom(OUTLETS, articles()) as newsroom:
        made = Crawled(newsroom, tmp_path_factory.mktemp("crawled"))
        made.crawl()
        yield made


def test_what_is_not_there_is_counted_as_a_hand_counts_it(crawled: Crawled) -> None:
    assert crawled.rows("SELECT * FROM seen_per_day") == [
        # outlet, day, seen, fetched, on subject, off it, screened out, walled, refused, failed, queued, duplicates
        ("faro", "2026-02-10", 4, 4, 2, 2, 0, 0, 0, 0, 0, 0),
        ("faro", "2026-02-12", 5, 4, 2, 1, 0, 1, 1, 0, 0, 0),
        ("tribuna", "2026-02-11", 4, 4, 2, 2, 0, 0, 0, 0, 0, 0),
        ("tribuna", "2026-02-13", 2, 2, 2, 0, 0, 0, 0, 0, 0, 0),
    ]
    watched = crawled.rows("SELECT outlet, crawls, readings, discovered FROM watched_per_day")
    assert watched == [("faro", 1, 1, 9), ("tribuna", 1, 1, 6)]
    assert crawled.rows("SELECT outlet, on_subject_per_thousand FROM coverage") == [
        ("faro", 444.44),
        ("tribuna", 666.67),
    ]
    assert crawled.rows("SELECT * FROM gaps") == []
    exported = list(
        csv.DictReader(io.StringIO(crawled.bilateral("export", "--table", "seen_per_day"), newline=""))
    )
    assert [int(day["fetched"]) for day in exported] == [4, 4, 4, 2]


def test_every_form_holds_the_headlines_that_sqlite_holds(crawled: Crawled, tmp_path: Path) -> None:
    stored = sorted(str(title) for (title,) in crawled.rows("SELECT title FROM articles"))
    assert len(stored) == len(TITLES)
    assert (
        sum(title in TITLES for title in stored) >= 6
    )  # a page's markup and marks of direction are not kept
    for form in ("csv", "jsonl", "parquet", "xlsx", "ris", "bibtex"):
        crawled.bilateral("export", "--format", form, "-o", str(tmp_path / f"out.{form}"))
    with (tmp_path / "out.csv").open(encoding="utf-8", newline="") as stream:
        assert sorted(row["title"] for row in csv.DictReader(stream)) == stored
    lines = (tmp_path / "out.jsonl").read_text(encoding="utf-8").splitlines()
    assert sorted(json.loads(line)["title"] for line in lines) == stored
    assert sorted(pq.read_table(tmp_path / "out.parquet")["title"].to_pylist()) == stored
    sheet = list(openpyxl.load_workbook(tmp_path / "out.xlsx")["articles"].iter_rows(values_only=True))
    assert sorted(str(row[sheet[0].index("title")]) for row in sheet[1:]) == stored
    with (tmp_path / "out.ris").open(encoding="utf-8") as stream:
        assert sorted(record["title"] for record in rispy.load(stream)) == stored
    entries = parse_file(str(tmp_path / "out.bibtex"), "bibtex").entries
    shown = [
        LatexNodes2Text(strict_latex_spaces=True).latex_to_text(e.fields["title"]) for e in entries.values()
    ]
    assert sorted(shown) == stored


def test_a_new_crawl_brings_nothing_back_that_was_withdrawn(crawled: Crawled) -> None:
    ((url, number),) = crawled.rows("SELECT url, id FROM articles WHERE url LIKE '%nota-3%'")
    crawled.bilateral("takedown", str(url), "--reason", "asked by the author")
    before = len(crawled.newsroom.requests)
    crawled.crawl()
    asked = [request.path for request in crawled.newsroom.requests[before:]]
    assert asked
    assert not any("nota-3" in target for target in asked)
    assert crawled.rows(f"SELECT text FROM texts WHERE article = {number}") == [("",)]
    assert "asked by the author" in crawled.bilateral("export", "--table", "takedowns")
