"""The line itself: from a page that was fetched to an article in the archive.

    exchange ─► save_snapshot ─► read_page (archive.reading: extract, judge) ─► record_reading

The crawl, `bilateral add`, `bilateral reprocess` and a backfill all go this way; they differ only in where
`read_page` runs (a crawl hands it to a worker process, so that no page can stall or kill it).
"""

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from sqlite_utils import Database

from archive.boilerplate import known_boilerplate, note_lines
from archive.likeness import same_article
from archive.models import Article, Lead, Outcome, Outlet, Page, Reading, Snapshot, Verdict
from archive.pages import find_page, finish_page, page_lead
from archive.reading import NO_ARTICLE, read_page
from archive.snapshots import (
    LEAD_TYPE,
    Exchange,
    SnapshotError,
    SnapshotWriter,
    find_snapshot,
    load_body,
    save_snapshot,
)
from archive.store import (
    find_article,
    is_withdrawn,
    replace_reading,
    row,
    save_article,
    set_status,
    terms_json,
    text_digest,
    transaction,
)
from archive.times import utc_now
from archive.topic import Topic
from archive.urls import BadURL, canonical_url, is_amp_or_mobile, url_key

FORM_OF = "an AMP or mobile form of "  # the reason of such a page, with the address it stands for


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one page: its outcome, the article it is now, if any, and why, in words."""

    outcome: Outcome
    article: int | None
    reason: str


def ingest(
    db: Database, writer: SnapshotWriter, outlet: Outlet, exchange: Exchange, body: bytes, topic: Topic
) -> Result:
    """Take one fetched page along the whole line. ``body`` is the exchange's, decoded."""
    snapshot = save_snapshot(db, writer, exchange)
    page = page_of(db, writer.folder, outlet, snapshot, body)
    reading = read_page(page, topic)
    earlier = earlier_page(db, writer.folder, outlet, snapshot, reading)
    return record_reading(db, outlet, snapshot, reading, read_page(earlier, topic) if earlier else None)


def page_of(db: Database, folder: Path, outlet: Outlet, snapshot: Snapshot, body: bytes) -> Page:
    """Return all that extraction may look at for a snapshot. ``folder`` is where the WARC files are."""
    columns = find_page(db, snapshot.page)
    lead = page_lead(columns) if columns is not None else None
    if snapshot.content_type == LEAD_TYPE:
        lead, body = Lead(**json.loads(body)), b""
    return replace(
        Page.of(outlet, snapshot.url, body, fetched=snapshot.fetched, content_type=snapshot.content_type),
        lead=lead,
        boilerplate=known_boilerplate(db, outlet.id),
        amp=_other_form(db, folder, columns) if columns is not None and body else b"",
    )


def _other_form(db: Database, folder: Path, page: dict[str, Any]) -> bytes:
    """Return the body of the AMP or mobile form that was fetched before this page, which it stands for; else b""."""
    kept = row(
        db,
        "SELECT s.id FROM pages p JOIN snapshots s ON s.page = p.url WHERE p.key = ? AND p.url != ? AND p.reason = ?"
        " AND p.state = 'duplicate' AND s.outcome = 'duplicate' ORDER BY s.id DESC",
        [page["key"], page["url"], FORM_OF + page["url"]],
    )
    snapshot = find_snapshot(db, kept["id"]) if kept is not None else None
    try:
        return load_body(folder, snapshot) if snapshot is not None else b""
    except SnapshotError:
        return b""


def lead_exchange(lead: Lead) -> Exchange:
    """Return the exchange by which a feed's own words are kept where the page itself is not fetched."""
    return Exchange(
        url=lead.url,
        page=lead.url,
        fetched=utc_now(),
        status=200,
        status_text="",
        request_headers=(),
        response_headers=(("Content-Type", LEAD_TYPE),),
        body=json.dumps(asdict(lead), ensure_ascii=False, sort_keys=True).encode(),
    )


def known_article(db: Database, page: str, url: str) -> dict[str, Any] | None:
    """Return the stored article that a visit of ``page``, which calls itself ``url``, is a visit of."""
    return row(
        db,
        "SELECT a.* FROM articles a WHERE a.url = ?"
        " UNION ALL SELECT a.* FROM pages p JOIN articles a ON a.id = p.article WHERE p.url = ?",
        [page, page],
    ) or find_article(db, url)


def earlier_page(
    db: Database, folder: Path, outlet: Outlet, snapshot: Snapshot, reading: Reading
) -> Page | None:
    """Return the stored page to read again beside a changed one, or None where nothing seems changed.

    What today's code reads off the earlier snapshot is what a change must be measured against: otherwise an
    improvement of the extraction would be recorded as the publisher's edit.
    """
    known = known_article(db, snapshot.page, reading.article.url)
    if known is None or reading.article.completeness in NO_ARTICLE:
        return None
    if known["sha256"] == text_digest(reading.article.title, reading.article.text):
        return None
    columns = row(
        db,
        "SELECT snapshot AS id FROM revisions WHERE article = ? AND number = ? AND snapshot != ?",
        [known["id"], known["revisions"], snapshot.id],
    )
    earlier = find_snapshot(db, columns["id"]) if columns and columns["id"] else None
    if earlier is None:
        return None
    try:
        return page_of(db, folder, outlet, earlier, load_body(folder, earlier))
    except SnapshotError:
        return None


def record_reading(
    db: Database, outlet: Outlet, snapshot: Snapshot, reading: Reading, earlier: Reading | None = None
) -> Result:
    """Store what a page turned out to be: all of it in one transaction."""
    with transaction(db):
        known = known_article(db, snapshot.page, reading.article.url)
        if _is_withdrawn(db, outlet, snapshot, reading.article, known):
            return _conclude(db, snapshot, _withheld(known))
        if known is not None and reading.verdict is not None:
            known, reading = _told_apart(db, outlet, snapshot, reading, known)
        return _conclude(db, snapshot, _decide(db, outlet, snapshot, reading, earlier, known))


def _told_apart(
    db: Database, outlet: Outlet, snapshot: Snapshot, reading: Reading, known: dict[str, Any]
) -> tuple[dict[str, Any] | None, Reading]:
    """Part this page from an article that it only claims to be, or that only claimed to be it.

    Some outlets' pages all name one and the same canonical address. Whoever came first was stored there; by its
    text it is seen that this page is another article, and each gets the address it was fetched at.
    """
    page = snapshot.page
    claims = not _is_own_address(db, known["id"], page)
    if not (claims or _was_read_elsewhere(db, known, page)) or is_amp_or_mobile(page):
        return known, reading
    stored = row(db, "SELECT title, text FROM texts WHERE article = ?", [known["id"]])
    article = reading.article
    if stored is None or same_article(stored["title"], stored["text"], article.title, article.text):
        return known, reading
    if claims:
        own = replace(article, url=_address(snapshot.url, outlet.homepage))
        return find_article(db, own.url), replace(reading, article=own)
    return (None if _back_to_its_page(db, outlet, known) else known), reading


def _back_to_its_page(db: Database, outlet: Outlet, known: dict[str, Any]) -> bool:
    """Store an article under the address it was read at, not the one its page named. Returns whether it could."""
    read = row(
        db,
        "SELECT coalesce(redirected_to, url) AS url FROM pages"
        " WHERE article = ? AND state = 'archived' AND url != ?",
        [known["id"], known["url"]],
    )
    address = _address(read["url"], outlet.homepage) if read is not None else known["url"]
    if find_article(db, address) is not None:
        return False
    db.execute("UPDATE articles SET url = ?, key = ? WHERE id = ?", [address, url_key(address), known["id"]])
    return True


def _address(url: str, homepage: str) -> str:
    try:
        return canonical_url(url, homepage)
    except BadURL:
        return url


def _is_withdrawn(
    db: Database, outlet: Outlet, snapshot: Snapshot, article: Article, known: dict[str, Any] | None
) -> bool:
    """Whether a page is one that was withdrawn on request, or has the words of one at another address."""
    if is_withdrawn(db, snapshot.page):
        return True
    if known is None:
        return is_withdrawn(db, article.url) or _has_withdrawn_words(db, outlet, article)
    return is_withdrawn(db, known["url"], article=known["id"]) and (
        _is_own_address(db, known["id"], snapshot.page) or not _is_another(known, article)
    )


def _has_withdrawn_words(db: Database, outlet: Outlet, article: Article) -> bool:
    found = row(
        db,
        "SELECT 1 FROM takedowns t JOIN articles a ON a.id = t.article JOIN revisions r ON r.article = a.id"
        " WHERE t.lifted IS NULL AND a.outlet = ? AND r.sha256 = ?",
        [outlet.id, text_digest(article.title, article.text)],
    )
    return found is not None


def _is_another(withdrawn: dict[str, Any], article: Article) -> bool:
    """Whether a page only claims a withdrawn article's address. Its words are gone: headline and time must tell."""
    times = withdrawn["published_local"], article.published_local
    return withdrawn["title"] != article.title and None not in times and times[0] != times[1]


def _withheld(known: dict[str, Any] | None) -> Result:
    return Result(Outcome.WITHDRAWN, known["id"] if known else None, "withdrawn on request")


def record_failure(db: Database, snapshot: Snapshot, outcome: Outcome, reason: str) -> Result:
    """Store that a page was answered, but not with an article (an error status, a body nobody can read)."""
    with transaction(db):
        known = known_article(db, snapshot.page, snapshot.url)
        if is_withdrawn(db, snapshot.page, article=known["id"] if known else None):
            return _conclude(db, snapshot, _withheld(known))
        if known is not None and outcome is Outcome.GONE:
            set_status(db, known["id"], "gone", seen=snapshot.fetched, detail=reason, snapshot=snapshot.id)
        return _conclude(db, snapshot, Result(outcome, known["id"] if known else None, reason))


def _conclude(db: Database, snapshot: Snapshot, result: Result) -> Result:
    db.execute(
        "UPDATE snapshots SET outcome = ?, reason = ?, article = ? WHERE id = ?",
        [result.outcome, result.reason, result.article, snapshot.id],
    )
    finish_page(
        db, snapshot.page, result.outcome, reason=result.reason, article=result.article,
        redirected_to=snapshot.url if snapshot.url != snapshot.page else None,
    )  # fmt: skip
    if result.outcome is Outcome.WITHDRAWN:
        db.execute("UPDATE pages SET summary = '' WHERE url = ?", [snapshot.page])
    return result


def _decide(
    db: Database,
    outlet: Outlet,
    snapshot: Snapshot,
    reading: Reading,
    earlier: Reading | None,
    known: dict[str, Any] | None,
) -> Result:
    article, verdict = reading.article, reading.verdict
    if verdict is None:
        claims = known is not None and not _is_own_address(db, known["id"], snapshot.page)
        return _without_article(db, snapshot, article, None if claims else known)
    if known is not None and not _is_own_address(db, known["id"], snapshot.page):
        return Result(Outcome.DUPLICATE, known["id"], f"the same article as {known['url']}")
    save_verdict(db, snapshot, article, verdict)
    note_lines(db, outlet.id, snapshot.page, article.text, on_subject=verdict.grade > 0)
    if known is None:
        if verdict.grade == 0:
            return Result(Outcome.OFF_TOPIC, None, _off_topic(article))
        if (twin := _twin(db, outlet, article)) is not None:
            return _moved_here(db, snapshot, twin)
        number, outcome = save_article(
            db, outlet, article, verdict, seen=snapshot.fetched, snapshot=snapshot.id
        )
        return Result(outcome, number, "teaser" if article.completeness == "teaser" else "")
    moved = url_key(article.url) != known["key"] and snapshot.url != snapshot.page
    set_status(
        db, known["id"], "moved" if moved else "live", seen=snapshot.fetched,
        detail=snapshot.url if moved else "", snapshot=snapshot.id,
    )  # fmt: skip
    if _was_read_elsewhere(db, known, snapshot.page):
        return _at_its_own_address(db, snapshot, known, article, verdict)
    if earlier is not None and _same_text(earlier.article, article):
        # Only our reading of it has changed since the page was stored.
        return Result(Outcome.UNCHANGED, known["id"], "")
    same = replace(article, url=known["url"])
    number, outcome = save_article(db, outlet, same, verdict, seen=snapshot.fetched, snapshot=snapshot.id)
    return Result(outcome, number, "")


def _off_topic(article: Article) -> str:
    if article.completeness != "teaser":
        return "not on the subject"
    return f"not on the subject, as far as a teaser tells ({article.completeness_reason})"


def _was_read_elsewhere(db: Database, known: dict[str, Any], page: str) -> bool:
    """Whether this is the article's own address, and it was read off another form of it (a mobile page) so far."""
    return page == known["url"] and not row(
        db, "SELECT 1 FROM pages WHERE url = ? AND state = 'archived'", [page]
    )


def _at_its_own_address(
    db: Database, snapshot: Snapshot, known: dict[str, Any], article: Article, verdict: Verdict
) -> Result:
    """Let the article's own page stand for it, as if it had come first; the other form becomes a duplicate of it."""
    if verdict.grade > 0:
        replace_reading(db, known["id"], replace(article, url=known["url"]), verdict)
    db.execute(
        "UPDATE pages SET state = 'duplicate', reason = ? WHERE article = ? AND state = 'archived' AND url != ?",
        [f"the same article as {known['url']}", known["id"], snapshot.page],
    )
    return Result(Outcome.UNCHANGED, known["id"], "")


def _twin(db: Database, outlet: Outlet, article: Article) -> dict[str, Any] | None:
    """Return the article of this outlet with the very same headline and text: it is there at two addresses."""
    return row(
        db,
        "SELECT * FROM articles WHERE outlet = ? AND sha256 = ? ORDER BY id LIMIT 1",
        [outlet.id, text_digest(article.title, article.text)],
    )


def _moved_here(db: Database, snapshot: Snapshot, twin: dict[str, Any]) -> Result:
    if twin["status"] == "gone":
        detail = snapshot.url
        set_status(db, twin["id"], "moved", seen=snapshot.fetched, detail=detail, snapshot=snapshot.id)
    return Result(Outcome.DUPLICATE, twin["id"], f"the same text as {twin['url']}")


def _without_article(
    db: Database, snapshot: Snapshot, article: Article, known: dict[str, Any] | None
) -> Result:
    reason = f"{article.completeness}: {article.completeness_reason}".strip(": ")
    outcome = NO_ARTICLE.get(article.completeness, Outcome.FAILED)
    if known is None:
        return Result(outcome, None, reason)
    if article.completeness in ("soft-404", "index"):
        set_status(db, known["id"], "gone", seen=snapshot.fetched, detail=reason, snapshot=snapshot.id)
        return Result(Outcome.GONE, known["id"], reason)
    return Result(outcome, known["id"], reason)


def _same_text(one: Article, other: Article) -> bool:
    return text_digest(one.title, one.text) == text_digest(other.title, other.text)


def _is_own_address(db: Database, article: int, page: str) -> bool:
    """Whether a visit of ``page`` is a visit of the article, and not of a copy at another address."""
    own = row(
        db,
        "SELECT 1 FROM pages WHERE article = ? AND state = 'archived' AND url = ?"
        " UNION ALL SELECT 1 FROM articles WHERE id = ? AND url = ?",
        [article, page, article, page],
    )
    return own is not None


def save_verdict(db: Database, snapshot: Snapshot, article: Article, verdict: Verdict) -> None:
    """Keep the verdict on a page in place of the one before."""
    db.execute(
        "INSERT INTO verdicts (page, judged, title, grade, score, terms, topic_version, snapshot, published_local)"
        " VALUES (?,?,?,?,?,?,?,?,?) ON CONFLICT (page) DO UPDATE SET judged = excluded.judged,"
        " title = excluded.title, grade = excluded.grade, score = excluded.score, terms = excluded.terms,"
        " topic_version = excluded.topic_version, snapshot = excluded.snapshot,"
        " published_local = excluded.published_local",
        [snapshot.page, utc_now(), article.title, verdict.grade, verdict.score, terms_json(verdict),
         verdict.topic_version, snapshot.id, article.published_local],
    )  # fmt: skip
