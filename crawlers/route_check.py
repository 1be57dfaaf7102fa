"""Asks an outlet's routes without archiving anything: whether they are alive, and which there are.

Both questions are put by an ordinary crawl that may fetch no page, into an archive that is thrown away, so that
robots.txt, delays and the check of addresses hold here as they do there.
"""

import json
import re
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from sqlite_utils import Database

from archive.models import Country, Outlet
from archive.snapshots import find_snapshot, load_body
from archive.store import open_archive, row, rows
from crawlers.context import CrawlOptions
from crawlers.crawl import crawl
from crawlers.routes.sections import parse_page
from crawlers.routes.texts import plain_text

OPTIONAL_KEYS = (
    "feeds",
    "sitemaps",
    "sections",
    "unverified",
    "hosts",
    "ports",
    "delay",
    "access",
    "tls",
    "agencies",
    "screen",
)
MAX_LINE = 110
SETTINGS: dict[str, object] = {"SECTION_PAGES": 1, "SITEMAP_DEPTH": 2, "ROUTE_URLS": 2_000}
DEFAULT_ZONES: dict[Country, str] = {"MX": "America/Mexico_City", "US": "America/New_York"}

_DROPPED_PREFIX = re.compile(r"^(?:www\d?|m|amp)\.")


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteReport:
    """How one route answered. ``state`` is alive, empty, failed, blocked or not asked."""

    outlet: str
    url: str
    kind: str
    state: str
    reason: str = ""
    status: int | None = None
    items: int = 0  # of an index, with the sitemaps below it
    newest: str | None = None  # publication of the newest item, as printed
    origin: str = "registry"
    unverified: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Manner:
    """How to ask: under which name, and whether loopback outlets may be asked."""

    topic: Path
    allow_private_hosts: bool = False
    user_agent: str | None = None
    contact: str | None = None
    settings: Mapping[str, object] = field(default_factory=dict)
    progress: bool = False


class NothingFound(Exception):  # noqa: N818 - what happened, not an error of the program
    """A homepage that could not be asked; its message says why."""


def check_routes(outlets: Sequence[Outlet], declared: Sequence[Outlet], manner: Manner) -> list[RouteReport]:
    """Ask every route of these outlets, and return how each answered, in their order.

    Of an outlet that declares none, those that discovery finds.
    """
    with tempfile.TemporaryDirectory(prefix="bilateral-check-") as folder:
        db = _crawl(Path(folder), outlets, declared, manner, max_pages=0)
        reports = [_report(db, o, kind, url) for o in outlets for kind, url in _declared(o) or _found(db, o)]
        db.close()
    return reports


def discover(homepage: str, manner: Manner) -> tuple[Outlet, list[RouteReport]]:
    """Return a block for the outlet behind a homepage, and what was asked to find its routes.

    Name and language are the page's; country, time zone and kind are guesses from those and the address.
    Raises NothingFound where the homepage cannot be asked.
    """
    outlet = Outlet(
        id=_slug(homepage), name=_slug(homepage), country="US", language="en", homepage=homepage,
        timezone=DEFAULT_ZONES["US"],
    )  # fmt: skip
    with tempfile.TemporaryDirectory(prefix="bilateral-discover-") as folder:
        db = _crawl(Path(folder), [outlet], [outlet], manner, max_pages=0)
        reports = [_report(db, outlet, kind, url) for kind, url in _found(db, outlet)]
        if not any(report.state in ("alive", "empty") for report in reports):
            reason = next(
                (report.reason for report in reports if report.kind == "homepage"), "it was not asked"
            )
            raise NothingFound(f"{homepage}: {reason}")
        db.close()
        outlet = _described(Path(folder), outlet, manner)
    alive = [report for report in reports if report.state == "alive"]

    def urls(kind: str) -> tuple[str, ...]:
        return tuple(report.url for report in alive if report.kind == kind)

    sections = urls("section") or urls("homepage")
    return replace(outlet, feeds=urls("feed"), sitemaps=urls("sitemap"), sections=sections), reports


def registry_block(outlet: Outlet) -> str:
    """Return an outlet as a block of the registry, what is left at its default left out."""
    default = Outlet(id="", name="", country="MX", language="", homepage="", timezone="")
    lines = ["[[outlet]]"]
    for key in ("id", "name", "country", "language", "kind", "homepage", "timezone", *OPTIONAL_KEYS):
        value = getattr(outlet, key)
        if key in OPTIONAL_KEYS and value == getattr(default, key):
            continue
        lines += _toml_lines(key, list(value) if isinstance(value, tuple) else value)
    return "\n".join(lines) + "\n"


def _toml_lines(key: str, value: Any) -> list[str]:
    line = f"{key} = {json.dumps(value, ensure_ascii=False)}"  # JSON's texts, numbers and lists are TOML's
    if len(line) <= MAX_LINE or not isinstance(value, list):
        return [line]
    return [f"{key} = [", *(f"  {json.dumps(each, ensure_ascii=False)}," for each in value), "]"]


def _crawl(
    folder: Path, outlets: Sequence[Outlet], declared: Sequence[Outlet], manner: Manner, **asked: Any
) -> Database:
    path = folder / "check.db"
    crawl(
        CrawlOptions(
            db=path, warc_dir=folder / "warc", topic=manner.topic, outlets=outlets, declared=declared,
            recheck="none", allow_private_hosts=manner.allow_private_hosts, user_agent=manner.user_agent,
            contact=manner.contact, settings={**manner.settings, **SETTINGS}, progress=manner.progress, **asked,
        )
    )  # fmt: skip
    return open_archive(path)


def _declared(outlet: Outlet) -> list[tuple[str, str]]:
    kinds = (("feed", outlet.feeds), ("sitemap", outlet.sitemaps), ("section", outlet.sections))
    return [(kind, url) for kind, urls in kinds for url in urls]


def _found(db: Database, outlet: Outlet) -> list[tuple[str, str]]:
    found = rows(
        db,
        "SELECT kind, url FROM routes WHERE outlet = ? AND origin NOT IN ('index', 'next') ORDER BY rowid",
        [outlet.id],
    )
    return [(each["kind"], each["url"]) for each in found]


def _report(db: Database, outlet: Outlet, kind: str, url: str) -> RouteReport:
    unverified = url in outlet.unverified
    known = row(db, "SELECT * FROM routes WHERE url = ? AND state IS NOT NULL", [url])
    if known is None:
        note = row(db, "SELECT note FROM crawl_outlets WHERE outlet = ?", [outlet.id])
        reason = (note or {}).get("note") or ""
        return RouteReport(
            outlet=outlet.id, url=url, kind=kind, state="not asked", reason=reason, unverified=unverified
        )
    below = rows(db, "SELECT items, newest FROM routes WHERE parent = ? AND state = 'ok'", [url])
    all_read = [known, *below]
    items = sum(each["items"] or 0 for each in all_read)
    newest = max((each["newest"] for each in all_read if each["newest"]), default=None)
    state = ("alive" if items else "empty") if known["state"] == "ok" else known["state"]
    return RouteReport(
        outlet=outlet.id, url=url, kind=kind, state=state, reason=known["reason"] or "", status=known["status"],
        items=items, newest=newest, origin=known["origin"], unverified=unverified,
    )  # fmt: skip


def _described(folder: Path, outlet: Outlet, manner: Manner) -> Outlet:
    """Return the outlet with what its homepage says of itself."""
    db = _crawl(folder, [outlet], [outlet], manner, urls=[(outlet, outlet.homepage)])
    known = row(db, "SELECT id FROM snapshots ORDER BY id DESC LIMIT 1")
    snapshot = find_snapshot(db, known["id"]) if known else None
    body = load_body(folder / "warc", snapshot) if snapshot else b""
    db.close()
    root = parse_page(body, snapshot.content_type if snapshot else None)
    name, language = "", ""
    if root is not None:
        title = root.xpath("string(//meta[@property='og:site_name']/@content)") or root.xpath(
            "string(//title)"
        )
        name = re.split(r"\s[|–—-]\s", title)[0]
        language = root.xpath("string(/html/@lang)").lower()[:2]
    host = urlsplit(outlet.homepage).hostname or ""
    spanish = language == "es" if language in ("es", "en") else host.endswith(".mx")
    country: Country = "MX" if host.endswith(".mx") or (spanish and not host.endswith(".gov")) else "US"
    return replace(
        outlet, name=plain_text(name, 80) or outlet.name, country=country, language="es" if spanish else "en",
        timezone=DEFAULT_ZONES[country], kind=_kind(host),
    )  # fmt: skip


def _kind(host: str) -> str:
    return "official" if re.search(r"(?:^|\.)(?:gob\.mx|gov|mil)$", host) else "newspaper"


def _slug(homepage: str) -> str:
    host = _DROPPED_PREFIX.sub("", urlsplit(homepage).hostname or "")
    name = re.sub(r"(?:\.(?:com|org|net|info|gob|gov|edu|mil))?(?:\.[a-z]{2,10})?$", "", host)
    return re.sub(r"[^a-z0-9]+", "-", (name or host).lower()).strip("-") or "outlet"
