"""What a lab uses, and of how much."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from runtime.limits.disk import IMAGE

if TYPE_CHECKING:
    from pathlib import Path

    from runtime.labs.parts import Parts
    from runtime.labs.state import Lab


@dataclass(frozen=True)
class DiskUsage:
    """What a lab has written, and how much of its disk is left."""

    used_bytes: int
    left_bytes: int
    inodes: int
    inodes_left: int


def read(parts: Parts, lab: Lab, disk_full: int) -> dict[str, Any]:
    """One reading, as the verb `lab.usage` answers it; null where nothing limits.

    Args:
        parts: the rooms.
        lab: which.
        disk_full: how often its disk was seen full.
    """
    used, hits = parts.place.usage(lab.id), parts.place.hits(lab.id)
    limits = lab.shape.limits
    disk = of_disk(lab, parts.folder(lab))
    return {
        "memory_bytes": used.memory_bytes,
        "memory_limit_bytes": limits.memory_bytes,
        "pids": used.pids,
        "pids_limit": limits.pids,
        "cpu_seconds": used.cpu_seconds,
        "cpu_cores": limits.cpu_cores,
        "disk_bytes": disk.used_bytes if disk else None,
        "disk_limit_bytes": limits.disk_bytes if disk else None,
        "inodes": disk.inodes if disk else None,
        "inodes_limit": limits.inodes if disk else None,
        "memory_kills": hits.memory_kills,
        "pids_refused": hits.pids_refused,
        "cpu_throttled": hits.cpu_throttled,
        "disk_full": disk_full if disk else None,
    }


def of_disk(lab: Lab, folder: Path) -> DiskUsage | None:
    """What the file system of a lab's root says; None where it has no disk of its own.

    Asked through the container: nobody else has it mounted. An overlay answers for its upper layer.
    """
    try:
        stat = os.statvfs(f"/proc/{lab.pid}/root")
    except OSError:  # it is ending
        return None
    if not (folder / IMAGE).exists():
        return None
    return DiskUsage(
        used_bytes=(stat.f_blocks - stat.f_bfree) * stat.f_frsize,
        left_bytes=stat.f_bavail * stat.f_frsize,
        inodes=stat.f_files - stat.f_ffree,
        inodes_left=stat.f_favail,
    )
