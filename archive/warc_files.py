"""Bringing WARC files of another archive into this one's folder."""

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from archive.store import ArchiveError

_CHUNK_BYTES = 1 << 20


def copy_files(names: Sequence[str], source: Path, target: Path) -> tuple[dict[str, str], int]:
    """Copy WARC files from one folder to another; return the name each has there, and how many were copied.

    Raises ArchiveError where one is missing; then none is copied.
    """
    missing = [name for name in names if not (source / name).is_file()]
    if missing:
        raise ArchiveError(f"{source / missing[0]}: is missing, and snapshots lie in it")
    taken, copied = {}, 0
    for name in names:
        taken[name] = _free_name(target, source / name, name)
        if not (target / taken[name]).exists():
            _copy(source / name, target / taken[name])
            copied += 1
    return taken, copied


def _free_name(folder: Path, source: Path, name: str) -> str:
    """Return the name itself, or with a number where another machine gave the same to another file.

    A file that begins as ours does is the same, grown since: it is kept beside the shorter one, as a whole.
    """
    stem = name.removesuffix(".warc.gz")
    number = 0
    while (folder / name).exists() and not _same_bytes(folder / name, source):
        number += 1
        name = f"{stem}-m{number}.warc.gz"
    return name


def _same_bytes(one: Path, other: Path) -> bool:
    if one.samefile(other):
        return True
    if one.stat().st_size != other.stat().st_size:
        return False
    with one.open("rb") as left, other.open("rb") as right:
        while block := left.read(_CHUNK_BYTES):
            if block != right.read(_CHUNK_BYTES):
                return False
    return True


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    unfinished = target.with_name(f".{target.name}.part")
    shutil.copyfile(source, unfinished)
    with unfinished.open("rb+") as stream:
        os.fsync(stream.fileno())
    os.replace(unfinished, target)
