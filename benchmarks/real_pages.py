"""The whole line over real saved pages: served from loopback as outlets with feeds, crawled, verified.

    python benchmarks/real_pages.py [--pages ../shared/extraction] [--keep DIR]

The pages are read from a folder that is no part of this project (``truth.jsonl`` and gzipped pages beside it); where
it is absent, this says so and ends with 1. Nothing of them is written into the project.
"""

import argparse
import gzip
import json
import subprocess
import sys
import tempfile
import threading
from collections import Counter, defaultdict
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit
from xml.sax.saxutils import escape

from archive.store import open_existing, rows

DEFAULT = Path("..") / "shared" / "extraction"
COUNTRIES = {"es": "MX", "en": "US"}


class Web:
    """One loopback address for each domain, all on ports of their own."""

    def __init__(self) -> None:
        self.servers: list[ThreadingHTTPServer] = []

    def serve(self, number: int, pages: dict[str, bytes], titles: dict[str, str]) -> str:
        """Serve the pages of one domain with a feed that names them; return the address."""
        items = "".join(
            f"<item><title>{escape(titles[path])}</title><link>{path}</link></item>" for path in pages
        )
        feed = f'<?xml version="1.0"?><rss version="2.0"><channel><title>x</title>{items}</channel></rss>'
        served = {**pages, "/feed.xml": feed.encode()}

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = served.get(self.path)
                self.send_response(200 if body is not None else 404)
                kind = "application/rss+xml" if self.path == "/feed.xml" else "text/html"
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body or b"")))
                self.end_headers()
                self.wfile.write(body or b"")

            def log_message(self, *args: object) -> None:
                pass

        server = ThreadingHTTPServer((f"127.0.1.{number}", 0), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.servers.append(server)
        return f"http://127.0.1.{number}:{server.server_address[1]}"


def load(folder: Path) -> dict[str, list[dict[str, str]]]:
    """Return the pages' records by domain."""
    by_domain: defaultdict[str, list[dict[str, str]]] = defaultdict(list)
    with (folder / "truth.jsonl").open(encoding="utf-8") as lines:
        for line in lines:
            record = json.loads(line)
            by_domain[urlsplit(record["url"]).hostname or "nowhere"].append(record)
    return dict(sorted(by_domain.items()))


def registry(web: Web, folder: Path, by_domain: dict[str, list[dict[str, str]]]) -> str:
    """Serve all domains; return the registry that declares them."""
    blocks = []
    for number, (domain, records) in enumerate(by_domain.items(), start=1):
        pages = {f"/article-number-{n}-of-this-outlet.html": record for n, record in enumerate(records)}
        bodies = {
            path: gzip.decompress((folder / record["page"]).read_bytes()) for path, record in pages.items()
        }
        titles = {path: record.get("title") or domain for path, record in pages.items()}
        base = web.serve(number, bodies, titles)
        language = "es" if domain.endswith((".es", ".mx")) else "en"
        blocks.append(
            f'[[outlet]]\nid = "real-{number}"\nname = {json.dumps(domain)}\ncountry = "{COUNTRIES[language]}"\n'
            f'language = "{language}"\nhomepage = "{base}/"\ntimezone = "America/Mexico_City"\n'
            f'feeds = ["{base}/feed.xml"]\ndelay = 0.0\n'
        )
    return "\n".join(blocks)


def bilateral(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run one command as a user would."""
    return subprocess.run(
        [sys.executable, "-m", "archive.cli", *arguments], capture_output=True, text=True, check=False
    )


def report(
    path: Path, crawl: subprocess.CompletedProcess[str], verify: subprocess.CompletedProcess[str]
) -> None:
    """Print what became of the pages."""
    archive = open_existing(path)
    print(crawl.stdout.splitlines()[-1] if crawl.stdout else crawl.stderr[-500:])
    states = Counter(found["state"] for found in rows(archive, "SELECT state FROM pages"))
    print("pages:", ", ".join(f"{number} {state}" for state, number in states.most_common()))
    for found in rows(
        archive, "SELECT url, state, reason FROM pages WHERE state IN ('failed', 'blocked', 'queued')"
    ):
        print(f"  {found['state']}: {found['url']} ({found['reason']})")
    for found in rows(archive, "SELECT title, grade, score FROM articles ORDER BY score DESC"):
        print(f"  judged on the subject, grade {found['grade']} ({found['score']}): {found['title']}")
    print("verify:", verify.stdout.strip().splitlines()[-1], f"(exit {verify.returncode})")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pages", type=Path, default=DEFAULT)
    parser.add_argument("--keep", type=Path, help="keep the archive in this folder")
    options = parser.parse_args()
    if not (options.pages / "truth.jsonl").is_file():
        sys.exit(f"{options.pages}: the saved pages are not here; they are no part of this project")
    by_domain = load(options.pages)
    web = Web()
    with tempfile.TemporaryDirectory() as name:
        folder = options.keep or Path(name)
        folder.mkdir(parents=True, exist_ok=True)
        declared, db = folder / "outlets.toml", folder / "archive.db"
        declared.write_text(registry(web, options.pages, by_domain), encoding="utf-8")
        print(f"{sum(map(len, by_domain.values()))} pages of {len(by_domain)} domains")
        crawl = bilateral("crawl", "--db", str(db), "--outlets", str(declared), "--allow-private-hosts")
        report(db, crawl, bilateral("verify", "--db", str(db)))
        second = bilateral("crawl", "--db", str(db), "--outlets", str(declared), "--allow-private-hosts")
        print("again:", second.stdout.splitlines()[-1])


if __name__ == "__main__":
    main()
