"""Scores of the judge on a labelled corpus that lies outside the project.

    python benchmarks/relevance.py [--corpus FOLDER] [--general FILE] [--errors]

The folder holds corpus.jsonl: a line is {"id", "lang", "grade", "date", "event", "title", "text"}. Reported
are: all texts as the judge stands; with the names of the roster taken out; with every name out of office; the share
of unrelated general news judged relevant; texts a second. How the judge does on texts that its weights have not
seen, benchmarks/fit_relevance.py reports.
"""

import argparse
import hashlib
import json
import re
import sys
import time
from pathlib import Path
from typing import Any

from archive.evaluation import score_pages
from archive.options import SHIPPED_TOPIC
from archive.relevance import judge
from archive.topic import Topic, load_topic

CORPUS = Path(__file__).parents[2] / "shared" / "relevance"
GENERAL = Path(__file__).parents[2] / "shared" / "extraction" / "truth.jsonl"
FOLDS = 10
OUT_OF_OFFICE = "2060-01-01"

Row = dict[str, Any]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--corpus", type=Path, default=CORPUS)
    parser.add_argument("--general", type=Path, default=GENERAL)
    parser.add_argument("--errors", action="store_true", help="list the texts judged wrongly, with reasons")
    arguments = parser.parse_args()
    if not (arguments.corpus / "corpus.jsonl").is_file():
        sys.exit(f"no corpus.jsonl in {arguments.corpus}: the labelled texts are not part of the project")
    topic = load_topic(SHIPPED_TOPIC)
    corpus = read_lines(arguments.corpus / "corpus.jsonl")
    as_it_stands(corpus, topic, arguments.errors)
    report("roster names taken out", without_names(corpus, topic), topic)
    report("every name out of office", [{**line, "date": OUT_OF_OFFICE} for line in corpus], topic)
    general(arguments.general, topic)
    speed(corpus, topic)


def read_lines(path: Path) -> list[Row]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]


def verdict_of(line: Row, topic: Topic) -> Any:
    return judge(line["title"], line["text"], topic, language=line["lang"], date=line["date"])


def show(name: str, pairs: list[tuple[int, int]]) -> None:
    score = score_pages(pairs)
    low, high = score.f1_interval
    core = [judged > 0 for gold, judged in pairs if gold == 2]
    print(
        f"{name:32s} n {score.pages:4d}  P {score.precision:.3f}  R {score.recall:.3f}  F1 {score.f1:.3f} "
        f"[{low:.2f}, {high:.2f}]  grade-2 recall {sum(core) / max(1, len(core)):.3f}  "
        f"three-way {score.grade_accuracy:.3f}"
    )


def report(name: str, corpus: list[Row], topic: Topic) -> list[Any]:
    verdicts = [verdict_of(line, topic) for line in corpus]
    show(name, [(line["grade"], verdict.grade) for line, verdict in zip(corpus, verdicts, strict=True)])
    return verdicts


def as_it_stands(corpus: list[Row], topic: Topic, errors: bool) -> None:
    verdicts = report("as it stands", corpus, topic)
    for language in sorted({line["lang"] for line in corpus}):
        report(f"as it stands, {language}", [line for line in corpus if line["lang"] == language], topic)
    for line, verdict in zip(corpus, verdicts, strict=True):
        if errors and verdict.grade != line["grade"]:
            print(
                f"  {line['id']}: {line['grade']} judged {verdict.grade} ({verdict.score}): {line['title']}"
            )
            for term in verdict.terms:
                print(f"    {term.points:+.1f} {term.where}: {term.text}: {term.why[:120]}")


def fold_of(event: str) -> int:
    return int.from_bytes(hashlib.sha256(event.encode()).digest()[:4], "big") % FOLDS


def without_names(corpus: list[Row], topic: Topic) -> list[Row]:
    names = {name for person in topic.roster for name in (person.name, *person.aliases, *person.short)}
    names |= {word for name in names for word in name.split() if len(word) > 3}
    pattern = re.compile(rf"\b(?:{'|'.join(sorted(map(re.escape, names), key=len, reverse=True))})\b")
    return [
        {**line, "title": pattern.sub("", line["title"]), "text": pattern.sub("", line["text"])}
        for line in corpus
    ]


def general(path: Path, topic: Topic) -> None:
    if not path.is_file():
        print(f"no general news: {path} is not there")
        return
    pages = read_lines(path)
    wrong = []
    for page in pages:
        title, _, text = page["text"].partition("\n")
        if judge(title, text, topic).grade:
            wrong.append(page["url"])
    print(f"general news judged relevant: {len(wrong)} of {len(pages)}", *wrong)


def speed(corpus: list[Row], topic: Topic) -> None:
    best = 0.0
    for _ in range(3):
        start = time.process_time()
        for line in corpus:
            verdict_of(line, topic)
        best = max(best, len(corpus) / (time.process_time() - start))
    words = sum(len(line["text"].split()) for line in corpus) / len(corpus)
    print(f"speed: {best:.0f} texts of {words:.0f} words a second of one core")


if __name__ == "__main__":
    main()
