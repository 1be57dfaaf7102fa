"""Recording what was downloaded, in vcrpy's format, and answering from a recording instead of the network.

vcrpy has no stub for Twisted, so this sits in the download handler: beneath robots.txt, redirects, retries and
compression, which therefore run on replay as they did when recording. Cookies and credentials never get in.
"""

import gzip
import os
from collections import defaultdict, deque
from pathlib import Path
from typing import Any, Self

import yaml
from scrapy import Request
from scrapy.http import Headers, Response
from scrapy.responsetypes import responsetypes
from vcr.request import Request as RecordedRequest
from vcr.serialize import deserialize, serialize
from vcr.serializers import yamlserializer

from crawlers.failures import CassetteError, Postponed

SECRET_HEADERS = {
    "authorization", "cookie", "proxy-authorization", "set-cookie", "set-cookie2", "www-authenticate",
    "x-api-key", "x-auth-token", "x-csrf-token", "x-amz-security-token",
}  # fmt: skip
KEPT_REQUEST_HEADERS = {"accept", "accept-language", "if-none-match", "if-modified-since"}


class NotRecorded(Postponed):
    """The recording has no (further) answer for a request."""


class Recording:
    """A cassette being written, or one being played."""

    def __init__(self, path: Path, *, replaying: bool) -> None:
        self.path = path
        self.replaying = replaying
        self.requests: list[RecordedRequest] = []
        self.responses: list[dict[str, Any]] = []
        self._answers: dict[tuple[str, str], deque[dict[str, Any]]] = defaultdict(deque)
        if replaying:
            self._load()

    @classmethod
    def of(cls, *, record: Path | None, replay: Path | None) -> "Self | None":
        """Return the recording these options ask for, if any. Raises CassetteError."""
        if replay is not None:
            return cls(replay, replaying=True)
        return cls(record, replaying=False) if record is not None else None

    def _load(self) -> None:
        try:
            data = self.path.read_bytes()
            text = gzip.decompress(data) if self.path.suffix == ".gz" else data
            requests, responses = deserialize(text.decode("utf-8"), yamlserializer)[:2]
        except OSError as error:
            raise CassetteError(f"{self.path}: {error.strerror or error}") from error
        except (yaml.YAMLError, KeyError, TypeError, ValueError, EOFError) as error:
            raise CassetteError(f"{self.path}: not a recording of a crawl: {error}") from error
        for request, response in zip(requests, responses, strict=True):
            self._answers[request.method, request.uri].append(response)

    def play(self, request: Request) -> Response:
        """Return the next recorded answer to a request. Raises NotRecorded."""
        answers = self._answers.get((request.method, request.url))
        if not answers:
            raise NotRecorded(f"the recording {self.path.name} has no answer for it")
        recorded = answers.popleft()
        headers = Headers(recorded["headers"])
        body: bytes = recorded["body"]["string"]
        kind = responsetypes.from_args(headers=headers, url=request.url, body=body)
        return kind(
            url=request.url, status=recorded["status"]["code"], headers=headers, body=body,
            protocol="HTTP/1.1",
        )  # fmt: skip

    def record(self, request: Request, response: Response) -> None:
        """Add an answer, without cookies and credentials."""
        recorded = RecordedRequest(request.method, request.url, b"", _kept(request, KEPT_REQUEST_HEADERS))
        headers = {
            name.decode("latin-1"): [value.decode("latin-1") for value in values]
            for name, values in response.headers.items()
            if name.decode("latin-1").lower() not in SECRET_HEADERS
        }
        self.requests.append(recorded)
        self.responses.append(
            {
                "status": {"code": response.status, "message": ""},
                "headers": headers,
                "body": {"string": response.body},
            }
        )

    def save(self) -> None:
        """Write what was recorded. Raises CassetteError."""
        if self.replaying:
            return
        recorded = {"requests": self.requests, "responses": self.responses}
        text = serialize(recorded, yamlserializer).encode("utf-8")
        part = self.path.with_name(f"{self.path.name}.part")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            # No time of writing in the gzip header: the same crawl gives the same file.
            part.write_bytes(gzip.compress(text, mtime=0) if self.path.suffix == ".gz" else text)
            os.replace(part, self.path)
        except OSError as error:
            raise CassetteError(f"{self.path}: {error.strerror or error}") from error


def _kept(request: Request, names: set[str]) -> dict[str, str]:
    return {
        name.decode("latin-1"): values[-1].decode("latin-1")
        for name, values in request.headers.items()
        if name.decode("latin-1").lower() in names
    }
