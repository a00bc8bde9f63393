"""One network of a lab: what its sockets hold that nobody reads, and what else is in it."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from typing import NamedTuple

from runtime.kernel.netns import opened_in
from runtime.labs import weight

_KINDS_LOOK_S = 0.1  # what kind its sockets are of, as long as their number stays
KINDS = frozenset({b"NETLINK", b"PING", b"PINGv6", b"RAW", b"RAWv6"})
# Table and column of what waits to be read; in the second it is hexadecimal, after a colon.
_NETLINK = ("netlink", 4)
_PINGS = (("icmp", 4), ("icmp6", 4), ("raw", 4), ("raw6", 4))
_LINES_BYTES = 4096  # what the kernel gives of a table at once, mostly
_TABLE_BYTES = 1 << 20  # a table of thousands: whoever makes it longer while it is read is ended
_READ = os.O_RDONLY | os.O_CLOEXEC


class Held(NamedTuple):
    """What such sockets of a lab hold."""

    sockets: int = 0
    size: int = 0


class Network:
    """One network namespace of a lab. Its files, held open, keep it, and cost a tenth to read.

    Args:
        fd: the namespace; stays the caller's.
    """

    def __init__(self, fd: int) -> None:
        self._fds = {"": os.dup(fd)}
        self._used = 0
        self._sockets = 0
        self._look_at = 0.0
        try:
            opened_in(fd, self._open)
        except OSError:
            self.close()
            raise

    def _open(self) -> None:
        for name in ("sockstat", "protocols", "netlink", *(name for name, _ in _PINGS)):
            with suppress(FileNotFoundError):  # IPv6 that is switched off
                self._fds[name] = os.open(f"/proc/thread-self/net/{name}", _READ)

    @property
    def fd(self) -> int:
        """The namespace, as long as this isn't closed."""
        return self._fds[""]

    def weigh(self) -> weight.Weight:
        """What is in it beside sockets, and waits in them to be sent."""
        return opened_in(self.fd, weight.weigh)

    def drop(self) -> None:
        """Let go what waits in it; its links go down."""
        opened_in(self.fd, weight.drop)

    def close(self) -> None:
        """Let go of it."""
        while self._fds:
            os.close(self._fds.popitem()[1])

    def count(self) -> int:
        """How many sockets there are, of whatever kind."""
        before, self._used = self._used, self._number_of_sockets()
        if self._used != before:
            self._look_at = 0.0
        return self._used

    def forget_kinds(self) -> None:
        """Let the next look tell their kinds anew."""
        self._look_at = 0.0

    def of_kinds(self) -> int:
        """How many of those that were counted may hold what nobody is charged for."""
        now = time.monotonic()
        if now >= self._look_at:
            self._look_at = now + _KINDS_LOOK_S
            self._sockets = self._number_of_kinds() if self._used else 0
        return self._sockets

    def size(self) -> int:
        """What waits to be read in them, in bytes."""
        size = sum(int(row[_NETLINK[1]]) for row in self._rows(_NETLINK[0]))
        for name, column in _PINGS:
            size += sum(int(row[column].partition(b":")[2], 16) for row in self._rows(name))
        return size

    def _number_of_sockets(self) -> int:
        first = os.pread(self._fds["sockstat"], _LINES_BYTES, 0).split(maxsplit=3)
        return int(first[2])  # "sockets: used N"

    def _number_of_kinds(self) -> int:
        return sum(int(row[2]) for row in self._rows("protocols") if row[0] in KINDS)

    def _rows(self, name: str) -> list[list[bytes]]:
        fd = self._fds.get(name)
        lines = table(fd).splitlines()[1:] if fd is not None else []
        return [line.split() for line in lines]


def table(fd: int) -> bytes:
    """A table of the kernel's, which gives a page of it at once, however much is asked for."""
    parts, at = [], 0
    while at < _TABLE_BYTES and (part := os.pread(fd, _TABLE_BYTES, at)):
        parts.append(part)
        at += len(part)
    return b"".join(parts)
