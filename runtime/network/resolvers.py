"""Whom a lab may ask for names: the host's real resolvers, never its loopback stub."""

from __future__ import annotations

from ipaddress import AddressValueError, IPv4Address
from pathlib import Path

# systemd-resolved puts 127.0.0.53 into the first one and keeps the real ones in the second.
_FILES = (Path("/etc/resolv.conf"), Path("/run/systemd/resolve/resolv.conf"))
_MOST = 3  # glibc reads no more

OFF = "# This lab has no internet, so names of other hosts are unknown here.\n"
NONE = "# The server has no resolver that a lab could ask; `slipway doctor` says more.\n"


def resolvers(files: tuple[Path, ...] = _FILES) -> list[IPv4Address]:
    """The host's IPv4 resolvers that others can reach, from the first file that has any."""
    for path in files:
        try:
            found = _nameservers(path.read_text(errors="replace"))
        except OSError:
            continue
        if found:
            return found[:_MOST]
    return []


def resolv_conf(found: list[IPv4Address], *, internet: bool) -> str:
    """A lab's /etc/resolv.conf. Without a server in it, lookups fail at once."""
    if not internet:
        return OFF
    return "".join(f"nameserver {address}\n" for address in found) or NONE


def _nameservers(text: str) -> list[IPv4Address]:
    words = [line.split() for line in text.splitlines()]
    named = [line[1] for line in words if len(line) > 1 and line[0] == "nameserver"]
    addresses = [address for address in map(_ipv4, named) if address]
    return [address for address in addresses if not address.is_loopback]


def _ipv4(text: str) -> IPv4Address | None:
    try:
        return IPv4Address(text)
    except AddressValueError:
        return None
