"""How well stories are found: cross-validated by event, as published and with all events in 45 days.

    python benchmarks/stories.py CORPUS.jsonl            # cross-validation
    python benchmarks/stories.py CORPUS.jsonl --fit      # write archive/stories.toml
    python benchmarks/stories.py CORPUS.jsonl --speed 20000

CORPUS.jsonl has one article a line: id, lang, grade, date, event, title, text. In the stress every event is moved
into one window of 45 days, so that many events are under way at once and the dates named in the texts mislead.
Each fold's weights are fitted, and the tokens' weights counted, without the fold's events. Deterministic.
"""

import argparse
import itertools
import json
import random
import sys
import time
from collections import Counter, defaultdict
from dataclasses import replace
from datetime import date, timedelta
from math import log
from pathlib import Path

import numpy as np

from archive.linkage import (
    FAINT,
    FEATURES,
    MODEL,
    WINDOW_DAYS,
    Link,
    Model,
    average_link,
    features,
    group,
    likeness,
)
from archive.profiles import Profile, count_tokens, read_profile

SEED = 20260115
FOLDS = 5
DRAWS = 5
SPAN_DAYS = 45
RIDGE = 0.1  # the prior's variance on standardised weights
THRESHOLD = 0.22
HEADER = """\
# How alike two articles are: the weights of a logistic regression, and how telling tokens are (the logarithm of
# the inverse share of articles that say them; "*" is for all others). Written by `benchmarks/stories.py --fit`.
"""


def read_corpus(path: Path) -> list[dict]:
    if not path.is_file():
        sys.exit(f"{path}: the labelled corpus is not here; it does not ship with the project")
    rows = [json.loads(line) for line in path.read_text("utf-8").splitlines() if line.strip()]
    return [{**row, "event": row["event"] or f"~{row['id']}"} for row in rows]


def compressed(rows: list[dict], rng: random.Random) -> list[dict]:
    """Move each event, all its articles together, to a day drawn from one window."""
    first: dict[str, date] = {}
    for row in rows:
        day = date.fromisoformat(row["date"])
        first[row["event"]] = min(first.get(row["event"], day), day)
    start = {event: date(2026, 3, 1) + timedelta(days=rng.randrange(SPAN_DAYS)) for event in sorted(first)}
    return [
        {**row, "date": str(start[row["event"]] + (date.fromisoformat(row["date"]) - first[row["event"]]))}
        for row in rows
    ]


def count_telling(rows: list[dict]) -> dict[str, float]:
    """Return the weight of each token that is said often enough to be counted, and of all others."""
    said: Counter[str] = Counter()
    articles = Counter(row["lang"] for row in rows)
    for row in rows:
        said.update(set(count_tokens(row["title"], row["text"], row["lang"])))
    weights = {"*": round(log((len(rows) + 1) / 1.5), 2)}
    for token, count in sorted(said.items()):
        total = articles.get(token.partition(":")[0], len(rows))
        least = 6 if token.startswith("name:") else 4 if total != len(rows) else 3
        if count >= least and not token.startswith("number:"):
            weights[token] = round(log((total + 1) / (count + 0.5)), 2)
    return weights


def profiles_of(rows: list[dict], telling: dict[str, float]) -> list[Profile]:
    return [
        read_profile(number, row["lang"], row["date"], row["title"], row["text"], telling)
        for number, row in enumerate(rows)
    ]


def examples(rows: list[dict], profiles: list[Profile]) -> tuple[np.ndarray, np.ndarray]:
    table, same = [], []
    for i, j in itertools.combinations(range(len(rows)), 2):
        if abs(profiles[i].day - profiles[j].day) <= WINDOW_DAYS:
            table.append(features(profiles[i], profiles[j]))
            same.append(rows[i]["event"] == rows[j]["event"])
    return np.array(table), np.array(same, dtype=float)


def fit(table: np.ndarray, same: np.ndarray) -> tuple[float, tuple[float, ...]]:
    """Fit a logistic regression with a ridge by Newton's method; features are standardised meanwhile."""
    mean, scale = table.mean(0), table.std(0) + 1e-9
    design = np.c_[np.ones(len(table)), (table - mean) / scale]
    prior = np.eye(design.shape[1]) / RIDGE
    prior[0, 0] = 1e-6
    weights = np.zeros(design.shape[1])
    for _ in range(50):
        chance = 1 / (1 + np.exp(-design @ weights))
        curvature = (design * (chance * (1 - chance) + 1e-9)[:, None]).T @ design + prior
        weights -= np.linalg.solve(curvature, design.T @ (chance - same) + prior @ weights)
    slopes = weights[1:] / scale
    return float(weights[0] - slopes @ mean), tuple(float(slope) for slope in slopes)


def train(rows: list[dict], background: list[dict]) -> Model:
    """Fit on the articles as published and on the same moved into one window."""
    rng = random.Random(SEED)
    telling = count_telling(background)
    tables = []
    for version in [rows, *(compressed(rows, rng) for _ in range(DRAWS))]:
        tables.append(examples(version, profiles_of(version, telling)))
    bias, weights = fit(np.vstack([t for t, _ in tables]), np.concatenate([s for _, s in tables]))
    return Model(bias, weights, THRESHOLD, telling)


def score(rows: list[dict], clusters: list[list[int]]) -> dict[str, float]:
    """Return B-cubed precision, recall, F1 (Bagga and Baldwin 1998) and F1 over cross-language pairs."""
    predicted = {i: -1 - i for i in range(len(rows))}
    for number, cluster in enumerate(clusters):
        predicted.update(dict.fromkeys(cluster, number))
    gold_sets, found_sets = defaultdict(set), defaultdict(set)
    for i, row in enumerate(rows):
        gold_sets[row["event"]].add(i)
        found_sets[predicted[i]].add(i)
    both = [
        (
            len(gold_sets[row["event"]] & found_sets[predicted[i]]),
            gold_sets[row["event"]],
            found_sets[predicted[i]],
        )
        for i, row in enumerate(rows)
    ]
    precision = sum(n / len(found) for n, _, found in both) / len(rows)
    recall = sum(n / len(gold) for n, gold, _ in both) / len(rows)
    hits = wrong = missed = 0
    for i, j in itertools.combinations(range(len(rows)), 2):
        if rows[i]["lang"] != rows[j]["lang"]:
            gold, found = rows[i]["event"] == rows[j]["event"], predicted[i] == predicted[j]
            hits, wrong, missed = (
                hits + (gold and found),
                wrong + (found and not gold),
                missed + (gold and not found),
            )
    return {
        "precision": precision,
        "recall": recall,
        "f1": 2 * precision * recall / (precision + recall),
        "cross": 2 * hits / max(2 * hits + wrong + missed, 1),
    }


def cross_validate(rows: list[dict], background: list[dict]) -> None:
    """Print the scores on held-out events; each fold's articles are grouped among all others of the version."""
    rng = random.Random(SEED)
    events = sorted({row["event"] for row in rows})
    rng.shuffle(events)
    folds = [set(events[k::FOLDS]) for k in range(FOLDS)]
    models = [
        train([r for r in rows if r["event"] not in fold], [r for r in background if r["event"] not in fold])
        for fold in folds
    ]
    versions = [rows, *(compressed(rows, rng) for _ in range(DRAWS))]
    results = [score(version, _held_out(version, folds, models)) for version in versions]
    report("as published", results[:1])
    report(f"in {SPAN_DAYS} days", results[1:])


def _held_out(rows: list[dict], folds: list[set[str]], models: list[Model]) -> list[list[int]]:
    """Group all articles, each pair judged by the model that saw neither of its events, else by the mean of two."""
    fold_of = [next(k for k, fold in enumerate(folds) if row["event"] in fold) for row in rows]
    seen = [profiles_of(rows, model.telling) for model in models]
    pairs = []
    for i, j in itertools.combinations(range(len(rows)), 2):
        used = {fold_of[i], fold_of[j]}
        mean = sum(likeness(seen[k][i], seen[k][j], models[k]) for k in used) / len(used)
        if mean >= FAINT:
            pairs.append(Link(i, j, mean))
    order = {i: place for place, i in enumerate(sorted(range(len(rows)), key=lambda i: (seen[0][i].day, i)))}
    return [cluster for cluster in average_link(pairs, order, THRESHOLD) if len(cluster) > 1]


def report(name: str, results: list[dict[str, float]]) -> None:
    mean = {key: sum(result[key] for result in results) / len(results) for key in results[0]}
    print(
        f"{name:14} B-cubed P {mean['precision']:.3f} R {mean['recall']:.3f} F1 {mean['f1']:.3f}   "
        f"cross-language pair F1 {mean['cross']:.3f}"
    )


def write_model(model: Model) -> None:
    lines = [HEADER, f"bias = {model.bias:.3f}", f"threshold = {model.threshold}", "", "[weights]"]
    lines += [f"{name} = {weight:.3f}" for name, weight in zip(FEATURES, model.weights, strict=True)]
    lines += [
        "",
        "[telling]",
        *(f"{json.dumps(t, ensure_ascii=False)} = {w}" for t, w in model.telling.items()),
    ]
    MODEL.write_text("\n".join(lines) + "\n", encoding="utf-8")


def speed(rows: list[dict], count: int, model: Model) -> None:
    """Group so many articles, 50 to a day: the corpus over and over, with other names, numbers and days each time."""
    rng = random.Random(SEED)
    start = time.perf_counter()
    base = profiles_of(rows, model.telling)
    print(f"profile: {(time.perf_counter() - start) / len(rows) * 1000:.2f} ms")
    first = {row["event"]: profile.day for row, profile in zip(rows, base, strict=True)}
    profiles: list[Profile] = []
    for round_number in range(-(-count // len(rows))):
        start_day = {event: 730000 + rng.random() * count / 50 for event in sorted(first)}
        for row, profile in zip(rows, base, strict=True):
            names = {f"{token}{round_number}": weight for token, weight in profile.names.items()}
            words = {
                f"{t}{round_number}" if i % 2 else t: w for i, (t, w) in enumerate(profile.words.items())
            }
            day = start_day[row["event"]] + profile.day - first[row["event"]]
            profiles.append(
                replace(profile, id=len(profiles), day=day, names=names, words=words, numbers=frozenset())
            )
    start = time.perf_counter()
    found = len(group(profiles[:count], model))
    print(f"{count} articles into {found} stories: {time.perf_counter() - start:.1f} s")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--fit", action="store_true")
    parser.add_argument("--speed", type=int, metavar="N")
    options = parser.parse_args()
    background = read_corpus(options.corpus)
    rows = [row for row in background if row["grade"] >= 1]
    if options.fit:
        write_model(train(rows, background))
    elif options.speed:
        speed(rows, options.speed, train(rows, background))
    else:
        cross_validate(rows, background)


if __name__ == "__main__":
    main()
