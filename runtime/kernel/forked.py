"""The process behind `forker.Forker`: no threads, and no import that a child doesn't need."""

from __future__ import annotations

import importlib
import json
import os
import signal
import socket
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

PACKET_BYTES = 256 * 1024
PACKET_FDS = 16


class Talk:
    """One call's conversation with its child: JSON packets, descriptors with them."""

    def __init__(self, connection: socket.socket) -> None:
        self._socket = connection

    def __enter__(self) -> Talk:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def fileno(self) -> int:
        """Readable when the other end has said something, or is gone."""
        return self._socket.fileno()

    def send(self, message: dict[str, Any], fds: Sequence[int] = ()) -> None:
        """Send one packet; the descriptors stay the caller's."""
        socket.send_fds(self._socket, [json.dumps(message).encode()], fds)

    def receive(self, timeout_s: float | None = None) -> tuple[dict[str, Any], list[int]]:
        """The next packet and its descriptors, which are the caller's now.

        Raises:
            OSError: the child failed (its errno), ended without a word (EPIPE) or is late.
        """
        self._socket.settimeout(timeout_s)
        data, fds, _, _ = socket.recv_fds(self._socket, PACKET_BYTES, PACKET_FDS)
        if not data:
            raise BrokenPipeError("the forked helper ended without an answer")
        message: dict[str, Any] = json.loads(data)
        if "errno" in message:
            for fd in fds:
                os.close(fd)
            raise OSError(message["errno"], message["text"])
        return message, fds


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


def serve(fd: int, preload: Sequence[str]) -> None:
    """Fork a child for each packet until the daemon is gone.

    Args:
        fd: this process's end of the daemon's socket.
        preload: modules that the calls will need.
    """
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for module in preload:
        importlib.import_module(module)  # once, not in each child
    with socket.socket(fileno=fd) as requests:
        while True:
            data, fds, _, _ = socket.recv_fds(requests, PACKET_BYTES, PACKET_FDS)
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
    serve(int(sys.argv[1]), sys.argv[2:])
