"""When labs end: each is warned of it before, and none ends because the clock was set."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import TYPE_CHECKING

import structlog

from runtime.labs.limit_news import News
from runtime.leaps import SPARED_S, Leaps, least_until
from runtime.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from runtime.labs.state import Lab, LabId

log = structlog.get_logger()

_WARNINGS_S = (600.0, SPARED_S)
_QUIET_S = 5.0
"""After a leap nobody is warned for so long: by then the web has said when labs end now."""


class Deadlines:
    """Knows whose time is over.

    Args:
        tell: says something in a lab's terminals and to the web.
        extend: lets a lab live until another time.
        leaps: of the clock; a machine that slept has leapt, too.
    """

    def __init__(
        self,
        tell: Callable[[Lab, News], None],
        extend: Callable[[LabId, float], object],
        leaps: Leaps | None = None,
    ) -> None:
        self._tell = tell
        self._extend = extend
        self._leaps = leaps or Leaps(time.monotonic)
        self._warns_at = 0.0
        self._warned: dict[str, float] = {}

    def over(self, labs: Sequence[Lab]) -> Iterator[Lab]:
        """Gives those whose time is over; the others are warned of it when it is near."""
        unix_now = time.time()  # before the look: a leap after it is noticed before it counts
        self._spare(labs, self._leaps.look())
        yield from (lab for lab in labs if self._is_over(lab, unix_now))

    def forget(self, lab: Lab) -> None:
        """It is being ended."""
        self._warned.pop(lab.id, None)

    def _spare(self, labs: Sequence[Lab], leap_s: float) -> None:
        """The clock was set forward, or the machine slept: no lab ends without its last warning."""
        if leap_s <= 0:
            return
        log.warning("clock.leapt", seconds=round(leap_s))
        self._warns_at = time.monotonic() + _QUIET_S
        for lab in labs:
            if lab.until is None:
                continue
            least = least_until(lab.until, leap_s, SPARED_S)
            if least > lab.until:
                with suppress(Problem, OSError):  # it is ending already, or that can't be kept
                    self._extend(lab.id, least)

    def _is_over(self, lab: Lab, unix_now: float) -> bool:
        if lab.until is None:
            return False
        left_s = lab.until - unix_now
        if left_s > 0 and time.monotonic() >= self._warns_at:
            self._warn(lab, lab.until, left_s)
        return left_s <= 0

    def _warn(self, lab: Lab, until: float, left_s: float) -> None:
        due = min((warning for warning in _WARNINGS_S if left_s <= warning), default=0.0)
        if due and self._warned.get(lab.id, until + due) != until + due:
            self._tell(lab, _warning(left_s))
        self._warned[lab.id] = until + due


def _warning(left_s: float) -> News:
    minutes = max(round(left_s / 60), 1)
    what = f"{minutes} minute{'' if minutes == 1 else 's'} left: then your container ends."
    return News("time", what, "Copy what you want to keep; your progress is kept anyway.")
