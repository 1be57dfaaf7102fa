"""Numbers in Spanish and English text, in one notation: "10 mil" is 10000, "thirty-seven" and "treinta y siete" 37."""

import re
from collections import Counter
from collections.abc import Sequence

from archive.date_words import MONTHS

LEAST = 8  # smaller numbers are said in every text
YEARS = range(1900, 2101)

_UNITS = {"mil": 1000, "thousand": 1000, "millon": 10**6, "millones": 10**6, "million": 10**6}
_SPANISH_SMALL = (
    "ocho nueve diez once doce trece catorce quince dieciseis diecisiete dieciocho diecinueve veinte "
    "veintiuno veintidos veintitres veinticuatro veinticinco veintiseis veintisiete veintiocho veintinueve"
)
_ENGLISH_SMALL = (
    "eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen twenty"
)
_SPANISH_TENS = ("treinta", "cuarenta", "cincuenta", "sesenta", "setenta", "ochenta", "noventa")
_ENGLISH_TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_SPANISH_ONES = ("uno", "dos", "tres", "cuatro", "cinco", "seis", "siete", "ocho", "nueve")
_ENGLISH_ONES = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
_HUNDREDS = ("cien", "doscientos", "trescientos", "cuatrocientos", "quinientos", "seiscientos")
_TENS = {word: 10 * tens for tens, word in enumerate(_SPANISH_TENS, 3)}
_ONES = {word: one for one, word in enumerate(_SPANISH_ONES, 1)} | {"un": 1, "una": 1}
_WORDS = {
    **{word: number for number, word in enumerate(_SPANISH_SMALL.split(), LEAST)},
    **{word: number for number, word in enumerate(_ENGLISH_SMALL.split(), LEAST)},
    "veintiun": 21,
    "veintiuna": 21,
    **_TENS,
    **{word: 10 * tens for tens, word in enumerate(_ENGLISH_TENS, 2)},
    **{
        f"{word}-{one}": 10 * tens + number
        for tens, word in enumerate(_ENGLISH_TENS, 2)
        for number, one in enumerate(_ENGLISH_ONES, 1)
    },
    **{word: 100 * hundreds for hundreds, word in enumerate(_HUNDREDS, 1)},
}
_GROUPED = re.compile(r"\d{1,3}(?:[.,]\d{3})+")


def count_numbers(tokens: Sequence[str]) -> Counter[str]:
    """Count the numbers from 8 up that are no year, hour or day of a month; ``tokens`` are folded, in order."""
    found: Counter[str] = Counter()
    for place in range(len(tokens)):
        value = _value(tokens, place)
        if value is None or _is_date(tokens, place):
            continue
        following = tokens[place + 1] if place + 1 < len(tokens) else ""
        value *= _UNITS.get(following, 1)
        if value >= LEAST and value not in YEARS:
            found[f"number:{value:g}"] += 1
    return found


def _value(tokens: Sequence[str], place: int) -> float | None:
    token = tokens[place]
    if token[0].isdigit():
        return _digits(token)
    if token in _TENS and tokens[place + 1 : place + 2] == ["y"]:
        return _TENS[token] + _ONES.get("".join(tokens[place + 2 : place + 3]), 0)
    if place > 1 and tokens[place - 1] == "y" and tokens[place - 2] in _TENS:
        return None  # "ocho" in "treinta y ocho"
    return _WORDS.get(token)


def _digits(token: str) -> float | None:
    number = re.sub(r"[.,]", "", token) if _GROUPED.fullmatch(token) else token.replace(",", ".")
    try:
        return float(number)
    except ValueError:
        return None


def _is_date(tokens: Sequence[str], place: int) -> bool:
    before = tokens[place - 1] if place else ""
    after = [token.rstrip(".") for token in tokens[place + 1 : place + 3]]
    named = after[1:] if after[:1] == ["de"] else after[:1]
    return before.rstrip(".") in MONTHS or any(month in MONTHS for month in named)
