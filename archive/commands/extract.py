"""`bilateral extract`: pages on disk to articles as JSON lines."""

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import click

from archive.extraction import ExtractionError
from archive.extraction import extract as take_article
from archive.models import Article, Outlet, Page
from archive.time_limit import PageTimeout, time_limit
from archive.times import utc_now

# Not archive.options.SHIPPED_OUTLETS: that module opens databases, which this command needs none of.
SHIPPED_OUTLETS = Path(__file__).parents[2] / "crawlers" / "outlets.toml"

PAGE_SECONDS = 30.0


@click.command()
@click.option(
    "--timezone", help="IANA zone of times printed without an offset.  [default: the outlet's, else UTC]"
)
@click.option("--content-type", help="The HTTP Content-Type header of all pages.")
@click.option(
    "--outlets",
    type=click.Path(path_type=Path, dir_okay=False),
    default=SHIPPED_OUTLETS,
    help="The outlet registry: time zone, language and name of known outlets.  [default: the one shipped]",
)
def extract(timezone: str | None, content_type: str | None, outlets: Path) -> None:
    """Extract saved pages: PATH<TAB>URL a line on standard input, one JSON object a line on standard output.

    The order is kept. A page that cannot be read becomes {"path", "url", "error"}.
    """
    known = _outlets_by_host(outlets)
    for line in sys.stdin:
        if not line.strip():
            continue
        path, _, url = line.rstrip("\r\n").partition("\t")
        report = _report(path, url, known.get(_host(url)), timezone, content_type)
        sys.stdout.write(json.dumps(report, ensure_ascii=False) + "\n")
        sys.stdout.flush()


def _outlets_by_host(path: Path) -> dict[str, Outlet]:
    from crawlers.outlets import OutletError, load_outlets  # noqa: TID251 - a command may read the registry

    try:
        outlets = load_outlets(path)
    except OutletError as error:
        raise click.UsageError(str(error)) from error
    return {_host(outlet.homepage): outlet for outlet in reversed(outlets)}


def _host(url: str) -> str:
    try:
        return (urlsplit(url).hostname or "").removeprefix("www.")
    except ValueError:
        return ""


def _report(
    path: str, url: str, outlet: Outlet | None, timezone: str | None, content_type: str | None
) -> dict[str, Any]:
    try:
        page = _page(Path(path).read_bytes(), url, outlet, timezone, content_type)
        with time_limit(PAGE_SECONDS):
            return {"path": path, "url": url, **_fields(take_article(page))}
    except PageTimeout:
        return {"path": path, "url": url, "error": f"reading it took longer than {PAGE_SECONDS:.0f} seconds"}
    except OSError as error:
        return {"path": path, "url": url, "error": f"cannot be read: {error.strerror or error}"}
    except ExtractionError as error:
        return {"path": path, "url": url, "error": str(error)}


def _page(
    body: bytes, url: str, outlet: Outlet | None, timezone: str | None, content_type: str | None
) -> Page:
    if outlet is None:
        return Page(url=url, body=body, fetched=utc_now(), timezone=timezone, content_type=content_type)
    page = Page.of(outlet, url, body, fetched=utc_now(), content_type=content_type)
    return replace(page, timezone=timezone) if timezone else page


def _fields(article: Article) -> dict[str, Any]:
    return {
        "title": article.title,
        "text": article.text,
        "authors": article.authors,
        "published": article.published_local,
        "modified": article.modified_local,
        "language": article.language,
        "canonical_url": article.url,
        "description": article.description,
        "image": article.image,
        "section": article.section,
        "paywalled": article.paywalled,
        "tags": article.tags,
        "wire": article.wire,
        "form": article.form,
        "completeness": article.completeness,
        "completeness_reason": article.completeness_reason,
        "published_source": article.published_source,
        "published_precision": article.published_precision,
        "zone_assumed": article.zone_assumed,
        "text_source": article.text_source,
        "encoding_repaired": article.encoding_repaired,
    }
