"""Labs that are held for their learners until what is before their step is done in them.

Of those who come when the class is at a step, and of those whose lab was half set up as the server
ended.
"""

from __future__ import annotations

import threading
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

import structlog

from webapp import background
from webapp.models.people import Learner, being_set_up, end_set_up
from webapp.models.workshops import Workshop
from webapp.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Callable

    from webapp.models.base import LearnerId
    from webapp.models.database import Database
    from webapp.workshops.labs import Labs
    from webapp.workshops.news import Item
    from webapp.workshops.pacing import Pacing
    from webapp.workshops.resetting import Resetting

log = structlog.get_logger()

PASSING = {"server-full", "runtime-away"}
"""Refusals after which it is worth trying again."""
PATIENCE_S = 1.0
"""So long one waits for the lab of the one before them to be made."""


class Newcomers:
    """Sets up the labs that are held for them, each in a thread of its own.

    Labs are made one by one where a class begins anew, since the server may have no room for all.

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
        self._cut_off: list[LearnerId] = []
        self._is_refused = False  # nobody else is begun with until the next turn

    def hear(self, item: Item) -> None:
        """Somebody was given a lab."""
        if item.kind == "seated" and item.facts["held"]:
            self._thread(self._set_up, item.learner_id)

    def find_cut_off(self) -> None:
        """Shuts the labs that were half set up as the server ended; once, before anybody asks."""
        with self._database.read() as session:
            self._cut_off = being_set_up(session)
        for learner_id in self._cut_off:
            self._labs.shut(learner_id)

    def go_on(self) -> None:
        """Begins with those anew, once it is known who has a lab, and their class isn't paused."""
        if self._labs.are_known and self._cut_off:
            waiting, self._cut_off = self._cut_off, []  # nobody else begins with the same
            self._thread(self._begin_all_anew, waiting)

    def _begin_all_anew(self, waiting: list[LearnerId]) -> None:
        """One after another, as long as the server isn't full; with the others later."""
        self._is_refused = False
        while waiting and not self._is_refused:
            begin = partial(self._begin_anew, waiting.pop(0))
            background.within(PATIENCE_S, "newcomer", begin)
        self._cut_off += waiting

    def _begin_anew(self, learner_id: LearnerId) -> None:
        try:
            learner, workshop = self._find(learner_id)
            if workshop is not None and workshop.is_paused:
                self._cut_off.append(learner_id)
            elif learner and workshop and learner.has_time(workshop) and self._has_lab(learner_id):
                self._labs.hold(learner, workshop, lambda: None)  # that it isn't ready is kept
                log.info("lab.set_up_anew", learner=learner_id)
                self._thread(self._set_up, learner_id)
            else:
                self._labs.let_in(learner_id)  # whose next one is set up as any first one
        except Problem as problem:
            log.warning("lab.not_set_up", learner=learner_id, code=problem.code)
            if problem.code in PASSING:
                self._is_refused = True
                self._shut_again(learner_id)
            else:  # as it is, rather than shut until the class ends
                with self._database.write() as session:
                    end_set_up(session, learner_id)
        except Exception:
            self._shut_again(learner_id)
            raise

    def _shut_again(self, learner_id: LearnerId) -> None:
        """Tries it later: whoever is lost here is shut out for ever."""
        self._labs.shut(learner_id)
        self._cut_off.append(learner_id)

    def _has_lab(self, learner_id: LearnerId) -> bool:
        return learner_id in self._labs.owners()

    def _thread(self, work: Callable[..., None], *args: object) -> None:
        """Setting up takes as long as commands do, and nobody waits for somebody else's."""
        turn = partial(background.turn, "newcomer", partial(work, *args))
        threading.Thread(target=turn, name="newcomer", daemon=True).start()

    def _set_up(self, learner_id: LearnerId) -> None:
        try:
            learner, workshop = self._find(learner_id)
        except Exception:
            self._shut_again(learner_id)
            raise
        if learner is None or workshop is None:  # deleted while their lab was made
            with suppress(Problem), self._labs.held(learner_id):
                self._labs.remove(learner_id)
            return
        try:
            lesson, step = self._pacing.find(learner, workshop, learner.begins_with or "")
        except Problem as problem:  # the class went back, or the lesson is no longer there
            log.info("newcomer.begins_at_start", learner=learner_id, code=problem.code)
            with suppress(Problem), self._labs.held(learner_id):
                with self._database.write() as session:
                    end_set_up(session, learner_id)
                self._labs.boot(learner_id)
        else:
            self._resetting.begin(learner, workshop, lesson, step)

    def _find(self, learner_id: LearnerId) -> tuple[Learner | None, Workshop | None]:
        with self._database.read() as session:
            learner = session.get(Learner, learner_id)
            return learner, session.get(Workshop, learner.workshop_id) if learner else None
