"""Our end of qemu's own control socket (QMP): why a machine ended, how to end or to save it."""

from __future__ import annotations

import json
import socket
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import structlog

if TYPE_CHECKING:
    from collections.abc import Sequence

log = structlog.get_logger()

_LINE_BYTES = 64 << 10
# The guest's memory stays where it is, in its file; only the rest of it is written and read.
_MEMORY_STAYS = [{"capability": "x-ignore-shared", "state": True}]
_TELLS = [{"capability": "events", "state": True}]


class Monitor:
    """The talk with one qemu.

    Args:
        sock: connected by qemu; ours from now on.
        is_new: whether the talk has to be opened; another runtime may have done so.

    Attributes:
        shutdown: the reason of qemu's SHUTDOWN event, such as `guest-reset`; empty before.
        saving: how far a `save` or `go_on` is, as qemu says: `completed`, `failed`; empty before.
    """

    def __init__(self, sock: socket.socket, *, is_new: bool = True) -> None:
        self._sock = sock
        self._sock.settimeout(0)
        self._buffer = b""
        self.shutdown = ""
        self.saving = ""
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

    def save(self, state_fd: int) -> None:
        """Stop the guest, and write all but its memory; `saving` tells the end."""
        self._lend(state_fd)
        self._say("migrate", uri="fd:state")

    def go_on(self, state_fd: int) -> None:
        """Read what `save` wrote, in a qemu that was started for it, and let the guest go on."""
        self._lend(state_fd)
        self._say("migrate-incoming", uri="fd:state")

    def stop(self) -> None:
        """Let the guest stand still, its own clock too."""
        self._say("stop")

    def cont(self) -> None:
        """Let it go on; it doesn't know for how long it stood still."""
        self._say("cont")

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
        elif said.get("event") == "MIGRATION":
            self.saving = str(said.get("data", {}).get("status", ""))
        elif "error" in said:
            log.warning("machine.refused_by_qemu", error=str(said["error"])[:300])

    def _lend(self, state_fd: int) -> None:
        self._say("migrate-set-capabilities", capabilities=_MEMORY_STAYS + _TELLS)
        self._say("getfd", [state_fd], fdname="state")

    def _say(self, command: str, fds: Sequence[int] = (), **arguments: object) -> None:
        said = {"execute": command, **({"arguments": arguments} if arguments else {})}
        with suppress(OSError):
            socket.send_fds(self._sock, [json.dumps(said).encode() + b"\n"], fds)
