"""Both halves of a lab, compared: figures, works, walls and what else would fit."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from runtime.container import bundle
from runtime.labs.compare import extras, isolation
from runtime.labs.compare.figures import LabFigures
from runtime.labs.compare.plan import Cost, Kind, Plans, Want, least_slice
from runtime.labs.compare.works import Works
from runtime.machine import qemu
from runtime.machine.record import LIVING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from runtime.container.bundle import User
    from runtime.events import Events
    from runtime.image.store import Store
    from runtime.labs.compare.plan import Extra
    from runtime.labs.compare.works import Runner, SideName
    from runtime.labs.machines import Machines
    from runtime.labs.parts import Parts
    from runtime.labs.state import Lab
    from runtime.limits.reserve import Reserve


class Comparison:
    """What is asked about both halves; safe from any thread.

    Args:
        parts: the rooms.
        images: what labs are made from.
        events: hears `work.changed`.
        machines: the labs' other halves.
        reserve: what the whole server has.
        slice_bytes: of its memory, for each learner; 0 for an equal share of what labs may use, a
            machine's worth at least.
        shares: how many learners the memory is shared by.
    """

    def __init__(
        self,
        parts: Parts,
        images: Store,
        events: Events,
        machines: Machines,
        reserve: Reserve,
        *,
        slice_bytes: int,
        shares: int,
    ) -> None:
        self._parts = parts
        self._images = images
        self._machines = machines
        self._reserve = reserve
        self._figures = LabFigures(parts, machines)
        self._works = Works(self._sides, events)
        self._slice_bytes, self._shares = slice_bytes, shares
        self._plans = Plans(lambda: reserve.left().memory_bytes)

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
        machine = self._in_machine("root") if self._is_ready(lab) else None
        return isolation.rows(lab, self._in_container(bundle.ROOT), machine)

    def work_start(self, lab: Lab, work: str) -> dict[str, Any]:
        """Put a work in line."""
        return self._works.start(lab, work)

    def work_stop(self, lab: Lab) -> None:
        """Stop a lab's work."""
        self._works.stop(lab.id)

    def plan_read(self, lab: Lab) -> dict[str, Any]:
        """A learner's slice, and what would fit into it."""
        return self._plans.read(lab.id, self._want(lab))

    def plan_glance(self, lab: Lab) -> dict[str, Any] | None:
        """The same, None while it changes."""
        return self._plans.glance(lab.id, self._want(lab))

    def plan_more(self, lab: Lab, kind: Kind) -> dict[str, Any]:
        """Start one more, as far as admission lets it."""
        return self._plans.more(lab.id, kind, self._want(lab))

    def plan_less(self, lab: Lab) -> dict[str, Any]:
        """End all that is extra."""
        return self._plans.less(lab.id, self._want(lab))

    def _sides(self, lab: Lab) -> Sequence[tuple[SideName, Runner, str | None]]:
        container: tuple[SideName, Runner, None] = ("container", self._in_container(lab.user), None)
        if not self._is_ready(lab):
            return [container]
        return [("machine", self._in_machine("learner"), self._figures.accelerator(lab)), container]

    def _is_ready(self, lab: Lab) -> bool:
        record = self._machines.describe(lab.id)
        return record is not None and record["state"] == "ready"

    def _in_machine(self, user: str) -> Runner:
        def run(
            lab: Lab, argv: list[str], fds: tuple[int, int, int], is_gone: Callable[[], bool]
        ) -> int:
            return self._machines.execute(lab.id, argv, user, fds, is_gone)

        return run

    def _in_container(self, user: User) -> Runner:
        def run(
            lab: Lab, argv: list[str], fds: tuple[int, int, int], is_gone: Callable[[], bool]
        ) -> int:
            profile = bundle.load_profile(lab.shape.profile)
            process = bundle.process(profile, user, argv, terminal=False)
            return self._parts.crun.execute(lab.id, process, fds, is_gone)

        return run

    def _share(self) -> int:
        """An equal share for each learner of what labs may use."""
        return self._reserve.may_use().memory_bytes // self._shares

    def _want(self, lab: Lab) -> Want:
        limit = lab.shape.limits.memory_bytes
        machine = self._machines.describe(lab.id)
        image = self._images.get(lab.shape.image)
        can_boot = self._machines.can_boot(lab)
        own: dict[Kind, list[Cost]] = {
            "machine": [],
            "container": [Cost(self._figures.container(lab).memory_bytes, limit)],
        }
        if machine is not None and machine["state"] in LIVING:
            figures = self._figures.machine(lab)
            used = figures.memory_bytes if figures else None
            is_up = machine["state"] == "ready"
            own["machine"].append(Cost(used, limit + qemu.OVERHEAD_BYTES, is_up))

        def make(kind: Kind) -> Extra:
            if kind == "machine":
                return extras.ExtraMachine(self._parts, self._machines, lab)
            limits = lab.shape.limits
            with self._reserve.admitted(limits, self._parts.disks.needs_bytes(limits)):
                return extras.ExtraContainer(self._parts, image, lab.shape)

        promise = limit + qemu.OVERHEAD_BYTES
        return Want(
            slice_bytes=self._slice_bytes or max(self._share(), least_slice(promise)),
            own=own,
            promise={"machine": promise if can_boot else None, "container": limit},
            make=make,
        )
