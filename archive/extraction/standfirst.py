"""The standfirst: the sentence or two between headline and text that extractors drop with the page's header."""

import re

from lxml.html import HtmlElement

from archive.extraction.encoding import normalise
from archive.extraction.moments import fold

_NAMED = re.compile(
    r"(?<![a-z])(?:stand-?first|deck?|sub-?(?:title|head(?:line|ing)?|heading)|summary|excerpt|article-?(?:lead|intro|teaser|summary|description)|"
    r"lead(?:-?(?:text|paragraph|in))?(?!-(?:art|feature|image|media|photo|video|figure))|lede|intro(?:-?text)?|teaser-?text|abstract|entradilla|sumario|bajada|balazo|descripcion|description|resumen|copete|"
    r"chapo|chapeau|vorspann|sommario|occhiello|ingress|perex)(?![a-z])"
)
_CAMEL = re.compile(r"([a-z0-9])([A-Z])")
_CAPTION = re.compile(r"caption|credit|photo|gallery|pie-?(?:de-?)?foto|epigrafe", re.I)
_TAGS = frozenset({"p", "h2", "h3", "h4", "div", "span", "strong", "em", "li", "section"})
_REACH = 120  # elements after the headline
SHORTEST, LONGEST = 30, 700  # characters


def find_standfirst(headline: HtmlElement | None, description: str, first_paragraph: str) -> str:
    """Return the standfirst shown under the headline: by its class name or because the description repeats it.

    ``first_paragraph`` is the text's first block, at which the search ends. '' where there is none.
    """
    if headline is None:
        return ""
    wanted, end = _key(description), _key(first_paragraph)[:60]
    for element in _following(headline):
        if element.tag not in _TAGS:
            continue
        if _is_longer(element):
            continue
        text = " ".join("".join(element.itertext()).split())
        if not SHORTEST <= len(text) <= LONGEST:
            continue
        text = normalise(text)
        key = _key(text)
        if end and key.startswith(end):
            return ""
        if (_same(key, wanted) or _is_standfirst(element, text)) and not _is_caption(element):
            return text
    return ""


def _is_longer(element: HtmlElement) -> bool:
    """Whether an element has more text than any standfirst; a container of the article is not read to its end."""
    length = 0
    for piece in element.itertext():
        length += len(piece.strip())
        if length > LONGEST:
            return True
    return False


def _is_standfirst(element: HtmlElement, text: str) -> bool:
    return _is_named(element) and next(element.iter("a"), None) is None and len(text.split()) >= 5


def _following(headline: HtmlElement) -> list[HtmlElement]:
    """The elements after the headline in document order."""
    found: list[HtmlElement] = []
    node: HtmlElement | None = headline
    while node is not None and len(found) < _REACH:
        for sibling in node.itersiblings():
            found.extend(sibling.iter("*"))
            if len(found) >= _REACH:
                break
        node = node.getparent()
    return found[:_REACH]


def _key(text: str) -> str:
    return re.sub(r"[\W_]+", " ", fold(text)).strip()


def _same(key: str, wanted: str) -> bool:
    """The description, whole or cut short, says the same."""
    if len(wanted) < SHORTEST:
        return False
    return (
        key == wanted
        or (len(wanted) >= 60 and key.startswith(wanted[:-4]))
        or (len(key) >= 60 and wanted.startswith(key))
    )


def _is_caption(element: HtmlElement) -> bool:
    """Whether an element lies in a picture with its caption, or holds one."""
    near = [element, *list(element.iterancestors())[:3], *element.iterdescendants()]
    return any(e.tag in ("figure", "figcaption") or _CAPTION.search(e.get("class") or "") for e in near)


def _is_named(element: HtmlElement) -> bool:
    names = " ".join(
        filter(
            None,
            (element.get("class"), element.get("itemprop"), element.get("data-testid"), element.get("id")),
        )
    )
    return bool(names) and bool(_NAMED.search(_CAMEL.sub(r"\1-\2", names).lower().replace("_", "-")))
