"""A class that pauses: every lab stands still, and the time that nobody had is given back."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import structlog

from webapp.models.base import now
from webapp.models.events import record
from webapp.models.people import Learner, learners_of
from webapp.models.workshops import PAUSE_MOST, Workshop, running_workshops
from webapp.problems import Problem
from webapp.workshops.changing import clock_of, going_on

if TYPE_CHECKING:
    from collections.abc import Sequence

    from webapp.models.base import WorkshopId
    from webapp.models.database import Database
    from webapp.workshops.labs import Labs
    from webapp.workshops.news import News

log = structlog.get_logger()


class Pausing:
    """Pauses workshops, and lets them go on.

    Args:
        database: keeps since when.
        labs: stand still.
        news: hears `clock` for each learner.
    """

    def __init__(self, database: Database, labs: Labs, news: News) -> None:
        self._database = database
        self._labs = labs
        self._news = news

    def pause(self, workshop_id: WorkshopId, by: str) -> None:
        """Lets all labs of a workshop stand still, until it goes on; done already is done.

        Raises:
            Problem: `workshop-over`.
        """
        with self._database.write() as session:
            workshop = going_on(session, workshop_id)
            if workshop.paused_at is not None:
                return
            workshop.paused_at, workshop.paused_by = now(), by
            learners = learners_of(session, workshop_id)
        log.info("workshop.paused", workshop=workshop_id)
        self._follow(learners, workshop)

    def go_on(self, workshop_id: WorkshopId) -> None:
        """Lets it go on; its end, and all that is timed, moves by as long as it was paused.

        Raises:
            Problem: `workshop-over`.
        """
        with self._database.write() as session:
            workshop = going_on(session, workshop_id)
            if workshop.paused_at is None:
                return
            rested = now() - workshop.paused_at
            workshop.ends_at += rested
            workshop.paused_at = None
            learners = learners_of(session, workshop_id)
            for learner in learners:
                record(session, learner.id, "rested", seconds=rested.total_seconds())
        log.info("workshop.went_on", workshop=workshop_id, seconds=round(rested.total_seconds()))
        self._follow(learners, workshop)

    def agree(self) -> None:
        """Lets labs stand still or go on as their workshops do.

        After either side was away; and what was being made when its class paused.
        """
        with self._database.read() as session:
            known = {each.id: each for each in running_workshops(session)}
            rests = any(each.is_paused for each in known.values())
            owners = [
                session.get(Learner, who)
                for who in self._labs.owners()
                if (rests or self._labs.is_paused(who)) and self._labs.renewal_of(who) is None
            ]
        for owner in owners:
            workshop = known.get(owner.workshop_id) if owner else None
            if owner and workshop and self._labs.is_paused(owner.id) != workshop.is_paused:
                self._rest(owner, workshop)

    def end_long_ones(self) -> None:
        """Lets those go on that were forgotten: their labs would end."""
        with self._database.read() as session:
            running = running_workshops(session)
        long_ago = now() - PAUSE_MOST + timedelta(minutes=1)
        for workshop in running:
            if workshop.paused_at is not None and workshop.paused_at < long_ago:
                self.go_on(workshop.id)

    def _follow(self, learners: Sequence[Learner], workshop: Workshop) -> None:
        for learner in learners:
            self._rest(learner, workshop)
            self._news.tell("clock", learner.id, **clock_of(learner, workshop))

    def _rest(self, learner: Learner, workshop: Workshop) -> None:
        """A lab that can't be reached now follows as soon as it can (`agree`)."""
        until = learner.kept_until(workshop).timestamp()
        try:
            self._labs.rest(learner.id, until, is_paused=workshop.is_paused)
        except Problem as problem:
            log.warning("lab.not_paused", learner=learner.id, code=problem.code)
