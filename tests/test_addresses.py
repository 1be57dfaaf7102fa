"""Which addresses may be asked: every spelling of a private one is refused when the connection is made."""

import asyncio
import ipaddress
import socket
from typing import Any

import pytest

from archive.models import Outlet
from crawlers.addresses import AddressPolicy, CheckedResolver, declared_netlocs, declared_ports

OUTLET = Outlet(
    id="faro", name="El Faro", country="MX", language="es", homepage="http://127.0.0.2:8001/",
    timezone="America/Mexico_City", feeds=("https://feeds.faro.example:8443/rss",), hosts=("m.faro.example:81",),
    ports=(9000,),
)  # fmt: skip


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "0.0.0.0", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1",
        "192.0.2.1", "198.18.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255", "::1", "::", "fe80::1", "fc00::1",
        "ff02::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "2002:7f00:1::",
        "2002:a00:1::", "64:ff9b::7f00:1", "64:ff9b::a00:1", "2001:db8::1",
        "2001:0:7f00:1:0:0:f5ff:fffe",
    ],
)  # fmt: skip
def test_private_addresses_are_refused(address: str) -> None:
    policy = AddressPolicy([OUTLET])
    assert policy.refusal("faro.example", 443, ipaddress.ip_address(address)) is not None
    if not ipaddress.ip_address(address).is_loopback:
        opened = AddressPolicy([OUTLET], allow_private_hosts=True)
        assert opened.refusal("127.0.0.2", 8001, ipaddress.ip_address(address)) is not None or address in (
            "::ffff:127.0.0.1", "2002:7f00:1::", "64:ff9b::7f00:1",
        )  # fmt: skip


@pytest.mark.parametrize("address", ["1.1.1.1", "93.184.215.14", "2606:4700:4700::1111", "64:ff9b::101:101"])
def test_public_addresses_may_be_asked(address: str) -> None:
    assert AddressPolicy([OUTLET]).refusal("faro.example", 443, ipaddress.ip_address(address)) is None


def test_only_ports_that_the_registry_names() -> None:
    policy = AddressPolicy([OUTLET])
    public = ipaddress.ip_address("1.1.1.1")
    assert [port for port in (22, 80, 81, 443, 8001, 8443, 9000, 6379) if not policy.refusal("a", port, public)] == [
        80, 81, 443, 8001, 8443, 9000,
    ]  # fmt: skip
    assert declared_ports(OUTLET) == {80, 443, 81, 8001, 8443, 9000}
    assert ("127.0.0.2", 8001) in declared_netlocs(OUTLET)


@pytest.mark.parametrize(
    ("host", "port", "address", "allowed"),
    [
        ("127.0.0.2", 8001, "127.0.0.2", True),
        ("127.0.0.2", 80, "127.0.0.2", False),
        ("127.0.0.1", 8001, "127.0.0.1", False),
        ("localhost", 8001, "127.0.0.1", False),
        ("2130706434", 8001, "127.0.0.2", False),
        ("rebound.example", 8001, "127.0.0.2", False),
        ("127.0.0.2", 8001, "10.0.0.1", False),
    ],
)
def test_allowed_loopback_is_that_of_the_registry(host: str, port: int, address: str, allowed: bool) -> None:
    policy = AddressPolicy([OUTLET], allow_private_hosts=True)
    assert (policy.refusal(host, port, ipaddress.ip_address(address)) is None) is allowed


class Receiver:
    def __init__(self) -> None:
        self.addresses: list[Any] = []
        self.complete = asyncio.Event()

    def resolutionBegan(self, resolution: Any) -> None:  # noqa: N802
        pass

    def addressResolved(self, address: Any) -> None:  # noqa: N802
        self.addresses.append(address)

    def resolutionComplete(self) -> None:  # noqa: N802
        self.complete.set()


def resolve(resolver: CheckedResolver, host: str, port: int) -> list[str]:
    async def main() -> list[str]:
        receiver = Receiver()
        resolver.resolveHostName(receiver, host, port)
        await asyncio.wait_for(receiver.complete.wait(), 15)
        return [address.host for address in receiver.addresses]

    return asyncio.run(main())


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "2130706433", "0x7f.1", "0177.0.0.1", "::1", "0"])
def test_the_resolver_hands_on_nothing_private_however_it_is_spelled(host: str) -> None:
    try:
        socket.getaddrinfo(host, 80)
    except OSError:
        pytest.skip("this system's resolver does not know this spelling")
    resolver = CheckedResolver(AddressPolicy([OUTLET]))
    assert resolve(resolver, host, 80) == []
    assert "a private address" in resolver.refused[host, 80]


def test_the_resolver_hands_on_what_is_declared() -> None:
    resolver = CheckedResolver(AddressPolicy([OUTLET], allow_private_hosts=True))
    assert resolve(resolver, "127.0.0.2", 8001) == ["127.0.0.2"]
    assert resolver.refused == {}


def test_a_name_that_is_not_known_has_no_address_and_no_refusal() -> None:
    resolver = CheckedResolver(AddressPolicy([OUTLET]))
    assert resolve(resolver, "no-such-host.invalid", 443) == []
    assert resolver.refused == {}


def test_a_name_that_leads_inward_at_its_second_look_up_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = iter(["8.8.8.8", "169.254.169.254", "::ffff:127.0.0.1"])

    def look_up(host: str, port: int, *_: Any, **__: Any) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (next(answers), port))]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    resolver = CheckedResolver(AddressPolicy([OUTLET]))
    assert resolve(resolver, "gira.example", 80) == ["8.8.8.8"]
    assert resolve(resolver, "gira.example", 80) == []
    assert resolve(resolver, "gira.example", 80) == []
    assert "a private address" in resolver.refused["gira.example", 80]
