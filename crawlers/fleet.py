"""A crawl on many machines: each group of outlets is one task on a Dask cluster, and runs in one Scrapy process.

    slice of the archive ─► task: lease, Scrapy process, its own archive and WARC ─► merged into the archive

One process a group keeps politeness in one place: whoever shares a registrable domain is asked by one process, at one
pace. Workers must see the archive's folder. A task whose worker dies is given to another, which goes on with the slice
where the dead one left it, once the lease of that one has run out.
"""

import json
import pickle
import shutil
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from sqlite_utils import Database

from archive.backfill.hosts import site_of
from archive.cluster import Cluster, Log, Outcome, Task
from archive.ledger import adopt_visits, begin_crawl, finish_crawl, note_visit
from archive.merge import merge
from archive.models import Outlet
from archive.slices import cut_slice
from crawlers import leases
from crawlers.fleet_member import DELAY, LEASE_LOST, STOP

if TYPE_CHECKING:  # a worker of the cluster runs no Scrapy itself, and need not load it
    from crawlers.context import CrawlOptions
    from crawlers.crawl import CrawlReport

_BEGIN_SECONDS = 2.0  # until a process that was just begun has its lease
MAX_ATTEMPTS = 3  # at a group whose process is ended by a signal
TASKS_A_THREAD = 2  # groups whose slices are cut, so that no worker waits for us


class GroupFailed(Exception):  # noqa: N818 - a state, not an error
    """A group could not be crawled; the message says why."""


@dataclass(frozen=True, slots=True)
class Group:
    """Outlets that one process must ask, since they share a registrable domain."""

    name: str
    outlets: tuple[Outlet, ...]


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


def crawl_fleet(options: "CrawlOptions", db: Database, scheduler: str, log: Log) -> "CrawlReport":
    """Crawl all outlets of ``options`` on a cluster; each group's results are in the archive once it is done.

    It is one crawl in the books. A group that failed is named in the log, and in its outlets' notes. What an earlier
    fleet left behind is taken in first. The caller holds `crawlers.crawl.archive_lock`. Raises EngineError where there
    is no cluster.
    """
    from crawlers.crawl import report

    fleet = _Fleet(options, db, log)
    outcome = "done"
    try:
        with Cluster(scheduler, log) as cluster:
            fleet.take_in_what_was_left()
            fleet.begin()
            for done in cluster.run(fleet.tasks(), a_thread=TASKS_A_THREAD):
                fleet.take_in(done)
    except KeyboardInterrupt:
        log("stopping: each group brings to its end what is under way")
        outcome = "stopped"
        fleet.stop()
    finish_crawl(db, fleet.crawl, outcome)
    return report(db, fleet.crawl)


class _Fleet:
    """One crawl of many groups: their folders lie in ``fleet/`` beside the archive."""

    def __init__(self, options: "CrawlOptions", db: Database, log: Log) -> None:
        self.options, self.db, self.log = options, db, log
        self.folder = options.db.parent / "fleet"
        self.crawl = 0
        self.taken_in: set[str] = set()  # names of groups

    def begin(self) -> None:
        """Open the books."""
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / STOP).unlink(missing_ok=True)
        self.crawl = begin_crawl(self.db, outlets=[outlet.id for outlet in self.options.outlets])
        (self.folder / "crawl").write_text(str(self.crawl), encoding="utf-8")

    def tasks(self) -> Iterator[Task]:
        """Yield a task for each group, its slice cut when its turn comes."""
        for group in groups(self.options.outlets):
            yield Task(f"crawl-{group.name}-{uuid.uuid4()}", crawl_group, (self._prepared(group),), group)

    def _prepared(self, group: Group) -> str:
        """Write a group's slice of the archive and what it is asked to do; return the folder they are in."""
        place = (self.folder / group.name).resolve()
        place.mkdir(parents=True)
        slice_path, warc = place / "archive.db", place / "warc"
        names = [outlet.id for outlet in group.outlets]
        cut_slice(self.db, names, slice_path, folder=self.options.warc_dir, warc_folder=warc)
        asked = replace(
            self.options, db=slice_path, warc_dir=warc, topic=self.options.topic.resolve(), outlets=group.outlets,
            progress=False,
        )  # fmt: skip
        longest = max(outlet.delay for outlet in group.outlets)
        (place / DELAY).write_text(str(longest), encoding="utf-8")
        (place / "options.pickle").write_bytes(pickle.dumps(asked))
        return str(place)

    def take_in(self, outcome: Outcome) -> None:
        """Merge what a group has, also where it failed; note then why."""
        group: Group = outcome.task.about
        if outcome.error is not None:
            leases.wait_until_free(self.folder, group.name)
        self._merge(self.folder / group.name)
        if outcome.error is not None:
            words = str(outcome.error) or type(outcome.error).__name__
            self.log(f"{', '.join(outlet.id for outlet in group.outlets)}: {words}")
            self._note(group, words)

    def _note(self, group: Group, words: str) -> None:
        for outlet in group.outlets:
            note_visit(self.db, self.crawl, outlet.id, words)

    def _merge(self, place: Path) -> None:
        if (place / "archive.db").exists():
            known = [number for (number,) in self.db.execute("SELECT id FROM crawls").fetchall()]
            merge(self.db, place / "archive.db", folder=self.options.warc_dir, other_folder=place / "warc")
            adopt_visits(self.db, self.crawl, apart_from=known)
        shutil.rmtree(place)
        self.taken_in.add(place.name)

    def take_in_what_was_left(self) -> None:
        """Merge what the groups of a fleet had that was ended, once none of them can still be at work."""
        left = sorted(self.folder.glob("*/options.pickle"))
        if left:
            self.log(f"taking in what {len(left)} groups of an earlier crawl had")
            self.crawl = int((self.folder / "crawl").read_text(encoding="utf-8"))
        for path in left:
            leases.wait_until_free(self.folder, path.parent.name)
            self._merge(path.parent)

    def stop(self) -> None:
        """Have all groups end in order, and take in what they have."""
        (self.folder / STOP).touch()
        time.sleep(_BEGIN_SECONDS)
        for path in sorted(self.folder.glob("*/options.pickle")):
            leases.wait_until_free(self.folder, path.parent.name)
            self._merge(path.parent)
        for group in groups(self.options.outlets):
            if group.name not in self.taken_in:
                self._note(group, "not begun: the crawl was stopped")


# --- The task, on a worker -------------------------------------------------------------------------------------


def crawl_group(place: str) -> None:
    """Crawl a group in a Scrapy process of its own, into the folder it was prepared in. Runs on a worker.

    Raises GroupFailed where the process ends without a report, or no server of the group answered anything at all.
    """
    report = _run_member(Path(place))
    failed = [route for outlet in report["outlets"] for route in outlet["failed_routes"]]
    if failed and not report["answered"]:
        raise GroupFailed(f"nothing answered: {'; '.join(sorted({route['reason'] for route in failed}))}")


def _run_member(folder: Path) -> dict[str, Any]:
    with (folder / "log").open("ab") as log:
        command = [sys.executable, "-m", "crawlers.fleet_member", str(folder)]
        for _ in range(MAX_ATTEMPTS):
            code = subprocess.run(command, stdout=log, stderr=log, check=False).returncode
            if code >= 0 and code != LEASE_LOST:
                break  # else somebody ended it, and it goes on where it was
    report = folder / "report.json"
    if code or not report.exists():
        tail = (folder / "log").read_text(errors="replace").splitlines()[-1:]
        raise GroupFailed(f"its Scrapy process ended with {code}: {' '.join(tail)}")
    found: dict[str, Any] = json.loads(report.read_text(encoding="utf-8"))
    return found
