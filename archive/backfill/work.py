"""What one file's reading is asked to do, where its results lie, and what it is done with.

Light on purpose: whoever hands out work need not load what it takes to read a page.
"""

import hashlib
import json
import os
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any, BinaryIO

from archive.fitted import topic_files
from archive.models import Outlet

PARTS, STATE = "parts", "state"


class CannotWrite(Exception):  # noqa: N818 - a state, not an error of the file that was read
    """Results cannot be written (a full disk, a folder that is not there); the message says what and why."""


@dataclass(frozen=True, slots=True)
class Work:
    """One file to read: what it is called, where it is, with what, and the folder the results go to."""

    source: str  # as the ledger names it, whatever machine it is on; of a file inside a WACZ, with "!" and its name
    path: str  # or address
    folder: str
    setup: str  # the name of a `write_setup`
    code: str  # the `code_version` that must read it
    max_downloads: int = 4  # at once, by all processes that share the folder


@dataclass(frozen=True, slots=True)
class Results:
    """The files that come of one source. Those in ``parts`` are the same on every machine, ``state`` is about a run."""

    folder: Path
    source: str

    @property
    def name(self) -> str:
        """What their names begin with."""
        return hashlib.sha256(self.source.encode()).hexdigest()

    @property
    def part(self) -> Path:
        """A line of JSON for every page of an outlet."""
        return self.folder / PARTS / f"{self.name}.jsonl"

    @property
    def warc(self) -> Path:
        """The captures on the subject."""
        return self.folder / PARTS / f"{self.name}.warc.gz"

    @property
    def done(self) -> Path:
        """The counts; it is there once all else is."""
        return self.folder / STATE / f"{self.name}.done"

    @property
    def attempts(self) -> Path:
        """A line for every time the file was begun."""
        return self.folder / STATE / f"{self.name}.attempts"

    def finished(self) -> dict[str, Any] | None:
        """Return the counts of a file that was read already; None where it was not."""
        try:
            counts: dict[str, Any] = json.loads(self.done.read_text(encoding="utf-8"))
        except (FileNotFoundError, NotADirectoryError):
            return None
        return counts

    def tries(self) -> int:
        """Return how often the file was begun to be read, by whatever process."""
        try:
            return len(self.attempts.read_text(encoding="utf-8").splitlines())
        except FileNotFoundError:
            return 0

    def forget(self) -> None:
        """Let the file be read anew."""
        self.done.unlink(missing_ok=True)


class Output:
    """A file being written, whose failures are not those of what is being read."""

    def __init__(self, stream: BinaryIO, folder: Path) -> None:
        self._stream = stream
        self._folder = folder
        self.tell = stream.tell

    def write(self, data: bytes) -> None:
        """Write bytes. Raises CannotWrite."""
        with writing(self._folder):
            self._stream.write(data)


@contextmanager
def writing(folder: Path) -> Iterator[None]:
    """Turn what the system says of a folder of ours into CannotWrite."""
    try:
        yield
    except OSError as error:
        raise CannotWrite(f"{folder}: cannot be written: {error.strerror or error}") from error


@contextmanager
def written(path: Path) -> Iterator[Output]:
    """Write a file that has its name only once it is whole and on the disk. Raises CannotWrite."""
    unfinished = path.with_name(f".{path.name}.{uuid.uuid4().hex[:12]}.part")
    with writing(path.parent):
        stream = unfinished.open("xb")
    try:
        yield Output(stream, path.parent)
        with writing(path.parent):
            stream.flush()
            os.fsync(stream.fileno())
            stream.close()
            os.replace(unfinished, path)
    finally:
        with suppress(OSError):
            stream.close()
        with suppress(OSError):
            unfinished.unlink(missing_ok=True)


def write_setup(folder: Path, outlets: Sequence[Outlet], topic: Path) -> str:
    """Keep the registry and the topic that files are read with; return the name by which readers find them.

    So a worker reads with what this run was begun with, wherever its own copies are. Raises CannotWrite.
    """
    registry = json.dumps([asdict(outlet) for outlet in outlets], ensure_ascii=False, sort_keys=True).encode()
    first, *others = topic_files(topic)
    contents = {"outlets.json": registry, "topic.toml": first.read_bytes()}
    contents |= {other.name: other.read_bytes() for other in others}
    name = hashlib.sha256(b"\0".join(contents.values())).hexdigest()[:16]
    for file, content in contents.items():
        path = folder / STATE / name / file
        if not path.exists():
            with writing(folder):
                path.parent.mkdir(parents=True, exist_ok=True)
            with written(path) as stream:
                stream.write(content)
    return name


def read_setup(folder: Path, name: str) -> tuple[tuple[Outlet, ...], Path]:
    """Return the outlets of a setup, and the path of its topic. Raises OSError."""
    setup = folder / STATE / name
    blocks: list[dict[str, Any]] = json.loads((setup / "outlets.json").read_text(encoding="utf-8"))
    outlets = tuple(Outlet(**{key: _plain(value) for key, value in block.items()}) for block in blocks)
    return outlets, setup / "topic.toml"


def _plain(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


@cache
def code_version() -> str:
    """Return the version of this code, with a digest of it: parts are the same only where the code is."""
    package = Path(__file__).parents[1]
    digest = hashlib.sha256()
    for path in sorted(package.rglob("*.py")):
        digest.update(path.relative_to(package).as_posix().encode() + b"\0" + path.read_bytes())
    return f"{version('bilateral')}+{digest.hexdigest()[:8]}"
