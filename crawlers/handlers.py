"""The download handler: Scrapy's own, behind the check of addresses, and interrupted when the crawl is.

With a cassette (see crawlers.cassettes) it records what it downloads, or answers from what was recorded.
"""

import asyncio
import contextlib
import time
from collections import defaultdict
from io import BytesIO
from typing import TYPE_CHECKING, Any

from scrapy import Request
from scrapy.core.downloader.handlers import http11
from scrapy.core.downloader.handlers.http11 import HTTP11DownloadHandler
from scrapy.exceptions import CannotResolveHostError, DownloadFailedError, StopDownload
from scrapy.http import Response
from twisted.python.failure import Failure
from twisted.web.http_headers import InvalidHeaderName

from crawlers.addresses import netloc
from crawlers.certificates import CertificatePolicy
from crawlers.extensions import InHand
from crawlers.failures import OverBudget, Refused, Stopped, Unreachable

if TYPE_CHECKING:
    from scrapy.core.engine import ExecutionEngine
    from scrapy.crawler import Crawler
    from twisted.internet.base import DelayedCall

    from crawlers.context import CrawlContext


class TolerantParser(http11._LenientHTTPClientParser):
    """Scrapy's reader of answers, which skips headers without a colon; this one skips those without a proper name."""

    def headerReceived(self, name: bytes, value: bytes) -> None:  # noqa: N802 - Twisted's name
        """Take a header in."""
        with contextlib.suppress(InvalidHeaderName):
            super().headerReceived(name, value)  # type: ignore[no-untyped-call]


class BoundedReader(http11._ResponseReader):
    """Scrapy's reader of bodies, which ends where ``meta`` says so: what came until then is the answer.

    That is after ``read_for_seconds``, however little comes, and after ``read_at_most`` bytes. Where there is
    ``read_through`` as well, it is read on that far and the middle left out: of a feed either end may be new.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        meta = self._request.meta
        self._most: int | None = meta.get("read_at_most")
        self._through: int | None = meta.get("read_through")
        self._end_bytes = (self._most or 0) // 5
        self._join = 0  # where the middle was
        self._ending: DelayedCall | None = None

    def connectionMade(self) -> None:  # noqa: N802 - Twisted's name
        """Begin."""
        from twisted.internet import reactor

        super().connectionMade()
        seconds = self._request.meta.get("read_for_seconds")
        if seconds is not None:
            waited = self._request.meta.get("download_latency", 0.0)  # for the head
            self._ending = reactor.callLater(max(0.0, seconds - waited), self._end)

    def _end(self) -> None:
        if not self._finished.called:
            assert self.transport is not None
            self.transport.stopProducing()
            self.transport.loseConnection()  # type: ignore[misc]
            self._finish_response(stop_download=StopDownload(fail=False))

    def dataReceived(self, data: bytes) -> None:  # noqa: N802 - Twisted's name
        """Take a part of the body in."""
        super().dataReceived(data)
        if self._most is None or self._bodybuf.tell() <= self._most:
            return
        if self._through is None or self._bytes_received > self._through or self._is_packed():
            self._end()
            return
        end = self._bodybuf.getvalue()[-self._end_bytes :]
        self._join = self._most - 2 * self._end_bytes
        self._bodybuf.seek(self._join)
        self._bodybuf.write(end)
        self._bodybuf.truncate()

    def _is_packed(self) -> bool:
        return (
            self._txresponse.headers.hasHeader(b"Content-Encoding")
            or bytes(self._bodybuf.getbuffer()[:2]) == b"\x1f\x8b"
        )

    def _finish_response(
        self, flags: list[str] | None = None, stop_download: StopDownload | None = None
    ) -> None:
        if self._ending is not None and self._ending.active():
            self._ending.cancel()
        if self._join:
            body = self._bodybuf.getvalue()
            # No entry is made of two halves.
            before, behind = body.rfind(b">", 0, self._join) + 1, body.find(b"<", self._join)
            self._bodybuf = BytesIO(body[:before] + body[behind if behind >= 0 else len(body) :])
            flags = [*(flags or []), "skimmed"]
        super()._finish_response(flags, stop_download)


# No setting names them.
http11._LenientHTTPClientParser = TolerantParser  # type: ignore[misc]
http11._ResponseReader = BoundedReader  # type: ignore[misc]

GRACE_SECONDS = 3.0  # that a download under way is given to end when the crawl is stopped


def drop_queued(engine: "ExecutionEngine | None", error: Stopped, *, outlet: str | None = None) -> None:
    """Fail what waits for its turn to be downloaded, of one outlet or of all; what is under way goes on."""
    if engine is None:
        return
    for slot in engine.downloader.slots.values():
        kept = [each for each in slot.queue if outlet not in (None, each[0].meta["outlet"])]
        dropped = [each for each in slot.queue if each not in kept]
        slot.queue.clear()
        slot.queue.extend(kept)
        for _, waiting in dropped:
            waiting.errback(Failure(error))  # type: ignore[no-untyped-call]


class CheckedHandler:
    """Downloads over HTTP, from addresses that may be asked; see scrapy's DownloadHandlerProtocol."""

    lazy = True

    def __init__(self, crawler: "Crawler", handler: HTTP11DownloadHandler) -> None:
        self.crawler = crawler
        self.context: CrawlContext = crawler.spider.context  # type: ignore[union-attr]
        self.handler = handler
        # Scrapy has one setting for all hosts, and does not say what is wrong with a certificate.
        declared = [*self.context.options.declared, *self.context.options.outlets]
        self.certificates = CertificatePolicy(declared, handler._contextFactory)
        self.context.certificates = self.certificates
        self.handler._contextFactory = self.certificates  # type: ignore[assignment]
        # Scrapy 2.19 hands over all that is queued for a host at once where there is no delay between requests.
        self.one_at_a_time: dict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self.answered: dict[str, float] = {}  # when a host's last answer ended (monotonic)

    @classmethod
    def from_crawler(cls, crawler: "Crawler") -> "CheckedHandler":
        """Wrap the production handler."""
        return cls(crawler, HTTP11DownloadHandler(crawler))

    async def download_request(self, request: Request) -> Response:
        """Download, or answer from the recording.

        Raises Refused where the address may not be asked, Stopped where the crawl is being ended, and the
        errors of Scrapy's handler.
        """
        if self.context.cassette is not None and self.context.cassette.replaying:
            return self.context.cassette.play(request)
        slot = request.meta["download_slot"]
        async with self.one_at_a_time[slot]:
            await self._rested(slot)
            held = self.crawler.get_extension(InHand)
            assert held is not None
            async with held.turn_of(request):
                await held.room(request.meta["outlet"])
                if self.context.stopping.is_set():
                    raise Stopped
                if over := self.context.over_time(self.context.visits[request.meta["outlet"]]):
                    raise OverBudget(f"not asked: {over}")  # it waited its turn too long
                try:
                    response = await self._download(request)
                finally:
                    self.answered[slot] = time.monotonic()
        if self.context.cassette is not None:
            self.context.cassette.record(request, response)
        return response

    async def _rested(self, slot: str) -> None:
        """Wait until a host has had its delay since its last answer.

        Scrapy counts from when a request was sent. What is slow on its way may then arrive right before the next one,
        and the host is asked faster than it was promised.
        """
        delay: float = self.crawler.engine.downloader.slots[slot].delay
        left = self.answered.get(slot, float("-inf")) + delay - time.monotonic()
        if left > 0:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.context.stopping.wait(), left)

    async def _download(self, request: Request) -> Response:
        request.meta["asked_at"] = time.monotonic()
        download = asyncio.ensure_future(self.handler.download_request(request))
        stopping = asyncio.ensure_future(self.context.stopping.wait())
        try:
            await asyncio.wait({download, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if not download.done():
                await asyncio.wait({download}, timeout=GRACE_SECONDS)
            if not download.done():
                raise Stopped
            return download.result()
        except CannotResolveHostError as error:
            reason = self.context.resolver.refused.get(netloc(request.url))
            if reason is None:
                raise
            raise Refused(reason) from error
        except DownloadFailedError as error:
            wrong = self.certificates.refused.get(netloc(request.url))
            if wrong is None:
                raise
            raise Unreachable(f"its TLS certificate is not to be trusted: {wrong}") from error
        finally:
            stopping.cancel()
            download.cancel()

    async def close(self) -> None:
        """Close the connections kept open."""
        await self.handler.close()
