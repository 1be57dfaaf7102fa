"""Recall and precision of copies on edited texts, and the quotation stress.

    python benchmarks/copies.py CORPUS.jsonl

CORPUS.jsonl has one article a line: id, lang, event, title, text. Each of the first 100 is edited in fifteen
ways (headline, dateline, 2% and 8% of words, 30% and 60% dropped, a paragraph put in, two mixtures; and as desks do:
another lede, another order, a brief, local paragraphs around it, two mixtures of these).
Negatives are pairs about the same event in the same language, as they are and with 40, 80 and 120 words of
one statement quoted in both. Deterministic: the edits are drawn with a fixed seed.
"""

import argparse
import itertools
import json
import random
import sys
from pathlib import Path

from archive.shingles import compare, read_text

FILLER = {
    "es": "En la plaza del municipio los vecinos comentaron la noticia mientras el alcalde anunciaba obras "
    "de alumbrado y drenaje para la temporada de lluvias que empieza en unas semanas en toda la "
    "comarca",
    "en": "At the county courthouse residents talked about the news while the mayor announced new street "
    "lights and drainage works ahead of the rainy season that begins in a few weeks across the "
    "valley",
}
STATEMENT = {
    "es": "Las dos delegaciones revisaron los avances de los últimos meses y coincidieron en que la "
    "amenaza de los grupos criminales exige una respuesta común, respetuosa de las leyes de cada "
    "país y medible en sus resultados. Para ello acordaron fortalecer el intercambio de información, "
    "frenar el paso de armas hacia el sur y de precursores químicos hacia el norte, y dar "
    "seguimiento mensual a los compromisos mediante un grupo técnico que presentará sus conclusiones "
    "ante los titulares de ambas dependencias. Reconocieron además la labor de quienes arriesgan la "
    "vida todos los días en los dos lados de la frontera y expresaron su voluntad de mantener "
    "abierto el diálogo en un clima de confianza mutua, sin subordinación y con responsabilidad "
    "compartida frente a las comunidades afectadas",
    "en": "The two delegations reviewed the progress of recent months and agreed that the threat posed by "
    "criminal groups calls for a common response, one that respects the laws of each country and can "
    "be measured by its results. To that end they decided to strengthen the exchange of information, "
    "to stop the flow of weapons to the south and of chemical precursors to the north, and to review "
    "the commitments every month through a technical group that will present its findings to the "
    "heads of both departments. They also recognized the work of those who risk their lives every "
    "day on both sides of the border and expressed their will to keep the dialogue open in a climate "
    "of mutual trust, without subordination and with shared responsibility",
}


def reword(text: str, share: float, rng: random.Random, pool: list[str]) -> str:
    return " ".join(rng.choice(pool) if rng.random() < share else word for word in text.split(" "))


def drop(text: str, share: float, rng: random.Random) -> str:
    """Drop sentences until the share of words is gone, from the end as often as from anywhere."""
    parts = text.replace("\n\n", " ").split(". ")
    target = len(text.split()) * (1 - share)
    while len(parts) > 1 and len(" ".join(parts).split()) > target:
        parts.pop(-1 if rng.random() < 0.5 else rng.randrange(len(parts)))
    return ". ".join(parts)


def edits(row: dict, rng: random.Random, pool: list[str]) -> dict[str, str]:
    text, language = row["text"], row["lang"]
    local = FILLER[language]
    moderate = local[:60] + ".- " + reword(drop(text, 0.3, rng), 0.02, rng, pool) + "\n\n" + local
    heavy = local[:60] + ".- " + reword(drop(text, 0.6, rng), 0.05, rng, pool) + "\n\n" + local
    return {
        "headline": text,
        "dateline": "CIUDAD DE MÉXICO (Agencias).- " + text,
        "2% words": reword(text, 0.02, rng, pool),
        "8% words": reword(text, 0.08, rng, pool),
        "drop 30%": drop(text, 0.3, rng),
        "drop 60%": drop(text, 0.6, rng),
        "paragraph": text + "\n\n" + local,
        "moderate": moderate,
        "heavy": heavy,
        **desk_edits(text, language, rng, pool),
    }


def desk_edits(text: str, language: str, rng: random.Random, pool: list[str]) -> dict[str, str]:
    """Return what desks do to a dispatch: another lede, another order, a brief, local paragraphs before and after."""
    local, other = FILLER[language], STATEMENT[language]
    told = [part.strip(" .") for part in text.replace("\n\n", " ").split(". ")]
    new_lede = " ".join(local.split()[:24]) + ". " + ". ".join(told[1:])
    moved = rng.sample(told, len(told))
    brief = " ".join(text.split()[: max(60, len(text.split()) * 4 // 10)])
    long = " ".join(other.split()[:70])
    return {
        "new lede": new_lede,
        "moved": ". ".join(moved),
        "brief": brief,
        "local twice": local + "\n\n" + drop(text, 0.2, rng) + "\n\n" + long,
        "desk": new_lede.split(". ")[0] + ". " + reword(drop(". ".join(told[1:]), 0.3, rng), 0.04, rng, pool)
        + "\n\n" + local,
        "moved, cut": reword(". ".join(moved[: max(4, len(moved) * 6 // 10)]), 0.03, rng, pool),
    }  # fmt: skip


def recall(rows: list[dict], rng: random.Random) -> dict[str, list[bool]]:
    pool = sorted({word for row in rows for word in row["text"].split()})
    found: dict[str, list[bool]] = {}
    for row in rows[:100]:
        original = read_text(0, 0, row["text"])
        for name, text in edits(row, rng, pool).items():
            pair = compare(original, read_text(1, 0, text))
            found.setdefault(name, []).append(bool(pair and pair.relation == "copy"))
    return found


def quote(text: str, language: str, size: int, marks: bool, first: bool) -> str:
    """Put the words of the statement before the text, or half of them before and half after it."""
    passage = " ".join(STATEMENT[language].split()[:size])
    passage = f'"{passage}"' if marks else passage
    if first:
        return f"{passage}\n\n{text}"
    half = len(passage.split()) // 2
    pieces = " ".join(passage.split()[:half]), " ".join(passage.split()[half:])
    pieces = (pieces[0] + '"', '"' + pieces[1]) if marks else pieces
    return f"{pieces[0]}\n\n{text}\n\n{pieces[1]}"


def false_merges(rows: list[dict], size: int, marks: bool, words: int | None) -> tuple[int, int, int]:
    """Return (copies, passages, pairs) among independent reports of one event that quote the same words."""
    copies = passages = pairs = 0
    for a, b in itertools.combinations(rows, 2):
        if a["event"] != b["event"] or a["lang"] != b["lang"]:
            continue
        texts = [" ".join(row["text"].split()[:words]) for row in (a, b)]
        if size:
            texts = [quote(text, a["lang"], size, marks, i == 0) for i, text in enumerate(texts)]
        pair = compare(read_text(0, 0, texts[0]), read_text(1, 0, texts[1]))
        pairs += 1
        copies += bool(pair and pair.relation == "copy")
        passages += bool(pair and pair.relation == "passage")
    return copies, passages, pairs


def quoted_releases(rows: list[dict], size: int) -> tuple[int, int]:
    """Return (copies, pairs) of reports with the release of which they quote so many words, in quotation marks."""
    copies = 0
    for row in rows:
        release, report = STATEMENT[row["lang"]], quote(row["text"], row["lang"], size, True, True)
        pair = compare(read_text(0, 0, release), read_text(1, 0, report))
        copies += bool(pair and pair.relation == "copy")
    return copies, len(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("corpus", type=Path)
    options = parser.parse_args()
    if not options.corpus.is_file():
        sys.exit(f"{options.corpus}: the labelled corpus is not here; it does not ship with the project")
    rows = [json.loads(line) for line in options.corpus.read_text("utf-8").splitlines() if line.strip()]
    rng = random.Random(20260115)
    found = recall(rows, rng)
    for name, hits in found.items():
        print(f"{name:10} {sum(hits)}/{len(hits)}")
    for size in (40, 80, 120):
        copies, pairs = quoted_releases(rows, size)
        print(f"release and a report that quotes {size} of it: {copies} false copies of {pairs}")
    total = [hit for hits in found.values() for hit in hits]
    print(f"recall     {sum(total) / len(total):.3f}")
    events = [row for row in rows if row.get("event")]
    for words, size, marks in itertools.product((None, 100, 90), (0, 40, 80, 120), (True, False)):
        copies, passages, pairs = false_merges(events, size, marks, words)
        print(
            f"same event, {words or 'all'} own words, {size} quoted, {'with' if marks else 'without'} marks: "
            f"{copies} false copies, {passages} passages of {pairs} pairs"
        )


if __name__ == "__main__":
    main()
