"""Archives of random histories, merged in every order: each order must come to the same archive, and twice is once.

    python -m benchmarks.merge_fuzz [--rounds 50] [--seed 1]

Three machines crawl, backfill (real WARC files, among them revisit records), mark and withdraw at random moments. They
are merged in all six orders, nested and once more; all must tell the same, and `bilateral verify` find every record of
every WARC.
"""

import argparse
import itertools
import random
import shutil
import sys
import tempfile
from pathlib import Path

from archive.backfill.hosts import Hosts
from archive.backfill.ingest import ingest_parts
from archive.backfill.ledger import files, note_done, plan_days, plan_files
from archive.backfill.sources import warc_files
from archive.backfill.task import process
from archive.backfill.work import PARTS, STATE, Work
from archive.options import SHIPPED_TOPIC
from archive.snapshots import SnapshotWriter
from archive.store import rows, set_status
from archive.takedown import TakedownError, take_down
from archive.times import format_utc, parse_utc, set_clock
from archive.topic import load_topic
from tests import warcs
from tests.test_merge import OUTLET, Machine, damage, join, told

SLUGS = ("una-nota-de-tres", "otra-nota-de-tres", "la-nota-de-cuatro")
TOPIC = load_topic(SHIPPED_TOPIC)
HOSTS = Hosts([OUTLET])


class Newsroom(Machine):
    """A machine that also backfills, and whose crawls follow one another."""

    minute = 0  # of the day, since ten

    def later(self, minutes: int) -> str:
        """Return the time so many minutes after the last thing this machine did."""
        self.minute += minutes
        return f"2026-01-15T{10 + self.minute // 60}:{self.minute % 60:02}:00Z"

    def backfill(self, path: Path) -> None:
        """Read one WARC file, and take in what is in it."""
        folder = self.path.parent / "backfill"
        for name in (PARTS, STATE):
            (folder / name).mkdir(parents=True, exist_ok=True)
        plan_files(self.db, list(warc_files([path])), since="2026-01-01", until="2026-01-31")
        plan_days(self.db, "warc", "2026-01-14", "2026-01-16")
        for file in files(self.db, "planned"):
            counts = process(Work(file["source"], file["source"], str(folder), "", ""), HOSTS, TOPIC)
            note_done(self.db, file["id"], counts, attempts=1, code_version="")
        writer = SnapshotWriter(self.warc)
        ingest_parts(self.db, writer, folder, {OUTLET.id: OUTLET})
        writer.close()


def moment(chance: random.Random, hour: int) -> str:
    """Return a moment of an hour, or of one after it, of the day that all histories are of."""
    return f"2026-01-15T{hour + chance.randrange(2)}:{chance.randrange(60):02}:00Z"


def web_archive(folder: Path, chance: random.Random, number: int) -> tuple[Path, int]:
    """Write a WARC file with some captures and revisit records of the pages; return it, and from when it can be had."""
    records, hour = [], 10 + 2 * number
    for _ in range(chance.randint(1, 4)):
        slug, when = chance.choice(SLUGS), moment(chance, hour)
        url = f"https://faro.example/2026/01/{slug}"
        if chance.random() < 0.3:
            records.append(warcs.revisit(url, when, of=moment(chance, hour)))
        else:
            said, title = warcs.TALKS[: chance.randint(1, 3)], f"Hablan de seguridad: {slug}"
            body = warcs.page(title, said, published="2026-01-15T09:00:00Z", more=slug)
            records += warcs.packed([warcs.Response(url, body, date=when)])
    return warcs.write(folder / f"web-{number}.warc.gz", records), 60 * (hour + 2 - 10)


def live(machine: Newsroom, chance: random.Random, archives: list[tuple[Path, int]]) -> None:
    """Let one thing happen to a machine."""
    dice = chance.random()
    known = rows(machine.db, "SELECT id, url FROM articles")
    if dice < 0.45 or not known:
        machine.capture(chance.choice(SLUGS), chance.randrange(3), machine.later(chance.randint(1, 30)))
    elif dice < 0.75:
        path, minute = chance.choice(archives)
        machine.minute = max(machine.minute, minute)  # nobody has a capture before it was made
        set_clock(parse_utc("2026-01-16T00:00:00Z"))
        machine.backfill(path)
    elif dice < 0.95:
        number, status = chance.choice(known)["id"], chance.choice(("gone", "live"))
        set_status(machine.db, number, status, seen=machine.later(1), detail="", snapshot=None)
    else:
        set_clock(parse_utc(format_utc(parse_utc("2026-01-16T01:00:00Z"))))
        try:
            take_down(machine.db, chance.choice(known)["url"], "a petición")
        except TakedownError:
            return


def once(folder: Path, seed: int) -> None:
    """Make three histories, merge them in every way, and compare."""
    chance = random.Random(seed)
    archives = [web_archive(folder, chance, number) for number in range(4)]
    machines = [Newsroom(folder / name) for name in "abc"]
    for _ in range(18):
        live(chance.choice(machines), chance, archives)
    for machine in machines:
        machine.db.close()
    outcomes = {}
    for order in itertools.permutations("abc"):
        target = folder / "".join(order) / "archive.db"
        target.parent.mkdir()
        join(target, *(folder / name / "archive.db" for name in order))
        outcomes["".join(order)] = told(target)
        found = [each for each in damage(target) if each.severity != "note"]
        assert not found, found
    (folder / "bc").mkdir()
    join(folder / "bc" / "archive.db", folder / "b" / "archive.db", folder / "c" / "archive.db")
    shutil.copytree(folder / "a", folder / "nested")
    join(folder / "nested" / "archive.db", folder / "bc" / "archive.db")
    outcomes["a(bc)"] = told(folder / "nested" / "archive.db")
    again = join(target, folder / "a" / "archive.db", folder / "bc" / "archive.db")
    assert set(again.values()) == {0}, again
    outcomes["again"] = told(target)
    for name, outcome in outcomes.items():
        differ = [table for table in outcome if outcome[table] != outcomes["abc"][table]]
        more = [set(outcome[table]) ^ set(outcomes["abc"][table]) for table in differ]
        assert not differ, f"{name}: {differ}: {more}"


def main() -> None:
    """Make the rounds."""
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--rounds", type=int, default=50)
    arguments.add_argument("--seed", type=int, default=1)
    asked = arguments.parse_args()
    failed = 0
    for seed in range(asked.seed, asked.seed + asked.rounds):
        with tempfile.TemporaryDirectory() as name:
            try:
                once(Path(name), seed)
            except AssertionError as error:
                failed += 1
                print(f"seed {seed}: {str(error)[:3000]}", flush=True)
    print(f"{asked.rounds} rounds, {failed} in which the order made a difference or something was damaged")
    sys.exit(failed > 0)


if __name__ == "__main__":
    main()
