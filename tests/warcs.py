"""WARC files for the tests: pages of watched outlets among noise, and every kind of damage."""

import gzip
import io
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import brotli
from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter

REGISTRY = """
[[outlet]]
id = "faro"
name = "El Faro"
country = "MX"
language = "es"
homepage = "https://www.faro.example/"
timezone = "America/Mexico_City"
hosts = ["elfaroviejo.example"]

[[outlet]]
id = "ledger"
name = "The Ledger"
country = "US"
language = "en"
homepage = "https://ledger.example/"
timezone = "America/New_York"
"""
TALKS = (
    "El secretario de Relaciones Exteriores de México y el secretario de Estado de Estados Unidos hablaron por teléfono"
    " sobre cooperación en seguridad, tráfico de armas y fentanilo, informó la cancillería mexicana.",
    "Los dos gobiernos acordaron que el grupo de implementación de seguridad se reúna el viernes en Washington, con la"
    " participación de la embajada de Estados Unidos y de la Secretaría de Seguridad.",
    "El Departamento de Estado confirmó la conversación y dijo que ambos países seguirán la cooperación contra"
    " los cárteles y el contrabando de armas.",
)
RECIPE = (
    "El mole se prepara con chiles secos, chocolate y ajonjolí.",
    "Se sirve con arroz blanco y tortillas.",
)


@dataclass(frozen=True)
class Response:
    """One response to be written: what a web archive had of a page."""

    url: str
    body: bytes
    date: str = "2024-03-05T18:00:00Z"
    status: str = "200 OK"
    headers: tuple[tuple[str, str], ...] = (("Content-Type", "text/html; charset=utf-8"),)


def page(
    title: str,
    paragraphs: Iterable[str] = TALKS,
    *,
    published: str = "2024-03-05T10:00:00-06:00",
    more: str = "",
) -> bytes:
    """Return a page as newspapers make them."""
    prose = "".join(f"<p>{paragraph} {more}</p>" for paragraph in paragraphs)
    return (
        f"<!doctype html><html lang='es'><head><meta charset='utf-8'><title>{title}</title>"
        f"<meta property='article:published_time' content='{published}'></head>"
        f"<body><article><h1>{title}</h1>{prose}</article></body></html>"
    ).encode()


def packed(responses: Iterable[Response], *, version: str = "WARC/1.1", zipped: bool = True) -> list[bytes]:
    """Return each response as the bytes of a record."""
    return [_record(response, version, zipped=zipped) for response in responses]


def _record(response: Response, version: str, *, zipped: bool) -> bytes:
    stream = io.BytesIO()
    writer = WARCWriter(stream, gzip=zipped, warc_version=version)
    http = StatusAndHeaders(response.status, list(response.headers), protocol="HTTP/1.1")
    writer.write_record(
        writer.create_warc_record(
            response.url, "response", payload=io.BytesIO(response.body), length=len(response.body),
            http_headers=http, warc_headers_dict={"WARC-Date": response.date},
        )
    )  # fmt: skip
    return stream.getvalue()


def revisit(
    url: str, date: str = "2024-03-06T18:00:00Z", *, of: str = "2024-03-05T18:00:00Z", digest: str = ""
) -> bytes:
    """Return a record that says a page was as it had been at a time, or as what has a digest."""
    stream = io.BytesIO()
    writer = WARCWriter(stream, gzip=True, warc_version="WARC/1.1")
    http = StatusAndHeaders("200 OK", [("Content-Type", "text/html")], protocol="HTTP/1.1")
    writer.write_record(
        writer.create_revisit_record(
            url, digest or f"sha1:{'A' * 32}", url, of, http_headers=http,
            warc_headers_dict={"WARC-Date": date},
        )
    )  # fmt: skip
    return stream.getvalue()


def noise(number: int, first: int = 0) -> list[Response]:
    """Return responses of hosts nobody watches."""
    body = page("Nothing of ours", RECIPE)
    return [
        Response(f"https://host{n % 40}.example.net/page-{n}", body) for n in range(first, first + number)
    ]


def in_all_encodings() -> list[Response]:
    """Return one article for each way a body can be transferred."""
    html = (("Content-Type", "text/html; charset=utf-8"),)

    def one(slug: str, body: bytes, *headers: tuple[str, str]) -> Response:
        return Response(f"https://www.faro.example/2024/03/{slug}", body, headers=(*html, *headers))

    def about(slug: str) -> bytes:
        return page(f"Hablan de seguridad México y Estados Unidos: {slug}")

    chunked = b"".join(
        b"%x\r\n%s\r\n" % (len(p), p) for p in (about("chunked")[:900], about("chunked")[900:])
    )
    return [
        one("una-nota-sin-codificar", about("plain")),
        one("una-nota-con-gzip", gzip.compress(about("gzip"), mtime=0), ("Content-Encoding", "gzip")),
        one("una-nota-con-brotli", brotli.compress(about("brotli")), ("Content-Encoding", "br")),
        one("una-nota-que-dice-gzip", about("claims"), ("Content-Encoding", "gzip")),
        one("una-nota-en-trozos", chunked + b"0\r\n\r\n", ("Transfer-Encoding", "chunked")),
        one("una-nota-que-dice-trozos", about("unchunked"), ("Transfer-Encoding", "chunked")),
    ]


def write(path: Path, records: Iterable[bytes]) -> Path:
    """Write records one behind the other."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"".join(records))
    return path


def newspaper(folder: Path, files: int = 4, *, articles: int = 2) -> list[Path]:
    """Write several WARC files with articles of their own among noise."""
    return [
        write(
            folder / f"news-{number}.warc.gz",
            packed([
                *noise(20, 100 * number),
                *(
                    Response(
                        f"https://ledger.example/2024/03/story-number-{number}-{n}",
                        page(f"Ministers speak about security, part {number}-{n}", more=f"Punto {number}, {n}."),
                    )
                    for n in range(articles)
                ),
                Response(f"https://www.faro.example/2024/03/el-mole-de-{number}", page("El mole", RECIPE)),
                *noise(20, 100 * number + 50),
            ]),
        )
        for number in range(files)
    ]  # fmt: skip
