"""The lines of a text that may be an outlet's own and not the article's: paragraphs and sentences, as digests."""

from archive.folding import block_digest

BREAK = "\n\n"
PARAGRAPH = (
    60  # words; of longer paragraphs only the first and the last sentence are looked at, and the whole
)
LEAST_WORDS = 4  # of a sentence that is not a paragraph of its own


def line_digests(text: str) -> dict[str, str]:
    """Return the lines of a text by their digests."""
    found: dict[str, str] = {}
    for paragraph in text.split(BREAK):
        parts = _sentences(paragraph)
        if len(paragraph.split()) > PARAGRAPH:
            parts = [parts[0], parts[-1]]
        for line in (paragraph, *(part for part in parts if len(part.split()) >= LEAST_WORDS)):
            if digest := block_digest(line):
                found.setdefault(digest, line)
    return found


def without_lines(text: str, learnt: frozenset[str]) -> str:
    """Return a text without the paragraphs and sentences whose digests were learnt."""
    return BREAK.join(filter(None, (_rest(paragraph, learnt) for paragraph in text.split(BREAK))))


def _rest(paragraph: str, learnt: frozenset[str]) -> str:
    if block_digest(paragraph) in learnt:
        return ""
    parts = _sentences(paragraph)
    kept = [part for part in parts if block_digest(part) not in learnt]
    return paragraph if len(kept) == len(parts) else " ".join(kept)


def _sentences(paragraph: str) -> list[str]:
    from archive.sentences import (
        sentences,
    )  # here, because it loads a library that most texts need it not for

    return sentences(paragraph) or [paragraph]
