#!/usr/bin/python3
"""Runs in the machine: passes while a process there has namespaces of its own and the name box."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

KINDS = ("uts", "pid")


def namespaces(pid: str) -> dict[str, str]:
    """The machine's, or a process's, namespaces of the kinds that are asked for."""
    return {kind: str(Path(f"/proc/{pid}/ns/{kind}").readlink()) for kind in KINDS}


def boxes() -> Iterator[str]:
    """Process numbers of those that share neither kind with process 1."""
    first = namespaces("1")
    for entry in Path("/proc").iterdir():
        if not entry.name.isdecimal():
            continue
        try:
            own = namespaces(entry.name)
        except OSError:
            continue  # it has ended meanwhile
        if all(own[kind] != first[kind] for kind in KINDS):
            yield entry.name


print("Expected: a shell with process numbers of its own, whose host name is `box`")
names = set()
for pid in boxes():
    argv = ["nsenter", "--target", pid, "--uts", "hostname"]
    asked = subprocess.run(argv, capture_output=True, text=True, check=False)
    names.add(asked.stdout.strip())
if "box" in names:
    print("Found: it is there, in namespaces of its own")
    sys.exit(0)
if names:
    print(f"Found: one is there, and its host name is `{min(names)}`")
    print("Try: run `hostname box` in that shell, then check again.")
else:
    print("Found: every process of the machine is in the machine's own namespaces")
    print("Try: run the `unshare` line in the machine, and leave its shell open.")
sys.exit(1)
