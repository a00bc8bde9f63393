"""A browser's connection to a preview: whose it is, which service it is for, and on to that."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import h11
import structlog
from typing_extensions import override

from webapp.preview import cookies, pages
from webapp.preview.address import HERE, OPEN, OWN, READY, Place, bare
from webapp.preview.exchange import Exchange, Unanswered
from webapp.preview.headers import Origin, has_body
from webapp.preview.rights import check_page, seat_at, shut
from webapp.preview.wire import Cut, Wire
from webapp.problems import Problem, http_status, not_found

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from webapp.crowd import Crowd, Held
    from webapp.preview.address import Seat, Signer
    from webapp.preview.pages import Page
    from webapp.preview.reach import Reach
    from webapp.preview.slots import Slot, Slots

log = structlog.get_logger()

# A browser that was let in may think for a while between two requests; a stranger may not.
HEAD_S = 20.0
QUIET_S = 90.0


class Visitor(asyncio.StreamReaderProtocol):
    """One connection; who leaves ends what was asked for them.

    Args:
        serve: answers it; cancelled when it is gone.
    """

    def __init__(self, serve: Callable[[Wire], Awaitable[None]]) -> None:
        self._reader = asyncio.StreamReader()
        super().__init__(self._reader)
        self._answer_to = serve
        # Not `_task`: the base class has one of that name, which it forgets when a connection ends.
        self._serving: asyncio.Future[None] | None = None

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        loop = asyncio.get_running_loop()
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - create_server makes no other
        writer = asyncio.StreamWriter(transport, self, self._reader, loop)
        wire = Wire(h11.SERVER, self._reader, writer)
        self._serving = asyncio.ensure_future(self._answer_to(wire))

    @override
    def eof_received(self) -> bool:
        super().eof_received()
        return False

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        if self._serving:
            self._serving.cancel()


class Door:
    """Answers browsers.

    Args:
        signer: knows tickets and seats.
        reach: ways into labs.
        crowd: who holds connections.
    """

    def __init__(self, signer: Signer, reach: Reach, crowd: Crowd) -> None:
        self._signer = signer
        self._reach = reach
        self._crowd = crowd
        self.slots: Slots | None = None

    def visitor(self, slot: Slot | None = None) -> Visitor:
        """The protocol of a connection that came by a port of a place, or by the first one."""
        return Visitor(lambda wire: self._serve(wire, slot))

    async def _serve(self, wire: Wire, slot: Slot | None) -> None:
        held = self._crowd.came(wire.close)
        try:
            await self._converse(wire, slot, held)
            wire.writer.close()
        except (Cut, TimeoutError):
            wire.close()
        except asyncio.CancelledError:
            wire.close()
            raise
        except Exception:
            log.exception("preview.broke")
            wire.close()
        finally:
            held.left()

    async def _converse(self, wire: Wire, slot: Slot | None, held: Held) -> None:
        """One request after the other, as long as both sides keep the connection."""
        patience_s = HEAD_S
        while True:
            async with asyncio.timeout(patience_s):
                request = await wire.next()
            if not isinstance(request, h11.Request):
                return
            held.asks()
            try:
                page = await self._answer(wire, request, slot, held)
            except Problem as problem:
                page = _refusal(problem, request)
            if page:
                await _say(wire, request, page)
            if not wire.is_reusable():
                return
            wire.http.start_next_cycle()
            patience_s = QUIET_S if held.who else HEAD_S

    async def _answer(
        self, wire: Wire, request: h11.Request, slot: Slot | None, held: Held
    ) -> Page | None:
        """What we say ourselves; None where the service has answered.

        Raises:
            Problem: why it may not be asked, or can't.
            Cut: it broke off in the middle.
        """
        said = dict(request.headers)
        host = said.get(b"host", b"").decode("latin-1")
        target = request.target.decode("latin-1")
        if not target.startswith("/") or request.method == b"CONNECT":
            raise shut()
        if target == HERE:
            return pages.here()
        named = None if slot else Place.of_label(host.partition(".")[0])
        if target.startswith(f"{OPEN}?"):
            return await self._open(target, host, named)
        place = slot.place if slot else named
        if place is None:
            raise shut()
        seat = seat_at(place, cookies.pairs(request.headers), self._signer)
        held.belongs(seat.viewer)
        if slot:
            slot.use()
        origin = Origin(host, seat, is_named=named is not None)
        check_page(said, origin, self._lab_at)
        if target.startswith(OWN) or b"service-worker" in said:
            return await self._own(target, place)
        return await self._carry(Exchange(wire, request, origin, self._reach), request, seat)

    async def _carry(self, exchange: Exchange, request: h11.Request, seat: Seat) -> Page | None:
        try:
            await exchange.carry()
        except Problem as problem:
            if problem.code not in {"port-shut", "runtime-away"}:
                raise
            if not _is_page(request):
                return pages.plain(problem, 503)
            return pages.waiting(problem, seat.home)
        except Unanswered:
            return _refusal(_broke_off(seat.place.port), request, seat.home, 502)
        return None

    async def _open(self, target: str, host: str, named: Place | None) -> Page:
        """Turn a ticket into a seat, and go on to the service."""
        ticket = parse_qs(urlsplit(target).query).get("ticket", [""])[0]
        seat = self._signer.admit(ticket)
        if seat is None or named not in (None, seat.place):
            raise Problem(
                "preview-shut",
                "This link to a preview is too old, or was for another one.",
                "Open the preview from the lesson.",
            )
        address = "/"
        if named is None and self.slots:
            address = f"http://{bare(host)}:{await self.slots.port_of(seat.place)}/"
        # A frame beside the lesson may be another site's to the browser: then only this form works.
        where = "SameSite=None; Secure; Partitioned" if seat.scheme == "https" else "SameSite=Lax"
        name = cookies.seat_name(seat.place)
        cookie = f"{name}={self._signer.cookie(seat)}; Path=/; HttpOnly; {where}"
        return pages.redirect(address, cookie)

    async def _own(self, target: str, place: Place) -> Page:
        """Ours, and never the service's: a service worker would outlive who has this port now."""
        if target.partition("?")[0] != READY:
            raise not_found()
        return pages.state(is_open=await self._reach.is_open(place))

    def _lab_at(self, port: int | None) -> str | None:
        return self.slots.lab_at(port) if self.slots else None


def _refusal(
    problem: Problem, request: h11.Request, home: str = "", status: int | None = None
) -> Page:
    code = status or http_status(problem)
    if _is_page(request):
        return pages.refused(problem, home, code)
    return pages.plain(problem, code)


def _broke_off(port: int) -> Problem:
    return Problem(
        "service-broke-off",
        f"What answers on port {port} ended the conversation, or doesn't speak HTTP.",
        "Look into its terminal: it may say why.",
    )


def _is_page(request: h11.Request) -> bool:
    """Whether a person will read the answer."""
    said = dict(request.headers)
    return request.method == b"GET" and b"text/html" in said.get(b"accept", b"")


async def _say(wire: Wire, request: h11.Request, page: Page) -> None:
    """An answer of ours; the connection ends where a body of the request's is still to come."""
    headers = list(page.headers)
    if has_body(request):
        headers.append((b"Connection", b"close"))
    else:
        wire.poll()  # the end of the request, unless it was taken
    wire.put(h11.Response(status_code=page.status, headers=headers))
    if request.method != b"HEAD" and page.body:
        wire.put(h11.Data(data=page.body))
    wire.put(h11.EndOfMessage())
    await wire.flush()
