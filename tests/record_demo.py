"""Record the demonstration anew: ``python -m tests.record_demo`` after a change of its outlets or articles.

Crawls the simulated outlets of archive/demo over real sockets, once for each of their phases, with
``bilateral crawl --record``; then gives the hosts in the recordings the names that the outlets bear there
(loopback addresses mean nothing on another machine). Writes archive/demo/visit-N.yaml.gz and outlets.toml.
"""

import gzip
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml
from vcr.serializers import yamlserializer

from tests.newsroom import DEMO, Newsroom, load_newsroom

PORT = 18765  # always the same, so that the same articles give the same entity tags
REGISTRY_HEAD = (
    "# The outlets of the demonstration, all of them invented. Written by tests/record_demo.py.\n\n"
)


def record(folder: Path, into: Path) -> None:
    """Record all phases of the demo's newsroom; ``folder`` is for what is made on the way."""
    with load_newsroom(port=PORT) as newsroom:
        registry = newsroom.registry(folder / "outlets.toml")
        renamed = renaming(newsroom)
        for phase in newsroom.clocks:
            newsroom.phase = phase
            cassette = folder / f"visit-{phase}.yaml"
            crawl(folder / "archive.db", registry, cassette)
            save(rename_cassette(cassette, renamed), into / f"visit-{phase}.yaml.gz")
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


def renaming(newsroom: Newsroom) -> Callable[[str], str]:
    """Return the function that gives every loopback address in a text the outlet's public name."""
    names = newsroom.names()

    def renamed(text: str) -> str:
        for base, name in names.items():
            host = base.removeprefix("http://").split(":")[0]
            text = text.replace(base, name).replace(f'"{host}"', f'"{name.removeprefix("https://")}"')
        return text

    return renamed


def rename_cassette(path: Path, renamed: Callable[[str], str]) -> dict[str, Any]:
    """Read a cassette and return it under public names, its texts as text."""
    content = yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
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
    path.write_bytes(gzip.compress(yamlserializer.serialize(content).encode(), mtime=0))


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        record(Path(folder), DEMO)
    size = sum(path.stat().st_size for path in DEMO.glob("visit-*.yaml.gz"))
    print(f"{size / 1000:.0f} kB in {DEMO}")  # noqa: T201


if __name__ == "__main__":
    main()
