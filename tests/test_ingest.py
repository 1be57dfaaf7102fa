"""The line by itself: what one fetched page becomes, and what a second visit makes of it."""

from pathlib import Path

import pytest
from sqlite_utils import Database

from archive.ingest import Result, ingest, lead_exchange, record_failure
from archive.models import Lead, Outcome, Outlet
from archive.options import SHIPPED_TOPIC
from archive.pages import file_lead, find_page
from archive.snapshots import Exchange, SnapshotWriter, save_snapshot
from archive.store import open_archive, row, save_outlets
from archive.topic import Topic, load_topic
from tests.hostile import TEXT, article

OUTLET = Outlet(
    id="faro", name="El Faro", country="MX", language="es", homepage="https://faro.example/",
    timezone="America/Mexico_City",
)  # fmt: skip
URL = "https://faro.example/2026/03/acuerdo-de-seguridad-entre-los-dos-paises"
FOOTBALL = "El equipo local ganó dos a uno con goles en el segundo tiempo. " * 12


@pytest.fixture(scope="module")
def topic() -> Topic:
    return load_topic(SHIPPED_TOPIC)


class Line:
    """Pages go in, results come out."""

    def __init__(self, folder: Path, topic: Topic) -> None:
        self.db: Database = open_archive(folder / "archive.db")
        save_outlets(self.db, [OUTLET])
        self.writer = SnapshotWriter(folder / "warc")
        self.topic = topic

    def take(
        self, body: bytes, url: str = URL, *, page: str = "", seen: str = "2026-03-03T16:00:00Z"
    ) -> Result:
        page = page or url
        file_lead(self.db, Lead(url=page, outlet="faro", via="feed"))
        exchange = Exchange(
            url=url, page=page, fetched=seen, status=200, status_text="OK", request_headers=(),
            response_headers=[("Content-Type", "text/html; charset=utf-8")], body=body,
        )  # fmt: skip
        return ingest(self.db, self.writer, OUTLET, exchange, body, self.topic)

    def state(self, url: str = URL) -> tuple[str, str]:
        page = find_page(self.db, url)
        assert page is not None
        return page["state"], page["reason"]

    def count(self, table: str) -> int:
        return int(self.db[table].count)


@pytest.fixture
def line(tmp_path: Path, topic: Topic) -> Line:
    return Line(tmp_path, topic)


def page(
    text: str = TEXT, title: str = "México y Estados Unidos acuerdan un programa de seguridad", head: str = ""
) -> bytes:
    return article(title, "https://faro.example", "/", text=text, head=head)


def test_a_relevant_page_is_archived_with_its_verdict_and_snapshot(line: Line) -> None:
    result = line.take(page())
    assert (result.outcome, line.state()) == (Outcome.NEW, ("archived", ""))
    snapshot = row(line.db, "SELECT outcome, article FROM snapshots")
    assert snapshot == {"outcome": "new", "article": result.article}
    verdict = row(line.db, "SELECT grade FROM verdicts WHERE page = ?", [URL])
    assert verdict is not None
    assert verdict["grade"] > 0


def test_an_off_topic_page_is_kept_and_judged_but_not_archived(line: Line) -> None:
    result = line.take(page(FOOTBALL, "Gana el equipo local en la última jornada"))
    assert (result.outcome, line.count("articles"), line.count("snapshots")) == (Outcome.OFF_TOPIC, 0, 1)
    assert line.state() == ("off-topic", "not on the subject")
    assert row(line.db, "SELECT grade FROM verdicts") == {"grade": 0}


def test_the_same_article_at_another_address_is_its_duplicate(line: Line) -> None:
    canonical = f'<link rel="canonical" href="{URL}">'
    first = line.take(page(head=canonical))
    other = "https://faro.example/seguridad/otra-forma-de-llegar-a-la-nota"
    result = line.take(page(head=canonical), other)
    assert (result.outcome, result.article) == (Outcome.DUPLICATE, first.article)
    assert line.state(other) == ("duplicate", f"the same article as {URL}")
    assert line.count("articles") == 1
    assert line.count("revisions") == 1


def test_a_changed_text_is_a_revision(line: Line) -> None:
    line.take(page())
    changed = page(TEXT.replace("cada tres meses", "cada seis meses, según la versión corregida"))
    result = line.take(changed, seen="2026-03-03T18:00:00Z")
    assert result.outcome is Outcome.REVISED
    assert line.count("revisions") == 2


def test_a_better_reading_of_an_unchanged_page_is_no_revision(line: Line) -> None:
    line.take(page())
    line.db.execute("UPDATE articles SET sha256 = 'as read by an older version of the code'")
    line.db.conn.commit()
    again = line.take(page(), seen="2026-03-03T18:00:00Z")
    assert again.outcome is Outcome.UNCHANGED
    assert line.count("revisions") == 1


def test_a_redirected_page_is_known_by_both_addresses(line: Line) -> None:
    short = "https://faro.example/n/12345-corta"
    result = line.take(page(), URL, page=short)
    assert result.outcome is Outcome.NEW
    known = row(line.db, "SELECT redirected_to, article FROM pages WHERE url = ?", [short])
    assert known == {"redirected_to": URL, "article": result.article}


def test_a_page_that_is_no_article_fails_with_its_reason(line: Line) -> None:
    result = line.take(b"<!doctype html><html><head><title>x</title></head><body></body></html>")
    assert result.outcome is Outcome.FAILED
    assert line.state()[0] == "failed"
    assert line.state()[1]


def test_a_gone_article_keeps_its_text(line: Line) -> None:
    number = line.take(page()).article
    exchange = Exchange(
        url=URL, page=URL, fetched="2026-03-04T16:00:00Z", status=404, status_text="", request_headers=(),
        response_headers=(), body=b"",
    )  # fmt: skip
    snapshot = save_snapshot(line.db, line.writer, exchange)
    record_failure(line.db, snapshot, Outcome.GONE, "HTTP 404 (not found)")
    assert row(line.db, "SELECT id, status FROM articles") == {"id": number, "status": "gone"}
    assert line.count("texts") == 1
    assert line.state() == ("archived", "")


def test_what_a_feed_says_is_kept_as_a_teaser(line: Line) -> None:
    summary = (
        "México y Estados Unidos acordaron un programa conjunto de seguridad contra el tráfico de armas. " * 3
    )
    lead = Lead(
        url=URL, outlet="faro", via="feed", headline="México y Estados Unidos acuerdan un programa de seguridad",
        summary=summary, published_local="2026-03-03T09:30:00-06:00",
    )  # fmt: skip
    file_lead(line.db, lead)
    exchange = lead_exchange(lead)
    result = ingest(line.db, line.writer, OUTLET, exchange, exchange.body, line.topic)
    assert result.outcome is Outcome.NEW
    stored = row(line.db, "SELECT text_source, completeness, published FROM articles")
    assert stored == {"text_source": "feed", "completeness": "teaser", "published": "2026-03-03T15:30:00Z"}


def test_results_do_not_depend_on_the_order_of_visits(line: Line) -> None:
    amp = f"{URL}/amp/"
    canonical = f'<link rel="canonical" href="{URL}">'
    line.take(page(head=canonical), amp)
    assert line.take(page(head=canonical)).outcome in (Outcome.UNCHANGED, Outcome.DUPLICATE)
    assert line.count("articles") == 1
    assert row(line.db, "SELECT url FROM articles") == {"url": URL}


@pytest.mark.parametrize("first", ["its own address", "another form"])
def test_whichever_form_comes_first_the_article_s_own_page_stands_for_it(line: Line, first: str) -> None:
    canonical = f'<link rel="canonical" href="{URL}">'
    body = article("Acuerdo de seguridad entre los dos países", "https://faro.example", "/x", head=canonical)
    light = "https://faro.example/version-ligera/nota-acuerdo-de-seguridad-77"
    for url in (URL, light) if first == "its own address" else (light, URL):
        line.take(body, url)
    assert line.count("articles") == 1
    assert line.count("revisions") == 1
    assert line.state(URL)[0] == "archived"
    assert line.state(light) == ("duplicate", f"the same article as {URL}")


OTHER_URL = "https://faro.example/nota-extradicion-acelerada-de-jefes-de-carteles-78"
OTHER_WORDS = (
    "La Secretaría de Relaciones Exteriores de México y el Departamento de Justicia de Estados Unidos firmaron un "
    "protocolo de seguridad para la extradición acelerada de jefes de los cárteles, con plazos de noventa días y una "
    "mesa de fiscales que se reunirá por videoconferencia cada semana para revisar las solicitudes pendientes."
)


@pytest.mark.parametrize("first", ["the page that is named", "the page that names it"])
def test_a_page_that_names_another_article_as_itself_is_an_article_of_its_own(line: Line, first: str) -> None:
    canonical = f'<link rel="canonical" href="{URL}">'
    named = article("Acuerdo de seguridad entre los dos países", "https://faro.example", "/x")
    title = "Extradición: México y Estados Unidos firman un protocolo de seguridad"
    other = article(title, "https://faro.example", "/y", head=canonical, text=OTHER_WORDS)
    pages = [(URL, named), (OTHER_URL, other)]
    for url, body in pages if first == "the page that is named" else reversed(pages):
        line.take(body, url)
    stored = line.db.execute("SELECT url, title, revisions FROM articles ORDER BY url").fetchall()
    assert [(row[0], row[2]) for row in stored] == [(URL, 1), (OTHER_URL, 1)]
    assert line.state(URL)[0] == line.state(OTHER_URL)[0] == "archived"


def test_a_missing_page_that_names_an_article_does_not_take_it_away(line: Line) -> None:
    line.take(article("Acuerdo de seguridad entre los dos países", "https://faro.example", "/x"))
    canonical = f'<link rel="canonical" href="{URL}">'
    missing = f"<html><head><title>Página no encontrada</title>{canonical}</head><body><h1>Error 404</h1></body></html>"
    line.take(missing.encode(), OTHER_URL)
    assert row(line.db, "SELECT status FROM articles") == {"status": "live"}
