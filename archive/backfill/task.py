"""Reading one WARC file: what is on the subject becomes a part file and a small WARC. The same on every engine.

All that is written depends on the file, the registry, the topic and this code, and on nothing else: no clock, no
process, no order of work. It is written under a temporary name first; ``.done``, with the counts, comes last.
"""

import contextlib
import hashlib
import io
import json
import os
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any, BinaryIO

from filelock import FileLock
from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter

from archive.backfill.files import opened
from archive.backfill.hosts import Hosts
from archive.backfill.records import Capture, Seen, captures
from archive.extraction import ExtractionError
from archive.ingest import read_page
from archive.models import Outlet, Page, Reading
from archive.snapshots import NOT_KEPT, payload_digest
from archive.time_limit import PageTimeout, time_limit
from archive.topic import Topic, load_topic
from archive.urls import is_listing

PAGE_SECONDS = 20.0
_SAME = uuid.UUID(
    "6f6bd0c8-5d61-4f0e-8c62-2f1a4b0c9d1e"
)  # record ids are made from it and the record's content


@dataclass(frozen=True, slots=True)
class Work:
    """One file to read: where it is, with what, and the folder the results go to. Picklable."""

    source: str  # path or address; of a file inside a WACZ, with "!" and its name
    folder: str
    outlets: tuple[Outlet, ...]
    topic: str
    max_downloads: int = 4  # at once, by all processes that share the folder


def part_name(source: str) -> str:
    """Return the name, without ending, of all that comes of a file."""
    return hashlib.sha256(source.encode()).hexdigest()


def finished(folder: Path, source: str) -> dict[str, Any] | None:
    """Return the counts of a file that was read already; None where it was not."""
    try:
        counts: dict[str, Any] = json.loads(
            (folder / f"{part_name(source)}.done").read_text(encoding="utf-8")
        )
    except FileNotFoundError:
        return None
    return counts


def process(work: Work, *, alive: Callable[[], None] = lambda: None) -> dict[str, Any]:
    """Read one file and write its part, small WARC and ``.done``; return the counts that ``.done`` has.

    A file that is done already, or that another process is at, is not read again. ``alive`` is called now and then.
    Raises OSError where the file cannot be read at all.
    """
    folder = Path(work.folder)
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / f".{part_name(work.source)}.lock"):
        return finished(folder, work.source) or _process(work, folder, alive)


def _process(work: Work, folder: Path, alive: Callable[[], None]) -> dict[str, Any]:
    name = part_name(work.source)
    with (folder / f"{name}.attempts").open("a") as attempts:
        attempts.write(f"{os.getpid()}\n")
    began = time.process_time()
    seen, hits, pages = Seen(), 0, 0
    with (
        opened(work.source, folder, max_downloads=work.max_downloads, alive=alive) as stream,
        _written(folder / f"{name}.jsonl") as part,
        _written(folder / f"{name}.warc.gz") as warc,
    ):
        for line, capture in _lines(stream, work, seen, alive):
            if capture is not None:
                line["warc_offset"], line["warc_length"] = _keep(warc, capture)
                hits += 1
            pages += 1
            part.write(json.dumps(line, ensure_ascii=False, sort_keys=True).encode() + b"\n")
    counts = {"source": work.source, "pages": pages, "hits": hits, **asdict(seen)}
    counts["cpu_seconds"] = round(time.process_time() - began, 3)
    with _written(folder / f"{name}.done") as stream:
        stream.write(json.dumps(counts, sort_keys=True).encode())
    return counts


@contextlib.contextmanager
def _written(path: Path) -> Iterator[BinaryIO]:
    """Write a file that has its name only once it is whole and on the disk. The caller holds the file's lock."""
    unfinished = path.with_name(f".{path.name}.part")
    try:
        with unfinished.open("wb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(unfinished, path)
    finally:
        unfinished.unlink(missing_ok=True)


def _lines(
    stream: BinaryIO, work: Work, seen: Seen, alive: Callable[[], None]
) -> Iterator[tuple[dict[str, Any], Capture | None]]:
    """Yield a line for each page of a watched outlet, and the capture where it is on the subject."""
    hosts, topic = _hosts(work.outlets), _topic(work.topic)
    for capture in captures(stream, hosts.may_own, seen, alive):
        outlet = hosts.owner(capture.url)
        if outlet is None or is_listing(capture.url):
            continue
        line: dict[str, Any] = {
            "url": capture.url, "outlet": outlet.id, "fetched": capture.fetched, "offset": capture.offset,
            "payload_digest": payload_digest(capture.raw),
        }  # fmt: skip
        reading = _read(capture, outlet, topic)
        if isinstance(reading, str):
            yield line | {"error": reading}, None
            continue
        article, verdict = reading.article, reading.verdict
        line |= {"title": article.title, "published": article.published_local}
        if verdict is None:
            yield line | {"error": f"{article.completeness}: {article.completeness_reason}".strip(": ")}, None
        elif verdict.grade == 0:
            yield line | {"grade": 0, "score": verdict.score}, None
        else:
            yield line | {"article": asdict(article), "verdict": asdict(verdict)}, capture


def _read(capture: Capture, outlet: Outlet, topic: Topic) -> Reading | str:
    """Return what a page says, or in words why it could not be read."""
    kind = next((value for name, value in capture.headers if name.lower() == "content-type"), None)
    page = Page.of(outlet, capture.url, capture.body, fetched=capture.fetched, content_type=kind)
    try:
        with time_limit(PAGE_SECONDS):
            return read_page(page, topic)
    except PageTimeout:
        return f"reading it took longer than {PAGE_SECONDS:.0f} seconds"
    except ExtractionError as error:
        return str(error)
    except (MemoryError, RecursionError) as error:
        return f"reading it failed: {type(error).__name__}"
    except Exception as error:
        # Whatever a parser trips over is that page's failure, and not the file's.
        return f"reading it failed: {type(error).__name__}: {error}"


@cache
def _hosts(outlets: tuple[Outlet, ...]) -> Hosts:
    return Hosts(outlets)


@cache
def _topic(path: str) -> Topic:
    return load_topic(Path(path))


def _keep(warc: BinaryIO, capture: Capture) -> tuple[int, int]:
    """Write a capture as a WARC record that is the same each time; return its offset and length."""
    record_id = uuid.uuid5(_SAME, f"{capture.url} {capture.fetched} {payload_digest(capture.raw)}")
    buffer = io.BytesIO()
    writer = WARCWriter(buffer, gzip=True, warc_version="WARC/1.1")
    headers = [(name, value) for name, value in capture.headers
               if name.lower() not in NOT_KEPT and name.lower() != "transfer-encoding"]  # fmt: skip
    http = StatusAndHeaders(f"{capture.status} {capture.status_text}".strip(), headers, protocol="HTTP/1.1")
    record = writer.create_warc_record(
        capture.url, "response", payload=io.BytesIO(capture.raw), length=len(capture.raw), http_headers=http,
        warc_headers_dict={
            "WARC-Date": capture.fetched, "WARC-Record-ID": f"<urn:uuid:{record_id}>",
            "WARC-Payload-Digest": payload_digest(capture.raw),
        },
    )  # fmt: skip
    writer.write_record(record)
    offset = warc.tell()
    warc.write(buffer.getvalue())
    return offset, buffer.tell()
