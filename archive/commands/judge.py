"""`bilateral judge` and `bilateral topic`: the verdict on texts from standard input, and the topic file's own state."""

import json
import sys
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from archive.options import EXIT_FAILED, json_option, print_json, topic_option
from archive.relevance import judge as judge_text
from archive.topic import Topic, TopicError, load_topic, vacant_offices


def read_topic(path: Path) -> Topic:
    """Load a topic file; a bad one ends the command with exit code 2 and one line that names file, line and key."""
    try:
        return load_topic(path)
    except TopicError as error:
        raise click.UsageError(str(error)) from error


@click.command()
@topic_option
@click.pass_context
def judge(ctx: click.Context, topic: Path) -> None:
    """Judge texts: JSONL on standard input, JSONL on standard output in the same order.

    A line is {"id", "title", "text", "language"?, "date"?, "description"?}; the answer is {"id", "grade",
    "score", "terms"}. A line that cannot be read is answered by {"id": null, "error"}, and the command ends
    with exit code 1.
    """
    loaded = read_topic(topic)
    failed = False
    for line in sys.stdin.buffer:
        if not line.strip():
            continue
        answer = _answer(line, loaded)
        failed |= "error" in answer
        sys.stdout.write(json.dumps(answer, ensure_ascii=False) + "\n")
    if failed:
        ctx.exit(EXIT_FAILED)


def _answer(line: bytes, topic: Topic) -> dict[str, Any]:
    try:
        row = json.loads(line)
    except ValueError as error:
        return {"id": None, "error": f"not JSON: {error}"}
    if not isinstance(row, dict):
        return {"id": None, "error": "not a JSON object"}
    values = {key: row.get(key) for key in ("title", "text", "description", "language", "date")}
    for key, value in values.items():
        if value is not None and not isinstance(value, str):
            return {"id": row.get("id"), "error": f"{key} must be a text"}
    if not (values["title"] or values["text"]):
        return {"id": row.get("id"), "error": "neither title nor text"}
    verdict = judge_text(
        values["title"] or "",
        values["text"] or "",
        topic,
        description=values["description"] or "",
        language=values["language"],
        date=values["date"],
    )
    return {
        "id": row.get("id"),
        "grade": verdict.grade,
        "score": verdict.score,
        "terms": [asdict(term) for term in verdict.terms],
    }


@click.group()
def topic() -> None:
    """Look at a topic file."""


@topic.command()
@topic_option
@click.option("--on", "day", metavar="DAY", help="The day to ask for, such as 2025-03-01.  [default: today]")
@json_option
@click.pass_context
def check(ctx: click.Context, topic: Path, day: str | None, as_json: bool) -> None:
    """Check a topic file, and name the offices that nobody in its roster holds."""
    loaded = read_topic(topic)
    try:
        day = datetime.fromisoformat(day).date().isoformat() if day else datetime.now(UTC).date().isoformat()
    except ValueError as error:
        raise click.UsageError(f"--on {day}: not a day such as 2025-03-01") from error
    vacant = vacant_offices(loaded, day)
    summary = {
        "topic": str(topic),
        "version": loaded.version,
        "spellings": loaded.entries,
        "points": len(loaded.points),
        "roster": len(loaded.roster),
        "vacant": vacant,
    }
    if as_json:
        print_json(summary)
        return
    click.echo(
        f"{topic}: version {loaded.version}, {loaded.entries} spellings, {len(loaded.points)} points, "
        f"{len(loaded.roster)} terms of office"
    )
    for office in vacant:
        click.echo(f"no holder on {day}: {office}")
