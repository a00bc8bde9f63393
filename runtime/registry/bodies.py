"""A request's body, piece by piece, whichever of HTTP's two ways says where it ends."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from runtime.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator
    from email.message import Message
    from io import BufferedIOBase

PIECE_BYTES = 256 * 1024
_LINE_BYTES = 1024
_TRAILERS = 16


class Body:
    """What comes behind a request's head.

    Args:
        headers: of the request.
        stream: from which it is read, once.

    Raises:
        Problem: `registry-request`: its end can't be told.
    """

    def __init__(self, headers: Message, stream: BufferedIOBase) -> None:
        self._stream = stream
        lengths = set(headers.get_all("Content-Length", []))
        coded = [each.strip().lower() for each in headers.get_all("Transfer-Encoding", [])]
        self.is_chunked = coded == ["chunked"]
        length = lengths.pop() if lengths else "0"
        is_clear = not lengths and re.fullmatch("[0-9]{1,15}", length)
        if not is_clear or (coded and (not self.is_chunked or length != "0")):
            raise _unclear()
        self.length = int(length)
        self._pieces = self._read()

    def pieces(self) -> Iterator[bytes]:
        """What of it nobody has taken yet.

        Raises:
            Problem: `registry-request`.
            ConnectionError: whoever sends it broke off.
        """
        return self._pieces

    def _read(self) -> Iterator[bytes]:
        if not self.is_chunked:
            yield from self._exactly(self.length)
            return
        while size := self._chunk():
            yield from self._exactly(size)
            if self._line() != b"\r\n":
                raise _unclear()
        for _ in range(_TRAILERS):
            if self._line() == b"\r\n":
                return
        raise _unclear()

    def _chunk(self) -> int:
        size = self._line().partition(b";")[0].strip()
        if not re.fullmatch(b"[0-9a-fA-F]{1,12}", size):
            raise _unclear()
        return int(size, 16)

    def _line(self) -> bytes:
        line = self._stream.readline(_LINE_BYTES)
        if not line.endswith(b"\n"):
            raise ConnectionResetError
        return line

    def _exactly(self, size: int) -> Iterator[bytes]:
        while size:
            piece = self._stream.read(min(size, PIECE_BYTES))
            if not piece:
                raise ConnectionResetError
            size -= len(piece)
            yield piece


def _unclear() -> Problem:
    return Problem(
        "registry-request",
        "This registry takes images and gives them; where that request ends can't be told.",
        "Use `docker push` and `docker pull`.",
    )
