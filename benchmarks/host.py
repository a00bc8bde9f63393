"""What the host spends: on the processes that carry a name, and on the kernel's own memory."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

KERNEL = ("Slab", "KernelStack", "PageTables", "Percpu", "Shmem")


@dataclass(frozen=True)
class Reading:
    """What the host spends at one moment.

    Attributes:
        user_bytes: of the processes in question, in proportion where they share.
        kernel_bytes: of the whole kernel, file cache left out.
    """

    user_bytes: int
    kernel_bytes: int

    @classmethod
    def of(cls, marks: Sequence[str]) -> Reading:
        """Read now, when the kernel has given back what it holds in reserve.

        Args:
            marks: a process counts whose command line or cgroup has one of these in it.
        """
        _tidy()
        return cls(sum(_pss(pid) for pid in _processes(marks)), _kernel())


def _tidy() -> None:
    """Make the kernel give back caches, and the slabs that nobody uses any more.

    Else one lot of containers takes the slabs that an earlier lot has left, and seems to cost
    nothing: whoever is measured last would look best.
    """
    os.sync()
    Path("/proc/sys/vm/drop_caches").write_text("3")
    for cache in Path("/sys/kernel/slab").glob("*/shrink"):
        with suppress(OSError):  # one that went away meanwhile
            cache.write_text("1")


def _processes(marks: Sequence[str]) -> Iterator[int]:
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            where = (folder / "cgroup").read_text()
        except OSError:  # it ended while we looked
            continue
        if any(mark in words or mark in where for mark in marks):
            yield int(folder.name)


def _pss(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:  # it has ended
        return 0
    return next((int(line.split()[1]) << 10 for line in lines if line.startswith("Pss:")), 0)


def _kernel() -> int:
    lines = Path("/proc/meminfo").read_text().splitlines()
    fields = {name: rest.split()[0] for name, _, rest in (line.partition(":") for line in lines)}
    return sum(int(fields.get(name, 0)) << 10 for name in KERNEL)
