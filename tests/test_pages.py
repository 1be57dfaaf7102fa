import dataclasses
from pathlib import Path

import pytest
from sqlite_utils import Database

from archive.models import Article, Lead, Outcome, Outlet, Verdict
from archive.pages import (
    MAX_TRIES,
    due_revisits,
    file_lead,
    find_page,
    finish_page,
    is_due,
    look_again,
    postpone_page,
    queued_pages,
    refiled,
)
from archive.store import open_archive, save_article, save_outlets

OUTLET = Outlet(
    id="faro", name="El Faro", country="MX", language="es", homepage="https://faro.example/",
    timezone="America/Mexico_City",
)  # fmt: skip
URL = "https://faro.example/2026/03/nota"


@pytest.fixture
def db(archive_path: Path) -> Database:
    db = open_archive(archive_path)
    save_outlets(db, [OUTLET])
    return db


def lead(url: str = URL) -> Lead:
    return Lead(url=url, outlet="faro", via="feed", route="https://faro.example/feed", headline="Título")


def states(db: Database) -> dict[str, str]:
    return dict(db.execute("SELECT url, state FROM pages").fetchall())


def test_a_new_lead_is_queued_and_keeps_how_it_was_found(db: Database) -> None:
    filed = file_lead(db, lead())
    assert (filed.url, filed.state, filed.new) == (URL, "queued", True)
    page = find_page(db, URL)
    assert page is not None
    assert (page["via"], page["route"], page["headline"]) == ("feed", "https://faro.example/feed", "Título")
    assert page["discovered"]


def test_a_lead_seen_before_is_not_new(db: Database) -> None:
    file_lead(db, lead())
    finish_page(db, URL, Outcome.OFF_TOPIC, reason="not on the subject")
    assert not file_lead(db, lead()).new
    assert states(db) == {URL: "off-topic"}


def test_another_form_is_a_duplicate_with_a_row_of_its_own(db: Database) -> None:
    file_lead(db, lead())
    other = f"{URL}/?utm_source=x"
    filed = file_lead(db, lead(other))
    assert (filed.state, filed.new) == ("duplicate", True)
    page = find_page(db, other)
    assert page is not None
    assert page["reason"] == f"another form of {URL}"


def test_a_lead_in_another_form_is_asked_in_the_plain_one(db: Database) -> None:
    assert file_lead(db, lead(f"{URL}?fbclid=1")).url == URL
    assert states(db) == {URL: "queued", f"{URL}?fbclid=1": "duplicate"}


@pytest.mark.parametrize("url", ["javascript:alert(1)", "https://", "http://[::1", "", "x" * 9_000])
def test_what_is_no_address_has_a_row_with_its_reason(db: Database, url: str) -> None:
    assert file_lead(db, lead(url)).state == "blocked"
    page = find_page(db, url)
    assert page is not None
    assert page["reason"]


def test_refused_and_screened_leads_say_why(db: Database) -> None:
    file_lead(db, lead("https://otro.example/a"), refusal="on a host that is not the outlet's")
    file_lead(db, lead(), screened_out="headline and summary show nothing of the subject")
    rows = db.execute("SELECT state, reason FROM pages ORDER BY state").fetchall()
    assert rows == [
        ("blocked", "on a host that is not the outlet's"),
        ("screened-out", "headline and summary show nothing of the subject"),
    ]
    assert queued_pages(db, "faro") == []


def test_a_postponed_page_waits_and_is_given_up_after_its_tries(db: Database) -> None:
    file_lead(db, lead())
    for number in range(1, MAX_TRIES):
        assert postpone_page(db, URL, "HTTP 503 (unavailable)", not_before="2001-01-01T00:00:00Z") == "queued"
        assert [lead.url for lead in queued_pages(db, "faro")] == [URL], number
    assert postpone_page(db, URL, "HTTP 503 (unavailable)") == "failed"
    assert queued_pages(db, "faro") == []


def test_a_page_is_not_asked_before_its_time(db: Database) -> None:
    file_lead(db, lead())
    postpone_page(db, URL, "HTTP 429", not_before="2999-01-01T00:00:00Z")
    assert queued_pages(db, "faro") == []


def test_a_host_that_does_not_answer_costs_the_page_no_try(db: Database) -> None:
    file_lead(db, lead())
    for _ in range(MAX_TRIES + 2):
        assert postpone_page(db, URL, "robots.txt cannot be read", counted=False) == "queued"


def test_an_archived_page_stays_archived_whatever_comes(db: Database) -> None:
    article = save(db)
    file_lead(db, lead())
    finish_page(db, URL, Outcome.NEW, article=article)
    finish_page(db, URL, Outcome.GONE, reason="HTTP 404 (not found)")
    postpone_page(db, URL, "HTTP 503 (unavailable)")
    page = find_page(db, URL)
    assert page is not None
    assert (page["state"], page["reason"], page["article"]) == ("archived", "", article)


def test_a_page_filed_again_is_queued(db: Database) -> None:
    file_lead(db, lead())
    finish_page(db, URL, Outcome.FAILED, reason="HTTP 404 (not found)")
    refiled(db, URL)
    assert [lead.url for lead in queued_pages(db, "faro")] == [URL]


def save(db: Database, first_seen: str = "2026-03-03T12:00:00Z") -> int:
    article = Article(url=URL, title="Título", text="Texto.", published_local="2026-03-03T09:30:00-06:00")
    return save_article(db, OUTLET, article, Verdict(grade=2, score=5.0), seen=first_seen, snapshot=None)[0]


@pytest.mark.parametrize(
    ("last_checked", "now", "due"),
    [
        ("2026-03-03T12:00:00Z", "2026-03-03T12:59:59Z", False),
        ("2026-03-03T12:00:00Z", "2026-03-03T13:00:00Z", True),
        ("2026-03-03T13:00:00Z", "2026-03-03T14:59:59Z", False),
        ("2026-03-03T13:00:00Z", "2026-03-03T15:00:00Z", True),
        ("2026-03-03T15:00:01Z", "2026-03-04T00:00:00Z", True),
        ("2026-03-04T00:00:01Z", "2026-03-05T11:00:00Z", False),
        ("2026-03-05T12:00:00Z", "2026-03-10T12:00:00Z", True),
        ("2026-03-10T12:00:00Z", "2026-04-02T12:00:00Z", True),
        ("2026-04-02T12:00:00Z", "2031-01-01T00:00:00Z", False),
    ],
)
def test_the_ladder_of_revisits(last_checked: str, now: str, due: bool) -> None:
    article = {"first_seen": "2026-03-03T12:00:00Z", "last_checked": last_checked}
    assert is_due(article, now) is due


def publish(db: Database, text: str, seen: str) -> None:
    article = Article(url=URL, title="Título", text=text, published_local="2026-03-03T06:00:00-06:00")
    save_article(db, OUTLET, article, Verdict(grade=2, score=5.0), seen=seen, snapshot=None)


def looked_at(db: Database, monkeypatch: pytest.MonkeyPatch, last_checked: str, now: str) -> bool:
    """Tell whether the article is due on 3 or 4 March at that hour, if it was last looked at then."""
    db.execute("UPDATE articles SET last_checked = ?", [f"2026-03-{last_checked}:00Z"])
    monkeypatch.setattr("archive.pages.utc_now", lambda: f"2026-03-{now}:00Z")
    return bool(due_revisits(db, "faro"))


def test_a_developing_story_is_looked_at_more_often_while_it_keeps_changing(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(db, "Hubo disparos en el puente.\n\nInformación en desarrollo.", "2026-03-03T12:00:00Z")
    assert looked_at(db, monkeypatch, "03T12:00", "03T12:10")
    assert not looked_at(db, monkeypatch, "03T12:10", "03T12:19")
    publish(db, "Hubo disparos en el puente. El cruce se cerró durante una hora.", "2026-03-03T15:00:00Z")
    assert looked_at(db, monkeypatch, "03T15:00", "03T15:10")
    assert looked_at(db, monkeypatch, "03T15:45", "03T17:00")
    assert not looked_at(db, monkeypatch, "03T17:00", "03T19:00")  # it has not changed for two hours
    publish(db, "Hubo disparos en el puente. Hay dos detenidos.", "2026-03-04T13:00:00Z")
    assert not looked_at(db, monkeypatch, "04T13:00", "04T14:00")  # a day has passed


def test_a_story_that_is_whole_climbs_the_ladder_alone(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    publish(db, "Hubo disparos en el puente.", "2026-03-03T12:00:00Z")
    assert not looked_at(db, monkeypatch, "03T12:00", "03T12:59")
    assert looked_at(db, monkeypatch, "03T12:00", "03T13:00")


def test_revisits_ask_the_address_that_was_archived(db: Database) -> None:
    article = save(db, "2020-01-01T00:00:00Z")
    db.execute(
        "INSERT INTO snapshots (url, page, fetched, status, warc_file, warc_offset, warc_length, payload_digest,"
        " etag, outcome, article) VALUES (?, ?, '', 200, 'a', 0, 1, 'sha256:', '\"e\"', 'new', ?)",
        [URL, f"{URL}?p=1", article],
    )
    [revisit] = due_revisits(db, "faro")
    assert (revisit.article, revisit.page, revisit.etag) == (article, f"{URL}?p=1", '"e"')
    db.execute("UPDATE articles SET last_checked = '2999-01-01T00:00:00Z'")
    assert due_revisits(db, "faro") == []
    assert len(due_revisits(db, "faro", everything=True)) == 1


def test_an_outlet_that_may_not_name_a_page_does_not_take_it_from_the_one_that_may(db: Database) -> None:
    save_outlets(db, [dataclasses.replace(OUTLET, id="ladron", homepage="https://ladron.example/")])
    theirs = Lead(url=URL, outlet="ladron", via="feed", headline="Otro título", content="<p>falso</p>")
    assert file_lead(db, theirs, refusal="on a host that is not the outlet's").state == "blocked"
    filed = file_lead(db, lead())
    assert (filed.state, filed.new) == ("queued", True)
    page = find_page(db, URL)
    assert page is not None
    assert (page["outlet"], page["headline"], page["content"]) == ("faro", "Título", "")
    again = file_lead(db, theirs, refusal="on a host that is not the outlet's")
    assert (again.state, again.new, again.own) == ("queued", False, False)
    assert queued_pages(db, "ladron") == []


def test_an_answer_that_may_pass_is_asked_again_until_its_tries_are_used_up(db: Database) -> None:
    file_lead(db, lead())
    for number in range(1, MAX_TRIES + 1):
        finish_page(db, URL, Outcome.BLOCKED, reason="wall: server error: bad gateway")
        look_again(db, URL)
        page = find_page(db, URL)
        assert page is not None
        assert page["state"] == ("queued" if number < MAX_TRIES else "blocked")
        assert page["reason"] == "wall: server error: bad gateway"
        assert queued_pages(db, "faro") == []  # not at once


def test_an_archived_page_is_not_queued_for_an_answer_that_may_pass(db: Database) -> None:
    article = save(db)
    file_lead(db, lead())
    finish_page(db, URL, Outcome.NEW, article=article)
    look_again(db, URL)
    assert states(db) == {URL: "archived"}
