"""What both halves of a lab cost: one reading for all who look at the same moment."""

from __future__ import annotations

import os
import threading
import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runtime.labs import cold
from runtime.limits.disk import IMAGE
from runtime.meter.figures import Kernel, Side, Start
from runtime.meter.meter import Meter

if TYPE_CHECKING:
    from runtime.image.store import Image
    from runtime.labs.life import Parts
    from runtime.labs.state import Lab
    from runtime.meter.figures import Figures

_FRESH_S = 0.9  # many pages may look at one lab, each once a second
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


class LabFigures:
    """Reads labs, and remembers what can be measured only once.

    Args:
        parts: the rooms.
    """

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._meter = Meter(parts.place)
        self._kernel = Kernel(os.uname().release, _BOOT_ID.read_text().strip(), own=False)
        self._latest: dict[str, tuple[float, dict[str, Any]]] = {}
        self._one_start = threading.Lock()

    def read(self, lab: Lab) -> dict[str, Any]:
        """The figures of a lab's halves, as `meter.read` answers them; at most a second old."""
        now = time.monotonic()
        read_at, latest = self._latest.get(lab.id, (0.0, {}))
        if not latest or now - read_at > _FRESH_S:
            latest = {
                "at": time.time(),
                "accelerator": None,
                "cores": os.cpu_count(),
                "container": self.container(lab).as_dict(),
                "machine": None,
            }
            self._latest[lab.id] = (now, latest)
        return latest

    def container(self, lab: Lab) -> Figures:
        """A container's figures, now."""
        return self._meter.read(self._side(lab))

    def start(self, lab: Lab, image: Image) -> Start:
        """Time a container of this lab's shape from nothing to its prompt, and end it.

        One at a time: two would measure each other.
        """
        with self._one_start:
            extra = cold.make(self._parts, image, lab.shape)
            cold.end(self._parts, extra)
        lab.starts["cold"] = asdict(extra.start)
        self._latest.pop(lab.id, None)
        return extra.start

    def forget(self, lab_id: str) -> None:
        """A lab ends."""
        self._latest.pop(lab_id, None)
        self._meter.forget(lab_id)

    def _side(self, lab: Lab) -> Side:
        starts = {name: Start(**start) for name, start in lab.starts.items()}
        limits, folder = lab.shape.limits, self._parts.folder(lab)
        return Side(
            group=lab.id,
            disk_path=self._disk_path(lab),
            memory_limit_bytes=limits.memory_bytes,
            disk_limit_bytes=limits.disk_bytes if (folder / IMAGE).exists() else None,
            cpu_cores=limits.cpu_cores,
            cold=starts.get("cold"),
            prepared=starts.get("prepared"),
            kernel=self._kernel,
        )

    def _disk_path(self, lab: Lab) -> Path:
        """A lab's own file system, where it has one; else the folder that takes what it writes."""
        folder = self._parts.folder(lab)
        is_own = (folder / IMAGE).exists()
        return Path(f"/proc/{lab.pid}/root") if is_own else folder / "upper"
