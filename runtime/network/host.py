"""The host's side of the uplink: a link, a route, two ip rules; and how all of it is taken back."""

from __future__ import annotations

import errno
import socket
from ipaddress import ip_network
from typing import TYPE_CHECKING, Any

from runtime.network.messages import address, neighbour, route_to, up
from runtime.network.netlink import MAIN_TABLE, no_matter
from runtime.network.rules import MARK, UPLINK, WAY_BACK_TABLE
from runtime.network.side import Side
from runtime.network.way_out import WayOut

if TYPE_CHECKING:
    from collections.abc import Sequence
    from ipaddress import IPv4Address, IPv6Address

    from runtime.instance import Instance
    from runtime.kernel.netns import NetworkNamespace
    from runtime.network.addresses import Range
    from runtime.network.netlink import Snapshot

# Before every rule that an administrator gave no number: these count down from 32765.
_MARKED_RULE = 30000
_OTHERS_RULE = 30001
# Of our route in the main table: whoever adds one of their own to the same place goes before us.
_LAST_METRIC = 0x511D
_LOOPBACK = 1
_ONLINK = 4  # RTNH_F_ONLINK
_V4, _V6 = socket.AF_INET, socket.AF_INET6


class Host:
    """What Slipway changes in the host's own network.

    Args:
        instance: whose; each name carries its id.
        netns: the host's namespace; becomes this object's own.
    """

    def __init__(self, instance: Instance, netns: NetworkNamespace) -> None:
        self.uplink = f"slip-{instance.id}"
        self.side = Side(netns)
        self.way_out = WayOut(self.side, instance, self.uplink)

    def connect(self, router: Side, range_: Range, mtu: int) -> None:
        """Make the uplink and the way back to labs.

        The two rules come first: what arrives by the uplink is refused unless our table marked it,
        so that labs are shut in whenever that table isn't there. (Packets to the host's own
        addresses aren't asked: the `local` table comes before; the router's walls stop those.)

        Args:
            router: the other side; stays the caller's.
            range_: the labs' addresses and the uplink's two ends.
            mtu: of both ends.
        """
        self.keep_rules()
        near_mac, far_mac = range_.uplink_macs
        with self.side.netlink.batch() as requests:
            requests.link(
                "add",
                ifname=self.uplink,
                kind="veth",
                mtu=mtu,
                address=near_mac,
                peer={
                    "ifname": UPLINK,
                    "mtu": mtu,
                    "address": far_mac,
                    "net_ns_fd": router.netns.fd,
                },
            )
        if self.side.has_ipv6:
            for name, value in ("accept_ra", "0"), ("addr_gen_mode", "1"), ("disable_ipv6", "0"):
                self.side.set_sysctl(f"ipv6/conf/{self.uplink}/{name}", value)
        near = range_.host_end, range_.host_end6
        far = range_.router_end, range_.router_end6
        _set_up(self.side, self.uplink, near, far, far_mac)
        _set_up(router, UPLINK, far, near, near_mac)
        self._route("add", range_, table=WAY_BACK_TABLE)
        with router.netlink.batch() as requests:
            requests.link("set", index=_LOOPBACK, state="up")
            requests.route("add", dst="default", gateway=str(near[0]))
            if router.has_ipv6:
                requests.route("add", dst="::/0", gateway=str(near[1]), family=_V6)

    def is_connected(self, range_: Range, seen: Snapshot) -> bool:
        """Whether the uplink has all that `connect` gave it: else nothing comes or goes by it.

        Who sets it down, or takes its addresses or routes away, leaves a link that is there.

        Args:
            range_: the labs' addresses and the uplink's two ends.
            seen: the host's links and routes.
        """
        uplink = seen.link(self.uplink)
        if uplink is None:
            return False
        by_it = [route for route in seen.routes if uplink.index in route.links]
        own = {route.destination for route in by_it if route.is_own}
        back = {r.destination for r in by_it if not r.is_own and r.table != MAIN_TABLE}
        ends = [ip_network(end) for end in (range_.host_end, range_.host_end6)]
        count = len(self._families())
        return own.issuperset(ends[:count]) and back.issuperset(range_.both[:count])

    def connect_again(self, router: Side, range_: Range, mtu: int) -> None:
        """Make the uplink anew, whatever is left of it; connections that are open go on."""
        with no_matter(errno.ENODEV), self.side.removals.batch() as requests:
            requests.link("del", ifname=self.uplink)
        self.connect(router, range_, mtu)

    def lead_to_labs(self, range_: Range, seen: Snapshot, *, wanted: bool) -> None:
        """Let the host itself reach labs, or leave their addresses to another route that came.

        What comes back to labs has a table of its own (forwarding.py), so nothing else changes.

        Args:
            range_: the labs' addresses.
            seen: the host's links and routes.
            wanted: whether it shall.
        """
        uplink = seen.link(self.uplink)
        is_there = uplink is not None and any(
            route.destination == range_.v4
            and route.table == MAIN_TABLE
            and uplink.index in route.links
            for route in seen.routes
        )
        if wanted != is_there:
            with no_matter(errno.EEXIST, errno.ESRCH):
                self._route("add" if wanted else "del", range_, priority=_LAST_METRIC)

    def _route(self, verb: str, range_: Range, **more: int) -> None:
        ways: list[dict[str, Any]] = [
            {"gateway": str(range_.router_end), "prefsrc": str(range_.host_end)},
            {"gateway": str(range_.router_end6), "family": _V6},
        ]
        # Not looked up: one of our own rules may refuse it while the table behind it is empty.
        more |= {"oif": _index(self.side, self.uplink), "flags": _ONLINK}
        with self.side.netlink.batch() as requests:
            for network, way in zip(range_.both, ways[: len(self._families())], strict=False):
                requests.route(verb, dst=str(network), **way, **more)

    def keep_rules(self) -> None:
        """Put back what is missing of the two ip rules, for IPv4 and for IPv6."""
        marked = {"fwmark": MARK, "table": MAIN_TABLE}
        for family in self._families():
            for priority, verdict in (_MARKED_RULE, marked), (_OTHERS_RULE, {"action": "prohibit"}):
                with no_matter(errno.EEXIST), self.side.netlink.batch() as requests:
                    requests.rule(
                        "add", family=family, priority=priority, iifname=self.uplink, **verdict
                    )

    def is_open(self) -> bool:
        """Whether labs can leave: uplink, table, firewalls and forwarding; costs 1 ms."""
        return self.side.sysctl(f"ipv4/conf/{self.uplink}/forwarding") == "1" and (
            self.way_out.is_open()
        )

    def set_mtu(self, router: Side, mtu: int) -> None:
        """Follow the way out, at both ends."""
        for side, name in (router, UPLINK), (self.side, self.uplink):
            index = _index(side, name)
            with side.netlink.batch() as requests:
                requests.link("set", index=index, mtu=mtu)

    def disconnect(self) -> None:
        """Take everything back, also what an earlier life left; what is gone is no error."""
        self.way_out.close()
        with no_matter(errno.ENODEV), self.side.removals.batch() as requests:
            requests.link("del", ifname=self.uplink)
        for family in self._families():
            for priority in (_MARKED_RULE, _OTHERS_RULE):
                with no_matter(errno.ENOENT), self.side.netlink.batch() as requests:
                    requests.rule("del", family=family, priority=priority, iifname=self.uplink)

    def close(self) -> None:
        """Let go of the host's namespace; nothing is taken back."""
        self.side.close()

    def _families(self) -> tuple[int, ...]:
        return (_V4, _V6) if self.side.has_ipv6 else (_V4,)


def _set_up(
    side: Side,
    name: str,
    own: Sequence[IPv4Address | IPv6Address],
    other: Sequence[IPv4Address | IPv6Address],
    other_mac: str,
) -> None:
    index = _index(side, name)
    requests = [
        up(index),
        address(index, own[0], other[0]),
        neighbour(index, other[0], other_mac),
    ]
    if side.has_ipv6:
        requests.append(address(index, own[1]))
        requests.append(route_to(index, other[1]))
        requests.append(neighbour(index, other[1], other_mac))
    side.netlink.send(requests)


def _index(side: Side, name: str) -> int:
    return side.netns.run(socket.if_nametoindex, name)
