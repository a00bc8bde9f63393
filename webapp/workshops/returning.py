"""A way back in that works once, for a learner who lost cookie and PIN."""

from __future__ import annotations

import secrets
from datetime import timedelta
from typing import TYPE_CHECKING

import structlog
from sqlalchemy import select

from webapp.models.base import now
from webapp.models.events import record
from webapp.models.people import Learner, WayBack, remember_browser, token_hash
from webapp.models.workshops import Workshop
from webapp.problems import Problem, workshop_over

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from webapp.models.database import Database

log = structlog.get_logger()

LIFE_MINUTES = 30


def hand_out(database: Database, workshop: Workshop, learner: Learner) -> str:
    """Makes a link for a learner; those made before still work.

    Returns:
        Its token, which is kept nowhere.

    Raises:
        Problem: `workshop-over`.
    """
    if not learner.has_time(workshop):
        raise workshop_over(workshop.title)
    token = secrets.token_urlsafe(32)
    with database.write() as session:
        expires_at = now() + timedelta(minutes=LIFE_MINUTES)
        session.add(
            WayBack(token_hash=token_hash(token), learner_id=learner.id, expires_at=expires_at)
        )
    log.info("way_back.made", learner=learner.id)
    return token


def owner_of(session: Session, token: str) -> tuple[Learner, Workshop]:
    """Whom a link leads back, and where, while it can be used.

    Raises:
        Problem: `link-used`, `workshop-over`.
    """
    way = _way(session, token)
    if way is None or way.used_at is not None or way.expires_at <= now():
        raise Problem(
            "link-used",
            "This link has been used or is too old.",
            "Ask your instructor for another one, or resume with your PIN.",
        )
    learner = session.get_one(Learner, way.learner_id)
    workshop = session.get_one(Workshop, learner.workshop_id)
    if not learner.has_time(workshop):
        raise workshop_over(workshop.title)
    return learner, workshop


def follow(database: Database, token: str) -> tuple[Learner, str]:
    """Signs this browser in as the learner of a link, and uses the link up.

    Returns:
        The learner, and the token for the browser's cookie.

    Raises:
        Problem: as `owner_of`.
    """
    with database.write() as session:
        learner, _ = owner_of(session, token)
        if (way := _way(session, token)) is not None:
            way.used_at = now()
        record(session, learner.id, "resumed")
        log.info("way_back.used", learner=learner.id)
        return learner, remember_browser(session, learner_id=learner.id)


def _way(session: Session, token: str) -> WayBack | None:
    return session.scalar(select(WayBack).where(WayBack.token_hash == token_hash(token)))
