"""Charts as SVG that is drawn on the server: no script, and a table with the same numbers beside each.

A drawing is stretched to the width there is, so that bars fill a phone and a wide screen alike; what is written stands
below it as text, which is not.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby

from markupsafe import Markup, escape

from archive.site.i18n import Language, Words
from archive.site.queries import Day, Side

WIDTH, HALF, HEIGHT = 900, 70, 96
HATCHING = (
    '<defs><pattern id="gap" width="7" height="7" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
    '<rect class="ground" width="7" height="7"/><line class="hatch" x1="0" y1="0" x2="0" y2="7"/></pattern></defs>'
)
FILL = 0.78  # of a day's or month's width is its bar
WIDEST = 70.0
TICKS = 6


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar of a histogram. ``name`` is its label in full, ``short`` the one below the axis.

    ``both`` counts the folded results that ran on both sides; they are in neither of the other two.
    """

    name: str
    short: str
    mx: int
    us: int
    both: int = 0
    href: str = ""


def _rect(kind: str, x: float, y: float, width: float, height: float) -> str:
    # Numbers and names of classes only: nothing in it needs to be escaped, and Markup.format takes ten times as long.
    return f'<rect class="{kind}" x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}"/>'


def _group(href: str, name: str, shapes: str) -> str:
    title = f"<title>{escape(name)}</title>"
    if not href:
        return f"<g>{title}{shapes}</g>"
    return f'<a href="{escape(href)}" tabindex="-1">{title}{shapes}</a>'


@lru_cache(maxsize=16)
def daily_chart(days: tuple[Day, ...], language: Language, explicit: bool) -> Markup:
    """Draw articles per day, Mexican outlets upwards and US outlets downwards; days not observed are hatched."""
    words = Words(language, explicit=explicit)
    top = max([1, *(side.articles for day in days for side in (day.mx, day.us))])
    step = WIDTH / max(1, len(days))
    halves = ((0, [day.mx.is_gap for day in days]), (HALF + 1, [day.us.is_gap for day in days]))
    gaps = "".join(
        _rect("gap", start * step, y, number * step, HALF)
        for y, gap in halves
        for start, number in _runs(gap)
    )
    bars = "".join(_day(day, number, step, top, words) for number, day in enumerate(days))
    summary = words.t(
        "chart_summary",
        first=words.day(days[0].day, "long"),
        last=words.day(days[-1].day, "long"),
        mx=words.number(sum(day.mx.articles for day in days)),
        us=words.number(sum(day.us.articles for day in days)),
        gaps=words.number(sum(day.mx.is_gap or day.us.is_gap for day in days)),
    )
    ticks = _ticks([words.day(day.day, words.short_day) for day in days])
    return Markup(
        f'<div class="chart daily">{_peak(top, words)}'
        f'<svg viewBox="0 0 {WIDTH} {2 * HALF + 1}" preserveAspectRatio="none" role="group"'
        f' aria-label="{escape(words.t("chart_title"))}" aria-describedby="chart-desc">{HATCHING}'
        f"{gaps}{bars}{_rect('axis', 0, HALF, WIDTH, 1)}</svg>{ticks}"
        f'<p id="chart-desc" class="visually-hidden">{escape(summary)}</p></div>'
    )


def day_link(day: Day, words: Words) -> str:
    """Return the search for what was published on a day."""
    date = day.day.isoformat()
    return words.link("/search", {"from": date, "to": date, "sort": "newest", "copies": "all"})


@lru_cache(maxsize=16)
def daily_numbers(days: tuple[Day, ...], language: Language, explicit: bool) -> Markup:
    """Return the rows of the table beside the chart, the latest day first; each leads to that day's articles."""
    words = Words(language, explicit=explicit)
    rows = (
        f'<tr><th scope="row"><a href="{escape(day_link(day, words))}">{words.day(day.day)}</a></th>'
        f"{_cell(day.mx, words)}{_cell(day.us, words)}<td>{escape(_observed(day, words))}</td></tr>"
        for day in reversed(days)
    )
    return Markup("".join(rows))


def _cell(side: Side, words: Words) -> str:
    return f'<td class="num">{words.number(side.articles)}{"*" if side.is_gap else ""}</td>'


def _observed(day: Day, words: Words) -> str:
    return words.t(
        "observed", mx=day.mx.observed, mx_all=day.mx.outlets, us=day.us.observed, us_all=day.us.outlets
    )


def numbers(bars: Sequence[Bar], words: Words) -> Markup:
    """Return the rows of the table beside a histogram, the latest first."""
    rows = []
    for bar in reversed(bars):
        name = (
            f'<a rel="nofollow" href="{escape(bar.href)}">{escape(bar.name)}</a>'
            if bar.href
            else escape(bar.name)
        )
        sides = (bar.mx, bar.us, bar.both) if any_both(bars) else (bar.mx, bar.us)
        counts = "".join(f'<td class="num">{words.number(count)}</td>' for count in sides)
        rows.append(f'<tr><th scope="row">{name}</th>{counts}</tr>')
    return Markup("".join(rows))


def any_both(bars: Sequence[Bar]) -> bool:
    """Whether any result ran on both sides."""
    return any(bar.both for bar in bars)


def _peak(top: int, words: Words) -> str:
    return f'<p class="peak" aria-hidden="true">{escape(words.t("chart_most", n=words.number(top)))}</p>'


def _runs(gaps: Iterable[bool]) -> list[tuple[int, int]]:
    """Return start and length of each run of gaps."""
    runs, place = [], 0
    for is_gap, run in groupby(gaps):
        number = len(list(run))
        if is_gap:
            runs.append((place, number))
        place += number
    return runs


def _day(day: Day, number: int, step: float, top: int, words: Words) -> str:
    if not day.mx.articles and not day.us.articles:
        return ""
    x, width = number * step + step * (1 - FILL) / 2, step * FILL
    up, down = HALF * day.mx.articles / top, HALF * day.us.articles / top
    bars = _rect("hit", number * step, 0, step, 2 * HALF + 1)
    if up:
        bars += _rect("bar mx", x, HALF - up, width, up)
    if down:
        bars += _rect("bar us", x, HALF + 1, width, down)
    return _group(
        day_link(day, words), _name(words.day(day.day), day.mx.articles, day.us.articles, words), bars
    )


def _name(span: str, mx: int, us: int, words: Words, both: int = 0) -> str:
    said = words.t("bar_name", day=span, mx=words.number(mx), us=words.number(us))
    return f"{said}, {words.t('bar_both', n=words.number(both))}" if both else said


def histogram(bars: Sequence[Bar], words: Words) -> Markup:
    """Draw a histogram; each bar is a link where it has one.

    US outlets are at the foot, Mexican ones upon them, and on top, half and half, what ran on both sides.
    """
    top = max([1, *(bar.mx + bar.us + bar.both for bar in bars)])
    step = WIDTH / max(1, len(bars))
    drawn = "".join(_bar(bar, number, step, top, words) for number, bar in enumerate(bars))
    return Markup(
        f'<div class="chart histogram">{_peak(top, words)}'
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT + 1}" preserveAspectRatio="none" role="group"'
        f' aria-label="{escape(words.t("histogram_title"))}">{drawn}{_rect("axis", 0, HEIGHT, WIDTH, 1)}</svg>'
        f"{_ticks([bar.short for bar in bars])}</div>"
    )


def _bar(bar: Bar, number: int, step: float, top: int, words: Words) -> str:
    if not bar.mx + bar.us + bar.both:
        return ""
    width = min(WIDEST, step * FILL)
    x = number * step + (step - width) / 2
    low, middle, high = (HEIGHT * count / top for count in (bar.us, bar.mx, bar.both))
    drawn = _rect("hit", number * step, 0, step, HEIGHT)
    if low:
        drawn += _rect("bar us", x, HEIGHT - low, width, low)
    if middle:
        drawn += _rect("bar mx", x, HEIGHT - low - middle, width, middle)
    if high:
        foot = HEIGHT - low - middle - high
        drawn += _rect("bar mx", x, foot, width / 2, high) + _rect(
            "bar us", x + width / 2, foot, width / 2, high
        )
    return _group(bar.href, _name(bar.name, bar.mx, bar.us, words, bar.both), drawn)


def _ticks(labels: Sequence[str]) -> str:
    """Return labels below the axis, in equal cells: one for each bar where they are few."""
    few = len(labels) <= TICKS
    shown = labels if few else [labels[number * len(labels) // TICKS] for number in range(TICKS)]
    cells = "".join(f"<span>{escape(label)}</span>" for label in shown)
    return f'<p class="ticks{" each" if few else ""}" aria-hidden="true">{cells}</p>'
