"""Who is in a workshop, where they are, and who of them needs somebody: the tiles of the wall."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from webapp.models.people import Learner, learners_of
from webapp.models.workshops import Workshop
from webapp.workshops.needs import NEEDY, Seen, State, need_of

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from sqlalchemy.orm import Session

    from webapp.models.base import LearnerId
    from webapp.workshops.activity import Activity
    from webapp.workshops.busy import Busy
    from webapp.workshops.labs import Labs
    from webapp.workshops.needs import Need
    from webapp.workshops.presence import Presence
    from webapp.workshops.progress import Result
    from webapp.workshops.standing import Classes, Standing, Standings

UNDER_WAY, STAFF = len(NEEDY), len(NEEDY) + 1
"""Groups of the wall's order, after a group for each need."""


@dataclass(frozen=True)
class Roster:
    """Puts together what is known of a class; keeps nothing.

    Args:
        classes: what each learner did.
        labs: who has one now.
        presence: who has the page open now.
        busy: whose lab works though nobody types.
        activity: who typed when.
    """

    classes: Classes
    labs: Labs
    presence: Presence
    busy: Busy
    activity: Activity

    def rows(self, session: Session, workshop: Workshop) -> list[dict[str, Any]]:
        """Everyone who joined, who needs somebody first, as docs/reference.md says for `/wall`."""
        standings = self.classes.of(session, workshop)
        return self.rows_of(standings, learners_of(session, workshop.id), workshop.moment)

    def rows_of(
        self, standings: Standings, learners: Iterable[Learner], moment: datetime
    ) -> list[dict[str, Any]]:
        """The same, of a class whose standings are at hand, at a moment of its own clock."""
        rows = [self._row(learner, standings, moment) for learner in learners]
        return sorted(rows, key=lambda row: row["rank"])

    def row(
        self, session: Session, learner_id: LearnerId
    ) -> tuple[Workshop, dict[str, Any]] | None:
        """One learner's row, and the workshop that it belongs to; None: they were deleted."""
        learner = session.get(Learner, learner_id)
        if learner is None:
            return None
        workshop = session.get_one(Workshop, learner.workshop_id)
        standings = self.classes.of(session, workshop)
        return workshop, self._row(learner, standings, workshop.moment)

    def _row(self, learner: Learner, standings: Standings, moment: datetime) -> dict[str, Any]:
        standing = standings.of[learner.id]
        here = standing.here
        lesson = next(
            (each for each in standings.lessons if here and here.step in each.steps), None
        )
        passed, total = here.counts() if here else (0, 0)
        seen = self._seen(learner, standings)
        need = need_of(standing, seen, moment)
        return {
            "learner": learner.public_id,
            "name": learner.shown_name,
            "is_staff": learner.is_staff,
            "lesson": lesson.title if lesson else None,
            "step": lesson.steps.index(here.step) + 1 if lesson and here else None,
            "title": here.step.title if here else None,
            "steps": len(lesson.steps) if lesson else None,
            "place": standing.place + 1,
            "step_since": standing.since.timestamp() if standing.since else None,
            "checks": {"passed": passed, "total": total} if here else None,
            "last": None if standing.last is None else _result(standing.last),
            "present": seen.is_here,
            "lab_state": self._lab_state(learner),
            "busy_minutes": seen.busy_minutes,
            "state": need.state.value,
            "text": need.text,
            "since": need.since.timestamp(),
            "detail": need.detail,
            "rank": _rank(need, standing, learner),
        }

    def _seen(self, learner: Learner, standings: Standings) -> Seen:
        here = standings.of[learner.id].here
        return Seen(
            joined_at=learner.joined_at,
            is_here=self.presence.is_here(learner.id),
            left_at=self.presence.seen_at(learner.id),
            known_since=self.presence.began_at,
            is_in_line=self._lab_state(learner) == "waiting",
            has_lab=self.labs.of(learner.id) is not None,
            typed_at=self.activity.typed_at(learner.id),
            busy_minutes=self.busy.minutes_of(learner.id),
            median_s=standings.median_s(here.step) if here else None,
            has_class_moved_on=here is not None and standings.has_moved_on(here.step, learner.id),
        )

    def _lab_state(self, learner: Learner) -> str:
        if learner.admitted_at is None and learner.lined_up_at is not None:
            return "waiting"
        return "ready" if self.labs.of(learner.id) else "none"


def _rank(need: Need, standing: Standing, learner: Learner) -> list[float]:
    """By which the wall is sorted: needs by waiting, the others furthest behind first."""
    if learner.is_staff:
        return [STAFF, learner.id]
    if need.state in NEEDY:
        return [NEEDY.index(need.state), need.since.timestamp()]
    behind = len(standing.steps) if need.state is State.DONE else standing.place
    return [UNDER_WAY, behind, learner.id]


def _result(last: Result) -> dict[str, Any]:
    return {
        "title": last.title,
        "passed": last.passed,
        "broke": last.broke,
        "found": last.found,
        "at": last.at.timestamp(),
    }
