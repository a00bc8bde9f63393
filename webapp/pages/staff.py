"""What the instructor's pages have in common: who asks, which workshop, what is said of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import request

from webapp import problems
from webapp.access import may_help, may_invite, may_open, may_teach
from webapp.models.people import Person, count_admitted, learner_in
from webapp.models.workshops import workshop_by_public_id
from webapp.problems import Problem
from webapp.visitors import current_visitor
from webapp.wiring import wired
from webapp.workshops.address import Address, find_address
from webapp.workshops.opening import left_out
from webapp.workshops.times import clock_time, day_time, minutes_left

if TYPE_CHECKING:
    from typing import Any

    from flask import Flask
    from sqlalchemy.orm import Session

    from webapp.models.people import Learner
    from webapp.models.workshops import Workshop


class Mays:
    """What whoever asks may beside their workshops; looked at only by pages that ask."""

    @property
    def open(self) -> bool:
        """As `access.may_open`."""
        return may_open(current_visitor())

    @property
    def invite(self) -> bool:
        """As `access.may_invite`."""
        return may_invite(current_visitor())


def init_staff(app: Flask) -> None:
    """Lets each template know what its reader may, and say when something was."""
    app.jinja_env.globals["i_may"] = Mays()
    app.jinja_env.filters["moment"] = day_time


def signed_in() -> Person:
    """Who teaches at this browser.

    Raises:
        Problem: `sign-in-needed`.
    """
    person = current_visitor().person
    if person is None:
        raise problems.sign_in_needed()
    return person


def instructor() -> Person:
    """Who opens workshops at this browser; no assistant.

    Raises:
        Problem: `sign-in-needed`, `role-lacking`.
    """
    person = signed_in()
    if not may_open(current_visitor()):
        raise problems.role_lacking("instructors", person.role)
    return person


def owner() -> Person:
    """Who looks after the accounts of this server, at this browser.

    Raises:
        Problem: `sign-in-needed`, `role-lacking`.
    """
    person = signed_in()
    if not may_invite(current_visitor()):
        raise problems.role_lacking("owners", person.role)
    return person


def own_workshop(public_id: str) -> tuple[Person, Workshop]:
    """Who asks, and the workshop of an address, if they lead it: what changes or ends it asks so.

    Raises:
        Problem: `sign-in-needed`, `not-found`, `not-yours`, `role-lacking`.
    """
    person, workshop = helped_workshop(public_id)
    if not may_teach(current_visitor(), workshop):
        raise problems.role_lacking("whoever leads the workshop", "assistant")
    return person, workshop


def helped_workshop(public_id: str) -> tuple[Person, Workshop]:
    """Who asks, and the workshop of an address, if they may at least help in it.

    Raises:
        Problem: `sign-in-needed`, `not-found`, `not-yours`.
    """
    person = signed_in()
    with wired().database.read() as session:
        workshop = workshop_by_public_id(session, public_id)
    if workshop is None:
        raise problems.not_found()
    if not may_help(current_visitor(), workshop):
        raise problems.not_yours()
    return person, workshop


def own_learner(public_id: str, learner_id: str) -> tuple[Person, Workshop, Learner]:
    """Who asks, and the workshop and the learner of an address, if they lead it.

    Raises:
        Problem: as `own_workshop`.
    """
    person, workshop = own_workshop(public_id)
    return person, workshop, _learner(workshop, learner_id)


def helped_learner(public_id: str, learner_id: str) -> tuple[Person, Workshop, Learner]:
    """Who asks, and the workshop and the learner of an address, if they may at least help there.

    Raises:
        Problem: as `helped_workshop`.
    """
    person, workshop = helped_workshop(public_id)
    return person, workshop, _learner(workshop, learner_id)


def _learner(workshop: Workshop, learner_id: str) -> Learner:
    with wired().database.read() as session:
        learner = learner_in(session, workshop.id, learner_id)
    if learner is None:
        raise problems.not_found()
    return learner


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
    goes_on = workshop.ended_at is None and workshop.closes_at > workshop.moment
    return {
        "id": workshop.public_id,
        "title": workshop.title,
        "code": workshop.code,
        "state": "running" if goes_on else "ended",
        "leads": may_teach(current_visitor(), workshop),
        "by": _opener(session, workshop),
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
        "minutes_left": minutes_left(workshop.ends_at, workshop.moment),
        "paused": workshop.paused_at.timestamp() if goes_on and workshop.paused_at else 0,
    }


def _opener(session: Session, workshop: Workshop) -> str:
    """Who opened it, where that is somebody else than who reads."""
    person = current_visitor().person
    if workshop.opened_by is None or (person and workshop.opened_by == person.id):
        return ""
    return session.get_one(Person, workshop.opened_by).name


def learners_address() -> Address:
    """Under which address learners reach this server, as far as this request shows."""
    settings = wired().settings
    listens_on = f"{settings.host}:{settings.port}"
    return find_address(settings.public_url, request.host_url, listens_on)
