"""One websocket after its handshake: frames in and out of a bare socket, pings, an orderly end."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

from webapp.terminals import frames
from webapp.terminals.bounds import RECEIVE_BYTES, WAITING_BYTES
from webapp.terminals.frames import FrameError, Op, Parser
from webapp.terminals.loop import IN, OUT

if TYPE_CHECKING:
    from collections.abc import Callable

    from webapp.terminals.loop import Loop

PING_EVERY_S = 25.0  # proxies cut what is silent for 60 s
SILENCE_S = 60.0
_GOODBYE_S = 2.0


class Connection:
    """Whoever is at the other end, it can't make the pump wait, grow or fall.

    Args:
        sock: the socket, owned from now on.
        loop: the pump's.
        on_message: called with each binary message.
        on_drained: called when everything that was sent has left.
        on_closed: called once, when the connection is gone.
    """

    __slots__ = (
        "_heard_at",
        "_is_closed",
        "_is_finishing",
        "_loop",
        "_on_closed",
        "_on_drained",
        "_on_message",
        "_parser",
        "_pinged_at",
        "_sock",
        "_waiting",
    )

    def __init__(
        self,
        sock: socket.socket,
        loop: Loop,
        *,
        on_message: Callable[[bytes], None],
        on_drained: Callable[[], None],
        on_closed: Callable[[], None],
    ) -> None:
        self._sock = sock
        self._loop = loop
        self._parser = Parser(expects_mask=True)
        self._waiting = bytearray()
        self._on_message, self._on_drained, self._on_closed = on_message, on_drained, on_closed
        self._heard_at = self._pinged_at = loop.now
        self._is_finishing = False
        self._is_closed = False
        sock.settimeout(0)
        if sock.family in (socket.AF_INET, socket.AF_INET6):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._watch()

    @property
    def is_open(self) -> bool:
        """Whether anything can still be said."""
        return not (self._is_closed or self._is_finishing)

    @property
    def is_drained(self) -> bool:
        """Whether the kernel has taken everything so far."""
        return not self._waiting

    @property
    def takes_more(self) -> bool:
        """Whether it is open and drained: what is sent now leaves at once."""
        return not (self._waiting or self._is_closed or self._is_finishing)

    def send(self, frame: bytes) -> None:
        """Send now what the kernel takes, keep the rest for when it takes more."""
        if self._is_closed or self._is_finishing:
            return
        sent = 0 if self._waiting else self._send_now(frame)
        if sent < len(frame):
            self._keep(frame[sent:])

    def send_large(self, *parts: bytes | memoryview) -> None:
        """The same for a frame in parts, which is not copied where the kernel takes it whole."""
        if not self.takes_more:
            self.send(b"".join(parts))
            return
        try:
            sent = self._sock.sendmsg(parts)
        except BlockingIOError:
            sent = 0
        except OSError:
            self.drop()
            return
        if sent < sum(map(len, parts)):
            self._keep(b"".join(parts)[sent:])

    def _keep(self, rest: bytes) -> None:
        if self._is_closed:
            return
        self._waiting += rest
        self._watch()
        if len(self._waiting) > WAITING_BYTES:  # it asks (pings, refusals) but never reads
            self.drop()

    def finish(self, code: int, reason: str = "") -> None:
        """Say goodbye, and give the other side a moment to read it."""
        if not self.is_open:
            return
        self.send(frames.close(code, reason))
        self._is_finishing = True
        if self._is_closed:
            return
        if self.is_drained:
            self._shut()
        self._loop.later(_GOODBYE_S, self.drop)

    def drop(self) -> None:
        """Close at once."""
        if self._is_closed:
            return
        self._is_closed = True
        self._loop.forget(self._sock.fileno())
        self._sock.close()
        self._on_closed()

    def tick(self) -> None:
        """Once a second: ping what is quiet, give up what doesn't answer."""
        if self._loop.now - self._heard_at > SILENCE_S:
            self.drop()
        elif self._loop.now - self._pinged_at > PING_EVERY_S:
            self._pinged_at = self._loop.now
            self.send(frames.encode(Op.PING))

    def receive(self, data: bytes) -> None:
        """Take bytes that came from the socket."""
        self._heard_at = self._loop.now
        if self._is_finishing:
            return
        if (key := self._parser.key(data)) is not None:
            self._on_message(key)
            return
        try:
            for op, payload in self._parser.feed(data):
                self._take(op, payload)
        except FrameError as error:
            self.finish(error.code, str(error))

    def _take(self, op: Op, payload: bytes) -> None:
        if op is Op.BINARY:
            self._on_message(payload)
        elif op is Op.PING:
            self.send(frames.encode(Op.PONG, payload))
        elif op is Op.CLOSE:
            self.finish(1000)
        elif op is Op.TEXT:
            raise FrameError(1003, "terminals speak binary frames")

    def _watch(self) -> None:
        self._loop.watch(self._sock.fileno(), IN | (OUT if self._waiting else 0), self._ready)

    def _ready(self, events: int) -> None:
        if events & OUT:
            self._flush()
            if not self._is_closed and self.is_drained:
                self._shut() if self._is_finishing else self._on_drained()
        if events & ~OUT and not self._is_closed:
            self._read()

    def _read(self) -> None:
        try:
            data = self._sock.recv(RECEIVE_BYTES)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if data:
            self.receive(data)
        else:
            self.drop()

    def _flush(self) -> None:
        sent = self._send_now(self._waiting) if self._waiting else 0
        if not self._is_closed:
            del self._waiting[:sent]
            self._watch()

    def _send_now(self, data: bytes | bytearray) -> int:
        """How much the kernel takes; a connection that broke is dropped."""
        try:
            return self._sock.send(data)
        except BlockingIOError:
            return 0
        except OSError:
            self.drop()
            return 0

    def _shut(self) -> None:
        try:
            self._sock.shutdown(socket.SHUT_WR)
        except OSError:
            self.drop()
