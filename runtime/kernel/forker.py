"""A small process without threads, which forks a child for each call that the daemon can't do itself.

setns(2) and unshare(2) refuse a user namespace to a process with threads, and to fork a process with
threads is unsafe (Python warns since 3.12). So the daemon keeps this one beside it: 9 MB, and a call
costs about a millisecond. It ends when the daemon's end of its socket closes.
"""

from __future__ import annotations

import importlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runtime.kernel import spawn

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_SIZE = 256 * 1024
_FDS = 16
_ROOT = Path(__file__).parents[2]


class Talk:
    """One call's conversation with its child: JSON packets, descriptors with them."""

    def __init__(self, connection: socket.socket) -> None:
        self._socket = connection

    def __enter__(self) -> Talk:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def send(self, message: dict[str, Any], fds: Sequence[int] = ()) -> None:
        """Send one packet; the descriptors stay the caller's."""
        socket.send_fds(self._socket, [json.dumps(message).encode()], fds)

    def receive(self, timeout_s: float | None = None) -> tuple[dict[str, Any], list[int]]:
        """The next packet and its descriptors, which are the caller's now.

        Raises:
            OSError: the child failed (its errno), ended without a word (EPIPE) or is late.
        """
        self._socket.settimeout(timeout_s)
        data, fds, _, _ = socket.recv_fds(self._socket, _SIZE, _FDS)
        if not data:
            raise BrokenPipeError("the forked helper ended without an answer")
        message: dict[str, Any] = json.loads(data)
        if "errno" in message:
            for fd in fds:
                os.close(fd)
            raise OSError(message["errno"], message["text"])
        return message, fds


class Forker:
    """The daemon's handle on the process; safe to call from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._socket: socket.socket | None = None

    def start(self) -> None:
        """Start the process, in the mount namespace that the caller is in now."""
        ours, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with its:
            self._process = spawn.start(
                [sys.executable, "-m", "runtime.kernel.forker", str(its.fileno())],
                stderr=sys.stderr.fileno(),
                pass_fds=[its.fileno()],
                cwd=_ROOT,
            )
        self._socket = ours

    def call(
        self,
        function: Callable[[Talk, dict[str, Any], list[int]], None],
        args: dict[str, Any],
        fds: Sequence[int] = (),
    ) -> Talk:
        """Run `function` in a fresh child; it must be importable by its name.

        Args:
            function: gets its end of the conversation, `args`, and the descriptors, which it owns.
            args: JSON-able.
            fds: sent along; they stay the caller's.

        Returns:
            The conversation; closing it is the caller's part.
        """
        ours, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        message = {"function": f"{function.__module__}:{function.__name__}", "args": args}
        with its:
            self._send(json.dumps(message).encode(), [its.fileno(), *fds])
        return Talk(ours)

    def stop(self) -> None:
        """End the process; children that still run end by themselves."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None
        if self._process is not None:
            self._process.wait()
            self._process = None

    def _send(self, data: bytes, fds: Sequence[int]) -> None:
        with self._lock:
            if self._socket is None:
                self.start()
            assert self._socket is not None  # noqa: S101 - start() sets it
            try:
                socket.send_fds(self._socket, [data], fds)
            except BrokenPipeError:  # somebody killed it: once more with a new one
                self.stop()
                self.start()
                socket.send_fds(self._socket, [data], fds)


def _child(data: bytes, fds: list[int]) -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    request = json.loads(data)
    module, _, name = request["function"].partition(":")
    talk = Talk(socket.socket(fileno=fds[0]))
    try:
        getattr(importlib.import_module(module), name)(talk, request["args"], fds[1:])
    except OSError as error:
        with suppress(OSError):  # nobody waits for it any more
            talk.send({"errno": error.errno or 0, "text": str(error)})


def serve(fd: int) -> None:
    """Fork a child for each packet until the daemon is gone."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for module in ("runtime.kernel.namespaces", "runtime.labs.inside"):
        importlib.import_module(module)  # once, not in each child
    with socket.socket(fileno=fd) as requests:
        while True:
            data, fds, _, _ = socket.recv_fds(requests, _SIZE, _FDS)
            if not data:
                return
            if os.fork() == 0:
                requests.close()
                try:
                    _child(data, fds)
                finally:
                    os._exit(0)
            for each in fds:
                os.close(each)


if __name__ == "__main__":
    serve(int(sys.argv[1]))
