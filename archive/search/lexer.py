"""What a reader typed, cut into words, phrases, brackets, operators and filters. Nothing is an error."""

import re
import unicodedata
from dataclasses import dataclass
from typing import Literal

from archive.folding import WORD, composed

MAX_CHARACTERS = 20_000
COLUMNS = ("title", "description", "text")
FILTERS = ("outlet", "country", "language", "grade", "from", "to")

Kind = Literal["word", "phrase", "near", "(", ")", "-", "column", "filter", "operator"]

_PUNCTUATION = {
    **dict.fromkeys(map(ord, "“”„‟«»＂〝〞"), '"'),
    **dict.fromkeys(map(ord, "‘’‚‛`´"), "'"),
    **dict.fromkeys(map(ord, "‐‑‒–−"), "-"),
    ord("—"): " ",
    ord("\u00ad"): None,  # the soft hyphen is not seen
    ord("\ufeff"): None,
    ord("\u200b"): None,
}
_SPACE = re.compile(r"\s+")
_PHRASE = re.compile(r'"([^"]*)"')
_NEAR = re.compile(r"NEAR\(([^()]*)\)")
_FIELD = re.compile(rf"({'|'.join((*COLUMNS, *FILTERS))}):(?=[^\s)])", re.IGNORECASE)
_VALUE = re.compile(r'"([^"]*)"|([^\s()"]+)')
_WORD = re.compile(r'[^\s()"]+')
_INFIX_NEAR = re.compile(r"NEAR(?:/(\d{1,4}))?")
_OPERATORS = ("OR", "AND", "NOT")


@dataclass(frozen=True, slots=True)
class Token:
    """One piece. ``value`` is its text; for a filter ``name`` is the field."""

    kind: Kind
    value: str
    name: str = ""
    star: bool = False  # a phrase or word that stands for all that begin so


@dataclass(frozen=True, slots=True)
class Note:
    """Something the reader should know of how the search was read; worded in `archive.search.wording`."""

    kind: Literal["literal", "unsearchable", "unpaired", "terms", "characters", "whole", "unordered"]
    text: str = ""


def normalised(text: str) -> tuple[str, list[Note]]:
    """Return the text in NFC with plain quotes, hyphens and spaces, and no character that SQLite refuses."""
    notes = [Note("characters", str(MAX_CHARACTERS))] if len(text) > MAX_CHARACTERS else []
    plain = composed(text[:MAX_CHARACTERS].translate(_PUNCTUATION))
    return "".join(" " if unicodedata.category(c) in ("Cc", "Cs", "Zs") else c for c in plain), notes


def is_searchable(text: str) -> bool:
    """Tell whether anything in the text is in the index: a letter or a digit."""
    return bool(WORD.search(text))


def tokens(text: str) -> tuple[list[Token], list[Note]]:
    """Cut normalised text into tokens."""
    found: list[Token] = []
    notes: list[Note] = []
    place = 0
    while place < len(text):
        if space := _SPACE.match(text, place):
            place = space.end()
            continue
        starts = place == 0 or text[place - 1] in " \t\n("
        token, place = _token(text, place, starts)
        if token is None:
            notes.append(Note("unpaired", '"'))
        else:
            found.append(token)
    return found, notes


def _token(text: str, place: int, starts: bool) -> tuple[Token | None, int]:
    character = text[place]
    if character == '"':
        phrase = _PHRASE.match(text, place)
        return _phrase(text, phrase) if phrase else (None, place + 1)
    if character in "()":
        return Token("(" if character == "(" else ")", character), place + 1
    if character == "-" and starts and place + 1 < len(text) and _opens(text[place + 1]):
        return Token("-", "-"), place + 1
    if near := _NEAR.match(text, place) if starts else None:
        return Token("near", near.group(), near.group(1)), near.end()
    starts = starts or text[place - 1] == "-"
    if field := _FIELD.match(text, place) if starts else None:
        return _field(text, field)
    return _word(text, place)


def _opens(character: str) -> bool:
    return character in '("' or bool(WORD.match(character))


def _phrase(text: str, phrase: re.Match[str]) -> tuple[Token, int]:
    star = text.startswith("*", phrase.end())
    return Token("phrase", phrase.group(1), star=star), phrase.end() + star


def _field(text: str, field: re.Match[str]) -> tuple[Token | None, int]:
    name = field.group(1).lower()
    if name in COLUMNS:
        return Token("column", field.group(), name), field.end()
    value = _VALUE.match(text, field.end())
    if value is None:  # country:(…
        return _word(text, field.start())
    return Token("filter", value.group(1) or value.group(2) or "", name), value.end()


def _word(text: str, place: int) -> tuple[Token, int]:
    found = _WORD.match(text, place)
    assert found is not None
    word = found.group()
    if word in _OPERATORS or _INFIX_NEAR.fullmatch(word):
        return Token("operator", word), found.end()
    star = word.endswith("*") and is_searchable(word[:-1])
    return Token("word", word.rstrip("*") if star else word, star=star), found.end()


def near_distance(token: Token) -> int | None:
    """Return the distance that an infix ``NEAR`` or ``NEAR/5`` asks for (10 where it names none)."""
    found = _INFIX_NEAR.fullmatch(token.value) if token.kind == "operator" else None
    return int(found.group(1) or 10) if found else None
