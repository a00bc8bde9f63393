"""Certificates: what a learner finished, under an address that anybody may look at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog

from webapp.models.base import public_name
from webapp.models.events import events_of
from webapp.models.people import Learner
from webapp.models.workshops import Workshop
from webapp.workshops.joining import clean_name
from webapp.workshops.progress import progress_of

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

    from webapp.lesson_format.library import Library
    from webapp.models.base import LearnerId
    from webapp.models.database import Database

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Certificate:
    """What it says, and nothing else: whoever has the address can read it.

    Attributes:
        lessons: their titles.
        passed: how many steps were passed, `steps` being all but those for the fast.
        at: when the last of them was.
    """

    id: str
    name: str
    title: str
    lessons: tuple[str, ...]
    passed: int
    steps: int
    at: datetime

    @property
    def is_whole(self) -> bool:
        """Was every step passed?"""
        return self.passed >= self.steps


def certify(database: Database, learner_id: LearnerId, raw_name: str) -> str:
    """Gives a learner a certificate, or theirs another name; its id stays.

    Raises:
        Problem: `name-empty`, `name-too-long`.
    """
    name = clean_name(raw_name)
    with database.write() as session:
        learner = session.get_one(Learner, learner_id)
        learner.certificate_id = learner.certificate_id or public_name()
        learner.certificate_name = name
        log.info("learner.certified", learner=learner_id)
        return learner.certificate_id


def certificate_of(session: Session, learner: Learner, library: Library) -> Certificate:
    """What a learner's certificate says now: it follows what they do."""
    workshop = session.get_one(Workshop, learner.workshop_id)
    lessons = [library.lessons[name] for name in workshop.lessons if name in library.lessons]
    events = events_of(session, learner.id)
    steps = [
        each
        for lesson in lessons
        for each in progress_of(events, lesson).steps
        if not each.step.is_extra
    ]
    passed = [each.passed_at for each in steps if each.passed_at is not None]
    return Certificate(
        id=learner.certificate_id or "",
        name=learner.certificate_name,
        title=workshop.title,
        lessons=tuple(lesson.title for lesson in lessons),
        passed=len(passed),
        steps=len(steps),
        at=max(passed, default=learner.joined_at),
    )
