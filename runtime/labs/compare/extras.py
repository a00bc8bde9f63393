"""One more machine, or one more container, of a learner who asks how many fit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runtime.labs import life, state
from runtime.labs.compare import cold
from runtime.labs.compare.plan import Cost
from runtime.machine import qemu

if TYPE_CHECKING:
    from runtime.image.store import Image
    from runtime.labs.machines import Machines
    from runtime.labs.parts import Parts
    from runtime.labs.state import Lab, Shape
    from runtime.meter.figures import Start

_ROWS, _COLS = 24, 80
_OVER = ("failed", "ended")


class ExtraContainer:
    """One more container, alive at its prompt.

    Args:
        parts: the rooms.
        image: what it is made from, with `shape`.
        shape: see `image`.

    Raises:
        Problem: whatever starting a lab raises; then nothing of it is left.
    """

    def __init__(self, parts: Parts, image: Image, shape: Shape) -> None:
        self._parts = parts
        self._extra = cold.make(parts, image, shape)
        self.start: Start | None = self._extra.start

    def cost(self) -> Cost:
        """What it counts with."""
        lab = self._extra.lab
        spent = self._parts.place.spent(lab.id)
        return Cost(spent.memory_bytes if spent else None, lab.shape.limits.memory_bytes)

    def failure(self) -> str:
        """It was there, so nothing failed."""
        return ""

    def end(self) -> None:
        """End it."""
        cold.end(self._parts, self._extra)


class ExtraMachine:
    """One more machine, in the line of boots or beyond it; a lab's ids and folder without the lab.

    Args:
        parts: the rooms.
        machines: boots it.
        like: the lab whose learner it is for; it gets the same.
    """

    def __init__(self, parts: Parts, machines: Machines, like: Lab) -> None:
        self._parts = parts
        self._machines = machines
        self.start: Start | None = None
        self._lab = life.claim(parts, like)
        machines.boot(self._lab, "cold", _ROWS, _COLS)

    def cost(self) -> Cost:
        """What it counts with: from its place in line on, all that it is promised."""
        spent = self._parts.place.spent(state.machine_group(self._lab.id))
        promised = self._lab.shape.limits.memory_bytes + qemu.OVERHEAD_BYTES
        record = self._machines.describe(self._lab.id)
        is_up = record is not None and record["state"] == "ready"
        return Cost(spent.memory_bytes if spent else None, promised, is_up)

    def failure(self) -> str:
        """Why it is no more; empty while it is."""
        record = self._machines.describe(self._lab.id)
        return str(record["sentence"]) if record and record["state"] in _OVER else ""

    def end(self) -> None:
        """End it."""
        self._machines.forget(self._lab.id)
        life.end(self._parts, self._lab.id)
