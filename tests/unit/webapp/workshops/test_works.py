"""Works' results: kept for the workshop, and what a class of them comes to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from webapp.lesson_format.model import Work
from webapp.models.events import Event, events_of
from webapp.workshops.joining import join
from webapp.workshops.works import class_results, keep, last_results

if TYPE_CHECKING:
    from webapp.models.workshops import Workshop
    from webapp.wiring import Wiring


def worked(learner: int, container: float, machine: float | None, by: str | None = "kvm") -> Event:
    sides = {
        "container": {"rate": container, "unit": "MB/s"},
        "machine": None if machine is None else {"rate": machine, "unit": "MB/s"},
    }
    payload = {"work": "compress", "accelerator": by, **sides}
    return Event(learner_id=learner, type="worked", payload=payload)


def test_a_learners_last_result_counts_once() -> None:
    (result,) = class_results([worked(1, 10, 5), worked(1, 30, 10), worked(2, 20, 10)])
    assert (result.container.rate, result.container.count) == (25, 2)
    assert (result.ratio.rate, result.unit) == (2.5, "MB/s")


def test_no_figure_of_an_emulator_counts_as_one_of_a_machine() -> None:
    (result,) = class_results([worked(1, 20, 19), worked(2, 20, 1, "tcg"), worked(3, 22, 2, "tcg")])
    assert (result.machine.rate, result.machine.count) == (19, 1)
    assert (result.emulated.rate, result.emulated.count) == (1.5, 2)
    assert result.ratio.count == 1
    assert result.container.count == 3


def test_a_class_without_hardware_virtualization_has_no_machine_median() -> None:
    (result,) = class_results([worked(1, 20, 1, "tcg"), worked(2, 20, None, None)])
    assert (result.machine.rate, result.ratio.rate) == (None, None)
    assert (result.emulated.rate, result.emulated.count) == (1, 1)


def test_a_finished_work_is_kept_and_a_broken_one_is_not(parts: Wiring, workshop: Workshop) -> None:
    learner = join(parts.database, workshop.code, "Ben", "a")[0]
    rate: dict[str, Any] = {"rate": 12.5, "unit": "calls/s"}
    keep(parts.database, learner.id, {"work": "calls", "container": rate, "machine": None})
    keep(parts.database, learner.id, {"work": "fork", "container": None, "machine": None})
    keep(parts.database, learner.id, {"work": "mining", "container": rate, "machine": rate})
    with parts.database.read() as session:
        results = last_results(events_of(session, learner.id))
    assert list(results) == [Work.CALLS]
    assert results[Work.CALLS].container == rate
    assert results[Work.CALLS].accelerator is None
