"""The process that reads WARC files for a worker: whatever a file does to it, the worker lives on.

    python -m archive.backfill.reader MEMORY_MB

reads pickled `Work`, each behind its length, from standard input, and answers each with one line of JSON:
``{"counts": …}`` or ``{"error": …}``; lines with a dot alone are signs of life.
"""

import contextlib
import ctypes
import json
import os
import pickle
import resource
import select
import signal
import struct
import subprocess
import sys
from typing import Any, BinaryIO

from archive.backfill.task import Work, process

STALLED_SECONDS = 300.0  # without a sign of life; a page has archive.backfill.task.PAGE_SECONDS
_LENGTH = struct.Struct(">Q")
_PARENT_DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG


class ReaderDied(Exception):  # noqa: N818 - a state, not an error
    """The reading process ended before its answer; the message says how."""


class Reader:
    """A reading process, begun with the first file and anew after one that ended it."""

    def __init__(self, memory_mb: int) -> None:
        self.memory_mb = memory_mb
        self._process: subprocess.Popen[bytes] | None = None

    def read(self, work: Work) -> dict[str, Any]:
        """Read one file. Raises OSError where it cannot be read, ReaderDied where reading it ended the process."""
        child = self._process if self._process and self._process.poll() is None else self._begin()
        assert child.stdin is not None
        data = pickle.dumps(work)
        try:
            child.stdin.write(_LENGTH.pack(len(data)) + data)
            child.stdin.flush()
            answer = self._answer(child)
        except BrokenPipeError:
            answer = None
        if answer is None:
            child.kill()
            raise ReaderDied(_words(child.wait()))
        if "error" in answer:
            raise OSError(answer["error"])
        counts: dict[str, Any] = answer["counts"]
        return counts

    def close(self) -> None:
        """End the process."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def _begin(self) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "archive.backfill.reader", str(self.memory_mb)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        return self._process

    def _answer(self, child: subprocess.Popen[bytes]) -> dict[str, Any] | None:
        assert child.stdout is not None
        while True:
            ready, _, _ = select.select([child.stdout], [], [], STALLED_SECONDS)
            line = child.stdout.readline() if ready else b""
            if not line.endswith(b"\n"):
                return None
            if line != b".\n":
                answer: dict[str, Any] = json.loads(line)
                return answer


def _words(code: int) -> str:
    if code >= 0:
        return f"reading it ended the process (exit code {code})"
    return f"reading it ended the process ({signal.Signals(-code).name})"


def main() -> None:
    """Read files for the process above, and end with it."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_PARENT_DEATH_SIGNAL, signal.SIGKILL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process above
    limit = int(sys.argv[1]) * 1_000_000
    resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints must not get between the answers
    while (work := _next(sys.stdin.buffer)) is not None:
        _tell(answers, json.dumps(_answered(work, answers)).encode())


def _answered(work: Work, answers: BinaryIO) -> dict[str, Any]:
    try:
        return {"counts": process(work, alive=lambda: _tell(answers, b"."))}
    except MemoryError:
        return {"error": "reading it needs more memory than a worker has"}
    except Exception as error:
        return {"error": f"{error}" if isinstance(error, OSError) else f"{type(error).__name__}: {error}"}


def _next(stream: BinaryIO) -> Work | None:
    head = stream.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        return None
    work: Work = pickle.loads(stream.read(_LENGTH.unpack(head)[0]))
    return work


def _tell(answers: BinaryIO, line: bytes) -> None:
    answers.write(line + b"\n")
    answers.flush()


if __name__ == "__main__":
    main()
