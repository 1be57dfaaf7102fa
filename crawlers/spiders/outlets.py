"""The spider for every declared outlet: its routes first, then the pages they name, then what is due again."""

import logging
import sqlite3
from collections.abc import AsyncIterator, Iterator
from typing import Any

from scrapy import Request, signals
from scrapy.http import Response
from twisted.python.failure import Failure

from archive.ledger import Route, save_visit
from archive.models import Lead, Outcome
from archive.pages import (
    due_revisits,
    file_lead,
    find_page,
    note_left,
    original_page,
    postpone_page,
    refiled,
)
from archive.urls import same_page
from crawlers.answers import page_item
from crawlers.context import Visit
from crawlers.failures import Loss, OverBudget, Refused, Stopped, loss_of, one_line
from crawlers.filing import line_up_queued, teaser
from crawlers.handlers import drop_queued
from crawlers.items import FetchedPage, LostPage, PageItem
from crawlers.spiders.routes import RouteSpider, conditional_headers

logger = logging.getLogger(__name__)


class OutletsSpider(RouteSpider):
    """Visits the outlets of a `CrawlContext`. Each request ends in `page_done` or `route_done`, once."""

    name = "outlets"

    @classmethod
    def from_crawler(cls, crawler: Any, *args: Any, **kwargs: Any) -> "OutletsSpider":
        """Make the spider, and listen to faults in its callbacks."""
        spider: OutletsSpider = super().from_crawler(crawler, *args, **kwargs)
        crawler.signals.connect(spider.fault, signal=signals.spider_error)
        return spider

    # --- Beginning -------------------------------------------------------------------------------------------

    async def start(self) -> AsyncIterator[Request | PageItem]:
        """Yield the first requests of each outlet."""
        if self.context.options.urls:
            self._line_up_by_hand()
        for visit in self.context.visits.values():
            if not self.context.options.urls:
                await line_up_queued(self.context, visit)
                self.line_up_first(visit)
            for each in self.next_requests(visit):
                yield each
            self._end_if_done(visit)

    def _line_up_by_hand(self) -> None:
        for outlet, url in self.context.options.urls:
            lead = Lead(url=url, outlet=outlet.id, via="manual", route="by hand")
            page = original_page(self.context.db, file_lead(self.context.db, lead).url)
            if page["state"] != "archived":
                refiled(self.context.db, page["url"])
            self.context.visits[outlet.id].add(page["url"], "by hand")

    # --- Pages -----------------------------------------------------------------------------------------------

    def next_pages(self, visit: Visit) -> Iterator[Request | FetchedPage]:
        """Yield the next pages of an outlet, as many as may be under way at once."""
        most: float = self.settings.getint(
            "REQUESTS_IN_FLIGHT_PER_OUTLET" if visit.delay else "REQUESTS_IN_FLIGHT_WITHOUT_DELAY"
        )
        if visit.outlet.access == "feed-only":
            most = float("inf")  # nothing is asked for them
        while visit.pages_open < most and visit.waiting and self._within_budget(visit):
            url = visit.frontier.take()
            each = self._page(visit, url) if url is not None else None
            if each is not None:
                visit.pages_open += 1
                visit.pages_asked += 1
                yield each

    def _within_budget(self, visit: Visit) -> bool:
        most = self.context.options.max_pages
        if self.context.stopping.is_set():
            visit.leave("the crawl was stopped")
        elif most is not None and self.context.pages_asked >= most:
            visit.leave(f"--max-pages {most} is reached")
        elif visit.pages_asked >= self.settings.getint("OUTLET_PAGES"):
            visit.leave(f"{visit.pages_asked} pages are enough for one crawl (OUTLET_PAGES)")
        elif over := self.context.over_time(visit):
            visit.leave(over)
        return bool(visit.waiting)

    def _page(self, visit: Visit, url: str) -> Request | FetchedPage | None:
        if visit.outlet.access == "feed-only" and not self.context.options.urls:
            return teaser(self.context, visit, url)
        revisit = (visit.revisits or {}).get(url)
        return Request(
            url,
            callback=self.parse_page,
            errback=self.lost,
            headers=conditional_headers(revisit),
            meta={
                "outlet": visit.outlet.id, "kind": "page", "page": url,
                "article": revisit.article if revisit else self._article_at(url),
            },
        )  # fmt: skip

    def _article_at(self, url: str) -> int | None:
        known = find_page(self.context.db, url)
        return known["article"] if known is not None and known["state"] == "archived" else None

    def parse_page(self, response: Response) -> Iterator[PageItem]:
        """Hand on a page's answer."""
        visit = self.answered(response)
        item = page_item(visit.outlet, response)
        if isinstance(item, FetchedPage) and item.article is None:
            item = self._other_page(visit, item, response.url) or item
        yield item

    def _other_page(self, visit: Visit, item: FetchedPage, url: str) -> LostPage | None:
        """Return the loss of a page that only redirects to another one that is known by itself."""
        page = item.exchange.page
        if same_page(url, page):
            return None
        other = find_page(self.context.db, url)
        if other is None or other["url"] == page or other["state"] not in ("queued", "archived", "off-topic"):
            return None
        if other["state"] == "queued":
            visit.add(other["url"], "")
        return LostPage(
            outlet=visit.outlet, page=page, outcome=Outcome.DUPLICATE, redirected_to=url,
            reason=f"redirects to {other['url']}",
        )  # fmt: skip

    # --- Ends ------------------------------------------------------------------------------------------------

    async def lost(self, failure: Failure) -> AsyncIterator[Request | PageItem]:
        """Name the failure of a request."""
        request: Request = failure.request  # type: ignore[attr-defined]
        visit = self.context.visits[request.meta["outlet"]]
        page = request.meta["kind"] == "page"
        if isinstance(failure.value, Stopped):
            for each in self._given_up(visit, request, failure.value):
                yield each
            return
        assert failure.value is not None
        loss = loss_of(
            failure.value,
            seconds=request.meta.get("download_timeout", self.settings.getfloat("DOWNLOAD_TIMEOUT")),
            max_bytes=self.settings.getint("DOWNLOAD_MAXSIZE"),
        )
        self._count_failure(visit, loss)
        if page:
            yield LostPage(
                outlet=visit.outlet, page=request.meta["page"], outcome=loss.outcome, reason=loss.reason,
                not_before=loss.not_before, counted=loss.counted, article=request.meta.get("article"),
            )  # fmt: skip
            return
        self.route_lost(visit, request.meta["route"], loss)
        led_away = request.meta.get("redirect_urls", [])
        tried = led_away or not isinstance(failure.value, Refused)
        if request.meta["kind"] == "homepage" and tried and not loss.network:
            await self.line_up_discovered(visit, request.replace(url=[*led_away, request.url][0]), [])
        if not loss.network:
            self.line_up_next(visit, request.meta["others"])
        for each in self.route_done(visit, request.meta["route"]):
            yield each

    def _given_up(self, visit: Visit, request: Request, error: Stopped) -> Iterator[Request | FetchedPage]:
        if request.meta["kind"] == "page":
            self.page_done(visit.outlet.id, request.meta["page"])
            return
        if isinstance(error, OverBudget):
            self.route_lost(visit, request.meta["route"], Loss(str(error), None))
        yield from self.route_done(visit, request.meta["route"])

    def enforce_seconds(self) -> None:
        """Take back what is still queued of outlets whose time is up: a host may want long waits between requests."""
        for visit in self.context.visits.values():
            over = "" if visit.ended else self.context.over_time(visit)
            if over:
                self.leave_routes(visit, over)
                if visit.waiting:
                    visit.leave(over)
                drop_queued(self.crawler.engine, OverBudget(f"not asked: {over}"), outlet=visit.outlet.id)
                self._end_if_done(visit)

    def _count_failure(self, visit: Visit, loss: Loss) -> None:
        visit.failures_in_a_row = visit.failures_in_a_row + 1 if loss.network else 0
        if visit.failures_in_a_row >= self.settings.getint("FAILURES_IN_A_ROW"):
            why = f"{visit.failures_in_a_row} failures in a row, the last: {loss.reason}"
            self.leave_routes(visit, why)
            visit.leave(why)

    def route_done(self, visit: Visit, route: Route) -> Iterator[Request | FetchedPage]:
        """Note that one route is done, and ask what is next; after the last, line up what is due again."""
        self.in_hand.release(route.url)
        visit.routes_open -= 1
        self.keep_to_routes(visit)
        if visit.routes_done and visit.revisits is None:
            self._line_up_revisits(visit)
        yield from self.next_requests(visit)
        self._end_if_done(visit)

    def _line_up_revisits(self, visit: Visit) -> None:
        recheck = self.context.options.recheck
        due = (
            due_revisits(self.context.db, visit.outlet.id, everything=recheck == "all")
            if recheck != "none"
            else []
        )
        visit.revisits = {revisit.page: revisit for revisit in due}
        for number, url in enumerate(visit.revisits):
            visit.add(url, "revisits", newness=-number)  # in their order

    def page_done(self, outlet: str, page: str) -> None:
        """Note that one page is done with, and ask for the next."""
        visit = self.context.visits[outlet]
        self.in_hand.release(page)
        visit.pages_open -= 1
        # What is kept of an outlet that is feed-only is no request: it is yielded where its feed was read.
        asked = self.next_routes if visit.outlet.access == "feed-only" else self.next_requests
        for request in asked(visit):
            assert isinstance(request, Request)
            self.crawler.engine.crawl(request)
        self._end_if_done(visit)

    def _end_if_done(self, visit: Visit) -> None:
        if visit.ended or not visit.routes_done or visit.pages_open or visit.waiting:
            return
        visit.ended = True
        if not visit.note and not self.context.options.urls:
            visit.note = _silence(visit)
        if visit.left:
            note_left(self.context.db, visit.outlet.id, visit.left)
        save_visit(
            self.context.db, self.crawl, visit.outlet.id, visit.counts, seconds=visit.seconds, note=visit.note
        )

    def fault(self, failure: Failure, response: Response | None) -> None:
        """Take a fault of ours in a callback as the failure of that one request."""
        if isinstance(failure.value, sqlite3.Error | OSError):
            self.abort(f"the archive cannot be written: {failure.value}")
            return
        request = getattr(failure, "request", None) if response is None else response.request
        if request is None or "outlet" not in request.meta:
            return
        visit = self.context.visits[request.meta["outlet"]]
        reason = f"a fault in bilateral: {type(failure.value).__name__}: {one_line(str(failure.value))}"
        if request.meta["kind"] == "page":
            postpone_page(self.context.db, request.meta["page"], reason)
            visit.counts["failed"] += 1
            self.page_done(visit.outlet.id, request.meta["page"])
            return
        self.route_lost(visit, request.meta["route"], Loss(reason, None))
        for each in self.route_done(visit, request.meta["route"]):
            if isinstance(each, Request):
                self.crawler.engine.crawl(each)

    def abort(self, reason: str) -> None:
        """End the crawl: it cannot go on."""
        if not self.context.failure:
            self.context.failure = reason
            logger.error("%s", reason)
            self.context.stop()


def _silence(visit: Visit) -> str:
    counts = visit.counts
    if counts["routes_ok"] == 0:
        return "no route could be read"
    if counts["discovered"] == 0 and counts["fetched"] == 0 and counts["not_modified"] == 0:
        return "its routes name nothing"
    return ""
