"""The stage itself: `extract`, from a page to an article."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from urllib.parse import urljoin

from lxml.html import HtmlElement

from archive.extraction.agencies import agency_in_text
from archive.extraction.blocks import Block
from archive.extraction.completeness import (
    OFFERED,
    Judgement,
    asks_for_password,
    judge_completeness,
    leading_on,
    looks_cut,
)
from archive.extraction.dates import Dates, find_dates
from archive.extraction.encoding import SOFT_HYPHEN, decode, normalise
from archive.extraction.errors import ExtractionError
from archive.extraction.kinds import find_form, find_language
from archive.extraction.moments import fold
from archive.extraction.parsing import parse, refuse_non_pages
from archive.extraction.patterns import PATTERNS
from archive.extraction.people import Byline, find_byline
from archive.extraction.structured import Structured, read_structured, site_name, text_of
from archive.extraction.text import Text, find_text, fragment_text, strip_dead
from archive.extraction.titles import find_titles
from archive.models import Article, Page
from archive.urls import BadURL, canonical_url, fetchable, plausible_canonical

SHOWN = 20_000  # characters of the page's whole text among which the words of walls are looked for
PARTIAL = frozenset({"teaser", "wall", "empty", "soft-404"})  # where another version may show more
FEED_FULL = 150  # words from which on a feed's own content counts as the whole article


_NO_SECTION = PATTERNS["no-section"]
# Several in one string: "Spain,Europe", but not "Business, Finance & Economics".
_PACKED = re.compile(r",(?=\S)")
MAX_TITLE_CHARACTERS = 10_000
MAX_DESCRIPTION_CHARACTERS = 20_000
TOO_LARGE = "reading it needs more memory than one page may have"


def extract(page: Page) -> Article:
    """Take the article off a page. Never returns None: ``completeness`` says what was fetched instead of one.

    Raises ExtractionError where the bytes are no page at all, or one that breaks the parsers. Has no time limit of
    its own; the caller sets one.
    """
    refuse_non_pages(page.body, page.content_type)
    try:
        return _read(page)
    except ExtractionError:
        raise
    except MemoryError as error:
        raise ExtractionError(TOO_LARGE) from error
    except Exception as error:  # whatever a hostile page does to the libraries is that page's failure alone
        if str(error) == "unknown error":  # what libxml2 says when an XPath finds no more memory
            raise ExtractionError(TOO_LARGE) from error
        raise ExtractionError(f"cannot be read: {type(error).__name__}: {error}"[:300]) from error


def _read(page: Page) -> Article:
    text, repaired = decode(page.body, page.content_type)
    root = parse(text)
    if root is None:
        return _from_lead(page) if page.lead else _nothing(page)
    article = replace(_from_tree(root, page, text), encoding_repaired=repaired)
    return _with_feed(_with_amp(article, page), page)


def _from_tree(root: HtmlElement, page: Page, source: str) -> Article:
    found = read_structured(root, page.url)
    titles = find_titles(root, found, page.lead.headline if page.lead else "", site_name(page.url))
    dates = find_dates(root, found, page)
    byline = find_byline(root, found, page)
    asks_password = asks_for_password(root)
    strip_dead(root)
    shown = fold.__wrapped__(_shown(root))
    text = find_text(
        root,
        titles,
        authors=byline.authors,
        boilerplate=page.boilerplate,
        description=_description(found),
        body_text=text_of(found.article.get("articleBody")),
        source=source,
        site=site_name(page.url),
    )
    signed = bool(byline.authors) and dates.source in ("json-ld", "meta", "time", "text")
    judgement = judge_completeness(
        found,
        titles,
        text,
        shown,
        url=page.url,
        source=source,
        signed=signed,
        asks_password=asks_password,
        leads_on=_leads_on(root, text, page.url),
    )
    return _assemble(page, found, titles, dates, byline, text, judgement)


def _leads_on(root: HtmlElement, text: Text, url: str) -> str:
    """The link to the rest, looked for where the text may be only a start."""
    return leading_on(root, url) if sum(block.words for block in text.blocks) < OFFERED else ""


def _shown(root: HtmlElement) -> str:
    """What a page shows first; where it shows little, with a space between one element and the next."""
    text = str(root.text_content())
    return text[:SHOWN] if len(text) > SHOWN else " ".join(root.itertext())


def _assemble(
    page: Page,
    found: Structured,
    titles: list[str],
    dates: Dates,
    byline: Byline,
    text: Text,
    judgement: Judgement,
) -> Article:
    language = find_language(found, text.plain, page.language)
    plain = text.plain
    if language in ("es", "en"):  # other languages' long words are left as their publishers divide them
        plain = plain.replace(SOFT_HYPHEN, "")
    title = titles[0][:MAX_TITLE_CHARACTERS] if titles else ""
    return Article(
        url=find_canonical(found, page),
        title=title,
        text=plain,
        completeness=judgement.completeness,
        completeness_reason=judgement.reason,
        paywalled=judgement.paywalled,
        form=find_form(found, page.url, title, text.blocks),
        description=_description(found),
        authors=byline.authors,
        section=_section(found),
        tags=_tags(found),
        language=language,
        image=_image(found, page.url),
        wire=agency_in_text([block.text for block in text.raw], page.agencies) or byline.wire,
        published_local=dates.published,
        published_source=dates.source,
        published_precision=dates.precision,
        modified_local=dates.modified,
        zone_assumed=dates.zone_assumed,
        dates=dates.candidates,
    )


def find_canonical(found: Structured, page: Page) -> str:
    """Return the address the page declares for itself where that is plausible, else its own, cleaned."""
    home = page.homepage or urljoin(page.url, "/")
    stated = text_of(found.article.get("url")) if found.articles == 1 else ""  # of many, it may be another's
    for declared in (found.links.get("canonical"), found.first("og:url"), stated):
        full = _absolute(declared, found.base, page.url) if declared else ""
        if full and plausible_canonical(full, page.url, home, page.hosts):
            return _clean_url(full, page.homepage)
    return _clean_url(page.url, page.homepage)


def _absolute(declared: str, base: str, url: str) -> str:
    try:
        return urljoin(urljoin(url, base), declared.strip())
    except ValueError:
        return ""


def _clean_url(url: str, homepage: str) -> str:
    try:
        return canonical_url(url, homepage)
    except BadURL:
        return url


def _tidy(text: str) -> str:
    return " ".join(normalise(re.sub(r"<[^>]{1,200}>", " ", text)).split())


def _description(found: Structured) -> str:
    said = found.first("og:description", "description", "twitter:description")
    return _tidy(said or text_of(found.article.get("description")))[:MAX_DESCRIPTION_CHARACTERS]


def _section(found: Structured) -> str:
    """The first section that names a subject."""
    names = (
        "article:section",
        "og:article:section",
        "parsely-section",
        "section",
        "sailthru.vertical",
        "category",
    )
    for raw in (text_of(found.article.get("articleSection")), *(found.first(name) for name in names)):
        section = _tidy(_PACKED.split(raw)[0])[:80]
        if section and not section.startswith("http") and not _NO_SECTION.match(section):
            return section
    return ""


def _tags(found: Structured) -> tuple[str, ...]:
    tags = _subjects(_split_tags(found.article.get("keywords"))) or _subjects(
        found.meta.get("article:tag", []) or found.meta.get("og:article:tag", [])
    )
    if len(tags) < 2:
        said = found.first("news_keywords", "parsely-tags", "keywords", "sailthru.tags")
        tags = tags or _subjects(_split_tags(said))
    return tuple(tags[:30])


def _subjects(raws: Iterable[str]) -> list[str]:
    """The tags among these, each once: not what only says what kind of page it is."""
    tags = (_tidy(raw) for raw in raws)
    return list(dict.fromkeys(tag for tag in tags if tag and len(tag) < 80 and not _NO_SECTION.match(tag)))


def _split_tags(value: object) -> Iterator[str]:
    if isinstance(value, list):
        for item in value:
            yield from _split_tags(item) if not isinstance(item, str) else _PACKED.split(item)
    elif isinstance(value, dict):
        yield text_of(value)
    elif isinstance(value, str):
        yield from value.split(",")


def _image(found: Structured, url: str) -> str | None:
    image = found.first(
        "og:image", "og:image:url", "og:image:secure_url", "twitter:image", "twitter:image:src"
    )
    declared = found.article.get("image") or found.article.get("thumbnailUrl")
    if not image and isinstance(declared, (dict, list)):
        first = declared[0] if isinstance(declared, list) and declared else declared
        image = (
            text_of(first.get("url") or first.get("contentUrl"))
            if isinstance(first, dict)
            else text_of(first)
        )
    image = image or text_of(found.links.get("image_src")) or (declared if isinstance(declared, str) else "")
    try:
        full = urljoin(url, image) if image else ""
    except ValueError:
        return None
    return full if full and fetchable(full) is None else None  # a picture written into the page is no address


def _nothing(page: Page) -> Article:
    return Article(
        url=_clean_url(page.url, page.homepage),
        title="",
        text="",
        completeness="empty",
        completeness_reason="no markup",
    )


def _from_lead(page: Page) -> Article:
    """Build what the feed alone tells: a teaser, whatever its length."""
    lead = page.lead
    assert lead is not None
    blocks = _feed_blocks(page)
    text = "\n\n".join(block.text for block in blocks) or _tidy(lead.summary)
    dates = find_dates(None, Structured(), page)
    return Article(
        url=_clean_url(page.url, page.homepage),
        title=_tidy(lead.headline),
        text=text,
        completeness="teaser" if text or lead.headline else "empty",
        completeness_reason="only what the feed says",
        text_source="feed",
        description=_tidy(lead.summary),
        language=find_language(Structured(), text, page.language),
        wire=agency_in_text([block.text for block in blocks] or [text], page.agencies),
        published_local=dates.published,
        published_source=dates.source,
        published_precision=dates.precision,
        modified_local=dates.modified,
        zone_assumed=dates.zone_assumed,
        dates=dates.candidates,
    )


def _feed_blocks(page: Page) -> list[Block]:
    if page.lead is None or not page.lead.content:
        return []
    titles = [page.lead.headline] if page.lead.headline else []
    return fragment_text(page.lead.content, titles, page.boilerplate)


def _with_amp(article: Article, page: Page) -> Article:
    """Where its AMP or mobile form shows the whole and the page does not, that form stands under the page's address."""
    if not page.amp or article.completeness not in PARTIAL:
        return article
    try:
        other = extract(replace(page, body=page.amp, content_type=None, amp=b"", lead=None))
    except ExtractionError:
        return article
    if other.completeness != "full" or len(other.text) <= len(article.text):
        return article
    reason = f"{article.completeness_reason}; the text is its AMP or mobile form's"
    return replace(
        other, url=article.url, text_source="amp", completeness_reason=reason, paywalled=article.paywalled
    )


def _with_feed(article: Article, page: Page) -> Article:
    """Where the page shows less than the feed carries in full, the feed's text stands."""
    if page.lead is None or article.completeness not in PARTIAL:
        return article
    blocks = _feed_blocks(page)
    text = "\n\n".join(block.text for block in blocks)
    words = sum(block.words for block in blocks)
    if article.completeness in ("wall", "soft-404"):
        if words < FEED_FULL:
            return article
        base = _from_lead(page)
        article = replace(
            base,
            completeness=article.completeness,
            completeness_reason=article.completeness_reason,
            paywalled=article.paywalled,
        )
    elif len(text) <= len(article.text):
        return article
    whole = words >= FEED_FULL and not looks_cut(blocks[-1].text)
    reason = f"{article.completeness_reason}; the text is the feed's"
    return replace(
        article, text=text, text_source="feed", completeness="full" if whole else "teaser", completeness_reason=reason,
        wire=agency_in_text([block.text for block in blocks], page.agencies) or article.wire,
    )  # fmt: skip
