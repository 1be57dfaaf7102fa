"""Record the demonstration anew: ``python -m tests.record_demo`` after a change of its outlets or articles.

Crawls the simulated outlets of archive/demo over real sockets, once for each of their phases, with
``bilateral crawl --record``; then gives the hosts in the recordings the names that the outlets bear there
(loopback addresses mean nothing on another machine). Writes archive/demo/visit-N.yaml.gz and outlets.toml,
and the same of the tests' two small outlets, for reading, as tests/cassettes/visit-N.yaml.
"""

import gzip
import http.client
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml
from vcr.serializers import yamlserializer

from tests.conftest import SMALL_ARTICLES, SMALL_OUTLETS
from tests.newsroom import DEMO, Newsroom, load_newsroom

PORT = 18765  # always the same, so that the same articles give the same entity tags
CASSETTES = Path(__file__).with_name("cassettes")
REGISTRY_HEAD = "# The outlets of a recording, all of them invented. Written by tests/record_demo.py.\n\n"


def record(newsroom: Newsroom, into: Path, phases: Iterable[int], suffix: str) -> None:
    """Record phases of a newsroom as ``visit-N`` + suffix, and its registry, into a folder."""
    with tempfile.TemporaryDirectory() as name, newsroom:
        folder, renamed = Path(name), renaming(newsroom)
        registry = newsroom.registry(folder / "outlets.toml")
        for phase in phases:
            newsroom.phase = phase
            cassette = folder / f"visit-{phase}.yaml"
            crawl(folder / "archive.db", registry, cassette)
            content = yaml.load(cassette.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
            content["interactions"] += other_addresses(newsroom, content)
            save(rename_cassette(content, renamed), into / f"visit-{phase}{suffix}")
        public = newsroom.registry(folder / "public.toml", delay=2.0).read_text(encoding="utf-8")
    (into / "outlets.toml").write_text(REGISTRY_HEAD + renamed(public), encoding="utf-8")


def crawl(db: Path, registry: Path, cassette: Path) -> None:
    subprocess.run(
        [
            sys.executable, "-m", "archive.cli", "crawl", "--db", str(db), "--outlets", str(registry),
            "--record", str(cassette), "--recheck", "all", "--allow-private-hosts",
        ],
        check=True,
    )  # fmt: skip


def other_addresses(newsroom: Newsroom, content: dict[str, Any]) -> list[dict[str, Any]]:
    """Return what the articles' other addresses answer.

    Which of an article's addresses a crawl asks depends on the route that was read first, and on replay that
    may be another one.
    """
    asked = {interaction["request"]["uri"] for interaction in content["interactions"]}
    return [exchange(url) for url in sorted(set(addresses(newsroom)) - asked)]


def addresses(newsroom: Newsroom) -> Iterator[str]:
    for outlet in newsroom.outlets:
        site = newsroom.site(outlet)
        for version in site.versions:
            if "disallowed" not in version.article.traits:
                yield site.canonical(version)
                yield from (site.listed(version, route) for route in (*site.outlet.routes, "section"))


def exchange(url: str) -> dict[str, Any]:
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=10)
    connection.request("GET", parts.path + (f"?{parts.query}" if parts.query else ""))
    response = connection.getresponse()
    body = response.read()
    connection.close()
    headers = {name: [value] for name, value in response.getheaders() if name.lower() != "set-cookie"}
    status = {"code": response.status, "message": ""}
    return {
        "request": {"method": "GET", "uri": url, "body": "", "headers": {}},
        "response": {"status": status, "headers": headers, "body": {"string": body}},
    }


def renaming(newsroom: Newsroom) -> Callable[[str], str]:
    """Return the function that gives every loopback address in a text the outlet's public name."""
    names = newsroom.names()

    def renamed(text: str) -> str:
        for base, name in names.items():
            host = base.removeprefix("http://").split(":")[0]
            text = text.replace(base, name).replace(f'"{host}"', f'"{name.removeprefix("https://")}"')
        return text

    return renamed


def rename_cassette(content: dict[str, Any], renamed: Callable[[str], str]) -> dict[str, Any]:
    """Return a cassette's content under public names, its texts as text."""
    for interaction in content["interactions"]:
        request, response = interaction["request"], interaction["response"]
        request["uri"] = renamed(request["uri"])
        body = rename_body(response["body"]["string"], renamed)
        response["body"]["string"] = body
        headers = {key: [renamed(value) for value in values] for key, values in response["headers"].items()}
        length = len(body if isinstance(body, bytes) else body.encode())
        response["headers"] = {
            key: [str(length)] if key.lower() == "content-length" else values
            for key, values in headers.items()
        }
    return content


def rename_body(body: bytes | str, renamed: Callable[[str], str]) -> bytes | str:
    """Rename hosts in a body, inside a gzip file too; what isn't UTF-8 stays as it is."""
    data = body.encode() if isinstance(body, str) else body
    if data.startswith(b"\x1f\x8b"):
        return gzip.compress(renamed(gzip.decompress(data).decode()).encode(), mtime=0)
    try:
        return renamed(data.decode())
    except UnicodeDecodeError:
        return renamed(data.decode("latin-1")).encode("latin-1")


def save(content: dict[str, Any], path: Path) -> None:
    data = yamlserializer.serialize(content).encode()
    path.write_bytes(gzip.compress(data, mtime=0) if path.suffix == ".gz" else data)


def main() -> None:
    demo = load_newsroom(port=PORT)
    record(demo, DEMO, demo.clocks, ".yaml.gz")
    CASSETTES.mkdir(exist_ok=True)
    record(Newsroom(SMALL_OUTLETS, SMALL_ARTICLES, port=PORT), CASSETTES, (1, 2, 3), ".yaml")
    for folder in (DEMO, CASSETTES):
        size = sum(path.stat().st_size for path in folder.glob("visit-*"))
        print(f"{size / 1000:.0f} kB in {folder}")  # noqa: T201


if __name__ == "__main__":
    main()
