"""Fit what labelled texts add to the judge's weights: corrections to its points, and weights of single words.

    python -m benchmarks.fit_relevance [--texts FILE ...] [--write] [--errors]

The texts are tests/texts/relevance/*.jsonl and, where it is there, the labelled corpus beside the checkout (see
benchmarks/relevance.py). Printed are figures of texts that the weights have not seen: each set of texts is judged by
weights fitted on all others ("sets"), and each tenth of the events by those fitted on the other nine ("events"). With
--write all texts are used, and archive/topic_fitted.tsv is made anew.

Two ridge logistic regressions, one for the subject and one for core against related among texts on the subject: words
first, by themselves; then points, drawn towards the weights in the topic file, with the score of the words as one more.
The words' score of a text is always of words fitted without its event. A point keeps its sign, or is worth nothing.
No chance is involved: the same texts give the same weights.
"""

import argparse
import tomllib
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from archive import relevance
from archive.fitted import HEADER, text_words
from archive.options import SHIPPED_TOPIC
from archive.relevance import Reader
from archive.topic import Topic, fold, load_topic
from benchmarks.relevance import CORPUS, FOLDS, Row, fold_of, read_lines, show

TEXTS = Path(__file__).parents[1] / "tests" / "texts" / "relevance"
FITTED_FILE = SHIPPED_TOPIC.with_name("topic_fitted.tsv")
POINTS_PENALTY, WORDS_PENALTY = 2.0, 0.3
LEAST_PENALTY = 1e-6  # on the intercept too, so that every step can be solved
LEAST_TEXTS, LEAST_EVENTS = 5, 3  # that a word must stand in
MOST = 0.25  # of the texts: what stands in more of them is grammar, or in the rules
SETTLED = 1e-7

Numbers = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Labelled:
    """The texts and what is read off them: which points hold, which words stand in them."""

    rows: list[Row]
    points: Numbers  # texts x points, and a last column of ones
    words: list[frozenset[str]]
    grades: NDArray[np.int64]
    folds: NDArray[np.int64]
    judged: Flags  # nothing required is missing


@dataclass(frozen=True)
class Fit:
    """Weights of the points with the intercept last, and of the words."""

    points: Numbers
    words: dict[str, float]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--texts", type=Path, nargs="*", default=sorted(TEXTS.glob("*.jsonl")))
    parser.add_argument("--write", action="store_true", help="change the topic's files")
    parser.add_argument("--errors", action="store_true", help="list the texts of other sets judged wrongly")
    arguments = parser.parse_args()
    topic = load_topic(SHIPPED_TOPIC)
    labelled = read(arguments.texts, topic)
    cross_validate(labelled, topic, arguments.errors)
    if arguments.write:
        write(labelled, topic)


def read(paths: list[Path], topic: Topic) -> Labelled:
    """Read the labelled texts, and let the topic's rules look at each."""
    rows = [{**row, "set": path.stem} for path in paths for row in read_lines(path)]
    if (CORPUS / "corpus.jsonl").is_file():
        rows += [{**row, "set": "corpus"} for row in read_lines(CORPUS / "corpus.jsonl")]
    roster = names_of(topic)
    readers = [Reader(row["title"], row["text"], topic, row["lang"], row["date"]) for row in rows]
    held = [{point.name for point, _ in relevance.held_points(reader)} for reader in readers]
    return Labelled(
        rows,
        np.array([[*(float(point.name in names) for point in topic.points), 1.0] for names in held]),
        [frozenset(text_words(reader.folded) - roster) for reader in readers],
        np.array([row["grade"] for row in rows]),
        np.array([fold_of(row.get("event") or row["id"]) for row in rows]),
        np.array([all(reader.all_bits & need for need, _ in topic.required) for reader in readers]),
    )


def names_of(topic: Topic) -> set[str]:
    """Return the words of the roster's names: they are dated, words are not."""
    return {
        word
        for person in topic.roster
        for name in (person.name, *person.aliases, *person.short)
        for word in fold(name).split()
    }


def fit_words(labelled: Labelled, texts: Flags, wanted: Flags) -> dict[str, float]:
    """Fit the words of these texts by themselves; the intercept is left to the points."""
    chosen = np.flatnonzero(texts)
    events: dict[str, set[object]] = {}
    counts: Counter[str] = Counter()
    for number in chosen:
        for word in labelled.words[number]:
            counts[word] += 1
            events.setdefault(word, set()).add(labelled.rows[number].get("event") or number)
    words = sorted(
        word
        for word, count in counts.items()
        if LEAST_TEXTS <= count <= MOST * len(chosen) and len(events[word]) >= LEAST_EVENTS
    )
    places = {word: place for place, word in enumerate(words)}
    matrix = np.zeros((len(chosen), len(words) + 1))
    for line, number in enumerate(chosen):
        mine = [places[word] for word in labelled.words[number] if word in places]
        matrix[line, mine] = 1 / np.sqrt(max(1, len(mine)))
    matrix[:, -1] = 1.0
    penalty = np.full(len(words) + 1, WORDS_PENALTY)
    penalty[-1] = 0.0
    weights = logistic(matrix, wanted[chosen].astype(float), np.zeros(len(penalty)), penalty)
    return dict(zip(words, weights[:-1].tolist(), strict=True))


def logistic(matrix: Numbers, wanted: Numbers, prior: Numbers, penalty: Numbers) -> Numbers:
    """Fit a ridge logistic regression drawn towards ``prior`` by Newton's method.

    Each step is solved in the space of the texts (Woodbury), which are fewer than the words.
    """
    penalty = penalty + LEAST_PENALTY
    weights = prior.copy()
    scaled = matrix / penalty
    products = scaled @ matrix.T
    for _ in range(100):
        chance = 1 / (1 + np.exp(-np.clip(matrix @ weights, -30, 30)))
        spread = chance * (1 - chance) + 1e-9
        slope = matrix.T @ (chance - wanted) + penalty * (weights - prior)
        step = slope / penalty - scaled.T @ np.linalg.solve(products + np.diag(1 / spread), scaled @ slope)
        weights = weights - step
        if float(np.abs(step).max()) < SETTLED:
            break
    return weights


def word_scores(labelled: Labelled, words: dict[str, float]) -> Numbers:
    """Return what each text's words are worth together."""
    scores = []
    for mine in labelled.words:
        found = [words[word] for word in mine if word in words]
        scores.append(sum(found) / np.sqrt(max(1, len(found))))
    return np.array(scores)


def fit(labelled: Labelled, texts: Flags, wanted: Flags, hand: Numbers) -> Fit:
    """Fit points and words on these texts. ``hand`` are the weights in the topic file, then minus the threshold."""
    unseen = np.zeros(len(labelled.rows))
    for number in range(FOLDS):
        part = texts & (labelled.folds == number)
        if part.any():
            unseen[part] = word_scores(labelled, fit_words(labelled, texts & ~part, wanted))[part]
    words = fit_words(labelled, texts, wanted)
    matrix = np.column_stack([labelled.points, unseen])[texts]
    prior = np.append(hand, 1.0)
    free = prior != 0
    while True:
        fitted = np.zeros(len(prior))
        fitted[free] = logistic(
            matrix[:, free], wanted[texts].astype(float), prior[free], np.full(free.sum(), POINTS_PENALTY)
        )
        turned = free & (fitted * prior < 0)
        if not turned.any():
            break
        free &= ~turned
    return Fit(fitted[:-1], {word: weight * float(fitted[-1]) for word, weight in words.items()})


def grades_of(labelled: Labelled, on: Fit, core: Fit) -> NDArray[np.int64]:
    """Judge the texts by these weights."""
    relevant = labelled.points @ on.points + word_scores(labelled, on.words) >= 0
    talks = labelled.points @ core.points + word_scores(labelled, core.words) >= 0
    return np.where(relevant & labelled.judged, np.where(talks, 2, 1), 0)


def hand_weights(topic: Topic) -> tuple[Numbers, Numbers]:
    """Return the weights in the topic file, without what was fitted: for the subject, and for core."""
    blocks = tomllib.loads(topic.path.read_text(encoding="utf-8"))
    return tuple(
        np.array(
            [*(float(point.get(key, 0)) for point in blocks["points"]), -float(blocks["thresholds"][name])]
        )
        for key, name in (("points", "relevant"), ("core", "core"))
    )  # type: ignore[return-value]


def fits(labelled: Labelled, texts: Flags, topic: Topic) -> tuple[Fit, Fit]:
    """Fit the subject on all of these texts that are judged, and core on those on the subject."""
    on, core = hand_weights(topic)
    relevant = labelled.grades > 0
    return (
        fit(labelled, texts & labelled.judged, relevant, on),
        fit(labelled, texts & relevant, labelled.grades == 2, core),
    )


def cross_validate(labelled: Labelled, topic: Topic, errors: bool) -> None:
    sets = np.array([row["set"] for row in labelled.rows])
    judged = np.zeros(len(sets), dtype=np.int64)
    for name in dict.fromkeys(sets):
        judged[sets == name] = grades_of(labelled, *fits(labelled, sets != name, topic))[sets == name]
        report(f"set {name}", labelled, judged, sets == name)
    report("all sets", labelled, judged, sets == sets)
    for row, grade in zip(labelled.rows, judged, strict=True):
        if errors and grade != row["grade"]:
            print(f"  {row['id']}: {row['grade']} judged {grade}: {row['title']}")
    for number in range(FOLDS):
        part = labelled.folds == number
        judged[part] = grades_of(labelled, *fits(labelled, ~part, topic))[part]
    report("all events", labelled, judged, sets == sets)
    for language in ("en", "es"):
        mine = np.array([row["lang"] == language for row in labelled.rows])
        report(f"all events, {language}", labelled, judged, mine)


def report(name: str, labelled: Labelled, judged: NDArray[np.int64], which: Flags) -> None:
    show(
        name,
        [(int(gold), int(grade)) for gold, grade in zip(labelled.grades[which], judged[which], strict=True)],
    )


def write(labelled: Labelled, topic: Topic) -> None:
    """Fit on all texts, and write what that adds to the topic file's weights."""
    on, core = fits(labelled, np.ones(len(labelled.rows), dtype=bool), topic)
    added = np.column_stack([on.points, core.points]) - np.column_stack(hand_weights(topic))
    lines = [HEADER, f"threshold\t\t{-added[-1, 0]:.2f}\t{-added[-1, 1]:.2f}"]
    lines += [
        f"point\t{point.name}\t{relevant:.2f}\t{talks:.2f}"
        for point, (relevant, talks) in zip(topic.points, added[:-1], strict=True)
    ]
    lines += [
        f"word\t{word}\t{on.words.get(word, 0.0):.2f}\t{core.words.get(word, 0.0):.2f}"
        for word in sorted(on.words.keys() | core.words.keys())
    ]
    FITTED_FILE.write_text("\n".join(lines).replace("-0.00", "0.00") + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
