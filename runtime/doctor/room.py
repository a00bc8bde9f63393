"""Probes of how much there is: disk and memory."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

from runtime.doctor.finding import Finding, advised
from runtime.doctor.row import DEVICE_RULES
from runtime.kernel import loop
from runtime.limits import files

if TYPE_CHECKING:
    from pathlib import Path

GIB = 1 << 30
_DISK_WANTED = 3 * GIB  # the base image while it is built, and some labs
_MEMORY_WANTED = 1 * GIB


def disk(data: Path) -> Finding:
    """Where images and labs lie."""
    place = next(path for path in (data, *data.parents) if path.is_dir())
    free = shutil.disk_usage(place).free
    return advised(
        "disk",
        good=free >= _DISK_WANTED,
        found=f"{free / GIB:.1f} GiB free in {place}",
        wanted=f"{_DISK_WANTED / GIB:.0f} GiB",
        fix="Make room, or choose another place with --data.",
    )


def lab_disks() -> Finding:
    """Whether a lab's disk can be limited: each is an ext4 image on a loop device."""
    said = ""
    try:
        devices_fd = loop.devices()
        try:
            loop.try_one(devices_fd)
        finally:
            os.close(devices_fd)
    except OSError as error:
        said = error.strerror or str(error)
    return advised(
        "lab-disks",
        good=not said,
        found=f"loop devices refused ({said}): one lab can fill the disk" if said else "limited",
        wanted="a disk of its own for each lab",
        fix=f"In a container, start it with `{DEVICE_RULES}`; elsewhere `modprobe loop`.",
    )


def memory() -> Finding:
    """What labs can still have, as the kernel estimates it."""
    available = files.meminfo("MemAvailable")
    return advised(
        "memory",
        good=available >= _MEMORY_WANTED,
        found=f"{available / GIB:.1f} GiB available, {os.cpu_count()} processors",
        wanted=f"{_MEMORY_WANTED / GIB:.0f} GiB: a quiet lab needs 1 MiB, a busy one its limit",
        fix="End other programs, or give labs smaller limits.",
    )
