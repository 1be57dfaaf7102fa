"""Undoing Content-Encoding within bounds.

Scrapy's own middleware fails a body that grows beyond the limit or breaks off; of a feed or a robots.txt, what
came before is still worth reading, and a body that only claims to be compressed is worth reading whole.
"""

from typing import TYPE_CHECKING

from scrapy import Request
from scrapy.exceptions import IgnoreRequest
from scrapy.http import Response

from archive.encodings import EncodingError, content_encodings, decoded
from crawlers.failures import TooLarge

if TYPE_CHECKING:
    from typing import Self

    from scrapy.crawler import Crawler


class DecodingError(IgnoreRequest):
    """The body does not fit its Content-Encoding."""


class DecompressionMiddleware:
    """Undoes gzip, deflate and br. Of a page too large is too large; of anything else the beginning is kept."""

    def __init__(self, page_bytes: int, route_bytes: int) -> None:
        self.page_bytes = page_bytes
        self.route_bytes = route_bytes

    @classmethod
    def from_crawler(cls, crawler: "Crawler") -> "Self":
        """Read the budgets."""
        settings = crawler.settings
        return cls(settings.getint("DOWNLOAD_MAXSIZE"), settings.getint("ROUTE_MAX_BYTES"))

    def process_response(self, request: Request, response: Response) -> Response:
        """Return the response with its body decoded. Raises TooLarge or DecodingError."""
        values = response.headers.getlist("Content-Encoding")
        encodings = content_encodings([value.decode("latin-1") for value in values])
        if not encodings or not response.body:
            return response
        page = request.meta["kind"] == "page"
        most = self.page_bytes if page else self.route_bytes
        try:
            body, cut = decoded(response.body, encodings, most)
        except EncodingError as error:
            raise DecodingError(str(error)) from error
        if cut and page:
            raise TooLarge(f"larger than {most:,} bytes once decompressed")
        headers = response.headers.copy()
        headers.pop("Content-Encoding", None)
        plain: Response = response.replace(body=body, headers=headers)
        return plain
