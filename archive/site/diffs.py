"""Two versions of a text as one, word by word, with what was taken out and what was put in."""

import re
from collections import Counter
from collections.abc import Iterator
from difflib import SequenceMatcher

from markupsafe import Markup, escape

WORDS = re.compile(r"\n|[^\S\n]+|\w+|[^\w\s]", re.UNICODE)
CONTEXT_WORDS = 40
FEWEST_WORDS_BETWEEN = 3  # fewer unchanged words than these between two changes are part of the change
MAX_TOKENS = 6_000  # of a rewritten passage; a longer one is shown as taken out and put in whole
MAX_PAIRS = 200_000  # of equal tokens; above it those that stand everywhere only lengthen what others match

Operation = tuple[bool, list[str], list[str]]  # unchanged or not, the words before, the words after


def word_diff(before: str, after: str) -> Markup:
    """Return ``after`` as HTML with what was taken out in <del> and what was put in in <ins>.

    Long unchanged passages are shortened to the words around the changes. Everything is escaped.
    """
    operations = _merged(list(_operations(before, after)))
    html = Markup("")
    for number, (equal, taken, put) in enumerate(operations):
        if equal:
            html += _shortened(taken, first=number == 0, last=number == len(operations) - 1)
            continue
        if taken:
            html += Markup("<del>{}</del>").format("".join(taken))
        if put:
            html += Markup("<ins>{}</ins>").format("".join(put))
    return Markup(re.sub(r"\n+", "<br>\n", str(html).strip()))


def _operations(before: str, after: str) -> Iterator[Operation]:
    """Compare by paragraph first, and by word where paragraphs differ: many times faster than by word at once."""
    old, new = _paragraphs(before), _paragraphs(after)
    for what, a, b, c, d in _matcher(old, new).get_opcodes():
        was, became = WORDS.findall("".join(old[a:b])), WORDS.findall("".join(new[c:d]))
        if what == "equal":
            yield True, was, became
        elif not was or not became or len(was) + len(became) > MAX_TOKENS:
            yield False, was, became
        else:
            for kind, e, f, g, h in _matcher(was, became).get_opcodes():
                yield kind == "equal", was[e:f], became[g:h]


def _matcher(old: list[str], new: list[str]) -> SequenceMatcher[str]:
    there = Counter(new)
    pairs = sum(count * there[token] for token, count in Counter(old).items())
    return SequenceMatcher(None, old, new, autojunk=pairs > MAX_PAIRS)


def _paragraphs(text: str) -> list[str]:
    return [f"{paragraph}\n" for paragraph in re.split(r"\s*\n\s*", text.strip()) if paragraph]


def _merged(operations: list[Operation]) -> list[Operation]:
    """Join changes that only a word or two lie between: a sentence rewritten is one change, not twelve."""
    merged: list[Operation] = []
    for number, (equal, was, became) in enumerate(operations):
        inner = 0 < number < len(operations) - 1
        if equal and inner and sum(token.isalnum() for token in was) < FEWEST_WORDS_BETWEEN:
            equal = False
        if merged and equal == merged[-1][0]:
            merged[-1][1].extend(was)
            merged[-1][2].extend(became)
        else:
            merged.append((equal, list(was), list(became)))
    return merged


def _shortened(tokens: list[str], *, first: bool, last: bool) -> Markup:
    keep = CONTEXT_WORDS * 2
    if len(tokens) <= (keep if first or last else 2 * keep):
        return escape("".join(tokens))
    head = "" if first else "".join(tokens[:keep])
    tail = "" if last else "".join(tokens[-keep:])
    return escape(head) + Markup(' <span class="cut">[…]</span> ') + escape(tail)
