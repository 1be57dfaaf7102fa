"""The pipeline: what was answered goes into the archive, one transaction a page.

All writing happens here and in crawlers.filing, on the event loop's thread; reading happens in the workers.
"""

import logging
import sqlite3
from typing import TYPE_CHECKING

from archive.ingest import FORM_OF, Result, earlier_page, page_of, record_failure, record_reading
from archive.models import Lead, Outcome, Outlet, PageState, Reading, Snapshot
from archive.pages import (
    OUTCOME_STATES,
    file_lead,
    find_page,
    finish_page,
    look_again,
    postpone_page,
    refiled,
)
from archive.payloads import payload_digest
from archive.snapshots import (
    LEAD_TYPE,
    SnapshotError,
    find_snapshot,
    load_body,
    pending_snapshots,
    save_snapshot,
)
from archive.store import row, set_status, touch_article, transaction
from archive.times import utc_now
from archive.urls import is_amp_or_mobile
from crawlers.context import CrawlContext, context_of
from crawlers.failures import one_line
from crawlers.items import FetchedPage, LostPage, PageItem, UnchangedPage
from crawlers.workers import ReadingError

if TYPE_CHECKING:
    from typing import Self

    from scrapy.crawler import Crawler

    from crawlers.spiders.outlets import OutletsSpider

logger = logging.getLogger(__name__)


class ArchivePipeline:
    """Hands each item to the line, counts what became of it, and lets the spider go on."""

    def __init__(self, crawler: "Crawler") -> None:
        self.crawler = crawler

    @classmethod
    def from_crawler(cls, crawler: "Crawler") -> "Self":
        """Wire it to the crawl."""
        return cls(crawler)

    async def process_item(self, item: PageItem) -> PageItem:
        """Take one answer in. A disk or database that fails ends the crawl; anything else is that page's."""
        spider: OutletsSpider = self.crawler.spider  # type: ignore[assignment]
        line = Line(context_of(self.crawler), self.crawler.settings.getfloat("PAGE_READING_SECONDS"))
        try:
            await self._take(line, item)
            spider.page_done(item.outlet.id, page_of_item(item))
        except (OSError, sqlite3.Error, SnapshotError) as error:
            spider.abort(f"the archive cannot be written: {error}")
        return item

    async def _take(self, line: "Line", item: PageItem) -> None:
        try:
            await line.take(item)
        except (OSError, sqlite3.Error, SnapshotError):
            raise
        except Exception as error:  # a fault of ours must not cost the rest of the crawl
            logger.exception("a page could not be taken in")
            line.record_loss(_fault(item, error))


def page_of_item(item: PageItem) -> str:
    """Return the page (``pages.url``) an item is of."""
    return item.exchange.page if isinstance(item, FetchedPage) else item.page


def _fault(item: PageItem, error: Exception) -> LostPage:
    page = page_of_item(item)
    reason = f"a fault in bilateral: {type(error).__name__}: {one_line(str(error))}"
    return LostPage(outlet=item.outlet, page=page, outcome=None, reason=reason)


class Line:
    """Takes answers into the archive."""

    def __init__(self, context: CrawlContext, seconds: float) -> None:
        self.context = context
        self.seconds = seconds  # for reading one page

    async def take(self, item: PageItem) -> None:
        """Store what one answer means."""
        if isinstance(item, FetchedPage):
            await self.keep(item)
        elif isinstance(item, UnchangedPage):
            self._unchanged(item.outlet, item.page, item.article)
        else:
            await self.lose(item)

    async def keep(self, item: FetchedPage) -> Result | None:
        """Keep a page as it came and read it, unless it came just so before."""
        counts = self.context.visits[item.outlet.id].counts
        counts["fetched"] += 1
        if item.article is not None and self._same_as_before(item):
            self._unchanged(item.outlet, item.exchange.page, item.article)
            return None
        snapshot = save_snapshot(self.context.db, self.context.writer, item.exchange)
        body = item.exchange.body if snapshot.content_type == LEAD_TYPE else item.body
        result = await self.read(item.outlet, snapshot, body)
        if item.article is not None:
            touch_article(self.context.db, item.article, snapshot.fetched)
        name = COUNTED.get(result.outcome)
        if name is not None:
            counts[name] += 1
        return result

    def _same_as_before(self, item: FetchedPage) -> bool:
        last = row(
            self.context.db,
            "SELECT s.payload_digest, a.status FROM snapshots s JOIN articles a ON a.id = s.article"
            " WHERE s.article = ? AND s.status = 200 ORDER BY s.id DESC LIMIT 1",
            [item.article],
        )
        return last is not None and last == {
            "payload_digest": payload_digest(item.exchange.body),
            "status": "live",
        }

    def _unchanged(self, outlet: Outlet, page: str, article: int) -> None:
        self.context.visits[outlet.id].counts["not_modified"] += 1
        with transaction(self.context.db):
            set_status(self.context.db, article, "live", seen=utc_now(), detail="", snapshot=None)
            finish_page(self.context.db, page, Outcome.UNCHANGED, article=article)

    async def read(self, outlet: Outlet, snapshot: Snapshot, body: bytes) -> Result:
        """Extract, judge and store a page that is kept already."""
        db = self.context.db
        try:
            page = page_of(db, self.context.writer.folder, outlet, snapshot, body)
            reading = await self.context.workers.read(page, seconds=self.seconds)
        except ReadingError as error:
            return record_failure(db, snapshot, Outcome.FAILED, one_line(str(error)))
        canonical = self._promoted(outlet, snapshot, reading)
        if canonical is not None:
            return canonical
        before = earlier_page(db, self.context.writer.folder, outlet, snapshot, reading)
        earlier: Reading | None = None
        if before is not None:
            try:
                earlier = await self.context.workers.read(before, seconds=self.seconds)
            except ReadingError as error:
                logger.info("%s: its earlier snapshot cannot be read: %s", snapshot.page, error)
        result = record_reading(db, outlet, snapshot, reading, earlier)
        if result.outcome is Outcome.BLOCKED and result.reason.startswith(PASSING):
            look_again(db, snapshot.page)
        return result

    def _promoted(self, outlet: Outlet, snapshot: Snapshot, reading: Reading) -> Result | None:
        """Turn from an AMP or mobile page to the page it stands for, unless that was tried already."""
        canonical = reading.article.url
        if not is_amp_or_mobile(snapshot.page) or is_amp_or_mobile(canonical) or canonical == snapshot.url:
            return None
        db = self.context.db
        known = find_page(db, canonical)
        if known is not None and known["url"] == canonical and known["state"] not in ("queued", "duplicate"):
            return None
        reason = FORM_OF + canonical
        lead = Lead(url=canonical, outlet=outlet.id, via="section", route=snapshot.page)
        with transaction(db):
            result = record_failure(db, snapshot, Outcome.DUPLICATE, reason)
            if known is not None and known["url"] == canonical:
                refiled(db, canonical)
            else:
                file_lead(db, lead)
        self.context.visits[outlet.id].add(canonical, snapshot.page)
        return result

    async def lose(self, item: LostPage) -> None:
        """Store why a page is not to be had; where it has an AMP or mobile form that was kept, take that."""
        state = self.record_loss(item)
        if state not in ("failed", "blocked"):
            return
        kept = row(
            self.context.db,
            "SELECT s.id FROM pages p JOIN snapshots s ON s.page = p.url"
            " WHERE p.reason = ? AND p.state = 'duplicate' AND s.outcome = 'duplicate' ORDER BY s.id DESC",
            [FORM_OF + item.page],
        )
        snapshot = find_snapshot(self.context.db, kept["id"]) if kept is not None else None
        if snapshot is not None:
            await self.read(item.outlet, snapshot, load_body(self.context.writer.folder, snapshot))

    def record_loss(self, item: LostPage) -> PageState:
        """Store why a page is not to be had. Returns its state now."""
        db, counts = self.context.db, self.context.visits[item.outlet.id].counts
        if item.outcome is None:
            counts["failed"] += 1
            return postpone_page(db, item.page, item.reason, not_before=item.not_before, counted=item.counted)
        counts["failed"] += item.outcome in (Outcome.FAILED, Outcome.BLOCKED)
        with transaction(db):
            if item.exchange is not None:
                snapshot = save_snapshot(db, self.context.writer, item.exchange)
                record_failure(db, snapshot, item.outcome, item.reason)
            else:
                finish_page(db, item.page, item.outcome, reason=item.reason, redirected_to=item.redirected_to)
                if item.article is not None:
                    touch_article(db, item.article, utc_now())
        return OUTCOME_STATES[item.outcome] if item.article is None else "archived"

    async def finish_pending(self) -> int:
        """Read what an interrupted crawl had kept but not read. Returns how many pages that were."""
        pending = pending_snapshots(self.context.db)
        for snapshot in pending:
            known = find_page(self.context.db, snapshot.page)
            visit = self.context.visits.get(known["outlet"]) if known is not None else None
            if visit is None:
                continue
            try:
                body = load_body(self.context.writer.folder, snapshot)
            except SnapshotError as error:
                record_failure(self.context.db, snapshot, Outcome.FAILED, one_line(str(error)))
                refiled(self.context.db, snapshot.page)
                continue
            await self.read(visit.outlet, snapshot, body)
        return len(pending)


PASSING = ("wall: server error", "wall: maintenance")  # said by a page that was answered with 200
COUNTED = {
    Outcome.NEW: "new",
    Outcome.REVISED: "revised",
    Outcome.OFF_TOPIC: "off_topic",
    Outcome.FAILED: "failed",
    Outcome.BLOCKED: "failed",
    Outcome.WITHDRAWN: "failed",
    Outcome.GONE: "gone",
}
