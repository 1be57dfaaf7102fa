"""`bilateral label`, `sample`, `evaluate` and `agreement`: what people say of the judge."""

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any, TextIO

import click
from sqlite_utils import Database

from archive import evaluation, sampling
from archive.commands.judge import read_topic
from archive.evaluation import Interval, Score
from archive.export import standard_output
from archive.exports.files import replaced
from archive.exports.sample import SHEET_COLUMNS
from archive.exports.text_formats import spreadsheet_cell
from archive.options import db_option, json_option, plain_errors, print_json, readable, topic_option


@click.command()
@click.argument("url", required=False)
@click.argument("grade", required=False, type=click.IntRange(0, 2))
@db_option
@click.option("--note", default="", help="Why, in a few words.")
@click.option("--coder", default="", help="Who labels.")
@click.option(
    "--from", "source", type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="A sample that was filled in (CSV), or exported labels (JSONL).",
)  # fmt: skip
@click.option("--export", is_flag=True, help="Write all labels to standard output as JSONL.")
def label(
    url: str | None, grade: int | None, db: Path, note: str, coder: str, source: Path | None, export: bool
) -> None:
    """Keep what a person thinks of a page: 2 core, 1 related, 0 not on the subject."""
    if sum((export, source is not None, url is not None)) != 1:
        raise click.UsageError("give a URL and a grade, or --from FILE, or --export")
    archive = readable(db)
    if export:
        for kept in evaluation.all_labels(archive):
            click.echo(json.dumps(kept, ensure_ascii=False))
        return
    if source is not None:
        click.echo(f"{_import_labels(archive, source, coder)} labels kept")
        return
    if url is None or grade is None:
        raise click.UsageError("a grade is missing: 2 core, 1 related, 0 not on the subject")
    with plain_errors():
        address = evaluation.record_label(archive, url, grade, note=note, coder=coder)
    click.echo(f"{address}: {grade}")


def _import_labels(db: Database, source: Path, coder: str) -> int:
    """Keep the labels of a file, all or, where one is none, not one; those that are kept already are passed over."""
    labels = evaluation.all_labels(db)
    known = {(old["url"], old["coder"], old["created"]) for old in labels}
    latest = evaluation.latest_labels(labels)
    fresh = []
    for number, entry in _read_labels(source):
        given = str(entry.get("grade") or "").strip()
        if not given:
            continue
        if given not in ("0", "1", "2") or not entry.get("url"):
            raise click.ClickException(f"{source}, line {number}: needs a url, and a grade of 0, 1 or 2")
        url = evaluation.judged_address(db, str(entry["url"]))
        who, note = str(entry.get("coder") or coder), str(entry.get("note") or "")
        last = latest.get(url, {}).get(who)
        same = last is not None and (last["grade"], last["note"]) == (int(given), note)
        if (url, who, entry.get("created")) not in known and not (same and not entry.get("created")):
            fresh.append((url, int(given), note, who, entry.get("created")))
    for url, grade, note, who, created in fresh:
        evaluation.record_label(db, url, grade, note=note, coder=who, created=created)
    return len(fresh)


def _read_labels(source: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    lines = _text_of(source)
    if source.suffix == ".csv":
        reader = csv.DictReader(lines, delimiter=_delimiter(lines.readline()))
        lines.seek(0)
        if not {"url", "grade"} <= set(reader.fieldnames or ()):
            raise click.ClickException(f"{source}, line 1: there are no columns named url and grade")
        yield from ((reader.line_num, entry) for entry in reader)
        return
    for number, line in enumerate(lines, 1):
        try:
            entry = json.loads(line)
        except ValueError as error:
            raise click.ClickException(f"{source}, line {number}: {error}") from error
        if not isinstance(entry, dict):
            raise click.ClickException(f"{source}, line {number}: not a JSON object")
        yield number, entry


def _text_of(source: Path) -> io.StringIO:
    """Return the text of a file as a spreadsheet may have saved it: in UTF-8, or in Windows-1252."""
    content = source.read_bytes()
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("cp1252", "replace")
    return io.StringIO(text, newline="")


def _delimiter(header: str) -> str:
    """Return what a spreadsheet put between the columns; where a comma is for decimals, it is a semicolon."""
    return max(",;\t", key=header.count)


@click.command()
@db_option
@click.option("--size", type=click.IntRange(1), default=100, show_default=True, help="Pages to draw.")
@click.option("--seed", type=int, default=1, show_default=True, help="The same seed draws the same pages.")
@click.option("--name", help="What to call the sample.  [default: today and the seed]")
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), help="CSV to fill in.  [default: standard output]"
)
def sample(db: Path, size: int, seed: int, name: str | None, output: Path | None) -> None:
    """Draw pages to label from around and below the threshold, as CSV without the judge's own opinion.

    Fill in the column grade (0, 1 or 2) and give the file to `bilateral label --from FILE --coder NAME`.
    """
    drawn = sampling.draw_sample(readable(db), size, seed, name)
    if not drawn:
        raise click.ClickException(f"{db}: nothing has been judged yet")
    try:
        if output is None:
            with standard_output() as stream:
                _write_sheet(stream, drawn)
            return
        with replaced(output) as temporary, temporary.open("w", encoding="utf-8-sig", newline="") as stream:
            _write_sheet(stream, drawn)
    except BrokenPipeError:
        raise  # click ends quietly
    except OSError as error:
        raise click.ClickException(f"{output or 'standard output'}: {error.strerror or error}") from error


def _write_sheet(stream: TextIO, drawn: list[dict[str, Any]]) -> None:
    writer = csv.DictWriter(stream, SHEET_COLUMNS, extrasaction="ignore", lineterminator="\r\n")
    writer.writeheader()
    for page in drawn:
        cells = {column: spreadsheet_cell(page.get(column)) for column in SHEET_COLUMNS}
        writer.writerow({**cells, "grade": "", "note": ""})


@click.command()
@db_option
@topic_option
@json_option
def evaluate(db: Path, topic: Path, as_json: bool) -> None:
    """Compare the judge with the labels: precision, recall, F1 and their 95% intervals."""
    archive = readable(db)
    coded = evaluation.coded_pages(archive)
    report = {
        "labelled": len(coded),
        "never_judged": [page.url for page in coded if page.judged is None],
        "scores": [
            {"group": what, "value": which, **asdict(score)}
            for what, which, score in evaluation.score_groups(coded)
        ],
        "grades": evaluation.score_grades(coded),
        "samples": sampling.estimate_samples(archive),
        "screen": evaluation.screen_loss(archive, read_topic(topic)),
        "disagreements": [asdict(page) for page in evaluation.disagreements(coded)],
    }
    if as_json:
        print_json(report)
        return
    if not coded:
        click.echo(
            "no page has been labelled yet: `bilateral sample` draws some, `bilateral label` keeps labels"
        )
    _print_scores(evaluation.score_groups(coded) if coded else [])
    _print_rest(report)


def _print_scores(groups: list[tuple[str, str, Score]]) -> None:
    for what, which, score in groups:
        name = "all labelled pages" if what == "all" else f"{what} {which}"
        click.echo(
            f"{name} ({score.pages}): precision {_share(score.precision, score.precision_interval)}, "
            f"recall {_share(score.recall, score.recall_interval)}, F1 {_share(score.f1, score.f1_interval)}, "
            f"same grade {_number(score.grade_accuracy)}"
        )


def _print_rest(report: dict[str, Any]) -> None:
    for line in report["grades"]:
        if line["pages"]:
            click.echo(
                f"grade {line['grade']} ({line['pages']}): judged relevant "
                f"{_share(line['judged_relevant'], line['judged_relevant_interval'])}, "
                f"same grade {_share(line['same_grade'], line['same_grade_interval'])}"
            )
    for estimate in report["samples"]:
        click.echo(f"sample {estimate['sample']} ({estimate['created'][:10]}): {_estimate_words(estimate)}")
    screen = report["screen"]
    if screen["fetched"]:
        low, high = screen["estimated_lost_interval"]
        click.echo(
            f"screen: {screen['relevant']} of {screen['fetched']} pages fetched in spite of it were relevant; "
            f"of {screen['screened_out']} left out, it may have lost {screen['estimated_lost']} ({low} to {high})"
        )
    for page in report["disagreements"]:
        note = f" ({page['note']})" if page["note"] else ""
        click.echo(
            f"people say {page['gold']}, the judge {page['judged']}: {page['url']} {page['title']}{note}"
        )
    for url in report["never_judged"]:
        click.echo(f"labelled, but never judged: {url}")


def _estimate_words(estimate: dict[str, Any]) -> str:
    words = f"{estimate['labelled']} of {estimate['drawn']} labelled"
    if estimate["unlabelled_strata"]:
        return f"{words}; no estimate before some of {', '.join(estimate['unlabelled_strata'])} are"
    return (
        f"{words}; on everything judged, precision "
        f"{_share(estimate['precision'], estimate['precision_interval'])}, "
        f"recall {_share(estimate['recall'], estimate['recall_interval'])}, "
        f"F1 {_share(estimate['f1'], estimate['f1_interval'])}"
    )


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def _share(value: float | None, interval: Interval) -> str:
    return "–" if value is None else f"{value:.3f} [{interval[0]:.2f}, {interval[1]:.2f}]"


@click.command()
@db_option
@json_option
def agreement(db: Path, as_json: bool) -> None:
    """Say what coded samples tell: how good the judge is, and how far people agree with each other.

    Precision, recall and F1 on everything that was judged, from the strata of each sample, with 95% intervals; and
    Krippendorff's alpha over the pages that two or more labelled.
    """
    archive = readable(db)
    report = evaluation.agreement(archive)
    coded = evaluation.coded_pages(archive)
    judged = [(page.gold, page.judged) for page in coded if page.judged is not None]
    report["samples"] = sampling.estimate_samples(archive)
    report["labelled"] = asdict(evaluation.score_pages(judged)) if judged else None
    if as_json:
        print_json(report)
        return
    _print_quality(report)
    if not report["pages"]:
        click.echo("no page has been labelled by two people: there is no agreement to measure")
        return
    click.echo(
        f"{report['pages']} pages labelled by two or more of {', '.join(map(_named, report['coders']))}: "
        f"alpha of the grade {_number(report['alpha'])}, of relevance {_number(report['alpha_relevant'])}, "
        f"same grade {_number(report['same_grade'])}"
    )
    for page in report["disagreements"]:
        grades = ", ".join(f"{_named(coder)} {grade}" for coder, grade in page["grades"].items())
        click.echo(f"{page['url']}: {grades}")


def _print_quality(report: dict[str, Any]) -> None:
    for estimate in report["samples"]:
        click.echo(f"sample {estimate['sample']} ({estimate['created'][:10]}): {_estimate_words(estimate)}")
    if not report["labelled"]:
        click.echo("no page that was judged has been labelled: `bilateral sample` draws some")
        return
    score = report["labelled"]
    shares = ", ".join(
        f"{words} {_share(score[name], score[f'{name}_interval'])}"
        for name, words in (("precision", "precision"), ("recall", "recall"), ("f1", "F1"))
    )
    click.echo(f"all labelled pages ({score['pages']}, unweighted): {shares}")


def _named(coder: str) -> str:
    return coder or "unnamed"
