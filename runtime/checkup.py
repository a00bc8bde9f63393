"""Doctor's report for a page: asked by many, looked at once, in a process of its own.

The probes try what starting labs rests on (they unshare, mount, load rules); the daemon has threads
and a mount namespace of its own, and is no place for that.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

from runtime.confine import CHECKOUT
from runtime.kernel import spawn
from runtime.problems import Problem

if TYPE_CHECKING:
    from runtime.instance import Instance

KEPT_S = 600.0
_MOST_S = 50.0


class Checkup:
    """The last report, and a new one when it is old or somebody wants one.

    Args:
        instance: whose machine it is.
    """

    def __init__(self, instance: Instance) -> None:
        self._instance = instance
        self._lock = threading.Lock()
        self._report: dict[str, Any] = {}

    def report(self, *, older_than: float = 0.0) -> dict[str, Any]:
        """What doctor says (docs/reference.md), and `at`, when it looked.

        Args:
            older_than: unix seconds: a report from then or before won't do.

        Raises:
            Problem: `doctor-failed`.
        """
        with self._lock:
            at = self._report.get("at", 0.0)
            if at <= older_than or at < time.time() - KEPT_S:
                self._report = {**self._look(), "at": time.time()}
            return self._report

    def _look(self) -> dict[str, Any]:
        data = f"--data={self._instance.data_path}"
        ours = {name: value for name, value in os.environ.items() if name.startswith("SLIPWAY_")}
        try:
            said = spawn.run(
                [sys.executable, "-m", "runtime.cli", "doctor", "--json", data],
                env={**ours, "PYTHONPATH": str(CHECKOUT), "PYTHONSAFEPATH": "1"},
                timeout_s=_MOST_S,
            ).stdout
            report: dict[str, Any] = json.loads(said)
        except (spawn.ProgramFailed, ValueError) as error:
            raise Problem(
                "doctor-failed",
                "The server could not be checked.",
                "On it, `./slipway doctor` says what is wrong.",
            ) from error
        return report
