"""`bilateral group`: copies, stories and the calendar, for what is new, anew, or for texts from standard input."""

import json
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from archive.clusters import average_link
from archive.copy_index import find_pairs
from archive.grouping import group_archive
from archive.linkage import find_pairs as find_alike
from archive.linkage import load_model, places, reasons
from archive.options import EXIT_FAILED, db_option, json_option, print_json, readable
from archive.profiles import Profile, read_profile
from archive.shingles import groups, read_text


@click.command()
@db_option
@click.option("--anew", is_flag=True, help="Group all articles again; stories keep their numbers.")
@click.option(
    "--stdin", "from_stdin", is_flag=True, help="Group JSONL from standard input; needs no archive."
)
@json_option
@click.pass_context
def group(ctx: click.Context, db: Path, anew: bool, from_stdin: bool, as_json: bool) -> None:
    """Find copies and stories, and read the calendar of announced talks.

    With --stdin a line is {"id", "language", "published", "title", "text", "grade"?}; the answer, in the same
    order, is {"id", "event", "copy_group", "why"}: articles with the same event are one story, null means
    alone. Lines with grade 0 are off the subject and not grouped.
    """
    if from_stdin:
        if not group_stream():
            ctx.exit(EXIT_FAILED)
        return
    report = group_archive(readable(db), anew=anew)
    if as_json:
        print_json(report)
        return
    copies, stories = report["copies"], report["stories"]
    click.echo(f"copies   {copies['groups']} groups with {copies['copies']} articles; {copies['read']} read")
    click.echo(
        f"stories  {stories['stories']} with {stories['articles']} articles; {stories['read']} read, "
        f"{stories['splits']} split, {stories['merges']} merged"
    )
    click.echo(f"calendar {report['mentions']['read']} articles read")


def group_stream() -> bool:
    """Group the articles on standard input; False where a line could not be read."""
    rows = [_read_line(number, line) for number, line in enumerate(sys.stdin.buffer, 1) if line.strip()]
    wanted = [(number, row) for number, row in enumerate(rows) if "error" not in row and row["grade"] != 0]
    events, why = _events([_profile(number, row) for number, row in wanted])
    texts = [read_text(number, _day(row["published"]), row["text"]) for number, row in wanted]
    copied = groups(find_pairs(texts))
    for number, row in enumerate(rows):
        answer = {"id": row["id"], "error": row["error"]} if "error" in row else {
            "id": row["id"],
            "event": events.get(number),
            "copy_group": f"c{copied[number] + 1}" if number in copied else None,
            "why": why.get(number, []),
        }  # fmt: skip
        sys.stdout.write(json.dumps(answer, ensure_ascii=False) + "\n")
    return not any("error" in row for row in rows)


def _read_line(number: int, line: bytes) -> dict[str, Any]:
    try:
        row = json.loads(line)
    except ValueError as error:
        return {"id": None, "error": f"line {number}: not JSON: {error}"}
    if not isinstance(row, dict):
        return {"id": None, "error": f"line {number}: not a JSON object"}
    found = {
        "id": row.get("id"),
        "language": str(row.get("language") or row.get("lang") or "")[:2].lower(),
        "published": row.get("published") or row.get("date"),
        "title": row.get("title") or "",
        "text": row.get("text") or "",
        "timezone": row.get("timezone"),
        "grade": row.get("grade", 1),
    }
    try:
        datetime.fromisoformat(found["published"])
    except (TypeError, ValueError):
        return {
            "id": found["id"],
            "error": f"line {number}: published is no ISO 8601 time: {found['published']!r}",
        }
    if found["language"] not in ("es", "en"):
        return {
            "id": found["id"],
            "error": f"line {number}: language is neither es nor en: {found['language']!r}",
        }
    if not isinstance(found["title"], str) or not isinstance(found["text"], str):
        return {"id": found["id"], "error": f"line {number}: title and text must be texts"}
    return found


def _profile(number: int, row: dict[str, Any]) -> Profile:
    telling = load_model().telling
    return read_profile(
        number, row["language"], row["published"], row["title"], row["text"], telling, row["timezone"]
    )


def _day(published: str) -> float:
    moment = datetime.fromisoformat(published)
    return moment.toordinal() + moment.hour / 24


def _events(profiles: list[Profile]) -> tuple[dict[int, str], dict[int, list[str]]]:
    """Return the story of each article, named after its smallest number, and what links it to the most alike."""
    model = load_model()
    pairs = list(find_alike(profiles, (), model))
    found = average_link(pairs, places(profiles), model.threshold)
    events = {number: f"s{min(cluster) + 1}" for cluster in found if len(cluster) > 1 for number in cluster}
    by_id = {profile.id: profile for profile in profiles}
    best: dict[int, tuple[float, list[str]]] = {}
    for link in pairs:
        for number, other in ((link.a, link.b), (link.b, link.a)):
            if events.get(number, "") == events.get(other) and link.likeness > best.get(number, (0.0, []))[0]:
                best[number] = link.likeness, reasons(by_id[number], by_id[other])
    return events, {number: why for number, (_, why) in best.items()}
