"""The walls between labs and everything else: the router's namespace and its nft table."""

from __future__ import annotations

from contextlib import suppress
from ipaddress import IPv4Address, IPv4Network
from typing import TYPE_CHECKING, Any

from runtime.kernel.netns import NetworkNamespace
from runtime.network import rules
from runtime.network.side import Side

if TYPE_CHECKING:
    from collections.abc import Iterable

_SYSCTLS = {
    "ipv4/ip_forward": "1",
    # A refusal is an ICMP error, and of these the kernel sends one a second.
    "ipv4/icmp_ratelimit": "0",
    "ipv6/conf/all/disable_ipv6": "1",
    "ipv6/conf/default/disable_ipv6": "1",
}


class Walls:
    """The router's namespace with its rules up. Not thread-safe.

    Attributes:
        side: the router's.
        range: the labs' addresses and the uplink's two ends.
        internet: the labs that may leave the host.

    Args:
        side: becomes this object's own.
        range_: as above.
        host: addresses that mean the host itself.
        internet: as above.
    """

    def __init__(
        self,
        side: Side,
        range_: IPv4Network,
        host: Iterable[IPv4Network],
        internet: Iterable[IPv4Address] = (),
    ) -> None:
        self.side = side
        self.range = range_
        self.internet = set(internet)
        self._host = set(host)
        self._resolvers: set[IPv4Address] = set()
        side.nft(rules.router_table(range_, self._host, self.internet))

    @classmethod
    def build(cls, range_: IPv4Network, host: Iterable[IPv4Network]) -> Walls:
        """A new namespace, shut before anything is connected to it."""
        side = Side(NetworkNamespace.create())
        try:
            for name, value in _SYSCTLS.items():
                with suppress(FileNotFoundError):  # a kernel without IPv6
                    side.set_sysctl(name, value)
            return cls(side, range_, host)
        except BaseException:
            side.close()
            raise

    @classmethod
    def adopt(cls, netns: NetworkNamespace) -> Walls:
        """One that stood before: range and rights are read from it, its rules written anew.

        Args:
            netns: becomes the walls' own, also when this raises.
        """
        side = Side(netns)
        try:
            table = side.nft(f"list table {rules.ROUTER_TABLE}")
            (range_,) = _members(table, "range")
            internet = [IPv4Address(member) for member in _members(table, "internet")]
            host = [IPv4Network(member) for member in _members(table, "host")]
            return cls(side, IPv4Network(range_), host, internet)
        except BaseException:
            side.close()
            raise

    def set_host(self, host: Iterable[IPv4Network]) -> None:
        """Say which addresses mean the host itself; costs nothing when they are the same."""
        if self._host != (now := set(host)):
            self.side.nft(rules.host_now(now))
            self._host = now

    def set_resolvers(self, resolvers: Iterable[IPv4Address]) -> None:
        """Say whom labs with internet may ask for names, though the address be a private one."""
        if self._resolvers != (now := set(resolvers)):
            self.side.nft(rules.resolvers_now(now))
            self._resolvers = now

    def let_out(self, address: IPv4Address) -> None:
        """Let one lab leave the host."""
        self.side.nft(rules.internet_for(address))
        self.internet.add(address)

    def shut_in(self, address: IPv4Address) -> None:
        """Take that right away from a lab, if it has it."""
        if address in self.internet:
            self.side.nft(rules.no_internet_for(address))
            self.internet.remove(address)

    def close(self) -> None:
        """Let the namespace go; with nobody else holding it, it ends, and its links with it."""
        self.side.close()


def _members(table: list[dict[str, Any]], name: str) -> list[str]:
    """A set's elements as text, from libnftables' JSON."""
    (found,) = [entry["set"] for entry in table if entry.get("set", {}).get("name") == name]
    return [_text(element) for element in found.get("elem", [])]


def _text(element: str | dict[str, Any]) -> str:
    if isinstance(element, str):
        return element
    return f"{element['prefix']['addr']}/{element['prefix']['len']}"
