#!/usr/bin/python3
"""Runs in the machine: passes when a box there has a root of its own, and no way back."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


def walled() -> Iterator[Path]:
    """Processes that have mounts and process numbers of their own."""
    first = {kind: Path(f"/proc/1/ns/{kind}").readlink() for kind in ("mnt", "pid")}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdecimal():
            continue
        try:
            if all((entry / "ns" / kind).readlink() != own for kind, own in first.items()):
                yield entry
        except OSError:
            continue  # it has ended meanwhile


def mount_points(process: Path) -> dict[str, str]:
    """Where a process has something mounted, and of which kind."""
    lines = (process / "mounts").read_text().splitlines()
    return {line.split()[1]: line.split()[2] for line in lines}


print("Expected: a box whose root is your overlay, with the old root unmounted")
found = "no box at all"
for process in walled():
    mounts = mount_points(process)
    if any(point == "/old" or point.startswith("/old/") for point in mounts):
        found = "the old root is still mounted at `/old`"
    elif mounts.get("/") != "overlay" or "/box/root" in mounts or "/box" in mounts:
        found = "the box still has the machine's root"
    else:
        print("Found: the box has a root of its own, and nothing leads back")
        sys.exit(0)
print(f"Found: {found}")
print("Try: run the commands of the text in their order, from `nsenter` on.")
sys.exit(1)
