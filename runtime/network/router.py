"""One network namespace per instance, between every lab and the host.

Walls that stand in the host's own namespace fall with every `nft flush ruleset`; in here nobody
flushes; and if somebody does, they stand again within two seconds.
"""

from __future__ import annotations

import socket
import threading
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from ipaddress import IPv4Address
from typing import TYPE_CHECKING

import structlog

from runtime.kernel.netns import NetworkNamespace
from runtime.network import links
from runtime.network.addresses import Addresses, Inner, choosing, free_range, inner_pool
from runtime.network.host import Host
from runtime.network.lists import Lists
from runtime.network.messages import Speed
from runtime.network.names import Names
from runtime.network.resolvers import resolv_conf
from runtime.network.rules import Refusals
from runtime.network.walls import Walls
from runtime.network.watch import Watch
from runtime.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from ipaddress import IPv4Network, IPv6Address, IPv6Network

    from runtime.instance import Instance
    from runtime.network.netlink import Snapshot

log = structlog.get_logger()

_MBIT_BYTES = 125_000
_CONNECTS_EACH_S = 1.0  # somebody may take the uplink away again and again


@dataclass(frozen=True)
class Share:
    """What one lab may take of the network.

    Attributes:
        connections: to outside, at once.
        mbit: per second, each way.
        private: networks beside the internet to which names of a workshop's list may lead.
    """

    connections: int = 512
    mbit: int = 100
    private: tuple[IPv4Network | IPv6Network, ...] = ()


class Router:
    """The instance's router namespace, its uplink to the host, and a link for each lab.

    What is attached is read from the kernel, never from a file: a router that was adopted knows as
    much as the one that made it.
    """

    def __init__(self, host: Host, walls: Walls, share: Share) -> None:
        """Made by `up` and `adopt`; host and walls become the router's own."""
        self._host = host
        self._walls = walls
        self.share = share
        self._labs = links.connected(walls.side.snapshot())
        self._addresses = Addresses(walls.range.v4, self._labs.values())
        self._lock = threading.Lock()
        self._lists = Lists(self._open_for, share.private)
        for slot in walls.listed:  # which names these are, whoever knows says again
            self._lists.set(str(walls.range.v4[slot]), ())
        self._mtu = 0
        self._is_behind = False
        self._connects_at = 0.0
        self._crossing: list[str] = []
        self._watch = Watch(host.side.netns, self._follow, self._is_well)
        try:
            self._follow_host()  # what changed before somebody watched
            self._names = Names(walls.side, host.side, self._lists)
        except BaseException:
            self._watch.close()
            raise

    @classmethod
    def up(
        cls,
        instance: Instance,
        host_netns: NetworkNamespace | None = None,
        share: Share = Share(),
    ) -> Router:
        """Make the namespace, the uplink and the walls; a leftover of an earlier life goes first.

        Args:
            instance: whose.
            host_netns: what stands for the host, else the caller's namespace; becomes the router's.
            share: of each lab.

        Raises:
            Problem: `network-range-none`, `network-unavailable`.
        """
        with _explained(), ExitStack() as undo, choosing(instance):
            host = Host(instance, host_netns or NetworkNamespace.current())
            undo.callback(host.close)
            host.disconnect()
            seen = host.side.snapshot()
            range_ = free_range(seen.routed(), int(instance.id, 16))
            if range_ is None:
                raise Problem(
                    "network-range-none",
                    "No address range is left for labs: the host has routes into all of them.",
                    "Free a /20 of 198.18.0.0/15, 10.0.0.0/8 or 172.16.0.0/12 (`ip route` lists).",
                )
            walls = Walls.build(range_, seen.own(), share.connections, share.private)
            undo.callback(walls.close)
            undo.callback(host.disconnect)
            host.connect(walls.side, range_, seen.mtu_out())
            router = cls(host, walls, share)
            undo.pop_all()
        log.info("network.made", range=str(range_.v4), mtu=seen.mtu_out())
        return router

    @classmethod
    def adopt(
        cls,
        instance: Instance,
        netns_fd: int,
        host_netns: NetworkNamespace | None = None,
        share: Share = Share(),
    ) -> Router:
        """Go on with a namespace that the keeper held; its labs stay connected throughout.

        Args:
            instance: the one that made it.
            netns_fd: becomes the router's own, also when this raises.
            host_netns: what stands for the host, else the caller's namespace; becomes the router's.
            share: of each lab.

        Raises:
            Problem: `network-unavailable`.
        """
        with _explained(), ExitStack() as undo:
            walls = Walls.adopt(NetworkNamespace(netns_fd), share.connections, share.private)
            undo.callback(walls.close)
            host = Host(instance, host_netns or NetworkNamespace.current())
            undo.callback(host.close)
            router = cls(host, walls, share)
            undo.pop_all()
        log.info("network.adopted", range=str(walls.range.v4), labs=len(router.attached()))
        return router

    @property
    def netns_fd(self) -> int:
        """The namespace; stays the router's. Deposit a copy with the keeper, for `adopt`."""
        return self._walls.side.netns.fd

    def attach(
        self, lab: str, netns_fd: int, *, internet: bool, allowed: Sequence[str] = ()
    ) -> str:
        """Connect a lab: `eth0`, address, default route and `lo` in its namespace. Thread-safe.

        Args:
            lab: its id, 8 hex digits.
            netns_fd: the lab's network namespace; stays the caller's.
            internet: whether it may leave the host.
            allowed: the only names that it reaches then, as `allowed.NAME` has them; all, where
                there is none.

        Returns:
            The lab's IPv4 address.

        Raises:
            Problem: `network-full` when the range is used up, `network-unavailable` with the
                kernel's error as its cause; nothing is left behind then.
        """
        address = self._reserve(lab)
        with _explained(), ExitStack() as undo:
            undo.callback(self.detach, lab)
            side, home = self._walls.side, self._walls.range.home(address)
            speed = Speed(self._mtu, self.share.mbit * _MBIT_BYTES)
            links.connect(side.netlink, netns_fd, lab, home, speed, with_ipv6=side.has_ipv6)
            with self._lock:
                if internet and not self._walls.internet:
                    self._host.way_out.open(self._walls.range, self._host.side.snapshot())
                if internet and allowed:
                    self._lists.set(str(address), allowed)
                self._walls.let_in(home, internet=internet, by_list=bool(allowed))
            undo.pop_all()
        return str(address)

    def allow(self, lab: str, names: Sequence[str]) -> None:
        """Say again which names a lab may reach that was attached with a list."""
        address = self._labs.get(lab)
        if address is not None and names:
            self._lists.set(str(address), names)

    def shut_again(self, lab: str) -> None:
        """Take what names opened from a lab with a list; connections that are open go on."""
        address = self._labs.get(lab)
        if address is not None:
            with _explained(), self._lock:
                self._walls.shut_again(self._walls.range.home(address))

    def open_to(self, lab: str) -> list[IPv4Address | IPv6Address]:
        """The addresses that a lab with a list reaches just now."""
        address = self._labs.get(lab)
        with self._lock:
            return [] if address is None else self._walls.open_to(self._walls.range.home(address))

    def reserve(self, lab: str) -> str:
        """The IPv4 address that `attach` will give a lab; `detach` gives it back.

        Raises:
            Problem: `network-full` when the range is used up.
        """
        return str(self._reserve(lab))

    def detach(self, lab: str) -> None:
        """Take the lab's link, rights and address away; nothing happens for a lab without them."""
        address = self._labs.pop(lab, None)
        if address is not None:
            with _explained():
                self._forget(lab, address)

    def attached(self) -> dict[str, str]:
        """Lab id to address, as the kernel has it."""
        found = links.connected(self._walls.side.snapshot())
        return {lab: str(address) for lab, address in found.items()}

    def resolv_conf(self, *, internet: bool) -> str:
        """What a lab's /etc/resolv.conf says: whom to ask, or why nobody."""
        return resolv_conf(internet=internet)

    def listen(self, port: int) -> socket.socket:
        """Listen where labs reach the server, at 169.254.1.1; who connects has their lab's address.

        Raises:
            OSError: somebody listens there already.
        """
        return self._walls.side.listening(socket.SOCK_STREAM, port)

    def inner(self) -> Inner:
        """What a lab may use for networks of its own."""
        return self._inner

    def warnings(self) -> list[Problem]:
        """What of the host stands in labs' way just now; an instructor is shown it."""
        found = []
        if self._crossing:
            found.append(
                Problem(
                    "network-crossed",
                    f"The server has a route into the containers' addresses, "
                    f"{self._walls.range.v4}: {', '.join(self._crossing)} (a VPN, mostly). "
                    "Terminals and the containers' internet go on; the server itself doesn't reach "
                    "what containers serve.",
                    "End the VPN, or start the server anew with no container living: then they get "
                    "other addresses.",
                )
            )
        if locked := sorted(self._host.way_out.locked()):
            found.append(
                Problem(
                    "firewall-locked",
                    f"A firewall of the server's ({', '.join(locked)}) refuses what containers "
                    "send, and only its owner may change it: their internet doesn't work.",
                    f"Let the link {self._host.uplink} through there.",
                )
            )
        return found

    def refusals(self) -> dict[str, Refusals]:
        """How often each lab was refused what is explained to its learner; one call for all."""
        with _explained():
            found = self._walls.refusals()
        counted = {}
        for lab, address in list(self._labs.items()):
            refused = found.get(self._walls.range.home(address).slot, Refusals())
            names = self._lists.refused(str(address))
            counted[lab] = replace(refused, unlisted=refused.unlisted + names)
        return {lab: refused for lab, refused in counted.items() if refused != Refusals()}

    def take_refused_name(self, lab: str) -> str:
        """The name that a lab was refused last, told once; empty where none can be shown."""
        address = self._labs.get(lab)
        return "" if address is None else self._lists.take_refused_name(str(address))

    def close(self) -> None:
        """Let go, and take nothing away: the keeper's copy keeps namespace and labs connected."""
        self._watch.close()
        self._names.close()
        self._walls.close()
        self._host.close()

    def down(self) -> None:
        """Remove all of it; the namespace itself goes when the keeper drops its copy too."""
        self._watch.close()
        self._names.close()
        with _explained():
            self._host.disconnect()
        self._walls.close()
        self._host.close()

    def _reserve(self, lab: str) -> IPv4Address:
        with self._lock:
            address = self._labs.get(lab) or self._addresses.take(self._walls.host_addresses())
            if address is not None:
                self._labs[lab] = address
                return address
        raise Problem(
            "network-full",
            f"All {len(self._labs)} lab addresses of this server are in use.",
            "Wait until a lab ends.",
        )

    def _open_for(
        self, asker: str, addresses: list[IPv4Address | IPv6Address], seconds: int
    ) -> None:
        with self._lock:
            self._walls.open_for(self._walls.range.home(IPv4Address(asker)), addresses, seconds)

    def _forget(self, lab: str, address: IPv4Address) -> None:
        self._lists.forget(str(address))
        with self._lock:
            self._walls.shut(self._walls.range.home(address))
        links.disconnect(self._walls.side.removals, lab)
        with self._lock:
            self._addresses.give_back(address)

    def _follow(self) -> None:
        """`_follow_host`, where the thread that watches must go on whatever happens."""
        try:
            self._is_behind = not self._follow_host()
        except Exception:
            self._is_behind = True
            log.exception("network.follow_failed")

    def _is_well(self) -> bool:
        """Whether what the host needs is there; costs 1 ms, where reading all of it costs 15."""
        try:
            way_out_stands = not self._walls.internet or self._host.is_open()
            with self._lock:
                return not self._is_behind and way_out_stands and self._walls.stand()
        except OSError:
            return False

    def _follow_host(self) -> bool:
        """Bring walls and way out up to date with the host's addresses, routes and firewall.

        Returns:
            Whether they are; the uplink isn't made anew more than once a second.
        """
        with self._lock:
            seen = self._host.side.snapshot()
            mtu = seen.mtu_out()
            self._inner = Inner(inner_pool(seen.routed(), self._walls.range), mtu)
            self._walls.mend()
            self._walls.set_host(seen.own())
            self._host.keep_rules()
            if not self._host.is_connected(self._walls.range, seen):
                if time.monotonic() < self._connects_at:
                    return False
                self._connects_at = time.monotonic() + _CONNECTS_EACH_S
                log.warning("network.uplink_made_anew", uplink=self._host.uplink)
                self._host.connect_again(self._walls.side, self._walls.range, mtu)
                seen = self._host.side.snapshot()
            self._give_way(seen)
            if self._walls.internet:
                self._host.way_out.open(self._walls.range, seen)
            if mtu != self._mtu:
                self._host.set_mtu(self._walls.side, mtu)
                self._mtu = mtu
            return True

    def _give_way(self, seen: Snapshot) -> None:
        """Where a route of somebody's (a VPN's) leads to labs' addresses, the host follows it.

        Labs go on: what they send has the host's address, and what comes back to them has a table
        of its own. Only the host itself doesn't reach them meanwhile.
        """
        crossing = seen.crossing(self._walls.range.both, self._host.uplink)
        self._host.lead_to_labs(self._walls.range, seen, wanted=not crossing)
        if crossing != self._crossing:
            say = log.warning if crossing else log.info
            say("network.range_crossed", range=str(self._walls.range.v4), routes=crossing)
            self._crossing = crossing


@contextmanager
def _explained() -> Iterator[None]:
    """Say an error of the kernel's in a sentence; the error itself is the cause."""
    try:
        yield
    except OSError as error:
        raise Problem(
            "network-unavailable",
            "The network of a lab could not be set up.",
            "`slipway doctor` says what this machine lacks.",
            detail=str(error),
        ) from error
