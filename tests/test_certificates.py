"""Certificates are checked; what is wrong with one is named, and an outlet that is exempt says so in its snapshots."""

import datetime as dt
import ipaddress
import socket
import sqlite3
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from archive.options import SHIPPED_TOPIC
from crawlers.context import CrawlOptions
from crawlers.crawl import crawl
from crawlers.outlets import load_outlets
from tests.hostile import Web, article

HOSTS = {"good": "127.0.4.1", "expired": "127.0.4.2", "alone": "127.0.4.3", "cut": "127.0.4.4", "other": "127.0.4.5",
         "exempt": "127.0.4.6"}  # fmt: skip
WRONG = {
    "expired": "it has expired",
    "alone": "it is signed by itself",
    "cut": "its chain is not whole, or its authority is unknown",
    "other": "it is another host's",
}


@dataclass
class Signed:
    """A certificate and its key."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    def pem(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    def with_key(self) -> bytes:
        form = serialization.PrivateFormat.PKCS8
        key = self.key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())
        return self.pem() + key


def sign(
    name: str, issuer: Signed | None, *, days: int = 30, authority: bool = False, host: str = ""
) -> Signed:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    end = dt.datetime.now(dt.UTC) + dt.timedelta(days=days)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.certificate.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(end - dt.timedelta(days=60))
        .not_valid_after(end)
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
    )
    if host:
        names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(host))])
        builder = builder.add_extension(names, critical=False)
    return Signed(builder.sign(issuer.key if issuer else key, hashes.SHA256()), key)


class Page(BaseHTTPRequestHandler):
    """Serves a feed and the article it names."""

    def do_GET(self) -> None:
        base = f"https://{self.headers['Host']}"
        if self.path == "/feed.xml":
            body = f"<rss><channel><item><link>{Web.GOOD}</link></item></channel></rss>".encode()
        elif self.path == Web.GOOD:
            body = article("México y Estados Unidos acuerdan un programa de seguridad", base, self.path)
        else:
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


def serve(address: str, port: int, chain: bytes, folder: Path) -> ThreadingHTTPServer:
    path = folder / f"{address}.pem"
    path.write_bytes(chain)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    server = ThreadingHTTPServer((address, port), Page)
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


@pytest.fixture(scope="module")
def crawled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[sqlite3.Connection]:
    folder = tmp_path_factory.mktemp("certificates")
    root = sign("Autoridad de prueba", None, authority=True)
    middle = sign("Autoridad intermedia", root, authority=True)
    chains = {
        "good": sign("good", middle, host=HOSTS["good"]).with_key() + middle.pem(),
        "expired": sign("expired", root, days=-1, host=HOSTS["expired"]).with_key(),
        "alone": sign("alone", None, host=HOSTS["alone"]).with_key(),
        "cut": sign("cut", middle, host=HOSTS["cut"]).with_key(),
        "other": sign("other", root, host="127.0.4.99").with_key(),
        "exempt": sign("exempt", None, host=HOSTS["exempt"]).with_key(),
    }
    with socket.create_server((HOSTS["good"], 0)) as free:
        port = free.getsockname()[1]
    servers = [serve(HOSTS[name], port, chain, folder) for name, chain in chains.items()]
    registry = folder / "outlets.toml"
    registry.write_text("".join(block(name, port) for name in HOSTS), encoding="utf-8")
    (folder / "root.pem").write_bytes(root.pem())
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SSL_CERT_FILE", str(folder / "root.pem"))
        options = CrawlOptions(
            db=folder / "archive.db", warc_dir=folder / "warc", topic=SHIPPED_TOPIC,
            outlets=load_outlets(registry), allow_private_hosts=True,
            settings={"RETRY_FIRST_WAIT_SECONDS": 0.01},
        )  # fmt: skip
        crawl(options)
    with sqlite3.connect(options.db) as db:
        yield db
    db.close()
    for server in servers:
        server.shutdown()
        server.server_close()


def block(name: str, port: int) -> str:
    base = f"https://{HOSTS[name]}:{port}"
    tls = 'tls = "unverified"\n' if name == "exempt" else ""
    return (
        f'[[outlet]]\nid = "{name}"\nname = "{name}"\ncountry = "MX"\nlanguage = "es"\nhomepage = "{base}/"\n'
        f'timezone = "America/Mexico_City"\nfeeds = ["{base}/feed.xml"]\ndelay = 0.0\n{tls}'
    )


@pytest.mark.parametrize("outlet", WRONG)
def test_what_is_wrong_with_a_certificate_is_named(crawled: sqlite3.Connection, outlet: str) -> None:
    state, reason = crawled.execute("SELECT state, reason FROM routes WHERE outlet = ?", [outlet]).fetchone()
    assert state == "failed"
    assert f"its TLS certificate is not to be trusted: {WRONG[outlet]}" in reason
    assert crawled.execute(
        "SELECT count(*) FROM snapshots WHERE url LIKE ?", [f"%{HOSTS[outlet]}%"]
    ).fetchone() == (0,)


@pytest.mark.parametrize(("outlet", "tls"), [("good", "verified"), ("exempt", "unverified")])
def test_a_snapshot_says_whether_its_certificate_was_checked(
    crawled: sqlite3.Connection, outlet: str, tls: str
) -> None:
    sql = "SELECT a.outlet, s.tls FROM snapshots s JOIN articles a ON a.id = s.article WHERE a.outlet = ?"
    assert crawled.execute(sql, [outlet]).fetchall() == [(outlet, tls)]
