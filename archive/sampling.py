"""Samples of the judge's verdicts for people to label, and what they say of everything that was judged.

A stratified estimate draws each stratum's share of relevant pages from its Jeffreys posterior (Brown, Cai,
DasGupta 2001), so that a stratum of few labels widens the interval even where all agree.
"""

import random
from typing import Any

import numpy as np
from sqlite_utils import Database

from archive.evaluation import (
    DRAWS,
    JUDGED,
    SEED,
    agreed_grade,
    all_labels,
    latest_labels,
    percentiles,
    ratio,
)
from archive.store import rows, transaction
from archive.times import utc_now

STRATA = ("core", "related", "near", "far")


def draw_sample(db: Database, size: int, seed: int, name: str | None = None) -> list[dict[str, Any]]:
    """Draw pages for people to label, equally from four strata of the judge's verdicts, and keep the draw.

    The strata are core, related, near (not relevant, but with points) and far; each stands for as many pages
    as there are of it, which is what the estimates weight by. The same archive and seed give the same pages.
    """
    strata: dict[str, list[dict[str, Any]]] = {stratum: [] for stratum in STRATA}
    for page in rows(db, JUDGED + " ORDER BY v.page"):
        strata[page["stratum"]].append(page)
    generator = random.Random(seed)
    taken = _allot({stratum: len(pages) for stratum, pages in strata.items()}, size)
    name = name or f"{utc_now()[:10]}-{seed}"
    drawn = [
        {**page, "sample": name, "population": len(strata[stratum]), "drawn": taken[stratum]}
        for stratum in STRATA
        for page in generator.sample(strata[stratum], taken[stratum])
    ]
    generator.shuffle(drawn)
    _keep_sample(db, drawn, seed)
    return drawn


def _allot(populations: dict[str, int], size: int) -> dict[str, int]:
    """Share a size equally among strata; what a small stratum cannot use goes to the others."""
    taken = dict.fromkeys(populations, 0)
    while sum(taken.values()) < min(size, sum(populations.values())):
        open_strata = [stratum for stratum in STRATA if taken[stratum] < populations[stratum]]
        taken[min(open_strata, key=lambda stratum: taken[stratum])] += 1
    return taken


def _keep_sample(db: Database, drawn: list[dict[str, Any]], seed: int) -> None:
    with transaction(db):
        for page in drawn:
            db.execute(
                "INSERT OR REPLACE INTO samples (name, url, stratum, population, drawn, grade, score, seed,"
                " created, topic_version) VALUES (?,?,?,?,?,?,?,?,?,?)",
                [page["sample"], page["url"], page["stratum"], page["population"], page["drawn"], page["grade"],
                 page["score"], seed, utc_now(), page["topic_version"]],
            )  # fmt: skip


def estimate_samples(db: Database) -> list[dict[str, Any]]:
    """Return for each sample drawn, oldest first, precision and recall on the whole stream it was drawn from.

    Computed from the verdicts as they were when it was drawn, so that samples form a trend.
    """
    gold = {url: agreed_grade(by_coder) for url, by_coder in latest_labels(all_labels(db)).items()}
    names = rows(
        db, "SELECT name, min(created) AS created, topic_version FROM samples GROUP BY name ORDER BY 2"
    )
    return [_estimate(db, sample, gold) for sample in names]


def _estimate(db: Database, sample: dict[str, Any], gold: dict[str, int]) -> dict[str, Any]:
    pages = rows(db, "SELECT url, stratum, population FROM samples WHERE name = ?", [sample["name"]])
    counts: dict[str, list[int]] = {}
    for page in pages:
        population, labelled, relevant = counts.setdefault(page["stratum"], [page["population"], 0, 0])
        if page["url"] in gold:
            labelled, relevant = labelled + 1, relevant + (gold[page["url"]] > 0)
        counts[page["stratum"]] = [population, labelled, relevant]
    estimate: dict[str, Any] = {
        "sample": sample["name"],
        "created": sample["created"],
        "topic_version": sample["topic_version"],
        "drawn": len(pages),
        "labelled": sum(labelled for _, labelled, _ in counts.values()),
        "unlabelled_strata": [stratum for stratum, (_, labelled, _) in counts.items() if not labelled],
    }
    if not estimate["unlabelled_strata"]:
        estimate |= stratified(counts)
    return estimate


def stratified(counts: dict[str, list[int]]) -> dict[str, Any]:
    """Return precision, recall and F1 from stratum -> [pages it stands for, labelled, of these relevant]."""
    generator = np.random.default_rng(SEED)
    found = total = kept = 0.0
    drawn_found, drawn_total = np.zeros(DRAWS), np.zeros(DRAWS)
    for stratum, (population, labelled, relevant) in sorted(counts.items()):
        expected = population * relevant / labelled
        draws = population * generator.beta(relevant + 0.5, labelled - relevant + 0.5, DRAWS)
        total, drawn_total = total + expected, drawn_total + draws
        if stratum in ("core", "related"):
            found, kept, drawn_found = found + expected, kept + population, drawn_found + draws
    return {
        "precision": ratio(found, kept),
        "precision_interval": percentiles(drawn_found / kept) if kept else (0.0, 1.0),
        "recall": ratio(found, total),
        "recall_interval": percentiles(drawn_found / np.maximum(drawn_total, 1e-9)),
        "f1": ratio(2 * found, kept + total),
        "f1_interval": percentiles(2 * drawn_found / np.maximum(kept + drawn_total, 1e-9)),
    }
