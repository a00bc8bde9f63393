"""Reads both sides: cheap figures at each reading, dear ones as seldom as their cost wants."""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, Protocol, TypeVar

from runtime.meter import disk, memory
from runtime.meter.figures import Charge, Figures, Side, Split

if TYPE_CHECKING:
    from collections.abc import Callable

    from runtime.limits.amounts import Spent

_DEAR_S = 5.0
_OLD_S = 30.0  # whatever it costs, a figure older than that is of no use to anybody
_SHARE = 0.0002  # of a core, that one dear figure of one side may cost: the PSS of a qemu is 1 ms

_Value = TypeVar("_Value")


class Groups(Protocol):
    """Where the cgroups are."""

    def spent(self, name: str) -> Spent | None:
        """What one costs the server now; None where there is none."""


class _Kept(NamedTuple, Generic[_Value]):
    """A dear figure, and when it is worth another look."""

    value: _Value
    due_at: float


class Meter:
    """Safe from any thread; two that read one side wait for each other.

    Args:
        groups: reads a cgroup by its name.
    """

    def __init__(self, groups: Groups) -> None:
        self._groups = groups
        self._kept: defaultdict[str, dict[tuple[str, int | None], _Kept[Any]]] = defaultdict(dict)
        self._locks: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)

    def read(self, side: Side) -> Figures:
        """One reading; what nobody can say is None."""
        with self._locks[side.group]:
            spent = self._groups.spent(side.group)
            pids = spent.pids if spent else frozenset()
            if side.hypervisor_pid is not None:
                pids &= {side.hypervisor_pid}
            pss = self._seldom(side, "pss", lambda: memory.pss(pids)) if pids else None
            disk_bytes = self._seldom(side, "disk", lambda: disk.bytes_of(side.disk_path))
            return Figures(
                starts={"cold": side.cold, "prepared": side.prepared},
                memory_bytes=spent.memory_bytes if spent else None,
                memory_split=self._split(side, spent),
                memory_charge=_charge(spent),
                memory_limit_bytes=side.memory_limit_bytes,
                pss_bytes=pss,
                disk_bytes=disk_bytes,
                disk_limit_bytes=side.disk_limit_bytes,
                cpu_seconds=spent.cpu_seconds if spent else None,
                cpu_cores=side.cpu_cores,
                processes=len(pids) if spent else None,
                threads=spent.threads if spent else None,
                kernel=side.kernel,
                pressure=spent.pressure if spent else None,
                guest=side.guest,
            )

    def forget(self, group: str) -> None:
        """A side has ended; the next one of its name begins anew."""
        self._kept.pop(group, None)
        self._locks.pop(group, None)

    def _split(self, side: Side, spent: Spent | None) -> Split | None:
        """Where the headline goes; what came since the parts were told apart is the guest's."""
        if side.hypervisor_pid is None or spent is None or spent.memory_bytes is None:
            return None
        pid, headline = side.hypervisor_pid, spent.memory_bytes
        found = self._seldom(side, "split", lambda: (memory.parts(pid, side.guest_bytes), headline))
        parts, then = found
        if parts is None:
            return None
        own = max(then - parts.guest - parts.translation, 0)
        guest = min(max(headline - own - parts.translation, 0), side.guest_bytes)
        return Split(guest, max(headline - guest - parts.translation, 0), parts.translation)

    def _seldom(self, side: Side, name: str, look: Callable[[], _Value]) -> _Value:
        """A figure that is dear: looked at again only when its cost is earned."""
        key = (name, side.hypervisor_pid)  # a machine that was booted again is another one
        kept: _Kept[_Value] | None = self._kept[side.group].get(key)
        if kept is None or kept.due_at <= time.monotonic():
            before = time.thread_time()
            value = look()
            cost_s = time.thread_time() - before
            kept = _Kept(value, time.monotonic() + min(max(_DEAR_S, cost_s / _SHARE), _OLD_S))
            self._kept[side.group][key] = kept
        return kept.value


def _charge(spent: Spent | None) -> Charge | None:
    if spent is None or spent.memory_bytes is None:
        return None
    if spent.programs_bytes is None or spent.cache_bytes is None:
        return None
    programs = min(spent.programs_bytes, spent.memory_bytes)  # two files, read one after the other
    return Charge(programs, spent.memory_bytes - programs, spent.cache_bytes)
