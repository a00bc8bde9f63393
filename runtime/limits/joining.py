"""What a process that joins a cgroup waits for, asked for before it is there.

To let one in the kernel waits until no processor is in the midst of a fork or an exit (a grace
period of RCU: some 10 ms, half of what an OCI runtime takes to start a lab); who comes shortly
after another waits for nothing. So that wait can go by while other things are made.

Source: `favordynmods` in the kernel's Documentation/admin-guide/cgroup-v2.rst, which does away with
it for the whole machine, and makes each fork dearer.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path


def expect(root: Path, controller: str = "") -> None:
    """Wait now for what whoever joins a cgroup within the next few milliseconds would wait for.

    This process joins the cgroup that it is in, which changes nothing. Where that can't be told or
    done nothing happens: whoever comes then waits as ever.

    Args:
        root: where the hierarchy is mounted; any does, since all of them wait for the same.
        controller: one of it on v1; empty on v2.
    """
    pid = str(os.getpid())
    # In a container the mount may begin below the top, at the cgroup that is ours.
    for group in (root / _own(controller).lstrip("/"), root):
        members = group / "cgroup.procs"
        with suppress(OSError):
            if pid in members.read_text().split():
                members.write_text("0")  # whoever writes
                return


def _own(controller: str) -> str:
    """The cgroup of this process in a hierarchy, as the kernel names it."""
    for line in Path("/proc/self/cgroup").read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        if controller in controllers.split(","):
            return path
    return "/"
