"""What a learner found in other lessons, for a step that builds on it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from webapp.workshops.progress import progress_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from webapp.lesson_format.model import Lesson, Step
    from webapp.models.events import Event


@dataclass(frozen=True, slots=True)
class Recalled:
    """One step of a lesson that this workshop has.

    Attributes:
        found: what its check found when it passed; empty before.
    """

    step: Step
    found: str


def recalled(step: Step, lessons: Sequence[Lesson], events: Sequence[Event]) -> list[Recalled]:
    """The steps that this one recalls, in its order; those that the workshop lacks are left out."""
    known = {each.id: (lesson, each) for lesson in lessons for each in lesson.steps}
    rows = []
    for step_id in step.recall:
        if step_id in known:
            lesson, other = known[step_id]
            check = progress_of(events, lesson).of(other).check
            rows.append(Recalled(other, check.found if check and check.passed else ""))
    return rows
