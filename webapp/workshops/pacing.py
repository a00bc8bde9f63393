"""How far the class may go, and where it is brought: steps that are locked, one that all go to."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from webapp.models.events import record
from webapp.models.people import Learner, learners_of
from webapp.problems import Problem, away
from webapp.workshops.changing import going_on

if TYPE_CHECKING:
    from collections.abc import Sequence

    from webapp.lesson_format.library import Library
    from webapp.lesson_format.model import Lesson, Step
    from webapp.models.base import LearnerId, WorkshopId
    from webapp.models.database import Database
    from webapp.models.workshops import Workshop
    from webapp.workshops.labs import Labs
    from webapp.workshops.news import News

log = structlog.get_logger()


class Pacing:
    """Locks steps, and brings a class to one.

    Args:
        database: keeps both.
        library: the lessons.
        labs: who has one.
        news: hears `pace` (which steps are `locked`) and `brought` (to which `step`, `by` whom)
            for each learner.
    """

    def __init__(self, database: Database, library: Library, labs: Labs, news: News) -> None:
        self._database = database
        self._library = library
        self._labs = labs
        self._news = news

    def steps_of(self, workshop: Workshop) -> list[Step]:
        """All steps of a workshop, in the order in which they are taught."""
        known = self._library.lessons
        return [step for name in workshop.lessons if name in known for step in known[name].steps]

    def locked_for(self, learner: Learner, workshop: Workshop) -> list[str]:
        """The ids of the steps that a learner can't open yet; an instructor who tries it can."""
        return [] if learner.is_staff else self._locked(workshop)

    def find(self, learner: Learner, workshop: Workshop, step_id: str) -> tuple[Lesson, Step]:
        """A step that a learner may open, and its lesson.

        Raises:
            Problem: `step-unknown`, `step-locked`.
        """
        self._require_known(workshop, step_id)
        if step_id in self.locked_for(learner, workshop):
            raise Problem(
                "step-locked", "This step is locked for the class.", "Unlock it there first."
            )
        lesson_name, _, step_name = step_id.partition("/")
        lesson = self._library.lessons[lesson_name]
        step = lesson.step(step_name)
        if step is None:
            raise AssertionError(step_id)  # it is one of `steps_of`
        return lesson, step

    def begins_at(self, learner: Learner, workshop: Workshop) -> Step | None:
        """The step at which the next lab that is made for them begins; None: an empty one."""
        return self._step(workshop, learner.begins_with)

    def next_locked(self, workshop: Workshop) -> Step | None:
        """The first step that is locked; None where all are open."""
        locked = self._locked(workshop)
        return next((each for each in self.steps_of(workshop) if each.id in locked), None)

    def open_to(self, workshop_id: WorkshopId, step_id: str | None) -> None:
        """Locks all steps after one; with None none is locked.

        Where the class was brought further, who joins from now on begins at the start.

        Raises:
            Problem: `step-unknown`, `workshop-over`.
        """
        with self._database.write() as session:
            workshop = going_on(session, workshop_id)
            if step_id is not None:
                self._require_known(workshop, step_id)
            workshop.open_to = step_id
            if workshop.brought_to in self._locked(workshop):
                workshop.brought_to = None
            learners = learners_of(session, workshop_id)
        log.info("steps.opened", workshop=workshop_id, to=step_id)
        self._tell_locked(learners, workshop)

    def bring(self, workshop_id: WorkshopId, step_id: str, by: str) -> int:
        """Brings everyone to a step, which is unlocked with those before it.

        What they have done stays done, and their labs as they are. Who has none, or joins from now
        on, finds that what the steps before it do is done in theirs.

        Returns:
            How many were brought.

        Raises:
            Problem: `step-unknown`, `workshop-over`.
        """
        with self._database.write() as session:
            workshop = going_on(session, workshop_id)
            self._require_known(workshop, step_id)
            if step_id in self._locked(workshop):
                workshop.open_to = step_id
            workshop.brought_to, workshop.brought_by = step_id, by
            learners = [each for each in learners_of(session, workshop_id) if not each.is_staff]
            for learner in learners:
                record(session, learner.id, "brought", step_id, by=by)
                if learner.begins_with is not None or not self._labs.has_one(learner.id):
                    learner.begins_with = step_id
        log.info("class.brought", workshop=workshop_id, step=step_id, learners=len(learners))
        self._tell_locked(learners, workshop)
        for learner in learners:
            self._news.tell("brought", learner.id, step=step_id, by=by)
        return len(learners)

    def bring_in(self, learner_id: LearnerId, step_id: str, by: str) -> bool:
        """Brings one who has no lab to a step: the next that is made for them begins there.

        That they may go there is the caller's to know.

        Returns:
            Whether they were: not where they have one.

        Raises:
            Problem: `runtime-away` while that isn't known.
        """
        if not self._labs.are_known:
            raise away("Who has a container isn't known yet.")
        with self._database.write() as session:
            if self._labs.has_one(learner_id):
                return False
            session.get_one(Learner, learner_id).begins_with = step_id
            record(session, learner_id, "brought", step_id, by=by)
        log.info("learner.brought", learner=learner_id, step=step_id)
        self._news.tell("brought", learner_id, step=step_id, by=by)
        return True

    def begin_at_start(self, workshop_id: WorkshopId) -> None:
        """Lets those who join from now on begin at the first step again.

        Raises:
            Problem: `workshop-over`.
        """
        with self._database.write() as session:
            going_on(session, workshop_id).brought_to = None

    def newcomers_begin_at(self, workshop: Workshop) -> Step | None:
        """The step that those are brought to who join now; None: they begin at the start."""
        return self._step(workshop, workshop.brought_to)

    def _step(self, workshop: Workshop, step_id: str | None) -> Step | None:
        """One of the workshop's steps; None where it has no such one, or no longer."""
        return next((each for each in self.steps_of(workshop) if each.id == step_id), None)

    def _locked(self, workshop: Workshop) -> list[str]:
        ids = [each.id for each in self.steps_of(workshop)]
        if workshop.open_to not in ids:  # none is, or its lesson is no longer there
            return []
        return ids[ids.index(workshop.open_to) + 1 :]

    def _require_known(self, workshop: Workshop, step_id: str) -> None:
        if step_id not in {each.id for each in self.steps_of(workshop)}:
            raise Problem(
                "step-unknown", "This workshop has no such step.", "Choose one of its steps."
            )

    def _tell_locked(self, learners: Sequence[Learner], workshop: Workshop) -> None:
        for learner in learners:
            self._news.tell("pace", learner.id, locked=self.locked_for(learner, workshop))
