"""Both ends of the runtime's sockets: a packet is a message, and descriptors have an owner.

SOCK_SEQPACKET keeps messages apart, so nothing is framed by hand. Descriptors that arrive are put
into a set that owns them before anything else can fail: what nobody takes is closed. Standard
library only; the keeper, the daemon and the door (client.py) all stand on it.
"""

from __future__ import annotations

import array
import json
import os
import re
import select
import socket
import struct
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from runtime.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

PACKET_BYTES = 128 * 1024
PACKET_DESCRIPTORS = 16


class Peer(NamedTuple):
    """Who is at the other end, as the kernel says (SO_PEERCRED): no caller can lie about it."""

    pid: int
    uid: int


class Descriptors:
    """Descriptors that came with a packet; closed with this set unless taken out of it."""

    def __init__(self, fds: Sequence[int] = ()) -> None:
        self._fds: list[int | None] = list(fds)

    def __len__(self) -> int:
        return len(self._fds)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __del__(self) -> None:
        self.close()

    def __iter__(self) -> Iterator[int]:
        """The numbers of what is still owned here; to look, not to keep."""
        return iter([fd for fd in self._fds if fd is not None])

    def take(self, index: int) -> int:
        """Hand one descriptor to the caller, who closes it from now on.

        Raises:
            Problem: `bad-request` where the packet brought no such descriptor.
        """
        fd = self._fds[index] if index < len(self._fds) else None
        if fd is None:
            raise bad_request(f"Descriptor {index} is missing from the packet.", descriptor=index)
        self._fds[index] = None
        return fd

    def take_all(self) -> list[int]:
        """Hand every descriptor that is left to the caller."""
        fds = list(self)
        self._fds = []
        return fds

    def close(self) -> None:
        """Close what nobody took; harmless to repeat."""
        for fd in self.take_all():
            os.close(fd)


class Packet(NamedTuple):
    """One message and what came with it; `descriptors` is the receiver's to close."""

    body: dict[str, Any]
    descriptors: Descriptors


class Connection:
    """One end of a SEQPACKET socket that speaks JSON objects."""

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def fileno(self) -> int:
        """For a loop that waits on several sockets."""
        return self._socket.fileno()

    def close(self) -> None:
        """End the connection; the other side reads an end of file."""
        self._socket.close()

    def shutdown(self) -> None:
        """Wake whoever is blocked on this connection in another thread."""
        try:
            self._socket.shutdown(socket.SHUT_RDWR)
        except OSError:  # the peer was faster
            return

    def peer(self) -> Peer:
        """The process that connected, at the moment it did."""
        raw = self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
        pid, uid, _ = struct.unpack("iII", raw)
        return Peer(pid, uid)

    def is_gone(self) -> bool:
        """Whether the other side has closed, without reading from it."""
        poll = select.poll()
        poll.register(self._socket, select.POLLRDHUP)
        return bool(poll.poll(0))

    def send(self, body: Mapping[str, Any], fds: Sequence[int] = ()) -> None:
        """Send one packet; the descriptors stay the caller's own.

        Raises:
            Problem: `packet-too-large` before anything is sent.
            OSError: the peer is gone, or doesn't read.
        """
        raw = json.dumps(body, separators=(",", ":")).encode()
        if len(raw) > PACKET_BYTES:
            raise too_large(len(raw))
        control = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))] if fds else []
        self._socket.sendmsg([raw], control, socket.MSG_NOSIGNAL)

    def receive(self) -> Packet | None:
        """Wait for one packet; None when the other side has closed.

        Raises:
            Problem: `packet-too-large` or `bad-request` (not a JSON object); the packet is used up,
                its descriptors are closed, and the connection goes on.
            OSError: the connection broke.
        """
        raw, ancillary, flags, _ = self._socket.recvmsg(
            PACKET_BYTES, socket.CMSG_SPACE(4 * PACKET_DESCRIPTORS), socket.MSG_CMSG_CLOEXEC
        )
        descriptors = Descriptors(_descriptors_in(ancillary))
        if not raw:
            descriptors.close()
            return None
        try:
            return Packet(_object_in(raw, flags), descriptors)
        except Problem:
            descriptors.close()
            raise


class Args:
    """The arguments of a call, taken one by one: each getter names the attribute that is wrong."""

    def __init__(self, raw: Mapping[str, Any], path: str = "") -> None:
        self._raw = dict(raw)
        self._path = path

    def text(
        self, name: str, *, longest: int, pattern: str = "", default: str | None = None
    ) -> str:
        """A string of at most `longest` characters that matches all of `pattern`."""
        value = self._take(name, default)
        if not isinstance(value, str):
            raise self._wrong(name, "must be a string")
        if not _is_unicode(value):
            raise self._wrong(name, "holds half a character")
        if len(value) > longest:
            raise self._wrong(name, f"is longer than {longest} characters")
        if pattern and not re.fullmatch(pattern, value):
            raise self._wrong(name, f"must match {pattern}")
        return value

    def integer(self, name: str, *, low: int, high: int, default: int | None = None) -> int:
        """A whole number from `low` to `high`."""
        value = self._take(name, default)
        if not isinstance(value, int) or isinstance(value, bool):
            raise self._wrong(name, "must be a whole number")
        if not low <= value <= high:
            raise self._wrong(name, f"must be from {low} to {high}")
        return value

    def number(self, name: str, *, low: float, high: float, default: float | None = None) -> float:
        """A number from `low` to `high`."""
        value = self._take(name, default)
        if not isinstance(value, int | float) or isinstance(value, bool):
            raise self._wrong(name, "must be a number")
        if not low <= value <= high:
            raise self._wrong(name, f"must be from {low} to {high}")
        return float(value)

    def flag(self, name: str, *, default: bool | None = None) -> bool:
        """True or false, and nothing that only looks like it."""
        value = self._take(name, default)
        if not isinstance(value, bool):
            raise self._wrong(name, "must be true or false")
        return value

    def mapping(self, name: str, *, default: dict[str, Any] | None = None) -> dict[str, Any]:
        """A JSON object, as it is; its size is bounded by the packet's."""
        value = self._take(name, default)
        if not isinstance(value, dict):
            raise self._wrong(name, "must be an object")
        return value

    def group(self, name: str) -> Args:
        """A JSON object whose attributes are taken in turn."""
        return Args(self.mapping(name), f"{self._path}{name}.")

    def groups(self, name: str, *, most: int) -> list[Args]:
        """A list of at most `most` JSON objects."""
        value = self._list(name, most)
        if not all(isinstance(item, dict) for item in value):
            raise self._wrong(name, "must be a list of objects")
        return [Args(item, f"{self._path}{name}[{at}].") for at, item in enumerate(value)]

    def texts(self, name: str, *, most: int, longest: int) -> list[str]:
        """A list of at most `most` strings, each at most `longest` characters long."""
        value = self._list(name, most)
        if not all(
            isinstance(item, str) and len(item) <= longest and _is_unicode(item) for item in value
        ):
            raise self._wrong(name, f"must be a list of strings of at most {longest} characters")
        return value

    def has(self, name: str) -> bool:
        """Whether the caller gave it, and not as null."""
        return self._raw.get(name) is not None

    def only(self, names: Sequence[str]) -> Self:
        """Refuse every other attribute: a misspelt one must not pass in silence."""
        for name in self._raw:
            if name not in names:
                raise self._wrong(name, "isn't known here")
        return self

    def _take(self, name: str, default: object) -> object:
        value = self._raw.pop(name, None)
        if value is None and default is None:
            raise self._wrong(name, "is missing")
        return default if value is None else value

    def _list(self, name: str, most: int) -> list[Any]:
        value = self._take(name, None)
        if not isinstance(value, list):
            raise self._wrong(name, "must be a list")
        if len(value) > most:
            raise self._wrong(name, f"has more than {most} entries")
        return value

    def _wrong(self, name: str, what: str) -> Problem:
        attribute = f"{self._path}{name}"[:80]
        return bad_request(f"The argument “{attribute}” {what}.", argument=attribute)


class CallerGone(Exception):
    """Nobody is there any more to read what a call has to say."""


class Call:
    """One request as the daemon sees it: who asks, what, and the way to answer more than once."""

    def __init__(
        self, connection: Connection, peer: Peer, args: Args, descriptors: Descriptors
    ) -> None:
        self.peer = peer
        self.args = args
        self.descriptors = descriptors
        self.given: list[int] = []
        self._connection = connection

    def progress(self, **facts: object) -> None:
        """Say how far it is; the call goes on. Raises `CallerGone`."""
        self._say({"progress": facts})

    def tell_done(self, done: int) -> None:
        """Say how many are done, should anybody hear it; `is_gone` tells whether."""
        with suppress(CallerGone):
            self.progress(done=done)

    def event(self, body: Mapping[str, Any], fds: Sequence[int] = ()) -> None:
        """Send one of any number of events; the descriptors stay the caller's own.

        Raises:
            CallerGone: it can't be told any more.
        """
        self._say({"event": body}, fds)

    def give(self, fd: int) -> None:
        """Send a descriptor along with the answer; it is closed here afterwards."""
        self.given.append(fd)

    def is_gone(self) -> bool:
        """Whether nobody waits for the answer any more."""
        return self._connection.is_gone()

    def _say(self, body: Mapping[str, Any], fds: Sequence[int] = ()) -> None:
        try:
            self._connection.send(body, fds)
        except OSError as error:
            raise CallerGone from error


def bad_request(sentence: str, **facts: object) -> Problem:
    """What a caller reads who asked for something that can't be meant."""
    return Problem("bad-request", sentence, "See the verbs in docs/reference.md.", **facts)


def too_large(size_bytes: int) -> Problem:
    """What either end says of a packet that doesn't fit."""
    return Problem(
        "packet-too-large",
        f"A message is larger than the {PACKET_BYTES // 1024} KiB that one may have.",
        "Send less at once.",
        size_bytes=size_bytes,
    )


def _is_unicode(text: str) -> bool:
    """JSON can say half of a surrogate pair, which no file and no program can be given."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _descriptors_in(ancillary: list[tuple[int, int, bytes]]) -> list[int]:
    """Every descriptor the kernel has just installed in this process: from here on, ours."""
    fds = array.array("i")
    for level, kind, data in ancillary:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            fds.frombytes(data[: len(data) - len(data) % fds.itemsize])
    return list(fds)


def _object_in(raw: bytes, flags: int) -> dict[str, Any]:
    if flags & socket.MSG_TRUNC:
        raise too_large(PACKET_BYTES + 1)
    if flags & socket.MSG_CTRUNC:
        raise bad_request(f"A message brings more than {PACKET_DESCRIPTORS} descriptors.")
    try:
        body = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise bad_request("The message isn't JSON.") from error
    if not isinstance(body, dict):
        raise bad_request("The message isn't a JSON object.")
    return body
