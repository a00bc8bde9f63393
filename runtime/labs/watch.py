"""Watches the labs: one that died, one whose time is over, one that met a limit."""

from __future__ import annotations

import os
import select
import threading
import time
from typing import TYPE_CHECKING

import structlog

from runtime.kernel.spawn import ProgramFailed
from runtime.labs.deadlines import Deadlines
from runtime.labs.floods import FloodWatch
from runtime.labs.limit_news import LimitNews, News
from runtime.labs.locks import LockWatch
from runtime.labs.refusals import RefusalNews
from runtime.labs.unread import UnreadWatch
from runtime.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Callable

    from runtime.events import Events
    from runtime.labs.parts import Parts
    from runtime.labs.state import Lab, LabId
    from runtime.labs.verdicts import Verdicts

log = structlog.get_logger()

_LOOK_S = 1.0
_MEND_S = 5.0
_DISK_LOOK_S = 0.1
_DISK_LOOK_EACH_S = 0.002  # so that many labs don't cost more
_FILLING_LOOK_S = 0.004  # a command that fills its disk and removes the file is over in an instant


class Watch:
    """One thread for all labs: it wakes when a process 1 ends, and some times a second.

    Args:
        parts: the rooms.
        events: hears `lab.limit`.
        verdicts: tells which program was ended for memory.
        on_death: called, in a thread of its own, for a lab whose process 1 is gone.
        on_expiry: the same for a lab whose time is over.
        extend: lets a lab live until another time.
        mend: called now and then with all labs, to put back limits that somebody took away.
    """

    def __init__(
        self,
        parts: Parts,
        events: Events,
        verdicts: Verdicts,
        on_death: Callable[[Lab], None],
        on_expiry: Callable[[Lab], None],
        extend: Callable[[LabId, float], object],
        mend: Callable[[list[Lab]], None],
    ) -> None:
        self._parts = parts
        self._events = events
        self._news = LimitNews(parts, events, verdicts)
        self._refusals = RefusalNews(parts.router)
        self._unread = UnreadWatch(parts.place, self.tell, parts.devices.node("/dev/net/tun"))
        self._locks = LockWatch(parts.place, self.tell)
        self._floods = FloodWatch(parts.place, parts.terminals, self._news.tell_of_flood)
        self._deadlines = Deadlines(self.tell, extend)
        self._on_death = on_death
        self._on_expiry = on_expiry
        self._mend = mend
        self._epoll = select.epoll()
        self._lock = threading.Lock()
        self._watched: dict[int, Lab] = {}
        self._filling: set[str] = set()
        self._look_at = self._look_at_disks = self._mend_at = 0.0
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watch", daemon=True)

    def start(self) -> None:
        """Begin to watch."""
        self._thread.start()
        self._unread.start()
        self._floods.start()

    def stop(self) -> None:
        """Watch no more; labs live on."""
        self._stopping.set()
        self._unread.stop()
        self._floods.stop()
        if self._thread.is_alive():
            self._thread.join()

    def add(self, lab: Lab) -> None:
        """Watch a lab that runs; what it met before doesn't count."""
        pidfd = os.pidfd_open(lab.pid)
        with self._lock:
            if lab.state == "ending":  # it was discarded before it came here
                os.close(pidfd)
                return
            self._watched[pidfd] = lab
            self._news.add(lab)
            self._epoll.register(pidfd, select.EPOLLIN)
        self._unread.add(lab)
        self._floods.add(lab)

    def discard(self, lab: Lab) -> None:
        """Watch a lab no more, since it is being ended.

        What its sockets hold is looked at until it is `gone`: ending a machine may take seconds.
        """
        self._floods.discard(lab)
        with self._lock:
            for pidfd in [fd for fd, watched in self._watched.items() if watched is lab]:
                self._epoll.unregister(pidfd)
                os.close(pidfd)
                del self._watched[pidfd]
            self._news.discard(lab)
            self._filling.discard(lab.id)
            self._deadlines.forget(lab)

    def gone(self, lab: Lab) -> None:
        """Let go of a lab that has no process any more."""
        self._unread.discard(lab)

    def tell(self, lab: Lab, news: News) -> None:
        """Say something in a lab's terminals and to the web."""
        self._news.tell(lab, news)

    def disk_full(self, lab_id: str) -> int:
        """How often a lab's disk was seen to become full."""
        return self._news.disk_full(lab_id)

    def _run(self) -> None:
        while not self._stopping.is_set():
            ready = self._epoll.poll(self._pause_s())
            with self._lock:
                labs = dict(self._watched)
                for pidfd, _ in ready:
                    if pidfd in labs:
                        self._epoll.modify(pidfd, 0)  # once is enough; `discard` follows
            for pidfd, _ in ready:
                if pidfd in labs:
                    self._apart(self._on_death, labs.pop(pidfd))
            try:
                self._look(list(labs.values()))
            except OSError:  # a lab that ends takes its files along while we read them
                log.exception("labs.look_failed")

    def _pause_s(self) -> float:
        if self._filling:
            return _FILLING_LOOK_S
        return max(_DISK_LOOK_S, len(self._watched) * _DISK_LOOK_EACH_S)

    def _look(self, labs: list[Lab]) -> None:
        now = time.monotonic()
        is_due = now >= self._look_at
        is_disk_due = is_due or now >= self._look_at_disks
        if is_due:
            self._look_at = now + _LOOK_S
        if is_disk_due:
            self._look_at_disks = now + _DISK_LOOK_S
        over = set()
        for lab in self._deadlines.over(labs) if is_due else ():
            self._apart(self._on_expiry, lab)
            over.add(lab.id)
        for lab in labs:
            if is_due and lab.id not in over:
                self._news.look(lab)
            if not is_disk_due and lab.id not in self._filling:
                continue
            if self._news.look_at_disk(lab):
                self._filling.add(lab.id)
            else:
                self._filling.discard(lab.id)
        if is_due:
            self._tell_refusals({str(lab.id): lab for lab in labs})
            self._locks.look(labs)
        if now >= self._mend_at:
            self._mend_at = now + _MEND_S
            self._mend(labs)

    def _tell_refusals(self, labs: dict[str, Lab]) -> None:
        for lab_id, limit, sentence in self._refusals.look():
            if lab_id in labs:
                what, _, then = sentence.partition(". ")
                self._news.tell(labs[lab_id], News(limit, f"{what.rstrip('.')}.", then))

    @staticmethod
    def _apart(action: Callable[[Lab], None], lab: Lab) -> None:
        """Ending a lab may take seconds; the others are watched meanwhile."""

        def run() -> None:
            try:
                action(lab)
            except (OSError, Problem, ProgramFailed):
                log.exception("lab.end_failed", lab=lab.id)

        threading.Thread(target=run, name=f"end-{lab.id}", daemon=True).start()
