"""The note that goes with a file: what is in it, what is not, by which rules, and how good they are.

Written in English and in Spanish, with the words of methods_note.toml.
"""

import json
import tomllib
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from sqlite_utils import Database

from archive.codebook import Language
from archive.evaluation import coded_pages, ratio, score_pages, wilson
from archive.exports.sample import Draw
from archive.exports.tables import TEXT_COLUMNS, Extract, extract_table
from archive.sampling import estimate_samples
from archive.search import Filters
from archive.selection import Selection, where_clause
from archive.store import rows

WORDS = Path(__file__).with_suffix(".toml")
_GAPS_SHOWN = 50
_KEYS = ("outlet", "language", "country", "grade", "topic_version")

Say = Callable[..., str]
Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Facts:
    """What the note says, before it is put into words. ``by`` counts the articles by each of some columns."""

    rows: int
    articles: int
    undated: int
    credited: int
    copied: int
    texts: int
    first: str
    last: str
    by: dict[str, Counter[str]]
    gaps: list[Row]
    samples: list[Row]
    labelled: Row | None


def methods_note(db: Database, extract: Extract, selection: Selection, *, drawn: Draw | None = None) -> str:
    """Return the note as Markdown. ``drawn`` says how a sample was drawn, where the file is one."""
    facts = _facts(db, extract, selection, drawn)
    notes = [_note(language, facts, extract, selection, drawn) for language in ("en", "es")]
    return "\n---\n\n".join(notes)


def rights_notice() -> str:
    """Return what is said, in both languages, to who takes the words of articles away."""
    return "\n".join(str(_words()[language]["with_text"]) for language in ("es", "en"))


@cache
def _words() -> dict[str, Any]:
    return tomllib.loads(WORDS.read_text(encoding="utf-8"))


def _facts(db: Database, extract: Extract, selection: Selection, drawn: Draw | None) -> _Facts:
    condition, parameters = where_clause(db, selection)
    tally, by = _tally(db, condition, parameters)
    plain = extract.table == "articles" and drawn is None
    judged = judge_facts(db)
    return _Facts(
        rows=tally["articles"] if plain else extract.count(db),
        by=by,
        gaps=_gaps_of(db, selection),
        samples=judged["samples"],
        labelled=judged["labelled"],
        **tally,
    )


def judge_facts(db: Database) -> dict[str, Any]:
    """Return what people's labels say of the judge: ``samples`` and ``labelled``, JSON-ready.

    A site's database holds no labels, but what they said when it was published.
    """
    tables = {name for (name,) in db.execute("SELECT name FROM sqlite_master")}
    if "labels" not in tables:
        kept = (
            db.execute("SELECT value FROM site WHERE key = 'judge'").fetchone() if "site" in tables else None
        )
        return dict(json.loads(kept[0])) if kept else {"samples": [], "labelled": None}
    coded = [(page.gold, page.judged) for page in coded_pages(db) if page.judged is not None]
    return {
        "samples": [estimate for estimate in estimate_samples(db) if "precision" in estimate],
        "labelled": asdict(score_pages([(gold, judged or 0) for gold, judged in coded])) if coded else None,
    }


def _tally(
    db: Database, condition: str, parameters: Sequence[Any]
) -> tuple[dict[str, Any], dict[str, Counter[str]]]:
    # Counted here and not by GROUP BY, for which SQLite would sort a million rows.
    listed = ", ".join(f"a.{key}" for key in _KEYS)
    found = Counter(
        map(tuple, db.conn.execute(f"SELECT {listed} FROM articles a WHERE {condition}", parameters))
    )
    by = {key: Counter[str]() for key in _KEYS}
    for values, number in found.items():
        for key, value in zip(_KEYS, values, strict=True):
            by[key][str(value)] += number
    first, last, dated, credited, copied, texts = db.execute(
        "SELECT coalesce(min(a.published), '-'), coalesce(max(a.published), '-'), count(a.published),"
        " count(a.wire), count(a.copy_group), count(DISTINCT a.copy_group)"
        f" FROM articles a WHERE {condition}",
        list(parameters),
    ).fetchone()
    articles = found.total()
    return {"articles": articles, "undated": articles - dated, "credited": credited, "copied": copied,
            "texts": texts, "first": first, "last": last}, by  # fmt: skip


def _gaps_of(db: Database, selection: Selection) -> list[Row]:
    """Return the gaps of the outlets selected that reach into the period."""
    filters = selection.narrowed
    kept = Filters(outlet=filters.outlet, country=filters.country, from_=filters.from_, to=filters.to)
    extract = extract_table(db, "gaps", Selection(filters=kept))
    return rows(db, extract.sql, list(extract.parameters))


def _note(
    language: Language, facts: _Facts, extract: Extract, selection: Selection, drawn: Draw | None
) -> str:
    words = _words()[language]

    def say(name: str, /, **values: object) -> str:
        return str(words[name]).format(**values)

    sections = [
        [say("title"), "", say("rows", rows=facts.rows, table=extract.table), "", say("other")],
        [say("selection"), "", *_selection(say, words, selection, drawn, language)],
        [say("counts"), "", *_counts(say, words, facts)],
        [say("rules"), "", *_rules(say, facts)],
        [say("copies"), "", say("collapsed" if selection.copies == "fold" else "counted"),
         say("credited", credited=facts.credited, copied=facts.copied, texts=facts.texts)],
        [say("gaps"), "", *_gaps(say, facts)],
        [say("judge"), "", *_judge(say, facts, language)],
        [say("rights"), "", say("with_text" if _has_words(extract) else "without_text")],
    ]  # fmt: skip
    return "\n".join(line for section in sections for line in [*section, ""])


def _has_words(extract: Extract) -> bool:
    return bool(set(TEXT_COLUMNS.get(extract.table, ())) & set(extract.columns))


def _selection(
    say: Say, words: Row, selection: Selection, drawn: Draw | None, language: Language
) -> list[str]:
    given = selection.as_dict()
    lines = []
    if "query" in given:
        lines.append(say("query", query=given.pop("query")))
        lines.append(say("understood", understood=selection.query.understood(language)))
    for name, value in given.items():
        lines.append(say("filter", name=name, value=", ".join(value) if isinstance(value, list) else value))
    if not selection.narrowed.grade:
        lines.append(say("grades"))
    if selection.is_everything:
        lines.append(say("no_filter"))
    if drawn:
        stratum = drawn.stratify
        how = say("stratified", stratum=words["strata"][stratum]) if stratum else say("uniform")
        lines.append(say("sample", how=how, size=drawn.size, seed=drawn.seed, drawn=len(drawn.numbers)))
    return lines


def _ranked(counts: Counter[str]) -> list[tuple[str, int]]:
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))


def _counts(say: Say, words: Row, facts: _Facts) -> list[str]:
    lines = [
        say("articles", articles=facts.articles, first=facts.first, last=facts.last, undated=facts.undated)
    ]
    for name in ("language", "country", "grade"):
        found = "; ".join(f"{key} {n}" for key, n in _ranked(facts.by[name]))
        lines.append(say("by", name=words["by_names"][name], counts=found or say("none")))
    lines += ["", say("outlet_head"), "| --- | ---: |"]
    return lines + [f"| {key} | {n} |" for key, n in _ranked(facts.by["outlet"])]


def _rules(say: Say, facts: _Facts) -> list[str]:
    found = _ranked(facts.by["topic_version"])
    versions = "; ".join(say("topic_of", version=key or say("unknown"), n=n) for key, n in found)
    return [
        say("software", version=version("bilateral")),
        say("topic", versions=versions or "-"),
        say("columns"),
    ]


def _gaps(say: Say, facts: _Facts) -> list[str]:
    lines = [say("seen"), ""]
    if not facts.gaps:
        return [*lines, say("no_gaps")]
    lines += [say("some_gaps", n=len(facts.gaps)), "", say("gap_head"), "| --- | --- | --- | ---: |"]
    lines += [
        f"| {gap['outlet']} | {gap['started']} | {gap['ended']} | {gap['hours']} |"
        for gap in facts.gaps[:_GAPS_SHOWN]
    ]
    if len(facts.gaps) > _GAPS_SHOWN:
        lines += ["", say("more_gaps", n=len(facts.gaps) - _GAPS_SHOWN)]
    return lines


def _judge(say: Say, facts: _Facts, language: Language) -> list[str]:
    def share(value: float | None, interval: Sequence[float]) -> str:
        return (
            say("undefined")
            if value is None
            else say("interval", value=value, low=interval[0], high=interval[1])
        )

    lines = []
    for found in facts.samples:
        shares = {
            name: share(found[name], found[f"{name}_interval"]) for name in ("precision", "recall", "f1")
        }
        lines.append(
            say("sampled", name=found["sample"], created=found["created"], labelled=found["labelled"],
                drawn=found["drawn"], topic=found["topic_version"], **shares)
        )  # fmt: skip
    if score := facts.labelled:
        shares = {name: share(score[name], score[f"{name}_interval"]) for name in ("precision", "recall")}
        lines.append(say("labelled", pages=score["pages"], **shares))
    lines = lines or [say("not_measured")]
    for known in _words()["measured"]:
        tp, fp, fn = known["tp"], known["fp"], known["fn"]
        lines.append(
            say("elsewhere", topic=known["topic"], what=known[language], tp=tp, fp=fp, fn=fn,
                precision=share(ratio(tp, tp + fp), wilson(tp, tp + fp)),
                recall=share(ratio(tp, tp + fn), wilson(tp, tp + fn)))
        )  # fmt: skip
    return lines
