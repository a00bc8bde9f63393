"""The opening of a terminal: who asks is checked here, then the pump carries every byte.

A browser's websocket is given away whole. Where a network strips websockets, the same frames come
over Socket.IO's polling: one end of a socket pair goes to the pump, so to it both are one thing.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
import re
import secrets
import socket
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import structlog
from flask import Blueprint, Response, request
from socketio.exceptions import ConnectionRefusedError as Refused

from webapp import audit
from webapp.access import may_type, may_watch
from webapp.models.people import learner_with_key
from webapp.models.workshops import Workshop
from webapp.origins import is_own
from webapp.problems import Problem, away, not_yours
from webapp.sockets import wire
from webapp.terminals import frames
from webapp.terminals.bounds import MESSAGE_BYTES
from webapp.terminals.frames import FrameError, Op, Parser
from webapp.terminals.grants import Grant, May
from webapp.visitors import current_visitor
from webapp.wiring import wired

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flask_socketio import SocketIO

    from webapp.access import Visitor
    from webapp.models.people import Learner
    from webapp.sockets.wire import Handler
    from webapp.terminals.client import Pumps
    from webapp.wiring import Wiring

log = structlog.get_logger()

NAMESPACE = "/terminal"
CHANNELS_MOST = 8
TRY_AGAIN_LATER = 1013
_PAGE_MOST = 32
_TERMINAL = re.compile(r"[0-9a-f]{8}\.[1-8m]")  # m: the machine's console
_GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455, 1.3

blueprint = Blueprint("terminal", __name__)


@blueprint.route("/terminal/<lab>/<name>", websocket=True)
def open_terminal(lab: str, name: str) -> Response:
    """Check a websocket's opening and give the socket to the pump.

    The answer returned here reaches nobody: by then another descriptor is in the socket's place.
    """
    accept = accept_key()
    check_origin()
    grant = grant_for(f"{lab}.{name}")
    after, epoch = _whole(request.args.get("after")), _whole(request.args.get("epoch"))
    page = request.args.get("page", "")[:_PAGE_MOST]
    sock = browser_socket()
    sock.sendall(opening(accept))
    try:
        wired().pumps.of(grant.terminal).handover(
            sock, grant, after=after, epoch=epoch, early=_early_bytes(sock), page=page
        )
    except Problem as problem:
        log.warning("terminal.not_handed_over", code=problem.code)
        sock.sendall(frames.close(TRY_AGAIN_LATER, problem.code))
    let_go(sock)
    return Response(status=204, headers={"Connection": "close"})


def grant_for(terminal: str) -> Grant:
    """What the visitor may do at `terminal`, until their workshop ends.

    Raises:
        Problem: `lab-unknown` where there is no such terminal, `not-yours`; `runtime-away` while
            that can't be told.
    """
    lab = terminal.partition(".")[0]
    key = wired().labs.key_of(lab)
    if key is None and not wired().labs.are_known:
        raise away("Who has which lab isn't known yet.")
    if key is None or not _TERMINAL.fullmatch(terminal):
        raise Problem("lab-unknown", "There is no such terminal now.", "Load the page again.")
    owner, workshop = _owner(key)
    person, may = _who_may(current_visitor(), owner, workshop)
    until = owner.kept_until(workshop).timestamp()
    return Grant(secrets.token_urlsafe(12), person, terminal, may, until)


def _who_may(visitor: Visitor, owner: Learner, workshop: Workshop) -> tuple[str, May]:
    """How the pump knows whoever asks, and what they may; a learner hears who is about to watch."""
    if may_type(visitor, owner.lab_key):
        return owner.public_id, "watch" if workshop.is_paused else "type"
    person, sign_in = visitor.person, visitor.sign_in
    if person is None or sign_in is None or not may_watch(visitor, owner.lab_key, workshop):
        raise not_yours()
    if person.id not in wired().watching.of(owner.id):  # else it is one more of their terminals
        audit.keep("terminal.watch", workshop=workshop.public_id, learner=owner.public_id)
    wired().watching.expect(owner.id, person)
    is_lent = wired().keyboards.is_lent_to(owner.id, person.id)
    may: May = "help" if is_lent and not workshop.is_paused else "watch"
    return person.watch_id(sign_in), may


def _owner(lab_key: str) -> tuple[Learner, Workshop]:
    """Whose lab it is, and in which workshop."""
    with wired().database.read() as session:
        owner = learner_with_key(session, lab_key)
        if owner is None:
            raise not_yours()
        return owner, session.get_one(Workshop, owner.workshop_id)


def accept_key() -> bytes:
    """The answer to a websocket's key.

    Raises:
        Problem: `not-found`: it is no opening of one.
    """
    key = request.headers.get("Sec-WebSocket-Key", "")
    try:
        is_key = len(base64.b64decode(key, validate=True)) == 16
    except (ValueError, binascii.Error):
        is_key = False
    if not is_key or request.headers.get("Sec-WebSocket-Version") != "13":
        raise Problem("not-found", "This address is for terminals only.", "Open the lesson.")
    digest = hashlib.sha1(f"{key}{_GUID}".encode(), usedforsecurity=False).digest()
    return base64.b64encode(digest)


def opening(accept: bytes) -> bytes:
    """What a websocket begins with, for the answer to its key."""
    return (
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n"
    )


def check_origin() -> None:
    """Only our own pages may open a terminal: a browser sends its cookies to any site's request."""
    origin = request.headers.get("Origin", "")
    if not is_own(origin):
        log.warning("terminal.foreign_origin", origin=urlsplit(origin).netloc[:80])
        raise not_yours()


def browser_socket() -> socket.socket:
    """The connection itself, as eventlet's server keeps it."""
    source = request.environ.get("eventlet.input")
    if source is None:
        raise Problem("not-found", "This server can't carry terminals.", "Use `./slipway serve`.")
    sock: socket.socket = source.get_socket()
    return sock


def _early_bytes(sock: socket.socket) -> bytes:
    """What the server's buffer holds already; the connection is never read again here."""
    sock.settimeout(0)
    early: bytes = request.environ["eventlet.input"].rfile.peek()
    return early


def let_go(sock: socket.socket) -> None:
    """Put a dead end in the socket's place.

    Were it only closed here, the server would write its reply into the terminal's stream; were it
    kept, the browser would not notice the pump's death.
    """
    dead, other = socket.socketpair()
    os.dup2(dead.fileno(), sock.fileno(), inheritable=False)
    dead.close()
    other.close()


def _whole(text: str | None) -> int | None:
    return int(text) if text and text.isascii() and text.isdecimal() and len(text) < 19 else None


def register(socketio: SocketIO, parts: Wiring) -> None:
    """Listen on `/terminal`, for browsers whose network strips websockets."""
    room = Polling(socketio, parts.pumps)
    handlers: Mapping[str, Handler] = {"open": room.open, "send": room.send, "close": room.close}
    wire.listen(socketio, NAMESPACE, handlers)
    socketio.on_event("connect", room.connect, NAMESPACE)
    socketio.on_event("disconnect", room.disconnect, NAMESPACE)


class Polling:
    """The terminals of pages that have no websocket: who is connected, and nothing else."""

    def __init__(self, socketio: SocketIO, pumps: Pumps) -> None:
        self._socketio = socketio
        self._pumps = pumps
        self._channels: dict[tuple[str, str], socket.socket] = {}

    def connect(self, _auth: object = None) -> None:
        """Whoever is signed in; the right to a terminal is asked for at each `open`."""
        visitor = current_visitor()
        if visitor.learner is None and visitor.person is None:
            raise Refused("not-joined")

    def disconnect(self, _reason: object = None) -> None:
        """The page is gone, and with it its channels."""
        for sid, terminal in list(self._channels):
            if sid == wire.sid():
                self._end((sid, terminal))

    def open(self, terminal: str, after: int | None, epoch: int | None) -> None:
        """Begin a terminal's frames, or begin them again."""
        at = (wire.sid(), terminal)
        self._end(at)
        if sum(sid == at[0] for sid, _ in self._channels) >= CHANNELS_MOST:
            raise Problem("too-many", "This page has too many terminals.", "Close one.")
        grant = grant_for(terminal)
        ours, theirs = socket.socketpair()
        try:
            self._pumps.of(terminal).handover(theirs, grant, after=after, epoch=epoch)
        except Problem:
            ours.close()
            raise
        finally:
            theirs.close()
        self._channels[at] = ours
        self._socketio.start_background_task(self._carry, at, ours)

    def send(self, terminal: str, data: bytes) -> None:
        """One frame of the browser's."""
        channel = self._channels.get((wire.sid(), terminal))
        if channel is not None:
            channel.sendall(frames.encode_masked(Op.BINARY, data))

    def close(self, terminal: str) -> None:
        """The page needs this terminal no more."""
        self._end((wire.sid(), terminal))

    def _end(self, at: tuple[str, str]) -> None:
        channel = self._channels.pop(at, None)
        if channel is not None:
            channel.shutdown(socket.SHUT_RDWR)  # wakes the task, which closes it

    def _carry(self, at: tuple[str, str], channel: socket.socket) -> None:
        """Pass the pump's frames on until either side ends."""
        sid, terminal = at
        parser = Parser(expects_mask=False)
        with channel:
            try:
                while data := channel.recv(MESSAGE_BYTES):
                    for op, payload in parser.feed(data):
                        self._pass_on(sid, terminal, channel, op, payload)
            except (OSError, FrameError) as error:
                log.info("terminal.polling_broke", error=str(error))
        if self._channels.get(at) is channel:
            del self._channels[at]
        told = wire.fact(NAMESPACE, "closed", terminal=terminal)
        self._socketio.emit("closed", told, to=sid, namespace=NAMESPACE)

    def _pass_on(
        self, sid: str, terminal: str, channel: socket.socket, op: Op, payload: bytes
    ) -> None:
        if op is Op.PING:
            channel.sendall(frames.encode_masked(Op.PONG, payload))
        elif op is Op.BINARY:
            told = wire.fact(NAMESPACE, "said", terminal=terminal, data=payload)
            self._socketio.emit("said", told, to=sid, namespace=NAMESPACE)
