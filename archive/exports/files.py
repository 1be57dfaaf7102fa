"""Writing a file so that nobody ever finds half of it."""

import contextlib
import errno
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from types import FrameType


def is_device(path: Path) -> bool:
    """Whether a path is there and neither a file nor a folder: a terminal, a pipe, /dev/stdout."""
    return path.exists() and not path.is_file() and not path.is_dir()


@contextlib.contextmanager
def replaced(path: Path) -> Iterator[Path]:
    """Give a temporary name beside ``path``; it takes the name of ``path`` when the block ends well.

    Whatever was there stays as it was until then, and for good where the block fails. What a link leads to is
    replaced, and not the link. Raises OSError.
    """
    path = Path(os.path.realpath(path))
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    temporary = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        yield temporary
        _sync(temporary)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def _sync(path: Path) -> None:
    with path.open("rb+") as stream:
        os.fsync(stream.fileno())


@contextlib.contextmanager
def terminated_cleanly() -> Iterator[None]:
    """Let the block clean up behind itself where the program is told to end (SIGTERM), as it does at Ctrl-C."""

    def end(number: int, _: FrameType | None) -> None:
        sys.exit(128 + number)

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
