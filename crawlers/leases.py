"""Who may ask a group of hosts: one process at a time, on whatever machine, as long as it shows signs of life.

A table in the folder that all workers see. A holder renews its lease; one that died is taken for dead once the lease
has run out, by which time its hosts have rested. Machines' clocks must agree to a few seconds.
"""

import sqlite3
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

LEASE_SECONDS = (
    15.0  # without a sign of life, after which a holder is taken for dead; longer where a delay is
)
_POLL_SECONDS = 0.25
_BUSY_SECONDS = 30.0

_TAKE = (
    'INSERT INTO leases VALUES (?, ?, ?) ON CONFLICT ("group") DO UPDATE'
    " SET holder = excluded.holder, expires = excluded.expires WHERE holder = excluded.holder OR expires < ?"
)


@contextmanager
def _leases(folder: Path) -> Iterator[sqlite3.Connection]:
    with closing(
        sqlite3.connect(folder / "leases.db", timeout=_BUSY_SECONDS, isolation_level=None)
    ) as leases:
        leases.execute(
            'CREATE TABLE IF NOT EXISTS leases ("group" TEXT PRIMARY KEY, holder TEXT, expires REAL)'
        )
        yield leases


def take(folder: Path, group: str, holder: str, seconds: float) -> bool:
    """Take or renew a lease; return whether it is held now."""
    now = time.time()
    with _leases(folder) as leases:
        return bool(leases.execute(_TAKE, [group, holder, now + seconds, now]).rowcount)


def wait_until_free(folder: Path, group: str) -> None:
    """Wait until nobody holds a group."""
    while True:
        with _leases(folder) as leases:
            found = leases.execute('SELECT expires FROM leases WHERE "group" = ?', [group]).fetchone()
        if found is None or found[0] < time.time():
            return
        time.sleep(_POLL_SECONDS)


@contextmanager
def held(
    folder: Path,
    group: str,
    *,
    seconds: float,
    rest: float,
    lost: Callable[[], None],
    beat: Callable[[], None],
) -> Iterator[None]:
    """Hold a group: wait until nobody else does, and renew the lease until the block ends.

    ``seconds`` is how long it lasts without being renewed; ``rest`` how long the group is left alone after the block.
    ``lost`` is called where it cannot be renewed, since then somebody else may ask; ``beat`` each time it is.
    """
    holder, ended = str(uuid.uuid4()), threading.Event()
    while not take(folder, group, holder, seconds):
        time.sleep(_POLL_SECONDS)

    def renew() -> None:
        until = time.time() + seconds
        while not ended.wait(seconds / 5):
            with suppress(sqlite3.Error):  # a folder out of reach for a moment
                if not take(folder, group, holder, seconds):
                    lost()
                until = time.time() + seconds
            if time.time() > until:
                lost()
            beat()

    renewing = threading.Thread(target=renew, daemon=True)
    renewing.start()
    try:
        yield
    finally:
        ended.set()
        renewing.join()
        take(folder, group, holder, rest)
