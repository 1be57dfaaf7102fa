"""Charts as SVG that is drawn on the server: no script, and a table with the same numbers beside it."""

from collections.abc import Sequence

from markupsafe import Markup

from archive.site.i18n import Words
from archive.site.queries import Day

WIDTH, HALF, AXIS = 720, 70, 22
BAR_GAP = 1.5


def daily_chart(days: Sequence[Day], words: Words) -> Markup:
    """Draw articles per day, Mexican outlets upwards and US outlets downwards, unwatched days hatched."""
    top = max([1, *(day.mx for day in days), *(day.us for day in days)])
    step = WIDTH / max(1, len(days))
    shapes = [_day_shapes(day, number * step, step, top, words) for number, day in enumerate(days)]
    labels = [
        Markup('<text class="tick" x="{:.1f}" y="{}" text-anchor="middle">{}</text>').format(
            number * step + step / 2, HALF + AXIS / 2 + 4, words.day(day.day, "d MMM")
        )
        for number, day in enumerate(days)
        if number % 15 == 7
    ]
    summary = words.t(
        "chart_summary",
        first=words.day(days[0].day, "long"),
        last=words.day(days[-1].day, "long"),
        mx=words.number(sum(day.mx for day in days)),
        us=words.number(sum(day.us for day in days)),
        gaps=words.number(sum(not day.watched for day in days)),
    )
    return Markup(
        '<svg class="chart" viewBox="0 0 {w} {h}" role="img" aria-labelledby="chart-title chart-desc">'
        '<title id="chart-title">{title}</title><desc id="chart-desc">{summary}</desc>'
        '<defs><pattern id="gap" width="5" height="5" patternUnits="userSpaceOnUse"'
        ' patternTransform="rotate(45)"><line class="hatch" x1="0" y1="0" x2="0" y2="5"/></pattern></defs>'
        "{shapes}{labels}"
        '<text class="side" x="2" y="11">{mx} ↑ {top}</text>'
        '<text class="side" x="2" y="{low}">{us} ↓ {top}</text></svg>'
    ).format(
        w=WIDTH,
        h=2 * HALF + AXIS,
        low=2 * HALF + AXIS - 3,
        title=words.t("chart_title"),
        summary=summary,
        shapes=Markup("").join(shapes),
        labels=Markup("").join(labels),
        mx=words.t("mx_outlets"),
        us=words.t("us_outlets"),
        top=words.number(top),
    )


def _day_shapes(day: Day, x: float, step: float, top: int, words: Words) -> Markup:
    width = max(0.6, step - BAR_GAP)
    if not day.watched:
        return Markup(
            '<rect class="gap" fill="url(#gap)" x="{:.1f}" y="0" width="{:.1f}" height="{}"/>'
        ).format(x, step, 2 * HALF + AXIS)
    title = Markup("<title>{}</title>").format(
        f"{words.day(day.day)}: {words.t('mx_outlets')} {day.mx}, {words.t('us_outlets')} {day.us}"
    )
    bars = Markup("")
    for name, number in (("mx", day.mx), ("us", day.us)):
        height = HALF * number / top
        y = HALF - height if name == "mx" else HALF + AXIS
        bars += Markup(
            '<rect class="bar {}" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}">{}</rect>'
        ).format(name, x, y, width, height, title)
    return bars


def histogram(bars: Sequence[tuple[str, int, int, str]], words: Words) -> Markup:
    """Draw a histogram whose bars are links: (label, Mexican, US, address) each."""
    top = max([1, *(mx + us for _, mx, us, _ in bars)])
    step = WIDTH / max(1, len(bars))
    height = 90
    shapes = Markup("")
    for number, (label, mx, us, href) in enumerate(bars):
        x, width = number * step, max(0.6, min(40.0, step - BAR_GAP))
        low = height * us / top
        high = height * mx / top
        shapes += Markup(
            '<a href="{href}" aria-label="{label}: {n}"><title>{label}: {mx_name} {mx}, {us_name} {us}</title>'
            '<rect class="hit" x="{x:.1f}" y="0" width="{w:.1f}" height="{h}"/>'
            '<rect class="bar us" x="{x:.1f}" y="{y_us:.1f}" width="{w:.1f}" height="{low:.1f}"/>'
            '<rect class="bar mx" x="{x:.1f}" y="{y_mx:.1f}" width="{w:.1f}" height="{high:.1f}"/></a>'
        ).format(
            href=href, label=label, n=words.number(mx + us), mx=mx, us=us,
            mx_name=words.t("mx_outlets"), us_name=words.t("us_outlets"),
            x=x, w=width, h=height, low=low, high=high, y_us=height - low, y_mx=height - low - high,
        )  # fmt: skip
    ends = Markup('<text x="0" y="{y}">{first}</text>').format(y=height + 14, first=bars[0][0])
    if len(bars) > 1:
        ends += Markup('<text x="{w}" y="{y}" text-anchor="end">{last}</text>').format(
            w=WIDTH, y=height + 14, last=bars[-1][0]
        )
    return Markup(
        '<svg class="chart histogram" viewBox="0 0 {w} {h}" role="group" aria-label="{title}">{shapes}{ends}</svg>'
    ).format(w=WIDTH, h=height + 18, title=words.t("histogram_title"), shapes=shapes, ends=ends)
