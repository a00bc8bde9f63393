"""rtnetlink as pyroute2 spells it, in few system calls.

pyroute2's own socket answers each request through an event loop (5 ms for one lab's link) and forks
to enter a namespace. So its message classes (`messages.py`), or its `IPBatch` for what is rare,
write the messages, and a plain socket carries all of them at once; its `IPRoute` reads what is read
rarely.
"""

from __future__ import annotations

import os
import socket
import struct
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Network
from typing import TYPE_CHECKING, Any

from pyroute2 import IPBatch, IPRoute  # type: ignore[import-untyped]

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from runtime.kernel.netns import NetworkNamespace

MAIN_TABLE = 254
DEFAULT_MTU = 1500

_NARROWEST_DEFAULT = 8
_ENDING_HERE = {2, 3, 4, 5}  # RTN_LOCAL, RTN_BROADCAST, RTN_ANYCAST, RTN_MULTICAST
_NLMSG_ERROR = 2
_HEADER = struct.Struct("=IHHII")
_ERROR = struct.Struct("=i")
_ANSWER_BYTES = 64 * 1024


class Netlink:
    """A socket in the namespace of the thread that opens it; then of use to any thread."""

    def __init__(self) -> None:
        self._socket = socket.socket(
            socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, socket.NETLINK_ROUTE
        )
        self._socket.bind((0, 0))
        self._lock = threading.Lock()

    @contextmanager
    def batch(self) -> Iterator[IPBatch]:
        """Collect requests, and send them in one call when the block ends.

        Raises:
            OSError: of the first request that the kernel refused. It did the others all the same:
                requests that rest on each other's success belong in two batches.
        """
        # A compiler brings a socket and an event loop that only its thread may use: one a batch.
        with IPBatch() as requests:
            yield requests
            messages = bytes(requests.batch)
        self.send([messages])

    def send(self, messages: Sequence[bytes]) -> None:
        """Send requests in one call, as `messages.py` encodes them.

        Raises:
            OSError: as for `batch`.
        """
        packet = b"".join(messages)
        waiting = sum(1 for _ in _messages(packet))
        refused = 0
        with self._lock:
            self._socket.send(packet)
            while waiting:
                for error in _errors(self._socket.recv(_ANSWER_BYTES)):
                    refused = refused or error
                    waiting -= 1
        if refused:
            raise OSError(refused, f"rtnetlink: {os.strerror(refused)}")

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()


@dataclass(frozen=True)
class Link:
    """A network interface."""

    index: int
    name: str
    mtu: int


@dataclass(frozen=True)
class Address:
    """An IPv4 address of a link; `peer` is the other end's where there is one, else the same."""

    link: int
    local: IPv4Address
    peer: IPv4Address


@dataclass(frozen=True)
class Route:
    """A route of any table.

    Attributes:
        destination: where it leads.
        links: by which; several where it is shared among them.
        mtu: of the route itself, if it has one.
        is_own: whether packets end on this machine.
        table: its number, `MAIN_TABLE` among them; that of a large one is only known as large.
    """

    destination: IPv4Network | IPv6Network
    links: frozenset[int]
    mtu: int | None
    is_own: bool
    table: int = MAIN_TABLE

    @property
    def is_default(self) -> bool:
        """Whether it leads everywhere and not to some network.

        A VPN that takes all of the traffic often leaves the default route where it is, and adds
        both halves of the world.
        """
        return not self.is_own and self.destination.prefixlen < _NARROWEST_DEFAULT


@dataclass(frozen=True)
class Snapshot:
    """What a namespace's links, addresses and routes were at one moment."""

    links: dict[int, Link]
    addresses: list[Address]
    routes: list[Route]

    def link(self, name: str) -> Link | None:
        """The link of that name, if there is one."""
        return next((link for link in self.links.values() if link.name == name), None)

    def own(self) -> list[IPv4Network | IPv6Network]:
        """Every address that means this machine itself: its own, broadcast, and local routes."""
        return [route.destination for route in self.routes if route.is_own]

    def routed(self, but_by: str = "") -> list[IPv4Network | IPv6Network]:
        """Where packets have a way to already, the ways to everywhere left out.

        Args:
            but_by: a link whose routes don't count.
        """
        but = self.link(but_by)
        return [
            route.destination
            for route in self.routes
            if not route.is_default and not (but and but.index in route.links)
        ]

    def crossing(self, networks: Collection[IPv4Network | IPv6Network], uplink: str) -> list[str]:
        """Which of the routes by other links lead into some networks, as `ip route` writes them."""
        found = self.routed(but_by=uplink)
        return sorted({str(each) for each in found if any(meet(each, ours) for ours in networks)})

    def ways_out(self, version: int = 4) -> list[Link]:
        """The links that default routes leave by."""
        defaults = [route for route in self._defaults() if route.destination.version == version]
        used = set().union(*(route.links for route in defaults))
        return [link for index, link in self.links.items() if index in used]

    def mtu_out(self) -> int:
        """The largest packet that fits every default route."""
        defaults = self._defaults()
        used = set().union(*(route.links for route in defaults))
        of_links = [link.mtu for index, link in self.links.items() if index in used]
        of_routes = [route.mtu for route in defaults if route.mtu]
        return min(of_links + of_routes, default=DEFAULT_MTU)

    def _defaults(self) -> list[Route]:
        return [route for route in self.routes if route.is_default]


def meet(one: IPv4Network | IPv6Network, other: IPv4Network | IPv6Network) -> bool:
    """Whether an address lies in both."""
    if isinstance(one, IPv4Network):
        return isinstance(other, IPv4Network) and one.overlaps(other)
    return isinstance(other, IPv6Network) and one.overlaps(other)


def snapshot(netns: NetworkNamespace) -> Snapshot:
    """Read a namespace; costs some 5 ms."""
    return netns.run(snapshot_here)


def snapshot_here() -> Snapshot:
    """Read the namespace that the calling thread is in; anybody may."""
    with IPRoute() as ipr:
        links = [
            Link(raw["index"], raw.get("ifname"), raw.get("mtu") or DEFAULT_MTU)
            for raw in ipr.get_links()
        ]
        addresses = [
            Address(raw["index"], IPv4Address(raw.get("local")), IPv4Address(raw.get("address")))
            for raw in ipr.get_addr(family=socket.AF_INET)
            if raw.get("local")
        ]
        routes = [_route(raw, IPv4Network) for raw in ipr.get_routes(family=socket.AF_INET)]
        routes += [_route(raw, IPv6Network) for raw in ipr.get_routes(family=socket.AF_INET6)]
    return Snapshot({link.index: link for link in links}, addresses, routes)


def _route(raw: Mapping[str, Any], network: type[IPv4Network | IPv6Network]) -> Route:
    hops = raw.get("multipath") or [raw]
    return Route(
        network((raw.get("dst") or 0, raw["dst_len"])),
        frozenset(hop.get("oif") for hop in hops if hop.get("oif")),
        (raw.get("metrics") or {}).get("mtu"),
        raw["type"] in _ENDING_HERE,
        raw["table"],
    )


@contextmanager
def no_matter(*numbers: int) -> Iterator[None]:
    """Let errors pass that say: it is so already."""
    try:
        yield
    except OSError as error:
        if error.errno not in numbers:
            raise


def _messages(packet: bytes) -> Iterator[tuple[int, bytes]]:
    """Type and body of each netlink message of a packet."""
    start = 0
    while start + _HEADER.size <= len(packet):
        length, kind, *_ = _HEADER.unpack_from(packet, start)
        yield kind, packet[start + _HEADER.size : start + length]
        start += (length + 3) & ~3


def _errors(packet: bytes) -> Iterator[int]:
    """The errno of each acknowledgement; 0 for a request that was done."""
    for kind, body in _messages(packet):
        if kind == _NLMSG_ERROR:
            yield -_ERROR.unpack_from(body)[0]
