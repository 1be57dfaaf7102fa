import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from archive.cli import main
from archive.models import Outlet
from archive.options import SHIPPED_OUTLETS
from crawlers.outlets import CHECKS, OutletError, allowed_ports, load_outlets, refusal

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


# The registry that is shipped


SHIPPED = load_outlets(SHIPPED_OUTLETS)


def routes_of(outlet):
    return (*outlet.feeds, *outlet.sitemaps, *outlet.sections)


def test_the_shipped_registry_is_as_wide_as_it_says():
    assert len(SHIPPED) >= 150
    assert sum(outlet.country == "MX" for outlet in SHIPPED) >= 75
    assert sum(outlet.country == "US" for outlet in SHIPPED) >= 65
    official = [outlet for outlet in SHIPPED if outlet.kind == "official"]
    assert len(official) >= 20
    assert {outlet.country for outlet in official} == {"MX", "US"}


def test_nearly_every_outlet_has_two_routes_and_no_two_share_one():
    several = [outlet for outlet in SHIPPED if len(routes_of(outlet)) >= 2]
    assert len(several) / len(SHIPPED) >= 0.95
    assert all(routes_of(outlet) for outlet in SHIPPED)
    every = [url for outlet in SHIPPED for url in routes_of(outlet)]
    assert len(every) == len(set(every))


def test_most_outlets_have_a_route_that_was_reported_alive():
    evidenced = [outlet for outlet in SHIPPED if set(routes_of(outlet)) - set(outlet.unverified)]
    assert len(evidenced) / len(SHIPPED) >= 0.8


def test_outlets_whose_pages_are_not_fetched_are_asked_only_for_what_feeds_say():
    for outlet in SHIPPED:
        if outlet.access == "feed-only":
            assert outlet.sections == (), outlet.id
            assert outlet.feeds or outlet.sitemaps, outlet.id


def test_border_outlets_keep_their_own_time():
    zones = {outlet.id: outlet.timezone for outlet in SHIPPED}
    assert zones["zetatijuana-mx"] == "America/Tijuana"
    assert zones["diario-juarez-mx"] == "America/Ciudad_Juarez"
    assert zones["elimparcial-mx"] == "America/Hermosillo"
    assert zones["azcentral"] == "America/Phoenix"
    assert len(set(zones.values())) >= 12


def test_the_example_in_the_docs_is_a_registry(tmp_path):
    docs = (Path(__file__).parents[1] / "docs" / "adding-an-outlet.md").read_text(encoding="utf-8")
    (outlet,) = load(tmp_path, docs.partition("```toml")[2].partition("```")[0])
    assert outlet.timezone == "America/Ciudad_Juarez"
    keys = {key for key in CHECKS if f"`{key}`" in docs}
    assert set(CHECKS) - keys == {"ports"}


# The commands


def run(*arguments):
    return CliRunner().invoke(main, ["outlets", *map(str, arguments)])


def test_the_table_in_the_docs_is_current():
    result = run("list", "--markdown")
    assert result.exit_code == 0
    assert (Path(__file__).parents[1] / "docs" / "outlets.md").read_text(encoding="utf-8") == result.output


def test_list_as_json_and_by_country(tmp_path):
    path = tmp_path / "outlets.toml"
    path.write_text(GOOD, encoding="utf-8")
    (outlet,) = json.loads(run("list", "--json", "--outlets", path).output)
    assert (outlet["id"], outlet["timezone"], outlet["feeds"]) == ("el-faro", "America/Tijuana", [])
    assert json.loads(run("list", "--json", "--outlets", path, "--country", "US").output) == []


def test_a_bad_registry_ends_a_command_with_one_line(tmp_path):
    path = tmp_path / "outlets.toml"
    path.write_text(GOOD + 'colour = "red"', encoding="utf-8")
    result = run("check", "--outlets", path)
    assert result.exit_code == 2
    assert "'el-faro': unknown key 'colour'" in result.output


def test_check_says_which_routes_are_alive(small_newsroom, tmp_path):
    registry = small_newsroom.registry(tmp_path / "outlets.toml")
    text = registry.read_text(encoding="utf-8")
    base = small_newsroom.base("faro")
    lost = f"{base}/no-such-feed.xml"
    page = f"{base}/politica/"
    text = text.replace(
        f'feeds = ["{base}/rss.xml"]',
        f'feeds = ["{base}/rss.xml", "{lost}", "{page}?x=1"]\nunverified = ["{base}/rss.xml"]',
    )
    registry.write_text(text, encoding="utf-8")
    result = run("check", "--outlets", registry, "--allow-private-hosts", "--json")
    assert result.exit_code == 0, result.output
    report = json.loads(result.stdout)
    found = {route["url"]: route for route in report["routes"]}
    assert found[f"{base}/rss.xml"]["state"] == "alive"
    assert found[f"{base}/rss.xml"]["unverified"] is True
    assert found[f"{base}/rss.xml"]["newest"] == "2026-01-15T18:42:00-06:00"
    assert found[f"{base}/sitemap-news.xml"]["items"] >= 1
    assert found[page]["state"] == "alive"
    assert (found[lost]["state"], found[lost]["status"]) == ("failed", 404)
    assert found[f"{page}?x=1"]["reason"] == "html instead of a feed"


def test_check_refuses_loopback_unless_told(small_newsroom, tmp_path):
    registry = small_newsroom.registry(tmp_path / "outlets.toml")
    result = run("check", "--outlets", registry, "--outlet", "ledger")
    assert result.exit_code == 0
    assert "private address" in result.output
    assert "0 alive" in result.output


@pytest.mark.slow
def test_discover_prints_a_block_that_can_be_used(small_newsroom, tmp_path):
    base = small_newsroom.base("faro")
    result = run("discover", f"{base}/", "--allow-private-hosts")
    assert result.exit_code == 0, result.output
    path = tmp_path / "found.toml"
    path.write_text(result.stdout, encoding="utf-8")
    (outlet,) = load_outlets(path)
    assert outlet.homepage == f"{base}/"
    assert (outlet.language, outlet.country, outlet.timezone) == ("es", "MX", "America/Mexico_City")
    assert outlet.name == "El Faro de Pruebas (ficticio)"
    assert f"{base}/rss.xml" in outlet.feeds
    assert f"{base}/sitemap-news.xml" in outlet.sitemaps


def test_discover_says_why_a_homepage_cannot_be_asked():
    result = run("discover", "http://127.0.0.9:9/")
    assert result.exit_code == 1
    assert "private address" in result.output
    assert run("discover", "ftp://example.com/").exit_code == 2
