"""One terminal: its stream, its ring, whoever looks, and one size for all of them."""

from __future__ import annotations

import os
import termios
import time
from base64 import b64encode
from typing import TYPE_CHECKING

from webapp.terminals import messages
from webapp.terminals.bounds import GLIMPSE_BYTES, INPUT_QUEUE_BYTES
from webapp.terminals.brackets import END, Bracket
from webapp.terminals.front import Front
from webapp.terminals.holder import Holder
from webapp.terminals.interrupt import makes_way
from webapp.terminals.loop import IN, OUT
from webapp.terminals.modes import size_mark
from webapp.terminals.notices import above
from webapp.terminals.pacing import FULL_BYTES, Pacing
from webapp.terminals.ring import TakenOverError

if TYPE_CHECKING:
    from webapp.terminals.loop import Loop
    from webapp.terminals.messages import EndReason
    from webapp.terminals.onlooker import Onlooker
    from webapp.terminals.recording import Recorder
    from webapp.terminals.ring import Ring

JIGGLE_S = 0.08
NOTICE_S = 0.02
ENTER = b"\r"
ESCAPE = 0x1B
SPACE = b" "
LOOK_S = 0.05
MARK_TRIES = 10
MARK_S = 0.01
LAST_READS = 40
FEW_BYTES = 256
ECHO_BYTES = 4  # a character's echo: no program came or went
LAST_READ_S = 0.05


class Terminal:
    """The only reader and writer of one stream.

    Args:
        name: `LAB.NAME`.
        stream_fd: the pty's master; owned from now on.
        ring: where its output is kept; owned too.
        loop: the pump's.
        pacing: shared by all terminals.
        shell_pid: the shell's process; 0 where nobody knows.

    Attributes:
        ended: why nothing more comes, None while the shell lives.
        typed_bytes: how much was typed since it began.
    """

    __slots__ = (
        "_bracket",
        "_front",
        "_holder",
        "_is_held",
        "_is_resting",
        "_is_writing",
        "_jiggling_rows",
        "_loop",
        "_pacing",
        "_printed_at",
        "_queue",
        "_recorder",
        "_start",
        "_stream_fd",
        "_typed_at",
        "ended",
        "name",
        "ring",
        "typed_bytes",
        "viewers",
    )

    def __init__(
        self,
        name: str,
        stream_fd: int,
        ring: Ring,
        loop: Loop,
        pacing: Pacing,
        shell_pid: int = 0,
    ) -> None:
        self.name = name
        self.ring = ring
        self.viewers: list[Onlooker[Terminal]] = []
        self.ended: EndReason | None = None
        self._typed_at = self._printed_at = 0.0  # of the loop's clock; 0: never
        self.typed_bytes = 0
        self._holder: Holder[Onlooker[Terminal]] = Holder()
        self._bracket: Bracket[Onlooker[Terminal]] = Bracket()
        self._front = Front(shell_pid)
        self._start = ring.head
        self._stream_fd = stream_fd
        self._loop = loop
        self._pacing = pacing
        self._queue = bytearray()
        self._is_held = self._is_resting = False
        self._recorder: Recorder | None = None
        self._is_writing = False
        self._jiggling_rows = 0
        os.set_blocking(stream_fd, False)
        if not ring.head:
            self._mark_size()
        if ring.is_pasting:  # into the pump before this one
            self._end_paste()
        self.listen()

    @property
    def size(self) -> tuple[int, int]:
        """Rows and columns, as the kernel has them."""
        if self.ended:
            return 24, 80
        rows, cols = map(int, termios.tcgetwinsize(self._stream_fd))
        return self._jiggling_rows or rows or 24, cols or 80

    def is_in(self, ring_fd: int) -> bool:
        """Whether `ring_fd` is the ring we have already: the same terminal, told of again."""
        return self.ring.inode == os.fstat(ring_fd).st_ino

    @property
    def printed_bytes(self) -> int:
        """How much came out of it since this pump has it."""
        return self.ring.head - self._start

    def activity(self) -> dict[str, str | int | float]:
        """What the wall and the idle rule want to know."""
        return {
            "terminal": self.name,
            "viewers": len(self.viewers),
            "last_input_at": unix_time(self._typed_at),
            "last_output_at": unix_time(self._printed_at),
            "recorded": self._recorder is not None,
        }

    def glimpse(self, after: int | None, epoch: int | None) -> dict[str, str | int]:
        """What was printed since `after`, or as much as shows the screen; the newest of much.

        Who asks is no viewer: nobody waits for it, and it sees neither keys nor the front program.
        """
        preamble = b""
        if after is not None and epoch == self.ring.epoch and after <= self.ring.head:
            seq = max(after, self.ring.head - GLIMPSE_BYTES)
        else:
            preamble, seq = self.ring.tail(GLIMPSE_BYTES)
        rows, cols = self.size
        return {
            "epoch": self.ring.epoch,
            "seq": seq,
            "rows": rows,
            "cols": cols,
            "preamble": preamble.decode("latin-1"),
            "output": b64encode(self.ring.slice(seq, GLIMPSE_BYTES)).decode(),
        }

    def record(self, recorder: Recorder) -> None:
        """Let `recorder` write down what is shown, from the beginning on as far as it is kept."""
        if self._recorder:
            self._recorder.close()
        self._recorder = recorder
        self._write_down()

    def _write_down(self) -> None:
        if self._recorder is None or self._is_writing:
            return
        again_s = self._recorder.take(self.ring, self.size, self._loop.now)
        if again_s is not None:
            self._is_writing = True
            self._loop.later(again_s, self._write_rest)

    def _write_rest(self) -> None:
        self._is_writing = False
        self._write_down()

    def attach(self, viewer: Onlooker[Terminal], after: int | None, epoch: int | None) -> None:
        """Let `viewer` look from now on."""
        self.viewers.append(viewer)
        viewer.attach(self, after, epoch)
        viewer.push()

    def detach(self, viewer: Onlooker[Terminal]) -> None:
        """Forget `viewer`; the stream no longer waits for it."""
        if viewer in self.viewers:
            self.viewers.remove(viewer)
            self.cut_paste(viewer)
            self._take_size(self._holder.leave(viewer))
            self.listen()

    def listen(self) -> None:
        """Ask the loop for what is wanted now: output while everyone can take it, room for keys."""
        if self.ended:
            return
        is_typing = self._queue and not self._is_held
        mask = (IN if self._may_read() else 0) | (OUT if is_typing else 0)
        self._loop.watch(self._stream_fd, mask, self._ready)

    def press(self, viewer: Onlooker[Terminal], key: bytes) -> bool:
        """Type a character that is no control, of who typed last: the shortest way, for most keys.

        Returns:
            False when it isn't one, or anything stands before it; it is to be typed by `type` then.
        """
        is_plain = len(key) == 1 and key >= SPACE and viewer is self._holder.typist
        if not is_plain or self._queue or self._is_held or self._bracket.is_open or self.ended:
            return False
        if not self._write_now(key):
            return False
        self._loop.linger()  # for its echo
        self.typed_bytes += 1
        self._typed_at = self._loop.now
        self._pacing.typed(self.name, self._typed_at)
        return True

    def type(
        self,
        viewer: Onlooker[Terminal],
        data: bytes,
        *,
        is_piece: bool = False,
        takes_size: bool = True,
    ) -> bool:
        """Take what `viewer` typed, which mostly gives it the size; see `write`.

        Args:
            viewer: who.
            data: what.
            is_piece: whether it is a piece of a long paste.
            takes_size: False for one who helps.
        """
        if data[0] == ESCAPE and messages.is_answer(data) and not self._holder.answers(viewer):
            return True
        if takes_size and (size := self._holder.type(viewer)):
            self._take_size(size)
        if is_piece or self._bracket.is_open:
            return self._paste(viewer, data, is_piece=is_piece)
        return self.write(data)

    def _paste(self, viewer: Onlooker[Terminal], data: bytes, *, is_piece: bool) -> bool:
        self._bracket.typed(viewer, data, is_piece=is_piece)
        self.ring.is_pasting |= self._bracket.is_open
        is_taken = self.write(data)
        self._note_paste()
        return is_taken

    def cut_paste(self, viewer: Onlooker[Terminal]) -> None:
        """End what a viewer has begun to paste, if they have: its rest doesn't come."""
        if self._bracket.leave(viewer):
            self._end_paste()

    def _end_paste(self) -> None:
        """Close the bracket of a paste whose rest doesn't come."""
        self.write(END)
        self._note_paste()

    def _note_paste(self) -> None:
        """Tell the pump after this one whether the program, or the queue, waits for an end."""
        self.ring.is_pasting &= self._bracket.is_open or bool(self._queue)

    def write(self, data: bytes) -> bool:
        """Type `data`.

        An interrupt throws away what nobody has read yet: who pastes a page into a program that
        doesn't read, and presses Ctrl-C, wants out.

        Returns:
            False when the program reads nothing and the queue is full; nothing of `data` is kept
            then.
        """
        if self.ended:
            return True
        if makes_way(self._stream_fd, data) or (data == messages.INTERRUPT and self._queue):
            self._make_way()
        if self._queue and len(self._queue) + len(data) > INPUT_QUEUE_BYTES:
            return False
        sent = 0 if self._queue or self._is_held else self._write_now(data)
        if sent < len(data):
            self._queue += data[sent:]
            self.listen()
        self.typed_bytes += len(data)
        self._tell_taken()
        self._typed_at = self._loop.now
        self._pacing.typed(self.name, self._typed_at)
        if data[-1:] == ENTER:
            self._loop.later(LOOK_S, self.look)  # a program may begin that says nothing
        return True

    def _make_way(self) -> None:
        """Throw away what is queued, and give who was reading it time to notice.

        bash, for one, misses an interrupt that comes while it takes pasted text in; it hears one
        while it waits for more.
        """
        self._queue.clear()
        self._is_held = True
        self._loop.later(NOTICE_S, self._let_go)

    def _let_go(self) -> None:
        self._is_held = False
        if not self.ended:
            self._flush()
            self.listen()

    @property
    def has_program(self) -> bool | None:
        """Whether a program is in front of the shell; None: not known."""
        return self._front.has_program

    def look(self) -> None:
        """Tell the viewers where another program has the terminal now."""
        if self.ended or not self._front.look(self._stream_fd):
            return
        for viewer in self.viewers:
            viewer.send(messages.front(has_program=bool(self.has_program)))

    def resize(self, viewer: Onlooker[Terminal], rows: int, cols: int) -> None:
        """Take the size of one viewer's window; all get it while it is that one who types."""
        self._take_size(self._holder.resize(viewer, (rows, cols)))
        if (rows, cols) != self.size:
            viewer.send(messages.size(*self.size))

    def _take_size(self, wanted: tuple[int, int] | None) -> None:
        """Give the pty and all viewers a size; None for the one there is."""
        if wanted is None or self.ended or wanted == self.size:
            return
        self._jiggling_rows = 0
        termios.tcsetwinsize(self._stream_fd, wanted)
        for viewer in self.viewers:
            viewer.send(messages.size(*wanted))
        self._mark_size()

    def _mark_size(self, tries: int = MARK_TRIES) -> None:
        """Write the size into the output, where no character is cut by it."""
        if self.ended:
            return
        if tries and not self.ring.is_whole:
            self._loop.later(MARK_S, lambda: self._mark_size(tries - 1))
        else:
            self.ring.append(size_mark(*self.size))
            self._push()

    def jiggle(self) -> None:
        """Make a full-screen program draw again: one row less for a moment (htop ignores less)."""
        if self.ended or self._jiggling_rows:
            return
        rows, cols = self.size
        if rows < 2:
            return
        self._jiggling_rows = rows
        termios.tcsetwinsize(self._stream_fd, (rows - 1, cols))
        self._loop.later(JIGGLE_S, self._end_jiggle)

    def _end_jiggle(self) -> None:
        rows, self._jiggling_rows = self._jiggling_rows, 0
        if rows and not self.ended:
            cols = termios.tcgetwinsize(self._stream_fd)[1]
            termios.tcsetwinsize(self._stream_fd, (rows, cols))

    def say(self, text: str) -> None:
        """Put a notice into the output, above what is being typed."""
        if self.ended:
            return
        self.ring.append(above(text, self.size[1]))
        self._push()

    def shell_ended(self, tries: int = LAST_READS) -> None:
        """The runtime saw the shell end: take what it still printed, then tell the viewers.

        Mostly the stream's own end says it first; a program left in the background keeps the pty
        open.
        """
        if not self.ended and self._may_read() and self._read() == 0:
            tries = 0
        if tries:
            self._loop.later(LAST_READ_S, lambda: self.shell_ended(tries - 1))
        else:
            self.end("shell")

    def end(self, reason: EndReason) -> None:
        """Let go of the stream; who looks is told once it has seen everything."""
        if self.ended:
            return
        self.ended = reason
        self._loop.forget(self._stream_fd)
        os.close(self._stream_fd)
        self._push()

    def close(self) -> None:
        """Let go of everything; the viewers have gone elsewhere."""
        self.end("lab")
        if self._recorder:
            self._recorder.close()
        self._recorder = None
        self.ring.close()

    def _may_read(self) -> bool:
        head, is_free = self.ring.head, not self._is_resting
        for viewer in self.viewers:  # asks each one: they count how long
            is_free = not viewer.holds_back(head) and is_free
        return is_free

    def _ready(self, events: int) -> None:
        if events & OUT:
            self._flush()
        if not self.ended and (events & IN or (events & ~OUT and self._may_read())):
            self._read()
        self.listen()

    def _rested(self) -> None:
        self._is_resting = False
        self.listen()

    def _read(self) -> int:
        """Read what there is, as much as this turn may, and push it on; how much it was."""
        start, limit_bytes, rest_s = self.ring.head, FULL_BYTES, 0.0
        has_ended = False
        try:
            count = self.ring.read_from(self._stream_fd)
            if count >= FEW_BYTES:  # less is an echo: nothing more is there, most likely
                limit_bytes, rest_s = self._pacing.turn(self.name, self._loop.now)
            while count >= FEW_BYTES and self.ring.head - start < limit_bytes:
                count = self.ring.read_from(self._stream_fd)
            has_ended = not count
        except BlockingIOError:
            pass
        except TakenOverError:
            has_ended = True
            for viewer in list(self.viewers):
                viewer.send_away()
        except OSError:  # EIO: the pty's last process is gone
            has_ended = True
        came = self.ring.head - start
        if has_ended:
            self.end("shell")
            return came
        self._push()
        self._printed_at = self._loop.now
        if came > ECHO_BYTES:
            self.look()
        if rest_s and came >= limit_bytes:
            self._is_resting = True
            self._loop.later(rest_s, self._rested)
        return came

    def _push(self) -> None:
        for viewer in list(self.viewers):
            viewer.push()
        if self._recorder:
            self._write_down()

    def _flush(self) -> None:
        while self._queue and not self._is_held and (sent := self._write_now(self._queue)):
            del self._queue[:sent]
        if self.ring.is_pasting:
            self._note_paste()
        self._tell_taken()

    def _write_now(self, data: bytes | bytearray) -> int:
        """How much the kernel takes; all of it where nobody reads any more."""
        try:
            return os.write(self._stream_fd, data)
        except BlockingIOError:
            return 0
        except OSError:
            return len(data)

    def _tell_taken(self) -> None:
        taken = self.typed_bytes - len(self._queue)
        for viewer in self.viewers:
            viewer.tell_taken(taken)


def unix_time(moment: float) -> float:
    """A moment of the loop's clock as unix seconds; 0 stays 0."""
    return time.time() - time.monotonic() + moment if moment else 0.0
