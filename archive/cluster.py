"""A Dask cluster and the tasks it is given. Only this module knows Dask, which is loaded where it is needed."""

import importlib.util
import logging
import queue
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import CancelledError
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain, islice
from typing import Any, Self

CONNECT_SECONDS = 10.0
PATIENCE_SECONDS = 120.0  # with a cluster that has no worker, or a scheduler that went away
_POLL_SECONDS = 2.0
_SAY_SECONDS = 30.0

Log = Callable[[str], None]


class EngineError(Exception):
    """The engine cannot be used, or not any more; the message says why, and what to do."""


class TaskFailed(Exception):  # noqa: N818 - a state, not an error of ours
    """A task ended the workers it was given to, one after the other."""


class _Lost(Exception):  # noqa: N818 - a state, not an error
    """The scheduler went away, and with it all that was submitted."""


@dataclass(frozen=True, slots=True)
class Task:
    """A call to be made on some worker. ``key`` tells tasks apart; ``about`` is for whoever asked."""

    key: str
    call: Callable[..., Any]
    arguments: tuple[Any, ...]
    about: Any


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a task: its result, or its error."""

    task: Task
    result: Any = None
    error: Exception | None = None


def connect(scheduler: str, *, seconds: float = CONNECT_SECONDS) -> Any:
    """Return a client of a Dask scheduler. Raises EngineError where there is none."""
    try:
        from distributed import Client
    except ImportError as error:
        raise EngineError("Dask is not installed: pip install 'bilateral[scale]'") from error
    logging.getLogger("distributed").setLevel(logging.CRITICAL)  # what goes wrong is said in words
    try:
        return Client(scheduler, timeout=seconds, set_as_default=False)  # type: ignore[no-untyped-call]
    except (OSError, TimeoutError, ValueError) as error:
        raise EngineError(f"--scheduler {scheduler}: no Dask scheduler answers there ({error})") from error


class Cluster:
    """The cluster of a scheduler (its address), used as a context. Raises EngineError where none answers."""

    def __init__(self, scheduler: str, log: Log) -> None:
        self.scheduler, self.log = scheduler, log
        self.client = connect(scheduler)
        log(f"Dask at {scheduler}{self._dashboard()}")
        self._at_hand: dict[str, tuple[Task, Any]] = {}  # by key; the future is held, or its task is dropped
        self._answers: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._worked = self._said = (
            time.monotonic()
        )  # when there was a worker; when it was said that there is none

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._close()

    def _close(self) -> None:
        with suppress(Exception):  # where the scheduler is gone there is nothing to take leave of
            self.client.close(timeout=_POLL_SECONDS)

    def _dashboard(self) -> str:
        """Return where the cluster can be watched, which the scheduler shows where bokeh is installed."""
        return f"; dashboard {self.client.dashboard_link}" if importlib.util.find_spec("bokeh") else ""

    def wait_for_workers(self, number: int) -> None:
        """Wait until there are so many workers. Raises EngineError where they do not come."""
        try:
            self.client.wait_for_workers(number, timeout=PATIENCE_SECONDS)
        except TimeoutError as error:
            raise EngineError(f"--scheduler {self.scheduler}: it has no {number} workers") from error

    def run(self, tasks: Iterable[Task], *, a_thread: int) -> Iterator[Outcome]:
        """Have tasks done; yield each as it is, with so many at hand for each thread of the cluster.

        A task whose worker dies is given to another one. A scheduler that goes away is waited for, and given again what
        was not done. Raises EngineError where it does not come back, or no worker comes.
        """
        line = iter(tasks)
        while True:
            try:
                yield from self._run(line, a_thread)
                return
            except _Lost:
                self._connect_again()
                line = chain([task for task, _ in self._at_hand.values()], line)

    def _run(self, line: Iterator[Task], a_thread: int) -> Iterator[Outcome]:
        self._at_hand, self._answers = {}, queue.SimpleQueue()
        while True:
            room = max(1, self._threads() * a_thread) - len(self._at_hand)
            for task in islice(line, max(0, room)):
                self._submit(task)
            if not self._at_hand:
                return
            with suppress(queue.Empty):
                yield self._outcome(self._answers.get(timeout=_POLL_SECONDS))

    def _threads(self) -> int:
        """Return how many threads the cluster has. Raises _Lost, and EngineError where it has none for too long."""
        if self.client.status != "running":
            raise _Lost
        try:
            threads: int = sum(self.client.nthreads().values())
        except (OSError, TimeoutError, AttributeError) as error:
            raise _Lost from error
        now = time.monotonic()
        if threads:
            self._worked = now
        elif now - self._worked > PATIENCE_SECONDS:
            raise EngineError(f"--scheduler {self.scheduler}: it has no workers")
        elif now - self._said > _SAY_SECONDS or self._said < self._worked:
            self._said = now
            self.log(f"{self.scheduler} has no workers; they are waited for")
        return threads

    def _submit(self, task: Task) -> None:
        self._at_hand[task.key] = task, None  # first, so that it is not forgotten where the client is gone
        try:
            future = self.client.submit(task.call, *task.arguments, key=task.key, pure=False)
        except Exception as error:
            raise _Lost from error
        self._at_hand[task.key] = task, future
        future.add_done_callback(self._answers.put)

    def _outcome(self, future: Any) -> Outcome:
        from distributed import KilledWorker

        task, _ = self._at_hand[future.key]
        if future.status not in ("finished", "error"):
            raise _Lost
        try:
            outcome = Outcome(task, future.result(timeout=CONNECT_SECONDS))
        except KilledWorker:
            outcome = Outcome(task, error=TaskFailed("it ended several workers, one after the other"))
        except (TimeoutError, CancelledError) as error:
            raise _Lost from error
        except Exception as error:
            outcome = Outcome(task, error=error)
        del self._at_hand[future.key]
        return outcome

    def _connect_again(self) -> None:
        self.log(f"the scheduler at {self.scheduler} went away; it is waited for")
        self._close()
        until = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < until:
            with suppress(EngineError):
                seconds = max(1.0, min(CONNECT_SECONDS, until - time.monotonic()))
                self.client = connect(self.scheduler, seconds=seconds)
                self._worked = time.monotonic()
                return
            time.sleep(_POLL_SECONDS)
        raise EngineError(f"the scheduler at {self.scheduler} went away")
