"""Undoing Content-Encoding within bounds.

Scrapy's own middleware fails a body that grows beyond the limit or breaks off; of a feed or a robots.txt, what
came before is still worth reading, and a body that only claims to be compressed is worth reading whole.
"""

import functools
from typing import TYPE_CHECKING

from scrapy import Request
from scrapy.exceptions import IgnoreRequest, ResponseDataLossError
from scrapy.http import Response

from archive.encodings import Decoded, EncodingError, content_encodings, decoded
from crawlers.extensions import InHand
from crawlers.failures import TooLarge

if TYPE_CHECKING:
    from typing import Self

    from scrapy.crawler import Crawler

SMALL_BYTES = 1_000_000  # unpacked at once; a body that grows beyond waits until there is room for it


class DecodingError(IgnoreRequest):
    """The body does not fit its Content-Encoding."""


class DecompressionMiddleware:
    """Undoes gzip, deflate and br. Of a page too large is too large; of anything else the beginning is kept."""

    def __init__(self, crawler: "Crawler") -> None:
        self.crawler = crawler
        settings = crawler.settings
        self.most = {
            "page": settings.getint("DOWNLOAD_MAXSIZE"),
            "robots": settings.getint("ROBOTS_MAX_BYTES"),
        }
        self.route_bytes = settings.getint("ROUTE_MAX_BYTES")

    @functools.cached_property
    def held(self) -> InHand:
        """What is in hand."""
        held = self.crawler.get_extension(InHand)
        assert held is not None
        return held

    @classmethod
    def from_crawler(cls, crawler: "Crawler") -> "Self":
        """Read the budgets."""
        return cls(crawler)

    async def process_response(self, request: Request, response: Response) -> Response:
        """Return the response with its body decoded. Raises TooLarge, DecodingError, or ResponseDataLossError."""
        plain = await self._decoded(request, response)
        if request.meta["kind"] != "robots":
            self.held.keep(request, len(plain.body))
        return plain

    async def _decoded(self, request: Request, response: Response) -> Response:
        values = response.headers.getlist("Content-Encoding")
        encodings = content_encodings([value.decode("latin-1") for value in values])
        if not encodings or not response.body:
            return response
        kind = request.meta["kind"]
        most = self.most.get(kind, self.route_bytes)
        body, cut, broken = _unpack(response.body, encodings, min(most, SMALL_BYTES))
        if cut and most > SMALL_BYTES:
            await self.held.room_for_large(most)
            body, cut, broken = _unpack(response.body, encodings, most)
        if cut and kind == "page":
            raise TooLarge(f"larger than {most:,} bytes once decompressed")
        if broken and kind == "page":  # half a page is no article
            raise ResponseDataLossError("within its Content-Encoding")
        headers = response.headers.copy()
        headers.pop("Content-Encoding", None)
        plain: Response = response.replace(body=body, headers=headers)
        return plain


def _unpack(body: bytes, encodings: list[str], most: int) -> Decoded:
    try:
        return decoded(body, encodings, most)
    except EncodingError as error:
        raise DecodingError(str(error)) from error
