"""The instructor's page of images, live: how far each fetch is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask_socketio import join_room
from socketio.exceptions import ConnectionRefusedError as Refused

from webapp.access import may_open
from webapp.sockets import wire
from webapp.visitors import current_visitor

if TYPE_CHECKING:
    from flask_socketio import SocketIO

    from webapp.wiring import Wiring

NAMESPACE = "/images"
ROOM = "images"


def register(socketio: SocketIO, parts: Wiring) -> None:
    """Listens on `/images`, and passes on how fetches go to all who watch."""

    def connect(_auth: object = None) -> None:
        if not may_open(current_visitor()):
            raise Refused("role-lacking")

    def watch() -> dict[str, Any]:
        join_room(ROOM)
        return {"fetches": parts.engine.image_stock()["fetches"]}

    def hear(fetch: dict[str, Any]) -> None:
        names = ("name", "state", "step", "done_bytes", "total_bytes", "problem")
        told = wire.fact(NAMESPACE, "fetch", **{name: fetch.get(name) for name in names})
        socketio.emit("fetch", told, namespace=NAMESPACE, to=ROOM)

    socketio.on_event("connect", connect, NAMESPACE)
    wire.listen(socketio, NAMESPACE, {"watch": watch})
    parts.stock.listen(hear)
