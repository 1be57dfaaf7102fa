"""Where files are read: by processes of this machine, or by the workers of a Dask cluster. The parts are the same."""

from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from archive.backfill.reader import BadTopic, CannotRead, ReaderDied, Readers, Stalled
from archive.backfill.work import CannotWrite, Results, Work
from archive.cluster import EngineError

MAX_ATTEMPTS = 3  # at a file that ends the process that reads it: that may have been somebody else's doing


@dataclass(frozen=True, slots=True)
class Done:
    """What became of one file: its counts, or the error by which it failed.

    ``halt`` is what keeps any file from being read, as a full disk does: then this one is not to blame.
    """

    source: str
    counts: dict[str, Any] | None
    error: str = ""
    halt: str = ""


def read_file(readers: Readers, work: Work) -> Done:
    """Read one file, once more where reading it ended the process."""
    error = ""
    for _ in range(MAX_ATTEMPTS):
        try:
            return Done(work.source, readers.read(work))
        except (CannotRead, CannotWrite) as why:
            return Done(work.source, None, halt=str(why))
        except Stalled as why:
            return Done(work.source, None, str(why))
        except ReaderDied as why:
            error = str(why)
        except OSError as why:
            return Done(work.source, None, str(why))
    return Done(work.source, None, error)


def done_before(works: Iterable[Work]) -> Iterator[Done]:
    """Yield the files that were read already: by a run that was ended, or one whose answer was lost."""
    for work in works:
        counts = Results(Path(work.folder), work.source).finished()
        if counts is not None:
            yield Done(work.source, counts)


def run_locally(works: Iterable[Work], *, workers: int, memory_mb: int) -> Iterator[Done]:
    """Read files in so many processes of this machine; yield each as it is done.

    Raises EngineError where no file can be read, BadTopic where that is the topic's fault.
    """
    queue = iter(works)
    first = next(queue, None)
    if first is None:
        return
    readers = Readers(first.folder, first.setup, first.code, memory_mb)
    pool = ThreadPoolExecutor(workers)
    try:
        with suppress(ReaderDied):  # which is met again, file by file
            readers.begin()
        pending = {pool.submit(read_file, readers, work) for work in (first, *islice(queue, 2 * workers - 1))}
        while pending:
            finished, pending = wait(pending, return_when=FIRST_COMPLETED)
            for future in finished:
                yield unless_halted(future.result())
                pending |= {pool.submit(read_file, readers, work) for work in islice(queue, 1)}
    except BadTopic:
        raise
    except CannotRead as error:
        raise EngineError(str(error)) from error
    finally:
        readers.close()
        pool.shutdown(cancel_futures=True)


def unless_halted(done: Done) -> Done:
    """Return what became of a file. Raises EngineError where no file can be read."""
    if done.halt:
        raise EngineError(done.halt)
    return done
