"""The one client of all servers: types, floods, and tells how long each echo took.

It goes before the servers it measures, so what it sees late was late.
"""

from __future__ import annotations

import heapq
import random
import re
import select
import time
from contextlib import suppress
from typing import TYPE_CHECKING, TypedDict

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from benchmarks.terminals.line import Door, Line

KEY = b"x"
KEYS_A_SECOND = 5.0
MIB = 1024 * 1024
DONE = b"DONE"
QUIET_S = 0.1  # who says nothing for so long has ended
_PROMPT = re.compile(rb"[$#] ")
_ANSWER_S = 30.0
_STORM_S = 20.0  # who has no prompt by then has none


class Storm(TypedDict):
    """Many who came at once: how many had a prompt, how long after the first came the last had."""

    clients: int
    reached: int
    seconds: float


class Client:
    """Terminals of one server, in one epoll."""

    def __init__(self) -> None:
        self._epoll = select.epoll()
        self._lines: dict[int, Line] = {}
        self.seed = random.Random(1)  # noqa: S311 - phases, not secrets

    def add(self, line: Line) -> Line:
        """Take a terminal in, and wait for its prompt."""
        self._lines[line.fileno()] = line
        self._epoll.register(line.fileno(), select.EPOLLIN)
        self.wait(line, _PROMPT.search)
        return line

    def wait(self, line: Line, seen: Callable[[bytes], object]) -> float:
        """Until what came from `line` is `seen`; the moment at which it was, by perf_counter.

        Raises:
            TimeoutError: it never came.
        """
        deadline = time.perf_counter() + _ANSWER_S
        tail = line.receive()  # some may have come with the handshake
        if seen(tail):
            return time.perf_counter()
        while time.perf_counter() < deadline:
            for fd, _ in self._epoll.poll(0.5):
                shown = self._lines[fd].receive()
                if self._lines[fd] is line:
                    tail = tail[-256:] + shown
                    if seen(tail):
                        return time.perf_counter()
        raise TimeoutError(f"not seen in {tail!r}")

    def type(self, lines: Sequence[Line], window_s: float) -> list[float]:
        """Type into each line, five keys a second at moments of its own; milliseconds each took."""
        took: list[float] = []
        sent: dict[int, float] = {}
        now = time.perf_counter()
        end, period = now + window_s, 1 / KEYS_A_SECOND
        due = [(now + self.seed.uniform(0, period), line.fileno()) for line in lines]
        heapq.heapify(due)
        while due or (sent and now < end + _ANSWER_S):
            ready = self._epoll.poll(max(0, due[0][0] - now) if due else 0.1)
            came = time.perf_counter()  # what a dialect costs us is not its server's
            for fd, _ in ready:
                shown = self._lines[fd].receive()
                if fd in sent and KEY in shown:
                    took.append((came - sent.pop(fd)) * 1000)
            now = time.perf_counter()
            while due and due[0][0] <= now:
                at, fd = heapq.heappop(due)
                if fd not in sent:
                    sent[fd] = time.perf_counter()
                    self._lines[fd].type(KEY)
                if at + period < end:
                    heapq.heappush(due, (at + period, fd))
        if sent:
            raise TimeoutError(f"{len(sent)} keys had no echo")
        return took

    def clear(self, lines: Sequence[Line]) -> None:
        """Take back what was typed: a line has an end."""
        for line in lines:
            line.type(b"\x15")
        self.settle()

    def settle(self) -> None:
        """Take what comes until nothing does.

        Raises:
            TimeoutError: something goes on for ever.
        """
        quiet_since = time.perf_counter()
        deadline = quiet_since + _ANSWER_S
        while time.perf_counter() - quiet_since < QUIET_S:
            for fd, _ in self._epoll.poll(QUIET_S):
                if self._lines[fd].receive():
                    quiet_since = time.perf_counter()
            if quiet_since > deadline:
                raise TimeoutError("a program that was interrupted prints on")

    def throughput(self, line: Line, path: Path) -> float:
        """MiB a second of one `cat`, from the key to its last byte."""
        started = time.perf_counter()
        line.type(cat(path))
        ended = self.wait(line, lambda shown: DONE in shown)
        self.settle()
        return path.stat().st_size / MIB / (ended - started)

    def interrupt(self, line: Line) -> float:
        """Press Ctrl-C; milliseconds until it is seen. Others may flood on, so nothing settles."""
        started = time.perf_counter()
        line.type(b"\x03")
        return (self.wait(line, lambda shown: b"^C" in shown) - started) * 1000

    def flood(self, lines: Sequence[Line], command: bytes, window_s: float) -> None:
        """Let these print without end, and look on for a moment before anything is measured."""
        for line in lines:
            line.type(command)
        end = time.perf_counter() + window_s
        while time.perf_counter() < end:
            for fd, _ in self._epoll.poll(0.05):
                self._lines[fd].receive()

    def close(self) -> None:
        """Leave all terminals."""
        self._epoll.close()
        for line in self._lines.values():
            line.close()


def cat(path: Path) -> bytes:
    """What is typed to see all of a file, and `DONE` behind it; its own echo has no such word."""
    return f"cat {path}; echo DO''NE\n".encode()


def storm(doors: Sequence[Door], within_s: float) -> Storm:
    """Everybody comes within this time, waits for a prompt, and leaves."""
    started = time.perf_counter()
    knocks = []
    for number, door in enumerate(doors):
        time.sleep(max(0.0, started + within_s * number / len(doors) - time.perf_counter()))
        with suppress(OSError):  # a server that falls over reaches nobody
            knocks.append((door, door.knock()))
    client = Client()
    reached = 0
    for door, sock in knocks:
        if time.perf_counter() - started > _STORM_S:
            break
        with suppress(OSError):
            client.add(door.enter(sock))
            reached += 1
    took = time.perf_counter() - started
    client.close()
    return {"clients": len(doors), "reached": reached, "seconds": round(took, 2)}
