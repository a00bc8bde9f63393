"""The instructor's wall, live: each learner's tile as it changes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask_socketio import join_room
from socketio.exceptions import ConnectionRefusedError as Refused

from webapp import audit
from webapp.access import may_help
from webapp.models.people import learners_of
from webapp.models.workshops import Workshop, workshop_by_public_id
from webapp.problems import not_found, not_yours
from webapp.sockets import wire
from webapp.sockets.desk import Desk
from webapp.visitors import current_visitor, visitor_by_sign_in
from webapp.workshops.messages import Word

if TYPE_CHECKING:
    from flask_socketio import SocketIO
    from sqlalchemy.orm import Session

    from webapp.models.base import LearnerId, PersonId, WorkshopId
    from webapp.wiring import Wiring
    from webapp.workshops.news import Item
    from webapp.workshops.standing import Standings

NAMESPACE = "/wall"
UNSEEN = {
    "machine",
    "work",
    "watch",
    "keyboard",
    "message",
    "pace",
}  # nothing of a tile changes by them


def register(socketio: SocketIO, parts: Wiring) -> None:
    """Listens on `/wall`, and passes the news on to the instructors whom it concerns."""
    room, desk = WallRoom(socketio, parts), Desk(socketio, parts)
    socketio.on_event("connect", room.connect, NAMESPACE)
    socketio.on_event("disconnect", room.disconnect, NAMESPACE)
    wire.listen(
        socketio,
        NAMESPACE,
        {
            "watch": room.watch,
            "look": room.look,
            "tell": room.tell,
            "outcome": room.outcome,
            **desk.handlers,
        },
    )
    parts.news.listen(desk.hear)
    parts.news.listen(room.hear)
    parts.activity.listen(room.go_on)
    parts.screens.listen(room.show)


class WallRoom:
    """Who watches which workshop, and what they were told of it last."""

    def __init__(self, socketio: SocketIO, parts: Wiring) -> None:
        self._socketio = socketio
        self._parts = parts
        self._sign_ins: dict[str, tuple[int, PersonId]] = {}
        self._watched: dict[str, WorkshopId] = {}
        self._seen: dict[str, dict[LearnerId, str]] = {}
        self._sent_before: dict[WorkshopId, list[dict[str, Any]]] = {}
        self._told: dict[WorkshopId, dict[str, dict[str, Any]]] = {}

    def connect(self, _auth: object = None) -> None:
        """Those who teach only."""
        visitor = current_visitor()
        if visitor.person is None or visitor.sign_in is None:
            raise Refused("sign-in-needed")
        self._sign_ins[wire.sid()] = visitor.sign_in, visitor.person.id

    def disconnect(self, _reason: object = None) -> None:
        """The page is gone; what nobody watches is no longer followed."""
        self._sign_ins.pop(wire.sid(), None)
        self._parts.screens.leave(wire.sid())
        self._seen.pop(wire.sid(), None)
        workshop_id = self._watched.pop(wire.sid(), None)
        if workshop_id is not None and workshop_id not in self._watched.values():
            del self._told[workshop_id]
            self._sent_before.pop(workshop_id, None)

    def watch(self, workshop: str) -> dict[str, Any]:
        """From now on each change of this workshop, after all of it once."""
        with self._parts.database.read() as session:
            watched = workshop_by_public_id(session, workshop)
            if watched is None:
                raise not_found()
            if not may_help(current_visitor(), watched):
                raise not_yours()
            if self._watched.get(wire.sid(), watched.id) != watched.id:
                raise not_yours()  # one page, one workshop: that right alone is looked at again
            rows, sent = self._look(session, watched)
        self._told.setdefault(watched.id, {})
        for row in rows:  # who watches already hears what is new in them
            self._show(watched, row)
        join_room(_room(watched))
        self._watched[wire.sid()] = watched.id
        return {"learners": rows, "clock": _clock(watched), "sent": sent}

    def tell(
        self,
        learners: str,
        text: str,
        command: str,
        minutes: int | None,
        file_name: str | None,
        file: bytes | None,
    ) -> dict[str, Any]:
        """Tells those learners something, or everyone who is in the workshop that is watched."""
        watched, by = self._helped()
        word = Word(text, command, minutes or 0, file_name or "", file or b"")
        count = self._parts.messages.tell(watched, learners.split(), word, by)
        audit.keep("wall.tell", workshop=watched.public_id, count=count)
        with self._parts.database.read() as session:
            sent = _sent(self._parts.classes.of(session, watched))
        self._show_sent(watched, sent)
        return {"count": count}

    def outcome(self, message: str) -> dict[str, Any]:
        """What became of a message, learner by learner."""
        watched, _ = self._helped()
        with self._parts.database.read() as session:
            sent = self._parts.classes.of(session, watched).sent.get(message)
            learners = learners_of(session, watched.id)
        if sent is None:
            raise not_found()
        return {
            "learners": [
                {
                    "learner": each.public_id,
                    "name": each.shown_name,
                    "here": self._parts.presence.is_here(each.id),
                    "read": each.id in sent.read,
                    "ran": each.id in sent.codes,
                    "code": sent.codes.get(each.id),
                }
                for each in learners
                if each.id in sent.to
            ]
        }

    def _helped(self) -> tuple[Workshop, str]:
        """The workshop that this page watches, and the name of who helps there."""
        visitor = current_visitor()
        with self._parts.database.read() as session:
            watched = self._of_this_page(session)
        if watched is None or visitor.person is None or not may_help(visitor, watched):
            raise not_yours()
        return watched, visitor.person.name

    def look(self, learners: str) -> None:
        """Whose small pictures the page shows now: public names with spaces between.

        Those who are in no workshop that it watches, or in another one, are left out.
        """
        asked = set(learners.split())
        with self._parts.database.read() as session:
            watched = self._of_this_page(session)
            known = learners_of(session, watched.id) if watched else []
        seen = {each.id: each.public_id for each in known if each.public_id in asked}
        self._seen[wire.sid()] = seen
        self._parts.screens.look(wire.sid(), seen)

    def show(self, viewer: str, learner_id: LearnerId, picture: dict[str, Any]) -> None:
        """What changed of one learner's picture, to one page."""
        learner = self._seen.get(viewer, {}).get(learner_id)
        told = wire.fact(NAMESPACE, "screen", learner=learner, **picture)
        self._socketio.emit("screen", told, namespace=NAMESPACE, to=viewer)

    def hear(self, item: Item) -> None:
        """Something changed for one learner: their row goes out again, whole."""
        if item.kind in UNSEEN or not self._told:
            return
        with self._parts.database.read() as session:
            found = self._parts.roster.row(session, item.learner_id)
        if found is None:
            return
        workshop, row = found
        self._show(workshop, row)
        if item.kind in {"ended", "clock"}:
            self._tell(workshop, "clock", **_clock(workshop))

    def go_on(self) -> None:
        """Time passes, too: who was at work a minute ago may be idle, away or stuck by now.

        And all that was kept of somebody may have been deleted, or who watches been signed out.
        """
        self._show_out()
        for workshop_id, told in list(self._told.items()):
            known = set(told)
            with self._parts.database.read() as session:
                workshop = session.get(Workshop, workshop_id)
                rows, sent = self._look(session, workshop) if workshop else ([], [])
            if workshop is None:
                continue  # it was deleted just now
            for learner in known - {row["learner"] for row in rows}:
                told.pop(learner, None)
                self._tell(workshop, "gone", learner=learner)
            for row in rows:
                self._show(workshop, row)
            self._show_sent(workshop, sent)

    def _look(
        self, session: Session, workshop: Workshop
    ) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        """Everyone's row, and what they were told, of one reading of the class."""
        standings = self._parts.classes.of(session, workshop)
        learners = learners_of(session, workshop.id)
        rows = self._parts.roster.rows_of(standings, learners, workshop.moment)
        return rows, _sent(standings)

    def _show_out(self) -> None:
        """Ends the connection of each page whose reader may no longer see what it is told."""
        for sid, sign_in in list(self._sign_ins.items()):
            with self._parts.database.read() as session:
                visitor = visitor_by_sign_in(session, *sign_in)
                watched = self._watched.get(sid)
                workshop = None if watched is None else session.get(Workshop, watched)
            is_lost = watched is not None and (workshop is None or not may_help(visitor, workshop))
            if visitor.person is None or is_lost:
                # Flask-SocketIO's own function for it wants a request.
                self._socketio.server.disconnect(sid, namespace=NAMESPACE)  # type: ignore[attr-defined]

    def _of_this_page(self, session: Session) -> Workshop | None:
        workshop_id = self._watched.get(wire.sid())
        return None if workshop_id is None else session.get_one(Workshop, workshop_id)

    def _show_sent(self, workshop: Workshop, sent: list[dict[str, Any]]) -> None:
        if sent != self._sent_before.get(workshop.id, []):
            self._sent_before[workshop.id] = sent
            self._tell(workshop, "sent", messages=sent)

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


def _sent(standings: Standings) -> list[dict[str, Any]]:
    return [
        {
            "message": name,
            "text": each.text,
            "command": each.command,
            "file": each.file,
            "until": each.until,
            "by": each.by,
            "at": each.at.timestamp(),
            "to": len(each.to),
            "read": len(each.read),
            "done": sum(code == 0 for code in each.codes.values()),
            "failed": sum(code not in {0, None} for code in each.codes.values()),
            "ran": len(each.codes),
        }
        for name, each in standings.sent.items()
    ]


def _clock(workshop: Workshop) -> dict[str, Any]:
    return {
        "until": workshop.ends_at.timestamp(),
        "ended": workshop.ended_at is not None,
        "overran": workshop.is_over_time,
        "paused": workshop.is_paused,
    }
