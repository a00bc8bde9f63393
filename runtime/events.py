"""What happened, numbered: the web follows along, and after a pause goes on where it stopped."""

from __future__ import annotations

import threading
import time
from collections import deque
from typing import Any

BACKLOG = 2000


class Events:
    """A bounded list of what happened, that any number of callers can follow.

    Numbers begin at the clock's milliseconds, so those of a new runtime are above those of the one
    before it, and a cursor from there reads `runtime.started` first.
    """

    def __init__(self, backlog: int = BACKLOG) -> None:
        self._events: deque[dict[str, Any]] = deque(maxlen=backlog)
        self._seq = int(time.time() * 1000)
        self._dropped = self._seq
        self._closed = False
        self._news = threading.Condition()

    @property
    def newest(self) -> int:
        """The number of the last event; to follow from now on."""
        return self._seq

    @property
    def closed(self) -> bool:
        """Whether no event will come any more."""
        return self._closed

    def tell(self, kind: str, lab: str | None = None, **fields: object) -> None:
        """Add an event of `kind` (docs/reference.md) and wake the callers that wait for one."""
        with self._news:
            if len(self._events) == self._events.maxlen:
                self._dropped = self._events[0]["seq"]
            self._seq += 1
            event = {"seq": self._seq, "at": time.time(), "type": kind, "lab": lab, **fields}
            self._events.append(event)
            self._news.notify_all()

    def after(self, cursor: int, timeout_s: float) -> list[dict[str, Any]]:
        """The events after `cursor`, at once or when the first comes; empty when none came.

        Where some of them are no longer kept, the first is `events.missed`: the caller has to look
        at everything anew.
        """
        with self._news:
            self._news.wait_for(lambda: self._seq > cursor or self._closed, timeout_s)
            found = [event for event in self._events if event["seq"] > cursor]
            if cursor < self._dropped and cursor < self._first_seq() - 1:
                found.insert(0, self._missed())
            return found

    def close(self) -> None:
        """Let everybody who waits go home."""
        with self._news:
            self._closed = True
            self._news.notify_all()

    def _first_seq(self) -> int:
        return self._events[0]["seq"] if self._events else self._seq + 1

    def _missed(self) -> dict[str, Any]:
        return {
            "seq": self._first_seq() - 1,
            "at": time.time(),
            "type": "events.missed",
            "lab": None,
        }
