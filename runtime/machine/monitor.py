"""Our end of qemu's own control socket (QMP): why a machine ended, and how to end it at once."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import socket

_LINE_BYTES = 64 << 10


class Monitor:
    """The talk with one qemu.

    Args:
        sock: connected by qemu; ours from now on.
        is_new: whether the talk has to be opened; another runtime may have done so.

    Attributes:
        shutdown: the reason of qemu's SHUTDOWN event, such as `guest-reset`; empty before.
    """

    def __init__(self, sock: socket.socket, *, is_new: bool = True) -> None:
        self._sock = sock
        self._sock.settimeout(0)
        self._buffer = b""
        self.shutdown = ""
        if is_new:
            self._say("qmp_capabilities")

    def fileno(self) -> int:
        """For a poll: readable means `read`."""
        return self._sock.fileno()

    def close(self) -> None:
        """Let go of it; qemu goes on."""
        self._sock.close()

    def quit(self) -> None:
        """End qemu at once; the guest isn't asked."""
        self._say("quit")

    def read(self) -> bool:
        """Take what qemu says; False at the end of the connection."""
        try:
            data = self._sock.recv(65536)
        except BlockingIOError:
            return True
        except OSError:
            return False
        self._buffer += data
        *lines, self._buffer = self._buffer.split(b"\n")
        self._buffer = self._buffer[-_LINE_BYTES:]
        for line in lines:
            with suppress(ValueError):
                self._hear(json.loads(line))
        return bool(data)

    def _hear(self, said: dict[str, Any]) -> None:
        if said.get("event") == "SHUTDOWN":
            self.shutdown = str(said.get("data", {}).get("reason", ""))

    def _say(self, command: str) -> None:
        with suppress(OSError):
            self._sock.send(json.dumps({"execute": command}).encode() + b"\n")
