"""Whom the host asks for names, and what a lab's /etc/resolv.conf says."""

from __future__ import annotations

from ipaddress import ip_address
from pathlib import Path

from runtime.network.rules import GATEWAY

_FILE = Path("/etc/resolv.conf")
_MOST = 3  # glibc reads no more

OFF = "# This lab has no internet, so names of other hosts are unknown here.\n"
ON = f"nameserver {GATEWAY}\n"


def resolvers(path: Path = _FILE) -> list[str]:
    """The addresses of the host's resolvers, those on its own loopback among them."""
    try:
        text = path.read_text(errors="replace")
    except OSError:
        return []
    words = [line.split() for line in text.splitlines()]
    named = [line[1] for line in words if len(line) > 1 and line[0] == "nameserver"]
    return [address for address in named if _is_address(address)][:_MOST]


def resolv_conf(*, internet: bool) -> str:
    """A lab's /etc/resolv.conf: the relay in the router (names.py), or why there is none.

    Without a server in it, lookups fail at once.
    """
    return ON if internet else OFF


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True
