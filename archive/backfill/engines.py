"""Where files are read: by processes of this machine, or by the workers of a Dask cluster. The parts are the same."""

import threading
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from archive.backfill.reader import Reader, ReaderDied
from archive.backfill.task import Work, part_name

MAX_ATTEMPTS = 3  # at a file that ends the process that reads it: that may have been somebody else's doing
CONNECT_SECONDS = 20.0


class EngineError(Exception):
    """The engine cannot be used; the message says why, and what to do."""


@dataclass(frozen=True, slots=True)
class Done:
    """What became of one file: its counts, or the error by which it failed."""

    source: str
    counts: dict[str, Any] | None
    error: str = ""


def attempts(folder: Path, source: str) -> int:
    """Return how often a file was begun to be read, by whatever process."""
    path = folder / f"{part_name(source)}.attempts"
    return len(path.read_text().splitlines()) if path.exists() else 0


def read_file(reader: Reader, work: Work) -> Done:
    """Read one file in a reading process, once more where that ended."""
    error = ""
    for _ in range(MAX_ATTEMPTS):
        try:
            return Done(work.source, reader.read(work))
        except ReaderDied as death:
            error = str(death)
        except OSError as failure:
            return Done(work.source, None, str(failure))
    return Done(work.source, None, error)


def run_locally(works: Iterable[Work], *, workers: int, memory_mb: int) -> Iterator[Done]:
    """Read files in so many processes of this machine; yield each as it is done."""
    readers = _Readers(memory_mb)
    pool = ThreadPoolExecutor(workers)
    try:
        futures = [pool.submit(lambda work: read_file(readers.mine(), work), work) for work in works]
        for future in as_completed(futures):
            yield future.result()
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
        readers.close()


class _Readers:
    """One reading process a thread."""

    def __init__(self, memory_mb: int) -> None:
        self.memory_mb = memory_mb
        self._local = threading.local()
        self._all: list[Reader] = []

    def mine(self) -> Reader:
        if not hasattr(self._local, "reader"):
            self._local.reader = Reader(self.memory_mb)
            self._all.append(self._local.reader)
        reader: Reader = self._local.reader
        return reader

    def close(self) -> None:
        for reader in self._all:
            reader.close()


_on_this_worker: dict[int, _Readers] = {}


def read_on_worker(work: Work, memory_mb: int) -> Done:
    """Read one file on a Dask worker, in a process of its own: the worker itself is never at risk."""
    readers = _on_this_worker.setdefault(memory_mb, _Readers(memory_mb))
    return read_file(readers.mine(), work)


def run_on_dask(works: list[Work], *, scheduler: str, memory_mb: int, log: Any) -> Iterator[Done]:
    """Read files on the cluster of a scheduler (its address); yield each as it is done.

    The workers must see the same folders under the same names. A task whose worker dies is given to another one.
    Raises EngineError where there is no Dask, no such scheduler, or no worker.
    """
    client = connect(scheduler)
    from distributed import KilledWorker
    from distributed import as_completed as completed

    try:
        log(
            f"Dask: {len(client.scheduler_info(n_workers=-1)['workers'])} workers; dashboard {client.dashboard_link}"
        )
        futures = {
            client.submit(
                read_on_worker, work, memory_mb, key=f"backfill-{part_name(work.source)}", pure=False
            ): work
            for work in works
        }
        for future in completed(futures, loop=client.loop):  # type: ignore[no-untyped-call]
            work = futures[future]
            error = future.exception()
            if error is None:
                yield future.result()
            elif isinstance(error, KilledWorker):
                yield Done(work.source, None, "reading it ended several workers, one after the other")
            else:
                yield Done(work.source, None, f"{type(error).__name__}: {error}")
    finally:
        client.close()


def connect(scheduler: str) -> Any:
    """Return a client of a Dask scheduler. Raises EngineError where there is none, or it has no worker."""
    try:
        from distributed import Client
    except ImportError as error:
        raise EngineError("Dask is not installed: pip install 'bilateral[scale]'") from error
    try:
        client = Client(scheduler, timeout=CONNECT_SECONDS, set_as_default=False)  # type: ignore[no-untyped-call]
    except (OSError, TimeoutError, ValueError) as error:
        raise EngineError(f"--scheduler {scheduler}: no Dask scheduler answers there ({error})") from error
    if not client.scheduler_info(n_workers=-1)["workers"]:
        client.close()  # type: ignore[no-untyped-call]
        raise EngineError(f"--scheduler {scheduler}: it has no workers")
    return client
