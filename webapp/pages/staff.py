"""What the instructor's pages have in common: who asks, which workshop, what is said of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import request

from webapp import problems
from webapp.access import may_teach
from webapp.models.base import now
from webapp.models.people import count_admitted, learner_in
from webapp.models.workshops import workshop_by_public_id
from webapp.problems import Problem
from webapp.visitors import current_visitor
from webapp.wiring import wired
from webapp.workshops.address import Address, find_address
from webapp.workshops.opening import left_out
from webapp.workshops.times import clock_time, minutes_left

if TYPE_CHECKING:
    from typing import Any

    from sqlalchemy.orm import Session

    from webapp.models.people import Learner, Person
    from webapp.models.workshops import Workshop


def signed_in() -> Person:
    """Who teaches at this browser.

    Raises:
        Problem: `sign-in-needed`.
    """
    person = current_visitor().person
    if person is None:
        raise problems.sign_in_needed()
    return person


def own_workshop(public_id: str) -> tuple[Person, Workshop]:
    """Who asks, and the workshop of an address, if they may see it.

    Raises:
        Problem: `sign-in-needed`, `not-found`, `not-yours`.
    """
    person = signed_in()
    with wired().database.read() as session:
        workshop = workshop_by_public_id(session, public_id)
    if workshop is None:
        raise problems.not_found()
    if not may_teach(current_visitor(), workshop):
        raise problems.not_yours()
    return person, workshop


def own_learner(public_id: str, learner_id: str) -> tuple[Person, Workshop, Learner]:
    """Who asks, and the workshop and the learner of an address, if they may teach both.

    Raises:
        Problem: `sign-in-needed`, `not-found`, `not-yours`.
    """
    person, workshop = own_workshop(public_id)
    with wired().database.read() as session:
        learner = learner_in(session, workshop.id, learner_id)
    if learner is None:
        raise problems.not_found()
    return person, workshop, learner


def whole_number(field: str, label: str) -> int:
    """What stands in a field of the form that was sent.

    Raises:
        Problem: `bad-number`.
    """
    raw = request.form.get(field, "").strip()
    try:
        return int(raw[:9])
    except ValueError as error:
        raise Problem(
            "bad-number", f"{label} is “{raw[:20]}”.", "Type a whole number.", field=field
        ) from error


def card_of(session: Session, workshop: Workshop) -> dict[str, Any]:
    """What every page of the instructor's says of a workshop."""
    known = wired().library.lessons
    goes_on = workshop.ended_at is None and workshop.closes_at > now()
    return {
        "id": workshop.public_id,
        "title": workshop.title,
        "code": workshop.code,
        "state": "running" if goes_on else "ended",
        "is_demo": workshop.is_demo,
        "left_out": (
            [known[name].title for name in left_out(wired().library)] if workshop.is_demo else []
        ),
        "lessons": [known[name].title if name in known else name for name in workshop.lessons],
        "joined": count_admitted(session, workshop.id),
        "max_learners": workshop.max_learners,
        "internet": workshop.internet,
        "allowed": workshop.allowed,
        "in_machine": workshop.in_machine,
        "opened_at": workshop.opened_at,
        "opened": clock_time(workshop.opened_at),
        "ends": clock_time(workshop.ends_at),
        "until": workshop.ends_at.timestamp(),
        "is_over_time": workshop.is_over_time,
        "minutes": round((workshop.ends_at - workshop.starts_at).total_seconds() / 60),
        "minutes_left": minutes_left(workshop.ends_at, now()),
    }


def learners_address() -> Address:
    """Under which address learners reach this server, as far as this request shows."""
    settings = wired().settings
    listens_on = f"{settings.host}:{settings.port}"
    return find_address(settings.public_url, request.host_url, listens_on)
