"""What there is to read: WARC and WACZ files, CC-NEWS, and what the indexes of web archives have of an outlet.

Files are entered in the ledger as they are. Of an index, windows are entered (an outlet and a month); `collect` asks
for them later, one request at a time, and writes what it gets into a WARC file that is then read like any other.
"""

import calendar
import gzip
import io
import json
import re
import zipfile
from collections.abc import Callable, Iterable, Iterator
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO
from urllib.parse import urlencode, urlsplit

from archive.backfill.files import INSIDE
from archive.backfill.ledger import Planned
from archive.backfill.web import Paced
from archive.models import Lead, Outlet

if TYPE_CHECKING:
    from warcio.warcwriter import WARCWriter

CC_NEWS = "https://data.commoncrawl.org/"
WAYBACK = "https://web.archive.org/"
CC_INDEX = "https://index.commoncrawl.org/"
GDELT = "https://api.gdeltproject.org/api/v2/doc/doc"
CDX_SECONDS = 2.5  # between two requests to an index; 24 a minute is the Wayback Machine's stated limit
MEMENTO_SECONDS = 0.5
GDELT_SECONDS = 6.0  # one in five is what its 429 asks for
GDELT_RECORDS = 250  # the most it gives for one question

_WARC = (".warc", ".warc.gz")
_CC_NEWS_DAY = re.compile(r"CC-NEWS-(\d{4})(\d\d)(\d\d)\d{6}")


class SourceError(Exception):
    """A source that cannot be planned; the message names it and says why."""


def warc_files(paths: Iterable[Path]) -> Iterator[Planned]:
    """Yield the WARC files among files, folders and WACZ files. Raises SourceError where one is neither or missing."""
    for path in paths:
        if path.is_dir():
            found = sorted(each for each in path.rglob("*") if each.name.endswith((*_WARC, ".wacz")))
            if not found:
                raise SourceError(f"{path}: holds no WARC or WACZ file (.warc, .warc.gz, .wacz)")
            yield from warc_files(found)
        elif path.name.endswith(".wacz"):
            yield from _of_wacz(path)
        elif not path.is_file():
            raise SourceError(f"{path}: there is no such file")
        elif path.name.endswith(_WARC):
            yield Planned(source=str(path.resolve()), origin="warc", bytes=path.stat().st_size)
        else:
            raise SourceError(f"{path}: not a WARC or WACZ file (.warc, .warc.gz, .wacz)")


def _of_wacz(path: Path) -> Iterator[Planned]:
    """Yield the WARC files in a WACZ; one that has none, or is damaged, is named itself and fails when it is read."""
    try:
        with zipfile.ZipFile(path) as packed:
            members = [member for member in packed.infolist() if member.filename.endswith(_WARC)]
    except zipfile.BadZipFile:
        members = []
    except OSError as error:
        raise SourceError(f"{path}: {error.strerror or error}") from error
    for member in members:
        yield Planned(
            source=f"{path.resolve()}{INSIDE}{member.filename}", origin="warc", bytes=member.file_size
        )
    if not members:
        yield Planned(source=str(path.resolve()), origin="warc", bytes=path.stat().st_size)


def months(since: str, until: str) -> list[str]:
    """Return the months (YYYY-MM) that a period of days touches."""
    first, last = date.fromisoformat(since), date.fromisoformat(until)
    count = (last.year - first.year) * 12 + last.month - first.month + 1
    return [
        f"{first.year + (first.month - 1 + n) // 12}-{(first.month - 1 + n) % 12 + 1:02}"
        for n in range(count)
    ]


def cc_news(since: str, until: str, *, base: str, contact: str) -> list[Planned]:
    """Return the files of CC-NEWS that were captured in a period. Raises SourceError where a listing cannot be had."""
    ask = Paced(CDX_SECONDS, contact=contact)
    found = []
    for month in months(since, until):
        listing = f"{base}crawl-data/CC-NEWS/{month.replace('-', '/')}/warc.paths.gz"
        try:
            lines = gzip.decompress(ask.get(listing, decode_content=False).data).decode().split()
        except (OSError, EOFError, UnicodeDecodeError) as error:
            raise SourceError(f"{listing}: {error}") from error
        found += listed(lines, since, until, base=base)
    return found


def listing(path: Path) -> list[str]:
    """Return the lines of a path listing, gzipped or plain. Raises SourceError."""
    try:
        data = path.read_bytes()
        lines = (gzip.decompress(data) if path.suffix == ".gz" else data).decode().splitlines()
        return [line.strip() for line in lines if line.strip()]
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise SourceError(f"{path}: {error}") from error


def named(lines: Iterable[str], folder: Path) -> Iterator[Planned]:
    """Yield the files that the lines of a listing name, as addresses or as paths, from here or from its ``folder``."""
    for line in lines:
        if "://" in line:
            yield Planned(source=line, origin="warc")
        else:
            yield from warc_files([Path(line) if Path(line).exists() else folder / line])


def listed(lines: Iterable[str], since: str | None, until: str | None, *, base: str) -> list[Planned]:
    """Return the files that a path listing names, those captured in a period where their names tell the day."""
    found = []
    for line in lines:
        match = _CC_NEWS_DAY.search(line)
        day = "-".join(match.groups()) if match else None
        if day is None or (since or "") <= day <= (until or "9999"):
            source = (
                line if "://" in line else str(Path(line).resolve()) if Path(line).exists() else base + line
            )
            found.append(Planned(source=source, origin="cc-news", day=day))
    return found


def windows(origin: str, outlets: Iterable[Outlet], since: str, until: str, base: str) -> list[Planned]:
    """Return what to ask an index for: each outlet, month by month."""
    found = []
    for outlet in outlets:
        home = urlsplit(outlet.homepage)
        prefix = f"{home.netloc.removeprefix('www.')}{home.path}"
        for month in months(since, until):
            last = calendar.monthrange(int(month[:4]), int(month[5:]))[1]
            start, end = max(since, f"{month}-01"), min(until, f"{month}-{last:02}")
            about = {"base": base, "prefix": prefix, "since": start, "until": end, "outlet": outlet.id}
            source = f"{origin}:{json.dumps(about, sort_keys=True)}"
            found.append(Planned(source=source, origin=origin, kind="window", day=start))
    return found


# --- Collecting: one client, one request at a time -----------------------------------------------------------


def collect(source: str, target: Path, *, contact: str, progress: Callable[[str], None]) -> int:
    """Write what an index has of a window into a WARC file; return how many captures that are.

    Raises OSError where the index or an archive does not answer.
    """
    origin, _, about = source.partition(":")
    window: dict[str, Any] = json.loads(about)
    gather = {"wayback": _from_wayback, "cc-index": _from_cc_index}[origin]
    target.parent.mkdir(parents=True, exist_ok=True)
    unfinished = target.with_name(f".{target.name}.part")
    count = 0
    with unfinished.open("wb") as stream:
        for url in gather(window, stream, contact):
            count += 1
            progress(url)
    unfinished.replace(target)
    return count


def _from_wayback(window: dict[str, Any], stream: BinaryIO, contact: str) -> Iterator[str]:
    from warcio.warcwriter import WARCWriter  # here: only this source writes WARC

    index, mementos = Paced(CDX_SECONDS, contact=contact), Paced(MEMENTO_SECONDS, contact=contact)
    query = urlencode({
        "url": window["prefix"], "matchType": "prefix", "from": _stamp(window["since"]), "to": _stamp(window["until"]),
        "filter": ["statuscode:200", "mimetype:text/html"], "collapse": "digest", "output": "json",
        "fl": "timestamp,original",
    }, doseq=True)  # fmt: skip
    found = json.loads(index.get(f"{window['base']}cdx/search/cdx?{query}").data or b"[]")
    writer = WARCWriter(stream, gzip=True, warc_version="WARC/1.1")
    for stamp, url in found[1:]:
        try:
            answer = mementos.get(f"{window['base']}web/{stamp}id_/{url}", decode_content=False)
        except OSError:
            continue  # listed, and not to be had
        _write(writer, url, stamp, answer)
        yield url


def _stamp(day: str) -> str:
    return day.replace("-", "")


def _write(writer: "WARCWriter", url: str, stamp: str, answer: Any) -> None:
    from warcio.statusandheaders import StatusAndHeaders

    headers = [(name, value) for name, value in answer.headers.items() if name.lower() != "transfer-encoding"]
    when = f"{stamp[:4]}-{stamp[4:6]}-{stamp[6:8]}T{stamp[8:10]}:{stamp[10:12]}:{stamp[12:14]}Z"
    http = StatusAndHeaders("200 OK", headers, protocol="HTTP/1.1")
    writer.write_record(
        writer.create_warc_record(
            url, "response", payload=io.BytesIO(answer.data), length=len(answer.data), http_headers=http,
            warc_headers_dict={"WARC-Date": when},
        )
    )  # fmt: skip


def _from_cc_index(window: dict[str, Any], stream: BinaryIO, contact: str) -> Iterator[str]:
    index = Paced(CDX_SECONDS, contact=contact)
    data = Paced(MEMENTO_SECONDS, contact=contact)
    crawls = json.loads(index.get(f"{window['base']}collinfo.json").data)
    for crawl in crawls:
        if not _overlaps(crawl, window):
            continue
        query = urlencode({"url": f"{window['prefix']}*", "output": "json", "filter": "=status:200"})
        try:
            lines = index.get(f"{crawl['cdx-api']}?{query}").data.splitlines()
        except OSError as error:
            if "HTTP 404" in str(error):  # this crawl has nothing of the outlet
                continue
            raise
        for line in lines:
            record = json.loads(line)
            if not _stamp(window["since"]) <= record["timestamp"][:8] <= _stamp(window["until"]):
                continue
            first, length = int(record["offset"]), int(record["length"])
            wanted = {"Range": f"bytes={first}-{first + length - 1}"}
            answer = data.get(
                window.get("data", CC_NEWS) + record["filename"], headers=wanted, decode_content=False
            )
            stream.write(answer.data)  # a whole gzip member: one record
            yield record["url"]


def _overlaps(crawl: dict[str, Any], window: dict[str, Any]) -> bool:
    """Whether a crawl of the index may have captures of a window; one that does not say when is asked."""
    first, last = crawl.get("from", ""), crawl.get("to", "9999")
    return bool(first[:10] <= window["until"] and last[:10] >= window["since"])


# --- Discovery only --------------------------------------------------------------------------------------------


def gdelt(
    outlets: Iterable[Outlet], since: str, until: str, words: str, *, base: str, contact: str
) -> Iterator[Lead]:
    """Yield what GDELT lists of each outlet, month by month, as leads: GDELT keeps no pages.

    A month with as many results as it gives at most is asked for in halves. Raises SourceError.
    """
    ask = Paced(GDELT_SECONDS, contact=contact)
    for outlet in outlets:
        host = (urlsplit(outlet.homepage).hostname or "").removeprefix("www.")
        for first, last in _spans(since, until):
            yield from _asked(ask, base, f"{words} domainis:{host}", outlet, first, last)


def _spans(since: str, until: str) -> Iterator[tuple[date, date]]:
    for month in months(since, until):
        year, number = int(month[:4]), int(month[5:])
        first, last = date(year, number, 1), date(year, number, calendar.monthrange(year, number)[1])
        yield max(first, date.fromisoformat(since)), min(last, date.fromisoformat(until))


def _asked(ask: Paced, base: str, query: str, outlet: Outlet, first: date, last: date) -> Iterator[Lead]:
    url = base + "?" + urlencode({
        "query": query, "mode": "artlist", "format": "json", "maxrecords": GDELT_RECORDS,
        "startdatetime": f"{first:%Y%m%d}000000", "enddatetime": f"{last:%Y%m%d}235959",
    })  # fmt: skip
    try:
        found = json.loads(ask.get(url).data or b"{}").get("articles", [])
    except (OSError, ValueError) as error:
        raise SourceError(f"{url}: {error}") from error
    if len(found) >= GDELT_RECORDS and first < last:
        middle = date.fromordinal((first.toordinal() + last.toordinal()) // 2)
        yield from _asked(ask, base, query, outlet, first, middle)
        yield from _asked(ask, base, query, outlet, date.fromordinal(middle.toordinal() + 1), last)
        return
    for article in found:
        yield Lead(
            url=article["url"],
            outlet=outlet.id,
            via="backfill",
            route="gdelt",
            headline=article.get("title", ""),
        )
