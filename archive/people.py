"""The people a text names: by full name, by family name alone, and by their office alone.

A family name alone is a person's where the text has the full name or an office before it, or where all know who is
meant; an office alone ("la presidenta", "the president") is the person's of whom the text says that they hold it, if it
says so of one only. What is an office, and what is no person's name, is in ``archive/speakers.toml``.
"""

import re
import tomllib
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from archive.dates import LONGEST
from archive.folding import fold
from archive.gazetteer import concepts_in
from archive.senses import senses
from archive.sentences import quotations

WORDING = Path(__file__).with_name("speakers.toml")
SAID = "§"  # stands for a quotation
LONGEST_NAME = 6
ARTICLES = frozenset(
    ("el", "la", "los", "las", "the", "a", "an", "un", "una", "su", "sus", "his", "her", "its")
)
PARTICLES = frozenset(("de", "del", "la", "las", "los", "van", "von", "di"))

_TOKEN = re.compile(rf"[^\W\d_]+(?:[.'’-][^\W\d_]+)*['’]?\.?(?<=\w|['’.])|\d+(?:[.,:]\d+)*|[{SAID},;:()—.]")
_INITIAL = re.compile(r"[A-ZÁÉÍÓÚÑ]\.")
_POSSESSIVE = re.compile(r"['’]s?$")


@dataclass(frozen=True, slots=True)
class Chunk:
    """Words in a row that mean one person: tokens from ``start`` to ``end``."""

    start: int
    end: int
    name: str


@cache
def wording(part: str, key: str) -> frozenset[str]:
    """Return the words of one list of `speakers.toml`."""
    return frozenset(table()[part][key].split())


@cache
def phrases(part: str, key: str) -> tuple[tuple[str, ...], ...]:
    """Return the phrases of one list of `speakers.toml`, word by word."""
    return tuple(tuple(phrase.split()) for phrase in table()[part][key].split("|"))


@cache
def table() -> dict[str, dict[str, str]]:
    """Return `speakers.toml`."""
    found: dict[str, dict[str, str]] = tomllib.loads(WORDING.read_text("utf-8"))
    return found


def tokens_of(sentence: str) -> list[str]:
    """Return the words and marks of a sentence, a mark for each quotation: who is named in it does not speak."""
    bare = sentence[:LONGEST].replace(" - ", " — ")
    for quoted in quotations(bare):
        for mark in "\"'":
            bare = bare.replace(f"{mark}{quoted}{mark}", f" {SAID} ")
    return [_unstopped(token) for token in _TOKEN.findall(bare)]


def _unstopped(token: str) -> str:
    """Return a word without the full stop behind it, unless it is an initial's."""
    return token if len(token) < 2 or _INITIAL.fullmatch(token) else token.rstrip(".")


class People:
    """The people a text names: by full name, by family name, by office."""

    def __init__(self, lines: list[list[str]]) -> None:
        self._small = {token for line in lines for token in line if token[0].islower()}
        self._full: dict[str, str] = {}
        self._holders: defaultdict[str, set[str]] = defaultdict(set)
        for line in lines:
            for start, end in self._runs(line):
                self._learn(line[start:end])
        for line in lines:
            for chunk in self.named(line):
                for office in self._offices_of(line, chunk):
                    self._holders[office].add(chunk.name)

    def _runs(self, line: list[str]) -> Iterator[tuple[int, int]]:
        """Yield the stretches of capitalised words, particles among them."""
        start = 0
        while start < len(line):
            if not self._opens_a_name(line, start):
                start += 1
                continue
            end = start + 1
            while end < len(line):
                step = next((n for n in range(3) if end + n < len(line) and is_capital(line[end + n])
                             and all(word in PARTICLES for word in line[end : end + n])), None)  # fmt: skip
                if step is None or _POSSESSIVE.search(line[end - 1]):
                    break
                end += step + 1
            yield start, end
            start = end

    def _opens_a_name(self, line: list[str], place: int) -> bool:
        """Tell whether a capitalised word is one for itself and not because a sentence begins with it."""
        token = line[place]
        if not is_capital(token) or token == "X":
            return False
        if place and line[place - 1] not in (SAID, "—", ".", ":"):
            return True
        if token.lower() in wording("around", "openings") | wording("around", "prepositions") | ARTICLES:
            return False
        if _POSSESSIVE.sub("", token) in self._full or is_capital(
            "".join(line[place + 1 : place + 2]) or "."
        ):
            return True
        folded = fold(token)
        return not (token.lower() in self._small or senses(folded, "es") or senses(folded, "en"))

    def _learn(self, tokens: list[str]) -> None:
        parts = _bare(tokens)
        if 2 <= len(parts) <= LONGEST_NAME and _is_person(parts):
            name = " ".join(parts)
            for family in {parts[-1], parts[-2]} - PARTICLES if len(parts) > 2 else {parts[-1]}:
                if len(name) > len(self._full.get(family, "")):
                    self._full[family] = name

    def _person(self, line: list[str], start: int, end: int) -> str:
        """Return who a stretch of capitalised words means, by full name where the text has it; "" where nobody."""
        parts = _bare(line[start:end])
        if not parts or not _is_person(parts) or _is_owner(line, end):
            return ""
        titled = len(parts) < end - start or (
            start > 0 and line[start - 1].lower() in wording("people", "offices")
        )
        known = self._full.get(parts[-1], "")
        if known and (len(parts) == 1 or (len(parts) > 1 and parts[0] in known.split())):
            return known
        return " ".join(parts) if titled or len(parts) > 1 or _is_figure(parts) else ""

    def named(self, line: list[str]) -> list[Chunk]:
        """Return the people named in a sentence."""
        found = []
        for start, end in self._runs(line):
            if name := self._person(line, start, end):
                found.append(Chunk(start, end, name))
        return found

    def meant(self, line: list[str]) -> list[Chunk]:
        """Return the people named in a sentence, or meant by their office alone, in order."""
        named = self.named(line)
        taken = {place for chunk in named for place in range(chunk.start - 1, chunk.end + 1)}
        found = list(named)
        for place in range(1, len(line)):
            alone = place not in taken and line[place - 1].lower() in ("el", "la", "the")
            alone &= not (
                line[place - 2 : place - 1] == [","] and place - 2 in {chunk.end for chunk in named}
            )
            if alone and (name := self._holder(line[place])):
                found.append(Chunk(place - 1, place + 1, name))
        return sorted(found, key=lambda chunk: chunk.start)

    def _holder(self, office: str) -> str:
        found = self._holders.get(_office(office), set())
        return next(iter(found)) if len(found) == 1 else ""

    def _offices_of(self, line: list[str], chunk: Chunk) -> Iterator[str]:
        """Yield what a sentence says a person is: "la presidenta Ana Ruiz", "Ana Ruiz, presidenta de México"."""
        offices = wording("people", "offices")
        for place in range(chunk.start, chunk.end):
            if line[place].lower() in offices:
                yield _office(line[place])
        place = chunk.start - 1
        while place >= 0 and (line[place].lower() in offices or _in_title(line, place)):
            if line[place].lower() in offices:
                yield _office(line[place])
                break
            place -= 1
        if line[chunk.end : chunk.end + 1] == [","]:
            for token in line[chunk.end + 1 : chunk.end + 4]:
                if token.lower() in offices:
                    yield _office(token)
                    break


def _is_owner(line: list[str], end: int) -> bool:
    """Tell whether a name is only that of whom something belongs to, and it is not their view that does."""
    owned = "".join(line[end : end + 1])
    return line[end - 1].endswith(("'s", "’s", "'", "’")) and owned not in ("telling", "view", "words")


def _office(token: str) -> str:
    same: dict[str, str] = table()["people"]["same_office"]  # type: ignore[assignment]
    return same.get(token.lower(), token.lower())


def is_capital(token: str) -> bool:
    """Tell whether a word begins with a capital letter."""
    return token[0].isupper()


def _bare(tokens: list[str]) -> list[str]:
    """Return a name without titles and offices before it and the possessive behind it."""
    parts = [_POSSESSIVE.sub("", token) for token in tokens]
    offices = [place for place, part in enumerate(parts[:-1]) if part.lower() in wording("people", "offices")]
    del parts[: offices[-1] + 1 if offices else 0]
    while parts and (
        parts[0].rstrip(".") in wording("people", "titles")
        or parts[0].lower() in wording("people", "offices")
        or parts[0] in PARTICLES
        or (parts[0].isupper() and len(parts[0]) > 2)
    ):
        del parts[0]
    return parts


def _is_person(parts: list[str]) -> bool:
    if parts[0] in wording("people", "no_person_first") or wording("people", "no_person") & set(parts):
        return False
    kinds = {concept for _, concept in concepts_in(" ".join(parts), "es")}
    return not any(kind.startswith(("place:", "body:")) for kind in kinds)


def _is_figure(parts: list[str]) -> bool:
    """Tell whether a family name alone is that of somebody everybody knows."""
    return any(concept.startswith("figure:") for _, concept in concepts_in(" ".join(parts), "es"))


def _in_title(line: list[str], place: int) -> bool:
    """Tell whether a word may stand inside a title such as "secretario de Estado, " or "titular de la Unidad"."""
    return line[place] in PARTICLES or line[place] in ("of", "for", ",") or is_capital(line[place])
