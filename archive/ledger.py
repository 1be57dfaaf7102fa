"""The books of the crawl: what each route answered last, what each crawl did, and who has gone silent."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any, Literal

from sqlite_utils import Database

from archive.models import Lead, RouteKind
from archive.store import row, rows, transaction
from archive.times import utc_now

SAVED_UNASKED = 10  # routes below one that have a row before they are asked

RouteState = Literal["ok", "unchanged", "failed", "blocked"]

COUNTS = (
    "discovered", "screened_out", "fetched", "not_modified", "new", "revised", "off_topic", "failed",
    "routes_ok", "routes_failed",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """A feed, sitemap or section page as it was known after its last visit."""

    url: str
    outlet: str
    kind: RouteKind
    parent: str | None = None  # the route that named it
    origin: str = "registry"  # or robots, homepage, well-known, index (a sitemap's), next (a section's)
    etag: str | None = None
    last_modified: str | None = None


def find_route(db: Database, url: str) -> Route | None:
    """Return what is known of a route, with the validators for a conditional request."""
    known = row(
        db, "SELECT url, outlet, kind, parent, origin, etag, last_modified FROM routes WHERE url = ?", [url]
    )
    return Route(**known) if known else None


def names_pages(db: Database, url: str) -> bool | None:
    """Return whether a route named any page when it last answered, itself or by a route below it.

    None where it never answered, or only that its server was in trouble.
    """
    known = row(
        db,
        "SELECT items, last_ok, status, EXISTS (SELECT 1 FROM routes below WHERE below.parent = r.url"
        " AND below.items > 0) AS below FROM routes r WHERE url = ?",
        [url],
    )
    if known is None:
        return None
    if known["items"] or known["below"]:
        return True
    answered = known["last_ok"] is not None or (known["status"] is not None and known["status"] < 500)
    return False if answered else None


def routes_below(db: Database, parent: str) -> list[Route]:
    """Return the routes that a route named when it last answered in full."""
    found = rows(
        db,
        "SELECT url, outlet, kind, parent, origin, etag, last_modified FROM routes WHERE parent = ?"
        " ORDER BY rowid",
        [parent],
    )
    return [Route(**columns) for columns in found]


def discovered_routes(db: Database, outlet: str) -> list[Route]:
    """Return the routes found by discovery that have answered before."""
    found = rows(
        db,
        "SELECT url, outlet, kind, parent, origin, etag, last_modified FROM routes"
        " WHERE outlet = ? AND origin IN ('robots', 'homepage', 'well-known') AND last_ok IS NOT NULL"
        " ORDER BY rowid",
        [outlet],
    )
    return [Route(**columns) for columns in found]


def route_read(
    db: Database,
    route: Route,
    *,
    status: int,
    leads: Sequence[Lead],
    children: Sequence[Route],
    odd: str = "",
) -> None:
    """Note an answer that was read: its validators, what it named, and the routes below it in place of those before.

    Of those below that were never asked only the first are noted: the others when they are asked. ``odd`` says, in
    words, what was not as it should be.
    """
    newest = max((lead.published_local for lead in leads if lead.published_local), default=None)
    with transaction(db):
        now = utc_now()
        _save(
            db, route, state="ok", reason=odd, status=status, etag=route.etag,
            last_modified=route.last_modified, last_checked=now, last_ok=now, items=len(leads),
            newest=newest,
        )  # fmt: skip
        kept = {child.url for child in children}
        for known in routes_below(db, route.url):
            if known.url not in kept:
                db.execute("UPDATE routes SET parent = NULL WHERE url = ?", [known.url])
        for child in children[:SAVED_UNASKED]:
            _save(db, child)


def route_unchanged(db: Database, route: Route) -> None:
    """Note a 304."""
    with transaction(db):
        now = utc_now()
        _save(db, route, state="unchanged", reason="", status=304, last_checked=now, last_ok=now)


def route_failed(
    db: Database, route: Route, reason: str, *, state: RouteState = "failed", status: int | None = None
) -> None:
    """Note why a route could not be read. Its validators are forgotten where it did answer."""
    forgotten = {} if status is None else {"etag": None, "last_modified": None}
    with transaction(db):
        _save(db, route, state=state, reason=reason, status=status, last_checked=utc_now(), **forgotten)


def _save(db: Database, route: Route, **columns: Any) -> None:
    db.execute(
        "INSERT INTO routes (url, outlet, kind, parent, origin) VALUES (?,?,?,?,?) ON CONFLICT (url) DO"
        " UPDATE SET outlet = excluded.outlet, kind = excluded.kind, parent = excluded.parent,"
        " origin = excluded.origin",
        [route.url, route.outlet, route.kind, route.parent, route.origin],
    )
    if columns:
        assignments = ", ".join(f"{name} = ?" for name in columns)
        db.execute(f"UPDATE routes SET {assignments} WHERE url = ?", [*columns.values(), route.url])


def begin_crawl(db: Database, *, outlets: Sequence[str]) -> int:
    """Open the books of a crawl. Those of crawls that never ended are closed as interrupted."""
    with transaction(db):
        db.execute("UPDATE crawls SET outcome = 'interrupted', finished = started WHERE finished IS NULL")
        cursor = db.execute(
            "INSERT INTO crawls (started, outlets, version) VALUES (?,?,?)",
            [utc_now(), len(outlets), version("bilateral")],
        )
        number = int(cursor.lastrowid or 0)
        db.conn.executemany(
            "INSERT INTO crawl_outlets (crawl, outlet) VALUES (?,?)", [(number, o) for o in outlets]
        )
        return number


def note_topic(db: Database, crawl: int, version: str) -> None:
    """Enter by which version of the topic a crawl judges."""
    with transaction(db):
        db.execute("UPDATE crawls SET topic_version = ? WHERE id = ?", [version, crawl])


def save_visit(
    db: Database, crawl: int, outlet: str, counts: Mapping[str, int], *, seconds: float, note: str
) -> None:
    """Enter how far one outlet's visit is."""
    names = ", ".join(f"{name} = ?" for name in COUNTS)
    with transaction(db):
        db.execute(
            f"UPDATE crawl_outlets SET {names}, seconds = ?, note = ? WHERE crawl = ? AND outlet = ?",
            [*(counts.get(name, 0) for name in COUNTS), round(seconds, 1), note, crawl, outlet],
        )


def note_visit(db: Database, crawl: int, outlet: str, note: str) -> None:
    """Enter what kept an outlet's visit from its end."""
    with transaction(db):
        db.execute("UPDATE crawl_outlets SET note = ? WHERE crawl = ? AND outlet = ?", [note, crawl, outlet])


def adopt_visits(db: Database, crawl: int, *, apart_from: Sequence[int]) -> None:
    """Make the visits of all crawls that are not named visits of one crawl, and drop those crawls.

    For what a part of a crawl entered in books of its own. Of an outlet visited several times, since its first process
    was killed, counts and seconds are added.
    """
    sums = ", ".join(f"{name} = {name} + ?" for name in (*COUNTS, "seconds"))
    with transaction(db):
        kept = ", ".join(map(str, (crawl, *apart_from)))
        for visit in rows(db, f"SELECT * FROM crawl_outlets WHERE crawl NOT IN ({kept}) ORDER BY crawl"):
            db.execute(
                f"UPDATE crawl_outlets SET {sums}, note = ? WHERE crawl = ? AND outlet = ?",
                [*(visit[name] for name in (*COUNTS, "seconds")), visit["note"], crawl, visit["outlet"]],
            )
        version = f"SELECT max(topic_version) FROM crawls WHERE id NOT IN ({kept})"
        db.execute(
            f"UPDATE crawls SET topic_version = coalesce(({version}), topic_version) WHERE id = ?", [crawl]
        )
        db.execute(f"DELETE FROM crawl_outlets WHERE crawl NOT IN ({kept})")
        db.execute(f"DELETE FROM crawls WHERE id NOT IN ({kept})")


def finish_crawl(db: Database, crawl: int, outcome: str) -> None:
    """Close the books: totals over the outlets, and the outcome (``done``, ``stopped`` or a failure)."""
    totals = Counter[str]()
    for columns in rows(db, "SELECT * FROM crawl_outlets WHERE crawl = ?", [crawl]):
        totals.update({name: columns[name] for name in COUNTS})
    kept = [name for name in COUNTS if name not in ("screened_out", "routes_ok", "routes_failed")]
    assignments = ", ".join(f"{name} = ?" for name in kept)
    with transaction(db):
        db.execute(
            f"UPDATE crawls SET finished = ?, outcome = ?, {assignments} WHERE id = ?",
            [utc_now(), outcome, *(totals[name] for name in kept), crawl],
        )
