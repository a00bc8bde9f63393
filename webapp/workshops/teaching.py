"""Who teaches and helps here: accounts, what each is for, their one-time links and passwords."""

from __future__ import annotations

import secrets
from datetime import timedelta
from typing import TYPE_CHECKING

import structlog
from sqlalchemy import delete, select

from webapp import problems
from webapp.models.base import now
from webapp.models.people import (
    Assistance,
    Browser,
    OneTimeLink,
    Person,
    Role,
    all_people,
    remember_browser,
    token_hash,
)
from webapp.models.workshops import Workshop
from webapp.problems import Problem
from webapp.workshops.joining import clean_name, name_key

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from webapp.models.base import PersonId
    from webapp.models.database import Database
    from webapp.passwords import Passwords

log = structlog.get_logger()

LINK_LIFE = timedelta(days=3)
FIRST_NAME = "instructor"


def add_person(database: Database, raw_name: str, raw_role: str = Role.INSTRUCTOR) -> str:
    """Adds somebody who teaches or helps.

    Returns:
        The token of their one-time link.

    Raises:
        Problem: `person-exists`, `role-unknown`; as `clean_name`.
    """
    name, role = clean_name(raw_name), _role(raw_role)
    with database.write() as session:
        if person_called(session, name) is not None:
            raise Problem(
                "person-exists",
                f"There is already somebody called {name}.",
                f"A new one-time link for them: on the page People, or `./slipway person reset "
                f"{name}`.",
            )
        person = Person(name=name, name_key=name_key(name), role=role)
        session.add(person)
        session.flush()
        log.info("person.added", person=person.id, role=role)
        return _new_link(session, person)


def reset_person(database: Database, raw_name: str) -> str:
    """Makes a new one-time link; the password and every sign-in end at once.

    Returns:
        The token of the link.

    Raises:
        Problem: `person-unknown`.
    """
    with database.write() as session:
        person = require_person(session, raw_name)
        person.password_hash = None
        _sign_out_everywhere(session, person)
        session.execute(delete(OneTimeLink).where(OneTimeLink.person_id == person.id))
        log.info("person.reset", person=person.id)
        return _new_link(session, person)


def set_role(database: Database, raw_name: str, raw_role: str) -> str:
    """Makes somebody an owner, an instructor or an assistant, from their next request on.

    Returns:
        The role that they had.

    Raises:
        Problem: `person-unknown`, `role-unknown`, `owner-last`.
    """
    role = _role(raw_role)
    with database.write() as session:
        person = require_person(session, raw_name)
        before = person.role
        if role != Role.OWNER:
            _require_other_owner(session, person)
        person.role = role
        log.info("person.set_role", person=person.id, role=role)
    return before


def remove_person(database: Database, raw_name: str, heir: PersonId | None = None) -> int:
    """Removes an account; its sign-ins and links end at once.

    Args:
        database: where.
        raw_name: whose.
        heir: who leads their workshops from now on; else the owner who was here first.

    Returns:
        How many workshops somebody else leads now.

    Raises:
        Problem: `person-unknown`, `owner-last`, `owner-none`.
    """
    with database.write() as session:
        person = require_person(session, raw_name)
        _require_other_owner(session, person)
        theirs = list(session.scalars(select(Workshop).where(Workshop.opened_by == person.id)))
        if theirs and heir is None:
            heir = _first_owner(session, person)
        for workshop in theirs:
            workshop.opened_by = heir
        for table in (Assistance, OneTimeLink, Browser):
            session.execute(delete(table).where(table.person_id == person.id))
        session.delete(person)
        log.info("person.removed", person=person.id, workshops=len(theirs))
    return len(theirs)


def first_link(database: Database) -> str | None:
    """A link for the first owner, until anyone teaches here; ends the link before it."""
    with database.read() as session:
        people = all_people(session)
    if any(each.password_hash or each.name != FIRST_NAME for each in people):
        return None
    if people:
        return reset_person(database, FIRST_NAME)
    return add_person(database, FIRST_NAME, Role.OWNER)


def person_of_link(session: Session, token: str) -> Person:
    """Whose link this is, while it can be used.

    Raises:
        Problem: `link-used`.
    """
    link = session.scalar(select(OneTimeLink).where(OneTimeLink.token_hash == token_hash(token)))
    if link is None or link.used_at is not None or link.expires_at <= now():
        raise problems.link_used()
    return session.get_one(Person, link.person_id)


def follow_link(
    database: Database, passwords: Passwords, token: str, password: str, agent: str = ""
) -> tuple[Person, str]:
    """Sets the password of the link's person, uses the link up, and signs the browser in.

    Returns:
        Who, and the token for the browser's cookie.

    Raises:
        Problem: `link-used`, `password-short`, `password-long`.
    """
    with database.read() as session:
        person_of_link(session, token)
    hashed = passwords.hash(password)  # takes long: not while writing
    with database.write() as session:
        person = person_of_link(session, token)
        person.password_hash = hashed
        link = session.scalars(
            select(OneTimeLink).where(OneTimeLink.token_hash == token_hash(token))
        ).one()
        link.used_at = now()
        log.info("person.set_password", person=person.id)
        return person, remember_browser(session, person_id=person.id, agent=agent)


def sign_in(
    database: Database, passwords: Passwords, raw_name: str, password: str, agent: str = ""
) -> tuple[Person, str]:
    """Signs a browser in by name and password.

    Returns:
        Who, and the token for the browser's cookie.

    Raises:
        Problem: `sign-in-wrong`, which doesn't say whether the name is known; that takes as long to
            find out.
    """
    with database.read() as session:
        person = person_called(session, raw_name)
    if not passwords.is_right(person.password_hash if person else None, password) or person is None:
        raise problems.sign_in_wrong()
    with database.write() as session:
        kept = session.get(Person, person.id)
        if kept is None or kept.password_hash != person.password_hash:  # reset while we hashed
            raise problems.sign_in_wrong()
        return person, remember_browser(session, person_id=person.id, agent=agent)


def change_password(
    database: Database, passwords: Passwords, person_id: PersonId, was: str, password: str
) -> None:
    """Sets another password, for who knows the one there is.

    Raises:
        Problem: `password-wrong`, `password-short`, `password-long`.
    """
    with database.read() as session:
        before = session.get_one(Person, person_id).password_hash
    if not passwords.is_right(before, was):
        raise Problem(
            "password-wrong",
            "That isn't the password you have now.",
            "Type it again; an owner of this server can make you a new one-time link.",
            field="now",
        )
    hashed = passwords.hash(password)
    with database.write() as session:
        person = session.get(Person, person_id)
        if person is None or person.password_hash != before:  # removed or reset while we hashed
            raise problems.sign_in_needed()
        person.password_hash = hashed
    log.info("person.set_password", person=person_id)


def person_called(session: Session, raw_name: str) -> Person | None:
    """Whoever has that name; case is forgiven."""
    return session.scalar(select(Person).where(Person.name_key == name_key(raw_name.strip())))


def require_person(session: Session, raw_name: str) -> Person:
    """Whoever has that name.

    Raises:
        Problem: `person-unknown`, which names those here.
    """
    person = person_called(session, raw_name)
    if person is None:
        known = ", ".join(each.name for each in all_people(session)) or "none"
        raise Problem(
            "person-unknown",
            f"There is nobody called {raw_name[:80]} who teaches here.",
            f"Those here: {known}.",
        )
    return person


def end_sign_ins(
    database: Database, person_id: PersonId, only: int | None = None, keep: int | None = None
) -> int:
    """Ends sign-ins of one person: their cookies are worth nothing from now on.

    Args:
        database: where.
        person_id: whose.
        only: this browser's; one of somebody else's stays.
        keep: all but this browser's.

    Returns:
        How many were ended.
    """
    ended = delete(Browser).where(Browser.person_id == person_id)
    if only is not None:
        ended = ended.where(Browser.id == only)
    if keep is not None:
        ended = ended.where(Browser.id != keep)
    with database.write() as session:
        count = len(list(session.scalars(ended.returning(Browser.id))))
    log.info("person.signed_out", person=person_id, browsers=count)
    return count


def assist(database: Database, workshop: Workshop, raw_name: str) -> Person:
    """Gives a workshop to somebody, who from now on sees its wall and helps in it.

    Raises:
        Problem: `person-unknown`.
    """
    with database.write() as session:
        person = require_person(session, raw_name)
        session.merge(Assistance(workshop_id=workshop.id, person_id=person.id))
    log.info("workshop.given", workshop=workshop.id, person=person.id)
    return person


def assist_no_more(database: Database, workshop: Workshop, raw_name: str) -> Person:
    """Takes a workshop back from somebody who helped in it.

    Raises:
        Problem: `person-unknown`.
    """
    with database.write() as session:
        person = require_person(session, raw_name)
        session.execute(
            delete(Assistance).where(
                Assistance.workshop_id == workshop.id, Assistance.person_id == person.id
            )
        )
    log.info("workshop.taken_back", workshop=workshop.id, person=person.id)
    return person


def _role(raw: str) -> Role:
    try:
        return Role(raw)
    except ValueError as error:
        raise Problem(
            "role-unknown",
            f"There is no role called {raw[:40]}.",
            f"Roles: {', '.join(Role)}.",
            field="role",
        ) from error


def _require_other_owner(session: Session, person: Person) -> None:
    owners = list(session.scalars(select(Person.id).where(Person.role == Role.OWNER)))
    if owners == [person.id]:
        raise problems.owner_last(person.name)


def _first_owner(session: Session, leaving: Person) -> PersonId:
    query = select(Person.id).where(Person.role == Role.OWNER, Person.id != leaving.id)
    found = session.scalar(query.order_by(Person.id).limit(1))
    if found is None:
        raise problems.owner_none(leaving.name)
    return found


def _new_link(session: Session, person: Person) -> str:
    token = secrets.token_urlsafe(32)
    session.add(
        OneTimeLink(token_hash=token_hash(token), person_id=person.id, expires_at=now() + LINK_LIFE)
    )
    return token


def _sign_out_everywhere(session: Session, person: Person) -> None:
    session.execute(delete(Browser).where(Browser.person_id == person.id))
