"""What keeps robots that walk every filter from taking the site away from its readers.

Each address has a bucket of `BURST` costly requests that refills at `PER_SECOND`; pages that cost little (articles,
stories, the front page without parameters) are not counted. Requests from this machine itself are not either:
behind a reverse proxy on the same machine uvicorn takes the reader's address from X-Forwarded-For.
"""

import ipaddress
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Any

from datasette.utils.asgi import Response

Send = Callable[..., Awaitable[Any]]
Asgi = Callable[[dict[str, Any], Send, Send], Awaitable[None]]

BURST = 60  # costly requests of one address at once
PER_SECOND = 1.0  # costly requests of one address, in the long run
ADDRESSES = 10_000  # remembered; the one not seen for longest is forgotten first
WORDS = (
    "Demasiadas consultas desde esta dirección: espere unos segundos. /"
    " Too many queries from this address: please wait some seconds.\n"
    "Para datos completos / for the whole data: bilateral export.\n"
)
ROBOTS = "User-agent: *\nDisallow: /search\nDisallow: /archive\nDisallow: /-/\nDisallow: /*?\n"


async def robots() -> Response:
    """Answer what robots may read: articles, stories and outlets, but no search, filter or table."""
    return Response.text(ROBOTS)


class Buckets:
    """Counts the costly requests of each address. An IPv6 network of 64 bits counts as one address."""

    def __init__(self, *, burst: int = BURST, per_second: float = PER_SECOND) -> None:
        self.burst = burst
        self.per_second = per_second
        self.levels: OrderedDict[str, tuple[float, float]] = OrderedDict()  # what is left, and when

    def wait(self, address: str, now: float) -> float:
        """Take one request of an address; return the seconds it has to wait, 0 where it need not."""
        left, then = self.levels.pop(address, (float(self.burst), now))
        left = min(float(self.burst), left + max(0.0, now - then) * self.per_second)
        wait = 0.0 if left >= 1 else (1 - left) / self.per_second
        self.levels[address] = (left if wait else left - 1, now)
        while len(self.levels) > ADDRESSES:
            self.levels.popitem(last=False)
        return wait


def network(host: str) -> str | None:
    """Return what is counted as one reader; None of this machine, and of what is no address."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address):
        address = address.ipv4_mapped or address
    if address.is_loopback:
        return None
    return str(ipaddress.ip_network(f"{address}/64", strict=False)) if address.version == 6 else str(address)


def costly(path: str, query: bytes) -> bool:
    """Whether a request makes the database search, count or sort."""
    return path.startswith(("/search", "/archive", "/-/")) or bool(query.removeprefix(b"lang=")[2:])


def limited(app: Asgi, buckets: Buckets | None = None) -> Asgi:
    """Return the application with costly requests counted; beyond the measure it answers 429 with words."""
    buckets = buckets or Buckets()

    async def with_limits(scope: dict[str, Any], receive: Send, send: Send) -> None:
        if scope["type"] == "http" and costly(scope.get("path", "/"), scope.get("query_string", b"")):
            reader = network((scope.get("client") or ("", 0))[0])
            wait = buckets.wait(reader, time.monotonic()) if reader is not None else 0.0
            if wait:
                headers = {"retry-after": str(int(wait) + 1), "cache-control": "no-store"}
                await Response.text(WORDS, status=429, headers=headers).asgi_send(send)
                return
        await app(scope, receive, send)

    return with_limits
