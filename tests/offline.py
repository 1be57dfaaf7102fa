"""Run `bilateral` with every way to the network shut: ``python -m tests.offline COMMAND…``.

An audit hook ends the process when anything in it looks up a name or connects to an internet address.
"""

import socket
import sys
from typing import Any

INTERNET = (socket.AF_INET, socket.AF_INET6)


def refuse(event: str, arguments: tuple[Any, ...]) -> None:
    """Raise on network use; sockets between this machine's own processes (AF_UNIX) are let through."""
    if event == "socket.connect" and arguments[0].family in INTERNET:
        raise SystemExit(f"the network was asked: connect to {arguments[1]}")
    if event in ("socket.getaddrinfo", "socket.gethostbyname") and arguments[0] is not None:
        raise SystemExit(f"the network was asked: look up {arguments[0]}")


if __name__ == "__main__":
    from archive.cli import main

    sys.addaudithook(refuse)
    main()
