"""Whether two texts are versions of one article: asked where a page calls itself by another page's address."""

from archive.sentences import plain, words

SHINGLE_WORDS = 4
FEWEST_SHINGLES = 12  # of the shorter text; with fewer, headlines decide
SAME = 0.3  # of the shorter text's shingles: one report that was cut, extended or reworded
SAME_HEADLINE = 0.1  # of them, where the headlines are equal


def same_article(title: str, text: str, other_title: str, other_text: str) -> bool:
    """Say whether two readings are of one article, by the 4-word shingles they share (containment; Broder 1997)."""
    titled = words(plain(title)) == words(plain(other_title))
    one, other = _shingles(text), _shingles(other_text)
    fewest = min(len(one), len(other))
    if fewest < FEWEST_SHINGLES:
        return titled
    return len(one & other) >= (SAME_HEADLINE if titled else SAME) * fewest


def _shingles(text: str) -> set[tuple[str, ...]]:
    told = words(plain(text))
    return set(zip(*(told[start:] for start in range(SHINGLE_WORDS)), strict=False))
