"""The judge: is a text on the topic's subject, how surely, and for which reasons.

The words and rules are in the topic file; this module finds the words, and counts in which places the
rules hold. Nothing here knows the subject.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from archive.joining import Found, joined
from archive.models import Term, Verdict
from archive.reasons import reasons
from archive.sentences import sentences
from archive.topic import Person, Point, Topic, fold

GUESS_CHARACTERS = 2000
SCREEN_SUMMARY_WORDS = 30
_SPACES = re.compile(r"[ \t\u00a0]+")
_WORD_END = re.compile(r"\w*")
_ISO_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


@dataclass(frozen=True, slots=True)
class Hit:
    """One phrase of the topic in the text: the half-open span and the classes it belongs to."""

    start: int
    end: int
    bits: int


@dataclass(frozen=True, slots=True)
class Place:
    """A stretch of the text that a rule looks at: sentences ``first`` to ``last`` (0 is the title)."""

    first: int
    last: int
    bits: int


class Reader:
    """One text, cut into title, lede and sentences, with the topic's words in it."""

    def __init__(self, title: str, text: str, topic: Topic, language: str | None, date: str | None) -> None:
        self.topic = topic
        body = sentences(text)
        self.lines = [_SPACES.sub(" ", title.replace("\n", " ")).strip(), *body]
        self.document = "\n".join(self.lines)
        self.words = self.document.count(" ") + len(self.lines)
        self.lede_end = self._lede_end()
        self.folded = fold(self.document)
        self.hits = self._cut(_find(self.document, self.folded, topic, language, date))
        self.bits = self._count_out([_union(hits) for hits in self.hits])
        self.all_bits = 0
        for bits in self.bits:
            self.all_bits |= bits
        self._places: dict[str, list[Place]] = {}

    def _lede_end(self) -> int:
        """Return the number of the last sentence of the lede."""
        words = 0
        for number, line in enumerate(self.lines[1:], 1):
            words += line.count(" ") + 1
            if words >= self.topic.lede_words:
                return number
        return len(self.lines) - 1

    def _cut(self, found: list[Hit]) -> list[list[Hit]]:
        hits: list[list[Hit]] = [[] for _ in self.lines]
        number, end = 0, len(self.lines[0])
        for hit in found:
            while hit.start > end:
                number += 1
                end += 1 + len(self.lines[number])
            hits[number].append(hit)
        return hits

    def _count_out(self, bits: list[int]) -> list[int]:
        """Take away the weak classes whose sides are named in fewer sentences than their rival.

        One mention of a rival is not yet a text about it.
        """
        rivals = sum(1 for sentence in bits if sentence & self.topic.rival)
        drop = 0
        for weak, sides in self.topic.weak:
            named = min(sum(1 for sentence in bits if sentence & side) for side in sides)
            if rivals > 1 and named < rivals:
                drop |= weak
        return [sentence & ~drop for sentence in bits]

    def _span(self, first: int, last: int) -> Place:
        bits = 0
        for number in range(first, last + 1):
            bits |= self.bits[number]
        return Place(first, last, bits)

    def places(self, scope: str) -> list[Place]:
        """Return the places of a scope, in order."""
        if scope not in self._places:
            self._places[scope] = list(self._make_places(scope))
        return self._places[scope]

    def _make_places(self, scope: str) -> Iterator[Place]:
        last = len(self.lines) - 1
        if scope == "title":
            yield self._span(0, 0)
        elif scope == "lede" and last:
            yield self._span(1, self.lede_end)
        elif scope == "opening":
            yield self._span(0, self.lede_end)
        elif scope == "text":
            yield Place(0, last, self.all_bits)
        elif scope == "sentence":
            yield from (Place(number, number, bits) for number, bits in enumerate(self.bits))
        elif scope == "window":
            size = self.topic.window_sentences
            yield from (self._span(n, min(n + size - 1, last)) for n in range(max(1, last - size + 2)))

    def fits(self, point: Point) -> list[Place]:
        """Return the places where a rule holds, none overlapping another."""
        if not all(self.all_bits & need for need in point.all):
            return []
        fitting: list[Place] = []
        for place in self.places(point.scope):
            if fitting and place.first <= fitting[-1].last:
                continue
            bits = place.bits
            if bits & point.none:
                continue
            for need in point.all:
                if not bits & need:
                    break
            else:
                fitting.append(place)
        return fitting

    def evidence(self, point: Point, place: Place) -> dict[str, tuple[int, Hit]]:
        """Return the words for which a rule holds in a place, each with its line and hit."""
        found: dict[str, tuple[int, Hit]] = {}
        for need in point.all:
            first = self._first(need, place)
            if first is not None:
                found.setdefault(self.document[first[1].start : first[1].end], first)
        return found

    def _first(self, need: int, place: Place) -> tuple[int, Hit] | None:
        """Return the first phrase of a class in a place; one that names it outright goes before a weak one."""
        weak, loose = None, self.topic.loose
        for number in range(place.first, place.last + 1):
            for hit in self.hits[number]:
                counted = hit.bits & self.bits[number] & need
                if counted & ~loose:
                    return number, hit
                if counted and weak is None:
                    weak = (number, hit)
        return weak


def judge(
    title: str,
    text: str,
    topic: Topic,
    *,
    description: str = "",
    language: str | None = None,
    date: str | None = None,
) -> Verdict:
    """Judge one text. Deterministic.

    ``date`` is the ISO day or time of publication: who was out of office then counts less; without it every
    name of the roster counts. ``language`` (es, en) is guessed where it is not given. The score is the sum
    of the points of the reasons in ``terms``, in which rules that hold in the same sentences are one reason.
    """
    if description and description.strip() not in text:
        text = f"{description}\n{text}"
    reader = Reader(title, text, topic, language, date)
    missing = [why for need, why in topic.required if not reader.all_bits & need]
    if missing:
        return Verdict(
            grade=0,
            score=0.0,
            terms=tuple(Term(text="", where="text", points=0.0, why=why) for why in missing),
            topic_version=topic.version,
        )
    return _weigh(reader)


def held_points(reader: Reader) -> list[tuple[Point, list[Place]]]:
    """Return the topic's rules that hold in a text, in the topic's order, each with the places where."""
    held: set[str] = set()
    found = []
    for point in reader.topic.points:
        if not _applies(point, held, reader.words):
            continue
        places = reader.fits(point)
        if point.at_least <= len(places) <= point.at_most and _share(reader, places) >= point.share:
            held.add(point.name)
            found.append((point, places))
    return found


def _weigh(reader: Reader) -> Verdict:
    topic = reader.topic
    held = held_points(reader)
    words = topic.fitted.weigh(reader.folded)
    score = sum(point.points for point, _ in held) + words.relevant
    core = sum(point.core for point, _ in held) + words.core
    grade = (2 if core >= topic.core else 1) if score >= topic.relevant else 0
    return Verdict(
        grade=grade,
        score=round(score, 2),
        terms=reasons(reader, held, words, grade),
        topic_version=topic.version,
    )


def _applies(point: Point, held: set[str], words: int) -> bool:
    """Tell whether a rule is to be tried at all, by the rules before it and the length of the text."""
    if point.unless & held or (point.after and not point.after & held):
        return False
    return point.min_words <= words <= point.max_words


def _share(reader: Reader, places: list[Place]) -> float:
    return sum(place.last - place.first + 1 for place in places) / len(reader.lines)


def screen(headline: str, summary: str, url: str, topic: Topic, *, section: str = "") -> bool:
    """Tell whether a page that is only announced could be on the subject.

    A headline alone is never enough to refuse a page: no rule on headlines keeps nine of ten relevant ones.
    In sections such as sports (by ``section`` or a part of the URL's path) words of crime are asked for too.
    """
    if not summary.split():
        return True
    bits = _union(find(_announcement(headline, summary), topic, None, None))
    if fold(section) in topic.screen_sections_off or topic.screen_sections_off & set(fold(url).split("/")):
        return bool(bits & topic.screen_unless)
    return bool(bits & topic.screen_any)


def announces(headline: str, summary: str, topic: Topic) -> bool:
    """Tell whether a headline and summary name anything of the subject: where not all can be fetched, these first."""
    return bool(_union(find(_announcement(headline, summary), topic, None, None)) & topic.screen_any)


def _announcement(headline: str, summary: str) -> str:
    return f"{headline}\n{' '.join(summary.split()[:SCREEN_SUMMARY_WORDS])}"


def find(document: str, topic: Topic, language: str | None, date: str | None) -> list[Hit]:
    """Return the topic's phrases in a text in order, none inside a longer one, masks left out."""
    return _find(document, fold(document), topic, language, date)


def _find(document: str, folded: str, topic: Topic, language: str | None, date: str | None) -> list[Hit]:
    found = _phrases(document, folded, topic, (language or _guess(folded))[:2].lower())
    found.sort()
    masks = _masks(found)
    if masks:
        found = [each for each in found if not _hidden(each, masks)]
    if topic.joins.noun:
        found.extend(joined(found, folded, topic))
        found.sort()
    return _outermost(found, topic, date)


def _phrases(document: str, folded: str, topic: Topic, language: str) -> list[Found]:
    found: list[Found] = []
    size = len(folded)
    for last, (length, entries) in topic.automaton.iter(folded):
        start, end = last - length + 1, last + 1
        if start and folded[start - 1].isalnum():
            continue
        whole = end == size or not folded[end].isalnum()
        for entry in entries:
            if entry.language and entry.language != language:
                continue
            if entry.cased and not all(document[start + place].isupper() for place in entry.cased):
                continue
            if whole:
                found.append((start, -end, entry.bits, entry.person, entry.needs_full_name))
            elif entry.stem:
                stretched = _WORD_END.match(folded, end)
                found.append((start, -(stretched.end() if stretched else end), entry.bits, -1, False))
    return found


def _masks(found: list[Found]) -> list[tuple[int, int]]:
    """Return the spans of the masks that lie in no longer phrase."""
    masks, reach = [], -1
    for start, minus_end, bits, *_ in found:
        if not bits and -minus_end > reach:
            masks.append((start, -minus_end))
        reach = max(reach, -minus_end)
    return masks


def _hidden(phrase: Found, masks: list[tuple[int, int]]) -> bool:
    """Tell whether a phrase overlaps a mask that it does not hold as a whole; masks themselves are hidden."""
    start, end = phrase[0], -phrase[1]
    return not phrase[2] or any(
        start < mask_end and mask_start < end and not (start <= mask_start and mask_end <= end)
        for mask_start, mask_end in masks
    )


def _outermost(found: list[Found], topic: Topic, date: str | None) -> list[Hit]:
    """Drop phrases inside longer ones, join those on the same span, and settle who was in office."""
    named = {topic.roster[person].name for *_, person, short in found if person >= 0 and not short}
    spans: dict[tuple[int, int], int] = {}
    reach = -1
    for start, minus_end, bits, person, short in found:
        end = -minus_end
        if (start, end) not in spans:
            if end <= reach:
                continue
            if person >= 0 and short and topic.roster[person].name not in named:
                continue
        if person >= 0:
            bits = _office_bits(topic, topic.roster[person], bits, date)
        spans[start, end] = spans.get((start, end), 0) | bits
        reach = max(reach, end)
    return [Hit(start, end, bits) for (start, end), bits in spans.items()]


def _office_bits(topic: Topic, person: Person, bits: int, date: str | None) -> int:
    if date is None or not _ISO_DAY.match(date) or person.holds(date, topic.grace_days):
        return bits
    return topic.former[person.side]


def _union(hits: list[Hit]) -> int:
    bits = 0
    for hit in hits:
        bits |= hit.bits
    return bits


def _guess(folded: str) -> str:
    """Tell Spanish from English by their commonest words."""
    head = folded[:GUESS_CHARACTERS]
    spanish = sum(head.count(word) for word in (" de ", " la ", " el ", " que ", " en ", " los "))
    english = sum(head.count(word) for word in (" the ", " of ", " to ", " and ", " in ", " that "))
    return "es" if spanish > english else "en"
