"""A Dask cluster, and the files that its workers read. Only this module knows Dask; it is loaded where it is needed."""

import hashlib
import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError
from contextlib import suppress
from typing import Any

from archive.backfill.engines import Done, EngineError, done_before, read_file, unless_halted
from archive.backfill.reader import Readers
from archive.backfill.work import Work

CONNECT_SECONDS = 10.0
PATIENCE_SECONDS = 120.0  # with a cluster that has no worker, or a scheduler that went away
_POLL_SECONDS = 2.0
_TASKS_A_THREAD = 3  # at hand, so that no worker waits for us

Log = Callable[[str], None]


# --- On a worker -------------------------------------------------------------------------------------------------

_readers: dict[tuple[str, str, str, int], Readers] = {}
_readers_lock = threading.Lock()


def read_on_worker(work: Work, memory_mb: int) -> Done:
    """Read one file, on a worker, in a process of its own: the worker itself is never at risk."""
    key = (work.folder, work.setup, work.code, memory_mb)
    with _readers_lock:
        readers = _readers.setdefault(key, Readers(*key))
    return read_file(readers, work)


# --- The client --------------------------------------------------------------------------------------------------


class _Lost(Exception):  # noqa: N818 - a state, not an error
    """The scheduler went away, and with it all that was submitted."""


def connect(scheduler: str, *, seconds: float = CONNECT_SECONDS) -> Any:
    """Return a client of a Dask scheduler. Raises EngineError where there is none."""
    try:
        from distributed import Client
    except ImportError as error:
        raise EngineError("Dask is not installed: pip install 'bilateral[scale]'") from error
    try:
        return Client(scheduler, timeout=seconds, set_as_default=False)  # type: ignore[no-untyped-call]
    except (OSError, TimeoutError, ValueError) as error:
        raise EngineError(f"--scheduler {scheduler}: no Dask scheduler answers there ({error})") from error


def run_on_dask(
    works: list[Work], *, scheduler: str, workers: int | None = None, memory_mb: int, log: Log
) -> Iterator[Done]:
    """Read files on the cluster of a scheduler (its address); yield each as it is done.

    The workers must see the same folders under the same names. A task whose worker dies is given to another one. A
    scheduler that goes away is waited for, and given again what is not done. ``workers`` are waited for first.

    Raises EngineError where there is no Dask, no such scheduler, no worker, or nothing can be read there.
    """
    left = {work.source: work for work in works}
    client = connect(scheduler)
    try:
        _wait_for_workers(client, scheduler, workers)
        log(f"Dask at {scheduler}; dashboard {client.dashboard_link}")
        while left:
            try:
                for done in _Reading(client, scheduler, list(left.values()), memory_mb, log).results():
                    del left[done.source]
                    yield done
            except _Lost:
                log(f"the scheduler at {scheduler} went away; it is waited for")
                _close(client)
                client = _connect_again(scheduler, len(left))
                for done in done_before(list(left.values())):
                    del left[done.source]
                    yield done
    finally:
        _close(client)


def _wait_for_workers(client: Any, scheduler: str, number: int | None) -> None:
    if number is None:
        return
    try:
        client.wait_for_workers(number, timeout=PATIENCE_SECONDS)
    except TimeoutError as error:
        raise EngineError(f"--scheduler {scheduler}: it has no {number} workers") from error


def _connect_again(scheduler: str, left: int) -> Any:
    until = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < until:
        with suppress(EngineError):
            return connect(scheduler, seconds=max(1.0, min(CONNECT_SECONDS, until - time.monotonic())))
        time.sleep(_POLL_SECONDS)
    raise EngineError(f"the scheduler at {scheduler} went away; {left} files are left: run again to go on")


def _close(client: Any) -> None:
    with suppress(Exception):  # where the scheduler is gone there is nothing to take leave of
        client.close(timeout=_POLL_SECONDS)


class _Reading:
    """The tasks of one client: a few at hand for each thread of the cluster, the rest in line here."""

    def __init__(self, client: Any, scheduler: str, works: list[Work], memory_mb: int, log: Log) -> None:
        self.client, self.scheduler, self.memory_mb, self.log = client, scheduler, memory_mb, log
        self.line = deque(works)
        self.at_hand: dict[str, tuple[Work, Any]] = {}  # by key; the future is held, or its task is dropped
        self.answers: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self.since = time.monotonic()  # the cluster had a worker

    def results(self) -> Iterator[Done]:
        """Yield what becomes of each file. Raises _Lost, and EngineError where nothing can be read."""
        while self.line or self.at_hand:
            self._submit(self._threads() * _TASKS_A_THREAD or 1)
            try:
                future = self.answers.get(timeout=_POLL_SECONDS)
            except queue.Empty:
                continue
            work, _ = self.at_hand.pop(future.key)
            yield unless_halted(self._outcome(future, work))

    def _threads(self) -> int:
        """Return how many threads the cluster has. Raises _Lost, and EngineError where it has none for too long."""
        if self.client.status != "running":
            raise _Lost
        try:
            threads: int = sum(self.client.nthreads().values())
        except (OSError, TimeoutError, AttributeError) as error:
            raise _Lost from error
        if threads:
            self.since = time.monotonic()
        elif time.monotonic() - self.since > PATIENCE_SECONDS:
            raise EngineError(f"--scheduler {self.scheduler}: it has no workers")
        elif self.since:
            self._say_that_we_wait()
        return threads

    def _say_that_we_wait(self) -> None:
        waited = time.monotonic() - self.since
        if waited % 30 < _POLL_SECONDS:
            self.log(f"{self.scheduler} has no workers; they are waited for")

    def _submit(self, most: int) -> None:
        while self.line and len(self.at_hand) < most:
            work = self.line.popleft()
            task = hashlib.sha256(repr((work, self.memory_mb)).encode()).hexdigest()
            future = self.client.submit(
                read_on_worker, work, self.memory_mb, key=f"backfill-{task}", pure=False
            )
            self.at_hand[future.key] = work, future
            future.add_done_callback(self.answers.put)

    def _outcome(self, future: Any, work: Work) -> Done:
        from distributed import KilledWorker

        if future.status not in ("finished", "error"):
            raise _Lost
        try:
            done: Done = future.result(timeout=CONNECT_SECONDS)
        except KilledWorker:
            return Done(work.source, None, "reading it ended several workers, one after the other")
        except (TimeoutError, CancelledError) as error:
            raise _Lost from error
        except Exception as error:
            return Done(work.source, None, f"{type(error).__name__}: {error}")
        return done
