"""Both halves of a lab, compared: figures, works, walls and what else would fit."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runtime.container import bundle
from runtime.labs import cold, isolation
from runtime.labs.figures import LabFigures
from runtime.labs.plan import Cost, Kind, Plans, Want
from runtime.labs.works import Works

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from runtime.container.bundle import User
    from runtime.events import Events
    from runtime.image.store import Store
    from runtime.labs.life import Parts
    from runtime.labs.state import Lab
    from runtime.labs.works import Runner, SideName
    from runtime.meter.figures import Start

_MEMINFO = Path("/proc/meminfo")


class Comparison:
    """What is asked about both halves; safe from any thread.

    Args:
        parts: the rooms.
        images: what labs are made from.
        events: hears `work.changed`.
        slice_bytes: of the server's memory, for each learner; 0 for an equal share of it.
        shares: how many learners the memory is shared by.
    """

    def __init__(
        self, parts: Parts, images: Store, events: Events, *, slice_bytes: int, shares: int
    ) -> None:
        self._parts = parts
        self._images = images
        self._figures = LabFigures(parts)
        self._works = Works(self._sides, events)
        self._plans = Plans(slice_bytes or _meminfo("MemTotal:") // shares, _free_bytes)

    def begin(self) -> None:
        """Begin to run works."""
        self._works.begin()

    def close(self) -> None:
        """Stop works, and end what is extra."""
        self._works.close()
        self._plans.close()

    def forget(self, lab: Lab) -> None:
        """A lab ends, and what is its own with it."""
        self._works.forget(lab.id)
        self._plans.forget(lab.id)
        self._figures.forget(lab.id)

    def read(self, lab: Lab) -> dict[str, Any]:
        """The figures of both halves."""
        return self._figures.read(lab)

    def start(self, lab: Lab) -> dict[str, Any]:
        """Time one more container of the lab's shape, cold."""
        return asdict(self._figures.start(lab, self._images.get(lab.shape.image)))

    def facts(self, lab: Lab) -> dict[str, Any]:
        """What a check may read of both halves."""
        return {"meter": self.read(lab), "plan": self.plan_read(lab)}

    def isolation(self, lab: Lab) -> dict[str, Any]:
        """What root sees of the kernel in both halves."""
        return isolation.rows(lab, self._in_container(bundle.ROOT), None)

    def work_start(self, lab: Lab, work: str) -> dict[str, Any]:
        """Put a work in line."""
        return self._works.start(lab, work)

    def work_stop(self, lab: Lab) -> None:
        """Stop a lab's work."""
        self._works.stop(lab.id)

    def plan_read(self, lab: Lab) -> dict[str, Any]:
        """A learner's slice, and what would fit into it."""
        return self._plans.read(lab.id, self._want(lab))

    def plan_more(self, lab: Lab, kind: Kind) -> dict[str, Any]:
        """Start one more, as far as admission lets it."""
        return self._plans.more(lab.id, kind, self._want(lab))

    def plan_less(self, lab: Lab) -> dict[str, Any]:
        """End all that is extra."""
        return self._plans.less(lab.id, self._want(lab))

    def _sides(self, lab: Lab) -> Sequence[tuple[SideName, Runner, str | None]]:
        return [("container", self._in_container(lab.user), None)]

    def _in_container(self, user: User) -> Runner:
        def run(
            lab: Lab, argv: list[str], fds: tuple[int, int, int], is_gone: Callable[[], bool]
        ) -> int:
            profile = bundle.load_profile(lab.shape.profile)
            process = bundle.process(profile, user, argv, terminal=False)
            return self._parts.crun.execute(lab.id, process, fds, is_gone)

        return run

    def _want(self, lab: Lab) -> Want:
        limit = lab.shape.limits.memory_bytes
        own = Cost(self._figures.container(lab).memory_bytes, limit)

        def make(_kind: Kind) -> _ExtraContainer:
            image = self._images.get(lab.shape.image)
            return _ExtraContainer(self._parts, cold.make(self._parts, image, lab.shape))

        return Want(
            own={"machine": [], "container": [own]},
            promise={"machine": None, "container": limit},
            make=make,
        )


class _ExtraContainer:
    """One more container, alive at its prompt."""

    def __init__(self, parts: Parts, extra: cold.Extra) -> None:
        self._parts = parts
        self._extra = extra
        self.start: Start | None = extra.start

    def cost(self) -> Cost:
        """What it counts with."""
        lab = self._extra.lab
        spent = self._parts.place.spent(lab.id)
        return Cost(spent.memory_bytes if spent else None, lab.shape.limits.memory_bytes)

    def end(self) -> None:
        """End it."""
        cold.end(self._parts, self._extra)


def _meminfo(line: str) -> int:
    for each in _MEMINFO.read_text().splitlines():
        if each.startswith(line):
            return int(each.split()[1]) * 1024
    return 0


def _free_bytes() -> int:
    return _meminfo("MemAvailable:")
