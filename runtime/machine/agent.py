"""Our end of the port on which a machine's process 1 answers (guest/agent.c is the other).

A frame is kind, channel, length (two bytes, little-endian) and up to 4 KiB. To the guest: `S`
(begin anew), `T` (the time, microseconds), `Z` (rows, columns), `N` (random bytes and a host name:
a saved machine goes on as this one), `P` (power off), and on a channel `A` (more of the arguments
or the script), `F` (more of a check's facts), `X` (start: `r`oot, `l`earner, `c`heck), `I` (input;
empty: its end), `W` (bytes of output that were taken), `K` (kill). From it: `V` (now it can be
saved), `H` (hello), `R` (the shell is at its prompt), `B` (it goes off, and how), `T` (figures),
`S` (in step), and `O`, `E` (output, errors), `W` (bytes of input taken), `Q` (ended, exit code).

Root of the guest could send anything in its process 1's place: whatever comes is bounded here and
believed only as far as it is shown.
"""

from __future__ import annotations

import os
import queue
import select
import struct
import threading
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Literal, NamedTuple

from runtime.problems import Problem

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Iterator, Sequence

As = Literal["root", "learner", "check"]

_HEADER = struct.Struct("<BBH")
_PAYLOAD_BYTES = 4096
_WINDOW_BYTES = 32 << 10
# Of one channel's frames that nobody has taken yet: a whole window, and words about its input.
_HELD_BYTES = 2 * _WINDOW_BYTES
_CHANNELS = 8
_NONCE_BYTES = 16
_LOOK_S = 0.2
_END_S = 5.0
_SEND_S = 5.0
_READ_BYTES = 8192
_FRAME_COST_BYTES = 1024
_GONE = ""


class Frame(NamedTuple):
    """One message of the guest."""

    kind: str
    channel: int
    payload: bytes


class Agent:
    """The talk with one guest; `read` belongs to one thread, the rest to any.

    Attributes:
        spent_bytes: what reading has cost: bytes, and a kilobyte more for each frame. Whoever reads
            takes from it what may be spent by then, and lets the guest wait while it is more.

    Args:
        sock: connected to the guest's port by qemu; ours from now on.
        on_word: hears what isn't on a channel, in the reading thread.
        in_step: false where another runtime talked before us: then `resume` comes first.
    """

    def __init__(
        self, sock: socket.socket, on_word: Callable[[Frame], None], *, in_step: bool = True
    ) -> None:
        self._sock = sock
        self._sock.settimeout(0)
        self._on_word = on_word
        self._buffer = bytearray()
        self._nonce = b"" if in_step else os.urandom(_NONCE_BYTES)
        self._sending = threading.Lock()
        self._lock = threading.Lock()
        self._room = threading.BoundedSemaphore(_CHANNELS)
        self._queues: dict[int, queue.SimpleQueue[Frame]] = {}
        self._waiting_bytes: dict[int, int] = {}
        self._is_gone = False
        self.spent_bytes = 0

    def fileno(self) -> int:
        """For a poll: readable means `read`."""
        return self._sock.fileno()

    def close(self) -> None:
        """The machine is gone: whoever waits for an answer is told."""
        with self._lock:
            self._is_gone = True
            for waiting in self._queues.values():
                waiting.put(Frame(_GONE, 0, b""))
        self._sock.close()

    def resume(self) -> None:
        """Come in step with a guest that another runtime talked to; what it ran is ended."""
        self._send_all(b"\0" * (_HEADER.size + _PAYLOAD_BYTES) + _frame("S", 0, self._nonce))

    def tell_time(self) -> None:
        """Let the guest set its clock, should it be wrong; it answers with figures."""
        self._send_at_once(_frame("T", 0, struct.pack("<Q", time.time_ns() // 1000)))

    def resize(self, rows: int, cols: int) -> None:
        """Give the console's terminal its size, inside."""
        self._send_at_once(_frame("Z", 0, struct.pack("<HH", rows, cols)))

    def power_off(self) -> None:
        """Ask for a clean end."""
        self.send("P", 0, b"")

    def send(self, kind: str, channel: int, payload: bytes) -> None:
        """Send one frame; a guest that doesn't read for seconds is given up."""
        with suppress(OSError, ValueError):  # the latter where it has been closed meanwhile
            self._send_all(_frame(kind, channel, payload))

    def read(self) -> bool:
        """Take what has come; False at the end of the connection."""
        try:
            data = self._sock.recv(_READ_BYTES)
        except BlockingIOError:
            return True
        except OSError:
            return False
        if not data:
            return False
        self.spent_bytes += len(data)
        self._buffer += data
        if self._nonce and not self._find_step():
            return True
        self._split()
        return True

    def run(
        self,
        how: As,
        words: bytes,
        *,
        facts: bytes = b"",
        stdin_fd: int | None = None,
        on_output: Callable[[str, bytes], None],
        timeout_s: float | None = None,
        is_gone: Callable[[], bool] = lambda: False,
    ) -> int | None:
        """Run something in the guest to its end.

        Args:
            how: as whom; a check has the pristine image as its root and the machine's at /lab.
            words: arguments, each ended by a zero byte; of a check its script.
            facts: what a check reads on descriptor 3.
            stdin_fd: where its input comes from; none: it has none.
            on_output: gets `O` or `E`, and the bytes.
            timeout_s: after it everything is killed.
            is_gone: whether who asked has left.

        Returns:
            The exit code, 128 and the number for a signal; None when the time was over.

        Raises:
            Problem: `machine-ended`.
        """
        with self._channel() as (channel, frames):
            for kind, text in (("A", words), ("F", facts)):
                for at in range(0, len(text), _PAYLOAD_BYTES):
                    self.send(kind, channel, text[at : at + _PAYLOAD_BYTES])
            self.send("X", channel, how[0].encode())
            feeder = _Feeder(self, channel, stdin_fd)
            try:
                return self._follow(channel, frames, feeder, on_output, timeout_s, is_gone)
            finally:
                feeder.stop()

    def _follow(
        self,
        channel: int,
        frames: queue.SimpleQueue[Frame],
        feeder: _Feeder,
        on_output: Callable[[str, bytes], None],
        timeout_s: float | None,
        is_gone: Callable[[], bool],
    ) -> int | None:
        deadline = None if timeout_s is None else time.monotonic() + timeout_s
        killed_at = None
        while True:
            now = time.monotonic()
            if killed_at is None and ((deadline and now > deadline) or is_gone()):
                self.send("K", channel, b"")
                killed_at = now
            if killed_at is not None and now > killed_at + _END_S:
                return None
            with suppress(queue.Empty):
                frame = frames.get(timeout=_LOOK_S)
                with self._lock:
                    self._waiting_bytes[channel] -= len(frame.payload)
                if frame.kind == _GONE:
                    raise ended()
                if frame.kind == "Q":
                    return frame.payload[0] if frame.payload and killed_at is None else None
                if frame.kind == "W" and len(frame.payload) == 4:
                    feeder.taken(int.from_bytes(frame.payload, "little"))
                elif frame.kind in {"O", "E"} and frame.payload:
                    on_output(frame.kind, frame.payload)
                    self.send("W", channel, struct.pack("<I", len(frame.payload)))

    @contextmanager
    def _channel(self) -> Iterator[tuple[int, queue.SimpleQueue[Frame]]]:
        """A channel of one's own; one whose command could not be ended is not used again."""
        with self._room:
            frames: queue.SimpleQueue[Frame] = queue.SimpleQueue()
            with self._lock:
                if self._is_gone:
                    raise ended()
                number = min(set(range(1, _CHANNELS + 1)) - self._queues.keys())
                self._queues[number] = frames
                self._waiting_bytes[number] = 0
            try:
                yield number, frames
            finally:
                with self._lock:
                    del self._queues[number]

    def _find_step(self) -> bool:
        """Throw away what was meant for the runtime before us."""
        place = self._buffer.find(self._nonce)
        if place < 0:
            del self._buffer[:-_NONCE_BYTES]
            return False
        del self._buffer[: place + _NONCE_BYTES]
        self._nonce = b""
        return True

    def _split(self) -> None:
        while len(self._buffer) >= _HEADER.size:
            kind, channel, length = _HEADER.unpack_from(self._buffer)
            end = _HEADER.size + length
            if length > _PAYLOAD_BYTES:  # not our process 1 that speaks there
                self._buffer.clear()
                return
            if len(self._buffer) < end:
                return
            frame = Frame(chr(kind), channel, bytes(self._buffer[_HEADER.size : end]))
            del self._buffer[:end]
            self.spent_bytes += _FRAME_COST_BYTES
            self._pass_on(frame)

    def _pass_on(self, frame: Frame) -> None:
        if frame.channel == 0:
            self._on_word(frame)
            return
        # The window bounds an honest guest; another one is not listened to.
        with self._lock:
            waiting = self._queues.get(frame.channel)
            held = self._waiting_bytes.get(frame.channel, 0) + len(frame.payload)
            if waiting is None or held > _HELD_BYTES or waiting.qsize() >= _WINDOW_BYTES:
                return
            self._waiting_bytes[frame.channel] = held
            waiting.put(frame)

    def _send_at_once(self, frame: bytes) -> None:
        """Send a short frame now or never: the thread that reads of every guest waits for none."""
        if self._sending.acquire(blocking=False):
            try:
                with suppress(OSError):  # it is full, or closed
                    self._sock.send(frame)
            finally:
                self._sending.release()

    def _send_all(self, data: bytes) -> None:
        poll = select.poll()
        poll.register(self._sock, select.POLLOUT)
        with self._sending:
            while data:
                if not poll.poll(_SEND_S * 1000):
                    raise TimeoutError
                with suppress(BlockingIOError):
                    data = data[self._sock.send(data) :]


class _Feeder:
    """Passes a command's input on, no faster than the guest takes it."""

    def __init__(self, agent: Agent, channel: int, fd: int | None) -> None:
        self._agent = agent
        self._channel = channel
        self._room = _WINDOW_BYTES
        self._changed = threading.Condition()
        self._is_over = False
        if fd is None:
            agent.send("I", channel, b"")
            return
        self._fd = os.dup(fd)
        threading.Thread(target=self._run, name="machine-input", daemon=True).start()

    def taken(self, count: int) -> None:
        """The guest has passed bytes on to the command."""
        with self._changed:
            self._room = min(self._room + count, _WINDOW_BYTES)
            self._changed.notify()

    def stop(self) -> None:
        """The command has ended."""
        with self._changed:
            self._is_over = True
            self._changed.notify()

    def _run(self) -> None:
        poll = select.poll()
        poll.register(self._fd, select.POLLIN)
        try:
            while not self._is_over:
                if not poll.poll(_LOOK_S * 1000):
                    continue
                with self._changed:
                    self._changed.wait_for(lambda: self._room > 0 or self._is_over)
                data = os.read(self._fd, min(self._room, _PAYLOAD_BYTES))
                self._room -= len(data)
                if not self._is_over:
                    self._agent.send("I", self._channel, data)
                if not data:
                    return
        except OSError:
            self._agent.send("I", self._channel, b"")
        finally:
            os.close(self._fd)


def arguments(argv: Sequence[str]) -> bytes:
    """A command's words as they go over the wire."""
    return b"".join(word.encode() + b"\0" for word in argv)


def ended() -> Problem:
    """What is said to whoever waits for an answer of a machine that is gone."""
    return Problem(
        "machine-ended",
        "The machine ended in the middle of it.",
        "Boot it again, then try once more.",
    )


def _frame(kind: str, channel: int, payload: bytes) -> bytes:
    return _HEADER.pack(ord(kind), channel, len(payload)) + payload
