"""Where on the page the article lies: the region of its prose and headline, less the furniture inside.

Extraction is given this region alone. What other parts of the page hold (further articles below, columns of
teasers, footers) can then neither be mistaken for the article nor cost time.
"""

import re
from collections import Counter
from collections.abc import Iterator
from functools import lru_cache
from typing import cast

from lxml import etree
from lxml.html import HtmlElement

from archive.extraction.blocks import weight
from archive.extraction.cards import is_linked
from archive.extraction.moments import fold
from archive.extraction.patterns import PATTERNS

Prose = dict[HtmlElement, int]  # characters of prose below each element

MIN_PROSE = 600  # characters of paragraphs below which a page is left whole
MOST_FURNITURE = 0.3  # of the page's prose; what holds more is the article, whatever it is called
MOST_CAPTIONS = 0.6
MOST_COMMENTS = 0.95  # readers may write far more than the author, and so may other articles be far longer
_COMMENTS = re.compile(
    r"comment(?!ar)|comentario|disqus|(?:^|-)(?:related|relacionad[oa]s?|recirc|recommend(?:ed|ation)s?)(?:-|$)"
)
_CAPTIONS = re.compile(r"captions?(?![a-z])|pie-?de-?foto")
_PARAGRAPH = 60  # characters from which on a paragraph counts as prose

_HEADINGS = frozenset({"h2", "h3", "h4", "h5", "h6", "dt"})
_OUTSIDE = frozenset({"nav", "footer", "aside", "menu", "select", "button"})
_FURNITURE_TAGS = (
    "nav",
    "form",
    "button",
    "select",
    "input",
    "textarea",
    "figcaption",
    "menu",
    "audio",
    "video",
    "noscript",
)
_FURNITURE_ROLES = re.compile(
    r"^(?:navigation|search|dialog|alertdialog|complementary|contentinfo|menu|menubar|toolbar|tooltip|button|tablist|alert)$"
)
# Class and id words of what is not the article. Read word by word: "share-bar", "shareBar" and "share_bar" alike.
_FURNITURE = PATTERNS["furniture"]
_INLINE = frozenset({"a", "span", "b", "i", "em", "strong", "u", "mark", "abbr", "font", "small"})
_SENTENCES = frozenset({"p", "li", "blockquote", "h2", "h3", "td", "span", "em", "strong"})
_UNREAD = re.compile(r"sr-?only|screen-?reader|visually-?hidden|a11y", re.I)
_NAMES = frozenset({"class", "id", "data-component", "data-testid"})
_CAMEL = re.compile(r"([a-z0-9])([A-Z])")
# Names of the article's own body.
_BODY = re.compile(
    r"(?:article|story|entry|post|main|nota|page|rich)-*(?:body|content|text|copy)$|^articlebody$|^content$|^cuerpo"
)
_STATE = re.compile(r"(?<![a-z])(?:has|is|with|no|without|show|hide|not|js)-")


def narrow(root: HtmlElement, title: str, prose: Prose) -> tuple[HtmlElement, HtmlElement | None, int]:
    """Return the element that holds the article's prose and, where near, its headline; the headline; the prose.

    The element is the root where nothing tells where the article lies.
    """
    body = root.find("body")
    headline = _headline(root, title)
    if body is None or prose.get(body, 0) < MIN_PROSE:
        region = _short_region(root, headline)
        return region, headline, prose.get(region, 0)
    region = _descend(body, prose, headline)
    if headline is not None and region is not body:
        headline = _nearest(region, list(_headlines(root, title))[:5] or [headline])
        region = _with_headline(region, headline, prose)
    return region, headline, prose.get(region, 0)


def drop_cards(root: HtmlElement, prose: Prose) -> int:
    """Remove, in place, the <article>s that are teasers of other pages, and return their number.

    A teaser's heading is a link, and it holds little of the page's prose.
    """
    count = 0
    for card in [element for element in root.iter("article") if _is_card(element)]:
        held = prose.get(card, 0)
        if card.getparent() is not None and held < MIN_PROSE and held <= 0.4 * prose.get(root, 0):
            card.drop_tree()
            count += 1
    return count


def drop_above(root: HtmlElement, title: str, prose: Prose) -> bool:
    """Remove, in place, the prose that stands before the headline: a site's notices, not the article's text.

    Returns whether there was any. Where it is most of the page's, the headline is not where it seems.
    """
    headline = _headline(root, title)
    if headline is None or headline.tag != "h1":
        return False
    above: list[HtmlElement] = []
    for element in root.iter("p", "h1"):
        if element is headline:
            break
        if len("".join(element.itertext())) >= _PARAGRAPH:
            above.append(element)
    if not above or sum(len(e.text_content()) for e in above) > 0.3 * prose.get(root, 0):
        return False
    own = headline.getparent()
    if own is not None and own.tag != "body" and any(own in element.iterancestors() for element in above):
        return False  # a heading between paragraphs
    for element in above:
        element.drop_tree()
    return True


def _is_card(element: HtmlElement) -> bool:
    if next(element.iter("h1"), None) is not None:
        return False
    return any(is_linked(heading) for heading in element.iter("h2", "h3", "h4"))


def _short_region(root: HtmlElement, headline: HtmlElement | None) -> HtmlElement:
    """Where there is little prose to go by, the tags: the article of the headline, the only article, or main."""
    own = next(headline.iterancestors("article"), None) if headline is not None else None
    if own is not None:
        return own
    articles, mains = list(root.iter("article")), list(root.iter("main"))
    if len(articles) == 1:
        return articles[0]
    return mains[0] if len(mains) == 1 else root


def prose_by_element(root: HtmlElement) -> Prose:
    """Characters of prose below each element: of paragraphs that are long and hardly links.

    Those in footers and the like do not count, unless the page has no others: tags are misused, or not closed.
    """
    prose = _prose_outside(root, _OUTSIDE) or _prose_outside(root, frozenset())
    _discount_furniture(root, prose)
    return prose


def _discount_furniture(root: HtmlElement, prose: Prose) -> None:
    """Take out, in place, what stands in elements that are called furniture, unless that is much of the page."""
    few = {e for e, held in prose.items() if _is_marked(e) and held <= _most(e) * prose[root]}
    for element in [element for element in few if few.isdisjoint(element.iterancestors())]:
        for ancestor in element.iterancestors():
            prose[ancestor] -= prose[element]


def _prose_outside(root: HtmlElement, tags: frozenset[str]) -> Prose:
    prose: Prose = {}
    for paragraph in root.iter("p"):
        length = weight("".join(paragraph.itertext()))
        if length < _PARAGRAPH or sum(weight(a.text_content()) for a in paragraph.iter("a")) > length / 2:
            continue
        ancestors = list(paragraph.iterancestors())
        if any(a.tag in tags for a in ancestors):
            continue
        for ancestor in ancestors:
            prose[ancestor] = prose.get(ancestor, 0) + length
    return prose


def _headline(root: HtmlElement, title: str) -> HtmlElement | None:
    """The first heading that says what the title says; else the first <h1>."""
    first = next((h for h in root.iter("h1") if re.search(r"\w", h.text_content())), None)
    return next(_headlines(root, title), first)


def _headlines(root: HtmlElement, title: str) -> Iterator[HtmlElement]:
    """The headings that say what the title says; a bar that scrolls along may have one too."""
    wanted = set(re.findall(r"\w+", fold(title)))
    for element in root.iter("h1", "h2"):
        words = set(re.findall(r"\w+", fold(element.text_content())))
        if words and len(words & wanted) >= 0.6 * len(words | wanted):
            yield element


def _nearest(region: HtmlElement, headlines: list[HtmlElement]) -> HtmlElement:
    """The heading for which one must go the least way up from the region."""
    around = [region, *region.iterancestors()]

    def way(headline: HtmlElement) -> int:
        above = set(headline.iterancestors())
        return next((n for n, ancestor in enumerate(around) if ancestor in above), len(around))

    return min(headlines, key=way)


def _descend(region: HtmlElement, prose: Prose, headline: HtmlElement | None) -> HtmlElement:
    total = prose[region]
    while True:
        parts = [child for child in region if prose.get(child) and not _is_aside(child, prose[child], total)]
        best = max(parts, key=lambda child: prose[child], default=None)
        if best is None:
            return region
        if prose[best] < 0.9 * total:
            own = _own_article(region, prose, headline)
            if own is None:
                own = _main_part(region, prose)
            if own is None:
                return region
            best, total = own, prose[own]
        region = best


def _is_aside(element: HtmlElement, held: int, rest: int) -> bool:
    """Whether an element is called furniture and holds no more beside the rest of the prose than such may hold."""
    return _is_marked(element) and held <= _most(element) * (held + rest)


def _own_article(region: HtmlElement, prose: Prose, headline: HtmlElement | None) -> HtmlElement | None:
    """Of several <article> elements with prose, the one under the page's headline."""
    if headline is None:
        return None
    for ancestor in headline.iterancestors("article"):
        if ancestor is region:
            return None
        if prose.get(ancestor, 0) >= MIN_PROSE and region in ancestor.iterancestors():
            return ancestor
    return None


def _main_part(region: HtmlElement, prose: Prose) -> HtmlElement | None:
    """The <article> or <main> with most of the prose, where the rest is in footers that are not tagged as such."""
    for element in region.iter("article", "main"):
        if element is not region and prose.get(element, 0) >= 0.7 * prose[region]:
            return element
    return None


def _with_headline(region: HtmlElement, headline: HtmlElement, prose: Prose) -> HtmlElement:
    """The lowest ancestor of both, unless reaching for the headline would take in much other prose."""
    above = set(headline.iterancestors())
    for ancestor in [region, *region.iterancestors()]:
        if ancestor in above:
            if prose.get(ancestor, 0) > 1.15 * prose[region]:
                return region
            _drop_after(region, ancestor)
            return ancestor
    return region


def _drop_after(region: HtmlElement, ancestor: HtmlElement) -> None:
    """Remove, in place, what an ancestor of the region holds after it."""
    element = region
    while element is not ancestor:
        for sibling in list(element.itersiblings()):
            sibling.drop_tree()
        parent = element.getparent()
        assert parent is not None
        element = parent


@lru_cache(maxsize=50_000)
def _is_furniture(name: str) -> bool:
    """Whether a class or id names furniture. Cached: an outlet's pages share one vocabulary."""
    name = _CAMEL.sub(r"\1-\2", name).lower().replace("_", "-")
    words = name.split()
    if any(_BODY.search(word) for word in words):
        return False
    return any(_FURNITURE.search(word) and not _STATE.match(word) for word in words)


def _most(element: HtmlElement) -> float:
    """The share of the prose up to which an element that is called furniture is believed to be that."""
    names = f"{element.get('class') or ''} {element.get('id') or ''}".lower().replace("_", "-").split()
    if any(_COMMENTS.search(name) for name in names):
        return MOST_COMMENTS
    return MOST_CAPTIONS if any(_CAPTIONS.search(name) for name in names) else MOST_FURNITURE


def remove_furniture(region: HtmlElement) -> None:
    """Remove, in place, what stands inside the region but is not the article: by tag, role and class."""
    for button in list(region.iter("button")):  # that opens what stands under the heading it is
        parent = button.getparent()
        if parent is not None and parent.tag in _HEADINGS:
            button.drop_tag()
    prose = prose_by_element(region)
    total = prose.get(region, 0) or 1
    marked = [element for element in region.iter("*") if element is not region and _is_doubtful(element)]
    named: Counter[str | None] = (
        Counter()
    )  # prose by class: one that stands around every paragraph names no furniture
    for element in marked:
        named[element.get("class")] += prose.get(element, 0)
    for element in marked:
        share, most = prose.get(element, 0) / total, _most(element)
        if most == MOST_FURNITURE and element.get("class"):
            share = named[element.get("class")] / total
        believed = share <= most or (share < 0.6 and _points_elsewhere(element))
        if believed and element.getparent() is not None and next(element.iter("h1"), None) is None:
            element.drop_tree()


def _is_doubtful(element: HtmlElement) -> bool:
    return element.tag in _FURNITURE_TAGS or (_is_marked(element) and not _is_wording(element))


def _is_wording(element: HtmlElement) -> bool:
    """Whether an element is part of a sentence, whatever its class: a link with a pop-up, a marked word."""
    parent = element.getparent()
    if element.tag not in _INLINE or parent is None or parent.tag not in _SENTENCES:
        return False
    return bool((element.tail or "").strip()) and not _UNREAD.search(element.get("class") or "")


def _points_elsewhere(element: HtmlElement) -> bool:
    return sum(is_linked(heading) for heading in element.iter("h2", "h3", "h4")) >= 2


def _is_marked(element: HtmlElement) -> bool:
    for name, value in element.items():
        if name in _NAMES and _is_furniture(value):
            return True
        if name == "role" and _FURNITURE_ROLES.match(value):
            return True
    return False


def remove_hidden(root: HtmlElement, prose: Prose) -> bool:
    """Remove, in place, what the page itself keeps from being seen, unless most of its prose is there.

    Returns whether any prose went.
    """
    went = False
    unseen = [element for element in cast("list[HtmlElement]", _HIDDEN(root)) if _is_hidden(element)]
    for element in unseen:
        if element.getparent() is not None and prose.get(element, 0) <= 0.6 * prose.get(root, 0):
            element.drop_tree()
            went = went or element in prose
    return went


def _is_hidden(element: HtmlElement) -> bool:
    if "hidden" in element.attrib or element.get("aria-hidden") == "true":
        return True
    return bool(_UNSEEN.search((element.get("style") or "").replace(" ", "").lower()))


_HIDDEN = etree.XPath("//*[@hidden or @aria-hidden='true' or @style]")
_UNSEEN = re.compile(r"(?:^|;)(?:display:none|visibility:hidden)")
