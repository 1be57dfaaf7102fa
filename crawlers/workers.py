"""The worker processes that read what strangers wrote, so that no page can stall, kill or bloat the crawl.

A task that takes too long has its worker ended; one that ends its worker (a crash of a parser, memory used up)
is that task's failure, and another worker takes its place.
"""

import asyncio
import contextlib
import ctypes
import importlib
import multiprocessing
import multiprocessing.connection
import os
import resource
import signal
import threading
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any, TypeVar

from pebble import ProcessExpired, ProcessPool

from archive.models import Page, Reading

T = TypeVar("T")

MAX_WORKERS = 4
PRELOADED = ("archive.ingest", "crawlers.routes")

_topic: Any = None  # of this worker process


class ReadingError(Exception):
    """A page or route could not be read; the message says why, in words."""


class Workers:
    """A pool of processes for `read` and `call`. ``number`` 0 is one a processor, at most `MAX_WORKERS`."""

    def __init__(self, topic: Path | None, *, number: int = 0, memory_mb: int = 400) -> None:
        self.topic = topic
        self.number = number or min(len(os.sched_getaffinity(0)), MAX_WORKERS)
        self.memory_mb = memory_mb
        self._pool = self._begin()

    def _begin(self) -> ProcessPool:
        # A fork server: its processes share what is loaded once, and none inherits sockets or the database.
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(list(PRELOADED))
        pool = ProcessPool(
            max_workers=self.number,
            initializer=_begin_worker,
            initargs=(self.topic, self.memory_mb),
            context=context,
        )
        pool.schedule(_warm_up)
        return pool

    async def read(self, page: Page, *, seconds: float) -> Reading:
        """Extract and judge one page. Raises ReadingError."""
        return await self.call(_read_page, page, seconds=seconds)

    async def call(self, function: Callable[..., T], *args: Any, seconds: float) -> T:
        """Run a function in a worker. Raises ReadingError, and what the function itself raises."""
        try:
            future: Future[T] = self._pool.schedule(function, args=args, timeout=seconds)
            return await asyncio.wrap_future(future)
        except TimeoutError as error:
            raise ReadingError(f"reading it took longer than {seconds:.0f} seconds") from error
        except ProcessExpired as error:
            raise ReadingError("reading it ended the parser (a crash, or out of memory)") from error
        except MemoryError as error:
            raise ReadingError(f"reading it needs more than {self.memory_mb} MB of memory") from error
        except RecursionError as error:
            raise ReadingError("nested too deep to be read") from error
        except (BrokenProcessPool, RuntimeError) as error:
            if self._pool.active:
                raise
            self._pool = self._begin()
            raise ReadingError("the worker processes ended") from error

    def close(self) -> None:
        """End the workers."""
        self._pool.stop()
        self._pool.join()


def _begin_worker(topic: Path | None, memory_mb: int) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the crawl, which ends its workers itself
    threading.Thread(target=_end_with_parent, daemon=True).start()
    limit = memory_mb * 1_000_000
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if topic is not None:
        global _topic
        _topic = importlib.import_module("archive.topic").load_topic(topic)


def _end_with_parent() -> None:
    """End this process when the crawl is gone, killed without a chance to end its workers."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG: with the fork server
    parent = multiprocessing.parent_process()
    if parent is not None:
        multiprocessing.connection.wait([parent.sentinel])
        os._exit(1)


def _warm_up() -> None:
    """Load what the first page would otherwise wait for."""
    importlib.import_module("archive.ingest")


def _read_page(page: Page) -> Reading:
    ingest = importlib.import_module("archive.ingest")
    reading: Reading = ingest.read_page(page, _topic)
    return reading
