"""Who may teach here: accounts, their one-time links and their passwords."""

from __future__ import annotations

import secrets
from datetime import timedelta
from typing import TYPE_CHECKING

import structlog
from sqlalchemy import delete, select

from webapp import problems
from webapp.models.base import now
from webapp.models.people import Browser, OneTimeLink, Person, remember_browser, token_hash
from webapp.problems import Problem
from webapp.workshops.joining import clean_name, name_key

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from webapp.models.database import Database
    from webapp.passwords import Passwords

log = structlog.get_logger()

LINK_LIFE = timedelta(days=3)
FIRST_NAME = "instructor"


def add_person(database: Database, raw_name: str) -> str:
    """Adds someone who teaches.

    Returns:
        The token of their one-time link.

    Raises:
        Problem: `person-exists`; as `clean_name`.
    """
    name = clean_name(raw_name)
    with database.write() as session:
        if person_called(session, name) is not None:
            raise Problem(
                "person-exists",
                f"There is already an instructor called {name}.",
                f"`./slipway person instructor reset {name}` makes a new one-time link.",
            )
        person = Person(name=name, name_key=name_key(name))
        session.add(person)
        session.flush()
        log.info("person.added", person=person.id)
        return _new_link(session, person)


def reset_person(database: Database, raw_name: str) -> str:
    """Makes a new one-time link; the password and every sign-in end at once.

    Returns:
        The token of the link.

    Raises:
        Problem: `person-unknown`.
    """
    with database.write() as session:
        person = person_called(session, raw_name)
        if person is None:
            known = ", ".join(session.scalars(select(Person.name).order_by(Person.name))) or "none"
            raise Problem(
                "person-unknown",
                f"There is no instructor called {raw_name[:80]}.",
                f"Those here: {known}.",
            )
        person.password_hash = None
        _sign_out_everywhere(session, person)
        session.execute(delete(OneTimeLink).where(OneTimeLink.person_id == person.id))
        log.info("person.reset", person=person.id)
        return _new_link(session, person)


def first_link(database: Database) -> str | None:
    """A link for the first instructor, until anyone teaches here; ends the link before it."""
    with database.read() as session:
        people = list(session.scalars(select(Person)))
    if any(each.password_hash or each.name != FIRST_NAME for each in people):
        return None
    return reset_person(database, FIRST_NAME) if people else add_person(database, FIRST_NAME)


def person_of_link(session: Session, token: str) -> Person:
    """Whose link this is, while it can be used.

    Raises:
        Problem: `link-used`.
    """
    link = session.scalar(select(OneTimeLink).where(OneTimeLink.token_hash == token_hash(token)))
    if link is None or link.used_at is not None or link.expires_at <= now():
        raise problems.link_used()
    return session.get_one(Person, link.person_id)


def follow_link(database: Database, passwords: Passwords, token: str, password: str) -> str:
    """Sets the password of the link's person, uses the link up, and signs the browser in.

    Returns:
        The token for the browser's cookie.

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
        return remember_browser(session, person_id=person.id)


def sign_in(database: Database, passwords: Passwords, raw_name: str, password: str) -> str:
    """Signs a browser in by name and password.

    Returns:
        The token for the browser's cookie.

    Raises:
        Problem: `sign-in-wrong`, which doesn't say whether the name is known; that takes as long to
            find out.
    """
    with database.read() as session:
        person = person_called(session, raw_name)
    if not passwords.is_right(person.password_hash if person else None, password) or person is None:
        raise problems.sign_in_wrong()
    with database.write() as session:
        return remember_browser(session, person_id=person.id)


def person_called(session: Session, raw_name: str) -> Person | None:
    """The instructor of that name; case is forgiven."""
    return session.scalar(select(Person).where(Person.name_key == name_key(raw_name.strip())[:128]))


def _new_link(session: Session, person: Person) -> str:
    token = secrets.token_urlsafe(32)
    session.add(
        OneTimeLink(token_hash=token_hash(token), person_id=person.id, expires_at=now() + LINK_LIFE)
    )
    return token


def _sign_out_everywhere(session: Session, person: Person) -> None:
    session.execute(delete(Browser).where(Browser.person_id == person.id))
