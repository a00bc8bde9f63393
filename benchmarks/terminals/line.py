"""One terminal as the client has it: a websocket, and the words that its server speaks."""

from __future__ import annotations

import base64
import json
import os
import socket
import struct
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from webapp.terminals.frames import Op, encode_masked

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

OPENING_S = 30
RECEIVE_BYTES = 256 * 1024
_ACK_BYTES = 64 * 1024


class Dialect(Protocol):
    """How one kind of server says what everyone says."""

    def hello(self) -> list[bytes]:
        """Frames that the client sends once the websocket is open."""

    def typed(self, text: bytes) -> bytes:
        """The frame of a person's keys."""

    def output(self, op: int, payload: bytes) -> bytes:
        """What of a message the terminal shows; empty where it isn't output."""

    def answer(self, op: int, payload: bytes) -> bytes:
        """A frame that this message must be answered with; mostly none."""


class Slipway:
    """Binary frames with sequence numbers; says what it has drawn."""

    def __init__(self) -> None:
        self._told = 0

    def hello(self) -> list[bytes]:
        """Nothing: the server speaks first."""
        return []

    def typed(self, text: bytes) -> bytes:
        """`I`."""
        return encode_masked(Op.BINARY, b"I" + text)

    def output(self, op: int, payload: bytes) -> bytes:
        """`O`."""
        return payload[9:] if op == Op.BINARY and payload[:1] == b"O" else b""

    def answer(self, op: int, payload: bytes) -> bytes:
        """`A`, each 64 KiB, as static/js/terminal/credit.js does; and after a new beginning."""
        if op == Op.PING:
            return encode_masked(Op.PONG, payload)
        if payload[:1] == b"H":
            self._told = json.loads(payload[1:])["seq"]
        if payload[:1] != b"O":
            return b""
        reached = int(struct.unpack_from(">Q", payload, 1)[0]) + len(payload) - 9
        if reached - self._told < _ACK_BYTES:
            return b""
        self._told = reached
        return encode_masked(Op.BINARY, b"A" + struct.pack(">Q", reached))


class Ttyd:
    """The protocol of ttyd's own page."""

    def hello(self) -> list[bytes]:
        """The size, and no token."""
        said = {"AuthToken": "", "columns": 80, "rows": 24}
        return [encode_masked(Op.BINARY, json.dumps(said).encode())]

    def typed(self, text: bytes) -> bytes:
        """`0`."""
        return encode_masked(Op.BINARY, b"0" + text)

    def output(self, op: int, payload: bytes) -> bytes:
        """`0`."""
        return payload[1:] if op == Op.BINARY and payload[:1] == b"0" else b""

    def answer(self, op: int, payload: bytes) -> bytes:
        """Pongs alone; its page pauses only where xterm.js falls behind."""
        return encode_masked(Op.PONG, payload) if op == Op.PING else b""


class Terminado:
    """JSON in text frames. Output is left as JSON: taking it apart would be the client's time."""

    def hello(self) -> list[bytes]:
        """Its page tells the size."""
        return [encode_masked(Op.TEXT, b'["set_size", 24, 80, 480, 640]')]

    def typed(self, text: bytes) -> bytes:
        """`stdin`."""
        return encode_masked(Op.TEXT, json.dumps(["stdin", text.decode()]).encode())

    def output(self, op: int, payload: bytes) -> bytes:
        """`stdout`."""
        return payload[12:] if op == Op.TEXT and payload.startswith(b'["stdout"') else b""

    def answer(self, op: int, payload: bytes) -> bytes:
        """Pongs alone."""
        return encode_masked(Op.PONG, payload) if op == Op.PING else b""


class SocketIo:
    """Socket.IO over Engine.IO's websocket, as the naive server speaks it."""

    def hello(self) -> list[bytes]:
        """Joins the namespace."""
        return [encode_masked(Op.TEXT, b"40")]

    def typed(self, text: bytes) -> bytes:
        """The event `input`."""
        return encode_masked(Op.TEXT, b"42" + json.dumps(["input", text.decode()]).encode())

    def output(self, op: int, payload: bytes) -> bytes:
        """The event `output`."""
        return payload[12:] if op == Op.TEXT and payload.startswith(b'42["output"') else b""

    def answer(self, op: int, payload: bytes) -> bytes:
        """Engine.IO's own pings."""
        return encode_masked(Op.TEXT, b"3") if op == Op.TEXT and payload == b"2" else b""


class Line:
    """A websocket in the client's hands, taken apart just as far as measuring needs.

    Args:
        sock: after its handshake; owned from now on.
        dialect: what its server speaks.
        early: bytes that came with the handshake.
    """

    def __init__(self, sock: socket.socket, dialect: Dialect, early: bytes = b"") -> None:
        self._sock = sock
        self._dialect = dialect
        self._buffer = bytearray(early)
        if sock.family == socket.AF_INET:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for frame in dialect.hello():
            sock.sendall(frame)
        sock.settimeout(0)

    def fileno(self) -> int:
        """For epoll."""
        return self._sock.fileno()

    def type(self, text: bytes) -> None:
        """Press keys."""
        self._sock.sendall(self._dialect.typed(text))

    def receive(self) -> bytes:
        """What came since, as far as the terminal would show it.

        Raises:
            ConnectionError: the server has closed.
        """
        shown, answers = [], []
        with suppress(BlockingIOError):
            data = self._sock.recv(RECEIVE_BYTES)
            if not data:
                raise ConnectionError("the server closed a terminal")
            self._buffer += data
        for op, payload in self._messages():
            shown.append(self._dialect.output(op, payload))
            answers.append(self._dialect.answer(op, payload))
        if answer := b"".join(answers):
            self._sock.sendall(answer)
        return b"".join(shown)

    def _messages(self) -> Iterator[tuple[int, bytes]]:
        """Whole frames; a fragment counts as one, since nothing here needs them joined."""
        buffer, at = self._buffer, 0
        while len(buffer) - at >= 2:
            length, start = buffer[at + 1] & 0x7F, at + 2
            if length >= 126:
                form = ">H" if length == 126 else ">Q"
                start += struct.calcsize(form)
                if len(buffer) < start:
                    break
                (length,) = struct.unpack_from(form, buffer, at + 2)
            if len(buffer) < start + length:
                break
            yield buffer[at] & 0x0F, bytes(memoryview(buffer)[start : start + length])
            at = start + length
        del buffer[:at]

    def close(self) -> None:
        """Go away."""
        self._sock.close()


@dataclass(frozen=True)
class Door:
    """Where a server's websockets are asked for.

    Attributes:
        dialect: makes what its terminals speak.
        protocol: the websocket's, where the server insists on one.
        cookie: who comes.
    """

    port: int
    path: str
    dialect: Callable[[], Dialect]
    protocol: str = ""
    cookie: str = ""

    def knock(self) -> socket.socket:
        """Connect and ask, as a browser does, without extensions; the answer is still to come."""
        sock = socket.create_connection(("127.0.0.1", self.port), timeout=OPENING_S)
        headers = {
            "Host": f"127.0.0.1:{self.port}",
            "Origin": f"http://127.0.0.1:{self.port}",
            "Upgrade": "websocket",
            "Connection": "Upgrade",
            "Sec-WebSocket-Version": "13",
            "Sec-WebSocket-Key": base64.b64encode(os.urandom(16)).decode(),
            "Sec-WebSocket-Protocol": self.protocol,
            "Cookie": self.cookie,
        }
        lines = [f"{name}: {value}" for name, value in headers.items() if value]
        sock.sendall("\r\n".join([f"GET {self.path} HTTP/1.1", *lines, "", ""]).encode())
        return sock

    def enter(self, sock: socket.socket) -> Line:
        """Read the answer to a knock.

        Raises:
            ConnectionError: it didn't become a websocket.
        """
        head = b""
        while b"\r\n\r\n" not in head:
            data = sock.recv(4096)
            if not data:
                raise ConnectionError(f"closed after {head[:200]!r}")
            head += data
        head, _, early = head.partition(b"\r\n\r\n")
        if b" 101 " not in head.split(b"\r\n")[0]:
            raise ConnectionError(f"no websocket: {head[:200]!r}")
        return Line(sock, self.dialect(), early)
