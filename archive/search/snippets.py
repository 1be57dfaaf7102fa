"""The passage that shows why an article was found, with the words marked; for pages and for terminals."""

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from archive.folding import WORD, composed, fold, harmless, words
from archive.search.accents import BETWEEN, term_source
from archive.search.tree import Forms, Node, Term, wanted_terms

SNIPPET_CHARACTERS = 260
LEAD_CHARACTERS = 60  # shown before the first mark
MAX_MATCHES = 400  # looked at in one text
_ANSI_MARK, _ANSI_END = "\x1b[1;31m", "\x1b[0m"


@dataclass(frozen=True, slots=True)
class Segments:
    """A passage as (text, marked) parts."""

    parts: tuple[tuple[str, bool], ...] = ()

    @property
    def html(self) -> str:
        """Everything escaped, the marked parts in ``<mark>``."""
        return "".join(
            f"<mark>{html.escape(text)}</mark>" if marked else html.escape(text)
            for text, marked in self.parts
        )

    @property
    def plain(self) -> str:
        """The text alone, without control characters."""
        return "".join(text for text, _ in self.parts)

    @property
    def ansi(self) -> str:
        """For a colour terminal: the marked parts in bold red."""
        return "".join(f"{_ANSI_MARK}{text}{_ANSI_END}" if marked else text for text, marked in self.parts)


class Highlighter:
    """Marks the terms of a search in texts, as they were matched: accents and case aside, where they do not count."""

    def __init__(self, tree: Node | None, forms: Forms, accents: str = "ignore") -> None:
        terms = list(dict.fromkeys(wanted_terms(tree)))
        self.folds = accents == "ignore"
        self.patterns = {
            column: _pattern([term for term in terms if term.column in ("", column)], forms, accents)
            for column in ("title", "description", "text")
        }

    def spans(self, folded: str, column: str) -> list[tuple[int, int]]:
        """Return where the terms stand in a text, as `as_read` gives it, as (start, end), without overlaps."""
        pattern = self.patterns[column]
        if pattern is None:
            return []
        return list(islice(_whole_words(pattern, folded), MAX_MATCHES))

    def as_read(self, text: str) -> str:
        """Return a text in NFC as terms are looked for in it; of the same length, place for place."""
        return fold(text) if self.folds else text

    def whole(self, text: str, column: str) -> Segments:
        """Return the whole text with its marks."""
        text = composed(text)
        return _segments(text, self.spans(self.as_read(text), column), 0, len(text))

    def snippet(self, *texts: tuple[str, str]) -> Segments:
        """Return the best passage of the first of the (column, text) pairs that holds a term, else a beginning."""
        for column, text in texts:
            text = composed(text)
            folded = self.as_read(text)
            if spans := self.spans(folded, column):
                start, end = _window(text, _best(spans, folded.lower()))
                return _segments(text, spans, start, end)
        text = next((composed(text) for _, text in texts if text.strip()), "")
        return _segments(text, [], *_window(text, 0))


def _pattern(terms: list[Term], forms: Forms, accents: str) -> re.Pattern[str] | None:
    if accents != "ignore":
        sources = [source for term in terms if (source := term_source(term, forms, accents))]
        return re.compile("|".join(sources), re.IGNORECASE) if sources else None
    alternatives: dict[str, None] = {}
    for term in terms:
        for form in forms(term.text) if term.kind == "word" else (term.text,):
            if parts := words(form):
                end = r"[^\W_]*" if term.kind == "prefix" else ""
                alternatives[BETWEEN.join(map(re.escape, parts)) + end] = None
    if not alternatives:
        return None
    longest_first = sorted(alternatives, key=len, reverse=True)
    return re.compile(rf"(?:{'|'.join(longest_first)})(?![^\W_])")


def _whole_words(pattern: re.Pattern[str], folded: str) -> Iterator[tuple[int, int]]:
    """Yield where a pattern matches from the beginning of a word on.

    Were that a part of the pattern, each letter of the text would be looked at for it.
    """
    place = 0
    while found := pattern.search(folded, place):
        start, place = found.span()
        if start and WORD.match(folded, start - 1):
            place = start + 1
        else:
            yield start, place


def _best(spans: list[tuple[int, int]], folded: str) -> int:
    """Return the start of the span whose surroundings show the most different terms."""
    best, most = spans[0][0], 0
    for place, (start, _) in enumerate(spans):
        shown = {
            folded[a:b]
            for a, b in spans[place : place + 12]
            if b <= start + SNIPPET_CHARACTERS - LEAD_CHARACTERS
        }
        if len(shown) > most:
            best, most = start, len(shown)
    return best


def _window(text: str, mark: int) -> tuple[int, int]:
    """Return the ends of a passage around a mark, at the ends of words."""
    start = max(0, mark - LEAD_CHARACTERS)
    if start:
        space = text.find(" ", start, mark)
        start = space + 1 if space >= 0 else start
    end = min(len(text), start + SNIPPET_CHARACTERS)
    if end < len(text):
        space = text.rfind(" ", start + SNIPPET_CHARACTERS // 2, end)
        end = space if space > 0 else end
    return start, end


def _segments(text: str, spans: list[tuple[int, int]], start: int, end: int) -> Segments:
    parts: list[tuple[str, bool]] = [("… ", False)] if start else []
    place = start
    for a, b in spans:
        if a >= start and b <= end:
            parts += [(text[place:a], False), (text[a:b], True)]
            place = b
    parts += [(text[place:end], False), (" …" if end < len(text) else "", False)]
    clean = ((_one_line(harmless(part)), marked) for part, marked in parts)
    return Segments(tuple((part, marked) for part, marked in clean if part))


def _one_line(text: str) -> str:
    return re.sub(r"\s+", " ", text)
