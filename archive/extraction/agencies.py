"""Wire services: how they sign, in credit lines and datelines, in Spanish and English."""

import re

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
    "Sputnik": ("Sputnik",),
    "Prensa Latina": ("Prensa Latina",),
    "Cuartoscuro": ("Cuartoscuro",),
    "Quadratín": ("Quadratín", "Quadratin"),
    "Infosel": ("Infosel",),
    "Agencia Reforma": ("Agencia Reforma",),
    "El Universal": ("Agencia El Universal", "El Universal / Agencia", "SUN"),
    "Apro": ("Apro", "apro", "APRO"),
    "CNN": ("CNN Wire", "CNN Newsource"),
    "The Canadian Press": ("The Canadian Press",),
    "States Newsroom": ("States Newsroom",),
    "Tribune News Service": ("Tribune News Service", "TNS"),
    "Cronkite News": ("Cronkite News",),
    "Kaiser Health News": ("KFF Health News", "Kaiser Health News"),
}
DATELINE_WITHIN = 6  # blocks; standfirst, byline and date may stand before the paragraph with the dateline
PHOTO_ONLY = frozenset({"Cuartoscuro"})  # credits pictures, not text

_CANONICAL = {form: name for name, forms in AGENCIES.items() for form in forms}
_FOLDED = {form.casefold(): name for form, name in _CANONICAL.items() if len(form) > 3}
_FORMS = "|".join(sorted(map(re.escape, _CANONICAL), key=len, reverse=True))

# "CIUDAD DE MÉXICO, 15 ene (EFE).-", "WASHINGTON (AP) —", "México, 3 Feb. (Notimex).-", "Madrid (EFE/Redacción)"
_DATELINE = re.compile(
    rf"^[^\n.()]{{0,90}}?\(\s*({_FORMS})(?:\s*[/,y-]\s*[\w .]{{2,30}})?\s*\)\s*[.:]?\s*[-–—―]{{1,2}}"
    rf"|^[^\n.()]{{2,90}}?\(\s*({_FORMS})\s*\)\s*[.:]?\s"
    rf"|^({_FORMS})\s*[.:]?\s*[-–—―]{{1,2}}\s"
    rf"|^[A-ZÁÉÍÓÚÑ][\w .,]{{2,70}}[,/]\s*\d{{0,2}}[\w .]{{0,12}}/?\s*({_FORMS})\s*/?\s*[.:]?\s*[-–—―]{{1,2}}"
)
_CREDIT_LINE = re.compile(
    rf"^\W*(?:(?:con\s+(?:información|datos|reportes)\s+de|información\s+(?:de|tomada\s+de)|fuente|vía|agencias?|source|via"
    rf"|with\s+(?:reporting|information|files)\s+(?:by|from)|from|by|por|texto)\s*:?\s*(?:la\s+agencia\s+|the\s+)?)?"
    rf"({_FORMS})\W*$",
    re.I,
)
_CREDIT_INSIDE = re.compile(
    rf"(?:con\s+información\s+de|with\s+(?:reporting|information|files)\s+from|copyright\s+\d{{4}}|©\s*\d{{0,4}}|\(c\)\s*\d{{0,4}})"
    rf"\s*:?\s*(?:la\s+agencia\s+|the\s+)?({_FORMS})\b",
    re.I,
)


def agency_named(name: str) -> str | None:
    """Return the canonical agency if the whole of this string is one's signature ("EFE", "The Associated Press")."""
    name = name.strip(" .,;:-–—/|()")
    return _CANONICAL.get(name) or _FOLDED.get(name.casefold())


def agency_in_byline(byline: str) -> str | None:
    """Return the agency among the parts of a byline such as "Juan Pérez / EFE" or "Agencias | AFP"."""
    for part in re.split(r"\s*[/|,;•·()]\s*|\s+(?:y|and|con|para|for|with|-|–)\s+", byline):
        if (found := agency_named(part)) and found not in PHOTO_ONLY:
            return found
    return None


def agency_in_text(paragraphs: list[str]) -> str | None:
    """Return the agency credited by the dateline of the first paragraphs or by a credit line at the end."""
    for paragraph in paragraphs[:DATELINE_WITHIN]:
        if match := _DATELINE.match(paragraph[:160]):
            return _known(next(group for group in match.groups() if group))
    for paragraph in [*paragraphs[:1], *reversed(paragraphs[-4:])]:
        match = _CREDIT_LINE.match(paragraph) if len(paragraph) < 90 else None
        match = match or (_CREDIT_INSIDE.search(paragraph) if len(paragraph) < 240 else None)
        if match and (found := _known(match[1])):
            return found
    return None


def _known(form: str) -> str | None:
    found = _CANONICAL.get(form) or _FOLDED.get(form.casefold())
    return None if found in PHOTO_ONLY else found
