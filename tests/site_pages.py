"""The addresses of every kind of page of the site, over an archive of the demo newsroom."""

import asyncio
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

from archive.site.app import build_site

Get = Callable[..., Any]

TABLES = (
    "articles", "outlets", "stories", "pages", "revisions", "events", "snapshots", "routes", "crawls",
    "crawl_outlets", "verdicts", "mentions", "copies", "copy_groups", "takedowns", "coverage", "gaps", "seen_per_day",
)  # fmt: skip
QUERIES = (
    "search?q=seguridad", "latest_by_country?country=mx", "latest_by_outlet?outlet=faro", "changed_after_publication",
    "gone", "outlets_gone_silent", "attention_by_month",
)  # fmt: skip


def client(archive: Path, *, public: bool = False) -> Get:
    """Return what asks the site over an archive for a path, and returns the answer."""
    site = build_site(archive, public=public)
    loop = asyncio.new_event_loop()
    loop.run_until_complete(site.invoke_startup())
    return lambda path, **options: loop.run_until_complete(site.client.get(path, **options))


def one(archive: Path, sql: str) -> str:
    """Return the first value that a query finds."""
    with sqlite3.connect(archive) as connection:
        return str(connection.execute(sql).fetchone()[0])


def own_pages(archive: Path) -> list[str]:
    """Return an address of each kind of page that is the site's own, in all its states."""
    revised = one(archive, "SELECT id FROM articles WHERE revisions > 1 AND grade > 0")
    gone = one(archive, "SELECT id FROM articles WHERE status = 'gone' AND grade > 0")
    copied = one(archive, "SELECT id FROM articles WHERE copy_group IS NOT NULL AND grade > 0")
    story = one(archive, "SELECT id FROM stories ORDER BY articles DESC")
    outlet = one(archive, "SELECT outlet FROM articles WHERE grade > 0")
    return [
        "/",
        "/search",
        "/search?q=seguridad",
        "/search?q=guns&both=1&sort=oldest&copies=all&country=US&from=2025-12&to=2026",
        "/search?q=xyzzyx&country=MX",
        "/search?q=armas&from=2026-99",
        f"/article/{revised}",
        f"/article/{gone}",
        f"/article/{copied}",
        "/changes",
        "/stories",
        f"/story/{story}",
        "/calendar",
        "/outlets",
        f"/outlet/{outlet}",
        "/about",
        "/nothing-here",
    ]


def table_pages(archive: Path) -> list[str]:
    """Return an address of each kind of page that is Datasette's."""
    article = one(archive, "SELECT id FROM articles")
    return [
        "/archive",
        "/archive?_show_hidden=1",
        *(f"/archive/{table}" for table in TABLES),
        "/archive/articles?country=MX&title__contains=a&_sort=published",
        "/archive/articles?_search=seguridad",
        "/archive/articles?grade=7",
        f"/archive/articles/{article}",
        "/archive/revisions/1",
        "/archive/outlets/faro",
        *(f"/archive/{query}" for query in QUERIES),
        "/archive?sql=select+outlet,+title+from+articles",
        "/archive?sql=select+:x",
        "/archive?sql=selekt",
        "/archive?sql=delete+from+articles",
        "/archive/articles?_sort=nonsense",
        "/archive/nothing",
        "/archive/articles/0",
        "/-/versions",
    ]


def all_pages(archive: Path) -> list[str]:
    """Return an address of each kind of page."""
    return own_pages(archive) + table_pages(archive)


def in_language(path: str, language: str) -> str:
    """Return an address with the language in it."""
    return f"{path}{'&' if '?' in path else '?'}lang={language}"
