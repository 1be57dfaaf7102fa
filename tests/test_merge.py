"""Archives of several machines become one, whatever the order: nothing is lost, and nothing is there twice."""

import itertools
import json
import random
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from sqlite_utils import Database

from archive.cli import main
from archive.history import versions_of
from archive.integrity import verify
from archive.ledger import begin_crawl, finish_crawl
from archive.models import Article, Lead, Outcome, Outlet, Verdict
from archive.pages import file_lead, finish_page
from archive.snapshots import Exchange, SnapshotWriter, save_snapshot
from archive.store import open_archive, rows, save_article, save_outlets, set_status
from archive.takedown import take_down
from archive.times import parse_utc, set_clock

OUTLET = Outlet(
    id="faro", name="El Faro", country="MX", language="es", homepage="https://faro.example/",
    timezone="America/Mexico_City",
)  # fmt: skip
TEXTS = (
    "La secretaria anunció ayer una reunión con el embajador sobre el tráfico de armas en la frontera norte.",
    "La secretaria anunció ayer dos reuniones con el embajador sobre el tráfico de armas. Habrá otra el viernes.",
    "El embajador desmintió la reunión que había anunciado la secretaria, y pidió que se corrija la nota.",
)


class Machine:
    """One machine's archive, with captures at times of our choice."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.path, self.warc = folder / "archive.db", folder / "warc"
        self.db = open_archive(self.path)
        save_outlets(self.db, [OUTLET])

    def capture(self, slug: str, version: int, when: str) -> None:
        """Crawl one page at a time, showing one of the versions."""
        set_clock(parse_utc(when))
        number = begin_crawl(self.db, outlets=["faro"])
        url = f"https://faro.example/2026/01/{slug}"
        file_lead(self.db, Lead(url=url, outlet="faro", via="feed", headline=f"Titular {slug}"))
        writer = SnapshotWriter(self.warc)
        text = f"{TEXTS[version]} ({slug})"
        snapshot = save_snapshot(
            self.db, writer,
            Exchange(
                url=url, page=url, fetched=when, status=200, status_text="OK", request_headers=(),
                response_headers=(("Content-Type", "text/html"),), body=text.encode(),
            ),
        )  # fmt: skip
        writer.close()
        article = Article(
            url=url,
            title=f"Titular {slug}",
            text=text,
            language="es",
            published_local="2026-01-15T10:00:00-06:00",
        )
        verdict = Verdict(grade=2, score=9.0)
        stored, outcome = save_article(self.db, OUTLET, article, verdict, seen=when, snapshot=snapshot.id)
        with self.db.conn:
            self.db.execute(
                "UPDATE snapshots SET outcome = ?, article = ? WHERE id = ?", [outcome, stored, snapshot.id]
            )
            finish_page(self.db, url, Outcome(outcome), reason="", article=stored, redirected_to=None)
        finish_crawl(self.db, number, "done")


def version_of(text: str) -> int:
    return TEXTS.index(text.rpartition(" (")[0])


@pytest.fixture(autouse=True)
def clock() -> Any:
    yield
    set_clock(None)


def join(target: Path, *others: Path) -> dict[str, int]:
    """Merge archives into a copy of none: the target is begun with the first of them."""
    done: dict[str, int] = {}
    for other in others:
        ran = CliRunner().invoke(main, ["merge", str(other), "--db", str(target), "--json"])
        assert ran.exit_code == 0, ran.output
        done = json.loads(ran.stdout)
    return done


WITHOUT_NUMBERS = {
    "revisions": "SELECT a.url, r.number, r.seen, r.title, r.text, r.sha256, r.kinds, s.fetched FROM revisions r"
    " JOIN articles a ON a.id = r.article LEFT JOIN snapshots s ON s.id = r.snapshot",
    "articles": "SELECT url, outlet, title, published, first_seen, last_checked, grade, word_count, revisions, status,"
    " sha256 FROM articles",
    "texts": "SELECT a.url, t.title, t.text FROM texts t JOIN articles a ON a.id = t.article",
    "snapshots": "SELECT s.url, fetched, s.status, payload_digest, outcome, a.url FROM snapshots s"
    " LEFT JOIN articles a ON a.id = s.article",
    "pages": "SELECT p.url, discovered, via, headline, state, reason, tries, last_try, a.url FROM pages p"
    " LEFT JOIN articles a ON a.id = p.article",
    "events": "SELECT a.url, e.seen, event, detail FROM events e JOIN articles a ON a.id = e.article",
    "crawls": "SELECT started, finished, outcome, outlets FROM crawls",
    "visits": "SELECT c.started, v.outlet, v.discovered FROM crawl_outlets v JOIN crawls c ON c.id = v.crawl",
    "outlets": "SELECT id, name, watched_since FROM outlets",
    "takedowns": "SELECT url, reason, created, lifted FROM takedowns",
    "files": "SELECT source, origin, since, until, state, planned, hits, days FROM backfill_files",
    "days": "SELECT origin, day, files, responses FROM backfill_days",
    "captures": "SELECT s.page, s.fetched, c.source, c.offset FROM backfill_captures c"
    " JOIN snapshots s ON s.id = c.snapshot",
    "revisits": "SELECT source, offset, url, fetched FROM backfill_revisits",
}


def told(path: Path) -> dict[str, list[str]]:
    """Return all that an archive says, without the numbers it gave."""
    db = Database(path)
    told = {name: db.execute(sql).fetchall() for name, sql in WITHOUT_NUMBERS.items()}
    withdrawn = {url for (url,) in db.execute("SELECT url FROM takedowns")}
    articles = db.execute("SELECT id, url FROM articles").fetchall()
    told["captures shown"] = [
        (url, version.seen, version.title, version.text)
        for number, url in articles
        for version in versions_of(db, number)
    ]
    # Of an article whose words are gone nobody can tell any more how many versions it had, and which was the last.
    for name in ("revisions", "captures shown"):
        told[name] = [row for row in told[name] if row[0] not in withdrawn]
    told["articles"] = [(row[:2] + row[3:7]) if row[0] in withdrawn else row for row in told["articles"]]
    told["texts"] = [(row[0], row[2]) if row[0] in withdrawn else row for row in told["texts"]]
    return {name: sorted(map(str, found)) for name, found in told.items()}


def damage(path: Path) -> list[Any]:
    return list(verify(path, path.parent / "warc"))


def test_versions_of_both_are_put_in_the_order_of_time(tmp_path: Path) -> None:
    one, two = Machine(tmp_path / "one"), Machine(tmp_path / "two")
    one.capture("a-b-c-d", 0, "2026-01-15T17:00:00Z")
    one.capture("a-b-c-d", 2, "2026-01-15T19:00:00Z")
    two.capture("a-b-c-d", 1, "2026-01-15T18:00:00Z")
    two.capture("solo-la-otra-maquina", 0, "2026-01-15T18:30:00Z")
    done = join(one.path, two.path)
    assert (done["articles"], done["extended"], done["snapshots"], done["crawls"]) == (1, 1, 2, 2)
    found = rows(one.db, "SELECT number, seen, text FROM revisions WHERE article ="
                         " (SELECT id FROM articles WHERE url LIKE '%a-b-c-d') ORDER BY number")  # fmt: skip
    assert [(r["number"], r["seen"][11:13], version_of(r["text"])) for r in found] == [
        (1, "17", 0), (2, "18", 1), (3, "19", 2),
    ]  # fmt: skip
    assert rows(
        one.db, "SELECT first_seen, revisions, last_checked FROM articles WHERE url LIKE '%a-b-c-d'"
    ) == [{"first_seen": "2026-01-15T17:00:00Z", "revisions": 3, "last_checked": "2026-01-15T19:00:00Z"}]
    assert damage(one.path) == []
    assert len(list((tmp_path / "one" / "warc").glob("*/*.warc.gz"))) == 4


def test_what_was_unchanged_on_one_machine_returned_on_both(tmp_path: Path) -> None:
    one, two = Machine(tmp_path / "one"), Machine(tmp_path / "two")
    one.capture("a-b-c-d", 0, "2026-01-15T17:00:00Z")
    one.capture("a-b-c-d", 0, "2026-01-15T19:00:00Z")
    two.capture("a-b-c-d", 1, "2026-01-15T18:00:00Z")
    join(one.path, two.path)
    found = rows(one.db, "SELECT seen, text FROM revisions ORDER BY number")
    assert [(r["seen"][11:13], version_of(r["text"])) for r in found] == [("17", 0), ("18", 1), ("19", 0)]
    assert damage(one.path) == []


@pytest.mark.parametrize("seed", range(4))
def test_the_order_of_merging_makes_no_difference_and_twice_is_once(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    machines = [Machine(tmp_path / name) for name in ("a", "b", "c")]
    for minute in range(16):
        machine = chance.choice(machines)
        slug = chance.choice(("una-nota-de-tres", "otra-nota-de-tres"))
        machine.capture(slug, chance.randrange(3), f"2026-01-15T17:{minute:02}:00Z")
        article = machine.db.execute("SELECT id FROM articles").fetchone()[0]
        if chance.random() < 0.3:
            status = chance.choice(("gone", "live"))
            set_status(
                machine.db, article, status, seen=f"2026-01-15T17:{minute:02}:30Z", detail="", snapshot=None
            )
    if seed % 2:
        url = chance.choice(rows(machines[0].db, "SELECT url FROM articles"))["url"]
        set_clock(parse_utc("2026-01-16T00:00:00Z"))
        take_down(machines[0].db, url, "a petición")
    for machine in machines:
        machine.db.close()
    outcomes = []
    for order in itertools.permutations("abc"):
        target = tmp_path / "".join(order) / "archive.db"
        target.parent.mkdir()
        join(target, *(tmp_path / name / "archive.db" for name in order))
        outcomes.append(told(target))
        assert damage(target) == []
    nested = tmp_path / "bc" / "archive.db"
    nested.parent.mkdir()
    join(nested, tmp_path / "b" / "archive.db", tmp_path / "c" / "archive.db")
    shutil.copytree(tmp_path / "a", tmp_path / "nested")
    join(tmp_path / "nested" / "archive.db", nested)
    outcomes.append(told(tmp_path / "nested" / "archive.db"))
    for outcome in outcomes[1:]:
        assert outcome == outcomes[0]
    again = join(target, nested, tmp_path / "a" / "archive.db")
    assert set(again.values()) == {0}
    assert told(target) == outcomes[0]


def test_what_is_withdrawn_in_one_is_withdrawn_in_both(tmp_path: Path) -> None:
    one, two = Machine(tmp_path / "one"), Machine(tmp_path / "two")
    for machine, minute in ((one, "00"), (two, "05")):
        machine.capture("a-b-c-d", 0, f"2026-01-15T17:{minute}:00Z")
    take_down(two.db, "https://faro.example/2026/01/a-b-c-d", "a petición")
    join(one.path, two.path)
    assert rows(one.db, "SELECT text FROM texts") == [{"text": ""}]
    one.db.close()
    two.db.close()
    assert b"reuni\xc3\xb3n con el embajador" not in one.path.read_bytes()


def test_archives_that_cannot_be_merged_are_named_and_nothing_comes_in(tmp_path: Path) -> None:
    one, two = Machine(tmp_path / "one"), Machine(tmp_path / "two")
    two.capture("a-b-c-d", 0, "2026-01-15T17:00:00Z")
    (tmp_path / "text.db").write_text("no archive")

    def refused(other: Path) -> str:
        ran = CliRunner().invoke(main, ["merge", str(other), "--db", str(one.path)])
        assert ran.exit_code == 1, ran.output
        return ran.output

    assert "is this very archive" in refused(one.path)
    assert "text.db" in refused(tmp_path / "text.db")
    shutil.rmtree(two.warc)
    assert "is missing, and snapshots lie in it" in refused(two.path)
    assert rows(one.db, "SELECT count(*) AS n FROM pages") == [{"n": 0}]


def test_the_same_name_for_another_file_is_given_a_number(tmp_path: Path) -> None:
    one, two = Machine(tmp_path / "one"), Machine(tmp_path / "two")
    one.capture("a-b-c-d", 0, "2026-01-15T17:00:00Z")
    two.capture("otra-nota-de-hoy", 1, "2026-01-15T17:00:00Z")
    names = [sorted((machine.warc).glob("*/*.warc.gz"))[0].name for machine in (one, two)]
    assert names[0] == names[1]
    join(one.path, two.path)
    assert len(list(one.warc.glob("*/*.warc.gz"))) == 2
    assert damage(one.path) == []


def test_an_archive_that_another_crawl_holds_is_left_alone(tmp_path: Path) -> None:
    one, two = Machine(tmp_path / "one"), Machine(tmp_path / "two")
    held = f"from filelock import FileLock; lock = FileLock({f'{one.path}.lock'!r}); lock.acquire(); print(); input()"
    holder = subprocess.Popen([sys.executable, "-c", held], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        assert holder.stdout is not None
        holder.stdout.readline()
        ran = CliRunner().invoke(main, ["merge", str(two.path), "--db", str(one.path)])
        assert (ran.exit_code, "another crawl holds" in ran.output) == (3, True)
    finally:
        holder.communicate(b"\n", timeout=10)


@pytest.mark.parametrize("seed", [1, 8])
def test_crawls_and_backfills_of_three_machines_merge_in_any_order(tmp_path: Path, seed: int) -> None:
    from benchmarks.merge_fuzz import once  # which is made of what stands above

    once(tmp_path, seed)
