"""What a lab's link is asked of the kernel with, encoded by pyroute2's own message classes.

Its request classes, which `Netlink.batch` collects, look at each word and bring an event loop: 5 ms
a lab. These are a sixth of that, and each lab is made with a dozen.
"""

from __future__ import annotations

import functools
import socket
import struct
from ipaddress import IPv4Address, IPv6Address
from typing import TYPE_CHECKING, Any, NamedTuple

from pyroute2.netlink.rtnl import (  # type: ignore[import-untyped]
    RTM_DELLINK,
    RTM_NEWADDR,
    RTM_NEWLINK,
    RTM_NEWNEIGH,
    RTM_NEWQDISC,
    RTM_NEWROUTE,
    TC_H_ROOT,
)
from pyroute2.netlink.rtnl.ifaddrmsg import ifaddrmsg  # type: ignore[import-untyped]
from pyroute2.netlink.rtnl.ifinfmsg import ifinfmsg  # type: ignore[import-untyped]
from pyroute2.netlink.rtnl.ndmsg import ndmsg  # type: ignore[import-untyped]
from pyroute2.netlink.rtnl.rtmsg import rtmsg  # type: ignore[import-untyped]
from pyroute2.netlink.rtnl.tcmsg import (  # type: ignore[import-untyped]
    sched_tbf,
    tcmsg,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

Address = IPv4Address | IPv6Address

_REQUEST = 0x5  # NLM_F_REQUEST, NLM_F_ACK
_CREATE = _REQUEST | 0x600  # NLM_F_CREATE, NLM_F_EXCL
_IFF_UP = 1
_IFF_NOARP = 0x80
_IFA_F_NODAD = 2  # of use at once, since nobody else can have it
_NUD_PERMANENT = 0x80
_MAIN_TABLE = 254
_RTPROT_STATIC = 4
_RTN_UNICAST = 1
_SCOPE_LINK = 253
_HANDLE = 0x10000
_INDEX_AT = 16 + 4  # in a tcmsg: behind the header, the family and its padding
_BURST_S = 0.02
_QUEUE_S = 0.05


class Speed(NamedTuple):
    """How large and how fast packets may be on a lab's link.

    Attributes:
        mtu: the largest packet, in bytes.
        bytes_per_s: each way.
    """

    mtu: int
    bytes_per_s: int


class End(NamedTuple):
    """One end of a veth pair."""

    name: str
    mac: str


def veth(near: End, index: int, far: End, netns_fd: int, mtu: int) -> bytes:
    """Make a veth pair, the near end up, the far one down in another namespace.

    Args:
        near: the end in the namespace that is asked.
        index: its number.
        far: the end in the other namespace.
        netns_fd: that namespace; stays the caller's.
        mtu: of both, in bytes.
    """
    peer = [*_end(far, mtu), ("IFLA_NET_NS_FD", netns_fd)]
    kind = [
        ("IFLA_INFO_KIND", "veth"),
        ("IFLA_INFO_DATA", {"attrs": [("VETH_INFO_PEER", {"attrs": peer})]}),
    ]
    fields = {"index": index, "flags": _IFF_UP, "change": _IFF_UP}
    attrs = [*_end(near, mtu), ("IFLA_LINKINFO", {"attrs": kind})]
    return _encoded(ifinfmsg(), RTM_NEWLINK, _CREATE, fields, attrs)


@functools.cache
def up(index: int, *, asks: bool = True) -> bytes:
    """Switch a link on.

    Args:
        index: its number.
        asks: whether neighbours that aren't known are looked for. Of a link that doesn't, the
            kernel may forget whom it was to reach at once, where the machine's table is full.
    """
    flags = _IFF_UP if asks else _IFF_UP | _IFF_NOARP
    fields = {"index": index, "flags": flags, "change": flags}
    return _encoded(ifinfmsg(), RTM_NEWLINK, _REQUEST, fields, [])


def removal(name: str) -> bytes:
    """Remove a link, and the other end of a pair."""
    return _encoded(ifinfmsg(), RTM_DELLINK, _REQUEST, {}, [("IFLA_IFNAME", name)])


def address(index: int, own: Address, peer: Address | None = None) -> bytes:
    """Give a link an address of its own, and that of the other end where there is one."""
    fields = {
        "family": _family(own),
        "prefixlen": own.max_prefixlen,
        "flags": _IFA_F_NODAD if own.version == 6 else 0,
        "index": index,
    }
    attrs = [("IFA_LOCAL", str(own)), ("IFA_ADDRESS", str(peer or own))]
    return _encoded(ifaddrmsg(), RTM_NEWADDR, _CREATE, fields, attrs)


def neighbour(index: int, who: Address, mac: str) -> bytes:
    """Have a neighbour's hardware address known for good."""
    fields = {"family": _family(who), "ifindex": index, "state": _NUD_PERMANENT}
    attrs = [("NDA_DST", str(who)), ("NDA_LLADDR", mac)]
    return _encoded(ndmsg(), RTM_NEWNEIGH, _CREATE, fields, attrs)


def route_to(index: int, who: Address) -> bytes:
    """Reach one address by a link."""
    scope = _SCOPE_LINK if who.version == 4 else 0
    attrs = [("RTA_DST", str(who)), ("RTA_OIF", index)]
    return _route(_family(who), who.max_prefixlen, scope, attrs)


@functools.cache
def default_route(index: int, gateway: Address) -> bytes:
    """Reach everything else by a gateway on a link."""
    attrs = [("RTA_GATEWAY", str(gateway)), ("RTA_OIF", index)]
    return _route(_family(gateway), 0, 0, attrs)


def limited(index: int, speed: Speed) -> bytes:
    """Let what leaves by a link wait until its turn; what the queue can't hold is dropped."""
    message = bytearray(_limited(speed))
    struct.pack_into("=i", message, _INDEX_AT, index)
    return bytes(message)


@functools.cache
def _limited(speed: Speed) -> bytes:
    """For link 0; the kernel's table of a thousand bytes depends on the speed alone."""
    options = sched_tbf.get_parameters(
        {
            "rate": speed.bytes_per_s,
            "burst": max(int(speed.bytes_per_s * _BURST_S), 16 * speed.mtu),
            "latency": f"{_QUEUE_S * 1000:g}ms",
        }
    )
    fields = {"index": 0, "handle": _HANDLE, "parent": TC_H_ROOT}
    attrs = [("TCA_KIND", "tbf"), ("TCA_OPTIONS", options)]
    return _encoded(tcmsg(), RTM_NEWQDISC, _CREATE, fields, attrs)


def _end(end: End, mtu: int) -> list[tuple[str, Any]]:
    return [("IFLA_IFNAME", end.name), ("IFLA_MTU", mtu), ("IFLA_ADDRESS", end.mac)]


def _route(family: int, prefix: int, scope: int, attrs: list[tuple[str, Any]]) -> bytes:
    fields = {
        "family": family,
        "dst_len": prefix,
        "table": _MAIN_TABLE,
        "proto": _RTPROT_STATIC,
        "scope": scope,
        "type": _RTN_UNICAST,
    }
    return _encoded(rtmsg(), RTM_NEWROUTE, _CREATE, fields, attrs)


def _family(who: Address) -> int:
    return socket.AF_INET if who.version == 4 else socket.AF_INET6


def _encoded(
    message: Any,  # noqa: ANN401 - pyroute2 has no types
    kind: int,
    flags: int,
    fields: dict[str, int],
    attrs: Sequence[tuple[str, Any]],
) -> bytes:
    message.update(fields)
    message["attrs"] = list(attrs)
    message["header"] = {"type": kind, "flags": flags, "sequence_number": 0, "pid": 0}
    message.encode()
    return bytes(message.data)
