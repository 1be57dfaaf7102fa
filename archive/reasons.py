"""A verdict's reasons, in words an editor can check: what was found, where, and what it was worth."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archive.fitted import WordSum
from archive.models import Term
from archive.topic import Point

if TYPE_CHECKING:
    from archive.relevance import Hit, Place, Reader

SHOWN = 6
SAID = 3  # rules that one reason names
WORTH_SAYING = 0.3  # of what single words weigh towards core
QUOTED = 2  # sentences that one reason quotes
QUOTE_CHARACTERS = 150  # some 25 words

Held = list[tuple[Point, "list[Place]"]]
Found = dict[str, "tuple[int, Hit]"]


def reasons(reader: Reader, held: Held, words: WordSum, grade: int) -> tuple[Term, ...]:
    """Return the reasons in order of weight; their points add up to the score.

    Rules that speak for the same side and hold for words of the same sentences are one reason. The lightest are
    summed up in one line, and what made a relevant text core or related is another, worth no points.
    """
    groups: dict[tuple[bool, tuple[int, ...]], list[tuple[Point, Found]]] = {}
    for point, places in held:
        if point.points:
            found = reader.evidence(point, places[0]) if places else {}
            lines = tuple(sorted({number for number, _ in found.values()}))
            groups.setdefault((point.points > 0, lines), []).append((point, found))
    ranked = sorted(groups.values(), key=lambda group: -abs(_worth(group)))
    terms = [_term(reader, group) for group in ranked[:SHOWN]]
    rest = [each for group in ranked[SHOWN:] for each in group]
    if rest:
        terms.append(Term(text="", where="text", points=_worth(rest), why=f"other signs: {_said(rest)}"))
    if words.heavy or words.against:
        terms.append(_of_words(words, reader.topic.fitted.why))
    if grade:
        terms.extend(_of_grade(held, words, grade))
    return tuple(terms)


def _of_words(words: WordSum, why: str) -> Term:
    """Say what single words were worth, and which weighed most."""
    against = f" (against it: {' · '.join(words.against)})" if words.against else ""
    return Term(text=" · ".join(words.heavy), where="text", points=words.relevant, why=why + against)


def _worth(group: list[tuple[Point, Found]]) -> float:
    return round(sum(point.points for point, _ in group), 2)


def _said(group: list[tuple[Point, Found]]) -> str:
    """Return the sentences of the weightiest rules, and how many more there are."""
    whys = [point.why for point, _ in sorted(group, key=lambda each: -abs(each[0].points))]
    more = f"; and {len(whys) - SAID} more of the kind" if len(whys) > SAID else ""
    return "; ".join(whys[:SAID]) + more


def _term(reader: Reader, group: list[tuple[Point, Found]]) -> Term:
    found: Found = {}
    for _, words in group:
        found.update(words)
    lines = sorted({number for number, _ in found.values()})
    return Term(
        text=" · ".join(found),
        where=_where(reader, lines),
        points=_worth(group),
        why=_said(group) + _quote(reader, [hit for _, hit in found.values()], lines),
    )


def _where(reader: Reader, lines: list[int]) -> str:
    if not lines:
        return "text"
    return "title" if lines[-1] == 0 else "lede" if lines[-1] <= reader.lede_end else "body"


def _quote(reader: Reader, hits: list[Hit], lines: list[int]) -> str:
    """Return the sentences that the words were found in, long ones cut around them."""
    quoted = []
    start = 0
    for number, line in enumerate(reader.lines):
        if number in lines[:QUOTED]:
            inside = sorted((h.start, h.end) for h in hits if start <= h.start <= start + len(line))
            quoted.append(f"“{_cut(line, inside[0][0] - start, inside[-1][1] - start)}”")
        start += len(line) + 1
    where = ", ".join("title" if number == 0 else f"sentence {number}" for number in lines)
    return f": {' … '.join(quoted)} ({where})" if quoted else ""


def _cut(line: str, first: int, last: int) -> str:
    """Cut a line to what lies around the span, at spaces."""
    if len(line) <= QUOTE_CHARACTERS:
        return line
    last = max(first + 1, min(last, first + QUOTE_CHARACTERS))
    room = (QUOTE_CHARACTERS - (last - first)) // 2
    start = line.rfind(" ", 0, max(0, first - room)) + 1 if first > room else 0
    end = line.find(" ", min(len(line), last + room))
    return f"{'… ' if start else ''}{line[start : end if end > 0 else len(line)]}{' …' if end > 0 else ''}"


def _of_grade(held: Held, words: WordSum, grade: int) -> list[Term]:
    """Say what speaks for core and what against it; worth no points."""
    speaking = [(point.core, point.why) for point, _ in held if point.core]
    if abs(words.core) >= WORTH_SAYING:
        speaking.append((words.core, "the text's single words"))
    speaking.sort(key=lambda each: -abs(each[0]))
    pro = [why for worth, why in speaking if (worth > 0) == (grade == 2)]
    con = [why for worth, why in speaking if (worth > 0) != (grade == 2)]
    name = "core" if grade == 2 else "related, not core"
    why = f"{name}: {'; '.join(pro[:SAID]) or 'too little speaks of talks'}"
    if con:
        why += f" (against it: {'; '.join(con[:SAID])})"
    return [Term(text="", where="text", points=0.0, why=why)]
