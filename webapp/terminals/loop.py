"""One epoll, timers, and a callback for each descriptor: all that the pump is built on."""

from __future__ import annotations

import heapq
import itertools
import os
import select
import time
from collections.abc import Callable

IN, OUT = select.EPOLLIN, select.EPOLLOUT

LINGER_S = 0.0001  # a key's echo takes less, and a processor that has gone to sleep as long to wake
EVENTS_MOST = 256  # of one turn; the kernel keeps the others for the next

Ready = Callable[[int], None]
Action = Callable[[], None]


class Loop:
    """Calls back when a descriptor is ready or a time has come; never blocks in between."""

    __slots__ = (
        "_epoll",
        "_is_running",
        "_lingers",
        "_masks",
        "_may_linger",
        "_order",
        "_ready",
        "_timers",
        "_wake_fd",
        "now",
    )

    def __init__(self) -> None:
        self._epoll = select.epoll()
        self._ready: dict[int, Ready] = {}
        self._masks: dict[int, int] = {}
        self._timers: list[tuple[float, int, Action]] = []
        self._order = itertools.count()
        self._is_running = self._lingers = False
        self._may_linger = len(os.sched_getaffinity(0)) > 1  # else nobody could do what is awaited
        self.now = time.monotonic()
        self._wake_fd = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        self.watch(self._wake_fd, IN, lambda _: None)

    def watch(self, fd: int, mask: int, ready: Ready) -> None:
        """Call `ready(events)` while `fd` is in a state of `mask`; a mask of 0 forgets it.

        Epoll reports a hang-up whether asked or not, so a descriptor nobody wants to hear of is
        taken out.
        """
        if mask == self._masks.get(fd, 0):
            return
        if not mask:
            self.forget(fd)
        elif fd in self._masks:
            self._epoll.modify(fd, mask)
            self._masks[fd] = mask
        else:
            self._epoll.register(fd, mask)
            self._masks[fd], self._ready[fd] = mask, ready

    def forget(self, fd: int) -> None:
        """Take `fd` out; must be called before it is closed."""
        if self._masks.pop(fd, 0):
            self._epoll.unregister(fd)
            del self._ready[fd]

    def later(self, delay_s: float, action: Action) -> None:
        """Call `action` once, after `delay_s`."""
        heapq.heappush(self._timers, (self.now + delay_s, next(self._order), action))

    def every(self, period_s: float, action: Action) -> None:
        """Call `action` again and again."""

        def again() -> None:
            self.later(period_s, again)
            action()

        self.later(period_s, again)

    def stop(self) -> None:
        """Let `run` return after this turn; a signal handler may call it."""
        self._is_running = False
        os.eventfd_write(self._wake_fd, 1)

    def run(self) -> None:
        """Turn until `stop`."""
        self._is_running = True
        while self._is_running:
            self.turn(1.0)

    def turn(self, longest_s: float) -> None:
        """Wait for what comes first, and call it."""
        wait = longest_s
        if self._timers and (due := self._timers[0][0] - self.now) < wait:
            wait = max(0.0, due)
        events = self._linger() if self._lingers else []
        events = events or self._epoll.poll(wait, EVENTS_MOST)
        self.now = time.monotonic()
        for fd, mask in events:
            ready = self._ready.get(fd)  # an earlier callback of this turn may have forgotten it
            if ready:
                ready(mask)
        while self._timers and self._timers[0][0] <= self.now:
            heapq.heappop(self._timers)[2]()

    def linger(self) -> None:
        """Stay awake for a moment before the next sleep: something comes at once, most likely."""
        self._lingers = self._may_linger

    def _linger(self) -> list[tuple[int, int]]:
        self._lingers = False
        events: list[tuple[int, int]] = []
        until = time.monotonic() + LINGER_S
        while not events and time.monotonic() < until:
            events = self._epoll.poll(0, EVENTS_MOST)
        return events

    def close(self) -> None:
        """Give the descriptors back."""
        self._epoll.close()
        os.close(self._wake_fd)
