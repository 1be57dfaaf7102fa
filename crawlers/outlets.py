"""The registry of outlets: read from TOML, and refused whole where one block of it is wrong."""

import functools
import math
import re
import tomllib
import zoneinfo
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yarl

from archive.models import Outlet
from archive.urls import belongs_to, canonical_url, fetchable, literal_address

COUNTRIES = ("MX", "US")
LANGUAGES = ("es", "en")
KINDS = ("newspaper", "digital", "broadcaster", "wire", "magazine", "regional", "official")
ACCESS = ("open", "metered", "hard", "feed-only")
SCREENS = ("all", "summary")
TLS = ("verified", "unverified")
REQUIRED = ("id", "name", "country", "language", "homepage", "timezone")
MAX_DELAY_SECONDS = 3_600.0

_SLUG = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_HOST = re.compile(r"[a-z0-9.:\[\]-]+")


class OutletError(ValueError):
    """A registry that cannot be used; its message names the file, the outlet and the key."""


def load_outlets(path: Path) -> list[Outlet]:
    """Return the outlets a registry declares, in its order.

    Raises OutletError at the first thing that is wrong: a file that cannot be read or is not TOML (with the
    line), an unknown or missing key, a duplicate id, a value of the wrong type or meaning.
    """
    try:
        registry = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise OutletError(f"{path}: {error.strerror or error}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise OutletError(f"{path}: not TOML: {error}") from error
    unknown = sorted(set(registry) - {"outlet"})
    if unknown:
        raise OutletError(f"{path}: unknown key {unknown[0]!r}: every outlet is an [[outlet]] block")
    blocks = registry.get("outlet")
    if not isinstance(blocks, list) or not blocks:
        raise OutletError(f"{path}: declares no [[outlet]]")
    return _read_blocks(path, blocks)


def _read_blocks(path: Path, blocks: list[Any]) -> list[Outlet]:
    outlets: dict[str, Outlet] = {}
    for number, block in enumerate(blocks, start=1):
        if not isinstance(block, dict):
            raise OutletError(f"{path}: outlet number {number}: not an [[outlet]] block")
        name = f"outlet {block['id']!r}" if isinstance(block.get("id"), str) else f"outlet number {number}"
        outlet = _read_block(f"{path}: {name}", block)
        if outlet.id in outlets:
            raise OutletError(f"{path}: {name}: key 'id': used twice, by {outlets[outlet.id].name!r} as well")
        outlets[outlet.id] = outlet
    return list(outlets.values())


def _read_block(where: str, block: dict[str, Any]) -> Outlet:
    for key in block:
        if key not in CHECKS:
            raise OutletError(f"{where}: unknown key {key!r}")
    for key in REQUIRED:
        if key not in block:
            raise OutletError(f"{where}: missing key {key!r}")
    values = {}
    for key, value in block.items():
        try:
            values[key] = CHECKS[key](value)
        except ValueError as error:
            raise OutletError(f"{where}: key {key!r}: {error}") from error
    outlet = Outlet(**values)
    for url in outlet.unverified:
        if url not in {*outlet.feeds, *outlet.sitemaps, *outlet.sections}:
            raise OutletError(f"{where}: key 'unverified': not one of its feeds, sitemaps or sections: {url}")
    return outlet


def refusal(url: str, outlet: Outlet) -> str | None:
    """Return why a link somebody gave may not be asked as a page of this outlet; None where it may.

    The words are what ``pages.reason`` says of a page whose state is ``blocked``.
    """
    reason = fetchable(url)
    if reason is not None:
        return reason
    if belongs_to(url, outlet.homepage, outlet.hosts):
        port = yarl.URL(canonical_url(url)).port
        return None if port in allowed_ports(outlet) else f"port {port} is not one the registry names"
    address = literal_address(url)
    if address is not None and not address.is_global:
        return f"a private address: {address}"
    return "on a host that is not the outlet's"


@functools.lru_cache(maxsize=1024)
def allowed_ports(outlet: Outlet) -> frozenset[int]:
    """Return the ports an outlet's hosts may be asked on: 80, 443 and those its registry block names."""
    addresses = (outlet.homepage, *outlet.feeds, *outlet.sitemaps, *outlet.sections)
    named = {
        yarl.URL(address).explicit_port
        for address in (*addresses, *(f"http://{host}" for host in outlet.hosts))
    }
    return frozenset({80, 443, *outlet.ports, *(port for port in named if port is not None)})


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(f"must be a text, not {_type_name(value)}")
    if not value.strip() or not value.isprintable():
        raise ValueError("must be a text of one line that is not empty")
    return value


def _slug(value: Any) -> str:
    if not _SLUG.fullmatch(_text(value)):
        raise ValueError(f"must be a slug of lower-case letters, digits and single hyphens, not {value!r}")
    return str(value)


def _one_of(*choices: str) -> Callable[[Any], str]:
    def check(value: Any) -> str:
        if _text(value) not in choices:
            raise ValueError(f"must be one of {', '.join(choices)}, not {value!r}")
        return str(value)

    return check


def _timezone(value: Any) -> str:
    try:
        return zoneinfo.ZoneInfo(_text(value)).key
    except (zoneinfo.ZoneInfoNotFoundError, OSError, ValueError) as error:
        raise ValueError(f"must be an IANA time zone such as America/Tijuana, not {value!r}") from error


def _url(value: Any) -> str:
    reason = fetchable(_text(value))
    if reason is not None:
        raise ValueError(f"must be an http or https address, not {value!r}: {reason}")
    return str(value)


def _host(value: Any) -> str:
    if not _HOST.fullmatch(_text(value)) or fetchable(f"http://{value}/") is not None:
        raise ValueError(f"must be a host name in lower case without scheme or path, not {value!r}")
    return str(value)


def _port(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= 65_535:
        raise ValueError(f"must be a port from 1 to 65535, not {value!r}")
    return value


def _delay(value: Any) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise ValueError(f"must be a number of seconds, not {_type_name(value)}")
    if not math.isfinite(value) or not 0 <= value <= MAX_DELAY_SECONDS:
        raise ValueError(f"must be from 0 to {MAX_DELAY_SECONDS:.0f} seconds, not {value}")
    return float(value)


def _list_of(check: Callable[[Any], Any]) -> Callable[[Any], tuple[Any, ...]]:
    def check_all(value: Any) -> tuple[Any, ...]:
        if not isinstance(value, list):
            raise ValueError(f"must be a list, not {_type_name(value)}")
        return tuple(dict.fromkeys(check(item) for item in value))

    return check_all


def _type_name(value: Any) -> str:
    names = {
        bool: "a boolean",
        int: "a number",
        float: "a number",
        str: "a text",
        list: "a list",
        dict: "a table",
    }
    return names.get(type(value), f"a {type(value).__name__}")


CHECKS: dict[str, Callable[[Any], Any]] = {
    "id": _slug,
    "name": _text,
    "country": _one_of(*COUNTRIES),
    "language": _one_of(*LANGUAGES),
    "kind": _one_of(*KINDS),
    "homepage": _url,
    "timezone": _timezone,
    "feeds": _list_of(_url),
    "sitemaps": _list_of(_url),
    "sections": _list_of(_url),
    "unverified": _list_of(_url),
    "hosts": _list_of(_host),
    "ports": _list_of(_port),
    "delay": _delay,
    "access": _one_of(*ACCESS),
    "tls": _one_of(*TLS),
    "agencies": _list_of(_text),
    "screen": _one_of(*SCREENS),
}
