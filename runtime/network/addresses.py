"""Which addresses are ours: a range that meets nobody's, and a home in it for each lab."""

from __future__ import annotations

import fcntl
import os
from contextlib import contextmanager
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import TYPE_CHECKING

from runtime.network.netlink import meet

if TYPE_CHECKING:
    from collections.abc import Collection, Container, Iterable, Iterator

    from runtime.instance import Instance

RANGE_PREFIX = 20
_INNER_PREFIX = 24
_INNER_SEED = 100  # not where the instances of this machine begin to look for their labs' ranges
# Before the labs: the uplink's two ends, and room for what may come to stand beside them.
RESERVED = 16

# Least used first: 198.18/15 is for benchmarks between routers (RFC 2544) and on no campus; of 10/8
# the upper half is rarer in offices than the lower; 172.16/12 is where other engines put theirs.
_POOLS = tuple(map(IPv4Network, ("198.18.0.0/15", "10.128.0.0/9", "172.16.0.0/12", "10.0.0.0/9")))


def free_range(routed: Collection[IPv4Network | IPv6Network], seed: int) -> Range | None:
    """A range that meets no route of the host's, neither by IPv4 nor by IPv6.

    Args:
        routed: where the host has routes to, but for those that lead everywhere.
        seed: where to begin within the first pool, so that instances seldom want the same one.

    Returns:
        None where every candidate is taken.
    """
    for pool in _POOLS:
        count = 1 << (RANGE_PREFIX - pool.prefixlen)
        for step in range(count):
            offset = ((seed + step) % count) << (32 - RANGE_PREFIX)
            found = Range(IPv4Network((int(pool.network_address) + offset, RANGE_PREFIX)))
            if not any(meet(mine, theirs) for theirs in routed for mine in found.both):
                return found
    return None


@contextmanager
def choosing(instance: Instance) -> Iterator[None]:
    """Keep other instances of this machine from choosing a range until ours has its route."""
    # The folder that all share; it stays, since ours is in it.
    instance.run_path.mkdir(mode=0o711, parents=True, exist_ok=True)
    shared_fd = os.open(instance.run_path.parent, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(shared_fd, fcntl.LOCK_EX)
        yield
    finally:
        os.close(shared_fd)


@dataclass(frozen=True)
class Home:
    """Where one lab is, in every word that the kernel has for it.

    Attributes:
        slot: its number in the range, from `RESERVED` on; no other lab of the router has it.
        address: its IPv4 address, and `address6` the other one.
    """

    slot: int
    address: IPv4Address
    address6: IPv6Address

    @property
    def index(self) -> int:
        """Of the router's end of its link."""
        # Chosen and not asked for, which saves an answer; above what the kernel counts up from 1.
        return 1000 + self.slot

    @property
    def mac(self) -> str:
        """The hardware address of the lab's end."""
        return _mac(0, self.address)

    @property
    def gateway_mac(self) -> str:
        """The hardware address of the router's end."""
        return _mac(1, self.address)


@dataclass(frozen=True)
class Range:
    """An instance's addresses: those of the labs, and the uplink's two ends.

    Attributes:
        v4: as `free_range` found it.
    """

    v4: IPv4Network

    @classmethod
    def around(cls, address: IPv4Address) -> Range:
        """The range that an address of it is in."""
        return cls(IPv4Network((address, RANGE_PREFIX), strict=False))

    @property
    def both(self) -> tuple[IPv4Network, IPv6Network]:
        """The IPv4 and the IPv6 addresses."""
        return self.v4, self.v6

    @property
    def v6(self) -> IPv6Network:
        """The IPv6 addresses: a private range (RFC 4193), unique on this host as the other is."""
        top = (0xFD51 << 112) | (0xD000 << 96) | (int(self.v4.network_address) << 64)
        return IPv6Network((top, 64))

    @property
    def host_end(self) -> IPv4Address:
        """The uplink's end on the host."""
        return self.v4[1]

    @property
    def router_end(self) -> IPv4Address:
        """The uplink's end in the router."""
        return self.v4[2]

    @property
    def host_end6(self) -> IPv6Address:
        """As `host_end`."""
        return self.v6[1]

    @property
    def router_end6(self) -> IPv6Address:
        """As `router_end`."""
        return self.v6[2]

    @property
    def uplink_macs(self) -> tuple[str, str]:
        """The hardware addresses of the uplink's ends: the host's, the router's."""
        return _mac(0, self.host_end), _mac(0, self.router_end)

    def home(self, address: IPv4Address) -> Home:
        """The home that belongs to an address of the range."""
        slot = int(address) - int(self.v4.network_address)
        return Home(slot, address, self.v6[slot])


@dataclass(frozen=True)
class Inner:
    """What a lab may use for networks of its own, behind its address.

    Attributes:
        pool: meets neither the labs' range nor a route of the host's.
        mtu: what fits the way out.
    """

    pool: IPv4Network
    mtu: int

    @property
    def bridges(self) -> IPv4Network:
        """For networks that the learner makes."""
        return next(self.pool.subnets())

    @property
    def first(self) -> IPv4Network:
        """For the first of them."""
        return next(self.bridges.subnets(new_prefix=_INNER_PREFIX))

    @property
    def slirp(self) -> IPv4Network:
        """For the network that a container has by itself; in the other half."""
        _, other = self.pool.subnets()
        return next(other.subnets(new_prefix=_INNER_PREFIX))


def inner_pool(routed: Collection[IPv4Network | IPv6Network], labs: Range) -> IPv4Network:
    """Choose a range for networks within labs; each lab has it for itself alone.

    Nothing of it is ever seen outside a lab. So where the host has routes into all candidates, one
    of them does no harm: a lab may go to no private range anyway.
    """
    if found := free_range([*routed, *labs.both], _INNER_SEED):
        return found.v4
    candidates = _POOLS[1].subnets(new_prefix=RANGE_PREFIX)
    return next(each for each in candidates if not each.overlaps(labs.v4))


class Addresses:
    """The lab addresses of one range. Not thread-safe.

    One that was just given back is taken last, since the kernel may still track its connections.

    Args:
        range_: the IPv4 addresses of a `Range`.
        used: what living labs have.
    """

    def __init__(self, range_: IPv4Network, used: Iterable[IPv4Address] = ()) -> None:
        self.range = range_
        self._used = set(used)
        self._last = RESERVED - 1

    def take(self, others: Container[IPv4Address] = ()) -> IPv4Address | None:
        """An address that no lab has; None when the range is used up.

        Args:
            others: addresses that somebody else came to have meanwhile.
        """
        end = self.range.num_addresses - 1
        for step in range(1, end - RESERVED + 1):
            slot = RESERVED + (self._last - RESERVED + step) % (end - RESERVED)
            address = self.range[slot]
            if address not in self._used and address not in others:
                self._used.add(address)
                self._last = slot
                return address
        return None

    def give_back(self, address: IPv4Address) -> None:
        """Let another lab have it, later."""
        self._used.discard(address)


def _mac(end: int, address: IPv4Address) -> str:
    return f"02:{end:02x}:" + ":".join(f"{byte:02x}" for byte in address.packed)
