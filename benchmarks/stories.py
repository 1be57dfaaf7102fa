"""How well stories are found: cross-validated by event, as published and with all events in 45 days.

    python benchmarks/stories.py FILE...             # cross-validation
    python benchmarks/stories.py FILE... --judge     # the weights as they ship, nothing fitted
    python benchmarks/stories.py FILE... --errors    # which articles are parted and which events joined
    python benchmarks/stories.py FILE... --fit       # write archive/stories.toml
    python benchmarks/stories.py FILE... --speed 20000

A file has one article a line: id, lang, grade, date, event, title, text; each file, or folder of files, is grouped by
itself, and "all" together. In the stress every event is moved into one window of 45 days, so that many events are
under way at once and the dates named in the texts mislead. Each fold's weights are fitted, and the
tokens' weights counted, without the fold's events. Deterministic.
"""

import argparse
import itertools
import json
import random
import sys
import textwrap
import time
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import cache
from math import log
from pathlib import Path

import numpy as np

from archive.clusters import Link, average_link
from archive.linkage import FAINT, FEATURES, MODEL, Model, Pool, group, load_model
from archive.profiles import SMALL, Profile, count_tokens, read_profile, small_words

SEED = 20260115
FOLDS = 5
DRAWS = 6
SPAN_DAYS = 45
RIDGE = 0.1  # the prior's variance on standardised weights
THRESHOLD = 0.33
ALL = "all"
SAME_EVENTS = Path(__file__).parents[1] / "tests/texts/stories/same-events.txt"
HEADER = """\
# How alike two articles are: the weights of a logistic regression, and how telling tokens are (the logarithm of
# the inverse share of articles that say them; "*" is for all others). "small" are words often written small, which are
# no names where they begin a sentence. Written by `benchmarks/stories.py --fit`.
"""


@dataclass(frozen=True)
class Scene:
    """Articles that are grouped together: those of one file as published, or pressed into one window."""

    name: str
    pressed: bool
    rows: list[dict]


def read_corpus(path: Path) -> list[dict]:
    """Return the articles of a file, or of all files of a folder whose events are labelled."""
    if not path.exists():
        sys.exit(f"{path}: there is no such file; labelled texts of others do not ship with the project")
    found = []
    for file in sorted(path.glob("*.jsonl")) if path.is_dir() else [path]:
        rows = [json.loads(line) for line in file.read_text("utf-8").splitlines() if line.strip()]
        if any(row.get("event") for row in rows):
            found += [{**row, "event": _event(row), "file": path.stem} for row in rows]
    return found


def _event(row: dict) -> str:
    """Return the name of an article's event, the same in all files."""
    event = row.get("event") or f"~{row['id']}"
    return same_events().get(event, event)


@cache
def same_events() -> dict[str, str]:
    lines = [line.split() for line in SAME_EVENTS.read_text("utf-8").splitlines()]
    return {other: name for name, *others in lines for other in others}


def pressed(rows: list[dict], rng: random.Random) -> list[dict]:
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


def scenes(rows: list[dict]) -> list[Scene]:
    """Return each file as published and pressed, and all files pressed together."""
    rng = random.Random(SEED)
    found = []
    for name in sorted({row["file"] for row in rows}):
        mine = [row for row in rows if row["file"] == name]
        found.append(Scene(name, False, mine))
        found += [Scene(name, True, pressed(mine, rng)) for _ in range(DRAWS)]
    if len({row["file"] for row in rows}) > 1:
        found += [Scene(ALL, False, rows), *(Scene(ALL, True, pressed(rows, rng)) for _ in range(DRAWS))]
    return found


def count_telling(rows: list[dict]) -> dict[str, float]:
    """Return the weight of each token that is said often enough to be counted, and of all others."""
    said: Counter[str] = Counter()
    small: Counter[str] = Counter()
    for row in rows:
        said.update(set(count_tokens(row["title"], row["text"], row["lang"])))
        small.update(small_words(row["text"]))
    weights = {"*": round(log((len(rows) + 1) / 1.5), 2)}
    for token, count in sorted(said.items()):
        if count >= (6 if token.startswith("name:") else 3) and not token.startswith("number:"):
            weights[token] = round(log((len(rows) + 1) / (count + 0.5)), 2)
    return weights | {f"{SMALL}{word}": 0.0 for word, count in sorted(small.items()) if count >= 2}


def profiles_of(rows: list[dict], telling: Mapping[str, float]) -> list[Profile]:
    return [
        read_profile(number, row["lang"], row["date"], row["title"], row["text"], telling)
        for number, row in enumerate(rows)
    ]


def examples(rows: list[dict], pool: Pool) -> tuple[np.ndarray, np.ndarray]:
    tables, same = [], []
    for row, profile in enumerate(pool.profiles):
        _, stop = pool.window(row)
        if stop > row + 1:
            tables.append(pool.features(row, row + 1, stop).T)
            mine = rows[profile.id]["event"]
            same += [rows[other.id]["event"] == mine for other in pool.profiles[row + 1 : stop]]
    return np.vstack(tables), np.array(same, dtype=float)


def fit(table: np.ndarray, same: np.ndarray) -> tuple[float, tuple[float, ...]]:
    """Fit a logistic regression with a ridge by Newton's method; features are standardised meanwhile."""
    mean, scale = table.mean(0), table.std(0) + 1e-9
    design = np.c_[np.ones(len(table)), (table - mean) / scale]
    prior = np.eye(design.shape[1]) / RIDGE
    prior[0, 0] = 1e-6
    weights = np.zeros(design.shape[1])
    for _ in range(50):
        chance = 1 / (1 + np.exp(-np.clip(design @ weights, -500, 500)))
        curvature = (design * (chance * (1 - chance) + 1e-9)[:, None]).T @ design + prior
        weights -= np.linalg.solve(curvature, design.T @ (chance - same) + prior @ weights)
    slopes = weights[1:] / scale
    return float(weights[0] - slopes @ mean), tuple(float(slope) for slope in slopes)


def train(rows: list[dict], background: list[dict]) -> Model:
    """Fit on each file as published and pressed, and on all files pressed together."""
    telling = count_telling(background)
    pairs = [examples(scene.rows, Pool(profiles_of(scene.rows, telling))) for scene in scenes(rows)]
    bias, weights = fit(np.vstack([t for t, _ in pairs]), np.concatenate([s for _, s in pairs]))
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


def cross_validated(rows: list[dict], background: list[dict]) -> list[tuple[Scene, list[list[int]]]]:
    """Group each scene, each pair judged by the model that saw neither of its events, else by the mean of two."""
    events = sorted({row["event"] for row in rows})
    random.Random(SEED).shuffle(events)
    fold_of = {event: place % FOLDS for place, event in enumerate(events)}
    models = [
        train(*([r for r in kept if fold_of.get(r["event"]) != fold] for kept in (rows, background)))
        for fold in range(FOLDS)
    ]
    return [(scene, _held_out(scene.rows, fold_of, models)) for scene in scenes(rows)]


def _held_out(rows: list[dict], fold_of: dict[str, int], models: list[Model]) -> list[list[int]]:
    pools = [Pool(profiles_of(rows, model.telling)) for model in models]
    folds = [fold_of[row["event"]] for row in rows]
    pairs, ordered = [], [profile.id for profile in pools[0].profiles]
    for row, number in enumerate(ordered):
        _, stop = pools[0].window(row)
        judged = [pool.likenesses(row, row, stop, model) for pool, model in zip(pools, models, strict=True)]
        for place, other in enumerate(ordered[row + 1 : stop], 1):
            used = {folds[number], folds[other]}
            mean = sum(judged[fold][place] for fold in used) / len(used)
            if mean >= FAINT:
                pairs.append(Link(min(number, other), max(number, other), float(mean)))
    order = {number: place for place, number in enumerate(ordered)}
    return [cluster for cluster in average_link(pairs, order, THRESHOLD) if len(cluster) > 1]


def judged(rows: list[dict]) -> list[tuple[Scene, list[list[int]]]]:
    """Group each scene by the weights that ship."""
    model = load_model()
    return [(scene, group(profiles_of(scene.rows, model.telling), model)) for scene in scenes(rows)]


def report(found: list[tuple[Scene, list[list[int]]]]) -> None:
    """Print the scores of each file, as published and pressed (the mean of the draws)."""
    scores: defaultdict[tuple[str, bool], list[dict[str, float]]] = defaultdict(list)
    for scene, clusters in found:
        scores[scene.name, scene.pressed].append(score(scene.rows, clusters))
    for (name, is_pressed), results in scores.items():
        mean = {key: sum(result[key] for result in results) / len(results) for key in results[0]}
        how = f"in {SPAN_DAYS} days" if is_pressed else "as published"
        print(
            f"{name:12} {how:13} B-cubed P {mean['precision']:.3f} R {mean['recall']:.3f} "
            f"F1 {mean['f1']:.3f}   cross-language pair F1 {mean['cross']:.3f}"
        )


def print_errors(found: list[tuple[Scene, list[list[int]]]]) -> None:
    """Print which articles were parted from most of their event, and which events were joined, and how often."""
    counted: Counter[tuple[str, str]] = Counter()
    for scene, clusters in found:
        kind = f"{scene.name} {'pressed' if scene.pressed else 'as published'}"
        place = {number: k for k, cluster in enumerate(clusters) for number in cluster}
        for cluster in clusters:
            events = sorted({scene.rows[number]["event"] for number in cluster})
            if len(events) > 1:
                counted[kind, f"joined {' + '.join(events)}"] += 1
        for event in sorted({row["event"] for row in scene.rows}):
            mine = [number for number, row in enumerate(scene.rows) if row["event"] == event]
            ((most, _),) = Counter(place.get(number, -1 - number) for number in mine).most_common(1)
            for number in mine:
                if place.get(number, -1 - number) != most:
                    counted[kind, f"parted {scene.rows[number]['id']} from {event}"] += 1
    for (kind, what), count in sorted(counted.items(), key=lambda item: (item[0][0], -item[1])):
        print(f"{kind}: {count} {what}")


def write_model(model: Model) -> None:
    small = [token.removeprefix(SMALL) for token in model.telling if token.startswith(SMALL)]
    lines = [HEADER, f"bias = {model.bias:.3f}", f"threshold = {model.threshold}"]
    lines += ['small = """', *textwrap.wrap(" ".join(small), 110), '"""', "", "[weights]"]
    lines += [f"{name} = {weight:.3f}" for name, weight in zip(FEATURES, model.weights, strict=True)]
    lines += [
        "",
        "[telling]",
        *(
            f"{json.dumps(token, ensure_ascii=False)} = {weight}"
            for token, weight in model.telling.items()
            if not token.startswith(SMALL)
        ),
    ]
    MODEL.write_text("\n".join(lines) + "\n", encoding="utf-8")


def speed(rows: list[dict], count: int) -> None:
    """Group so many articles, 50 to a day: the corpus over and over, with other names, numbers and days each time."""
    rng, model = random.Random(SEED), load_model()
    start = time.process_time()
    base = profiles_of(rows, model.telling)
    print(f"profile: {(time.process_time() - start) / len(rows) * 1000:.2f} ms")
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
    start = time.process_time()
    found = len(group(profiles[:count], model))
    print(f"{count} articles into {found} stories: {time.process_time() - start:.1f} s")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("files", type=Path, nargs="+")
    parser.add_argument("--judge", action="store_true")
    parser.add_argument("--errors", action="store_true")
    parser.add_argument("--fit", action="store_true")
    parser.add_argument("--speed", type=int, metavar="N")
    options = parser.parse_args()
    background = [row for path in options.files for row in read_corpus(path)]
    rows = [row for row in background if row["grade"] >= 1]
    if options.fit:
        write_model(train(rows, background))
    elif options.speed:
        speed(rows, options.speed)
    else:
        found = judged(rows) if options.judge else cross_validated(rows, background)
        report(found)
        if options.errors:
            print_errors(found)


if __name__ == "__main__":
    main()
