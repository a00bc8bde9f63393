"""What those who teach did: the audit log, a list that only grows."""

from __future__ import annotations

from datetime import datetime  # noqa: TC003 -- SQLAlchemy reads the annotations
from typing import Any

from sqlalchemy import JSON, ColumnElement, String, delete, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from webapp.models.base import Base, UtcTime, now
from webapp.models.people import Person, Role
from webapp.models.workshops import Workshop


class Deed(Base):
    """One thing that somebody did. Nothing of it is a key: it outlives whom and what it is about.

    Attributes:
        who: their name at that time; `command line`, or `somebody` whom nobody knows.
        person: their public id; None where it was nobody with an account.
        what: as `workshops/deeds.py` lists it.
        workshop: its public id.
        learner: their public id, never their name, which goes with their data.
        facts: what its sentence needs beside.
    """

    __tablename__ = "deeds"

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(UtcTime, default=now, index=True)
    who: Mapped[str] = mapped_column(String(32))
    person: Mapped[str | None] = mapped_column(String(16), index=True)
    what: Mapped[str] = mapped_column(String(60))
    workshop: Mapped[str | None] = mapped_column(String(16), index=True)
    learner: Mapped[str | None] = mapped_column(String(16))
    facts: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)


def deeds_for(
    session: Session,
    reader: Person | None,
    most: int,
    *,
    before: int | None = None,
    person: str | None = None,
    workshop: str | None = None,
) -> list[Deed]:
    """What was done, newest first.

    Args:
        session: where.
        reader: who reads: an owner all of it, others what they did and what was done in workshops
            of theirs; None is the command line, which reads all.
        most: how many.
        before: only those with a smaller id.
        person: only what they did.
        workshop: only what was done in it.
    """
    query = select(Deed).order_by(Deed.id.desc()).limit(most)
    if reader is not None and reader.role != Role.OWNER:
        query = query.where(_may_read(reader))
    if before is not None:
        query = query.where(Deed.id < before)
    if person is not None:
        query = query.where(Deed.person == person)
    if workshop is not None:
        query = query.where(Deed.workshop == workshop)
    return list(session.scalars(query))


def _may_read(reader: Person) -> ColumnElement[bool]:
    theirs = select(Workshop.public_id).where(Workshop.opened_by == reader.id)
    return (Deed.person == reader.public_id) | Deed.workshop.in_(theirs)


def forget_deeds(session: Session, moment: datetime) -> None:
    """Deletes what was done before that moment."""
    session.execute(delete(Deed).where(Deed.at < moment))
