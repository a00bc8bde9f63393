"""What a step shows of what its learner found before."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from tests.unit.webapp.workshops.lesson_of_two import lesson, step
from webapp.models.base import LearnerId, now
from webapp.models.events import Event
from webapp.workshops.recalling import recalled

if TYPE_CHECKING:
    from webapp.lesson_format.model import Step


def checked(of: Step, found: str, *, passed: bool) -> Event:
    """One try of a step's check."""
    payload = {"passed": passed, "broke": False, "title": "", "found": found}
    return Event(learner_id=LearnerId(1), type="checked", step=of.id, payload=payload, at=now())


def test_findings_of_steps_that_passed_are_shown_again_in_the_order_that_was_asked_for() -> None:
    first, second = step("first"), step("second")
    taught = lesson(first, second)
    asking = replace(step("last"), recall=("lesson/second", "lesson/first", "other/step"))
    events = [checked(first, "2.1 s", passed=True), checked(second, "not yet", passed=False)]
    rows = recalled(asking, [taught], events)
    assert [(row.step.name, row.found) for row in rows] == [("second", ""), ("first", "2.1 s")]
