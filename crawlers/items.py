"""What the spider hands to the pipeline: a page that was answered, one way or another."""

from dataclasses import dataclass

from archive.models import Outcome, Outlet
from archive.snapshots import Exchange


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchedPage:
    """An answer to be kept and read."""

    outlet: Outlet
    exchange: Exchange
    body: bytes  # decoded
    article: int | None = None  # the archived article this is a visit of


@dataclass(frozen=True, slots=True, kw_only=True)
class UnchangedPage:
    """A 304: the archived article is as it was."""

    outlet: Outlet
    page: str  # pages.url
    article: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LostPage:
    """An answer that is no article, or no answer at all."""

    outlet: Outlet
    page: str  # pages.url
    outcome: Outcome | None  # None: it may pass, try again
    reason: str
    not_before: str | None = None  # UTC; where the server said when to come again
    exchange: Exchange | None = None  # kept where it tells something of an archived article
    redirected_to: str | None = None
    article: int | None = None
    counted: bool = True  # whether it was a try of this page, and not only of its host


PageItem = FetchedPage | UnchangedPage | LostPage
