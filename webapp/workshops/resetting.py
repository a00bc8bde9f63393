"""A fresh lab in the place of a learner's, brought to where their step begins."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import structlog

from webapp.models.events import record
from webapp.models.people import begin_set_up, end_set_up
from webapp.problems import Problem
from webapp.workshops.beginning import play

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

    from webapp.engines.seam import Engine
    from webapp.lesson_format.model import Lesson, Step
    from webapp.models.base import LearnerId
    from webapp.models.database import Database
    from webapp.models.people import Learner
    from webapp.models.workshops import Workshop
    from webapp.workshops.labs import Labs
    from webapp.workshops.news import News

log = structlog.get_logger()

DONE = "Your {what} is new, and as this step begins."
NOT_ALL = "Your {what} is new. {missing}"


class Resetting:
    """Resets labs.

    Args:
        database: keeps that it was done.
        engine: makes labs, and runs commands in them.
        labs: who has which.
        news: hears how it ended: a `reset`, with whether it is `done`, and a `sentence`; and
            `brought`, as of `Pacing`.
    """

    def __init__(self, database: Database, engine: Engine, labs: Labs, news: News) -> None:
        self._database = database
        self._engine = engine
        self._labs = labs
        self._news = news

    def reset(self, learner: Learner, workshop: Workshop, lesson: Lesson, step: Step) -> None:
        """Give the learner a lab as it is where a step begins; what they passed stays passed.

        Takes as long as what the steps before it do: their commands, and a machine's boot.
        """
        with self._database.write() as session:
            record(session, learner.id, "reset", step.id)
        self._set_up(learner, workshop, lesson, step, self._fresh(learner, workshop, step))

    def bring(
        self, learner: Learner, workshop: Workshop, lesson: Lesson, step: Step, by: str
    ) -> None:
        """The same for one who came late, or is lost: their page goes to the step as soon as it is.

        The steps before it that they haven't passed are passed over.
        """
        fresh = self._brought(learner, workshop, step, by)
        if self._set_up(learner, workshop, lesson, step, fresh):
            self._news.tell("brought", learner.id, step=step.id, by=by)

    def begin(self, learner: Learner, workshop: Workshop, lesson: Lesson, step: Step) -> None:
        """The same in a lab that is held for them until then; they know their step."""
        self._set_up(learner, workshop, lesson, step, self._labs.held(learner.id))

    def _fresh(
        self, learner: Learner, workshop: Workshop, step: Step
    ) -> AbstractContextManager[str]:
        def note() -> None:
            with self._database.write() as session:
                begin_set_up(session, learner.id, step.id)

        return self._labs.renewing(learner, workshop, note)

    @contextmanager
    def _brought(self, learner: Learner, workshop: Workshop, step: Step, by: str) -> Iterator[str]:
        """A fresh lab for one who is at that step as soon as they have it."""
        with self._fresh(learner, workshop, step) as lab_id:
            with self._database.write() as session:
                record(session, learner.id, "brought", step.id, by=by)
            yield lab_id

    def _set_up(
        self,
        learner: Learner,
        workshop: Workshop,
        lesson: Lesson,
        step: Step,
        fresh: AbstractContextManager[str],
    ) -> bool:
        """Whether there is a new lab; its page hears how that ended."""
        try:
            with fresh as lab_id:
                missing = play(
                    self._engine,
                    lab_id,
                    lesson.beginning(step),
                    in_machine=workshop.in_machine,
                    told=lambda done, of: self._labs.tell_renewal(learner.id, done, of),
                )
                self._note_end(learner.id)
            self._labs.boot(learner.id)
        except Problem as problem:
            if self._labs.renewal_of(learner.id) is None:  # else another goes on
                self._note_end(learner.id)
            log.warning("lab.not_reset", learner=learner.id, code=problem.code)
            self._news.tell("reset", learner.id, done=False, sentence=str(problem))
            return False
        except Exception:  # they work in it by now, so the next start must not set it up anew
            self._note_end(learner.id)
            raise
        log.info("lab.reset", learner=learner.id, step=step.id)
        what = "machine" if workshop.in_machine else "container"
        sentence = (NOT_ALL if missing else DONE).format(what=what, missing=missing)
        self._news.tell("reset", learner.id, done=not missing, sentence=sentence)
        return True

    def _note_end(self, learner_id: LearnerId) -> None:
        with self._database.write() as session:
            end_set_up(session, learner_id)
