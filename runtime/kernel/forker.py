"""A small process without threads, which forks a child for each call that needs one.

setns(2) and unshare(2) refuse a user namespace to a process with threads, and to fork a process
with threads is unsafe (Python warns since 3.12). So the daemon keeps this one beside it; a call
costs about a millisecond. It ends when the daemon's end of its socket closes.
"""

from __future__ import annotations

import json
import socket
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runtime.kernel import spawn
from runtime.kernel.forked import Talk

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_ROOT = Path(__file__).parents[2]


class Forker:
    """The daemon's handle on the process; safe to call from any thread.

    Args:
        preload: modules whose functions will be called: imported once instead of in each child.
    """

    def __init__(self, preload: Sequence[str] = ("runtime.kernel.namespaces",)) -> None:
        self._preload = preload
        self._lock = threading.Lock()
        self._process: spawn.Process | None = None
        self._socket: socket.socket | None = None

    def start(self) -> None:
        """Start the process, in the mount namespace that the caller is in now."""
        ours, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with its:
            self._process = spawn.start(
                [sys.executable, "-m", "runtime.kernel.forked", str(its.fileno()), *self._preload],
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
