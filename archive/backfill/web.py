"""The one polite client for web archives and their indexes."""

import functools
import time
from importlib.metadata import version
from typing import Any

import urllib3

TRIES = 5
CONNECT_TRIES = 2  # where nobody answers at all
FIRST_WAIT_SECONDS = 1.0  # doubled with each try, unless the server says how long (Retry-After)
_RETRIED = (429, 500, 502, 503, 504)


@functools.cache
def client(contact: str = "") -> urllib3.PoolManager:
    """Return a client that says who it is and waits when it is told to."""
    words = f"bilateral/{version('bilateral')} (news archive{f'; contact: {contact}' if contact else ''})"
    retries = urllib3.Retry(
        total=TRIES,
        connect=CONNECT_TRIES,
        backoff_factor=FIRST_WAIT_SECONDS,
        status_forcelist=_RETRIED,
        respect_retry_after_header=True,
        raise_on_status=False,
    )
    timeout = urllib3.Timeout(connect=20.0, read=120.0)
    return urllib3.PoolManager(headers={"User-Agent": words}, retries=retries, timeout=timeout)


class Paced:
    """Asks one host, one request at a time, so many seconds apart."""

    def __init__(self, seconds: float, *, contact: str = "") -> None:
        self.seconds = seconds
        self._client = client(contact)
        self._next = 0.0

    def get(self, url: str, **options: Any) -> urllib3.BaseHTTPResponse:
        """Return the answer. Raises OSError where there is none, or one that is no 200 or 206."""
        time.sleep(max(0.0, self._next - time.monotonic()))
        try:
            answer = self._client.request("GET", url, **options)
        except urllib3.exceptions.HTTPError as error:
            raise OSError(f"{url}: {error}") from error
        finally:
            self._next = time.monotonic() + self.seconds
        if answer.status not in (200, 206):
            raise OSError(f"{url}: HTTP {answer.status}")
        return answer
