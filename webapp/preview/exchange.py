"""One request of a browser's, carried to a service and its answer back."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import h11

from webapp.preview import headers
from webapp.preview.headers import has_body
from webapp.preview.wire import Cut, pour, tunnel

if TYPE_CHECKING:
    from webapp.preview.headers import Origin
    from webapp.preview.reach import Reach
    from webapp.preview.wire import Wire

_WORDS_BEFORE = 8  # a service may say "go on", and hardly anything else
_CLOSE_S = 2.0
_SAFE = {b"GET", b"HEAD", b"OPTIONS"}


class Unanswered(Exception):
    """The service ended the conversation, or said what isn't HTTP, before any answer."""


class Exchange:
    """One request and its answer.

    Args:
        browser: who asks; its request's head was read.
        request: that head.
        origin: the preview, as the browser has it.
        reach: ways into labs.
    """

    def __init__(self, browser: Wire, request: h11.Request, origin: Origin, reach: Reach) -> None:
        self._browser = browser
        self._request = request
        self._origin = origin
        self._reach = reach
        self._upgrades = _wants_websocket(request)

    async def carry(self) -> None:
        """Carry it to its end.

        Raises:
            Problem: `port-shut`, `lab-unknown`, `runtime-away`, `preview-busy`: nothing was said
                to the browser yet.
            Unanswered: likewise.
            Cut: either side broke off in the middle: the browser's connection is of no use.
        """
        is_whole = self._take_end()
        may_repeat = is_whole and self._request.method in _SAFE and not self._upgrades
        place = self._origin.seat.place
        service, was_used = await self._reach.get(place, fresh=not may_repeat)
        try:
            answer, upload = await self._ask(service, is_whole=is_whole)
        except Unanswered:
            self._reach.drop(place, service)
            if not was_used:
                raise
            service, _ = await self._reach.get(place, fresh=True)
            try:
                answer, upload = await self._ask(service, is_whole=True)
            except BaseException:
                self._reach.drop(place, service)
                raise
        except BaseException:
            self._reach.drop(place, service)
            raise
        try:
            await self._answer(service, answer, upload)
        except BaseException:
            self._reach.drop(place, service)
            raise
        finally:
            if upload:
                upload.cancel()
        self._reach.keep(place, service)

    def _take_end(self) -> bool:
        """Whether the request has no body; its end is taken."""
        if self._browser.http.their_state is not h11.SEND_BODY:
            return True
        if has_body(self._request):
            return False
        self._browser.poll()  # h11 ends a request without a body by itself
        return True

    async def _ask(
        self, service: Wire, *, is_whole: bool
    ) -> tuple[h11.Response | h11.InformationalResponse, asyncio.Task[None] | None]:
        """Say the request, and wait for the head of the answer, while what else it has goes on."""
        head = headers.to_service(self._request, self._origin, upgrades=self._upgrades)
        upload = None
        try:
            service.put(
                h11.Request(method=self._request.method, target=self._request.target, headers=head)
            )
            if is_whole:
                service.put(h11.EndOfMessage())
            await service.flush()
            if not is_whole:
                upload = asyncio.create_task(_upload(self._browser, service))
            return await _head(service), upload
        except Cut as error:
            if upload:
                upload.cancel()
            raise Unanswered from error
        except BaseException:
            if upload:
                upload.cancel()
            raise

    async def _answer(
        self,
        service: Wire,
        answer: h11.Response | h11.InformationalResponse,
        upload: asyncio.Task[None] | None,
    ) -> None:
        told = headers.to_browser(answer, self._origin)
        if isinstance(answer, h11.InformationalResponse):
            told += [(b"Connection", b"Upgrade"), (b"Upgrade", b"websocket")]
            self._browser.put(h11.InformationalResponse(status_code=101, headers=told))
            await self._browser.flush()
            await _both_ways(self._browser, service)
            raise Cut("the websocket has ended")
        if upload and not upload.done():
            # It answered before it had heard all: what is on its way can't be told from a request.
            told.append((b"Connection", b"close"))
        self._browser.put(
            h11.Response(status_code=answer.status_code, headers=told, reason=answer.reason)
        )
        await pour(service, self._browser)


async def _head(service: Wire) -> h11.Response | h11.InformationalResponse:
    """The answer's head; what a service says before it is for us alone, but for a websocket's."""
    for _ in range(_WORDS_BEFORE):
        event = await service.next()
        if isinstance(event, h11.Response):
            return event
        if not isinstance(event, h11.InformationalResponse):
            break
        if event.status_code == 101:
            return event
    raise Cut("no answer")


async def _upload(browser: Wire, service: Wire) -> None:
    """Carry the request's body; where the service hears no more, its answer says why."""
    try:
        await pour(browser, service)
    except Cut:
        return


async def _both_ways(browser: Wire, service: Wire) -> None:
    """Carry a websocket's bytes until either side ends."""
    ways = [
        asyncio.create_task(tunnel(browser.reader, service.writer, browser.left_over())),
        asyncio.create_task(tunnel(service.reader, browser.writer, service.left_over())),
    ]
    try:
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        ends = [browser.writer, service.writer]
        for end in ends:
            end.close()  # what was said last still arrives
        closing = [asyncio.create_task(end.wait_closed()) for end in ends]
        await asyncio.wait(closing, timeout=_CLOSE_S)
    finally:
        for way in ways:
            way.cancel()
        await asyncio.gather(*ways, return_exceptions=True)


def _wants_websocket(request: h11.Request) -> bool:
    """Whether it asks for a websocket; no other protocol is let through to a service."""
    said = dict(request.headers)
    is_upgrade = b"upgrade" in said.get(b"connection", b"").lower()
    return is_upgrade and said.get(b"upgrade", b"").lower() == b"websocket"
