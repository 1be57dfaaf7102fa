"""Getting at the bytes of a WARC file: on disk, inside a WACZ, or at an address it is downloaded from first."""

import contextlib
import shutil
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

import urllib3
from filelock import FileLock, Timeout

from archive.backfill.web import client

INSIDE = "!"  # between a WACZ and the name of a file in it
_WAIT_SECONDS = 0.2
_CHUNK_BYTES = 1 << 20


@contextlib.contextmanager
def opened(source: str, folder: Path, *, max_downloads: int, alive: Callable[[], None]) -> Iterator[BinaryIO]:
    """Open a WARC file for reading and seeking; ``alive`` is called while it is got. Raises OSError."""
    if source.startswith(("http://", "https://")):
        with tempfile.TemporaryFile(dir=folder) as copy:
            with _slot(folder, max_downloads, alive):
                _download(source, copy, alive)
            yield copy
    elif INSIDE in source and not Path(source).exists():
        with _inside(source, folder) as copy:
            yield copy
    else:
        with Path(source).open("rb") as stream:
            yield stream


@contextlib.contextmanager
def _inside(source: str, folder: Path) -> Iterator[BinaryIO]:
    wacz, _, name = source.rpartition(INSIDE)
    try:
        with zipfile.ZipFile(wacz) as packed, tempfile.TemporaryFile(dir=folder) as copy:
            with packed.open(name) as member:
                shutil.copyfileobj(member, copy, _CHUNK_BYTES)
            copy.seek(0)
            yield copy
    except (zipfile.BadZipFile, KeyError) as error:
        raise OSError(f"{wacz}: {error}") from error


def _download(url: str, copy: BinaryIO, alive: Callable[[], None]) -> None:
    try:
        with client().request("GET", url, preload_content=False) as answer:
            if answer.status != 200:
                raise OSError(f"{url}: HTTP {answer.status}")
            for chunk in answer.stream(_CHUNK_BYTES, decode_content=False):
                copy.write(chunk)
                alive()
    except urllib3.exceptions.HTTPError as error:
        raise OSError(f"{url}: {error}") from error
    copy.seek(0)


@contextlib.contextmanager
def _slot(folder: Path, number: int, alive: Callable[[], None]) -> Iterator[None]:
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
