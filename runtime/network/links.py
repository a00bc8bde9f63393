"""One lab's link: a veth from the router straight into the lab's namespace, routed, no bridge.

Each lab is alone on its link, so there is no layer 2 that two of them share.
"""

from __future__ import annotations

import errno
import socket
from typing import TYPE_CHECKING

from runtime.kernel.netns import opened_in
from runtime.network.netlink import Netlink
from runtime.network.rules import GATEWAY

if TYPE_CHECKING:
    from ipaddress import IPv4Address

    from runtime.network.netlink import Snapshot

_PREFIX = "lab-"
_INSIDE = "eth0"
_LOOPBACK = 1
# Chosen and not asked for, which saves an answer; above what the kernel counts up from 1 by itself.
_FIRST_INDEX = 1000


def connect(
    router: Netlink, netns_fd: int, lab: str, address: IPv4Address, slot: int, mtu: int
) -> None:
    """Make a lab's link and set up both ends; three system calls, about 3 ms.

    Args:
        router: a socket in the router's namespace.
        netns_fd: the lab's namespace; stays the caller's.
        lab: its id.
        address: its own.
        slot: a number below 2^16 that no other lab of the router has.
        mtu: of both ends.

    Raises:
        OSError: the kernel refused; call `disconnect` then.
    """
    index = _FIRST_INDEX + slot
    mac = "02:00:" + ":".join(f"{byte:02x}" for byte in address.packed)
    with router.batch() as requests:
        requests.link(
            "add",
            ifname=_PREFIX + lab,
            kind="veth",
            index=index,
            mtu=mtu,
            state="up",
            peer={
                "ifname": _INSIDE,
                "mtu": mtu,
                "address": mac,
                "net_ns_fd": netns_fd,
            },
        )
    with router.batch() as requests:
        requests.addr("add", index=index, local=str(GATEWAY), address=str(address), prefixlen=32)
        # Known for good: else 1,024 labs fill the machine's neighbour table.
        requests.neigh("add", ifindex=index, dst=str(address), lladdr=mac, state="permanent")
    _set_up_inside(netns_fd, address)


def disconnect(router: Netlink, lab: str) -> None:
    """Remove a lab's link, both ends; it may be gone already, with the lab's namespace."""
    try:
        with router.batch() as requests:
            requests.link("del", ifname=_PREFIX + lab)
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


def _set_up_inside(netns_fd: int, address: IPv4Address) -> None:
    inside, index = opened_in(netns_fd, _inside)
    try:
        with inside.batch() as requests:
            requests.link("set", index=_LOOPBACK, state="up")
            requests.link("set", index=index, state="up")
            requests.addr("add", index=index, address=str(address), prefixlen=32)
            requests.route("add", dst=f"{GATEWAY}/32", oif=index, scope="link")
            requests.route("add", dst="default", gateway=str(GATEWAY), oif=index)
    finally:
        inside.close()


def _inside() -> tuple[Netlink, int]:
    return Netlink(), socket.if_nametoindex(_INSIDE)
