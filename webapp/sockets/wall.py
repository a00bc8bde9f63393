"""The instructor's wall, live: each learner's tile as it changes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask_socketio import join_room
from socketio.exceptions import ConnectionRefusedError as Refused

from webapp.access import may_teach
from webapp.models.workshops import Workshop, workshop_by_public_id
from webapp.problems import not_found, not_yours
from webapp.sockets import wire
from webapp.visitors import current_visitor

if TYPE_CHECKING:
    from flask_socketio import SocketIO

    from webapp.models.base import WorkshopId
    from webapp.wiring import Wiring
    from webapp.workshops.news import Item

NAMESPACE = "/wall"
UNSEEN = {"machine", "work"}  # several a second, and nothing of a tile changes by them


def register(socketio: SocketIO, parts: Wiring) -> None:
    """Listens on `/wall`, and passes the news on to the instructors whom it concerns."""
    room = WallRoom(socketio, parts)
    socketio.on_event("connect", room.connect, NAMESPACE)
    socketio.on_event("disconnect", room.disconnect, NAMESPACE)
    wire.listen(socketio, NAMESPACE, {"watch": room.watch})
    parts.news.listen(room.hear)
    parts.activity.listen(room.look)


class WallRoom:
    """Who watches which workshop, and what they were told of it last."""

    def __init__(self, socketio: SocketIO, parts: Wiring) -> None:
        self._socketio = socketio
        self._parts = parts
        self._watched: dict[str, WorkshopId] = {}
        self._told: dict[WorkshopId, dict[str, dict[str, Any]]] = {}

    def connect(self, _auth: object = None) -> None:
        """Instructors only."""
        if current_visitor().person is None:
            raise Refused("sign-in-needed")

    def disconnect(self, _reason: object = None) -> None:
        """The page is gone; what nobody watches is no longer followed."""
        workshop_id = self._watched.pop(wire.sid(), None)
        if workshop_id is not None and workshop_id not in self._watched.values():
            del self._told[workshop_id]

    def watch(self, workshop: str) -> dict[str, Any]:
        """From now on each change of this workshop, after all of it once."""
        with self._parts.database.read() as session:
            watched = workshop_by_public_id(session, workshop)
            if watched is None:
                raise not_found()
            if not may_teach(current_visitor(), watched):
                raise not_yours()
            rows = self._parts.roster.rows(session, watched)
        self._told.setdefault(watched.id, {})
        for row in rows:  # who watches already hears what is new in them
            self._show(watched, row)
        join_room(_room(watched))
        self._watched[wire.sid()] = watched.id
        return {"learners": rows, "clock": _clock(watched)}

    def hear(self, item: Item) -> None:
        """Something changed for one learner: their row goes out again, whole."""
        if item.kind in UNSEEN or not self._told:
            return
        with self._parts.database.read() as session:
            workshop, row = self._parts.roster.row(session, item.learner_id)
        self._show(workshop, row)
        if item.kind in {"ended", "clock"}:
            self._tell(workshop, "clock", **_clock(workshop))

    def look(self) -> None:
        """Time passes, too: who was at work a minute ago may be idle, away or stuck by now."""
        for workshop_id in list(self._told):
            with self._parts.database.read() as session:
                workshop = session.get_one(Workshop, workshop_id)
                rows = self._parts.roster.rows(session, workshop)
            for row in rows:
                self._show(workshop, row)

    def _show(self, workshop: Workshop, row: dict[str, Any]) -> None:
        told = self._told.get(workshop.id)
        if told is not None and told.get(row["learner"]) != row:
            told[row["learner"]] = row
            self._tell(workshop, "learner", **row)

    def _tell(self, workshop: Workshop, name: str, /, **fields: object) -> None:
        told = wire.fact(NAMESPACE, name, **fields)
        self._socketio.emit(name, told, namespace=NAMESPACE, to=_room(workshop))


def _room(workshop: Workshop) -> str:
    return f"workshop-{workshop.id}"


def _clock(workshop: Workshop) -> dict[str, Any]:
    return {"until": workshop.ends_at.timestamp(), "ended": workshop.ended_at is not None}
