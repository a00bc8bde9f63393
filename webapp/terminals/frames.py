"""Websocket frames after the handshake (RFC 6455, section 5), without extensions.

Written by hand because the pump owns bare sockets in an epoll loop: the libraries bring a loop or a
handshake of their own. Everything that comes in is checked and bounded before it is kept.
"""

from __future__ import annotations

import struct
from enum import IntEnum

from webapp.terminals.bounds import MESSAGE_BYTES


class Op(IntEnum):
    """Frame types that RFC 6455 defines."""

    CONTINUE = 0
    TEXT = 1
    BINARY = 2
    CLOSE = 8
    PING = 9
    PONG = 10


BINARY = 0x80 | Op.BINARY  # the first byte of a whole frame


class FrameError(Exception):
    """The other side broke the protocol: the connection ends with `code`."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code


def encode(op: Op, *parts: bytes) -> bytes:
    """One whole frame as a server sends it."""
    return b"".join((head(op, sum(map(len, parts))), *parts))


def head(op: Op, length: int) -> bytes:
    """What stands before a payload of `length` bytes as a server sends it."""
    return _header(op, length, 0)


def encode_masked(op: Op, payload: bytes, key: bytes = b"\0\0\0\0") -> bytes:
    """One whole frame as a client sends it; a key of zeros leaves the payload readable."""
    return _header(op, len(payload), 0x80) + key + _mask(payload, key)


def close(code: int, reason: str = "") -> bytes:
    """A close frame."""
    return encode(Op.CLOSE, struct.pack(">H", code), reason.encode()[:120])


def _header(op: Op, length: int, mask_bit: int) -> bytes:
    first = 0x80 | op
    if length < 126:
        return bytes((first, mask_bit | length))
    if length < 65536:
        return struct.pack(">BBH", first, mask_bit | 126, length)
    return struct.pack(">BBQ", first, mask_bit | 127, length)


def _mask(payload: bytes, key: bytes) -> bytes:
    """XOR by one big integer: a loop over bytes costs seventy times more."""
    if key == b"\0\0\0\0" or not payload:
        return payload
    size = len(payload)
    keys = (key * (size // 4 + 1))[:size]
    return (int.from_bytes(payload, "big") ^ int.from_bytes(keys, "big")).to_bytes(size, "big")


class Parser:
    """Bytes in, whole messages out.

    Args:
        expects_mask: True where the other side is a client (it must mask), False where it is a
            server.
    """

    __slots__ = ("_buffer", "_expects_mask", "_message", "_message_op")

    def __init__(self, *, expects_mask: bool) -> None:
        self._expects_mask = expects_mask
        self._buffer = bytearray()
        self._message: list[bytes] = []
        self._message_op: Op | None = None

    def feed(self, data: bytes) -> list[tuple[Op, bytes]]:
        """The messages that `data` completes, fragments joined.

        Raises:
            FrameError: 1002 for a broken frame, 1009 for a message over `MESSAGE_BYTES`.
        """
        if (key := self.key(data)) is not None:
            return [(Op.BINARY, key)]
        self._buffer += data
        found = []
        while (frame := self._take_frame()) is not None:
            op, is_last, payload = frame
            message = self._join(op, payload, is_last=is_last)
            if message is not None:
                found.append(message)
        return found

    def key(self, data: bytes) -> bytes | None:
        """The payload where `data` is one small binary frame, as each pressed key is."""
        length = len(data) - 6
        if (
            0 < length < 126
            and data[0] == BINARY
            and data[1] == 0x80 | length
            and self._expects_mask
            and not self._buffer
            and self._message_op is None
        ):
            if length == 2:  # one letter
                return bytes((data[6] ^ data[2], data[7] ^ data[3]))
            return _mask(data[6:], data[2:6])
        return None

    def _take_frame(self) -> tuple[Op, bool, bytes] | None:
        buffer = self._buffer
        if len(buffer) < 2:
            return None
        op, is_last = self._check_first(buffer[0])
        length, start = self._length(buffer)
        if length is None:
            return None
        self._check_length(op, length, is_last=is_last)
        end = start + 4 * self._expects_mask + length
        if len(buffer) < end:
            return None
        payload = bytes(buffer[end - length : end])
        if self._expects_mask:
            payload = _mask(payload, bytes(buffer[start : start + 4]))
        del buffer[:end]
        return op, is_last, payload

    def _check_first(self, first: int) -> tuple[Op, bool]:
        if first & 0x70:
            raise FrameError(1002, "a reserved bit is set, and no extension was agreed")
        try:
            return Op(first & 0x0F), bool(first & 0x80)
        except ValueError:
            raise FrameError(1002, f"frame type {first & 0x0F} does not exist") from None

    def _length(self, buffer: bytearray) -> tuple[int | None, int]:
        if bool(buffer[1] & 0x80) != self._expects_mask:
            raise FrameError(1002, "the mask bit is wrong")
        short = buffer[1] & 0x7F
        if short < 126:
            return short, 2
        size, form = (2, ">H") if short == 126 else (8, ">Q")
        if len(buffer) < 2 + size:
            return None, 0
        return struct.unpack_from(form, buffer, 2)[0], 2 + size

    def _check_length(self, op: Op, length: int, *, is_last: bool) -> None:
        if op >= Op.CLOSE and (length > 125 or not is_last):
            raise FrameError(1002, "a control frame is too long or in pieces")
        if length + sum(map(len, self._message)) > MESSAGE_BYTES or len(self._message) > 64:
            raise FrameError(1009, f"a message may have {MESSAGE_BYTES} bytes")

    def _join(self, op: Op, payload: bytes, *, is_last: bool) -> tuple[Op, bytes] | None:
        if op >= Op.CLOSE:
            return op, payload
        if (op is Op.CONTINUE) != (self._message_op is not None):
            raise FrameError(1002, "a fragment is out of order")
        self._message_op = self._message_op or op
        self._message.append(payload)
        if not is_last:
            return None
        message = self._message_op, b"".join(self._message)
        self._message, self._message_op = [], None
        return message
