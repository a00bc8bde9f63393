"""Whose browser is this? Cookies in, a Visitor out; for pages and sockets alike."""

from __future__ import annotations

import secrets
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from itertools import product
from typing import TYPE_CHECKING, cast

from flask import g, request
from flask.sessions import SecureCookieSessionInterface
from typing_extensions import override

from webapp.access import NOBODY, Visitor
from webapp.crowd import HELD
from webapp.models.base import now
from webapp.models.people import (
    Browser,
    assisted_by,
    learner_by_cookie,
    sign_in_by_cookie,
    sign_in_by_id,
)
from webapp.models.workshops import Workshop
from webapp.preview.address import bare
from webapp.problems import Problem
from webapp.wiring import wired

if TYPE_CHECKING:
    from flask import Flask
    from flask import Response as FlaskResponse
    from sqlalchemy.orm import Session
    from werkzeug.wrappers import Response

    from webapp.crowd import Held
    from webapp.models.base import PersonId
    from webapp.models.people import Person

PERSON_COOKIE = "slipway_person"
LEARNER_COOKIE = "slipway_learner"
BROWSER_COOKIE = "slipway_browser"
COOKIE_AGE_S = 90 * 24 * 3600
SEEN_EVERY = timedelta(minutes=5)
"""So exactly it is kept when a sign-in was used last: a row that is written costs a disk's turn."""
_DEPTH_MOST = 4  # no page of ours lies deeper
_LABELS_MOST = 10  # of a host's name: each is a cookie more to take away


class FormCookie(SecureCookieSessionInterface):
    """Flask's own cookie, which holds the forms' token; `Secure` when the request came by https."""

    @override
    def get_cookie_secure(self, app: Flask) -> bool:
        return request.is_secure


def init_visitors(app: Flask) -> None:
    """Gives each browser a random name of its own, by which its wrong tries are counted.

    And takes back what was planted beside the cookies that say who sits there.
    """
    app.session_interface = FormCookie()
    app.after_request(_name_browser)
    app.after_request(_clear_planted)


def current_visitor() -> Visitor:
    """Who asks.

    A page asks the database once; a socket at each event, since it outlives a sign-out.
    """
    if "visitor" not in g:
        g.visitor = visitor_of(_only(PERSON_COOKIE), _only(LEARNER_COOKIE))
        _say_whose_connection(g.visitor)
    return cast("Visitor", g.visitor)


def _only(name: str) -> str | None:
    """A cookie of ours; None where the browser has two of that name: one of them was planted.

    A script of a web preview can set one for a part of our host, and a browser doesn't tell them
    apart. To take neither costs a PIN; to take the wrong one would cost the learner's work.
    """
    sent = _sent(name)
    return sent.pop() if len(sent) == 1 else None


def _sent(name: str) -> set[str]:
    return set(request.cookies.getlist(name))


def _say_whose_connection(visitor: Visitor) -> None:
    held: Held | None = request.environ.get(HELD)
    if held is not None and (known := visitor.person or visitor.learner):
        held.belongs(f"{type(known).__name__} {known.id}")


def visitor_of(person_cookie: str | None, learner_cookie: str | None) -> Visitor:
    """Who sends these two cookies."""
    with wired().database.read() as session:
        found = sign_in_by_cookie(session, person_cookie) if person_cookie else None
        learner = learner_by_cookie(session, learner_cookie) if learner_cookie else None
        workshop = session.get(Workshop, learner.workshop_id) if learner else None
        visitor = Visitor(learner=learner, workshop=workshop)
        if found is not None:
            visitor = replace(_teacher(session, *found), learner=learner, workshop=workshop)
    if found is not None:
        _note_use(found[1])
    return visitor


def visitor_by_sign_in(session: Session, browser_id: int, person_id: PersonId) -> Visitor:
    """A person who is signed in there, as far as that is still good."""
    found = sign_in_by_id(session, browser_id, person_id)
    return NOBODY if found is None else _teacher(session, *found)


def _teacher(session: Session, person: Person, browser: Browser) -> Visitor:
    return Visitor(person, assists=assisted_by(session, person.id), sign_in=browser.id)


def _note_use(browser: Browser) -> None:
    """Keep when this sign-in was used last; on a full disk it isn't worth a refusal."""
    if browser.seen_at is not None and now() - browser.seen_at < SEEN_EVERY:
        return
    with suppress(Problem), wired().database.write() as session:
        kept = session.get(Browser, browser.id)
        if kept is not None:
            kept.seen_at = now()


def browser_name() -> str:
    """The random name of this browser; says nothing of who sits there."""
    if "browser" not in g:
        sent = request.cookies.get(BROWSER_COOKIE, "")
        g.browser = sent if 16 <= len(sent) <= 64 else secrets.token_urlsafe(16)
    return str(g.browser)


def set_cookie(response: Response, name: str, value: str) -> None:
    """Never readable by scripts.

    `Secure` when the request came by https, as a classroom's address doesn't.
    """
    response.set_cookie(
        name, value, max_age=COOKIE_AGE_S, httponly=True, samesite="Lax", secure=request.is_secure
    )


def _clear_planted(response: FlaskResponse) -> FlaskResponse:
    """Take both away where there are two of a name, wherever the browser may have them from."""
    planted = [name for name in (PERSON_COOKIE, LEARNER_COOKIE) if len(_sent(name)) > 1]
    if not planted:
        return response
    given = response.headers.getlist("Set-Cookie")
    response.headers.remove("Set-Cookie")
    for name, path, domain in product(planted, _paths(request.path), _domains(request.host)):
        response.delete_cookie(name, path, domain)
    for cookie in given:  # a new one comes last, and stays
        response.headers.add("Set-Cookie", cookie)
    return response


def _paths(path: str) -> list[str]:
    """All that a cookie which was sent with this path may have been set for."""
    parts = path.strip("/").split("/")[:_DEPTH_MOST]
    heads = ["/".join(parts[:count]) for count in range(len(parts) + 1)]
    return ["/", *(f"/{head}{end}" for head in heads if head for end in ("", "/"))]


def _domains(host: str) -> list[str | None]:
    """The host by itself, and each domain that it lies in."""
    name = bare(host)
    parts = name.split(".")[-_LABELS_MOST:]
    return [None, *(".".join(parts[first:]) for first in range(len(parts)))]


def _name_browser(response: FlaskResponse) -> FlaskResponse:
    if request.endpoint != "static" and request.cookies.get(BROWSER_COOKIE) != browser_name():
        set_cookie(response, BROWSER_COOKIE, browser_name())
    return response
