"""One side of a conversation: h11 reads and writes, asyncio carries."""

from __future__ import annotations

from typing import TYPE_CHECKING

import h11

if TYPE_CHECKING:
    import asyncio

Event = h11.Event | type[h11.NEED_DATA] | type[h11.PAUSED]

HEAD_BYTES = 64 * 1024
PIECE_BYTES = 64 * 1024


class Cut(Exception):
    """The other end broke off, or said what isn't HTTP."""


class Wire:
    """An h11 connection on a pair of streams.

    Args:
        role: h11.SERVER towards a browser, h11.CLIENT towards a service.
    """

    def __init__(
        self,
        role: type[h11.CLIENT] | type[h11.SERVER],
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        self.http = h11.Connection(role, max_incomplete_event_size=HEAD_BYTES)
        self.reader = reader
        self.writer = writer
        self._unsent: list[bytes] = []
        self._unsent_bytes = 0

    def poll(self) -> Event:
        """What has been read already; NEED_DATA where that is no whole event.

        Raises:
            Cut: it isn't HTTP, or more than a head may be.
        """
        try:
            return self.http.next_event()
        except h11.RemoteProtocolError as error:
            raise Cut(str(error)) from error

    async def fill(self) -> None:
        """Wait until there is more to read."""
        if self.http.they_are_waiting_for_100_continue:
            go_on = h11.InformationalResponse(status_code=100, headers=[], reason=b"Continue")
            self.put(go_on)
            await self.flush()
        try:
            self.http.receive_data(await self.reader.read(PIECE_BYTES))
        except (OSError, h11.RemoteProtocolError) as error:
            raise Cut(str(error)) from error

    async def next(self) -> Event:
        """The next event, waited for."""
        while (event := self.poll()) is h11.NEED_DATA:
            await self.fill()
        return event

    def put(self, event: h11.Event) -> None:
        """Say something; it is kept until `flush`, so that small pieces go as one.

        Raises:
            Cut: it doesn't fit what was said before, such as a body longer than it was to be.
        """
        try:
            data = self.http.send(event)
        except h11.LocalProtocolError as error:
            raise Cut(str(error)) from error
        if data:
            self._unsent.append(data)
            self._unsent_bytes += len(data)

    @property
    def is_full(self) -> bool:
        """Whether so much waits that it should go now."""
        return self._unsent_bytes >= PIECE_BYTES

    async def flush(self) -> None:
        """Send what was said, and wait while the other end is slow."""
        if self._unsent:
            self.writer.write(b"".join(self._unsent))
            self._unsent, self._unsent_bytes = [], 0
        try:
            await self.writer.drain()
        except OSError as error:
            raise Cut(str(error)) from error

    def is_reusable(self) -> bool:
        """Whether both sides have said all, and the connection may carry another request."""
        return self.http.our_state is h11.DONE and self.http.their_state is h11.DONE

    def has_ended(self) -> bool:
        """Whether the other end has closed, and all it said was read."""
        return self.reader.at_eof()

    def left_over(self) -> bytes:
        """What came behind the last event and is no HTTP any more."""
        data: bytes = self.http.trailing_data[0]
        return data

    def close(self) -> None:
        """Close it at once; what wasn't sent is dropped."""
        self.writer.transport.abort()


async def pour(source: Wire, sink: Wire) -> None:
    """Pass a message's body on, to its end, piece by piece as it comes; what may follow it stays.

    Raises:
        Cut: either end broke off before it.
    """
    while True:
        event = source.poll()
        if event is h11.NEED_DATA:
            await sink.flush()
            await source.fill()
            continue
        if isinstance(event, h11.EndOfMessage):
            sink.put(h11.EndOfMessage())
            await sink.flush()
            return
        if not isinstance(event, h11.Data):
            raise Cut("it ended in the middle")
        sink.put(event)
        if sink.is_full:
            await sink.flush()


async def tunnel(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, early: bytes = b""
) -> None:
    """Carry bytes one way until they end."""
    data = early or await reader.read(PIECE_BYTES)
    while data:
        writer.write(data)
        await writer.drain()
        data = await reader.read(PIECE_BYTES)
