"""Dated mentions of talks: the call that was held, the meeting that is announced, in one sentence each."""

import re
from dataclasses import dataclass
from datetime import date
from typing import Literal

from archive.dates import LONGEST, NamedDate, named_dates, publication_day
from archive.sentences import plain, sentences

Kind = Literal["call", "ministerial", "summit", "dialogue", "visit", "meeting"]

NEAR = 160  # characters between a date and the talk it belongs to
CLAUSE_COST = 60  # characters that a comma or a conjunction between the two counts for

# The kinds in the order they are tried: a "reunión ministerial" is a ministerial, not a meeting.
_TALKS = re.compile(
    r"""
    (?P<call>\bllamadas?\b(?!\s+a\s+(?:la|misa))|\btelef[oó]nic[oa]s?\b|\bpor\s+tel[eé]fono\b
      |\bhabl(?:ó|aron|ará|arán)\s+con\b
      |\bconversaci[oó]n\b|\bconversaron\b
      |\b(?:phone|telephone)\s+(?:call|conversation)\b|\bcalls?\b(?!\s+(?:on|for)\b)
      |\b(?:spoke|talked|speak|talk)\s+(?:by|on\s+the|over\s+the)\s+(?:tele)?phone\b|\bspoke\s+with\b|\bphoned\b|\btelephoned\b)
  | (?P<ministerial>\b(?:(?:reuni[oó]n|cita|encuentro|cumbre)\s+)?ministerial(?:es)?\b
      |\breuni[oó]n\s+de\s+(?:ministros|secretarios|cancilleres)\b
      |\bministers'?\s+meeting\b|\bministers?\s+(?:will\s+)?(?:meet|convene|gather)\b|\bministros\s+se\s+re[uú]n\w*\b)
  | (?P<summit>\bcumbre\b(?!\s+de\s+negocios)|\bsummit\b)
  | (?P<dialogue>\bdi[aá]logo\s+(?:de\s+alto\s+nivel|bilateral|anual|econ[oó]mico|de\s+seguridad)\b
      |\b(?:high[- ]level|security|bilateral)\s+dialogue\b)
  | (?P<visit>\bvisit(?:a|as|ar|ará|arán|ó|aron)\b|\bviaj(?:e|ará|arán|ó|aron|a|an)\b|\bgira\b|\bvisit(?:s|ed|ing)?\b
      |\btravel(?:s|ed|ing)?\s+to\b|\btrip\b)
  | (?P<meeting>\breuni[oó]n(?:es)?\b|\bencuentros?\b|\bse\s+re[uú]n\w+\b|\breunirse\b
      |\bsesi[oó]n(?:es)?\b|\bsesion\w+\b
      |\bla\s+cita\b|\bentrevist(?:ó|aron|ará|arán)\s+con\b|\bronda\b|\bconversaciones\b|\bmesa\s+de\s+trabajo\b
      |\bmeetings?\b|\bmeets?\b|\bmet\b|\btalks\b|\bsessions?\b|\bconven(?:e|es|ed|ing)\b|\bround\s+of\b|\bgathering\b)
    """,
    re.VERBOSE | re.IGNORECASE,
)
_BOUNDARY = re.compile(r"[,;:—–]|\b(?:y|and|mientras|while|que|that|which|donde|where)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Mention:
    """One talk with its date, as one sentence of an article puts it."""

    kind: Kind
    when: Literal["past", "coming"]
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
        for named in named_dates(sentence, today, language):
            talk = _nearest(sentence, named)
            if talk is not None:
                when = _when(named, today)
                mention = Mention(talk, when, named.date, named.precision, sentence)
                found.setdefault((mention.kind, mention.date), mention)
    return list(found.values())


def _nearest(sentence: str, named: NamedDate) -> Kind | None:
    best: tuple[int, Kind] | None = None
    for match in _TALKS.finditer(sentence[:LONGEST]):
        between = sentence[match.end() : named.start] or sentence[named.end : match.start()]
        cost = len(between) + CLAUSE_COST * len(_BOUNDARY.findall(between))
        if len(between) <= NEAR and (best is None or cost < best[0]):
            best = cost, _kind(match)
    return best[1] if best else None


def _kind(match: re.Match[str]) -> Kind:
    kinds: dict[str, Kind] = {
        "call": "call",
        "ministerial": "ministerial",
        "summit": "summit",
        "dialogue": "dialogue",
        "visit": "visit",
    }
    return kinds.get(match.lastgroup or "", "meeting")


def _when(named: NamedDate, today: date) -> Literal["past", "coming"]:
    now = today.isoformat()[: len(named.date)]
    if named.date == now:
        return "coming" if named.direction == "coming" else "past"
    return "coming" if named.date > now else "past"
