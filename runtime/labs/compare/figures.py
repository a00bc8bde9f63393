"""What both halves of a lab cost: one reading for all who look at the same moment."""

from __future__ import annotations

import os
import threading
import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runtime.labs import state
from runtime.labs.compare import cold
from runtime.limits.disk import IMAGE, MOUNT_POINT
from runtime.machine import qemu
from runtime.meter.figures import Kernel, Side, Start
from runtime.meter.meter import Meter

if TYPE_CHECKING:
    from runtime.image.store import Image
    from runtime.labs.machines import Machines
    from runtime.labs.parts import Parts
    from runtime.labs.state import Lab
    from runtime.meter.figures import Figures

_RUNNING = ("booting", "ready", "ending")
_FRESH_S = 0.9  # many pages may look at one lab, each once a second
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


class LabFigures:
    """Reads labs, and remembers what can be measured only once.

    Args:
        parts: the rooms.
        machines: the labs' other halves.
    """

    def __init__(self, parts: Parts, machines: Machines) -> None:
        self._parts = parts
        self._machines = machines
        self._meter = Meter(parts.place)
        self._kernel = Kernel(os.uname().release, _BOOT_ID.read_text().strip(), own=False)
        self._latest: dict[str, tuple[float, dict[str, Any]]] = {}
        self._resumable: dict[str, bool] = {}
        self._one_start = threading.Lock()

    def read(self, lab: Lab) -> dict[str, Any]:
        """The figures of a lab's halves, as `meter.read` answers them; at most a second old."""
        now = time.monotonic()
        read_at, latest = self._latest.get(lab.id, (0.0, {}))
        if not latest or now - read_at > _FRESH_S:
            record = self._running(lab.id)
            machine = self._meter.read(self._machine_side(lab, record)) if record else None
            latest = {
                "at": time.time(),
                "accelerator": (record["accelerator"] or None) if record else None,
                "cores": os.cpu_count(),
                "resumable": self._is_resumable(lab),
                "container": self.container(lab).as_dict(),
                "machine": machine.as_dict() if machine else None,
            }
            self._latest[lab.id] = (now, latest)
        return latest

    def container(self, lab: Lab) -> Figures:
        """A container's figures, now."""
        return self._meter.read(self._side(lab))

    def machine(self, lab: Lab) -> Figures | None:
        """A machine's figures, now; None where none runs."""
        record = self._running(lab.id)
        return self._meter.read(self._machine_side(lab, record)) if record else None

    def accelerator(self, lab: Lab) -> str | None:
        """Who runs the instructions of a lab's machine; None where none runs."""
        record = self._running(lab.id)
        return record["accelerator"] or None if record else None

    def start(self, lab: Lab, image: Image) -> Start:
        """Time a container of this lab's shape from nothing to its prompt, and end it.

        One at a time: two would measure each other.
        """
        with self._one_start, self._parts.making.begun():
            extra = cold.make(self._parts, image, lab.shape)
            cold.end(self._parts, extra)
        lab.starts = {**lab.starts, "cold": asdict(extra.start)}  # others read it meanwhile
        state.save(lab, self._parts.folder(lab))
        self._latest.pop(lab.id, None)
        return extra.start

    def forget(self, lab_id: str) -> None:
        """A lab ends."""
        self._latest.pop(lab_id, None)
        self._resumable.pop(lab_id, None)
        for group in (lab_id, state.machine_group(lab_id)):
            self._meter.forget(group)

    def _is_resumable(self, lab: Lab) -> bool:
        """Looked at once a lab: what machines boot from doesn't change beneath it."""
        if lab.id not in self._resumable:
            self._resumable[lab.id] = self._machines.can_boot(lab)
        return self._resumable[lab.id]

    def _running(self, lab_id: str) -> dict[str, Any] | None:
        record = self._machines.describe(lab_id)
        return record if record and record["state"] in _RUNNING and record["pid"] else None

    def _machine_side(self, lab: Lab, record: dict[str, Any]) -> Side:
        starts = {name: Start(**start) for name, start in record["starts"].items()}
        kernel = None
        if record["boot_id"]:
            kernel = Kernel(record["release"], record["boot_id"], own=True)
        return Side(
            group=state.machine_group(lab.id),
            disk_path=self._parts.folder(lab) / "machine" / "disk",
            memory_limit_bytes=record["memory_bytes"] + qemu.OVERHEAD_BYTES,
            disk_limit_bytes=record["disk_limit_bytes"],
            cpu_cores=lab.shape.limits.cpu_cores,
            cold=starts.get("cold"),
            prepared=starts.get("prepared"),
            kernel=kernel,
            hypervisor_pid=record["pid"],
            guest_bytes=record["memory_bytes"],
            guest=self._machines.guest(lab.id),
        )

    def _side(self, lab: Lab) -> Side:
        starts = {name: Start(**start) for name, start in lab.starts.items()}
        limits = lab.shape.limits
        return Side(
            group=lab.id,
            disk_path=self._disk_path(lab),
            memory_limit_bytes=limits.memory_bytes,
            disk_limit_bytes=limits.disk_bytes if self._has_disk(lab) else None,
            cpu_cores=limits.cpu_cores,
            cold=starts.get("cold"),
            prepared=starts.get("prepared"),
            kernel=self._kernel,
        )

    def _disk_path(self, lab: Lab) -> Path:
        """A lab's own file system, where it has one; else the folder that takes what it writes."""
        if self._has_disk(lab):
            return Path(f"/proc/{lab.pid}/root")
        return self._parts.folder(lab) / MOUNT_POINT / "upper"

    def _has_disk(self, lab: Lab) -> bool:
        return (self._parts.folder(lab) / IMAGE).exists()
