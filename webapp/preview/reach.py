"""Ways into labs: connections that the runtime opens there, kept for a moment after each use."""

from __future__ import annotations

import asyncio
import socket
from collections import Counter, defaultdict
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import h11

from webapp.preview.wire import Wire
from webapp.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Callable

    from webapp.preview.address import Place

    Dial = Callable[[str, int], int]

MOST = 96  # connections into one lab: a browser opens six a host, and each page of its own more
DIALS_AT_ONCE = 4  # for one lab, so that one that answers slowly keeps no other waiting
THROUGH_S = 5.0
# A service that takes one connection at a time stands still while we keep ours.
KEEP_S = 1.0
KEEP_MOST = 8


class Reach:
    """All connections into labs.

    Args:
        dial: asks the runtime for one (`Client.lab_dial`).
    """

    def __init__(self, dial: Dial) -> None:
        self._dial = dial
        self._threads = ThreadPoolExecutor(16, "dial")
        self._used: Counter[str] = Counter()
        self._turns: defaultdict[str, asyncio.Semaphore] = defaultdict(
            lambda: asyncio.Semaphore(DIALS_AT_ONCE)
        )
        self._kept: defaultdict[Place, list[tuple[Wire, asyncio.TimerHandle]]] = defaultdict(list)

    async def get(self, place: Place, *, fresh: bool) -> tuple[Wire, bool]:
        """A connection to a service, and whether it was used before.

        Args:
            place: where.
            fresh: never one that was used: the service may be closing it at this moment.

        Raises:
            Problem: `port-shut`, `lab-unknown`, `runtime-away`, `preview-busy`.
        """
        while kept := self._kept.get(place):
            wire, timer = kept.pop()
            timer.cancel()
            if not fresh and not wire.writer.is_closing() and not wire.has_ended():
                return wire, True
            self.drop(place, wire)
        return await self._open(place), False

    def keep(self, place: Place, wire: Wire) -> None:
        """Give one back; it serves another request, if that comes soon."""
        if not wire.is_reusable() or len(self._kept[place]) >= KEEP_MOST:
            self.drop(place, wire)
            return
        wire.http.start_next_cycle()
        entry = (wire, asyncio.get_running_loop().call_later(KEEP_S, self._expire, place, wire))
        self._kept[place].append(entry)

    def drop(self, place: Place, wire: Wire) -> None:
        """Close one that is of no use any more."""
        wire.close()
        self._count(place.lab, -1)

    async def is_open(self, place: Place) -> bool:
        """Whether a service answers there now.

        Raises:
            Problem: as `get`, but for `port-shut`.
        """
        try:
            wire, _ = await self.get(place, fresh=True)
        except Problem as problem:
            if problem.code == "port-shut":
                return False
            raise
        self.drop(place, wire)
        return True

    def _expire(self, place: Place, wire: Wire) -> None:
        kept = self._kept[place]
        kept[:] = [entry for entry in kept if entry[0] is not wire]
        if not kept:
            del self._kept[place]
        self.drop(place, wire)

    def _count(self, lab: str, change: int) -> None:
        self._used[lab] += change
        if self._used[lab] <= 0:
            del self._used[lab]
            self._turns.pop(lab, None)

    async def _open(self, place: Place) -> Wire:
        if self._used[place.lab] >= MOST:
            raise Problem(
                "preview-busy",
                "This container has as many connections from previews as it may.",
                "Close pages that you don't need, or wait until the service has answered.",
            )
        self._count(place.lab, 1)
        try:
            return await self._through(place)
        except BaseException:
            self._count(place.lab, -1)
            raise

    async def _through(self, place: Place) -> Wire:
        loop = asyncio.get_running_loop()
        async with self._turns[place.lab]:
            dialled = loop.run_in_executor(self._threads, self._dial, *place)
            try:
                fd = await asyncio.shield(dialled)
            except asyncio.CancelledError:  # who asked has left, and nobody else would close it
                dialled.add_done_callback(_close_when_there)
                raise
        sock = socket.socket(fileno=fd)
        try:
            sock.setblocking(False)  # noqa: FBT003 - the standard library's own signature
            await asyncio.wait_for(_connected(loop, sock), THROUGH_S)
            reader, writer = await asyncio.open_connection(sock=sock)
        except (OSError, TimeoutError) as error:
            sock.close()
            raise Problem(
                "port-shut",
                f"Nothing answers on port {place.port} of this container.",
                "Something listens there, but takes no connection.",
            ) from error
        except BaseException:
            sock.close()
            raise
        return Wire(h11.CLIENT, reader, writer)


async def _connected(loop: asyncio.AbstractEventLoop, sock: socket.socket) -> None:
    """Wait until a connection that is under way is through.

    Raises:
        OSError: it was refused.
    """
    try:
        sock.getpeername()
        return
    except OSError:
        through = loop.create_future()
    loop.add_writer(sock, through.set_result, None)
    try:
        await through
    finally:
        loop.remove_writer(sock)
    sock.getpeername()


def _close_when_there(dialled: asyncio.Future[int]) -> None:
    if not dialled.cancelled() and dialled.exception() is None:
        socket.socket(fileno=dialled.result()).close()
