"""What a whole crawl costs beyond the work that cannot be saved: downloading the pages, and reading them.

    python benchmarks/crawl_overhead.py [--pages 500] [--rounds 3]

Serves made-up articles, of the size and the number of elements that real news pages have (the median of 149 is 178 kB
and 930 elements), from loopback without delay and times, as whole processes, one after the other:

(a) a bare Scrapy spider that downloads the same pages and does nothing with them,
(b) trafilatura alone over the same pages, one process,
(c) `bilateral crawl` of the same outlet into a fresh archive: snapshots, extraction, judging, storing, indexing.

The figure is (c) divided by the slower of (a) and (b); the goal is at most 1.6.
"""

import argparse
import asyncio
import multiprocessing
import random
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

WORDS = [
    "acuerdo",
    "frontera",
    "gobierno",
    "seguridad",
    "reunión",
    "armas",
    "tráfico",
    "delegación",
    "secretaría",
    "fiscalía",
    "cooperación",
    "canciller",
    "embajada",
    "operativo",
    "decomiso",
    "extradición",
    "visita",
    "programa",
    "mesa",
    "comisión",
    "agenda",
    "compromiso",
    "ministerio",
    "datos",
    "grupo",
    "país",
    "semana",
    "martes",
    "informe",
    "documento",
    "plan",
    "vecino",
    "ciudad",
    "estado",
    "norte",
    "puerto",
    "aduana",
    "agentes",
    "tribunal",
    "ley",
]
LEDES = (
    "Los gobiernos de México y Estados Unidos acordaron en materia de seguridad revisar el tráfico de armas",
    "El cabildo de la ciudad presentó su programa de obras para el mercado y las calles del centro",
)
GOAL = 1.6

BARE_SPIDER = """
import sys, scrapy
from scrapy.crawler import CrawlerProcess
class Bare(scrapy.Spider):
    name = "bare"
    async def start(self):
        for number in range(int(sys.argv[2])):
            yield scrapy.Request(f"{sys.argv[1]}/2026/03/nota-numero-{number}-de-la-prueba.html")
    def parse(self, response):
        pass
process = CrawlerProcess({"LOG_ENABLED": False, "DOWNLOAD_DELAY": 0, "TELNETCONSOLE_ENABLED": False})
process.crawl(Bare)
process.start()
"""
TRAFILATURA = """
import pathlib, sys, trafilatura
for path in sorted(pathlib.Path(sys.argv[1]).glob("*.html")):
    trafilatura.bare_extraction(path.read_bytes(), with_metadata=True)
"""


def page(number: int) -> bytes:
    chance = random.Random(number)

    def sentence(words: int) -> str:
        return " ".join(chance.choices(WORDS, k=words)).capitalize() + "."

    text = "".join(
        f"<p>{LEDES[number % 2] + ', dijo. ' if not n else ''}{' '.join(sentence(18) for _ in range(4))}</p>"
        for n in range(chance.randint(8, 16))
    )
    menu = "".join(f'<li><a href="/s/{n}">{sentence(2)}</a></li>' for n in range(70))
    cards = "".join(
        f'<div class="card"><a href="/n/{n}"><img src="/i/{n}.jpg" alt=""></a><div class="card-body">'
        f'<span class="kicker">{sentence(1)}</span><h3><a href="/n/{n}">{sentence(9)}</a></h3></div></div>'
        for n in range(108)
    )
    script = "<script>var datos = [" + "1234567890," * 12_500 + "];</script>"
    title = f"{sentence(8)} Nota {number}"
    return f"""<!doctype html><html lang="es"><head><meta charset="utf-8"><title>{title}</title>
<meta property="og:title" content="{title}"><meta property="og:type" content="article">
<meta property="article:published_time" content="2026-03-{number % 28 + 1:02}T09:30:00-06:00">
<meta name="author" content="Redacción">{script}</head><body><header><nav><ul>{menu}</ul></nav></header>
<main><article><h1>{title}</h1>{text}</article></main><aside>{cards}</aside>
<footer><p>Todos los derechos reservados</p></footer></body></html>""".encode()


def serve(pages: list[bytes], port: "multiprocessing.Queue[int]") -> None:
    items = "".join(
        f"<item><title>Nota {n}</title><link>/2026/03/nota-numero-{n}-de-la-prueba.html</link></item>"
        for n in range(len(pages))
    )
    feed = (
        f'<?xml version="1.0"?><rss version="2.0"><channel><title>x</title>{items}</channel></rss>'.encode()
    )

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                path = (await reader.readuntil(b"\r\n\r\n")).split(b" ", 2)[1].decode()
                if path == "/feed.xml":
                    status, body = "200 OK", feed
                elif path.startswith("/2026/"):
                    status, body = "200 OK", pages[int(path.split("-")[2])]
                else:
                    status, body = "404 Not Found", b""
                head = f"HTTP/1.1 {status}\r\nContent-Type: text/html\r\nContent-Length: {len(body)}\r\n\r\n"
                writer.write(head.encode() + body)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    async def main() -> None:
        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        port.put(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(main())


def seconds_of(*command: str) -> float:
    began = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"{command[1]}: {done.stderr[-2000:]}")
    return time.perf_counter() - began


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pages", type=int, default=500)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    pages = [page(number) for number in range(options.pages)]
    ports: multiprocessing.Queue[int] = multiprocessing.Queue()
    server = multiprocessing.Process(target=serve, args=(pages, ports), daemon=True)
    server.start()
    base = f"http://127.0.0.1:{ports.get()}"
    print(
        f"{len(pages)} pages, {sum(map(len, pages)) / len(pages) / 1000:.0f} kB each, {options.rounds} rounds"
    )
    times: dict[str, list[float]] = {"a": [], "b": [], "c": []}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "pages").mkdir()
        for number, body in enumerate(pages):
            (folder / "pages" / f"{number:05}.html").write_bytes(body)
        registry = folder / "outlets.toml"
        registry.write_text(
            f'[[outlet]]\nid = "prueba"\nname = "Prueba"\ncountry = "MX"\nlanguage = "es"\nhomepage = "{base}/"\n'
            f'timezone = "America/Mexico_City"\nfeeds = ["{base}/feed.xml"]\ndelay = 0.0\n'
        )
        for turn in range(options.rounds):
            times["a"].append(seconds_of(sys.executable, "-c", BARE_SPIDER, base, str(len(pages))))
            times["b"].append(seconds_of(sys.executable, "-c", TRAFILATURA, str(folder / "pages")))
            crawl = ["crawl", "--db", str(folder / str(turn) / "archive.db"), "--outlets", str(registry)]
            times["c"].append(
                seconds_of(sys.executable, "-m", "archive.cli", *crawl, "--allow-private-hosts", "--json")
            )
            print("  ".join(f"({name}) {values[-1]:6.2f} s" for name, values in times.items()))
    server.kill()
    best = {name: statistics.median(values) for name, values in times.items()}
    ratio = best["c"] / max(best["a"], best["b"])
    print(
        f"median: bare Scrapy {best['a']:.2f} s, trafilatura {best['b']:.2f} s, whole crawl {best['c']:.2f} s"
    )
    print(f"whole crawl / slower of the two: {ratio:.2f} (goal: at most {GOAL})")


if __name__ == "__main__":
    main()
