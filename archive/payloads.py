"""What is kept of an answer, and how it is told from another."""

import hashlib

MAX_BODY_BYTES = 20_000_000  # of a decoded body; a longer one is not read further
NOT_KEPT = {"set-cookie", "set-cookie2", "cookie", "authorization", "proxy-authorization"}


def payload_digest(body: bytes) -> str:
    """Return the digest of a body as it was transferred, as it stands in ``snapshots.payload_digest``."""
    return "sha256:" + hashlib.sha256(body).hexdigest()
