"""The labs' place among the cgroups: one vocabulary, for v2 and for v1."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from runtime.kernel import syscalls
from runtime.limits import legacy, unified
from runtime.limits.files import Mount, cgroup_mounts
from runtime.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runtime.limits.amounts import Hits, Limits, Spent, Usage

MS_REMOUNT = 32
_HYBRID = Path("/sys/fs/cgroup/unified")


class Place(Protocol):
    """Where one instance's labs are; each is named by its id."""

    version: int
    delegates: bool
    """Whether a lab's user may be given cgroups safely: v1 can't bound how many are made."""

    def prepare(self) -> None:
        """Make the place, with the controllers that limits need; harmless when it is there."""

    def oci_path(self, lab: str) -> str:
        """The `cgroupsPath` of a lab's OCI description; the OCI runtime makes it."""

    @property
    def members(self) -> Path:
        """Where a process would be written that joins the cgroup around all labs."""

    def delegate(self, lab: str, uid: int, most: int) -> str:
        """Let a user of a lab divide what the lab has among cgroups of their own.

        The lab's limits stay the server's, who alone may write them.

        Args:
            lab: its container runs.
            uid: the server's id of the user.
            most: how many cgroups there may be below the lab's.

        Returns:
            The one below the lab's that its programs are in from now on, and that others must join;
            empty where nothing was given.
        """

    def make(self, group: str, limits: Limits) -> tuple[Path, ...]:
        """Make a cgroup ourselves, for what no OCI runtime starts (a machine).

        Args:
            group: its name; like a lab's it works with every other method.
            limits: what it may use.

        Returns:
            Files that take the pid of a process that joins, one a hierarchy.
        """

    def labs(self) -> set[str]:
        """The names that have a cgroup: labs, and `LAB.m` for their machines."""

    def pids(self, lab: str) -> set[int]:
        """The server's pids of all that runs in a lab."""

    def read_limits(self, lab: str) -> Limits | None:
        """What the kernel has been told; None where a file or a limit is missing."""

    def write_limits(self, lab: str, limits: Limits) -> None:
        """Tell the kernel, of a lab that lives."""

    def limit_cpu(self, lab: str, cpu_cores: float) -> None:
        """Tell the kernel how much of the processors a lab that lives may have, and no more."""

    def usage(self, lab: str) -> Usage:
        """What a lab uses now."""

    def cpu_seconds(self, lab: str) -> float:
        """Processor time that a lab took since it was made; 0 where there is none."""

    def spent(self, name: str) -> Spent | None:
        """What a lab's cgroup, or its machine's, costs the server now; None where there is none."""

    def hits(self, lab: str) -> Hits:
        """How often a lab met its limits."""

    def limit_sockets(self, lab: str, memory_bytes: int) -> None:
        """Limit what a lab's connections hold, by its memory; OCI runtimes leave that out."""

    def can_pin(self) -> bool:
        """Whether a lab can be held to some of the processors."""

    def limit_io(self, lab: str, device: int, bytes_per_s: int) -> None:
        """Limit how fast a lab's disk is read and written; nothing happens where the kernel can't.

        Version 1 holds back what a program waits for, not what it leaves to the file cache.
        """

    def told(self, lab: str) -> dict[str, str]:
        """What the kernel was told of a lab beside its limits: weight, I/O, devices, processors."""

    def tell_again(self, lab: str, told: Mapping[str, str]) -> list[str]:
        """Compare with what it was told once, and put back what isn't so any more; which it was."""

    def hold(self, memory_bytes: int, pids: int) -> None:
        """Limit all labs together."""

    def held(self) -> tuple[int | None, int | None]:
        """Memory and processes that the kernel was told for all labs together."""

    def ceiling(self) -> tuple[int | None, int | None]:
        """Memory and processes that somebody above us allows us; None where nobody limits."""

    def usage_of_all(self) -> Usage:
        """What all labs together use now."""

    def freeze(self, lab: str, *, is_still: bool) -> None:
        """Let everything in a lab stand still, or go on.

        Returns at once; what is in the middle of a system call stands still a moment later.
        """

    def kill(self, lab: str) -> None:
        """End everything in a lab, also what is stopped; returns when nothing is left."""

    def remove(self, lab: str) -> None:
        """Take a lab's cgroup away; nothing happens where there is none."""

    def close(self) -> None:
        """Take the place itself away when no lab is left in it."""


def find(name: str, keeper_pid: int | None = None) -> Place:
    """Choose the place of an instance by what this machine has mounted.

    Args:
        name: `Instance.cgroup_name`.
        keeper_pid: under systemd the keeper's unit is the place, since it is delegated to us; None
            puts the labs at the top of the hierarchy.

    Raises:
        Problem: `cgroup-missing` where no hierarchy can be used.
    """
    mounts = cgroup_mounts()
    v2 = next((m for m in mounts if m.fstype == "cgroup2" and m.path != _HYBRID), None)
    if v2 is not None:
        return unified.Unified(v2.path, unified.base_below(v2.path, name, keeper_pid), keeper_pid)
    v1 = legacy.Legacy.from_mounts(mounts, name)
    if v1 is None:
        raise Problem(
            "cgroup-missing",
            "This machine has no cgroups for memory, pids and cpu, so no limit would hold.",
            "Mount /sys/fs/cgroup; in a container, `./slipway doctor` prints how to start it.",
        )
    return v1


def leave_unified() -> None:
    """Unmount the v2 half of a hybrid host, in this process's own mount namespace only.

    crun refuses a v1 host while `unified/cgroup.controllers` names a controller; without it, it
    makes folders of its own there, which systemd has made read-only. Call it after
    `namespaces.own_mounts`, or the whole host loses the mount.
    """
    if any(m.path == _HYBRID for m in cgroup_mounts()):
        syscalls.umount2(str(_HYBRID), syscalls.MNT_DETACH)
        syscalls.mount("none", str(_HYBRID), "tmpfs", 0, "mode=755,size=1m")


def make_writable() -> None:
    """Remount cgroups that a container engine left read-only, in this mount namespace.

    docker and podman mount a container's own cgroups read-only even where it may administer them.

    Raises:
        Problem: `cgroup-read-only` where the kernel doesn't let us.
    """
    for each in cgroup_mounts():
        if os.statvfs(each.path).f_flag & os.ST_RDONLY:
            _remount(each)


def _remount(mount: Mount) -> None:
    keep = syscalls.MS_NOSUID | syscalls.MS_NODEV | syscalls.MS_NOEXEC
    try:
        syscalls.mount("none", str(mount.path), "", MS_REMOUNT | syscalls.MS_BIND | keep)
    except OSError as error:
        raise Problem(
            "cgroup-read-only",
            f"{mount.path} can't be written, so no limit would hold.",
            "Start this container with SYS_ADMIN; `./slipway doctor` prints the command.",
        ) from error
