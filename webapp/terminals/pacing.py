"""How much of one stream is read in one turn, so that a flood doesn't delay another's keystroke.

Measured: a turn of 64 KiB carries most, but a neighbour's echo then waits for 16 and more reads of
    slow tty work; 8 KiB each 4 ms cuts its p99 sevenfold and is still more than a browser draws.
"""

from __future__ import annotations

import math

FULL_BYTES = 64 * 1024
SHARED_BYTES = 8 * 1024
SHARED_HOLD_S = 0.004
_TYPING_S = 1.0


class Pacing:
    """Remembers who typed last, for all terminals of the pump: that one, and the last other one."""

    __slots__ = ("_last", "_other")

    def __init__(self) -> None:
        self._last = self._other = ("", -math.inf)

    def typed(self, terminal: str, now: float) -> None:
        """Somebody pressed a key in `terminal`."""
        if terminal != self._last[0]:
            self._other = self._last
        self._last = (terminal, now)

    def turn(self, terminal: str, now: float) -> tuple[int, float]:
        """What `terminal` may read now, and how long it then rests if it used all of it."""
        _, typed_at = self._other if terminal == self._last[0] else self._last
        if now - typed_at < _TYPING_S:
            return SHARED_BYTES, SHARED_HOLD_S
        return FULL_BYTES, 0.0
