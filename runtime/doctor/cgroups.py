"""Probes of the cgroups: which world, and whether limits will hold."""

from __future__ import annotations

from pathlib import Path

from runtime.doctor.finding import Finding, judged
from runtime.limits.files import Mount, cgroup_mounts

_NEEDED = frozenset({"cpu", "memory", "pids"})
_HYBRID = Path("/sys/fs/cgroup/unified")


def world() -> Finding:
    """v2, or v1 with or without a v2 half; all of them work."""
    mounts = cgroup_mounts()
    offered = _offered(mounts)
    lacking = sorted(_NEEDED - offered)
    return judged(
        "cgroup",
        good=not lacking,
        found=f"{_version(mounts)}, without {', '.join(lacking)}" if lacking else _version(mounts),
        wanted="the controllers cpu, memory and pids",
        fix="Mount /sys/fs/cgroup, and look for `cgroup_disable=` on the kernel's command line.",
    )


def _version(mounts: list[Mount]) -> str:
    kinds = {mount.fstype for mount in mounts}
    if not kinds:
        return "none"
    if kinds == {"cgroup2"}:
        return "version 2"
    return "version 1 with a version 2 beside it" if "cgroup2" in kinds else "version 1"


def _offered(mounts: list[Mount]) -> set[str]:
    offered: set[str] = set()
    for mount in mounts:
        if mount.fstype == "cgroup":
            offered |= mount.options
        elif mount.path != _HYBRID:
            offered.update((mount.path / "cgroup.controllers").read_text().split())
    return offered
