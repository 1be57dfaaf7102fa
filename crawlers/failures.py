"""What can go wrong with a request, in words, and whether it may pass by itself.

The words end up in ``pages.reason`` and ``routes.reason``; nothing a server sent is quoted in them unescaped.
"""

import re
from dataclasses import dataclass
from typing import Any

from scrapy.exceptions import (
    CannotResolveHostError,
    DownloadCancelledError,
    DownloadConnectionRefusedError,
    DownloadFailedError,
    DownloadTimeoutError,
    IgnoreRequest,
    NotSupported,
    ResponseDataLossError,
    StopDownload,
    UnsupportedURLSchemeError,
)

from archive.models import Outcome


class Refused(IgnoreRequest):
    """The address may not be asked at all; the message says why."""


class RobotsRefused(Refused):
    """robots.txt forbids it."""


class Postponed(IgnoreRequest):
    """Not now. ``not_before`` (UTC) is when the server asked us to come again, if it did."""

    def __init__(self, reason: str, not_before: str | None = None) -> None:
        super().__init__(reason)
        self.not_before = not_before


class Unreachable(Postponed):
    """The host, or its robots.txt, does not answer: nothing on it is to be had now."""


class Stopped(IgnoreRequest):
    """The crawl is being ended; the page was not asked and stays where it was."""


class OverBudget(Stopped):
    """The outlet's time is up; the message says how long it had."""


class CassetteError(Exception):
    """A recording cannot be read or written; the message names the file."""


@dataclass(frozen=True, slots=True)
class Loss:
    """How a request ended without an answer to read."""

    reason: str
    outcome: Outcome | None  # None: it may pass
    not_before: str | None = None
    network: bool = False  # the host itself did not answer
    counted: bool = True  # whether it was a try of this page, and not only of its host


class TooLarge(IgnoreRequest):
    """More bytes than the budget of one answer."""


def loss_of(error: BaseException, *, seconds: float = 0, max_bytes: int = 0) -> Loss:
    """Name the failure of a request. ``seconds`` and ``max_bytes`` are the budgets it was held to."""
    if isinstance(error, Refused):
        return Loss(str(error), Outcome.BLOCKED)
    if isinstance(error, Postponed):
        unreachable = isinstance(error, Unreachable)
        return Loss(str(error), None, error.not_before, network=unreachable, counted=not unreachable)
    if isinstance(error, IgnoreRequest):
        return Loss(_ignored(str(error)), Outcome.FAILED)
    if isinstance(error, DownloadTimeoutError):
        return Loss(f"no whole answer within {seconds:.0f} seconds", None, network=True)
    if isinstance(error, DownloadCancelledError):
        return Loss(f"larger than {max_bytes:,} bytes", Outcome.FAILED)
    if isinstance(error, DownloadFailedError):
        return _broken(error)
    for kind, loss in _LOSSES:
        if isinstance(error, kind):
            return loss
    return Loss(f"{plain_name(error)}: {one_line(str(error))}".rstrip(": "), None, network=True)


_LOSSES: tuple[tuple[type[BaseException], Loss], ...] = (
    (CannotResolveHostError, Loss("the host name is not known (DNS)", None, network=True)),
    (DownloadConnectionRefusedError, Loss("the server refuses connections", None, network=True)),
    (ResponseDataLossError, Loss("the answer breaks off before its end", None)),
    (StopDownload, Loss("large, and too many large answers came at once (IN_HAND_MAX_BYTES)", None)),
    (UnsupportedURLSchemeError, Loss("an address that is not http or https", Outcome.BLOCKED)),
    (NotSupported, Loss("an address that is not http or https", Outcome.BLOCKED)),
    # Of Scrapy's redirect middleware, when it makes the request.
    (ValueError, Loss("redirects to something that is no address", Outcome.FAILED)),
)


def _ignored(message: str) -> str:
    return "redirects in circles or too often" if message == "max redirections reached" else one_line(message)


def _broken(error: BaseException) -> Loss:
    reasons = [getattr(reason, "value", reason) for reason in getattr(error.__cause__, "reasons", ())]
    names = {plain_name(reason) for reason in reasons}
    if names & {"ParseError", "BadHeaders", "BadResponseVersion"} or any(
        isinstance(reason, ValueError) for reason in reasons
    ):
        return Loss("the server answers something that is not HTTP", Outcome.FAILED, network=True)
    tls = [reason for reason in reasons if type(reason).__module__.startswith("OpenSSL")]
    if tls:
        return Loss(f"no secure connection (TLS): {one_line(str(tls[0]))}", None, network=True)
    return Loss("the connection was closed before an answer came", None, network=True)


def plain_name(error: Any) -> str:
    """Return the name of an error's class."""
    return type(error).__name__


def one_line(text: str, length: int = 200) -> str:
    """Return a text that may go to a terminal or a log: one line, nothing that is not printable."""
    text = re.sub(r"\s+", " ", text).strip()
    return "".join(c if c.isprintable() else "\ufffd" for c in text)[:length]


STATUS_WORDS = {
    304: "not modified",
    401: "asks for a password",
    402: "asks for payment",
    403: "forbidden",
    404: "not found",
    410: "gone",
    429: "too many requests",
    451: "unavailable for legal reasons",
    500: "server error",
    502: "bad gateway",
    503: "unavailable",
    504: "gateway timeout",
}
BLOCKING = {401, 402, 403, 407, 451}
_CHALLENGE = re.compile(
    rb"cf-chl|challenge-platform|captcha|px-captcha|_Incapsula_|datadome|verify(?:ing)? (?:that )?you are (?:a )?human",
    re.IGNORECASE,
)
_MAGIC = (
    (b"%PDF-", "a PDF"),
    (b"\x89PNG", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"GIF8", "a GIF image"),
    (b"PK\x03\x04", "a ZIP archive"),
    (b"\x1f\x8b", "a gzip file"),
    (b"\xd0\xcf\x11\xe0", "an Office document"),
    (b"ID3", "a sound file"),
    (b"OggS", "a sound or video file"),
    (b"\x00asm", "a program"),
    (b"\x7fELF", "a program"),
    (b"MZ", "a program"),
    (b"WARC/1.", "a WARC file"),
    (b"bplist0", "a property list"),
    (b"Rar!", "a RAR archive"),
    (b"BZh", "a bzip2 file"),
    (b"\xfd7zXZ", "an xz file"),
    (b"\x28\xb5\x2f\xfd", "a zstd file"),
    (b"{\\rtf", "an RTF document"),
)
_JSON = re.compile(rb'(?:\{\s*"|\[\s*[\[{"\d])')
_DOCUMENT = re.compile(
    rb"(?:\s|\xef\xbb\xbf|<\?.*?\?>|<!--.*?-->|<!DOCTYPE[^>\[]*>)*<(?:[\w.-]+:)?(rss|feed|RDF|urlset|sitemapindex|svg|opml)[\s>]",
    re.DOTALL,
)
_DOCUMENTS = {b"urlset": "a sitemap", b"sitemapindex": "a sitemap", b"svg": "an SVG image"}
_CONTROLS = re.compile(rb"[\x01-\x08\x0b\x0e-\x1a\x1c-\x1f]")


def status_words(status: int) -> str:
    """Return a status as it is told to readers: ``HTTP 404 (not found)``."""
    words = STATUS_WORDS.get(status)
    return f"HTTP {status} ({words})" if words else f"HTTP {status}"


def status_loss(status: int, body: bytes, *, challenge: bool = False) -> Loss | None:
    """Return how an answer of this status ended, or None where it is one to read (200)."""
    words = status_words(status)
    if status in (403, 429, 503) and (challenge or _CHALLENGE.search(body[:50_000])):
        return Loss(f"a challenge for robots ({words})", Outcome.BLOCKED)
    if status == 200:
        return None
    if status in BLOCKING:
        return Loss(words, Outcome.BLOCKED)
    if status in (404, 410):
        return Loss(words, Outcome.FAILED)
    if status >= 500 or status in (408, 425, 429):
        return Loss(words, None)
    if status == 304:
        return Loss(f"{words}, although nothing was known of it", Outcome.FAILED)
    if 300 <= status < 400:
        return Loss(f"{words}: a redirect that leads nowhere", Outcome.FAILED)
    if status < 300:
        return Loss(f"{words} with no page", Outcome.FAILED)
    return Loss(words, Outcome.FAILED)


def not_a_page(body: bytes) -> str | None:
    """Return what a body is when it is no HTML, by its first bytes, whatever its header says."""
    start = body[:1024].lstrip()
    for magic, words in _MAGIC:
        if start.startswith(magic):
            return f"{words}, not a page"
    if body[:4] == b"RIFF" or body[4:8] == b"ftyp":
        return "an image, sound or video, not a page"
    if _JSON.match(start):
        return "JSON, not a page"
    if document := _DOCUMENT.match(body[:4096]):
        return f"{_DOCUMENTS.get(document[1], 'a feed')}, not a page"
    if len(_CONTROLS.findall(body[:1024])) > len(body[:1024]) / 20:
        return "binary data, not a page"
    return None
