"""What labs together never get: the last of the server's memory, processes and disk.

Two walls. The kernel holds all labs together below a share of memory and processes (limits of
their common cgroup), whatever they do. And a lab is let in only while the server could give it all
that it may use, and keep the reserve: people read “the server is full” before it is.
"""

from __future__ import annotations

import os
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import structlog

from runtime.limits import files
from runtime.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runtime.limits.amounts import Limits
    from runtime.limits.cgroup import Place

log = structlog.get_logger()

_PID_TABLES = (Path("/proc/sys/kernel/pid_max"), Path("/proc/sys/kernel/threads-max"))
LOW_DISK_BYTES = 2 << 30  # four labs, by what each takes of it when it begins
_PAGES_BYTES = 65536  # the kernel rounds to pages


@dataclass(frozen=True)
class Amounts:
    """Memory, processes and disk of the server, of a lab, or what is left of them."""

    memory_bytes: int = 0
    pids: int = 0
    disk_bytes: int = 0

    def __add__(self, other: Amounts) -> Amounts:
        return Amounts(
            self.memory_bytes + other.memory_bytes,
            self.pids + other.pids,
            self.disk_bytes + other.disk_bytes,
        )

    def __sub__(self, other: Amounts) -> Amounts:
        return self + Amounts(-other.memory_bytes, -other.pids, -other.disk_bytes)


class Reserve:
    """Keeps a share of the server out of labs' reach; safe from any thread.

    Args:
        place: the labs' cgroups.
        data_path: whose file system the labs' disks lie on.
        percent: the share.
    """

    def __init__(self, place: Place, data_path: Path, percent: int) -> None:
        self._place = place
        self._data_path = data_path
        self._percent = percent
        self._lock = threading.Lock()
        self._promised = Amounts()

    def hold(self) -> None:
        """Tell the kernel what all labs together may use; again after somebody else has."""
        may, (memory, pids) = self.may_use(), self._place.held()
        is_close = memory is not None and abs(memory - may.memory_bytes) <= _PAGES_BYTES
        if not is_close or pids != may.pids:
            self._place.hold(may.memory_bytes, may.pids)
            log.info("reserve.held", memory_bytes=may.memory_bytes, pids=may.pids)

    def may_use(self) -> Amounts:
        """What all labs together may use of this server."""
        total = self._total()
        share = 100 - self._percent
        return Amounts(
            total.memory_bytes * share // 100,
            total.pids * share // 100,
            total.disk_bytes * share // 100,
        )

    def left(self) -> Amounts:
        """What can still be promised, the reserve kept; below 0 where it has been touched."""
        total, may = self._total(), self.may_use()
        used = self._place.usage_of_all()
        stat = os.statvfs(self._data_path)
        available = Amounts(
            min(files.meminfo("MemAvailable"), total.memory_bytes - used.memory_bytes),
            total.pids - used.pids,
            stat.f_bavail * stat.f_frsize,
        )
        with self._lock:
            return available - (total - may) - self._promised

    def warnings(self) -> list[Problem]:
        """That the disk is nearly full, while there is still time to make room."""
        stat = os.statvfs(self._data_path)
        kept = stat.f_blocks * stat.f_frsize * self._percent // 100
        left = stat.f_bavail * stat.f_frsize - kept
        if left >= LOW_DISK_BYTES:
            return []
        return [
            Problem(
                "disk-low",
                f"The server's disk has {max(left, 0) >> 20} MB left beside its reserve: soon no "
                "lab can begin.",
                "Remove images that no lesson needs, end labs, or make room on the disk.",
                left=left,
            )
        ]

    @contextmanager
    def admitted(self, limits: Limits, disk_bytes: int) -> Iterator[None]:
        """Keep room for a lab while it is being made; afterwards the kernel counts it.

        Args:
            limits: the lab's.
            disk_bytes: what its disk takes of the server's.

        Raises:
            Problem: `server-full`, with `what`, `needs` and `left`.
        """
        needs = Amounts(limits.memory_bytes, limits.pids, disk_bytes)
        left = self.left()
        for name, unit in (
            ("memory_bytes", "memory"),
            ("pids", "processes"),
            ("disk_bytes", "disk"),
        ):
            wanted, rest = getattr(needs, name), getattr(left, name)
            if wanted > rest:
                raise _full(unit, wanted, max(rest, 0))
        with self._lock:
            self._promised += needs
        try:
            yield
        finally:
            with self._lock:
                self._promised -= needs

    def _total(self) -> Amounts:
        memory, pids = self._place.ceiling()
        tables = [number for path in _PID_TABLES if (number := files.read_number(path))]
        disk = os.statvfs(self._data_path)
        return Amounts(
            min(files.meminfo("MemTotal"), memory or 1 << 62),
            min([*tables, pids or 1 << 22]),
            disk.f_blocks * disk.f_frsize,
        )


def _full(unit: str, needs: int, left: int) -> Problem:
    facts: dict[str, Any] = {"what": unit, "needs": needs, "left": left}
    if unit == "processes":
        said = f"a lab may have {needs} processes, and {left} are left"
    else:
        said = f"a lab needs {needs >> 20} MB of {unit}, and {left >> 20} MB are left"
    return Problem(
        "server-full",
        f"This server is full: {said} beside its reserve.",
        "Wait until a lab ends, or give labs smaller limits.",
        **facts,
    )
