"""What learners did: a list that only grows. Progress, wall and results are read from it."""

from __future__ import annotations

from datetime import datetime  # noqa: TC003 -- SQLAlchemy reads the annotations
from typing import Any

from sqlalchemy import JSON, ForeignKey, String, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from webapp.models.base import Base, LearnerId, UtcTime, WorkshopId, now
from webapp.models.people import Learner


class Event(Base):
    """One thing that a learner did. Rows are added, never changed; they go with their workshop.

    Attributes:
        type: `joined`, `resumed`, `opened` (a step), `checked`, `answered`, `pressed`, `skipped`,
            `worked`, `limited` (a limit of the lab was met), `raised` and `lowered` (a hand),
            `lent` and `returned` (the keyboard, `by` an instructor),
            `rested` (they were paused, for `seconds`), `brought` (to a step, `by` an instructor),
            `told` (a message), `read` and `ran` (it was closed, its command run).
        step: `LESSON/NAME`, where it is about one.
        payload: what the type needs, JSON; for `checked` and `answered` at least `passed` and
            `title`.
    """

    __tablename__ = "events"

    id: Mapped[int] = mapped_column(primary_key=True)
    learner_id: Mapped[LearnerId] = mapped_column(ForeignKey("learners.id"), index=True)
    at: Mapped[datetime] = mapped_column(UtcTime, default=now)
    type: Mapped[str] = mapped_column(String(40))
    step: Mapped[str | None] = mapped_column(String(200))
    payload: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)


def record(
    session: Session, learner_id: LearnerId, kind: str, step: str | None = None, **payload: object
) -> Event:
    """Adds one event; it is kept when the session's transaction is."""
    event = Event(learner_id=learner_id, type=kind, step=step, payload=payload)
    session.add(event)
    return event


def events_of(session: Session, learner_id: LearnerId) -> list[Event]:
    """All that a learner did, oldest first."""
    return list(
        session.scalars(select(Event).where(Event.learner_id == learner_id).order_by(Event.id))
    )


def events_in(session: Session, workshop_id: WorkshopId, after: int = 0) -> list[Event]:
    """What a class did, oldest first: all of it, or what came after an event's id."""
    query = (
        select(Event)
        .join(Learner, Learner.id == Event.learner_id)
        .where(Learner.workshop_id == workshop_id, Event.id > after)
    )
    return list(session.scalars(query.order_by(Event.id)))
