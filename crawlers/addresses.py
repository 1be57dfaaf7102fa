"""Which addresses may be asked: checked when the connection is made, against what the name resolved to then.

Twisted connects to what the reactor's resolver hands it and to nothing else, so a name that resolves to one
address when looked at and to another when connected to (DNS rebinding) gains nothing here.
"""

import asyncio
import ipaddress
import socket
from collections.abc import Iterable, Sequence
from typing import Any
from urllib.parse import urlsplit

from twisted.internet.address import IPv4Address, IPv6Address
from twisted.internet.interfaces import IHostnameResolver, IHostResolution
from zope.interface import implementer

from archive.models import Outlet

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
DEFAULT_PORTS = {"http": 80, "https": 443}
NAT64 = ipaddress.ip_network("64:ff9b::/96")
RESOLVE_SECONDS = 10.0


def netloc(url: str) -> tuple[str, int]:
    """Return host and port of an http(s) address. Raises ValueError where there is none."""
    parts = urlsplit(url)
    port = parts.port or DEFAULT_PORTS.get(parts.scheme, 0)
    if not parts.hostname or not port:
        raise ValueError(f"no host or port in {url!r}")
    return parts.hostname.rstrip("."), port


def declared_netlocs(outlet: Outlet) -> set[tuple[str, int]]:
    """Return the hosts and ports that an outlet's registry entry names."""
    urls = (outlet.homepage, *outlet.feeds, *outlet.sitemaps, *outlet.sections)
    found = {netloc(url) for url in urls}
    for entry in outlet.hosts:
        host, _, port = entry.partition(":")
        ports = {int(port)} if port else {80, 443, netloc(outlet.homepage)[1]}
        found |= {(host, number) for number in ports}
    return found | {(host, port) for host, _ in set(found) for port in outlet.ports}


def declared_ports(outlet: Outlet) -> set[int]:
    """Return the ports an outlet may be asked on: 80, 443 and those its registry entry names."""
    return {80, 443, *(port for _, port in declared_netlocs(outlet))}


class AddressPolicy:
    """Says of a resolved address whether it may be connected to.

    Public addresses may, on the ports that some outlet's entry names. With ``allow_private_hosts`` loopback
    may too, but only where the registry declares that very host and port; no other private address ever.
    """

    def __init__(self, outlets: Iterable[Outlet], *, allow_private_hosts: bool = False) -> None:
        self.netlocs: set[tuple[str, int]] = set()
        for outlet in outlets:
            self.netlocs |= declared_netlocs(outlet)
        self.ports = {80, 443} | {port for _, port in self.netlocs}
        self.allow_private_hosts = allow_private_hosts

    def refusal(self, host: str, port: int, address: IPAddress) -> str | None:
        """Return why this address may not be connected to, or None where it may."""
        if port not in self.ports:
            return f"port {port}, which the registry does not name"
        if all(is_public(each) for each in embedded_addresses(address)):
            return None
        inner = embedded_addresses(address)[-1]
        if inner.is_loopback and self.allow_private_hosts:
            if (host, port) in self.netlocs:
                return None
            return f"a loopback address that the registry does not declare: {address} port {port}"
        return f"a private address: {address}"


def embedded_addresses(address: IPAddress) -> list[IPAddress]:
    """Return an address and the IPv4 address written into it, if any: mapped, 6to4, Teredo or NAT64."""
    if isinstance(address, ipaddress.IPv4Address):
        return [address]
    inner = address.ipv4_mapped or address.sixtofour
    if inner is not None:
        return [inner]
    if address.teredo is not None:
        return [address, *address.teredo]
    if address in NAT64:
        return [ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)]
    return [address]


def is_public(address: IPAddress) -> bool:
    """Say whether an address is one that anybody on the internet may be asked at."""
    return address.is_global and not address.is_multicast and not address.is_reserved


@implementer(IHostResolution)
class _Resolution:
    def __init__(self, name: str) -> None:
        self.name = name

    def cancel(self) -> None:
        """A look-up that is under way ends by itself, within `RESOLVE_SECONDS`."""


@implementer(IHostnameResolver)
class CheckedResolver:
    """Resolves names with the system's resolver and hands on only the addresses that the policy lets pass.

    ``refused`` keeps, by host and port, why the last look-up had nothing to hand on.
    """

    def __init__(self, policy: AddressPolicy) -> None:
        self.policy = policy
        self.refused: dict[tuple[str, int], str] = {}
        self._looking: set[asyncio.Task[None]] = set()

    def resolveHostName(  # noqa: N802 - Twisted's name
        self,
        resolutionReceiver: Any,  # noqa: N803
        hostName: str,  # noqa: N803
        portNumber: int = 0,  # noqa: N803
        addressTypes: Sequence[Any] | None = None,  # noqa: N803
        transportSemantics: str = "TCP",  # noqa: N803
    ) -> Any:
        """Begin a look-up; see twisted.internet.interfaces.IHostnameResolver."""
        resolution: Any = _Resolution(hostName)
        resolutionReceiver.resolutionBegan(resolution)
        task = asyncio.ensure_future(self._resolve(resolutionReceiver, hostName, portNumber))
        self._looking.add(task)
        task.add_done_callback(self._looking.discard)
        return resolution

    async def _resolve(self, receiver: Any, host: str, port: int) -> None:
        for address in await self.addresses(host, port):
            kind = IPv6Address if address.version == 6 else IPv4Address
            receiver.addressResolved(kind("TCP", str(address), port))
        receiver.resolutionComplete()

    async def addresses(self, host: str, port: int) -> list[IPAddress]:
        """Return the addresses of a host that may be connected to on this port."""
        self.refused.pop((host, port), None)
        found = await _look_up(host, port)
        allowed = []
        for address in found:
            reason = self.policy.refusal(host, port, address)
            if reason is None:
                allowed.append(address)
            else:
                self.refused[host, port] = reason
        return allowed


async def _look_up(host: str, port: int) -> list[IPAddress]:
    try:
        return [ipaddress.ip_address(host)]
    except ValueError:
        pass
    loop = asyncio.get_running_loop()
    try:
        answers = await asyncio.wait_for(
            loop.getaddrinfo(host, port, type=socket.SOCK_STREAM), RESOLVE_SECONDS
        )
    except (OSError, UnicodeError, TimeoutError):
        return []
    found = (ipaddress.ip_address(str(answer[4][0]).partition("%")[0]) for answer in answers)
    return list(dict.fromkeys(found))
