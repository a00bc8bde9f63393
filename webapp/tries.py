"""Wrong tries, counted by browser and by what was tried for, never by address.

A school has one address.
Only failures count. The pauses grow; what is counted is forgotten at a restart.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass

from limits import RateLimitItem, parse_many
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

from webapp.problems import slow_down


@dataclass(frozen=True)
class Allowance:
    """How many wrong tries are taken, as `limits` spells it; longer windows make longer pauses.

    Attributes:
        by_browser: for each browser and each thing that is tried for.
        by_target: for everyone together who tries for the same thing, since a new browser is a
            cookie away.
    """

    name: str
    by_browser: str
    by_target: str


CODES = Allowance("code", "10/minute;30/10 minutes;60/hour", "100000/hour")
PINS = Allowance("pin", "5/2 minutes;8/10 minutes;12/hour", "40/hour")
PASSWORDS = Allowance("password", "5/minute;10/10 minutes;20/hour", "60/hour")


class Tries:
    """Remembers failures; asked before a try, told after a wrong one."""

    def __init__(self) -> None:
        self._limiter = MovingWindowRateLimiter(MemoryStorage())

    def require_allowed(self, allowance: Allowance, browser: str, target: str) -> None:
        """Lets a try pass, or says how long to wait.

        Raises:
            Problem: `slow-down`.
        """
        waits = [
            self._limiter.get_window_stats(limit, *who).reset_time - time.time()
            for limit, who in self._counted(allowance, browser, target)
            if not self._limiter.test(limit, *who)
        ]
        if waits:
            raise slow_down(max(1, math.ceil(max(waits))))

    def failed(self, allowance: Allowance, browser: str, target: str) -> int:
        """Counts a wrong try; gives how many more are taken before the first pause."""
        left = []
        for limit, who in self._counted(allowance, browser, target):
            self._limiter.hit(limit, *who)
            left.append(self._limiter.get_window_stats(limit, *who).remaining)
        return min(left)

    def _counted(
        self, allowance: Allowance, browser: str, target: str
    ) -> list[tuple[RateLimitItem, tuple[str, ...]]]:
        by_browser: list[tuple[RateLimitItem, tuple[str, ...]]] = [
            (limit, (allowance.name, "browser", browser, target))
            for limit in parse_many(allowance.by_browser)
        ]
        by_target: list[tuple[RateLimitItem, tuple[str, ...]]] = [
            (limit, (allowance.name, "target", target)) for limit in parse_many(allowance.by_target)
        ]
        return by_browser + by_target
