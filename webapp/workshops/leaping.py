"""A clock that is set while a class works: everybody keeps the time that was left."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import TYPE_CHECKING

import structlog

from webapp.models.base import now
from webapp.models.events import record
from webapp.models.people import learners_of
from webapp.models.workshops import running_workshops
from webapp.workshops.changing import tell_end

if TYPE_CHECKING:
    from runtime.client import Leaps
    from webapp.models.database import Database
    from webapp.models.people import Learner
    from webapp.models.workshops import Workshop
    from webapp.workshops.labs import Labs
    from webapp.workshops.news import News

log = structlog.get_logger()


class Leaping:
    """Moves what goes on along with the server's clock.

    A workshop that has yet to begin stays at the time that somebody chose.

    Args:
        leaps: of the clock.
    """

    def __init__(self, database: Database, labs: Labs, news: News, leaps: Leaps) -> None:
        self._database = database
        self._labs = labs
        self._news = news
        self._leaps = leaps
        self._following = threading.Lock()
        self._due_s = 0.0

    def follow(self) -> None:
        """Looks whether the clock leapt; then begin, end and pause of each class leap with it.

        Before anything is ended because its time is up. Who comes while somebody else moves them
        waits; where they can't be moved now, whoever comes next tries again.

        Raises:
            Problem: `disk-full`.
        """
        with self._following:
            self._due_s += self._leaps.look()
            if not self._due_s:
                return
            moved = self._move(timedelta(seconds=self._due_s))
            self._due_s = 0.0
        for workshop, learners in moved:
            tell_end(self._labs, self._news, workshop, learners)

    def _move(self, leap: timedelta) -> list[tuple[Workshop, list[Learner]]]:
        log.warning("clock.leapt", seconds=round(leap.total_seconds()))
        with self._database.write() as session:
            moved = [
                (workshop, learners_of(session, workshop.id))
                for workshop in running_workshops(session)
                if workshop.starts_at <= now() - leap
            ]
            for workshop, learners in moved:
                workshop.starts_at += leap
                workshop.ends_at += leap
                workshop.paused_at = workshop.paused_at and workshop.paused_at + leap
                for learner in learners:
                    record(session, learner.id, "rested", seconds=leap.total_seconds())
        return moved
