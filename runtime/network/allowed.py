"""What a workshop's list lets a lab reach: names, and for a time the addresses that they have.

Pure values: nothing here talks to the kernel or reads a packet.
"""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING

from runtime.network.rules import INTERNET6, NOT_INTERNET, NOT_INTERNET6
from runtime.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

Labels = tuple[bytes, ...]

_LABEL = "[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?"
# The last label of a name is never a number: an address is no name.
NAME = rf"(\*\.)?({_LABEL}\.)+(?=[a-z0-9-]*[a-z]){_LABEL}"
NAME_LONGEST = 253
NAMES_MOST = 40
TEXT_MOST = 2048  # characters of a whole list: sixteen of them fit into one packet of the wall's
# A program may look a name up some seconds before it connects, and some names have no time at all.
LEAST_S = 60
MOST_S = 86400
_OF_ONE_LAB = 512

_NOT_INTERNET = [
    ipaddress.ip_network(each) for each in f"{NOT_INTERNET}, {NOT_INTERNET6}".split(", ")
]
_INTERNET6 = ipaddress.ip_network(INTERNET6)


# Never the server's loopback, nor what is link-local: a cloud's metadata are.
_PRIVATE = [
    ipaddress.ip_network(each)
    for each in ("10.0.0.0/8", "100.64.0.0/10", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7")
]


class AllowList:
    """The names of one list; `*.debian.org` means every name below debian.org, and not itself.

    Compared label by label: a label may hold a dot of its own, so no text of a name is unambiguous.

    Args:
        names: as `NAME` has them.
    """

    def __init__(self, names: Iterable[str]) -> None:
        self._exact: set[Labels] = set()
        self._below: set[Labels] = set()
        for name in names:
            kind = self._below if name.startswith("*.") else self._exact
            kind.add(tuple(name.removeprefix("*.").encode().split(b".")))

    def allows(self, labels: Labels) -> bool:
        """Whether a name is on the list; its labels in lower case, the last one last."""
        return labels in self._exact or any(
            labels[at:] in self._below for at in range(1, len(labels))
        )


class Learnt:
    """Which addresses each lab was told by answers, and until when. Not thread-safe."""

    def __init__(self) -> None:
        self._until: dict[int, dict[IPv4Address | IPv6Address, float]] = {}

    def add(
        self, slot: int, addresses: Iterable[IPv4Address | IPv6Address], seconds: float, now: float
    ) -> list[IPv4Address | IPv6Address]:
        """Note addresses of a lab; what has to make room for them, which are the oldest."""
        known = self._until.setdefault(slot, {})
        for address in addresses:
            known.pop(address, None)  # the newest stand last
            known[address] = now + seconds
        over = list(known)[: max(0, len(known) - _OF_ONE_LAB)]
        for address in over:
            del known[address]
        return over

    def of(self, slot: int, now: float) -> dict[IPv4Address | IPv6Address, float]:
        """A lab's addresses whose time isn't over, each with the seconds left of it."""
        known = self._until.get(slot, {})
        return {address: until - now for address, until in known.items() if until > now}

    def living(self, now: float) -> Iterator[tuple[int, IPv4Address | IPv6Address, float]]:
        """All of them, each with its lab and the seconds left."""
        for slot in self._until:
            for address, seconds in self.of(slot, now).items():
                yield slot, address, seconds

    def forget(self, slot: int) -> list[IPv4Address | IPv6Address]:
        """A lab's addresses count no more; which they were, those over their time among them."""
        return list(self._until.pop(slot, {}))


def is_internet(address: IPv4Address | IPv6Address) -> bool:
    """Whether an answer may open this: a name of anybody's may be said to have any address."""
    if address.version == 6 and address not in _INTERNET6:
        return False
    return not any(address in network for network in _NOT_INTERNET)


def private_networks(typed: str) -> tuple[IPv4Network | IPv6Network, ...]:
    """What an operator lets listed names lead to, beside the internet.

    Raises:
        Problem: `setting-wrong`.
    """
    return tuple(_private(word) for word in typed.replace(",", " ").split())


def _private(word: str) -> IPv4Network | IPv6Network:
    try:
        network = ipaddress.ip_network(word)
    except ValueError:
        network = None
    if network is None or not any(_is_within(network, each) for each in _PRIVATE):
        raise Problem(
            "setting-wrong",
            f"“lab_private_networks” must be private networks such as 10.1.0.0/16, not “{word}”.",
            "Put commas between them, or leave it out.",
        )
    return network


def _is_within(network: IPv4Network | IPv6Network, other: IPv4Network | IPv6Network) -> bool:
    return network.version == other.version and network.subnet_of(other)  # type: ignore[arg-type]


def lasting_s(ttl: int) -> int:
    """How long an answer's addresses are let through (s)."""
    return max(LEAST_S, min(ttl, MOST_S))
