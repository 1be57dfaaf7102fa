"""The Scrapy process of one group of outlets: ``python -m crawlers.fleet_member FOLDER``.

It crawls what ``options.pickle`` in the folder asks for, into the folder's own archive, and writes ``report.json``. It
holds the group's lease itself, so that whatever becomes of its worker, nobody else asks its hosts meanwhile.
"""

import ctypes
import json
import os
import pickle
import signal
import sqlite3
import sys
import threading
import time
from contextlib import closing, suppress
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crawlers import leases

if TYPE_CHECKING:
    from crawlers.context import CrawlOptions

DELAY = "delay"  # a file with the longest delay of the group's outlets, in seconds
STOP = "stop"  # a file in the fleet's folder that asks all members to end in order
_PARENT_DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG
LEASE_LOST = 75  # the exit code of one that was frozen, while another was let at its group


def main() -> None:
    """Crawl, and end with the worker that began this."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_PARENT_DEATH_SIGNAL, signal.SIGKILL)
    threading.Thread(target=_end_with, args=(os.getppid(),), daemon=True).start()
    folder = Path(sys.argv[1])
    delay = float((folder / DELAY).read_text(encoding="utf-8"))
    with leases.held(  # before anything is loaded: whoever takes in what a fleet left behind must see us
        folder.parent, folder.name, seconds=max(leases.LEASE_SECONDS, 2 * delay), rest=delay,
        lost=lambda: os._exit(LEASE_LOST), beat=_Stopping(folder.parent / STOP),
    ):  # fmt: skip
        report = _crawl(pickle.loads((folder / "options.pickle").read_bytes()))
    unfinished = folder / ".report.part"
    unfinished.write_text(json.dumps(report, ensure_ascii=False), encoding="utf-8")
    unfinished.replace(folder / "report.json")


def _crawl(options: "CrawlOptions") -> dict[str, Any]:
    from crawlers.crawl import archive_lock, crawl
    from crawlers.workers import prepare

    prepare()
    with archive_lock(options.db):
        return asdict(crawl(options)) | {"answered": _answered(options.db)}


class _Stopping:
    """Ends the crawl in order, as Ctrl-C does, once the file is there."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.asked = False

    def __call__(self) -> None:
        if not self.asked and self.file.exists():
            self.asked = True
            signal.raise_signal(signal.SIGTERM)


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
