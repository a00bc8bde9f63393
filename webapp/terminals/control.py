"""The pump's own socket: web hands websockets over, takes rights back, asks who looks.

SEQPACKET, one JSON object a packet, one answer each (docs/reference.md, "Pump control"). The kernel
says who calls; anyone but web, root and ourselves is refused.
"""

from __future__ import annotations

import base64
import binascii
import json
import os
import socket
import struct
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from webapp.terminals.grants import PACKET_BYTES, Grant, May
from webapp.terminals.loop import IN

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from webapp.terminals.loop import Loop

_MAX_CALLERS = 1024  # a class that comes at once: web hands each over by a call of its own

Answer = dict[str, Any]


class Refused(Exception):
    """A packet that is not in the table; the sentence goes back to web."""


class Handover:
    """One websocket on its way from web to the pump."""

    def __init__(self, packet: dict[str, Any], fd: int) -> None:
        self.grant = Grant(
            viewer=text(packet, "viewer"),
            person=text(packet, "person"),
            terminal=text(packet, "terminal"),
            may=may_of(packet),
            until=number(packet, "until"),
        )
        self.after = whole(packet, "after")
        self.epoch = whole(packet, "epoch")
        self.page = text(packet, "page") if packet.get("page") else ""
        try:
            self.early = base64.b64decode(packet.get("early") or "", validate=True)
        except (TypeError, ValueError, binascii.Error):
            raise Refused("early is not base64") from None
        self.fd = fd


def text(packet: dict[str, Any], name: str) -> str:
    """A short string of the packet."""
    value = packet.get(name)
    if not isinstance(value, str) or not 0 < len(value) <= 128:
        raise Refused(f"{name} must be a string of 1 to 128 characters")
    return value


def number(packet: dict[str, Any], name: str) -> float:
    """A number of the packet, not negative."""
    value = packet.get(name)
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value < 2**63:
        raise Refused(f"{name} must be a number from 0 up")
    return value


def whole(packet: dict[str, Any], name: str) -> int | None:
    """A whole number of the packet; None where it says none."""
    return None if packet.get(name) is None else int(number(packet, name))


def may_of(packet: dict[str, Any]) -> May:
    """What somebody may do; only watch, unless the packet says more in the words of the table."""
    said: dict[str, May] = {"type": "type", "help": "help"}
    return said.get(text(packet, "may"), "watch")


class Control:
    """Listens for web.

    Args:
        path: where; made anew, so a socket left by a dead pump is no obstacle.
        loop: the pump's.
        allowed: the user ids that may call.
        answer: takes a packet and its descriptor (or -1), owns the descriptor, returns the answer.
    """

    def __init__(
        self,
        path: Path,
        loop: Loop,
        allowed: set[int],
        answer: Callable[[dict[str, Any], int], Answer],
    ) -> None:
        self._loop = loop
        self._allowed = allowed
        self._answer = answer
        self._callers: set[socket.socket] = set()
        path.unlink(missing_ok=True)
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET | socket.SOCK_NONBLOCK)
        self._listener.bind(str(path))
        path.chmod(0o666)  # the wall is the peer's uid, below
        self._listener.listen(_MAX_CALLERS)
        loop.watch(self._listener.fileno(), IN, self._accept)

    def _accept(self, _events: int) -> None:
        with suppress(OSError):
            while True:
                self._admit(self._listener.accept()[0])

    def _admit(self, caller: socket.socket) -> None:
        _, uid, _ = struct.unpack(
            "iII", caller.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
        )
        if uid not in self._allowed or len(self._callers) >= _MAX_CALLERS:
            caller.close()
            return
        caller.settimeout(0)
        self._callers.add(caller)
        self._loop.watch(caller.fileno(), IN, lambda _: self._receive(caller))

    def _receive(self, caller: socket.socket) -> None:
        try:
            data, fds, flags, _ = socket.recv_fds(caller, PACKET_BYTES, 1, socket.MSG_CMSG_CLOEXEC)
        except BlockingIOError:
            return
        except OSError:
            data, fds, flags = b"", [], 0
        fd = fds[0] if fds else -1
        if not data:
            self._close(caller, fd)
            return
        answer = self._try(data, fd, is_whole=not flags & (socket.MSG_TRUNC | socket.MSG_CTRUNC))
        try:
            caller.send(json.dumps(answer).encode())
        except OSError:
            self._close(caller, -1)

    def _try(self, data: bytes, fd: int, *, is_whole: bool) -> Answer:
        try:
            packet = json.loads(data) if is_whole else None
        except (ValueError, RecursionError):
            packet = None
        if not isinstance(packet, dict):
            if fd >= 0:
                os.close(fd)
            return {"refused": "a packet is one JSON object with at most one descriptor"}
        try:
            return self._answer(packet, fd)
        except Refused as error:
            return {"refused": str(error)}

    def _close(self, caller: socket.socket, fd: int) -> None:
        if fd >= 0:
            os.close(fd)
        self._loop.forget(caller.fileno())
        self._callers.discard(caller)
        caller.close()
