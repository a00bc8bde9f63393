"""What a browser does, without a screen: pages with cookies, and websockets."""

from __future__ import annotations

import asyncio
import re
from http import HTTPStatus
from http.cookies import SimpleCookie
from typing import TYPE_CHECKING
from urllib.parse import urlencode, urljoin, urlsplit

import h11
from wsproto import ConnectionType, WSConnection
from wsproto.events import (
    AcceptConnection,
    BytesMessage,
    Ping,
    RejectConnection,
    Request,
    TextMessage,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

ANSWER_S = 60.0
_PIECE_BYTES = 1 << 16
_HIDDEN = re.compile(r'name="(csrf_token|attempt)"[^>]*value="([^"]*)"')
_REDIRECTS_MOST = 5


class Failed(Exception):
    """The server did not do what it should; said in words."""


class Browser:
    """One person's: their cookies, and a connection for each page as they ask for it.

    Args:
        url: of the server.

    Attributes:
        cookies: by name.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        place = urlsplit(url)
        self.host, self.port = place.hostname or "127.0.0.1", place.port or 80
        self.cookies: dict[str, str] = {}

    async def read(self, path: str, form: Mapping[str, str] | None = None) -> tuple[str, str]:
        """Ask for a page, or send a form, and follow where it leads.

        Returns:
            The last path, and the page's text.

        Raises:
            Failed: an answer that is no page.
        """
        for _ in range(_REDIRECTS_MOST):
            status, headers, body = await asyncio.wait_for(self._ask(path, form), ANSWER_S)
            if status in {HTTPStatus.FOUND, HTTPStatus.SEE_OTHER}:
                path, form = urlsplit(urljoin(path, headers["location"])).path, None
                continue
            if status != HTTPStatus.OK:
                raise Failed(f"{path} answered {status}")
            return path, body.decode()
        raise Failed(f"{path} leads on and on")

    async def send(self, page: str, action: str, **fields: str) -> tuple[str, str]:
        """Fill in the form of a page and send it; as `read`."""
        _, text = await self.read(page)
        return await self.read(action, {**dict(_HIDDEN.findall(text)), **fields})

    async def websocket(self, path: str) -> Websocket:
        """Open one, as a page of this server's would.

        Raises:
            Failed: it was refused.
        """
        reader, writer = await asyncio.open_connection(self.host, self.port)
        socket = Websocket(reader, writer)
        try:
            await asyncio.wait_for(socket.open(self, path), ANSWER_S)
        except BaseException:
            writer.close()
            raise
        return socket

    @property
    def headers(self) -> list[tuple[bytes, bytes]]:
        """What each request says of this browser."""
        cookies = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        return [(b"Cookie", cookies.encode()), (b"Origin", self.url.encode())]

    @property
    def authority(self) -> str:
        """The server's name and port, as a request says them."""
        return f"{self.host}:{self.port}"

    async def _ask(
        self, path: str, form: Mapping[str, str] | None
    ) -> tuple[int, dict[str, str], bytes]:
        reader, writer = await asyncio.open_connection(self.host, self.port)
        try:
            connection = h11.Connection(h11.CLIENT)
            content = urlencode(form or {}).encode()
            headers = [(b"Host", self.authority.encode()), (b"Connection", b"close"), *self.headers]
            if form is not None:
                headers += [
                    (b"Content-Type", b"application/x-www-form-urlencoded"),
                    (b"Content-Length", str(len(content)).encode()),
                ]
            method = "GET" if form is None else "POST"
            request = h11.Request(method=method, target=path, headers=headers)
            body = [] if form is None else [h11.Data(content)]
            for event in (request, *body, h11.EndOfMessage()):
                writer.write(connection.send(event) or b"")
            return await self._answer(reader, connection)
        finally:
            writer.close()

    async def _answer(
        self, reader: asyncio.StreamReader, connection: h11.Connection
    ) -> tuple[int, dict[str, str], bytes]:
        status, headers, body = 0, {}, b""
        while True:
            event = connection.next_event()
            if event is h11.NEED_DATA:
                connection.receive_data(await reader.read(_PIECE_BYTES))
            elif isinstance(event, h11.Response):
                status = event.status_code
                headers = {name.decode(): value.decode() for name, value in event.headers}
                self._keep([value for name, value in event.headers if name == b"set-cookie"])
            elif isinstance(event, h11.Data):
                body += event.data
            elif isinstance(event, h11.EndOfMessage):
                return status, headers, body

    def _keep(self, said: list[bytes]) -> None:
        for value in said:
            for name, morsel in SimpleCookie(value.decode()).items():
                self.cookies[name] = morsel.value


class Websocket:
    """One connection; messages are bytes or text, as they came."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._connection = WSConnection(ConnectionType.CLIENT)

    async def open(self, browser: Browser, path: str) -> None:
        """Shake hands."""
        request = Request(browser.authority, path, extra_headers=browser.headers)
        self._writer.write(self._connection.send(request))
        while True:
            for event in self._connection.events():
                if isinstance(event, AcceptConnection):
                    return
                if isinstance(event, RejectConnection):
                    raise Failed(f"{path} was refused with {event.status_code}")
            self._receive(await self._reader.read(_PIECE_BYTES))

    def send(self, message: bytes | str) -> None:
        """Say something."""
        event = TextMessage(message) if isinstance(message, str) else BytesMessage(message)
        self._writer.write(self._connection.send(event))

    async def messages(self) -> AsyncIterator[bytes | str]:
        """What comes, until the server closes; pings are answered."""
        texts: list[str] = []
        pieces: list[bytes] = []
        while True:
            for event in self._connection.events():
                if isinstance(event, Ping):
                    self._writer.write(self._connection.send(event.response()))
                elif isinstance(event, TextMessage):
                    texts.append(event.data)
                    if event.message_finished:
                        yield "".join(texts)
                        texts.clear()
                elif isinstance(event, BytesMessage):
                    pieces.append(bytes(event.data))
                    if event.message_finished:
                        yield b"".join(pieces)
                        pieces.clear()
            data = await self._reader.read(_PIECE_BYTES)
            if not data:
                return
            self._receive(data)

    def close(self) -> None:
        """Leave."""
        self._writer.close()

    def _receive(self, data: bytes) -> None:
        if not data:
            raise Failed("the server hung up")
        self._connection.receive_data(data)
