"""A limit on how long a block may take, for reading one page: parsers can be made to take for ever."""

import contextlib
import signal
from collections.abc import Iterator


class PageTimeout(BaseException):
    """A page took too long. Not an Exception, which a parser may take for the page's own fault and go on."""


@contextlib.contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Raise PageTimeout when the block is not done in time. For the main thread of a process.

    Code that never comes back to Python (inside a C library) is not interrupted before it does.
    """

    def stop(*_: object) -> None:
        raise PageTimeout

    before = signal.signal(signal.SIGALRM, stop)
    left, every = signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, left, every)
        signal.signal(signal.SIGALRM, before)
