"""Who may use a worker process next, so that no outlet's pages keep those of others waiting."""

import asyncio
import contextlib
import time
from collections import Counter, defaultdict
from collections.abc import AsyncIterator
from dataclasses import dataclass


@dataclass(eq=False, slots=True)
class _Waiting:
    outlet: str
    heavy: bool
    begun: asyncio.Future[None]


class Turns:
    """Hands out so many places at a time: to the outlet that has used them least so far.

    Of heavy tasks, which take much memory, only one is under way at a time; light ones pass them by.
    """

    def __init__(self, places: int) -> None:
        self.free = places
        self.used: defaultdict[str, float] = defaultdict(float)  # seconds, by outlet
        self._heavy = 0  # under way
        self._running: Counter[str] = Counter()  # by outlet
        self._waiting: list[_Waiting] = []

    @contextlib.asynccontextmanager
    async def turn(self, outlet: str, *, heavy: bool = False) -> AsyncIterator[None]:
        """Wait for a place, and hold it for the length of the block."""
        mine = _Waiting(outlet, heavy, asyncio.get_running_loop().create_future())
        self._waiting.append(mine)
        self._admit()
        try:
            await mine.begun
        except asyncio.CancelledError:
            self._withdraw(mine)
            raise
        began = time.monotonic()
        try:
            yield
        finally:
            self.used[outlet] += time.monotonic() - began
            self._end(mine)

    def _admit(self) -> None:
        while self.free:
            ready = [each for each in self._waiting if not (each.heavy and self._heavy)]
            if not ready:
                return
            chosen = min(ready, key=lambda each: (self._running[each.outlet], self.used[each.outlet]))
            self._waiting.remove(chosen)
            self.free -= 1
            self._heavy += chosen.heavy
            self._running[chosen.outlet] += 1
            chosen.begun.set_result(None)

    def _withdraw(self, mine: _Waiting) -> None:
        if mine in self._waiting:
            self._waiting.remove(mine)
        else:
            self._end(mine)

    def _end(self, mine: _Waiting) -> None:
        self.free += 1
        self._heavy -= mine.heavy
        self._running[mine.outlet] -= 1
        self._admit()
