"""The site asked what nobody should ask: random paths and parameters. Words come back, never a trace, never 500."""

import asyncio
import random
from typing import Any
from urllib.parse import quote

import pytest

from archive.site.limits import Buckets, costly, limited, network
from tests.site_pages import Get, client
from tests.small_archive import build

PATHS = (
    "/", "/search", "/search.atom", "/search.csv", "/search.json", "/article/1", "/article/1.bib", "/changes",
    "/changes.atom", "/stories", "/story/1", "/story/1.csv", "/calendar", "/calendar.ics", "/outlets", "/outlet/faro",
    "/about", "/archive", "/archive/articles", "/archive/articles.csv", "/archive/articles.json", "/archive/pages/x",
    "/-/versions.json", "/archive.db", "/static/site.css", "/robots.txt",
)  # fmt: skip
NAMES = (
    "q", "sort", "outlet", "country", "language", "grade", "from", "to", "copies", "after", "before", "lang", "page",
    "cursor", "sql", "_search", "_sort", "_size", "_facet", "_next", "_where", "_shape", "_nocount", "_trace", "x",
)  # fmt: skip
VALUES = (
    "", "1", "-1", "0", "999999999999999999999", "relevance", "newest", "fold", "es", "MX", "2026-01-01", "2026-99-99",
    "' OR 1=1 --", '"', '"sin cerrar', "NEAR(", "a* OR *", "título:", "(((((", "\x00", "\x1b[2J",
    "<script>alert(1)</script>",
    "../../../etc/passwd", "{{7*7}}", "%", "México-EE.UU.", "\ud800", "a" * 5_000, "seguridad AND NOT (armas OR", "-",
    "select 1; drop table articles", "select * from sqlite_master", "article_id", "\u202e", "[]", "{}", "null",
)  # fmt: skip
TRACES = ("Traceback (most recent", "sqlite3.", 'File "/', "site-packages")


@pytest.fixture(scope="module")
def get(tmp_path_factory: pytest.TempPathFactory) -> Get:
    return client(build(tmp_path_factory.mktemp("probed")).path)


def probe(get: Get, chance: random.Random) -> str:
    path = chance.choice(PATHS)
    if chance.random() < 0.2:
        path += chance.choice(
            ("/", "/..", "%00", "/%2e%2e/", "~", ".json", ".csv", "?", "%ff", "/" + "9" * 30)
        )
    names = chance.sample(NAMES, chance.randint(0, 3))
    query = "&".join(f"{name}={quote(chance.choice(VALUES), errors='surrogatepass')}" for name in names)
    language = chance.choice(("es", "en;q=0", "*", "x" * 3_000, "es-419,,,;;q=z", "\xff"))
    answer = get(f"{path}?{query}", headers={"accept-language": language.encode("latin-1")})
    asked = f"{answer.status_code} {answer.request.url}"
    assert answer.status_code < 500, asked
    assert not [trace for trace in TRACES if trace in answer.text], asked
    if "html" in answer.headers.get("content-type", ""):
        assert "<script>alert(1)" not in answer.text, asked
    return asked


def test_random_questions_are_answered_with_words(get: Get) -> None:
    chance = random.Random(5)
    answers = [probe(get, chance) for _ in range(400)]
    assert sum(answer.startswith("200") for answer in answers) > 50


def test_robots_are_asked_to_leave_searches_and_tables_alone(get: Get) -> None:
    from protego import Protego

    rules = Protego.parse(get("/robots.txt").text)
    for path in (
        "/search?q=x",
        "/search.csv?q=x",
        "/archive/articles?_facet=outlet",
        "/stories?after=9",
        "/-/sql",
    ):
        assert not rules.can_fetch(f"https://site.example{path}", "robot"), path
    for path in ("/", "/article/5", "/story/3", "/about"):
        assert rules.can_fetch(f"https://site.example{path}", "robot"), path


def ask(app: Any, path: str, address: str, query: bytes = b"") -> tuple[int, dict[bytes, bytes]]:
    sent: list[dict[str, Any]] = []

    async def send(event: dict[str, Any]) -> None:
        sent.append(event)

    scope = {"type": "http", "path": path, "query_string": query, "client": (address, 1), "headers": []}
    asyncio.run(app(scope, send, send))
    return sent[0]["status"], dict(sent[0].get("headers", []))


async def fine(scope: dict[str, Any], receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})


def test_who_walks_the_filters_is_asked_to_wait_and_others_are_not() -> None:
    app = limited(fine, Buckets(burst=5, per_second=0.001))
    answers = [ask(app, "/search", "203.0.113.9", b"q=x&outlet=%d" % n) for n in range(8)]
    assert [status for status, _ in answers] == [200] * 5 + [429] * 3
    headers = {name.decode().lower(): value for name, value in answers[-1][1].items()}
    assert int(headers["retry-after"]) >= 1
    assert ask(app, "/article/5", "203.0.113.9")[0] == 200
    assert ask(app, "/search", "203.0.113.10")[0] == 200
    assert ask(app, "/search", "127.0.0.1")[0] == 200


def test_buckets_refill_and_are_bounded() -> None:
    buckets = Buckets(burst=2, per_second=1.0)
    assert [buckets.wait("a", 0.0), buckets.wait("a", 0.0), buckets.wait("a", 0.0) > 0] == [0.0, 0.0, True]
    assert buckets.wait("a", 1.5) == 0.0
    for number in range(20_000):
        buckets.wait(str(number), 2.0)
    assert len(buckets.levels) <= 10_000


@pytest.mark.parametrize(
    ("host", "counted"),
    [("2001:db8::1", "2001:db8::/64"), ("2001:db8::ffff", "2001:db8::/64"), ("::ffff:203.0.113.9", "203.0.113.9"),
     ("::1", None), ("127.0.0.1", None), ("unix", None)],
)  # fmt: skip
def test_a_reader_is_an_address_or_an_ipv6_network(host: str, counted: str | None) -> None:
    assert network(host) == counted


def test_only_questions_to_the_database_are_costly() -> None:
    assert costly("/search", b"")
    assert costly("/stories", b"after=5")
    assert not costly("/", b"lang=es")
    assert not costly("/article/5", b"")


def test_the_whole_database_cannot_be_had_nor_written(get: Get) -> None:
    assert get("/archive.db").status_code in (403, 404)
    before = get("/archive/articles.json?_shape=array").json()
    for statement in ("delete from articles", "update articles set title = 'x'", "attach '/etc/passwd' as x"):
        get("/archive", params={"sql": statement})
    assert get("/archive/articles.json?_shape=array").json() == before
