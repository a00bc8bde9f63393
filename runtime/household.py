"""What the server's own processes take, and what room is left: for whoever watches the server."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from runtime import folders
from runtime.kernel import processes
from runtime.limits import files

if TYPE_CHECKING:
    from collections.abc import Callable

    from runtime.instance import Instance


class Household:
    """The processes of one server, by the names of its table, and the machine's rooms.

    Args:
        instance: whose.
        keeper_pid: tells which process the keeper is; nobody of the table's started it.
    """

    def __init__(self, instance: Instance, keeper_pid: Callable[[], int]) -> None:
        self._instance = instance
        self._keeper_pid = keeper_pid

    def as_dict(self) -> dict[str, Any]:
        """As the verb `server.figures` answers it (docs/reference.md)."""
        disk = os.statvfs(self._instance.data_path)
        return {
            "processes": self.processes(),
            "disk": {
                "bytes": disk.f_blocks * disk.f_frsize,
                "free_bytes": disk.f_bavail * disk.f_frsize,
            },
            "memory": {
                "bytes": files.meminfo("MemTotal"),
                "available_bytes": files.meminfo("MemAvailable"),
            },
        }

    def processes(self) -> list[dict[str, Any]]:
        """What each takes; one that ends meanwhile is left out."""
        pids = {**folders.processes(self._instance), "keeper": self._keeper_pid()}
        pids.setdefault("runtime", os.getpid())  # without a supervisor
        found = []
        for name, pid in pids.items():
            with suppress(OSError):
                found.append({"name": name, **processes.costs(pid)})
        return found
