"""The one pump that reads every terminal: told of each by message, known by its process."""

from __future__ import annotations

import os
import queue
import select
import signal
import threading
from typing import TYPE_CHECKING, Any, NamedTuple

import structlog

from runtime.problems import Problem
from runtime.protocol import Descriptors

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from runtime.deposits import Deposits
    from runtime.protocol import Call

log = structlog.get_logger()

_DEPOSIT = "pump"
_FENCE_TIMEOUT_S = 5


class Message(NamedTuple):
    """What the pump shall know; its descriptors are copies, closed once they are sent."""

    body: dict[str, Any]
    descriptors: Descriptors


class PumpLink:
    """Hands terminals to the pump that registered last, after the one before it is dead.

    Two readers of one pty would steal each other's bytes. So a pump's process is remembered by a
    pidfd (with the keeper, for the next runtime), and a new pump gets nothing while the old lives.

    Args:
        deposits: keeps the pidfd.
        current: what a pump has to know from the start; it may take locks under which nobody posts.
    """

    def __init__(self, deposits: Deposits, current: Callable[[], list[Message]]) -> None:
        self._deposits = deposits
        self._current = current
        self._queue: queue.SimpleQueue[Message] | None = None
        self._lock = threading.Lock()

    def post(self, body: dict[str, Any], fds: Sequence[int] = ()) -> None:
        """Tell the pump, if there is one; the descriptors stay the caller's own."""
        with self._lock:
            if self._queue:
                self._queue.put(message(body, fds))

    def serve(self, call: Call, name: str) -> None:
        """Be the link of this call's pump until it hangs up or another takes its place.

        Raises:
            Problem: `pump-busy`, when the pump before it can't be ended.
        """
        self._fence(call.peer.pid)
        mine: queue.SimpleQueue[Message] = queue.SimpleQueue()
        with self._lock:  # so that nothing is posted between what was there and what comes
            self._queue = mine
            for news in self._current():
                mine.put(news)
        log.info("pump.registered", pump=name, pid=call.peer.pid)
        call.event({"type": "hello"})
        while self._queue is mine and not call.is_gone():
            self._pass_on(call, mine)

    def _pass_on(self, call: Call, mine: queue.SimpleQueue[Message]) -> None:
        try:
            news = mine.get(timeout=0.5)
        except queue.Empty:
            return
        with news.descriptors:
            call.event(news.body, list(news.descriptors))

    def _fence(self, pid: int) -> None:
        old = self._deposits.find(_DEPOSIT)
        if old and old.note["pid"] == pid and not has_ended(old.fds[0], 0):
            return
        if old and not has_ended(old.fds[0], 0):
            log.warning("pump.fenced", pid=old.note["pid"])
            signal.pidfd_send_signal(old.fds[0], signal.SIGKILL)
            if not has_ended(old.fds[0], _FENCE_TIMEOUT_S):
                raise Problem("pump-busy", "The old carrier of the terminals can't be ended.")
        self._deposits.put(_DEPOSIT, [os.pidfd_open(pid)], {"pid": pid})


def message(body: dict[str, Any], fds: Sequence[int] = ()) -> Message:
    """A message with copies of descriptors, which nobody can close before it is sent."""
    return Message(body, Descriptors([os.dup(fd) for fd in fds]))


def has_ended(pidfd: int, timeout_s: float) -> bool:
    """Whether a process has ended, or does within the time."""
    poll = select.poll()
    poll.register(pidfd, select.POLLIN)
    return bool(poll.poll(timeout_s * 1000))
