"""What can be changed while a workshop goes on: how many may join, how long, the listed names.

A learner may be given more time than the class.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import structlog

from webapp.models.people import Learner, learners_of
from webapp.models.workshops import Workshop
from webapp.problems import Problem, workshop_over
from webapp.workshops.opening import LEARNERS_MOST, MINUTES_MOST, require_between

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy.orm import Session

    from webapp.models.base import LearnerId, WorkshopId
    from webapp.models.database import Database
    from webapp.workshops.labs import Labs
    from webapp.workshops.news import News

log = structlog.get_logger()


def set_places(database: Database, workshop_id: WorkshopId, places: int) -> None:
    """Sets how many may join. Fewer than have joined puts nobody out; more lets the line in.

    Raises:
        Problem: `bad-number`, `workshop-over`.
    """
    require_between("places", "Learners at most", places, 1, LEARNERS_MOST)
    with database.write() as session:
        going_on(session, workshop_id).max_learners = places


def add_minutes(
    database: Database, labs: Labs, news: News, workshop_id: WorkshopId, minutes: int
) -> None:
    """Lets the workshop and every lab of it go on for longer; each learner's countdown follows.

    A lab that can't be reached now ends at its old time; its learner's page then makes a new one.

    Raises:
        Problem: `bad-number`, `workshop-over`.
    """
    require_between("minutes", "More time, in minutes,", minutes, 1, MINUTES_MOST)
    with database.write() as session:
        workshop = going_on(session, workshop_id)
        workshop.ends_at += timedelta(minutes=minutes)
        workshop.overran_at, workshop.is_end_final = None, False  # asked again at that end
        learners = learners_of(session, workshop_id)
    tell_end(labs, news, workshop, learners)


def tell_end(labs: Labs, news: News, workshop: Workshop, learners: Iterable[Learner]) -> None:
    """Lets labs and pages follow the end of their workshop, which was moved."""
    for learner in learners:
        _follow_end(labs, news, learner, workshop)


def give_minutes(
    database: Database,
    labs: Labs,
    news: News,
    workshop_id: WorkshopId,
    learner_id: LearnerId,
    minutes: int,
) -> None:
    """Lets one learner go on for longer than the class; nobody else hears of it.

    Their lab, countdown and warnings follow, and the workshop goes on for them alone.

    Raises:
        Problem: `bad-number`, `workshop-over`.
    """
    with database.write() as session:
        workshop = going_on(session, workshop_id)
        learner = session.get_one(Learner, learner_id)
        extra = learner.extra_minutes + minutes
        require_between("minutes", "More time, in minutes,", extra, 1, MINUTES_MOST)
        learner.extra_minutes = extra
        workshop.extra_minutes = max(workshop.extra_minutes, extra)
    _follow_end(labs, news, learner, workshop)


def _follow_end(labs: Labs, news: News, learner: Learner, workshop: Workshop) -> None:
    """A learner's lab and pages hear when it is over for them."""
    try:
        labs.extend(learner.id, learner.kept_until(workshop).timestamp())
    except Problem as problem:
        log.warning("lab.not_extended", learner=learner.id, code=problem.code)
    news.tell("clock", learner.id, **clock_of(learner, workshop))


def clock_of(learner: Learner, workshop: Workshop) -> dict[str, Any]:
    """A learner's time, as their page needs it: its end, and since when it stands still."""
    return {
        "until": round(learner.ends_at(workshop).timestamp()),
        "paused": round(workshop.paused_at.timestamp()) if workshop.paused_at else None,
        "by": workshop.paused_by,
    }


def set_names(
    database: Database, labs: Labs, workshop_id: WorkshopId, names: tuple[str, ...]
) -> None:
    """Sets which names the workshop's labs reach, those that live and those to come.

    Only where it was opened with a list: what else a container has follows from that. A lab that
    can't be reached now keeps the old list.

    Raises:
        Problem: `internet-list`, `workshop-over`.
    """
    with database.write() as session:
        workshop = going_on(session, workshop_id)
        if not workshop.allowed:
            raise Problem(
                "internet-list",
                "This workshop was opened without a list of names.",
                "Open another one, with the internet for listed names.",
                field="allowed",
            )
        workshop.allowed = list(names)
        learners = learners_of(session, workshop_id)
    for learner in learners:
        try:
            labs.allow(learner.id, names)
        except Problem as problem:
            log.warning("lab.not_allowed", learner=learner.id, code=problem.code)


def going_on(session: Session, workshop_id: WorkshopId) -> Workshop:
    """A workshop that can still be changed.

    Raises:
        Problem: `workshop-over`.
    """
    workshop = session.get_one(Workshop, workshop_id)
    if not workshop.is_open:
        raise workshop_over(workshop.title)
    return workshop
