"""The spider for every declared outlet: its routes first, then the pages they name, then what is due again."""

import logging
from collections.abc import AsyncIterator, Iterator
from typing import Any

from scrapy import Request, Spider, signals
from scrapy.http import Response
from twisted.python.failure import Failure

from archive.ledger import (
    Route,
    RouteState,
    discovered_routes,
    find_route,
    route_failed,
    route_unchanged,
    routes_below,
    save_visit,
)
from archive.models import Lead, Outcome, RouteKind
from archive.pages import due_revisits, file_lead, find_page, postpone_page, queued_pages, refiled
from archive.times import utc_now
from archive.urls import same_page
from crawlers import discovery
from crawlers.answers import page_item
from crawlers.context import CrawlContext, Visit
from crawlers.failures import Loss, Refused, Stopped, loss_of, one_line, status_loss
from crawlers.filing import file_contents, teaser
from crawlers.items import FetchedPage, LostPage, PageItem
from crawlers.robots import RobotsMiddleware
from crawlers.routes import RouteError, read_route
from crawlers.workers import ReadingError

logger = logging.getLogger(__name__)

ROUTE_PRIORITY = 10


class OutletsSpider(Spider):
    """Visits the outlets of a `CrawlContext`. Each request ends in `page_done` or `route_done`, once."""

    name = "outlets"

    def __init__(self, context: CrawlContext, crawl: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.context = context
        self.crawl = crawl

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
                for url in queued_pages(self.context.db, visit.outlet.id):
                    visit.add(url, "")
                for request in self._first_requests(visit):
                    yield request
            for each in self.next_pages(visit):
                yield each
            self._end_if_done(visit)

    def _line_up_by_hand(self) -> None:
        for outlet, url in self.context.options.urls:
            lead = Lead(url=url, outlet=outlet.id, via="manual", route="by hand")
            filed = file_lead(self.context.db, lead)
            known = find_page(self.context.db, filed.url)
            if known is not None and known["state"] == "duplicate":
                known = find_page(self.context.db, known["key"]) or known
            if known is None:
                continue
            if known["state"] != "archived":
                refiled(self.context.db, known["url"])
            self.context.visits[outlet.id].add(known["url"], "by hand")

    def _first_requests(self, visit: Visit) -> Iterator[Request]:
        outlet = visit.outlet
        declared: tuple[tuple[RouteKind, tuple[str, ...]], ...] = (
            ("feed", outlet.feeds),
            ("sitemap", outlet.sitemaps),
            ("section", outlet.sections),
        )
        routes = [Route(url=url, outlet=outlet.id, kind=kind) for kind, urls in declared for url in urls]
        if routes:
            yield from self._route_requests(visit, routes)
            return
        yield from self._route_requests(visit, discovered_routes(self.context.db, outlet.id))
        homepage = Route(url=outlet.homepage, outlet=outlet.id, kind="homepage", origin="homepage")
        yield self._route_request(visit, homepage, callback=self.parse_homepage)

    # --- Routes ----------------------------------------------------------------------------------------------

    def _route_requests(
        self, visit: Visit, routes: list[Route], *, depth: int = 1, others: tuple[Route, ...] = ()
    ) -> Iterator[Request]:
        for route in routes:
            if route.url in visit.routes or len(visit.routes) >= self.settings.getint("OUTLET_ROUTES"):
                continue
            yield self._route_request(visit, route, depth=depth, others=others)

    def _route_request(
        self,
        visit: Visit,
        route: Route,
        *,
        depth: int = 1,
        others: tuple[Route, ...] = (),
        callback: Any = None,
    ) -> Request:
        """Return a conditional request. ``others`` are to be tried where this one cannot be read."""
        visit.routes.add(route.url)
        visit.routes_open += 1
        seconds = self.settings.getfloat("ROUTE_TIMEOUT_SECONDS")
        return Request(
            route.url,
            callback=callback or self.parse_route,
            errback=self.lost,
            priority=ROUTE_PRIORITY,
            headers=conditional_headers(find_route(self.context.db, route.url)),
            meta={
                "outlet": visit.outlet.id, "kind": route.kind, "route": route, "depth": depth,
                "others": others, "read_at_most": self.settings.getint("ROUTE_MAX_BYTES"),
                "read_for_seconds": seconds - 2, "download_timeout": seconds, "download_maxsize": 0,
                "download_fail_on_dataloss": False,
            },
        )  # fmt: skip

    async def parse_route(self, response: Response) -> AsyncIterator[Request | PageItem]:
        """File what a route names, and follow it to the routes below."""
        visit = self._answered(response)
        below, read = await self._read_route(visit, response)
        depth: int = response.meta["depth"]
        if read:
            for request in self._route_requests(visit, self._followed(below, depth), depth=depth + 1):
                yield request
        else:
            for request in self._next_of(visit, response.meta["others"]):
                yield request
        for each in self.next_pages(visit):
            yield each
        for each in self.route_done(visit):
            yield each

    def _followed(self, below: list[Route], depth: int) -> list[Route]:
        sections = [route for route in below if route.kind == "section"]
        sitemaps = [route for route in below if route.kind != "section"]
        return sections * (depth < self.settings.getint("SECTION_PAGES")) + sitemaps * (
            depth < self.settings.getint("SITEMAP_DEPTH")
        )

    def _next_of(self, visit: Visit, others: tuple[Route, ...]) -> Iterator[Request]:
        if others:
            yield from self._route_requests(visit, [others[0]], others=others[1:])

    async def _read_route(self, visit: Visit, response: Response) -> tuple[list[Route], bool]:
        """Return the routes below this one, and whether it could be read."""
        route: Route = response.meta["route"]
        db = self.context.db
        if response.status == 304 and find_route(db, route.url) is not None:
            route_unchanged(db, route)
            visit.counts["not_modified"] += 1
            visit.counts["routes_ok"] += 1
            return routes_below(db, route.url), True
        loss = status_loss(response.status, response.body, challenge=b"cf-mitigated" in response.headers)
        if loss is not None:
            self._route_lost(visit, route, loss, status=response.status)
            return [], False
        kind = "section" if route.kind == "homepage" else route.kind
        try:
            contents = await self.context.workers.call(
                read_route, kind, response.body, response.url, visit.outlet, content_type(response), utc_now(),
                seconds=self.settings.getfloat("ROUTE_READING_SECONDS"),
            )  # fmt: skip
        except (RouteError, ReadingError) as error:
            self._route_lost(visit, route, Loss(one_line(str(error)), Outcome.FAILED), status=response.status)
            return [], False
        below = await file_contents(
            self.context, visit, with_validators(route, response), contents, status=response.status,
            most=self.settings.getint("ROUTE_URLS"),
        )  # fmt: skip
        visit.counts["routes_ok"] += 1
        return below, True

    def _route_lost(self, visit: Visit, route: Route, loss: Loss, *, status: int | None = None) -> None:
        state: RouteState = "blocked" if loss.outcome is Outcome.BLOCKED else "failed"
        route_failed(self.context.db, route, loss.reason, state=state, status=status)
        visit.counts["routes_failed"] += 1
        if route.origin != "well-known":
            logger.warning("%s: %s %s: %s", visit.outlet.id, route.kind, one_line(route.url), loss.reason)

    # --- Discovery -------------------------------------------------------------------------------------------

    async def parse_homepage(self, response: Response) -> AsyncIterator[Request | PageItem]:
        """Find the routes of an outlet that names none; the homepage itself is read as a section."""
        visit = self._answered(response)
        found: list[discovery.Route] = []
        if response.status == 200:
            try:
                found = await self.context.workers.call(
                    discovery.routes_in_homepage, response.body, response.url, visit.outlet,
                    content_type(response), seconds=self.settings.getfloat("ROUTE_READING_SECONDS"),
                )  # fmt: skip
            except ReadingError as error:
                logger.warning("%s: homepage: %s", visit.outlet.id, error)
        await self._read_route(visit, response)
        for request in await self._discovered(visit, response.request, found):
            yield request
        for each in self.next_pages(visit):
            yield each
        for each in self.route_done(visit):
            yield each

    async def _discovered(
        self, visit: Visit, request: Request | None, found: list[discovery.Route]
    ) -> list[Request]:
        """Return requests for what robots.txt and the homepage name, and for well-known places in their lack."""
        assert request is not None
        outlet = visit.outlet
        robots = self.crawler.get_downloader_middleware(RobotsMiddleware)
        assert robots is not None
        rules = await robots.rules_for(request)
        found = [*discovery.routes_in_robots(rules.sitemaps, request.url, outlet), *found]
        requests = list(self._route_requests(visit, [_ledger_route(outlet.id, each) for each in found]))
        known = {route.kind for route in found}
        known |= {route.kind for route in discovered_routes(self.context.db, outlet.id)}
        for kind in ("feed", "sitemap"):
            if kind in known:
                continue
            places = [
                _ledger_route(outlet.id, p) for p in discovery.well_known_routes(outlet) if p.kind == kind
            ]
            requests += self._route_requests(visit, places[:1], others=tuple(places[1:]))
        return requests

    # --- Pages -----------------------------------------------------------------------------------------------

    def next_pages(self, visit: Visit) -> Iterator[Request | FetchedPage]:
        """Yield the next pages of an outlet, as many as may be under way at once."""
        most: float = self.settings.getint(
            "REQUESTS_IN_FLIGHT_PER_OUTLET" if visit.delay else "REQUESTS_IN_FLIGHT_WITHOUT_DELAY"
        )
        if visit.outlet.access == "feed-only":
            most = float("inf")  # nothing is asked for them
        while visit.pages_open < most and visit.waiting and self._within_budget(visit):
            url = visit.take()
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
        elif visit.seconds >= self.settings.getfloat("OUTLET_SECONDS"):
            visit.leave(f"{visit.seconds:.0f} seconds are enough for one crawl (OUTLET_SECONDS)")
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
        visit = self._answered(response)
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

    def _answered(self, response: Response) -> Visit:
        visit = self.context.visits[response.meta["outlet"]]
        visit.failures_in_a_row = 0
        return visit

    async def lost(self, failure: Failure) -> AsyncIterator[Request | PageItem]:
        """Name the failure of a request."""
        request: Request = failure.request  # type: ignore[attr-defined]
        visit = self.context.visits[request.meta["outlet"]]
        page = request.meta["kind"] == "page"
        if isinstance(failure.value, Stopped):
            if page:
                self.page_done(visit.outlet.id)
            else:
                visit.routes_open -= 1
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
        self._route_lost(visit, request.meta["route"], loss)
        if request.meta["kind"] == "homepage" and not isinstance(failure.value, Refused) and not loss.network:
            for again in await self._discovered(visit, request, []):
                yield again
        for again in self._next_of(visit, request.meta["others"] if not loss.network else ()):
            yield again
        for each in self.route_done(visit):
            yield each

    def _count_failure(self, visit: Visit, loss: Loss) -> None:
        visit.failures_in_a_row = visit.failures_in_a_row + 1 if loss.network else 0
        if visit.failures_in_a_row >= self.settings.getint("FAILURES_IN_A_ROW"):
            visit.leave(f"{visit.failures_in_a_row} failures in a row, the last: {loss.reason}")

    def route_done(self, visit: Visit) -> Iterator[Request | FetchedPage]:
        """Note that one route is done; after the last, line up what is due again."""
        visit.routes_open -= 1
        if visit.routes_open == 0 and visit.revisits is None:
            self._line_up_revisits(visit)
            yield from self.next_pages(visit)
        self._end_if_done(visit)

    def _line_up_revisits(self, visit: Visit) -> None:
        recheck = self.context.options.recheck
        due = (
            due_revisits(self.context.db, visit.outlet.id, everything=recheck == "all")
            if recheck != "none"
            else []
        )
        visit.revisits = {revisit.page: revisit for revisit in due}
        for url in visit.revisits:
            visit.add(url, "revisits")

    def page_done(self, outlet: str) -> None:
        """Note that one page is done with, and ask for the next."""
        visit = self.context.visits[outlet]
        visit.pages_open -= 1
        for request in self.next_pages(visit):
            assert isinstance(request, Request)
            self.crawler.engine.crawl(request)
        self._end_if_done(visit)

    def _end_if_done(self, visit: Visit) -> None:
        if visit.ended or visit.routes_open or visit.pages_open or visit.waiting:
            return
        visit.ended = True
        if not visit.note and not self.context.options.urls:
            visit.note = _silence(visit)
        save_visit(
            self.context.db, self.crawl, visit.outlet.id, visit.counts, seconds=visit.seconds, note=visit.note
        )

    def fault(self, failure: Failure, response: Response | None) -> None:
        """Take a fault of ours in a callback as the failure of that one request."""
        request = getattr(failure, "request", None) if response is None else response.request
        if request is None or "outlet" not in request.meta:
            return
        visit = self.context.visits[request.meta["outlet"]]
        reason = f"a fault in bilateral: {type(failure.value).__name__}: {one_line(str(failure.value))}"
        if request.meta["kind"] == "page":
            postpone_page(self.context.db, request.meta["page"], reason)
            visit.counts["failed"] += 1
            self.page_done(visit.outlet.id)
            return
        self._route_lost(visit, request.meta["route"], Loss(reason, None))
        for each in self.route_done(visit):
            if isinstance(each, Request):
                self.crawler.engine.crawl(each)

    def abort(self, reason: str) -> None:
        """End the crawl: it cannot go on."""
        if not self.context.failure:
            self.context.failure = reason
            logger.error("%s", reason)
            self.context.stop()


def conditional_headers(known: Any) -> dict[str, str]:
    """Return If-None-Match and If-Modified-Since from anything with ``etag`` and ``last_modified``."""
    headers = {}
    if known is not None and known.etag:
        headers["If-None-Match"] = known.etag
    if known is not None and known.last_modified:
        headers["If-Modified-Since"] = known.last_modified
    return headers


def content_type(response: Response) -> str | None:
    """Return the Content-Type header."""
    value = response.headers.get("Content-Type")
    return value.decode("latin-1") if value is not None else None


def with_validators(route: Route, response: Response) -> Route:
    """Return a route with the validators of its answer; an answer that broke off has none worth keeping."""
    whole = not {"dataloss", "download_stopped", "partial"} & set(response.flags)

    def header(name: str) -> str | None:
        value = response.headers.get(name)
        return value.decode("latin-1") if value is not None and whole else None

    return Route(
        url=route.url, outlet=route.outlet, kind=route.kind, parent=route.parent, origin=route.origin,
        etag=header("ETag"), last_modified=header("Last-Modified"),
    )  # fmt: skip


def _ledger_route(outlet: str, found: discovery.Route) -> Route:
    return Route(url=found.url, outlet=outlet, kind=found.kind, origin=found.origin)


def _silence(visit: Visit) -> str:
    counts = visit.counts
    if counts["routes_ok"] == 0:
        return "no route could be read"
    if counts["discovered"] == 0 and counts["fetched"] == 0 and counts["not_modified"] == 0:
        return "its routes name nothing"
    return ""
