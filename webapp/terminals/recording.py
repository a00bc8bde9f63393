"""What a terminal shows, written down as an asciicast (version 2), where its workshop is recorded.

The pump has no folder to write in: web opens the file and hands over its descriptor, so the bytes
never go through web. A recorder is a cursor into the ring, as a viewer is; one that a flood has
overtaken writes the screen instead of what it missed. A thread of its own writes, since a disk may
be slow and a key must not wait for it.
"""

from __future__ import annotations

import codecs
import json
import os
import queue
import threading
import time
from typing import TYPE_CHECKING

import structlog

if TYPE_CHECKING:
    from webapp.terminals.ring import Ring

MOST_BYTES = 16 * 1024 * 1024  # of one file; then it ends
BEHIND_BYTES = 64 * 1024  # more than this at once is a flood: nobody could read it
PAUSE_S = 0.05  # between two pieces
FLOOD_PAUSE_S = 1.0
_WAITING_MOST = 256  # pieces that a slow disk may owe

log = structlog.get_logger()


class Recorder:
    """One terminal's recording.

    Args:
        fd: the file, opened for appending, its first line written; owned from now on.
        began_at: the unix time that the recording counts from.
        writer: shared by all recordings of the pump.
    """

    def __init__(self, fd: int, began_at: float, writer: Writer) -> None:
        self._fd = fd
        self._began_at = began_at
        self._writer = writer
        self._left_bytes = MOST_BYTES - os.fstat(fd).st_size
        self._cursor: int | None = None
        self._epoch = 0
        self._size = (0, 0)
        self._text = codecs.getincrementaldecoder("utf-8")("replace")
        self._rests_until = 0.0
        self.is_over = False

    def take(self, ring: Ring, size: tuple[int, int], now: float) -> float | None:
        """Write down what came.

        Args:
            ring: the terminal's.
            size: its rows and columns.
            now: of the loop's clock.

        Returns:
            How many seconds later to ask again, None when everything is written.
        """
        if self.is_over or (ring.head == self._cursor and ring.epoch == self._epoch):
            return None
        if now < self._rests_until:
            return self._rests_until - now
        self._take_size(size)
        is_behind = self._cursor is not None and ring.head - self._cursor > BEHIND_BYTES
        if (
            self._cursor is None
            or ring.epoch != self._epoch
            or is_behind
            or self._cursor < ring.base
        ):
            self._begin(ring)
        first = self._cursor or 0
        self._say("o", self._text.decode(ring.slice(first, ring.head - first)))
        self._cursor, self._epoch = ring.head, ring.epoch
        self._rests_until = now + (FLOOD_PAUSE_S if is_behind else PAUSE_S)
        return None

    def close(self) -> None:
        """Let go of the file, once what was said is in it."""
        self.is_over = True
        fd, self._fd = self._fd, -1
        if fd >= 0:
            self._writer.close(fd)

    def _begin(self, ring: Ring) -> None:
        """Show the screen as it is: at the beginning, after a restart of the pump, in a flood."""
        preamble, self._cursor = ring.restore()
        self._text.reset()
        self._say("o", (preamble or b"\x1bc").decode("latin-1"))

    def _take_size(self, size: tuple[int, int]) -> None:
        if size != self._size:
            self._size = size
            self._say("r", f"{size[1]}x{size[0]}")

    def _say(self, kind: str, text: str) -> None:
        at = round(max(0.0, time.time() - self._began_at), 6)
        line = json.dumps([at, kind, text], ensure_ascii=False).encode() + b"\n"
        self._left_bytes -= len(line)
        if text and not (self._left_bytes > 0 and self._writer.write(self._fd, line)):
            log.warning("recording.full")
            self.close()


class Writer:
    """Writes to files in a thread, which begins with the first line."""

    def __init__(self) -> None:
        self._lines: queue.Queue[tuple[int, bytes]] = queue.Queue(_WAITING_MOST)
        self._has_begun = False

    def write(self, fd: int, line: bytes) -> bool:
        """Write a line soon; False where so many wait that the disk must be stuck."""
        if not self._has_begun:
            self._has_begun = True
            threading.Thread(target=self._work, name="recordings", daemon=True).start()
        try:
            self._lines.put_nowait((fd, line))
        except queue.Full:
            return False
        return True

    def close(self, fd: int) -> None:
        """Close a file after its last line."""
        threading.Thread(target=self._lines.put, args=((fd, b""),), daemon=True).start()

    def _work(self) -> None:
        while True:
            fd, line = self._lines.get()
            try:
                if line:
                    os.write(fd, line)
                else:
                    os.close(fd)
            except OSError as error:
                log.warning("recording.not_written", error=error.strerror)
