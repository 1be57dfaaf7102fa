"""The small decisions on the way of a request: what is decoded, what is retried, how a failure is named."""

import asyncio
import gzip
import time
import zlib
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from types import SimpleNamespace
from typing import Any, cast

import brotli
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scrapy import Request
from scrapy.exceptions import (
    CannotResolveHostError,
    DownloadCancelledError,
    DownloadConnectionRefusedError,
    DownloadFailedError,
    DownloadTimeoutError,
    IgnoreRequest,
    ResponseDataLossError,
)
from scrapy.settings import Settings

from archive.encodings import EncodingError, content_encodings, decoded
from archive.models import Outcome
from crawlers.failures import (
    Postponed,
    Refused,
    Unreachable,
    loss_of,
    not_a_page,
    one_line,
    status_loss,
)
from crawlers.middlewares import LONGEST_REST_SECONDS, BackoffMiddleware, retry_after_seconds

TEXT = "<html>México y Estados Unidos</html>".encode() * 50


def raw_deflate(body: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(body) + packer.flush()


@pytest.mark.parametrize(
    ("body", "encodings"),
    [
        (gzip.compress(TEXT), ["gzip"]),
        (gzip.compress(TEXT[:900]) + gzip.compress(TEXT[900:]), ["x-gzip"]),
        (zlib.compress(TEXT), ["deflate"]),
        (raw_deflate(TEXT), ["deflate"]),
        (brotli.compress(TEXT), ["br"]),
        (brotli.compress(gzip.compress(TEXT)), ["gzip", "br"]),
        (gzip.compress(TEXT) + b"\0" * 20, ["gzip"]),
        (TEXT, ["gzip"]),
        (TEXT, ["br"]),
        (TEXT, ["what-is-this"]),
    ],
)
def test_a_body_is_decoded_whatever_way_it_was_packed(body: bytes, encodings: list[str]) -> None:
    assert decoded(body, encodings, 1_000_000) == (TEXT, False, False)


@pytest.mark.parametrize("pack", [gzip.compress, zlib.compress, brotli.compress])
def test_a_bomb_is_cut_at_the_limit_and_quickly(pack: object) -> None:
    encodings = {gzip.compress: ["gzip"], zlib.compress: ["deflate"], brotli.compress: ["br"]}[pack]  # type: ignore[index]
    bomb = pack(b"a" * 50_000_000)  # type: ignore[operator]
    began = time.process_time()
    body, cut, _ = decoded(bomb, encodings, 1_000_000)
    assert (len(body), cut) == (1_000_000, True)
    assert time.process_time() - began < 1


@pytest.mark.parametrize(
    ("pack", "name"), [(gzip.compress, "gzip"), (zlib.compress, "deflate"), (brotli.compress, "br")]
)
def test_a_page_that_breaks_off_says_so_unless_it_came_to_its_end(pack: object, name: str) -> None:
    page = b"<html>" + bytes(range(32, 127)) * 500 + b"</html>"
    packed = pack(page)  # type: ignore[operator]
    assert not decoded(packed, [name], 1_000_000).broken
    assert decoded(packed[: len(packed) // 2], [name], 1_000_000).broken
    assert not decoded(packed, [name], 1_000).broken  # cut by us, not by the server


def test_a_page_without_its_checksum_is_whole() -> None:
    packed = gzip.compress(b"<html>" + TEXT + b"</html>\n")
    assert not decoded(packed[:-8], ["gzip"], 1_000_000).broken


def test_what_breaks_off_is_read_as_far_as_it_goes() -> None:
    packed = gzip.compress(bytes(range(256)) * 500, 0)
    body, cut, broken = decoded(packed[: len(packed) // 2], ["gzip"], 1_000_000)
    assert broken
    assert 10_000 < len(body) < 128_000
    assert not cut


@pytest.mark.parametrize("name", ["gzip", "deflate", "br", "zstd"])
def test_garbage_under_an_encoding_is_named(name: str) -> None:
    with pytest.raises(EncodingError, match="Content-Encoding"):
        decoded(b"\x00\x01garbage\xff" * 40, [name], 1_000_000)


@given(st.binary(max_size=300), st.lists(st.sampled_from(["gzip", "deflate", "br", "zstd", "x"]), max_size=5))
def test_decoding_never_fails_in_another_way(body: bytes, encodings: list[str]) -> None:
    try:
        text = decoded(body, encodings, 10_000).body
    except EncodingError:
        return
    assert len(text) <= max(10_000, len(body))


def test_encodings_that_change_nothing_are_left_out() -> None:
    assert content_encodings(["identity, GZIP", "none"]) == ["gzip"]


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (b"120", 120.0),
        (b" 0 ", 0.0),
        (b"-5", None),
        (b"soon", None),
        (b"99999999999999", LONGEST_REST_SECONDS),
        (None, None),
        (b"Sun, 06 Nov 1994 08:49:37 GMT", 0.0),
    ],
)
def test_retry_after(header: bytes | None, seconds: float | None) -> None:
    assert retry_after_seconds(header) == seconds


def test_retry_after_as_a_date() -> None:
    moment = format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True)
    wait = retry_after_seconds(moment.encode())
    assert wait is not None
    assert 85 < wait <= 90


@pytest.mark.parametrize(
    ("error", "words", "outcome"),
    [
        (Refused("robots.txt forbids it"), "robots.txt forbids it", Outcome.BLOCKED),
        (Postponed("HTTP 429", "2026-03-03T12:00:00Z"), "HTTP 429", None),
        (Unreachable("robots.txt cannot be read"), "robots.txt cannot be read", None),
        (IgnoreRequest("max redirections reached"), "redirects in circles or too often", Outcome.FAILED),
        (DownloadTimeoutError("x"), "no whole answer within 20 seconds", None),
        (DownloadCancelledError("x"), "larger than 5,000,000 bytes", Outcome.FAILED),
        (CannotResolveHostError("x"), "the host name is not known (DNS)", None),
        (DownloadConnectionRefusedError("x"), "the server refuses connections", None),
        (ResponseDataLossError(), "the answer breaks off before its end", None),
        (KeyError("\x1b[31m"), "KeyError: '\\x1b[31m'", None),
    ],
)
def test_a_failure_is_named_in_words(error: Exception, words: str, outcome: Outcome | None) -> None:
    loss = loss_of(error, seconds=20, max_bytes=5_000_000)
    assert (loss.reason, loss.outcome) == (words, outcome)


def test_a_host_that_cannot_be_reached_is_no_try_of_the_page() -> None:
    assert not loss_of(Unreachable("x")).counted
    assert loss_of(DownloadTimeoutError("x")).counted


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        *((status, Outcome.FAILED) for status in (204, 302, 304, 404, 418)),
        *((status, Outcome.BLOCKED) for status in (401, 403, 451)),
        *((status, None) for status in (429, 500, 599)),
    ],
)
def test_every_status_has_an_outcome_and_a_reason(status: int, outcome: Outcome | None) -> None:
    loss = status_loss(status, b"")
    assert loss is not None
    assert (loss.outcome, loss.reason[:8]) == (outcome, f"HTTP {status}")


def test_an_answer_of_200_is_no_loss() -> None:
    assert status_loss(200, b"captcha") is None


@pytest.mark.parametrize(
    "body", [b"%PDF-1.4", b"\x89PNG\r\n", b"GIF89a", b"RIFFxxxxWEBP", b"\0\0\0\x18ftypmp42"]
)
def test_what_is_no_page_is_told_by_its_first_bytes(body: bytes) -> None:
    assert "not a page" in (not_a_page(body) or "")


@pytest.mark.parametrize(
    "body", [b"<html>", b"\xef\xbb\xbf<!doctype html>", b"", b"texto", "ñ".encode("utf-16")]
)
def test_a_page_is_not_taken_for_a_file(body: bytes) -> None:
    assert not_a_page(body) is None


def test_words_for_a_log_have_no_escape_sequences() -> None:
    assert one_line("a\x1b[31m\u202eb\nc\x00") == "a\ufffd[31m\ufffdb c\ufffd"


@pytest.mark.parametrize(("seconds", "again"), [(0.5, True), (11.0, False)])
def test_what_fails_slowly_is_not_tried_again_in_the_same_crawl(seconds: float, again: bool) -> None:
    context = SimpleNamespace(cassette=SimpleNamespace(replaying=True))  # in which nothing is waited for
    settings = Settings()
    settings.setmodule("crawlers.settings")
    crawler = cast("Any", SimpleNamespace(settings=settings, spider=SimpleNamespace(context=context)))
    request = Request("http://a.example/", meta={"asked_at": time.monotonic() - seconds})
    error = DownloadFailedError("closed")
    asked = asyncio.run(BackoffMiddleware(crawler).process_exception(request, error))
    assert (asked is not None) is again
