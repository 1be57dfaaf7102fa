"""Who is quoted or reported as saying something, read off the ways in which news text says so.

A speaker stands before a verb of saying (with what is said of them between commas), behind it ("dijo el canciller
…", '"…," said …'), after "según" or "according to", or before a colon and a quotation; "he", "she" and verbs without
a subject are taken for whom the sentence, or the one before it, is about. Who the people are is found by
``archive/people.py``; the verbs are in ``archive/speakers.toml``.
"""

import re
from collections.abc import Iterator
from functools import cache

from archive.folding import fold
from archive.people import (
    ARTICLES,
    PARTICLES,
    SAID,
    Chunk,
    People,
    is_capital,
    phrases,
    table,
    tokens_of,
    wording,
)
from archive.sentences import plain, sentences

ASIDE = 26  # words that may be said of a speaker before the verb
REACH = 12  # words between a verb and the speaker behind it
OPENING = 3  # words from the first of a sentence within which stands whom it is about
ADVERBS = 4  # words between a speaker and the verb

_AND = frozenset(("y", "e", "and"))
_AGAIN = _AND | {"pero", "but"}
_HAVE = frozenset(("ha", "han", "había", "habían", "habría"))
_BEGINS = re.compile(r"\w+(?:ó|o|ió) (?:que|\w+[aei]r)$")  # "Dijo que", "Dijo entender"
_PRONOUNS = {"he": False, "él": False, "she": True, "ella": True}
_WHO = frozenset(("quien", "who"))
_ENDS = frozenset((SAID, ";", ":", ".", "(", ")"))


@cache
def _spanish_verb() -> re.Pattern[str]:
    beginnings = "|".join(table()["verbs"]["spanish_beginnings"].split())
    return re.compile(rf"(?:{beginnings})(?:ó|a|aron|an|ió|ieron)$")


@cache
def _spanish_participle() -> re.Pattern[str]:
    beginnings = "|".join(table()["verbs"]["spanish_beginnings"].split())
    return re.compile(rf"(?:(?:{beginnings})(?:ado|ido)|dicho|sostenido|respondido|reconocido|escrito)$")


def speakers(text: str) -> list[str]:
    """Return who is quoted or reported as saying something, by full name where the text has it, in order, each once."""
    lines = [tokens_of(sentence) for sentence in sentences(plain(text))]
    people = People(lines)
    found: dict[str, None] = {}
    before: list[str] = []
    mentioned: dict[str, None] = {}
    for line in lines:
        chunks = people.meant(line)
        found.update(dict.fromkeys(_speakers_of(line, chunks, before, list(mentioned))))
        about = [chunk for chunk in chunks if not _governed(line, chunk)]
        names = [chunk.name for chunk in about]
        opens = any(_start_of_title(line, chunk) < OPENING for chunk in about)
        before = (names if opens else list(found)[-1:] or names) or before
        for chunk in chunks:
            mentioned[chunk.name] = mentioned.pop(chunk.name, None)
    return list(found)


def _speakers_of(
    line: list[str], chunks: list[Chunk], before: list[str], mentioned: list[str]
) -> Iterator[str]:
    """Yield the speakers of one sentence in their order.

    ``before`` has those whom the last sentence was about, ``mentioned`` all named so far, the last at the end.
    """
    found: dict[int, str] = {}
    for place in range(len(line)):
        if _says(line, place):
            for chunk in _before(line, place, chunks) or _behind(line, place, chunks):
                found[chunk.start] = chunk.name
            if not found and _unnamed(line, place):
                mine = [c.name for c in chunks if c.end <= place and not _governed(line, c)]
                if name := _meant(_pronoun(line, place), mine or before, mentioned):
                    found[place] = name
    for chunk in [*_according(line, chunks), *_before_colon(line, chunks)]:
        found[chunk.start] = chunk.name
    for start in sorted(found):
        yield found[start]


def _unnamed(line: list[str], verb: int) -> bool:
    """Tell whether a verb's speaker is only "he" or "she", or nobody in words (", dijo.")."""
    if _pronoun(line, verb):
        return True
    if verb == 0 and _BEGINS.match(" ".join(line[:2])):
        return True
    around = line[verb - 1 : verb] + (line[verb + 1 : verb + 2] or ["."])
    return line[verb] not in wording("verbs", "english") and all(
        mark in (",", ".", ";", SAID) for mark in around
    )


def _pronoun(line: list[str], verb: int) -> str:
    """Return "he", "she", "él" or "ella" before a verb; "had" and the like may stand between."""
    place = verb
    while place and verb - place < ADVERBS and line[place - 1].lower() in wording("around", "between"):
        place -= 1
    word = line[place - 1].lower() if place else ""
    return word if word in _PRONOUNS else ""


def _meant(pronoun: str, about: list[str], mentioned: list[str]) -> str:
    """Return who is meant: the only one the words are about who may be; else the last man or woman named."""
    she = _PRONOUNS.get(pronoun)
    names = {name for name in about if she is None or _is_woman(name) == she}
    if not names and she is not None:
        names = set([name for name in mentioned if _is_woman(name) == she][-1:])
    return next(iter(names)) if len(names) == 1 else ""


def _is_woman(name: str) -> bool:
    """Guess from a first name; a family name alone counts as a man's, which is wrong as often as not."""
    first, *more = fold(name).split()
    return bool(more) and (
        first in wording("people", "women") or (first.endswith("a") and first not in wording("people", "men"))
    )


def _says(line: list[str], place: int) -> bool:
    """Tell whether a word is a verb of saying where it stands."""
    word = line[place].lower() if place == 0 else line[place]
    listed = word in wording("verbs", "spanish") or word in wording("verbs", "english")
    before = line[place - 1].lower() if place else ""
    if not (listed or _spanish_verb().match(word) or (before in _HAVE and _spanish_participle().match(word))):
        return False
    if before in wording("around", "denying") or (
        word.endswith("a") and before in wording("around", "before_nouns")
    ):
        return False
    following = tuple(line[place : place + 3])
    if (
        before in (",", SAID)
        and line[place + 2 : place + 3]
        and line[place + 2].lower() in wording("people", "offices")
    ):
        return True  # ", sostuvo la presidenta", but not "sostuvo la primera reunión"
    if any(following[: len(phrase)] == phrase for phrase in phrases("verbs", "not_saying")):
        return False
    only: dict[str, str] = table()["verbs"]["saying_only"]  # type: ignore[assignment]
    return word not in only or (place + 1 < len(line) and line[place + 1] in only[word].split())


def _before(line: list[str], verb: int, chunks: list[Chunk]) -> list[Chunk]:
    """Return the speakers that stand before a verb: directly, before "quien", or before what is said of them."""
    place = verb
    while place and verb - place < ADVERBS and line[place - 1].lower() in wording("around", "between"):
        place -= 1
    ends = {chunk.end: chunk for chunk in chunks}
    if place in ends:
        return [*_and_before(line, ends[place], ends), ends[place]]
    place = _before_house(line, place, ends)
    if place in ends:
        return [ends[place]]
    if place and line[place - 1] in _WHO:
        place -= 1
        place -= place > 0 and line[place - 1] == ","
        return [ends[place]] if place in ends else []
    if place and line[place - 1] in _AGAIN:
        return _subject(line, place - 1, chunks)
    if place and line[place - 1] in (",", ")"):
        return _before_aside(line, place - 1, ends)
    return []


def _before_house(line: list[str], place: int, ends: dict[int, Chunk]) -> int:
    """Return the place before "of the Border Alliance" or "de Gobernación" behind a name; else the place given."""
    start = place
    while start and (is_capital(line[start - 1]) or line[start - 1] in PARTICLES | {"the", "of"}):
        start -= 1
        if start in ends and line[start].lower() in ("of", "from", "de", "del"):
            return start
    return place


def _subject(line: list[str], end: int, chunks: list[Chunk]) -> list[Chunk]:
    """Return who the words before a second verb are about: "Ruiz se negó a comentar, pero dijo"."""
    before = [c for c in chunks if c.end <= end and not _governed(line, c) and not _is_told(line, c)]
    return before[-1:] if before and SAID not in line[before[-1].end : end] else []


def _before_aside(line: list[str], comma: int, ends: dict[int, Chunk]) -> list[Chunk]:
    """Return the speakers before a comma and what is said of them: "Ana Ruiz, la vocera, dijo"."""
    if (chunk := ends.get(comma)) is not None:
        # "El titular, Luis Mora, dijo", but not "se reunió con Luis Mora, dijo".
        start = _start_of_title(line, chunk)
        return [chunk] if start and line[start - 1] == "," else []
    for place in range(comma - 1, max(comma - ASIDE, 0), -1):
        if line[place] in (SAID, ";", ":") or _says(line, place):
            return []
        chunk = ends.get(place) if line[place] in (",", "(") else None
        if chunk and not _governed(line, chunk):
            return [*_and_before(line, chunk, ends), chunk]
    return []


def _and_before(line: list[str], chunk: Chunk, ends: dict[int, Chunk]) -> list[Chunk]:
    """Return who speaks together with somebody: "Ruiz y Mora dijeron", "Ruiz, de México, y Mora, …, dijeron"."""
    place = _start_of_title(line, chunk)
    if not place or line[place - 1] not in _AND:
        return []
    place -= 1
    if place in ends:
        return [ends[place]]
    if place and line[place - 1] == ",":
        return _before_aside(line, place - 1, ends)
    return []


def _is_told(line: list[str], chunk: Chunk) -> bool:
    """Tell whether somebody is who something was said to: "Ruiz told Mora"."""
    place = _start_of_title(line, chunk)
    return place > 0 and line[place - 1].lower() in ("told", "asked", "tells")


def _start_of_title(line: list[str], chunk: Chunk) -> int:
    """Return where a name begins with the office and the article before it."""
    return _title_from(line, chunk.start)


def _title_from(line: list[str], place: int) -> int:
    known = wording("people", "offices") | ARTICLES
    while place and (
        line[place - 1].lower() in known or (line[place - 1].isupper() and len(line[place - 1]) > 1)
    ):
        place -= 1
    return place


def _governed(line: list[str], chunk: Chunk) -> bool:
    """Tell whether somebody is not who a clause is about but stands behind a preposition."""
    place = _start_of_title(line, chunk)
    if place > 1 and line[place - 1] in _AND and is_capital(line[place - 2]):
        place = place - 2  # "entre Ruiz y Mora"
        while place and is_capital(line[place - 1]):
            place -= 1
        place = _title_from(line, place)
    return place > 0 and line[place - 1].lower() in wording("around", "prepositions")


def _behind(line: list[str], verb: int, chunks: list[Chunk]) -> list[Chunk]:
    """Return the speaker that stands behind a verb; in English only after a quotation or a comma."""
    if line[verb] in wording("verbs", "english") and not (
        line[verb] in wording("verbs", "english_before_speaker") and verb and line[verb - 1] in (SAID, ",")
    ):
        return []
    starts = {chunk.start: chunk for chunk in chunks}
    offices = wording("people", "offices")
    titled = False
    first = verb + 1
    if line[first : first + 1] == [","] and line[first + 2 : first + 3] == [","]:
        first += 3  # "dijo, molesto, Luis Mora"
    if line[first : first + 1] == [SAID]:
        first += 1  # dijo "culpable" Luis Mora
    for place in range(first, min(first + REACH, len(line))):
        if place in starts and not _governed(line, starts[place]):
            return [*_together(line, starts[place], starts)]
        titled |= line[place].lower() in offices
        if line[place] in _ENDS or line[place] in wording("around", "stops"):
            return []
        if line[place] == "," and not titled:  # "dijo el titular de Marina, Luis Mora"
            return []
    return []


def _together(line: list[str], chunk: Chunk, starts: dict[int, Chunk]) -> list[Chunk]:
    """Return a speaker behind a verb with whom "y" or "and" joins to them."""
    other = starts.get(chunk.end + 1)
    return [chunk, other] if other and line[chunk.end] in _AND else [chunk]


def _according(line: list[str], chunks: list[Chunk]) -> Iterator[Chunk]:
    """Yield those in whose words something is told."""
    small = [token.lower() for token in line]
    for phrase in phrases("around", "according"):
        for place in range(len(line) - len(phrase)):
            if small[place] == phrase[0] and tuple(small[place : place + len(phrase)]) == phrase:
                yield from _first_after(line, place + len(phrase), chunks)
    titled = len(line) > 2 and line[2].lower() in wording("people", "offices")
    if (small[:1] == ["para"] and titled) or small[:1] == ["for"]:
        yield from (c for c in _first_after(line, 1, chunks) if line[c.end : c.end + 1] == [","])
    for chunk in chunks:
        if small[chunk.start - 1] == "in" and small[chunk.end : chunk.end + 1] in (
            ["telling"],
            ["view"],
            ["words"],
        ):
            yield chunk


def _first_after(line: list[str], place: int, chunks: list[Chunk]) -> list[Chunk]:
    """Return who is named next, before anything but a title."""
    for chunk in chunks:
        if chunk.start >= place:
            skipped = line[place : chunk.start]
            several = any(word.lower() in wording("around", "nobody") for word in skipped)
            if len(skipped) <= REACH and not several and all(_is_title(word) for word in skipped):
                return [chunk]
    return []


def _is_title(word: str) -> bool:
    known = wording("people", "offices") | ARTICLES | PARTICLES | {"of", ",", "former", "entonces"}
    return word.lower() in known or word[0].islower() or is_capital(word)


def _before_colon(line: list[str], chunks: list[Chunk]) -> Iterator[Chunk]:
    for chunk in chunks:
        if line[chunk.end : chunk.end + 2] == [":", SAID]:
            yield chunk
