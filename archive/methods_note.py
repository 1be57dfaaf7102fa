"""The note that goes with a file: what is in it, what is not, by which rules, and how good they are."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

from sqlite_utils import Database

from archive.evaluation import Interval, coded_pages, score_pages
from archive.exports.tables import Extract
from archive.sampling import estimate_samples
from archive.search.query import parse
from archive.selection import Selection, where_clause
from archive.store import rows

_GAPS_SHOWN = 50


@dataclass(frozen=True, slots=True)
class _Tally:
    """The counts of a selection, from one pass over it."""

    articles: int
    undated: int
    credited: int
    first: str | None
    last: str | None
    by: dict[str, Counter[str]]


def methods_note(db: Database, extract: Extract, selection: Selection, *, drawn: str = "") -> str:
    """Return the note as Markdown. ``drawn`` says how a sample was drawn, where the file is one."""
    condition, parameters = where_clause(db, selection)
    tally = _tally(db, condition, parameters)
    in_file = tally.articles if extract.table == "articles" and not drawn else extract.count(db)
    sections = [
        ["# Methods note", "", f"Rows in this file: {in_file}, of table `{extract.table}`."],
        _selection(selection, drawn),
        _counts(tally),
        _rules(tally),
        _copies(db, tally, condition, parameters),
        _gaps(db, selection),
        _judge(db),
        _rights(extract),
    ]
    return "\n".join(line for section in sections for line in [*section, ""])


def _tally(db: Database, condition: str, parameters: Sequence[Any]) -> _Tally:
    keys = ("outlet", "language", "country", "grade", "topic_version")
    listed = ", ".join(f"a.{key}" for key in keys)
    found = db.execute(
        f"SELECT {listed}, count(*), min(a.published), max(a.published), sum(a.published IS NULL), count(a.wire)"
        f" FROM articles a WHERE {condition} GROUP BY {listed}",
        list(parameters),
    ).fetchall()
    by = {key: Counter[str]() for key in keys}
    for columns in found:
        for key, value in zip(keys, columns, strict=False):
            by[key][str(value)] += columns[5]
    return _Tally(
        articles=sum(columns[5] for columns in found),
        undated=sum(columns[8] for columns in found),
        credited=sum(columns[9] for columns in found),
        first=min((columns[6] for columns in found if columns[6]), default=None),
        last=max((columns[7] for columns in found if columns[7]), default=None),
        by=by,
    )


def _ranked(counts: Counter[str]) -> list[tuple[str, int]]:
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))


def _selection(selection: Selection, drawn: str) -> list[str]:
    lines = ["## Selection", ""]
    if selection.query:
        lines.append(f"- Query: `{selection.query}`")
        lines.append(f"- Query as understood: {parse(selection.query).understood('en')}")
    given = {name: value for name, value in selection.as_dict().items() if name != "query"}
    for name, value in given.items():
        words = ", ".join(str(part) for part in value) if isinstance(value, tuple | list) else value
        lines.append(f"- {name}: {words}")
    if not selection.grades:
        lines.append(
            "- Grades 1 (related) and 2 (core); articles that fell off the subject (0) are left out."
        )
    if selection.is_everything:
        lines.append("- No other filter: all articles on the subject.")
    if drawn:
        lines.append(f"- {drawn}")
    return lines


def _counts(tally: _Tally) -> list[str]:
    lines = [
        "## Counts",
        "",
        f"- Articles selected: {tally.articles}; published {tally.first or '-'} to {tally.last or '-'} (UTC);"
        f" {tally.undated} without a date of publication (they count by the day first seen).",
    ]
    for name in ("language", "country", "grade"):
        found = "; ".join(f"{key} {n}" for key, n in _ranked(tally.by[name]))
        lines.append(f"- By {name}: {found or 'none'}")
    lines += ["", "| Outlet | Articles |", "| --- | ---: |"]
    return lines + [f"| {key} | {n} |" for key, n in _ranked(tally.by["outlet"])]


def _rules(tally: _Tally) -> list[str]:
    found = _ranked(tally.by["topic_version"])
    versions = "; ".join(f"{key or 'unknown'} ({n} articles)" for key, n in found)
    return [
        "## Rules",
        "",
        f"- Software: bilateral {version('bilateral')}",
        f"- Topic definition, version and hash: {versions or '-'}",
        "- Columns: docs/schema.md, and the schema beside the data.",
    ]


def _copies(db: Database, tally: _Tally, condition: str, parameters: Sequence[Any]) -> list[str]:
    copied, texts = db.execute(
        "SELECT count(*), count(DISTINCT a.copy_group) FROM articles a"
        f" WHERE a.copy_group IS NOT NULL AND {condition}",
        list(parameters),
    ).fetchone()
    return [
        "## Wire copy",
        "",
        "Copies are counted, each as a row; `copy_group` tells which rows are one text.",
        f"{tally.credited} articles credit an agency; {copied} articles are copies of {texts} texts.",
    ]


def _gaps(db: Database, selection: Selection) -> list[str]:
    start = selection.since.isoformat() if selection.since else ""
    end = f"{selection.until.isoformat()}T99" if selection.until else "9999"
    found = rows(
        db,
        "SELECT g.outlet, g.started, g.ended, g.hours FROM gaps g JOIN outlets o ON o.id = g.outlet"
        " WHERE g.ended >= ? AND g.started <= ? AND (? = '' OR o.country = ?) ORDER BY g.outlet, g.started",
        [start, end, selection.country or "", selection.country],
    )
    found = [gap for gap in found if not selection.outlets or gap["outlet"] in selection.outlets]
    lines = ["## Gaps", ""]
    if not found:
        return [*lines, "No watched outlet went unread for more than 36 hours in the period."]
    lines += [f"{len(found)} spells of more than 36 hours in which a watched outlet was not read.", ""]
    lines += ["| Outlet | From | To | Hours |", "| --- | --- | --- | ---: |"]
    lines += [
        f"| {gap['outlet']} | {gap['started']} | {gap['ended']} | {gap['hours']} |"
        for gap in found[:_GAPS_SHOWN]
    ]
    if len(found) > _GAPS_SHOWN:
        lines += ["", f"The other {len(found) - _GAPS_SHOWN} are in table `gaps`."]
    return lines


def _judge(db: Database) -> list[str]:
    lines = ["## How good the judge is", ""]
    for estimate in estimate_samples(db):
        if "precision" in estimate:
            lines.append(
                f"- Random sample {estimate['sample']!r}, drawn {estimate['created']}, {estimate['labelled']} of"
                f" {estimate['drawn']} pages coded, topic {estimate['topic_version']}:"
                f" precision {_share(estimate['precision'], estimate['precision_interval'])},"
                f" recall {_share(estimate['recall'], estimate['recall_interval'])}, weighted by stratum."
            )
    coded = [(page.gold, page.judged) for page in coded_pages(db)]
    pairs = [(gold, judged) for gold, judged in coded if judged is not None]
    if pairs:
        score = score_pages(pairs)
        lines.append(
            f"- All {score.pages} pages of this archive that people labelled (not a random sample): precision"
            f" {_share(score.precision, score.precision_interval)},"
            f" recall {_share(score.recall, score.recall_interval)} (95%, Wilson)."
        )
    if len(lines) == 2:
        lines.append(
            "Not measured on this archive: nobody has coded a sample of it. `bilateral sample` draws one,"
            " `bilateral label --from` takes it back, `bilateral evaluate` prints precision and recall."
        )
    return lines


def _share(value: float | None, interval: Interval) -> str:
    return "undefined" if value is None else f"{value:.2f} ({interval[0]:.2f} to {interval[1]:.2f})"


def _rights(extract: Extract) -> list[str]:
    lines = ["## Rights", ""]
    if "text" in extract.columns:
        return [
            *lines,
            "This file holds the full text of articles. Their copyright is their publishers': it may be studied"
            " where the law allows, not passed on or published. See docs/legal.md, which is no legal advice.",
        ]
    return [*lines, "Headlines, names and figures only; the texts of articles are not in this file."]
