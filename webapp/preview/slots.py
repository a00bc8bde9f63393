"""Ports of this server's, one for each service that is looked at: where previews have no names.

A page's origin is its host and port, so two services on one port would be one to the browser. A
port is given to a place when it is first opened, stays with it while anybody looks, and is written
down, so that pages which are open find it again after a restart.
"""

from __future__ import annotations

import asyncio
import json
import socket
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog

from webapp.preview.address import Place
from webapp.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    Serve = Callable[["Slot"], asyncio.Protocol]

log = structlog.get_logger()

QUIET_S = 600.0


@dataclass
class Slot:
    """A port, and whose it is now.

    Attributes:
        used_at: on the monotonic clock, when somebody with the right to it last asked there.
    """

    port: int
    place: Place
    used_at: float = 0.0
    server: asyncio.Server | None = None

    def use(self) -> None:
        """Somebody looks."""
        self.used_at = time.monotonic()


class Slots:
    """Which port serves which place.

    Args:
        host: the address to listen on.
        ports: which may be taken; those that others have are passed over.
        serve: makes the protocol of a connection that comes by a slot.
        record: the file in which they are written down.
    """

    def __init__(self, host: str, ports: Sequence[int], serve: Serve, record: Path) -> None:
        self._host = host
        self._ports = ports
        self._serve = serve
        self._record = record
        self._slots: dict[Place, Slot] = {}
        self._one_at_a_time = asyncio.Lock()

    async def port_of(self, place: Place) -> int:
        """The port of a place, which has one from here on.

        Raises:
            Problem: `previews-full`.
        """
        async with self._one_at_a_time:
            slot = self._slots.get(place) or await self._take(place)
            slot.use()
            return slot.port

    def lab_at(self, port: int | None) -> str | None:
        """Whose lab a port leads to; None where it is nobody's."""
        return next((slot.place.lab for slot in self._slots.values() if slot.port == port), None)

    async def restore(self) -> None:
        """Take up what a process before this one wrote down."""
        try:
            written = json.loads(self._record.read_text())
            wanted = {int(port): Place(str(lab), int(of)) for port, lab, of in written}
        except (OSError, ValueError, TypeError):  # the first start, or half of a file
            return
        for port, place in wanted.items():
            if port in self._ports and place not in self._slots:
                await self._listen(port, place)

    def close(self) -> None:
        """Listen no more."""
        for slot in self._slots.values():
            if slot.server:
                slot.server.close()

    async def _take(self, place: Place) -> Slot:
        taken = {slot.port for slot in self._slots.values()}
        for port in self._ports:
            if port not in taken and (slot := await self._listen(port, place)):
                self._write_down()
                return slot
        oldest = min(self._slots.values(), key=lambda slot: slot.used_at, default=None)
        if oldest is None or time.monotonic() - oldest.used_at < QUIET_S:
            raise Problem(
                "previews-full",
                "Every port for previews is in use on this server.",
                "Close previews that nobody looks at; whoever runs the server can raise "
                "preview_ports.",
            )
        del self._slots[oldest.place]
        oldest.place = place
        self._slots[place] = oldest
        self._write_down()
        return oldest

    async def _listen(self, port: int, place: Place) -> Slot | None:
        """None where the port is another program's."""
        family = socket.AF_INET6 if ":" in self._host else socket.AF_INET
        listener = socket.socket(family, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((self._host, port))
            listener.listen(128)
        except OSError:
            listener.close()
            return None
        slot = Slot(port, place)
        loop = asyncio.get_running_loop()
        slot.server = await loop.create_server(lambda: self._serve(slot), sock=listener)
        self._slots[place] = slot
        return slot

    def _write_down(self) -> None:
        rows = [[slot.port, *slot.place] for slot in self._slots.values()]
        new = self._record.with_suffix(".new")
        try:
            new.write_text(json.dumps(rows))
            new.replace(self._record)
        except OSError as error:  # a restart will cost those pages a press more
            log.warning("slots.not_written", error=str(error))
