"""Bytes in the charsets and mix-ups that publishers really send."""

import pytest

from archive.extraction.encoding import MAX_BYTES, decode, normalise

SENTENCE = "El niño cruzó la frontera; «¿quién lo cuidó?», preguntó la señora Muñoz."
HTML = f"<html><head><meta charset='CHARSET'></head><body><p>{SENTENCE}</p></body></html>"


def page(declared: str) -> str:
    return HTML.replace("CHARSET", declared)


@pytest.mark.parametrize(
    ("declared", "real", "repaired"),
    [
        ("utf-8", "utf-8", ""),
        ("iso-8859-1", "latin-1", ""),
        ("windows-1252", "cp1252", ""),
        ("utf-8", "cp1252", "cp1252 called utf-8"),
        ("iso-8859-1", "utf-8", "utf-8 called iso8859-1"),
        ("no-such-charset", "utf-8", ""),
        ("no-such-charset", "cp1252", "cp1252 undeclared"),
        ("utf-16", "utf-16", ""),
        ("utf-16", "utf-16-le", "utf-16-le without a byte order mark"),
        ("utf-16", "utf-16-be", "utf-16-be without a byte order mark"),
        ("utf-8", "utf-8-sig", ""),
    ],
)
def test_spanish_is_readable_whatever_the_bytes(declared: str, real: str, repaired: str) -> None:
    text, note = decode(page(declared).encode(real), None)
    assert SENTENCE in text
    assert note == repaired


def test_header_stands_before_the_markup() -> None:
    body = "<p>Źródło</p>".encode("iso-8859-2")
    assert "Źródło" in decode(b"<meta charset='iso-8859-1'>" + body, "text/html; charset=iso-8859-2")[0]


def test_quotes_of_windows_are_read_under_latin_1() -> None:
    assert "“hola”—" in decode("<meta charset='iso-8859-1'>“hola”—".encode("cp1252"), None)[0]


def test_two_encodings_in_one_page() -> None:
    body = page("utf-8").encode() + "<p>Pie de página: ¡Síguenos! Año 2026</p>".encode("cp1252")
    text, note = decode(body, None)
    assert SENTENCE in text
    assert "Pie de página: ¡Síguenos! Año 2026" in text
    assert note == "utf-8 mixed with cp1252"


def test_text_encoded_twice_is_mended() -> None:
    twice = "<p>La reunión de mañana será en Cancún</p>\n".encode().decode("latin-1").encode()
    text, note = decode(twice * 3, None)
    assert "La reunión de mañana será en Cancún" in text
    assert "encoded again" in note


def test_doubled_entities_are_undone() -> None:
    text, note = decode(b"<p>El ni&amp;ntilde;o cruz&amp;oacute; la frontera, pregunt&amp;#243;</p>", None)
    assert "ni&ntilde;o cruz&oacute;" in text
    assert "entities doubled" in note


def test_a_text_about_entities_is_left_alone() -> None:
    assert "R&amp;D" in decode(b"<p>R&amp;D and AT&amp;T; 1 &amp;lt; 2</p>", None)[0]


def test_normal_form_and_invisible_marks() -> None:
    assert normalise("camio\u0301n\u200b sin\ufeff marcas") == "camión sin marcas"


def test_nul_bytes_are_dropped() -> None:
    assert (
        decode(b"<p>ho\x00la mundo entero y sus alrededores</p>", None)[0]
        == "<p>hola mundo entero y sus alrededores</p>"
    )


def test_size_is_bounded() -> None:
    assert len(decode(b"a" * (MAX_BYTES * 3), None)[0]) <= MAX_BYTES
