"""A fresh lab in the place of a learner's, brought to where their step begins."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from webapp.models.events import record
from webapp.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Sequence

    from webapp.engines.seam import Engine
    from webapp.lesson_format.model import Lesson, Step
    from webapp.models.database import Database
    from webapp.models.people import Learner
    from webapp.models.workshops import Workshop
    from webapp.workshops.labs import Labs
    from webapp.workshops.news import News

log = structlog.get_logger()

PATIENCE_S = 120.0
DONE = "Your container is new, and as this step begins."
LATE = (
    "Your container is new. What the steps before do in it took longer than two minutes, so not "
    "all of it is there: go back to the step that you miss something of."
)


class Resetting:
    """Resets labs.

    Args:
        database: keeps that it was done.
        engine: makes labs, and runs commands in them.
        labs: who has which.
        news: hears how it ended: a `reset`, with whether it is `done`, and a `sentence`.
    """

    def __init__(self, database: Database, engine: Engine, labs: Labs, news: News) -> None:
        self._database = database
        self._engine = engine
        self._labs = labs
        self._news = news

    def reset(self, learner: Learner, workshop: Workshop, lesson: Lesson, step: Step) -> None:
        """Give the learner a lab as it is where a step begins; what they passed stays passed.

        Takes as long as the commands of the steps before it. Whoever works in their machine alone
        gets it as after its first boot.
        """
        with self._database.write() as session:
            record(session, learner.id, "reset", step.id)
        commands = () if workshop.in_machine else lesson.beginning(step)
        try:
            with self._labs.renewing(learner, workshop) as lab_id:
                is_done = self._prepare(lab_id, commands)
            self._labs.boot(learner.id)
        except Problem as problem:
            log.warning("lab.not_reset", learner=learner.id, code=problem.code)
            self._news.tell("reset", learner.id, done=False, sentence=str(problem))
            return
        log.info("lab.reset", learner=learner.id, step=step.id)
        self._news.tell("reset", learner.id, done=is_done, sentence=DONE if is_done else LATE)

    def _prepare(self, lab_id: str, commands: Sequence[str]) -> bool:
        """Whether all commands came to their end; how they ended is theirs, as in the lesson."""
        if not commands:
            return True
        return not self._engine.lab_prepare(lab_id, script_of(commands), PATIENCE_S)["is_over"]


def script_of(commands: Sequence[str]) -> str:
    """Commands as one shell runs them that begins at home, however each of them ends."""
    return "\n".join(["cd", *commands])
