"""The runtime as pump and web see it, with plain shells in place of labs."""

from __future__ import annotations

import os
import pty
import signal
import socket
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from runtime.protocol import Connection
from runtime.terminals import make_ring

if TYPE_CHECKING:
    from pathlib import Path

TERMINALS_A_LAB = 8


class Shells:
    """Starts shells, gives their streams to the pump that registers, tells web whose they are.

    Args:
        folder: the pump's SLIPWAY_RUN.
    """

    def __init__(self, folder: Path) -> None:
        (folder / "pump").mkdir(parents=True)
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._listener.bind(str(folder / "runtime.sock"))
        self._listener.listen()
        self._callers: list[Connection] = []
        self._pids: list[int] = []
        self._fds: list[int] = []
        self._feed: Connection

    def meet(self, deadline_s: float) -> None:
        """Wait for the pump and take its registration."""
        self._listener.settimeout(deadline_s)
        sock, _ = self._listener.accept()
        sock.settimeout(None)
        self._feed = Connection(sock)
        self._feed.receive()
        self._feed.send({"event": {"type": "hello"}})

    def serve(self) -> None:
        """Answer web from now on: lab N is learner N's."""
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        self._listener.settimeout(None)
        with suppress(OSError):  # closed
            while True:
                caller = Connection(self._listener.accept()[0])
                packet = caller.receive()
                verb = packet.body["verb"] if packet else ""
                if verb == "events":
                    self._callers.append(caller)
                    continue
                caller.send({"ok": self._answer(verb)})
                caller.close()

    def _answer(self, verb: str) -> dict[str, Any]:
        if verb == "status":
            return {"ready": True, "labs": 0, "max_labs": 0, "images": [], "pool": []}
        labs = sorted({name_of(number).partition(".")[0] for number in range(len(self._pids))})
        return {"labs": [{"lab": lab, "key": f"learner-{int(lab, 16)}"} for lab in labs]}

    def open(self) -> str:
        """A new shell; its terminal's name."""
        name = name_of(len(self._pids))
        pid, stream_fd = start_shell()
        ring_fd = make_ring()
        self._pids.append(pid)
        self._fds += [stream_fd, ring_fd]
        event = {"type": "terminal", "terminal": name, "lab": name.partition(".")[0], "pid": pid}
        self._feed.send({"event": event}, [stream_fd, ring_fd])
        return name

    def close(self) -> None:
        """End all shells."""
        self._listener.close()
        for connection in (self._feed, *self._callers):
            connection.close()
        for fd in self._fds:
            os.close(fd)
        for pid in self._pids:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)


def start_shell() -> tuple[int, int]:
    """A shell on a pty of its own: its process, and the pty's master."""
    pid, stream_fd = pty.fork()
    if pid == 0:
        try:
            hear_keys()
            os.execlp("sh", "sh")  # noqa: S606 - a shell is what is asked for
        finally:
            os._exit(127)
    return pid, stream_fd


def hear_keys() -> None:
    """Let Ctrl-C end programs: what a script starts with `&` ignores it, and so do its children."""
    for each in (signal.SIGINT, signal.SIGQUIT):
        signal.signal(each, signal.SIG_DFL)


def name_of(number: int) -> str:
    """The terminal of the shell with this number, from 0; labs count from 1, as learners do."""
    return f"{number // TERMINALS_A_LAB + 1:08x}.{number % TERMINALS_A_LAB + 1}"
