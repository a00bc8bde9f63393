#!/usr/bin/python3
"""Runs in the machine: passes while a process there has five namespaces of its own."""

import sys
from pathlib import Path

KINDS = ("pid", "mnt", "uts", "ipc", "net")


def namespaces(pid: str) -> dict[str, str]:
    """The namespaces of a process, by kind."""
    return {kind: str(Path(f"/proc/{pid}/ns/{kind}").readlink()) for kind in KINDS}


def most_walled() -> tuple[list[str], str]:
    """The process with the most namespaces of its own: their kinds, and its name."""
    first = namespaces("1")
    best: tuple[list[str], str] = ([], "")
    for entry in Path("/proc").iterdir():
        if not entry.name.isdecimal():
            continue
        try:
            own = namespaces(entry.name)
            name = (entry / "cmdline").read_text().split("\0")[0]
        except OSError:
            continue  # it has ended meanwhile
        kinds = [kind for kind in KINDS if own[kind] != first[kind]]
        best = max(best, (kinds, name), key=lambda each: len(each[0]))
    return best


kinds, name = most_walled()
print("Expected: a process with five namespaces of its own")
if len(kinds) == len(KINDS):
    print(f"Found: `{name}`, with its own {', '.join(kinds)}")
    sys.exit(0)
print(f"Found: {', '.join(kinds) or 'none'}")
print("Try: run the `unshare` line of the text in the machine.")
sys.exit(1)
