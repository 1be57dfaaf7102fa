"""Two versions of a text side by side, word by word."""

import re
from collections.abc import Sequence
from difflib import SequenceMatcher

from markupsafe import Markup, escape

WORDS = re.compile(r"\n+|[^\S\n]+|\w+|[^\w\s]", re.UNICODE)
CONTEXT_WORDS = 40
PARAGRAPHS = re.compile(r"[^\n]+|\n+")
FEWEST_WORDS_BETWEEN = 3  # fewer unchanged words than these between two changes are part of the change
MAX_CHARACTERS = 120_000  # beyond this the comparison is by paragraph, so that a page never waits for it


def word_diff(before: str, after: str) -> Markup:
    """Return ``after`` as HTML with what was taken out in <del> and what was put in in <ins>.

    Long unchanged passages are shortened to the words around the changes. Everything is escaped.
    """
    pattern = WORDS if len(before) + len(after) < MAX_CHARACTERS else PARAGRAPHS
    old, new = pattern.findall(before), pattern.findall(after)
    operations = _merged(old, new, SequenceMatcher(None, old, new, autojunk=len(old) > 3000).get_opcodes())
    html = Markup("")
    for number, (equal, taken, put) in enumerate(operations):
        if equal:
            html += _shortened(taken, first=number == 0, last=number == len(operations) - 1)
            continue
        if taken:
            html += Markup("<del>{}</del>").format("".join(taken))
        if put:
            html += Markup("<ins>{}</ins>").format("".join(put))
    return Markup(re.sub(r"\n+", "<br>\n", str(html)))


def _merged(
    old: list[str], new: list[str], operations: Sequence[tuple[str, int, int, int, int]]
) -> list[tuple[bool, list[str], list[str]]]:
    """Join changes that only a word or two lie between: a sentence rewritten is one change, not twelve."""
    merged: list[tuple[bool, list[str], list[str]]] = []
    for number, (what, a, b, c, d) in enumerate(operations):
        equal = what == "equal"
        inner = 0 < number < len(operations) - 1
        if equal and inner and sum(token.isalnum() for token in old[a:b]) < FEWEST_WORDS_BETWEEN:
            equal = False
        if merged and not equal and not merged[-1][0]:
            merged[-1][1].extend(old[a:b])
            merged[-1][2].extend(new[c:d])
        else:
            merged.append((equal, list(old[a:b]), list(new[c:d])))
    return merged


def _shortened(tokens: list[str], *, first: bool, last: bool) -> Markup:
    keep = CONTEXT_WORDS * 2
    if len(tokens) <= 2 * keep:
        return escape("".join(tokens))
    head = "" if first else "".join(tokens[:keep])
    tail = "" if last else "".join(tokens[-keep:])
    return escape(head) + Markup(' <span class="cut">[…]</span> ') + escape(tail)
