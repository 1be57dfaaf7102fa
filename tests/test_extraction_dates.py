"""Printed dates in both languages, and the choice among candidates."""

import pytest

from archive.extraction import extract
from archive.extraction.moments import read_moment
from archive.models import Article, Page

FETCHED = "2026-07-20T12:00:00Z"


@pytest.mark.parametrize(
    ("raw", "wall", "offset"),
    [
        ("2026-01-15T10:30:00-06:00", "2026-01-15 10:30", -6),
        ("2026-01-15T16:30:00.123Z", "2026-01-15 16:30", 0),
        ("2026-01-15 10:30:05", "2026-01-15 10:30", None),
        ("2026-01-15T10:30-0700", "2026-01-15 10:30", -7),
        ("Thu, 15 Jan 2026 10:30:00 -0600", "2026-01-15 10:30", -6),
        ("1768494600", "2026-01-15 16:30", 0),
        ("1768494600000", "2026-01-15 16:30", 0),
        ("15 de enero de 2026, 10:30 h", "2026-01-15 10:30", None),
        ("Jueves 15 de enero del 2026 a las 22:05 hrs.", "2026-01-15 22:05", None),
        ("15/01/2026 04:05 p. m.", "2026-01-15 16:05", None),
        ("15 ene 2026 | 12:10 a.m.", "2026-01-15 00:10", None),
        ("enero 15, 2026 - 4:05 pm", "2026-01-15 16:05", None),
        ("Publicado: 15/sep/2026 10:30 hora del Pacífico", "2026-09-15 10:30", -7),
        ("January 15, 2026 4:05 p.m. CST", "2026-01-15 16:05", -6),
        ("Published 4:05 PM EST, Thu January 15, 2026", "2026-01-15 16:05", -5),
        ("Jan. 15, 2026, 4:05 PM ET", "2026-01-15 16:05", -5),
        ("July 4, 2026 at 9:15 a.m. PT", "2026-07-04 09:15", -7),
        ("15 enero 2026 10:30 (GMT-6)", "2026-01-15 10:30", -6),
    ],
)
def test_dates_are_read(raw: str, wall: str, offset: int | None) -> None:
    moment = read_moment(raw)
    assert moment is not None
    assert f"{moment.wall:%Y-%m-%d %H:%M}" == wall
    shift = moment.wall.replace(tzinfo=moment.zone).utcoffset() if moment.zone else None
    assert (shift.total_seconds() / 3600 if shift is not None else None) == offset


@pytest.mark.parametrize(
    "raw", ["", "hoy", "2026-13-45", "99/99/2026", "Capítulo 12 de 2026 páginas", "1", "T", "0000-00-00"]
)
def test_what_is_no_date_is_none(raw: str) -> None:
    assert read_moment(raw) is None


def test_day_and_month_follow_the_country() -> None:
    spanish, american = read_moment("03/04/2026"), read_moment("03/04/2026", month_first=True)
    assert spanish
    assert american
    assert (spanish.wall.month, american.wall.month) == (4, 3)


def story(head: str = "", body: str = "", zone: str | None = "America/Tijuana", **known: str) -> Article:
    text = (
        "<p>Las dos delegaciones hablaron durante horas de armas, de rutas y de dinero, sin dar detalles.</p>"
    )
    html = f"<html lang='es'><head>{head}</head><body><article><h1>Una nota</h1>{body}{text}</article></body></html>"
    url = known.get("url", "https://d.example/una-nota-con-titulo-largo")
    return extract(
        Page(url=url, body=html.encode(), fetched=FETCHED, timezone=zone, country="MX", language="es")
    )


def test_zoneless_time_is_read_in_the_outlets_zone() -> None:
    meta = "<meta property='article:published_time' content='2026-07-10T21:30:00'>"
    assert story(meta, zone="America/Tijuana").published_local == "2026-07-10T21:30:00-07:00"
    assert story(meta, zone="America/Hermosillo").published_local == "2026-07-10T21:30:00-07:00"
    assert story(meta, zone="America/Cancun").published_local == "2026-07-10T21:30:00-05:00"
    assert story(meta, zone="America/Chicago").published_local == "2026-07-10T21:30:00-05:00"
    assert story(meta).zone_assumed


def test_printed_offset_is_kept() -> None:
    article = story("<meta property='article:published_time' content='2026-07-10T21:30:00-04:00'>")
    assert article.published_local == "2026-07-10T21:30:00-04:00"
    assert not article.zone_assumed


def test_day_alone_takes_its_minute_from_what_is_shown() -> None:
    jsonld = (
        '<script type="application/ld+json">{"@type":"NewsArticle","datePublished":"2026-07-10"}</script>'
    )
    article = story(jsonld, "<p class='fecha'>10 de julio de 2026, 07:45 horas</p>")
    assert article.published_local == "2026-07-10T07:45:00-07:00"
    assert (article.published_precision, article.published_source) == ("minute", "text")


def test_midnight_gives_way_to_a_real_time_of_that_day() -> None:
    meta = "<meta name='date' content='2026-07-10T00:00:00'>"
    article = story(meta, "<time datetime='2026-07-10T07:45:00-07:00'>hoy</time>")
    assert article.published_local == "2026-07-10T07:45:00-07:00"


def test_later_than_the_fetch_is_refused_and_kept_as_candidate() -> None:
    meta = "<meta property='article:published_time' content='2027-01-01T00:00:00Z'>"
    article = story(meta, "<time datetime='2026-07-10T07:45:00-07:00'>hoy</time>")
    assert article.published_local == "2026-07-10T07:45:00-07:00"
    refused = [c for c in article.dates if c.local is None]
    assert [c.raw for c in refused] == ["2027-01-01T00:00:00Z"]
    assert refused[0].note == "later than the fetch"


def test_utc_mark_on_a_local_clock_is_not_believed() -> None:
    said = '{"@type":"NewsArticle","datePublished":"2026-07-10T07:45:00Z"}'
    jsonld = f"<script type='application/ld+json'>{said}</script>"
    article = story(jsonld, "<time>10 de julio de 2026, 07:45 h</time>")
    assert article.published_local == "2026-07-10T07:45:00-07:00"


def test_published_and_updated_are_kept_apart() -> None:
    shown = "Publicado el 10 de julio de 2026 a las 07:45 | Actualizado el 11 de julio de 2026 a las 09:00"
    article = story(body=f"<p class='fecha'>{shown}</p>")
    assert article.published_local == "2026-07-10T07:45:00-07:00"
    assert article.modified_local == "2026-07-11T09:00:00-07:00"


def test_times_of_other_articles_are_not_taken() -> None:
    aside = "<aside><time datetime='2026-07-01T01:00:00-07:00'>antes</time></aside>"
    article = story(body=f"{aside}<time datetime='2026-07-10T07:45:00-07:00'>hoy</time>")
    assert article.published_local == "2026-07-10T07:45:00-07:00"


def test_address_gives_the_day_where_nothing_else_does() -> None:
    article = story(url="https://d.example/2026/07/09/una-nota-con-titulo-largo")
    assert (article.published_local, article.published_precision) == ("2026-07-09T00:00:00-07:00", "day")
    assert article.published_source == "url"


def test_no_date_is_null() -> None:
    article = story()
    assert article.published_local is None
    assert article.published_precision == ""
