"""The article's text off a parsed page: trafilatura on a tidied tree, gates where it under-delivers, then the rules."""

from collections.abc import Iterable
from copy import deepcopy
from dataclasses import dataclass

from justext import get_stoplist
from lxml import etree
from lxml.html import HtmlElement, document_fromstring
from trafilatura import bare_extraction, external
from trafilatura.settings import Extractor

from archive.extraction.blocks import Block, Kind, flatten, link_shares, mark_links, unmarked, weight
from archive.extraction.cards import drop_sign_ups, drop_teasers, is_linked
from archive.extraction.cleaning import Cut, clean
from archive.extraction.encoding import normalise
from archive.extraction.paragraphs import make_paragraphs
from archive.extraction.parsing import blank_page
from archive.extraction.scope import (
    drop_above,
    drop_cards,
    narrow,
    prose_by_element,
    remove_furniture,
    remove_hidden,
)
from archive.extraction.standfirst import find_standfirst
from archive.extraction.state import body_in_state

MIN_TEXT = 200  # characters; less than this is no article yet, and the rescues are tried

LOST = 0.15  # of the prose; where trafilatura delivers less, the tags are read as they stand
_BREAK = "\ue003"
SHORT_PROSE = 400  # characters of long paragraphs below which the tags are believed as they stand
_KINDS: dict[str, Kind] = {"p": "p", "li": "item", "blockquote": "quote"}

_DEAD = (
    "script",
    "style",
    "svg",
    "iframe",
    "link",
    "meta",
    "template",
    "object",
    "embed",
    "canvas",
    "map",
    "dialog",
)
# The stop words of a hundred languages would take 25 MB of every worker; the archive reads two.
external.JT_STOPLIST = (*get_stoplist("Spanish"), *get_stoplist("English"))  # type: ignore[assignment]
# Format "txt" keeps bare_extraction from serialising a text that is not used.
_RECALL = Extractor(output_format="txt", recall=True, fast=True, comments=False)
_BALANCED = Extractor(output_format="txt", fast=True, comments=False)
_LAST = Extractor(output_format="txt", comments=False)  # with readability and justext to compare


@dataclass(frozen=True, slots=True)
class Text:
    """The blocks kept, all blocks, and those cut with the rule's name."""

    blocks: list[Block]
    raw: list[Block]
    cuts: list[Cut]
    cards: int  # teasers of other pages that were taken off this one
    links: int  # linked headings in the region the text is from
    link_share: float  # of that region's characters that are link text

    @property
    def plain(self) -> str:
        """The paragraphs, one a line pair."""
        return "\n\n".join(block.text for block in self.blocks)


def strip_dead(root: HtmlElement) -> None:
    """Remove, in place, the elements that never hold text; call after the structured data was read."""
    etree.strip_elements(root, *_DEAD, with_tail=False)


def find_text(
    root: HtmlElement,
    titles: list[str],
    authors: tuple[str, ...] = (),
    boilerplate: frozenset[str] = frozenset(),
    description: str = "",
    body_text: str = "",
    source: str = "",
    site: str = "",
) -> Text:
    """Return the article's blocks.

    ``body_text``, the JSON-LD articleBody, and ``source``, the whole markup with the
    state of its scripts, are the last resorts. ``site`` is the page's own host, to tell which links leave it.
    """
    prose = prose_by_element(root)
    body = root.find("body")
    if body is not None and make_paragraphs(body, prose.get(body, 0)):
        prose = prose_by_element(root)
    if remove_hidden(root, prose):
        prose = prose_by_element(root)
    cards = drop_cards(root, prose)
    teasers = body is not None and drop_teasers(body, site, prose.get(body, 0))
    if cards or teasers:
        prose = prose_by_element(root)
    title = titles[0] if titles else ""
    if drop_above(root, title, prose):
        prose = prose_by_element(root)
    region, headline, held = narrow(root, title, prose)
    links = sum(is_linked(heading) for heading in region.iter("h2", "h3", "h4"))
    link_share = _link_share(region)
    blocks = _region_blocks(region, held, site)
    if not blocks:
        blocks = _blocks(root, _LAST)
    if _length(blocks) < MIN_TEXT:
        blocks = _longer(blocks, _paragraphs(body_text))
    if _length(blocks) < MIN_TEXT and (state := body_in_state(source)):
        blocks = _longer(blocks, _fragment_blocks(state))
    kept, cuts = clean(blocks, titles, authors, boilerplate)
    standfirst = find_standfirst(headline, description, kept[0].text if kept else "")
    if standfirst and kept and not any(_says_again(block.text, standfirst) for block in kept[:4]):
        kept.insert(0, Block("p", standfirst))
    return Text(kept, blocks, cuts, cards, links, link_share)


def _says_again(text: str, standfirst: str) -> bool:
    """Whether a paragraph holds the standfirst's beginning, or the standfirst the paragraph's after a label."""
    return standfirst[:80] in text or (len(text) >= 80 and text[:80] in standfirst)


def _link_share(region: HtmlElement) -> float:
    linked = sum(len(text) for link in region.iter("a") for text in link.itertext())
    return linked / max(1, sum(map(len, region.itertext())))


def _region_blocks(region: HtmlElement, prose: int, site: str) -> list[Block]:
    """The blocks of the region without its furniture; with it, where taking it out took the prose along."""
    page = as_page(region)
    drop_teasers(page, site, prose)
    drop_sign_ups(page, prose)
    remove_furniture(page)
    make_paragraphs(page, prose)
    mark_links(page, site)
    if prose < SHORT_PROSE or _is_dense(page):
        tagged, other = _tagged_blocks(page), _blocks(page, _RECALL)
        return tagged if region.tag != "html" and _length(tagged) >= 0.4 * _length(other) else other
    blocks = _merged(page, _blocks(page, _RECALL))
    if _length(blocks) < LOST * prose:  # trafilatura prunes by names too, and keeps a seventh at least
        tagged = _tagged_blocks(page)
        if _length(tagged) > 1.2 * _length(blocks):
            blocks = tagged
    if _length(blocks) >= 0.5 * prose:
        return blocks
    whole = as_page(region)
    make_paragraphs(whole, prose)
    mark_links(whole, site)
    for options in (_RECALL, _BALANCED):
        other = _blocks(whole, options)
        if _length(other) > 1.3 * _length(blocks):
            blocks = other
    return blocks


def _is_dense(page: HtmlElement) -> bool:
    """Whether a page is in a script of which trafilatura, which counts characters, would lose short paragraphs."""
    text = page.text_content()
    return weight(text) > 1.3 * len(text)


def _tagged_blocks(page: HtmlElement) -> list[Block]:
    """The paragraphs, headings, items and quotations of a short text, as they are tagged.

    trafilatura wants some 250 characters to tell a text from what is around it, and gives the whole page else.
    """
    blocks: list[Block] = []
    for number, element in enumerate(page.iter("p", "h2", "h3", "h4", "li", "blockquote")):
        inside = next(element.iterancestors("p", "li", "blockquote"), None)
        if inside is not None or (
            element.tag != "p" and next(element.iter("p"), None) is not None and element.tag == "li"
        ):
            continue
        for marked in _between_breaks(element):
            text = " ".join(normalise(unmarked(marked), soft_hyphens=True).split())
            if any(c.isalnum() for c in text):
                blocks.append(Block(_KINDS.get(element.tag, "head"), text, *link_shares(marked), number))
    return blocks


def _between_breaks(element: HtmlElement) -> list[str]:
    """The text of an element, cut where its lines are broken."""
    breaks = list(element.iter("br"))
    for line in breaks:
        line.text = _BREAK
    lines = str(element.text_content()).split(_BREAK)
    for line in breaks:
        line.text = None
    return lines


def _paragraphs(text: str) -> list[Block]:
    return [Block("p", " ".join(line.split())) for line in text.split("\n") if line.strip()]


def fragment_text(html: str, titles: Iterable[str], boilerplate: frozenset[str] = frozenset()) -> list[Block]:
    """Return the blocks of a piece of HTML that is known to be an article's body, as feeds carry it."""
    return clean(_fragment_blocks(html), titles, (), boilerplate)[0]


def _fragment_blocks(html: str) -> list[Block]:
    root: HtmlElement = document_fromstring(f"<article><div>{html}</div></article>")
    strip_dead(root)
    remove_furniture(root)
    blocks = _blocks(root, _RECALL)
    if _length(blocks) < MIN_TEXT:
        blocks = _longer(blocks, _tagged_blocks(root) or _paragraphs(str(root.text_content())))
    return blocks


def as_page(region: HtmlElement) -> HtmlElement:
    """Return a page of its own that holds a copy of this region."""
    if region.tag == "html":
        return deepcopy(region)
    page = blank_page()
    copied = deepcopy(region)
    copied.tail = None
    if region.tag == "body":
        page[0][0].text = copied.text
        page[0][0].extend(copied)
    elif region.tag == "article":
        page[0].replace(page[0][0], copied)
    else:
        page[0][0].append(copied)
    return page


def _blocks(root: HtmlElement, options: Extractor) -> list[Block]:
    document = bare_extraction(root, options=options)
    body = getattr(document, "body", None)
    return flatten(body) if body is not None else []


def _length(blocks: list[Block]) -> int:
    return sum(weight(block.text) for block in blocks)


def _longer(one: list[Block], other: list[Block]) -> list[Block]:
    return other if _length(other) > _length(one) else one


def _merged(root: HtmlElement, blocks: list[Block]) -> list[Block]:
    """A body cut into sibling containers of one class by advertisements: extract them as one.

    Only where the text found is less than three quarters of theirs.
    """
    siblings = _containers(root)
    if not siblings:
        return blocks
    total = sum(_prose(element) for element in siblings)
    if _length(blocks) >= 0.75 * total:
        return blocks
    joined = blank_page()
    article = next(joined.iter("article"))
    for element in siblings:
        article.extend(deepcopy(child) for child in element)
    return _longer(blocks, _blocks(joined, _RECALL))


def _containers(root: HtmlElement) -> list[HtmlElement]:
    """The largest set of at least two elements of one tag and class that hold paragraphs of their own."""
    groups: dict[tuple[str, str], dict[HtmlElement, int]] = {}
    for paragraph in root.iter("p"):
        parent = paragraph.getparent()
        if parent is None or not parent.get("class"):
            continue
        length = weight(paragraph.text_content())
        if length >= 80:
            group = groups.setdefault((parent.tag, parent.get("class")), {})
            group[parent] = group.get(parent, 0) + length
    sets = [group for group in groups.values() if len(group) >= 2 and min(sorted(group.values())[-2:]) >= 400]
    largest: dict[HtmlElement, int] = max(sets, key=lambda group: sum(group.values()), default={})
    return list(largest)


def _prose(element: HtmlElement) -> int:
    return sum(weight(p.text_content()) for p in element.iterchildren("p"))
