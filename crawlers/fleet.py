"""A crawl on many machines: each group of outlets is one task on a Dask cluster, and runs in one Scrapy process.

    slice of the archive ─► task: lease, Scrapy process, its own archive and WARC ─► merged into the archive

One process a group keeps politeness in one place: whoever shares a registrable domain is asked by one process, at one
pace. Workers must see the archive's folder. A task whose worker dies is given to another, which goes on with the slice
where the dead one left it, once the lease of that one has run out.
"""

import ctypes
import json
import os
import pickle
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from sqlite_utils import Database

from archive.backfill.cluster import connect
from archive.backfill.hosts import site_of
from archive.ledger import COUNTS
from archive.merge import merge
from archive.models import Outlet
from archive.slices import cut_slice

if TYPE_CHECKING:  # a worker of the cluster runs no Scrapy itself, and need not load it
    from crawlers.context import CrawlOptions
    from crawlers.crawl import CrawlReport

LEASE_SECONDS = (
    15.0  # without a sign of life, after which a holder is taken for dead; longer where a delay is
)
_PARENT_DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG
_POLL_SECONDS = 0.25


class GroupFailed(Exception):  # noqa: N818 - a state, not an error
    """A group could not be crawled; the message says why."""


@dataclass(frozen=True, slots=True)
class Group:
    """Outlets that one process must ask, since they share a registrable domain."""

    name: str
    outlets: tuple[Outlet, ...]

    @property
    def lease_seconds(self) -> float:
        """How long a lease lasts: at least twice the longest delay, so that a host rests between two holders."""
        return max(LEASE_SECONDS, 2 * max(outlet.delay for outlet in self.outlets))


@dataclass(frozen=True, slots=True)
class GroupDone:
    """What came of a group: its crawl's report as a dict, or the error by which it failed."""

    group: Group
    report: dict[str, Any] | None
    error: str = ""


def groups(outlets: Sequence[Outlet]) -> list[Group]:
    """Put outlets together that share a registrable domain, by homepage, further hosts or routes."""
    found: list[tuple[set[str], list[Outlet]]] = []
    for outlet in outlets:
        domains, members = _domains(outlet), [outlet]
        apart = []
        for others, theirs in found:
            if others & domains:
                domains, members = domains | others, [*theirs, *members]
            else:
                apart.append((others, theirs))
        found = [*apart, (domains, members)]
    return [Group(min(o.id for o in members), tuple(members)) for _, members in found]


def _domains(outlet: Outlet) -> set[str]:
    addresses = (outlet.homepage, *outlet.feeds, *outlet.sitemaps, *outlet.sections)
    hosts = {urlsplit(address).hostname or "" for address in addresses}
    return {site_of(host) for host in hosts | {entry.partition(":")[0] for entry in outlet.hosts}}


# --- The client ------------------------------------------------------------------------------------------------


def crawl_fleet(options: "CrawlOptions", db: Database, scheduler: str) -> Iterator[GroupDone]:
    """Crawl all outlets of ``options`` on a cluster; yield each group as its results are in the archive.

    The caller holds `crawlers.crawl.archive_lock`. What an earlier fleet left behind is taken in first.
    Raises EngineError where there is no cluster.
    """
    folder = options.db.parent / "fleet"
    client = connect(scheduler)
    from distributed import KilledWorker
    from distributed import as_completed as completed

    try:
        _take_in_what_was_left(options, db, folder)
        futures = {
            client.submit(
                crawl_group,
                _prepared(options, db, folder, group),
                group,
                key=f"crawl-{group.name}-{uuid.uuid4()}",
            ): group
            for group in groups(options.outlets)
        }
        for future in completed(futures, loop=client.loop):  # type: ignore[no-untyped-call]
            group, error = futures[future], future.exception()
            _take_in(options, db, folder / group.name)
            if error is None:
                yield GroupDone(group, future.result())
            elif isinstance(error, KilledWorker):
                yield GroupDone(group, None, "it ended several workers, one after the other")
            else:
                yield GroupDone(group, None, str(error) or type(error).__name__)
    finally:
        client.close()


def joined_report(db: Database, done: Sequence[GroupDone], seconds: float) -> "CrawlReport":
    """Return the reports of all groups as one; the outlets of a group that failed have the error as their note."""
    from crawlers.crawl import CrawlReport

    outlets: list[dict[str, Any]] = []
    for each in done:
        if each.report is not None:
            outlets += each.report["outlets"]
            continue
        for outlet in each.group.outlets:
            counts = dict.fromkeys(COUNTS, 0)
            outlets.append(
                {"id": outlet.id, **counts, "seconds": 0.0, "note": each.error, "failed_routes": []}
            )
    number, left = db.execute(
        "SELECT coalesce(max(id), 0), (SELECT count(*) FROM pages WHERE state = 'queued') FROM crawls"
    ).fetchone()
    totals = {name: sum(outlet[name] for outlet in outlets) for name in COUNTS}
    ordered = sorted(outlets, key=lambda outlet: str(outlet["id"]))
    return CrawlReport(
        crawl=number, outcome="done", seconds=round(seconds, 1), left=left, totals=totals, outlets=ordered
    )


def _prepared(options: "CrawlOptions", db: Database, folder: Path, group: Group) -> str:
    """Write a group's slice of the archive and what it is asked to do; return the folder they are in."""
    place = folder / group.name
    place.mkdir(parents=True)
    names = [outlet.id for outlet in group.outlets]
    slice_path, warc = place.resolve() / "archive.db", place.resolve() / "warc"
    cut_slice(db, names, slice_path, folder=options.warc_dir, warc_folder=warc)
    asked = replace(
        options,
        db=slice_path,
        warc_dir=warc,
        topic=options.topic.resolve(),
        outlets=group.outlets,
        progress=False,
    )
    (place / "options.pickle").write_bytes(pickle.dumps(asked))
    return str(place.resolve())


def _take_in(options: "CrawlOptions", db: Database, place: Path) -> None:
    """Merge a group's archive into ours, and drop it."""
    if (place / "archive.db").exists():
        merge(db, place / "archive.db", folder=options.warc_dir, other_folder=place / "warc")
    shutil.rmtree(place)


def _take_in_what_was_left(options: "CrawlOptions", db: Database, folder: Path) -> None:
    """Merge what the groups of a fleet had that was ended, once none of them can still be at work."""
    for place in sorted(folder.glob("*/options.pickle")):
        group = place.parent.name
        with _leases(folder) as leases:
            while _expires(leases, group) > time.time():
                time.sleep(_POLL_SECONDS)
        _take_in(options, db, place.parent)


# --- The task, on a worker -------------------------------------------------------------------------------------


def crawl_group(place: str, group: Group) -> dict[str, Any]:
    """Crawl a group in a Scrapy process of its own; return the report. Runs on a worker.

    Raises GroupFailed where the process ends without a report, or no server of the group answered anything at all.
    """
    folder = Path(place)
    with _lease(folder.parent, group):
        report = _run_member(folder)
    failed = [route for outlet in report["outlets"] for route in outlet["failed_routes"]]
    if failed and not report["answered"]:
        raise GroupFailed(f"nothing answered: {'; '.join(sorted({route['reason'] for route in failed}))}")
    return report


def _run_member(folder: Path) -> dict[str, Any]:
    with (folder / "log").open("ab") as log:
        member = subprocess.Popen(
            [sys.executable, "-m", "crawlers.fleet", str(folder)], stdout=log, stderr=log
        )
        code = member.wait()
    report = folder / "report.json"
    if code or not report.exists():
        tail = (folder / "log").read_text(errors="replace").splitlines()[-1:]
        raise GroupFailed(f"its Scrapy process ended with {code}: {' '.join(tail)}")
    found: dict[str, Any] = json.loads(report.read_text(encoding="utf-8"))
    return found


@contextmanager
def _leases(folder: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(folder / "leases.db", timeout=30, isolation_level=None)) as leases:
        leases.execute(
            'CREATE TABLE IF NOT EXISTS leases ("group" TEXT PRIMARY KEY, holder TEXT, expires REAL)'
        )
        yield leases


def _expires(leases: sqlite3.Connection, group: str) -> float:
    found = leases.execute('SELECT expires FROM leases WHERE "group" = ?', [group]).fetchone()
    return float(found[0]) if found else 0.0


@contextmanager
def _lease(folder: Path, group: Group) -> Iterator[None]:
    """Hold a group: wait until nobody else does, and let it be known meanwhile that we live.

    The lease of a holder that died runs out after `Group.lease_seconds`, by which time its hosts have rested.
    """
    holder, ended = str(uuid.uuid4()), threading.Event()
    while not _take(folder, group, holder):
        time.sleep(_POLL_SECONDS)

    def renew() -> None:
        while not ended.wait(group.lease_seconds / 3):
            _take(folder, group, holder)

    renewing = threading.Thread(target=renew, daemon=True)
    renewing.start()
    try:
        yield
    finally:
        ended.set()
        renewing.join()
        rest = max(outlet.delay for outlet in group.outlets)
        with _leases(folder) as leases:
            leases.execute("UPDATE leases SET expires = ? WHERE holder = ?", [time.time() + rest, holder])


def _take(folder: Path, group: Group, holder: str) -> bool:
    """Take or renew a lease; return whether we hold it."""
    now = time.time()
    with _leases(folder) as leases:
        return bool(
            leases.execute(
                'INSERT INTO leases VALUES (?, ?, ?) ON CONFLICT ("group") DO UPDATE'
                " SET holder = excluded.holder, expires = excluded.expires"
                " WHERE holder = excluded.holder OR expires < ?",
                [group.name, holder, now + group.lease_seconds, now],
            ).rowcount
        )


# --- The Scrapy process ----------------------------------------------------------------------------------------


def main() -> None:
    """Crawl what ``options.pickle`` in a folder asks for, and write ``report.json`` beside it; end with the worker."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_PARENT_DEATH_SIGNAL, signal.SIGKILL)
    threading.Thread(target=_end_with, args=(os.getppid(),), daemon=True).start()
    from crawlers.crawl import archive_lock, crawl
    from crawlers.workers import prepare

    prepare()
    folder = Path(sys.argv[1])
    options: CrawlOptions = pickle.loads((folder / "options.pickle").read_bytes())
    with archive_lock(options.db):
        report = asdict(crawl(options)) | {"answered": _answered(options.db)}
    unfinished = folder / ".report.part"
    unfinished.write_text(json.dumps(report, ensure_ascii=False), encoding="utf-8")
    unfinished.replace(folder / "report.json")


def _answered(path: Path) -> bool:
    """Whether any server gave any HTTP answer in the last crawl."""
    with closing(sqlite3.connect(path)) as db:
        (answers,) = db.execute(
            "SELECT EXISTS (SELECT 1 FROM routes WHERE status IS NOT NULL AND last_checked >= begun)"
            " OR EXISTS (SELECT 1 FROM snapshots WHERE fetched >= begun)"
            " FROM (SELECT max(started) AS begun FROM crawls)"
        ).fetchone()
    return bool(answers)


def _end_with(parent: int) -> None:
    """End this process when the worker is gone, where the system does not see to it."""
    while os.getppid() == parent:
        time.sleep(1)
    os._exit(1)


if __name__ == "__main__":
    main()
