"""What reads archived texts where no worker's time is limited: after a crawl, and while a page is served."""

from collections.abc import Callable

from archive.boilerplate import without
from archive.copies import agency_in_text
from archive.likeness import same_article
from archive.lines import line_digests
from archive.mentions import mentions
from archive.profiles import read_profile
from archive.revisions import is_developing, revision_kinds, size_of_change
from archive.sentences import paragraphs
from archive.shingles import compare, read_text
from archive.site.diffs import word_diff
from archive.speakers import speakers

LEDE = "La cancillería y el Departamento de Justicia firmaron el lunes un protocolo sobre armas.\n\n"
PUBLISHED = "2026-01-15T12:00:00Z"

READERS: dict[str, Callable[[str], object]] = {
    "kinds": lambda text: revision_kinds("Uno", LEDE + text, "Dos", LEDE + text[:-50] + " otra cosa"),
    "size": lambda text: size_of_change(LEDE + text, LEDE + "x " + text + " y"),
    "developing": is_developing,
    "speakers": speakers,
    "mentions": lambda text: mentions(LEDE + text, PUBLISHED, "America/Mexico_City", "es"),
    "copies": lambda text: compare(read_text(1, 1.0, LEDE + text), read_text(2, 1.0, LEDE + "x " + text)),
    "lines": lambda text: (line_digests(text), without(text, frozenset({"a"}))),
    "likeness": lambda text: same_article("Uno", text, "Dos", text + " y"),
    "profile": lambda text: read_profile(1, "es", PUBLISHED, "Uno", text, {"*": 1.0}),
    "agency": lambda text: agency_in_text(paragraphs(text)),
    "diff": lambda text: word_diff(LEDE + text, LEDE + "x " + text[: len(text) // 2] + " y"),
}
