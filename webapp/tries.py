"""Wrong tries, counted by browser and by what was tried for, never by address.

A school has one address.
Only failures count. The pauses grow; what is counted is forgotten at a restart, which nobody
outside can bring about (docs/security.md says what that gives a guesser).
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
            cookie away. A browser that once was right is left out, so that a stranger's guesses
            don't lock the owner out.
    """

    name: str
    by_browser: str
    by_target: str


# Of codes there are 450 million: a common allowance would only be a way to lock a class out.
CODES = Allowance("code", "10/minute;30/10 minutes;60/hour", "")
PINS = Allowance("pin", "5/2 minutes;8/10 minutes;12/hour", "20/hour")
NAMES = Allowance("name", PINS.by_browser, "")  # PINs for a name that nobody has
PASSWORDS = Allowance("password", "5/minute;10/10 minutes;20/hour", "60/hour")


class Tries:
    """Remembers failures; asked before a try, told after a wrong one.

    Args:
        browsers_most: how many browsers' failures are remembered, some kilobytes each. Beyond it
            all of them are forgotten: whoever has so many browsers was held by none of the counts,
            and what counts for everyone together is kept.
    """

    def __init__(self, browsers_most: int = 10_000) -> None:
        self._browsers_most = browsers_most
        self._browsers: set[str] = set()
        self._by_browser = MovingWindowRateLimiter(MemoryStorage())
        self._by_target = MovingWindowRateLimiter(MemoryStorage())
        self._proven: set[tuple[str, str, str]] = set()

    def require_allowed(self, allowance: Allowance, browser: str, target: str) -> None:
        """Lets a try pass, or says how long to wait.

        Raises:
            Problem: `slow-down`.
        """
        waits = [
            (limiter.get_window_stats(limit, *who).reset_time - time.time(), who[1])
            for limiter, limit, who in self._counted(allowance, browser, target)
            if not limiter.test(limit, *who)
        ]
        if waits:
            wait_s, by = max(waits)
            where = "in this browser" if by == "browser" else "for this name"
            raise slow_down(max(1, math.ceil(wait_s)), where)

    def failed(self, allowance: Allowance, browser: str, target: str) -> int:
        """Counts a wrong try; gives how many more are taken before the first pause."""
        left = []
        for limiter, limit, who in self._counted(allowance, browser, target):
            limiter.hit(limit, *who)
            left.append(limiter.get_window_stats(limit, *who).remaining)
        self._browsers.add(browser)
        if len(self._browsers) > self._browsers_most:
            self._browsers = set()
            self._by_browser = MovingWindowRateLimiter(MemoryStorage())
        return min(left)

    def succeeded(self, allowance: Allowance, browser: str, target: str) -> None:
        """Remembers that this browser was right: from now on only its own wrong tries count."""
        self._proven.add((allowance.name, browser, target))

    def _counted(
        self, allowance: Allowance, browser: str, target: str
    ) -> list[tuple[MovingWindowRateLimiter, RateLimitItem, tuple[str, ...]]]:
        counted: list[tuple[MovingWindowRateLimiter, RateLimitItem, tuple[str, ...]]] = [
            (self._by_browser, limit, (allowance.name, "browser", browser, target))
            for limit in parse_many(allowance.by_browser)
        ]
        if allowance.by_target and (allowance.name, browser, target) not in self._proven:
            counted += [
                (self._by_target, limit, (allowance.name, "target", target))
                for limit in parse_many(allowance.by_target)
            ]
        return counted
