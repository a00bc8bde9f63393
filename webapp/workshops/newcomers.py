"""Who comes when the class is at a step begins there, in a lab where what is before it is done."""

from __future__ import annotations

import threading
from contextlib import suppress
from typing import TYPE_CHECKING

import structlog

from webapp.models.people import Learner
from webapp.models.workshops import Workshop
from webapp.problems import Problem

if TYPE_CHECKING:
    from webapp.models.base import LearnerId
    from webapp.models.database import Database
    from webapp.workshops.labs import Labs
    from webapp.workshops.news import Item
    from webapp.workshops.pacing import Pacing
    from webapp.workshops.resetting import Resetting

log = structlog.get_logger()


class Newcomers:
    """Sets up the labs that are held for them, each in a thread of its own.

    Args:
        database: knows where each begins.
        labs: hold theirs.
        pacing: knows that step.
        resetting: plays what comes before it.
    """

    def __init__(
        self, database: Database, labs: Labs, pacing: Pacing, resetting: Resetting
    ) -> None:
        self._database = database
        self._labs = labs
        self._pacing = pacing
        self._resetting = resetting

    def hear(self, item: Item) -> None:
        """Somebody was given a lab."""
        if item.kind == "seated" and item.facts["held"]:
            args = (item.learner_id,)
            threading.Thread(target=self._set_up, args=args, name="newcomer", daemon=True).start()

    def _set_up(self, learner_id: LearnerId) -> None:
        with self._database.read() as session:
            learner = session.get(Learner, learner_id)
            workshop = session.get(Workshop, learner.workshop_id) if learner else None
        if learner is None or workshop is None:  # deleted while their lab was made
            with suppress(Problem), self._labs.held(learner_id):
                self._labs.remove(learner_id)
            return
        try:
            lesson, step = self._pacing.find(learner, workshop, learner.begins_with or "")
        except Problem as problem:  # the class went back, or the lesson is no longer there
            log.info("newcomer.begins_at_start", learner=learner_id, code=problem.code)
            with suppress(Problem), self._labs.held(learner_id):
                self._labs.boot(learner_id)
        else:
            self._resetting.begin(learner, workshop, lesson, step)
        with self._database.write() as session:
            if (kept := session.get(Learner, learner_id)) is not None:  # not deleted meanwhile
                kept.begins_with = None
