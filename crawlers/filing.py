"""From a route's answer to rows: every URL it names is filed, and what is to be fetched is put in line."""

import asyncio
import hashlib
import logging
from collections.abc import Sequence

from archive.ingest import lead_exchange
from archive.ledger import Route, find_route, route_failed, route_read
from archive.models import Lead
from archive.pages import file_lead, find_page, page_lead, queued_pages
from archive.relevance import screen
from archive.store import row, transaction
from archive.times import local_to_utc
from crawlers.context import CrawlContext, Visit
from crawlers.frontier import newness
from crawlers.items import FetchedPage
from crawlers.outlets import refusal
from crawlers.routes import RouteContents
from crawlers.workers import ReadingError, sound_likely

logger = logging.getLogger(__name__)

LEADS_AT_ONCE = 100  # filed in one transaction, before others get their turn
MANY_LEADS = 200  # of one route, from which on those that sound like the subject come first
SUMMARY_CHARACTERS = 400  # of which that is told
TOLD_AT_ONCE = 5_000
LIKELY_SECONDS = 20.0
SCREENED_SHARE = 50  # one page in so many is fetched although the screen would leave it out


async def file_contents(
    context: CrawlContext,
    visit: Visit,
    route: Route,
    contents: RouteContents,
    *,
    status: int,
    most: int,
    odd: str = "",
) -> list[Route]:
    """File all that a route names, its validators in the last of the transactions. Returns the routes below it."""
    leads = contents.leads[:most]
    likely = await likely_of(context, visit, leads)
    for start in range(0, len(leads), LEADS_AT_ONCE):
        with transaction(context.db):
            for lead in leads[start : start + LEADS_AT_ONCE]:
                file_one(context, visit, lead, route.url, likely=lead.url in likely)
        await asyncio.sleep(0)
    below = [
        Route(url=url, outlet=visit.outlet.id, kind="sitemap", parent=route.url, origin="index")
        for url in contents.children
    ]
    if contents.next_page is not None:
        below.append(
            Route(
                url=contents.next_page,
                outlet=visit.outlet.id,
                kind="section",
                parent=route.url,
                origin="next",
            )
        )
    with transaction(context.db):
        route_read(context.db, route, status=status, leads=leads, children=below, odd=odd)
        for url, reason in contents.refused:
            known = find_route(context.db, url)
            if known is not None and known.outlet != visit.outlet.id:
                continue
            refused = Route(url=url, outlet=visit.outlet.id, kind="sitemap", parent=route.url, origin="index")
            route_failed(context.db, refused, reason, state="blocked")
    return below


async def likely_of(context: CrawlContext, visit: Visit, leads: Sequence[Lead]) -> frozenset[str]:
    """Return which of these leads sound like the subject, where they are so many that the order matters."""
    if len(leads) < MANY_LEADS:
        return frozenset()
    found: set[str] = set()
    for start in range(0, len(leads), TOLD_AT_ONCE):
        some = leads[start : start + TOLD_AT_ONCE]
        told = [(lead.headline, lead.summary[:SUMMARY_CHARACTERS]) for lead in some]
        try:
            likely = await context.workers.call(sound_likely, told, visit.outlet, seconds=LIKELY_SECONDS)
        except ReadingError as error:
            logger.info("%s: not all asked in the order of likelihood: %s", visit.outlet.id, error)
            break
        found |= {lead.url for lead, is_likely in zip(some, likely, strict=True) if is_likely}
    return frozenset(found)


async def line_up_queued(context: CrawlContext, visit: Visit) -> None:
    """Put in line what earlier crawls left."""
    leads = queued_pages(context.db, visit.outlet.id)
    likely = await likely_of(context, visit, leads)
    for lead in leads:
        visit.add(lead.url, "", likely=lead.url in likely, newness=newness(lead.url, lead.published_local))


def file_one(context: CrawlContext, visit: Visit, lead: Lead, line: str, *, likely: bool = False) -> None:
    """Give one lead its row, and its page a place in the line where it is to be fetched."""
    refused = refusal(lead.url, visit.outlet)
    screened_out, note = ("", "") if refused else _screened(context, visit, lead)
    filed = file_lead(context.db, lead, refusal=refused, screened_out=screened_out, note=note)
    if filed.new:
        visit.counts["discovered"] += 1
        if filed.state == "screened-out":
            visit.counts["screened_out"] += 1
        if filed.state == "queued":
            when = newness(filed.url, lead.published_local or lead.modified_local)
            visit.add(filed.url, line, likely=likely, newness=when)
    elif filed.own and filed.state == "archived" and _changed_since(context, filed.url, lead):
        visit.add(filed.url, line)


def _screened(context: CrawlContext, visit: Visit, lead: Lead) -> tuple[str, str]:
    """Return why a lead is not fetched, or else what is to be noted of fetching it."""
    since = context.options.since
    if since is not None and lead.published_local is not None and lead.published_local[:10] < since:
        return f"published before {since}, and the crawl was asked to fetch nothing older", ""
    if visit.outlet.screen == "all" or screen(lead.headline, lead.summary, lead.url, context.topic):
        return "", ""
    if int(hashlib.sha256(lead.url.encode(errors="replace")).hexdigest(), 16) % SCREENED_SHARE == 0:
        return (
            "",
            "fetched although the screen would leave it out: one in fifty is, to see what the screen misses",
        )
    return "headline and summary show nothing of the subject", ""


def _changed_since(context: CrawlContext, url: str, lead: Lead) -> bool:
    """Whether a route says that an archived page was changed after we last looked."""
    if lead.modified_local is None or context.options.recheck == "none":
        return False
    known = row(
        context.db,
        "SELECT a.last_checked FROM pages p JOIN articles a ON a.id = p.article"
        " WHERE p.url = ? AND a.text_source != 'feed'",
        [url],
    )
    try:
        return known is not None and (local_to_utc(lead.modified_local) or "") > known["last_checked"]
    except ValueError:
        return False


def teaser(context: CrawlContext, visit: Visit, url: str) -> FetchedPage | None:
    """Return what a feed itself says of a page that is not fetched, as an item to be kept."""
    columns = find_page(context.db, url)
    if columns is None:
        return None
    return FetchedPage(outlet=visit.outlet, exchange=lead_exchange(page_lead(columns)), body=b"")
