"""Words of strangers on a terminal: shown, never obeyed."""

import re

# C0 and C1 controls (escape sequences begin with them), and the characters that turn the direction of text.
_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


def printable(text: object) -> str:
    """Return text as one line that a terminal can only display; what was removed shows as ``�``."""
    return _UNSAFE.sub(lambda found: " " if found[0] in "\t\n\r" else "�", str(text))
