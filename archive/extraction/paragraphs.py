"""Paragraphs where a page has none: text that stands loose in a <div>, between line breaks or in a layout table.

Everything after this measures and reads <p> elements; without them an article would seem to have no prose.
"""

from collections import Counter
from collections.abc import Iterator
from typing import cast

from lxml import etree
from lxml.html import HtmlElement

from archive.extraction.patterns import WORDS

MAX_TABLES = 60  # that are looked at for being layout; nesting makes each look at all below it
LONG = 60  # characters of loose text from which on it is prose
ALONE = 300  # characters from which on a single run is more than a summary
MUCH = 0.2  # of the text
KIN = 3  # siblings of one class with a long run each, from which on they are paragraphs
CELL = 200  # characters of a cell that is cut by line breaks, or holds paragraphs, and so is layout

BLOCK_TAGS = frozenset(WORDS["block-tags"])
# One path for each tag: that is twice as fast as one path with a condition on the name.
_LOOSE = etree.XPath(
    "|".join(
        f"descendant-or-self::{tag}[text()[string-length(normalize-space(.)) > 2]]"
        for tag in ("div", "section", "article", "main", "center", "body")
    )
)


def make_paragraphs(root: HtmlElement, prose: int) -> bool:
    """Put, in place, runs of loose text into <p>s of their own.

    That is done in a container that holds several long ones or a very long one, and in those that stand beside
    others of their kind, as where each paragraph is a <div>. One long run in a <div> of its own is as often a caption
    or the summary of another article; it becomes a <p> only where such runs are much of the text. ``prose`` is
    what is in paragraphs already, in characters. Returns whether there was any such text.
    """
    opened = _open_tables(root)
    containers = [_Container(element) for element in cast("list[HtmlElement]", _LOOSE(root))]
    kin = Counter(container.kind for container in containers if container.long)
    sure = [c for c in containers if c.is_text() or kin[c.kind] >= KIN]
    taken = {c.element for c in sure}
    rest = [c for c in containers if c.long and c.element not in taken]
    there = prose + sum(sum(c.lengths) for c in sure)
    loose = sum(sum(c.lengths) for c in rest)
    chosen = sure if loose < MUCH * (there + loose) else [*sure, *rest]
    for container in chosen:
        container.wrap()
    return opened or bool(chosen)


class _Container:
    """An element with loose text, and the runs of it."""

    def __init__(self, element: HtmlElement) -> None:
        self.element = element
        self.runs = list(_runs(element))
        self.lengths = [_length(element, run) for run in self.runs]
        self.longest = max(self.lengths)
        self.long = sum(length >= LONG for length in self.lengths)
        self.kind = (element.getparent(), element.tag)

    def is_text(self) -> bool:
        """Whether it holds several long runs, a very long one, or one between paragraphs."""
        if self.long >= 2 or self.longest >= ALONE:
            return True
        return self.long > 0 and sum(child.tag == "p" for child in self.element) >= 2

    def wrap(self) -> None:
        for run in reversed(self.runs):
            _wrap(self.element, run)


def _open_tables(body: HtmlElement) -> bool:
    """Make <div>s of the tables that only lay out the page; return whether there were any."""
    opened = False
    for table in list(body.iter("table"))[:MAX_TABLES]:
        if any(_lays_out(cell) for cell in table.iter("td")):
            for element in table.iter("table", "tbody", "tr", "td", "th"):
                element.tag = "div"
            opened = True
    return opened


def _lays_out(cell: HtmlElement) -> bool:
    breaks = sum(1 for _ in cell.iter("br"))
    paragraphs = sum(1 for _ in cell.iter("p"))
    return (breaks >= 2 or paragraphs >= 3) and len("".join(cell.itertext())) > CELL


# A run of loose text: the indexes of a container's children from (with the tail of the one before) up to, exclusive.
Run = tuple[int, int]


def _runs(container: HtmlElement) -> Iterator[Run]:
    """Yield the runs of text and inline children between block children and doubled line breaks."""
    start, count = 0, len(container)
    for place, child in enumerate(container):
        if _is_block(child) or _is_break(container, place):
            yield start, place
            start = place + 1
    yield start, count


def _is_block(element: HtmlElement) -> bool:
    return element.tag in BLOCK_TAGS or (
        len(element) > 0 and next(element.iter(*BLOCK_TAGS), None) is not None
    )


def _is_break(container: HtmlElement, place: int) -> bool:
    """Whether a <br> stands beside another with nothing between."""
    child = container[place]
    if child.tag != "br":
        return False
    before = container[place - 1] if place else None
    if before is not None and before.tag == "br" and not (before.tail or "").strip():
        return True
    after = child.getnext()
    return after is not None and after.tag == "br" and not (child.tail or "").strip()


def _leading(container: HtmlElement, start: int) -> str:
    return (container.text if start == 0 else container[start - 1].tail) or ""


def _length(container: HtmlElement, run: Run) -> int:
    start, end = run
    length = len(_leading(container, start).strip())
    for child in container[start:end]:
        length += len("".join(child.itertext())) + len((child.tail or "").strip())
    return length


def _wrap(container: HtmlElement, run: Run) -> None:
    start, end = run
    text, children = _leading(container, start), container[start:end]
    if not text.strip() and not any(
        "".join(child.itertext()).strip() or (child.tail or "").strip() for child in children
    ):
        return
    paragraph = container.makeelement("p")
    paragraph.text = text
    if start == 0:
        container.text = None
    else:
        container[start - 1].tail = None
    container.insert(start, paragraph)
    paragraph.extend(children)
