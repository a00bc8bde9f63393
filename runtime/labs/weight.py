"""What a network holds that its root made: asked of the kernel by netlink, in bytes of its memory.

Root of a network may hold packets back in it, and have links, queues, routes and neighbours without
number; most of that the kernel charges to nobody. The bytes of each are estimates, from what they
took on Linux 6.18.
"""

from __future__ import annotations

import socket
import struct
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from runtime.kernel import rtnetlink

_GETLINK, _GETROUTE, _GETNEIGH, _GETQDISC, _GETTCLASS, _GETNEXTHOP = 18, 26, 30, 38, 42, 106
_TRAFFIC = struct.Struct("=BBHiIII")
_NEIGHBOUR = struct.Struct("=BBHiHBB")
_ROUTE = struct.Struct("=BBBBBBBBI")
_NEXTHOP = struct.Struct("=BBBBI")
_NUD_INCOMPLETE, _NUD_PERMANENT = 0x01, 0x80
_NTF_PROXY = 0x08
_ROOT = 0xFFFFFFFF

_MTU, _TXQLEN, _LINKINFO, _TX_QUEUES = 4, 13, 18, 31  # IFLA_…
_EXT_MASK = struct.pack("=HHI", 8, 29, 8)  # IFLA_EXT_MASK: no figures of traffic
_STATS2, _STATS_QUEUE = 7, 3  # TCA_…

_DATAGRAMS = ("udp", "udp6", "udplite", "udplite6", "raw", "raw6", "icmp", "icmp6")
_QUEUES = 4  # the column of what waits to be sent and, after a colon, to be read

_LINK_BYTES = 32 << 10
_SLOT_BYTES = 24  # of a queue, for each packet that it may hold: three of eight
_PACKET_BYTES = 1024  # of one, beside its own
_CLASS_BYTES = 1024
_QUEUE_BYTES = 256 << 10
_NEIGHBOUR_BYTES = 512
_ROUTE_BYTES = 256


class Weight(NamedTuple):
    """What a network may be made to hold.

    Attributes:
        size: in bytes.
        possible: what may wait beside it in tunnels that nobody reads, where nobody sees it.
        neighbours: how many of those that the whole machine has a table for.
        waits: of the size what waits to be sent; of packets for a neighbour that isn't there yet
            only that they do.
    """

    size: int = 0
    possible: int = 0
    neighbours: int = 0
    waits: int = 0

    def plus(self, other: Weight) -> Weight:
        """Both together."""
        return Weight(*(mine + its for mine, its in zip(self, other, strict=True)))


def weigh() -> Weight:
    """What the network of the calling thread holds."""
    size, possible, links = _links()
    queues = [_waiting(body) for body in rtnetlink.dump(_GETQDISC, _TRAFFIC.pack(*[0] * 7))]
    classes = sum(_count(_GETTCLASS, _TRAFFIC.pack(0, 0, 0, link, 0, 0, 0)) for link in links)
    routes = _count(_GETROUTE, _ROUTE.pack(*[0] * 9))
    routes += _count(_GETNEXTHOP, _NEXTHOP.pack(*[0] * 5))
    asked = _NEIGHBOUR.pack(*[0] * 7)
    states = [_NEIGHBOUR.unpack_from(body)[4] for body in rtnetlink.dump(_GETNEIGH, asked)]
    others = _count(_GETNEIGH, _NEIGHBOUR.pack(0, 0, 0, 0, 0, _NTF_PROXY, 0))
    others += _count(_GETNEIGH, _NEIGHBOUR.pack(socket.AF_BRIDGE, 0, 0, 0, 0, 0, 0))
    size += _QUEUE_BYTES * len(queues) + _CLASS_BYTES * classes + _ROUTE_BYTES * routes
    size += _NEIGHBOUR_BYTES * (len(states) + others)
    # What a socket sent and a queue holds is seen in both.
    size += max(sum(queues), _unsent()) + _fragments()
    return Weight(
        size,
        possible,
        neighbours=sum(not state & _NUD_PERMANENT for state in states),
        waits=sum(queues) + sum(bool(state & _NUD_INCOMPLETE) for state in states),
    )


def drop() -> None:
    """Let what waits in the network of the calling thread go, by taking its links down.

    A packet that is held back keeps its socket, though nobody has that open any more, the socket
    its network, and that the queue with the packet: without this all three would stay for good.
    """
    for index in _links()[2]:
        with suppress(OSError):  # one that went away meanwhile holds nothing
            rtnetlink.switch(index, on=False)


def _links() -> tuple[int, int, list[int]]:
    size = possible = 0
    found = []
    for body in rtnetlink.dump(_GETLINK, rtnetlink.LINK.pack(*[0] * 6) + _EXT_MASK):
        found.append(rtnetlink.LINK.unpack_from(body)[3])
        told = dict(rtnetlink.attributes(body[rtnetlink.LINK.size :]))
        mtu, slots, queues = (
            int.from_bytes(told.get(name, b""), "little") for name in (_MTU, _TXQLEN, _TX_QUEUES)
        )
        size += _LINK_BYTES + _SLOT_BYTES * slots
        if b"tun" in told.get(_LINKINFO, b""):
            possible += slots * queues * (mtu + _PACKET_BYTES)
    return size, possible, found


def _waiting(body: memoryview) -> int:
    """Of a queue what waits in it, and in those below it."""
    if _TRAFFIC.unpack_from(body)[5] != _ROOT:
        return 0
    told = dict(rtnetlink.attributes(body[_TRAFFIC.size :]))
    figures = dict(rtnetlink.attributes(memoryview(told.get(_STATS2, b""))))
    packets, size = struct.unpack_from("=II", figures.get(_STATS_QUEUE, bytes(8)))
    return int(size + packets * _PACKET_BYTES)


def _unsent() -> int:
    """What sockets wait to send; TCP's is charged to the lab."""
    lines = [line for name in _DATAGRAMS for line in _lines(name)[1:]]
    return sum(int(line.split()[_QUEUES].partition(b":")[0], 16) for line in lines)


def _fragments() -> int:
    """What waits for the rest of a packet, of which a network's root sets the limit."""
    lines = [line.split() for name in ("sockstat", "sockstat6") for line in _lines(name)]
    return sum(int(words[-1]) for words in lines if words[0].startswith(b"FRAG"))


def _lines(name: str) -> list[bytes]:
    with suppress(FileNotFoundError):  # IPv6 that is switched off
        return Path(f"/proc/thread-self/net/{name}").read_bytes().splitlines()
    return []


def _count(kind: int, body: bytes) -> int:
    return sum(1 for _ in rtnetlink.dump(kind, body))
