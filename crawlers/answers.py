"""What a page's answer means, before anybody reads it: an article to read, a 304, a loss with its reason."""

from scrapy.http import Response

from archive.models import Outcome, Outlet
from archive.snapshots import Exchange
from archive.urls import is_listing, same_page
from crawlers.failures import not_a_page, status_loss
from crawlers.items import FetchedPage, LostPage, PageItem, UnchangedPage

GONE_STATUSES = (404, 410)


def page_item(outlet: Outlet, response: Response) -> PageItem:
    """Return the item for an answer to a page request (see crawlers.middlewares for its ``meta``)."""
    meta = response.meta
    page: str = meta["page"]
    article: int | None = meta.get("article")
    exchange: Exchange = meta["exchange"]
    redirected_to = None if same_page(response.url, page) else response.url
    if response.status == 304 and article is not None:
        return UnchangedPage(outlet=outlet, page=page, article=article)

    def lost(outcome: Outcome | None, reason: str, *, kept: bool = False) -> LostPage:
        return LostPage(
            outlet=outlet, page=page, outcome=outcome, reason=reason, article=article,
            exchange=exchange if kept else None, redirected_to=redirected_to,
        )  # fmt: skip

    loss = status_loss(response.status, response.body, challenge=b"cf-mitigated" in response.headers)
    if loss is not None:
        if article is not None and response.status in GONE_STATUSES:
            return lost(Outcome.GONE, loss.reason, kept=True)
        return lost(loss.outcome, loss.reason)
    if redirected_to is not None and _leads_to_no_article(redirected_to, page, outlet):
        where = "the homepage" if same_page(redirected_to, outlet.homepage) else "a section"
        outcome = Outcome.FAILED if article is None else Outcome.GONE
        return lost(outcome, f"redirects to {where}", kept=article is not None)
    if not response.body.strip():
        return lost(Outcome.FAILED, "an empty answer", kept=True)
    what = not_a_page(response.body)
    if what is not None:
        return lost(Outcome.FAILED, what, kept=True)
    return FetchedPage(outlet=outlet, exchange=exchange, body=response.body, article=article)


def _leads_to_no_article(url: str, page: str, outlet: Outlet) -> bool:
    if same_page(url, outlet.homepage) or any(same_page(url, section) for section in outlet.sections):
        return True
    return is_listing(url) and not is_listing(page)
