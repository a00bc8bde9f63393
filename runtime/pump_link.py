"""The pumps that read the terminals: each told of its own by message, known by its process."""

from __future__ import annotations

import os
import queue
import select
import signal
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple

import structlog

from runtime.problems import Problem
from runtime.protocol import Descriptors, bad_request
from runtime.pumps import pump_names, pump_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from runtime.deposits import Deposit, Deposits
    from runtime.protocol import Call

log = structlog.get_logger()

_PREFIX = "pump"  # as all their names begin, and so the deposits of their pidfds
_FENCE_TIMEOUT_S = 5


class Message(NamedTuple):
    """What a pump shall know; its descriptors are copies, closed once they are sent."""

    body: dict[str, Any]
    descriptors: Descriptors


class PumpLinks:
    """Hands each terminal to the one pump that carries it, after the pump before it is dead.

    Two readers of one pty would steal each other's bytes. So a pump's process is remembered by a
    pidfd (with the keeper, for the next runtime), and a new pump gets nothing while the old lives.

    Args:
        deposits: keeps the pidfds.
        count: how many pumps there are.
        current: what the pump of that name has to know from the start; it may take locks under
            which nobody posts.
    """

    def __init__(
        self, deposits: Deposits, count: int, current: Callable[[str], list[Message]]
    ) -> None:
        self._deposits = deposits
        self._count = count
        self._current = current
        self._queues: dict[str, queue.SimpleQueue[Message]] = {}
        self._lock = threading.Lock()
        self._fencing = threading.Lock()

    def post(self, body: dict[str, Any], fds: Sequence[int] = ()) -> None:
        """Tell the pump of the terminal that this is about, if it is there.

        Args:
            body: names the `terminal`.
            fds: stay the caller's own.
        """
        with self._lock:
            if mine := self._queues.get(self.carrier(body["terminal"])):
                mine.put(message(body, fds))

    def carrier(self, terminal: str) -> str:
        """The name of the pump that carries a terminal."""
        return pump_of(terminal, self._count)

    def serve(self, call: Call, name: str) -> None:
        """Be the link of this call's pump until it hangs up or another takes its place.

        Raises:
            Problem: `bad-request` for a name that no pump has here; `pump-busy`, when the pump
                before it can't be ended.
        """
        if name not in pump_names(self._count):
            raise bad_request(f"There is no place for a pump “{name}” here.")
        self._fence(name, call.peer.pid)
        mine: queue.SimpleQueue[Message] = queue.SimpleQueue()
        with self._lock:  # so that nothing is posted between what was there and what comes
            self._queues[name] = mine
            for news in self._current(name):
                mine.put(news)
        log.info("pump.registered", pump=name, pid=call.peer.pid)
        try:
            call.event({"type": "hello"})
            while self._queues.get(name) is mine and not call.is_gone():
                self._pass_on(call, mine)
        finally:
            with self._lock:
                if self._queues.get(name) is mine:
                    del self._queues[name]

    def _pass_on(self, call: Call, mine: queue.SimpleQueue[Message]) -> None:
        try:
            news = mine.get(timeout=0.5)
        except queue.Empty:
            return
        with news.descriptors:
            call.event(news.body, list(news.descriptors))

    def _fence(self, name: str, pid: int) -> None:
        """End whoever may still read what this pump is about to get.

        That is the pump before it, and whichever began when there was another number of pumps: the
        terminals were spread otherwise then.
        """
        note = {"pid": pid, "of": self._count}
        with self._fencing:
            for other in self._deposits.names(_PREFIX):
                old = self._deposits.find(other)
                if old is None or (other != name and old.note.get("of", 1) == self._count):
                    continue
                if old.note == note and not has_ended(old.fds[0], 0):
                    return
                self._end(other, old)
            self._deposits.put(name, [os.pidfd_open(pid)], note)

    def _end(self, name: str, old: Deposit) -> None:
        if not has_ended(old.fds[0], 0):
            log.warning("pump.fenced", pump=name, pid=old.note["pid"])
            with suppress(ProcessLookupError):  # it went by itself
                signal.pidfd_send_signal(old.fds[0], signal.SIGKILL)
            if not has_ended(old.fds[0], _FENCE_TIMEOUT_S):
                raise Problem("pump-busy", "The old carrier of the terminals can't be ended.")
        self._deposits.drop(name)


def message(body: dict[str, Any], fds: Sequence[int] = ()) -> Message:
    """A message with copies of descriptors, which nobody can close before it is sent."""
    return Message(body, Descriptors([os.dup(fd) for fd in fds]))


def has_ended(pidfd: int, timeout_s: float) -> bool:
    """Whether a process has ended, or does within the time."""
    poll = select.poll()
    poll.register(pidfd, select.POLLIN)
    return bool(poll.poll(timeout_s * 1000))
