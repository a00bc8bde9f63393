"""What the server sees of a lab: its processes under the server's numbers, and the one kernel."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from webapp.engines.seam import Engine

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


def server_view(engine: Engine, lab_id: str) -> dict[str, Any]:
    """Look at a lab from outside, now.

    The web runs in no container of its own, so the kernel that it asks is the server's: lessons
    compare its boot id with the one that the learner reads inside.
    """
    return {"processes": engine.lab_processes(lab_id), "kernel": kernel()}


def kernel() -> dict[str, str]:
    """Whose the server's is, and since which boot."""
    return {"release": os.uname().release, "boot_id": BOOT_ID.read_text().strip()}
