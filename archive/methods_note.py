"""The note that goes with a file: what is in it, what is not, by which rules, and how good they are."""

from collections.abc import Sequence
from importlib.metadata import version
from typing import Any

from sqlite_utils import Database

from archive.evaluation import Interval, coded_pages, score_pages
from archive.exports.tables import Extract
from archive.sampling import estimate_samples
from archive.search.query import parse
from archive.selection import Selection, where_clause
from archive.store import row, rows

_GAPS_SHOWN = 50


def methods_note(db: Database, extract: Extract, selection: Selection, *, drawn: str = "") -> str:
    """Return the note as Markdown. ``drawn`` says how a sample was drawn, where the file is one."""
    condition, parameters = where_clause(db, selection)
    sections = [
        ["# Methods note", "", f"Rows in this file: {extract.count(db)}, of table `{extract.table}`."],
        _selection(selection, drawn),
        _counts(db, condition, parameters),
        _rules(db, condition, parameters),
        _copies(db, condition, parameters),
        _gaps(db, condition, parameters, selection),
        _judge(db),
        _rights(extract),
    ]
    return "\n".join(line for section in sections for line in [*section, ""])


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


def _counts(db: Database, condition: str, parameters: Sequence[Any]) -> list[str]:
    period = row(
        db,
        "SELECT count(*) AS n, min(published) AS first, max(published) AS last, sum(published IS NULL) AS undated"
        f" FROM articles a WHERE {condition}",
        list(parameters),
    )
    assert period is not None
    lines = [
        "## Counts",
        "",
        f"- Articles selected: {period['n']}; published {period['first'] or '-'} to {period['last'] or '-'} (UTC);"
        f" {period['undated'] or 0} without a date of publication (they count by the day first seen).",
    ]
    for name in ("language", "country", "grade"):
        found = _grouped(db, name, condition, parameters)
        lines.append(f"- By {name}: " + ("; ".join(f"{key} {n}" for key, n in found) or "none"))
    lines += ["", "| Outlet | Articles |", "| --- | ---: |"]
    return lines + [f"| {key} | {n} |" for key, n in _grouped(db, "outlet", condition, parameters)]


def _grouped(db: Database, column: str, condition: str, parameters: Sequence[Any]) -> list[tuple[Any, int]]:
    sql = f"SELECT a.{column}, count(*) FROM articles a WHERE {condition} GROUP BY 1 ORDER BY 2 DESC, 1"
    return list(db.execute(sql, list(parameters)).fetchall())


def _rules(db: Database, condition: str, parameters: Sequence[Any]) -> list[str]:
    found = _grouped(db, "topic_version", condition, parameters)
    versions = "; ".join(f"{key or 'unknown'} ({n} articles)" for key, n in found)
    return [
        "## Rules",
        "",
        f"- Software: bilateral {version('bilateral')}",
        f"- Topic definition, version and hash: {versions or '-'}",
        "- Columns: docs/schema.md, and the schema beside the data.",
    ]


def _copies(db: Database, condition: str, parameters: Sequence[Any]) -> list[str]:
    found = row(
        db,
        "SELECT count(a.wire) AS credited, count(a.copy_group) AS copied,"
        f" count(DISTINCT a.copy_group) AS texts FROM articles a WHERE {condition}",
        list(parameters),
    )
    assert found is not None
    return [
        "## Wire copy",
        "",
        "Copies are counted, each as a row; `copy_group` tells which rows are one text.",
        f"{found['credited']} articles credit an agency; {found['copied']} articles are copies of"
        f" {found['texts']} texts.",
    ]


def _gaps(db: Database, condition: str, parameters: Sequence[Any], selection: Selection) -> list[str]:
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
