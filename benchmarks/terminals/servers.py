"""Who is measured: each in a process of its own, all with the same priority over their shells."""

from __future__ import annotations

import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, Self

from benchmarks.terminals.line import Door, Line, Slipway, SocketIo, Terminado, Ttyd
from benchmarks.terminals.shells import Shells, hear_keys
from runtime.launch import go_first
from webapp.terminals.client import Pump
from webapp.terminals.grants import Grant

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.terminals.line import Dialect

TOP = Path(__file__).resolve().parents[2]
_READY_S = 30.0
_LASTS_S = 3600.0


class Server(Protocol):
    """A terminal server that runs.

    Attributes:
        name: as the figures have it.
    """

    name: str

    def __enter__(self) -> Self:
        """Start it."""
        ...

    def __exit__(self, *_: object) -> None:
        """End it and all its shells."""

    def open(self) -> Line:
        """One more terminal, with a shell of its own."""

    @property
    def memory_bytes(self) -> int:
        """What the process holds that is its own, without memory that it shares."""


class Process:
    """What the servers have in common: a program that goes before what it starts."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._process: subprocess.Popen[bytes]

    def start(self, argv: list[str], **environ: str) -> None:
        """Start the program, silent, with the priority that everyone here gets."""
        self._process = subprocess.Popen(
            argv,
            cwd=TOP,
            env={**os.environ, "PYTHONPATH": str(TOP), **environ},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            preexec_fn=_begin,  # noqa: PLW1509 - no threads here
        )

    def stop(self) -> None:
        """End it."""
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    @property
    def memory_bytes(self) -> int:
        """RssAnon: rings are shared memory, and listed apart."""
        status = Path(f"/proc/{self._process.pid}/status").read_text()
        line = next(line for line in status.splitlines() if line.startswith("RssAnon"))
        return int(line.split()[1]) * 1024


def _begin() -> None:
    go_first()
    hear_keys()


class Peer(Process):
    """Another project's server, or the naive one: it listens on a port and starts shells itself.

    Args:
        name: as the figures have it.
        command: what starts it on a port.
        path: where its terminals are.
        dialect: what they speak.
        protocol: the websocket's, where it insists on one.
    """

    def __init__(
        self,
        name: str,
        command: Callable[[int], list[str]],
        path: str,
        dialect: Callable[[], Dialect],
        protocol: str = "",
    ) -> None:
        super().__init__(name)
        self._command, self._path = command, path
        self._dialect, self._protocol = dialect, protocol
        self._port = 0

    def __enter__(self) -> Self:
        self._port = free_port()
        self.start(self._command(self._port))
        deadline = time.monotonic() + _READY_S
        while True:
            try:
                socket.create_connection(("127.0.0.1", self._port), timeout=1).close()
            except OSError:
                if time.monotonic() > deadline or self._process.poll() is not None:
                    raise TimeoutError(f"{self.name} doesn't answer") from None
                time.sleep(0.05)
            else:
                return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def open(self) -> Line:
        """Connect; the server starts the shell."""
        return self.door.enter(self.door.knock())

    @property
    def door(self) -> Door:
        """Where clients come in."""
        return Door(self._port, self._path, self._dialect, protocol=self._protocol)


class OurPump(Process):
    """Slipway's pump, the real process; its runtime is played, so shells are everybody's `sh`.

    The opening's HTTP is web's and not part of what is measured here: a connection of ours goes to
    the pump by the same call that web uses.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__("slipway")
        self._shells = Shells(folder)
        self._pump = Pump(folder / "pump" / "control.sock")
        self._folder = folder
        self._listener = socket.create_server(("127.0.0.1", 0))

    def __enter__(self) -> Self:
        command = [sys.executable, "-m", "webapp.terminals"]
        self.start(command, SLIPWAY_RUN=str(self._folder))
        self._shells.meet(_READY_S)
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        self._shells.close()
        self._listener.close()

    def open(self) -> Line:
        """A shell, and a websocket after its handshake."""
        return self.look(self.shell())

    def shell(self) -> str:
        """A shell that nobody looks at yet."""
        return self._shells.open()

    def serve_web(self) -> None:
        """Let a web ask whose terminals there are."""
        self._shells.serve()

    def look(self, terminal: str) -> Line:
        """One more viewer of a terminal."""
        ours = socket.create_connection(self._listener.getsockname())
        theirs, _ = self._listener.accept()
        with theirs:
            until = time.time() + _LASTS_S
            grant = Grant(secrets.token_hex(8), "benchmark", terminal, "type", until)
            self._pump.handover(theirs, grant)
        return Line(ours, Slipway())


def missing(ttyd_path: Path | None) -> dict[str, str]:
    """Who can't be measured here, and what to do about it."""
    found = {}
    if ttyd_path is None:
        found["ttyd"] = "Build it from its source, and give its path by --ttyd."
    if find_spec("terminado") is None:
        found["terminado"] = "Install requirements-dev.txt: `./slipway test` does."
    return found


def peers(ttyd_path: Path | None) -> list[Peer]:
    """The others: ttyd where one was given, terminado, and the naive one; those that are here."""
    absent = missing(ttyd_path)
    module = [sys.executable, "-m"]
    found = [
        Peer(
            "terminado",
            lambda port: [*module, "benchmarks.terminals.terminado_server", str(port)],
            "/websocket",
            Terminado,
        ),
        Peer(
            "naive",
            lambda port: [*module, "benchmarks.terminals.naive", str(port)],
            "/socket.io/?EIO=4&transport=websocket",
            SocketIo,
        ),
    ]
    if ttyd_path:
        # No pings: the client looks at one server at a time, and would be taken for gone.
        quiet = ["--ping-interval", "3600", "--debug", "1"]
        argv = [str(ttyd_path), "--writable", "--interface", "127.0.0.1", *quiet]
        ttyd = Peer(
            "ttyd", lambda port: [*argv, "--port", str(port), "sh"], "/ws", Ttyd, protocol="tty"
        )
        found.insert(0, ttyd)
    return [peer for peer in found if peer.name not in absent]


def free_port() -> int:
    """A port that nobody has."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])
