"""Which addresses are ours: a range that meets nobody's, and one of it for each lab."""

from __future__ import annotations

import fcntl
from contextlib import contextmanager
from ipaddress import IPv4Address, IPv4Network
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from runtime.instance import Instance

RANGE_PREFIX = 20
# Before the labs: the uplink's two ends, and room for what may come to stand beside them.
RESERVED = 16

# Least used first: 198.18/15 is for benchmarks between routers (RFC 2544) and on no campus; of 10/8
# the upper half is rarer in offices than the lower; 172.16/12 is where other engines put theirs.
_POOLS = tuple(map(IPv4Network, ("198.18.0.0/15", "10.128.0.0/9", "172.16.0.0/12", "10.0.0.0/9")))


def free_range(routed: Iterable[IPv4Network], seed: int) -> IPv4Network | None:
    """A range that meets no route of the host's.

    Args:
        routed: where the host has routes to; its default routes are ignored.
        seed: where to begin within the first pool, so that instances seldom want the same one.

    Returns:
        None where every candidate is taken.
    """
    taken = [network for network in routed if network.prefixlen]
    for pool in _POOLS:
        count = 1 << (RANGE_PREFIX - pool.prefixlen)
        for step in range(count):
            offset = ((seed + step) % count) << (32 - RANGE_PREFIX)
            candidate = IPv4Network((int(pool.network_address) + offset, RANGE_PREFIX))
            if not any(candidate.overlaps(network) for network in taken):
                return candidate
    return None


@contextmanager
def choosing(instance: Instance) -> Iterator[None]:
    """Keep other instances of this machine from choosing a range until ours has its route."""
    path = instance.run_path.parent / "network.lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def host_end(range_: IPv4Network) -> IPv4Address:
    """The uplink's end on the host."""
    return range_[1]


def router_end(range_: IPv4Network) -> IPv4Address:
    """The uplink's end in the router."""
    return range_[2]


class Addresses:
    """The lab addresses of one range. Not thread-safe.

    One that was just given back is taken last, since the kernel may still track its connections.

    Args:
        range_: as `free_range` found it.
        used: what living labs have.
    """

    def __init__(self, range_: IPv4Network, used: Iterable[IPv4Address] = ()) -> None:
        self.range = range_
        self._used = set(used)
        self._last = RESERVED - 1

    def slot(self, address: IPv4Address) -> int:
        """A small number that only this address of the range has."""
        return int(address) - int(self.range.network_address)

    def take(self) -> IPv4Address | None:
        """An address that no lab has; None when the range is used up."""
        end = self.range.num_addresses - 1
        for step in range(1, end - RESERVED + 1):
            slot = RESERVED + (self._last - RESERVED + step) % (end - RESERVED)
            address = self.range[slot]
            if address not in self._used:
                self._used.add(address)
                self._last = slot
                return address
        return None

    def give_back(self, address: IPv4Address) -> None:
        """Let another lab have it, later."""
        self._used.discard(address)
