"""A limit on how long a block may take, for reading one page: parsers can be made to take for ever."""

import contextlib
import signal
from collections.abc import Iterator

AGAIN_SECONDS = (
    1.0  # an exception raised inside a finaliser or a garbage collection's callback is lost: raised again
)


class PageTimeout(BaseException):
    """A page took too long. Not an Exception, which a parser may take for the page's own fault and go on."""


@contextlib.contextmanager
def time_limit(seconds: float, *, processor: bool = False) -> Iterator[None]:
    """Raise PageTimeout when the block is not done in time. For the main thread of a process.

    ``processor`` counts the seconds of this process on a processor, and not those of the clock on the wall. Code that
    never comes back to Python (inside a C library) is not interrupted before it does.
    """

    def stop(*_: object) -> None:
        raise PageTimeout

    timer, number = (
        (signal.ITIMER_PROF, signal.SIGPROF) if processor else (signal.ITIMER_REAL, signal.SIGALRM)
    )
    before = signal.signal(number, stop)
    left, every = signal.setitimer(timer, seconds, AGAIN_SECONDS)
    try:
        yield
    finally:
        signal.setitimer(timer, left, every)
        signal.signal(number, before)
