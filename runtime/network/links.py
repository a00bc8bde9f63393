"""One lab's link: a veth from the router straight into the lab's namespace, routed, no bridge.

Each lab is alone on its link, so there is no layer 2 that two of them share; and both ends know
each other for good, so nobody asks on it who has an address.
"""

from __future__ import annotations

import errno
import socket
from typing import TYPE_CHECKING, NamedTuple

from runtime.kernel.netns import opened_in
from runtime.network.netlink import Netlink
from runtime.network.rules import GATEWAY, GATEWAY6

if TYPE_CHECKING:
    from ipaddress import IPv4Address

    from pyroute2 import IPBatch  # type: ignore[import-untyped]

    from runtime.network.addresses import Home
    from runtime.network.netlink import Snapshot

_PREFIX = "lab-"
_INSIDE = "eth0"
_LOOPBACK = 1
_NODAD = 2  # IFA_F_NODAD: of use at once, since nobody else can have it
_BURST_S = 0.02
_QUEUE_S = 0.05
_V4, _V6 = socket.AF_INET, socket.AF_INET6


class Speed(NamedTuple):
    """How large and how fast packets may be on a lab's link.

    Attributes:
        mtu: the largest packet, in bytes.
        bytes_per_s: each way.
    """

    mtu: int
    bytes_per_s: int


def connect(
    router: Netlink, netns_fd: int, lab: str, home: Home, speed: Speed, *, with_ipv6: bool
) -> None:
    """Make a lab's link and set up both ends; three system calls, about 3 ms.

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
    with router.batch() as requests:
        requests.link(
            "add",
            ifname=_PREFIX + lab,
            kind="veth",
            index=home.index,
            mtu=speed.mtu,
            address=home.gateway_mac,
            state="up",
            peer={
                "ifname": _INSIDE,
                "mtu": speed.mtu,
                "address": home.mac,
                "net_ns_fd": netns_fd,
            },
        )
    with router.batch() as requests:
        requests.addr(
            "add", index=home.index, local=str(GATEWAY), address=str(home.address), prefixlen=32
        )
        # Known for good: else 1,024 labs fill the machine's neighbour table.
        know(requests, home.index, home.address, home.mac)
        if with_ipv6:
            requests.route("add", dst=f"{home.address6}/128", oif=home.index, family=_V6)
            know(requests, home.index, home.address6, home.mac)
        _slow_down(requests, home.index, speed)
    _set_up_inside(netns_fd, home, speed, with_ipv6=with_ipv6)


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


def know(requests: IPBatch, index: int, address: object, mac: str) -> None:
    """Have a neighbour's hardware address known for good."""
    family = _V6 if ":" in str(address) else _V4
    requests.neigh(
        "add", ifindex=index, dst=str(address), lladdr=mac, state="permanent", family=family
    )


def _slow_down(requests: IPBatch, index: int, speed: Speed) -> None:
    """Let what leaves by a link wait until its turn; what the queue can't hold is dropped."""
    requests.tc(
        "add",
        kind="tbf",
        index=index,
        handle=0x10000,
        rate=speed.bytes_per_s,
        burst=max(int(speed.bytes_per_s * _BURST_S), 16 * speed.mtu),
        latency=f"{_QUEUE_S * 1000:g}ms",
    )


def _set_up_inside(netns_fd: int, home: Home, speed: Speed, *, with_ipv6: bool) -> None:
    inside, index = opened_in(netns_fd, _inside)
    try:
        with inside.batch() as requests:
            requests.link("set", index=_LOOPBACK, state="up")
            requests.link("set", index=index, state="up")
            requests.addr("add", index=index, address=str(home.address), prefixlen=32)
            know(requests, index, GATEWAY, home.gateway_mac)
            requests.route("add", dst=f"{GATEWAY}/32", oif=index, scope="link")
            requests.route("add", dst="default", gateway=str(GATEWAY), oif=index)
            if with_ipv6:
                requests.addr(
                    "add",
                    index=index,
                    address=str(home.address6),
                    prefixlen=128,
                    family=_V6,
                    flags=_NODAD,
                )
                know(requests, index, GATEWAY6, home.gateway_mac)
                requests.route("add", dst="::/0", gateway=str(GATEWAY6), oif=index, family=_V6)
            # Its own root has no say over the network, so this holds upwards.
            _slow_down(requests, index, speed)
    finally:
        inside.close()


def _inside() -> tuple[Netlink, int]:
    return Netlink(), socket.if_nametoindex(_INSIDE)
