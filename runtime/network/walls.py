"""The walls between labs and everything else: the router's namespace and its nft table."""

from __future__ import annotations

import time
from contextlib import suppress
from ipaddress import IPv4Address, IPv4Network, ip_address, ip_network
from typing import TYPE_CHECKING, Any

import structlog

from runtime.kernel.netns import NetworkNamespace
from runtime.network import links, rules
from runtime.network.addresses import Range
from runtime.network.allowed import Learnt
from runtime.network.rules import Listed, Refusals
from runtime.network.side import Side

if TYPE_CHECKING:
    from collections.abc import Iterable
    from ipaddress import IPv6Address, IPv6Network

    from runtime.network.addresses import Home

log = structlog.get_logger()

_SYSCTLS = {
    "ipv4/ip_forward": "1",
    # A refusal is an ICMP error, and of these the kernel sends one a second.
    "ipv4/icmp_ratelimit": "0",
    # Both ends of a link know each other: nobody is answered who asks.
    "ipv4/conf/all/arp_ignore": "8",
    "ipv6/conf/all/forwarding": "1",
    "ipv6/conf/default/accept_ra": "0",
    "ipv6/conf/default/addr_gen_mode": "1",
    "ipv6/icmp/ratelimit": "0",
}


class Walls:
    """The router's namespace with its rules up. Not thread-safe.

    Attributes:
        side: the router's.
        range: the labs' addresses and the uplink's two ends.
        internet: numbers of the labs that may leave the host.
        listed: those of them that reach listed names only.

    Args:
        side: becomes this object's own.
        range_: as above.
        host: addresses that mean the host itself.
        connections: how many to outside one lab may have at once.
        homes: where each lab is that is connected already.
        internet: as above.
        listed: as above, with what is open to them.
        private: networks beside the internet to which listed names may lead.
    """

    def __init__(
        self,
        side: Side,
        range_: Range,
        host: Iterable[IPv4Network | IPv6Network],
        connections: int,
        homes: Iterable[Home] = (),
        internet: Iterable[int] = (),
        listed: Listed | None = None,
        private: Iterable[IPv4Network | IPv6Network] = (),
    ) -> None:
        self.side = side
        self.range = range_
        self._known = {home.slot for home in homes}
        self.internet = self._known.intersection(internet)
        listed = listed or Listed()
        self.listed = self._known.intersection(listed.slots)
        self._learnt = Learnt()
        for slot, address, seconds in listed.open:
            self._learnt.add(slot, [address], seconds, time.monotonic())
        self._host = set(host)
        self._connections = connections
        self._private = tuple(private)
        self._build(homes)
        self._written = self._rules()

    @classmethod
    def build(
        cls,
        range_: Range,
        host: Iterable[IPv4Network | IPv6Network],
        connections: int,
        private: Iterable[IPv4Network | IPv6Network] = (),
    ) -> Walls:
        """A new namespace, shut before anything is connected to it."""
        side = Side(NetworkNamespace.create())
        try:
            for name, value in _SYSCTLS.items():
                with suppress(FileNotFoundError):  # a kernel without IPv6
                    side.set_sysctl(name, value)
            return cls(side, range_, host, connections, private=private)
        except BaseException:
            side.close()
            raise

    @classmethod
    def adopt(
        cls,
        netns: NetworkNamespace,
        connections: int,
        private: Iterable[IPv4Network | IPv6Network] = (),
    ) -> Walls:
        """One that stood before: range and rights are read from it, its rules written anew.

        Args:
            netns: becomes the walls' own, also when this raises.
            connections: how many to outside one lab may have at once.
            private: as the constructor's.
        """
        side = Side(netns)
        try:
            table = side.nft(f"list table {rules.ROUTER_TABLE}")
            (found,) = _members(table, "range")
            range_ = Range(IPv4Network(found))
            host = [
                ip_network(member) for name in ("host", "host6") for member in _members(table, name)
            ]
            internet = [int(member) for member in _members(table, "internet")]
            slots = frozenset(int(member) for member in _members(table, "listed"))
            listed = Listed(slots, (*_open(table, "open4"), *_open(table, "open6")))
            attached: Iterable[IPv4Address] = links.connected(side.snapshot()).values()
            homes = [range_.home(address) for address in attached]
            return cls(side, range_, host, connections, homes, internet, listed, private)
        except BaseException:
            side.close()
            raise

    def stand(self) -> bool:
        """Whether nobody has taken rules away; a look that costs 1 ms."""
        return self._rules() == self._written

    def mend(self) -> None:
        """Build what somebody took away; who was let in stays in, and open connections live on."""
        if not self.stand():
            log.warning("network.walls_rebuilt", range=str(self.range.v4))
            self._build(self.range.home(self.range.v4[slot]) for slot in self._known)

    def _build(self, homes: Iterable[Home]) -> None:
        listed = Listed(frozenset(self.listed), tuple(self._learnt.living(time.monotonic())))
        self.side.nft(
            rules.router_table(
                self.range,
                self._host,
                homes,
                self.internet,
                listed,
                self._connections,
                self._private,
            )
        )

    def _rules(self) -> list[int]:
        """How many rules each of the chains has that packets begin in."""
        return [self._count(chain) for chain in rules.ROUTER_CHAINS]

    def _count(self, chain: str) -> int:
        try:
            listed = self.side.nft(f"list chain {rules.ROUTER_TABLE} {chain}")
        except OSError:  # it is gone
            return 0
        return sum("rule" in entry for entry in listed)

    def set_host(self, host: Iterable[IPv4Network | IPv6Network]) -> None:
        """Say which addresses mean the host itself; costs nothing when they are the same."""
        if self._host != (now := set(host)):
            self.side.nft(rules.host_now(now))
            self._host = now

    def host_addresses(self) -> set[IPv4Address]:
        """Each IPv4 address that means the host itself, the networks among them left out."""
        return {
            network.network_address
            for network in self._host
            if isinstance(network, IPv4Network) and network.prefixlen == network.max_prefixlen
        }

    def let_in(self, home: Home, *, internet: bool, by_list: bool = False) -> None:
        """Let a lab be heard, and where it may, leave the host, or go to listed names only."""
        right = rules.internet_for(home.slot, by_list=by_list) if internet else ""
        self.side.nft(rules.known(home) + right)
        self._known.add(home.slot)
        if internet:
            self.internet.add(home.slot)
        if internet and by_list:
            self.listed.add(home.slot)

    def open_for(
        self, home: Home, addresses: Iterable[IPv4Address | IPv6Address], seconds: int
    ) -> None:
        """Let a lab with a list reach addresses for a time; nothing happens for another lab."""
        if home.slot in self.listed:
            addresses = list(addresses)
            over = self._learnt.add(home.slot, addresses, seconds, time.monotonic())
            shut = rules.shut_again(home.slot, over)
            self.side.nft(rules.opened(home.slot, addresses, seconds) + shut)

    def shut_again(self, home: Home) -> None:
        """Take all of it from a lab with a list; it stays one."""
        self.side.nft(rules.shut_again(home.slot, self._learnt.forget(home.slot)))

    def open_to(self, home: Home) -> list[IPv4Address | IPv6Address]:
        """The addresses that a lab with a list reaches just now."""
        return list(self._learnt.of(home.slot, time.monotonic()))

    def shut(self, home: Home) -> None:
        """Take both away from a lab, if it has them, and whatever was open to it."""
        if home.slot in self.internet:
            by_list = home.slot in self.listed
            opened = rules.shut_again(home.slot, self._learnt.forget(home.slot))
            self.side.nft(rules.no_internet_for(home.slot, by_list=by_list) + opened)
            self.internet.remove(home.slot)
            self.listed.discard(home.slot)
        if home.slot in self._known:
            self.side.nft(rules.unknown(home))
            self._known.remove(home.slot)

    def refusals(self) -> dict[int, Refusals]:
        """How often each lab was refused what is explained to learners; the kernel counts."""
        counted = {
            name: _counts(self.side.nft(f"list set {rules.ROUTER_TABLE} tried_{name}"))
            for name in ("internet", "mail", "connections", "unlisted")
        }
        slots = set().union(*counted.values())
        return {
            slot: Refusals(**{name: of_lab.get(slot, 0) for name, of_lab in counted.items()})
            for slot in slots
        }

    def close(self) -> None:
        """Let the namespace go; with nobody else holding it, it ends, and its links with it."""
        self.side.close()


def _members(table: list[dict[str, Any]], name: str) -> list[str]:
    """A set's elements as text."""
    return [_text(element) for element in _elements(table, name)]


def _elements(table: list[dict[str, Any]], name: str) -> list[Any]:
    """A set's elements in libnftables' JSON; none where an earlier version had no such set."""
    sets: list[dict[str, Any]] = [entry["set"] for entry in table if "set" in entry]
    return [each for found in sets if found["name"] == name for each in found.get("elem", [])]


def _text(element: str | int | dict[str, Any]) -> str:
    if isinstance(element, dict):
        return f"{element['prefix']['addr']}/{element['prefix']['len']}"
    return str(element)


def _open(
    table: list[dict[str, Any]], name: str
) -> list[tuple[int, IPv4Address | IPv6Address, float]]:
    """What is open to labs with a list, and for how many seconds more."""
    elements = [each["elem"] for each in _elements(table, name)]
    return [
        (int(slot), ip_address(address), each["expires"])
        for each in elements
        for slot, address in [each["val"]["concat"]]
    ]


def _counts(listed: list[dict[str, Any]]) -> dict[int, int]:
    """What the counter of each element of a set says, in packets."""
    (found,) = [entry["set"] for entry in listed if "set" in entry]
    elements = [each["elem"] for each in found.get("elem", []) if isinstance(each, dict)]
    return {int(each["val"]): each["counter"]["packets"] for each in elements if "counter" in each}
