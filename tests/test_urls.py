import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archive.urls import (
    MAX_URL_LENGTH,
    BadURL,
    belongs_to,
    canonical_url,
    fetchable,
    is_amp_or_mobile,
    is_listing,
    literal_address,
    plausible_canonical,
    same_page,
    url_key,
)

HOME = "https://www.elfaro.com.mx/"

CLEANED = {
    "HTTPS://WWW.ElFaro.com.mx:443/nota#comentarios": "https://www.elfaro.com.mx/nota",
    "http://elfaro.com.mx:80": "http://elfaro.com.mx/",
    "https://elfaro.com.mx/a/../b/./c": "https://elfaro.com.mx/b/c",
    "https://elfaro.com.mx/n?utm_source=x&UTM_Medium=y&fbclid=z&id=7": "https://elfaro.com.mx/n?id=7",
    "https://elfaro.com.mx/story?id=7&p=2&idiom=es&r=4": "https://elfaro.com.mx/story?id=7&p=2&idiom=es&r=4",
    "https://elfaro.com.mx/n?partner=rss&smid=tw&mod=hp&st=abc&reflink=d&ref=home": "https://elfaro.com.mx/n",
    "https://elfaro.com.mx/index.php?module=news&id=3&utm_term=q": "https://elfaro.com.mx/index.php?module=news&id=3",
    "https://elfaro.com.mx/n/?outputType=amp": "https://elfaro.com.mx/n/",
    "https://elfaro.com.mx/rss/?outputType=xml": "https://elfaro.com.mx/rss/?outputType=xml",
    "https://elfaro.com.mx/n?amp": "https://elfaro.com.mx/n",
    "https://elfaro.com.mx/n?amp=1&p=9": "https://elfaro.com.mx/n?p=9",
    "https://elfaro.com.mx/amp/pais/nota-uno/": "https://elfaro.com.mx/pais/nota-uno/",
    "https://elfaro.com.mx/pais/nota-uno/amp/": "https://elfaro.com.mx/pais/nota-uno/",
    "https://elfaro.com.mx/pais/nota-uno/amp": "https://elfaro.com.mx/pais/nota-uno",
    "https://elfaro.com.mx/pais/nota-uno.amp.html": "https://elfaro.com.mx/pais/nota-uno.html",
    "https://elfaro.com.mx/pais/nota-uno.amp": "https://elfaro.com.mx/pais/nota-uno",
    "https://amp.elfaro.com.mx/nota": "https://elfaro.com.mx/nota",
    "https://m.elfaro.com.mx/nota": "https://elfaro.com.mx/nota",
    "https://mobile.elfaro.com.mx/nota": "https://elfaro.com.mx/nota",
    "https://www-elfaro-com-mx.cdn.ampproject.org/c/s/www.elfaro.com.mx/amp/nota": "https://www.elfaro.com.mx/nota",
    "https://www.google.com/amp/s/www.elfaro.com.mx/nota/amp/": "https://www.elfaro.com.mx/nota/",
    "https://elfaro.com.mx/se%c3%b1al-%7Euno?q=a%2fb": "https://elfaro.com.mx/se%C3%B1al-~uno?q=a/b",
    "https://elfaro.com.mx/señal uno": "https://elfaro.com.mx/se%C3%B1al%20uno",
    "https://elfaro.com.mx/n?a=1&amp;b=2": "https://elfaro.com.mx/n?a=1&b=2",
    " https://elfaro.com.mx/no\n\tta ": "https://elfaro.com.mx/nota",
    "http://reader:secret@elfaro.com.mx/nota": "http://elfaro.com.mx/nota",
    "http://127.0.0.2:8001/amp/nota?utm_source=x": "http://127.0.0.2:8001/nota",
    "https://elfaro.com.mx/campamento": "https://elfaro.com.mx/campamento",
}


@pytest.mark.parametrize(("given_url", "expected"), CLEANED.items())
def test_canonical_url_drops_only_what_does_not_choose_the_page(given_url, expected):
    assert canonical_url(given_url) == expected


def test_a_device_host_gives_way_to_the_host_of_the_homepage():
    assert canonical_url("https://m.elfaro.com.mx/nota", HOME) == "https://www.elfaro.com.mx/nota"
    assert (
        canonical_url("https://m.elfaro.com.mx/nota", "https://m.elfaro.com.mx/")
        == "https://m.elfaro.com.mx/nota"
    )
    assert canonical_url("https://amp.dev.elfaro.com.mx/n", HOME) == "https://dev.elfaro.com.mx/n"


@pytest.mark.parametrize(
    "hopeless",
    ["", "nota", "/nota", "//elfaro.com.mx/nota", "javascript:alert(1)", "data:text/html,x", "mailto:a@b.mx",
     "ftp://elfaro.com.mx/", "file:///etc/passwd", "http://", "http:///nota", "http://[::1",
     "http://a b.com/", "http://elfaro.com.mx:99999/", "http://elfaro.com.mx:x/", "http://elfaro.com.mx/\x00",
     "http://..mx/",
     "http://elfaro.com.mx/\ud800", "http://evil.com\\@elfaro.com.mx/", "http://xn--/", "http://-/"],
)  # fmt: skip
def test_hopeless_addresses_raise_badurl(hopeless):
    with pytest.raises(BadURL):
        canonical_url(hopeless)
    assert fetchable(hopeless) is not None
    assert url_key(hopeless) in {hopeless.strip(), "http://elfaro.com.mx/\\ud800"}


URLISH = st.one_of(
    st.text(),
    st.builds(
        "{}{}{}/{}{}".format,
        st.sampled_from(["http://", "https://", "HTTP://", "//", "http:", "ftp://", "https://u:p@"]),
        st.sampled_from(
            ["amp.m.x.com.mx", "M.x.com", "127.0.0.1", "[::1]", "señal.mx", "x.com.", "0x7f.1", "localhost"]
        ),
        st.sampled_from(["", ":80", ":443", ":8001", ":", ":0"]),
        st.text(alphabet="ampAMP./%2eñ;:@ \\-_a1", max_size=30),
        st.text(alphabet="?&=#%ampref_utm1;+ ñ", max_size=30),
    ),
)


@given(URLISH)
def test_addresses_of_any_kind_never_crash_and_cleaning_is_final(text):
    try:
        cleaned = canonical_url(text)
    except BadURL:
        assert fetchable(text) is not None
        return
    assert canonical_url(cleaned) == cleaned
    assert cleaned.isascii()
    assert url_key(cleaned) == url_key(text)
    assert not is_amp_or_mobile(cleaned)
    literal_address(text), is_listing(text)


@given(URLISH, URLISH)
def test_whose_an_address_is_can_always_be_said(candidate, home):
    belongs_to(candidate, home, [candidate])
    plausible_canonical(candidate, home, home, ["x.com"])
    url_key(candidate).encode()  # can be stored


ONE_ARTICLE = [
    "https://www.elfaro.com.mx/pais/acuerdo-de-seguridad-firmado/",
    "http://elfaro.com.mx/pais/acuerdo-de-seguridad-firmado",
    "https://m.elfaro.com.mx/pais/acuerdo-de-seguridad-firmado?utm_campaign=a",
    "https://amp.elfaro.com.mx/pais/acuerdo-de-seguridad-firmado.amp",
    "https://elfaro.com.mx/amp/pais/acuerdo-de-seguridad-firmado/#top",
    "https://elfaro.com.mx/pais/Acuerdo-de-Seguridad-firmado/index.html",
]


def test_six_addresses_of_one_article_share_a_key():
    assert {url_key(url) for url in ONE_ARTICLE} == {"elfaro.com.mx/pais/acuerdo-de-seguridad-firmado"}
    assert same_page(ONE_ARTICLE[0], ONE_ARTICLE[3])


@pytest.mark.parametrize(
    ("a", "b"),
    [("https://elfaro.com.mx/story?id=1", "https://elfaro.com.mx/story?id=2"),
     ("https://elfaro.com.mx/?p=1", "https://elfaro.com.mx/?p=2"),
     ("https://elfaro.com.mx/n/aBc1", "https://elfaro.com.mx/n/abC1"),
     ("http://127.0.0.1:8001/n", "http://127.0.0.1:8002/n"),
     ("https://elfaro.com.mx/nota", "https://elfaro.mx/nota"),
     ("https://elfaro.com.mx/a%2Fb?x", "https://elfaro.com.mx/c")],
)  # fmt: skip
def test_different_pages_keep_different_keys(a, b):
    assert not same_page(a, b)


def test_the_order_of_parameters_does_not_matter_to_the_key():
    assert same_page("https://elfaro.com.mx/n?b=2&a=1", "https://elfaro.com.mx/n?a=1&b=2")


def test_composed_and_decomposed_accents_are_one_key():
    assert same_page("https://elfaro.com.mx/m%C3%A9xico", "https://elfaro.com.mx/me%CC%81xico")


@pytest.mark.parametrize(
    ("url", "home", "hosts", "expected"),
    [("https://edicion.elfaro.com.mx/n", HOME, (), True),
     ("https://elfaro.mx/n", HOME, (), False),
     ("https://elfaro.mx/n", HOME, ("elfaro.mx",), True),
     ("https://www.elfaro.mx/n", HOME, ("elfaro.mx",), True),
     ("https://elfaro.mx/n", HOME, ("www.elfaro.mx",), True),
     ("https://noelfaro.mx/n", HOME, ("elfaro.mx",), False),
     ("https://otro.com.mx/n", HOME, (), False),
     ("https://sre.gob.mx/n", "https://www.gob.mx/sre", (), False),
     ("https://a.blogspot.com/n", "https://b.blogspot.com/", (), False),
     ("https://www.elfaro.com.mx@evil.com/n", HOME, (), False),
     ("https://elfaro.com.mx.evil.com/n", HOME, (), False),
     ("http://127.0.0.2:8001/n", "http://127.0.0.2:8001/", (), True),
     ("http://127.0.0.2:8002/n", "http://127.0.0.2:8001/", (), False),
     ("http://127.0.0.3:8001/n", "http://127.0.0.2:8001/", (), False),
     ("http://127.0.0.3:8001/n", "http://127.0.0.2:8001/", ("127.0.0.3",), True),
     ("http://127.0.0.3:8009/n", "http://127.0.0.2:8001/", ("127.0.0.3:8009",), True),
     ("http://localhost:8001/n", "http://localhost:8001/", (), True),
     ("http://localhost:8002/n", "http://localhost:8001/", (), False),
     ("http://m.faro.test:8001/n", "http://faro.test:8001/", (), True),
     ("http://otro.test:8001/n", "http://faro.test:8001/", (), False),
     ("javascript:alert(1)", HOME, (), False)],
)  # fmt: skip
def test_belongs_to(url, home, hosts, expected):
    assert belongs_to(url, home, hosts) is expected


PAGE = "https://www.elfaro.com.mx/pais/2026/acuerdo-de-seguridad-firmado?utm_source=x"


@pytest.mark.parametrize(
    ("candidate", "expected"),
    [("https://elfaro.com.mx/pais/2026/acuerdo-de-seguridad-firmado", True),
     ("/mexico/acuerdo-de-seguridad-firmado-77.html", True),
     ("https://elfaro.com.mx/?p=1234", True),
     ("https://elfaro.com.mx/pais/2026/acuerdo-de-seguridad-firmado/", True),
     (HOME, False),
     ("https://www.elfaro.com.mx/?utm_source=x", False),
     ("https://elfaro.com.mx/pais/", False),
     ("https://elfaro.com.mx/pais/2026", False),
     ("https://elfaro.com.mx/ultimas-noticias-de-hoy", False),
     ("https://elfaro.com.mx/es/", False),
     ("https://elfaro.com.mx/tag/acuerdo-de-seguridad", False),
     ("https://otro.mx/acuerdo-de-seguridad-firmado", False),
     ("javascript:void(0)", False),
     ("http://[::1", False),
     ("", True)],
)  # fmt: skip
def test_plausible_canonical(candidate, expected):
    sections = ["https://www.elfaro.com.mx/ultimas-noticias-de-hoy/"]
    assert plausible_canonical(candidate, PAGE, HOME, (), sections) is expected


def test_a_canonical_without_the_pages_parameters_is_plausible_where_it_still_names_the_article():
    article = f"{HOME}pais/acuerdo-de-seguridad-firmado-77.html"
    assert plausible_canonical(article, f"{article}?vista=todo", HOME)
    assert not plausible_canonical(f"{HOME}nota/ver", f"{HOME}nota/ver?id=3", HOME)


@pytest.mark.parametrize(
    ("url", "expected"),
    [("http://127.0.0.1/", "127.0.0.1"), ("http://2130706433/", "127.0.0.1"), ("http://0x7f.1/", "127.0.0.1"),
     ("http://0177.0.0.1/", "127.0.0.1"), ("http://[::ffff:10.0.0.1]/", "10.0.0.1"),
     ("http://[fe80::1]/", "fe80::1"), ("http://①②⑦.0.0.1/", "127.0.0.1")],
)  # fmt: skip
def test_numeric_hosts_are_read_in_every_spelling(url, expected):
    assert str(literal_address(url)) == expected


def test_names_are_no_numeric_hosts():
    assert literal_address(HOME) is None
    assert literal_address("nonsense") is None


def test_what_may_not_be_asked_is_said_why():
    assert fetchable(HOME) is None
    assert "credentials" in (fetchable("https://user:pass@elfaro.com.mx/") or "")
    assert str(MAX_URL_LENGTH) in (fetchable(HOME + "a" * 9_000) or "")
    assert "scheme ftp" in (fetchable("ftp://elfaro.com.mx/") or "")
    assert "control" in (fetchable("https://elfaro.com.mx/\x1b[31m") or "")


def test_listings_are_told_by_their_spelling():
    for path in (
        "",
        "nacional",
        "nacional/",
        "estados-unidos",
        "es/",
        "tag/armas",
        "mexico/page/2",
        "autor/ana-luz",
        "archive/2026/01",
        "sre/archivo",
    ):
        assert is_listing(HOME + path), path
    for path in (
        "nacional/acuerdo-de-seguridad",
        "?p=33",
        "acuerdo-de-seguridad-firmado",
        "77123",
        "story?id=3",
        "politics/archive/2026/01/a-long-slug",
        "sre/archivo/firman-acuerdo",
    ):
        assert not is_listing(HOME + path), path


@pytest.mark.parametrize(
    "piece", ["a", "-a", "/amp", "/", "%2e/", ";jsessionid=", "&ref=", "á", "m.", ".amp"]
)
def test_no_address_however_long_takes_time(piece):
    start = time.perf_counter()
    for length in (1_900, 100_000):
        url = f"{HOME}{piece * (length // len(piece))}"
        url_key(url), is_amp_or_mobile(url), is_listing(url), fetchable(url)
        plausible_canonical(url, url + "x", HOME)
    assert time.perf_counter() - start < 1
