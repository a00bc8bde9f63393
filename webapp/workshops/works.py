"""The same work, done by a machine and by a container: results kept, and what a class came to.

A figure of an emulated machine says something about the emulator. It is kept and shown under that
name, and never counted among those of virtual machines.
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, Any

from webapp.lesson_format.model import Work
from webapp.models.events import record

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from webapp.models.base import LearnerId
    from webapp.models.database import Database
    from webapp.models.events import Event

WORKED = "worked"
HARDWARE = "kvm"


@dataclass(frozen=True, slots=True)
class Worked:
    """The last result of one work.

    Attributes:
        container, machine: `{"rate": …, "unit": …}`; None where that side did not finish.
        accelerator: what ran the machine, `kvm` or `tcg`; None without one.
    """

    work: Work
    container: dict[str, Any] | None
    machine: dict[str, Any] | None
    accelerator: str | None

    def as_wire(self) -> dict[str, Any]:
        """As the page shows it and a check reads it."""
        return {
            "work": self.work.value,
            "container": self.container,
            "machine": self.machine,
            "accelerator": self.accelerator,
        }


@dataclass(frozen=True, slots=True)
class Median:
    """One number of a class, and of how many learners it is; None of nobody."""

    rate: float | None
    count: int


@dataclass(frozen=True, slots=True)
class ClassResult:
    """What a class measured for one work: each learner's last result counts once.

    Attributes:
        machine: of machines under hardware virtualization only.
        emulated: of emulated ones; a figure about the emulator.
        ratio: how many times the container did what the machine did, by each learner's own figures;
            hardware only.
    """

    work: Work
    unit: str
    container: Median
    machine: Median
    emulated: Median
    ratio: Median


def keep(database: Database, learner_id: LearnerId, done: Mapping[str, Any]) -> None:
    """Keep what a finished work came to.

    Args:
        database: where the events go.
        learner_id: whose.
        done: the runtime's `work.changed` with the state `done`.
    """
    sides = {side: done.get(side) for side in ("container", "machine")}
    if done.get("work") not in set(Work) or not any(sides.values()):
        return
    with database.write() as session:
        record(
            session,
            learner_id,
            WORKED,
            work=done["work"],
            accelerator=done.get("accelerator") if sides["machine"] else None,
            **sides,
        )


def last_results(events: Iterable[Event]) -> dict[Work, Worked]:
    """A learner's last result of each work, from all that they did, oldest first."""
    found = {}
    for event in events:
        if event.type == WORKED and event.payload.get("work") in set(Work):
            worked = Worked(
                Work(event.payload["work"]),
                event.payload.get("container"),
                event.payload.get("machine"),
                event.payload.get("accelerator"),
            )
            found[worked.work] = worked
    return found


def class_results(events: Iterable[Event]) -> list[ClassResult]:
    """What the class of these events measured; works that nobody did are left out."""
    by_learner: dict[LearnerId, list[Event]] = {}
    for event in events:
        by_learner.setdefault(event.learner_id, []).append(event)
    lasts = [last_results(each) for each in by_learner.values()]
    results = [_of_class(work, [last[work] for last in lasts if work in last]) for work in Work]
    return [result for result in results if result is not None]


def _of_class(work: Work, results: list[Worked]) -> ClassResult | None:
    if not results:
        return None
    on_hardware = [each for each in results if each.accelerator == HARDWARE]
    emulated = [each for each in results if each.accelerator != HARDWARE]
    sides = [side for each in results for side in (each.container, each.machine) if side]
    return ClassResult(
        work,
        str(sides[0]["unit"]),
        _median(_rate(each.container) for each in results),
        _median(_rate(each.machine) for each in on_hardware),
        _median(_rate(each.machine) for each in emulated),
        _median(times(each) for each in on_hardware),
    )


def _rate(side: Mapping[str, Any] | None) -> float | None:
    return None if side is None else float(side["rate"])


def times(worked: Worked) -> float | None:
    """How many times the machine's rate the container's is; None where one is missing."""
    machine, container = _rate(worked.machine), _rate(worked.container)
    return container / machine if machine and container else None


def _median(rates: Iterable[float | None]) -> Median:
    known = [rate for rate in rates if rate is not None]
    return Median(median(known) if known else None, len(known))
