"""When an article was published and modified: all candidates a page offers, and the one to believe.

The first acceptable candidate, in the order below, fixes the day; among the candidates of that day the first with
a time and an offset gives the minute. Midnight counts as no time where another candidate of that day has one.
"""

import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from itertools import islice
from typing import Literal, cast

from lxml import etree
from lxml.html import HtmlElement

from archive.extraction.moments import Moment, fold, read_moment, zone_of
from archive.extraction.patterns import WORDS
from archive.extraction.structured import Structured, text_of
from archive.models import DateCandidate, Lead, Page
from archive.times import parse_utc

Role = Literal["published", "modified"]

TOLERANCE = timedelta(minutes=30)  # clocks differ; later than this after the fetch is no publication time
OLDEST = 1990

_JSONLD: tuple[tuple[Role, str], ...] = (
    ("published", "datePublished"),
    ("published", "dateCreated"),
    ("published", "uploadDate"),
    ("modified", "dateModified"),
)
META_PUBLISHED = WORDS["meta-published"]
META_MODIFIED = WORDS["meta-modified"]
_UPDATED = re.compile(
    r"actualiza|updated|modific|last edited|ultima (?:hora|edicion)|correccion|aktualis|maj\b"
)
_PUBLISHED = re.compile(r"publica|publish|posted|creado|fecha|(?<!up)date")
_DATE_CLASS = re.compile(r"date|time|fecha|hora\b|publi|byline|posted|timestamp|meta\b|info\b", re.I)
_ROLES = re.compile(
    r"(?i)(?=(?<!última )(?<!last )(?<!fecha de )\b(?:(?:última |last )?(?:actualiza|updated|modific)"
    r"|(?:fecha de )?publica|published|posted))"
)
_URL_DATE = re.compile(
    r"/((?:19|20)\d\d)(?:/[A-Za-z-]{3,20}(?=/\d\d/\d\d/))?[/-]?(0[1-9]|1[0-2]|[1-9])[/-]?(0[1-9]|[12]\d|3[01]|[1-9])(?=[/._-])"
)
_YEAR = re.compile(r"(?:19|20)\d\d|\b\d{1,2}/\d{1,2}/\d\d,? +\d{1,2}:\d\d")
_URL_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_URL_MONTH_NAME = re.compile(rf"/((?:19|20)\d\d)/({'|'.join(_URL_MONTHS)})/(\d\d?)/")
_ELSEWHERE = {"aside", "nav", "footer", "a"}
_COMMENTS = re.compile(
    r"(?<![a-z])(?:comments?(?![a-z])|comentarios?|disqus)|(?<![a-z])related(?![a-z])", re.I
)
_ITEMPROPS = etree.XPath("//*[@itemprop='datePublished' or @itemprop='dateModified'][not(self::meta)]")
_CLOCK = re.compile(
    r"\W*(?:hora\W+)?\d{1,2}[:.h]\d\d(?::\d\d)?\s*(?:[ap]\.?\s?m\.?)?\s*(?:hrs?|hs|h|horas)?\W*(?:[a-z]{2,4})?\W*"
)
LINE = 160  # characters
_LINKED_DATE = 40  # characters
_HOUR = re.compile(r"\d[:.h]\d\d")
_BEFORE = 30  # elements before the headline, and
_NEAR = 400  # elements after the headline among which a visible date is looked for


@dataclass(frozen=True, slots=True)
class _Candidate:
    role: Role
    raw: str
    source: str
    moment: Moment | None


@dataclass(frozen=True, slots=True)
class Dates:
    """The times believed, and everything they were chosen from."""

    published: str | None = None
    source: str = ""
    precision: Literal["minute", "day", ""] = ""
    modified: str | None = None
    zone_assumed: bool = False
    candidates: tuple[DateCandidate, ...] = ()


def find_dates(root: HtmlElement | None, found: Structured, page: Page) -> Dates:
    """Collect every date that a page, its route and its address offer, and choose."""
    month_first = (page.country == "US" and page.language != "es") or (
        page.country is None and (found.language or "").lower() in ("en", "en-us")
    )
    candidates = [
        _Candidate(role, raw, source, read_moment(raw, month_first=month_first))
        for role, raw, source in _offers(root, found, page)
    ]
    choice = _Choice(zone_of(page.timezone), page.fetched, candidates)
    if root is not None and (not choice.timed("published") or choice.in_utc()):
        seen = [
            _Candidate(role, raw, "text", moment)
            for role, raw in (*_visible(root), *_day_and_clock(root, choice.choose("published")))
            if (moment := read_moment(raw, month_first=month_first))
        ]
        if seen:
            place = next(
                (i for i, c in enumerate(candidates) if c.source in ("feed", "sitemap", "url")),
                len(candidates),
            )
            candidates[place:place] = seen
            choice = _Choice(zone_of(page.timezone), page.fetched, candidates)
    return choice.result()


def _day_and_clock(root: HtmlElement, day: _Candidate | None) -> Iterator[tuple[Role, str]]:
    """Where only the day is known: that day with a time of day that stands alone at the headline, "10:05 hrs"."""
    headline = next(root.iter("h1"), None)
    if headline is None or day is None or day.moment is None or day.moment.timed:
        return
    for element in headline.xpath("following::*[position() <= 30]"):
        text = " ".join((element.text or "").split())
        if 4 <= len(text) <= 40 and _CLOCK.fullmatch(fold(text)):
            yield "published", f"{day.moment.wall.date().isoformat()} {text}"
            return


def _offers(root: HtmlElement | None, found: Structured, page: Page) -> Iterator[tuple[Role, str, str]]:
    for role, key in _JSONLD:
        if raw := text_of(found.article.get(key)):
            yield role, raw, "json-ld"
    for name in META_PUBLISHED:
        for raw in found.meta.get(name, ())[:1]:
            yield "published", raw, "meta"
    for name in META_MODIFIED:
        for raw in found.meta.get(name, ())[:1]:
            yield "modified", raw, "meta"
    if root is not None:
        marked = (
            b"itemprop" in page.body or b"\0" in page.body[:100]
        )  # the search for it takes as long as all the rest
        yield from ((role, raw, "time") for role, raw in _time_elements(root, marked=marked))
    if page.lead is not None:
        yield from _lead_dates(page.lead)
    if raw := _url_date(page.url):
        yield "published", raw, "url"


def _lead_dates(lead: Lead) -> Iterator[tuple[Role, str, str]]:
    route = "sitemap" if lead.via == "sitemap" else "feed"
    if lead.published_local:
        yield "published", lead.published_local, route
    if lead.modified_local:
        yield "modified", lead.modified_local, route


def _url_date(url: str) -> str:
    if match := _URL_DATE.search(url):
        return f"{match[1]}-{int(match[2]):02}-{int(match[3]):02}"
    if match := _URL_MONTH_NAME.search(url):
        return f"{match[1]}-{_URL_MONTHS.index(match[2]) + 1:02}-{int(match[3]):02}"
    return ""


def _time_elements(root: HtmlElement, *, marked: bool) -> Iterator[tuple[Role, str]]:
    """The <time> and itemprop elements of the article itself: those at the headline, not those of listings."""
    for element in cast("list[HtmlElement]", _ITEMPROPS(root) if marked else [])[:6]:
        role: Role = "modified" if element.get("itemprop") == "dateModified" else "published"
        yield role, element.get("datetime") or element.get("content") or element.text_content()
    times = list(root.iter("h1", "time"))
    first = next((i for i, e in enumerate(times) if e.tag == "h1"), -1)
    near = times[first + 1 :] + times[max(0, first) : max(0, first - 2) : -1] if first >= 0 else times
    count = 0
    for element in near:
        if element.tag != "time" or any(map(_is_elsewhere, element.iterancestors())):
            continue
        stated, shown = element.get("datetime") or "", element.text_content()
        label = _label(element)
        role = "modified" if _UPDATED.search(label) and not _PUBLISHED.search(label) else "published"
        if stated:
            yield role, stated
        if shown and not (stated and "T" in stated):
            yield role, " ".join(shown.split())
        count += 1
        if count == 3:
            return


def _is_elsewhere(ancestor: HtmlElement) -> bool:
    """Whether what stands in this element is another page's, the site's, or a reader's."""
    named = f"{ancestor.get('class') or ''} {ancestor.get('id') or ''}"
    return ancestor.tag in _ELSEWHERE or (ancestor.tag != "body" and bool(_COMMENTS.search(named)))


def _label(element: HtmlElement) -> str:
    """What stands before a date and in its class: "Actualizado:", "Last updated"."""
    parent = element.getparent()
    before = element.getprevious()
    words = [element.get("class") or "", element.get("itemprop") or "", (element.text_content() or "")[:60]]
    if before is not None and before.tag not in ("time", "br"):
        words.append((before.tail or before.text_content() or "")[-60:])
    elif before is not None:
        words.append((before.tail or "")[-60:])
    elif parent is not None:
        words += [(parent.text or "")[-60:], parent.get("class") or ""]
    return fold(" ".join(words))


def _visible(root: HtmlElement) -> Iterator[tuple[Role, str]]:
    """Short texts near the headline that could be a date, in the order of the page."""
    for element in _near_headline(root):
        if element.tag in ("script", "style", "noscript", "option"):
            continue
        own = " ".join(filter(None, [element.text, *(child.tail for child in element)]))
        if not _YEAR.search(own) or len(own) > 160:
            continue
        if element.tag == "a" and (len(own) > _LINKED_DATE or not _HOUR.search(own)):
            continue  # another story's headline; a date with its hour may lead to the archive of the day
        text = " ".join(own.split())
        text = _wider(element, text)
        named = f"{element.get('class') or ''} {element.get('id') or ''}"
        if (
            len(text) > 90
            and not _DATE_CLASS.search(named)
            and not re.match(r"\W*(?:publi|actuali|posted|updated)", fold(text))
        ):
            continue
        yield from _roles(text)


def _near_headline(root: HtmlElement) -> list[HtmlElement]:
    """The elements around the first <h1>, or the first of the page; the rest of the page is not walked."""
    body = root.find("body")
    region = body if body is not None else root
    elements = region.iter("*")
    before: deque[HtmlElement] = deque(maxlen=_BEFORE)
    for element in elements:
        if element.tag == "h1":
            return [*before, element, *islice(elements, _NEAR - 1)]
        before.append(element)
    return list(islice(region.iter("*"), _NEAR))


def _wider(element: HtmlElement, text: str) -> str:
    """The text of the element, or of the one around it, where only that has the whole date with its time."""
    parent = element.getparent()
    for around in (element, parent):
        moment = read_moment(text)
        whole_clock = (
            moment is not None and moment.timed and (moment.zone is not None or around is not element)
        )
        if around is None or whole_clock:
            break
        whole = _short_text(around)
        if whole and (found := read_moment(whole)) and (moment is None or _says_more(found, moment)):
            text = whole
    return text


def _says_more(found: Moment, known: Moment) -> bool:
    return found.timed and (not known.timed or found.zone is not None)


def _short_text(element: HtmlElement) -> str:
    """The text of an element; '' where it is longer than a line with dates is."""
    pieces: list[str] = []
    length = 0
    for piece in element.itertext():
        pieces.append(piece)
        length += len(piece.strip())
        if length > LINE:
            return ""
    return " ".join(" ".join(pieces).split())[:LINE]


def _roles(text: str) -> Iterator[tuple[Role, str]]:
    """Split "Publicado 10:05, 15/01/2026 | Actualizado 12:30, 16/01/2026" into its two dates."""
    pieces = _ROLES.split(text)
    for piece in pieces:
        if piece.strip():
            yield (
                ("modified" if _UPDATED.match(fold(piece).removeprefix("ultima ")) else "published"),
                piece.strip(),
            )


class _Choice:
    """The candidates judged: read in their zone, refused where they lie after the fetch, and ranked."""

    def __init__(self, zone: tzinfo | None, fetched: str, candidates: list[_Candidate]) -> None:
        self.zone = zone or UTC
        self.zone_known = zone is not None
        self.latest = parse_utc(fetched) + TOLERANCE if fetched else None
        self.candidates = candidates
        self.kept = [c for c in candidates if c.moment and not self._refusal(c)]

    def _refusal(self, candidate: _Candidate) -> str:
        moment = candidate.moment
        if moment is None:
            return "not a date"
        if moment.wall.year < OLDEST:
            return "too old"
        if self.latest is not None and moment.aware(self.zone) > self.latest:
            return "later than the fetch"
        return ""

    def timed(self, role: Role) -> bool:
        """Whether some acceptable candidate of this role carries a time of day."""
        return any(c.role == role and c.moment and _has_time(c.moment) for c in self.kept)

    def in_utc(self) -> bool:
        """Whether the time of publication is given in UTC by an outlet that keeps another: it may be mislabelled."""
        best = self.choose("published")
        if best is None or best.moment is None or best.moment.zone is None or not self.zone_known:
            return False
        own = best.moment.aware(self.zone)
        return not own.utcoffset() and bool(own.astimezone(self.zone).utcoffset())

    def choose(self, role: Role) -> _Candidate | None:
        """Return the candidate to believe, or None."""
        offers = [c for c in self.kept if c.role == role and c.moment]
        if not offers:
            return None
        day = self._day(offers[0])
        same = [c for c in offers if self._day(c) == day] or offers[:1]
        if not any(c.moment and c.moment.timed for c in same):  # the day alone may be meant in UTC
            same += [c for c in offers if _utc_day(c) == day]
        timed = [c for c in same if c.moment and _has_time(c.moment)]
        zoned = [c for c in timed if c.moment and c.moment.zone is not None]
        best = (zoned or timed or [c for c in same if c.moment and c.moment.zone is not None] or same)[0]
        return self._true_offset(best, timed)

    def _day(self, candidate: _Candidate) -> object:
        assert candidate.moment is not None
        if not candidate.moment.timed:
            return candidate.moment.wall.date()
        return (
            candidate.moment.aware(self.zone).astimezone(self.zone).date()
            if self.zone_known
            else candidate.moment.wall.date()
        )

    def _true_offset(self, best: _Candidate, timed: list[_Candidate]) -> _Candidate:
        """A time "in UTC" that shows the same clock as one in the outlet's zone had its mark put on by mistake."""
        if not self.zone_known:
            return best
        if best.moment is None or best.moment.zone is None or best.moment.aware(self.zone).utcoffset():
            return best
        for other in timed:
            if other.moment is None or other.moment.wall.replace(second=0) != best.moment.wall.replace(
                second=0, microsecond=0
            ):
                continue
            if other.moment.aware(self.zone).utcoffset() and (
                other.moment.zone or other.source in ("text", "time")
            ):
                return other
        return best

    def result(self) -> Dates:
        """Choose both times and write down all candidates."""
        published, modified = self.choose("published"), self.choose("modified")
        local = self._local(published)
        later = self._local(modified)
        if local and later and datetime.fromisoformat(later) < datetime.fromisoformat(local):
            later = None
        moment = published.moment if published else None
        precision: Literal["minute", "day", ""] = (
            "" if moment is None else "minute" if moment.timed else "day"
        )
        notes = tuple(
            DateCandidate(
                role=c.role, raw=c.raw[:120], source=c.source,
                local=None if (note := self._refusal(c)) else self._local(c), note=note,
            )
            for c in self.candidates
        )  # fmt: skip
        assumed = moment is not None and moment.zone is None
        return Dates(local, published.source if published else "", precision, later, assumed, notes)

    def _local(self, candidate: _Candidate | None) -> str | None:
        if candidate is None or candidate.moment is None:
            return None
        return candidate.moment.aware(self.zone).replace(microsecond=0).isoformat()


def _has_time(moment: Moment) -> bool:
    return moment.timed and (moment.wall.hour, moment.wall.minute, moment.wall.second) != (0, 0, 0)


def _utc_day(candidate: _Candidate) -> object:
    """The day in UTC of a candidate that has a time with an offset; else None."""
    moment = candidate.moment
    if moment is None or moment.zone is None or not _has_time(moment):
        return None
    return moment.aware(UTC).astimezone(UTC).date()
