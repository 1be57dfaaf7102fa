"""The table of docs/extraction.md: this project's extraction beside the libraries that can be installed, in one run.

    python benchmarks/extraction.py [--data FOLDER] [--python OTHER_VENV/bin/python] [--only NAME ...]

Reads real saved pages with their truth (the folder of the public article-extraction benchmark's and publishers'
pages, with its score.py) from ../shared/extraction beside the checkout, and says so plainly where that folder is
absent. The libraries are looked for in the interpreter given with --python; those that are not there are skipped.
One that hangs or fails is reported as such. Times are CPU seconds of the whole process, start included.

With --as NAME the script is itself the command under test: PATH<TAB>URL lines in, JSON lines out.
"""

import argparse
import importlib.util
import json
import statistics
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

DATA = Path(__file__).resolve().parents[2] / "shared" / "extraction"
Reader = Callable[[bytes, str], dict[str, Any]]


def trafilatura_reader() -> Reader:
    from trafilatura import bare_extraction

    def read(body: bytes, url: str) -> dict[str, Any]:
        found = bare_extraction(body, url=url, with_metadata=True, include_comments=False)
        if found is None:
            return {"error": "no text"}
        authors = [name for name in (found.author or "").split("; ") if name]
        return {"title": found.title, "text": found.text, "authors": authors, "published": found.date}

    return read


def newspaper_reader() -> Reader:
    import newspaper

    def read(body: bytes, url: str) -> dict[str, Any]:
        # Without fetch_images=False it asks the network for every picture.
        found = newspaper.Article(url, fetch_images=False)
        found.download(input_html=body.decode("utf-8", "replace"))
        found.parse()
        published = found.publish_date.isoformat() if found.publish_date else None
        return {"title": found.title, "text": found.text, "authors": found.authors, "published": published}

    return read


def readability_reader() -> Reader:
    from html_text import extract_text
    from readability import Document

    def read(body: bytes, url: str) -> dict[str, Any]:
        found = Document(body.decode("utf-8", "replace"), url=url)
        return {"title": found.short_title(), "text": extract_text(found.summary()), "authors": []}

    return read


def newsplease_reader() -> Reader:
    from newsplease import NewsPlease

    def read(body: bytes, url: str) -> dict[str, Any]:
        found = NewsPlease.from_html(body.decode("utf-8", "replace"), url=url, fetch_images=False)
        published = found.date_publish.isoformat() if found.date_publish else None
        return {
            "title": found.title,
            "text": found.maintext,
            "authors": found.authors,
            "published": published,
        }

    return read


def resiliparse_reader() -> Reader:
    from resiliparse.extract.html2text import extract_plain_text
    from resiliparse.parse.html import HTMLTree

    def read(body: bytes, url: str) -> dict[str, Any]:
        tree = HTMLTree.parse_from_bytes(body, "utf-8")
        return {"title": tree.title, "text": extract_plain_text(tree, main_content=True), "authors": []}

    return read


OTHERS: dict[str, tuple[str, Callable[[], Reader]]] = {
    "trafilatura": ("trafilatura", trafilatura_reader),
    "newspaper4k": ("newspaper", newspaper_reader),
    "readability-lxml": ("readability", readability_reader),
    "news-please": ("newsplease", newsplease_reader),
    "resiliparse": ("resiliparse", resiliparse_reader),
}


def serve_lines(name: str) -> None:
    """Be the command under test."""
    read = OTHERS[name][1]()
    for line in sys.stdin:
        path, url = line.rstrip("\n").split("\t")
        try:
            found = read(Path(path).read_bytes(), url)
        except Exception as error:  # a library that fails on a page has no text for it
            found = {"error": f"{type(error).__name__}: {error}"[:200]}
        print(json.dumps({"path": path, "url": url, **found}, ensure_ascii=False, default=str))


def load_score(data: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("score", data / "score.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def is_installed(python: str, module: str) -> bool:
    return (
        subprocess.run([python, "-c", f"import {module}"], capture_output=True, check=False).returncode == 0
    )


def figures(
    score: ModuleType, cases: list[dict[str, Any]], out: list[dict[str, Any]], cpu: float
) -> dict[str, float]:
    """Return F1, precision, recall by set, metadata accuracy, and milliseconds of CPU a page."""
    row = {"ms": 1000 * cpu / len(cases)}
    for which in ("sh", "fu"):
        pairs = [(c, o) for c, o in zip(cases, out, strict=True) if c["set"] == which]
        f1, precision, recall = score.text_scores([score.match(c["text"], o.get("text")) for c, o in pairs])
        row |= {f"{which}_f1": f1, f"{which}_p": precision, f"{which}_r": recall}
        if which == "fu":
            times = [
                score.same_time(c["published"], o.get("published")) for c, o in pairs if c.get("published")
            ]
            signed = [(c, o) for c, o in pairs if c.get("authors") is not None]
            row |= {
                "title": statistics.mean(
                    score.fold(c["title"]) == score.fold(o.get("title")) for c, o in pairs
                ),
                "authors": statistics.mean(
                    score.authors_f1(c["authors"], o.get("authors")) for c, o in signed
                ),
                "day": statistics.mean(t[0] for t in times),
                "minute": statistics.mean(t[1] for t in times),
            }
    return row


def print_table(rows: dict[str, dict[str, float]]) -> None:
    base = rows.get("trafilatura", {}).get("ms")
    print(
        "| system | benchmark F1 | P | R | publishers F1 | title | authors | day | minute | ms CPU a page | speed |"
    )
    print("| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |")
    for name, row in rows.items():
        keys = ("sh_f1", "sh_p", "sh_r", "fu_f1", "title", "authors", "day", "minute")
        numbers = " | ".join(f"{row[key]:.3f}" for key in keys)
        speed = f"{base / row['ms']:.2f}" if base else "-"
        print(f"| {name} | {numbers} | {row['ms']:.1f} | {speed} |")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument(
        "--python", default=sys.executable, help="interpreter in which the libraries are installed"
    )
    parser.add_argument("--only", nargs="*", choices=list(OTHERS), default=list(OTHERS))
    parser.add_argument("--as", dest="name", choices=list(OTHERS), help="be the command under test")
    chosen = parser.parse_args()
    if chosen.name:
        serve_lines(chosen.name)
        return
    if not (chosen.data / "truth.jsonl").is_file():
        sys.exit(f"the pages and their truth are absent: {chosen.data} (give another folder with --data)")
    score = load_score(chosen.data)
    cases = [
        json.loads(line) for line in (chosen.data / "truth.jsonl").read_text(encoding="utf-8").splitlines()
    ]
    commands = {"bilateral": f"{Path(sys.executable).with_name('bilateral')} extract"}
    for name in chosen.only:
        if is_installed(chosen.python, OTHERS[name][0]):
            commands[name] = f"{chosen.python} {Path(__file__).resolve()} --as {name}"
        else:
            print(f"{name}: not installed in {chosen.python}, skipped", file=sys.stderr)
    rows = {}
    for name, command in commands.items():
        out, _, cpu = score.run(command, cases, chosen.data)
        rows[name] = figures(score, cases, out, cpu)
    print(f"{len(cases)} pages\n")
    print_table(rows)


if __name__ == "__main__":
    main()
