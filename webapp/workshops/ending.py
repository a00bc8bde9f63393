"""Ending a workshop: every lab goes, progress and results stay."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from webapp.models.base import now
from webapp.models.people import Learner, learners_of
from webapp.models.workshops import Workshop, running_workshops, workshops_in_extra_time
from webapp.problems import Problem, workshop_over

if TYPE_CHECKING:
    from webapp.models.base import WorkshopId
    from webapp.models.database import Database
    from webapp.workshops.labs import Labs
    from webapp.workshops.news import News

log = structlog.get_logger()


def end_workshop(database: Database, labs: Labs, news: News, workshop_id: WorkshopId) -> int:
    """Ends a workshop that goes on; one that is over already stays as it is.

    The end is written down first. A lab that can't be reached now is ended by the runtime's own
    deadline, or by `end_leftovers` when the runtime is back.

    Returns:
        How many labs were ended.
    """
    with database.write() as session:
        workshop = session.get_one(Workshop, workshop_id)
        if workshop.ended_at is None:
            workshop.ended_at = now()
        learners = learners_of(session, workshop_id)
    log.info("workshop.ended", workshop=workshop_id)
    sentence = str(workshop_over(workshop.title))
    ended = 0
    for learner in learners:
        news.tell("ended", learner.id, sentence=sentence)
        try:
            ended += labs.of(learner.id) is not None
            labs.remove(learner.id)
        except Problem as problem:
            log.warning("lab.not_removed", learner=learner.id, code=problem.code)
    return ended


def end_for_the_class(database: Database, labs: Labs, news: News) -> None:
    """Ends workshops for those whose time is up, where somebody else was given more."""
    with database.read() as session:
        over = [
            (learner, workshop)
            for workshop in workshops_in_extra_time(session)
            for learner in learners_of(session, workshop.id)
            if not learner.has_time(workshop) and labs.of(learner.id) is not None
        ]
    for learner, workshop in over:
        news.tell("ended", learner.id, sentence=str(workshop_over(workshop.title)))
        try:
            labs.remove(learner.id)
        except Problem as problem:
            log.warning("lab.not_removed", learner=learner.id, code=problem.code)


def end_demos(database: Database, labs: Labs, news: News) -> None:
    """Ends the demo workshops, because a real one was opened."""
    with database.read() as session:
        demos = [each.id for each in running_workshops(session) if each.is_demo]
    for demo_id in demos:
        end_workshop(database, labs, news, demo_id)


def end_leftovers(database: Database, labs: Labs) -> None:
    """Ends labs whose workshop is over: what was ended while the runtime was away.

    Raises:
        Problem: `runtime-away`.
    """
    with database.read() as session:
        going_on = {each.id for each in running_workshops(session)}
        over = [
            learner_id
            for learner_id in labs.owners()
            if (learner := session.get(Learner, learner_id)) and learner.workshop_id not in going_on
        ]
    for learner_id in over:
        labs.remove(learner_id)
