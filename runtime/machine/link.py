"""One thread that listens to every machine: its guest, its qemu, its end, its console's size."""

from __future__ import annotations

import os
import select
import termios
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING

import structlog

if TYPE_CHECKING:
    from collections.abc import Callable

    from runtime.machine.agent import Agent
    from runtime.machine.monitor import Monitor

log = structlog.get_logger()

_LOOK_S = 0.2  # a console follows its window no later than this
_CLOCK_S = 10.0
# What one guest may say between two looks; who says more waits for the next.
_SAID_BYTES = 1 << 20


class Link:
    """What ties one machine to us.

    Args:
        agent: the talk with its guest.
        monitor: the talk with its qemu.
        pidfd: of qemu; ours.
        console_fd: the near side of its console; stays the caller's.
        is_paused: whether its lab is; a guest that boots goes on until it is awake.
        on_end: called once, in the thread, when qemu is over.
    """

    def __init__(
        self,
        agent: Agent,
        monitor: Monitor,
        pidfd: int,
        console_fd: int,
        is_paused: Callable[[], bool],
        on_end: Callable[[], None],
    ) -> None:
        self.agent = agent
        self.monitor = monitor
        self.pidfd = pidfd
        self.on_end = on_end
        self._is_paused = is_paused
        self._stands_still: bool | None = None  # whoever was here before may have stopped it
        self._console_fd = os.dup(console_fd)
        self._size = (0, 0)
        self._told_at = time.monotonic()
        self.is_awake = False

    def tick(self, now: float) -> None:
        """Tell the guest what has changed: the window's size, and from time to time the clock."""
        if not self.is_awake or self._rests():
            return
        with suppress(OSError, termios.error):
            size = termios.tcgetwinsize(self._console_fd)
            if size != self._size and size != (0, 0):
                self._size = size
                self.agent.resize(*size)
        if now - self._told_at > _CLOCK_S:
            self._told_at = now
            self.agent.tell_time()

    def _rests(self) -> bool:
        """Stop or continue the guest as its lab is; its clock is set as soon as it goes on."""
        is_paused = self._is_paused()
        if is_paused != self._stands_still:
            self._stands_still = is_paused
            if is_paused:
                self.monitor.stop()
            else:
                self.monitor.cont()
                self.agent.tell_time()
        return is_paused

    def close(self) -> None:
        """Let go of everything; who waits for the guest is told."""
        self.agent.close()
        self.monitor.close()
        os.close(self.pidfd)
        os.close(self._console_fd)


class Listener:
    """The thread; add and discard from any."""

    def __init__(self) -> None:
        self._epoll = select.epoll()
        self._lock = threading.RLock()
        self._links: set[Link] = set()
        self._by_fd: dict[int, tuple[Link, Callable[[], bool]]] = {}
        self._resting: set[Link] = set()
        self._looked_at = time.monotonic()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="machines", daemon=True)

    def start(self) -> None:
        """Begin to listen."""
        self._thread.start()

    def stop(self) -> None:
        """Listen no more; the machines go on."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()
        for link in list(self._links):
            self.discard(link)

    def add(self, link: Link) -> None:
        """Listen to a machine."""
        with self._lock:
            self._links.add(link)
            for fd, heard in (
                (link.agent.fileno(), link.agent.read),
                (link.monitor.fileno(), link.monitor.read),
                (link.pidfd, lambda: False),
            ):
                self._by_fd[fd] = (link, heard)
                self._epoll.register(fd, select.EPOLLIN)

    def discard(self, link: Link) -> None:
        """Listen to it no more, and close what it had; done already is done."""
        with self._lock:
            if link not in self._links:
                return
            self._links.discard(link)
            self._resting.discard(link)
            for fd in [fd for fd, (owner, _) in self._by_fd.items() if owner is link]:
                self._forget(fd)
            link.close()

    def _forget(self, fd: int) -> None:
        del self._by_fd[fd]
        with suppress(OSError):
            self._epoll.unregister(fd)

    def _run(self) -> None:
        while not self._stopping.is_set():
            ready = self._epoll.poll(_LOOK_S if self._links else 1.0)
            ended: list[Link] = []
            with self._lock:
                # qemu's last words before its end: pidfds are looked at after all else.
                for fd, _ in ready:
                    if fd not in self._by_fd:
                        continue
                    link, heard = self._by_fd[fd]
                    if fd == link.pidfd:
                        ended.append(link)
                        self._forget(fd)
                    elif not self._hears(link, heard):
                        self._forget(fd)
                    elif fd == link.agent.fileno() and link.agent.spent_bytes > _SAID_BYTES:
                        self._epoll.modify(fd, 0)
                        self._resting.add(link)
                now = time.monotonic()
                if now - self._looked_at >= _LOOK_S:
                    self._looked_at = now
                    self._look(now)
            for link in ended:
                self._finish(link)

    def _hears(self, link: Link, heard: Callable[[], bool]) -> bool:
        """Whether there is more to come; what one guest says ends this thread for no other."""
        try:
            return heard()
        except Exception:
            log.exception("machine.misheard", pidfd=link.pidfd)
            return False

    def _look(self, now: float) -> None:
        for link in self._links:
            link.tick(now)
            link.agent.spent_bytes = max(link.agent.spent_bytes - _SAID_BYTES, 0)
        for link in [each for each in self._resting if each.agent.spent_bytes <= _SAID_BYTES]:
            self._resting.discard(link)
            if link.agent.fileno() in self._by_fd:
                self._epoll.modify(link.agent.fileno(), select.EPOLLIN)

    def _finish(self, link: Link) -> None:
        if (fd := link.monitor.fileno()) in self._by_fd:
            more = select.poll()  # select(2) knows no descriptor above 1023
            more.register(fd, select.POLLIN)
            while link.monitor.read() and more.poll(0):
                pass
        link.on_end()
