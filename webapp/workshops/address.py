"""Under which address learners reach this server: never localhost, never a container's own."""

from __future__ import annotations

import ipaddress
import socket
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

CONTAINER_MARKS = (Path("/.dockerenv"), Path("/run/.containerenv"))
LOCAL_NAMES = {"localhost", "localhost.localdomain", "ip6-localhost"}


@dataclass(frozen=True)
class Address:
    """What goes on the projector.

    Attributes:
        url: without a slash at its end; empty when we don't know one that learners reach.
        note: for the instructor: where it comes from, or how to set it.
    """

    url: str
    note: str = ""

    @property
    def shown(self) -> str:
        """As learners type it: without `http://`."""
        return self.url.removeprefix("http://")

    def join_link(self, code: str) -> str:
        """The address that has the code filled in; empty where we know none."""
        return f"{self.url}/j/{code}" if self.url else ""


def find_address(public_url: str, asked_as: str, listens_on: str) -> Address:
    """The set address; else the one the instructor's own browser used; else this machine's.

    Args:
        public_url: the setting; wins where it is set.
        asked_as: scheme, host and port of the request that wants to know; empty on the command
            line.
        listens_on: `host:port` that the server is bound to.
    """
    if public_url:
        return Address(_with_scheme(public_url).rstrip("/"))
    if asked_as and _is_reachable(urlsplit(asked_as).hostname or ""):
        return Address(
            asked_as.rstrip("/"),
            "Your own browser came by this address. Set `SLIPWAY_PUBLIC_URL` to show another one.",
        )
    host, _, port = listens_on.rpartition(":")
    if _is_local(host.strip("[]")):
        return Address(
            "",
            "This server listens to its own machine only. "
            "Let a class in: `./slipway serve --host 0.0.0.0`.",
        )
    own = own_address()
    if own is None or is_in_container():
        return Address(
            "",
            "Slipway can't see under which name learners reach it. "
            "Set it: `SLIPWAY_PUBLIC_URL=http://NAME ./slipway serve`.",
        )
    shown_port = "" if port == "80" else f":{port}"
    return Address(
        f"http://{own}{shown_port}",
        "Found on this machine; the setting `public_url` can name an easier one.",
    )


def own_address() -> str | None:
    """The address from which this machine goes out; None without a route.

    Nothing is sent to find it.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(
                ("192.0.2.1", 9)
            )  # a documentation address: connecting UDP only looks up the route
        except OSError:
            return None
        found = str(probe.getsockname()[0])
    return None if _is_local(found) else found


def is_in_container() -> bool:
    """Do we run in docker or podman? Then our own addresses are the container's."""
    return any(mark.exists() for mark in CONTAINER_MARKS)


def _is_reachable(host: str) -> bool:
    return bool(host) and not _is_local(host) and not (is_in_container() and host == own_address())


def _is_local(host: str) -> bool:
    if host.lower() in LOCAL_NAMES:
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _with_scheme(url: str) -> str:
    return url if "://" in url else f"http://{url}"
