"""A workshop: what is taught, to how many, until when, within which limits."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import JSON, BigInteger, ForeignKey, String, false, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from webapp.models.base import Base, PersonId, UtcTime, WorkshopId, now, public_name

if TYPE_CHECKING:
    from collections.abc import Sequence


PAUSE_MOST = timedelta(hours=12)
"""A workshop that nobody lets go on goes on by itself; until then its labs are kept."""


class Workshop(Base):
    """A class that an instructor opened.

    Attributes:
        lessons: names of lessons, in the order in which they are taught.
        opened_by: None when the command line or the server itself opened it; then every
            instructor's.
        ends_at: when labs end by themselves; the runtime knows it too.
        extra_minutes: the most that one learner was given beyond that.
        open_to: the last step that learners can open, `LESSON/NAME`; None where none is locked.
        brought_to: the step that everyone was brought to last, where who joins now begins; None:
            at the start.
        brought_by: who brought them.
        paused_at: since when all of it stands still; None while it goes on.
        paused_by: who paused it last.
        ended_at: when the workshop was over; None while it is open.
        overran_at: when its time was up while people worked, and it got some more; None where that
            wasn't, or somebody has decided since.
        is_end_final: somebody wanted it to end then, so no more time is given by itself.
        allowed: the only names that labs reach where `internet` is on; all, where there is none.
        is_demo: the server's own; it ends when a real one opens.
        own_figures: whether `free` and its like show the container's figures, by lxcfs, in place of
            the server's.
        recording: of terminals: `off`, `on`, or `kept` when the workshop is over.
        in_machine: each learner works in a machine of their own, behind a kernel of its own.
    """

    __tablename__ = "workshops"

    id: Mapped[WorkshopId] = mapped_column(primary_key=True)
    public_id: Mapped[str] = mapped_column(String(16), unique=True, default=public_name)
    code: Mapped[str] = mapped_column(String(7), index=True)
    title: Mapped[str] = mapped_column(String(200))
    lessons: Mapped[list[str]] = mapped_column(JSON)
    max_learners: Mapped[int]
    starts_at: Mapped[datetime] = mapped_column(UtcTime, default=now)
    ends_at: Mapped[datetime] = mapped_column(UtcTime)
    extra_minutes: Mapped[int] = mapped_column(default=0, server_default="0")
    internet: Mapped[bool]
    allowed: Mapped[list[str]] = mapped_column(JSON, default=list, server_default="[]")
    image: Mapped[str] = mapped_column(String(200))
    profile: Mapped[str] = mapped_column(String(40), default="plain")
    memory_bytes: Mapped[int] = mapped_column(BigInteger)
    pids: Mapped[int]
    cpu_cores: Mapped[float]
    opened_by: Mapped[PersonId | None] = mapped_column(ForeignKey("people.id"), index=True)
    opened_at: Mapped[datetime] = mapped_column(UtcTime, default=now)
    ended_at: Mapped[datetime | None] = mapped_column(UtcTime)
    open_to: Mapped[str | None] = mapped_column(String(200))
    brought_to: Mapped[str | None] = mapped_column(String(200))
    brought_by: Mapped[str] = mapped_column(String(32), default="", server_default="")
    paused_at: Mapped[datetime | None] = mapped_column(UtcTime)
    paused_by: Mapped[str] = mapped_column(String(32), default="", server_default="")
    overran_at: Mapped[datetime | None] = mapped_column(UtcTime)
    is_end_final: Mapped[bool] = mapped_column(default=False, server_default=false())
    is_demo: Mapped[bool] = mapped_column(default=False)
    recording: Mapped[str] = mapped_column(String(8), default="off", server_default="off")

    own_figures: Mapped[bool] = mapped_column(default=False, server_default=false())
    in_machine: Mapped[bool] = mapped_column(default=False, server_default=false())

    @property
    def limits(self) -> dict[str, int | float]:
        """What each learner's lab may use, as the runtime wants it said."""
        return {"memory_bytes": self.memory_bytes, "pids": self.pids, "cpu_cores": self.cpu_cores}

    @property
    def shape(self) -> dict[str, Any]:
        """What sort of lab its learners get, as the runtime wants it said."""
        return {
            "image": self.image,
            "profile": self.profile,
            "internet": self.internet,
            "allowed": self.allowed or None,
            "limits": self.limits,
            "own_figures": self.own_figures,
            "in_machine": self.in_machine,
        }

    @property
    def is_paused(self) -> bool:
        """Does all of it stand still?"""
        return self.paused_at is not None

    @property
    def moment(self) -> datetime:
        """Now, by its own clock, which stands still while it is paused."""
        return self.paused_at or now()

    @property
    def closes_at(self) -> datetime:
        """When it is over for everyone: for the class, and whoever was given more time."""
        return self.ends_at + timedelta(minutes=self.extra_minutes)

    @property
    def is_open(self) -> bool:
        """Has it begun, and is it not over for everyone?"""
        return self.ended_at is None and self.starts_at <= self.moment < self.closes_at

    @property
    def is_over_time(self) -> bool:
        """Has its time been up, and nobody has decided yet?"""
        return self.is_open and self.overran_at is not None and not self.is_end_final


def workshop_by_code(session: Session, code: str) -> Workshop | None:
    """The workshop that a code leads to: the one that isn't over, else the last that had it."""
    query = select(Workshop).where(Workshop.code == code)
    return session.scalar(
        query.order_by(Workshop.ended_at.is_(None).desc(), Workshop.id.desc()).limit(1)
    )


def workshop_by_public_id(session: Session, public_id: str) -> Workshop | None:
    """The workshop of an address of the instructor's pages."""
    return session.scalar(select(Workshop).where(Workshop.public_id == public_id))


def led_by(session: Session, person_id: PersonId) -> list[Workshop]:
    """What a person opened, or took over, newest first."""
    query = select(Workshop).where(Workshop.opened_by == person_id)
    return list(session.scalars(query.order_by(Workshop.id.desc())))


def running_workshops(session: Session) -> list[Workshop]:
    """All that aren't over, first opened first."""
    query = select(Workshop).where(Workshop.ended_at.is_(None))
    return list(session.scalars(query.order_by(Workshop.id)))


def workshops_to_end(session: Session) -> list[Workshop]:
    """Those whose time is up for everyone, and which nobody has ended yet."""
    return [each for each in _past_their_end(session) if each.closes_at <= each.moment]


def workshops_in_extra_time(session: Session) -> list[Workshop]:
    """Those whose time is up for the class, but not for everyone."""
    return [each for each in _past_their_end(session) if each.closes_at > each.moment]


def _past_their_end(session: Session) -> Sequence[Workshop]:
    query = select(Workshop).where(Workshop.ended_at.is_(None), Workshop.ends_at <= now())
    return session.scalars(query).all()


def workshops_about_to_end(session: Session, moment: datetime) -> list[Workshop]:
    """Those whose time, the first that they were given, is up by that moment.

    Demos never are, nor is a class that is paused.
    """
    query = select(Workshop).where(
        Workshop.ended_at.is_(None),
        Workshop.overran_at.is_(None),
        Workshop.is_end_final.is_(False),
        Workshop.is_demo.is_(False),
        Workshop.paused_at.is_(None),
        Workshop.ends_at <= moment,
    )
    return list(session.scalars(query))


def workshops_over_since(session: Session, moment: datetime) -> list[Workshop]:
    """Those that were over at that moment already."""
    return list(session.scalars(select(Workshop).where(Workshop.ended_at < moment)))


def all_workshops(session: Session) -> list[Workshop]:
    """Every workshop that is kept, newest first."""
    return list(session.scalars(select(Workshop).order_by(Workshop.id.desc())))
