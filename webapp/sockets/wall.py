"""The instructor's page, live: each learner's row as it changes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask_socketio import join_room
from socketio.exceptions import ConnectionRefusedError as Refused

from webapp.access import may_teach
from webapp.models.workshops import Workshop, workshop_by_public_id
from webapp.problems import not_found, not_yours
from webapp.sockets import wire
from webapp.visitors import current_visitor
from webapp.workshops.roster import Roster

if TYPE_CHECKING:
    from flask_socketio import SocketIO

    from webapp.wiring import Wiring
    from webapp.workshops.news import Item

NAMESPACE = "/wall"
UNSEEN = {"machine", "work"}  # several a second, and nothing of a row changes by them


def register(socketio: SocketIO, parts: Wiring) -> None:
    """Listens on `/wall`, and passes the news on to the instructors whom it concerns."""
    room = WallRoom(socketio, parts)
    socketio.on_event("connect", room.connect, NAMESPACE)
    wire.listen(socketio, NAMESPACE, {"watch": room.watch})
    parts.news.listen(room.hear)


class WallRoom:
    """Who watches which workshop, and what they are told."""

    def __init__(self, socketio: SocketIO, parts: Wiring) -> None:
        self._socketio = socketio
        self._parts = parts
        self._roster = Roster(parts.library, parts.labs, parts.presence, parts.busy)

    def connect(self, _auth: object = None) -> None:
        """Instructors only."""
        if current_visitor().person is None:
            raise Refused("sign-in-needed")

    def watch(self, workshop: str) -> dict[str, Any]:
        """From now on each change of this workshop, after all of it once."""
        with self._parts.database.read() as session:
            watched = workshop_by_public_id(session, workshop)
            if watched is None:
                raise not_found()
            if not may_teach(current_visitor(), watched):
                raise not_yours()
            join_room(_room(watched))
            return {"learners": self._roster.rows(session, watched), "clock": _clock(watched)}

    def hear(self, item: Item) -> None:
        """Something changed for one learner: their row goes out again, whole."""
        if item.kind in UNSEEN:
            return
        with self._parts.database.read() as session:
            workshop, row = self._roster.row(session, item.learner_id)
        self._tell(workshop, "learner", **row)
        if item.kind in {"ended", "clock"}:
            self._tell(workshop, "clock", **_clock(workshop))

    def _tell(self, workshop: Workshop, name: str, /, **fields: object) -> None:
        told = wire.fact(NAMESPACE, name, **fields)
        self._socketio.emit(name, told, namespace=NAMESPACE, to=_room(workshop))


def _room(workshop: Workshop) -> str:
    return f"workshop-{workshop.id}"


def _clock(workshop: Workshop) -> dict[str, Any]:
    return {"until": workshop.ends_at.timestamp(), "ended": workshop.ended_at is not None}
