"""A pump in a process of its own: the runtime ends an old one before a new one gets anything."""

from __future__ import annotations

import json
import os
import select
import signal
from typing import TYPE_CHECKING, Any, Self

from tests.waiting import wait_for

if TYPE_CHECKING:
    from runtime.client import Client, Packet


class PumpProcess:
    """Registers, and tells the test what it hears; it reads no terminal.

    Args:
        client: the runtime's door.
        name: which of the server's pumps it is.
    """

    def __init__(self, client: Client, name: str = "pump") -> None:
        read_fd, write_fd = os.pipe()
        self._pid = os.fork()
        if self._pid == 0:
            try:
                _listen(client, name, write_fd)
            finally:
                os._exit(1)
        os.close(write_fd)
        self._heard_fd = read_fd
        self._buffer = b""
        self.pidfd = os.pidfd_open(self._pid)
        self.heard: list[dict[str, Any]] = []
        self.wait("hello")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if not self.has_ended():
            signal.pidfd_send_signal(self.pidfd, signal.SIGKILL)
        os.waitpid(self._pid, 0)
        os.close(self.pidfd)
        os.close(self._heard_fd)

    def has_ended(self) -> bool:
        """Whether somebody has ended it."""
        return bool(select.select([self.pidfd], [], [], 0)[0])

    def wait(self, kind: str, **facts: object) -> dict[str, Any]:
        """What it heard of this kind, with these facts; waits for it."""

        def find() -> dict[str, Any] | None:
            self._read()
            matches = [
                each
                for each in self.heard
                if each["type"] == kind and facts.items() <= each.items()
            ]
            return matches[0] if matches else None

        found = wait_for(find, f"{kind} {facts} at the pump")
        assert found
        return found

    def _read(self) -> None:
        while select.select([self._heard_fd], [], [], 0)[0]:
            data = os.read(self._heard_fd, 65536)
            if not data:
                return
            self._buffer += data
        *lines, self._buffer = self._buffer.split(b"\n")
        self.heard += [json.loads(line) for line in lines]


def _listen(client: Client, name: str, write_fd: int) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    feed = client.pump_register(name)
    while packet := feed.receive():
        with packet.descriptors:
            os.write(write_fd, json.dumps({**packet.body, **_looks(packet)}).encode() + b"\n")
    signal.pause()


def _looks(packet: Packet) -> dict[str, bool]:
    if len(packet.descriptors) != 2:
        return {}
    stream_fd, ring_fd = packet.descriptors
    return {"is_terminal": os.isatty(stream_fd), "is_sealed": _is_sealed(ring_fd)}


def _is_sealed(ring_fd: int) -> bool:
    for size in (10, 1 << 30):
        try:
            os.ftruncate(ring_fd, size)
        except PermissionError:
            continue
        return False
    return True
