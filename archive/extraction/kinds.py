"""Which kind of page it is (article, live blog, transcript, gallery, release, video), and in which language."""

import re

from archive.extraction.blocks import Block
from archive.extraction.moments import fold
from archive.extraction.patterns import PATTERNS, WORDS
from archive.extraction.structured import Structured, text_of
from archive.models import Form

_LIVE = PATTERNS["live"]
_TRANSCRIPT = PATTERNS["transcript"]
_GALLERY = PATTERNS["gallery"]
_RELEASE = PATTERNS["release"]
_RELEASE_PATH = re.compile(
    r"/(?:prensa|comunicados?|boletin(?:es)?(?:-de-prensa)?|(?:press-?|news-?)?releases?|press-?statements?|pr)(?:/|$)"
)
_VIDEO_PATH = re.compile(r"/(?:videos?|watch)/")
_SPEAKER = re.compile(r"^([A-ZÁÉÍÓÚÑ][\w.'’ÁÉÍÓÚÑáéíóúñ ,()-]{1,70}):\s")
_QUESTION = re.compile(r"^(?:PREGUNTA|INTERLOCUTORA?|QUESTION|Q|P|R|A)\s*[:.-]")

_SPANISH = frozenset(WORDS["spanish"])
_ENGLISH = frozenset(WORDS["english"])


def find_form(found: Structured, url: str, title: str, blocks: list[Block], country_kind: str = "") -> Form:
    """Recognise the kind of page by its declared type, its headline, its address and the shape of its text."""
    types = found.types
    head = fold(title)
    path = fold(url.split("?")[0])
    words = sum(block.words for block in blocks)
    if "LiveBlogPosting" in types or (_LIVE.search(head) and len(blocks) >= 6):
        return "live"
    turns = _turns(blocks)
    if _TRANSCRIPT.search(head) or (turns >= 6 and turns * 3 >= len(blocks)):
        return "transcript"
    if types & {"ImageGallery", "MediaGallery"} or _GALLERY.search(head):
        return "gallery"
    start = fold(" ".join(block.text for block in blocks[:3])[:400])
    if (
        country_kind == "official"
        or _RELEASE.search(head)
        or _RELEASE.search(start)
        or _RELEASE_PATH.search(path)
    ):
        return "release"
    video = found.first("og:type").startswith("video") or text_of(found.article.get("@type")) == "VideoObject"
    if words < 220 and (
        video or _VIDEO_PATH.search(path) or head.startswith(("video:", "video |", "watch:"))
    ):
        return "video"
    return "article"


def _turns(blocks: list[Block]) -> int:
    """How many blocks open with a speaker's name; a name that speaks once is a label and not counted."""
    labels = [match[1] for block in blocks if (match := _SPEAKER.match(block.text))]
    questions = sum(bool(_QUESTION.match(block.text)) for block in blocks)
    return sum(labels.count(label) >= 2 for label in labels) + questions


# Whose texts have so many of Spanish's small words that they would pass for it.
_KIN = frozenset({"pt", "gl", "ca", "it", "fr", "ro", "an", "oc"})


def find_language(found: Structured, text: str, default: str | None) -> str | None:
    """Return ISO 639-1: what the text is written in where that is plain, else what the page declares.

    Templates of bilingual outlets often declare the wrong one.
    """
    words = re.findall(r"[a-záéíóúñü]+", text[:6000].lower())
    spanish = sum(word in _SPANISH for word in words)
    english = sum(word in _ENGLISH for word in words)
    declared = _declared(found)
    if len(words) >= 40 and declared not in _KIN:
        if spanish > 3 * english and spanish > len(words) * 0.12:
            return "es"
        if english > 3 * spanish and english > len(words) * 0.12:
            return "en"
    return declared or default


def _declared(found: Structured) -> str | None:
    for value in (
        found.language,
        text_of(found.article.get("inLanguage")),
        found.first("og:locale", "content-language", "language", "dc.language"),
    ):
        code = re.match(r"[a-zA-Z]{2}(?=$|[-_ ,])", value)
        if code:
            return code[0].lower()
    return None
