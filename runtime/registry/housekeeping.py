"""What the registry's process does by itself: images of labs that ended go, and what nobody needs.

A push is several requests, and what it has brought is needed by nothing until its last one: so room
is made only when nobody has pushed for a while.
"""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

import structlog

from runtime.kernel.spawn import ProgramFailed
from runtime.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runtime.client import Client
    from runtime.kernel.spawn import Process
    from runtime.registry.quota import Quota
    from runtime.registry.shelf import Shelf

log = structlog.get_logger()

LOOK_S = 15.0
QUIET_S = 60.0
_NAMES_MOST = 50


class Housekeeping:
    """What is done again and again, in a thread of its own.

    Args:
        pushed: what labs brought.
        quota: says whether somebody had no room.
        runtime: knows which labs live.
        processes: without one of them, all of it begins anew.
    """

    def __init__(
        self, pushed: Shelf, quota: Quota, runtime: Client, processes: Sequence[Process]
    ) -> None:
        self._pushed = pushed
        self._quota = quota
        self._runtime = runtime
        self._processes = processes
        self._is_due = True  # whoever was here before may have been ended in the middle

    def run(self) -> None:
        """Do it for ever."""
        while True:
            time.sleep(LOOK_S)
            if any(process.poll() is not None for process in self._processes):
                log.error("registry.shelf_ended")
                os._exit(1)
            try:
                self.look()
            except (Problem, ProgramFailed, OSError) as error:
                log.warning("registry.not_tidied", error=str(error))

    def look(self) -> None:
        """Do it once.

        Raises:
            Problem: `runtime-away`.
            ProgramFailed: something could not be removed.
        """
        tops = self._pushed.tops()
        for at in range(0, len(tops), _NAMES_MOST):
            for own in self._runtime.registry_gone(tops[at : at + _NAMES_MOST]):
                self._pushed.forget(own)
                self._is_due = True
        is_quiet = time.monotonic() - self._pushed.written_at > QUIET_S
        if (self._is_due or self._quota.was_met) and is_quiet and self._pushed.sweep():
            self._is_due = self._quota.was_met = False
