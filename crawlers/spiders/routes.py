"""Visiting an outlet's routes: feeds, sitemaps, sections, and the discovery of those that nobody named."""

import contextlib
import functools
import logging
from collections import deque
from collections.abc import AsyncIterator, Iterable, Iterator
from typing import Any

from scrapy import Request, Spider
from scrapy.http import Response
from twisted.python.failure import Failure

from archive.ledger import (
    Route,
    RouteState,
    discovered_routes,
    find_route,
    names_pages,
    route_failed,
    route_unchanged,
    routes_below,
)
from archive.models import Outcome, RouteKind
from archive.times import utc_now
from crawlers import discovery
from crawlers.context import CrawlContext, RouteAsked, Visit
from crawlers.extensions import InHand
from crawlers.failures import Loss, one_line, status_loss
from crawlers.filing import file_contents
from crawlers.items import FetchedPage, PageItem
from crawlers.robots import RobotsMiddleware
from crawlers.routes import RouteError, read_route
from crawlers.workers import LIGHT_BYTES, ReadingError

logger = logging.getLogger(__name__)

ROUTE_PRIORITY = 10


class RouteSpider(Spider):
    """The half of the spider that asks routes. The other half says what is done with the pages they name."""

    def __init__(self, context: CrawlContext, crawl: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.context = context
        self.crawl = crawl

    @functools.cached_property
    def in_hand(self) -> InHand:
        """What was answered and is not done with."""
        held = self.crawler.get_extension(InHand)
        assert held is not None
        return held

    def next_pages(self, visit: Visit) -> Iterator[Request | FetchedPage]:
        """Yield the next pages to be asked."""
        raise NotImplementedError

    def next_requests(self, visit: Visit) -> Iterator[Request | FetchedPage]:
        """Yield what is to be asked next: routes and pages take turns, so that neither holds up the other."""
        yield from self.next_routes(visit)
        yield from self.next_pages(visit)

    def route_done(self, visit: Visit, route: Route) -> Iterator[Request | FetchedPage]:
        """Note that one route is done with."""
        raise NotImplementedError

    def lost(self, failure: Failure) -> AsyncIterator[Request | PageItem]:
        """Name the failure of a request."""
        raise NotImplementedError

    def answered(self, response: Response) -> Visit:
        """Return the visit that an answer belongs to; its host does answer."""
        visit = self.context.visits[response.meta["outlet"]]
        visit.failures_in_a_row = 0
        return visit

    def line_up_first(self, visit: Visit) -> None:
        """Put in line the routes the registry names, or what leads to them."""
        outlet = visit.outlet
        declared: tuple[tuple[RouteKind, tuple[str, ...]], ...] = (
            ("feed", outlet.feeds),
            ("sitemap", outlet.sitemaps),
            ("section", outlet.sections),
        )
        routes = [Route(url=url, outlet=outlet.id, kind=kind) for kind, urls in declared for url in urls]
        if routes:
            self.line_up(visit, routes)
            return
        self.line_up(visit, discovered_routes(self.context.db, outlet.id))
        self.line_up(
            visit, [Route(url=outlet.homepage, outlet=outlet.id, kind="homepage", origin="homepage")]
        )

    def line_up(
        self, visit: Visit, routes: Iterable[Route], *, depth: int = 1, others: tuple[Route, ...] = ()
    ) -> None:
        """Put routes in line, each once. ``others`` are to be tried where one cannot be read."""
        for route in routes:
            if self._is_new(visit, route):
                visit.routes_waiting.append(RouteAsked(route=route, depth=depth, others=others))

    def _is_new(self, visit: Visit, route: Route) -> bool:
        """Take a route up, once."""
        if route.url in visit.routes:
            return False
        visit.routes.add(route.url)
        return True

    def _line_up_sitemaps(self, visit: Visit, sitemaps: list[Route], depth: int) -> None:
        """Put the first sitemaps of an index in line; the others stand by for those of them that name no page.

        What named none when it last answered comes last, and nothing takes its place.
        """
        barren = {route.url for route in sitemaps if names_pages(self.context.db, route.url) is False}
        sitemaps = sorted(sitemaps, key=lambda route: route.url in barren)
        most = self.settings.getint("SITEMAPS_OF_ONE_INDEX")
        siblings = deque(route for route in sitemaps[most:] if route.url not in barren)
        for route in sitemaps[:most]:
            if self._is_new(visit, route):
                own = deque[Route]() if route.url in barren else siblings
                visit.routes_waiting.append(RouteAsked(route=route, depth=depth, siblings=own))

    def _replace(self, visit: Visit, siblings: deque[Route], depth: int) -> None:
        """Put a sibling of a sitemap that names no page in line, before what lies deeper."""
        while siblings:
            route = siblings.popleft()
            if self._is_new(visit, route):
                visit.routes_waiting.appendleft(RouteAsked(route=route, depth=depth, siblings=siblings))
                return

    def next_routes(self, visit: Visit) -> Iterator[Request]:
        """Yield the next routes of an outlet, as many as may be under way at once."""
        most = self.settings.getint("ROUTES_IN_FLIGHT_PER_OUTLET")
        enough = self.settings.getint("OUTLET_ROUTES")
        while visit.routes_waiting and visit.routes_open < most and visit.routes_asked < enough:
            visit.routes_open += 1
            visit.routes_asked += 1
            yield self._route_request(visit, visit.routes_waiting.popleft())

    def keep_to_routes(self, visit: Visit) -> None:
        """Ask no more routes of an outlet that has had as many as it may."""
        enough = self.settings.getint("OUTLET_ROUTES")
        if visit.routes_waiting and visit.routes_asked >= enough:
            left = len(visit.routes_waiting)
            visit.note = (
                visit.note or f"{left} feeds and sitemaps not asked: {enough} are enough (OUTLET_ROUTES)"
            )
            visit.routes_waiting.clear()

    def leave_routes(self, visit: Visit, why: str) -> None:
        """Ask none of the routes in line."""
        while visit.routes_waiting:
            self.route_lost(visit, visit.routes_waiting.popleft().route, Loss(f"not asked: {why}", None))

    def _route_request(self, visit: Visit, asked: RouteAsked) -> Request:
        """Return a conditional request."""
        route = asked.route
        seconds = self.settings.getfloat("ROUTE_TIMEOUT_SECONDS")
        return Request(
            route.url,
            callback=self.parse_homepage if route.kind == "homepage" else self.parse_route,
            errback=self.lost,
            priority=ROUTE_PRIORITY,
            headers=conditional_headers(find_route(self.context.db, route.url)),
            meta={
                "outlet": visit.outlet.id, "kind": route.kind, "route": route, "depth": asked.depth,
                "others": asked.others, "siblings": asked.siblings,
                "read_at_most": self.settings.getint("ROUTE_MAX_BYTES"),
                "read_through": self.settings.getint("ROUTE_SKIMMED_BYTES"), "read_for_seconds": seconds - 2,
                "download_timeout": seconds, "download_maxsize": 0, "download_fail_on_dataloss": False,
            },
        )  # fmt: skip

    async def parse_route(self, response: Response) -> AsyncIterator[Request | PageItem]:
        """File what a route names, and follow it to the routes below."""
        visit = self.answered(response)
        below, read = await self._read_route(visit, response)
        depth: int = response.meta["depth"]
        if not read:
            self.line_up_next(visit, response.meta["others"])
        elif depth < self.settings.getint("SECTION_PAGES"):
            self.line_up(visit, [route for route in below if route.kind == "section"], depth=depth + 1)
        if depth < self.settings.getint("SITEMAP_DEPTH"):
            self._line_up_sitemaps(visit, [route for route in below if route.kind != "section"], depth + 1)
        if not names_pages(self.context.db, response.meta["route"].url):
            self._replace(visit, response.meta["siblings"], depth)
        for each in self.route_done(visit, response.meta["route"]):
            yield each

    def line_up_next(self, visit: Visit, others: tuple[Route, ...]) -> None:
        """Put the next place to try in line, where one could not be read."""
        self.line_up(visit, others[:1], others=others[1:])

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
            self.route_lost(visit, route, loss, status=response.status)
            return [], False
        # Of large routes what they name takes more memory than they do: one after the other.
        async with self.context.large_route if len(response.body) > LIGHT_BYTES else contextlib.nullcontext():
            return await self._read_and_file(visit, route, response)

    async def _read_and_file(
        self, visit: Visit, route: Route, response: Response
    ) -> tuple[list[Route], bool]:
        kind = "section" if route.kind == "homepage" else route.kind
        try:
            contents = await self.context.workers.call(
                read_route, kind, response.body, response.url, visit.outlet, content_type(response), utc_now(),
                seconds=self.settings.getfloat("ROUTE_READING_SECONDS"),
            )  # fmt: skip
        except (RouteError, ReadingError) as error:
            self.route_lost(visit, route, Loss(one_line(str(error)), Outcome.FAILED), status=response.status)
            return [], False
        below = await file_contents(
            self.context, visit, with_validators(route, response), contents, status=response.status,
            most=self.settings.getint("ROUTE_URLS"), odd="; ".join([*self._broken_off(response), *contents.odd]),
        )  # fmt: skip
        visit.counts["routes_ok"] += 1
        return below, True

    def _broken_off(self, response: Response) -> Iterator[str]:
        """Yield why an answer is not whole."""
        if "skimmed" in response.flags:
            yield f"more than {response.meta['read_at_most']:,} bytes, of which the beginning and the end were read"
        if "download_stopped" in response.flags:
            most, seconds = response.meta["read_through"], response.meta["read_for_seconds"]
            yield f"it did not end within {most:,} bytes or {seconds:.0f} seconds, read as far as it came"
        elif "dataloss" in response.flags:
            yield "it broke off, read as far as it came"

    def route_lost(self, visit: Visit, route: Route, loss: Loss, *, status: int | None = None) -> None:
        """Note why a route could not be read."""
        state: RouteState = "blocked" if loss.outcome is Outcome.BLOCKED else "failed"
        route_failed(self.context.db, route, loss.reason, state=state, status=status)
        visit.counts["routes_failed"] += 1
        if route.origin != "well-known":
            logger.warning("%s: %s %s: %s", visit.outlet.id, route.kind, one_line(route.url), loss.reason)

    # --- Discovery -------------------------------------------------------------------------------------------

    async def parse_homepage(self, response: Response) -> AsyncIterator[Request | PageItem]:
        """Find the routes of an outlet that names none; the homepage itself is read as a section."""
        visit = self.answered(response)
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
        await self.line_up_discovered(visit, response.request, found)
        for each in self.route_done(visit, response.meta["route"]):
            yield each

    async def line_up_discovered(
        self, visit: Visit, request: Request | None, found: list[discovery.Route]
    ) -> None:
        """Put in line what robots.txt and the homepage name, and well-known places in their lack."""
        assert request is not None
        outlet = visit.outlet
        robots = self.crawler.get_downloader_middleware(RobotsMiddleware)
        assert robots is not None
        rules = await robots.rules_for(request)
        found = [*discovery.routes_in_robots(rules.sitemaps, request.url, outlet), *found]
        self.line_up(visit, [_ledger_route(outlet.id, each) for each in found])
        known = {route.kind for route in found}
        known |= {route.kind for route in discovered_routes(self.context.db, outlet.id)}
        for kind in ("feed", "sitemap"):
            if kind in known:
                continue
            places = [
                _ledger_route(outlet.id, p) for p in discovery.well_known_routes(outlet) if p.kind == kind
            ]
            self.line_up_next(visit, tuple(places))


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
        value = (response.headers.get(name) or b"").decode("latin-1")
        return value if whole and value and value.isprintable() else None

    return Route(
        url=route.url, outlet=route.outlet, kind=route.kind, parent=route.parent, origin=route.origin,
        etag=header("ETag"), last_modified=header("Last-Modified"),
    )  # fmt: skip


def _ledger_route(outlet: str, found: discovery.Route) -> Route:
    return Route(url=found.url, outlet=outlet, kind=found.kind, origin=found.origin)
