"""Paragraphs, sentences, words and quoted passages of Spanish and English news text."""

import re

from ftfy.fixes import uncurl_quotes

from archive.folding import composed

_TAG = re.compile(r"</?[a-zA-Z][^<>]*>|&(?:nbsp|#160);")
_ABBREVIATION = re.compile(
    r"(?:\b(?:EE|EU|UU|U\.S|Sr|Sra|Dr|Dra|Lic|Ing|Gral|Gen|Col|Cmdr|Adm|Gov|Sen|Rep|Mr|Mrs|Ms|St|Jr|Sr|"
    r"No|Núm|art|Art|vs|p\.m|a\.m|P\.M|A\.M|Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sept?|Oct|Nov|Dec|D\.C|etc)|\b[A-Z])\.$"
)
# Characters; longer than any abbreviation, so that a text full of them takes no longer than another.
LOOK_BACK = 16
_END = re.compile(r"[.!?…][\"'»)\]]*\s+(?=[\"'«(\[¿¡—–-]*\s*[A-ZÁÉÍÓÚÑÜ0-9])")
_WORD = re.compile(r"\d+(?:[.,:]\d+)*|\w+(?:['-]\w+)*")
_QUOTED = re.compile(r"\"([^\"]{2,1200})\"|(?<![\w])'([^'\n]{2,600})'(?!\w)")
_DOUBLE = str.maketrans(
    {"«": '"', "»": '"', "‹": "'", "›": "'", "\u00a0": " ", "\u202f": " ", "\u200b": None}
)


def plain(text: str) -> str:
    """Return the text without tags, with one kind of quotation mark and apostrophe, line breaks kept."""
    return uncurl_quotes(_TAG.sub(" ", composed(text)).translate(_DOUBLE)).replace("''", '"')


def paragraphs(text: str) -> list[str]:
    """Return the non-empty lines, spaces squeezed."""
    return [squeezed for line in text.splitlines() if (squeezed := " ".join(line.split()))]


def sentences(text: str) -> list[str]:
    """Split at sentence ends that are not abbreviations ("EE. UU.", "Sr.", "Jan.") and at line breaks."""
    found = []
    for paragraph in paragraphs(text):
        start = 0
        for end in _END.finditer(paragraph):
            if _ABBREVIATION.search(paragraph[max(start, end.start() - LOOK_BACK) : end.start() + 1]):
                continue
            found.append(paragraph[start : end.end()].strip())
            start = end.end()
        found.append(paragraph[start:])
    return [sentence for sentence in found if sentence]


def words(text: str) -> list[str]:
    """Return the words and numbers, case folded, punctuation dropped."""
    return _WORD.findall(text.casefold())


def quotations(text: str) -> list[str]:
    """Return the passages between quotation marks of a text that went through ``plain``."""
    return [double or single for double, single in _QUOTED.findall(text)]
