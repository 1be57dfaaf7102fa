"""Charts as SVG that is drawn on the server: no script, and a table with the same numbers beside each.

A drawing is stretched to the width there is, so that bars fill a phone and a wide screen alike; what is written stands
below it as text, which is not.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

from markupsafe import Markup

from archive.site.i18n import Words
from archive.site.queries import Day

WIDTH, HALF, HEIGHT = 900, 70, 96
FILL = 0.78  # of a day's or month's width is its bar
WIDEST = 70.0
TICKS = 6

_LINK = Markup('<a href="{}" tabindex="-1"><title>{}</title>{}</a>')
_PLAIN = Markup("<g><title>{}</title>{}</g>")
_RECT = Markup('<rect class="{}" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}"/>')


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar of a histogram. ``name`` is its label in full, ``short`` the one below the axis."""

    name: str
    short: str
    mx: int
    us: int
    href: str = ""


def daily_chart(days: Sequence[Day], words: Words) -> Markup:
    """Draw articles per day, Mexican outlets upwards and US outlets downwards; days not observed are hatched."""
    top = max([1, *(side.articles for day in days for side in (day.mx, day.us))])
    step = WIDTH / max(1, len(days))
    gaps = [
        _RECT.format("gap", start * step, y, number * step, HALF)
        for y, runs in (
            (0, _runs(day.mx.is_gap for day in days)), (HALF + 1, _runs(day.us.is_gap for day in days)),
        )
        for start, number in runs
    ]  # fmt: skip
    summary = words.t(
        "chart_summary",
        first=words.day(days[0].day, "long"),
        last=words.day(days[-1].day, "long"),
        mx=words.number(sum(day.mx.articles for day in days)),
        us=words.number(sum(day.us.articles for day in days)),
        gaps=words.number(sum(day.mx.is_gap or day.us.is_gap for day in days)),
    )
    return Markup(
        '<div class="chart daily"><p class="peak" aria-hidden="true">{most}</p>'
        '<svg viewBox="0 0 {w} {h}" preserveAspectRatio="none" role="group" aria-label="{title}"'
        ' aria-describedby="chart-desc"><defs><pattern id="gap" width="7" height="7" patternUnits="userSpaceOnUse"'
        ' patternTransform="rotate(45)"><rect class="ground" width="7" height="7"/>'
        '<line class="hatch" x1="0" y1="0" x2="0" y2="7"/></pattern></defs>'
        '{gaps}{bars}<rect class="axis" x="0" y="{half}" width="{w}" height="1"/></svg>{ticks}'
        '<p id="chart-desc" class="visually-hidden">{summary}</p></div>'
    ).format(
        w=WIDTH,
        h=2 * HALF + 1,
        half=HALF,
        title=words.t("chart_title"),
        summary=summary,
        most=words.t("chart_most", n=words.number(top)),
        gaps=Markup("").join(gaps),
        bars=Markup("").join(_day(day, number, step, top, words) for number, day in enumerate(days)),
        ticks=_ticks([words.day(day.day, "d MMM") for day in days]),
    )


def day_link(day: Day, words: Words) -> str:
    """Return the search for what was published on a day."""
    date = day.day.isoformat()
    return words.link("/search", {"from": date, "to": date, "sort": "newest"})


def _runs(gaps: Iterable[bool]) -> list[tuple[int, int]]:
    """Return start and length of each run of gaps."""
    runs, place = [], 0
    for is_gap, run in groupby(gaps):
        number = len(list(run))
        if is_gap:
            runs.append((place, number))
        place += number
    return runs


def _day(day: Day, number: int, step: float, top: int, words: Words) -> Markup:
    if not day.mx.articles and not day.us.articles:
        return Markup("")
    x, width = number * step + step * (1 - FILL) / 2, step * FILL
    up, down = HALF * day.mx.articles / top, HALF * day.us.articles / top
    bars = _RECT.format("hit", number * step, 0, step, 2 * HALF + 1)
    if up:
        bars += _RECT.format("bar mx", x, HALF - up, width, up)
    if down:
        bars += _RECT.format("bar us", x, HALF + 1, width, down)
    name = words.t(
        "bar_name", day=words.day(day.day), mx=words.number(day.mx.articles), us=words.number(day.us.articles)
    )
    return _LINK.format(day_link(day, words), name, bars)


def histogram(bars: Sequence[Bar], words: Words) -> Markup:
    """Draw a histogram, US outlets at the foot and Mexican ones upon them; each bar is a link where it has one."""
    top = max([1, *(bar.mx + bar.us for bar in bars)])
    step = WIDTH / max(1, len(bars))
    return Markup(
        '<div class="chart histogram"><p class="peak" aria-hidden="true">{most}</p>'
        '<svg viewBox="0 0 {w} {h}" preserveAspectRatio="none" role="group" aria-label="{title}">'
        '{bars}<rect class="axis" x="0" y="{low}" width="{w}" height="1"/></svg>{ticks}</div>'
    ).format(
        w=WIDTH,
        h=HEIGHT + 1,
        low=HEIGHT,
        most=words.t("chart_most", n=words.number(top)),
        title=words.t("histogram_title"),
        bars=Markup("").join(_bar(bar, number, step, top, words) for number, bar in enumerate(bars)),
        ticks=_ticks([bar.short for bar in bars]),
    )


def _bar(bar: Bar, number: int, step: float, top: int, words: Words) -> Markup:
    if not bar.mx and not bar.us:
        return Markup("")
    width = min(WIDEST, step * FILL)
    x = number * step + (step - width) / 2
    low, high = HEIGHT * bar.us / top, HEIGHT * bar.mx / top
    drawn = _RECT.format("hit", number * step, 0, step, HEIGHT)
    if low:
        drawn += _RECT.format("bar us", x, HEIGHT - low, width, low)
    if high:
        drawn += _RECT.format("bar mx", x, HEIGHT - low - high, width, high)
    name = words.t("bar_name", day=bar.name, mx=words.number(bar.mx), us=words.number(bar.us))
    return _LINK.format(bar.href, name, drawn) if bar.href else _PLAIN.format(name, drawn)


def _ticks(labels: Sequence[str]) -> Markup:
    """Return labels below the axis, in equal cells: one for each bar where they are few."""
    few = len(labels) <= TICKS
    shown = labels if few else [labels[number * len(labels) // TICKS] for number in range(TICKS)]
    cells = Markup("").join(Markup("<span>{}</span>").format(label) for label in shown)
    return Markup('<p class="ticks{}" aria-hidden="true">{}</p>').format(" each" if few else "", cells)
