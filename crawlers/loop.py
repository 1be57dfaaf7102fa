"""The event loop that crawls run on: Twisted's reactor over one asyncio loop, which stays for the whole process.

A reactor that was stopped cannot be started again; this one is begun once and never stopped, and each crawl is
run on its loop to its end. So one process can crawl again and again (``--every``, the demo, the tests).
"""

import asyncio
import functools
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


@functools.cache
def event_loop() -> asyncio.AbstractEventLoop:
    """Return the loop, made and begun at the first call."""
    from twisted.internet import asyncioreactor

    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    asyncioreactor.install(loop)  # type: ignore[no-untyped-call]
    from twisted.internet import reactor

    reactor.startRunning(installSignalHandlers=False)
    return loop


def run(main: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end."""
    return event_loop().run_until_complete(main)
