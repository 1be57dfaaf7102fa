"""Whether a server is the one its address names: its TLS certificate is checked, and what is wrong with it is named.

An archive is evidence only where it knows whom a page came from. An outlet whose certificate is never in order may
be declared ``tls = "unverified"``; each snapshot says then that it was not checked.
"""

import functools
import os
import ssl
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import certifi
from OpenSSL import SSL
from service_identity import VerificationError
from service_identity.hazmat import DNS_ID, IPAddress_ID, verify_service_identity
from service_identity.pyopenssl import extract_patterns
from twisted.internet.interfaces import IOpenSSLClientConnectionCreator
from twisted.internet.ssl import CertificateOptions, platformTrust
from twisted.web.iweb import IPolicyForHTTPS
from zope.interface import implementer

from archive.models import Outlet
from crawlers.addresses import declared_netlocs

# Of OpenSSL's X509_V_ERR_*, as readers of a reason understand them.
WORDS = {
    9: "it is not valid yet",
    10: "it has expired",
    18: "it is signed by itself",
    19: "it is signed by an authority nobody knows",
    20: "its chain is not whole, or its authority is unknown",
    21: "its chain is not whole, or its authority is unknown",
    23: "it was revoked",
    62: "it is another host's",
}
_WRONG_NAME = 62


def use_known_authorities() -> None:
    """Where the system has no list of authorities, let OpenSSL use the one that certifi carries."""
    paths = ssl.get_default_verify_paths()
    folder = Path(paths.capath) if paths.capath else None
    if paths.cafile is None and not (folder is not None and any(folder.iterdir())):
        os.environ.setdefault("SSL_CERT_FILE", certifi.where())


@implementer(IPolicyForHTTPS)
class CertificatePolicy:
    """Checks certificates, but for the hosts of outlets that the registry says not to.

    ``refused`` keeps, by host and port, what was wrong with the last certificate that was not accepted.
    """

    def __init__(self, outlets: Iterable[Outlet], unchecked: Any) -> None:
        self.refused: dict[tuple[str, int], str] = {}
        self._unchecked = unchecked  # the policy for hosts whose certificate is not looked at
        self._lenient = {
            place for o in outlets if o.tls == "unverified" for place in declared_netlocs(o) if place[1] != 80
        }

    @functools.cached_property
    def _context(self) -> SSL.Context:
        """One for all hosts: each would hold the authorities' certificates, a megabyte of them."""
        use_known_authorities()
        return CertificateOptions(trustRoot=platformTrust()).getContext()  # type: ignore[no-untyped-call]

    def verifies(self, place: tuple[str, int]) -> bool:
        """Say whether the certificate of a host and port is checked."""
        return place not in self._lenient

    def creatorForNetloc(self, hostname: bytes, port: int) -> Any:  # noqa: N802 - Twisted's name
        """Return what makes the connection; see twisted.web.iweb.IPolicyForHTTPS."""
        place = (hostname.decode("ascii"), port)
        if not self.verifies(place):
            return self._unchecked.creatorForNetloc(hostname, port)
        return _Checked(self._context, place, self.refused)


@implementer(IOpenSSLClientConnectionCreator)
class _Checked:
    """Makes connections that tell what was wrong with a certificate, which Twisted's own do not."""

    def __init__(
        self, context: SSL.Context, place: tuple[str, int], refused: dict[tuple[str, int], str]
    ) -> None:
        self.context = context
        self.place = place
        self.refused = refused
        self.identity = _identity(place[0])

    def clientConnectionForTLS(self, protocol: Any) -> SSL.Connection:  # noqa: N802 - Twisted's name
        self.refused.pop(self.place, None)
        connection = SSL.Connection(self.context, None)
        if isinstance(self.identity, DNS_ID):
            connection.set_tlsext_host_name(self.place[0].encode("ascii"))
        connection.set_verify(SSL.VERIFY_PEER | SSL.VERIFY_FAIL_IF_NO_PEER_CERT, self._verify)
        return connection

    def _verify(self, _: SSL.Connection, certificate: Any, error: int, depth: int, ok: int) -> bool:
        """Say whether one certificate of the chain will do; the first, of depth 0, is the host's."""
        if ok and depth == 0 and not _is_of(certificate, self.identity):
            ok, error = 0, _WRONG_NAME
        if not ok:
            self.refused.setdefault(self.place, WORDS.get(error, f"OpenSSL's error {error}"))
        return bool(ok)


def _identity(host: str) -> DNS_ID | IPAddress_ID:
    try:
        return IPAddress_ID(host)
    except ValueError:
        return DNS_ID(host)


def _is_of(certificate: Any, identity: DNS_ID | IPAddress_ID) -> bool:
    try:
        verify_service_identity(extract_patterns(certificate), [identity], [])
    except (VerificationError, ValueError):
        return False
    return True
