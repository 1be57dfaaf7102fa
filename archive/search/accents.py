"""Searches in which ñ, or every accent, counts: the index knows neither, so the texts themselves are read.

A word costs a look at every article that has it with or without the accent: some 20 µs each.
"""

import re
from functools import cache

from archive.folding import composed, fold, words
from archive.search.tree import Forms, Term

BETWEEN = r"[\W_]+"
_ACCENTED = "".join(map(chr, range(0xC0, 0x250)))


def matters(term: Term, accents: str) -> bool:
    """Tell whether a term needs more than the index: any does, or with ``ñ`` one that has an n or ñ."""
    return accents == "exact" or (accents == "ñ" and "n" in fold(composed(term.text)))


def term_source(term: Term, forms: Forms, accents: str) -> str | None:
    """Return a regular expression, for texts in NFC and case ignored, of what the term means; None for nothing.

    With ``exact`` a word has no inflections: which accents they bear is not known.
    """
    inflected = forms(term.text) if term.kind == "word" and accents != "exact" else (term.text,)
    typed = [word.lower() for word in re.findall(r"[^\W_]+", composed(term.text))]
    sources = []
    for form in inflected:
        parts = typed if form == term.text else [_as_typed(words(form)[0], typed[0])] if words(form) else []
        sources.append(BETWEEN.join("".join(_letter(c, accents) for c in part) for part in parts))
    sources = sorted(filter(None, dict.fromkeys(sources)), key=len, reverse=True)
    end = r"[^\W_]*" if term.kind == "prefix" else ""
    return rf"(?<![^\W_])(?:{'|'.join(sources)}){end}(?![^\W_])" if sources else None


def _as_typed(form: str, typed: str) -> str:
    """Give a folded form the letters of the word typed, as far as they begin alike: (anos, año) to años."""
    plain = fold(typed)
    common = next(
        (n for n, (a, b) in enumerate(zip(form, plain, strict=False)) if a != b), min(len(form), len(plain))
    )
    return typed[:common] + form[common:]


@cache
def _letter(letter: str, accents: str) -> str:
    if accents == "exact":
        return re.escape(letter)
    plain = "ñ" if letter == "ñ" else fold(letter)
    alike = [c for c in _ACCENTED if c.lower() != "ñ" and fold(c) == plain]
    return f"[{re.escape(plain)}{''.join(alike)}]" if alike else re.escape(plain)
