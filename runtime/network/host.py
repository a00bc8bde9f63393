"""The host's side of the uplink: a link, a route, two ip rules; and how all of it is taken back."""

from __future__ import annotations

import errno
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from runtime.network.addresses import host_end, router_end
from runtime.network.netlink import MAIN_TABLE
from runtime.network.rules import MARK, UPLINK
from runtime.network.side import Side
from runtime.network.way_out import WayOut

if TYPE_CHECKING:
    from collections.abc import Iterator
    from ipaddress import IPv4Address, IPv4Network

    from runtime.instance import Instance
    from runtime.kernel.netns import NetworkNamespace

# Before every rule that an administrator gave no number: these count down from 32765.
_MARKED_RULE = 30000
_OTHERS_RULE = 30001
_LOOPBACK = 1


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

    def connect(self, router: Side, range_: IPv4Network, mtu: int) -> None:
        """Make the uplink and the labs' route into it.

        The two rules come first: what arrives by the uplink is refused unless our table marked it,
        so that labs are shut in whenever that table isn't there. (Packets to the host's own
        addresses aren't asked: the `local` table comes before; the router's walls stop those.)

        Args:
            router: the other side; stays the caller's.
            range_: the labs' addresses and the uplink's two ends.
            mtu: of both ends.
        """
        self.keep_rules()
        with self.side.netlink.batch() as requests:
            requests.link(
                "add",
                ifname=self.uplink,
                kind="veth",
                mtu=mtu,
                peer={"ifname": UPLINK, "mtu": mtu, "net_ns_fd": router.netns.fd},
            )
        with suppress(FileNotFoundError):  # a kernel without IPv6
            self.side.set_sysctl(f"ipv6/conf/{self.uplink}/disable_ipv6", "1")
        near, far = host_end(range_), router_end(range_)
        _set_up(self.side, self.uplink, near, far)
        _set_up(router, UPLINK, far, near)
        with self.side.netlink.batch() as requests:
            requests.route("add", dst=str(range_), gateway=str(far), prefsrc=str(near))
        with router.netlink.batch() as requests:
            requests.link("set", index=_LOOPBACK, state="up")
            requests.route("add", dst="default", gateway=str(near))

    def keep_rules(self) -> None:
        """Put back what is missing of the two ip rules."""
        marked = {"fwmark": MARK, "table": MAIN_TABLE}
        for priority, verdict in (_MARKED_RULE, marked), (_OTHERS_RULE, {"action": "prohibit"}):
            with _no_matter(errno.EEXIST), self.side.netlink.batch() as requests:
                requests.rule("add", priority=priority, iifname=self.uplink, **verdict)

    def set_mtu(self, mtu: int) -> None:
        """Follow the way out."""
        index = _index(self.side, self.uplink)
        with self.side.netlink.batch() as requests:
            requests.link("set", index=index, mtu=mtu)

    def disconnect(self) -> None:
        """Take everything back, also what an earlier life left; what is gone is no error."""
        self.way_out.close()
        with _no_matter(errno.ENODEV), self.side.removals.batch() as requests:
            requests.link("del", ifname=self.uplink)
        for priority in (_MARKED_RULE, _OTHERS_RULE):
            with _no_matter(errno.ENOENT), self.side.netlink.batch() as requests:
                requests.rule("del", priority=priority, iifname=self.uplink)

    def close(self) -> None:
        """Let go of the host's namespace; nothing is taken back."""
        self.side.close()


def _set_up(side: Side, name: str, own: IPv4Address, other: IPv4Address) -> None:
    index = _index(side, name)
    with side.netlink.batch() as requests:
        requests.link("set", index=index, state="up")
        requests.addr("add", index=index, local=str(own), address=str(other), prefixlen=32)


def _index(side: Side, name: str) -> int:
    link = side.snapshot().link(name)
    if link is None:
        raise OSError(errno.ENODEV, f"{name} is gone")
    return link.index


@contextmanager
def _no_matter(number: int) -> Iterator[None]:
    """Let the one error pass that says: it is so already."""
    try:
        yield
    except OSError as error:
        if error.errno != number:
            raise
