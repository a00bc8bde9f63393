"""rtnetlink's messages, read and written in the network of the calling thread.

`runtime/network/netlink.py` is for what is asked now and then; this is for what is asked of many
networks again and again, and costs a tenth.
"""

from __future__ import annotations

import errno
import os
import socket
import struct
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

LINK = struct.Struct("=BBHiII")
"""struct ifinfomsg: the fourth field is the link's number, the last two are its flags and which of
them change."""

_HEADER = struct.Struct("=IHHII")
_NEWLINK, _IFF_UP = 16, 1
_REQUEST, _ACK, _DUMP = 0x1, 0x4, 0x300  # NLM_F_…
_ERROR, _DONE = 2, 3  # NLMSG_…
# The kernel puts as much into one as the largest link might take: 64 KiB of other names for it, and
# some more. What is cut off would be hidden.
_ANSWER_BYTES = 256 << 10


def dump(kind: int, body: bytes, most: int = 1 << 18) -> Iterator[memoryview]:
    """Each of a kind of things, without its header; none of a kind that the kernel doesn't know.

    Args:
        kind: RTM_GET….
        body: the fields and attributes of the request.
        most: of very many only so many are told.

    Raises:
        OSError: an answer was cut off, or the kernel broke off.
    """
    with _asked(kind, _REQUEST | _DUMP, body) as asking:
        count = 0
        while count < most:
            for type_, answer in _answers(asking):
                if type_ == _ERROR:
                    return
                if type_ == _DONE:
                    _raise_error(answer)
                    return
                count += 1
                yield answer


def told(kind: int, body: bytes) -> memoryview:
    """One thing, without its header.

    Raises:
        OSError: the kernel refused.
    """
    with _asked(kind, _REQUEST, body) as asking:
        type_, answer = next(_answers(asking))
        if type_ == _ERROR:
            _raise_error(answer)
        return answer


def do(kind: int, body: bytes) -> None:
    """Have something done; raises as `told`."""
    with _asked(kind, _REQUEST | _ACK, body) as asking:
        for _, answer in _answers(asking):
            _raise_error(answer)


def switch(link: int, *, on: bool) -> None:
    """Switch a link on or off; raises as `told`."""
    do(_NEWLINK, LINK.pack(0, 0, 0, link, _IFF_UP if on else 0, _IFF_UP))


def attribute(kind: int, value: bytes) -> bytes:
    """An attribute of a request."""
    return struct.pack("=HH", 4 + len(value), kind) + value + bytes(-len(value) % 4)


def attributes(data: memoryview) -> Iterator[tuple[int, bytes]]:
    """Those of an answer: kind and value of each."""
    while len(data) >= 4:
        length, kind = struct.unpack_from("=HH", data)
        yield kind & 0x3FFF, bytes(data[4:length])
        data = data[(max(length, 4) + 3) & ~3 :]


@contextmanager
def _asked(kind: int, flags: int, body: bytes) -> Iterator[socket.socket]:
    with socket.socket(
        socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, socket.NETLINK_ROUTE
    ) as asking:
        asking.send(_HEADER.pack(_HEADER.size + len(body), kind, flags, 1, 0) + body)
        yield asking


def _answers(asking: socket.socket) -> Iterator[tuple[int, memoryview]]:
    """Type and body of each that one packet holds."""
    answer, _, flags, _ = asking.recvmsg(_ANSWER_BYTES)
    if flags & socket.MSG_TRUNC:
        raise OSError(errno.EMSGSIZE, "an answer of netlink was cut off")
    data = memoryview(answer)
    while data:
        length, type_, *_ = _HEADER.unpack_from(data)
        yield type_, data[_HEADER.size : length]
        data = data[(length + 3) & ~3 :]


def _raise_error(answer: memoryview) -> None:
    """Of what an error, an acknowledgement and the end of a dump begin with."""
    number = -int(struct.unpack_from("=i", answer)[0])
    if number > 0:
        raise OSError(number, f"rtnetlink: {os.strerror(number)}")
