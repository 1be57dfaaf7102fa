"""Paragraphs where a page has none: text that stands loose in a <div>, between line breaks or in a layout table.

Everything after this measures and reads <p> elements; without them an article would seem to have no prose.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import cast

from lxml import etree
from lxml.html import HtmlElement

from archive.extraction.blocks import weight
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


_CELLS = etree.XPath("tr/td|tr/th|tbody/tr/td|tbody/tr/th")


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
    for (parent, tag), number in kin.items():
        if number >= KIN and parent is not None:
            _name_lines(parent, tag)
    return opened or bool(chosen)


def _name_lines(parent: HtmlElement, tag: str) -> None:
    """Make <p>s of the short siblings of paragraphs that are no <p>s: headings that are only styled as such."""
    for child in list(parent.iterchildren(tag)):
        if not any(_is_block(part) for part in child) and "".join(child.itertext()).strip():
            child.tag = "p"


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
        breaks = [child for child in self.element if _is_break(child)]
        for run in self.runs:
            _wrap(self.element, run)
        for child in breaks:
            if not (child.tail or "").strip():
                self.element.remove(child)


def _open_tables(body: HtmlElement) -> bool:
    """Make <div>s of the tables that only lay out the page; return whether there were any."""
    opened = False
    for table in list(body.iter("table"))[:MAX_TABLES]:
        cells = cast("list[HtmlElement]", _CELLS(table))
        if any(_lays_out(cell) for cell in cells):
            rows = {cell.getparent() for cell in cells}
            for element in (table, *cells, *rows, *{row.getparent() for row in rows if row is not None}):
                if element is not None:
                    element.tag = "div"
            opened = True
    return opened


def _lays_out(cell: HtmlElement) -> bool:
    breaks = sum(1 for _ in cell.iter("br"))
    paragraphs = sum(1 for _ in cell.iter("p"))
    return (breaks >= 2 or paragraphs >= 3) and len("".join(cell.itertext())) > CELL


@dataclass(frozen=True, slots=True)
class Run:
    """Text that stands loose: the tail of what stands before it (of None: the container's text), and children."""

    before: HtmlElement | None
    children: list[HtmlElement]


def _runs(container: HtmlElement) -> Iterator[Run]:
    """Yield the runs of text and inline children between block children and doubled line breaks."""
    before: HtmlElement | None = None
    children: list[HtmlElement] = []
    for child in container:
        if _is_block(child) or _is_break(child):
            yield Run(before, children)
            before, children = child, []
        else:
            children.append(child)
    yield Run(before, children)


def _is_block(element: HtmlElement) -> bool:
    return element.tag in BLOCK_TAGS or (
        len(element) > 0 and next(element.iter(*BLOCK_TAGS), None) is not None
    )


def _is_break(child: HtmlElement) -> bool:
    """Whether a <br> stands beside another with nothing between."""
    if child.tag != "br":
        return False
    before, after = child.getprevious(), child.getnext()
    if before is not None and before.tag == "br" and not (before.tail or "").strip():
        return True
    return after is not None and after.tag == "br" and not (child.tail or "").strip()


def _leading(container: HtmlElement, run: Run) -> str:
    return (container.text if run.before is None else run.before.tail) or ""


def _length(container: HtmlElement, run: Run) -> int:
    length = weight(_leading(container, run).strip())
    for child in run.children:
        length += weight("".join(child.itertext())) + weight((child.tail or "").strip())
    return length


def _wrap(container: HtmlElement, run: Run) -> None:
    text = _leading(container, run)
    if not text.strip() and not any(
        "".join(child.itertext()).strip() or (child.tail or "").strip() for child in run.children
    ):
        return
    paragraph = container.makeelement("p")
    paragraph.text = text
    if run.before is None:
        container.text = None
        container.insert(0, paragraph)
    else:
        run.before.tail = None
        run.before.addnext(paragraph)
    paragraph.extend(run.children)
