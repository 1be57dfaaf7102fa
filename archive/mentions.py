"""Dated mentions of talks: the call that was held, the meeting that is announced, in one sentence each."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Literal

from archive.dates import LONGEST, NamedDate, named_dates, publication_day
from archive.sentences import plain, sentences

Kind = Literal["call", "ministerial", "summit", "dialogue", "visit", "meeting"]
Tense = Literal["past", "coming", "possible", "cancelled"]

FARTHEST = 260  # characters between a date and the talk it belongs to, with what commas cost
CLAUSE_COST = 60  # characters that a comma or a conjunction between the two counts for
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
      |\bphoned\b|\btelephoned\b)
  | (?P<ministerial>\b(?:(?:reuni[oó]n|cita|encuentro|cumbre)\s+)?ministerial(?:es)?\b
      |\breuni[oó]n\s+de\s+(?:ministros|secretarios|cancilleres)\b
      |\bministers'?\s+meeting\b|\bministers?\s+(?:will\s+)?(?:meet|convene|gather)\b|\bministros\s+se\s+re[uú]n\w*\b)
  | (?P<summit>\bcumbre\b(?!\s+de\s+negocios)|\bsummit\b)
  | (?P<dialogue>\bdi[aá]logo\s+(?:de\s+alto\s+nivel|bilateral|anual|econ[oó]mico|de\s+seguridad)\b
      |\b(?:high[- ]level\s+)?(?:security|bilateral|high[- ]level)\s+dialogue\b)
  | (?P<visit>\bvisit(?:a|as|ar|ará|arán|ó|aron|aría)\b|\bviaj(?:e|ar|ará|arán|ó|aron|a|an|aría)\b|\bgira\b|\btour\b
      |\bvisit(?:s|ed|ing)?\b|\btravel(?:s|ed|ing)?\s+to\b|\btrip\b)
  | (?P<meeting>\breuni[oó]n(?:es)?\b|\bencuentros?\b|\bse\s+re[uú]n\w+\b|\breunir(?:se|án?|ían?)\b|\bse\s+reunieron\b
      |\bse\s+(?:ver[aá]n?|vieron|ven|ver[ií]an)\b(?!\s+(?:obligad|afectad))|\bsesi[oó]n(?:es)?\b|\bsesion\w+\b
      |\b(?:la|una|otra|nueva|siguiente|pr[oó]xima|primera|segunda|tercera)\s+cita\b
      |\b(?:vamos|van)\s+a\s+ver(?:se)?\b|\bsee\s+each\s+other\b|\bentrevist(?:ó|aron|ará|arán|arse)\s+con\b|\bronda\b|\bconversaciones\b|\bmesa\s+de\s+trabajo\b
      |\bmeetings?\b|\bmeets?\b|\bmet\b|\btalks\b|\bsessions?\b|\bconven(?:e|es|ed|ing)\b|\bround\s+of\b|\b(?:first|second|third|fourth|fifth|next|new|last)\s+round\b|\bgathering\b)
  | (?P<other>\blleg(?:ó|aron|ará|arán|a|an)\b(?!.{0,70}\b(?:reunirse|entrevistarse))|\baterriz\w+|\blanded\b
      |\barriv(?:ed|es|ing)\b(?!.{0,70}\bto\s+meet)|\bvenc(?:e|en|ió|erá)\b|\bexpir\w+|\ben\s+vigor\b|\btakes?\s+effect\b
      |\btook\s+office\b|\btom(?:ó|a)\s+posesi[oó]n\b|\bregres(?:ó|aron|ará|arán|a)\b|\breturn(?:s|ed)?\b
      |\bvot(?:ó|ará|arán|ed|es?)\b|\bpublic(?:ó|aron|ada|ado|ará)\b|\bpublished\b|\bfirm(?:ó|aron|ada|ado|arán?)\b|\bsign(?:ed|s)\b
      |\bdetuv\w+|\bdetenid[oa]s?\b|\barrest(?:ed|s)?\b|\bextradit\w+|\btraslad(?:ó|aron|ado|ados)\b|\btransferred\b
      |\banunci(?:ó|aron|ada|ado)\b(?!\s+para)|\bannounced\b(?!\s+for)|\b(?:dijo|inform[oó]|declar[oó]|asegur[oó])\b
      |\bsaid\b|\btold\b|\bwrote\b|\binstal(?:e|en)\b|\bnaci[oó]\b|\bborn\b|\bmuri[oó]\b|\bdied\b|\bkilled\b)
    """,
    re.VERBOSE | re.IGNORECASE,
)
_BOUNDARY = re.compile(r"[,;:—–]|\b(?:y|and|mientras|while|que|that|which|donde|where)\b", re.IGNORECASE)
_CANCELLED = re.compile(
    r"\b(?:cancel(?:ó|aron|ad[oa]s?|l?ed|s)|suspend(?:ió|ieron|id[oa]s?|ed)|call(?:ed|s)\s+off|scrap(?:ped|s)|"
    r"no\s+(?:habrá|se\s+(?:reunirán?|verán?|celebrará|realizará|llevará))|(?:will\s+not|won't)\s+(?:meet|be\s+held|take\s+place|happen)|"
    r"there\s+will\s+be\s+no|(?:is|are)\s+off|sin\s+efecto)\b(?!\s+(?:tras|después|luego|por|after|because|following))",
    re.IGNORECASE,
)
_MOVED = re.compile(
    r"\b(?:pospu\w+|pospon\w+|pospuest[oa]s?|aplaz\w+|posterg\w+|difirió|diferid[oa]s?|reprogram\w+|reagend\w+|"
    r"se\s+adelant(?:ó|aron)|fue\s+adelantad[oa]|postpone\w*|put(?:s)?\s+off|delayed|pushed\s+back|"
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
_PRESENT = re.compile(r"se\s+re[uú]nen?|meets?|viajan?|visit[as]?", re.IGNORECASE)
_DENIED = re.compile(
    r"\b(?:descart\w+|rul(?:ed|es?)\s+out|ning[uú]n[ao]?|no\s+hay|sin)\s+(?:\w+\s+)?$|"
    r"\b(?:descart\w+|rul(?:ed|es?)\s+out)\b.{0,30}$",
    re.IGNORECASE,
)
_SINCE = re.compile(r"(?:\b(?:since|desde)\s+(?:el\s+|la\s+|last\s+)?$)", re.IGNORECASE)
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
        for mention in _in_sentence(sentence, today, language):
            found.setdefault((mention.kind, mention.date), mention)
    return list(found.values())


def _in_sentence(sentence: str, today: date, language: str | None) -> Iterator[Mention]:
    for named in named_dates(sentence, today, language):
        talk = _nearest(sentence, named)
        words = sentence[named.start : named.end].lower()
        since = _SINCE.search(sentence[: named.start]) or words.startswith(("since", "desde"))
        if talk is None or since or _DENIED.search(sentence[: talk.start()]):
            continue
        yield Mention(
            _kind(talk), _tense(sentence, talk, named, today), named.date, named.precision, sentence
        )


def _nearest(sentence: str, named: NamedDate) -> re.Match[str] | None:
    """Return the talk that a date belongs to; None where it is nearer to something else, or to nothing."""
    best: tuple[int, re.Match[str]] | None = None
    asides = [
        aside.span()
        for aside in _ASIDE.finditer(sentence[:LONGEST])
        if not _within(named.start, aside.span())
    ]
    for match in _TALKS.finditer(sentence[:LONGEST]):
        if any(_within(match.start(), aside) for aside in asides):
            continue
        between = sentence[match.end() : named.start] or sentence[named.end : match.start()]
        cost = len(between) + CLAUSE_COST * (len(_BOUNDARY.findall(between)) + between.count(";"))
        if cost <= FARTHEST and (best is None or cost < best[0]):
            best = cost, match
    return None if best is None or best[1].lastgroup == "other" else best[1]


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
        after = named.start >= moved.end() and _TO.search(sentence[: named.start])
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
