"""The instructor's side of one learner's terminals: asking for the keyboard, giving it back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask_socketio import join_room

from webapp import audit
from webapp.access import may_help
from webapp.models.people import learner_by_public_id
from webapp.models.workshops import Workshop
from webapp.problems import not_found, not_yours, sign_in_needed
from webapp.sockets import wire
from webapp.visitors import current_visitor

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flask_socketio import SocketIO

    from webapp.models.people import Learner, Person
    from webapp.sockets.wire import Handler
    from webapp.wiring import Wiring
    from webapp.workshops.news import Item

NAMESPACE = "/wall"


class Desk:
    """The part of `/wall` that is about one learner.

    Args:
        socketio: carries what is told.
        parts: of this application.
    """

    def __init__(self, socketio: SocketIO, parts: Wiring) -> None:
        self._socketio = socketio
        self._parts = parts

    @property
    def handlers(self) -> Mapping[str, Handler]:
        """What a page may say."""
        return {"follow": self.follow, "ask": self.ask, "leave": self.leave}

    def follow(self, learner: str) -> dict[str, Any]:
        """From now on how this learner's keyboard is."""
        _, followed, _ = self._pupil(learner)
        join_room(_room(followed.id))
        return {"keyboard": self._parts.keyboards.of(followed.id)}

    def ask(self, learner: str) -> dict[str, Any]:
        """May I type?"""
        person, asked, workshop = self._pupil(learner)
        self._parts.keyboards.ask(asked, person)
        audit.keep("wall.ask", workshop=workshop.public_id, learner=learner)
        return {"keyboard": self._parts.keyboards.of(asked.id)}

    def leave(self, learner: str) -> dict[str, Any]:
        """Gives the keyboard back, or asks no longer."""
        person, left, workshop = self._pupil(learner)
        if self._parts.keyboards.end(left.id, person.id):
            audit.keep("wall.leave", workshop=workshop.public_id, learner=learner)
        return {"keyboard": self._parts.keyboards.of(left.id)}

    def hear(self, item: Item) -> None:
        """Passes on how a keyboard is."""
        if item.kind == "keyboard":
            told = wire.fact(NAMESPACE, "keyboard", **item.facts)
            to = _room(item.learner_id)
            self._socketio.emit("keyboard", told, namespace=NAMESPACE, to=to)

    def _pupil(self, public_id: str) -> tuple[Person, Learner, Workshop]:
        """Who asks, of whom, and where; only a learner of a workshop that they help in."""
        visitor = current_visitor()
        if visitor.person is None:
            raise sign_in_needed()
        with self._parts.database.read() as session:
            learner = learner_by_public_id(session, public_id)
            workshop = session.get(Workshop, learner.workshop_id) if learner else None
        if learner is None or workshop is None:
            raise not_found()
        if not may_help(visitor, workshop):
            raise not_yours()
        return visitor.person, learner, workshop


def _room(learner_id: int) -> str:
    return f"desk-{learner_id}"
