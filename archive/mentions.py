"""Dated mentions of talks: the call that was held, the meeting that is announced, in one sentence each."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Literal

from archive.dates import LONGEST, NamedDate, named_dates, publication_day
from archive.revisions import is_correction
from archive.sentences import plain, sentences

Kind = Literal["call", "ministerial", "summit", "dialogue", "visit", "meeting"]
Tense = Literal["past", "coming", "possible", "cancelled"]

FARTHEST = 260  # characters between a date and the talk it belongs to, with what commas cost
CLAUSE_COST = 60  # characters that a comma or a conjunction between the two counts for
AHEAD_COST = 10  # characters that a talk named after its date counts as farther
CLOSE = 90  # characters between a talk and what says that it was called off

# The kinds in the order they are tried: a "reunión ministerial" is a ministerial, not a meeting. What else has a
# date of its own (an arrival, a deadline, what was said on Thursday) is `other`, so that no talk is given that date.
_TALKS = re.compile(
    r"""
    (?P<call>\b(?:video)?llamadas?\b(?!\s+a\s+(?:la|misa))|\btelef[oó]nic[oa]s?\b|\bpor\s+tel[eé]fono\b
      |\bhabl(?:ó|aron|ará|arán)\s+con\b|\bvolv\w+\s+a\s+hablar\b|\bhabl\w+\s+de\s+nuevo\b
      |\bconversaci[oó]n\b|\bconversaron\b|\bconversation\b
      |\b(?:phone|telephone)\s+(?:call|conversation)\b|\bcalls?\b(?!\s+(?:for|off)\b)(?!\s+on\s+(?!the\s+\d|[A-Z][a-z]+day|[A-Z][a-z]{2,8}\.?\s+\d))
      |\b(?:spoke|talked|speak|talk)\s+(?:by|on\s+the|over\s+the)\s+(?:tele)?phone\b|\bspoke\s+(?:with|again)\b
      |\bspoke\s+(?:today|yesterday|(?:on\s+)?\w+day)\s+(?:by|on\s+the|over\s+the)\s+(?:tele)?phone\b
      |(?<=,\s)who\s+spoke\s+(?:today|yesterday|(?:on\s+)?\w+day)(?=,)
      |\bcalled\s+(?-i:(?:[A-ZÁÉÍÓÚ][\w.'’-]+|de|la|del)(?:\s+(?:[A-ZÁÉÍÓÚ][\w.'’-]+|de|la|del)){0,4})
        \s+(?:today|yesterday|(?:on\s+)?\w+day)\b
      |\bhablaron\s+(?:este|el|hoy|ayer)\b|\bhabl(?:ó|ará)\s+(?:este|el|hoy|ayer)\b[^,.;]{0,20}\bcon\b
      |\bse\s+llam(?:aron|arán)\b|\bllam(?:ó|aron|ará)\s+(?:este|el|hoy|ayer|anoche)\b[^,.;]{0,20}\sal?\b
      |\bspoken?\s+(?:today|yesterday|(?:on\s+)?\w+day)\b[^,.;]{0,20}\bwith\b|\bhad\s+spoken\b
      |\bcalled\s+(?:(?:his|her|its)\s+(?:\w+\s+)?counterpart|(?:\w+['’]s\s+)?(?:president|foreign\s+\w+|secretary)\s+(?-i:[A-Z]))
      |\bphoned\b|\btelephoned\b|\btelefone\w+|\bvideo\s?conference\b|\bvideoconferencia\b|\bvideo\s+call\b)
  | (?P<ministerial>\breuni[oó]n\s+(?:a|de)\s+nivel\s+ministerial\b
      |\b(?:(?:reuni[oó]n|cita|encuentro|cumbre)\s+)?ministerial(?:es)?\b(?:\s+(?:meeting|session|talks|summit|gathering)\b)?
      |\breuni[oó]n\s+de\s+(?:ministros|secretarios|cancilleres)\b
      |\bmeeting\s+of\s+(?:\w+\s+){0,2}ministers\b|\bministers'?\s+meeting\b|\bministers?\s+(?:will\s+)?(?:meet|convene|gather)\b
      |(?<!\bthe\s)\bministers\s+(?:would|(?:are|were)\s+(?:(?:due|set|expected)\s+)?to|to)\s+(?:meet|convene|gather)\b
      |\bministros\s+(?:volver[aá]n\s+a\s+(?:reunirse|verse)|se\s+(?:re[uú]n\w*|ver[aá]n|vieron|ven|ver[ií]an))\b)
  | (?P<summit>\bcumbre\b(?!\s+de\s+negocios)|\bsummit\b)
  | (?P<dialogue>\bdi[aá]logo\s+(?:de\s+alto\s+nivel|bilateral|anual|econ[oó]mico|de\s+seguridad)\b
      |\b(?:high[- ]level\s+)?(?:security|bilateral|high[- ]level)\s+dialogue\b)
  | (?P<visit>\bvisit(?:a|as|ar|ará|arán|ó|aron|aría)\b|\bviaj(?:e|ar|ará|arán|ó|aron|a|an|aría)\b|\bgira\b|\btour\b
      |\bvisit(?:s|ed|ing)?\b|\btravel(?:s|ed|ing)?\s+to\b|\btrip\b|\bfl(?:y|ies|ew|ying)\s+to\b(?!\s+(?:reach|get)))
  | (?P<meeting>\breuni[oó]n(?:es)?\b|\bencuentros?\b|\bse\s+re[uú]n\w+\b|\breunir(?:se|án?|ían?)\b|\bse\s+reunieron\b
      |\bnos\s+(?:reuni(?:mos|remos)|vemos|veremos|vimos|encontramos|encontraremos)\b
      |\bse\s+(?:encuentren|encontrar[aá]n|encontrar[ií]an)\b|\by\s+otra\b(?=,|\s+(?:para|el|en)\b)
      |\bse\s+(?:ver[aá]n?|vieron|ven|ver[ií]an)\b(?!\s+(?:obligad|afectad))|\bsesi[oó]n(?:es)?\b|\bsesion\w+\b
      |\b(?:la|una|otra|nueva|siguiente|pr[oó]xima|primera|segunda|tercera)\s+cita\b
      |\b(?:vamos|van)\s+a\s+ver(?:se)?\b|\bsee\s+each\s+other\b|\bentrevist(?:ó|aron|ará|arán|arse)\s+con\b|\bronda\b|\bconversaciones\b|\bmesa\s+de\s+trabajo\b
      |\brecib(?:ir[áa]n?|ió|ieron|e)\s+al?\s+(?:(?:l[ao]s?\s+)?(?:secretari|embajador|president|canciller|fiscal|ministr)\w*|(?-i:[A-ZÁÉÍÓÚ])\w+)
      |\bhost(?:s|ed)?\s+(?-i:[A-Z])\w+|\bs[ia]t(?:s|ting)?\s+down\s+(?:again|together|with|on|for\s+talks)\b
      |\bmeetings?\b|\bmeets?\b|\bmet\b|\btalks\b|\bsessions?\b|\b(?:re)?conven(?:e|es|ed|ing)\b|\bgather(?:ed)?\s+(?:again|(?:on|in|at|next|this)\b)(?![^.;]{0,60}\b(?:ministerial|summit|meeting|session|talks)\b)|\bverse\b(?!\s+(?:obligad|afectad|envuelt|forzad))(?![^;.]{0,40}\bcumbre)|\bser[áa]n?\s+recibid[oa]s?\b|\bround\s+of\b|\b(?:first|second|third|fourth|fifth|next|new|last)\s+round\b|\bgathering\b)
  | (?P<other>\blleg(?:ó|aron|ará|arán|a|an)\b(?!.{0,70}\b(?:reunirse|entrevistarse))|\baterriz\w+|\blanded\b
      |\barriv(?:ed|es|ing)\b(?!.{0,70}\bto\s+meet)|\bvenc(?:e|en|ió|erá)\b|\bexpir\w+|\ben\s+vigor\b|\btakes?\s+effect\b
      |\btook\s+office\b|\btom(?:ó|a)\s+posesi[oó]n\b|\bregres(?:ó|aron|ará|arán|a)\b|\breturn(?:s|ed)?\b
      |\bvot(?:ó|ará|arán|ed|es?)\b|\bpublic(?:ó|aron|ada|ado|ará)\b|\bpublished\b|\bfirm(?:ó|aron|ada|ado|arán?)\b|\bsign(?:ed|s)\b
      |\bdetuv\w+|\bdetenid[oa]s?\b|\barrest(?:ed|s)?\b|\bextradit\w+|\btraslad(?:ó|aron|ado|ados)\b|\btransferred\b
      |\banunci(?:ó|aron|ada|ado)\b(?!\s+para)|\bannounced\b(?!\s+for)|\b(?:dijo|inform[oó]|declar[oó]|asegur[oó]|confirm[oó]|(?<!se\s)adelant[oó]|señal[oó]|explic[oó]|precis[oó]|indic[oó]|revel[oó]
        |afirm[oó]|detall[oó]|coment[oó]|expres[oó]|reiter[oó]|subray[oó])\b|\bhabl(?:ó|aron)\s+de\b(?!\s+nuevo)|\bd(?:io|ieron)\s+a\s+conocer\b
      |\bdifundi(?:ó|eron)\b|\bmañanera\b|\bconferencia\b|\b(?:press|news)\s+(?:conference|briefing)\b
      |\b(?:confirmed|stated|disclosed|revealed|added)\b|\btalk(?:ed|s)\s+(?:of|about)\b
      |\bsaid\b|\btold\b|\bwrote\b|\binstal(?:e|en)\b|\bnaci[oó]\b|\bborn\b|\bmuri[oó]\b|\bdied\b|\bkilled\b)
    """,
    re.VERBOSE | re.IGNORECASE,
)
_BOUNDARY = re.compile(r"[,;:—–]|\b(?:y|and|mientras|while|que|that|which|donde|where)\b", re.IGNORECASE)
# "que se llevará a cabo el", "scheduled for": what follows is the date of the talk before it.
_HELD_ON = re.compile(
    r"\b(?:se\s+(?:llevar[áa]n?|llev[óo])\s+a\s+cabo|se\s+(?:celebr|realiz|efectu|desarroll)\w+|tendr[áa]n?\s+lugar|tuvo\s+lugar|"
    r"program\w+|previst[oa]s?|agendad[oa]s?|fijad[oa]s?|convocad[oa]s?|scheduled|set|planned|slated|due|"
    r"(?:to|will|would)\s+be\s+held|held|tak(?:es?|ing)\s+place|took\s+place)\b[^,;]{0,30}$",
    re.IGNORECASE,
)
HELD_ON_FACTOR = 0.2  # of what else would keep the two apart
_CANCELLED = re.compile(
    r"\b(?:cancel(?:ó|aron|ad[oa]s?|l?ed|s)|suspend(?:ió|ieron|id[oa]s?|ed)|call(?:ed|s)\s+off|scrap(?:ped|s)|"
    r"no\s+(?:habrá|se\s+(?:reunirán?|verán?|celebrará|realizará|llevará))|(?:will\s+not|won't)\s+(?:meet|be\s+held|take\s+place|happen)|"
    r"there\s+will\s+be\s+no|(?:is|are)\s+off|sin\s+efecto)\b(?!\s+(?:tras|después|luego|after|following))",
    re.IGNORECASE,
)
_MOVED = re.compile(
    r"\b(?:pospu\w+|pospon\w+|pospuest[oa]s?|aplaz\w+|posterg\w+|difirió|diferid[oa]s?|reprogram\w+|reagend\w+|"
    r"se\s+(?:mueven?|movi(?:ó|eron)|recorr(?:ió|e|ieron))\s+al?|se\s+adelant(?:ó|aron)|fue\s+adelantad[oa]|postpone\w*|put(?:s)?\s+off|delayed|pushed\s+back|"
    r"moved\s+(?:up|back|to|forward)|pas(?:ó|ará|aría)\s+(?:al?|para)|rescheduled|brought\s+forward)\b",
    re.IGNORECASE,
)
_TO = re.compile(
    r"\b(?:para|al?|hasta|to|until|till|for)(?:\s+(?:el|la|the))?(?:\s+día)?\s+(?:[^\W\d_]+,?\s+)?$",
    re.IGNORECASE,
)
_POSSIBLE = re.compile(
    r"\b(?:podr[ií]an?|pudieran?|could|might|may\s+(?:meet|be|visit|travel|hold|host)|se\s+habla\s+de|"
    r"talk(?:ed|s|ing)?\s+(?:of|about)|contemplan?|(?:se\s+)?(?:analizan?|barajan?|estudian?|eval[uú]an?)|consider(?:s|ing)|weigh(?:s|ing)|explor(?:es?|ing)|under\s+(?:discussion|consideration)|"
    r"being\s+considered|tentativ\w+|posible(?:mente)?|possibl[ey]|eventual(?:mente)?|quiz[aá]s?|perhaps|tal\s+vez|"
    r"maybe)\b[^,;]*$",
    re.IGNORECASE,
)
_CONDITION = re.compile(
    r"\b(?:de\s+(?:concretarse|confirmarse)|si\s+se\s+(?:concreta|confirma)|if\s+(?:it\s+goes\s+ahead|confirmed|it\s+happens)|"
    r"nothing\s+is\s+(?:settled|confirmed)|nada\s+est[aá]\s+confirmado|sin\s+confirmar|unconfirmed)\b",
    re.IGNORECASE,
)
_OVER = re.compile(
    r"(?:had\s+)?(?:spoken?|talked|met|sat|phoned|telephoned|called)\b|(?:se\s+)?\w+(?:aron|ieron)\b"
    r"|(?:habló|llamó|telefoneó)\b",
    re.IGNORECASE,
)
_AFTER = re.compile(
    r"\b(?:tras|después\s+de|luego\s+de|durante|after|following|during)\s+(?:(?:la|el|una?|su|the|an?|their|his|her)\s+)?(?:\w+\s+)?$",
    re.IGNORECASE,
)
_PRESENT = re.compile(r"se\s+re[uú]nen?|meets?|viajan?|visit[as]?", re.IGNORECASE)
_DENIED = re.compile(
    r"\b(?:descart\w+|rul(?:ed|es?)\s+out|ning[uú]n[ao]?|no\s+hay|sin)\s+(?:\w+\s+)?$|"
    r"\b(?:descart\w+|rul(?:ed|es?)\s+out)\b.{0,30}$",
    re.IGNORECASE,
)
_SINCE = re.compile(r"(?:\b(?:since|desde)\s+(?:el\s+|la\s+|last\s+)?$)", re.IGNORECASE)
_WHEN = re.compile(r",\s+(?:cuando|when|(?:mes|día|fecha)\s+en\s+(?:el\s+|la\s+)?que)\b", re.IGNORECASE)
# "After March 4": a bound, and not the day of a talk; but "after Thursday's call".
_BOUND = re.compile(r"\b(?:después\s+del?|after)\s+(?:el\s+|the\s+)?$", re.IGNORECASE)
_OWN = re.compile(
    r"['’]s\b|\s+(?:call|meeting|talks|session|visit|summit|dialogue|ministerial)\b", re.IGNORECASE
)
_ASIDE = re.compile(r",\s+(?:cuando|when|as|mientras|while)\b[^,]*,", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Mention:
    """One talk with its date, as one sentence of an article puts it.

    ``when`` is possible where the sentence says that the talk may take place, and cancelled where it says that it
    will not on that day.
    """

    kind: Kind
    when: Tense
    date: str  # YYYY-MM-DD, or YYYY-MM where precision is month
    precision: Literal["day", "month"]
    sentence: str


def mentions(text: str, published: str, timezone: str | None, language: str | None) -> list[Mention]:
    """Return the dated talks a text speaks of, in its order, each once.

    ``published`` is ISO 8601; ``timezone`` is the outlet's IANA zone, in which "today" is today. Of the talks a
    sentence names, the nearest without a comma between is the one a date belongs to.
    Raises ValueError where ``published`` is no ISO 8601 time.
    """
    today = publication_day(published, timezone)
    found: dict[tuple[str, str], Mention] = {}
    for sentence in sentences(plain(text)):
        if is_correction(sentence):  # of another day than the article
            continue
        for mention in _in_sentence(sentence, today, language):
            found.setdefault((mention.kind, mention.date), mention)
    return list(found.values())


def _in_sentence(sentence: str, today: date, language: str | None) -> Iterator[Mention]:
    for named in named_dates(sentence, today, language):
        talk = _nearest(sentence, named, today)
        words = sentence[named.start : named.end].lower()
        since = _SINCE.search(sentence[: named.start]) or words.startswith(("since", "desde"))
        bound = _BOUND.search(sentence[: named.start]) and not _OWN.match(sentence, named.end)
        if talk is None or since or bound or _DENIED.search(sentence[: talk.start()]):
            continue
        tense = _tense(sentence, talk, named, today)
        day = named.date
        if tense == "coming" and day < today.isoformat()[: len(day)]:
            day = (
                f"{today.year + 1}{day[4:]}"
                if day[5:] < today.isoformat()[5 : len(day)]
                else f"{today.year}{day[4:]}"
            )
        yield Mention(_kind(talk), tense, day, named.precision, sentence)


def _nearest(sentence: str, named: NamedDate, today: date) -> re.Match[str] | None:
    """Return the talk that a date belongs to; None where it is nearer to something else, or to nothing."""
    best: tuple[float, re.Match[str]] | None = None
    asides = [
        aside.span()
        for aside in _ASIDE.finditer(sentence[:LONGEST])
        if not _within(named.start, aside.span())
    ]
    when = _WHEN.match(sentence, named.end)
    for match in _TALKS.finditer(sentence[:LONGEST]):
        around = next((aside for aside in asides if _within(match.start(), aside)), None)
        if around and (around[0] != named.end or match.lastgroup == "other"):
            continue
        if match.start() >= named.end and match.group().startswith("y otra"):
            continue
        if named.date > today.isoformat()[: len(named.date)] and _is_over(sentence, match):
            continue
        between = sentence[match.end() : named.start] or sentence[named.end : match.start()]
        cost = float(len(between) + CLAUSE_COST * (len(_BOUNDARY.findall(between)) + between.count(";")))
        if match.start() >= named.end:
            cost += AHEAD_COST
        if match.end() <= named.start and match.lastgroup != "other" and _HELD_ON.search(between):
            cost *= HELD_ON_FACTOR
        if when and when.end() <= match.start() < _clause_end(sentence, when.end()):
            cost *= HELD_ON_FACTOR
        if cost <= FARTHEST and (best is None or cost < best[0]):
            best = cost, match
    return None if best is None or best[1].lastgroup == "other" else best[1]


def _clause_end(sentence: str, start: int) -> int:
    found = sentence.find(",", start)
    return len(sentence) if found < 0 else found


def _is_over(sentence: str, talk: re.Match[str]) -> bool:
    """Tell whether the words for a talk say that it was held: then no coming date is its date."""
    return bool(_OVER.match(talk.group()) or _AFTER.search(sentence[: talk.start()]))


def _within(place: int, span: tuple[int, int]) -> bool:
    return span[0] <= place < span[1]


def _kind(match: re.Match[str]) -> Kind:
    kinds: dict[str, Kind] = {
        "call": "call",
        "ministerial": "ministerial",
        "summit": "summit",
        "dialogue": "dialogue",
        "visit": "visit",
    }
    return kinds.get(match.lastgroup or "", "meeting")


def _tense(sentence: str, talk: re.Match[str], named: NamedDate, today: date) -> Tense:
    """Return which way a talk lies, and whether it is only possible or will not be."""
    moved = _close(_MOVED, sentence, talk)
    if moved and not _POSSIBLE.search(sentence[: moved.start()]):
        to = sentence[named.start : named.end].lower().startswith(("to ", "for ", "until "))
        after = named.start >= moved.end() - len("to") and (to or _TO.search(sentence[: named.start]))
        return "coming" if after else "cancelled"
    if _close(_CANCELLED, sentence, talk):
        return "cancelled"
    now = today.isoformat()[: len(named.date)]
    present = _PRESENT.fullmatch(talk.group()) and not named.direction
    coming = (named.direction == "coming" or bool(present)) if named.date == now else named.date > now
    if not coming:
        return "past"
    doubtful = _POSSIBLE.search(sentence[: named.start]) or _CONDITION.search(sentence)
    return "possible" if doubtful else "coming"


def _close(pattern: re.Pattern[str], sentence: str, talk: re.Match[str]) -> re.Match[str] | None:
    """Return what is said of a talk near it, in the same clause."""
    for match in pattern.finditer(sentence[:LONGEST]):
        between = sentence[talk.end() : match.start()] or sentence[match.end() : talk.start()]
        if len(between) <= CLOSE and ";" not in between:
            return match
    return None
