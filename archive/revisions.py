"""What kind of change a revision is: a new headline, another number, a correction note, an addition.

Two versions are compared as sentences first, then as words inside the sentences that changed. Markup,
spacing, letter case, the style of quotation marks and the furniture of a page (time stamps, "read also",
sharing lines) are no change.
"""

import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher

from archive.date_words import MONTHS, SPANISH_MONTHS, WEEKDAYS
from archive.sentences import paragraphs, plain, quotations, sentences, words

KINDS = ("headline", "lede", "number", "quotation", "correction", "addition", "cut", "rewrite")

ALIGNED = 0.45  # from this share of common words, two sentences are versions of one another
REWRITTEN = 0.5  # of the longer version's words; a larger share changed is a rewrite as a whole
SENTENCE_WORDS = 3  # a whole sentence this long put in or taken out is an addition or a cut
CLAUSE_WORDS = 6  # so are this many words put in or taken out inside a sentence
STAMP_LENGTH = 160  # characters
STAMP_WORDS = 4  # "h", "p.m. ET", "hora del centro"
NEARBY = 40  # changed sentences are paired with versions at most so many places away
LONG_TEXT = 3000  # words; two sentences longer than that together are compared as bags of words
MANY_SENTENCES = 600  # above it difflib ignores the sentences that stand there again and again


def _any_of(*patterns: str) -> re.Pattern[str]:
    return re.compile("|".join(patterns), re.IGNORECASE | re.MULTILINE)


_CORRECTION = _any_of(
    r"\bfe de (?:erratas?|errores)\b",
    r"^\W*(?:nota (?:de correcci[oó]n|de (?:la )?redacci[oó]n|aclaratoria|del editor)"
    r"|correcci[oó]n(?:es)?|corrige|corregido|aclaraci[oó]n|rectificaci[oó]n|actualizaci[oó]n)"
    r"\b[^.\n]{0,60}?[:.—–-]",
    r"^\W*(?:corrections?|corrected|corrects|clarification|editor'?s'? note|update|retraction)"
    r"\b[^.\n]{0,60}?[:.—–-]",
    r"\((?:corrige|corrects|correction|corrected|corregida?)\b",
    r"\ban? (?:earlier|previous) version of th(?:is|e) (?:article|story|report|headline|post|release)",
    r"\bth(?:is|e) (?:article|story|report|headline|post) (?:has been|was) "
    r"(?:corrected|updated to (?:correct|clarify))",
    r"\buna versi[oó]n (?:anterior|previa|inicial) de est[ea]",
    r"\bversi[oó]n (?:anterior|previa|inicial)\b[^.\n]{0,80}\b(?:por error|err[oó]ne\w+|equivocad\w+|incorrect\w+)",
    r"\b(?:earlier|previous) version\b[^.\n]{0,80}\b(?:incorrect|mistaken|erroneous|misstat|misspell|misidentif|wrong)",
    r"\bthis version (?:corrects|clarifies|fixes|updates to correct)\b",
    r"\besta versi[oó]n (?:corrige|aclara|precisa|rectifica)\b",
    r"\best[ea] (?:nota|art[ií]culo|informaci[oó]n|texto) (?:ha sido|fue) "
    r"(?:corregid|actualizad|modificad|rectificad)[oa]",
)
_STAMP = _any_of(
    r"\d{1,2}[:h.]\d{2}", r"\b\d{1,2}[/.-]\d{1,2}[/.-]\d{2,4}", r"\b(?:19|20)\d\d\b", r"\b(?:ago|hace)\b"
)
_UPDATED = _any_of(
    r"^\W*[uú]ltima (?:actualizaci[oó]n|modificaci[oó]n)\b",
    r"^\W*(?:actualizad[oa]|publicad[oa]|actualizaci[oó]n|(?:last )?updated?|(?:first )?published|posted)\b",
)
_COUNTED = (
    r"(?:vistas?|visitas?|visualizaciones|lecturas?|le[ií]d[oa]|compartid[oa]s?|comentarios?|reacciones|me gusta"
    r"|views?|reads?|shares?|comments?|likes?|reactions?)"
)
# Begins with a digit and is short, so that a line of digits and commas is read in one go.
_FIGURE = r"\d[\d.,]{0,14}"
_FURNITURE = _any_of(
    r"^\W*(?:tambi[eé]n )?(?:te|le) (?:puede|podr[ií]a) interesar\b",
    r"^\W*(?:lee|lea|leer|mira|ver|ve|checa) (?:tambi[eé]n|m[aá]s|aqu[ií])\b",
    r"^\W*(?:watch|listen|video|fotos|photos|galer[ií]a|gallery|podcast):[^.]*$",
    r"^\W*(?:view|show|ver|mostrar) (?:all |todos los )?(?:comments|comentarios)\b[^.]*$",
    r"^\W*tambi[eé]n (?:lee|lea|puedes leer|mira)\b",
    r"^\W*(?:(?:te|le) recomendamos|no (?:te|se) (?:lo )?pierdas?|notas? recomendadas?)\b[^.]*$",
    r"^\W*(?:recommended|don'?t miss|you (?:may|might) also like|more (?:from|on this))\b[^.]*$",
    # Counters and clocks: "1,254 vistas", "Leído 3,201 veces", "12 comments", "Hace 3 horas", "2 hours ago".
    rf"^\W*{_COUNTED}\W*{_FIGURE} ?(?:k|mil|veces|times)?\W*$",
    rf"^\W*{_FIGURE} ?(?:k|mil|m)? ?{_COUNTED}\W*$",
    r"^\W*hace (?:\d+|una?|unos|unas|pocos|pocas) \w+(?: y \w+)?\W*$",
    r"^\W*(?:\d{1,4}|an?|a few) ?[^\W\d]+ ago\W*$",
    r"^\W*(?:por|by) [^.!?]{2,60}\b(?:19|20)\d\d\b(?:[^.!?]|[ap]\.m\.?){0,30}$",
    r"^\W*(?:read|see|watch) (?:also|more|next)\b",
    r"^\W*also read\b",
    r"^\W*related(?: stor| article|:|$)",
    r"^\W*(?:notas?|noticias) relacionadas?\b",
    r"^\W*(?:s[ií]guenos|follow us|suscr[ií]b(?:ete|ase)|subscribe|sign up)\b",
    r"^\W*[uú]nete al? (?:nuestro )?canal\b",
    r"^\W*(?:publicidad|advertisement|anuncio)\W*$",
    r"^\W*(?:compart(?:e|ir)|share)\b.{0,40}$",
    r"^\W*(?:fotos?|fotograf[ií]as?|imagen|cr[eé]dito|photos?|photograph|image|credit)\s*(?:(?:de|por|by)\b\s*:?|[:|/])[^.!?]{2,80}$",
    r"^\W*(?:etiquetas|temas|tags|topics|filed under|archivado en)\s*:[^.!?]{2,160}$",
    r"^\W*(?:listen to this (?:article|story)|escuch[ae] (?:esta nota|este art[ií]culo))\b[^.!?]{0,40}$",
    r"^\W*(?:(?:tiempo de )?lectura\s*:?\s*\d|\d+ min(?:utos|utes)? (?:de lectura|read)\b)",
    r"^\W*(?:(?:haz )?clic aqu[ií]|click here)\b",
    r"^\W*(?:copyright\b|©|todos los derechos\b|all rights reserved\b)",
    r"^\W*(?:m[aá]s (?:le[ií]das|noticias)|most (?:read|popular)|loading|cargando)\b",
)
_DEVELOPING = _any_of(
    r"\b(?:informaci[oó]n|noticia|nota|historia|suceso) en (?:pleno )?desarrollo\b",
    r"\best[ea] (?:es una )?(?:nota|noticia|historia|informaci[oó]n|art[ií]culo)\b.{0,40}"
    r"\b(?:actualizando|ampliar[aá]|actualizar[aá])",
    r"\b(?:en breve|en unos minutos|pr[oó]ximamente),? "
    r"(?:m[aá]s (?:informaci[oó]n|detalles)|ampliaremos|ampliamos)",
    r"\bampliaremos (?:la )?informaci[oó]n\b",
    r"\bhabr[aá] m[aá]s informaci[oó]n\b",
    r"\b(?:developing|breaking(?: news)?) (?:story|news)\b(?!-)",
    r"\bstory (?:is|was) (?:still )?developing\b",
    r"\bthis (?:story|article|report|post) (?:will be|is being) updated\b",
    r"\bmore (?:details )?to (?:come|follow)\b",
    r"\bcheck back for (?:more|updates)\b",
    r"\bmore (?:details|information) (?:soon|shortly)\b",
)
_NUMBER_WORDS = (
    "dos tres cuatro cinco seis siete ocho nueve diez once doce trece catorce quince veinte veintiuno "
    "treinta cuarenta cincuenta sesenta setenta ochenta noventa cien ciento doscientos trescientos "
    "quinientos mil millón millones docenas? decenas? "
    "two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety hundreds? thousands? millions? "
    "billion dozens?"
)
_NUMBER = re.compile(r"\d|^(?:" + _NUMBER_WORDS.replace(" ", "|") + ")$")
_MONTH_OR_DAY = "|".join({*MONTHS, *WEEKDAYS, *(name[:3] for name in (*SPANISH_MONTHS, *WEEKDAYS))})
_STAMP_WORD = re.compile(
    rf"\d.*|{_MONTH_OR_DAY}|actualizad[oa]|publicad[oa]|cread[oa]|[uú]ltima|actualizaci[oó]n|redacci[oó]n|por|del?|el|l[ao]s?|al?"
    r"|y|horas?|hrs?|h|[ap]m?|m|updated|published|posted|staff|last|first|by|on|at|the"
    r"|[ecmp][sd]?t|gmt|utc|cdmx|local|time"
)
_WORD = re.compile(r"[^\W_]")
_SHORT_NOTICE = 30  # words; a longer sentence that matches is news, not a notice


@dataclass(frozen=True, slots=True)
class RevisionChange:
    """The kinds of one revision, in the order of ``KINDS``, and its size in words, headline included."""

    kinds: tuple[str, ...] = ()
    words_added: int = 0
    words_removed: int = 0


@dataclass(slots=True)
class _Diff:
    """What differs between two texts, filled in sentence by sentence."""

    pairs: list[tuple[str, str]] = field(default_factory=list)  # versions of one sentence
    added: list[str] = field(default_factory=list)  # sentences without a counterpart
    removed: list[str] = field(default_factory=list)


def revision_kinds(
    before_title: str, before_text: str, after_title: str, after_text: str, language: str | None = None
) -> RevisionChange:
    """Class the change from one version of an article to the next.

    ``kinds`` is empty where nothing but markup, spacing, case or furniture changed. ``language`` is the
    article's; the rules for Spanish and English apply together, since outlets of both kinds print both.
    """
    before, after = _content(before_text), _content(after_text)
    diff = _compare(before, after)
    kinds = set(_text_kinds(before, after, diff))
    titles = plain(before_title), plain(after_title)
    title_added, title_removed = _word_changes(*titles)
    if title_added or title_removed or _marked(titles[0]) != _marked(titles[1]):
        kinds.add("headline")
    known = _corrections(before_title, before_text)
    notes = [note for note in _corrections(after_title, after_text) if note not in known]
    if notes:
        kinds.add("correction")
    added, removed = _sizes(diff)
    added += title_added + sum(len(words(note)) for note in notes)
    return RevisionChange(tuple(kind for kind in KINDS if kind in kinds), added, removed + title_removed)


def size_of_change(before: str, after: str) -> tuple[int, int]:
    """Return how many words were added and removed between two versions of a text, correction notes included."""
    if before == after:
        return 0, 0
    added, removed = _sizes(_compare(_content(before), _content(after)))
    known = _corrections("", before)
    notes = [note for note in _corrections("", after) if note not in known]
    return added + sum(len(words(note)) for note in notes), removed


def is_developing(text: str, language: str | None = None) -> bool:
    """Tell whether the text says of itself that it is still being written ("Información en desarrollo").

    Only short sentences count: one about a region "en desarrollo" is news.
    """
    return any(_is_developing_notice(sentence) for sentence in sentences(plain(text)))


def is_correction(text: str) -> bool:
    """Tell whether the text has a correction note ("Fe de errores", "Correction: …")."""
    return any(_is_correction(sentence) for sentence in sentences(plain(text)))


def _is_developing_notice(sentence: str) -> bool:
    return bool(_DEVELOPING.search(sentence)) and len(words(sentence)) <= _SHORT_NOTICE


def _is_correction(sentence: str) -> bool:
    return bool(_CORRECTION.search(sentence)) and not _is_stamp(sentence)


def _is_stamp(line: str) -> bool:
    """Tell whether a line is a time stamp: a date or hour alone, or "updated" with one and hardly a word after it."""
    if len(line) > STAMP_LENGTH or not _STAMP.search(line):
        return False
    if all(_STAMP_WORD.fullmatch(word) for word in words(line)):
        return True
    if not _UPDATED.match(line):
        return False
    return len(words(re.split(r"\d", line)[-1])) <= STAMP_WORDS


def _content(text: str) -> list[list[str]]:
    """Return the paragraphs as lists of sentences, without furniture, correction notes and notices."""
    kept = []
    for paragraph in paragraphs(plain(text)):
        if _FURNITURE.match(paragraph) or _is_stamp(paragraph) or _is_correction(paragraph):
            continue
        lines = [s for s in sentences(paragraph) if not _is_developing_notice(s) and _WORD.search(s)]
        if lines:
            kept.append(lines)
    return kept


def _corrections(title: str, text: str) -> list[str]:
    """Return the correction notes: paragraphs that hold one, and a headline marked as corrected."""
    found = [line for line in paragraphs(plain(text)) if _is_correction(line)]
    if _CORRECTION.search(plain(title)):
        found.append(plain(title))
    return found


def _compare(before: list[list[str]], after: list[list[str]]) -> _Diff:
    old, new = _flat(before), _flat(after)
    keys = [[" ".join(words(s)) for s in side] for side in (old, new)]
    diff = _Diff()
    matcher = SequenceMatcher(None, keys[0], keys[1], autojunk=len(old) + len(new) > MANY_SENTENCES)
    for tag, i1, i2, j1, j2 in matcher.get_opcodes():
        if tag != "equal":
            _align(old[i1:i2], new[j1:j2], diff)
    return diff


def _flat(content: list[list[str]]) -> list[str]:
    return [sentence for paragraph in content for sentence in paragraph]


def _align(old: list[str], new: list[str], diff: _Diff) -> None:
    """Pair the sentences of one changed stretch with their versions, each with the most similar one left nearby."""
    counted = [Counter(words(sentence)) for sentence in new]
    left = dict.fromkeys(range(len(new)))
    for place, sentence in enumerate(old):
        mine = Counter(words(sentence))
        centre = place * len(new) // len(old)
        near = [j for j in range(max(centre - NEARBY, 0), min(centre + NEARBY, len(new))) if j in left]
        best = max(near, key=lambda j: _overlap(mine, counted[j]), default=None)
        alone = len(old) == len(new) == 1 and _is_quotation(sentence) and _is_quotation(new[0])
        if best is not None and (alone or _overlap(mine, counted[best]) >= ALIGNED):
            diff.pairs.append((sentence, new[best]))
            del left[best]
        else:
            diff.removed.append(sentence)
    diff.added.extend(new[place] for place in left)


def _is_quotation(sentence: str) -> bool:
    """Tell whether at least half of a sentence stands between quotation marks."""
    return 2 * sum(len(quoted.split()) for quoted in _marked(sentence)) >= len(words(sentence))


def _overlap(a: Counter[str], b: Counter[str]) -> float:
    """Return the common words as a share of the geometric mean of both lengths."""
    size = math.sqrt(a.total() * b.total())
    return (a & b).total() / size if size else 0.0


def version_among(sentence: str, earlier: Sequence[str]) -> str | None:
    """Return the sentence that this one is a version of, the most similar of several; None where it is none's."""
    mine = Counter(words(sentence))
    likeness = {other: _overlap(mine, Counter(words(other))) for other in earlier}
    best = max(likeness, key=likeness.__getitem__, default=None)
    return best if best is not None and likeness[best] >= ALIGNED else None


def _text_kinds(before: list[list[str]], after: list[list[str]], diff: _Diff) -> list[str]:
    kinds = []
    changes = [_hunks(a, b) for a, b in diff.pairs]
    ledes = [words(version[0][0]) if version else [] for version in (before, after)]
    if ledes[0] != ledes[1]:
        kinds.append("lede")
    if any(_number_changed(old, new) for hunks in changes for old, new in hunks):
        kinds.append("number")
    if any(_quotation_changed(a, b) for a, b in diff.pairs) or _remarked(before, after, diff):
        kinds.append("quotation")
    return kinds + _extent(before, after, diff, changes, bool(kinds))


def _extent(
    before: list[list[str]],
    after: list[list[str]],
    diff: _Diff,
    changes: list[list[tuple[list[str], list[str]]]],
    named: bool,
) -> list[str]:
    """Return addition, cut or rewrite: how much came, went or was put otherwise. Fewer words may be a kind alone."""
    added, removed = _sizes(diff)
    sizes = [sum(len(words(s)) for s in _flat(version)) for version in (before, after)]
    if min(added, removed) > REWRITTEN * max(*sizes, 1):
        return ["rewrite"]
    kinds = []
    if _passage(diff.added) or any(_clause(hunks, 1) for hunks in changes):
        kinds.append("addition")
    if _passage(diff.removed) or any(_clause(hunks, 0) for hunks in changes):
        kinds.append("cut")
    if len(kinds) == 2 and diff.added and diff.removed and _same_size(diff):
        return ["rewrite"]
    if not kinds and not named and (added or removed):
        return ["rewrite"] if added and removed else ["addition"] if added else ["cut"]
    return kinds


def _clause(hunks: list[tuple[list[str], list[str]]], side: int) -> bool:
    """Tell whether a clause came into a sentence (side 1) or went (0); one that was only moved did neither."""
    growth = sum(len(hunk[side]) - len(hunk[1 - side]) for hunk in hunks)
    alone = any(len(hunk[side]) >= CLAUSE_WORDS and not hunk[1 - side] for hunk in hunks)
    return alone and growth >= CLAUSE_WORDS


def _passage(lines: list[str]) -> bool:
    return any(len(words(line)) >= SENTENCE_WORDS for line in lines)


def _same_size(diff: _Diff) -> bool:
    """Tell whether what came and what went are about as long: then it was put otherwise."""
    sizes = sorted(sum(len(words(s)) for s in side) for side in (diff.added, diff.removed))
    return sizes[1] <= 2 * sizes[0]


def _hunks(before: str, after: str) -> list[tuple[list[str], list[str]]]:
    """Return the words that differ, as (before, after) stretches."""
    a, b = words(before), words(after)
    if len(a) + len(b) > LONG_TEXT:
        return [(list((Counter(a) - Counter(b)).elements()), list((Counter(b) - Counter(a)).elements()))]
    opcodes = SequenceMatcher(None, a, b, autojunk=False).get_opcodes()
    return [(a[i1:i2], b[j1:j2]) for tag, i1, i2, j1, j2 in opcodes if tag != "equal"]


def _word_changes(before: str, after: str) -> tuple[int, int]:
    hunks = _hunks(before, after)
    return sum(len(b) for _, b in hunks), sum(len(a) for a, _ in hunks)


def _sizes(diff: _Diff) -> tuple[int, int]:
    added = sum(len(words(s)) for s in diff.added)
    removed = sum(len(words(s)) for s in diff.removed)
    for a, b in diff.pairs:
        more, less = _word_changes(a, b)
        added, removed = added + more, removed + less
    return added, removed


def _number_changed(old: list[str], new: list[str]) -> bool:
    """Tell whether a replaced stretch put one number for another, or a number for a vague word."""
    before, after = ([w for w in side if _NUMBER.search(w)] for side in (old, new))
    if before and after:
        return Counter(before) != Counter(after)
    return bool((before or after) and old and new and max(len(old), len(new)) <= 3)


def _quotation_changed(before: str, after: str) -> bool:
    """Tell whether words between quotation marks were altered, put into marks or taken out of them."""
    old, new = _marked(before), _marked(after)
    if old == new:
        return False
    if len(old) == len(new):
        return True
    shorter, longer = sorted((old, new), key=len)
    others = set(words(after if shorter is old else before))
    return any(q not in longer for q in shorter) or all(
        set(q.split()) <= others for q in longer if q not in shorter
    )


def _marked(text: str) -> list[str]:
    return [" ".join(words(quoted)) for quoted in quotations(text)]


def _remarked(before: list[list[str]], after: list[list[str]], diff: _Diff) -> bool:
    """Tell whether, with all words the same, quotation marks were put around some or taken from them."""
    if diff.pairs or diff.added or diff.removed:
        return False
    return _marked(" ".join(_flat(before))) != _marked(" ".join(_flat(after)))
