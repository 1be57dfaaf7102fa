"""What pages show and takes long to gather, kept until what it was gathered from has changed."""

import sqlite3
import threading
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

from archive.search.columns import file_of

T = TypeVar("T")
MAX_ENTRIES = 64


class Kept(Generic[T]):
    """One kind of thing, by archive and name."""

    def __init__(self) -> None:
        self._found: dict[Hashable, tuple[Hashable, T]] = {}
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
                known = (version, make(known[1] if known else None))
            if file is not None:
                self._found[file, name] = known
                while len(self._found) > MAX_ENTRIES:
                    del self._found[next(iter(self._found))]
            return known[1]
