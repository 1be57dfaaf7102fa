"""Which blocks are not the article: rules by cause, each with a name.

Every rule looks at language, place and link share, never at an outlet. `clean` returns what it cut beside what it
kept, so that a reader can be shown both.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from archive.extraction.blocks import Block
from archive.extraction.moments import fold, read_moment
from archive.extraction.patterns import PATTERNS
from archive.lines import without_lines

KICKER = 4  # words
TOOL = 5  # words
LEDE_WORDS = 25  # a block of this length is the first paragraph proper

# "Read more: …", "Te puede interesar: …" — a pointer elsewhere set between two paragraphs.
POINTER = PATTERNS["pointer"]
# Labels that head a run of links.
LABEL = PATTERNS["label"]
# The same as a heading of its own, whatever follows: its links may be gone already.
HEADING = PATTERNS["heading"]
# Subscriptions, apps, following, donating.
PROMO = PATTERNS["promotion"]
# What stands under an article: credits, biographies, rights, tags.
TAIL = PATTERNS["tail"]
CONTRIBUTED = PATTERNS["contributed"]
BIO = PATTERNS["biography"]
_NAMELESS_BIO = PATTERNS["nameless-biography"]
PICTURE = PATTERNS["picture"]
_TOP = PATTERNS["top"]
_INITIALS = re.compile(r"[A-ZÑ]{2,5}(?:/[A-ZÑ]{2,5})*")  # of the desk's editors, as agencies and papers sign
_ROLE = PATTERNS["byline-role"]
_COOKIES = PATTERNS["cookies"]
_LINKED_PROMO = PATTERNS["linked-promotion"]
_NOTICE = PATTERNS["notice"]
NOTICE = 40  # words
_SHARE_BAR = PATTERNS["share-bar"]
_TOLD = PATTERNS["told"]
# A link to another page that says in brackets what is there.
_KIND = re.compile(
    r"[\[(](?:insight|videos?|reaction|analysis|analisis|opinion|photos?|fotos?|pictures|report|interview|entrevista|audio|"
    r"maps?|mapas?|podcast|comment|gallery|galeria)[\])]\W*$"
)
_SHOUTED = re.compile(r"[A-ZÁÉÍÓÚÑ][A-ZÁÉÍÓÚÑ ]{2,30}:\s")
_QUOTED = re.compile(r"[“\"«‘].{30,}[”\"»’]")
_BY = re.compile(r"\W*(?:por|by|von|par|de|texto?)\W*", re.I)
_JOINING = frozenset({"y", "e", "and", "de", "del", "la", "por", "by"})
_BYLINE_WORD = re.compile(
    r"\W*[A-ZÁÉÍÓÚÑÜ@0-9].*|de|del|la|las|los|y|e|and|von|van|der|di|da|en|in|para|for|\W+|\S+@\S+"
)
CAPTION = 120  # words
_CREDITED = PATTERNS["credited"]
DATELINE = 90  # characters
_DATE_WORDS = PATTERNS["date-words"]
_DATED = PATTERNS["dated"]
# A biography opens with a name, or with who was named before.
_NAMED = re.compile(
    r"^\W*(?!(?:The|This|That|These|It|There|What|Who|Here|Our|My|Your|An?|If|In|El|La|Los|Las|Lo|Es[ot]|Est[aeo]|Su)\b)"
    r"[A-ZÁÉÍÓÚÑ][\w.'’-]+(?:\s+(?:(?:de|del|la|los|van|von|der|y|and|[A-ZÁÉÍÓÚÑ])[\w.'’-]*)){0,4}\s+[a-z]"
)


@dataclass(frozen=True, slots=True)
class Cut:
    """One block that was left out, and the rule that did it."""

    rule: str
    text: str


def clean(
    blocks: list[Block],
    titles: Iterable[str],
    authors: Iterable[str] = (),
    boilerplate: frozenset[str] = frozenset(),
) -> tuple[list[Block], list[Cut]]:
    """Return the blocks that are the article, and those that are not with the rule that says so.

    ``titles`` are all variants of the headline; ``boilerplate`` the digests of blocks that the outlet repeats.
    """
    blocks, cuts = _without_repeated(blocks, boilerplate)
    authors = tuple(authors)
    for rule, step in (
        ("headline", lambda b: _headline(b, [_words(t) for t in titles])),
        ("caption", lambda b: _flag(b, _is_caption)),
        ("before the lede", lambda b: _before_lede(b, _words(" ".join(authors)))),
        ("related", _related),
        ("notice", lambda b: _flag(b, _is_notice)),
        ("promotion", lambda b: _flag(b, is_promo)),
        ("duplicate", _duplicates),
        ("after the end", lambda b: _after_end(b, [fold(author) for author in authors if " " in author])),
    ):
        drop = step(blocks)
        if drop and len(drop) < len(blocks):
            cuts.extend(Cut(rule, blocks[i].text) for i in sorted(drop))
            blocks = [block for i, block in enumerate(blocks) if i not in drop]
    return blocks, cuts


def _without_repeated(blocks: list[Block], boilerplate: frozenset[str]) -> tuple[list[Block], list[Cut]]:
    """The blocks less what the outlet repeats: whole ones, and sentences of others."""
    if not boilerplate:
        return blocks, []
    rests = [without_lines(block.text, boilerplate) for block in blocks]
    kept = [replace(block, text=rest) for block, rest in zip(blocks, rests, strict=True) if rest]
    if not kept:
        return blocks, []
    return kept, [Cut("repeated", b.text) for b, rest in zip(blocks, rests, strict=True) if rest != b.text]


def _flag(blocks: list[Block], test: Callable[[Block], bool]) -> set[int]:
    return {i for i, block in enumerate(blocks) if test(block)}


def _words(text: str) -> frozenset[str]:
    return frozenset(re.findall(r"\w+", fold(text)))


def _headline(blocks: list[Block], titles: list[frozenset[str]]) -> set[int]:
    """The headline set again as a first line: same words as one of its variants."""
    drop = set()
    for i, block in enumerate(blocks[:6]):
        words = _words(block.text)
        if words and any(len(words & title) >= 0.75 * len(words | title) for title in titles if title):
            drop.add(i)
        elif block.words >= LEDE_WORDS and i > 1:
            break
    return drop | {i for i in range(min(drop, default=0)) if _is_kicker(blocks[i])}


def _is_kicker(block: Block) -> bool:
    """A few words over the headline: the section, or what the outlet calls the series."""
    return block.words <= KICKER and not _is_sentence(block)


def _before_lede(blocks: list[Block], names: frozenset[str]) -> set[int]:
    """Dates, bylines, reading time, share bars and picture captions above the first paragraph."""
    drop = set()
    sentences = 0
    for i, block in enumerate(blocks[:14]):
        folded = fold(block.text)
        signed = _is_signature(block, names) or (i - 1 in drop and _is_place(block))
        if signed or _is_tool(block) or _stands_above(block, folded):
            drop.add(i)
        elif block.words >= LEDE_WORDS or sentences:
            break
        else:  # a standfirst, or a first paragraph that is short
            sentences += block.words >= 10 and block.text[-1] in ".!?”"
    for i in range(max(drop, default=0) - 1, -1, -1):
        if i + 1 in drop and blocks[i].kind == "head" and blocks[i].words <= KICKER:
            drop.add(i)  # what heads a row of tools
    return drop


def _is_tool(block: Block) -> bool:
    """An item that is a link of a few words: to print or to send the page, to the next one."""
    return block.kind == "item" and block.words <= TOOL and block.link_share >= 0.9


def _stands_above(block: Block, folded: str) -> bool:
    if block.words <= 14:
        top = bool(_TOP.match(folded)) and not _is_sentence(block)
        return top or _is_byline(block.text) or _is_dateline(block.text)
    return block.words <= 60 and block.kind == "p" and _ends_as_caption(folded)


def _is_signature(block: Block, names: frozenset[str]) -> bool:
    """Whether a line is the authors' names, perhaps with a place or an agency, and no more."""
    words = _words(block.text) - _JOINING
    known = words & names
    return block.words <= 12 and len(known) >= 2 and len(words - known) <= 2 and not _is_sentence(block)


def _is_place(block: Block) -> bool:
    """A line such as "CIUDAD JUÁREZ" or "Staff Writer", as it stands under a byline."""
    if block.kind != "p" or block.words > 4 or not block.text[-1].isalpha():
        return False
    return block.text.isupper() or bool(_ROLE.match(block.text))


def _is_byline(text: str) -> bool:
    """Whether a line is "Por" or "By" and then names, places and marks only, and not the start of a sentence."""
    opener, *words = text.split()
    return bool(words) and bool(_BY.fullmatch(opener)) and all(map(_BYLINE_WORD.fullmatch, words))


def _is_dateline(text: str) -> bool:
    """Whether a short text is a date with at most a few words beside it, and no sentence that holds one."""
    if len(text) > DATELINE or not any(c.isdigit() for c in text) or read_moment(text) is None:
        return False
    folded = fold(text)
    others = [word for word in _DATE_WORDS.sub(" ", folded).split() if word.isalpha()]
    return len(others) <= 3 or (text[-1] not in ".!?。" and bool(_DATED.search(folded)))


def _is_caption(block: Block) -> bool:
    """A paragraph that ends in the credit of a picture."""
    return block.kind == "p" and block.words <= CAPTION and bool(_CREDITED.search(fold(block.text)))


def _ends_as_caption(folded: str) -> bool:
    return bool(PICTURE.search(folded[-60:])) or bool(PICTURE.match(folded))


def _related(blocks: list[Block]) -> set[int]:
    """Pointers to other pages: "Lee también: …", labels with the run of links below, lists that are links."""
    drop: set[int] = set()
    for i, block in enumerate(blocks):
        folded = fold(block.text)
        if _is_shouted_link(block) or (block.link_share >= 0.5 and _KIND.search(folded)):
            drop.add(i)
        if POINTER.match(folded) and (
            (block.words <= 30 and block.link_share >= 0.3) or (block.words <= 5 and _points(blocks, i))
        ):
            drop.add(i)
        if block.words <= 8 and LABEL.match(folded) and (run := _link_run(blocks, i + 1)):
            drop.update({i, *run})
        elif block.words <= 5 and HEADING.match(folded):
            drop.add(i)
    return drop | _link_lists(blocks)


def _points(blocks: list[Block], i: int) -> bool:
    """Whether a few words that are no link themselves ("Lee también:") have one after them, or nothing."""
    return (
        blocks[i].kind != "head"
        and not _is_sentence(blocks[i])
        and (i + 1 == len(blocks) or blocks[i + 1].link_share >= 0.7)
    )


def _link_run(blocks: list[Block], start: int) -> list[int]:
    run = []
    for i in range(start, len(blocks)):
        if blocks[i].link_share < 0.7 or blocks[i].words > 40:
            break
        run.append(i)
    return run


def _is_shouted_link(block: Block) -> bool:
    """A headline in capitals that is all link, set between two paragraphs; or one after a label in capitals."""
    if block.kind != "p" or block.words < 4:
        return False
    if block.link_share >= 0.95 and block.text.upper() == block.text:
        return True
    return block.words <= 20 and block.inward >= 0.7 and bool(_SHOUTED.match(block.text))


def _is_address(block: Block) -> bool:
    return block.words == 1 and block.text.startswith(("http://", "https://", "www."))


def _link_lists(blocks: list[Block]) -> set[int]:
    """Lists of which every item is (nearly) a link, and nothing but, to pages of the same site."""
    drop: set[int] = set()
    groups: dict[int, list[int]] = {}
    for i, block in enumerate(blocks):
        if block.kind == "item":
            groups.setdefault(block.group, []).append(i)
    for members in groups.values():
        inward = sum(blocks[i].inward >= 0.9 for i in members)
        if 2 * inward >= len(members) and all(blocks[i].link_share >= 0.9 for i in members):
            drop.update(members)
    return drop


def is_promo(block: Block) -> bool:
    """Whether a block asks to subscribe, follow, install or donate, or to accept cookies."""
    if block.words > 40:
        return False
    folded = fold(block.text)
    if _COOKIES.search(folded):
        return True
    if not _asks(block, folded):
        return False
    opens = PROMO.search(folded[:60])
    return block.words <= 14 or block.link_share >= 0.2 or (opens is not None and opens.start() <= 2)


def _is_notice(block: Block) -> bool:
    """Whether a block says at its start that it is the site's: another story's name, rights, tags, a credit."""
    if block.words > NOTICE or block.kind in ("head", "row"):
        return False
    folded = fold(block.text)
    return bool(_NOTICE.match(folded) or _SHARE_BAR.fullmatch(folded)) and not _is_told(block, folded)


def _is_told(block: Block, folded: str) -> bool:
    """Whether it is quoted or told of somebody."""
    return bool(_TOLD.search(folded) or _QUOTED.search(block.text) or block.text[0] in "“«‘—–")


def _asks(block: Block, folded: str) -> bool:
    """Whether the words of a promotion are the site's own: not quoted, and not told of somebody."""
    if not PROMO.search(folded) and not (block.link_share >= 0.2 and _LINKED_PROMO.search(folded)):
        return False
    return block.link_share >= 0.5 or not _is_told(block, folded)


def _duplicates(blocks: list[Block]) -> set[int]:
    """A long block word for word again: the pull quote's or the mobile layout's copy."""
    seen: set[str] = set()
    drop = set()
    for i, block in enumerate(blocks):
        if block.words < 20 or block.kind in ("item", "row"):
            continue
        if block.text in seen:
            drop.add(i)
        seen.add(block.text)
    return drop


def _after_end(blocks: list[Block], authors: list[str]) -> set[int]:
    """Peel from the bottom while there stands a credit, a biography, a promotion, links or an orphan heading."""
    drop: set[int] = set()
    addresses = sum(map(_is_address, blocks))
    for i in range(len(blocks) - 1, 0, -1):
        if (
            _is_tail(blocks[i])
            or _is_about(blocks[i], authors)
            or (addresses == 1 and _is_address(blocks[i]))
        ):
            drop.add(i)
        elif not (i > 1 and _is_fragment(blocks[i]) and _is_tail(blocks[i - 1])):
            break
        else:
            drop.add(i)
    return drop


def _is_about(block: Block, authors: list[str]) -> bool:
    """A last paragraph that opens with the author's name is about the author."""
    return block.words <= 80 and any(fold(block.text).startswith(author) for author in authors)


def _is_fragment(block: Block) -> bool:
    """A few words that are no sentence: what a template leaves between two pieces of furniture."""
    return block.words <= 8 and block.text[-1] not in '.!?…”"»'


def _is_tail(block: Block) -> bool:
    if block.kind == "head" or (block.link_share >= 0.9 and not _is_address(block)):
        return True
    folded = fold(block.text)
    if block.words <= 60 and (
        CONTRIBUTED.search(folded) or (TAIL.match(folded) and not _is_told(block, folded))
    ):
        return True
    if _INITIALS.fullmatch(block.text) or (len(block.text) <= 4 and block.text.islower()):
        return True
    if block.words <= 90 and _NAMED.match(block.text) and BIO.match(folded):
        return True
    if block.words <= 45 and (_asks(block, folded) or (POINTER.match(folded) and block.link_share >= 0.3)):
        return True
    if block.words <= 60 and _NAMELESS_BIO.match(folded):
        return True
    labels = bool(LABEL.match(folded) or _TOP.match(folded))
    return block.words <= 12 and labels and not _is_sentence(block)


def _is_sentence(block: Block) -> bool:
    """Some words with a full stop, as no label has."""
    return block.words >= 4 and block.text[-1] in ".!?…" and block.link_share < 0.3
