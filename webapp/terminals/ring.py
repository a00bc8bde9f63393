"""The numbered output of one terminal, in memory that the keeper holds too.

The runtime makes the memfd (sealed against shrinking and growing) and the pump alone writes it. Its
first page is the header: who numbers (epoch), where the end is (head), where the oldest kept byte
is (base), which pump owns it, modes and pen at base, and whether a paste is on its way. At least
the `READ_BYTES` after head are always filled with a byte that text never has, so that the next pump
finds what a killed one had read but not counted.
"""

from __future__ import annotations

import mmap
import os
import secrets
import struct

from webapp.terminals.bounds import TAIL_BYTES
from webapp.terminals.modes import PACKED_BYTES, Modes, is_whole, safe_cut
from webapp.terminals.pen import carried

HEADER_BYTES = 4096
READ_BYTES = 4096  # a pty's master never returns more than 4095 at once
_SCAN_BYTES = 8192  # so little takes no longer than the kernel's worker, which brings the next read
_TAIL_LOOK = 64
_MOST = 1 << 62  # no terminal prints so much: a higher number is not one of ours
_UNREAD = b"\xff"  # in no UTF-8 text
_BLANK = _UNREAD * _SCAN_BYTES
_MAGIC = b"slipring"
_VERSION = 1
_FIXED = struct.Struct("<8sIIQ")  # magic, version, epoch, owner
_OWNER = slice(_FIXED.size - 8, _FIXED.size)
_HEAD = struct.Struct("<Q")
_HEAD_AT = _FIXED.size
_BASE = struct.Struct(f"<Q{PACKED_BYTES}s")
_BASE_AT = _HEAD_AT + _HEAD.size
_PEN = struct.Struct("<H2046s")
_PEN_AT = HEADER_BYTES // 2
_PASTING_AT = _PEN_AT - 1


class TakenOverError(Exception):
    """Another pump has adopted the ring since: who lost it must not read on."""


class Ring:
    """The last `capacity` bytes of a terminal's output, each with a sequence number.

    Args:
        fd: the memfd; stays the caller's, and may be closed after.
        owner: this pump's own token, written into the header.

    Attributes:
        epoch: names the numbering; a client's sequence number means something only together with
            it.
        head: sequence number of the next byte to come.
        base: sequence number of the oldest byte that is kept.
        inode: tells one ring from another.
    """

    __slots__ = (
        "_blank_to",
        "_bytes",
        "_map",
        "_modes",
        "_owner",
        "_pen",
        "_token",
        "base",
        "capacity",
        "epoch",
        "head",
        "inode",
    )
    epoch: int
    head: int
    base: int

    def __init__(self, fd: int, owner: int) -> None:
        status = os.fstat(fd)
        size, self.inode = status.st_size, status.st_ino
        if size < 2 * HEADER_BYTES:
            raise ValueError(f"a ring of {size} bytes is too small")
        self.capacity = size - HEADER_BYTES
        self._map = mmap.mmap(fd, size)
        self._bytes = memoryview(self._map)[HEADER_BYTES:]
        self._owner = owner
        self._token = _FIXED.pack(_MAGIC, _VERSION, 0, owner)[_OWNER]
        if not self._adopt():
            self._begin()
        self._blank_to = self.head + READ_BYTES
        self._write_owner()
        self._recover()

    def _adopt(self) -> bool:
        magic, version, self.epoch, _ = _FIXED.unpack_from(self._map)
        (self.head,) = _HEAD.unpack_from(self._map, _HEAD_AT)
        self.base, modes = _BASE.unpack_from(self._map, _BASE_AT)
        self._modes = Modes.unpack(modes)
        length, pen = _PEN.unpack_from(self._map, _PEN_AT)
        self._pen = pen[:length]
        is_whole = self.base <= self.head <= self.base + self.capacity - READ_BYTES < _MOST
        return (magic, version) == (_MAGIC, _VERSION) and is_whole

    def _begin(self) -> None:
        self.epoch, self.head, self.base = secrets.randbits(32) or 1, 0, 0
        self._modes, self._pen = Modes(), b""
        self._map[HEADER_BYTES : HEADER_BYTES + READ_BYTES] = _UNREAD * READ_BYTES
        _HEAD.pack_into(self._map, _HEAD_AT, 0)
        self._write_base()

    def _recover(self) -> None:
        """Count what the last pump had read when it was killed, but not counted yet.

        SIGKILL often falls into the read itself; without this a flood loses one read each time.
        """
        first, rest = self._parts(self.head, READ_BYTES)
        read = (bytes(first) + bytes(rest)).rstrip(_UNREAD)
        if read:
            self._advance(len(read))

    def _write_owner(self) -> None:
        _FIXED.pack_into(self._map, 0, _MAGIC, _VERSION, self.epoch, self._owner)

    def _write_base(self) -> None:
        _PEN.pack_into(self._map, _PEN_AT, len(self._pen), self._pen)
        _BASE.pack_into(self._map, _BASE_AT, self.base, self._modes.pack())

    def read_from(self, stream_fd: int) -> int:
        """Read once from the stream, straight into the ring.

        Returns:
            How many bytes came; 0 at the end of the stream.

        Raises:
            TakenOverError: nothing was read.
            BlockingIOError: nothing to read now.
            OSError: EIO when a pty's last process is gone.
        """
        if self._map[_OWNER] != self._token:
            raise TakenOverError
        at = self.head % self.capacity
        if at + READ_BYTES <= self.capacity:
            count = os.readv(stream_fd, [self._bytes[at : at + READ_BYTES]])
        else:
            count = os.readv(stream_fd, self._parts(self.head, READ_BYTES))
        self._advance(count)
        return count

    @property
    def is_whole(self) -> bool:
        """Whether the output ends between two characters, where words of ours may follow."""
        return is_whole(self.slice(max(self.base, self.head - _TAIL_LOOK), _TAIL_LOOK))

    def append(self, text: bytes) -> None:
        """Put bytes of ours (a notice) into the output; at most `READ_BYTES` of them."""
        text = text[:READ_BYTES]
        first, rest = self._parts(self.head, len(text))
        first[:], rest[:] = text[: len(first)], text[len(first) :]
        self._advance(len(text))

    def _advance(self, count: int) -> None:
        """Count `count` bytes that are there; what a killed pump leaves is told by this order."""
        head = self.head + count
        while head + READ_BYTES > self._blank_to:
            self._blank()
        self.head = head
        _HEAD.pack_into(self._map, _HEAD_AT, head)

    def _blank(self) -> None:
        """Mark some more bytes as not yet read, once their old content is scanned."""
        at = self._blank_to % self.capacity
        blank = _BLANK[: self.capacity - at]
        while self._blank_to + len(blank) - self.base > self.capacity:
            block = self.slice(self.base, _SCAN_BYTES)
            text = self._modes.unfinished + block
            self._pen = carried(self._pen, text, has_more=self._modes.scan(block))
            self.base += len(block)
            self._write_base()
        self._map[HEADER_BYTES + at : HEADER_BYTES + at + len(blank)] = blank
        self._blank_to += len(blank)

    @property
    def is_pasting(self) -> bool:
        """Whether a paste is on its way into the terminal: a new pump must end it."""
        return self._map[_PASTING_AT] != 0

    @is_pasting.setter
    def is_pasting(self, is_pasting: bool) -> None:
        self._map[_PASTING_AT] = is_pasting

    def _parts(self, seq: int, count: int) -> tuple[memoryview, memoryview]:
        """`count` bytes of memory from `seq` on: up to the memory's end, and from its start."""
        at = seq % self.capacity
        first = self._bytes[at : at + count]
        return first, self._bytes[: count - len(first)]

    def slice(self, seq: int, limit: int) -> bytes:
        """Up to `limit` bytes from `seq` on, which must be between base and head."""
        count = min(limit, self.head - seq)
        at = seq % self.capacity
        if at + count <= self.capacity:
            return self._map[HEADER_BYTES + at : HEADER_BYTES + at + count]
        return b"".join(self._parts(seq, count))

    def look(self, seq: int, count: int) -> tuple[memoryview, ...]:
        """`count` bytes from `seq` on as they lie there; to be used before the next read."""
        at = seq % self.capacity
        if at + count <= self.capacity:
            return (self._bytes[at : at + count],)
        return self._parts(seq, count)

    def restore(self) -> tuple[bytes, int]:
        """How to bring an empty screen to this one: a preamble, and where to go on from.

        While nothing has left the ring that is the whole session; after that the modes, the pen
        and the newest output from a safe place (the program then draws again at the size jiggle).
        """
        return (b"", 0) if self.base == 0 else self.tail(TAIL_BYTES)

    def tail(self, most: int) -> tuple[bytes, int]:
        """As `restore`, from no further back than the newest `most` bytes."""
        if self.base == 0 and self.head <= most:
            return b"", 0
        kept = self.slice(self.base, self.capacity)
        cut = safe_cut(kept, max(0, len(kept) - most))
        modes = self._modes.copy()
        text = modes.unfinished + kept[:cut]
        pen = carried(self._pen, text, has_more=modes.scan(kept[:cut]))
        return modes.preamble() + pen, self.base + cut

    def close(self) -> None:
        """Let go of the memory; whoever holds the memfd keeps it."""
        self._bytes.release()
        self._map.close()
