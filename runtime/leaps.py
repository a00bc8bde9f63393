"""A clock that is set while people work: noticed by comparing it with one that nobody can set."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

LEAST_S = 30.0
"""What is less is no leap: somebody who keeps the clock moves it by that much, and nobody minds."""

SPARED_S = 120.0
"""So long labs, and what viewers may, are kept after a leap: by then the web has said their end."""


def since_boot() -> float:
    """Seconds, those that the machine slept included: only a clock that was set leaps beside it."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class Leaps:
    """How far the clock leapt between two looks.

    Args:
        steady: a clock that is never set; `time.monotonic` stands still while the machine sleeps.
        clock: the one that may be.
    """

    def __init__(self, steady: Callable[[], float], clock: Callable[[], float] = time.time) -> None:
        self._steady = steady
        self._clock = clock
        self._ahead = clock() - steady()

    def look(self) -> float:
        """By how many seconds it leapt since the last look, back if less than 0; mostly 0."""
        ahead = self._clock() - self._steady()
        leap_s, self._ahead = ahead - self._ahead, ahead
        return leap_s if abs(leap_s) >= LEAST_S else 0.0


def least_until(until: float, leap_s: float, warned_s: float) -> float:
    """Until when something is kept at least after a leap forward: as long as it had, or a warning.

    Args:
        until: its end, which may have been passed by.
        leap_s: what the clock leapt.
        warned_s: how long before its end its owner is warned.
    """
    now = time.time()
    return max(until, now + min(until - (now - leap_s), warned_s))
