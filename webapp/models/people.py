"""Who is here.

People who teach, learners of one workshop, and the browsers that they are known by.
"""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import (
    JSON,
    CheckConstraint,
    ColumnElement,
    ForeignKey,
    String,
    Text,
    UniqueConstraint,
    func,
    select,
)
from sqlalchemy.orm import Mapped, Session, mapped_column

from webapp.models.base import Base, LearnerId, PersonId, UtcTime, WorkshopId, now, public_name
from webapp.models.workshops import PAUSE_MOST, Workshop

_WATCHES = "person-"
SIGN_IN_LIFE = timedelta(days=30)
"""A sign-in that nobody used for so long is over."""


class Role(StrEnum):
    """What an account is for; docs/security.md has the table of what each may (access.py)."""

    OWNER = "owner"
    INSTRUCTOR = "instructor"
    ASSISTANT = "assistant"


class Person(Base):
    """Someone with an account, who teaches or helps.

    Attributes:
        public_id: what addresses and the audit log call them by; never given twice.
        role: a `Role`.
        password_hash: argon2's; None until the one-time link was followed.
    """

    __tablename__ = "people"

    id: Mapped[PersonId] = mapped_column(primary_key=True)
    public_id: Mapped[str] = mapped_column(String(16), unique=True, index=True, default=public_name)
    role: Mapped[str] = mapped_column(
        String(12), default=Role.INSTRUCTOR.value, server_default=Role.INSTRUCTOR.value
    )
    name: Mapped[str] = mapped_column(String(32))
    name_key: Mapped[str] = mapped_column(String(128), unique=True)
    password_hash: Mapped[str | None] = mapped_column(String(200))
    created_at: Mapped[datetime] = mapped_column(UtcTime, default=now)

    def watch_id(self, sign_in: int) -> str:
        """Under which the pump knows whoever teaches and looks; a learner by their public id."""
        return f"{_WATCHES}{self.id}-{sign_in}"


class Learner(Base):
    """One person's place in one workshop. The name is only shown: nothing is found or named by it.

    Attributes:
        name_key: the name as it is compared (normal form, case folded).
        number: 1 for the first of that name, 2 for `otter 2`.
        attempt: the form's random value, so that a second press of Join finds the first one's
            learner.
        pin_turn: counts up when an instructor hands out another PIN, which ends the one before.
        admitted_at: None while waiting in line.
        lined_up_at: since when in line; None for one whose unused lab gave way, until they come
            back.
        is_staff: an instructor who tries the workshop; not counted as a learner.
        terminal_names: what they call the terminals of their lab, by `LAB.NAME`.
        begins_with: the step that a lab made for them begins at, because the class, or they alone,
            were brought there when they had none, or they want it anew; None: an empty one.
        is_being_set_up: their lab is not yet as that step begins. Kept before it is made, so that a
            server that begins anew knows of it.
        extra_minutes: how much more time they have than the class.
        private_note: what those who teach the workshop note for themselves; no learner sees it.
        certificate_id: what its address shows; None before they wanted one.
        certificate_name: the name that it bears, which is theirs to choose.
    """

    __tablename__ = "learners"
    __table_args__ = (UniqueConstraint("workshop_id", "name_key", "number"),)

    id: Mapped[LearnerId] = mapped_column(primary_key=True)
    public_id: Mapped[str] = mapped_column(String(16), unique=True, default=public_name)
    workshop_id: Mapped[WorkshopId] = mapped_column(ForeignKey("workshops.id"), index=True)
    name: Mapped[str] = mapped_column(String(32))
    name_key: Mapped[str] = mapped_column(String(128))
    number: Mapped[int] = mapped_column(default=1)
    attempt: Mapped[str] = mapped_column(String(64), unique=True, default=public_name)
    pin_turn: Mapped[int] = mapped_column(default=0)
    joined_at: Mapped[datetime] = mapped_column(UtcTime, default=now)
    admitted_at: Mapped[datetime | None] = mapped_column(UtcTime)
    lined_up_at: Mapped[datetime | None] = mapped_column(UtcTime, default=now)
    is_staff: Mapped[bool] = mapped_column(default=False)
    terminal_names: Mapped[dict[str, str]] = mapped_column(JSON, default=dict, server_default="{}")
    begins_with: Mapped[str | None] = mapped_column(String(200))
    is_being_set_up: Mapped[bool] = mapped_column(default=False, server_default="0")
    extra_minutes: Mapped[int] = mapped_column(default=0, server_default="0")
    private_note: Mapped[str] = mapped_column(Text, default="", server_default="")
    certificate_id: Mapped[str | None] = mapped_column(String(16), unique=True, index=True)
    certificate_name: Mapped[str] = mapped_column(String(64), default="", server_default="")

    @property
    def shown_name(self) -> str:
        """The name as the class sees it; the second otter is `otter 2`."""
        return self.name if self.number == 1 else f"{self.name} {self.number}"

    @property
    def lab_key(self) -> str:
        """Under which the runtime makes this learner's lab, once however often it is asked."""
        return f"learner-{self.id}"

    def ends_at(self, workshop: Workshop) -> datetime:
        """When their workshop is over for them."""
        return workshop.ends_at + timedelta(minutes=self.extra_minutes)

    def has_time(self, workshop: Workshop) -> bool:
        """Has their workshop begun, and is it not over for them?"""
        return workshop.is_open and workshop.moment < self.ends_at(workshop)

    def kept_until(self, workshop: Workshop) -> datetime:
        """Until when their lab and its terminals last by themselves, whatever becomes of us."""
        return self.ends_at(workshop) + (PAUSE_MOST if workshop.is_paused else timedelta())


def begin_set_up(session: Session, learner_id: LearnerId, step_id: str | None = None) -> None:
    """Keeps that a learner's lab isn't ready before `end_set_up`; gone learners are passed over.

    Args:
        session: whose transaction it is kept by.
        learner_id: whose.
        step_id: where the lab shall begin, unless that is known.
    """
    if (learner := session.get(Learner, learner_id)) is not None:
        learner.is_being_set_up = True
        learner.begins_with = step_id or learner.begins_with


def end_set_up(session: Session, learner_id: LearnerId) -> None:
    """Keeps that a learner's lab is theirs to work in, however that went."""
    if (learner := session.get(Learner, learner_id)) is not None:
        learner.is_being_set_up, learner.begins_with = False, None


def being_set_up(session: Session) -> list[LearnerId]:
    """Whose labs aren't ready yet."""
    return list(session.scalars(select(Learner.id).where(Learner.is_being_set_up)))


class Browser(Base):
    """A browser that is signed in, as a person or as a learner. Deleting the row signs it out.

    Attributes:
        token_hash: SHA-256 of the cookie; the cookie itself is kept nowhere.
        seen_at: of a person's: when they last asked for anything, to some minutes.
        agent: of a person's: which browser it says it is, in a few words.
    """

    __tablename__ = "browsers"
    __table_args__ = (
        CheckConstraint("(person_id IS NULL) <> (learner_id IS NULL)", name="one_owner"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    person_id: Mapped[PersonId | None] = mapped_column(ForeignKey("people.id"), index=True)
    learner_id: Mapped[LearnerId | None] = mapped_column(ForeignKey("learners.id"), index=True)
    created_at: Mapped[datetime] = mapped_column(UtcTime, default=now)
    seen_at: Mapped[datetime | None] = mapped_column(UtcTime)
    agent: Mapped[str] = mapped_column(String(60), default="", server_default="")


class Assistance(Base):
    """A workshop that was given to somebody to help in."""

    __tablename__ = "assistances"

    workshop_id: Mapped[WorkshopId] = mapped_column(ForeignKey("workshops.id"), primary_key=True)
    person_id: Mapped[PersonId] = mapped_column(
        ForeignKey("people.id"), primary_key=True, index=True
    )


class OneTimeLink(Base):
    """A way in that works once: with it a person sets a password."""

    __tablename__ = "one_time_links"

    id: Mapped[int] = mapped_column(primary_key=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    person_id: Mapped[PersonId] = mapped_column(ForeignKey("people.id"), index=True)
    expires_at: Mapped[datetime] = mapped_column(UtcTime)
    used_at: Mapped[datetime | None] = mapped_column(UtcTime)


class WayBack(Base):
    """A way back to a learner's place that works once, handed out by whoever teaches."""

    __tablename__ = "ways_back"

    id: Mapped[int] = mapped_column(primary_key=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    learner_id: Mapped[LearnerId] = mapped_column(ForeignKey("learners.id"), index=True)
    expires_at: Mapped[datetime] = mapped_column(UtcTime)
    used_at: Mapped[datetime | None] = mapped_column(UtcTime)


def token_hash(token: str) -> str:
    """What the database keeps of a secret.

    Plain SHA-256: the tokens have 256 bits, nobody tries them all.
    """
    return hashlib.sha256(token.encode()).hexdigest()


def remember_browser(
    session: Session,
    *,
    person_id: PersonId | None = None,
    learner_id: LearnerId | None = None,
    agent: str = "",
) -> str:
    """Signs a browser in; gives the token for its cookie."""
    token = secrets.token_urlsafe(32)
    session.add(
        Browser(
            token_hash=token_hash(token),
            person_id=person_id,
            learner_id=learner_id,
            seen_at=None if person_id is None else now(),
            agent=agent,
        )
    )
    return token


def learner_by_cookie(session: Session, token: str) -> Learner | None:
    """Whose browser sends this cookie?"""
    return session.scalar(
        select(Learner)
        .join(Browser, Browser.learner_id == Learner.id)
        .where(Browser.token_hash == token_hash(token))
    )


def sign_in_by_cookie(session: Session, token: str) -> tuple[Person, Browser] | None:
    """Who teaches at the browser that sends this cookie, while that sign-in is good?"""
    return _sign_in(session, Browser.token_hash == token_hash(token))


def sign_in_by_id(
    session: Session, browser_id: int, person_id: PersonId
) -> tuple[Person, Browser] | None:
    """This sign-in of a person's, while it is good. Numbers of ended ones are given again."""
    return _sign_in(session, (Browser.id == browser_id) & (Browser.person_id == person_id))


def _sign_in(session: Session, which: ColumnElement[bool]) -> tuple[Person, Browser] | None:
    query = select(Person, Browser).join(Browser, Browser.person_id == Person.id)
    row = session.execute(query.where(which, _is_good())).one_or_none()
    return None if row is None else (row[0], row[1])


def _is_good() -> ColumnElement[bool]:
    return func.coalesce(Browser.seen_at, Browser.created_at) > now() - SIGN_IN_LIFE


def sign_ins_of(session: Session, person_id: PersonId) -> list[Browser]:
    """Every browser that a person is signed in at, the one that was used last first."""
    query = select(Browser).where(Browser.person_id == person_id, _is_good())
    return list(session.scalars(query.order_by(Browser.seen_at.desc(), Browser.id.desc())))


def assisted_by(session: Session, person_id: PersonId) -> frozenset[WorkshopId]:
    """The workshops that were given to a person to help in."""
    query = select(Assistance.workshop_id).where(Assistance.person_id == person_id)
    return frozenset(session.scalars(query))


def assistants_of(session: Session, workshop_id: WorkshopId) -> list[Person]:
    """Whom a workshop was given to, by name."""
    query = select(Person).join(Assistance, Assistance.person_id == Person.id)
    return list(
        session.scalars(query.where(Assistance.workshop_id == workshop_id).order_by(Person.name))
    )


def workshops_for(session: Session, person: Person) -> list[Workshop]:
    """What a person's list shows, newest first; a workshop is on it if `access.may_help` says so.

    An owner's are all. An instructor's are their own, and those that nobody in particular opened;
    and whose ever they are, those that were given to them.
    """
    query = select(Workshop).order_by(Workshop.id.desc())
    given = Workshop.id.in_(assisted_by(session, person.id))
    if person.role == Role.ASSISTANT:
        query = query.where(given)
    elif person.role != Role.OWNER:
        own = (Workshop.opened_by == person.id) | Workshop.opened_by.is_(None)
        query = query.where(own | given)
    return list(session.scalars(query))


def all_people(session: Session) -> list[Person]:
    """Everyone with an account, by name."""
    return list(session.scalars(select(Person).order_by(Person.name_key)))


def person_by_public_id(session: Session, public_id: str) -> Person | None:
    """Whose address this is."""
    return session.scalar(select(Person).where(Person.public_id == public_id))


def learner_by_public_id(session: Session, public_id: str) -> Learner | None:
    """Whose public name is this?"""
    return session.scalar(select(Learner).where(Learner.public_id == public_id))


def learner_by_certificate(session: Session, certificate_id: str) -> Learner | None:
    """Whose certificate has this address?"""
    return session.scalar(select(Learner).where(Learner.certificate_id == certificate_id))


def is_signed_in(session: Session, learner: Learner) -> bool:
    """Does any browser know them?"""
    query = select(Browser.id).where(Browser.learner_id == learner.id).limit(1)
    return session.scalar(query) is not None


def learner_with_key(session: Session, lab_key: str) -> Learner | None:
    """Whose lab this key names."""
    number = lab_key.removeprefix("learner-")
    return session.get(Learner, int(number)) if number.isdecimal() else None


def learners_called(session: Session, workshop_id: WorkshopId, name_key: str) -> list[Learner]:
    """Everyone of that name in the workshop, first come first."""
    query = select(Learner).where(Learner.workshop_id == workshop_id, Learner.name_key == name_key)
    return list(session.scalars(query.order_by(Learner.number)))


def watcher_of(opaque: str) -> PersonId | None:
    """Which person the pump knows by this id; None where it is a learner's."""
    number = opaque.removeprefix(_WATCHES).partition("-")[0]
    is_person = opaque.startswith(_WATCHES) and number.isdecimal()
    return PersonId(int(number)) if is_person else None


def watching_sign_in(opaque: str) -> int | None:
    """By which sign-in that person came; None where it isn't known."""
    number = opaque.removeprefix(_WATCHES).partition("-")[2]
    return int(number) if opaque.startswith(_WATCHES) and number.isdecimal() else None


def learner_in(session: Session, workshop_id: WorkshopId, public_id: str) -> Learner | None:
    """The learner of an address, if they are in that workshop."""
    query = select(Learner).where(Learner.workshop_id == workshop_id)
    return session.scalar(query.where(Learner.public_id == public_id))


def learners_of(session: Session, workshop_id: WorkshopId, after: int = 0) -> list[Learner]:
    """The roster, in the order of joining: all of it, or who came after a learner's id."""
    query = select(Learner).where(Learner.workshop_id == workshop_id, Learner.id > after)
    return list(session.scalars(query.order_by(Learner.id)))


def waiting_learners(session: Session) -> list[Learner]:
    """The line of all open workshops, first come first."""
    query = (
        select(Learner)
        .join(Workshop, Workshop.id == Learner.workshop_id)
        .where(
            Learner.admitted_at.is_(None),
            Learner.lined_up_at.is_not(None),
            Workshop.ended_at.is_(None),
        )
    )
    return list(session.scalars(query.order_by(Learner.lined_up_at, Learner.id)))


def count_admitted(session: Session, workshop_id: WorkshopId) -> int:
    """How many places of the workshop are taken. An instructor who tries it takes none."""
    query = (
        select(func.count())
        .select_from(Learner)
        .where(
            Learner.workshop_id == workshop_id,
            Learner.admitted_at.is_not(None),
            Learner.is_staff.is_(False),
        )
    )
    return session.scalar(query) or 0
