"""The client's end of one call: what the runtime answers, as it comes.

Safe under eventlet's monkey patching: there a socket doesn't block, so each read waits for the
socket first (a bare `recvmsg` fails: GreenSocket only passes it on).
"""

from __future__ import annotations

import select
from typing import TYPE_CHECKING, Any, Self

from runtime.problems import Problem, away
from runtime.protocol import Packet

if TYPE_CHECKING:
    from collections.abc import Callable

    from runtime.protocol import Connection


class Feed:
    """A call that is answered more than once; one end of a connection of its own."""

    def __init__(self, connection: Connection, timeout_s: float | None) -> None:
        self._connection = connection
        self._timeout_s = timeout_s

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def fileno(self) -> int:
        """For an epoll loop: readable means that `receive` doesn't wait."""
        return self._connection.fileno()

    def close(self) -> None:
        """Stop listening; the runtime notices and forgets the call."""
        self._connection.close()

    def receive(self) -> Packet | None:
        """The next event and its descriptors, which are the caller's; None at the feed's end.

        Raises:
            Problem: what the runtime answered instead; `runtime-away` after the feed's timeout.
        """
        while True:
            packet = self._packet()
            if packet is None or "ok" in packet.body:
                return None
            if isinstance(packet.body.get("event"), dict):
                return Packet(packet.body["event"], packet.descriptors)

    def result(self, on_progress: Callable[[dict[str, Any]], None] | None = None) -> Packet:
        """Wait for the one answer; `on_progress` is called for each word on the way."""
        while True:
            packet = self._packet()
            if packet is None:
                raise away("It stopped in the middle of a request.")
            if isinstance(packet.body.get("ok"), dict):
                return Packet(packet.body["ok"], packet.descriptors)
            if on_progress and isinstance(packet.body.get("progress"), dict):
                on_progress(packet.body["progress"])

    def _packet(self) -> Packet | None:
        if not _wait_readable(self._connection.fileno(), self._timeout_s):
            raise away(f"It didn't answer for {self._timeout_s:.0f} seconds.")
        try:
            packet = self._connection.receive()
        except OSError as error:
            raise away("The connection to it broke.") from error
        if packet and isinstance(packet.body.get("problem"), dict):
            raise Problem.from_dict(packet.body["problem"])
        return packet


def _wait_readable(fd: int, timeout_s: float | None) -> bool:
    """Wait for one descriptor, in a way that lets eventlet run other greenlets.

    Monkey patching removes `select.poll` and makes `select.select` green; without it, poll is the
    one of the two that takes descriptors above 1023.
    """
    if hasattr(select, "poll"):
        poll = select.poll()
        poll.register(fd, select.POLLIN)
        return bool(poll.poll(None if timeout_s is None else timeout_s * 1000))
    readable, _, _ = select.select([fd], [], [], timeout_s)
    return bool(readable)
