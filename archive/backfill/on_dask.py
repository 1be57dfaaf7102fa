"""The files of a backfill, read by the workers of a Dask cluster."""

import hashlib
import threading
from collections.abc import Iterable, Iterator

from archive.backfill.engines import Done, read_file, unless_halted
from archive.backfill.reader import Readers
from archive.backfill.work import Work
from archive.cluster import Cluster, Log, Outcome, Task

TASKS_A_THREAD = 3  # at hand, so that no worker waits for us

_readers: dict[tuple[str, str, str, int], Readers] = {}  # of this worker
_readers_lock = threading.Lock()


def read_on_worker(work: Work, memory_mb: int) -> Done:
    """Read one file, on a worker, in a process of its own: the worker itself is never at risk."""
    key = (work.folder, work.setup, work.code, memory_mb)
    with _readers_lock:
        readers = _readers.setdefault(key, Readers(*key))
    return read_file(readers, work)


def run_on_dask(
    works: Iterable[Work], *, scheduler: str, workers: int | None = None, memory_mb: int, log: Log
) -> Iterator[Done]:
    """Read files on the cluster of a scheduler (its address); yield each as it is done.

    The workers must see the same folders under the same names. ``workers`` are waited for first. Raises EngineError
    where there is no such cluster, or nothing can be read there.
    """
    with Cluster(scheduler, log) as cluster:
        if workers is not None:
            cluster.wait_for_workers(workers)
        for outcome in cluster.run((_task(work, memory_mb) for work in works), a_thread=TASKS_A_THREAD):
            yield unless_halted(_done(outcome))


def _task(work: Work, memory_mb: int) -> Task:
    digest = hashlib.sha256(repr((work, memory_mb)).encode()).hexdigest()
    return Task(f"backfill-{digest}", read_on_worker, (work, memory_mb), work)


def _done(outcome: Outcome) -> Done:
    if outcome.error is None:
        done: Done = outcome.result
        return done
    words = f"{type(outcome.error).__name__}: {outcome.error}"
    return Done(outcome.task.about.source, None, f"on a worker of the cluster: {words}")
