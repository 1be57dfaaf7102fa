"""The records that pass from one stage of the line to the next. Frozen, and without behaviour.

    Lead ─► Snapshot ─► Page ─► Article ─► Verdict ─► Outcome

Times are strings: UTC as ``YYYY-MM-DDTHH:MM:SSZ``, or, where a field says *local*, ISO 8601 with the
publisher's own offset.
"""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

Country = Literal["MX", "US"]
Access = Literal["open", "metered", "hard", "feed-only"]
Tls = Literal["verified", "unverified"]
Via = Literal["feed", "sitemap", "section", "manual", "backfill"]
RouteKind = Literal["feed", "sitemap", "section", "robots", "homepage"]
Completeness = Literal["full", "teaser", "wall", "soft-404", "index", "empty"]
Form = Literal["article", "live", "transcript", "gallery", "release", "video"]
PageState = Literal["screened-out", "queued", "off-topic", "archived", "failed", "duplicate", "blocked"]
ArticleStatus = Literal["live", "gone", "moved"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlet:
    """One newspaper, broadcaster, wire or government office, as the registry declares it."""

    id: str
    name: str
    country: Country
    language: str
    homepage: str
    timezone: str
    kind: str = "newspaper"
    feeds: tuple[str, ...] = ()
    sitemaps: tuple[str, ...] = ()
    sections: tuple[str, ...] = ()
    unverified: tuple[str, ...] = ()  # those of the routes above that nobody has reported alive
    hosts: tuple[str, ...] = ()
    ports: tuple[int, ...] = ()  # beyond 80 and 443
    delay: float = 2.0  # seconds between two requests to one host
    access: Access = "open"
    tls: Tls = "verified"  # whether its certificate must be in order
    agencies: tuple[str, ...] = ()
    screen: Literal["all", "summary"] = "all"


@dataclass(frozen=True, slots=True, kw_only=True)
class Lead:
    """A URL somebody pointed at, with whatever was said about it there."""

    url: str
    outlet: str
    via: Via
    route: str = ""  # the feed, sitemap or section page that named it
    headline: str = ""
    summary: str = ""  # plain text
    published_local: str | None = None  # ISO 8601, with offset where the route gave one
    modified_local: str | None = None
    content: str = ""  # HTML the feed carries in full (content:encoded and its kin)


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """One answer as it was kept: where its WARC record lies and what the server said of it."""

    id: int
    url: str  # the address that answered, after redirects
    page: str  # pages.url: the address that was asked
    fetched: str
    status: int
    warc_file: str  # relative to the WARC folder
    warc_offset: int  # bytes
    warc_length: int  # bytes, of the compressed response record
    payload_digest: str  # sha256:…
    content_type: str | None = None
    etag: str | None = None
    last_modified: str | None = None
    tls: Tls | None = None  # whether the server's certificate was checked; null over plain HTTP


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """All that extraction may look at: the bytes, and what is known of them beforehand. Picklable."""

    url: str
    body: bytes
    fetched: str  # UTC
    content_type: str | None = None  # the HTTP header, charset included
    timezone: str | None = None  # IANA; for times printed without an offset
    language: str | None = None  # the outlet's; used where the page says nothing
    country: str | None = None
    outlet: str = ""  # id
    outlet_name: str = ""
    agencies: tuple[str, ...] = ()
    homepage: str = ""
    hosts: tuple[str, ...] = ()
    lead: Lead | None = None
    boilerplate: frozenset[str] = frozenset()  # digests of blocks this outlet repeats under its articles
    amp: bytes = (
        b""  # its AMP or mobile form, where that was fetched too; read where the page itself is walled or cut
    )

    @classmethod
    def of(
        cls, outlet: Outlet, url: str, body: bytes, *, fetched: str, content_type: str | None = None
    ) -> "Page":
        """Return a page of an outlet, with all that its registry entry says of it."""
        return cls(
            url=url,
            body=body,
            fetched=fetched,
            content_type=content_type,
            timezone=outlet.timezone,
            language=outlet.language,
            country=outlet.country,
            outlet=outlet.id,
            outlet_name=outlet.name,
            agencies=outlet.agencies,
            homepage=outlet.homepage,
            hosts=outlet.hosts,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class DateCandidate:
    """One date the page or its route offers, kept as it was printed."""

    role: Literal["published", "modified"]
    raw: str
    source: str  # json-ld, meta, time, text, feed, sitemap, url
    local: str | None  # ISO 8601 with offset, or null where it could not be read or was refused
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Article:
    """What was taken off a page."""

    url: str  # canonical
    title: str
    text: str
    completeness: Completeness = "full"
    completeness_reason: str = ""
    form: Form = "article"
    description: str = ""
    authors: tuple[str, ...] = ()
    section: str = ""
    tags: tuple[str, ...] = ()
    language: str | None = None
    image: str | None = None
    wire: str | None = None  # the agency credited
    published_local: str | None = None  # ISO 8601 with offset
    published_source: str = ""  # where the winning candidate came from
    published_precision: Literal["minute", "day", ""] = ""
    modified_local: str | None = None
    zone_assumed: bool = False  # the page gave no offset and the outlet's zone was used
    dates: tuple[DateCandidate, ...] = ()
    paywalled: bool = False
    text_source: Literal["page", "feed", "amp"] = "page"  # amp: the page's AMP or mobile form
    encoding_repaired: str = ""  # what was wrong with the bytes, empty where nothing was


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """One reason of a verdict, as an editor can check it."""

    text: str  # the words found
    where: str  # title, lede, body, or text for what holds of the whole
    points: float
    why: str  # in words: "both governments act in the same sentence: …"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Whether a text is on the subject: 2 core, 1 related, 0 not."""

    grade: int
    score: float
    terms: tuple[Term, ...] = field(default=())
    topic_version: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What a worker makes of one page: the text taken off it and the verdict on that text.

    ``verdict`` is None where there was nothing to judge (a wall, an index page, an empty body).
    """

    article: Article
    verdict: Verdict | None


class Outcome(StrEnum):
    """What became of one fetched page. Each ends in exactly one."""

    NEW = "new"
    REVISED = "revised"
    UNCHANGED = "unchanged"
    OFF_TOPIC = "off-topic"
    DUPLICATE = "duplicate"
    BLOCKED = "blocked"
    FAILED = "failed"
    GONE = "gone"
    WITHDRAWN = "withdrawn"  # withdrawn on request: nothing of it is kept in the database
