"""The figures of one side: the same fields for a container and a machine; None is “not known”."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    from runtime.limits.amounts import Pressure


@dataclass(frozen=True)
class Start:
    """How long it took from the request to the first byte of a prompt.

    Attributes:
        ms: all of it.
        at: when it was asked for, in unix seconds.
        stages_ms: what it was spent on: `engine` or `hypervisor`, `kernel`, `init`, `shell`, those
            there are.
    """

    ms: float
    at: float
    stages_ms: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Kernel:
    """Whose kernel it is; two with one `boot_id` are one.

    Attributes:
        release: as uname(2) says.
        boot_id: made anew by each boot.
        own: it isn't the server's.
    """

    release: str
    boot_id: str
    own: bool


@dataclass(frozen=True)
class Side:
    """What there is to measure, told by whoever made it.

    Attributes:
        group: its cgroup's name.
        disk_path: what it alone has on the server's disk: a file, a file system, or a folder.
        memory_limit_bytes: what it may have, with `disk_limit_bytes` and `cpu_cores`.
        disk_limit_bytes: None where none is set.
        cpu_cores: processor time per second.
        cold: its start by itself; None where it wasn't timed.
        prepared: how soon it was there when it had been made beforehand.
        kernel: None where nobody has said.
        hypervisor_pid: the process that is the machine; None for a container.
        guest_bytes: what the machine was given.
        guest: how the machine's kernel divides it, by that kernel.
    """

    group: str
    disk_path: Path
    memory_limit_bytes: int
    disk_limit_bytes: int | None
    cpu_cores: float
    cold: Start | None = None
    prepared: Start | None = None
    kernel: Kernel | None = None
    hypervisor_pid: int | None = None
    guest_bytes: int = 0
    guest: dict[str, int] | None = None


@dataclass(frozen=True)
class Split:
    """Where a machine's memory goes; together it is the headline.

    Attributes:
        guest_bytes: what the guest has touched of its memory.
        translation_bytes: the emulator's cache of translated code; 0 where nothing is translated.
        emulator_bytes: the rest: the hypervisor's own, with what the kernel holds for it.
    """

    guest_bytes: int
    emulator_bytes: int
    translation_bytes: int


@dataclass(frozen=True)
class Charge:
    """Who holds a side's memory on the server: programs and kernel together are the headline.

    Attributes:
        programs_bytes: its programs; of a machine, its hypervisor with all that is in the guest.
        kernel_bytes: the server's kernel, for them: page tables, stacks, sockets, open files.
        cache_bytes: read or written files, which the kernel drops when it needs room; beside it.
    """

    programs_bytes: int
    kernel_bytes: int
    cache_bytes: int


@dataclass(frozen=True)
class Figures:
    """One reading of one side; the fields as docs/reference.md lists them."""

    starts: dict[str, Start | None]
    memory_bytes: int | None
    memory_split: Split | None
    memory_charge: Charge | None
    memory_limit_bytes: int
    pss_bytes: int | None
    disk_bytes: int | None
    disk_limit_bytes: int | None
    cpu_seconds: float | None
    cpu_cores: float
    processes: int | None
    threads: int | None
    kernel: Kernel | None
    pressure: Pressure | None
    guest: dict[str, int] | None

    def as_dict(self) -> dict[str, Any]:
        """What crosses a socket."""
        # Not by asdict, which copies everything in it: half of what a reading costs.
        return {
            **vars(self),
            "starts": {name: _told(start) for name, start in self.starts.items()},
            "memory_split": _told(self.memory_split),
            "memory_charge": _told(self.memory_charge),
            "kernel": _told(self.kernel),
            "pressure": _told(self.pressure),
        }


def _told(part: Start | Split | Charge | Kernel | Pressure | None) -> dict[str, Any] | None:
    return None if part is None else dict(vars(part))


class StopWatch:
    """Times a start and its stages by one clock."""

    def __init__(self) -> None:
        self._at = time.time()
        self._began = self._last = time.perf_counter()
        self._stages: dict[str, float] = {}

    def done(self, stage: str) -> None:
        """Close the stage that has run since the last one."""
        now = time.perf_counter()
        self._stages[stage] = round((now - self._last) * 1000, 2)
        self._last = now

    def start(self) -> Start:
        """All of it, up to the last stage that was closed."""
        return Start(round((self._last - self._began) * 1000, 2), self._at, dict(self._stages))
