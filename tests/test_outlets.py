import pytest

from archive.models import Outlet
from crawlers.outlets import OutletError, allowed_ports, load_outlets, refusal

GOOD = """
[[outlet]]
id = "el-faro"
name = "El Faro de Tijuana"
country = "MX"
language = "es"
homepage = "https://www.elfaro.com.mx/"
timezone = "America/Tijuana"
"""


def load(tmp_path, text):
    path = tmp_path / "outlets.toml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return load_outlets(path)


def test_a_minimal_block_takes_the_documented_defaults(tmp_path):
    assert load(tmp_path, GOOD) == [
        Outlet(
            id="el-faro",
            name="El Faro de Tijuana",
            country="MX",
            language="es",
            homepage="https://www.elfaro.com.mx/",
            timezone="America/Tijuana",
        )
    ]


def test_a_full_block_is_read_as_it_stands(tmp_path):
    text = (
        GOOD
        + """
kind = "regional"
feeds = ["https://www.elfaro.com.mx/feed/"]
sitemaps = ["http://127.0.0.1:8001/news.xml"]
sections = ["https://www.elfaro.com.mx/pais/"]
unverified = ["https://www.elfaro.com.mx/pais/"]
hosts = ["elfaro.mx", "127.0.0.1:8002"]
ports = [8443]
delay = 5
access = "feed-only"
agencies = ["EFE"]
screen = "summary"
"""
    )
    (outlet,) = load(tmp_path, text)
    assert outlet.kind == "regional"
    assert outlet.feeds == ("https://www.elfaro.com.mx/feed/",)
    assert outlet.unverified == outlet.sections
    assert outlet.delay == 5.0
    assert (outlet.access, outlet.agencies, outlet.screen) == ("feed-only", ("EFE",), "summary")
    assert allowed_ports(outlet) == {80, 443, 8001, 8002, 8443}


BAD_KEYS = {
    'colour = "red"': ("colour", "unknown key"),
    'kind = "blog"': ("kind", "must be one of"),
    'access = "free"': ("access", "must be one of"),
    'screen = "none"': ("screen", "must be one of"),
    'feeds = "https://www.elfaro.com.mx/feed/"': ("feeds", "must be a list"),
    "feeds = [3]": ("feeds", "must be a text"),
    'feeds = ["/feed/"]': ("feeds", "address"),
    'sitemaps = ["ftp://www.elfaro.com.mx/s.xml"]': ("sitemaps", "scheme ftp"),
    'sections = ["https://user:pass@www.elfaro.com.mx/"]': ("sections", "credentials"),
    'unverified = ["https://www.elfaro.com.mx/x"]': ("unverified", "not one of"),
    'hosts = ["https://elfaro.mx"]': ("hosts", "host name"),
    'hosts = ["elfaro.mx/pais"]': ("hosts", "host name"),
    'hosts = [""]': ("hosts", "not empty"),
    'ports = ["80"]': ("ports", "port"),
    "ports = [70000]": ("ports", "port"),
    "ports = [true]": ("ports", "port"),
    'delay = "2"': ("delay", "number of seconds"),
    "delay = true": ("delay", "number of seconds"),
    "delay = -1": ("delay", "from 0"),
    "delay = nan": ("delay", "from 0"),
    "agencies = [['EFE']]": ("agencies", "must be a text"),
}


@pytest.mark.parametrize(("line", "words"), BAD_KEYS.items())
def test_a_bad_key_is_named_with_file_and_outlet(tmp_path, line, words):
    with pytest.raises(OutletError) as caught:
        load(tmp_path, GOOD + line)
    message = str(caught.value)
    assert message.startswith(str(tmp_path / "outlets.toml"))
    assert "'el-faro'" in message
    assert f"'{words[0]}'" in message
    assert words[1] in message
    assert "\n" not in message


BAD_VALUES = {
    "id": ['"El Faro"', '"el--faro"', "7", '""'],
    "name": ["3", '""', '"a\\nb"'],
    "country": ['"CA"', "1"],
    "language": ['"fr"'],
    "homepage": ['"www.elfaro.com.mx"', '"javascript:alert(1)"', "[]"],
    "timezone": ['"America/Tijuanna"', '"../etc/passwd"', '"UTC-8"', "2"],
}


@pytest.mark.parametrize(
    ("key", "value"), [(key, value) for key, values in BAD_VALUES.items() for value in values]
)
def test_a_bad_required_value_is_named(tmp_path, key, value):
    lines = [f"{key} = {value}" if line.startswith(f"{key} =") else line for line in GOOD.splitlines()]
    with pytest.raises(OutletError, match=f"outlet .*key '{key}'"):
        load(tmp_path, "\n".join(lines))


@pytest.mark.parametrize("key", ["id", "name", "country", "language", "homepage", "timezone"])
def test_a_missing_key_is_named(tmp_path, key):
    text = "\n".join(line for line in GOOD.splitlines() if not line.startswith(f"{key} ="))
    with pytest.raises(OutletError, match=f"outlet .*missing key '{key}'"):
        load(tmp_path, text)


def test_an_id_used_twice_is_refused(tmp_path):
    with pytest.raises(OutletError, match=r"'el-faro'.*'id'.*twice"):
        load(tmp_path, GOOD + GOOD)


@pytest.mark.parametrize(
    ("text", "words"),
    [("[[outlet]]\nid = el-faro", "line 2"), (b"\xff\xfe", "not TOML"), ("", "declares no"),
     ("outlet = 3", "declares no"),
     ("outlet = [3]", "number 1"), ("[defaults]\ndelay = 1\n" + GOOD, "'defaults'"),
     ("[outlet]\nid='a'", "declares no")],
)  # fmt: skip
def test_what_is_no_registry_is_refused(tmp_path, text, words):
    with pytest.raises(OutletError, match=words) as caught:
        load(tmp_path, text)
    assert "outlets.toml" in str(caught.value)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(OutletError, match=r"nowhere\.toml"):
        load_outlets(tmp_path / "nowhere.toml")


REFUSED = {
    "javascript:alert(1)": "scheme javascript",
    "data:text/html,hola": "scheme data",
    "mailto:mesa@elfaro.com.mx": "scheme mailto",
    "ftp://www.elfaro.com.mx/a": "scheme ftp",
    "/nota": "no scheme",
    "https://otro.com.mx/nota": "not the outlet's",
    "http://10.0.0.8/admin": "private address: 10.0.0.8",
    "http://0x7f000001/": "private address: 127.0.0.1",
    "http://[::ffff:169.254.169.254]/": "private address: 169.254.169.254",
    "https://www.elfaro.com.mx:22/nota": "port 22",
    "https://www.elfaro.com.mx/" + "a" * 9_000: "2000 characters",
}


@pytest.mark.parametrize(("url", "words"), REFUSED.items())
def test_links_that_may_not_be_asked_are_refused_in_words(tmp_path, url, words):
    (outlet,) = load(tmp_path, GOOD)
    assert words in (refusal(url, outlet) or "")


def test_an_outlets_own_links_are_not_refused(tmp_path):
    (outlet,) = load(tmp_path, GOOD + 'hosts = ["elfaro.mx"]')
    for url in ("https://elfaro.com.mx/n", "http://m.elfaro.com.mx/n", "https://www.elfaro.mx/n"):
        assert refusal(url, outlet) is None


def test_a_loopback_outlet_may_be_asked_where_it_is_declared_and_nowhere_else(tmp_path):
    (outlet,) = load(tmp_path, GOOD.replace("https://www.elfaro.com.mx/", "http://127.0.0.2:8001/"))
    assert refusal("http://127.0.0.2:8001/nota", outlet) is None
    assert "private address" in (refusal("http://127.0.0.3:8001/nota", outlet) or "")
    assert "private address" in (refusal("http://127.0.0.2:8002/nota", outlet) or "")
