"""Letters without case and accents, one for one, as the full-text index sees them."""

import hashlib
import re
import unicodedata

WORD = re.compile(r"[^\W_]+")  # what the index takes for a word: letters and digits

MIN_DIGESTED = 12  # characters
_NOT_WORDS = re.compile(r"[\W_]+")
_BIDI = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
_UNSAFE = {
    **dict.fromkeys([*range(0x20), *range(0x7F, 0xA0)], None),
    **{ord(character): " " for character in "\t\n\v\f\r\x85\u2028\u2029"},
    **dict.fromkeys(map(ord, _BIDI), None),
}
_ANY_UNSAFE = re.compile(f"[{re.escape(''.join(map(chr, _UNSAFE)))}]")


class _Folding(dict[int, str]):
    def __missing__(self, code: int) -> str:
        character = chr(code)
        folded = unicodedata.normalize("NFD", character)[0].lower()[0]
        self[code] = folded
        return folded


_FOLDING = _Folding()
LONG = 24  # letters; texts of so many or more are folded all at once, which takes an eighth of the time
_CODEPAGE = "cp1252"  # has the letters and quotation marks of both languages, each in one byte


def _folded_byte(number: int) -> int:
    letter = bytes([number]).decode(_CODEPAGE, "ignore")
    return _FOLDING[ord(letter)].encode(_CODEPAGE)[0] if letter else number


_FOLDED_BYTES = bytes(map(_folded_byte, range(0x100)))


def fold(text: str) -> str:
    """Return the text in small letters without accents, ñ included; of the same length, place for place.

    The text should be in NFC: see `composed`.
    """
    if text.isascii():
        return text.lower()
    if len(text) < LONG:
        return text.translate(_FOLDING)
    try:
        return text.encode(_CODEPAGE).translate(_FOLDED_BYTES).decode(_CODEPAGE)
    except UnicodeEncodeError:
        return text.translate(_FOLDING)


def composed(text: str) -> str:
    """Return the text in NFC, letters and their accents in one."""
    return text if unicodedata.is_normalized("NFC", text) else unicodedata.normalize("NFC", text)


def words(text: str) -> list[str]:
    """Return the folded words of a text, in order."""
    return WORD.findall(fold(composed(text)))


def harmless(text: str) -> str:
    """Return the text without control characters and marks that turn the direction of writing.

    What breaks a line becomes a space. A terminal then prints it as it stands.
    """
    return text.translate(_UNSAFE) if _ANY_UNSAFE.search(text) else text


def block_digest(text: str) -> str | None:
    """Return 16 hex characters that stand for a line whatever its case, spacing and punctuation.

    None where it is shorter than 12 characters: such ("Continúa:") repeat by chance.
    """
    plain = _NOT_WORDS.sub(" ", composed(text).casefold()).strip()
    if len(plain) < MIN_DIGESTED:
        return None
    return hashlib.blake2b(plain.encode(), digest_size=8).hexdigest()
