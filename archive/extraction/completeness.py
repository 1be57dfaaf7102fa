"""Whether what was fetched is the article: full, a teaser, a wall, a soft 404, an index page, or nothing."""

import re
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import unquote, urljoin, urlsplit

from lxml.html import HtmlElement

from archive.extraction.blocks import Block
from archive.extraction.moments import fold
from archive.extraction.patterns import PATTERNS
from archive.extraction.structured import LISTING_TYPES, Structured, text_of
from archive.extraction.text import Text
from archive.models import Completeness

_BOT = PATTERNS["bot"]
_TROUBLE = tuple(
    (name.replace("-", " "), PATTERNS[name]) for name in ("server-error", "maintenance", "no-site")
)
_BARRIERS = tuple((name.replace("-", " "), PATTERNS[name]) for name in ("region", "age", "ad-blocker"))
_CONSENT = PATTERNS["consent"]
_PRIVACY = re.compile(
    r"cookie|privac|consent|personal data|datos personales|advertis|publicidad|anuncios|vendors|socios"
)
_LOGIN = PATTERNS["login"]
_LOGIN_ADDRESS = PATTERNS["login-address"]
_LOGIN_WORDS = PATTERNS["login-words"]
# What the services that tell people from programs write into the page that stands before the one asked for.
_CHALLENGE = re.compile(
    r"_Incapsula_Resource|captcha-delivery\.com|px-captcha|challenges\.cloudflare\.com|aws-?waf-?token", re.I
)
_SCRIPTED = PATTERNS["scripted"]
_GONE = PATTERNS["gone"]
_PAYWALL = PATTERNS["paywall"]
_OFFER = PATTERNS["offer"]
_MORE = PATTERNS["more-to-read"]
_READ_FULL = PATTERNS["read-full"]
_READING_ON = PATTERNS["reading-on"]
_SPEECH = PATTERNS["speech"]
_SEARCHED = PATTERNS["searched"]
_BARE_WALL = PATTERNS["bare-wall"]
_BARE_GONE = PATTERNS["bare-gone"]
_ON = PATTERNS["read-on"].pattern
_SENTENCES = re.compile(r"[.!?…]\s+")
# Where a form to sign in stands beside every page of a site.
_BESIDE = frozenset({"header", "nav", "aside", "footer", "dialog", "menu"})
_BESIDE_NAME = re.compile(
    r"(?<![a-z])(?:modal|pop-?up|header|footer|nav(?:bar|igation)?|menu|side-?bar|drawer|off-?canvas|drop-?down|overlay|"
    r"top-?bar|comments?|lightbox|hidden)(?![a-z])",
    re.I,
)
_DOTS = r"(?:…|\.\.\.|\[…\]|\[\.\.\.\])"
_CUT_END = re.compile(rf"{_DOTS}\s*[\[(]?\s*(?:{_ON})?\s*[\])»>→]*\s*$|(?:{_ON})\s*(?:…|\.\.\.|[»>→])*\s*$")
_READ_ON = re.compile(rf"{_DOTS}\s*[\[(]?\s*(?:{_ON})")
_BRACKETED = re.compile(
    r"[\[(](?:(?:more|continua|sigue|leer mas|read more)\s*(?:…|\.\.\.)?|…|\.\.\.)[\])]\s*$"
)
_TYPES_OF_LISTING = frozenset(LISTING_TYPES)

MANY = 5  # linked headlines that make a listing
FOUND = 3  # items or headings that make a page of results
HEADLINE = 6  # words
OWN = 8  # words that a page has at least for its text to be more than a label
FEW = 30  # words
SLUG = 4  # words of three letters and more
SMALL = 1_000  # characters that a page shows
SENTENCE = 20  # words
TOLD = 15  # words
LINKS = 0.5  # of a block's characters; one that is more of links is no text of the page's own
LINKED = 0.6  # of a text's characters; one that is more of links, and tells nothing, is a list of pages
BARE = 40  # words
BARE_PAGE = 1_500  # characters
OFFERED = 200  # words; in a longer text an offer to subscribe stands under a whole article
SHORT = 120  # words; a text of this length or less can be an announcement of the wall around it
PARAGRAPH = 40  # words of a paragraph that no teaser on a section page has
LINK = 100  # characters of a link's text that are looked at
FULL = 350  # words; from here on a mention of subscribing is an advertisement


@dataclass(frozen=True, slots=True)
class Judgement:
    """How much of the article was had, why, and whether there is a paywall at all."""

    completeness: Completeness
    reason: str
    paywalled: bool


def judge_completeness(
    found: Structured,
    titles: list[str],
    text: Text,
    page_text: str,
    *,
    url: str = "",
    source: str = "",
    signed: bool,
    asks_password: bool = False,
    leads_on: str = "",
) -> Judgement:
    """Judge a page by its own statements, by the words of walls and missing pages, and by what is left as text.

    ``text.raw``, the text before cleaning, is looked at too: a "subscribe to go on" line is cut from the text but
    tells why it ends. ``page_text`` is all that the page shows, folded; ``source`` its markup; ``signed`` that it
    names author and date; ``asks_password`` that it asks for one where an article would stand; ``leads_on`` the link
    by which it leads to the rest of its text.
    """
    blocks, raw = text.blocks, text.raw
    words = sum(block.words for block in blocks)
    title = fold(" | ".join([*titles[:1], found.title]))
    heading = fold(" | ".join(titles))
    closed = accessible_for_free(found) is False
    is_article = signed or bool(found.article.get("datePublished") or found.first("article:published_time"))
    if not is_article:
        reason = _wall(heading, title, page_text, blocks, words) or _login(
            url, title, blocks, words, asks_password=asks_password
        )
        if not reason and words < BARE and (match := _CHALLENGE.search(source)):
            reason = f"bot challenge: {match[0]}"
        if reason:
            return Judgement("wall", reason, closed)
    if words < FEW and len(page_text) < SMALL and (match := _SCRIPTED.search(page_text)):
        return Judgement("empty", f"put together by a script: {match[0]}", closed)
    own = [block for block in blocks if block.link_share < LINKS]  # a missing page likes to point to others
    told = sum(block.words >= TOLD for block in own)  # paragraphs that a page about itself does not have
    own_words = sum(block.words for block in own)
    # Where nothing on the page was a paragraph, all it shows is one block, its headline and its links among it.
    lumped = len(blocks) == 1 and bool(titles) and blocks[0].text.startswith(titles[0]) and words < FULL
    if not (is_article or _reports(blocks)):
        if (own_words < SHORT or lumped) and told < 2 and _GONE.search(heading):
            return Judgement("soft-404", "the headline says the page is missing", False)
        if judgement := _missing_or_bare(
            titles[0] if titles else "", f"{title} | {heading}", text, own_words, page_text
        ):
            return judgement
    if reason := _teaser(found, blocks, raw, page_text, words, closed):
        return Judgement("teaser", reason, closed or "pay" in reason or "subscri" in reason)
    if is_article and 0 < words < OFFERED and leads_on:
        return Judgement("teaser", f"a link leads to the rest: {leads_on}", closed)
    if reason := _index(found, text, is_article, title, heading, url):
        return Judgement("index", reason, False)
    if words < 5:
        return Judgement("empty", "no text was found", closed)
    return Judgement("full", "", closed)


def asks_for_password(root: HtmlElement) -> bool:
    """Whether a page has a field for a password that is not part of what stands beside every page of its site."""
    for field in root.iterfind(".//input[@type='password']"):
        around = list(field.iterancestors())
        if not any(e.tag in _BESIDE or (e.tag not in ("body", "html") and _is_beside(e)) for e in around):
            return True
    return False


def leading_on(root: HtmlElement, url: str) -> str:
    """Return the text of the one link that says it leads to the rest, on this page or on another site; else ''.

    Where there are several, or it leads to another page of the site, it is another story's.
    """
    links = [link for link in root.iter("a") if _READING_ON.match(fold(_label_of(link)))]
    if len(links) != 1:
        return ""
    try:
        target, own = urlsplit(urljoin(url, links[0].get("href") or "")), urlsplit(url)
    except ValueError:  # an address that is none
        return ""
    same = target.hostname == own.hostname
    if same and not (target.path.startswith(own.path) and len(own.path) > 1):
        return ""
    return " ".join("".join(links[0].itertext()).split())[:60]


def _label_of(link: HtmlElement) -> str:
    """The text of a link; '' where it is longer than such labels are, and is not read to its end."""
    pieces: list[str] = []
    length = 0
    for piece in link.itertext():
        pieces.append(piece.strip())
        length += len(pieces[-1]) + 1
        if length > LINK:
            return ""
    return " ".join(pieces)


def _is_beside(element: HtmlElement) -> bool:
    return bool(_BESIDE_NAME.search(f"{element.get('class') or ''} {element.get('id') or ''}"))


def _login(url: str, title: str, blocks: list[Block], words: int, *, asks_password: bool) -> str:
    """Why a page is one to sign in or register: its address or its title says so, or it asks for little else."""
    if words >= FULL and not asks_password:
        return ""
    if (asks_password or words < SHORT) and (match := _LOGIN_ADDRESS.search(fold(url))):
        return f"login: its address says {match[0].strip('/=')}"
    if not asks_password or words >= FULL:
        return ""
    if match := _LOGIN_WORDS.search(title):
        return f"login: {match[0]}"
    told = sum(block.words >= TOLD for block in blocks)
    return "login: it asks for a password" if words < SHORT and told < 2 else ""


def _reports(blocks: list[Block]) -> bool:
    """Whether a text says who said something, as no page does that stands instead of an article."""
    return any(_SPEECH.search(fold(block.text)) for block in blocks)


def _missing_or_bare(
    headline: str, names: str, text: Text, own_words: int, page_text: str
) -> Judgement | None:
    """What a page with little of its own on it is, and nothing that tells of anything: looser words will do to know it.

    The rest of the page, its menus above all, is asked only where there is hardly a text; where there is a headline
    as articles have, and it says nothing of the kind, what the page tells is news.
    """
    words = sum(block.words for block in text.blocks)
    shown = page_text if words < OWN else " | ".join((names, *(fold(block.text) for block in text.raw)))
    if own_words < 60 and (match := _GONE.search(shown[:3000])):
        return Judgement("soft-404", f"the page says: {match[0][:80]}", False)
    if words >= BARE or len(page_text) > BARE_PAGE or any(map(_tells, text.blocks)):
        return None
    for kind, pattern in (("wall", _BARE_WALL), ("soft-404", _BARE_GONE)):
        told = len(headline.split()) >= HEADLINE and not pattern.search(fold(headline))
        if not told and (match := pattern.search(shown)):
            return Judgement(cast("Completeness", kind), f"hardly a word but: {match[0]}", False)
    return None


def _tells(block: Block) -> bool:
    """Whether a block has a sentence as long as those of articles."""
    return any(len(sentence.split()) > SENTENCE for sentence in _SENTENCES.split(block.text))


def looks_cut(text: str) -> bool:
    """Whether a last paragraph ends as cut texts do: "…Leer más", "[…]", an ellipsis."""
    return bool(_CUT_END.search(fold(text)))


def accessible_for_free(found: Structured) -> bool | None:
    """Return schema.org's isAccessibleForFree, or what the page's content tier says; None where it says nothing."""
    value = found.article.get("isAccessibleForFree")
    if value is None and "hasPart" not in found.article:
        tier = found.first("article:content_tier", "og:article:content_tier").lower()
        return None if not tier else tier == "free"
    parts = found.article.get("hasPart")
    if value is None and isinstance(parts, (dict, list)):
        first = parts[0] if isinstance(parts, list) and parts else parts
        value = first.get("isAccessibleForFree") if isinstance(first, dict) else None
    if value is None:
        return None
    return str(value).strip().lower() not in (
        "false",
        "http://schema.org/false",
        "https://schema.org/false",
        "no",
        "0",
    )


def _wall(heading: str, title: str, page_text: str, blocks: list[Block], words: int) -> str:
    if words >= SHORT or _reports(blocks):
        return ""
    for kind, pattern in (*_TROUBLE, ("", _BOT)):
        other = _other_prose(blocks, pattern)
        small = len(page_text) < 2500 and other == 0
        match = pattern.search(f"{title} | {heading}") if other < 2 else None
        if match := match or (pattern.search(page_text) if small else None):
            return f"{kind or _barrier(match[0])}: {match[0]}"
    if match := _LOGIN.match(title.lstrip(" |")):
        return f"login: {match[0]}"
    if (
        len(page_text) < 6000
        and _other_prose(blocks, _PRIVACY) == 0
        and (match := _CONSENT.search(page_text))
    ):
        return f"consent: {match[0][:80]}"
    if 0 < words < BARE and all(_PAYWALL.search(fold(block.text)) for block in blocks):
        return "subscription: it shows nothing but the offer"
    return ""


def _barrier(said: str) -> str:
    """Name what keeps a reader out by what it says."""
    return next((kind for kind, pattern in _BARRIERS if pattern.search(said)), "bot challenge")


def _other_prose(blocks: list[Block], subject: re.Pattern[str]) -> int:
    """How many paragraphs are on something else."""
    return sum(block.words >= SENTENCE and not subject.search(fold(block.text)) for block in blocks)


def _teaser(
    found: Structured, blocks: list[Block], raw: list[Block], page_text: str, words: int, closed: bool
) -> str:
    if not blocks:
        return ""
    last = fold(blocks[-1].text)
    tail = " ".join(fold(block.text) for block in raw[-6:])
    if (
        _CUT_END.search(last)
        and (words < FULL or closed)
        and (_READ_ON.search(last) or len(blocks) <= 2 or closed)
    ):
        return "the text ends in a cut"
    end = fold(raw[-1].text)
    if words < FULL and (_READ_ON.search(end) or _BRACKETED.search(last) or _BRACKETED.search(end)):
        return "the text ends in a cut"
    offer = _PAYWALL.search(tail) or (_PAYWALL.search(page_text) if words < FULL and closed else None)
    if offer and (words < FULL or closed):
        return f"paywall: {offer[0][:80]}"
    if words < OFFERED and (said := _offer(raw)):
        return f"subscription offered: {said}"
    if words < FULL and words < _stated_words(found) * 0.5:
        return f"{words} words of {_stated_words(found)} stated"
    if closed and words < SHORT:
        return "paywall: not accessible for free"
    if words < SHORT and (match := _PAYWALL.search(page_text)):
        return f"paywall: {match[0][:80]}"
    return ""


def _offer(raw: list[Block]) -> str:
    """What one of the last blocks offers: to let one read on who subscribes, joins or signs in."""
    for block in raw[-3:]:
        folded = fold(block.text)
        if block is raw[-1] and block.words <= 12 and (match := _READ_FULL.match(folded)):
            return match[0]
        if block.words <= 25 and _OFFER.search(folded) and (match := _MORE.search(folded)):
            return match[0]
    return ""


def _stated_words(found: Structured) -> int:
    value: Any = found.article.get("wordCount")
    try:
        stated = int(str(value).replace(",", ""))
    except ValueError:
        stated = 0
    return max(stated, len(text_of(found.article.get("articleBody")).split()))


def _index(found: Structured, text: Text, is_article: bool, title: str, heading: str, url: str) -> str:
    blocks = text.blocks
    words = sum(block.words for block in blocks)
    long = sum(block.words >= PARAGRAPH for block in blocks)
    if is_article or found.article.get("headline") or found.first("og:type") == "article" or long >= 3:
        return ""
    if found.types & _TYPES_OF_LISTING:
        return "declared a listing"
    told = sum(block.words >= SENTENCE and block.link_share < LINKS for block in blocks)
    if told >= 3 and _spells(url, heading):
        return ""
    if (text.cards >= MANY and words < FEW) or (text.links >= MANY and words < PARAGRAPH * text.links):
        return f"{max(text.cards, text.links)} linked headlines and no article"
    searched = _SEARCHED.search(title) or _SEARCHED.search(fold(url))
    if searched and sum(block.kind in ("item", "head") for block in text.raw) >= FOUND:
        return "results of a search"
    if words >= FEW and text.link_share >= 0.9:
        return "hardly a word that is no link"
    length = sum(len(block.text) for block in blocks)
    if words >= FEW and not told and sum(len(b.text) * b.link_share for b in blocks) >= LINKED * length:
        return "the text is mostly links"
    linked = sum(block.link_share >= 0.6 for block in text.raw)
    if linked >= MANY and linked >= 0.6 * len(text.raw):
        return f"{linked} of {len(text.raw)} blocks are links"
    return ""


def _spells(url: str, heading: str) -> bool:
    """Whether the last part of an address is made of the headline's words, as that of an article is."""
    slug = re.findall(r"[^\W\d_]{3,}", fold(unquote(urlsplit(url).path.rstrip("/").rpartition("/")[2])))
    return len(slug) >= SLUG and sum(word in heading for word in slug) >= 0.8 * len(slug)
