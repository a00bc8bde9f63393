"""How long what a class did is kept: nothing that was forgotten can be read again.

Of a workshop: who joined, what they did, their browsers and recordings, and the workshop itself. Of
a learner: the same, and their lab. Whoever has a backup from before still has all of it.
"""

from __future__ import annotations

import shutil
from datetime import timedelta
from typing import TYPE_CHECKING

import structlog
from sqlalchemy import delete

from webapp import background
from webapp.models.base import now
from webapp.models.deeds import forget_deeds
from webapp.models.events import Event
from webapp.models.people import Assistance, Browser, Learner, WayBack, learners_of
from webapp.models.workshops import Workshop, workshops_over_since
from webapp.problems import Problem

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from sqlalchemy.orm import Session

    from webapp.models.base import LearnerId, WorkshopId
    from webapp.models.database import Database
    from webapp.workshops.labs import Labs
    from webapp.workshops.news import News
    from webapp.workshops.standing import Classes

log = structlog.get_logger()

LOOK_S = 600.0
GONE = "Your instructor has deleted all that was kept of you here, your container too."


class Forgetting:
    """Forgets workshops that were over for long.

    Args:
        database: what is kept.
        web_path: the folder of the web; recordings and copies of the database lie there.
        days: for how long; 0 is for ever.
        audit_days: for how long the log of deeds is kept; 0 is for ever.
    """

    def __init__(
        self, database: Database, web_path: Path, *, days: int, audit_days: int = 0
    ) -> None:
        self._database = database
        self._web_path = web_path
        self._days = days
        self._audit_days = audit_days

    def begin(self) -> None:
        """Looks from time to time."""
        if self._days > 0:
            background.every(LOOK_S, "forgetting", self.look)
        if self._audit_days > 0:
            background.every(LOOK_S, "forgetting deeds", self.look_at_deeds)

    def look(self) -> None:
        """One turn: every workshop, and every old copy of the database, whose time is up."""
        moment = now() - timedelta(days=self._days)
        with self._database.read() as session:
            over = [each.id for each in workshops_over_since(session, moment)]
        for workshop_id in over:
            forget(self._database, self._web_path, workshop_id)
        self._forget_copies(moment)

    def look_at_deeds(self) -> None:
        """One turn: every row of the log whose time is up."""
        with self._database.write() as session:
            forget_deeds(session, now() - timedelta(days=self._audit_days))

    def _forget_copies(self, moment: datetime) -> None:
        """Of the database before a migration: what was forgotten since is in them still."""
        for path in self._web_path.glob("*.before-*"):
            if path.stat().st_mtime < moment.timestamp():
                path.unlink()
                log.info("copy.forgotten", file=path.name)


def forget(database: Database, web_path: Path, workshop_id: WorkshopId) -> int:
    """Deletes all there is of a workshop that is over.

    Returns:
        How many learners' data that was.

    Raises:
        Problem: `workshop-goes-on`.
    """
    with database.read() as session:
        workshop = session.get_one(Workshop, workshop_id)
        if workshop.ended_at is None:
            raise Problem(
                "workshop-goes-on",
                f"{workshop.title} goes on.",
                "End it on its page, then delete what it left.",
            )
    # First, so that a recording whose workshop nobody knows any more is never left; and outside of
    # `write`, in which nothing may take its time.
    shutil.rmtree(web_path / "recordings" / workshop.public_id, ignore_errors=True)
    with database.write() as session:
        learners = [each.id for each in learners_of(session, workshop_id)]
        _delete(session, learners)
        session.execute(delete(Assistance).where(Assistance.workshop_id == workshop_id))
        session.delete(session.get_one(Workshop, workshop_id))
    log.info("workshop.forgotten", workshop=workshop_id, learners=len(learners))
    return len(learners)


def forget_learner(
    database: Database,
    labs: Labs,
    news: News,
    classes: Classes,
    web_path: Path,
    learner: Learner,
) -> None:
    """Deletes all there is of one learner, whether or not their workshop goes on.

    Their pages are told, and know nobody any more. The lab goes first: where it can't be ended,
    everything is as it was.

    Raises:
        Problem: `runtime-away`.
    """
    labs.remove(learner.id)
    news.tell("ended", learner.id, sentence=GONE)
    with database.read() as session:
        workshop = session.get_one(Workshop, learner.workshop_id)
    shutil.rmtree(
        web_path / "recordings" / workshop.public_id / learner.public_id, ignore_errors=True
    )
    with database.write() as session:
        _delete(session, [learner.id])
    classes.read_anew(workshop)
    log.info("learner.forgotten", workshop=workshop.id, learner=learner.id)


def _delete(session: Session, learners: list[LearnerId]) -> None:
    for table in (Event, Browser, WayBack):
        session.execute(delete(table).where(table.learner_id.in_(learners)))
    session.execute(delete(Learner).where(Learner.id.in_(learners)))
