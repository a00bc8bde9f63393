"""Who may what. Asked by pages and sockets alike; knows no HTTP, and asks the database nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from webapp.models.people import Role
from webapp.problems import not_joined, workshop_over

if TYPE_CHECKING:
    from webapp.models.base import WorkshopId
    from webapp.models.people import Learner, Person
    from webapp.models.workshops import Workshop


@dataclass(frozen=True)
class Visitor:
    """Who a browser is signed in as. An instructor who tries a workshop is both at once.

    Attributes:
        workshop: the learner's.
        assists: the workshops that were given to the person to help in.
        sign_in: the person's at this browser, by its number.
    """

    person: Person | None = None
    learner: Learner | None = None
    workshop: Workshop | None = None
    assists: frozenset[WorkshopId] = frozenset()
    sign_in: int | None = None


NOBODY = Visitor()


def may_invite(visitor: Visitor) -> bool:
    """May they say who has an account, and what it is for? Owners may."""
    return visitor.person is not None and visitor.person.role == Role.OWNER


def may_open(visitor: Visitor) -> bool:
    """May they open workshops, and look after images and the server? All but assistants may."""
    return visitor.person is not None and visitor.person.role in (Role.OWNER, Role.INSTRUCTOR)


def may_teach(visitor: Visitor, workshop: Workshop) -> bool:
    """May they lead this workshop: change it, end it? Its own instructor may, and an owner.

    All instructors may where nobody in particular opened it.
    """
    person = visitor.person
    if person is None or not may_open(visitor):
        return False
    return person.role == Role.OWNER or workshop.opened_by in (None, person.id)


def may_help(visitor: Visitor, workshop: Workshop) -> bool:
    """May they see its wall and help its learners? Who leads it may, and whom it was given to."""
    return may_teach(visitor, workshop) or workshop.id in visitor.assists


def may_learn(visitor: Visitor) -> bool:
    """Do they have a place in a workshop that goes on? Waiting in line is one."""
    learner, workshop = visitor.learner, visitor.workshop
    return learner is not None and workshop is not None and learner.has_time(workshop)


def as_learner(visitor: Visitor) -> tuple[Learner, Workshop]:
    """Who learns, and where.

    Raises:
        Problem: `not-joined`, `workshop-over`.
    """
    if visitor.learner is None or visitor.workshop is None:
        raise not_joined()
    if not may_learn(visitor):
        raise workshop_over(visitor.workshop.title)
    return visitor.learner, visitor.workshop


def may_type(visitor: Visitor, lab_key: str) -> bool:
    """May they type into this lab's terminals? Only its learner may, while the workshop goes on."""
    return may_learn(visitor) and visitor.learner is not None and visitor.learner.lab_key == lab_key


def may_watch(visitor: Visitor, lab_key: str, workshop: Workshop | None) -> bool:
    """May they see this lab's terminals? Its learner may, and who helps in its workshop.

    Args:
        visitor: who asks.
        lab_key: whose lab it is.
        workshop: the one that the lab belongs to; None where it belongs to none.
    """
    if may_type(visitor, lab_key):
        return True
    return workshop is not None and may_help(visitor, workshop)
