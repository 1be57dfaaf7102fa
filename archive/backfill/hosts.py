"""Whose an address is, for millions of them: by host first, which costs a look into a table."""

from collections.abc import Iterable
from urllib.parse import urlsplit

import tldextract

from archive.models import Outlet
from archive.urls import belongs_to, canonical_url

_suffixes = tldextract.TLDExtract(suffix_list_urls=(), cache_dir=None, include_psl_private_domains=True)


class Hosts:
    """The registry by host: `owner` says which outlet's an address is."""

    def __init__(self, outlets: Iterable[Outlet]) -> None:
        self.outlets = list(outlets)
        self._by_domain: dict[str, list[Outlet]] = {}
        for outlet in self.outlets:
            home = urlsplit(outlet.homepage).hostname or ""
            for host in {home, *(entry.partition(":")[0] for entry in outlet.hosts)}:
                self._by_domain.setdefault(registrable_domain(host), []).append(outlet)
        self._seen: dict[str, list[Outlet]] = {}

    def may_own(self, url: str) -> bool:
        """Say quickly whether some outlet has the registrable domain of an address."""
        return bool(self._candidates(url))

    def owner(self, url: str) -> Outlet | None:
        """Return the outlet an address belongs to; of several on one host, that whose homepage is nearest above it."""
        found = [o for o in self._candidates(url) if belongs_to(url, o.homepage, o.hosts)]
        return max(found, key=lambda outlet: _shared_path(url, outlet.homepage), default=None)

    def _candidates(self, url: str) -> list[Outlet]:
        host = _host(url)
        if host not in self._seen:
            self._seen[host] = self._by_domain.get(registrable_domain(host), [])
        return self._seen[host]


def _host(url: str) -> str:
    authority = url.partition("://")[2].partition("/")[0].rpartition("@")[2]
    return authority.partition(":")[0].lower()


def registrable_domain(host: str) -> str:
    """Return the domain that can be registered, or the host itself where it has no public suffix."""
    found = _suffixes(host)
    return found.top_domain_under_public_suffix or host


def _shared_path(url: str, homepage: str) -> int:
    """Return how much of the homepage's path an address begins with; -1 where it lies elsewhere."""
    home = canonical_url(homepage).partition("://")[2].partition("/")[2].rstrip("/")
    path = url.partition("://")[2].partition("/")[2]
    return len(home) if path == home or path.startswith(f"{home}/") or not home else -1
