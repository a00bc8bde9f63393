"""What one lab may use, and what it has used: the same words for cgroup v1 and v2."""

from __future__ import annotations

from dataclasses import dataclass

_PERIOD_US, _LONGEST_US = 100_000, 1_000_000
_LEAST_US = 1000
_PAGES_BYTES, _CORES = 65536, 0.001


def period_us(cpu_cores: float) -> int:
    """In which time to give out so much of the processors; no quota may be below a millisecond."""
    return _PERIOD_US if cpu_cores * _PERIOD_US >= _LEAST_US else _LONGEST_US


@dataclass(frozen=True)
class Limits:
    """What a lab may use; there is no swap.

    Attributes:
        memory_bytes: over it the kernel ends a process of this lab.
        pids: processes and threads together.
        cpu_cores: processor time per second; over it the lab runs slower.
        disk_bytes: what the lab's files may take beside the image's; over it a write fails.
        inodes: how many files and folders the lab may make.
        io_bytes_per_s: what its disk reads, and what it writes, in a second; over it the lab waits.
    """

    memory_bytes: int = 256 << 20
    pids: int = 128
    cpu_cores: float = 1.0
    disk_bytes: int = 512 << 20
    inodes: int = 65536
    io_bytes_per_s: int = 100 << 20

    def are_met_by(self, found: Limits) -> bool:
        """Whether the kernel holds somebody to these; it rounds to pages and to microseconds.

        Args:
            found: what it was told; of disk and I/O it says nothing there.
        """
        return (
            abs(found.memory_bytes - self.memory_bytes) <= _PAGES_BYTES
            and found.pids == self.pids
            and abs(found.cpu_cores - self.cpu_cores) < _CORES
        )

    def within(self, most: Limits) -> Limits:
        """The same, but never more than `most`; a disk has whole MiB."""
        return Limits(
            memory_bytes=min(self.memory_bytes, most.memory_bytes),
            pids=min(self.pids, most.pids),
            cpu_cores=min(self.cpu_cores, most.cpu_cores),
            disk_bytes=min(self.disk_bytes, most.disk_bytes) >> 20 << 20,
            inodes=min(self.inodes, most.inodes),
            io_bytes_per_s=min(self.io_bytes_per_s, most.io_bytes_per_s),
        )


@dataclass(frozen=True)
class Usage:
    """What a lab uses now, read from its cgroup.

    Attributes:
        memory_bytes: charged to the lab, less file cache that the kernel takes back at no cost: it
            fills any limit in time, and would make each meter say “nearly full”.
        pids: processes and threads.
        cpu_seconds: since the lab was made.
    """

    memory_bytes: int
    pids: int
    cpu_seconds: float


@dataclass(frozen=True)
class Hits:
    """How often a lab met its limits since it was made; the kernel counts.

    Attributes:
        memory_kills: processes that were ended for memory.
        pids_refused: forks that were refused.
        cpu_throttled: periods in which the lab had to wait for the next one.
    """

    memory_kills: int
    pids_refused: int
    cpu_throttled: int


@dataclass(frozen=True)
class Pressure:
    """How much of the last ten seconds something waited (PSI's `some avg10`), in percent."""

    cpu: float
    memory: float
    io: float


@dataclass(frozen=True)
class Spent:
    """What a cgroup costs the server now; None is what this kernel doesn't say.

    Attributes:
        memory_bytes: what the server gets back when everything in it ends: its charge less the file
            cache, which the kernel gives to whoever needs memory without anything ending.
        cpu_seconds: processor time since it was made.
        threads: processes and threads together.
        pids: its processes.
        pressure: None on v1, where the kernel keeps it for the whole machine only.
        programs_bytes: of the memory, what programs hold, files in memory (tmpfs) among it; the
            rest is what the kernel holds for them.
        cache_bytes: the file cache that is left out.
    """

    memory_bytes: int | None
    cpu_seconds: float | None
    threads: int | None
    pids: frozenset[int]
    pressure: Pressure | None
    programs_bytes: int | None = None
    cache_bytes: int | None = None
