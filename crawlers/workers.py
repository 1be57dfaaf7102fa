"""The worker processes that read what strangers wrote, so that no page can stall, kill or bloat the crawl.

A task that takes too long has its worker ended; one that ends its worker (a crash of a parser, memory used up)
is that task's failure, and another worker takes its place.
"""

import asyncio
import contextlib
import ctypes
import gc
import importlib
import multiprocessing
import multiprocessing.connection
import os
import resource
import signal
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from functools import cache
from multiprocessing import forkserver
from multiprocessing.context import BaseContext
from multiprocessing.synchronize import Semaphore
from pathlib import Path
from typing import Any, TypeVar

from pebble import ProcessExpired, ProcessPool

from archive.models import Outlet, Page, Reading
from crawlers.turns import Turns

T = TypeVar("T")

BEGINNING_SECONDS = 60.0  # that a worker may take to begin

MAX_WORKERS = 2  # each more would take some 80 MB; see docs/security.md for the bound of the whole crawl
# Bodies beyond one of these are heavy: read one at a time, and what they took is given back to the system. Of 149
# real article pages 7 are, all of them for their bytes; the most tags one of them has are 4,600.
LIGHT_BYTES = 800_000
LIGHT_TAGS = 15_000
_M_ARENA_MAX, _M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -8, -1, -3  # of glibc's mallopt
# Beyond its own time, until a task counts as lost: its worker ended while it took it over, before it said so, and the
# pool waits for its answer for ever.
LOST_SECONDS = 30.0
PRELOADED = ("archive.reading", "archive.extraction", "crawlers.routes", "crawlers.discovery")

_topic_file: Path | None = None  # of this worker process


class ReadingError(Exception):
    """A page or route could not be read; the message says why, in words."""


class Workers:
    """A pool of processes for `read` and `call`. ``number`` 0 is one a processor, at most `MAX_WORKERS`."""

    def __init__(self, topic: Path | None, *, number: int = 0, memory_mb: int = 160) -> None:
        self.topic = topic
        self.number = number or min(len(os.sched_getaffinity(0)), MAX_WORKERS)
        self.memory_mb = memory_mb
        self.turns = Turns(self.number)
        self._pool: ProcessPool | None = None

    async def pool(self) -> ProcessPool:
        """Return the pool, begun where it is not. Beginning waits for the fork server, in a thread."""
        if self._pool is None or not self._pool.active:
            context = prepare()
            self._begun = context.Semaphore(0)  # a count of the workers that are under way
            self._pool = ProcessPool(
                max_workers=self.number,
                initializer=_begin_worker,
                initargs=(self.topic, self.memory_mb, self._begun),
                context=context,
            )
            self._beginning = asyncio.ensure_future(asyncio.to_thread(_warm_up, self._pool, self.number))
        await asyncio.shield(self._beginning)
        return self._pool

    async def read(self, page: Page, *, seconds: float) -> Reading:
        """Extract and judge one page. Raises ReadingError."""
        try:
            return await self.call(_read_page, page, seconds=seconds)
        except ReadingError:
            raise
        except Exception as error:
            # Whatever a parser trips over is that page's failure; it must not end the crawl, nor every next one.
            raise ReadingError(f"reading it failed: {type(error).__name__}: {error}") from error

    async def call(self, function: Callable[..., T], *args: Any, seconds: float) -> T:
        """Run a function in a worker, when it is the turn of the outlet that its arguments are of.

        Raises ReadingError, and what the function itself raises.
        """
        heavy = any(map(_is_heavy, args))
        outlet = next(filter(None, map(_outlet_of, args)), "")
        async with self.turns.turn(outlet, heavy=heavy):
            return await self._call(
                *(_call_and_trim, function) if heavy else (function,), *args, seconds=seconds
            )

    async def _call(self, function: Callable[..., T], *args: Any, seconds: float) -> T:
        pool = await self.pool()
        try:
            future: Future[T] = pool.schedule(function, args=args, timeout=seconds)
            async with asyncio.timeout(seconds + LOST_SECONDS):
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
            if pool.active:
                raise
            raise ReadingError("the worker processes ended") from error

    async def close(self) -> None:
        """End the workers, when all have begun: one whose locks go while it takes them over ends in a traceback."""
        if self._pool is not None:
            pool = await self.pool()
            for _ in range(self.number):
                await asyncio.to_thread(self._begun.acquire, timeout=BEGINNING_SECONDS)
            pool.stop()  # type: ignore[no-untyped-call]
            await asyncio.to_thread(pool.join)


def _begin_worker(topic: Path | None, memory_mb: int, begun: Semaphore) -> None:
    begun.release()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the crawl, which ends its workers itself
    give_memory_back()
    threading.Thread(target=_end_with_parent, daemon=True).start()
    limit = memory_mb * 1_000_000
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    global _topic_file
    _topic_file = topic


def give_memory_back() -> None:
    """Have this process give what it frees back to the system at once.

    glibc keeps an arena for each thread, and after the first large block it frees, keeps blocks of that size too:
    after some bodies of megabytes a process has several times what it holds. Setting any threshold ends that.
    """
    with contextlib.suppress(OSError, AttributeError):  # a C library without it
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 1)
        ctypes.CDLL(None).mallopt(_M_TRIM_THRESHOLD, 1_000_000)
        ctypes.CDLL(None).mallopt(_M_MMAP_THRESHOLD, 256_000)


def trim() -> None:
    """Give free memory back that lies between blocks in use."""
    with contextlib.suppress(OSError, AttributeError):  # a C library without it
        ctypes.CDLL(None).malloc_trim(0)


def _end_with_parent() -> None:
    """End this process when the crawl is gone, killed without a chance to end its workers."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG: with the fork server
    parent = multiprocessing.parent_process()
    if parent is not None:
        multiprocessing.connection.wait([parent.sentinel])
        os._exit(1)


def prepare() -> BaseContext:
    """Begin the fork server, which loads what the workers need meanwhile.

    Its processes share what is loaded once, and none inherits sockets or the database.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(list(PRELOADED))
    forkserver.ensure_running()
    return context


def _warm_up(pool: ProcessPool, number: int) -> None:
    for _ in range(number):
        pool.schedule(_nothing)


def _is_heavy(argument: Any) -> bool:
    body = argument.body if isinstance(argument, Page) else argument
    return isinstance(body, bytes) and (len(body) > LIGHT_BYTES or body.count(b"<") > LIGHT_TAGS)


def _outlet_of(argument: Any) -> str:
    if isinstance(argument, Outlet):
        return argument.id
    return argument.outlet if isinstance(argument, Page) else ""


def _call_and_trim(function: Callable[..., T], *args: Any) -> T:
    """Call a function, and give what it used back to the system, which malloc would keep for the next."""
    try:
        return function(*args)
    finally:
        gc.collect()
        trim()


def _nothing() -> None:
    """Have a worker begin before there is anything for it to do."""


def topic_version() -> str:
    """Return the version of the topic. Raises TopicError where it cannot be loaded."""
    version: str = _topic().version
    return version


@cache
def _topic() -> Any:
    """Load the topic when it is first asked for: a route can be read before."""
    return importlib.import_module("archive.topic").load_topic(_topic_file)


def sound_likely(announced: Sequence[tuple[str, str]], outlet: Outlet) -> list[bool]:
    """Return of each headline and summary of an outlet whether they name anything of the subject."""
    announces = importlib.import_module("archive.relevance").announces
    return [announces(headline, summary, _topic()) for headline, summary in announced]


def _read_page(page: Page) -> Reading:
    reader, extraction = (importlib.import_module(f"archive.{name}") for name in ("reading", "extraction"))
    try:
        reading: Reading = reader.read_page(page, _topic())
    except extraction.ExtractionError as error:
        raise ReadingError(str(error)) from None
    return reading
