"""Waits for processes whose parent has ended, as process 1 would, and at once.

The kernel keeps a process that has ended until its parent has waited for it, and keeps a PID
namespace for as long as one of its processes is kept. What OCI runtimes leave behind (a lab's
process 1, its shells) has no parent any more: it is given to the nearest ancestor that asked for
such (PR_SET_CHILD_SUBREAPER), else to process 1, which may take its time: seconds, on some.
"""

from __future__ import annotations

import os
import signal
import threading
from contextlib import suppress
from pathlib import Path

from runtime.kernel import spawn, syscalls

_CHILDREN = Path("/proc/self/task")


class Orphans:
    """The calling process as next of kin, from `start` on; call that from the main thread."""

    def __init__(self) -> None:
        # Not a threading.Event: its lock isn't free where one handler interrupts another.
        self._came_fd = os.eventfd(0, os.EFD_CLOEXEC)

    def start(self) -> None:
        """Be given orphans from now on, and wait for each in a thread of its own."""
        syscalls.prctl(syscalls.PR_SET_CHILD_SUBREAPER, 1)
        signal.signal(signal.SIGCHLD, lambda *_: os.eventfd_write(self._came_fd, 1))
        threading.Thread(target=self._serve, name="orphans", daemon=True).start()

    def _serve(self) -> None:
        while True:
            os.read(self._came_fd, 8)  # eventfd_read is over where a signal comes in this thread
            # The kernel gives orphans to the main thread.
            listed = (_CHILDREN / str(os.getpid()) / "children").read_text()
            for pid in map(int, listed.split()):
                if not spawn.is_awaited(pid):
                    with suppress(ChildProcessError):  # its owner was quicker
                        os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG)
