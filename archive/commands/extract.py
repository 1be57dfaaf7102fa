"""`bilateral extract`: pages on disk to articles as JSON lines."""

import json
import sys
from pathlib import Path
from typing import Any

import click

from archive.extraction import ExtractionError
from archive.extraction import extract as take_article
from archive.models import Article, Page
from archive.times import utc_now


@click.command()
@click.option("--timezone", help="IANA zone of times printed without an offset.  [default: UTC]")
@click.option("--content-type", help="The HTTP Content-Type header of all pages.")
def extract(timezone: str | None, content_type: str | None) -> None:
    """Extract saved pages: PATH<TAB>URL a line on standard input, one JSON object a line on standard output.

    The order is kept. A page that cannot be read becomes {"path", "url", "error"}.
    """
    for line in sys.stdin:
        if line.strip():
            path, _, url = line.rstrip("\r\n").partition("\t")
            sys.stdout.write(
                json.dumps(_report(path, url, timezone, content_type), ensure_ascii=False) + "\n"
            )
            sys.stdout.flush()


def _report(path: str, url: str, timezone: str | None, content_type: str | None) -> dict[str, Any]:
    try:
        body = Path(path).read_bytes()
        page = Page(url=url, body=body, fetched=utc_now(), timezone=timezone, content_type=content_type)
        return {"path": path, "url": url, **_fields(take_article(page))}
    except OSError as error:
        return {"path": path, "url": url, "error": f"cannot be read: {error.strerror or error}"}
    except ExtractionError as error:
        return {"path": path, "url": url, "error": str(error)}


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
