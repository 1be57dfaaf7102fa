"""Wire services: how they sign, in credit lines and datelines, in Spanish and English."""

import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass

# Canonical name -> the forms in which it is printed as a credit. Case matters for the short ones.
AGENCIES: dict[str, tuple[str, ...]] = {
    "EFE": ("EFE", "Agencia EFE", "EFEverde", "EFE News"),
    "AP": ("AP", "Associated Press", "The Associated Press"),
    "Reuters": ("Reuters", "REUTERS", "Thomson Reuters"),
    "AFP": ("AFP", "Agence France-Presse", "Agence France Presse"),
    "Notimex": ("Notimex", "NTX", "NOTIMEX"),
    "Europa Press": ("Europa Press", "EP", "EUROPA PRESS"),
    "Border Report": ("Border Report", "BorderReport", "BorderReport.com"),
    "DPA": ("DPA", "dpa", "Deutsche Presse-Agentur"),
    "ANSA": ("ANSA",),
    "Xinhua": ("Xinhua", "XINHUA"),
    "UPI": ("UPI", "United Press International"),
    "Bloomberg": ("Bloomberg", "Bloomberg News"),
    "Sputnik": ("Sputnik", "Sputnik International"),
    "Prensa Latina": ("Prensa Latina",),
    "Cuartoscuro": ("Cuartoscuro",),
    "Quadratín": ("Quadratín", "Quadratin"),
    "Infosel": ("Infosel",),
    "Agencia Reforma": ("Agencia Reforma",),
    "El Universal": ("Agencia El Universal", "El Universal / Agencia", "SUN"),
    "Apro": ("Apro", "apro", "APRO"),
    "CNN": ("CNN", "CNN Wire", "CNN Newsource"),
    "The Canadian Press": ("The Canadian Press",),
    "States Newsroom": ("States Newsroom",),
    "Tribune News Service": ("Tribune News Service", "TNS"),
    "Cronkite News": ("Cronkite News",),
    "Kaiser Health News": ("KFF Health News", "Kaiser Health News"),
}
# Before the agency of a dateline no sentence ends; the periods of "Ariz." and "D.C." are none.
_BEFORE = r"(?:[^\n.()]|\.(?=\s*[(,\d]|\w\.))"
DATELINE_WITHIN = 6  # blocks; standfirst, byline and date may stand before the paragraph with the dateline
PHOTO_ONLY = frozenset({"Cuartoscuro"})  # credits pictures, not text


@dataclass(frozen=True, slots=True)
class _Signatures:
    """How a set of agencies is recognised."""

    canonical: dict[str, str]  # printed form -> name
    folded: dict[str, str]
    dateline: re.Pattern[str]
    credit_line: re.Pattern[str]
    credit_inside: re.Pattern[str]


def _signatures(agencies: Mapping[str, tuple[str, ...]]) -> _Signatures:
    canonical = {form: name for name, forms in agencies.items() for form in forms}
    names = "|".join(sorted(map(re.escape, canonical), key=len, reverse=True))
    return _Signatures(
        canonical=canonical,
        folded={form.casefold(): name for form, name in canonical.items() if len(form) > 3},
        # "CIUDAD DE MÉXICO, 15 ene (EFE).-", "WASHINGTON (AP) —", "México, 3 Feb. (Notimex).-", "(EFE/Redacción)"
        dateline=re.compile(
            rf"^{_BEFORE}{{0,90}}?\(\s*({names})(?:\s*[/,y-]\s*[\w .]{{2,30}})?\s*\)\s*[.:]?\s*[-–—―]{{1,2}}"
            rf"|^{_BEFORE}{{2,90}}?\(\s*({names})\s*\)\s*[.:]?\s"
            rf"|^({names})\s*[.:]?\s*[-–—―]{{1,2}}\s"
            rf"|^[A-ZÁÉÍÓÚÑ][\w .,]{{2,70}}[,/]\s*\d{{0,2}}[\w .]{{0,12}}/?\s*({names})\s*/?\s*[.:]?\s*[-–—―]{{1,2}}"
        ),
        credit_line=re.compile(
            rf"^\W*(?:(?:con\s+(?:información|datos|reportes)\s+de|información\s+(?:de|tomada\s+de)|fuente|vía|agencias?|source|via"
            rf"|with\s+(?:reporting|information|files)\s+(?:by|from)|from|by|por|texto)\s*:?\s*(?:la\s+agencia\s+|the\s+)?)?"
            rf"({names})\W*$",
            re.I,
        ),
        credit_inside=re.compile(
            rf"(?:con\s+información\s+de|with\s+(?:reporting|information|files)\s+from|copyright\s+\d{{4}}|©\s*\d{{0,4}}|\(c\)\s*\d{{0,4}})"
            rf"\s*:?\s*(?:la\s+agencia\s+|the\s+)?({names})\b",
            re.I,
        ),
    )


_KNOWN = _signatures(AGENCIES)


_SIGNED_BY = re.compile(r"^\W*(?:por|by|from)\b\s*:?\s*(?:(?:la\s+agencia|the)\s+(?=[A-Z]))?", re.IGNORECASE)


@functools.lru_cache(maxsize=256)
def _sets(declared: tuple[str, ...]) -> tuple[_Signatures, ...]:
    """Return the known agencies and, where an outlet declares others, those."""
    others = {name: (name,) for name in declared if not _named(name, _KNOWN)}
    return (_KNOWN, _signatures(others)) if others else (_KNOWN,)


def agency_named(name: str, declared: tuple[str, ...] = ()) -> str | None:
    """Return the canonical agency if the whole of this string is one's signature ("EFE", "The Associated Press").

    ``declared`` are the agencies whose copy the outlet is said to run, in every function of this module.
    """
    return next(filter(None, (_named(name, signatures) for signatures in _sets(declared))), None)


def _named(name: str, signatures: _Signatures) -> str | None:
    name = name.strip(" .,;:-–—/|()")
    return signatures.canonical.get(name) or signatures.folded.get(name.casefold())


def agency_in_byline(byline: str, declared: tuple[str, ...] = ()) -> str | None:
    """Return the agency among the parts of a byline such as "Juan Pérez / EFE" or "Agencias | AFP"."""
    byline = _SIGNED_BY.sub("", byline)
    for part in re.split(r"\s*[/|,;•·()]\s*|\s+(?:y|and|con|para|for|with|-|–)\s+", byline):
        found = agency_named(part, declared) or without_agency(part, declared)[1]
        if found and found not in PHOTO_ONLY:
            return found
    return None


def without_agency(name: str, declared: tuple[str, ...] = ()) -> tuple[str, str | None]:
    """Return a signature such as "MARK STEVENSON Associated Press" without the agency, and the agency."""
    words = name.split()
    for count in (1, 2):
        if len(words) >= count + 2 and (found := agency_named(" ".join(words[-count:]), declared)):
            return " ".join(words[:-count]), found
    return name, None


def agency_in_text(paragraphs: list[str], declared: tuple[str, ...] = ()) -> str | None:
    """Return the agency credited by the dateline of the first paragraphs or by a credit line at the end."""
    found = (_credited(paragraphs, signatures) for signatures in _sets(declared))
    return next(filter(None, found), None)


def _credited(paragraphs: list[str], signatures: _Signatures) -> str | None:
    for paragraph in paragraphs[:DATELINE_WITHIN]:
        if match := signatures.dateline.match(paragraph[:160]):
            return _of_text(next(group for group in match.groups() if group), signatures)
    for paragraph in [*paragraphs[:1], *reversed(paragraphs[-4:])]:
        match = signatures.credit_line.match(paragraph) if len(paragraph) < 90 else None
        match = match or (signatures.credit_inside.search(paragraph) if len(paragraph) < 240 else None)
        if match and (found := _of_text(match[1], signatures)):
            return found
    return None


def _of_text(form: str, signatures: _Signatures) -> str | None:
    found = signatures.canonical.get(form) or signatures.folded.get(form.casefold())
    return None if found in PHOTO_ONLY else found
