"""A clock that is set while a class works: everybody keeps the time that was left."""

from __future__ import annotations

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

    def follow(self) -> None:
        """Looks whether the clock leapt; then begin, end and pause of each class leap with it."""
        leap = timedelta(seconds=self._leaps.look())
        if not leap:
            return
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
        for workshop, learners in moved:
            tell_end(self._labs, self._news, workshop, learners)
