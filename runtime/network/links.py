"""One lab's link: a veth from the router straight into the lab's namespace, routed, no bridge.

Each lab is alone on its link, so there is no layer 2 that two of them share; and both ends know
each other for good, so nobody asks on it who has an address.
"""

from __future__ import annotations

import errno
import socket
from typing import TYPE_CHECKING

from runtime.kernel.netns import opened_in
from runtime.network.messages import (
    End,
    Speed,
    address,
    default_route,
    limited,
    neighbour,
    removal,
    route_to,
    up,
    veth,
)
from runtime.network.netlink import Netlink
from runtime.network.rules import GATEWAY, GATEWAY6

if TYPE_CHECKING:
    from ipaddress import IPv4Address

    from runtime.network.addresses import Home
    from runtime.network.netlink import Snapshot

_PREFIX = "lab-"
_INSIDE = "eth0"
_LOOPBACK = 1


def connect(
    router: Netlink, netns_fd: int, lab: str, home: Home, speed: Speed, *, with_ipv6: bool
) -> None:
    """Make a lab's link and set up both ends; three system calls, about 2 ms.

    Args:
        router: a socket in the router's namespace.
        netns_fd: the lab's namespace; stays the caller's.
        lab: its id.
        home: its own.
        speed: of both ends.
        with_ipv6: whether this kernel has it.

    Raises:
        OSError: the kernel refused; call `disconnect` then.
    """
    near = End(_PREFIX + lab, home.gateway_mac)
    router.send([veth(near, home.index, End(_INSIDE, home.mac), netns_fd, speed.mtu)])
    # Neighbours are known for good: else 1,024 labs fill the machine's neighbour table.
    requests = [
        address(home.index, GATEWAY, home.address),
        neighbour(home.index, home.address, home.mac),
    ]
    if with_ipv6:
        requests.append(route_to(home.index, home.address6))
        requests.append(neighbour(home.index, home.address6, home.mac))
    router.send([*requests, limited(home.index, speed)])
    _set_up_inside(netns_fd, home, speed, with_ipv6=with_ipv6)


def disconnect(router: Netlink, lab: str) -> None:
    """Remove a lab's link, both ends; it may be gone already, with the lab's namespace."""
    try:
        router.send([removal(_PREFIX + lab)])
    except OSError as error:
        if error.errno != errno.ENODEV:
            raise


def connected(router: Snapshot) -> dict[str, IPv4Address]:
    """The labs that have a link, and the address of each."""
    names = {
        link.index: link.name.removeprefix(_PREFIX)
        for link in router.links.values()
        if link.name.startswith(_PREFIX)
    }
    return {names[each.link]: each.peer for each in router.addresses if each.link in names}


def _set_up_inside(netns_fd: int, home: Home, speed: Speed, *, with_ipv6: bool) -> None:
    inside, index = opened_in(netns_fd, _inside)
    requests = [
        up(_LOOPBACK),
        up(index, asks=False),  # else a lab that invents neighbours fills the machine's table, too
        address(index, home.address),
        neighbour(index, GATEWAY, home.gateway_mac),
        route_to(index, GATEWAY),
        default_route(index, GATEWAY),
    ]
    if with_ipv6:
        requests.append(address(index, home.address6))
        requests.append(neighbour(index, GATEWAY6, home.gateway_mac))
        requests.append(default_route(index, GATEWAY6))
    try:
        # Its own root has no say over the network, so the speed holds upwards.
        inside.send([*requests, limited(index, speed)])
    finally:
        inside.close()


def _inside() -> tuple[Netlink, int]:
    return Netlink(), socket.if_nametoindex(_INSIDE)
