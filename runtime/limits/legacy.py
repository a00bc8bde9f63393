"""cgroup v1, where each controller has a hierarchy of its own (hybrid hosts as well)."""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from typing import TYPE_CHECKING

from runtime.kernel import processes
from runtime.limits import amounts, files, kept
from runtime.limits.amounts import Hits, Limits, Spent, Usage

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

# What a lab's connections may hold, of its memory; v1 counts that apart, once it is limited.
_OF_SOCKETS = 4
_SOCKETS = "memory.kmem.tcp.limit_in_bytes"
_DEVICES = "devices.list"
_TOLD = {
    "cpu.shares": "cpu",
    "cpuset.cpus": "cpuset",
    "blkio.throttle.read_bps_device": "blkio",
    "blkio.throttle.write_bps_device": "blkio",
    _DEVICES: "devices",
}
_NEEDED = frozenset({"memory", "pids", "cpu", "cpuacct", "freezer"})


class Legacy:
    """The labs' place on v1: `NAME/LAB` in each hierarchy.

    Args:
        hierarchies: where each controller is mounted; all hierarchies are in it, also those that
            limit nothing, since the OCI runtime makes a cgroup in every one.
        name: the instance's.
    """

    version = 1
    delegates = False

    def __init__(self, hierarchies: dict[str, Path], name: str) -> None:
        self._hierarchies = hierarchies
        self._name = name
        self._kept = kept.KeptFiles()
        self._bases = {each: f"{path}/{name}" for each, path in hierarchies.items()}

    @classmethod
    def from_mounts(cls, mounts: Sequence[files.Mount], name: str) -> Legacy | None:
        """The place on these hierarchies; None where a controller is missing."""
        hierarchies = {
            option: mount.path
            for mount in mounts
            if mount.fstype == "cgroup"
            for option in mount.options - {"rw", "ro"}
        }
        return cls(hierarchies, name) if hierarchies.keys() >= _NEEDED else None

    def prepare(self) -> None:
        """Make the place where all labs together are held; the OCI runtime makes the others."""
        for controller in ("memory", "pids"):
            self._group(controller).mkdir(exist_ok=True)

    def oci_path(self, lab: str) -> str:
        """The `cgroupsPath` of a lab's OCI description."""
        return f"/{self._name}/{lab}"

    @property
    def members(self) -> Path:
        """Where a process would be written that joins the cgroup around all labs."""
        return self._group("pids") / "cgroup.procs"

    def delegate(self, lab: str, uid: int, most: int) -> str:  # noqa: ARG002 - v2's
        """Nothing is given: nothing would bound how many are made."""
        return ""

    def make(self, group: str, limits: Limits) -> tuple[Path, ...]:
        """Make a cgroup ourselves, for what no OCI runtime starts; where its processes join.

        Only in the hierarchies that limit or count: one of cpuset takes nobody before it is told
        which processors there are.
        """
        folders = sorted({self._group(controller, group) for controller in _NEEDED})
        for folder in folders:
            folder.mkdir(parents=True, exist_ok=True)
        self.write_limits(group, limits)
        return tuple(folder / "cgroup.procs" for folder in folders)

    def labs(self) -> set[str]:
        """The names that have a cgroup in any hierarchy: labs, and `LAB.m` for their machines."""
        found: set[str] = set()
        for root in self._roots():
            with suppress(FileNotFoundError):
                found.update(p.name for p in (root / self._name).iterdir() if p.is_dir())
        return found

    def pids(self, lab: str) -> set[int]:
        """The server's pids of all that runs in a lab."""
        return files.pids_below(self._group("memory", lab)) | files.pids_below(
            self._group("freezer", lab)
        )

    def read_limits(self, lab: str) -> Limits | None:
        """What the kernel has been told; None where a limit is missing."""
        memory_group, cpu_group = self._group("memory", lab), self._group("cpu", lab)
        memory = files.read_number(memory_group / "memory.limit_in_bytes")
        both = files.read_number(memory_group / "memory.memsw.limit_in_bytes")
        pids = files.read_number(self._group("pids", lab) / "pids.max")
        quota = files.read_number(cpu_group / "cpu.cfs_quota_us")
        period = files.read_number(cpu_group / "cpu.cfs_period_us")
        if memory is None or pids is None or quota is None or period is None or quota < 0:
            return None
        if both not in {None, memory}:  # None: a kernel without swap accounting
            return None
        if (files.read_number(memory_group / _SOCKETS) or 0) > memory:
            return None
        return Limits(memory, pids, quota / period)

    def write_limits(self, lab: str, limits: Limits) -> None:
        """Tell the kernel, of a lab that lives."""
        _write_memory(self._group("memory", lab), limits.memory_bytes)
        (self._group("pids", lab) / "pids.max").write_text(str(limits.pids))
        self.limit_cpu(lab, limits.cpu_cores)
        self.limit_sockets(lab, limits.memory_bytes)  # refused while they hold more, so last

    def limit_cpu(self, lab: str, cpu_cores: float) -> None:
        """Tell the kernel how much of the processors a lab that lives may have, and no more."""
        group = self._group("cpu", lab)
        period_us = amounts.period_us(cpu_cores)
        quota_us = round(cpu_cores * period_us)
        (group / "cpu.cfs_period_us").write_text(str(period_us))
        (group / "cpu.cfs_quota_us").write_text(str(quota_us))

    def limit_sockets(self, lab: str, memory_bytes: int) -> None:
        """Limit what a lab's connections hold, which is no part of its memory here."""
        with suppress(FileNotFoundError):  # a kernel that was told not to count it
            (self._group("memory", lab) / _SOCKETS).write_text(str(memory_bytes // _OF_SOCKETS))

    def can_pin(self) -> bool:
        """Whether a lab can be held to some of the processors."""
        return "cpuset" in self._hierarchies

    def limit_io(self, lab: str, device: int, bytes_per_s: int) -> None:
        """Limit how fast a lab's disk is read and written, where the kernel can."""
        if "blkio" not in self._hierarchies:
            return
        line = f"{os.major(device)}:{os.minor(device)} {bytes_per_s}"
        for what in ("read", "write"):
            with suppress(OSError):
                name = f"blkio.throttle.{what}_bps_device"
                (self._group("blkio", lab) / name).write_text(line)

    def told(self, lab: str) -> dict[str, str]:
        """What the kernel was told of a lab beside its limits."""
        files_of = {
            name: self._group(each, lab) / name
            for name, each in _TOLD.items()
            if each in self._hierarchies
        }
        return {name: path.read_text() for name, path in files_of.items() if path.exists()}

    def tell_again(self, lab: str, told: Mapping[str, str]) -> list[str]:
        """Compare with what it was told once, and put back what isn't so any more."""
        return files.those_done(told, lambda name: self._is_told_again(lab, name, told[name]))

    def _is_told_again(self, lab: str, name: str, text: str) -> bool:
        path, lines = self._group(_TOLD[name], lab) / name, text.splitlines()
        found = files.read_lines(path)
        if found == set(lines) or (name.startswith("blkio") and found.issuperset(lines)):
            return False
        if name == _DEVICES:
            path.with_name("devices.deny").write_text("a")
            path = path.with_name("devices.allow")
        for line in lines:
            path.write_text(line)
        return True

    def hold(self, memory_bytes: int, pids: int) -> None:
        """Limit all labs together."""
        _write_memory(self._group("memory"), memory_bytes)
        self.limit_sockets("", memory_bytes)
        (self._group("pids") / "pids.max").write_text(str(pids))

    def held(self) -> tuple[int | None, int | None]:
        """Memory and processes that the kernel was told for all labs together."""
        memory = files.read_number(self._group("memory") / "memory.limit_in_bytes")
        return memory, files.read_number(self._group("pids") / "pids.max")

    def ceiling(self) -> tuple[int | None, int | None]:
        """Memory and processes that somebody above us allows us; None where nobody limits."""
        above = self._hierarchies["memory"]
        memory = files.read_table(above / "memory.stat").get("hierarchical_memory_limit")
        return memory, files.read_number(self._hierarchies["pids"] / "pids.max")

    def usage_of_all(self) -> Usage:
        """What all labs together use now."""
        return self.usage("")

    def usage(self, lab: str) -> Usage:
        """What a lab uses now."""
        nanoseconds = files.read_number(self._group("cpuacct", lab) / "cpuacct.usage") or 0
        memory = self._group("memory", lab)
        charged = files.read_number(memory / "memory.usage_in_bytes") or 0
        idle_cache = files.read_table(memory / "memory.stat").get("total_inactive_file", 0)
        return Usage(
            memory_bytes=max(charged - idle_cache, 0),
            pids=files.read_number(self._group("pids", lab) / "pids.current") or 0,
            cpu_seconds=nanoseconds / 1e9,
        )

    def cpu_seconds(self, lab: str) -> float:
        """Processor time that a lab took since it was made."""
        text = self._kept.read(f"{self._bases['cpuacct']}/{lab}/cpuacct.usage")
        return (kept.number_in(text) or 0) / 1e9

    def spent(self, name: str) -> Spent | None:
        """What a cgroup costs the server now."""
        base, read = self._bases, self._kept.read
        memory = f"{base['memory']}/{name}"
        charged = kept.number_in(read(f"{memory}/memory.usage_in_bytes"))
        if charged is None:
            return None
        stat = read(f"{memory}/memory.stat")
        cache = kept.sum_in(stat, b"total_inactive_file", b"total_active_file")
        nanoseconds = kept.number_in(read(f"{base['cpuacct']}/{name}/cpuacct.usage"))
        return Spent(
            memory_bytes=None if cache is None else max(charged - cache, 0),
            cpu_seconds=None if nanoseconds is None else nanoseconds / 1e9,
            threads=kept.number_in(read(f"{base['pids']}/{name}/pids.current")),
            pids=self._kept.pids(memory),
            pressure=None,
            programs_bytes=kept.sum_in(stat, b"total_rss", b"total_shmem"),
            cache_bytes=cache,
        )

    def hits(self, lab: str) -> Hits:
        """How often a lab met its limits."""
        memory = files.read_table(self._group("memory", lab) / "memory.oom_control")
        pids = files.read_table(self._group("pids", lab) / "pids.events")
        cpu = files.read_table(self._group("cpu", lab) / "cpu.stat")
        return Hits(memory.get("oom_kill", 0), pids.get("max", 0), cpu.get("nr_throttled", 0))

    def freeze(self, lab: str, *, is_still: bool) -> None:
        """Let everything in a lab stand still, or go on."""
        state = self._group("freezer", lab) / "freezer.state"
        state.write_text("FROZEN" if is_still else "THAWED")

    def kill(self, lab: str) -> None:
        """End everything in a lab: frozen first, or a fork would slip away between two looks."""
        freezer = self._group("freezer", lab)
        state = freezer / "freezer.state"
        group = f"{self._name}/{lab}"
        with suppress(FileNotFoundError):
            state.write_text("FROZEN")
            for pid in files.pids_below(freezer):
                processes.signal_member(pid, group, signal.SIGKILL)
            state.write_text("THAWED")
        for pid in self.pids(lab):  # what only another hierarchy knows
            processes.signal_member(pid, group, signal.SIGKILL)
        files.wait_until(lambda: not self.pids(lab), f"lab {lab} still runs")

    def remove(self, lab: str) -> None:
        """Take a lab's cgroups away."""
        for root in self._roots():
            files.remove_tree(root / self._name / lab)
            self._kept.drop(str(root / self._name / lab))  # nobody can open one any more

    def close(self) -> None:
        """Take the place itself away when no lab is left in it."""
        for root in self._roots():
            with suppress(OSError):
                (root / self._name).rmdir()

    def _group(self, controller: str, lab: str = "") -> Path:
        return self._hierarchies[controller] / self._name / lab

    def _roots(self) -> set[Path]:
        return set(self._hierarchies.values())


def _write_memory(group: Path, amount: int) -> None:
    # Memory may never be above memory and swap together, so first the one that makes room.
    order = ["memory.memsw.limit_in_bytes", "memory.limit_in_bytes"]
    now = files.read_number(group / "memory.limit_in_bytes") or 0
    if amount < now:
        order.reverse()
    for name in order:
        if (group / name).exists():
            (group / name).write_text(str(amount))
