"""Every URL ever discovered, and what became of it: one row each, in one named state.

`pages` is also the frontier: what is ``queued`` was not done yet and is done by the next crawl.
"""

import dataclasses
import functools
import hashlib
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlite_utils import Database

from archive.models import Lead, Outcome, PageState
from archive.revisions import is_developing
from archive.store import is_withdrawn, row, rows, transaction
from archive.times import format_utc, parse_utc, utc_now
from archive.urls import BadURL, canonical_url, is_amp_or_mobile, url_key

_OPAQUE = "?"  # how the key of a URL begins that is refused
MAX_TRIES = 5  # failures after which a page is left alone
RETRY_AFTER = (timedelta(minutes=0), timedelta(minutes=30), timedelta(hours=3), timedelta(hours=24))
MAX_KEPT_CONTENT_CHARACTERS = 200_000  # of a feed item's own full text, until the page is done

# After first_seen: when an archived article is looked at again.
REVISIT_LADDER = tuple(
    timedelta(**step)
    for step in ({"hours": 1}, {"hours": 3}, {"hours": 12}, {"days": 2}, {"days": 7}, {"days": 30})
)
# After its last change: the steps between for a new article that has changed, or says that it is still being written.
DEVELOPING_LADDER = tuple(timedelta(minutes=minutes) for minutes in (10, 20, 30, 45, 90, 120))
DEVELOPING_FOR = timedelta(days=1)  # after first_seen

OUTCOME_STATES: dict[Outcome, PageState] = {
    Outcome.NEW: "archived",
    Outcome.REVISED: "archived",
    Outcome.UNCHANGED: "archived",
    Outcome.OFF_TOPIC: "off-topic",
    Outcome.DUPLICATE: "duplicate",
    Outcome.BLOCKED: "blocked",
    Outcome.FAILED: "failed",
    Outcome.GONE: "failed",
    Outcome.WITHDRAWN: "blocked",
}


@dataclass(frozen=True, slots=True)
class Filed:
    """What `file_lead` made of a lead: the address to ask, or the state it ended in at once."""

    url: str
    state: PageState
    new: bool
    own: bool = True  # whether it is a page of the outlet that named it


def file_lead(
    db: Database, lead: Lead, *, refusal: str | None = None, screened_out: str = "", note: str = "",
    discovered: str | None = None,
) -> Filed:  # fmt: skip
    """Give a discovered URL its row, unless it has one.

    ``refusal`` says why it may not be asked at all (then its state is ``blocked``), ``screened_out`` why it
    shall not; ``note`` is the reason of a queued page; ``discovered`` is when it was, if not now. A URL that is
    another form of one already filed becomes a ``duplicate`` of that.
    """
    with transaction(db):
        known = row(db, "SELECT url, state, key, outlet FROM pages WHERE url = ?", [lead.url])
        if known is not None and not (refusal is None and _was_refused(known)):
            own = known["outlet"] == lead.outlet
            return Filed(known["url"], known["state"], new=False, own=own)
        if known is not None:  # another outlet named it, which may not; or the registry has changed
            db.execute("DELETE FROM pages WHERE url = ?", [lead.url])
        withdrawn = _is_withdrawn(db, lead.url)
        kept = dataclasses.replace(lead, summary="", content="") if withdrawn else lead
        insert = functools.partial(_insert, db, kept, discovered or utc_now())
        if refusal is not None:
            return insert(lead.url, _opaque_key(lead.url), "blocked", refusal)
        try:
            address, key = _address(lead.url), url_key(lead.url)
        except BadURL as error:
            return insert(lead.url, _opaque_key(lead.url), "blocked", str(error))
        other = row(db, "SELECT url, state FROM pages WHERE key = ? AND state != 'duplicate'", [key])
        if other is not None:
            return insert(lead.url, key, "duplicate", f"another form of {other['url']}")
        if withdrawn:
            return insert(lead.url, key, "blocked", "withdrawn on request")
        if address != lead.url:
            insert(lead.url, key, "duplicate", f"another form of {address}")
        state: PageState = "screened-out" if screened_out else "queued"
        return insert(address, key, state, screened_out or note)


def _was_refused(page: dict[str, Any]) -> bool:
    """Whether a page may not be asked because of who named it; it has no key that others are recognised by."""
    return page["state"] == "blocked" and str(page["key"]).startswith(_OPAQUE)


def _is_withdrawn(db: Database, url: str) -> bool:
    try:
        return is_withdrawn(db, url)
    except BadURL:
        return False


def _address(url: str) -> str:
    # The plain address behind an AMP or mobile one is a guess; the page itself names it (rel=canonical).
    return url.partition("#")[0] if is_amp_or_mobile(url) else canonical_url(url)


def _opaque_key(url: str) -> str:
    return _OPAQUE + hashlib.sha256(url.encode(errors="replace")).hexdigest()


def _insert(
    db: Database, lead: Lead, discovered: str, url: str, key: str, state: PageState, reason: str
) -> Filed:
    content = lead.content[:MAX_KEPT_CONTENT_CHARACTERS] if state == "queued" else ""
    db.execute(
        "INSERT OR IGNORE INTO pages (url, key, outlet, discovered, via, route, headline, summary,"
        " published_local, content, state, reason) VALUES (?,?,?,?,?,?,?,?,?,?,?,?)",
        [url, key, lead.outlet, discovered, lead.via, lead.route, lead.headline, lead.summary,
         lead.published_local, content, state, reason],
    )  # fmt: skip
    return Filed(url, state, new=True)


def queued_pages(db: Database, outlet: str) -> list[Lead]:
    """Return the pages still to be fetched of an outlet, and due, the newest discovered first.

    Of what their routes said of them the beginning of the summary; the text that came with it stays where it is.
    """
    found = rows(
        db,
        "SELECT url, outlet, via, route, headline, substr(summary, 1, 400) AS summary, published_local,"
        " '' AS content FROM pages WHERE state = 'queued' AND outlet = ? AND (next_try IS NULL OR next_try <= ?)"
        " ORDER BY discovered DESC, rowid",
        [outlet, utc_now()],
    )
    return [page_lead(columns) for columns in found]


def page_lead(columns: dict[str, Any]) -> Lead:
    """Return what the route said of a page, from its row."""
    return Lead(
        url=columns["url"],
        outlet=columns["outlet"],
        via=columns["via"],
        route=columns["route"],
        headline=columns["headline"],
        summary=columns["summary"],
        published_local=columns["published_local"],
        content=columns["content"],
    )


def find_page(db: Database, url: str) -> dict[str, Any] | None:
    """Return the row of a URL, or of the page it is another form of."""
    known = row(db, "SELECT * FROM pages WHERE url = ?", [url])
    if known is not None:
        return known
    try:
        key = url_key(url)
    except BadURL:
        return None
    return row(db, "SELECT * FROM pages WHERE key = ? ORDER BY state = 'duplicate'", [key])


def original_page(db: Database, url: str) -> dict[str, Any]:
    """Return the row of a URL that was filed, or of the page it is a duplicate of."""
    found = rows(
        db,
        "SELECT other.* FROM pages p JOIN pages other ON other.key = p.key WHERE p.url = ?"
        " ORDER BY other.state = 'duplicate', other.url = p.url DESC",
        [url],
    )
    return found[0]


def finish_page(
    db: Database,
    url: str,
    outcome: Outcome,
    *,
    reason: str = "",
    article: int | None = None,
    redirected_to: str | None = None,
) -> None:
    """Put a page in the state its outcome means. An archived page keeps that state, whatever comes later."""
    with transaction(db):
        db.execute(
            "UPDATE pages SET state = CASE WHEN state = 'archived' THEN state ELSE ? END,"
            " reason = CASE WHEN state = 'archived' AND ? != 'archived' THEN reason ELSE ? END,"
            " article = coalesce(?, article), redirected_to = coalesce(?, redirected_to),"
            " content = '', tries = tries + 1, last_try = ?, next_try = NULL WHERE url = ?",
            [
                OUTCOME_STATES[outcome],
                OUTCOME_STATES[outcome],
                reason,
                article,
                redirected_to,
                utc_now(),
                url,
            ],
        )


def postpone_page(
    db: Database, url: str, reason: str, *, not_before: str | None = None, counted: bool = True
) -> PageState:
    """Note a failure that may pass: the page stays queued until its tries are used up, then is failed.

    A try that never reached the page (its host does not answer at all) is not ``counted``.
    """
    with transaction(db):
        known = row(db, "SELECT state, tries FROM pages WHERE url = ?", [url])
        if known is None:
            return "failed"
        tries = int(known["tries"]) + counted
        state: PageState = known["state"]
        if state == "queued" and tries >= MAX_TRIES:
            state = "failed"
        wait = RETRY_AFTER[min(max(tries, 1), len(RETRY_AFTER)) - 1]
        next_try = not_before or format_utc(parse_utc(utc_now()) + wait)
        db.execute(
            "UPDATE pages SET state = ?, reason = ?, tries = ?, last_try = ?, next_try = ? WHERE url = ?",
            [state, known_reason(state, reason), tries, utc_now(), next_try, url],
        )
        return state


def look_again(db: Database, url: str) -> None:
    """Queue a page whose answer may pass although its status did not say so, until its tries are used up."""
    with transaction(db):
        known = row(db, "SELECT tries FROM pages WHERE url = ? AND state IN ('blocked', 'failed')", [url])
        if known is not None and known["tries"] < MAX_TRIES:
            wait = RETRY_AFTER[min(known["tries"], len(RETRY_AFTER) - 1)]
            db.execute(
                "UPDATE pages SET state = 'queued', next_try = ? WHERE url = ?",
                [format_utc(parse_utc(utc_now()) + wait), url],
            )


def note_left(db: Database, outlet: str, why: str) -> None:
    """Note why the pages of an outlet that wait were not asked in this crawl."""
    with transaction(db):
        db.execute(
            "UPDATE pages SET reason = ? WHERE outlet = ? AND state = 'queued' AND reason = ''",
            [f"left for the next crawl: {why}", outlet],
        )


def known_reason(state: PageState, reason: str) -> str:
    """Return the reason to keep: an archived page's failed revisit is no reason against the page."""
    return "" if state == "archived" else reason


@dataclass(frozen=True, slots=True)
class Revisit:
    """An archived article to look at again: the address that was asked, and what it answered last."""

    article: int
    page: str
    etag: str | None
    last_modified: str | None


def due_revisits(db: Database, outlet: str, *, everything: bool = False) -> list[Revisit]:
    """Return the archived articles of an outlet to look at again, the one longest not looked at first.

    Due is an article not looked at since the last step of `REVISIT_LADDER` after ``first_seen``, or of
    `DEVELOPING_LADDER` after its last change. One that only web
    archives saw, and all whose steps had passed before we knew of it, is not.
    """
    found = rows(
        db,
        "SELECT a.id, a.url, a.first_seen, a.last_checked, s.page, s.etag, s.last_modified,"
        " EXISTS (SELECT 1 FROM backfill_captures b WHERE b.snapshot = s.id) AS backfilled"
        " FROM articles a LEFT JOIN snapshots s ON s.id ="
        " (SELECT id FROM snapshots WHERE article = a.id AND status = 200"
        " AND outcome IN ('new', 'revised', 'unchanged') ORDER BY fetched DESC, id DESC LIMIT 1)"
        " WHERE a.outlet = ? AND a.text_source = 'page' AND NOT EXISTS"
        " (SELECT 1 FROM takedowns t WHERE t.article = a.id AND t.lifted IS NULL) ORDER BY a.last_checked",
        [outlet],
    )
    now = utc_now()
    return [
        Revisit(columns["id"], columns["page"] or columns["url"], columns["etag"], columns["last_modified"])
        for columns in found
        if everything
        or (
            (is_due(columns, now) or _is_developing_and_due(db, columns, now))
            and not (columns["backfilled"] and _is_long_past(columns["first_seen"], now))
        )
    ]


def _is_long_past(first_seen: str, now: str) -> bool:
    return parse_utc(first_seen) + REVISIT_LADDER[-1] < parse_utc(now)


def is_due(article: dict[str, Any], now: str) -> bool:
    """Return whether a step of the article's ladder lies between its last check and now."""
    return _step_between(article["first_seen"], REVISIT_LADDER, article["last_checked"], now)


def _step_between(start: str, steps: tuple[timedelta, ...], checked: str, now: str) -> bool:
    first, last, moment = parse_utc(start), parse_utc(checked), parse_utc(now)
    return any(last < first + step <= moment for step in steps)


def _is_developing_and_due(db: Database, article: dict[str, Any], now: str) -> bool:
    """Return whether a step of the denser ladder, counted from the last change, lies between the last check and now."""
    if parse_utc(article["first_seen"]) + DEVELOPING_FOR < parse_utc(now):
        return False
    sql = (
        "SELECT r.number, r.seen, t.text, a.language FROM revisions r JOIN articles a ON a.id = r.article"
        " JOIN texts t ON t.article = a.id WHERE r.article = ? ORDER BY r.number DESC LIMIT 1"
    )
    known = row(db, sql, [article["id"]])
    if known is None or not _step_between(known["seen"], DEVELOPING_LADDER, article["last_checked"], now):
        return False
    return known["number"] > 1 or is_developing(known["text"], known["language"])


def refiled(db: Database, url: str) -> None:
    """Queue a page again, whatever its state, to be fetched by hand or after a change of mind."""
    with transaction(db):
        db.execute("UPDATE pages SET state = 'queued', next_try = NULL, tries = 0 WHERE url = ?", [url])
