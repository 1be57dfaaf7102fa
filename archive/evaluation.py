"""What people say of the judge: labels, precision and recall with their uncertainty, agreement.

Sources: the interval of a proportion is Wilson's (1927, 95%); that of F1 is a percentile bootstrap over the
labelled pages; agreement is Krippendorff's alpha for ordinal data. Samples are in ``archive.sampling``.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from sqlite_utils import Database

from archive.pages import find_page
from archive.relevance import screen
from archive.store import find_article, row, rows, transaction
from archive.times import utc_now
from archive.topic import Topic
from archive.urls import BadURL

GRADES = (0, 1, 2)
Z_95 = 1.959964
DRAWS = 2000
SEED = 20260101

_STRATUM = """
CASE WHEN v.grade = 2 THEN 'core' WHEN v.grade = 1 THEN 'related' WHEN v.score > 0 THEN 'near' ELSE 'far' END
"""
JUDGED = f"""
SELECT v.page AS url, v.title, v.grade, v.score, v.topic_version, {_STRATUM} AS stratum,
  p.outlet, coalesce(o.language, '') AS language, coalesce(o.kind, '') AS kind, coalesce(o.country, '') AS country
FROM verdicts v LEFT JOIN pages p ON p.url = v.page LEFT JOIN outlets o ON o.id = p.outlet
"""

Interval = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Coded:
    """One page that people have labelled, and what the judge says of it (None where it judged nothing)."""

    url: str
    title: str
    gold: int
    judged: int | None
    score: float | None
    language: str
    kind: str
    outlet: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Score:
    """Precision, recall and F1 of "relevant" (grade 1 or 2) over labelled pages; None where undefined."""

    pages: int
    precision: float | None
    precision_interval: Interval
    recall: float | None
    recall_interval: Interval
    f1: float | None
    f1_interval: Interval
    grade_accuracy: float | None


def record_label(
    db: Database, url: str, grade: int, *, note: str = "", coder: str = "", created: str | None = None
) -> str:
    """Keep one person's label of one page; earlier ones stay. Return the address it is kept under.

    Raises ValueError where the grade is not 0, 1 or 2.
    """
    if grade not in GRADES:
        raise ValueError(f"a grade is 0, 1 or 2, not {grade}")
    address = judged_address(db, url)
    verdict = row(db, "SELECT topic_version FROM verdicts WHERE page = ?", [address])
    with transaction(db):
        db.execute(
            "INSERT INTO labels (url, grade, note, coder, created, topic_version) VALUES (?,?,?,?,?,?)",
            [address, grade, note, coder, created or utc_now(), verdict["topic_version"] if verdict else ""],
        )
    return str(address)


def judged_address(db: Database, url: str) -> str:
    """Return the address of the page that was judged under an address: its own, or that of the article it gave."""
    page = find_page(db, url)
    if page is not None and page["state"] != "duplicate":
        return str(page["url"])
    try:
        article = find_article(db, url)
    except BadURL:
        return url
    read = article and row(
        db, "SELECT url FROM pages WHERE article = ? AND state = 'archived' ORDER BY url", [article["id"]]
    )
    return str((read or page or {"url": url})["url"])


def all_labels(db: Database) -> list[dict[str, Any]]:
    """Return every label ever given, oldest first."""
    return rows(db, "SELECT url, grade, note, coder, created, topic_version FROM labels ORDER BY id")


def latest_labels(labels: Iterable[dict[str, Any]]) -> dict[str, dict[str, dict[str, Any]]]:
    """Return url -> coder -> that coder's last label."""
    latest: dict[str, dict[str, dict[str, Any]]] = defaultdict(dict)
    for label in labels:
        latest[label["url"]][label["coder"]] = label
    return latest


def agreed_grade(by_coder: dict[str, dict[str, Any]]) -> int:
    """Return the grade most coders gave; of equally frequent ones, the last given."""
    given = sorted(by_coder.values(), key=lambda label: label["created"])
    counts = Counter(label["grade"] for label in given)
    most = max(counts.values())
    return next(int(label["grade"]) for label in reversed(given) if counts[label["grade"]] == most)


def coded_pages(db: Database) -> list[Coded]:
    """Return every labelled page with the judge's present verdict on it."""
    judged = {verdict["url"]: verdict for verdict in rows(db, JUDGED)}
    return [
        _coded(url, by_coder, judged.get(url, {})) for url, by_coder in latest_labels(all_labels(db)).items()
    ]


def _coded(url: str, by_coder: dict[str, dict[str, Any]], verdict: dict[str, Any]) -> Coded:
    return Coded(
        url=url,
        title=verdict.get("title") or "",
        gold=agreed_grade(by_coder),
        judged=verdict.get("grade"),
        score=verdict.get("score"),
        language=verdict.get("language") or "unknown",
        kind=verdict.get("kind") or "unknown",
        outlet=verdict.get("outlet") or "unknown",
        note="; ".join(label["note"] for label in by_coder.values() if label["note"]),
    )


def wilson(hits: int, of: int) -> Interval:
    """Return Wilson's 95% interval of a proportion, (0, 1) where nothing was counted."""
    if of == 0:
        return (0.0, 1.0)
    share, square = hits / of, Z_95**2
    middle = (share + square / (2 * of)) / (1 + square / of)
    half = Z_95 * math.sqrt(share * (1 - share) / of + square / (4 * of * of)) / (1 + square / of)
    return (max(0.0, middle - half), min(1.0, middle + half))


def score_pages(pairs: Sequence[tuple[int, int]]) -> Score:
    """Score (gold grade, judged grade) pairs."""
    tp = sum(gold > 0 and judged > 0 for gold, judged in pairs)
    fp = sum(gold == 0 and judged > 0 for gold, judged in pairs)
    fn = sum(gold > 0 and judged == 0 for gold, judged in pairs)
    return Score(
        pages=len(pairs),
        precision=ratio(tp, tp + fp),
        precision_interval=wilson(tp, tp + fp),
        recall=ratio(tp, tp + fn),
        recall_interval=wilson(tp, tp + fn),
        f1=ratio(2 * tp, 2 * tp + fp + fn),
        f1_interval=f1_interval(tp, fp, fn, len(pairs)),
        grade_accuracy=ratio(sum(gold == judged for gold, judged in pairs), len(pairs)),
    )


def f1_interval(tp: int, fp: int, fn: int, pages: int) -> Interval:
    """Return the 95% percentile bootstrap interval of F1, resampling pages, seeded."""
    if tp + fp + fn == 0:
        return (0.0, 1.0)
    shares = np.array([tp, fp, fn, pages - tp - fp - fn]) / pages
    drawn = np.random.default_rng(SEED).multinomial(pages, shares, DRAWS)
    below = np.maximum(2 * drawn[:, 0] + drawn[:, 1] + drawn[:, 2], 1)
    return percentiles(2 * drawn[:, 0] / below)


def ratio(part: float, whole: float) -> float | None:
    """Return part of whole, None where there is no whole."""
    return part / whole if whole else None


def percentiles(values: Any) -> Interval:
    """Return the interval that holds 95% of drawn values."""
    low, high = np.percentile(values, [2.5, 97.5])
    return (float(low), float(high))


def score_groups(coded: Sequence[Coded]) -> list[tuple[str, str, Score]]:
    """Score all pages, then each language and kind of outlet: (what, which, score)."""
    judged = [page for page in coded if page.judged is not None]
    groups: list[tuple[str, str, list[Coded]]] = [("all", "all", judged)]
    for what in ("language", "kind"):
        for which in sorted({getattr(page, what) for page in judged}):
            groups.append((what, which, [page for page in judged if getattr(page, what) == which]))
    return [
        (what, which, score_pages([(page.gold, page.judged or 0) for page in pages]))
        for what, which, pages in groups
    ]


def score_grades(coded: Sequence[Coded]) -> list[dict[str, Any]]:
    """Return, for each grade people gave, how many the judge found relevant and graded alike, with intervals."""
    table = []
    for grade in GRADES:
        pages = [page for page in coded if page.judged is not None and page.gold == grade]
        relevant = sum((page.judged or 0) > 0 for page in pages)
        alike = sum(page.judged == grade for page in pages)
        table.append(
            {
                "grade": grade,
                "pages": len(pages),
                "judged_relevant": ratio(relevant, len(pages)),
                "judged_relevant_interval": wilson(relevant, len(pages)),
                "same_grade": ratio(alike, len(pages)),
                "same_grade_interval": wilson(alike, len(pages)),
            }
        )
    return table


def agreement(db: Database) -> dict[str, Any]:
    """Return Krippendorff's alpha of the grades (ordinal) and of relevance (nominal) over pages coded twice.

    ``alpha`` is None where fewer than two coders share a page or all gave one grade.
    """
    latest = latest_labels(all_labels(db))
    shared = {url: by_coder for url, by_coder in latest.items() if len(by_coder) > 1}
    coders = sorted({coder for by_coder in shared.values() for coder in by_coder})
    table = [
        [by_coder[coder]["grade"] if coder in by_coder else math.nan for by_coder in shared.values()]
        for coder in coders
    ]
    same = sum(len({label["grade"] for label in by_coder.values()}) == 1 for by_coder in shared.values())
    return {
        "coders": coders,
        "pages": len(shared),
        "same_grade": ratio(same, len(shared)),
        "alpha": _alpha(table, "ordinal"),
        "alpha_relevant": _alpha(
            [[math.nan if math.isnan(grade) else float(grade > 0) for grade in line] for line in table],
            "nominal",
        ),
        "disagreements": [
            {"url": url, "grades": {coder: label["grade"] for coder, label in by_coder.items()}}
            for url, by_coder in shared.items()
            if len({label["grade"] for label in by_coder.values()}) > 1
        ],
    }


def _alpha(table: list[list[float]], level: Literal["nominal", "ordinal"]) -> float | None:
    import krippendorff

    values = {value for line in table for value in line if not math.isnan(value)}
    if len(table) < 2 or len(values) < 2:
        return None
    return float(krippendorff.alpha(reliability_data=table, level_of_measurement=level))


def screen_loss(db: Database, topic: Topic) -> dict[str, Any]:
    """Return what the screen is seen to lose, from pages of screened outlets that it would leave out.

    The crawl fetches a small share of those all the same: of these ``fetched``, so many were ``relevant``;
    ``estimated_lost`` is that share of all that were left out.
    """
    candidates = rows(
        db,
        "SELECT p.url, p.headline, p.summary, v.grade FROM pages p JOIN verdicts v ON v.page = p.url"
        " JOIN outlets o ON o.id = p.outlet WHERE o.screen = 'summary'",
    )
    in_spite = [
        page for page in candidates if not screen(page["headline"], page["summary"], page["url"], topic)
    ]
    relevant = sum(page["grade"] > 0 for page in in_spite)
    left = row(db, "SELECT count(*) AS pages FROM pages WHERE state = 'screened-out'")
    screened = int(left["pages"]) if left else 0
    low, high = wilson(relevant, len(in_spite))
    share = ratio(relevant, len(in_spite))
    return {
        "fetched": len(in_spite),
        "relevant": relevant,
        "screened_out": screened,
        "estimated_lost": round(screened * share, 1) if share is not None else None,
        "estimated_lost_interval": (round(screened * low, 1), round(screened * high, 1)),
    }


def disagreements(coded: Sequence[Coded]) -> list[Coded]:
    """Return the labelled pages that the judge grades otherwise, the gravest first."""
    wrong = [page for page in coded if page.judged is not None and page.judged != page.gold]
    return sorted(wrong, key=lambda page: ((page.gold > 0) == ((page.judged or 0) > 0), page.url))
