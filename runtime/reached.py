"""How a server is reached, as far as its own machine can tell.

One rule for both sides: doctor and the greeting look at it, and so does the web, for what it shows
to a class. Standard library only.
"""

from __future__ import annotations

import ipaddress
import socket
from pathlib import Path

CONTAINER_MARKS = (Path("/.dockerenv"), Path("/run/.containerenv"))
_OWN_NAMES = {"localhost", "localhost.localdomain", "ip6-localhost"}
_EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - compared, not bound


def is_everywhere(host: str) -> bool:
    """Whether a server that listens there is reached by all of its machine's addresses."""
    return host in _EVERYWHERE


def from_here(host: str, port: int) -> str:
    """How this machine reaches a server that listens there."""
    return url(_EVERYWHERE.get(host, host), port)


def url(host: str, port: int) -> str:
    """What is typed into a browser, its port among it."""
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"


def own_address() -> str:
    """The address from which this machine goes out; empty where it has no way out.

    Nothing is sent to find it.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # of documentation: only the route is looked up
        except OSError:
            return ""
        found = str(probe.getsockname()[0])
    return "" if is_own(found) else found


def is_own(host: str) -> bool:
    """Whether it is the same machine for everybody: localhost, or its addresses."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() in _OWN_NAMES


def is_contained() -> bool:
    """Whether a container engine started us, so that our own addresses are the container's.

    docker and podman leave a file.
    """
    return any(mark.exists() for mark in CONTAINER_MARKS)
