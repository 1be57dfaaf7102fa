"""Two versions of a text side by side, word by word."""

import re
from difflib import SequenceMatcher

from markupsafe import Markup, escape

WORDS = re.compile(r"\n+|[^\S\n]+|\w+|[^\w\s]", re.UNICODE)
CONTEXT_WORDS = 40
MAX_WORDS = 20_000  # beyond this the comparison is by paragraph, so that a page never waits for it


def word_diff(before: str, after: str) -> Markup:
    """Return ``after`` as HTML with what was taken out in <del> and what was put in in <ins>.

    Long unchanged passages are shortened to the words around the changes. Everything is escaped.
    """
    pattern = WORDS if len(before) + len(after) < MAX_WORDS * 6 else re.compile(r"[^\n]+|\n+")
    old, new = pattern.findall(before), pattern.findall(after)
    matcher = SequenceMatcher(None, old, new, autojunk=False) if pattern is WORDS and len(old) < 3000 else (
        SequenceMatcher(None, old, new, autojunk=True)
    )
    html = Markup("")
    operations = matcher.get_opcodes()
    for number, (what, a, b, c, d) in enumerate(operations):
        if what == "equal":
            html += _shortened(old[a:b], first=number == 0, last=number == len(operations) - 1)
            continue
        if b > a:
            html += Markup("<del>{}</del>").format("".join(old[a:b]))
        if d > c:
            html += Markup("<ins>{}</ins>").format("".join(new[c:d]))
    return paragraphs(html)


def _shortened(tokens: list[str], *, first: bool, last: bool) -> Markup:
    keep = CONTEXT_WORDS * 2
    if len(tokens) <= 2 * keep:
        return escape("".join(tokens))
    head = "" if first else "".join(tokens[:keep])
    tail = "" if last else "".join(tokens[-keep:])
    return escape(head) + Markup(' <span class="cut">[…]</span> ') + escape(tail)


def paragraphs(html: Markup) -> Markup:
    """Return the fragment with its line breaks as <br>."""
    return Markup(re.sub(r"\n+", "<br>\n", str(html)))
