"""Reading one WARC file: what is on the subject becomes a part file and a small WARC. The same on every engine.

What is written under ``parts`` depends on the file, the registry, the topic and this code, and on nothing else: no
clock, no process, no order of work. It is written under a temporary name first; ``.done``, with the counts, comes last.
"""

import io
import json
import os
import socket
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any, BinaryIO

from filelock import FileLock, Timeout
from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter

from archive.backfill.captures import Capture, Revisit, captures
from archive.backfill.files import opened
from archive.backfill.hosts import Hosts
from archive.backfill.records import Seen
from archive.backfill.work import STATE, Output, Results, Work, writing, written
from archive.extraction import ExtractionError, extract
from archive.models import Page, Reading
from archive.payloads import NOT_KEPT, payload_digest
from archive.reading import read_page
from archive.time_limit import PageTimeout, time_limit
from archive.topic import Topic
from archive.urls import is_listing

PAGE_SECONDS = 20.0  # of processor time, so that a busy machine finds what an idle one does
PATIENCE_SECONDS = 60.0  # with another process at the same file, of which nothing is seen any more
_POLL_SECONDS = 0.2
_SAME = uuid.UUID(
    "6f6bd0c8-5d61-4f0e-8c62-2f1a4b0c9d1e"
)  # record ids are made from it and the record's content


def process(
    work: Work, hosts: Hosts, topic: Topic, *, alive: Callable[[str], None] = lambda place: None
) -> dict[str, Any]:
    """Read one file and write its part, small WARC and ``.done``; return the counts that ``.done`` has.

    A file that is done already, or that another process is at, is not read again. ``alive`` is called now and then,
    with the place before each page. Raises OSError where the file cannot be read at all, CannotWrite where the results
    cannot be written.
    """
    results = Results(Path(work.folder), work.source)
    with _alone(results, alive):
        return results.finished() or _process(work, results, hosts, topic, alive)


def warm_up(hosts: Hosts) -> None:
    """Load what is only loaded when it is needed first, so that processes divided from this one share it."""
    hosts.owner("https://www.example.org/")
    with suppress(ExtractionError):
        extract(Page(url="https://www.example.org/", body=b"<p>.</p>", fetched="2000-01-01T00:00:00Z"))


@contextmanager
def _alone(results: Results, alive: Callable[[str], None]) -> Iterator[None]:
    """Wait while another process reads the file, as long as it shows signs of life.

    That only saves work: two that read a file at once write the same, each under a name of its own first.
    """
    lock = FileLock(results.folder / STATE / f"{results.name}.lock")
    sign, since = _sign_of_life(results), time.monotonic()
    while time.monotonic() - since < PATIENCE_SECONDS:
        with suppress(Timeout), writing(results.folder / STATE):
            lock.acquire(timeout=_POLL_SECONDS)
            break
        alive("")
        if _sign_of_life(results) != sign:
            sign, since = _sign_of_life(results), time.monotonic()
    try:
        yield
    finally:
        lock.release()


def _sign_of_life(results: Results) -> int:
    try:
        return results.attempts.stat().st_mtime_ns
    except OSError:
        return 0


def _process(
    work: Work, results: Results, hosts: Hosts, topic: Topic, alive: Callable[[str], None]
) -> dict[str, Any]:
    alive = _begun(results, alive)
    began, seen, hits, pages = time.process_time(), Seen(), 0, 0
    with (
        opened(
            work.path, results.folder, max_downloads=work.max_downloads, alive=lambda: alive("")
        ) as stream,
        written(results.part) as part,
        written(results.warc) as warc,
    ):
        size = stream.seek(0, io.SEEK_END)
        for line, capture in _lines(stream, hosts, topic, seen, alive):
            if capture is not None:
                line["warc_offset"], line["warc_length"] = _keep(warc, capture)
                hits += 1
            pages += 1
            part.write(json.dumps(line, ensure_ascii=False, sort_keys=True).encode() + b"\n")
        if seen.records == 0:
            raise OSError("no WARC record could be read in it" if size else "it is empty")
    counts = {"source": work.source, "bytes": size, "pages": pages, "hits": hits, **asdict(seen)}
    counts["cpu_seconds"] = round(time.process_time() - began, 3)
    with written(results.done) as stream:
        stream.write(json.dumps(counts, sort_keys=True).encode())
    for unfinished in results.part.parent.glob(f".{results.name}.*.part"):  # of processes that were killed
        unfinished.unlink(missing_ok=True)
    return counts


def _begun(results: Results, alive: Callable[[str], None]) -> Callable[[str], None]:
    """Note an attempt; return ``alive``, so that it also lets others who wait for the file know."""
    with writing(results.folder / STATE), results.attempts.open("a") as attempts:
        attempts.write(f"{socket.gethostname()} {os.getpid()}\n")
    last = time.monotonic()

    def beat(place: str) -> None:
        nonlocal last
        alive(place)
        if time.monotonic() - last > PATIENCE_SECONDS / 6:
            last = time.monotonic()
            with suppress(OSError):
                os.utime(results.attempts)

    return beat


def _lines(
    stream: BinaryIO, hosts: Hosts, topic: Topic, seen: Seen, alive: Callable[[str], None]
) -> Iterator[tuple[dict[str, Any], Capture | None]]:
    """Yield a line for each page of an outlet, and the capture where it is on the subject."""
    for capture in captures(stream, hosts.owner, seen, lambda: alive("")):
        if is_listing(capture.url):
            continue
        line: dict[str, Any] = {
            "url": capture.url, "outlet": capture.outlet.id, "fetched": capture.fetched, "offset": capture.offset,
            "digest": capture.digest,
        }  # fmt: skip
        if isinstance(capture, Revisit):
            refers = {"revisit_of": capture.refers_to, "revisit_fetched": capture.refers_to_fetched}
            yield line | refers, None
            continue
        alive(f"byte {capture.offset}: {capture.url}")
        line["payload_digest"] = payload_digest(capture.raw)
        yield _line(line, capture, _read(capture, topic))
        alive("")


def _line(
    line: dict[str, Any], capture: Capture, reading: Reading | str
) -> tuple[dict[str, Any], Capture | None]:
    if isinstance(reading, str):
        return line | {"error": reading}, None
    article, verdict = reading.article, reading.verdict
    line |= {"title": article.title, "published": article.published_local}
    if verdict is None:
        return line | {"error": f"{article.completeness}: {article.completeness_reason}".strip(": ")}, None
    if verdict.grade == 0:
        return line | {"grade": 0, "score": verdict.score}, None
    return line | {"article": asdict(article), "verdict": asdict(verdict)}, capture


def _read(capture: Capture, topic: Topic) -> Reading | str:
    """Return what a page says, or in words why it could not be read. Raises MemoryError."""
    kind = next((value for name, value in capture.headers if name.lower() == "content-type"), None)
    page = Page.of(capture.outlet, capture.url, capture.body, fetched=capture.fetched, content_type=kind)
    try:
        with time_limit(PAGE_SECONDS, processor=True):
            return read_page(page, topic)
    except PageTimeout:
        return f"reading it took longer than {PAGE_SECONDS:.0f} seconds"
    except MemoryError:
        raise
    except RecursionError:
        return "nested too deep to be read"
    except Exception as error:
        # Whatever a parser trips over is that page's failure, and not the file's; but memory is the file's.
        if isinstance(error.__cause__, MemoryError):
            raise error.__cause__ from None
        known = isinstance(error, ExtractionError)
        return str(error) if known else f"reading it failed: {type(error).__name__}: {error}"


def _keep(warc: Output, capture: Capture) -> tuple[int, int]:
    """Write a capture as a WARC record that is the same each time; return its offset and length."""
    digest = payload_digest(capture.raw)
    record_id = uuid.uuid5(_SAME, f"{capture.url} {capture.fetched} {digest}")
    buffer = io.BytesIO()
    writer = WARCWriter(buffer, gzip=True, warc_version="WARC/1.1")
    headers = [(name, value) for name, value in capture.headers if name.lower() not in NOT_KEPT]
    http = StatusAndHeaders(f"{capture.status} {capture.status_text}".strip(), headers, protocol="HTTP/1.1")
    truncated = {"WARC-Truncated": "length"} if capture.truncated else {}
    record = writer.create_warc_record(
        capture.url, "response", payload=io.BytesIO(capture.raw), length=len(capture.raw), http_headers=http,
        warc_headers_dict={
            "WARC-Date": capture.fetched, "WARC-Record-ID": f"<urn:uuid:{record_id}>", "WARC-Payload-Digest": digest,
            **truncated,
        },
    )  # fmt: skip
    writer.write_record(record)
    offset = warc.tell()
    warc.write(buffer.getvalue())
    return offset, buffer.tell()
