"""Getting at the bytes of a WARC file: on disk, inside a WACZ, or at an address it is downloaded from first."""

import contextlib
import shutil
import tempfile
import threading
import time
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

import urllib3
from filelock import FileLock, Timeout

from archive.backfill.web import client
from archive.backfill.work import STATE, writing

INSIDE = "!"  # between a WACZ and the name of a file in it
TRANSFERS = 3  # of a file whose download breaks off
_WAIT_SECONDS = 0.2
_BEAT_SECONDS = 20.0
_CHUNK_BYTES = 1 << 20
_UNPACKED = (zipfile.BadZipFile, zlib.error, KeyError, RuntimeError, NotImplementedError, EOFError)

Alive = Callable[[], None]


@contextlib.contextmanager
def opened(path: str, folder: Path, *, max_downloads: int, alive: Alive) -> Iterator[BinaryIO]:
    """Open a WARC file for reading and seeking; ``alive`` is called while it is got.

    ``folder`` is where copies lie meanwhile. Raises OSError where the file cannot be had, CannotWrite where a copy
    cannot be kept.
    """
    if path.startswith(("http://", "https://")):
        with _copy_in(folder) as copy:
            with _slot(folder / STATE, max_downloads, alive), _kept_alive(alive):
                _download(path, copy, folder, alive)
            yield copy
    elif INSIDE in path and not Path(path).exists():
        with _copy_in(folder) as copy:
            _unpack(path, copy, folder, alive)
            yield copy
    else:
        with Path(path).open("rb") as stream:
            yield stream


def _copy_in(folder: Path) -> contextlib.AbstractContextManager[BinaryIO]:
    with writing(folder):
        return tempfile.TemporaryFile(dir=folder)


def _unpack(path: str, copy: BinaryIO, folder: Path, alive: Alive) -> None:
    wacz, _, name = path.rpartition(INSIDE)
    try:
        with zipfile.ZipFile(wacz) as packed, packed.open(name) as member:
            size = packed.getinfo(name).file_size
            if size > shutil.disk_usage(folder).free:  # which is this file's fault, and not the disk's
                raise OSError(f"its {size:,} bytes do not fit into {folder}")
            _fill(copy, iter(lambda: member.read(_CHUNK_BYTES), b""), folder, alive)
    except _UNPACKED as error:
        raise OSError(str(error)) from error


@contextlib.contextmanager
def _kept_alive(alive: Alive) -> Iterator[None]:
    """Call ``alive`` while a server lets us wait, which it may for as long as its Retry-After says."""
    over = threading.Event()

    def beat() -> None:
        while not over.wait(_BEAT_SECONDS):
            alive()

    beating = threading.Thread(target=beat, daemon=True)
    beating.start()
    try:
        yield
    finally:
        over.set()
        beating.join()


def _download(url: str, copy: BinaryIO, folder: Path, alive: Alive) -> None:
    for left in reversed(range(TRANSFERS)):
        try:
            with client().request("GET", url, preload_content=False) as answer:
                if answer.status != 200:
                    raise OSError(f"HTTP {answer.status}")
                return _fill(copy, answer.stream(_CHUNK_BYTES, decode_content=False), folder, alive)
        except urllib3.exceptions.HTTPError as error:
            if not left:
                raise OSError(str(error)) from error
    return None


def _fill(copy: BinaryIO, chunks: Iterator[bytes], folder: Path, alive: Alive) -> None:
    with writing(folder):
        copy.truncate(0)
        copy.seek(0)
    for chunk in chunks:
        with writing(folder):
            copy.write(chunk)
        alive()
    with writing(folder):
        copy.seek(0)


@contextlib.contextmanager
def _slot(folder: Path, number: int, alive: Alive) -> Iterator[None]:
    """Wait for one of so many places, shared by all processes that share the folder."""
    locks = [FileLock(folder / f".download-{n}.lock") for n in range(number)]
    while True:
        for lock in locks:
            try:
                lock.acquire(timeout=0)
            except Timeout:
                continue
            try:
                yield
                return
            finally:
                lock.release()
        alive()
        time.sleep(_WAIT_SECONDS)
