"""Something that is done again and again, in a thread of its own."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import structlog

if TYPE_CHECKING:
    from collections.abc import Callable

log = structlog.get_logger()

_ODD = (OSError, ValueError, LookupError)  # what is looked at may go while it is, or be strange


class Turns:
    """A thread that takes turns until it is stopped; one that fails ends nothing.

    Args:
        name: the thread's.
        pause_s: between two turns.
        take: one of them.
        failed: the event that is logged of the first of a row of turns that failed.
    """

    def __init__(self, name: str, pause_s: float, take: Callable[[], None], failed: str) -> None:
        self._pause_s = pause_s
        self._take = take
        self._failed = failed
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Begin, with a pause."""
        self._thread.start()

    def stop(self) -> None:
        """Take no turn more; returns when none is being taken."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()

    def are_stopped_within(self, pause_s: float) -> bool:
        """Wait in the midst of a turn; whether there shall be no more of it."""
        return self._stopping.wait(pause_s)

    def _run(self) -> None:
        has_failed = False
        while not self._stopping.wait(self._pause_s):
            try:
                self._take()
                has_failed = False
            except _ODD:
                if not has_failed:
                    log.exception(self._failed)
                has_failed = True
