"""cgroup v2."""

from __future__ import annotations

import errno
import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from runtime.limits import amounts, files, kept
from runtime.limits.amounts import Hits, Limits, Pressure, Spent, Usage
from runtime.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Mapping

_NEEDED = ("cpu", "memory", "pids")
_WANTED = ("io", "cpuset")
_CPUS = "cpuset.cpus"
_TOLD = ("cpu.weight", _CPUS, "io.max")
_LEAF = "init"  # of a lab that has cgroups below it: a cgroup that limits others holds no process
# What a delegate writes (cgroups(7), "Cgroups delegation"); no file that limits the lab itself.
_DELEGATED = ("cgroup.procs", "cgroup.threads", "cgroup.subtree_control")


def base_below(root: Path, name: str, keeper_pid: int | None) -> Path:
    """The instance's cgroup: the keeper's unit, or one of our own at the top.

    Args:
        root: where the hierarchy is mounted.
        name: the instance's.
        keeper_pid: the keeper, when systemd started it in a delegated unit.
    """
    if keeper_pid is None:
        return root / name
    for line in Path(f"/proc/{keeper_pid}/cgroup").read_text().splitlines():
        if line.startswith("0::"):
            unit = root / line[3:].lstrip("/").removesuffix("/keeper")
            return root / name if unit == root else unit
    return root / name


class Unified:
    """The labs' place on v2.

    Args:
        root: where the hierarchy is mounted.
        base: the instance's cgroup; each lab's is below it.
        keeper_pid: moved into a leaf, since a cgroup with processes can't hand controllers down.
    """

    version = 2
    delegates = True

    def __init__(self, root: Path, base: Path, keeper_pid: int | None = None) -> None:
        self._root = root
        self._base = base
        self._keeper_pid = keeper_pid
        self._kept = kept.KeptFiles()

    def prepare(self) -> None:
        """Make the place, with the controllers that limits need.

        Raises:
            Problem: `cgroup-controllers`.
        """
        self._base.mkdir(exist_ok=True)
        if self._base.parent == self._root:
            self._enable_at_root()
        else:
            self._empty_into(self._base, "keeper")
        self._enable(self._base)

    def oci_path(self, lab: str) -> str:
        """The `cgroupsPath` of a lab's OCI description."""
        return f"/{(self._base / lab).relative_to(self._root)}"

    @property
    def members(self) -> Path:
        """Where a process would be written that joins the cgroup around all labs."""
        return self._base / "cgroup.procs"

    def delegate(self, lab: str, uid: int, most: int) -> str:
        """Let a user of a lab divide what the lab has among cgroups of their own."""
        group = self._base / lab
        (group / "cgroup.max.descendants").write_text(str(most))
        self._empty_into(group, _LEAF)
        self._enable(group)
        for path in (group, *(group / name for name in _DELEGATED)):
            os.chown(path, uid, -1)
        return _LEAF

    def make(self, group: str, limits: Limits) -> tuple[Path, ...]:
        """Make a cgroup ourselves, for what no OCI runtime starts; where its processes join."""
        (self._base / group).mkdir(exist_ok=True)
        self.write_limits(group, limits)
        return (self._base / group / "cgroup.procs",)

    def labs(self) -> set[str]:
        """The names that have a cgroup: labs, and `LAB.m` for their machines."""
        if not self._base.is_dir():
            return set()
        return {p.name for p in self._base.iterdir() if p.is_dir() and p.name != "keeper"}

    def pids(self, lab: str) -> set[int]:
        """The server's pids of all that runs in a lab."""
        return files.pids_below(self._base / lab)

    def read_limits(self, lab: str) -> Limits | None:
        """What the kernel has been told; None where a limit is missing."""
        group = self._base / lab
        memory = files.read_number(group / "memory.max")
        swap = files.read_number(group / "memory.swap.max")
        pids = files.read_number(group / "pids.max")
        try:
            quota, _, period = (group / "cpu.max").read_text().strip().partition(" ")
        except OSError:
            return None
        has_swap = swap != 0 and (group / "memory.swap.max").exists()
        if memory is None or pids is None or quota == "max" or has_swap:
            return None
        return Limits(memory, pids, int(quota) / int(period))

    def write_limits(self, lab: str, limits: Limits) -> None:
        """Tell the kernel, of a lab that lives."""
        group = self._base / lab
        (group / "memory.max").write_text(str(limits.memory_bytes))
        with suppress(FileNotFoundError):  # a kernel without swap accounting
            (group / "memory.swap.max").write_text("0")
        (group / "pids.max").write_text(str(limits.pids))
        self.limit_cpu(lab, limits.cpu_cores)

    def limit_cpu(self, lab: str, cpu_cores: float) -> None:
        """Tell the kernel how much of the processors a lab that lives may have, and no more."""
        period_us = amounts.period_us(cpu_cores)
        quota_us = round(cpu_cores * period_us)
        (self._base / lab / "cpu.max").write_text(f"{quota_us} {period_us}")

    def limit_sockets(self, lab: str, memory_bytes: int) -> None:
        """Nothing: here what connections hold is the lab's memory, from the start."""

    def can_pin(self) -> bool:
        """Whether a lab can be held to some of the processors."""
        return "cpuset" in (self._base / "cgroup.subtree_control").read_text().split()

    def limit_io(self, lab: str, device: int, bytes_per_s: int) -> None:
        """Limit how fast a lab's disk is read and written, where the kernel can."""
        line = f"{os.major(device)}:{os.minor(device)} rbps={bytes_per_s} wbps={bytes_per_s}"
        with suppress(OSError):
            (self._base / lab / "io.max").write_text(line)

    def told(self, lab: str) -> dict[str, str]:
        """What the kernel was told of a lab beside its limits; its devices are the OCI runtime's.

        They are a program of the kernel's here, which nobody takes away by writing a file.
        """
        group = self._base / lab
        return {name: (group / name).read_text() for name in _TOLD if (group / name).exists()}

    def tell_again(self, lab: str, told: Mapping[str, str]) -> list[str]:
        """Compare with what it was told once, and put back what isn't so any more."""
        return files.those_done(told, lambda name: self._is_told_again(lab, name, told[name]))

    def _is_told_again(self, lab: str, name: str, text: str) -> bool:
        path = self._base / lab / name
        found = files.read_lines(path)
        if found == set(text.splitlines()):
            return False
        if name == _CPUS and not text.strip():  # once a lab runs, it can't be told none of its own
            text = (self._base / f"{_CPUS}.effective").read_text()
        lines = text.splitlines()
        if found.issuperset(lines):  # of disks there may be one more
            return False
        for line in lines:
            path.write_text(f"{line}\n")
        return True

    def hold(self, memory_bytes: int, pids: int) -> None:
        """Limit all labs together."""
        (self._base / "memory.max").write_text(str(memory_bytes))
        with suppress(FileNotFoundError):  # a kernel without swap accounting
            (self._base / "memory.swap.max").write_text("0")
        (self._base / "pids.max").write_text(str(pids))

    def held(self) -> tuple[int | None, int | None]:
        """Memory and processes that the kernel was told for all labs together."""
        memory = files.read_number(self._base / "memory.max")
        return memory, files.read_number(self._base / "pids.max")

    def ceiling(self) -> tuple[int | None, int | None]:
        """Memory and processes that somebody above us allows us; None where nobody limits."""
        above = [group for group in self._base.parents if group.is_relative_to(self._root)]
        memory = [files.read_number(group / "memory.max") for group in above]
        pids = [files.read_number(group / "pids.max") for group in above]
        return _least(memory), _least(pids)

    def usage_of_all(self) -> Usage:
        """What all labs together use now."""
        return self.usage("")

    def usage(self, lab: str) -> Usage:
        """What a lab uses now."""
        group = self._base / lab
        charged = files.read_number(group / "memory.current") or 0
        idle_cache = files.read_table(group / "memory.stat").get("inactive_file", 0)
        return Usage(
            memory_bytes=max(charged - idle_cache, 0),
            pids=files.read_number(group / "pids.current") or 0,
            cpu_seconds=files.read_table(group / "cpu.stat").get("usage_usec", 0) / 1e6,
        )

    def cpu_seconds(self, lab: str) -> float:
        """Processor time that a lab took since it was made."""
        text = self._kept.read(f"{self._base}/{lab}/cpu.stat")
        return (kept.sum_in(text, b"usage_usec") or 0) / 1e6

    def spent(self, name: str) -> Spent | None:
        """What a cgroup costs the server now."""
        group, read = f"{self._base}/{name}", self._kept.read
        charged = kept.number_in(read(f"{group}/memory.current"))
        if charged is None:
            return None
        stat = read(f"{group}/memory.stat")
        cache = kept.sum_in(stat, b"inactive_file", b"active_file", b"slab_reclaimable")
        microseconds = kept.sum_in(read(f"{group}/cpu.stat"), b"usage_usec")
        return Spent(
            memory_bytes=None if cache is None else max(charged - cache, 0),
            cpu_seconds=None if microseconds is None else microseconds / 1e6,
            threads=kept.number_in(read(f"{group}/pids.current")),
            pids=self._kept.pids(group),
            pressure=self._pressure(group),
            programs_bytes=kept.sum_in(stat, b"anon", b"shmem"),
            cache_bytes=kept.sum_in(stat, b"inactive_file", b"active_file"),
        )

    def hits(self, lab: str) -> Hits:
        """How often a lab met its limits."""
        group = self._base / lab
        # Before 6.11 a refusal is counted where the process is, and not where the limit is.
        refused = (files.read_table(each / "pids.events") for each in (group, group / _LEAF))
        return Hits(
            memory_kills=files.read_table(group / "memory.events").get("oom_kill", 0),
            pids_refused=max(table.get("max", 0) for table in refused),
            cpu_throttled=files.read_table(group / "cpu.stat").get("nr_throttled", 0),
        )

    def freeze(self, lab: str, *, is_still: bool) -> None:
        """Let everything in a lab stand still, or go on; what its learner froze stays frozen."""
        (self._base / lab / "cgroup.freeze").write_text(str(int(is_still)))

    def kill(self, lab: str) -> None:
        """End everything in a lab; the kernel reaches also what is stopped, frozen or forking."""
        group = self._base / lab
        with suppress(FileNotFoundError):
            (group / "cgroup.kill").write_text("1")
        files.wait_until(lambda: not files.pids_below(group), f"lab {lab} still runs")

    def remove(self, lab: str) -> None:
        """Take a lab's cgroup away."""
        files.remove_tree(self._base / lab)
        self._kept.drop(str(self._base / lab))  # nobody can open one any more

    def close(self) -> None:
        """Take the place itself away when no lab is left in it; a unit goes with its keeper."""
        if self._base.parent == self._root:
            with suppress(OSError):
                self._base.rmdir()

    def _pressure(self, group: str) -> Pressure | None:
        found = [
            kept.pressure_in(self._kept.read(f"{group}/{name}.pressure"))
            for name in ("cpu", "memory", "io")
        ]
        known = [value for value in found if value is not None]
        return Pressure(*known) if len(known) == len(found) else None

    def _enable_at_root(self) -> None:
        try:
            self._enable(self._root)
        except Problem:
            # In a container the root we see is an ordinary cgroup, and may hold no process.
            self._empty_into(self._root, "init")
            self._enable(self._root)

    def _enable(self, group: Path) -> None:
        control = group / "cgroup.subtree_control"
        missing = set(_NEEDED) - set(control.read_text().split())
        for name in (*sorted(missing), *_WANTED):
            try:
                control.write_text(f"+{name}")
            except OSError as error:
                if name in _NEEDED:
                    raise _no_controller(group, name) from error

    @staticmethod
    def _empty_into(group: Path, leaf: str) -> None:
        (group / leaf).mkdir(exist_ok=True)
        for pid in (group / "cgroup.procs").read_text().split():
            try:
                (group / leaf / "cgroup.procs").write_text(pid)
            except OSError as error:
                if error.errno not in {errno.ESRCH, errno.EINVAL}:  # gone, or a kernel thread
                    raise


def _least(numbers: list[int | None]) -> int | None:
    return min((number for number in numbers if number is not None), default=None)


def _no_controller(group: Path, name: str) -> Problem:
    return Problem(
        "cgroup-controllers",
        f"The cgroup {group} can't hand down {name}, so that limit would not hold.",
        "Start Slipway under a unit with Delegate=yes, or as root outside of one.",
        cgroup=str(group),
        controller=name,
    )
