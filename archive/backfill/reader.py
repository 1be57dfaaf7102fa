"""The processes that read WARC files: one a file, so that whatever a file does to it, nothing else is hurt.

    python -m archive.backfill.reader FOLDER SETUP CODE MEMORY_MB

loads once what reading needs, says so on the socket that is its standard input, and then divides: each message there
is a `Work` as JSON, with a socket on which its process writes its number, signs of life, and last its answer, a line
each. ``ended NUMBER`` asks how such a process ended. All end with the process that began the first.
"""

import contextlib
import ctypes
import gc
import json
import os
import resource
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archive.backfill.work import CannotWrite, Work, code_version, read_setup

if TYPE_CHECKING:  # loaded by the server, and by nobody who only asks it
    from archive.backfill.hosts import Hosts
    from archive.topic import Topic

STALLED_SECONDS = 120.0  # without a sign of life; a page has archive.backfill.task.PAGE_SECONDS
TRUSTED_SHARE = (
    0.75  # of the memory that may be taken: beyond it, a library may have gone without, and said nothing
)
_MESSAGE_BYTES = 1 << 16
_TOPIC = "topic: "  # what the server's words begin with where it cannot load the topic
_PARENT_DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG


class ReaderDied(Exception):  # noqa: N818 - a state, not an error
    """The reading process ended before its answer; the message says how, and where it was."""


class Stalled(ReaderDied):
    """The reading process gave no sign of life for too long, and was ended."""


class CannotRead(Exception):  # noqa: N818 - a state, not an error
    """Nothing can be read here: other code, no such folder, a topic that cannot be loaded. The message says which."""


class BadTopic(CannotRead):
    """The topic cannot be used; the message names file, line and key."""


class Readers:
    """Reads files, each in a process of its own. May be used from several threads."""

    def __init__(self, folder: str, setup: str, code: str, memory_mb: int) -> None:
        self.begun_with = (folder, setup, code, str(memory_mb))
        self._lock = threading.Lock()
        self._server: subprocess.Popen[bytes] | None = None
        self._asks: socket.socket | None = None

    def read(self, work: Work) -> dict[str, Any]:
        """Read one file; return its counts.

        Raises OSError where it cannot be read, ReaderDied where reading it ended the process, CannotWrite where there
        is no room for what comes of it, CannotRead where nothing can be read here.
        """
        ours, theirs = socket.socketpair()
        with ours, ours.makefile("rb") as answers:
            with theirs, self._lock:
                try:
                    socket.send_fds(self._begun(), [json.dumps(asdict(work)).encode()], [theirs.fileno()])
                except ConnectionError as error:
                    raise ReaderDied("the process that reads files ended") from error
            ours.settimeout(STALLED_SECONDS)
            return self._answer(answers)

    def begin(self) -> None:
        """Load what reading needs. Raises CannotRead."""
        with self._lock:
            self._begun()

    def close(self) -> None:
        """End all processes."""
        with self._lock:
            if self._asks is not None:
                self._asks.close()  # which tells the server
            if self._server is not None:
                self._server.wait()
            self._server = self._asks = None

    def _begun(self) -> socket.socket:
        """Return the socket of the server, begun where it is not. Raises CannotRead."""
        if self._server is not None and self._server.poll() is None and self._asks is not None:
            return self._asks
        self._asks, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._server = subprocess.Popen(
                [sys.executable, "-m", "archive.backfill.reader", *self.begun_with], stdin=theirs.fileno(),
                # Threads of a numeric library would not survive the division, and cost memory.
                env=os.environ | {"OPENBLAS_NUM_THREADS": "1"},
            )  # fmt: skip
        words = self._asks.recv(_MESSAGE_BYTES).decode()
        if words.startswith(_TOPIC):
            raise BadTopic(words.removeprefix(_TOPIC))
        if not words and (code := self._server.wait()) < 0:  # by a signal, which is nobody's fault here
            raise ReaderDied(f"the process that reads files ended ({signal.Signals(-code).name})")
        if words != "ready":
            raise CannotRead(words or f"the process that reads files ended with {self._server.wait()}")
        return self._asks

    def _answer(self, answers: Any) -> dict[str, Any]:
        number, place = 0, ""
        try:
            while line := answers.readline():
                told = json.loads(line)
                if "counts" in told:
                    counts: dict[str, Any] = told["counts"]
                    return counts
                if "unwritable" in told:
                    raise CannotWrite(told["unwritable"])
                if "error" in told:
                    raise OSError(told["error"])
                number, place = told.get("number", number), told.get("at", place)
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                os.kill(number, signal.SIGKILL)
            words = f"reading it stalled for {STALLED_SECONDS:.0f} seconds"
            raise Stalled(f"{words}{_at(place)}") from None
        except ConnectionError:
            pass
        raise ReaderDied(f"reading it ended the process{self._how(number)}{_at(place)}")

    def _how(self, number: int) -> str:
        """Return in words how a process ended."""
        try:
            with self._lock:
                assert self._asks is not None
                self._asks.send(f"ended {number}".encode())
                code = int(self._asks.recv(_MESSAGE_BYTES))
        except (OSError, ValueError, AssertionError):
            return ""
        return f" (exit code {code})" if code >= 0 else f" ({signal.Signals(-code).name})"


def _at(place: str) -> str:
    return f", at {place}" if place else ""


# --- The server --------------------------------------------------------------------------------------------------


def main() -> None:
    """Load what reading needs, and divide for each file, until the socket says that the process above ended."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process above
    asks = socket.socket(fileno=os.dup(0))
    os.dup2(2, 1)  # what a library prints goes where it hurts nobody
    folder, setup, code, memory_mb = sys.argv[1:]
    try:
        hosts, topic = _loaded(Path(folder), setup, code)
    except CannotRead as error:
        asks.send(str(error).encode())
        return
    gc.collect()
    gc.freeze()  # what is loaded stays shared
    asks.send(b"ready")
    _serve(asks, hosts, topic, int(memory_mb))


def _loaded(folder: Path, setup: str, code: str) -> "tuple[Hosts, Topic]":
    from archive.backfill import task
    from archive.backfill.hosts import Hosts
    from archive.topic import TopicError, load_topic

    where = socket.gethostname()
    if code_version() != code:
        raise CannotRead(
            f"{where} has bilateral {code_version()}, and this run is of {code}: install the same"
        )
    try:
        outlets, topic = read_setup(folder, setup)
        hosts = Hosts(outlets)
        task.warm_up(hosts)
        return hosts, load_topic(topic)
    except OSError as error:
        raise CannotRead(
            f"{where} does not see {folder}: workers need it under the same name ({error})"
        ) from error
    except TopicError as error:
        raise CannotRead(f"{_TOPIC}{error}") from error


def _serve(asks: socket.socket, hosts: "Hosts", topic: "Topic", memory_mb: int) -> None:
    begun: set[int] = set()
    ended: dict[int, int] = {}
    while True:
        message, sockets, _, _ = socket.recv_fds(asks, _MESSAGE_BYTES, 1)
        if not message:
            break
        if message.startswith(b"ended "):
            number = int(message.split()[1])
            _reap(ended, number)
            asks.send(str(ended.pop(number, 0)).encode())
            continue
        _reap(ended)
        begun -= ended.keys()
        if (number := os.fork()) == 0:
            try:
                asks.close()
                with socket.socket(fileno=sockets[0]) as answers:
                    _read(answers, Work(**json.loads(message)), hosts, topic, memory_mb)
                os._exit(0)
            finally:
                os._exit(1)  # whatever happens: never on into the loop above
        begun.add(number)
        os.close(sockets[0])
    for number in begun - ended.keys():
        with contextlib.suppress(ProcessLookupError):
            os.kill(number, signal.SIGKILL)
        _reap(ended, number)


def _reap(ended: dict[int, int], number: int | None = None) -> None:
    """Note how processes ended; wait for that of a number, where one is given."""
    if number is not None and number not in ended:
        with contextlib.suppress(ChildProcessError):
            ended[number] = os.waitstatus_to_exitcode(os.waitpid(number, 0)[1])
    with contextlib.suppress(ChildProcessError):
        while (found := os.waitpid(-1, os.WNOHANG))[0]:
            ended[found[0]] = os.waitstatus_to_exitcode(found[1])


# --- The process of one file -------------------------------------------------------------------------------------


def _read(answers: socket.socket, work: Work, hosts: "Hosts", topic: "Topic", memory_mb: int) -> None:
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_PARENT_DEATH_SIGNAL, signal.SIGKILL)
    limit = memory_mb * 1_000_000
    resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))

    def tell(**told: Any) -> None:
        answers.sendall(json.dumps(told).encode() + b"\n")

    tell(number=os.getpid())
    _answered(tell, work, hosts, topic, memory_mb)


def _answered(tell: Callable[..., None], work: Work, hosts: "Hosts", topic: "Topic", memory_mb: int) -> None:
    from archive.backfill.task import process

    at = ""

    def alive(place: str) -> None:
        nonlocal at
        if resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 > TRUSTED_SHARE * memory_mb * 1_000_000:
            raise MemoryError
        at = place or at
        tell(at=place) if place else tell()

    try:
        tell(counts=process(work, hosts, topic, alive=alive))
    except MemoryError:
        tell(error=f"reading it needs more memory than {memory_mb} MB allow (--memory-limit){_at(at)}")
    except CannotWrite as error:
        tell(unwritable=str(error))
    except Exception as error:
        tell(
            error=_words_of(error, work)
            if isinstance(error, OSError)
            else f"{type(error).__name__}: {error}{_at(at)}"
        )


def _words_of(error: OSError, work: Work) -> str:
    """Return an error in words, without the name of the file where it is that of the work."""
    return (error.strerror or str(error)) if error.filename == work.path else str(error)


if __name__ == "__main__":
    main()
