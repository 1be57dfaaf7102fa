"""What pages show and takes long to gather, kept until what it was gathered from has changed."""

import contextlib
import logging
import sqlite3
import threading
import time
from collections.abc import Callable, Hashable
from concurrent.futures import ThreadPoolExecutor
from typing import Generic, TypeVar

from archive.search.columns import file_of, patience_of

T = TypeVar("T")
MAX_ENTRIES = 64
CALM_SECONDS = 5.0  # a thing is not made anew more often, where readers are shown the one before meanwhile
# Since that one was last known to be up to date, for it to be shown; then a reader waits.
BEHIND_SECONDS = 600.0

_worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="kept")


class Kept(Generic[T]):
    """One kind of thing, by archive and name."""

    def __init__(self) -> None:
        self._found: dict[Hashable, tuple[Hashable, T, float]] = {}
        self._in_the_making: set[Hashable] = set()
        self._lock = threading.Lock()

    def get(
        self,
        connection: sqlite3.Connection,
        version: Hashable,
        make: Callable[[T | None], T],
        name: Hashable = "",
    ) -> T:
        """Return the thing for this version of the archive; ``make`` is given the one before, None at first."""
        file = file_of(connection)
        with self._lock:
            known = self._found.pop((file, name), None)
            if known is None or known[0] != version:
                known = (version, make(known[1] if known else None), time.monotonic())
            if file is not None:
                self._keep((file, name), known)
            return known[1]

    def soon(
        self,
        connection: sqlite3.Connection,
        version: Hashable,
        make: Callable[[sqlite3.Connection], T],
        name: Hashable = "",
    ) -> T:
        """Return the thing for this version of the archive, which ``make`` reads from a connection.

        Where searches of this archive are patient (`archive.search.warm`), the one before while a thread makes it anew.
        """
        file = file_of(connection)
        known = self._found.get((file, name))
        age = time.monotonic() - known[2] if known else 0.0
        if file is None or known is None or not patience_of(file) or age > BEHIND_SECONDS:
            return self.get(connection, version, lambda _: make(connection), name)
        if known[0] == version:
            with self._lock:
                self._keep((file, name), (version, known[1], time.monotonic()))
        elif age > CALM_SECONDS:
            self._make_anew(file, version, make, name)
        return known[1]

    def _make_anew(
        self,
        file: tuple[object, ...],
        version: Hashable,
        make: Callable[[sqlite3.Connection], T],
        name: Hashable,
    ) -> None:
        """Make a thing in a thread, unless it is in the making."""
        key = (file, name)

        def work() -> None:
            try:
                with contextlib.closing(sqlite3.connect(f"file:{file[0]}?mode=ro", uri=True)) as connection:
                    if file_of(connection) == file:  # else another file is in its place
                        made = make(connection)
                        with self._lock:
                            self._keep(key, (version, made, time.monotonic()))
            except sqlite3.Error:
                logging.getLogger(__name__).warning("%s: not read anew", file[0], exc_info=True)
            finally:
                self._in_the_making.discard(key)

        with self._lock:
            if key in self._in_the_making:
                return
            self._in_the_making.add(key)
        _worker.submit(work)

    def _keep(self, key: Hashable, known: tuple[Hashable, T, float]) -> None:
        self._found.pop(key, None)
        self._found[key] = known
        while len(self._found) > MAX_ENTRIES:
            del self._found[next(iter(self._found))]
