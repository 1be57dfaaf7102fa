"""How Spanish and English news text names dates, and the words that tell which way a date lies."""

import re

SPANISH_MONTHS = (
    "enero", "febrero", "marzo", "abril", "mayo", "junio", "julio", "agosto", "septiembre", "octubre",
    "noviembre", "diciembre",
)  # fmt: skip
ENGLISH_MONTHS = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september", "october",
    "november", "december",
)  # fmt: skip
MONTHS = {
    **{name: number for number, name in enumerate(SPANISH_MONTHS, 1)},
    **{name: number for number, name in enumerate(ENGLISH_MONTHS, 1)},
    **{name[:3]: number for number, name in enumerate(ENGLISH_MONTHS, 1)},
    "setiembre": 9,
    "sept": 9,
}
WEEKDAYS = {
    "lunes": 0, "martes": 1, "miércoles": 2, "miercoles": 2, "jueves": 3, "viernes": 4, "sábado": 5, "sabado": 5,
    "domingo": 6, "monday": 0, "tuesday": 1, "wednesday": 2, "thursday": 3, "friday": 4, "saturday": 5, "sunday": 6,
}  # fmt: skip
_SPANISH_MONTH = "|".join([*SPANISH_MONTHS, "setiembre"])
_ENGLISH_MONTH = "|".join([name.capitalize() for name in ENGLISH_MONTHS] + ["Sept"]) + (
    r"|(?:Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sept?|Oct|Nov|Dec)\."
)
_WEEKDAY = "|".join(WEEKDAYS)
COUNTS = {
    **dict.fromkeys(("un", "una", "a", "an", "one"), 1), "dos": 2, "two": 2, "tres": 3, "three": 3, "cuatro": 4,
    "four": 4, "cinco": 5, "five": 5, "seis": 6, "six": 6, "siete": 7, "seven": 7, "ocho": 8, "eight": 8, "nueve": 9,
    "nine": 9, "diez": 10, "ten": 10, "quince": 15,
}  # fmt: skip
_COUNT = rf"(?:{'|'.join(COUNTS)}|\d{{1,2}})"
_SPAN = r"(?:d[ií]as?|semanas?|mes(?:es)?|days?|weeks?|months?)"
_WEEK = r"(?:de\s+la\s+(?:pr[oó]xima\s+semana|semana\s+(?:pr[oó]xima|entrante|que\s+viene))|(?:of\s+)?next\s+week)"
_LAST_WEEK = r"(?:de\s+la\s+(?:semana\s+pasada|pasada\s+semana)|(?:of\s+)?last\s+week)"
RELATIVE = {
    "hoy": 0, "today": 0, "tonight": 0, "ayer": -1, "anoche": -1, "yesterday": -1, "anteayer": -2,
    "antier": -2, "tomorrow": 1, "pasado mañana": 2, "mañana": 1,
    "esta mañana": 0, "esta tarde": 0, "esta noche": 0, "this morning": 0, "this afternoon": 0, "this evening": 0,
}  # fmt: skip

DATE = re.compile(
    rf"""
    \b(?P<iso>20\d\d-\d\d-\d\d)\b
  | \b(?P<slash>\d{{1,2}}/\d{{1,2}}/20\d\d)\b
  | \b(?P<es_day>\d{{1,2}}|primero)[º°]?(?:\s*(?:,|y|al|a|e)\s*(?:el\s+)?\d{{1,2}})*\s+de(?:l\s+mes\s+de)?\s+
      (?:este\s+mes\s+de\s+)?(?P<es_month>(?i:{_SPANISH_MONTH}))\b
      (?:\s*(?:,|del?|del\s+año)?\s*(?P<es_year>(?:19|20)\d\d)\b)?
  | \b(?P<en_month>{_ENGLISH_MONTH})\s+(?P<en_day>\d{{1,2}})(?:st|nd|rd|th)?\b(?!:\d)
      (?:\s*(?:-|–|and|to)\s*\d{{1,2}}(?:st|nd|rd|th)?\b)?(?:,?\s+(?P<en_year>(?:19|20)\d\d)\b)?
  | \b(?P<day_en>\d{{1,2}})(?:st|nd|rd|th)?\s+(?:of\s+)?(?P<month_en>{_ENGLISH_MONTH})
      (?:,?\s+(?P<year_en>(?:19|20)\d\d)\b)?
  | \b(?P<es_only>(?i:{_SPANISH_MONTH}))\b(?:\s+(?:del?\s+)?(?P<es_only_year>(?:19|20)\d\d)\b
      |\s+(?P<es_after>próximo|entrante|pasado))?
  | (?i:\b(?:in|of|this|next|last|early|late|mid|until|since|for|by|before|after|as|to|and|or)
      [\s-]+(?:coming\s+)?(?:early\s+|late\s+|mid-?)?)
      (?P<en_only>{_ENGLISH_MONTH})(?!\w)(?![\w.]*\s+\d{{1,2}}\b)(?:,?\s+(?P<en_only_year>(?:19|20)\d\d)\b)?
  | \b(?i:(?:the|an?|that|its|their|his|her)\s+)(?P<month_noun>{_ENGLISH_MONTH})\s+(?=[a-z]{{3}})
  | \b(?P<next_month>(?i:(?:el\s+)?(?:próximo\s+mes|mes\s+(?:próximo|entrante|que\s+viene))(?!\s+de\s)|next\s+month))\b
  | \b(?P<last_month>(?i:(?:el\s+)?(?:mes\s+pasado|pasado\s+mes)(?!\s+de\s)|last\s+month))\b
  | \b(?P<this_month>(?i:(?:a\s+)?(?:finales|fines|fin)\s+de(?:l|\s+este)?\s+mes|(?:later\s+)?this\s+month
      |(?:el\s+)?(?:presente|este)\s+mes|(?:the\s+)?end\s+of\s+the\s+month))\b(?!\s+de\s)
  | \b(?P<ago>(?i:hace\s+(?P<ago_es>{_COUNT})\s+(?P<span_es>{_SPAN})
      |(?P<ago_en>{_COUNT})\s+(?P<span_en>{_SPAN})\s+ago))\b
  | \b(?P<ahead>(?i:(?:dentro\s+de|en|in)\s+(?P<ahead_count>{_COUNT})\s+(?P<ahead_span>{_SPAN})))\b(?!\s+(?:de|of)\b)
  | \b(?P<weekend>(?i:(?:el\s+próximo|el\s+pasado|este|el|this|next|last|over\s+the|the)\s+(?:fin\s+de\s+semana|weekend)
      (?:\s+(?:pasado|próximo|que\s+viene))?))\b
  | \b(?i:(?P<dir>this|next|last|this\s+coming|este|esta|el\s+próximo|el\s+pasado|próximo|pasado)\s+)?
      (?P<weekday>(?i:{_WEEKDAY}))\b(?:\s+(?P<dir_after>próximo|pasado|que\s+viene|siguiente))?
      (?:\s+(?i:(?P<next_week>{_WEEK})|(?P<last_week>{_LAST_WEEK})))?+
      (?!\s+the\s+\d{{1,2}}(?:st|nd|rd|th)\b)
      (?!,?\s+\d{{1,2}}\b(?!\s*(?:%|hours|horas|personas|people)))
      (?![,\s]+(?:\d{{1,2}}[º°]?\s+de\s|(?:{_ENGLISH_MONTH})\s+\d))
  | \b(?P<relative>(?i:pasado\s+mañana|esta\s+(?:mañana|tarde|noche)|this\s+(?:morning|afternoon|evening)|hoy|ayer
      |anoche|anteayer|antier|today|tonight|yesterday|tomorrow))\b
  | \b(?P<day_before>(?i:a\s+day\s+earlier|un\s+día\s+antes|el\s+día\s+anterior|la\s+víspera))\b
      (?!\s+(?:del?|than)\b)
  | (?<!la\s)(?<!esta\s)(?<!una\s)(?<!cada\s)\b(?P<tomorrow>[Mm]añana)\b
  | \b(?i:los\s+días)\s+(?P<days>\d{{1,2}})(?:\s*,\s*\d{{1,2}})*\s+y\s+\d{{1,2}}\b(?!\s+de\s)
  | \b(?i:{_WEEKDAY})\s+(?P<weekday_number>\d{{1,2}})\b(?!\s*(?:de\s|[.,:]\d|%|{_ENGLISH_MONTH}))
  | \b(?i:(?P<bare_dir>el\s+próximo|el\s+pasado|este|el\s+día|el|del|al|on\s+the|the))\s+(?:día\s+)?
      (?P<bare>\d{{1,2}})(?P<ordinal>st|nd|rd|th)?\b
      (?:(?P<of_this_month>\s+(?i:del\s+(?:presente|actual|mismo)(?:\s+mes)?|de\s+este\s+mes|del\s+mes|of\s+this\s+month))
      |\s*(?:al|a|y|e|and|to|-|–)\s+(?:el\s+)?\d{{1,2}}(?:\s+(?i:de\s+este\s+mes|del\s+mes|del\s+presente))?\b(?!\s+de\s)
      |(?=\s+(?i:nos|la|una|se|habrá|será|vuelven?|volver[áa]n?|sesionar[áa]n?)\b)
      |(?!\s*(?:de\s+\w|of\s+\w|%|por\s+ciento|percent|[.,:]\d|\w|st\b)))
    """,
    re.VERBOSE,
)


def _any_of(listed: str) -> re.Pattern[str]:
    """Return the pattern of alternatives written over several lines, as whole words in any case."""
    return re.compile(rf"\b(?:{''.join(line.strip() for line in listed.splitlines())})\b", re.IGNORECASE)


COMING = _any_of(
    rf"""
    para(?=\s+(?:el\s+)?(?:día\s+)?(?:\d+|{_WEEKDAY}|{_SPANISH_MONTH}|principios|mediados|finales)\b)|
    pr[oó]xim[oa]s?|siguientes?|entrante|venider[oa]s?|previst[oa]s?|programad[oa]s?|agendad[oa]s?|pactad[oa]s? para|
    convocad[oa]s?|planead[oa]s?|acordad[oa]s? para|fijad[oa]s? para|que viene|sigue en pie|(?:va|van|vamos) a \w+r|
    tienen? previsto|prev[eé]n?|planean?|alistan?|antes del?|a más tardar|deber[aá]n?|sean?|tengan? lugar|
    se (?:celebre|realice|efectúe|reúna)n?|contemplan?|iban? a|v[ií]speras|finales de|fines de|podr[ií]an?|
    se habla de|sin efecto|cancel\w*|pospu\w+|pospon\w+|llegan?|viajan?|se re[uú]nen?|
    comienzan?|se mueven?|inicia|arranca|reanudan?|
    \w{{2,}}(?:rá|rán|remos)|
    (?!(?:secreta|mayo|mine|catego|aseso|ingenie|audito|bate|gale|lote|teo|mensaje|conseje|sabidu|arme|infante|caballe|
    tuto|auto|memo|histo|victo|glo)r[ií]a)\w{{2,}}r[ií]an?|
    next|upcoming|coming|will|(?<=')ll|would|must|should|scheduled|planned|slated|expected|supposed|set (?:to|for)|due|
    plans? to|agreed (?:for|to)|is to|are to|was to (?:begin|start|take)|to be held|
    to (?:meet|host|hold|convene|travel|visit)|ahead of|forthcoming|still on|before|end of the month|later|could|might|
    talk(?:ed|s|ing)? (?:of|about)|by(?=\s+(?-i:[A-Z]))|no later than|(?:is|are)\s+off|called off|scrapp\w+|meets?|
    arrives?|travels?|takes? place|reconvenes?|hosts|begins?|starts|resumes?|convenes?|opens|eve of|
    consider(?:s|ing)|weigh(?:s|ing)
    """
)
PAST = _any_of(
    r"""
    pasad[oa]s?|tuvo|tuvieron|hubo|fue|fueron|hizo|hicieron|sostuvo|sostuvieron|dijo|tras|después de|luego de|desde|
    \w{2,}(?:aron|ieron|yeron)|\w{2,}ó|
    (?:pact|acord|anunci|firm)ad[oa]s?(?! para)|convenid[oa]s?(?! para)|\w*(?:tuvo|puso|vino|dijo|dujo)|
    (?:set|put)(?=\s+(?:an?|the|its|their|another)\b)|
    last|previous|earlier|ago|after|since|was(?! to\b)|were|had|met|(?<!be )held|spoke|took|said|told|came|went|grew|
    left|began|(?<!be )(?!(?:united|need|armed|hundred|speed|indeed|planned|scheduled|expected|slated|supposed|called|
    based|proposed|related|agreed (?:for|to)|set)\b)\w{2,}ed
    """
)
CLAUSE = re.compile(
    r"[;:]|,\s+(?:y|e|pero|mientras|and|but|while|dijo|anunció|informó|"
    r"señaló|afirmó|explicó|indicó|said|announced)\b|\s+(?:y|and)\s+(?=(?:que|that)\b)"
)
