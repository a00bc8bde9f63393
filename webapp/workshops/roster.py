"""Who is in a workshop, on which step, and how the last check went.

The rows of the instructor's page.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from webapp.models.events import events_in, events_of
from webapp.models.people import Learner, learners_of
from webapp.models.workshops import Workshop
from webapp.workshops.progress import whereabouts

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy.orm import Session

    from webapp.lesson_format.library import Library
    from webapp.lesson_format.model import Lesson
    from webapp.models.base import LearnerId
    from webapp.models.events import Event
    from webapp.workshops.busy import Busy
    from webapp.workshops.labs import Labs
    from webapp.workshops.presence import Presence


@dataclass(frozen=True)
class Roster:
    """Reads rows; keeps nothing.

    Args:
        library: the lessons.
        labs: who has one now.
        presence: who has the page open now.
        busy: whose lab works though nobody types.
    """

    library: Library
    labs: Labs
    presence: Presence
    busy: Busy

    def rows(self, session: Session, workshop: Workshop) -> list[dict[str, Any]]:
        """Everyone who joined, in the order of joining, as docs/reference.md says for `/wall`."""
        by_learner: dict[LearnerId, list[Event]] = {}
        for event in events_in(session, workshop.id):
            by_learner.setdefault(event.learner_id, []).append(event)
        lessons = self._lessons(workshop)
        return [
            self._row(learner, by_learner.get(learner.id, []), lessons)
            for learner in learners_of(session, workshop.id)
        ]

    def row(self, session: Session, learner_id: LearnerId) -> tuple[Workshop, dict[str, Any]]:
        """One learner's row, and the workshop that it belongs to."""
        learner = session.get_one(Learner, learner_id)
        workshop = session.get_one(Workshop, learner.workshop_id)
        return workshop, self._row(learner, events_of(session, learner_id), self._lessons(workshop))

    def _lessons(self, workshop: Workshop) -> list[Lesson]:
        known = self.library.lessons
        return [known[name] for name in workshop.lessons if name in known]

    def _row(
        self, learner: Learner, events: Sequence[Event], lessons: Sequence[Lesson]
    ) -> dict[str, Any]:
        place = whereabouts(events, lessons)
        last = place.last if place else None
        return {
            "learner": learner.public_id,
            "name": learner.shown_name,
            "is_staff": learner.is_staff,
            "lesson": place.lesson.title if place else None,
            "step": place.lesson.steps.index(place.step) + 1 if place else None,
            "title": place.step.title if place else None,
            "steps": len(place.lesson.steps) if place else None,
            "checks": {"passed": place.passed, "total": place.total} if place else None,
            "last": None
            if last is None
            else {
                "title": last.title,
                "passed": last.passed,
                "broke": last.broke,
                "found": last.found,
                "at": last.at.timestamp(),
            },
            "present": self.presence.is_here(learner.id),
            "lab_state": self._lab_state(learner),
            "busy_minutes": self.busy.minutes_of(learner.id),
            "seen_at": _latest(
                self.presence.seen_at(learner.id), events[-1].at if events else None
            ),
        }

    def _lab_state(self, learner: Learner) -> str:
        if learner.admitted_at is None and learner.lined_up_at is not None:
            return "waiting"
        return "ready" if self.labs.of(learner.id) else "none"


def _latest(*moments: datetime | None) -> float | None:
    known = [each.timestamp() for each in moments if each is not None]
    return max(known, default=None)
