"""Crawls a web of misbehaving outlets with the real command, watches its memory, and judges what came of each."""

import re
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.hostile_memory import resident_mb, tree
from tests.hostile import Web
from tests.hostile_cases import BAD, Case
from tests.hostile_more import FEEDS_OF_ALL, WideWeb

ROOT = Path(__file__).parents[1]
SAMPLE_SECONDS = 0.05


@dataclass
class Memory:
    """The most that the processes of a crawl held together, in megabytes."""

    rss: float = 0.0
    pss: float = 0.0
    samples: list[tuple[float, float]] = field(default_factory=list)

    def watch(self, process: "subprocess.Popen[bytes]") -> None:
        """Measure until the process has ended."""
        while process.poll() is None:
            rss, pss = resident_mb(tree(process.pid))
            self.rss, self.pss = max(self.rss, rss), max(self.pss, pss)
            self.samples.append((rss, pss))
            time.sleep(SAMPLE_SECONDS)


@dataclass(frozen=True)
class Crawled:
    """A crawl that has ended, and the web it went through."""

    web: WideWeb
    folder: Path
    db: sqlite3.Connection
    output: str
    code: int | None
    seconds: float
    memory: Memory

    def run(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, "-m", "archive.cli", arguments[0], "--db", str(self.folder / "archive.db")]
        return subprocess.run(
            [*command, *arguments[1:]], cwd=self.folder, env={"PYTHONPATH": str(ROOT), "PATH": ""},
            capture_output=True, text=True, check=False, timeout=120,
        )  # fmt: skip

    def page(self, outlet: str, path: str = BAD) -> dict[str, object]:
        return self._row("pages", outlet, path)

    def route(self, outlet: str, path: str = "/feed.xml") -> dict[str, object]:
        return self._row("routes", outlet, path)

    def _row(self, table: str, outlet: str, path: str) -> dict[str, object]:
        url = f"{self.web.base(outlet)}{path}"
        row = self.db.execute(f"SELECT * FROM {table} WHERE url = ?", [url]).fetchone()
        return dict(row) if row is not None else {"state": "never heard of", "reason": "", "article": None}

    def article(self, number: object) -> dict[str, object]:
        sql = "SELECT a.*, t.text FROM articles a JOIN texts t ON t.article = a.id WHERE a.id = ?"
        return dict(self.db.execute(sql, [number]).fetchone())

    def faults(self, outlet: str, case: Case) -> Iterator[str]:
        """Yield what is not as it should be with one outlet."""
        good = self.page(outlet, Web.GOOD)
        if case.good and good["state"] != "archived":
            yield f"the good article is {good['state']}: {good['reason']}"
        if case.good and good["state"] == "archived":
            text = str(self.article(good["article"])["text"])
            if f"Reportó {outlet}" not in text:
                yield f"the good article says something else: {text[:80]!r}"
        if case.ends:
            yield from self._faults_of_page(outlet, case)
        if case.route is not None:
            route = self.route(outlet)
            state, reason = case.route
            if route["state"] != state or not re.search(reason, str(route["reason"] or "")):
                yield f"its feed is {route['state']}: {route['reason']}"

    def _faults_of_page(self, outlet: str, case: Case) -> Iterator[str]:
        page = self.page(outlet)
        reason = str(page["reason"] or "")
        if page["state"] not in case.ends or not (
            page["state"] == "archived" or re.search(case.reason, reason)
        ):
            yield f"its page is {page['state']}: {reason}"
        elif page["state"] != "archived":
            if not reason or not reason.isprintable():
                yield f"no words for it: {reason!r}"
        else:
            article = self.article(page["article"])
            if case.says and case.says not in str(article["text"]):
                yield f"its text is {str(article['text'])[:100]!r}"
            if case.says and article["url"] not in (page["url"], page["redirected_to"]):
                yield f"it is stored as {article['url']}"


@contextmanager
def crawled(
    folder: Path, cases: dict[str, Case], settings: str, *, seconds: float = 300
) -> Iterator[Crawled]:
    """Crawl these outlets together; at most so many seconds."""
    (folder / "bilateral.toml").write_text(f"[crawl.settings]\n{settings}", encoding="utf-8")
    web = WideWeb(
        paths={name: case.paths for name, case in cases.items()},
        blocks={name: case.block or FEEDS_OF_ALL for name, case in cases.items()},
        delays={name: case.delay for name, case in cases.items()},
    )
    with web:
        registry = web.registry(folder / "outlets.toml")
        command = ["-m", "archive.cli", "crawl", "--outlets", registry, "--db", folder / "archive.db"]
        began = time.monotonic()
        memory = Memory()
        with (folder / "output").open("wb") as output:
            crawl = subprocess.Popen(
                [sys.executable, *map(str, command), "--allow-private-hosts"], cwd=folder, stdout=output,
                stderr=subprocess.STDOUT, env=environment(web),
            )  # fmt: skip
            watching = threading.Thread(target=memory.watch, args=(crawl,))
            watching.start()
            try:
                crawl.wait(timeout=seconds)
            except subprocess.TimeoutExpired:
                crawl.kill()
            watching.join()
        took = time.monotonic() - began
        db = sqlite3.connect(folder / "archive.db")
        db.row_factory = sqlite3.Row
        text = (folder / "output").read_text(encoding="utf-8", errors="replace")
        try:
            yield Crawled(web, folder, db, text, crawl.returncode, took, memory)
        finally:
            db.close()


def environment(web: WideWeb) -> dict[str, str]:
    """Return the environment of a crawl, in which every proxy is a canary."""
    canary = f"http://127.0.0.1:{web.canaries['other-port']}"
    names = ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")
    return {"PYTHONPATH": str(ROOT), "PATH": "", **dict.fromkeys(names, canary)}
