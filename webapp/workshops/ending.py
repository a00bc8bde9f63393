"""Ending a workshop: every lab goes, progress and results stay.

Whose time is up while people work gets some more, and whoever teaches is asked.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import structlog

from webapp.models.base import now
from webapp.models.people import Learner, learners_of
from webapp.models.workshops import (
    Workshop,
    running_workshops,
    workshops_about_to_end,
    workshops_in_extra_time,
)
from webapp.problems import Problem, workshop_over
from webapp.workshops.changing import tell_end

if TYPE_CHECKING:
    from webapp.models.base import WorkshopId
    from webapp.models.database import Database
    from webapp.workshops.labs import Labs
    from webapp.workshops.news import News

log = structlog.get_logger()

WARNED_BEFORE_S = 120
"""So long before the end everybody is told; an end that is pressed comes no sooner, if wanted."""
OVERRUN = timedelta(minutes=15)
OVERRUN_LEAD = timedelta(seconds=20)
"""So long before the time is up more is given: the runtime ends labs to the second."""


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


def end_soon(database: Database, labs: Labs, news: News, workshop_id: WorkshopId) -> None:
    """Ends a workshop in two minutes; every page and terminal of it says so.

    Raises:
        Problem: `workshop-over`.
    """
    with database.write() as session:
        workshop = session.get_one(Workshop, workshop_id)
        if not workshop.is_open:
            raise workshop_over(workshop.title)
        in_two_minutes = workshop.moment + timedelta(seconds=WARNED_BEFORE_S)
        workshop.ends_at = min(workshop.ends_at, in_two_minutes)
        workshop.is_end_final, workshop.extra_minutes = True, 0
        learners = learners_of(session, workshop_id)
        for learner in learners:
            learner.extra_minutes = 0
    log.info("workshop.ends_soon", workshop=workshop_id)
    tell_end(labs, news, workshop, learners)


def overrun(database: Database, labs: Labs, news: News) -> set[WorkshopId]:
    """Gives a class that works on when its time is up 15 minutes; whoever teaches is asked.

    Once: then it ends, unless somebody has given it more.

    Returns:
        Those of which it isn't known whether anybody works on: they end when it is.
    """
    are_known, moment = labs.are_known, now() + OVERRUN_LEAD
    with database.read() as session:
        due = [
            (each, learners_of(session, each.id))
            for each in workshops_about_to_end(session, moment)
        ]
    if not are_known:
        return {before.id for before, _ in due}
    for before, learners in due:
        workshop_id = before.id
        if not any(labs.of(each.id) and each.ends_at(before) <= moment for each in learners):
            continue  # it ends, or has ended: nobody loses anything
        with database.write() as session:
            workshop = session.get_one(Workshop, workshop_id)
            workshop.overran_at = now()
            workshop.ends_at = max(workshop.ends_at, now()) + OVERRUN  # a machine may have slept
        log.info("workshop.overran", workshop=workshop_id)
        tell_end(labs, news, workshop, learners)
        for each in learners:
            news.tell("lab", each.id)  # whose page may say that it is over
    return set()


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
