"""Watches the labs: one that died, one whose time is over, one that met a limit."""

from __future__ import annotations

import os
import select
import threading
import time
from typing import TYPE_CHECKING

import structlog

from runtime.kernel.spawn import ProgramFailed
from runtime.labs.refusals import RefusalNews
from runtime.labs.verdicts import Verdicts
from runtime.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Callable

    from runtime.events import Events
    from runtime.labs.life import Parts
    from runtime.labs.state import Lab
    from runtime.limits.amounts import Hits

log = structlog.get_logger()

_LOOK_S = 1.0
_QUIET_S = 10.0  # a program that forks in a loop meets the limit a thousand times a second


class Watch:
    """One thread for all labs: it wakes when a process 1 ends, and once a second.

    Args:
        parts: the rooms.
        events: hears `lab.limit`.
        on_death: called, in a thread of its own, for a lab whose process 1 is gone.
        on_expiry: the same for a lab whose time is over.
    """

    def __init__(
        self,
        parts: Parts,
        events: Events,
        on_death: Callable[[Lab], None],
        on_expiry: Callable[[Lab], None],
    ) -> None:
        self._parts = parts
        self._events = events
        self._on_death = on_death
        self._on_expiry = on_expiry
        self._verdicts = Verdicts()
        self._refusals = RefusalNews(parts.router)
        self._epoll = select.epoll()
        self._lock = threading.Lock()
        self._watched: dict[int, Lab] = {}
        self._seen: dict[str, Hits] = {}
        self._told_at: dict[tuple[str, str], float] = {}
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watch", daemon=True)

    def start(self) -> None:
        """Begin to watch."""
        self._thread.start()

    def stop(self) -> None:
        """Watch no more; labs live on."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()
        self._verdicts.close()

    def add(self, lab: Lab) -> None:
        """Watch a lab that runs; what it met before doesn't count."""
        pidfd = os.pidfd_open(lab.pid)
        with self._lock:
            self._watched[pidfd] = lab
            self._seen[lab.id] = self._parts.place.hits(lab.id)
            self._epoll.register(pidfd, select.EPOLLIN)

    def discard(self, lab: Lab) -> None:
        """Watch a lab no more, since it is being ended."""
        with self._lock:
            for pidfd in [fd for fd, watched in self._watched.items() if watched is lab]:
                self._epoll.unregister(pidfd)
                os.close(pidfd)
                del self._watched[pidfd]
            self._seen.pop(lab.id, None)
            for told in [told for told in self._told_at if told[0] == lab.id]:
                del self._told_at[told]

    def _run(self) -> None:
        while not self._stopping.is_set():
            ready = self._epoll.poll(_LOOK_S)
            with self._lock:
                labs = dict(self._watched)
                for pidfd, _ in ready:
                    self._epoll.modify(pidfd, 0)  # once is enough; `discard` follows
            for pidfd, _ in ready:
                if pidfd in labs:
                    self._apart(self._on_death, labs.pop(pidfd))
            now = time.time()
            for lab in labs.values():
                if lab.until is not None and lab.until <= now:
                    self._apart(self._on_expiry, lab)
                else:
                    self._look_at(lab)
            by_id = {str(lab.id): lab for lab in labs.values()}
            for lab_id, limit, sentence in self._refusals.look():
                if lab_id in by_id:
                    self._tell(by_id[lab_id], limit, sentence)

    def _look_at(self, lab: Lab) -> None:
        hits = self._parts.place.hits(lab.id)
        seen = self._seen.get(lab.id)
        if seen is None:  # it is being ended
            return
        self._seen[lab.id] = hits
        limits = lab.shape.limits
        if hits.memory_kills > seen.memory_kills:
            program = self._verdicts.killed_in(lab.id)
            size = f"{limits.memory_bytes >> 20} MB"
            self._tell(
                lab,
                "memory",
                f"{program} was ended: memory limit. "
                f"Your container reached its {size}. Nothing else stopped.",
            )
        if hits.pids_refused > seen.pids_refused:
            self._tell(
                lab,
                "pids",
                f"No more processes: your container reached its {limits.pids}. "
                "End some with kill, or close a terminal.",
            )

    def _tell(self, lab: Lab, limit: str, sentence: str) -> None:
        now = time.monotonic()
        if now - self._told_at.get((lab.id, limit), -_QUIET_S) < _QUIET_S:
            return
        self._told_at[lab.id, limit] = now
        log.info("lab.limit_met", lab=lab.id, limit=limit)
        self._events.tell("lab.limit", lab=lab.id, limit=limit, sentence=sentence)
        self._parts.terminals.notice(lab.id, sentence)

    @staticmethod
    def _apart(action: Callable[[Lab], None], lab: Lab) -> None:
        """Ending a lab may take seconds; the others are watched meanwhile."""

        def run() -> None:
            try:
                action(lab)
            except (OSError, Problem, ProgramFailed):
                log.exception("lab.end_failed", lab=lab.id)

        threading.Thread(target=run, name=f"end-{lab.id}", daemon=True).start()
