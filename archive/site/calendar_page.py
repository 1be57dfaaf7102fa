"""The calendar of the talks: its page, and the same as iCalendar."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

from datasette.app import Datasette
from datasette.utils.asgi import Request, Response
from icalendar import Calendar, Event

from archive.site import calendar_queries
from archive.site.i18n import Words
from archive.site.views import base_url, is_public, page, read, words_of
from archive.times import now

TALKS_ON_PAGE = 60
FILE_DAYS = 366  # that the calendar's file goes back


async def calendar(datasette: Datasette, request: Request) -> Response:
    """The talks that were announced, and what became of them: those to come, and those of one year."""
    words = words_of(request)
    found = await read(datasette, calendar_queries.shown, request.args.get("year"))
    coming, past = found["coming"], found["past"]
    return await page(
        datasette,
        request,
        "calendar.html",
        coming=coming[-TALKS_ON_PAGE:][::-1],
        past=past[:TALKS_ON_PAGE],
        more=max(0, len(past) - TALKS_ON_PAGE),
        year=found["year"],
        years=found["years"],
        public=is_public(datasette),
        when=lambda talk: when(talk, words),
    )


def when(talk: dict[str, Any], words: Words) -> str:
    """Return the date of a talk as precisely as it was announced."""
    if talk["precision"] == "month":
        return words.day(f"{talk['date'][:7]}-01", "LLLL y")
    return words.day(talk["date"], "full")


async def calendar_file(datasette: Datasette, request: Request) -> Response:
    """The talks of the last year and those to come as iCalendar (RFC 5545): whole days, or months."""
    words, base = words_of(request), base_url(datasette, request)
    public = is_public(datasette)
    file = Calendar()
    file.add("prodid", "-//Bilateral//Calendar of the talks//EN")
    file.add("version", "2.0")
    file.add("x-wr-calname", f"{words.t('site_name')}: {words.t('calendar_title')}")
    since = (now().date() - timedelta(days=FILE_DAYS)).isoformat()
    for talk in await read(datasette, calendar_queries.calendar, since):
        file.add_component(calendar_event(talk, words, base, public=public))
    return Response(file.to_ical(), content_type="text/calendar; charset=utf-8")


def calendar_event(talk: dict[str, Any], words: Words, base: str, *, public: bool) -> Event:
    """Return one announced talk as an event that takes up no time of anybody's."""
    first = date.fromisoformat(talk["date"] if len(talk["date"]) == 10 else f"{talk['date'][:7]}-01")
    last = first + timedelta(days=1)
    if talk["precision"] == "month":
        last = date(first.year + first.month // 12, first.month % 12 + 1, 1)
    event = Event()
    # The kind is what most articles say so far: it may yet change, and the event stay the same.
    sort = "call" if talk["kind"] == "call" else "talk"
    event.add("uid", f"{talk['date']}-{sort}-{talk['precision']}@{base.partition('://')[2]}")
    event.add("dtstamp", datetime.fromisoformat(talk["first_announced"]).astimezone(UTC))
    event.add("dtstart", first)
    event.add("dtend", last)
    event.add("transp", "TRANSPARENT")
    event.add("status", "CANCELLED" if talk["fate"] == "cancelled" else "CONFIRMED")
    event.add("summary", f"{words.t('talk_' + talk['kind'])}: {words.count('outlets_say', talk['outlets'])}")
    said = [
        s["outlet_name"] if public else f"{s['outlet_name']}: {s['sentence']}" for s in talk["sentences"][:5]
    ]
    fate = words.t(f"fate_{talk['fate']}")
    if talk["reports"]:
        fate = f"{fate} ({words.count('outlets', talk['reports'])})"
    event.add("description", "\n".join([f"{fate[:1].upper()}{fate[1:]}.", *dict.fromkeys(said)]))
    event.add("url", f"{base}/story/{talk['story']}" if talk["story"] else f"{base}/calendar")
    return event
