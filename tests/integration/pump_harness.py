"""A real pump process with real ptys; the test plays the runtime and the browser."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import secrets
import signal
import socket
import struct
import subprocess
import sys
import termios
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runtime.protocol import Connection
from tests.waiting import wait_for
from webapp.terminals.client import Pump
from webapp.terminals.frames import Op, Parser, encode_masked
from webapp.terminals.grants import Grant, May

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

REPO = Path(__file__).parents[2]
DEADLINE_S = 20.0
RING_BYTES = 512 * 1024


def _take_terminal() -> None:
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    # Tests that a shell put into the background ignore it, and so would what is typed here.
    signal.signal(signal.SIGINT, signal.SIG_DFL)


class Shell:
    """A program on a pty of its own, and the ring for what it says."""

    def __init__(self, name: str, *argv: str, rows: int = 24, cols: int = 80) -> None:
        self.name = name
        self.master, slave = pty.openpty()
        termios.tcsetwinsize(slave, (rows, cols))
        environ = {"PATH": os.environ["PATH"], "TERM": "xterm-256color", "PS1": "ready$ "}
        self.process = subprocess.Popen(
            argv or ("bash", "--norc", "--noprofile", "--noediting", "-i"),
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
            preexec_fn=_take_terminal,  # noqa: PLW1509 - the test has no threads
            env=environ,
        )
        os.close(slave)
        self.ring = os.memfd_create("ring", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        os.ftruncate(self.ring, 4096 + RING_BYTES)
        fcntl.fcntl(self.ring, fcntl.F_ADD_SEALS, fcntl.F_SEAL_GROW | fcntl.F_SEAL_SHRINK)

    @property
    def head(self) -> int:
        """How many bytes the ring's header says were kept so far."""
        return int(struct.unpack("<Q", os.pread(self.ring, 8, 24))[0])

    def close(self) -> None:
        """End the program and give the descriptors back."""
        self.process.kill()
        self.process.wait()
        os.close(self.master)
        os.close(self.ring)


class Browser:
    """One end of a websocket after its handshake; keeps what the pump says."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._parser = Parser(expects_mask=False)
        self.raw = bytearray()
        self.output = bytearray()
        self.timeline: list[tuple[str, Any, int]] = []
        self.said: list[tuple[str, Any]] = []
        self.next_seq: int | None = None
        self.closed_with: int | None = None
        self.is_eof = False
        self.draws = True
        self._drawn = 0

    @property
    def hello(self) -> dict[str, Any]:
        """The last hello."""
        last: dict[str, Any] = self.find("H")[-1]
        return last

    def find(self, kind: str) -> list[Any]:
        """What was said in frames of one type."""
        return [fact for said, fact in self.said if said == kind]

    def listen(self, timeout_s: float = 0.05) -> None:
        """Take what has come."""
        self._sock.settimeout(timeout_s)
        try:
            data = self._sock.recv(1 << 20)
        except TimeoutError:
            return
        except OSError:
            data = b""
        self.is_eof = not data
        self._hear(data)

    @classmethod
    def of_bytes(cls, raw: bytes) -> Browser:
        """A browser that got these bytes, and then nothing more."""
        browser = cls(socket.socket())
        browser.draws = False
        browser._hear(raw)
        browser.close()
        return browser

    def _hear(self, data: bytes) -> None:
        self.raw += data
        for op, payload in self._parser.feed(data):
            if op is Op.CLOSE:
                self.closed_with = struct.unpack(">H", payload[:2])[0]
            elif op is Op.PONG:
                self.said.append(("pong", payload))
            elif op is Op.BINARY:
                self._take(payload[:1].decode(), payload[1:])

    def _take(self, kind: str, rest: bytes) -> None:
        if kind == "O":
            seq = struct.unpack(">Q", rest[:8])[0]
            assert self.next_seq in (None, seq), f"a gap: expected {self.next_seq}, got {seq}"
            self.output += rest[8:]
            self.next_seq = seq + len(rest) - 8
            if self.draws and self.next_seq - self._drawn >= 65536:
                self.drawn(self.next_seq)
        elif kind == "S":
            self.said.append((kind, struct.unpack(">HH", rest)))
            self.timeline.append((*self.said[-1], len(self.output)))
        elif kind in {"R", "T", "K"}:
            self.said.append((kind, None))
        elif kind == "F":
            self.said.append((kind, rest == b"\x01"))
        else:
            fact = json.loads(rest)
            if kind == "H":
                self.next_seq = self._drawn = fact["seq"]
            self.said.append((kind, fact))
            self.timeline.append((kind, fact, len(self.output)))

    def until(
        self, condition: Callable[[], object], what: str, deadline_s: float = DEADLINE_S
    ) -> None:
        """Listen until the condition holds."""
        end = time.monotonic() + deadline_s
        while not condition():
            shown = bytes(self.output[-300:])
            assert time.monotonic() < end, f"not within {deadline_s} s: {what}; {shown!r}"
            self.listen()
            assert condition() or not self.is_eof, f"closed before: {what}; {self.said}"

    def until_shows(self, text: bytes) -> None:
        """Listen until the output has `text`."""
        self.until(lambda: text in self.output, f"output {text!r}")

    def until_ready(self) -> None:
        """Listen until the pump takes input."""
        self.until(lambda: self.find("R"), "ready")

    def until_closed(self, deadline_s: float = DEADLINE_S) -> None:
        """Listen until the pump has closed."""
        end = time.monotonic() + deadline_s
        while not self.is_eof:
            assert time.monotonic() < end, "the pump did not close"
            self.listen()

    def send(self, payload: bytes) -> None:
        """Send one binary frame, masked as a browser does."""
        self.send_raw(encode_masked(Op.BINARY, payload, secrets.token_bytes(4)))

    def send_raw(self, data: bytes) -> None:
        """Send bytes as they are."""
        self._sock.settimeout(DEADLINE_S)
        self._sock.sendall(data)

    def type(self, text: str) -> None:
        """Press keys."""
        self.send(b"I" + text.encode())

    def drawn(self, seq: int) -> None:
        """Say that everything before `seq` is drawn."""
        self._drawn = seq
        # A pump that is gone hears nothing, but what it had sent is still to be read.
        with suppress(BrokenPipeError, ConnectionResetError):
            self.send(b"A" + struct.pack(">Q", seq))

    def close(self) -> None:
        """Go away without a word."""
        self._sock.close()


class Stage:
    """The pump's process, the runtime it registers with, and everything that was made for it.

    Args:
        folder: for its sockets.
        program: the words after `python` that start the pump.
    """

    def __init__(self, folder: Path, program: Sequence[str] = ("-m", "webapp.terminals")) -> None:
        self._program = program
        self.run_path = folder / "run"
        (self.run_path / "pump").mkdir(parents=True)
        self.shells: dict[str, Shell] = {}
        self._browsers: list[Browser] = []
        self._feed: Connection | None = None
        self._listener: socket.socket | None = None
        self.open_runtime()
        self.start_pump()

    def open_runtime(self) -> None:
        """Listen where the runtime does."""
        path = self.run_path / "runtime.sock"
        path.unlink(missing_ok=True)
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._listener.bind(str(path))
        self._listener.listen()
        self._listener.settimeout(DEADLINE_S)

    def close_runtime(self) -> None:
        """Go as a runtime goes that is killed: every connection ends at once."""
        if self._feed:
            self._feed.close()
        if self._listener:
            self._listener.close()

    def meet_pump(self) -> None:
        """Take the pump's registration and tell it of every living terminal."""
        assert self._listener
        sock, _ = self._listener.accept()
        if self._feed:
            self._feed.close()
        self._feed = Connection(sock)
        packet = self._feed.receive()
        assert packet
        assert packet.body["verb"] == "pump.register"
        self.tell(type="hello")
        for shell in self.shells.values():
            self.introduce(shell)

    def tell(self, *fds: int, **event: object) -> None:
        """One event of the runtime."""
        assert self._feed
        self._feed.send({"event": event}, fds)

    def introduce(self, shell: Shell) -> None:
        """Hand a terminal to the pump."""
        self.shells[shell.name] = shell
        lab = shell.name.partition(".")[0]
        event = {"type": "terminal", "terminal": shell.name, "lab": lab, "pid": shell.process.pid}
        self.tell(shell.master, shell.ring, **event)

    def shell(self, name: str = "1a2b3c4d.1", *argv: str) -> Shell:
        """A new terminal, handed to the pump."""
        shell = Shell(name, *argv)
        self.introduce(shell)
        return shell

    def start_pump(self) -> None:
        """Start the pump's process and answer its registration."""
        environ = {
            "PATH": os.environ["PATH"],
            "SLIPWAY_RUN": str(self.run_path),
        }
        self.process = subprocess.Popen([sys.executable, *self._program], cwd=REPO, env=environ)
        self.meet_pump()
        wait_for((self.run_path / "pump" / "control.sock").exists, "the control socket")

    @property
    def pump(self) -> Pump:
        """The door that web uses."""
        return Pump(self.run_path / "pump" / "control.sock")

    def kill_pump(self) -> None:
        """Kill -9 the pump."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    @property
    def memory_bytes(self) -> int:
        """What the pump holds that is its own (rings are shared memory)."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        line = next(line for line in status.splitlines() if line.startswith("RssAnon"))
        return int(line.split()[1]) * 1024

    def browser(
        self,
        terminal: str = "1a2b3c4d.1",
        *,
        may: May = "type",
        person: str = "ada",
        lasts_s: float = 3600,
        after: int | None = None,
        epoch: int | None = None,
        early: bytes = b"",
        page: str = "",
        ends: tuple[socket.socket, socket.socket] | None = None,
    ) -> Browser:
        """A browser whose websocket was handed to the pump, over real TCP or the ends given."""
        ours, theirs = ends or _connected()
        grant = Grant(secrets.token_hex(8), person, terminal, may, time.time() + lasts_s)
        with theirs:
            self.pump.handover(theirs, grant, after=after, epoch=epoch, early=early, page=page)
        self._browsers.append(Browser(ours))
        return self._browsers[-1]

    def close(self) -> None:
        """End all of it."""
        self.process.terminate()
        self.process.wait(DEADLINE_S)
        self.close_runtime()
        for browser in self._browsers:
            browser.close()
        for shell in self.shells.values():
            shell.close()


def _connected() -> tuple[socket.socket, socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        ours = socket.create_connection(server.getsockname())
        return ours, server.accept()[0]
