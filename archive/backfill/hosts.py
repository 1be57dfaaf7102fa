"""Whose an address is, for millions of them: by host first, which costs a look into a table."""

import re
from collections.abc import Iterable
from urllib.parse import urlsplit

from archive.models import Outlet
from archive.urls import belongs_to, canonical_url, registrable_domain

_AUTHORITY = re.compile(r"https?://(?:[^/?#\\@]*@)?(\[[^\]]*\]|[^/?#\\@:]*)", re.IGNORECASE)


class Hosts:
    """The registry by host: `owner` says which outlet's an address is."""

    def __init__(self, outlets: Iterable[Outlet]) -> None:
        self._by_domain: dict[str, list[Outlet]] = {}
        for outlet in outlets:
            home = urlsplit(outlet.homepage).hostname or ""
            for host in {home, *(entry.partition(":")[0] for entry in outlet.hosts)}:
                self._by_domain.setdefault(site_of(host.lower()), []).append(outlet)

    def owner(self, url: str) -> Outlet | None:
        """Return the outlet an address belongs to; of several on one host, that whose homepage is nearest above it."""
        found = [o for o in self._candidates(url) if belongs_to(url, o.homepage, o.hosts)]
        return max(found, key=lambda outlet: _shared_path(url, outlet.homepage), default=None)

    def _candidates(self, url: str) -> list[Outlet]:
        """Return the outlets that have the address's host, or a domain above it."""
        authority = _AUTHORITY.match(url)
        host = authority[1].lower().rstrip(".") if authority else ""
        found: list[Outlet] = []
        while host:
            found += self._by_domain.get(host, ())
            host = host.partition(".")[2]
        return found


def site_of(host: str) -> str:
    """Return a host's registrable domain, or itself without ``www.`` where it has none."""
    return registrable_domain(host) or host.removeprefix("www.")


def _shared_path(url: str, homepage: str) -> int:
    """Return how much of the homepage's path an address begins with; -1 where it lies elsewhere."""
    home = canonical_url(homepage).partition("://")[2].partition("/")[2].rstrip("/")
    path = url.partition("://")[2].partition("/")[2]
    return len(home) if path == home or path.startswith(f"{home}/") or not home else -1
